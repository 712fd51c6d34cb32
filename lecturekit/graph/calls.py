"""Calls of PyTorch, and how a lecturer writes them: ``w · x``, ``x²``, ``mean(v₁)``."""

from __future__ import annotations

import contextlib
import inspect
import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from numbers import Number

import torch
from torch.overrides import get_testing_overrides

from .text import MINUS, format_number, in_brackets


def _patterns(names: dict[str, str]) -> dict[str, list[str]]:
    """Return what stands around the operands of each operation, by its names in PyTorch, and in Python without __."""
    return {name: pattern.split("_") for pattern in names for name in names[pattern].split()}


ARITHMETIC = _patterns({
    "_ + _": "add", "_ − _": "sub subtract", "_ · _": "mul multiply", "_ / _": "div divide true_divide",
    "_ // _": "floordiv floor_divide", "_ % _": "mod remainder", "_^_": "pow", "_ & _": "and", "_ | _": "or",
    "_ ^ _": "xor", "_ << _": "lshift", "_ >> _": "rshift",
})  # fmt: skip
PATTERNS = ARITHMETIC | _patterns({
    "_ @ _": "matmul mm mv bmm", "_ > _": "gt", "_ ≥ _": "ge", "_ < _": "lt", "_ ≤ _": "le", "_ == _": "eq",
    "_ ≠ _": "ne", "−_": "neg negative", "~_": "invert", "_²": "square", "|_|": "abs absolute", "_ᵀ": "T t mT",
    "_[_]": "getitem", "_[_] = _": "setitem",
})  # fmt: skip
IN_PLACE = {f"__i{name}__": name for name in ARITHMETIC} | {"__setitem__": "setitem"}
REFLECTED = {f"r{name}": name for name in PATTERNS}  # with its arguments swapped: 1 − x arrives as __rsub__(x, 1)
WORDS = (bool, str, type(None), torch.dtype, torch.device, torch.memory_format, torch.layout)
SUPERSCRIPTS = str.maketrans("0123456789-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻")


@dataclass
class Call:
    """An operation, and how a lecturer writes it: text, with tape entries where the names of tensors shall stand."""

    op: str
    written: list

    def operands(self) -> list:
        """The entries in it, in order, each once."""
        return list(dict.fromkeys(piece for piece in self.written if not isinstance(piece, str)))

    def result(self, number: int) -> Call:
        """One of several results."""
        return Call(self.op, [*self.written, f"[{number}]"])

    def __str__(self) -> str:
        """With the names that the nodes have by now."""
        return "".join(piece if isinstance(piece, str) else in_brackets(piece.node.name) for piece in self.written)


def op_name(func) -> str:
    """What PyTorch calls a function; for a property such as ``x.T``, its name."""
    name = getattr(func, "__name__", type(func).__name__).split(".")[0]  # in compiled code: mul.Tensor
    return getattr(func.__self__, "__name__", name) if name == "__get__" else name


def is_in_place(name: str) -> bool:
    """Whether a function with this name changes its first argument."""
    return name in IN_PLACE or (name.endswith("_") and not name.endswith("__"))


@lru_cache(maxsize=512)
def _defaults(func) -> dict:
    """The parameters of a function in order, with their defaults; empty where they are not known."""
    for known in (func, get_testing_overrides().get(func)):  # for what is written in C, PyTorch lists stand-ins
        with contextlib.suppress(TypeError, ValueError):
            parameters = inspect.signature(known).parameters.values()
            if all(parameter.kind is not parameter.VAR_POSITIONAL for parameter in parameters):
                return {parameter.name: parameter.default for parameter in parameters}
    return {}


def _is_default(value, default) -> bool:
    if isinstance(value, tuple) and isinstance(default, int):  # stride=(1, 1)
        return all(isinstance(item, int) and item == default for item in value)
    return value is default or (isinstance(value, int | float | str | tuple) and value == default)


def describe_call(func, args, kwargs, entry_of, constant) -> Call:
    """Describe a call as the reader wrote it, without arguments that are left at their defaults.

    ``entry_of(tensor)`` and ``constant(number)`` give what stands for a tensor, and for a number that takes part in
    the arithmetic, such as the 3 in ``3 * x``.
    """
    name, defaults = op_name(func), _defaults(func)
    op = IN_PLACE.get(name) or (name.strip("_") if name.startswith("__") else name)
    is_reflected = op in REFLECTED and len(args) > 1
    op = REFLECTED[op] if is_reflected else op
    plain = op.rstrip("_")
    # The first arguments of arithmetic are nodes also where they are numbers, but not the exponent of x².
    num_operands = 0 if plain not in ARITHMETIC else 1 if plain == "pow" and not is_reflected else 2

    def part(value, position=2) -> list:
        if isinstance(value, torch.Tensor):
            return [entry_of(value)]
        if hasattr(value, "tolist") and value.size <= 8:  # a number or an index of NumPy
            value = value.tolist()
        if position < num_operands and isinstance(value, Number):
            return [constant(value)]
        if isinstance(value, tuple):
            return _listed("(", map(part, value), ",)" if len(value) == 1 else ")")
        return _listed("[", map(part, value), "]") if isinstance(value, list) else [_text(value)]

    keys = itertools.chain(defaults, itertools.repeat(None))
    named = [item for item in kwargs.items() if item[0][0] != "_" and item[0] not in ("inplace", "training", "out")]
    parts, options = [], []
    for position, (key, value) in enumerate([*zip(keys, args, strict=False), *named]):
        if key in defaults and _is_default(value, defaults[key]):
            continue
        if position == len(parts) and position < len(args):
            parts.append(part(value, position))
        else:
            options.append([f"{key}=", *part(value)])
    if is_reflected or (plain == "mul" and len(args) == 2 and not isinstance(args[1], torch.Tensor)):
        parts[:2] = parts[1::-1]  # 3 * x arrives as mul(x, 3)
    return Call(op, _compose(plain, parts, options))


def unseen_call(name: str, inputs: list) -> Call:
    """Describe an autograd node that nobody saw being made, such as ``AddBackward0``; … stands for what it lost."""
    # PyTorch's own end in a digit; an own Function may be called Sum and be anything: it keeps the name of its class.
    is_own, name = not name[-1].isdigit(), re.sub(r"(Backward)?\d*$", "", name.split("::")[-1])
    op = name if is_own or name.startswith("_") else re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return Call(op, _compose(op.rstrip("_"), [["…" if entry is None else entry] for entry in inputs]))


def _text(value) -> str:
    if isinstance(value, WORDS):
        return str(value).removeprefix("torch.")
    if isinstance(value, Number):
        return format_number(value)
    if isinstance(value, slice):
        ends = ["" if end is None else str(end).replace("-", MINUS) for end in (value.start, value.stop, value.step)]
        return ":".join(ends).removesuffix(":")
    return "…" if value is Ellipsis else getattr(value, "__name__", type(value).__name__)


def _listed(begin: str, parts: Iterable[list], end: str) -> list:
    """Put commas between parts."""
    return [begin, *[piece for part in parts for piece in (", ", *part)][1:], end]


def _compose(op: str, args: list[list], options: Iterable[list] = ()) -> list:
    pattern = PATTERNS.get(op, ())
    if options or len(pattern) != len(args) + 1:
        return _listed(f"{op}(", [*args, *options], ")")
    if op == "pow" and isinstance(args[1][0], str) and re.fullmatch("−?[0-9]+", args[1][0]):
        return [*args[0], args[1][0].translate(SUPERSCRIPTS)]
    if op in ("getitem", "setitem") and args[1][0] == "(":
        args[1] = args[1][1:-1]
    return [*(piece for before, arg in zip(pattern, args, strict=False) for piece in (before, *arg)), pattern[-1]]
