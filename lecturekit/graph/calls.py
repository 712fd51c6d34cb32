"""Calls of PyTorch, and how a lecturer writes them: ``w · x``, ``x²``, ``mean(v₁)``."""

from __future__ import annotations

import contextlib
import inspect
import re
from dataclasses import dataclass
from functools import lru_cache
from numbers import Number

import torch
from torch.overrides import get_testing_overrides

from .text import MINUS, format_number, in_brackets

ARITHMETIC = {
    "add": "{} + {}", "sub": "{} − {}", "subtract": "{} − {}", "mul": "{} · {}", "multiply": "{} · {}", "pow": "{}^{}",
    "div": "{} / {}", "divide": "{} / {}", "true_divide": "{} / {}", "floordiv": "{} // {}", "floor_divide": "{} // {}",
    "remainder": "{} % {}", "and": "{} & {}", "or": "{} | {}", "xor": "{} ^ {}",
    "lshift": "{} << {}", "rshift": "{} >> {}",
}  # fmt: skip
PATTERNS = ARITHMETIC | {
    "matmul": "{} @ {}", "mm": "{} @ {}", "mv": "{} @ {}", "bmm": "{} @ {}", "T": "{}ᵀ", "t": "{}ᵀ", "mT": "{}ᵀ",
    "gt": "{} > {}", "ge": "{} ≥ {}", "lt": "{} < {}", "le": "{} ≤ {}", "eq": "{} == {}", "ne": "{} ≠ {}",
    "neg": "−{}", "negative": "−{}", "square": "{}²", "abs": "|{}|", "absolute": "|{}|", "invert": "~{}",
    "getitem": "{}[{}]", "setitem": "{}[{}] = {}",
}  # fmt: skip
IN_PLACE = {f"__i{name}__": name for name in ARITHMETIC} | {"__setitem__": "setitem"}
REFLECTED = {f"r{name}": name for name in (*ARITHMETIC, "matmul")} | {"rmod": "remainder"}  # 1 − x: __rsub__(x, 1)
SILENT = {"inplace", "training", "out"}  # keywords that are not written
AS_IT_IS = (bool, str, type(None), torch.dtype, torch.device, torch.memory_format, torch.layout)
SUPERSCRIPTS = str.maketrans("0123456789-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻")


@dataclass
class Call:
    """An operation, and how a lecturer writes it: ``{} · {}``, with the tape entries that stand there, in order."""

    op: str
    text: str
    entries: list

    def __str__(self) -> str:
        """With the names that the nodes have by now."""
        return self.text.format(*(in_brackets(entry.node.name) for entry in self.entries))


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
    return value is default or (isinstance(value, (int, float, str, tuple)) and value == default)


def describe_call(func, args, kwargs, entry_of, constant) -> Call:
    """Describe a call as the reader wrote it, without arguments that are left at their defaults.

    ``entry_of(tensor)`` and ``constant(number)`` give what stands for a tensor, and for a number that takes part in
    the arithmetic, such as the 3 in ``3 * x``.
    """
    name, defaults = op_name(func), _defaults(func)
    op = IN_PLACE.get(name) or (name.strip("_") if name.startswith("__") else name)
    is_reflected = op in REFLECTED and len(args) > 1 and isinstance(args[0], torch.Tensor)
    op = REFLECTED[op] if is_reflected else op
    plain = op.rstrip("_")
    # Numbers among the operands of arithmetic are nodes, but not the exponent of x².
    num_operands = 0 if plain not in ARITHMETIC else 1 if plain == "pow" and not is_reflected else 2
    entries, parts, options = [], [], []

    def part(value, position=2) -> str:
        is_tensor = isinstance(value, torch.Tensor)
        if not is_tensor and hasattr(value, "tolist") and value.size <= 8:  # a number or an index of NumPy
            value = value.tolist()
        if is_tensor or (position < num_operands and isinstance(value, Number)):
            entries.append(entry_of(value) if is_tensor else constant(value))
            return "{}"
        if isinstance(value, tuple | list):
            text = ", ".join(map(part, value))
            return f"[{text}]" if isinstance(value, list) else f"({text},)" if len(value) == 1 else f"({text})"
        return _text(value).replace("{", "{{").replace("}", "}}")

    keys = [*defaults, *[None] * len(args)]
    named = [(key, value) for key, value in kwargs.items() if key[0] != "_" and key not in SILENT]
    for position, (key, value) in enumerate([*zip(keys, args, strict=False), *named]):
        if key in defaults and _is_default(value, defaults[key]):
            continue
        if position == len(parts) and position < len(args):
            parts.append(part(value, position))
        else:  # after a default, a place says nothing
            options.append(f"{key}={part(value)}")
    if is_reflected or (plain == "mul" and len(args) == 2 and not isinstance(args[1], torch.Tensor)):
        for pieces in (parts, entries):
            pieces[:2] = pieces[1::-1]  # 3 * x arrives as mul(x, 3)
    return Call(op, _compose(plain, parts, options), entries)


def unseen_call(name: str, inputs: list) -> Call:
    """Describe an autograd node that nobody saw being made, such as ``AddBackward0``; … stands for what it lost."""
    # PyTorch's own end in a digit; an own Function may be called Sum and be anything: it keeps the name of its class.
    is_own, name = not name[-1].isdigit(), re.sub(r"(Backward)?\d*$", "", name.split("::")[-1])
    op = name if is_own or name.startswith("_") else re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    text = _compose(op.rstrip("_"), ["…" if entry is None else "{}" for entry in inputs])
    return Call(op, text, [entry for entry in inputs if entry is not None])


def _text(value) -> str:
    if isinstance(value, AS_IT_IS):
        return str(value).removeprefix("torch.")
    if isinstance(value, Number):
        return format_number(value)
    if isinstance(value, slice):
        ends = ["" if end is None else str(end).replace("-", MINUS) for end in (value.start, value.stop, value.step)]
        return ":".join(ends).removesuffix(":")
    return "…" if value is Ellipsis else getattr(value, "__name__", type(value).__name__)


def _compose(op: str, args: list[str], options=()) -> str:
    pattern = PATTERNS.get(op, "")
    if options or not args or pattern.count("{}") != len(args):
        return f"{op}({', '.join([*args, *options])})"
    if op == "pow" and re.fullmatch("−?[0-9]+", args[1]):
        return args[0] + args[1].translate(SUPERSCRIPTS)
    if op in ("getitem", "setitem") and args[1][0] == "(":
        args[1] = args[1][1:-1].rstrip(",")
    return pattern.format(*args)
