"""Calls of PyTorch, and how a lecturer writes them: ``w · x``, ``x²``, ``mean(v₁)``."""

from __future__ import annotations

import contextlib
import inspect
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from numbers import Number

import torch
from torch.overrides import get_testing_overrides

from .text import MINUS, format_number, in_brackets

# Python's reflected operators arrive with their arguments swapped: 1 − x as __rsub__(x, 1).
SWAPPED = {"rsub": "sub", "rdiv": "div", "rtruediv": "div", "rpow": "pow", "rmod": "remainder", "rmatmul": "matmul",
           "rfloordiv": "floor_divide", "rlshift": "lshift", "rrshift": "rshift"}  # fmt: skip
ARITHMETIC = {
    "add": "+", "sub": MINUS, "subtract": MINUS, "mul": "·", "multiply": "·", "div": "/", "divide": "/",
    "true_divide": "/", "floordiv": "//", "floor_divide": "//", "remainder": "%", "mod": "%", "and": "&", "or": "|",
    "xor": "^", "lshift": "<<", "rshift": ">>",
}  # fmt: skip
INFIX = ARITHMETIC | dict.fromkeys(("matmul", "mm", "mv", "bmm"), "@")
INFIX |= {"gt": ">", "ge": "≥", "lt": "<", "le": "≤", "eq": "==", "ne": "≠"}
AROUND = {"neg": (MINUS, ""), "negative": (MINUS, ""), "square": ("", "²"), "abs": ("|", "|"), "absolute": ("|", "|"),
          "invert": ("~", ""), "T": ("", "ᵀ"), "t": ("", "ᵀ"), "mT": ("", "ᵀ")}  # fmt: skip
IN_PLACE = {
    f"__{name}__" for name in "iadd isub imul itruediv idiv ifloordiv imod ipow iand ior ixor ilshift irshift".split()
}
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
    return name == "__setitem__" or name in IN_PLACE or (name.endswith("_") and not name.endswith("__"))


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
    """Describe a call as the reader wrote it, without keyword arguments that are left at their defaults.

    ``entry_of(tensor)`` and ``constant(number)`` give what stands for a tensor, and for a number that takes part in
    the arithmetic, such as the 3 in ``3 * x``.
    """
    name = op_name(func)
    op = name.strip("_") if name.startswith("__") else name
    op = op[1:] if name in IN_PLACE else op  # iand: mask &= other
    plain = op.rstrip("_")
    is_arithmetic = SWAPPED.get(plain, plain) in {*ARITHMETIC, "pow"}

    def part(value, position=None) -> list:
        if isinstance(value, torch.Tensor):
            return [entry_of(value)]
        if hasattr(value, "tolist") and value.size <= 8:  # a number or an index of NumPy
            value = value.tolist()
        is_exponent = plain == "pow" and position == 1
        if is_arithmetic and position in (0, 1) and not is_exponent and isinstance(value, Number):
            return [constant(value)]
        if isinstance(value, tuple):
            return ["(", *_listed(map(part, value)), ",)" if len(value) == 1 else ")"]
        return ["[", *_listed(map(part, value)), "]"] if isinstance(value, list) else [_text(value)]

    has_options = bool(kwargs) or not all(isinstance(value, torch.Tensor) for value in args)
    defaults = _defaults(func) if has_options and not is_arithmetic and plain != "getitem" else {}
    keys = [*defaults, *[None] * len(args)]
    parts, options = [], []
    for position, (key, value) in enumerate([*zip(keys, args, strict=False), *kwargs.items()]):
        is_silent = position >= len(args) and (key[0] == "_" or key in ("inplace", "training", "out"))
        if is_silent or (key in defaults and _is_default(value, defaults[key])):
            continue
        if position == len(parts) and position < len(args):
            parts.append(part(value, position))
        else:
            options.append([f"{key}=", *part(value)])
    if plain in SWAPPED and len(parts) > 1:
        op, parts = SWAPPED[plain], [parts[1], parts[0], *parts[2:]]
    elif plain == "mul" and len(args) == 2 and not isinstance(args[1], torch.Tensor):
        parts.reverse()  # 3 * x arrives as mul(x, 3)
    return Call(op, _compose(op.rstrip("_"), parts, options))


def unseen_call(name: str, inputs: list) -> Call:
    """Describe an autograd node that nobody saw being made, such as ``AddBackward0``; … stands for what it lost."""
    # PyTorch's own end in a digit; an own Function may be called Sum and be anything: it keeps the name of its class.
    is_own, name = not name[-1].isdigit(), re.sub(r"(Backward)?\d*$", "", name.split("::")[-1])
    op = name if is_own or name.startswith("_") else re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return Call(op, _compose(op.rstrip("_"), [["…" if entry is None else entry] for entry in inputs]))


def _text(value) -> str:
    if isinstance(value, bool | str) or value is None:
        return str(value)
    if isinstance(value, Number):
        return format_number(value)
    if isinstance(value, slice):
        ends = ["" if end is None else str(end).replace("-", MINUS) for end in (value.start, value.stop, value.step)]
        return ":".join(ends if value.step is not None else ends[:2])
    if value is Ellipsis:
        return "…"
    if isinstance(value, torch.dtype | torch.device | torch.memory_format | torch.layout):
        return str(value).removeprefix("torch.")
    return getattr(value, "__name__", type(value).__name__)


def _listed(parts) -> list:
    """Put commas between parts."""
    return [piece for part in parts for piece in (", ", *part)][1:]


def _compose(op: str, args: list[list], options: Iterable[list] = ()) -> list:
    if op in INFIX and len(args) == 2 and not options:
        return [*args[0], f" {INFIX[op]} ", *args[1]]
    if op == "pow" and len(args) == 2 and not options:
        exponent = args[1][0]
        is_whole = isinstance(exponent, str) and re.fullmatch("−?[0-9]+", exponent)
        return [*args[0], exponent.translate(SUPERSCRIPTS)] if is_whole else [*args[0], "^", *args[1]]
    if op in AROUND and len(args) == 1:
        before, after = AROUND[op]
        return [before, *args[0], after]
    if op in ("getitem", "setitem") and len(args) >= 2:
        index = args[1][1:-1] if args[1][0] == "(" else args[1]
        return [*args[0], "[", *index, "]", *(piece for value in args[2:] for piece in (" = ", *value))]
    return [f"{op}(", *_listed([*args, *options]), ")"]
