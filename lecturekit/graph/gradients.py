"""All derivatives of a recorded graph, by the backward functions that PyTorch keeps in its own graph.

From the target back, each operation is handed the gradient of its result, and says what it sends to each of its
sources: the contributions of the edges, which add up to the gradients. Handed a one in one place of its result and
zeros elsewhere, it gives its local derivative, row by row.
"""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge

from .tape import Entry, Tape, metadata, next_edges, snapshot, topological

MAX_OPERATIONS = 1000  # local derivatives take a call for each element: none in a block that differentiates more
OWN = torch._C._FunctionBase  # the autograd nodes that call hooks of modules or the backward of an own Function

# Each element of the result depends on one element of each source: one pass is enough, and meets no 0 · ∞ beside it.
ELEMENTWISE = set(
    "add sub mul div pow neg abs square sqrt rsqrt reciprocal exp exp2 expm1 log log2 log10 log1p sin cos tan asin "
    "acos atan sinh cosh tanh asinh acosh atanh erf logit sigmoid relu gelu silu elu leaky_relu softplus where "
    "maximum minimum clamp".split()
)


class Derivatives:
    """What a backward pass from Σ vector · target gives. No ``.grad`` is written, and the autograd graph is kept."""

    def __init__(self, tape: Tape, targets: list[Entry], vectors: list[Tensor | None]):
        self.tape, self.targets, self.vectors = tape, targets, vectors
        self.grads: dict[Entry, tuple] = {}  # with its norm
        self.contributions: dict[tuple[Entry, Entry], tuple] = {}  # by (source, target), with its norm
        self.local_grads: dict[tuple[Entry, Entry], Tensor] = {}
        # In autograd's own order, so that sums are rounded as there.
        reached = sorted(topological(targets, "sources"), key=lambda entry: entry.edge.node._sequence_nr())
        self._live = topological(reached, "sources")
        self._passed: dict = {}  # by autograd node: what it sent in the reader's pass, and what had arrived at it
        self._hooks = contextlib.ExitStack()

    @torch.no_grad()
    @torch.random.fork_rng(devices=[])  # a checkpoint made before the block may draw random numbers again
    def take(self, theirs_follows: bool = False) -> Derivatives:
        """Differentiate. RuntimeError where the graph was freed before, or where code of the reader takes part.

        Checkpoints and own Functions may change something each time they run, and only the reader's own pass calls
        hooks: where it follows, watch it, until `end`.
        """
        fns = {fn for entry in self._live for fn in (entry.edge.node, *entry.fns)}
        called = fns | {fn for known in fns for fn, _ in known.next_functions}
        is_own = any(isinstance(fn, OWN) for fn in called) or any(entry.is_packed for entry in self._live)
        is_hooked = any(t._backward_hooks for entry in self._live if (t := entry.tensor) is not None)
        runs_code = is_own or is_hooked or self.tape.is_hooked
        if runs_code and not theirs_follows:
            raise RuntimeError("your hooks, checkpoints or Functions take part. Call backward() in a block of trace.")
        self.tape.differentiated += sum(entry.call is not None for entry in self._live)
        if self.tape.differentiated <= MAX_OPERATIONS:
            for entry in filter(self._is_small, self._live):
                self._differentiate(entry)
        if runs_code:
            for fn in fns:
                self._hooks.callback(fn.register_hook(partial(self._note, fn)).remove)
        else:
            self._pass()
        return self

    def _is_small(self, entry: Entry) -> bool:
        return 0 < math.prod(entry.node.shape) <= self.tape.max_elems and not entry.node.dtype.is_complex

    def _differentiate(self, entry: Entry) -> None:
        """Find the local derivatives of a result with respect to each of its small sources."""
        sources = list(filter(self._is_small, entry.sources))
        if not sources or entry.is_packed or any(isinstance(fn, OWN) for fn in entry.fns):
            return
        op, shape, ones = entry.call.op.rstrip("_"), entry.node.shape, _ones(entry)
        is_elementwise = op in ELEMENTWISE and all(s.node.shape == shape and s in entry.call.entries for s in sources)
        vectors = [ones] if is_elementwise else ones.flatten().diag().reshape((-1, *shape))
        passes = [_pass_back(entry, vector, {}) for vector in vectors]
        for source in sources:
            none = torch.zeros(source.node.shape, dtype=source.node.dtype)
            rows = [flows.get(source.edge, none).to_dense().cpu() for flows in passes]
            local_grad = rows[0].flatten().diag() if is_elementwise else torch.stack(rows)
            self.local_grads[source, entry] = local_grad.reshape(shape + source.node.shape)

    def _pass(self) -> None:
        """Go from the targets back, as the backward pass does."""
        totals: dict[Entry, Tensor] = {}
        for target, vector in zip(self.targets, self.vectors, strict=True):
            _add(totals, target, _ones(target) if vector is None else vector)
        for entry in reversed(self._live):
            if entry in totals:
                self._keep(entry, totals[entry], _pass_back(entry, totals[entry], totals))

    def _keep(self, entry: Entry, total: Tensor, flows: dict[GradientEdge, Tensor]) -> None:
        """Keep what arrived at an entry, and what it sent to its sources."""
        self.grads[entry] = snapshot(total, self.tape.max_elems)
        for source in entry.sources:
            if source.edge in flows:
                self.contributions[source, entry] = snapshot(flows[source.edge], self.tape.max_elems)

    def _note(self, fn, *sent_and_arrived: tuple[Tensor | None, ...]) -> None:
        """Note what an autograd node sends in the reader's pass, and what has arrived at it."""
        with torch._C.DisableTorchFunction():
            self._passed[fn] = [[g if g is None else g.detach() for g in grads] for grads in sent_and_arrived]

    def end(self) -> None:
        """Keep what was seen, if a pass was watched; the slope of an own Function is known from number to number."""
        self._hooks.close()
        if not self._passed:
            return
        arrived: dict[GradientEdge, Tensor] = {}
        for fn, (sent, received) in self._passed.items():  # in order; hooks may have changed what was sent
            arrived |= {GradientEdge(fn, i): gradient for i, gradient in enumerate(received) if gradient is not None}
            for edge, flow in _sent(fn, sent):
                _add(arrived, edge, flow)
        users = Counter(fn for entry in self._live for fn in entry.fns)
        for entry in filter(lambda entry: entry.edge in arrived, self._live):
            total, flows = arrived[entry.edge], {}
            for fn in entry.fns:
                if users[fn] == 1 and fn in self._passed:  # else one cannot tell through which result it came
                    for edge, flow in _sent(fn, self._passed[fn][0]):
                        _add(flows, edge, flow)
            self._keep(entry, total, flows)
            for source in entry.sources:
                flow, is_new = flows.get(source.edge), (source, entry) not in self.local_grads
                is_number = flow is not None and total.numel() == flow.numel() == 1 and not total.is_complex()
                if is_new and is_number and 0 < abs(total) < math.inf:
                    self.local_grads[source, entry] = (flow / total).reshape(total.shape + flow.shape).cpu()
        self._passed.clear()


def _ones(entry: Entry) -> Tensor:
    about = metadata(entry.edge)
    return torch.ones(entry.node.shape, dtype=about.dtype, device=about.device)


def _pass_back(entry: Entry, gradient: Tensor, totals: dict[Entry, Tensor]) -> dict[GradientEdge, Tensor]:
    """Hand a result its gradient; return what arrives at its sources, and add it to the totals, as autograd does."""
    arrived, sources = {entry.edge: gradient}, {source.edge: source for source in entry.sources}
    for fn in entry.fns:
        given = [arrived.pop(GradientEdge(fn, i), None) for i in range(len(fn._input_metadata))]
        if any(gradient is not None for gradient in given):
            for edge, flow in _sent(fn, fn(*given)):
                _add(arrived, edge, flow)
                if edge in sources:
                    _add(totals, sources[edge], flow)
    return arrived


def _sent(fn, gradients: Tensor | Sequence[Tensor | None]) -> Iterator[tuple[GradientEdge, Tensor]]:
    """Yield what an autograd node sends along its edges, as it is wanted there; one gradient comes without a tuple."""
    gradients = [gradients] if isinstance(gradients, Tensor) else gradients or ()
    for edge, gradient in zip(next_edges(fn), gradients, strict=False):
        if edge.node is not None and gradient is not None:
            about = metadata(edge)
            gradient = gradient if gradient.shape == about.shape else gradient.sum_to_size(about.shape)
            yield edge, gradient.to(about.device, about.dtype)


def _add(totals: dict, key: Entry | GradientEdge, gradient: Tensor) -> None:
    totals[key] = totals[key] + gradient if key in totals else gradient
