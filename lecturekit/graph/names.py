"""The names of tensors: what the reader called them, read from the variables of the code around the block."""

from __future__ import annotations

import contextlib
import sys
import types
import weakref
from collections import Counter

from torch import Tensor
from torch.nn import Module

from .expressions import SUBSCRIPTS, SUPERSCRIPTS, write
from .text import format_number

MAX_ITEMS = 1000  # a longer list or dict is data, not a collection of parameters


def caller_frame(depth: int = 2):
    """The frame that runs the ``with`` statement, also where an ``ExitStack`` enters the block for it."""
    frame = sys._getframe(depth)
    while frame.f_back is not None and frame.f_globals.get("__name__") == contextlib.__name__:
        frame = frame.f_back
    return frame


def checked_names(names) -> dict:
    """``names`` as a dict; TypeError where it is something else."""
    if names is not None and not (isinstance(names, dict) and all(isinstance(name, str) for name in names)):
        raise TypeError(f"names must be a dict such as {{'x': x}}, with names as keys, but got {names!r:.80}")
    return dict(names or {})


def checked_max_elems(max_elems) -> int:
    """``max_elems`` if it is an int of at least 0."""
    if not isinstance(max_elems, int) or isinstance(max_elems, bool):
        raise TypeError(f"max_elems must be an int, but got {type(max_elems).__name__}")
    if max_elems < 0:
        raise ValueError(f"max_elems must not be negative, but got {max_elems!r:.20}")
    return max_elems


class Variables:
    """The tensors and modules that a frame's variables hold at one moment.

    Variables that the frame's own code mentions come before all others: a notebook is full of left-over ones.

    Parameters
    ----------
    frame : types.FrameType
    names : dict of str
        ``{"name": tensor}`` (also a list, dict or module) names what has no variable; ``{"variable": "name"}`` gives
        a variable another name.
    """

    def __init__(self, frame, names=None):
        self.tensors: list[Tensor] = []
        self._names: dict[int, tuple[str, str]] = {}  # id(tensor): short and full name
        self._mentioned: set[int] = set()  # id(tensor) of those whose name the code mentions
        self._modules: dict[int, str] = {}
        self._by_edge: dict[tuple, tuple[str, str]] = {}
        names = checked_names(names)
        renamed = {name: new for name, new in names.items() if isinstance(new, str)}
        given = {name: value for name, value in names.items() if not isinstance(value, str)}
        mentioned = {*names, *frame.f_code.co_names, *frame.f_code.co_varnames}
        mentioned |= {*frame.f_code.co_freevars, *frame.f_code.co_cellvars}
        for told in (True, False):
            found = [
                (renamed.get(name, name), value)
                for scope in (given, frame.f_locals, frame.f_globals)
                for name, value in list(scope.items())
                if (name in mentioned) == told
                and name[:1] != "_"
                and name not in ("In", "Out")
                and not isinstance(value, type | types.ModuleType)
            ]
            for name, value in found:
                self._add(value, name, name)
                if told:
                    self._mentioned.add(id(value))
            for name, value in found:
                self._collection(name, value)
        for tensor, (short, full) in [(tensor, self._names[id(tensor)]) for tensor in self.tensors]:
            if tensor.is_leaf and tensor.grad is not None:
                self._add(tensor.grad, short + ".grad", full + ".grad")

    def _add(self, value, short, full):
        if isinstance(value, Tensor) and id(value) not in self._names:
            self._names[id(value)] = short, full
            self.tensors.append(value)

    def _collection(self, name, value):
        if isinstance(value, Module):
            for path, module in value.named_modules():
                self._modules.setdefault(id(module), _below(name, path) or name)
            for path, tensor in [*value.named_parameters(), *value.named_buffers()]:
                full = _below(name, path)
                self._add(tensor, full if path[:1].isdigit() else _path("", path), full)
        if isinstance(value, dict):
            for key, item in list(value.items())[:MAX_ITEMS]:
                self._add(item, str(key), f'{name}["{key}"]')
        elif isinstance(value, list | tuple):
            for i, item in enumerate(value[:MAX_ITEMS]):
                self._add(item, f"{name}[{i}]", f"{name}[{i}]")
        elif isinstance(getattr(value, "__dict__", None), dict) and not callable(getattr(value, "__get__", None)):
            for key, item in list(vars(value).items()):
                self._add(item, key, key if name == "self" else f"{name}.{key}")
                if isinstance(item, Module):
                    self._collection(key if name == "self" else f"{name}.{key}", item)

    def weak(self) -> dict:
        """The names that the code mentions, by id with a weak reference, to be kept while the block runs."""
        tensors = [tensor for tensor in self.tensors if id(tensor) in self._mentioned]
        return {id(tensor): (self._names[id(tensor)][0], weakref.ref(tensor)) for tensor in tensors}

    def tensor(self, name: str) -> Tensor | None:
        """The tensor that goes by this name."""
        return next((tensor for tensor in self.tensors if name in self._names[id(tensor)]), None)

    def index(self, edge_of) -> None:
        """Make the names findable by gradient edge, for tensors whose Python object autograd alone remembers."""
        for tensor in self.tensors:
            edge = edge_of(tensor)
            if edge is not None:
                self._by_edge.setdefault((edge.node, edge.output_nr), self._names[id(tensor)])

    def name_of(self, record) -> tuple[str, str] | None:
        """Short and full name of a record's tensor; None where it has none."""
        tensor = record.tensor
        if record.entry_name and id(tensor) not in self._mentioned:  # bound anew; not what some stale variable says
            return 2 * (record.entry_name,)
        name = self._by_edge.get(record.key) if record.edge is not None else None
        return name or (self._names.get(id(tensor)) if tensor is not None else None)

    def module(self, module: Module) -> str:
        """The path of a module, from the variable that holds it; its class where none does."""
        return self._modules.get(id(module), type(module).__name__)


def _path(name: str, path: str) -> str:
    """``net`` and ``layers.0.weight`` become ``net.layers[0].weight``."""
    for part in path.split("."):
        if part.isdigit():
            name += f"[{part}]"
        elif part:
            name += f".{part}" if name else part
    return name


def _below(name: str, path: str) -> str:
    """The path of a part of a module; a module that is called self is not named, but for ``self[0]``."""
    return _path("" if name == "self" and not path[:1].isdigit() else name, path)


def give_names(records: list, variables: Variables) -> None:
    """Name the nodes of records in the order given, and write their operations, modules and constants.

    One tensor changed in place gets a prime per change: h, h′, h″; so does a variable that was bound anew.
    """
    names = [variables.name_of(record) or ("", "") for record in records]
    owners: dict[str, set] = {}
    for short, full in names:
        owners.setdefault(short, set()).add(full)
    taken: dict[str, int] = {}
    fixed = {name for pair in names for name in pair}
    number = 0
    for record, (short, full) in zip(records, names, strict=True):
        node, name = record.node, short if len(owners.get(short, ())) < 2 else full
        if node.kind == "constant":
            node.name = format_number(node.value.item())
        elif name:
            name = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)
            version = taken[name] = taken.get(name, -1) + 1
            node.name = name + ("′″‴"[version - 1] if version in (1, 2, 3) else "")
            if version > 3:
                node.name += "⁽" + str(version).translate(SUPERSCRIPTS) + "⁾"
        else:
            number += 1
            while (name := "v" + str(number).translate(SUBSCRIPTS)) in fixed:
                number += 1
            node.name = name
    calls: Counter[Module] = Counter()
    paths: dict[tuple[Module, int], str] = {}
    for record in records:
        if record.call:
            record.node.expression = write(record.call)
        for module, call in record.modules:
            if (module, call) not in paths:
                calls[module] += 1
                again = f" (call {calls[module]})" if calls[module] > 1 else ""
                paths[module, call] = f"{variables.module(module)}{again}: {type(module).__name__}"
        record.node.module = tuple(paths[key] for key in record.modules)
