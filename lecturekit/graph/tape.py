"""The tape: what is known about each tensor while the reader's code runs, and the graph that is made of it."""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge, get_gradient_edge

from .expressions import Call, walked_call
from .model import Edge, Graph, Node, in_order
from .names import give_names


@dataclass(eq=False)
class Record:
    """A node in the making, with its handles into PyTorch. Records live as long as the block, nodes stay."""

    node: Node
    edge: GradientEdge | None  # where its gradient arrives; unlike the tensor, it stays right after in-place operations
    ref: weakref.ref | None  # the tensor itself, if somebody else keeps it
    device: torch.device | None = None
    inputs: list[Record] = field(default_factory=list)  # in the order of the arguments
    call: Call | None = None
    modules: tuple = ()  # (module, number of the call), outermost first
    entry_name: str = ""  # the name it had when the block began

    @property
    def key(self):
        return self.edge and (self.edge.node, self.edge.output_nr)

    @property
    def tensor(self) -> Tensor | None:
        return self.ref() if self.ref is not None else None


def flatten(value) -> list[Tensor]:
    """All tensors in nested lists, tuples and dicts, in order."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list | tuple):
        return []
    return [tensor for item in value if not isinstance(item, int | float | str) for tensor in flatten(item)]


def gradient_edge(tensor: Tensor) -> GradientEdge | None:
    """Where autograd delivers the gradient of this tensor; None if it does not."""
    if not tensor.requires_grad:
        return None
    try:
        return get_gradient_edge(tensor)
    except (AttributeError, RuntimeError):  # a leaf asked for in inference mode
        return None


def opaque(tensor: Tensor) -> bool:
    """Whether a tensor only stands for others, as inside ``torch.vmap`` and ``torch.func.grad``."""
    try:
        return tensor.layout == torch.strided and tensor.data_ptr() < 0
    except RuntimeError:
        return True


def is_leaf(fn) -> bool:
    """Whether an autograd node adds to the ``.grad`` of a leaf, its ``variable``."""
    return fn.name() == "torch::autograd::AccumulateGrad"


def dense(tensor: Tensor) -> Tensor:
    """The same tensor, with all its zeros if it is sparse."""
    return tensor if tensor.layout == torch.strided else tensor.to_dense()


def snapshot(tensor: Tensor | None, max_elems: int) -> Tensor | None:
    """Copy a small tensor to the CPU; None for one that is too large or has no plain data."""
    if tensor is None or tensor.numel() > max_elems or tensor.is_meta:
        return None
    tensor = dense(tensor.detach())
    return tensor.clone() if tensor.device.type == "cpu" else tensor.cpu()


def first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def norm(tensor: Tensor | None) -> float | None:
    """Euclidean norm of a tensor of any dtype."""
    if tensor is None or tensor.is_meta:
        return None
    tensor = dense(tensor.detach())
    if tensor.dtype.itemsize == 1 or not (tensor.is_floating_point() or tensor.is_complex()):
        tensor = tensor.float()  # no norm of whole numbers, and none in 8 bits
    return float(torch.linalg.vector_norm(tensor))


def _same(a: Tensor, b: Tensor) -> bool:
    b = dense(b.detach()).cpu()
    return a.shape == b.shape and (torch.equal(a, b) or bool(((a == b) | ((a != a) & (b != b))).all()))


class Tape:
    """All records of one block, found again by tensor or by gradient edge."""

    def __init__(self, max_elems: int):
        self.max_elems = max_elems
        self.records: list[Record] = []
        self.entry_names: dict[int, tuple[str, weakref.ref]] = {}
        self.held: dict[tuple, Tensor] = {}  # tensors by gradient edge, to give what is walked over its values
        self._by_key: dict[tuple, Record] = {}
        self._by_id: dict[int, Record] = {}
        self._behind: dict[Record, tuple[dict, dict]] = {}
        self._known = 0

    def add(self, tensor: Tensor, call: Call | None = None, inputs=(), modules=()) -> Record:
        """Put a new record of a tensor on the tape: an operation where there is a call, else a leaf or an input."""
        kind = "operation" if call else "leaf" if tensor.requires_grad else "input"
        node = Node("", call.op if call else "", kind, "", tuple(tensor.shape), tensor.dtype)
        node.requires_grad = tensor.requires_grad
        node.value = snapshot(tensor, self.max_elems)
        node.value_norm = norm(tensor if node.value is None else node.value)
        record = Record(node, gradient_edge(tensor), weakref.ref(tensor), tensor.device, list(inputs), call, modules)
        name, ref = self.entry_names.get(id(tensor), ("", None))
        if ref is not None and ref() is tensor:
            record.entry_name = name
        self._by_id[id(tensor)] = record
        return self._append(record)

    def constant(self, number) -> Record:
        """A Python number that takes part in an operation."""
        dtype = torch.float64 if isinstance(number, float) else None
        value = torch.tensor(number, dtype=dtype, device="cpu")
        node = Node("", kind="constant", value=value, value_norm=norm(value))
        return self._append(Record(node, None, None))

    def _append(self, record: Record) -> Record:
        self.records.append(record)
        if record.edge is not None:
            self._by_key[record.key] = record
        return record

    def forget(self, tensor: Tensor) -> None:
        """The tensor was changed in a way that is not worth a node: look at it afresh when it is used again."""
        self._by_id.pop(id(tensor), None)

    def look_up(self, tensor: Tensor) -> Record:
        """The record of a tensor that is being used; made now, with all that is behind it, if it is new."""
        edge = None if tensor.is_leaf else gradient_edge(tensor)
        if edge is not None:
            return self._by_key.get((edge.node, edge.output_nr)) or self.walk(edge, tensor)
        record = self._by_id.get(id(tensor))
        if record is not None and record.tensor is tensor and record.node.requires_grad == tensor.requires_grad:
            value = record.node.value
            if value is None or _same(value, tensor):  # else changed through a view, .data or NumPy
                return record
        return self.add(tensor)

    def walk(self, edge: GradientEdge, tensor: Tensor | None = None) -> Record:
        """Make records for an edge nobody recorded, and all unknown ones behind it, from autograd's own graph.

        This is how an own ``autograd.Function``, the base of a view that was changed in place, and everything
        computed before the block come onto the tape. Iterative: chains may be thousands of operations long.
        """
        todo = [(edge.node, edge.output_nr)]
        while todo:
            fn, output_nr = todo[-1]
            unknown = [(f, nr) for f, nr in fn.next_functions if f is not None and (f, nr) not in self._by_key]
            leaves = [f for f, _ in unknown if is_leaf(f)]
            for f in leaves:
                self._leaf(f)
            deeper = [key for key in unknown if key not in self._by_key]
            if deeper:
                todo += reversed(deeper)  # what comes first among the arguments is walked, and numbered, first
                continue
            todo.pop()
            if (fn, output_nr) in self._by_key:
                continue
            inputs = [self._by_key[f, nr] if f is not None else None for f, nr in fn.next_functions]
            call = walked_call(fn.name(), inputs)
            inputs = [record for record in inputs if record is not None]
            known = tensor if (fn, output_nr) == (edge.node, edge.output_nr) else None
            known = self.held.get((fn, output_nr)) if known is None else known
            if known is not None:
                self.add(known, call, inputs)
            else:
                node = Node("", call.op, requires_grad=True)
                self._append(Record(node, GradientEdge(fn, output_nr), None, inputs=inputs, call=call))
        return self._by_key[edge.node, edge.output_nr]

    def _leaf(self, fn) -> Record:
        record = self.look_up(fn.variable)
        if record.edge is None:  # PyTorch gives none for some sparse layouts
            record.edge = GradientEdge(fn, 0)
        self._by_key[fn, 0] = record
        return record

    def continues(self, tensor: Tensor) -> bool:
        """Whether autograd made a tensor directly from something on the tape, and it is not there itself."""
        key = gradient_edge(tensor)[:2]
        return key not in self._by_key and any(tuple(k) in self._by_key for k in tensor.grad_fn.next_functions)

    def behind(self, record: Record) -> tuple[dict, dict]:
        """What autograd itself says about one record's operation.

        Returns
        -------
        slots : dict
            For each autograd node between this record and the ones it was made from: which of the node's inputs
            leads to which record, as pairs. One call of the reader may be several autograd nodes.
        sources : dict
            The records it was made from that receive a gradient, as keys in order.
        """
        if self._known != len(self.records):  # a new record may stand between two old ones
            self._behind.clear()
            self._known = len(self.records)
        if record in self._behind:
            return self._behind[record]
        slots, sources = self._behind[record] = {}, {}
        if record.edge is None or record.call is None:
            return slots, sources
        own = {source.key: source for source in record.inputs if source.edge is not None}
        todo = [record.edge.node]
        while todo:
            fn = todo.pop()
            if fn in slots:
                continue
            slots[fn] = []
            for i, key in enumerate(fn.next_functions):
                if key[0] is None:
                    continue
                source = own.get(key) or self._by_key.get(key)
                if source is None and is_leaf(key[0]):
                    source = self._leaf(key[0])
                if source is None:
                    todo.append(key[0])
                elif source is not record:
                    slots[fn].append((i, source))
                    sources[source] = None
        return slots, sources

    def tensors(self) -> list[Tensor]:
        """The recorded tensors that are still alive."""
        return [tensor for record in self.records if (tensor := record.tensor) is not None]

    def clear(self) -> None:
        self.records.clear()
        self._by_key.clear()
        self._by_id.clear()
        self._behind.clear()
        self.entry_names = {}
        self.held = {}


def ancestors(records: list[Record], of) -> set[Record]:
    """The records themselves and everything behind them; ``of(record)`` gives what one was made from."""
    seen, todo = set(), list(records)
    while todo:
        record = todo.pop()
        if record not in seen:
            seen.add(record)
            todo.extend(of(record))
    return seen


def fill(graph: Graph, tape: Tape, results, variables) -> None:
    """Turn the tape into nodes and edges: choose what is shown, order it, name it, add the derivatives.

    Shown is all that leads to the target, and to further results with a gradient that have a name. Whatever else
    ran in the block (the optimiser's arithmetic, a printed accuracy) is left out. Without a target, all named
    results are shown; where none has a name, everything is.
    """
    parents = {}
    for record in list(tape.records):
        parents[record] = list(dict.fromkeys([*record.inputs, *tape.behind(record)[1]]))
    for record in tape.records:
        parents.setdefault(record, [])
    used = {source for record in parents for source in parents[record]}
    ends = [record for record in tape.records if record.call and record not in used]
    named = [record for record in ends if variables.name_of(record)]
    targets = results.targets
    if targets:
        roots = targets + [record for record in named if record.node.requires_grad]
    else:
        roots = named or ends or tape.records
    shown = ancestors(roots, parents.__getitem__)

    records = in_order([record for record in tape.records if record in shown], parents)
    give_names(records, variables)
    for record in records:
        tensor, node = record.tensor, record.node
        if tensor is not None and tensor.requires_grad and (tensor.is_leaf or tensor.retains_grad):
            node.accumulated = snapshot(tensor.grad, tape.max_elems)
        if record in results.grads:
            node.grad, node.grad_norm, node.shape, node.dtype = results.grads[record]
    if targets:
        for record in targets:
            record.node.kind = "output"
        graph.target = targets[-1].node
    graph.nodes = [record.node for record in records]
    for record in records:
        for source in parents[record]:
            edge = Edge(source.node, record.node)
            edge.contribution, edge.contribution_norm = results.contributions.get((source, record), (None, None))
            edge.local_grad = results.local_grads.get((source, record))
            graph.edges.append(edge)
