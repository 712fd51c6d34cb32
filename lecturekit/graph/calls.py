"""Calls of PyTorch, and how a lecturer writes them: ``w · x``, ``x²``, ``mean(v₁)``."""

from __future__ import annotations

import contextlib
import inspect
import re
from dataclasses import dataclass, field
from functools import lru_cache
from numbers import Number

import torch
from torch.overrides import get_testing_overrides

from .text import MINUS, format_number

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
    """An operation and its arguments: tape entries for tensors and constants, text for all else, lists for lists."""

    op: str
    args: list = field(default_factory=list)
    kwargs: dict = field(default_factory=dict)
    output: int | None = None  # which of several results

    def operands(self) -> list:
        """The entries among the arguments, in order, each once."""
        found, todo = {}, [*self.args, *self.kwargs.values()]
        while todo:
            item = todo.pop(0)
            if isinstance(item, list):
                todo = item + todo
            elif not isinstance(item, str):
                found[item] = None
        return list(found)


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

    def part(value, position=None):
        if isinstance(value, torch.Tensor):
            return entry_of(value)
        if hasattr(value, "tolist") and value.size <= 8:  # a number or an index of NumPy
            value = value.tolist()
        is_exponent = plain == "pow" and position == 1
        if is_arithmetic and position in (0, 1) and not is_exponent and isinstance(value, Number):
            return constant(value)
        if isinstance(value, list | tuple):
            opening, closing = "()" if isinstance(value, tuple) else "[]"
            return [opening, *map(part, value), closing]
        return _text(value)

    has_options = bool(kwargs) or not all(isinstance(value, torch.Tensor) for value in args)
    defaults = _defaults(func) if has_options and not is_arithmetic and plain != "getitem" else {}
    keys = [*defaults, *[None] * len(args)]
    parts, given = [], {}
    for position, (key, value) in enumerate([*zip(keys, args, strict=False), *kwargs.items()]):
        is_silent = position >= len(args) and (key[0] == "_" or key in ("inplace", "training", "out"))
        if is_silent or (key in defaults and _is_default(value, defaults[key])):
            continue
        if position == len(parts) and position < len(args):
            parts.append(part(value, position))
        else:
            given[key] = part(value)
    if plain in SWAPPED and len(parts) > 1:
        op, parts = SWAPPED[plain], [parts[1], parts[0], *parts[2:]]
    elif plain == "mul" and len(args) == 2 and not isinstance(args[1], torch.Tensor):
        parts.reverse()  # 3 * x arrives as mul(x, 3)
    return Call(op, parts, given)


def unseen_call(name: str, inputs: list) -> Call:
    """Describe an autograd node that nobody saw being made, such as ``AddBackward0``; … stands for what it lost."""
    # PyTorch's own end in a digit; an own Function may be called Sum and be anything: it keeps the name of its class.
    is_own, name = not name[-1].isdigit(), re.sub(r"(Backward)?\d*$", "", name.split("::")[-1])
    op = name if is_own or name.startswith("_") else re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return Call(op, [entry if entry is not None else "…" for entry in inputs])


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


def _written(part) -> str:
    if isinstance(part, list):
        opening, *items, closing = part
        comma = "," if opening == "(" and len(items) == 1 else ""
        return opening + ", ".join(map(_written, items)) + comma + closing
    if isinstance(part, str):
        return part
    return f"({part.node.name})" if part.node.name.startswith(MINUS) else part.node.name


def write(call: Call) -> str:
    """Write a call, with the names that its nodes have by now."""
    op = call.op.rstrip("_")
    args = [_written(arg) for arg in call.args]
    rest = [f"{key}={_written(value)}" for key, value in call.kwargs.items()]
    if op in INFIX and len(args) == 2 and not rest:
        text = f"{args[0]} {INFIX[op]} {args[1]}"
    elif op == "pow" and len(args) == 2 and not rest:
        small = re.fullmatch("−?[0-9]+", args[1]) and isinstance(call.args[1], str)
        text = args[0] + (args[1].translate(SUPERSCRIPTS) if small else f"^{args[1]}")
    elif op in AROUND and len(args) == 1:
        text = args[0].join(AROUND[op])
    elif op in ("getitem", "setitem") and len(args) >= 2:
        index = args[1]
        if isinstance(call.args[1], list) and call.args[1][0] == "(":
            index = index[1:-1].rstrip(",")
        text = f"{args[0]}[{index}]" + (f" = {args[2]}" if len(args) > 2 else "")
    else:
        text = f"{op}({', '.join(args + rest)})"
    return text if call.output is None else f"{text}[{call.output}]"
