"""The whole picture before it is drawn: what stands in each box and beside each arrow, where, and at which steps.

SVG, PNG and the stepper are made from one `Scene`, so that they cannot drift apart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch

from ..style import FILL, GRADIENT, LOCAL, MUTED, RULE
from ..style import GRAPH_INK as INK
from .layout import place
from .model import Edge, Node
from .steps import Steps, describe, plan
from .text import clean, derivative, format_number, format_shape, format_tensor
from .typeset import SMALL, Block, Curve, Mark, Rect, When, equation, formula, is_small, moved, overlay, stack, words

CROWDED = 16  # in a picture of more nodes than this, a label that tells a shape alone is not worth the room


@dataclass
class Group:
    """Marks that belong together: a node, or an edge with its label. Faint before step `since`."""

    title: str = ""
    since: int = 0
    marks: list[Mark] = field(default_factory=list)


@dataclass
class Scene:
    """A picture of `width` × `height` pixels: groups in the order of painting, alternative text, and steps."""

    width: int
    height: int
    title: str
    description: str
    groups: list[Group]
    steps: Steps

    def is_last(self, mark: Mark) -> bool:
        """Whether a mark is seen at the last step."""
        return mark.when.end is None and mark.when.start <= self.steps.last


def build(graph) -> Scene:
    """Lay out the picture of a graph. ValueError for one without nodes, ImportError without pygraphviz."""
    if not graph.nodes:
        raise ValueError("graph must have at least one node, got none: no operation of torch was recorded")
    steps = plan(graph)
    blocks = [_node_block(node, graph.target, steps) for node in graph.nodes]
    crowded = len(graph.nodes) > CROWDED
    labels = [_label(edge, steps.incoming[edge.target], crowded) for edge in graph.edges]
    number = {node: i for i, node in enumerate(graph.nodes)}
    edges = [
        (number[edge.source], number[edge.target], label and (label.width, label.height))
        for edge, label in zip(graph.edges, labels, strict=True)
    ]
    layout = place([(block.width, block.height) for block in blocks], edges)
    groups = [
        _edge_group(edge, curve, layout.nodes[number[edge.source]], label, at, steps)
        for edge, curve, label, at in zip(graph.edges, layout.curves, labels, layout.labels, strict=True)
    ]
    groups += [
        _node_group(node, block, centre, graph.target, steps)
        for node, block, centre in zip(graph.nodes, blocks, layout.nodes, strict=True)
    ]
    title = "Computation graph" + (f" of {clean(graph.target.name, 24)}" if graph.target else "")
    return Scene(layout.width, layout.height, title, describe(graph), groups, steps)


# --- What stands in a box


def _node_block(node: Node, target: Node | None, steps: Steps) -> Block:
    """Set everything that stands in a node, with room for whatever a step may show."""
    block, below = _head(node, steps), [_gradient(node, target, steps), _accumulated(node, steps)]
    below = [part for part in below if part]
    if below:
        y = block.height + 4
        block = stack([block, stack(below)], gap=8)
        block.marks.append(Curve(((-6, y), (block.width + 6, y)), RULE, 1))
    dx, dy = {"leaf": (18, 7), "constant": (9, 3)}.get(node.kind, (13, 7))
    return block.padded(max(dx, math.ceil((34 - block.width) / 2)), dy)


def _head(node: Node, steps: Steps) -> Block:
    """Set name, operation and value."""
    name = clean(node.name, 28)
    if node.kind == "constant":
        return formula(name)
    if not node.op:
        return stack(_value(node, name) if is_small(node.value) else [formula(name), *_value(node, "")])
    expression = clean(node.expression, 64)
    rows = [formula(f"{name} = {expression}" if expression and expression != name else name)]
    counts = [f"{node.num_operations:,} operations"] if node.num_operations > 1 else []
    counts += [f"{node.num_parameters:,} parameters"] if node.num_parameters else []
    rows += [words(", ".join(counts))] if counts else []
    return stack([*rows, stack(_value(node, "")).seen(steps.forward.get(node, 0))])


def _value(node: Node, left: str) -> list[Block]:
    if is_small(node.value):
        return [equation(left, node.value)]
    rows = [words(f"shape {format_shape(node.shape)}")] if node.shape else []
    if node.value_norm is not None and math.prod(node.shape):
        rows.append(formula(f"‖{clean(node.name, 20)}‖ = {format_number(node.value_norm)}"))
    return rows or [words("value not kept")]


def _gradient(node: Node, target: Node | None, steps: Steps) -> Block | None:
    """Return the row of the gradient: at first nothing, then the partial sums, at last the whole."""
    since = steps.forward.get(node, 0)
    if target is None or not (node.requires_grad or node.has_grad):
        return None
    if not node.has_grad:
        return words("no gradient").seen(since)
    name, terms = derivative(target, node), steps.terms[node]
    begin = [step for step, _ in terms] or [steps.start if node is target else steps.last]
    rows, total = [words("no gradient yet").seen(since, begin[0])], None
    for i, (step, edge) in enumerate(terms[:-1]):
        is_known = is_small(edge.contribution) and (i == 0 or total is not None)
        total = (edge.contribution if total is None else total + edge.contribution) if is_known else None
        part = words(f"{i + 1} of {len(terms)} terms") if total is None else equation(name, total, GRADIENT)
        rows.append(part.seen(step, begin[i + 1]))
    if is_small(node.grad):
        whole = equation(name, node.grad, GRADIENT)
    else:
        whole = formula(f"‖{name}‖ = {format_number(node.grad_norm)}" if node.grad_norm is not None else name, GRADIENT)
    return overlay([*rows, whole.seen(begin[-1])])


def _accumulated(node: Node, steps: Steps) -> Block | None:
    """Return the row of the tensor's own ``.grad``, where it differs from ∂target/∂node."""
    if node.accumulated is None or format_tensor(node.accumulated) == format_tensor(node.grad):
        return None
    name = f"{clean(node.name, 28)}.grad"
    if is_small(node.accumulated):
        return equation(name, node.accumulated, GRADIENT).seen(steps.last)
    return formula(f"{name}: {format_tensor(node.accumulated, 0)[0]}", GRADIENT).seen(steps.last)


# --- What stands beside an arrow


def local_derivative(edge: Edge, incoming: list[Edge]) -> str | None:
    """Return ∂target/∂source as a lecturer writes it: a number, a multiple of I, a diagonal, the name of a factor."""
    jacobian = edge.local_grad
    if jacobian is None or not jacobian.numel():
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


def _label(edge: Edge, incoming: list[Edge], crowded: bool) -> Block | None:
    text = local_derivative(edge, incoming)
    if text is None or (crowded and "×" in text):
        return None
    left = derivative(edge.target, edge.source)
    block = formula(f"{left} = {text}", LOCAL, SMALL)
    if block.width > 120:
        block = stack([formula(left, LOCAL, SMALL), formula(f"= {text}", LOCAL, SMALL)])
    return block.padded(7, 2)


# --- Boxes and arrows in their places


def _arrow(points, colour: str, stroke_width: float, dashed: bool, when: When, length: int = 9) -> list[Curve]:
    """Return a curve and the head at its end; the curve stops inside the head."""
    x, y = points[-1]
    dx, dy = next(((x - a, y - b) for a, b in reversed(points) if (a, b) != (x, y)), (1, 0))
    far = math.hypot(dx, dy)
    dx, dy = dx / far, dy / far
    near = (round(x - 0.8 * length * dx, 1), round(y - 0.8 * length * dy, 1))
    handle = points[-2] if far > length or len(points) < 4 else near
    back = [(x - length * (dx + side * dy), y - length * (dy - side * dx)) for side in (0.42, -0.42)]
    head = tuple((round(a, 1), round(b, 1)) for a, b in [(x, y), *back])
    shaft = Curve((*points[:-2], handle, near), colour, stroke_width, dashed, bezier=True, when=when)
    return [shaft, Curve(head, colour, area=True, when=when)]


def _edge_group(edge: Edge, points, start, label: Block | None, at, steps: Steps) -> Group:
    forward = steps.forward.get(edge.target, 0)
    back = steps.backward.get(edge.target) if edge.carries_gradient else None  # when the arrow points the other way
    dashed = not (edge.carries_gradient or (edge.source.requires_grad and edge.target.requires_grad))
    # It starts a little inside the box, which is painted over it: round corners leave no gap.
    (x, y), (a, b) = points[0], start
    inside = min(1.0, 9 / (math.hypot(a - x, b - y) or 1))
    out = [(round(x + (a - x) * inside), round(y + (b - y) * inside)), *points[1:]]
    marks = _arrow(out, MUTED, 1.4, dashed, When(hidden=back))
    if forward:
        marks += _arrow(out, INK, 2.6, dashed, When(forward, forward + 1), 11)
    if back:
        marks += _arrow(points[::-1], GRADIENT, 2.8, False, When(back, back + 1), 12)
    if label:
        marks += label.seen(back or 0).at(at[0] - label.width // 2, at[1] - label.height // 2)
    return Group("", forward, marks)


def _node_group(node: Node, block: Block, centre: tuple[int, int], target: Node | None, steps: Steps) -> Group:
    x, y = centre[0] - block.width // 2, centre[1] - block.height // 2
    since = steps.forward.get(node, 0)
    shape = f"shape {format_shape(node.shape)}" if node.shape else "a single number"
    title = [clean(node.name, 60), clean(node.expression, 90), shape, str(node.dtype or "a Python number")]
    title += [f"in {clean(' › '.join(node.module), 90)}"] if node.module else []
    kind = "output" if node is target else "operation" if node.kind == "output" else node.kind
    radius = {"leaf": 16, "input": 16, "constant": block.height // 2}.get(kind, 5)
    box = Rect(x, y, block.width, block.height, radius, FILL[kind], stroke_width=1.8 if kind == "leaf" else 1.3)
    box = box._replace(dashed=not node.requires_grad)
    marks = [moved(box, 6, 6), moved(box, 3, 3)] if node.num_operations > 1 else []  # a pile of boxes
    marks.append(box)
    if kind == "output":
        marks.append(Rect(x + 3, y + 3, block.width - 6, block.height - 6, 3, stroke_width=1))
    lit = [(since, INK)] if since else []
    lit += [(step, GRADIENT) for step in dict.fromkeys(step for step, _ in steps.terms[node])]
    lit += [(steps.start, GRADIENT)] if node is target and steps.start <= steps.last else []
    frame = Rect(x - 1, y - 1, block.width + 2, block.height + 2, radius + 1, stroke_width=3.2)
    marks += [frame._replace(stroke=colour, when=When(step, step + 1)) for step, colour in lit]
    return Group(", ".join(part for part in title if part), since, marks + block.at(x, y))
