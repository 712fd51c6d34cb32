"""The terms of the chain rule in words: local derivatives, and the rule by which an operation passes gradients on."""

from __future__ import annotations

import math

import torch

from .model import Edge, Node
from .text import clean, derivative, format_number, format_tensor, in_brackets, in_colour, in_words

PRODUCTS = {  # by the ranks of A and B: the rule for A, the rule for B, and that of a bias
    ("@", 1, 1): ("{up} · {B}", "{up} · {A}"),
    ("@", 2, 1): ("{up} ⊗ {B}", "{A}ᵀ @ {up}"),
    ("@", 2, 2): ("{up} @ {B}ᵀ", "{A}ᵀ @ {up}"),
    ("linear", 2, 2): ("{up} @ {B}", "{up}ᵀ @ {A}", "{up}, summed over rows"),
}
ELEMENTWISE = {  # only where a source was stretched; else the local derivative says all
    "add": ("{up}", "{up}"),
    "sub": ("{up}", "−{up}"),
    "mul": ("{up} · {B}", "{up} · {A}"),
    "div": ("{up} / {B}", None),
}
MOVED = dict.fromkeys("reshape view flatten squeeze unsqueeze ravel".split(), "{up}, reshaped")
MOVED |= dict.fromkeys(("T", "t", "mT"), "{up}ᵀ") | dict.fromkeys(("getitem", "index_select"), "scatter-add of {up}")


def local_derivative(edge: Edge, incoming: list[Edge]) -> str | None:
    """Return ∂target/∂source as a lecturer writes it: a number, a multiple of I, a diagonal, the name of a factor."""
    jacobian = edge.local_grad
    if jacobian is None:
        return None
    if jacobian.numel() == 1:
        return format_number(jacobian.item())
    rows, columns = math.prod(edge.target.shape), math.prod(edge.source.shape)
    matrix = jacobian.reshape(rows, columns)
    if rows == columns and torch.equal(matrix, torch.diag(matrix.diag())):
        diagonal = matrix.diag()
        if (diagonal == diagonal[0]).all():
            factor = format_number(diagonal[0].item())
            return "I" if factor == "1" else f"{factor} I"
        return f"diag({format_tensor(diagonal)[1:-1]})" if rows <= 4 else f"diagonal, {rows}×{columns}"
    for other in incoming:
        factor = other.source.value
        if other is edge or factor is None or factor.dtype != matrix.dtype:
            continue
        if torch.equal(factor.flatten(), matrix.flatten()) and (factor.dim() == 2 or 1 in matrix.shape):
            return clean(other.source.name, 16) + ("ᵀ" if factor.dim() == 1 and rows == 1 else "")
    if (matrix == matrix[0, 0]).all():
        return f"{format_number(matrix[0, 0].item())} each"
    if 1 in matrix.shape and matrix.numel() <= 4:
        return format_tensor(matrix.flatten()) + ("" if rows == 1 else "ᵀ")
    return f"{rows}×{columns} Jacobian"


def term(target: Node, edge: Edge, incoming: list[Edge], in_caption: bool = False) -> str:
    """Write a term of the chain rule, with its numbers where all are single ones, else with what it adds.

    ``∂f/∂u · ∂u/∂x = 3 · (−2) = −6``; in a caption, ``gradient of u × slope of the arrow x → u = 3 × (−2) = −6``.
    """
    node, source = edge.target, edge.source
    upstream, slope, times = derivative(target, node), derivative(node, source), "·"
    if in_caption:
        slope = f"\fslope of the arrow {clean(source.name, 24)} → {clean(node.name, 24)}\f"
        upstream, times = in_colour(node), "×"
    text = backward_rule(edge, incoming, upstream) or f"{upstream} {times} {slope}"
    numbers = [node.grad, edge.local_grad, edge.contribution]
    if all(number is not None and number.numel() == 1 for number in numbers):
        upstream, local, product = (format_number(number.item()) for number in numbers)
        return f"{text} = \t{upstream}\t {times} \f{in_brackets(local)}\f = {product}"
    added = in_words(edge.contribution, source.shape, edge.contribution_norm, not in_caption)
    return f"{text}, {added}" if added[0] == "s" else f"{text} = {added}"


def backward_rule(edge: Edge, incoming: list[Edge], upstream: str = "upstream") -> str | None:
    """Return what an edge adds to the gradient of its source: ``Xᵀ @ upstream``, from the gradient of its target.

    None where all are single numbers, or the rule is not short. Lesson 05 derives the rules.
    """
    node, source = edge.target, edge.source
    if not edge.carries_gradient or None in (node.shape, source.shape) or not (node.shape or source.shape):
        return None
    op, place = node.op.rstrip("_"), incoming.index(edge)
    first, second = [*(clean(other.source.name, 16) for other in incoming), "", ""][:2]
    ranks = [len(other.source.shape or ()) for other in incoming[:2]]
    if rules := PRODUCTS.get(("@" if op in ("matmul", "mm", "mv") else op, *ranks)):
        rule = rules[place]
    elif op in ELEMENTWISE and source.shape != node.shape and len(incoming) == 2:
        rule = ELEMENTWISE[op][place]
        rule = rule and rule + _summed(source.shape, node.shape)
    elif op in ("sum", "mean") and source.shape != node.shape:
        share = math.prod(source.shape) // max(math.prod(node.shape), 1)
        rule = f"{{up}} / {share}, spread" if op == "mean" else "{up}, spread"
    else:
        rule = MOVED.get(op)
    return rule and rule.format(up=upstream, A=first, B=second)


def _summed(shape: tuple, stretched: tuple) -> str:
    """Say over what the gradient of a tensor is summed that was stretched: in a matrix, over rows or columns."""
    if len(stretched) != 2 or math.prod(shape) == 1:
        return ", summed"
    return ", summed over columns" if shape[-1] == 1 else ", summed over rows"
