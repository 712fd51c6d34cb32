"""The tape: what is known about each tensor while the reader's code runs, and its place in autograd's graph."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.autograd import _get_sequence_nr
from torch.autograd.graph import GradientEdge, get_gradient_edge
from torch.nn.parameter import is_lazy
from torch.optim.optimizer import register_optimizer_step_post_hook
from torch.utils.weak import WeakTensorKeyDictionary

from .calls import Call, unseen_call
from .model import Node


@dataclass(eq=False)
class Entry:
    """A node in the making, with its handles into PyTorch. Entries live as long as the block, nodes stay."""

    node: Node
    edge: GradientEdge | None = None  # where its gradient arrives; unlike the tensor, right after in-place operations
    ref: weakref.ref | None = None  # the tensor itself, if somebody else keeps it
    call: Call | None = None
    inputs: list[Entry] = field(default_factory=list)  # what it was made from, in the order of the arguments
    sources: list[Entry] = field(default_factory=list)  # those of them that get a gradient
    fns: list = field(default_factory=list)  # the autograd nodes between them and this, from the result back
    is_packed: bool = False  # whether its nodes run a checkpoint or code of the reader to get at what they need
    modules: tuple = ()  # (module, what stands for the call), outermost first
    first_name: str = ""  # the name it had when the block began

    @property
    def tensor(self) -> Tensor | None:
        return self.ref() if self.ref is not None else None

    @property
    def is_one_number(self) -> bool:
        return self.node.shape.count(1) == len(self.node.shape)


def flatten(value) -> list[Tensor]:
    """Return all tensors in nested lists, tuples and dicts, in order."""
    if isinstance(value, Tensor):
        return [value]
    value = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return [tensor for item in value if not isinstance(item, int | float | str) for tensor in flatten(item)]


# --- Autograd's own graph: nodes, and the edges along which they send gradients


def gradient_edge(tensor: Tensor) -> GradientEdge | None:
    """Return where autograd delivers the gradient of this tensor; None if it does not."""
    if not tensor.requires_grad:
        return None
    try:
        return _past_hooks(*get_gradient_edge(tensor)[:2])
    except (AssertionError, AttributeError, RuntimeError):  # a view of a leaf made under no_grad; inference mode
        return None


def next_edges(fn) -> list[GradientEdge]:
    """Return where an autograd node sends gradients."""
    return [_past_hooks(*edge) for edge in fn.next_functions]


def _past_hooks(fn, output_nr: int) -> GradientEdge:
    """Pass over autograd nodes that call the backward hooks of a module: they are no operations."""
    while fn is not None and fn.name() == "BackwardHookFunctionBackward":
        fn, output_nr = fn.next_functions[output_nr]
    return GradientEdge(fn, output_nr)


def is_accumulator(fn) -> bool:
    """Whether an autograd node adds to the ``.grad`` of a leaf, its ``variable``."""
    return fn is not None and fn.name() == "torch::autograd::AccumulateGrad"


def metadata(edge: GradientEdge):
    """Return the shape, dtype and device of what arrives at a gradient edge."""
    return edge.node._input_metadata[edge.output_nr]


def is_leaf(tensor: Tensor) -> bool:
    """Whether a tensor collects a gradient; a view of a leaf made under no_grad says that it does."""
    return tensor.is_leaf and tensor.requires_grad and not (tensor._is_view() and gradient_edge(tensor) is None)


def is_wrapper(tensor: Tensor) -> bool:
    """Whether there is nothing to look at.

    The tensor stands for others, as inside ``torch.vmap``, or has no numbers yet, as in a lazy layer, or it is a view
    that autograd has given up, since its base was changed.
    """
    try:
        given_up = not is_lazy(tensor) and not tensor.is_leaf and tensor.grad_fn is None
        return is_lazy(tensor) or given_up or (tensor.layout == torch.strided and tensor.data_ptr() < 0)
    except RuntimeError:
        return True


def snapshot(tensor: Tensor, max_elems: int) -> tuple[Tensor | None, float]:
    """Return a copy of a small tensor on the CPU, None for a larger one, and its Euclidean norm in double precision."""
    tensor = tensor.detach().to_dense()
    copy = tensor.clone().cpu() if tensor.numel() <= max_elems else None
    measured = tensor.cpu() if tensor.device.type == "mps" else tensor  # which has no double precision
    double = torch.promote_types(tensor.dtype, torch.float64)
    measured = measured if measured.dtype == torch.float32 else measured.to(double)  # the usual type needs no copy
    return copy, torch.linalg.vector_norm(measured, dtype=double).item()


class Tape:
    """All entries of one block, found again by tensor or by gradient edge."""

    def __init__(self, max_elems: int, since: int = 0):
        self.max_elems = max_elems
        self.since = since  # what has a lower sequence number is an input: nothing behind it is looked at
        self.entries: list[Entry] = []
        self.first = WeakTensorKeyDictionary()  # the tensors that were there when the block began, with their names
        self._by_edge: dict[GradientEdge, Entry] = {}
        self._by_id: dict[int, Entry] = {}
        self.left = False  # whether a value has left autograd, by item() or tensor()
        self.is_hooked = False  # whether the reader has registered hooks on tensors in the block
        self._kept, self.differentiated = 0, 0  # entries after pruning; operations that backward passes went through

    def add_results(self, tensors: list[Tensor], call: Call, modules: tuple, is_packed: bool) -> None:
        """Put what a call gave on the tape."""
        texts = [call.text] if len(tensors) == 1 else [f"{call.text}[{i}]" for i in range(len(tensors))]
        new = [self._add(t, Call(call.op, text, call.entries), modules) for t, text in zip(tensors, texts, strict=True)]
        for entry in new:
            entry.is_packed = is_packed
            self._link(entry)

    def _add(self, tensor: Tensor, call: Call | None = None, modules: tuple = ()) -> Entry:
        """Put a tensor on the tape: an operation where there is a call, else a leaf or an input."""
        kind = "operation" if call else "leaf" if is_leaf(tensor) else "input"
        node = Node("", call.op if call else "", kind, shape=tuple(tensor.shape), dtype=tensor.dtype)
        node.requires_grad = tensor.requires_grad
        entry = Entry(node, gradient_edge(tensor), call=call, modules=modules)
        self._note(entry, tensor)
        return self._append(entry)

    def _link(self, entry: Entry) -> None:
        """Note what a result was made from, by its call and by what autograd says (one call may be several nodes)."""
        known = {source.edge: source for source in entry.call.entries if source.edge is not None}
        todo = [] if entry.edge is None or is_accumulator(entry.edge.node) else [entry.edge.node]
        while todo:
            fn = todo.pop()
            if fn in entry.fns:
                continue
            entry.fns.append(fn)
            for edge in next_edges(fn):
                source = known.get(edge) or self._at(edge)
                if edge.node is not None and edge.node.name() == "torch::autograd::CopySlices":
                    source = self._look_behind(edge)  # the base of a view that was changed in place
                if source is not None:
                    entry.sources.append(source)
                elif edge.node is not None:
                    todo.append(edge.node)
        entry.fns.sort(key=lambda fn: fn._sequence_nr(), reverse=True)
        entry.sources = list(dict.fromkeys(entry.sources))
        entry.inputs = list(dict.fromkeys([*entry.call.entries, *entry.sources]))

    def _note(self, entry: Entry, tensor: Tensor) -> None:
        """Note what an entry has from its tensor."""
        entry.ref, self._by_id[id(tensor)] = weakref.ref(tensor), entry
        entry.node.value, entry.node.value_norm = snapshot(tensor, self.max_elems)
        entry.first_name = self.first.get(tensor, "")

    def constant(self, number) -> Entry:
        """Put a number that takes part in an operation on the tape."""
        dtype = torch.float64 if isinstance(number, float) else None
        value, norm = snapshot(torch.tensor(number, dtype=dtype, device="cpu"), max_elems=1)
        return self._append(Entry(Node("", kind="constant", value=value, value_norm=norm)))

    def _append(self, entry: Entry) -> Entry:
        self.entries.append(entry)
        if entry.edge is not None:
            self._by_edge[entry.edge] = entry
        return entry

    def forget(self, tensor: Tensor) -> None:
        """Look at a tensor afresh when it is used again: it was changed in a way that is not worth a node."""
        self._by_id.pop(id(tensor), None)

    def prune(self, targets: list[Entry]) -> None:
        """Forget what neither the targets nor a living tensor with a gradient come from: a loop must not pile up."""
        if len(self.entries) < 2 * self._kept + 100:
            return
        living = [e for e in self.entries if e.edge and (t := e.tensor) is not None and self._by_id.get(id(t)) is e]
        needed = set(topological([*targets, *living]))
        self.entries = [entry for entry in self.entries if entry in needed]
        self._by_edge = {edge: entry for edge, entry in self._by_edge.items() if entry in needed}
        self._by_id = {key: entry for key, entry in self._by_id.items() if entry in needed}
        self._kept = len(self.entries)

    def open(self, tensor: Tensor) -> Entry:
        """Look up what the reader differentiates; if computed before the block, with all that is behind it."""
        edge = gradient_edge(tensor)
        if edge is not None and self._is_before(edge.node):
            self.since = 0
        return self.look_up(tensor)

    def look_up(self, tensor: Tensor) -> Entry:
        """Return the entry of a tensor that is being used; made now, with all that is behind it, if it is new."""
        edge = None if tensor.is_leaf else gradient_edge(tensor)
        if edge is not None:
            entry = self._look_behind(edge)
            if entry.tensor is None:
                self._note(entry, tensor)
            return entry
        entry = self._by_id.get(id(tensor))
        if entry is not None and entry.tensor is tensor and entry.node.requires_grad == tensor.requires_grad:
            value, now = entry.node.value, tensor.detach().to_dense()  # may be changed through a view, .data or NumPy
            if value is None or (value.shape == now.shape and torch.allclose(value, now.to(value), 0, 0, True)):
                return entry
        return self._add(tensor)

    def look_for_results(self, tensors: list[Tensor]) -> None:
        """Look up those tensors that are on the tape or belong there: results of operations that nobody saw."""
        for tensor in tensors:
            edge, is_new = None if tensor.is_leaf else gradient_edge(tensor), tensor not in self.first
            is_result = edge in self._by_edge or (is_new and edge is not None and not self._is_before(edge.node))
            is_number = is_new and tensor.numel() == 1 and tensor.is_floating_point() and not tensor.requires_grad
            if is_result or (is_number and self.left):
                self.look_up(tensor)

    def _is_before(self, fn) -> bool:
        """Whether an autograd node was made before the block."""
        return fn._sequence_nr() < self.since

    def _lacks(self, edge: GradientEdge) -> bool:
        """Whether the tape lacks what a gradient edge leads to."""
        entry = self._by_edge.get(edge)
        return not (is_accumulator(edge.node) or self._is_before(edge.node) or (entry is not None and entry.call))

    def _look_behind(self, end: GradientEdge) -> Entry:
        """Return the entry of a gradient edge; made now, with all unknown ones behind it, from autograd's own graph.

        This is how an own ``autograd.Function``, and the base of a view that was changed in place, come onto the tape.
        Iterative: chains may be thousands of operations long.
        """
        todo = [end]
        while todo:
            edge = todo.pop()
            behind = next_edges(edge.node) if self._lacks(edge) else []
            if deeper := [to for to in behind if to.node is not None and (self._at(to) is None or self._lacks(to))]:
                todo += [edge, *reversed(deeper)]  # what comes first among the arguments is found, and numbered, first
                continue
            entry = self._at(edge)
            if entry is None:
                about = metadata(edge)
                node = Node("", kind="input", shape=tuple(about.shape), dtype=about.dtype, requires_grad=True)
                entry = self._append(Entry(node, edge))
            if self._lacks(edge):
                entry.call = unseen_call(edge.node.name(), list(map(self._at, behind)))
                entry.node.op, entry.node.kind = entry.call.op, "operation"
                self._link(entry)
                for source in entry.inputs:
                    if _changed_since(source.tensor, edge.node):
                        source.node.value = source.node.value_norm = None
        return self._by_edge[end]

    def _at(self, edge: GradientEdge) -> Entry | None:
        """Return the entry at a gradient edge; that of a leaf is made now if it is new."""
        if edge not in self._by_edge and is_accumulator(edge.node):
            entry = self.look_up(edge.node.variable)
            entry.edge = entry.edge or edge  # PyTorch gives none for some sparse layouts
            self._by_edge[edge] = entry
        return self._by_edge.get(edge)


_steps: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()  # when each optimiser last changed its parameters
register_optimizer_step_post_hook(lambda optimizer, *_: _steps.update({optimizer: _get_sequence_nr()}))


def _changed_since(tensor: Tensor | None, fn) -> bool:
    """Whether an optimiser has changed a tensor after an autograd node was made from it."""
    later = [optimizer for optimizer, number in _steps.items() if number > fn._sequence_nr()]
    return any(tensor is p for optimizer in later for group in optimizer.param_groups for p in group["params"])


def topological(entries: Iterable[Entry], by: str = "inputs") -> list[Entry]:
    """Return some entries and all that is behind them, by their inputs or their sources, each after these."""
    order, todo = {}, list(entries)[::-1]
    while todo:
        if missing := [entry for entry in getattr(todo[-1], by) if entry not in order]:
            todo += reversed(missing)
        else:
            order[todo.pop()] = True
    return list(order)
