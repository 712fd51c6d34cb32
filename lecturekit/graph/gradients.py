"""All derivatives of a recorded graph, by the backward functions that PyTorch keeps in its own graph.

From the target back, each operation is handed the gradient of its result, and says what it sends to each of its
sources: the contributions of the edges, which add up to the gradients. Handed a one in one place of its result and
zeros elsewhere, it gives its local derivative, row by row.
"""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from collections.abc import Iterable
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
    """What one backward pass gives: the derivatives of Σ vector · target, see ``Node`` and ``Edge``.

    Nothing is written to any ``.grad``, and the autograd graph is kept.
    """

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
            raise RuntimeError("your hooks, checkpoints or Functions would run. Call backward() in a block of trace.")
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
        shape, ones = entry.node.shape, _ones(entry)
        is_elementwise = entry.call.op.rstrip("_") in ELEMENTWISE and {s.node.shape for s in sources} == {shape}
        vectors = [ones] if is_elementwise else ones.flatten().diag().reshape((-1, *shape))
        passes = [_pass_back(entry, vector, {}) for vector in vectors]
        for source in sources:
            none = torch.zeros(source.node.shape, dtype=source.node.dtype)
            rows = [flows.get(source.edge, none).to_dense().cpu() for flows in passes]
            local_grad = rows[0].flatten().diag() if is_elementwise else torch.stack(rows)
            self.local_grads[source, entry] = local_grad.reshape(shape + source.node.shape)

    def _pass(self) -> None:
        """Go from the targets back, as the backward pass does."""
        arrived: dict[GradientEdge, Tensor] = {}
        for target, vector in zip(self.targets, self.vectors, strict=True):
            _add(arrived, target.edge, _ones(target) if vector is None else vector)
        for entry in reversed(self._live):
            if entry.edge in arrived:
                self._keep(entry, arrived[entry.edge], _pass_back(entry, arrived[entry.edge], arrived))

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
        arrived: dict[GradientEdge, Tensor] = {}
        for fn, (sent, _) in self._passed.items():
            _send(fn, sent, arrived)
        for fn, (_, received) in self._passed.items():  # after the reader's hooks
            arrived |= {GradientEdge(fn, i): gradient for i, gradient in enumerate(received) if gradient is not None}
        users = Counter(fn for entry in self._live for fn in entry.fns)
        for entry in self._live:
            flows: dict[GradientEdge, Tensor] = {}
            for fn in entry.fns:
                if users[fn] == 1 and fn in self._passed:  # else one cannot tell through which result it came
                    _send(fn, self._passed[fn][0], flows)
            if (total := arrived.get(entry.edge)) is None:
                continue
            self._keep(entry, total, flows)
            for source in entry.sources:
                flow, is_new = flows.get(source.edge), (source, entry) not in self.local_grads
                if is_new and flow is not None and total.numel() == flow.numel() == 1 and 0 < abs(total) < math.inf:
                    self.local_grads[source, entry] = (flow / total).reshape(total.shape + flow.shape).cpu()
        self._passed.clear()


def _ones(entry: Entry) -> Tensor:
    about = metadata(entry.edge)
    return torch.ones(entry.node.shape, dtype=about.dtype, device=about.device)


def _pass_back(entry: Entry, gradient: Tensor, totals: dict[GradientEdge, Tensor]) -> dict[GradientEdge, Tensor]:
    """Hand a result its gradient; return what arrives at its sources, and add it to the totals, as autograd does."""
    arrived = {entry.edge: gradient}
    for fn in entry.fns:
        given = [arrived.pop(GradientEdge(fn, i), None) for i in range(len(fn._input_metadata))]
        if any(gradient is not None for gradient in given):
            sent = fn(*given)
            _send(fn, sent if isinstance(sent, tuple) else (sent,), arrived, totals)
    return arrived


def _send(fn, sent: Iterable[Tensor | None], *arrived: dict[GradientEdge, Tensor]) -> None:
    """Add what an autograd node sends to what arrives at the edges behind it, in the shape and dtype wanted there."""
    for edge, gradient in zip(next_edges(fn), sent, strict=True):
        if edge.node is not None and gradient is not None:
            about = metadata(edge)
            gradient = gradient if gradient.shape == about.shape else gradient.sum_to_size(about.shape)
            for totals in arrived:
                _add(totals, edge, gradient.to(about.dtype))


def _add(arrived: dict[GradientEdge, Tensor], edge: GradientEdge, gradient: Tensor) -> None:
    arrived[edge] = arrived[edge] + gradient if edge in arrived else gradient
