"""All derivatives of a recorded graph, from PyTorch's own backward pass.

One ``torch.autograd.grad`` over gradient edges gives the gradient of every node. While it runs, a hook on each autograd
node notes what that node sends to each of its inputs: the contributions of the edges. Asking the same of a single
operation, with a one in one place of its result and zeros elsewhere, gives its local derivative, row by row.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
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

    def sources_of(entry):
        slots[entry] = tape.autograd_inputs(entry)
        return sources_in(slots[entry])

    reached = ancestors(targets, sources_of)
    live = sorted((entry for entry in reached if entry.edge is not None), key=lambda entry: entry.number)
    # Autograd nodes behind several results of one operation cannot tell which of them a gradient came through.
    users: dict = {}
    for entry in live:
        for fn in slots[entry]:
            users.setdefault(fn, []).append(entry)
    shared = {entry for entries in users.values() if len(entries) > 1 for entry in entries}
    alone = {entry: slots[entry] for entry in live if entry not in shared}
    ((grads, flows),) = _backward(targets, [vectors], live, alone)

    found = Derivatives(targets, vectors)
    for entry in live:
        grad = grads[entry.key]
        if grad is None:
            continue
        if entry in shared and (sources := sources_in(slots[entry])):
            ((_, through),) = _backward([entry], [[grad]], sources, {entry: slots[entry]})
            flows |= through
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


def _backward(targets: list[Entry], passes: list[list[Tensor]], inputs: list[Entry], slots_of: dict) -> Iterator[tuple]:
    """Go backward once for each list of vectors, one vector a target.

    Yield what arrives at each input, by key, and what flows along the edges into some entries, by source and entry.
    """
    flows: dict[tuple[Entry, Entry], Tensor] = {}

    def watch(entry, pairs):
        def hook(grad_inputs, grad_outputs):
            for i, source in pairs:
                if grad_inputs[i] is not None:
                    before, flow = flows.get((source, entry)), grad_inputs[i].detach()
                    flows[source, entry] = flow if before is None else before + flow

        return hook

    outputs, edges, handles = [entry.edge for entry in targets], {entry.key: entry.edge for entry in inputs}, []
    earlier = [entry for entry in inputs if entry.node.kind == "input"]  # one may lie behind another, or a leaf may
    try:
        handles += [entry.edge.node.register_prehook(_nothing_to(entry.edge.output_nr)) for entry in earlier]
        for entry, slots in slots_of.items():
            handles += [fn.register_hook(watch(entry, pairs)) for fn, pairs in slots.items() if pairs]
        for vectors in passes:
            flows.clear()
            # A vector that is the number 1 is left out: for any that is given, PyTorch compares shapes with the help of
            # sympy, and to import that takes half a second, most of the time of a reader's first picture.
            given = [None if _is_one(vector) else vector for vector in vectors]
            grads = torch.autograd.grad(outputs, list(edges.values()), given, retain_graph=True, allow_unused=True)
            yield dict(zip(edges, grads, strict=True)), dict(flows)
    finally:
        for handle in handles:
            handle.remove()


def _nothing_to(output_nr: int):
    """Return a hook that lets nothing through one output of an autograd node."""

    def hook(grad_outputs):
        return tuple(
            torch.zeros_like(grad) if i == output_nr and grad is not None else grad
            for i, grad in enumerate(grad_outputs)
        )

    return hook


def _local(entry: Entry, slots: dict, small: dict[Entry, Tensor]) -> dict:
    """Return the local derivatives of one operation with respect to each of its small sources."""
    grad = small[entry]
    sources = [source for source in sources_in(slots) if source in small]
    if not sources:
        return {}
    # The name of PyTorch's own autograd nodes ends in a digit; an own Function may be called Relu and be anything.
    elementwise = entry.call.op.rstrip("_") in ELEMENTWISE and entry.edge.node.name()[-1].isdigit()
    elementwise = elementwise and all(small[source].shape == grad.shape for source in sources)
    one_hot = torch.eye(grad.numel(), dtype=grad.dtype, device=grad.device).reshape(-1, *grad.shape)
    passes = [[torch.ones_like(grad)]] if elementwise else [[vector] for vector in one_hot]
    flows = [flow for _, flow in _backward([entry], passes, sources, {entry: slots})]
    local = {}
    for source in sources:
        rows = [flow.get((source, entry)) for flow in flows]
        rows = [torch.zeros_like(small[source]) if row is None else row.to_dense() for row in rows]
        jacobian = torch.diag(rows[0].flatten()) if elementwise else torch.stack(rows)
        local[source, entry] = jacobian.reshape(grad.shape + small[source].shape).cpu()
    return local


def _is_one(vector: Tensor) -> bool:
    return vector.is_floating_point() and vector.numel() == 1 and vector.item() == 1


def _is_same(a: Tensor, b: Tensor | None) -> bool:
    """Whether two tensors are the same memory."""
    if b is None or a.is_sparse or b.is_sparse:
        return False
    return a.data_ptr() == b.data_ptr() and a.shape == b.shape and a.stride() == b.stride()
