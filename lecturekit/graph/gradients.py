"""All derivatives of a recorded graph, from PyTorch's own backward pass.

One ``torch.autograd.grad`` over gradient edges gives the gradient of every node. While it runs, a hook on each autograd
node notes what that node sends to each of its inputs: the contributions of the edges. Asking the same of a single
operation, with a one in one place of its result and zeros elsewhere, gives its local derivative, row by row.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..devices import gpus_in_use
from .tape import Record, Tape, ancestors, dense, norm, snapshot

MAX_OPERATIONS = 300  # autograd visits all of a graph for each local derivative: none in graphs larger than this

ELEMENTWISE = set(  # each element of the result depends on one element of each source: a single pass is enough
    "add sub mul div pow neg abs square sqrt exp log sin cos tanh sigmoid relu gelu silu elu leaky_relu softplus "
    "reciprocal where maximum minimum clamp".split()
)


@dataclass
class Results:
    """What one backward pass gave, in small copies: see ``Node.grad``, ``Edge.contribution``, ``Edge.local_grad``."""

    targets: list[Record] = field(default_factory=list)
    grads: dict[Record, tuple] = field(default_factory=dict)  # grad, its norm, shape and dtype of the node
    contributions: dict[tuple[Record, Record], tuple] = field(default_factory=dict)  # by (source, target)
    local_grads: dict[tuple[Record, Record], Tensor] = field(default_factory=dict)


def one_like(record: Record) -> Tensor:
    """The gradient of a scalar with respect to itself."""
    return torch.ones(record.node.shape, dtype=record.node.dtype, device=record.device)


@contextlib.contextmanager
def untouched(tensors):
    """Give the ``.grad`` of tensors that retain it, and the random numbers, back as they were.

    Passes of our own run the hook behind ``retain_grad()``, and an own ``Function.backward`` may draw numbers.
    """
    retained = {id(tensor): tensor for tensor in tensors if tensor.requires_grad and tensor.retains_grad}
    grads = [(tensor, tensor.grad) for tensor in retained.values()]
    for tensor, _ in grads:
        tensor.grad = None
    try:
        with torch.random.fork_rng(devices=gpus_in_use()):
            yield
    finally:
        for tensor, grad in grads:
            tensor.grad = grad


def differentiate(tape: Tape, targets: list[Record], vectors: list[Tensor]) -> Results:
    """Differentiate Σ vector · target with respect to every record behind the targets.

    Nothing is written to any ``.grad`` and the autograd graph is kept. RuntimeError where it was freed before.
    """
    links = {}

    def sources(record):
        if record not in links:
            links[record] = tape.behind(record)
        return links[record][1]

    reached = ancestors(targets, sources)
    live = [record for record in tape.records if record in reached and record.edge is not None]
    one_by_key = {record.key: record.edge for record in live}
    flows: dict[tuple[Record, Record], Tensor] = {}
    users: dict = {}
    for record in live:
        for fn in links[record][0]:
            users.setdefault(fn, []).append(record)
    # Autograd nodes behind several results of one operation cannot tell which of them a gradient came through.
    shared = {record for records in users.values() if len(records) > 1 for record in records}
    alone = {record: links[record][0] for record in live if record not in shared}
    with _watching(alone, flows):
        grads = _grad([record.edge for record in targets], list(one_by_key.values()), vectors)
    by_key = dict(zip(one_by_key, grads, strict=True))

    results = Results(list(targets))
    for record in live:
        grad = by_key[record.key]
        if record in shared and grad is not None:
            flows.update(_through(record, links[record], grad))
        if grad is not None:
            shape, dtype = (record.node.shape, record.node.dtype) if record.ref else (tuple(grad.shape), grad.dtype)
            results.grads[record] = (snapshot(grad, tape.max_elems), norm(grad), shape, dtype)
    for (source, record), flow in flows.items():
        if _same_memory(flow, by_key[source.key]):  # all that arrives comes from here: no need to measure it again
            results.contributions[source, record] = results.grads[source][:2]
        else:
            results.contributions[source, record] = (snapshot(flow, tape.max_elems), norm(flow))
    if sum(record.call is not None for record in live) <= MAX_OPERATIONS:
        for record in live:
            grad = by_key[record.key]
            if links[record][1] and grad is not None and 0 < grad.numel() <= tape.max_elems and not grad.is_complex():
                results.local_grads.update(_local(record, links[record], by_key, tape.max_elems))
    return results


def _grad(outputs: list, inputs: list, vectors: list[Tensor]) -> tuple[Tensor | None, ...]:
    """``torch.autograd.grad``, with the graph kept.

    A vector that is the number 1 goes without saying. For any that is given PyTorch compares shapes with the help of
    sympy, and to import that takes half a second: most of the time of a reader's first picture.
    """
    given = [None if _is_one(vector) else vector for vector in vectors]
    return torch.autograd.grad(outputs, inputs, given, retain_graph=True, allow_unused=True)


def _is_one(vector: Tensor) -> bool:
    plain = vector.layout == torch.strided and vector.is_floating_point() and not vector.is_meta
    return plain and vector.numel() == 1 and vector.item() == 1


def _same_memory(a: Tensor, b: Tensor | None) -> bool:
    if b is None or a.layout != torch.strided or b.layout != torch.strided or a.is_meta or not a.numel():
        return False
    return a.data_ptr() == b.data_ptr() and a.shape == b.shape and a.stride() == b.stride()


@contextlib.contextmanager
def _watching(slots_of: dict, flows: dict):
    """Add what flows along each edge to ``flows``, for the operations of some records."""

    def watch(record, slots):
        def hook(grad_inputs, grad_outputs):
            for i, source in slots:
                if grad_inputs[i] is not None:
                    before = flows.get((source, record))
                    flow = grad_inputs[i].detach()
                    flows[source, record] = flow if before is None else before + flow

        return hook

    handles = []
    try:
        for record, nodes in slots_of.items():
            handles += [fn.register_hook(watch(record, slots)) for fn, slots in nodes.items() if slots]
        yield
    finally:
        for handle in handles:
            handle.remove()


def _through(record: Record, link: tuple[dict, dict], vector: Tensor) -> dict:
    """What one operation sends to its sources if its result receives ``vector``."""
    slots, sources = link
    flows: dict[tuple[Record, Record], Tensor] = {}
    if sources:
        with _watching({record: slots}, flows):
            _grad([record.edge], [source.edge for source in sources], [vector])
    return flows


def _local(record: Record, link: tuple[dict, dict], grads: dict, max_elems: int) -> dict:
    """The local derivatives of one operation with respect to each of its small sources."""
    slots, sources = link
    grad = grads[record.key]
    like = {s: g for s in sources if (g := grads.get(s.key)) is not None and 0 < g.numel() <= max_elems}
    like = {source: dense(g) for source, g in like.items() if not g.is_complex() and not g.is_meta}
    if not like:
        return {}
    if _is_elementwise(record) and all(g.shape == grad.shape for g in like.values()):
        flows = _through(record, link, torch.ones_like(grad))
        pairs = [(source, record) for source in like if (source, record) in flows]
        return {pair: torch.diag(flows[pair].flatten()).reshape(grad.shape * 2).cpu() for pair in pairs}
    rows: dict[Record, list] = {source: [] for source in like}
    edges, flows = [source.edge for source in like], {}
    with _watching({record: slots}, flows):
        for one_hot in torch.eye(grad.numel(), dtype=grad.dtype, device=grad.device).unbind():
            flows.clear()
            _grad([record.edge], edges, [one_hot.view(grad.shape)])
            for source, row in rows.items():
                flow = flows.get((source, record))
                row.append(torch.zeros_like(like[source]) if flow is None else dense(flow))
    return {(s, record): torch.stack(row).reshape(grad.shape + like[s].shape).cpu() for s, row in rows.items()}


def _is_elementwise(record: Record) -> bool:
    # The name of PyTorch's own autograd nodes ends in a digit; an own Function may be called Relu and be anything.
    return record.call.op.rstrip("_") in ELEMENTWISE and record.edge.node.name()[-1].isdigit()
