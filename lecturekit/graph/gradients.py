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
from .tape import Entry, Tape, ancestors, snapshot, sources_in

MAX_OPERATIONS = 300  # autograd visits all of a graph for each local derivative: none in graphs larger than this
MAX_IN_LOOPS = 1000  # nor in a block whose backward passes have gone through more than this: only the last is shown

ELEMENTWISE = set(  # each element of the result depends on one element of each source: a single pass is enough
    "add sub mul div pow neg abs square sqrt exp log sin cos tanh sigmoid relu gelu silu elu leaky_relu softplus "
    "reciprocal where maximum minimum clamp".split()
)


@dataclass
class Derivatives:
    """What one backward pass gave: see ``Node.grad``, ``Edge.contribution``, ``Edge.local_grad``."""

    targets: list[Entry] = field(default_factory=list)
    vectors: list[Tensor] = field(default_factory=list)
    grads: dict[Entry, tuple] = field(default_factory=dict)  # grad, its norm, shape and dtype of the node
    contributions: dict[tuple[Entry, Entry], tuple] = field(default_factory=dict)  # by (source, target)
    local_grads: dict[tuple[Entry, Entry], Tensor] = field(default_factory=dict)


def one_like(entry: Entry) -> Tensor:
    return torch.ones(entry.node.shape, dtype=entry.node.dtype, device=entry.device)


@contextlib.contextmanager
def untouched(tensors):
    """Restore the random numbers, and the ``.grad`` of tensors that retain it, after passes of our own."""
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


def differentiate(tape: Tape, targets: list[Entry], vectors: list[Tensor]) -> Derivatives:
    """Differentiate Σ vector · target with respect to every entry behind the targets.

    Nothing is written to any ``.grad`` and the autograd graph is kept. RuntimeError where it was freed before.
    """
    slots: dict[Entry, dict] = {}

    def sources(entry):
        slots[entry] = tape.autograd_inputs(entry)
        return sources_in(slots[entry])

    reached = ancestors(targets, sources)
    live = sorted((entry for entry in reached if entry.edge is not None), key=lambda entry: entry.number)
    # Autograd nodes behind several results of one operation cannot tell which of them a gradient came through.
    users: dict = {}
    for entry in live:
        for fn in slots[entry]:
            users.setdefault(fn, []).append(entry)
    shared = {entry for entries in users.values() if len(entries) > 1 for entry in entries}
    alone = {entry: slots[entry] for entry in live if entry not in shared}
    grads, flows = _backward(targets, vectors, live, alone)

    found = Derivatives(targets, vectors)
    for entry in live:
        grad = grads[entry.key]
        if grad is None:
            continue
        if entry in shared:
            flows.update(_through(entry, slots[entry], sources_in(slots[entry]), grad))
        kind = (entry.node.shape, entry.node.dtype) if entry.ref else (tuple(grad.shape), grad.dtype)
        found.grads[entry] = (*snapshot(grad, tape.max_elems), *kind)
    for (source, entry), flow in flows.items():
        if _is_same(flow, grads[source.key]):  # all that arrives comes from here: no need to measure it again
            found.contributions[source, entry] = found.grads[source][:2]
        else:
            found.contributions[source, entry] = snapshot(flow, tape.max_elems)
    operations = sum(entry.call is not None for entry in live)
    tape.differentiated += operations
    if operations <= MAX_OPERATIONS and tape.differentiated <= MAX_IN_LOOPS:
        small = {
            entry: grad.to_dense()
            for entry in live
            if (grad := grads[entry.key]) is not None and 0 < grad.numel() <= tape.max_elems and not grad.is_complex()
        }
        for entry in small:
            found.local_grads.update(_local(entry, slots[entry], small))
    return found


def _backward(targets: list[Entry], vectors: list[Tensor], inputs: list[Entry], slots_of: dict) -> tuple[dict, dict]:
    """Go backward once; return what arrives at each input, by key, and what flows along the edges into some entries."""
    flows: dict[tuple[Entry, Entry], Tensor] = {}

    def watch(entry, pairs):
        def hook(grad_inputs, grad_outputs):
            for i, source in pairs:
                if grad_inputs[i] is not None:
                    before, flow = flows.get((source, entry)), grad_inputs[i].detach()
                    flows[source, entry] = flow if before is None else before + flow

        return hook

    edges = {entry.key: entry.edge for entry in inputs}
    # A vector that is the number 1 is left out: for any that is given, PyTorch compares shapes with the help of sympy,
    # and to import that takes half a second, most of the time of a reader's first picture.
    is_one = [v.is_floating_point() and v.numel() == 1 and v.item() == 1 for v in vectors]
    given = [None if one else vector for one, vector in zip(is_one, vectors, strict=True)]
    handles = []
    try:
        for entry, slots in slots_of.items():
            handles += [fn.register_hook(watch(entry, pairs)) for fn, pairs in slots.items() if pairs]
        grads = torch.autograd.grad(
            [entry.edge for entry in targets], list(edges.values()), given, retain_graph=True, allow_unused=True
        )
    finally:
        for handle in handles:
            handle.remove()
    return dict(zip(edges, grads, strict=True)), flows


def _through(entry: Entry, slots: dict, sources: list[Entry], vector: Tensor) -> dict:
    """Return what one operation sends to its sources if its result receives ``vector``."""
    return _backward([entry], [vector], sources, {entry: slots})[1] if sources else {}


def _local(entry: Entry, slots: dict, small: dict[Entry, Tensor]) -> dict:
    """Return the local derivatives of one operation with respect to each of its small sources."""
    grad = small[entry]
    sources = [source for source in sources_in(slots) if source in small]
    if not sources:
        return {}
    # The name of PyTorch's own autograd nodes ends in a digit; an own Function may be called Relu and be anything.
    elementwise = entry.call.op.rstrip("_") in ELEMENTWISE and entry.edge.node.name()[-1].isdigit()
    if elementwise and all(small[source].shape == grad.shape for source in sources):
        flows = _through(entry, slots, sources, torch.ones_like(grad))
        pairs = [(source, entry) for source in sources if (source, entry) in flows]
        return {pair: torch.diag(flows[pair].flatten()).reshape(grad.shape * 2).cpu() for pair in pairs}
    rows: dict[Entry, list] = {source: [] for source in sources}
    for one_hot in torch.eye(grad.numel(), dtype=grad.dtype, device=grad.device):
        flows = _through(entry, slots, sources, one_hot.view(grad.shape))
        for source, row in rows.items():
            flow = flows.get((source, entry))
            row.append(torch.zeros_like(small[source]) if flow is None else flow.to_dense())
    return {(s, entry): torch.stack(row).reshape(grad.shape + small[s].shape).cpu() for s, row in rows.items()}


def _is_same(a: Tensor, b: Tensor | None) -> bool:
    """Whether two tensors are the same memory."""
    if b is None or a.is_sparse or b.is_sparse:
        return False
    return a.data_ptr() == b.data_ptr() and a.shape == b.shape and a.stride() == b.stride()
