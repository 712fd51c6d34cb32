"""The picture of a graph as boxes, curves and lines of text, before it becomes SVG, PNG or a stepper.

All three are made from one `Scene`, so that they cannot drift apart.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import NamedTuple

import torch

from ..style import FILL, GRADIENT, LOCAL, MUTED, RULE
from ..style import GRAPH_INK as INK
from .layout import place, text_width
from .model import Edge, Graph, Node
from .steps import Steps, carries_gradient, clean, derivative, describe, plan
from .text import format_number, format_shape, format_tensor

SIZE, SMALL = 16, 14  # pixels: of what stands in the boxes, of what stands beside the arrows
MARGIN = 14
# When a mark is seen: from a step, until before another (None: to the end), but not at a third one.
When = tuple[int, int | None] | tuple[int, int | None, int | None]
ALWAYS = (0, None)

Run = tuple[str, str]  # text and how it is set: "i" italic, "_" lowered, "^" raised


class Text(NamedTuple):
    """A line of text: `x` is its middle, or its end where `anchor` says so; `y` its base line."""

    x: int
    y: int
    runs: tuple[Run, ...]
    width: int
    colour: str = INK
    size: int = SIZE
    anchor: str = "middle"
    when: When = ALWAYS


class Rect(NamedTuple):
    """A box with round corners."""

    x: int
    y: int
    width: int
    height: int
    radius: int = 0
    fill: str = "none"
    stroke: str = INK
    stroke_width: float = 1.3
    dashed: bool = False
    when: When = ALWAYS


class Path(NamedTuple):
    """A line through `points`, a Bézier curve with them (`curve`), or a closed area filled with its colour (`area`)."""

    points: tuple[tuple[float, float], ...]
    colour: str = MUTED
    stroke_width: float = 1.3
    dashed: bool = False
    curve: bool = False
    area: bool = False
    when: When = ALWAYS


@dataclass
class Group:
    """Marks that belong together: a node, or an edge with its label. Faint before step `since`."""

    title: str = ""
    since: int = 0
    marks: list[Text | Rect | Path] = field(default_factory=list)


@dataclass
class Scene:
    """A picture of `width` × `height` pixels: groups in the order of painting, words for who cannot see it, steps."""

    width: int
    height: int
    title: str
    description: str
    groups: list[Group]
    steps: Steps


# --- Typesetting: lines of runs, stacked into blocks


_TOKEN = re.compile(
    r"(?P<number>\d[\d.]*(?:e[+−-]?\d+)?)|(?P<name>[^\W\d_₀-₉⁰-⁹²³¹ᵀ](?:[^\W⁰-⁹²³¹ᵀ]|\.(?=\w))*)|(?P<low>[₀-₉]+)|(?P<high>[⁰¹²³⁴-⁹⁻ᵀ]+)|∂|."
)
_WORDS = {"each", "diagonal", "Jacobian"}
_PLAIN = str.maketrans("₀₁₂₃₄₅₆₇₈₉⁰¹²³⁴⁵⁶⁷⁸⁹⁻ᵀ", "01234567890123456789−T")
_TAIL = re.compile(r"^(.*?[^\W\d_]?)([₀-₉]+|(?<=^[^\W\d_])\d+)?$")


def math_runs(text: str) -> list[Run]:
    """Set names in italics, functions and numbers upright, indices low and exponents high."""
    runs: list[Run] = []
    for token in _TOKEN.finditer(text):
        if token["name"]:
            stem, index = _TAIL.match(token[0]).groups()
            upright = text[token.end() : token.end() + 1] == "(" or token[0] in _WORDS
            runs.append((stem, "" if upright and not index else "i"))
            runs += [(index.translate(_PLAIN), "_")] if index else []
        elif token["low"] or token["high"]:
            runs.append((token[0].translate(_PLAIN), "_" if token["low"] else "^"))
        else:
            runs.append((token[0], "i" if token[0] == "∂" else ""))
    merged: list[Run] = []
    for text, style in runs:
        if merged and merged[-1][1] == style:
            merged[-1] = (merged[-1][0] + text, style)
        else:
            merged.append((text, style))
    return merged


def run_size(style: str, size: int) -> int:
    """Return the font size of a run: indices and exponents are smaller."""
    return round(size * 0.72) if style in ("_", "^") else size


def run_rise(style: str, size: int) -> int:
    """Return how far a run stands above the base line."""
    return {"_": -round(size * 0.2), "^": round(size * 0.36)}.get(style, 0)


def run_width(run: Run, size: int) -> float:
    """Return the width of a run in pixels."""
    return text_width(run[0], run_size(run[1], size), run[1] == "i")


@dataclass
class Block:
    """Marks in a rectangle of their own, whose upper left corner is (0, 0)."""

    width: int = 0
    height: int = 0
    marks: list[Text | Rect | Path] = field(default_factory=list)


def _moved(mark, dx: int, dy: int):
    if isinstance(mark, Path):
        return mark._replace(points=tuple((x + dx, y + dy) for x, y in mark.points))
    return mark._replace(x=mark.x + dx, y=mark.y + dy)


def _line(runs: list[Run], colour: str = INK, size: int = SIZE) -> Block:
    # Rounded first: in its last digit, a sum of floats is another one since Python 3.12.
    width = math.ceil(round(sum(run_width(run, size) for run in runs), 6))
    height = round(size * 1.32)
    return Block(width, height, [Text(width // 2, round(size * 0.98), tuple(runs), width, colour, size)])


def _math(text: str, colour: str = INK, size: int = SIZE) -> Block:
    return _line(math_runs(text), colour, size)


def _words(text: str, size: int = SMALL) -> Block:
    return _line([(text, "")], MUTED, size)


def _stack(blocks: list[Block], gap: int = 0) -> Block:
    """Put blocks below each other, on one middle line."""
    stack = Block(max((block.width for block in blocks), default=0))
    for i, block in enumerate(blocks):
        stack.height += gap if i else 0
        stack.marks += [_moved(mark, (stack.width - block.width) // 2, stack.height) for mark in block.marks]
        stack.height += block.height
    return stack


def _matrix(rows: list[list[str]], colour: str) -> Block:
    """Set numbers in columns between brackets."""
    cells = [[_line([(text, "")], colour, SMALL) for text in row] for row in rows]
    widths = [max(cell.width for cell in column) for column in zip(*cells, strict=True)]
    step = cells[0][0].height
    block = Block(sum(widths) + 10 * (len(widths) - 1) + 14, step * len(cells) + 2)
    for i, row in enumerate(cells):
        x = 7
        for cell, width in zip(row, widths, strict=True):
            x += width
            block.marks.append(cell.marks[0]._replace(x=x, y=cell.marks[0].y + 1 + i * step, anchor="end"))
            x += 10
    for x, inwards in ((1, 4), (block.width - 1, -4)):
        corners = ((x + inwards, 1), (x, 1), (x, block.height - 1), (x + inwards, block.height - 1))
        block.marks.append(Path(corners, colour, 1.2))
    return block


def _is_small(tensor: torch.Tensor | None) -> bool:
    return tensor is not None and not tensor.is_meta and (
        tensor.dim() == 0
        or (tensor.dim() == 1 and tensor.numel() <= 6)
        or (tensor.dim() == 2 and 0 < tensor.shape[0] <= 6 and 0 < tensor.shape[1] <= 5)
    )  # fmt: skip


def _equation(left: str, tensor: torch.Tensor, colour: str = INK) -> Block:
    """Set ``left = tensor``; a matrix stands beside the equals sign."""
    left = f"{left} =" if left else "="
    if tensor.dim() < 2:
        return _math(f"{left} {format_tensor(tensor)[0]}", colour)
    dense = tensor.to_dense() if tensor.layout != torch.strided else tensor
    prefix, matrix = _math(left, colour), _matrix([[format_number(x) for x in row] for row in dense.tolist()], colour)
    block = Block(prefix.width + 6 + matrix.width, max(prefix.height, matrix.height))
    block.marks = [_moved(mark, 0, (block.height - prefix.height) // 2) for mark in prefix.marks]
    block.marks += [_moved(mark, prefix.width + 6, (block.height - matrix.height) // 2) for mark in matrix.marks]
    return block


# --- Nodes and edges as blocks


def _value_rows(node: Node, left: str) -> list[Block]:
    if _is_small(node.value):
        return [_equation(left, node.value)]
    rows = [_words(f"shape {format_shape(node.shape)}")] if node.shape else []
    if node.value_norm is not None and math.prod(node.shape):
        rows.append(_math(f"‖{clean(node.name, 20)}‖ = {format_number(node.value_norm)}"))
    return rows or [_words("value not kept")]


def _gradient_rows(node: Node, graph: Graph, steps: Steps) -> list[tuple[Block, tuple[int, int | None]]]:
    """Return what the gradient's row shows from which step to which: nothing yet, the partial sums, the whole."""
    if graph.target is None or (not node.requires_grad and node.grad is None and node.grad_norm is None):
        return []
    if node.grad is None and node.grad_norm is None:
        return [(_words("no gradient"), (steps.forward.get(node, 0), None))]
    none = _words("no gradient yet")
    name = derivative(graph.target, node)
    whole = _equation(name, node.grad, GRADIENT) if _is_small(node.grad) else None
    if whole is None:
        whole = _math(f"‖{name}‖ = {format_number(node.grad_norm)}" if node.grad_norm is not None else name, GRADIENT)
    terms = steps.sums[node]
    begin = [step for step, _ in terms] or [steps.start if node is graph.target else steps.last]
    rows, total = [(none, (steps.forward.get(node, 0), begin[0]))], None
    for i, (step, edge) in enumerate(terms[:-1]):
        known = _is_small(edge.contribution) and (i == 0 or total is not None)
        total = (edge.contribution if total is None else total + edge.contribution) if known else None
        part = _words(f"{i + 1} of {len(terms)} terms") if total is None else _equation(name, total, GRADIENT)
        rows.append((part, (step, begin[i + 1])))
    return [*rows, (whole, (begin[-1], None))]


def _gradient_text(node: Node) -> list[str]:
    """Write ∂target/∂node as `format_tensor` writes the tensor's own ``.grad``; large ones have a norm only."""
    if node.grad is None and node.grad_norm is not None:
        return [f"{format_shape(node.shape)}, norm {format_number(node.grad_norm)}"]
    return format_tensor(node.grad, 64)


def _node_block(node: Node, graph: Graph, steps: Steps) -> Block:
    """Set everything that stands in a node, with room for whatever a step may show."""
    name, since = clean(node.name, 28), (steps.forward.get(node, 0), None)
    if node.kind == "constant":
        block = _stack([_math(name)])
    elif not node.op:
        block = _stack(_value_rows(node, name) if _is_small(node.value) else [_math(name), *_value_rows(node, "")])
    else:
        expression = clean(node.expression, 64)
        head = [_math(f"{name} = {expression}" if expression and expression != name else name)]
        if node.num_operations > 1 or node.num_parameters:
            counts = [f"{node.num_operations:,} operations"] if node.num_operations > 1 else []
            counts += [f"{node.num_parameters:,} parameters"] if node.num_parameters else []
            head.append(_words(", ".join(counts)))
        value = _stack(_value_rows(node, ""))
        value.marks = [mark._replace(when=since) for mark in value.marks]
        block = _stack([*head, value])
    variants = _gradient_rows(node, graph, steps)
    kept = None
    if node.accumulated is not None and format_tensor(node.accumulated, 64) != _gradient_text(node):
        if _is_small(node.accumulated):
            kept = _equation(f"{name}.grad", node.accumulated, GRADIENT)
        else:
            kept = _math(f"{name}.grad: {format_tensor(node.accumulated, 0)[0]}", GRADIENT)
        kept.marks = [mark._replace(when=(steps.last, None)) for mark in kept.marks]
    if variants or kept:
        below = Block(max((v.width for v, _ in variants), default=0), max((v.height for v, _ in variants), default=0))
        for variant, when in variants:
            dx, dy = (below.width - variant.width) // 2, (below.height - variant.height) // 2
            below.marks += [_moved(mark, dx, dy)._replace(when=when) for mark in variant.marks]
        below = _stack([below, kept] if kept else [below])
        split = block.height + 4
        block = _stack([block, below], gap=8)
        block.marks.append(Path(((-6, split), (block.width + 6, split)), RULE, 1))
    dx, dy = (18, 7) if node.kind == "leaf" else (9, 3) if node.kind == "constant" else (13, 7)
    dx = max(dx, math.ceil((34 - block.width) / 2))
    block.marks = [_moved(mark, dx, dy) for mark in block.marks]
    block.width, block.height = block.width + 2 * dx, block.height + 2 * dy
    return block


def local_derivative(edge: Edge, beside: list[Edge]) -> str | None:
    """Return ∂target/∂source as a lecturer writes it: a number, a multiple of I, a diagonal, the name of a factor.

    Parameters
    ----------
    edge : Edge
    beside : list of Edge
        All edges into the same target.
    """
    jacobian = edge.local_grad
    if jacobian is None or not jacobian.numel() or jacobian.is_meta:
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
    for other in beside:
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


def _edge_label(edge: Edge, beside: list[Edge], crowded: bool) -> Block | None:
    text = local_derivative(edge, beside)
    if text is None or (crowded and "×" in text):  # a shape alone is not worth the room
        return None
    left = derivative(edge.target, edge.source)
    block = _math(f"{left} = {text}", LOCAL, SMALL)
    if block.width > 120:
        block = _stack([_math(left, LOCAL, SMALL), _math(f"= {text}", LOCAL, SMALL)])
    block.marks = [_moved(mark, 7, 2) for mark in block.marks]
    block.width, block.height = block.width + 14, block.height + 4
    return block


# --- The whole picture


def _arrow(points, colour: str, stroke_width: float, dashed: bool, when, length: int = 9) -> list[Path]:
    """Return a curve and the head at its end; the curve stops inside the head."""
    x, y = points[-1]
    dx, dy = next(((x - a, y - b) for a, b in reversed(points) if (a, b) != (x, y)), (1, 0))
    far = math.hypot(dx, dy)
    dx, dy = dx / far, dy / far
    near = (round(x - 0.8 * length * dx, 1), round(y - 0.8 * length * dy, 1))
    handle = points[-2] if far > length or len(points) < 4 else near
    back = [(x - length * (dx + side * dy), y - length * (dy - side * dx)) for side in (0.42, -0.42)]
    head = tuple((round(a, 1), round(b, 1)) for a, b in [(x, y), *back])
    curve = Path((*points[:-2], handle, near), colour, stroke_width, dashed, curve=True, when=when)
    return [curve, Path(head, colour, area=True, when=when)]


def _edge_group(edge: Edge, points, centre, label: Block | None, at, steps: Steps) -> Group:
    forward, backward = steps.forward.get(edge.target, 0), steps.backward.get(edge.target)
    flows = carries_gradient(edge) or (edge.source.requires_grad and edge.target.requires_grad)
    group = Group(since=forward)
    returns = backward if carries_gradient(edge) else None  # the step at which the arrow points the other way
    # It starts a little inside the box, which is painted over it: round corners leave no gap.
    (x, y), (a, b) = points[0], centre
    inside = min(1.0, 9 / (math.hypot(a - x, b - y) or 1))
    out = [(round(x + (a - x) * inside), round(y + (b - y) * inside)), *points[1:]]
    group.marks += _arrow(out, MUTED, 1.4, not flows, (0, None, returns) if returns else ALWAYS)
    if forward:
        group.marks += _arrow(out, INK, 2.6, not flows, (forward, forward + 1), 11)
    if returns:
        group.marks += _arrow(points[::-1], GRADIENT, 2.8, False, (returns, returns + 1), 12)
    if label:
        x, y = at[0] - label.width // 2, at[1] - label.height // 2
        when = (returns or 0, None)
        group.marks += [_moved(mark, x, y)._replace(when=when) for mark in label.marks]
    return group


def _node_group(node: Node, block: Block, centre: tuple[int, int], graph: Graph, steps: Steps) -> Group:
    x, y = centre[0] - block.width // 2, centre[1] - block.height // 2
    since = steps.forward.get(node, 0)
    shape = f"shape {format_shape(node.shape)}" if node.shape else "a single number"
    title = [clean(node.name, 60), clean(node.expression, 90), shape, str(node.dtype or "a Python number")]
    title += [f"in {clean(' › '.join(node.module), 90)}"] if node.module else []
    group = Group(", ".join(part for part in title if part), since)
    kind = "output" if node is graph.target else "operation" if node.kind == "output" else node.kind
    radius = {"leaf": 16, "input": 16, "constant": block.height // 2}.get(kind, 5)
    style = {"stroke_width": 1.8 if kind == "leaf" else 1.3, "dashed": not node.requires_grad}
    if node.num_operations > 1:  # a pile of cards
        group.marks += [Rect(x + d, y + d, block.width, block.height, radius, FILL[kind], **style) for d in (6, 3)]
    group.marks.append(Rect(x, y, block.width, block.height, radius, FILL[kind], **style))
    if kind == "output":
        group.marks.append(Rect(x + 3, y + 3, block.width - 6, block.height - 6, 3, stroke_width=1))
    lit = [(since, INK)] if since else []
    lit += [(step, GRADIENT) for step in dict.fromkeys(step for step, _ in steps.sums[node])]
    lit += [(steps.start, GRADIENT)] if node is graph.target and steps.start in range(len(steps.captions)) else []
    for step, colour in lit:
        outline = Rect(x - 1, y - 1, block.width + 2, block.height + 2, radius + 1, stroke=colour, stroke_width=3.2)
        group.marks.append(outline._replace(when=(step, step + 1)))
    group.marks += [_moved(mark, x, y) for mark in block.marks]
    return group


def build(graph: Graph) -> Scene:
    """Return the picture of a graph, laid out.

    Raises
    ------
    ValueError
        If the graph has no nodes.
    ImportError
        If pygraphviz is not installed.
    """
    if not graph.nodes:
        raise ValueError("graph must have at least one node, got none: no operation of torch was recorded")
    steps = plan(graph)
    blocks = {node: _node_block(node, graph, steps) for node in graph.nodes}
    crowded = len(graph.nodes) > 16
    labels = [_edge_label(edge, steps.incoming[edge.target], crowded) for edge in graph.edges]
    number = {node: i for i, node in enumerate(graph.nodes)}
    edges = [
        (number[edge.source], number[edge.target], label and (label.width, label.height))
        for edge, label in zip(graph.edges, labels, strict=True)
    ]
    layout = place([(block.width, block.height) for block in blocks.values()], edges)
    centres = [(x + MARGIN, y + MARGIN) for x, y in layout.nodes]
    groups = []
    for edge, label, curve, at in zip(graph.edges, labels, layout.curves, layout.labels, strict=True):
        points = [(x + MARGIN, y + MARGIN) for x, y in curve]
        at = at and (at[0] + MARGIN, at[1] + MARGIN)
        groups.append(_edge_group(edge, points, centres[number[edge.source]], label, at, steps))
    groups += [
        _node_group(node, block, centre, graph, steps)
        for (node, block), centre in zip(blocks.items(), centres, strict=True)
    ]
    title = "Computation graph" + (f" of {clean(graph.target.name, 24)}" if graph.target else "")
    return Scene(layout.width + 2 * MARGIN, layout.height + 2 * MARGIN, title, describe(graph), groups, steps)
