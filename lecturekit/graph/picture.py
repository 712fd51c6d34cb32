"""The whole picture before it is drawn: what stands in each box and beside each arrow, where, and at which steps.

SVG, PNG and the stepper are made from one `Scene`, so that they cannot drift apart.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

from ..style import FILL, GRADIENT, GRAPH_DASH, GRAPH_INK, LOCAL, MUTED, RULE
from .layout import place
from .model import Edge, Node
from .rules import backward_rule, local_derivative
from .steps import EMPTY, Steps, put_in
from .text import clean, counts, derivative, format_number, format_shape, format_tensor
from .typeset import SMALL, Block, Mark, equation, formula, is_small, overlay, path, rect, stack, words

CROWDED = 16  # in a picture of more nodes than this, a label that tells a shape alone is not worth the room
DASHES = "{} {}".format(*GRAPH_DASH)
# By a node's kind: the room left and right, above and below, the radius of the corners, and the width of the line.
LOOKS = {"leaf": (18, 7, 16, 1.8), "input": (13, 7, 16, 1.3), "constant": (9, 3, 13, 1.3)}


def _beginnings(steps: Steps) -> dict[Node, list[Block]]:
    """Say where a module of several operations begins."""
    begins, before = {}, ()
    for node, following in itertools.pairwise(steps.forward):
        new = [m for m in node.module if m not in before and m in following.module]
        begins |= {node: [words(f"{clean(new[0])} begins")]} if new else {}
        before = node.module
    return begins


def _node_block(node: Node, target: Node | None, steps: Steps, above: list[Block]) -> Block:
    """Set a node's box and everything that stands in it, with room for whatever a step may show."""
    since = steps.forward.get(node, 0)
    block = stack(*above, *_head(node, since))
    if below := _gradient_rows(node, target, steps, since) + _accumulated(node, steps):
        half = max(part.width for part in (block, *below)) // 2 + 6
        block = stack(block, path([(-half, 0), (half, 0)], RULE, 1), *below, gap=4)
    across, down, radius, line = LOOKS.get(node.kind, (13, 7, 5, 1.3))
    block = block.padded(max(across, (34 - block.width) // 2), down)
    width, height, dashes = block.width, block.height, None if node.requires_grad else DASHES
    piled = (6, 3, 0) if node.num_operations > 1 else (0,)
    boxes = [rect(width, height, radius, line, dashes, FILL[node.kind]).at(far, far) for far in piled]
    boxes += [rect(width - 6, height - 6, 3, 1)] if node.kind == "output" else []
    lit = [(since, GRAPH_INK)] + [(steps.backward[edge.target], GRADIENT) for edge in steps.terms[node]]
    lit += [(steps.start, GRADIENT)] if node is target and node.has_grad else []
    boxes += [rect(width, height, radius, 3.2, stroke=ink).seen(step, step + 1) for step, ink in lit if step]
    return overlay(*boxes, block)


def _head(node: Node, since: int) -> list[Block]:
    """Set name, operation, and value, which is seen from step `since`."""
    name = clean(node.name, 28)
    if node.kind == "constant":
        return [formula(name)]
    if is_small(node.value) and not node.op:
        return [equation(name, node.value)]
    expression = clean(node.expression, 40 if node.num_parameters else 64)  # what is folded in need not be named
    rows = [formula(f"{name} = {expression}" if expression not in ("", name) else name)]
    rows += [words(", ".join(folded))] if (folded := counts(node)) else []
    if node.shape is None:
        return rows
    if is_small(node.value):
        return [*rows, equation("", node.value).seen(since)]
    value = [words(f"shape {format_shape(node.shape)}")] if node.shape else []
    value += [_norm(clean(node.name, 20), node.value_norm)] if node.value_norm is not None else []
    return rows + [row.seen(since) for row in value or [words("value not kept")]]


def _norm(name: str, norm: float, colour: str = GRAPH_INK) -> Block:
    return formula(f"‖{name}‖ = {format_number(norm)}", colour)


def _gradient_rows(node: Node, target: Node | None, steps: Steps, since: int) -> list[Block]:
    """Return the row of the gradient: at first nothing, then the partial sums, at last the whole."""
    if target is None or node.shape is None or not (node.requires_grad or node.has_grad):
        return []
    if not node.has_grad:
        return [words("no gradient").seen(since)]
    name, terms = derivative(target, node), steps.terms[node]
    rows = [words("no gradient yet")]
    if is_small(node.grad):
        sums = itertools.accumulate(edge.contribution for edge in terms[:-1])
        rows += [equation(name, total, GRADIENT) for total in (*sums, node.grad)]
    else:
        rows += [words(f"{i} of {len(terms)} terms") for i in range(1, len(terms))]
        rows += [_norm(name, node.grad_norm, GRADIENT)]
    begin = [steps.backward[edge.target] for edge in terms] or [steps.start if node is target else steps.last]
    return [overlay(*map(Block.seen, rows, [since, *begin], [*begin, None]))]


def _accumulated(node: Node, steps: Steps) -> list[Block]:
    """Return the row of the tensor's own ``.grad``, where it differs from ∂target/∂node."""
    name, tensor = f"{clean(node.name, 28)}.grad", node.accumulated
    if tensor is None or (node.grad is not None and format_tensor(tensor) == format_tensor(node.grad)):
        return []
    row = equation(name, tensor, GRADIENT) if is_small(tensor) else _norm(name, tensor.norm().item(), GRADIENT)
    return [row.seen(steps.last)]


def _label(edge: Edge, incoming: list[Edge], crowded: bool) -> Block | None:
    text, rule = local_derivative(edge, incoming), None if crowded else backward_rule(edge, incoming)
    name, rows = derivative(edge.target, edge.source), []
    if text and not ("×" in text and (crowded or rule)):
        whole = formula(f"{name} = {text}", LOCAL, SMALL)
        rows = [whole] if whole.width <= 120 else [formula(part, LOCAL, SMALL) for part in (name, f"= {text}")]
    rows += [formula(rule, GRADIENT, SMALL)] if rule else []
    return stack(*rows).padded(7, 2) if rows else None


def _arrow(points: Sequence, colour: str, width: float, dashes: str | None = None) -> Block:
    """Return a curve, which begins inside its box, as this may have round corners, and the head at its end."""
    (a, b), (c, d), *_, (x, y), (u, v) = points
    shaft = path([(2 * a - c, 2 * b - d), *points[2:-1]], colour, width, dashes, is_curved=True)
    dx, dy = 0.42 * (u - x), 0.42 * (v - y)
    return overlay(shaft, path([(u, v), (x - dy, y + dx), (x + dy, y - dx)], colour))


def _edge_group(edge: Edge, points: Sequence, label: Block | None, steps: Steps) -> Group:
    forward = steps.forward[edge.target]
    back = steps.backward.get(edge.target) if edge.carries_gradient else None  # when the arrow points the other way
    dashes = None if edge.carries_gradient or (edge.source.requires_grad and edge.target.requires_grad) else DASHES
    parts = [_arrow(points, MUTED, 1.4, dashes).seen(0, hidden=back)]
    parts += [_arrow(points, GRAPH_INK, 2.6, dashes).seen(forward, forward + 1)]
    parts += [_arrow(points[::-1], GRADIENT, 2.8).seen(back, back + 1)] if back else []
    parts += [label.seen(back or 0)] if label else []
    return Group("", forward, overlay(*parts).marks)


def _title(node: Node) -> str:
    """Say all about a node, for who points at it."""
    shape = f"shape {format_shape(node.shape)}" if node.shape else "a single number"
    what = [shape, str(node.dtype or "a Python number")] if node.shape is not None else ["several tensors"]
    module = node.module and f"in {clean(' › '.join(node.module), 90)}"
    return ", ".join(filter(None, [clean(node.name, 60), clean(node.expression, 90), *what, module]))


class Group(NamedTuple):
    """Marks that belong together: a node, or an edge with its label. Faint before step `since`."""

    title: str
    since: int
    marks: Sequence[Mark]


class Scene(NamedTuple):
    """A picture of `width` × `height` pixels: groups in the order of painting, alternative text, and steps."""

    width: int
    height: int
    title: str
    description: str
    groups: list[Group]
    steps: Steps
    edit: dict | None  # see `editable`


def editable(graph, steps: Steps) -> dict | None:
    """Return what a script needs to compute a graph of single numbers anew, if it knows the operations; else None.

    A node has its ``value``, its ``work``, an expression of numbered nodes, and may be ``free`` to be changed.
    """
    if not steps.passed or any(n.value is None or n.shape or n.value.is_complex() for n in graph.nodes):
        return None
    number, nodes = graph.nodes.index, []
    for n in graph.nodes:
        texts = {edge: f"?{number(edge.source)}" for edge in steps.incoming[n]}
        work = put_in(clean(n.expression or n.op, 999), texts) if n.op else ""
        digits = 2 * n.value.element_size() - 1  # 7 of a float32, 15 of a float64
        value = float(f"{n.value.item():.{digits}g}")
        nodes.append({"value": value, "work": work, "free": n.kind in ("leaf", "input")})
    return {"nodes": nodes, "passed": [(number(e.source), number(e.target)) for e in steps.passed]}


def build(graph) -> Scene:
    """Lay out the picture of a graph. ValueError for one without nodes, ImportError without pygraphviz."""
    if not graph.nodes:
        raise ValueError(EMPTY)
    steps = Steps(graph)
    crowded = len(graph.nodes) > CROWDED
    begins = _beginnings(steps) if crowded else {}
    boxes = {node: _node_block(node, graph.target, steps, begins.get(node, [])) for node in graph.nodes}
    labels = {edge: _label(edge, steps.incoming[edge.target], crowded) for edge in graph.edges}
    width, height, boxes, labels, curves = place(boxes, labels)
    groups = [_edge_group(edge, curves[edge], label, steps) for edge, label in labels.items()]
    groups += [Group(_title(node), steps.forward.get(node, 0), box.marks) for node, box in boxes.items()]
    title = "Computation graph" + (f" of {clean(graph.target.name, 24)}" if graph.target else "")
    return Scene(width, height, title, steps.describe(title), groups, steps, editable(graph, steps))
