"""Local derivatives in words, and the rule by which an operation passes gradients on."""

from __future__ import annotations

import math

import torch

from .model import Edge
from .text import clean, format_number, format_tensor

PRODUCTS = {  # by the ranks of A and B: the rule for A, the rule for B, and that of a bias
    ("@", 1, 1): ("{up} · {B}", "{up} · {A}"),
    ("@", 2, 1): ("{up} ⊗ {B}", "{A}ᵀ @ {up}"),
    ("@", 2, 2): ("{up} @ {B}ᵀ", "{A}ᵀ @ {up}"),
    ("linear", 2, 2): ("{up} @ {B}", "{up}ᵀ @ {A}", "{up}, summed over rows"),
}
STRETCHED = {  # only where shapes differ; else the local derivative says all
    "add": ("{up}, summed{over}", "{up}, summed{over}"),
    "sub": ("{up}, summed{over}", "−{up}, summed{over}"),
    "mul": ("{up} · {B}, summed{over}", "{up} · {A}, summed{over}"),
    "div": ("{up} / {B}, summed{over}", None),
    "sum": ("{up}, spread",),
    "mean": ("{up} / {share}, spread",),
}
MOVED = dict.fromkeys("reshape view flatten squeeze unsqueeze ravel".split(), "{up}, reshaped")
MOVED |= dict.fromkeys(("T", "t", "mT"), "{up}ᵀ") | dict.fromkeys(("getitem", "index_select"), "scatter-add of {up}")


def local_derivative(edge: Edge, incoming: list[Edge]) -> str | None:
    """Return ∂target/∂source as a lecturer writes it: a number, a multiple of I, a diagonal, the name of a factor."""
    if edge.local_grad is None:
        return None
    rows, columns = math.prod(edge.target.shape), math.prod(edge.source.shape)
    matrix = edge.local_grad.reshape(rows, columns)
    first, diagonal = format_number(matrix[0, 0].item()), matrix.diag()
    if matrix.numel() == 1:
        return first
    if rows == columns and torch.equal(matrix, diagonal.diag()):
        if (diagonal == diagonal[0]).all():
            return "I" if first == "1" else f"{first} I"
        return f"diag({format_tensor(diagonal)[1:-1]})" if rows <= 4 else f"diagonal, {rows}×{columns}"
    for factor in (other.source for other in incoming if other is not edge and other.source.value is not None):
        is_same = factor.value.flatten().tolist() == matrix.flatten().tolist()
        if is_same and (factor.value.dim() == 2 or 1 in matrix.shape):
            return clean(factor.name, 16) + ("ᵀ" if factor.value.dim() == 1 and rows == 1 else "")
    if (matrix == matrix[0, 0]).all():
        return f"{first} each"
    if 1 in matrix.shape and matrix.numel() <= 4:
        return format_tensor(matrix.flatten()) + ("" if rows == 1 else "ᵀ")
    return f"{rows}×{columns} Jacobian"


def backward_rule(edge: Edge, incoming: list[Edge], upstream: str = "upstream") -> str | None:
    """Return what an edge adds to the gradient of its source: ``Xᵀ @ upstream``, from the gradient of its target.

    None where all are single numbers, or the rule is not short. Lesson 05 derives the rules.
    """
    node, source, op = edge.target, edge.source, edge.target.op.rstrip("_")
    is_scalar = not (node.shape or source.shape)
    if not edge.carries_gradient or is_scalar or node.shape is None or "alpha=" in node.expression:
        return None
    ranks = [len(other.source.shape or ()) for other in incoming[:2]]
    product = "@" if op in ("matmul", "mm", "mv") else op, *ranks
    if product in PRODUCTS:
        rules = PRODUCTS[product]
    elif source.shape != node.shape and len(incoming) == len(STRETCHED.get(op, ())):
        rules = STRETCHED[op]
    else:
        rules = [MOVED.get(op)] * len(incoming)
    if not (rule := rules[incoming.index(edge)]):
        return None
    first, second = [*(clean(other.source.name, 16) for other in incoming), "", ""][:2]
    share = math.prod(source.shape) // max(math.prod(node.shape), 1)
    is_line = len(node.shape) == 2 and math.prod(source.shape) > 1
    over = "" if not is_line else " over columns" if source.shape[-1] == 1 else " over rows"
    return rule.format(up=upstream, A=first, B=second, share=share, over=over)
