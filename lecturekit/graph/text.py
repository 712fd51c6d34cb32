"""Numbers, shapes, names and derivatives in words."""

from __future__ import annotations

import re
import unicodedata
from numbers import Integral

import torch

from .model import Node

MINUS = "−"
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def format_number(x) -> str:
    """Write a number with at most four significant digits; up to seven of a whole number of an integer type."""
    digits = str(x)
    if not isinstance(x, Integral) or abs(x) >= 10_000_000:
        digits = f"{x + 0:.4g}"  # no −0
        digits = f"{x + 0:.6g}" if complex(digits) == x else digits  # 12000 rather than 1.2e4
        digits = re.sub(r"e\+?(-?)0?", r"e\1", digits).replace("nan", "NaN").replace("inf", "∞")
    return digits.replace("-", MINUS)


def format_shape(shape) -> str:
    return "×".join(map(str, shape))


def format_tensor(tensor: torch.Tensor) -> str:
    """Write a tensor as nested lists."""
    return f"[{', '.join(map(format_tensor, tensor))}]" if tensor.dim() else format_number(tensor.item())


def in_words(tensor: torch.Tensor | None, shape: tuple | None, norm: float | None, in_full: bool = False) -> str:
    """Return the numbers of a tensor, up to 6, or in full up to 64; else its shape and norm."""
    if tensor is not None and tensor.numel() <= (64 if in_full else 6):
        return format_tensor(tensor)
    words = "several tensors" if shape is None else f"shape {format_shape(shape)}" if shape else "not kept"
    return words if norm is None else f"{words}, norm {format_number(norm)}"


def in_brackets(number: str) -> str:
    return f"({number})" if number.startswith(("-", MINUS)) else number


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
