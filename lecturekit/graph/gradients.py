"""All derivatives of a recorded graph, from PyTorch's own backward pass.

One ``torch.autograd.grad`` over gradient edges gives the gradient of every node. While it runs, a hook on each autograd
node notes what that node sends to each of its inputs: the contributions of the edges. Asking the same of a single
operation, with a one in one place of its result and zeros elsewhere, gives its local derivative, row by row.
"""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..devices import gpus_in_use
from .tape import Entry, Tape, ancestors, is_hook, metadata, snapshot, sources_in

MAX_OPERATIONS = 300  # autograd visits all of a graph for each local derivative: none in graphs larger than this
MAX_IN_LOOPS = 1000  # nor in a block whose backward passes have gone through more than this: only the last is shown

# Each element of the result depends on one element of each source: one pass is enough, and meets no 0 · ∞ beside it.
ELEMENTWISE = set(
    "add sub mul div pow neg abs square sqrt rsqrt reciprocal exp exp2 expm1 log log2 log10 log1p sin cos tan asin "
    "acos atan sinh cosh tanh asinh acosh atanh erf logit sigmoid relu gelu silu elu leaky_relu softplus where "
    "maximum minimum clamp".split()
)


@dataclass
class Derivatives:
    """What one backward pass gave: see ``Node.grad``, ``Edge.contribution``, ``Edge.local_grad``."""

    targets: list[Entry] = field(default_factory=list)
    vectors: list[Tensor | None] = field(default_factory=list)
    grads: dict[Entry, tuple] = field(default_factory=dict)  # with its norm
    contributions: dict[tuple[Entry, Entry], tuple] = field(default_factory=dict)  # by (source, target), with its norm
    local_grads: dict[tuple[Entry, Entry], Tensor] = field(default_factory=dict)


class BackwardPass:
    """The pass that differentiates Σ vector · target with respect to everything behind the targets.

    `run` does it: nothing is written to any ``.grad``, and the autograd graph is kept. Code of the reader may change
    something each time it is called; where there is any, `hooked` or `own`, `watch` the reader's pass instead, and take
    what it gave at its `end`. RuntimeError from autograd where the graph was freed before.
    """

    def __init__(self, tape: Tape, targets: list[Entry], vectors: list[Tensor | None]):
        self.tape, self.found = tape, Derivatives(targets, vectors)
        self.slots: dict[Entry, dict] = {}  # see `Tape.autograd_inputs`
        reached = ancestors(targets, self._sources)
        self.live = [entry for entry in tape.entries if entry in reached and entry.edge is not None]
        users = Counter(fn for entry in self.live for fn in self.slots[entry])
        # Results of one operation: its autograd nodes cannot tell through which of them a gradient came.
        self.shared = {entry for entry in self.live if any(users[fn] > 1 for fn in self.slots[entry])}
        self.alone = {entry: self.slots[entry] for entry in self.live if entry not in self.shared}
        self.own = {fn for fn in users if _is_own(fn)}  # that run a ``Function.backward`` of the reader
        self.hooked = set(filter(self._calls_hooks, self.live))
        self.totals: dict[Entry, Tensor | None] = {}  # what arrives at each entry
        self.flows: dict[tuple[Entry, Entry], Tensor] = {}  # what flows along each edge

    def _sources(self, entry: Entry) -> list[Entry]:
        self.slots[entry] = self.tape.autograd_inputs(entry)
        return sources_in(self.slots[entry])

    def _calls_hooks(self, entry: Entry) -> bool:
        fns = entry.edge.node, *self.slots[entry]
        return entry.has_hooks or any(is_hook(f) for fn in fns for f, _ in fn.next_functions)

    def _result(self) -> Derivatives:
        found, max_elems = self.found, self.tape.max_elems
        found.grads = {entry: snapshot(total, max_elems) for entry, total in self.totals.items() if total is not None}
        found.contributions = {ends: snapshot(flow, max_elems) for ends, flow in self.flows.items()}
        found.local_grads = {ends: local for ends, local in found.local_grads.items() if ends[1] in found.grads}
        return found

    # --- Our own pass

    def run(self) -> Derivatives:
        """Differentiate; RuntimeError also where hooks of the reader would be called."""
        if self.hooked:
            raise RuntimeError("hooks run in it, and may do so only once. Call backward() inside the block.")
        targets, vectors = self.found.targets, self.found.vectors
        ends = [entry for entry in self.live if entry.node.kind == "input"]  # what is behind is no part of the block
        with self._untouched():
            ((self.totals, self.flows),) = self._backward(targets, [vectors], self.live, ends, self.alone)
            for entry in self.shared:
                if self.totals[entry] is not None:
                    self.flows |= self._through(entry, [self.totals[entry]], sources_in(self.slots[entry]))[0]
            self._differentiate_locally(entry for entry in self.live if self.totals[entry] is not None)
        return self._result()

    def _differentiate_locally(self, entries: Iterable[Entry]) -> None:
        """Find the local derivatives of some operations with respect to each of their sources, where all are small."""
        operations = sum(entry.call is not None for entry in self.live)
        self.tape.differentiated += operations
        if operations <= MAX_OPERATIONS and self.tape.differentiated <= MAX_IN_LOOPS:
            for entry in filter(self._is_small, entries):
                self._differentiate_operation(entry, list(filter(self._is_small, sources_in(self.slots[entry]))))

    def _is_small(self, entry: Entry) -> bool:
        return 0 < math.prod(entry.node.shape) <= self.tape.max_elems and not entry.node.dtype.is_complex

    def _differentiate_operation(self, entry: Entry, sources: list[Entry]) -> None:
        shape = entry.node.shape
        # The name of PyTorch's own autograd nodes ends in a digit; an own Function may be called Relu and be anything.
        is_known = sources and entry.call.op.rstrip("_") in ELEMENTWISE and entry.edge.node.name()[-1].isdigit()
        is_elementwise = is_known and all(source.node.shape == shape for source in sources)
        ones = torch.ones(shape, dtype=entry.node.dtype, device=metadata(entry.edge).device)
        vectors = [ones] if is_elementwise else ones.flatten().diag().reshape((-1, *shape))
        flows = self._through(entry, vectors, sources)
        for source in sources:
            none = torch.zeros(source.node.shape, dtype=source.node.dtype)
            rows = [none if (row := flow.get((source, entry))) is None else row.to_dense().cpu() for flow in flows]
            local_grad = rows[0].flatten().diag() if is_elementwise else torch.stack(rows)
            self.found.local_grads[source, entry] = local_grad.reshape(shape + source.node.shape)

    def _through(self, entry: Entry, vectors: Iterable[Tensor], sources: list[Entry]) -> list[dict]:
        """Return what a single operation sends to its sources for each vector that it receives."""
        passes = [[vector] for vector in vectors]
        return [flows for _, flows in self._backward([entry], passes, sources, sources, {entry: self.slots[entry]})]

    def _backward(self, targets, passes: list[list], inputs, ends, slots_of: dict) -> list[tuple[dict, dict]]:
        """Go backward once for each list of vectors, one vector a target; nothing goes on from the ends.

        Return what arrives at each input, and what flows along the edges into some entries.
        """
        if not inputs:
            return [({}, {}) for _ in passes]
        flows: dict[tuple[Entry, Entry], Tensor] = {}
        results = []
        handles = _note_flows(slots_of, flows)
        handles += [entry.edge.node.register_prehook(_nothing_to(entry.edge.output_nr)) for entry in ends]
        outputs, edges = [entry.edge for entry in targets], [entry.edge for entry in inputs]
        try:
            for vectors in passes:
                flows.clear()
                given = [None if vector is None or _is_one(vector) else vector for vector in vectors]
                with self._kept(), torch.autograd.set_detect_anomaly(False):  # it would take our pass for the reader's
                    grads = torch.autograd.grad(outputs, edges, given, retain_graph=True, allow_unused=True)
                results.append((dict(zip(inputs, grads, strict=True)), dict(flows)))
        finally:
            for handle in handles:
                handle.remove()
        return results

    @contextlib.contextmanager
    def _untouched(self) -> Iterator[None]:
        """Restore the random numbers, and the ``.grad`` of tensors that retain it, after passes of our own."""
        tensors = *(ref() for _, ref in self.tape.first.values()), *(entry.tensor for entry in self.live)
        grads = [(t, t.grad) for t in tensors if t is not None and t.requires_grad and t.retains_grad]
        for tensor, _ in grads:
            tensor.grad = None
        try:
            with torch.random.fork_rng(devices=gpus_in_use()):
                yield
        finally:
            for tensor, grad in grads:
                tensor.grad = grad

    @contextlib.contextmanager
    def _kept(self) -> Iterator[None]:
        """Put back what an own ``Function.backward`` frees or overwrites of what its ``ctx`` keeps."""
        with contextlib.ExitStack() as stack:
            for fn in self.own:
                kept = dict(vars(fn))
                for tensor in {*fn.saved_tensors, *(value for value in kept.values() if isinstance(value, Tensor))}:
                    stack.enter_context(torch.autograd._unsafe_preserve_version_counter(tensor))
                    stack.callback(_restore, tensor, tensor.detach().clone(), tensor._version)
                stack.callback(vars(fn).update, kept)
            yield

    # --- The reader's pass

    def watch(self) -> None:
        """Note what the reader's pass will do, after local derivatives of all that can be had without their code.

        Where their code runs, an operation has a local derivative only if one number goes in and one comes out.
        """
        coded = self.hooked.union(entry for entry in self.live if self.own & self.slots[entry].keys())

        def is_free(entry):
            sources = sources_in(self.slots[entry])
            behind = [ancestors([e], lambda e: sources_in(self.slots[e])) for e in sources]  # visited, if between two
            between = set().union(*(found for found in behind if len(found.intersection(sources)) > 1))
            return not coded & {entry, *between} and not any(source.has_hooks for source in sources)

        with self._untouched():
            self._differentiate_locally(filter(is_free, self.live))
        self.handles = _note_flows(self.alone, self.flows)
        self.handles += [entry.edge.node.register_prehook(_note_total(entry, self.totals)) for entry in self.live]

    def end(self) -> Derivatives:
        """Return what was seen; the reader's pass is over."""
        for handle in self.handles:
            handle.remove()
        local_grads = self.found.local_grads
        for source, entry in self.flows:  # autograd.grad only collects what arrives at its inputs
            if source not in self.totals:
                arriving = [flow for (to, _), flow in self.flows.items() if to is source]
                self.totals[source] = sum(arriving[1:], arriving[0])
            total, flow = self.totals.get(entry), self.flows[source, entry]
            is_number = total is not None and total.numel() == flow.numel() == 1 and 0 < abs(total.item()) < math.inf
            if is_number and (source, entry) not in local_grads:
                local_grads[source, entry] = (flow / total.item()).reshape(total.shape + flow.shape).cpu()
        for (source, entry), local in local_grads.items():
            if entry in self.shared and (total := self.totals.get(entry)) is not None:
                self.flows[source, entry] = torch.tensordot(total.to_dense(), local.to(total), total.dim())
        return self._result()


def _is_own(fn) -> bool:
    function = getattr(type(fn), "_forward_cls", None)
    return function is not None and not function.__module__.startswith("torch.")


def _is_one(vector: Tensor) -> bool:
    """Whether a vector is the number 1, and better left out.

    For any that is given, PyTorch compares shapes with the help of sympy, and to import that takes half a second, most
    of the time of a reader's first picture.
    """
    return vector.numel() == 1 and vector.dtype.is_floating_point and bool(vector == 1)


def _restore(tensor: Tensor, values: Tensor, version: int) -> None:
    if tensor._version != version:
        tensor.data.copy_(values)


def _nothing_to(output_nr: int):
    """Return a hook that lets nothing through one output of an autograd node."""
    return lambda grads: tuple(None if i == output_nr else grad for i, grad in enumerate(grads))


def _note_total(entry: Entry, totals: dict):
    """Return a hook that notes what arrives at an entry."""

    def hook(grads):
        if (grad := grads[entry.edge.output_nr]) is not None:
            with torch._C.DisableTorchFunction():
                totals[entry] = grad.detach().clone()  # an own backward may overwrite it

    return hook


def _note_flows(slots_of: dict, flows: dict) -> list:
    """Register hooks that note what flows along the edges into some entries; return their handles."""

    def note(entry, pairs):
        def hook(grad_inputs, grad_outputs):
            with torch._C.DisableTorchFunction():
                for i, source in pairs:
                    if grad_inputs[i] is not None:
                        before, flow = flows.get((source, entry)), grad_inputs[i].detach()
                        flows[source, entry] = flow if before is None else before + flow

        return hook

    return [fn.register_hook(note(e, pairs)) for e, slots in slots_of.items() for fn, pairs in slots.items() if pairs]
