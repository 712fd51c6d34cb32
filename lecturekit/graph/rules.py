"""The terms of the chain rule in words: local derivatives, and the rule by which an operation passes gradients on."""

from __future__ import annotations

import math

import torch

from .model import Edge, Node
from .text import clean, derivative, format_number, format_tensor, in_brackets, in_words


def local_derivative(edge: Edge, incoming: list[Edge]) -> str | None:
    """Return ∂target/∂source as a lecturer writes it: a number, a multiple of I, a diagonal, the name of a factor."""
    jacobian = edge.local_grad
    if jacobian is None or not jacobian.numel():
        return None
    if jacobian.numel() == 1:
        return format_number(jacobian.item())
    rows, columns = math.prod(edge.target.shape), math.prod(edge.source.shape)
    if jacobian.numel() != rows * columns:
        return None
    matrix = jacobian.reshape(rows, columns)
    if rows == columns and torch.equal(matrix, torch.diag(matrix.diag())):
        diagonal = matrix.diag()
        if (diagonal == diagonal[0]).all():
            factor = format_number(diagonal[0].item())
            return "I" if factor == "1" else f"{factor} I"
        return f"diag({format_tensor(diagonal)[0][1:-1]})" if rows <= 4 else f"diagonal, {rows}×{columns}"
    for other in incoming:
        factor = other.source.value
        if other is edge or factor is None or factor.dtype != matrix.dtype or factor.numel() != matrix.numel():
            continue
        if torch.equal(factor.reshape(-1), matrix.reshape(-1)) and (factor.dim() == 2 or min(rows, columns) == 1):
            return clean(other.source.name, 16) + ("ᵀ" if factor.dim() == 1 and rows == 1 else "")
    if (matrix == matrix[0, 0]).all():
        return f"{format_number(matrix[0, 0].item())} each"
    if min(rows, columns) == 1 and max(rows, columns) <= 4:
        return format_tensor(matrix.reshape(-1))[0] + ("" if rows == 1 else "ᵀ")
    return f"{rows}×{columns} Jacobian"


def term(target: Node, edge: Edge, sign: str, most: int = 6) -> str:
    """Write one product of the chain rule, with its numbers where all are single ones, else with what it adds."""
    node, source = edge.target, edge.source
    text = f"{derivative(target, source)} {sign} {derivative(target, node)} · {derivative(node, source)}"
    numbers = [node.grad, edge.local_grad, edge.contribution]
    if all(number is not None and number.numel() == 1 for number in numbers):
        upstream, local, product = (format_number(number.item()) for number in numbers)
        return f"{text} = {upstream} · {in_brackets(local)} = {product}"
    added = in_words(edge.contribution, source.shape, edge.contribution_norm, most)
    return f"{text}, {added}" if added[0] == "s" else f"{text} = {added}"
