"""All derivatives of a recorded graph, from PyTorch's own backward pass.

One ``torch.autograd.grad`` over gradient edges gives the gradient of every node. While it runs, a hook on each autograd
node notes what that node sends to each of its inputs: the contributions of the edges. Asking the same of a single
operation, with a one in one place of its result and zeros elsewhere, gives its local derivative, row by row.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..devices import gpus_in_use
from .tape import Entry, Tape, ancestors, is_hook, snapshot, sources_in

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

    def note(self, entry: Entry, grad: Tensor, tape: Tape) -> None:
        kind = (entry.node.shape, entry.node.dtype) if entry.ref else (tuple(grad.shape), grad.dtype)
        self.grads[entry] = (*snapshot(grad, tape.max_elems), *kind)


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


@dataclass
class Reach:
    """What lies behind the targets, in the order in which it was made."""

    live: list[Entry]
    slots: dict[Entry, dict]  # see `Tape.autograd_inputs`
    shared: set[Entry]  # results of one operation: its autograd nodes cannot tell through which a gradient came

    @property
    def alone(self) -> dict[Entry, dict]:
        return {entry: self.slots[entry] for entry in self.live if entry not in self.shared}

    @property
    def has_hooks(self) -> bool:
        """Whether a backward pass calls hooks of the reader, on tensors or on modules."""
        fns = [entry.edge.node for entry in self.live] + [fn for slots in self.slots.values() for fn in slots]
        return any(map(_is_hooked, self.live)) or any(is_hook(f) for fn in fns for f, _ in fn.next_functions)

    @property
    def own(self) -> set:
        """The autograd nodes that run a ``Function.backward`` of the reader."""
        return {fn for entry in self.live for fn in self.slots[entry] if _is_own(fn)}


def _is_own(fn) -> bool:
    function = getattr(type(fn), "_forward_cls", None)
    return function is not None and not function.__module__.startswith("torch.")


def _is_hooked(entry: Entry) -> bool:
    return entry.is_hooked or bool((tensor := entry.tensor) is not None and tensor._backward_hooks)


def reach(tape: Tape, targets: list[Entry]) -> Reach:
    """Look up everything behind the targets."""
    slots: dict[Entry, dict] = {}

    def sources_of(entry):
        slots[entry] = tape.autograd_inputs(entry)
        return sources_in(slots[entry])

    reached = ancestors(targets, sources_of)
    live = sorted((entry for entry in reached if entry.edge is not None), key=lambda entry: entry.number)
    users: dict = {}
    for entry in live:
        for fn in slots[entry]:
            users.setdefault(fn, []).append(entry)
    shared = {entry for entries in users.values() if len(entries) > 1 for entry in entries}
    return Reach(live, slots, shared)


def differentiate(tape: Tape, targets: list[Entry], vectors: list[Tensor]) -> Derivatives:
    """Differentiate Σ vector · target with respect to every entry behind the targets.

    Nothing is written to any ``.grad`` and the autograd graph is kept. RuntimeError where it was freed before, or where
    hooks of the reader would run: they may change something each time, so only `Watch` looks at such a graph.
    """
    there = reach(tape, targets)
    if there.has_hooks:
        raise RuntimeError("hooks run in it, and may do so only once. Call backward() inside the block.")
    live, slots = there.live, there.slots
    ((grads, flows),) = _backward(targets, [vectors], live, there.alone, there.own)

    found = Derivatives(targets, vectors)
    for entry in live:
        grad = grads[entry.key]
        if grad is None:
            continue
        if entry in there.shared and (sources := sources_in(slots[entry])):
            ((_, through),) = _backward([entry], [[grad]], sources, {entry: slots[entry]}, stop=True)
            flows |= through
        found.note(entry, grad, tape)
    for (source, entry), flow in flows.items():
        found.contributions[source, entry] = snapshot(flow, tape.max_elems)
    if _is_small_enough(tape, live):
        small = {
            entry: grad.to_dense()
            for entry in live
            if (grad := grads[entry.key]) is not None and 0 < grad.numel() <= tape.max_elems and not grad.is_complex()
        }
        for entry in small:
            found.local_grads.update(_local(entry, slots[entry], small))
    return found


def _is_small_enough(tape: Tape, live: list[Entry]) -> bool:
    operations = sum(entry.call is not None for entry in live)
    tape.differentiated += operations
    return operations <= MAX_OPERATIONS and tape.differentiated <= MAX_IN_LOOPS


class Watch:
    """The derivatives from the reader's own backward pass, where it runs code of the reader: once, as without us.

    What own code does with a gradient is seen, and not done again. So operations of the reader have a local derivative
    only where one number goes in and one comes out.
    """

    def __init__(self, tape: Tape, targets: list[Entry], vectors: list[Tensor], there: Reach):
        self.tape, self.there, self.found = tape, there, Derivatives(targets, vectors)
        self.totals, self.flows = {entry.key: vector for entry, vector in zip(targets, vectors, strict=True)}, {}
        if _is_small_enough(tape, there.live):
            known = [e for e in there.live if e.ref and 0 < math.prod(e.node.shape) <= tape.max_elems]
            small = {entry: one_like(entry) for entry in known if not entry.node.dtype.is_complex}
            hooked = {entry for entry in small if _is_hooked(entry)}
            for entry in small.keys() - hooked:
                slots = there.slots[entry]
                below = any(is_hook(f) for fn in slots for f, _ in fn.next_functions)
                if not (below or there.own & slots.keys() or hooked & set(sources_in(slots))):
                    self.found.local_grads.update(_local(entry, slots, small))

        def total(entry):
            def hook(grad_outputs):
                if grad_outputs[entry.edge.output_nr] is not None:
                    self.totals[entry.key] = grad_outputs[entry.edge.output_nr].detach().clone()

            return hook

        self._handles = _noting(there.alone, self.flows)
        self._handles += [e.edge.node.register_prehook(total(e)) for e in there.live if e.edge]

    def end(self) -> Derivatives:
        """Return what was seen; the pass is over."""
        for handle in self._handles:
            handle.remove()
        found, local_grads = self.found, self.found.local_grads
        for (source, _), flow in self.flows.items():  # autograd.grad only collects what arrives at its inputs
            if source.key not in self.totals:
                arriving = [flow for (to, _), flow in self.flows.items() if to is source]
                self.totals[source.key] = sum(arriving[1:], arriving[0])
        for entry in self.there.live:
            if (grad := self.totals.get(entry.key)) is not None:
                found.note(entry, grad, self.tape)
        found.local_grads = {ends: local for ends, local in local_grads.items() if ends[1] in found.grads}
        for source, entry in found.local_grads:
            if entry in self.there.shared:
                grad = self.totals[entry.key].to_dense()
                self.flows[source, entry] = torch.tensordot(grad, local_grads[source, entry].to(grad), grad.dim())
        for (source, entry), flow in self.flows.items():
            found.contributions[source, entry] = snapshot(flow, self.tape.max_elems)
            upstream = self.totals.get(entry.key)
            if (source, entry) not in found.local_grads and _is_finite_number(upstream) and flow.numel() == 1:
                local = (flow.flatten() / upstream.flatten()).reshape(upstream.shape + flow.shape)
                found.local_grads[source, entry] = local.cpu()
        return found


@contextlib.contextmanager
def _put_back(fns: set) -> Iterator[None]:
    """Put back what an own ``Function.backward`` frees or overwrites of what its ``ctx`` keeps."""
    with contextlib.ExitStack() as stack:
        for fn in fns:
            kept = dict(vars(fn))
            for tensor in {*fn.saved_tensors, *(value for value in kept.values() if isinstance(value, Tensor))}:
                stack.enter_context(torch.autograd._unsafe_preserve_version_counter(tensor))
                stack.callback(_restore, tensor, tensor.detach().clone(), tensor._version)
            stack.callback(vars(fn).update, kept)
        yield


def _restore(tensor: Tensor, values: Tensor, version: int) -> None:
    if tensor._version != version:
        tensor.data.copy_(values)


def _noting(slots_of: dict, flows: dict) -> list:
    """Register hooks that note what flows along the edges into some entries; return their handles."""

    def watch(entry, pairs):
        def hook(grad_inputs, grad_outputs):
            with torch._C.DisableTorchFunction():
                for i, source in pairs:
                    if grad_inputs[i] is not None:
                        before, flow = flows.get((source, entry)), grad_inputs[i].detach()
                        flows[source, entry] = flow if before is None else before + flow

        return hook

    return [
        fn.register_hook(watch(entry, pairs))
        for entry, slots in slots_of.items()
        for fn, pairs in slots.items()
        if pairs
    ]


def _backward(
    targets: list[Entry],
    passes: list[list[Tensor]],
    inputs: list[Entry],
    slots_of: dict,
    own: set | None = None,
    stop: bool = False,
) -> Iterator[tuple]:
    """Go backward once for each list of vectors, one vector a target.

    Yield what arrives at each input, by key, and what flows along the edges into some entries, by source and entry.
    Nothing goes on from one input to another behind it where that input is no part of the block, or with `stop`. Own
    Functions are those in `own`, or those that ``slots_of`` names.
    """
    flows: dict[tuple[Entry, Entry], Tensor] = {}
    outputs, edges, handles = [entry.edge for entry in targets], {entry.key: entry.edge for entry in inputs}, []
    own = {fn for slots in slots_of.values() for fn in slots if _is_own(fn)} if own is None else own
    ends = [entry for entry in inputs if entry.node.kind == "input" or (stop and entry.call is not None)]
    try:
        handles += [entry.edge.node.register_prehook(_nothing_to(entry.edge.output_nr)) for entry in ends]
        handles += _noting(slots_of, flows)
        for vectors in passes:
            flows.clear()
            # A vector that is the number 1 is left out: for any that is given, PyTorch compares shapes with the help of
            # sympy, and to import that takes half a second, most of the time of a reader's first picture.
            given = [None if _is_one(vector) else vector for vector in vectors]
            with _put_back(own), torch.autograd.set_detect_anomaly(False):  # it would take our passes for the reader's
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
    flows = [flow for _, flow in _backward([entry], passes, sources, {entry: slots}, stop=True)]
    local = {}
    for source in sources:
        rows = [flow.get((source, entry)) for flow in flows]
        rows = [torch.zeros_like(small[source]) if row is None else row.to_dense() for row in rows]
        jacobian = torch.diag(rows[0].flatten()) if elementwise else torch.stack(rows).reshape(len(rows), -1)
        if jacobian.isnan().any() and jacobian.shape[0] == jacobian.shape[1] and not elementwise:
            # 0 · ∞ off the diagonal: ones in all places at once give the diagonal alone.
            ((_, flow),) = _backward([entry], [[torch.ones_like(grad)]], [source], {entry: slots}, stop=True)
            off = jacobian - torch.diag(jacobian.diag())
            if off.nan_to_num().count_nonzero() == 0 and not (whole := flow[source, entry].to_dense()).isnan().any():
                jacobian = torch.diag(whole.flatten())
        local[source, entry] = jacobian.reshape(grad.shape + small[source].shape).cpu()
    return local


def _is_finite_number(upstream: Tensor | None) -> bool:
    return upstream is not None and upstream.numel() == 1 and 0 < abs(upstream.item()) < math.inf


def _is_one(vector: Tensor) -> bool:
    return vector.is_floating_point() and vector.numel() == 1 and vector.item() == 1
