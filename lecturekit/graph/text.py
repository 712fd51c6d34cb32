"""Numbers, shapes, names and derivatives in words."""

from __future__ import annotations

import math
import re
import unicodedata
from numbers import Integral

import torch

from .model import Node

MINUS = "−"
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def format_number(x) -> str:
    """Write a number with at most four significant digits; up to seven of a whole number of an integer type."""
    if isinstance(x, bool):
        return str(x)
    if isinstance(x, complex):
        real, imag = format_number(x.real), format_number(x.imag)
        return f"{real}{'' if imag.startswith(MINUS) else '+'}{imag}j"
    if math.isnan(x) or math.isinf(x):
        return "NaN" if math.isnan(x) else "∞" if x > 0 else MINUS + "∞"
    if isinstance(x, Integral) and abs(x) < 10_000_000:
        return str(x).replace("-", MINUS)
    digits = f"{x:.4g}"
    if abs(x) < 1e6 and float(digits) == int(float(digits)):
        digits = f"{float(digits):.0f}" if "e" not in digits or float(digits) == x else digits
    mantissa, _, exponent = digits.partition("e")
    mantissa = "0" if mantissa == "-0" else mantissa
    return (f"{mantissa}e{int(exponent)}" if exponent else mantissa).replace("-", MINUS)


def format_shape(shape) -> str:
    return "×".join(map(str, shape)) or "scalar"


def format_tensor(tensor: torch.Tensor | None, max_elems: int = 64) -> list[str]:
    """Write a tensor as lines of text, one for each of several rows of a matrix; a larger one as its shape and norm."""
    if tensor is None:
        return ["none"]
    tensor, shape = tensor.detach().to_dense(), tuple(tensor.shape)
    if tensor.numel() == 0:
        return ["[]" if len(shape) == 1 else f"[] ({format_shape(shape)})"]
    if tensor.numel() > max_elems:
        wide = tensor if tensor.is_complex() else tensor.double()
        return [f"{format_shape(shape)}, norm {format_number(float(torch.linalg.vector_norm(wide)))}"]

    def write(value) -> str:
        return f"[{', '.join(map(write, value))}]" if isinstance(value, list) else format_number(value)

    if len(shape) == 2 and shape[0] > 1:
        return [write(row) for row in tensor.tolist()]
    text = write(tensor.tolist())
    return [text] if len(shape) < 3 else re.split(r"(?<=\]), ", text)


def in_words(tensor: torch.Tensor | None, shape: tuple[int, ...], norm: float | None, most: int = 6) -> str:
    """Return the numbers of a small tensor, else its shape and norm."""
    if tensor is not None and tensor.numel() <= most and (most > 6 or tensor.dim() <= 2):
        rows = format_tensor(tensor)
        return f"[{', '.join(rows)}]" if len(rows) > 1 and tensor.dim() == 2 else ", ".join(rows)
    prefix = "shape " if most <= 6 else ""
    words = "several tensors" if shape is None else prefix + format_shape(shape) if shape else "not kept"
    return words if norm is None else f"{words}, norm {format_number(norm)}"


def in_brackets(number: str) -> str:
    return f"({number})" if number[0] in "-−" else number


def clean(text: str, most: int = 40) -> str:
    """Remove from the reader's text what XML forbids or what reverses the writing, and cut its middle if it is long."""
    text = "".join(c for c in re.sub(r"\s+", " ", str(text)) if unicodedata.category(c)[0] != "C")
    return text if len(text) <= most else f"{text[: most - 12]}…{text[-11:]}"


def derivative(target: Node, node: Node) -> str:
    names = (clean(n.name, 24) for n in (target, node))
    return "/".join(f"∂{name}" if re.fullmatch(r"[^\W\d]\w*′*", name) else f"∂({name})" for name in names)


def in_colour(node: Node) -> str:
    """Name a gradient in a caption: tabs stand around it, form feeds around a slope, and no name has either."""
    return f"\tgradient of {clean(node.name, 24)}\t"


def low(text: str) -> str:
    """Write indices as the picture does: a₃ for a3."""
    return re.sub(r"(?<![\w.])[^\W\d_]\d+(?![\w.])", lambda name: name[0].translate(SUBSCRIPTS), text)


def counts(node: Node) -> list[str]:
    """Say what was folded into a node."""
    parameters = [f"{node.num_parameters:,} parameter{'s' * (node.num_parameters > 1)}"] if node.num_parameters else []
    return ([f"{node.num_operations:,} operations"] if node.num_operations > 1 else []) + parameters
