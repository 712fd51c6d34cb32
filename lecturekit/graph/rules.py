"""What an operation on tensors does backward, in one line: ``Xᵀ @ upstream``. Lesson 05 derives each rule."""

from __future__ import annotations

import math

from .model import Edge

UPSTREAM = "upstream"  # the gradient of the operation's result
PRODUCTS = {  # by the ranks of A and B in A @ B: the rule for A, and the rule for B
    (1, 1): ("{up} · {B}", "{up} · {A}"),
    (2, 1): ("{up} ⊗ {B}", "{A}ᵀ @ {up}"),
    (2, 2): ("{up} @ {B}ᵀ", "{A}ᵀ @ {up}"),
}
LINEAR = ("{up} @ {B}", "{up}ᵀ @ {A}", "{up}, summed over rows")
ELEMENTWISE = {  # only where a source was stretched; else the local derivative says all
    "add": ("{up}", "{up}"),
    "sub": ("{up}", "−{up}"),
    "mul": ("{up} · {B}", "{up} · {A}"),
    "div": ("{up} / {B}", None),
}
MOVED = dict.fromkeys("reshape view flatten squeeze unsqueeze ravel".split(), "{up}, reshaped")
MOVED |= dict.fromkeys(("T", "t", "mT"), "{up}ᵀ") | dict.fromkeys(("getitem", "index_select"), "scatter-add of {up}")


def backward_rule(edge: Edge, incoming: list[Edge], names: list[str], upstream: str = UPSTREAM) -> str | None:
    """Return what an edge adds to the gradient of its source, or None where all are single numbers or no rule is short.

    `incoming` are all edges into the target of this one, `names` what their sources are called.
    """
    node, source = edge.target, edge.source
    if not edge.carries_gradient or None in (node.shape, source.shape) or not (node.shape or source.shape):
        return None
    op, place = node.op.rstrip("_"), incoming.index(edge)
    first, second = [*names, "", ""][:2]
    ranks = tuple(len(other.source.shape or ()) for other in incoming)
    if op in ("matmul", "mm", "mv"):
        rule = PRODUCTS.get(ranks, (None, None))[place]
    elif op == "linear" and len(incoming) > 1 and ranks[:2] == (2, 2):
        rule = LINEAR[place]
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
    """Say over which axes a tensor was stretched, and its gradient is summed."""
    if math.prod(shape) == 1:
        return ", summed"
    whole = (1,) * (len(stretched) - len(shape)) + tuple(shape)
    axes = [axis for axis, (old, new) in enumerate(zip(whole, stretched, strict=True)) if old != new]
    if len(stretched) == 2:
        return ", summed over rows" if axes == [0] else ", summed over columns"
    return f", summed over axis {', '.join(map(str, axes))}"
