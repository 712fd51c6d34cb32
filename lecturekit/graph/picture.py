"""The whole picture before it is drawn: what stands in each box and beside each arrow, where, and at which steps.

SVG, PNG and the stepper are made from one `Scene`, so that they cannot drift apart.
"""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

from ..style import FILL, GRADIENT, GRAPH_DASH, LOCAL, MUTED, RULE
from ..style import GRAPH_INK as INK
from .layout import place
from .model import Edge, Node
from .rules import backward_rule, local_derivative
from .steps import EMPTY, Steps, describe, fill, plan
from .text import clean, counts, derivative, format_number, format_shape, format_tensor
from .typeset import SMALL, Block, Mark, When, equation, formula, is_small, path, rect, stack, words

CROWDED = 16  # in a picture of more nodes than this, a label that tells a shape alone is not worth the room
DASHED = {"stroke-dasharray": "{} {}".format(*GRAPH_DASH)}


def _beginnings(steps: Steps) -> dict[Node, str]:
    """Return where a module of several operations begins."""
    begins, before = {}, ()
    for node, following in itertools.pairwise(steps.forward):
        new = [m for m in node.module if m not in before and m in following.module]
        begins |= {node: f"{clean(new[0])} begins"} if new else {}
        before = node.module
    return begins


def _node_block(node: Node, target: Node | None, steps: Steps, above: str | None) -> Block:
    """Set everything that stands in a node, with room for whatever a step may show."""
    block = stack([words(above), _head(node, steps)]) if above else _head(node, steps)
    if below := _gradient(node, target, steps) + _accumulated(node, steps):
        y = block.height + 4
        block = stack([block, stack(below)], gap=8)
        block.marks.append(path([(-6, y), (block.width + 6, y)], RULE, 1))
    dx, dy = {"leaf": (18, 7), "constant": (9, 3)}.get(node.kind, (13, 7))
    return block.padded(max(dx, math.ceil((34 - block.width) / 2)), dy)


def _head(node: Node, steps: Steps) -> Block:
    """Set name, operation and value."""
    name = clean(node.name, 28)
    if node.kind == "constant":
        return formula(name)
    if not node.op:
        return stack(_value(node, name) if is_small(node.value) else [formula(name), *_value(node, "")])
    expression = clean(node.expression, 40 if node.num_parameters else 64)  # what is folded in need not be named
    rows = [formula(f"{name} = {expression}" if expression and expression != name else name)]
    rows += [words(", ".join(folded))] if (folded := counts(node)) else []
    if node.shape is not None:
        rows.append(stack(_value(node, "")).seen(steps.forward.get(node, 0)))
    return stack(rows)


def _value(node: Node, left: str) -> list[Block]:
    if is_small(node.value):
        return [equation(left, node.value)]
    rows = [words(f"shape {format_shape(node.shape)}")] if node.shape else []
    if node.value_norm is not None and math.prod(node.shape):
        rows.append(formula(f"‖{clean(node.name, 20)}‖ = {format_number(node.value_norm)}"))
    return rows or [words("value not kept")]


def _gradient(node: Node, target: Node | None, steps: Steps) -> list[Block]:
    """Return the row of the gradient: at first nothing, then the partial sums, at last the whole."""
    since = steps.forward.get(node, 0)
    if target is None or node.shape is None or not (node.requires_grad or node.has_grad):
        return []
    if not node.has_grad:
        return [words("no gradient").seen(since)]
    name, terms = derivative(target, node), steps.terms[node]
    begin = [steps.backward[edge.target] for edge in terms] or [steps.start if node is target else steps.last]
    rows, total = [words("no gradient yet").seen(since, begin[0])], 0
    for i, edge in enumerate(terms[:-1]):
        total = total + edge.contribution if total is not None and is_small(edge.contribution) else None
        part = words(f"{i + 1} of {len(terms)} terms") if total is None else equation(name, total, GRADIENT)
        rows.append(part.seen(begin[i], begin[i + 1]))
    norm = f"‖{name}‖ = {format_number(node.grad_norm)}" if node.grad_norm is not None else name
    whole = equation(name, node.grad, GRADIENT) if is_small(node.grad) else formula(norm, GRADIENT)
    return [stack([*rows, whole.seen(begin[-1])], overlaid=True)]


def _accumulated(node: Node, steps: Steps) -> list[Block]:
    """Return the row of the tensor's own ``.grad``, where it differs from ∂target/∂node."""
    name, tensor = f"{clean(node.name, 28)}.grad", node.accumulated
    if tensor is None or (node.grad is not None and format_tensor(tensor) == format_tensor(node.grad)):
        return []
    whole = formula(f"{name}: {format_shape(tensor.shape)}, norm {format_number(tensor.norm().item())}", GRADIENT)
    return [(equation(name, tensor, GRADIENT) if is_small(tensor) else whole).seen(steps.last)]


def _label(edge: Edge, incoming: list[Edge], crowded: bool) -> Block | None:
    text, rule = local_derivative(edge, incoming), None if crowded else backward_rule(edge, incoming)
    if text is not None and "×" in text and (crowded or rule):
        text = None
    left, rows = derivative(edge.target, edge.source), []
    if text is not None:
        rows = [formula(f"{left} = {text}", LOCAL, SMALL)]
        if rows[0].width > 120:
            rows = [formula(left, LOCAL, SMALL), formula(f"= {text}", LOCAL, SMALL)]
    rows += [formula(rule, GRADIENT, SMALL)] if rule else []
    return stack(rows).padded(7, 2) if rows else None


def _arrow(points, colour: str, width: float, dashed: bool, when: When, length: int = 9) -> list[Mark]:
    """Return a curve and the head at its end; the curve stops inside the head."""
    places = [complex(*point) for point in points]
    tip = places[-1]
    way = next((tip - place for place in reversed(places) if place != tip), 1)
    head = [tip, *(tip - length * way / abs(way) * (1 + side) for side in (-0.42j, 0.42j))]
    near = tip - 0.8 * length * way / abs(way)
    handle = places[-2] if abs(way) > length else near
    curve, head = (
        [(round(p.real, 1), round(p.imag, 1)) for p in line] for line in ([*places[:-2], handle, near], head)
    )
    shaft = path(curve, colour, width, True, **(DASHED if dashed else {}))
    return [shaft._replace(when=when), Mark("path", tuple(head), {"fill": colour}, when=when)]


def _edge_group(edge: Edge, points, start, label: Block | None, at, steps: Steps) -> Group:
    forward = steps.forward[edge.target]
    back = steps.backward.get(edge.target) if edge.carries_gradient else None  # when the arrow points the other way
    dashed = not (edge.carries_gradient or (edge.source.requires_grad and edge.target.requires_grad))
    # It starts a little inside the box, which is painted over it: round corners leave no gap.
    (x, y), (a, b) = points[0], start
    inside = min(1.0, 9 / (math.hypot(a - x, b - y) or 1))
    out = [(round(x + (a - x) * inside), round(y + (b - y) * inside)), *points[1:]]
    marks = _arrow(out, MUTED, 1.4, dashed, When(hidden=back))
    marks += _arrow(out, INK, 2.6, dashed, When(forward, forward + 1), 11)
    if back:
        marks += _arrow(points[::-1], GRADIENT, 2.8, False, When(back, back + 1), 12)
    if label:
        marks += label.seen(back or 0).at(at[0] - label.width // 2, at[1] - label.height // 2)
    return Group("", forward, marks)


def _node_group(node: Node, block: Block, centre: tuple[int, int], target: Node | None, steps: Steps) -> Group:
    x, y, width, height = centre[0] - block.width // 2, centre[1] - block.height // 2, block.width, block.height
    since = steps.forward.get(node, 0)
    shape = f"shape {format_shape(node.shape)}" if node.shape else "a single number"
    what = [shape, str(node.dtype or "a Python number")] if node.shape is not None else ["several tensors"]
    title = [clean(node.name, 60), clean(node.expression, 90), *what]
    title += [f"in {clean(' › '.join(node.module), 90)}"] if node.module else []
    radius = {"leaf": 16, "input": 16, "constant": height // 2}.get(node.kind, 5)
    line, more = 1.8 if node.kind == "leaf" else 1.3, {} if node.requires_grad else DASHED
    piled = (6, 3, 0) if node.num_operations > 1 else (0,)
    marks = [rect(x + far, y + far, width, height, radius, line, FILL[node.kind], **more) for far in piled]
    if node.kind == "output":
        marks.append(rect(x + 3, y + 3, width - 6, height - 6, 3, 1))
    lit = ({since: INK} if since else {}) | {steps.backward[edge.target]: GRADIENT for edge in steps.terms[node]}
    lit |= {steps.start: GRADIENT} if node is target and node.has_grad else {}
    for step, colour in lit.items():
        frame = rect(x - 1, y - 1, width + 2, height + 2, radius + 1, 3.2, stroke=colour)
        marks.append(frame._replace(when=When(step, step + 1)))
    return Group(", ".join(part for part in title if part), since, marks + block.at(x, y))


class Group(NamedTuple):
    """Marks that belong together: a node, or an edge with its label. Faint before step `since`."""

    title: str
    since: int
    marks: list[Mark]


class Scene(NamedTuple):
    """A picture of `width` × `height` pixels: groups in the order of painting, alternative text, and steps."""

    width: int
    height: int
    title: str
    description: str
    groups: list[Group]
    steps: Steps
    edit: dict | None  # see `editable`

    def is_last(self, mark: Mark) -> bool:
        """Whether a mark is seen at the last step."""
        return mark.when.end is None and mark.when.start <= self.steps.last


def editable(graph, steps: Steps) -> dict | None:
    """Return what a script needs to compute a graph of single numbers anew, if it knows the operations; else None.

    A node has its ``value``, its ``work``, an expression of numbered nodes, and may be ``free`` to be changed.
    """
    if not steps.passed or any(n.value is None or n.shape or n.value.is_complex() for n in graph.nodes):
        return None
    number, nodes = graph.nodes.index, []
    for n in graph.nodes:
        expression = clean(n.expression or n.op, 999)
        work = fill(expression, steps.incoming[n], lambda e: f"?{number(e.source)}") if n.op else ""
        nodes.append({"value": float(f"{n.value.item():.9g}"), "work": work, "free": n.kind in ("leaf", "input")})
    return {"nodes": nodes, "passed": [(number(e.source), number(e.target)) for e in steps.passed]}


def build(graph) -> Scene:
    """Lay out the picture of a graph. ValueError for one without nodes, ImportError without pygraphviz."""
    if not graph.nodes:
        raise ValueError(EMPTY)
    steps = plan(graph)
    crowded = len(graph.nodes) > CROWDED
    begins = _beginnings(steps) if crowded else {}
    blocks = [_node_block(node, graph.target, steps, begins.get(node)) for node in graph.nodes]
    labels = [_label(edge, steps.incoming[edge.target], crowded) for edge in graph.edges]
    number = {node: i for i, node in enumerate(graph.nodes)}
    ends = [(number[edge.source], number[edge.target]) for edge in graph.edges]
    width, height, centres, curves, places = place(blocks, ends, labels)
    groups = [
        _edge_group(edge, curve, centres[number[edge.source]], label, at, steps)
        for edge, curve, label, at in zip(graph.edges, curves, labels, places, strict=True)
    ]
    for node, block, centre in zip(graph.nodes, blocks, centres, strict=True):
        groups.append(_node_group(node, block, centre, graph.target, steps))
    title = "Computation graph" + (f" of {clean(graph.target.name, 24)}" if graph.target else "")
    return Scene(width, height, title, describe(graph, title), groups, steps, editable(graph, steps))
