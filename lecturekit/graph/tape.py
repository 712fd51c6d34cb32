"""The tape: what is known about each tensor while the reader's code runs, and its place in autograd's graph."""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge, get_gradient_edge
from torch.nn.parameter import UninitializedTensorMixin
from torch.optim.optimizer import register_optimizer_step_post_hook

from .calls import Call, unseen_call
from .model import Node


@dataclass(eq=False)
class Entry:
    """A node in the making, with its handles into PyTorch. Entries live as long as the block, nodes stay."""

    node: Node
    edge: GradientEdge | None = None  # where its gradient arrives; unlike the tensor, right after in-place operations
    ref: weakref.ref | None = None  # the tensor itself, if somebody else keeps it
    call: Call | None = None
    inputs: list[Entry] = field(default_factory=list)  # in the order of the arguments
    modules: tuple = ()  # (module, number of the call), outermost first
    is_hooked: bool = False  # the reader registered a hook on it in the block
    first_name: str = ""  # the name it had when the block began
    number: int = 0  # entries are numbered as they are made

    @property
    def key(self):
        return self.edge and (self.edge.node, self.edge.output_nr)

    @property
    def tensor(self) -> Tensor | None:
        return self.ref() if self.ref is not None else None

    @property
    def has_hooks(self) -> bool:
        return self.is_hooked or bool((tensor := self.tensor) is not None and tensor._backward_hooks)

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
        return GradientEdge(*_past_hooks(*get_gradient_edge(tensor)[:2]))
    except (AssertionError, AttributeError, RuntimeError):  # a view of a leaf made under no_grad; inference mode
        return None


def is_hook(fn) -> bool:
    """Whether an autograd node calls the backward hooks of a module, and passes on what it is given."""
    return fn is not None and fn.name() == "BackwardHookFunctionBackward"


def _past_hooks(fn, output_nr: int) -> tuple:
    while is_hook(fn):
        fn, output_nr = fn.next_functions[output_nr]
    return fn, output_nr


def next_keys(fn) -> list[tuple]:
    """Return where an autograd node sends gradients; the hooks of modules are no operations."""
    return [_past_hooks(*key) for key in fn.next_functions]


def about(edge: GradientEdge) -> tuple:
    """Return the shape, dtype and device of what arrives at a gradient edge."""
    known = edge.node._input_metadata[edge.output_nr]
    return tuple(known.shape), known.dtype, known.device


def is_wrapper(tensor: Tensor) -> bool:
    """Whether there is nothing to look at.

    The tensor stands for others, as inside ``torch.vmap``, or has no numbers yet, as in a lazy layer, or it is a view
    that autograd has given up, since its base was changed.
    """
    try:
        if isinstance(tensor, UninitializedTensorMixin):
            return True
        return not (tensor.is_leaf or tensor.grad_fn) or (tensor.layout == torch.strided and tensor.data_ptr() < 0)
    except RuntimeError:
        return True


def is_leaf(tensor: Tensor) -> bool:
    """Whether a tensor collects a gradient; a view of a leaf made under no_grad says that it does."""
    return tensor.is_leaf and tensor.requires_grad and not (tensor._is_view() and gradient_edge(tensor) is None)


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
    if measured.numel() > 1000 and measured.device.type != "mps":  # single precision loses digits of long sums
        measured = measured.to(torch.complex128 if measured.is_complex() else torch.float64)
    return copy, float(torch.linalg.vector_norm(measured))


def _same_numbers(a: Tensor, b: Tensor) -> bool:
    b = b.detach().to_dense().cpu()
    return a.shape == b.shape and (torch.equal(a, b) or bool(((a == b) | ((a != a) & (b != b))).all()))


class Tape:
    """All entries of one block, found again by tensor or by gradient edge.

    What autograd computed before ``since``, one of its sequence numbers, is an input: nothing behind it is looked at.
    """

    def __init__(self, max_elems: int, since: int = 0):
        self.max_elems, self.since = max_elems, since
        self.entries: list[Entry] = []
        self.first: dict[int, tuple[str, weakref.ref]] = {}  # tensors that were there when the block began, with names
        self.held: dict[tuple, weakref.ref] = {}  # those, by gradient edge, to give what nobody recorded its values
        self.left: int | None = None  # number of entries when a value first left autograd, by item() or tensor()
        self._by_key: dict[tuple, Entry] = {}
        self._by_id: dict[int, Entry] = {}
        self.count, self._kept, self.differentiated = 0, 0, 0  # entries ever, after pruning; operations gone through

    def remember(self, tensors: dict[int, tuple[str, weakref.ref]]) -> None:
        """Take note of the tensors that the reader's variables hold: by id, names and weak references."""
        self.first = tensors
        for _, ref in tensors.values():
            tensor = ref()
            if not tensor.is_leaf and (edge := gradient_edge(tensor)) is not None:
                self.held[edge.node, edge.output_nr] = ref

    def is_first(self, tensor: Tensor | None) -> bool:
        """Whether a tensor was there when the block began."""
        return tensor is not None and id(tensor) in self.first and self.first[id(tensor)][1]() is tensor

    def add(self, tensor: Tensor, call: Call | None = None, inputs=(), modules=()) -> Entry:
        """Put a tensor on the tape: an operation where there is a call, else a leaf or an input."""
        kind = "operation" if call else "leaf" if is_leaf(tensor) else "input"
        node = Node("", call.op if call else "", kind, shape=tuple(tensor.shape), dtype=tensor.dtype)
        node.requires_grad = tensor.requires_grad
        node.value, node.value_norm = snapshot(tensor, self.max_elems)
        entry = Entry(node, gradient_edge(tensor), weakref.ref(tensor), call, list(inputs), modules)
        if self.is_first(tensor):
            entry.first_name = self.first[id(tensor)][0]
        self._by_id[id(tensor)] = entry
        return self._append(entry)

    def constant(self, number) -> Entry:
        """Put a number of Python or NumPy that takes part in an operation on the tape."""
        number = number.item() if hasattr(number, "item") else number
        dtype = torch.float64 if isinstance(number, float) else None
        value, norm = snapshot(torch.tensor(number, dtype=dtype, device="cpu"), max_elems=1)
        return self._append(Entry(Node("", kind="constant", value=value, value_norm=norm)))

    def _append(self, entry: Entry) -> Entry:
        entry.number = self.count = self.count + 1
        self.entries.append(entry)
        if entry.edge is not None:
            self._by_key[entry.key] = entry
        return entry

    def forget(self, tensor: Tensor) -> None:
        """Look at a tensor afresh when it is used again: it was changed in a way that is not worth a node."""
        self._by_id.pop(id(tensor), None)

    def prune(self, targets: list[Entry]) -> None:
        """Forget what neither the targets nor a living tensor with a gradient come from: a loop must not pile up."""
        if len(self.entries) < 2 * self._kept + 100:
            return
        living = [e for e in self.entries if e.edge and (t := e.tensor) is not None and self._by_id.get(id(t)) is e]
        needed = ancestors([*targets, *living], lambda entry: entry.inputs)
        self.entries = [entry for entry in self.entries if entry in needed]
        self._by_key = {key: entry for key, entry in self._by_key.items() if entry in needed}
        self._by_id = {key: entry for key, entry in self._by_id.items() if entry in needed}
        self._kept = len(self.entries)

    def open(self, output: Tensor | GradientEdge) -> Entry:
        """Look up what the reader differentiates; if computed before the block, with all that is behind it."""
        edge = gradient_edge(output) if isinstance(output, Tensor) else output
        since = self.since
        if edge is not None and self.is_before(edge.node):
            self.since = 0
        try:
            return self.look_up(output) if isinstance(output, Tensor) else self.look_up_edge(edge)
        finally:
            self.since = since

    def is_before(self, fn) -> bool:
        """Whether an autograd node was made before the block."""
        return fn._sequence_nr() < self.since and not is_accumulator(fn)

    def _is_known(self, key) -> bool:
        entry = self._by_key.get(key)
        return entry is not None and (entry.call is not None or self.since > 0 or is_accumulator(key[0]))

    def look_up(self, tensor: Tensor) -> Entry:
        """Return the entry of a tensor that is being used; made now, with all that is behind it, if it is new."""
        edge = None if tensor.is_leaf else gradient_edge(tensor)
        if edge is not None:
            return self.look_up_edge(edge, tensor)
        entry = self._by_id.get(id(tensor))
        if entry is not None and entry.tensor is tensor and entry.node.requires_grad == tensor.requires_grad:
            value = entry.node.value
            if value is None or _same_numbers(value, tensor):  # else changed through a view, .data or NumPy
                return entry
        return self.add(tensor)

    def look_up_edge(self, wanted: GradientEdge, tensor: Tensor | None = None) -> Entry:
        """Return the entry of a gradient edge; made now, with all unknown ones behind it, from autograd's own graph.

        This is how an own ``autograd.Function``, and the base of a view that was changed in place, come onto the tape.
        Iterative: chains may be thousands of operations long.
        """
        end = wanted.node, wanted.output_nr
        todo = [] if self._is_known(end) else [end]
        while todo:
            fn, output_nr = key = todo[-1]
            is_open = not self.is_before(fn)
            for f, nr in next_keys(fn) if is_open else ():
                if f is not None and (f, nr) not in self._by_key and is_accumulator(f):
                    self._add_leaf(f)
            deeper = [key for key in next_keys(fn) if is_open and key[0] is not None and not self._is_known(key)]
            if deeper:
                todo += reversed(deeper)  # what comes first among the arguments is found, and numbered, first
                continue
            todo.pop()
            if self._is_known(key):
                continue
            sources = [self._by_key.get(key) for key in next_keys(fn)]
            call = unseen_call(fn.name(), sources) if is_open else None
            inputs = [source for source in sources if source is not None] if is_open else []
            ref = self.held.get(key)
            known = tensor if tensor is not None and key == end else ref() if ref is not None else None
            if (entry := self._by_key.get(key)) is not None:  # an input so far
                entry.call, entry.inputs, entry.node.op, entry.node.kind = call, inputs, call.op, "operation"
            elif known is not None:
                self.add(known, call, inputs)
            else:
                shape, dtype, _ = about(edge := GradientEdge(fn, output_nr))
                node = Node("", call.op if call else "", "operation" if call else "input", shape=shape, dtype=dtype)
                node.requires_grad = True
                self._append(Entry(node, edge, call=call, inputs=inputs))
            for source in inputs:
                if _changed_since(source.tensor, fn):
                    source.node.value = source.node.value_norm = None
        return self._by_key[end]

    def _add_leaf(self, accumulator) -> Entry:
        entry = self.look_up(accumulator.variable)
        entry.edge = entry.edge or GradientEdge(accumulator, 0)  # PyTorch gives none for some sparse layouts
        self._by_key[accumulator, 0] = entry
        return entry

    def continues(self, tensor: Tensor) -> bool:
        """Whether autograd made a tensor in this block directly from something on the tape, and it is not there."""
        edge = None if tensor.is_leaf else gradient_edge(tensor)
        if edge is None or self.is_before(edge.node) or (edge.node, edge.output_nr) in self._by_key:
            return False
        return any(key in self._by_key for key in next_keys(edge.node))

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
            for i, key in enumerate(next_keys(fn)):
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


_steps: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()  # when each optimiser last changed its parameters


def _note_step(optimizer, args, kwargs):
    _steps[optimizer] = torch.autograd._get_sequence_nr()


register_optimizer_step_post_hook(_note_step)


def _changed_since(tensor: Tensor | None, fn) -> bool:
    """Whether an optimiser has changed a leaf after an autograd node was made from it."""
    if tensor is None or not tensor.is_leaf:
        return False
    return any(
        number > fn._sequence_nr() and any(tensor is p for group in optimizer.param_groups for p in group["params"])
        for optimizer, number in _steps.items()
    )


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
