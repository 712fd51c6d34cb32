"""The tape: what is known about each tensor while the reader's code runs, and its place in autograd's graph."""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge, get_gradient_edge

from .calls import Call, unseen_call
from .model import Node


@dataclass(eq=False)
class Entry:
    """A node in the making, with its handles into PyTorch. Entries live as long as the block, nodes stay."""

    node: Node
    edge: GradientEdge | None = None  # where its gradient arrives; unlike the tensor, right after in-place operations
    ref: weakref.ref | None = None  # the tensor itself, if somebody else keeps it
    device: torch.device | None = None
    call: Call | None = None
    inputs: list[Entry] = field(default_factory=list)  # in the order of the arguments
    modules: tuple = ()  # (module, number of the call), outermost first
    first_name: str = ""  # the name it had when the block began

    @property
    def key(self):
        return self.edge and (self.edge.node, self.edge.output_nr)

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


def gradient_edge(tensor: Tensor) -> GradientEdge | None:
    """Return where autograd delivers the gradient of this tensor; None if it does not."""
    if not tensor.requires_grad:
        return None
    try:
        return get_gradient_edge(tensor)
    except (AttributeError, RuntimeError):  # a leaf asked for in inference mode
        return None


def is_wrapper(tensor: Tensor) -> bool:
    """Whether a tensor only stands for others, as inside ``torch.vmap`` and ``torch.func.grad``."""
    try:
        return tensor.layout == torch.strided and tensor.data_ptr() < 0
    except RuntimeError:
        return True


def is_accumulator(fn) -> bool:
    """Whether an autograd node adds to the ``.grad`` of a leaf, its ``variable``."""
    return fn.name() == "torch::autograd::AccumulateGrad"


def snapshot(tensor: Tensor | None, max_elems: int) -> tuple[Tensor | None, float | None]:
    """Return a copy of a small tensor on the CPU, None for a larger one, and its Euclidean norm."""
    if tensor is None:
        return None, None
    tensor = tensor.detach().to_dense()
    copy = tensor.clone().cpu() if tensor.numel() <= max_elems else None
    measured = tensor if tensor.is_floating_point() or tensor.is_complex() else tensor.float()
    return copy, float(torch.linalg.vector_norm(measured))


def _same_numbers(a: Tensor, b: Tensor) -> bool:
    b = b.detach().to_dense().cpu()
    return a.shape == b.shape and (torch.equal(a, b) or bool(((a == b) | ((a != a) & (b != b))).all()))


class Tape:
    """All entries of one block, found again by tensor or by gradient edge."""

    def __init__(self, max_elems: int):
        self.max_elems = max_elems
        self.entries: list[Entry] = []
        self.first_names: dict[int, tuple[str, weakref.ref]] = {}
        self.held: dict[tuple, Tensor] = {}  # tensors by gradient edge, to give what nobody recorded its values
        self._by_key: dict[tuple, Entry] = {}
        self._by_id: dict[int, Entry] = {}

    def add(self, tensor: Tensor, call: Call | None = None, inputs=(), modules=()) -> Entry:
        """Put a tensor on the tape: an operation where there is a call, else a leaf or an input."""
        kind = "operation" if call else "leaf" if tensor.requires_grad else "input"
        node = Node("", call.op if call else "", kind, shape=tuple(tensor.shape), dtype=tensor.dtype)
        node.requires_grad = tensor.requires_grad
        node.value, node.value_norm = snapshot(tensor, self.max_elems)
        entry = Entry(node, gradient_edge(tensor), weakref.ref(tensor), tensor.device, call, list(inputs), modules)
        name, ref = self.first_names.get(id(tensor), ("", None))
        if ref is not None and ref() is tensor:
            entry.first_name = name
        self._by_id[id(tensor)] = entry
        return self._append(entry)

    def constant(self, number) -> Entry:
        """Put a number of Python or NumPy that takes part in an operation on the tape."""
        number = number.item() if hasattr(number, "item") else number
        dtype = torch.float64 if isinstance(number, float) else None
        value, norm = snapshot(torch.tensor(number, dtype=dtype, device="cpu"), max_elems=1)
        return self._append(Entry(Node("", kind="constant", value=value, value_norm=norm)))

    def _append(self, entry: Entry) -> Entry:
        self.entries.append(entry)
        if entry.edge is not None:
            self._by_key[entry.key] = entry
        return entry

    def forget(self, tensor: Tensor) -> None:
        """Look at a tensor afresh when it is used again: it was changed in a way that is not worth a node."""
        self._by_id.pop(id(tensor), None)

    def look_up(self, tensor: Tensor) -> Entry:
        """Return the entry of a tensor that is being used; made now, with all that is behind it, if it is new."""
        edge = None if tensor.is_leaf else gradient_edge(tensor)
        if edge is not None:
            return self._by_key.get((edge.node, edge.output_nr)) or self.look_up_edge(edge, tensor)
        entry = self._by_id.get(id(tensor))
        if entry is not None and entry.tensor is tensor and entry.node.requires_grad == tensor.requires_grad:
            value = entry.node.value
            if value is None or _same_numbers(value, tensor):  # else changed through a view, .data or NumPy
                return entry
        return self.add(tensor)

    def look_up_edge(self, edge: GradientEdge, tensor: Tensor | None = None) -> Entry:
        """Return the entry of a gradient edge; made now, with all unknown ones behind it, from autograd's own graph.

        This is how an own ``autograd.Function``, the base of a view that was changed in place, and everything
        computed before the block come onto the tape. Iterative: chains may be thousands of operations long.
        """
        end = edge.node, edge.output_nr
        todo = [end]
        while todo:
            fn, output_nr = todo[-1]
            for f, nr in fn.next_functions:
                if f is not None and (f, nr) not in self._by_key and is_accumulator(f):
                    self._add_leaf(f)
            deeper = [key for key in fn.next_functions if key[0] is not None and key not in self._by_key]
            if deeper:
                todo += reversed(deeper)  # what comes first among the arguments is found, and numbered, first
                continue
            todo.pop()
            if (fn, output_nr) in self._by_key:
                continue
            sources = [self._by_key.get(key) for key in fn.next_functions]
            call, inputs = unseen_call(fn.name(), sources), [source for source in sources if source is not None]
            known = tensor if tensor is not None and (fn, output_nr) == end else self.held.get((fn, output_nr))
            if known is not None:
                self.add(known, call, inputs)
            else:
                node = Node("", call.op, requires_grad=True)
                self._append(Entry(node, GradientEdge(fn, output_nr), call=call, inputs=inputs))
        return self._by_key[end]

    def _add_leaf(self, accumulator) -> Entry:
        entry = self.look_up(accumulator.variable)
        entry.edge = entry.edge or GradientEdge(accumulator, 0)  # PyTorch gives none for some sparse layouts
        self._by_key[accumulator, 0] = entry
        return entry

    def continues(self, tensor: Tensor) -> bool:
        """Whether autograd made a tensor directly from something on the tape, and it is not there itself."""
        edge = gradient_edge(tensor)
        known = any(key in self._by_key for key in tensor.grad_fn.next_functions)
        return known and (edge.node, edge.output_nr) not in self._by_key

    def autograd_inputs(self, entry: Entry) -> dict:
        """Return what autograd itself says that an entry was made from.

        That is, for each autograd node between this entry and the ones it was made from (one call of the reader may
        be several): which of the node's inputs leads to which entry, as pairs.
        """
        slots: dict = {}
        if entry.edge is None or entry.call is None:
            return slots
        own = {source.key: source for source in entry.inputs if source.edge is not None}
        todo = [entry.edge.node]
        while todo:
            fn = todo.pop()
            if fn in slots:
                continue
            slots[fn] = []
            for i, key in enumerate(fn.next_functions):
                if key[0] is None:
                    continue
                source = own.get(key) or self._by_key.get(key)
                if source is None and is_accumulator(key[0]):
                    source = self._add_leaf(key[0])
                if source is None:
                    todo.append(key[0])
                elif source is not entry:
                    slots[fn].append((i, source))
        return slots


def sources_in(slots: dict) -> list[Entry]:
    """Return the entries in what `Tape.autograd_inputs` says, in order, each once."""
    return list(dict.fromkeys(source for pairs in slots.values() for _, source in pairs))


def ancestors(entries: list[Entry], sources_of) -> set[Entry]:
    """Return the entries themselves and everything behind them; ``sources_of(entry)`` is what one was made from."""
    seen, todo = set(), list(entries)
    while todo:
        entry = todo.pop()
        if entry not in seen:
            seen.add(entry)
            todo.extend(sources_of(entry))
    return seen
