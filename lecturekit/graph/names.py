"""The names of tensors and modules: what the reader called them, read from the variables around the block."""

from __future__ import annotations

import contextlib
import dis
import inspect
import itertools
import sys
import types
from collections import Counter, defaultdict
from functools import lru_cache

from torch import Tensor
from torch.nn import Module
from torch.utils.weak import WeakTensorKeyDictionary

from .calls import SUPERSCRIPTS
from .tape import is_wrapper
from .text import SUBSCRIPTS, format_number

MAX_ITEMS = 1000  # a longer list or dict is data, not a collection of parameters


@lru_cache(maxsize=64)
def _loop_variables(code) -> frozenset[str]:
    """The variables of the ``for`` statements of some code, which name several things in turn."""
    found, is_target = set(), False
    for step in dis.get_instructions(code):
        stores = step.opname.count("STORE")  # some instructions store two, or store one and load another
        is_target = step.opname == "FOR_ITER" or (is_target and (stores or step.opname.startswith(("UNPACK", "EXT"))))
        if is_target and stores:
            found.update(step.argval[:stores] if isinstance(step.argval, tuple) else [step.argval])
    return frozenset(found)


def _local_variables(frame) -> dict:
    """Copy the variables of a frame; before Python 3.13, the frame of a function keeps the dict that it gives."""
    scope = frame.f_locals
    values = dict(scope)
    if sys.version_info < (3, 13) and frame.f_code.co_flags & inspect.CO_OPTIMIZED and sys.getrefcount(scope) < 4:
        scope.clear()
    return values


class Variables:
    """The tensors and modules that a frame's variables hold at one moment.

    Variables that the frame's own code mentions come before all others: a notebook is full of left-over ones. What is
    the variable of a loop at the moment comes after what holds it. An object that cannot be looked at is passed over.
    `names` is ``{"name": tensor}`` (also a list, dict or module) or ``{"variable": "other name"}``.
    """

    def __init__(self, frame, names: dict):
        self.tensors: list[Tensor] = []
        self.modules: dict[int, str] = {}  # id(module): its path, from the variable that holds it
        self._names: dict[int, tuple[str, str]] = {}  # id(tensor): short and full name
        self._paths: dict[str, Tensor] = {}  # each tensor, by all its names
        given = {name: value for name, value in names.items() if not isinstance(value, str)}
        self._scopes = given, _local_variables(frame), frame.f_globals
        code, loops = frame.f_code, _loop_variables(frame.f_code) - given.keys()
        mentioned = {*names, *code.co_names, *code.co_varnames, *code.co_freevars, *code.co_cellvars}
        groups: list[list] = [[], [], []]
        for scope in self._scopes:
            for name, value in scope.items():
                if name[:1] != "_" and name not in ("In", "Out") and type(value) is not types.ModuleType:
                    rank = 2 if name not in mentioned else 1 if name in loops else 0
                    groups[rank].append((name if name in given else names.get(name, name), value))
        self._mentioned = {id(value) for _, value in groups[0] + groups[1]}  # whose name the code mentions
        for group in groups:
            for name, value in group:
                self._add(value, name, name)
            for name, value in group:
                with contextlib.suppress(Exception):
                    self._add_parts(name, value)
        for tensor in list(self.tensors):
            if tensor.is_leaf and tensor.grad is not None:
                self._add(tensor.grad, *(name + ".grad" for name in self._names[id(tensor)]))

    def _add(self, value, short: str, full: str) -> None:
        if issubclass(type(value), Tensor) and not is_wrapper(value):  # isinstance would ask the object itself
            for name in (full, short):
                self._paths.setdefault(name, value)
            if id(value) not in self._names:
                self._names[id(value)] = short, full
                self.tensors.append(value)

    def _add_parts(self, name: str, value) -> None:
        """Add what a module, dict, list, tuple or object called `name` holds."""
        if isinstance(value, Module):
            for path, module in value.named_modules():
                self.modules.setdefault(id(module), _below(name, path) or name)
            for path, tensor in [*value.named_parameters(), *value.named_buffers()]:
                full = _below(name, path)
                self._add(tensor, full if path[:1].isdigit() else _path("", path), full)
        if isinstance(value, dict):
            for key, item in list(value.items())[:MAX_ITEMS]:
                self._add(item, str(key), f'{name}["{key}"]')
        elif isinstance(value, list | tuple):
            for i, item in enumerate(value[:MAX_ITEMS]):
                self._add(item, f"{name}[{i}]", f"{name}[{i}]")
        else:
            for key, item in list(vars(value).items()):
                full = key if name == "self" else f"{name}.{key}"
                self._add(item, key, full)
                if isinstance(item, Module):
                    self._add_parts(full, item)

    def known(self) -> WeakTensorKeyDictionary:
        """The tensors, without keeping them alive, each with its name if the code mentions it."""
        named = self._mentioned
        return WeakTensorKeyDictionary({t: self._names[id(t)][0] if id(t) in named else "" for t in self.tensors})

    def tensor(self, target: str) -> Tensor | None:
        """The tensor in this variable, or in a part of one such as ``out['loss']``."""
        for scope in self._scopes:
            self._add(scope.get(target), target, target)  # a variable with an underscore was passed over
        return self._paths.get(target.replace("'", '"'))

    def name_of(self, entry) -> tuple[str, str]:
        """Short and full name of a tape entry's tensor; empty where it has none."""
        tensor = entry.tensor
        if entry.first_name and id(tensor) not in self._mentioned:  # its variable was bound anew
            return entry.first_name, entry.first_name
        return ("", "") if tensor is None else self._names.get(id(tensor), ("", ""))


def _path(name: str, path: str) -> str:
    """``net`` and ``layers.0.weight`` become ``net.layers[0].weight``."""
    for part in filter(None, path.split(".")):
        name += f"[{part}]" if part.isdigit() else f".{part}" if name else part
    return name


def _below(name: str, path: str) -> str:
    """The path of a part of a module; a module that is called self is not named, but for ``self[0]``."""
    return _path("" if name == "self" and not path[:1].isdigit() else name, path)


def give_names(entries: list, variables: Variables) -> None:
    """Name the nodes of entries in the order given, and write their operations, modules and constants.

    One tensor changed in place gets a prime per change: h, h′, h″; so does a variable that was bound anew.
    """
    names = [variables.name_of(entry) for entry in entries]
    owners: defaultdict[str, set] = defaultdict(set)
    for short, full in names:
        owners[short].add(full)
    taken = {name for pair in names for name in pair}
    numbered = (name for k in itertools.count(1) if (name := f"v{k}".translate(SUBSCRIPTS)) not in taken)
    versions: Counter[str] = Counter()
    calls: Counter[Module] = Counter()
    paths: dict[tuple, str] = {}
    for entry, (short, full) in zip(entries, names, strict=True):
        node, name = entry.node, short if len(owners[short]) < 2 else full
        if node.kind == "constant":
            node.name = format_number(node.value.item())
        elif not name:
            node.name = next(numbered)
        else:
            name = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)
            version, primes = versions[name], ("", "′", "″", "‴")
            node.name = name + (primes[version] if version < 4 else f"⁽{version}⁾".translate(SUPERSCRIPTS))
            versions[name] += 1
        if entry.call:
            node.expression = str(entry.call)
        for module, call in entry.modules:
            if (module, call) not in paths:
                calls[module] += 1
                again = f" (call {calls[module]})" if calls[module] > 1 else ""
                kind = type(module).__name__
                paths[module, call] = f"{variables.modules.get(id(module), kind)}{again}: {kind}"
        node.module = tuple(paths[key] for key in entry.modules)
