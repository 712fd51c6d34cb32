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
    """Copy the variables of a frame. Before Python 3.13, that of a function keeps the dict: if alone, empty it."""
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
        self.tensors: dict[Tensor, tuple[str, str]] = {}  # with short and full name
        self.modules: dict[Module, str] = {}  # with the path, from the variable that holds it
        self._by_name: dict[str, Tensor] = {}  # each by all its names
        self._variables = [*names.items(), *_local_variables(frame).items(), *frame.f_globals.items()]
        code, loops = frame.f_code, _loop_variables(frame.f_code) - names.keys()
        mentioned = {*names, *code.co_names, *code.co_varnames, *code.co_freevars, *code.co_cellvars}
        groups: list[list] = [[], [], []]
        for name, value in self._variables:
            if name[:1] != "_" and name not in ("In", "Out") and type(value) is not types.ModuleType:
                rank = 2 if name not in mentioned else 1 if name in loops else 0
                other = names.get(name)
                groups[rank].append((other if isinstance(other, str) else name, value))
        self._mentioned = {id(value) for _, value in groups[0] + groups[1]}  # whose name the code mentions
        for group in groups:
            for add in (self._add, self._add_parts):
                for name, value in group:
                    with contextlib.suppress(Exception):
                        add(value, name)
        for tensor, pair in list(self.tensors.items()):
            if tensor.is_leaf and tensor.grad is not None:
                self._add(tensor.grad, *(f"{name}.grad" for name in pair))

    def _add(self, value, *names: str) -> None:
        if issubclass(type(value), Tensor) and not is_wrapper(value):  # isinstance would ask the object itself
            self.tensors.setdefault(value, (names[0], names[-1]))
            for name in names:
                self._by_name.setdefault(name, value)

    def _add_parts(self, value, name: str) -> None:
        """Add what a module, dict, list, tuple or object called `name` holds."""
        if isinstance(value, Module):
            for path, module in value.named_modules():
                self.modules.setdefault(module, _below(name, path)[1])
            for path, tensor in [*value.named_parameters(), *value.named_buffers()]:
                self._add(tensor, *_below(name, path))
        if isinstance(value, dict):
            for key, item in list(value.items())[:MAX_ITEMS]:
                self._add(item, str(key), f'{name}["{key}"]')
        else:
            is_list = isinstance(value, list | tuple)
            for key, item in list(enumerate(value[:MAX_ITEMS]) if is_list else vars(value).items()):
                short, full = _below(name, str(key))
                self._add(item, short, full)
                if isinstance(item, Module) and not is_list:
                    self._add_parts(item, full)

    def known(self) -> WeakTensorKeyDictionary:
        """The tensors, without keeping them alive, each with its name if the code mentions it."""
        named = self._mentioned
        return WeakTensorKeyDictionary({t: short if id(t) in named else "" for t, (short, _) in self.tensors.items()})

    def tensor(self, target: str) -> Tensor | None:
        """The tensor in this variable, or in a part of one such as ``out['loss']``."""
        variables = dict(pair for pair in reversed(self._variables) if not isinstance(pair[1], str))
        self._add(variables.get(target), target)  # where its name begins with _, it was passed over
        return self._by_name.get(target.replace("'", '"'))

    def name_of(self, entry) -> tuple[str, str]:
        """Short and full name of a tape entry's tensor; empty where it has none."""
        if entry.first_name and id(entry.tensor) not in self._mentioned:  # its variable was bound anew
            return entry.first_name, entry.first_name
        return self.tensors.get(entry.tensor, ("", ""))


def _below(name: str, path: str) -> tuple[str, str]:
    """Short and full name of a part of a module or object; self is not written, but for ``self[0]``."""
    short = "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in path.split(".")).removeprefix(".")
    if short[:1] in ("", "["):
        return name + short, name + short
    return short, short if name == "self" else f"{name}.{short}"


def give_names(entries: list, variables: Variables) -> None:
    """Name the nodes of entries in the order given, and write their operations, modules and constants.

    One tensor changed in place gets a prime per change: h, h′, h″; so does a variable that was bound anew.
    """
    names = [variables.name_of(entry) for entry in entries]
    taken, owners = set(itertools.chain(*names)), Counter(short for short, _ in set(names))
    numbered = (name for k in itertools.count(1) if (name := f"v{k}".translate(SUBSCRIPTS)) not in taken)
    versions: Counter[str] = Counter()
    calls: defaultdict[Module, dict] = defaultdict(dict)
    for entry, (short, full) in zip(entries, names, strict=True):
        node, name = entry.node, short if owners[short] < 2 else full
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
            number, kind = calls[module].setdefault(call, len(calls[module]) + 1), type(module).__name__
            again = f" (call {number})" if number > 1 else ""
            node.module += (f"{variables.modules.get(module, kind)}{again}: {kind}",)
