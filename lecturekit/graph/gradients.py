"""All derivatives of a recorded graph, from PyTorch's own backward pass.

A hook on each autograd node notes what arrives at that node, and what it sends to each of its inputs: the contributions
of the edges. One ``torch.autograd.grad`` over gradient edges gives the gradient of every node. Asking the same of a
single operation, with a one in one place of its result and zeros elsewhere, gives its local derivative, row by row.
"""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from collections.abc import Iterable

import torch
from torch import Tensor

from ..devices import gpus_in_use
from .tape import Entry, Tape, ancestors, is_code, metadata, snapshot, sources_in

MAX_OPERATIONS = 300  # autograd visits all of a graph for each local derivative: none in graphs larger than this
MAX_IN_LOOPS = 1000  # nor in a block whose backward passes have gone through more than this: only the last is shown

# Each element of the result depends on one element of each source: one pass is enough, and meets no 0 · ∞ beside it.
ELEMENTWISE = set(
    "add sub mul div pow neg abs square sqrt rsqrt reciprocal exp exp2 expm1 log log2 log10 log1p sin cos tan asin "
    "acos atan sinh cosh tanh asinh acosh atanh erf logit sigmoid relu gelu silu elu leaky_relu softplus where "
    "maximum minimum clamp".split()
)


class Derivatives:
    """What one backward pass gives: the derivatives of Σ vector · target, see ``Node`` and ``Edge``.

    `run` is a pass of our own: nothing is written to any ``.grad``, and the autograd graph is kept. Code of the reader
    may change something each time it is called; where the pass `runs_code`, `watch` theirs instead, and take what it
    gave at its `end`.
    """

    def __init__(self, tape: Tape, targets: list[Entry], vectors: list[Tensor | None]):
        self.tape, self.targets, self.vectors = tape, targets, vectors
        self.grads: dict[Entry, tuple] = {}  # with its norm
        self.contributions: dict[tuple[Entry, Entry], tuple] = {}  # by (source, target), with its norm
        self.local_grads: dict[tuple[Entry, Entry], Tensor] = {}
        self._slots: dict[Entry, dict] = {}  # see `Tape.autograd_inputs`
        reached = ancestors(targets, self._sources)
        self._live = [entry for entry in tape.entries if entry in reached and entry.edge is not None]
        users = Counter(fn for entry in self._live for fn in self._slots[entry])
        # Results of one operation: its autograd nodes cannot tell through which of them a gradient came.
        self._shared = {entry for entry in self._live if any(users[fn] > 1 for fn in self._slots[entry])}
        self._fns = {entry.edge.node for entry in self._live}.union(users)
        is_hooked = any(t._backward_hooks for entry in self._live if (t := entry.tensor) is not None)
        behind = {fn for known in self._fns for fn, _ in known.next_functions}
        # Whether the pass calls hooks or own Functions of the reader.
        self.runs_code = tape.is_hooked or is_hooked or any(map(is_code, self._fns | behind))
        self._passed: dict = {}  # by autograd node: what it sent in the last pass, and what had arrived at it
        self._hooks = contextlib.ExitStack()

    def _sources(self, entry: Entry) -> list[Entry]:
        self._slots[entry] = self.tape.autograd_inputs(entry)
        return sources_in(self._slots[entry])

    # --- The reader's pass

    def watch(self) -> Derivatives:
        """Note what each autograd node sends, and what has arrived at it, until `end`."""

        def note(fn):
            def hook(*sent_and_arrived):
                with torch._C.DisableTorchFunction():
                    self._passed[fn] = [[g if g is None else g.detach() for g in grads] for grads in sent_and_arrived]

            return hook

        for fn in self._fns:
            self._hooks.callback(fn.register_hook(note(fn)).remove)
        return self

    def end(self) -> None:
        """Keep what was seen, if a pass was watched; only slopes from number to number are known then."""
        self._hooks.close()
        if not self._passed:
            return
        totals = self._flows({fn: pairs for slots in self._slots.values() for fn, pairs in slots.items()})
        for entry in self._live:
            if entry.edge.node in self._passed:  # autograd.grad does not go on to what it was asked for
                totals[entry] = self._passed[entry.edge.node][1][entry.edge.output_nr]
        self._keep(totals, self._flows_by_entry())
        self._passed.clear()
        for (source, entry), (flow, _) in self.contributions.items():
            total, _ = self.grads.get(entry, (None, None))
            is_number = total is not None and flow is not None and total.numel() == flow.numel() == 1
            if is_number and 0 < abs(total.item()) < math.inf:
                self.local_grads[source, entry] = (flow / total.item()).reshape(total.shape + flow.shape)

    def _keep(self, totals: dict[Entry, Tensor | None], flows: dict[Entry, dict[Entry, Tensor]]) -> None:
        """Keep what arrived at each entry, and what each sent to its sources."""
        for entry, total in totals.items():
            if total is not None:
                self.grads[entry] = snapshot(total, self.tape.max_elems)
        for entry, sent in flows.items():
            for source, flow in sent.items():
                self.contributions[source, entry] = snapshot(flow, self.tape.max_elems)

    def _flows_by_entry(self) -> dict[Entry, dict[Entry, Tensor]]:
        return {entry: self._flows(slots) for entry, slots in self._slots.items() if entry not in self._shared}

    def _flows(self, slots: dict) -> dict[Entry, Tensor]:
        """Return what some autograd nodes sent to each entry behind them in the last pass."""
        flows: dict[Entry, Tensor] = {}
        for fn, pairs in slots.items():
            sent = self._passed[fn][0] if fn in self._passed else {}
            for i, source in pairs:
                if sent and sent[i] is not None:
                    flows[source] = flows[source] + sent[i] if source in flows else sent[i]
        return flows

    # --- Our own pass

    def run(self) -> Derivatives:
        """Differentiate. RuntimeError where the graph was freed before, or code of the reader would run."""
        if self.runs_code:
            raise RuntimeError(
                "hooks or a Function of your own run in it, and may do so only once. "
                "Call backward() inside a block of trace."
            )
        self.watch()
        for entry in self._live:
            if (tensor := entry.tensor) is not None and tensor.retains_grad:
                self._hooks.callback(setattr, tensor, "grad", tensor.grad)
        self._hooks.callback(self._passed.clear)
        before = [entry for entry in self._live if entry.node.kind == "input"]
        # What is behind them is no part of the block. What checkpoints compute again may draw random numbers.
        with self._hooks, _ending_at(before), torch.random.fork_rng(gpus_in_use()):
            totals = dict(zip(self._live, self._backward(self.targets, self.vectors, self._live), strict=True))
            flows = self._flows_by_entry()
            for entry in self._shared:
                if totals[entry] is not None:
                    (flows[entry],) = self._through(entry, [totals[entry]], sources_in(self._slots[entry]))
            self._keep(totals, flows)
            self._differentiate_operations()
        return self

    def _backward(self, targets: list[Entry], vectors: list[Tensor | None], inputs: list[Entry]) -> tuple:
        """Return what arrives at the inputs in a pass from some targets."""
        self._passed.clear()
        outputs, edges = [entry.edge for entry in targets], [entry.edge for entry in inputs]
        with torch.autograd.set_detect_anomaly(False):  # it would take our pass for the reader's
            return torch.autograd.grad(outputs, edges, vectors, retain_graph=True, allow_unused=True)

    def _through(self, entry: Entry, vectors: Iterable[Tensor | None], sources: list[Entry]) -> list[dict]:
        """Return what a single operation sends to its sources for each vector that it receives."""
        flows = []
        with _ending_at(sources):
            for vector in vectors:
                self._backward([entry], [vector], sources)
                flows.append(self._flows(self._slots[entry]))
        return flows

    def _differentiate_operations(self) -> None:
        """Find the local derivatives of all results with respect to each of their sources, where both are small."""
        operations = sum(entry.call is not None for entry in self._live)
        self.tape.differentiated += operations
        if operations <= MAX_OPERATIONS and self.tape.differentiated <= MAX_IN_LOOPS:
            for entry in filter(self._is_small, self.grads):
                if sources := list(filter(self._is_small, sources_in(self._slots[entry]))):
                    self._differentiate_operation(entry, sources)

    def _is_small(self, entry: Entry) -> bool:
        return 0 < math.prod(entry.node.shape) <= self.tape.max_elems and not entry.node.dtype.is_complex

    def _differentiate_operation(self, entry: Entry, sources: list[Entry]) -> None:
        shape = entry.node.shape
        ones = torch.ones(shape, dtype=entry.node.dtype, device=metadata(entry.edge).device)
        is_elementwise = entry.call.op.rstrip("_") in ELEMENTWISE and {s.node.shape for s in sources} == {shape}
        if entry.is_one_number:
            vectors = [None]  # not a one: to compare the shapes PyTorch would import sympy, which takes half a second
        else:
            vectors = [ones] if is_elementwise else ones.flatten().diag().reshape((-1, *shape))
        flows = self._through(entry, vectors, sources)
        for source in sources:
            none = torch.zeros(source.node.shape, dtype=source.node.dtype)
            rows = [flow[source].to_dense().cpu() if source in flow else none for flow in flows]
            local_grad = rows[0].flatten().diag() if is_elementwise else torch.stack(rows)
            self.local_grads[source, entry] = local_grad.reshape(shape + source.node.shape)


def _ending_at(entries: list[Entry]) -> contextlib.ExitStack:
    """While this is open, nothing gets to what is behind some entries."""

    def nothing_to(output_nr):
        return lambda grads: tuple(None if i == output_nr else grad for i, grad in enumerate(grads))

    hooks = contextlib.ExitStack()
    for entry in entries:
        hooks.callback(entry.edge.node.register_prehook(nothing_to(entry.edge.output_nr)).remove)
    return hooks
