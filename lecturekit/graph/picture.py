"""The whole picture before it is drawn: what stands in each box and beside each arrow, where, and at which steps.

SVG, PNG and the stepper are made from one `Scene`, so that they cannot drift apart. Every size is computed from one
table of widths, so that pictures are the same whatever fonts a machine has.
"""

from __future__ import annotations

import functools
import itertools
import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch

from ..style import FILL, GRADIENT, GRAPH_DASH, LOCAL, MUTED, RULE
from ..style import GRAPH_INK as INK
from .layout import place
from .model import Edge, Node
from .text import Steps, clean, counts, derivative, describe, format_number, format_shape, format_tensor, plan, rule_of

CROWDED = 16  # in a picture of more nodes than this, a label that tells a shape alone is not worth the room
SIZE, SMALL = 16, 14  # pixels: of what stands in the boxes, of what stands beside the arrows
DASHED = {"stroke-dasharray": "{} {}".format(*GRAPH_DASH)}


class When(NamedTuple):
    """When a mark is seen: from step `start`, until before step `end` (None: to the last), but not at step `hidden`."""

    start: int = 0
    end: int | None = None
    hidden: int | None = None


class Span(NamedTuple):
    """A piece of a line of text: in italics ("i"), as an index ("_") or an exponent ("^"), or upright ("")."""

    text: str
    style: str = ""

    def font_size(self, size: int) -> int:
        return round(size * 0.72) if self.style in ("_", "^") else size

    def rise(self, size: int) -> int:
        return {"_": -round(size * 0.2), "^": round(size * 0.36)}.get(self.style, 0)

    def width(self, size: int) -> float:
        return text_width(self.text, self.font_size(size), self.style == "i")


class Mark(NamedTuple):
    """A line of text, a box, or a line; as SVG, but with its places as numbers."""

    tag: str  # "text" and "rect", which have one point, or "path": an area where it has no stroke
    points: tuple[tuple[float, float], ...]
    style: dict[str, object]  # further attributes
    spans: tuple[Span, ...] = ()
    is_curved: bool = False  # a Bézier curve
    when: When = When()


def path(points: Sequence[tuple[float, float]], colour: str, width: float, is_curved: bool = False, **more) -> Mark:
    return Mark("path", tuple(points), {"fill": "none", "stroke": colour, "stroke-width": width} | more, (), is_curved)


def rect(x, y, width, height, radius: int, line: float, fill: str = "none", stroke: str = INK, **more) -> Mark:
    style = {"width": width, "height": height, "rx": radius, "fill": fill, "stroke": stroke, "stroke-width": line}
    return Mark("rect", ((x, y),), style | more)


@dataclass
class Block:
    """Marks in a rectangle of their own, whose upper left corner is (0, 0)."""

    width: int = 0
    height: int = 0
    marks: list[Mark] = field(default_factory=list)

    def at(self, dx: int, dy: int) -> list[Mark]:
        return [mark._replace(points=tuple((x + dx, y + dy) for x, y in mark.points)) for mark in self.marks]

    def seen(self, *when: int) -> Block:
        """The same block, seen at some steps only."""
        return Block(self.width, self.height, [mark._replace(when=When(*when)) for mark in self.marks])

    def padded(self, dx: int, dy: int) -> Block:
        return Block(self.width + 2 * dx, self.height + 2 * dy, self.at(dx, dy))


# Widths in hundredths of an em, of Times New Roman and of the fonts made to its measure (Liberation Serif, Tinos, STIX,
# which Matplotlib brings along). What is in no row is a digit or a letter of average width.
_UPRIGHT = {20: "'|", 25: " ,.·", 28: "/:;ijlt′\u2009", 34: "!()-I[]fr", 39: "Js", 45: '?acez"', 49: "{}^", 56: "FPSασ",
            62: "ELTZΣω‖", 67: "BCRφψ", 69: "+<=>−×≤", 73: "ADGHKNOQUVXYwΔ", 79: "&mΩ%", 93: "MW@→⋯…"}  # fmt: skip
_ITALIC = {26: " ,.'|·", 29: "/fijlt′", 34: "!()-:;I", 40: "[]rsz{}", 45: "Jcekvxyεγκλνχτζ", 49: "∂η", 57: "LTYZαψ",
           62: "ABEFPRVXΔΣφ", 68: "CKNw+<=>−×ω", 73: "DGHOQUmΩ", 84: "MW"}  # fmt: skip
_WIDTHS = [{char: width for width, chars in table.items() for char in chars} for table in (_UPRIGHT, _ITALIC)]


def text_width(text: str, size: float, italic: bool = False) -> float:
    """Return about how many pixels wide `text` is in a Times-like font of `size` pixels."""

    def width(char: str) -> int:
        average = 100 if unicodedata.east_asian_width(char) in "WF" else 51
        return 0 if unicodedata.combining(char) else _WIDTHS[italic].get(char, average)

    return size / 100 * sum(map(width, text))


_TOKEN = re.compile(
    r"(?P<number>\d[\d.]*(?:e[+−-]?\d+)?)|(?P<name>[^\W\d_₀-₉⁰-⁹²³¹ᵀ](?:[^\W⁰-⁹²³¹ᵀ]|\.(?=\w))*)|(?P<low>[₀-₉]+)|(?P<high>[⁰¹²³⁴-⁹⁻ᵀ]+)|∂|."
)
_WORDS = set("each diagonal Jacobian upstream summed spread reshaped over rows columns".split())
_PLAIN = str.maketrans("₀₁₂₃₄₅₆₇₈₉⁰¹²³⁴⁵⁶⁷⁸⁹⁻ᵀ", "01234567890123456789−T")
_INDEXED = re.compile(r"^(.*?[^\W\d_]?)([₀-₉]+|(?<=^[^\W\d_])\d+)?$")


@functools.lru_cache(2000)  # the same names and formulas come back in each picture
def math_spans(text: str) -> tuple[Span, ...]:
    """Set names in italics, functions and numbers upright, indices low and exponents high."""
    spans: list[Span] = []
    for token in _TOKEN.finditer(text):
        if token["name"]:
            stem, index = _INDEXED.match(token[0]).groups()
            upright = text[token.end() : token.end() + 1] == "(" or token[0] in _WORDS
            spans.append(Span(stem, "" if upright and not index else "i"))
            spans += [Span(index.translate(_PLAIN), "_")] if index else []
        elif token["low"] or token["high"]:
            spans.append(Span(token[0].translate(_PLAIN), "_" if token["low"] else "^"))
        else:
            spans.append(Span(token[0], "i" if token[0] == "∂" else ""))
    alike = itertools.groupby(spans, lambda span: span.style)
    return tuple(Span("".join(span.text for span in group), style) for style, group in alike)


def line(spans: Sequence[Span], colour: str = INK, size: int = SIZE) -> Block:
    # Rounded first: in its last digit, a sum of floats is another one since Python 3.12.
    width = math.ceil(round(sum(span.width(size) for span in spans), 6))
    style = {"fill": colour, "textLength": width, "lengthAdjust": "spacingAndGlyphs"}
    style |= {"font-size": size} if size != SIZE else {}
    return Block(width, round(size * 1.32), [Mark("text", ((width // 2, round(size * 0.98)),), style, tuple(spans))])


def formula(text: str, colour: str = INK, size: int = SIZE) -> Block:
    return line(math_spans(text), colour, size)


def words(text: str) -> Block:
    return line([Span(text)], MUTED, SMALL)


def stack(blocks: list[Block], gap: int = 0, overlaid: bool = False) -> Block:
    """Put blocks below each other, on one middle line, or in the same place, such as what is seen one by one."""
    whole = Block(max(block.width for block in blocks), max(block.height for block in blocks))
    if not overlaid:
        whole.height = sum(block.height for block in blocks) + gap * (len(blocks) - 1)
    y = 0
    for block in blocks:
        dy = (whole.height - block.height) // 2 if overlaid else y
        whole.marks += block.at((whole.width - block.width) // 2, dy)
        y += block.height + gap
    return whole


def matrix(rows: list[list[str]], colour: str) -> Block:
    """Set numbers in columns between brackets."""
    cells = [[line([Span(text)], colour, SMALL) for text in row] for row in rows]
    widths = [max(cell.width for cell in column) for column in zip(*cells, strict=True)]
    step = cells[0][0].height
    block = Block(sum(widths) + 10 * (len(widths) - 1) + 14, step * len(cells) + 2)
    for i, row in enumerate(cells):
        x = -3
        for cell, width in zip(row, widths, strict=True):
            x += 10 + width
            (text,) = cell.at(0, 1 + i * step)
            block.marks.append(
                text._replace(points=((x, text.points[0][1]),), style=text.style | {"text-anchor": "end"})
            )
    for x, inwards in ((1, 4), (block.width - 1, -4)):
        corners = (x + inwards, 1), (x, 1), (x, block.height - 1), (x + inwards, block.height - 1)
        block.marks.append(path(corners, colour, 1.2))
    return block


def is_small(tensor: torch.Tensor | None) -> bool:
    """Whether there is room for all numbers of a tensor in a box."""
    if tensor is None or tensor.dim() < 2:
        return tensor is not None and tensor.numel() <= 6
    return tensor.dim() == 2 and 0 < tensor.shape[0] <= 6 and 0 < tensor.shape[1] <= 5


def equation(left: str, tensor: torch.Tensor, colour: str = INK) -> Block:
    """Set ``left = tensor`` for a small tensor; a matrix stands beside the equals sign."""
    left = f"{left} =" if left else "="
    if tensor.dim() < 2:
        return formula(f"{left} {format_tensor(tensor)[0]}", colour)
    numbers = [[format_number(x) for x in row] for row in tensor.to_dense().tolist()]
    prefix, numbers = formula(left, colour), matrix(numbers, colour)
    block = Block(prefix.width + 6 + numbers.width, max(prefix.height, numbers.height))
    block.marks = prefix.at(0, (block.height - prefix.height) // 2)
    block.marks += numbers.at(prefix.width + 6, (block.height - numbers.height) // 2)
    return block


def _beginnings(steps: Steps) -> dict[Node, str]:
    """Return where a module of several operations begins."""
    begins, before, order = {}, (), list(steps.forward)
    for node, following in itertools.pairwise(order):
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
    expression = clean(node.expression, 64)
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
    begin = [step for step, _ in terms] or [steps.start if node is target else steps.last]
    rows, total = [words("no gradient yet").seen(since, begin[0])], 0
    for i, (step, edge) in enumerate(terms[:-1]):
        total = total + edge.contribution if total is not None and is_small(edge.contribution) else None
        part = words(f"{i + 1} of {len(terms)} terms") if total is None else equation(name, total, GRADIENT)
        rows.append(part.seen(step, begin[i + 1]))
    norm = f"‖{name}‖ = {format_number(node.grad_norm)}" if node.grad_norm is not None else name
    whole = equation(name, node.grad, GRADIENT) if is_small(node.grad) else formula(norm, GRADIENT)
    return [stack([*rows, whole.seen(begin[-1])], overlaid=True)]


def _accumulated(node: Node, steps: Steps) -> list[Block]:
    """Return the row of the tensor's own ``.grad``, where it differs from ∂target/∂node."""
    name, tensor = f"{clean(node.name, 28)}.grad", node.accumulated
    if tensor is None or format_tensor(tensor) == format_tensor(node.grad):
        return []
    whole = formula(f"{name}: {format_tensor(tensor, 0)[0]}", GRADIENT)
    return [(equation(name, tensor, GRADIENT) if is_small(tensor) else whole).seen(steps.last)]


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


def _label(edge: Edge, incoming: list[Edge], crowded: bool) -> Block | None:
    text, rule = local_derivative(edge, incoming), None if crowded else rule_of(edge, incoming)
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
    x, y = points[-1]
    dx, dy = next(((x - a, y - b) for a, b in reversed(points) if (a, b) != (x, y)), (1, 0))
    far = math.hypot(dx, dy)
    dx, dy = dx / far, dy / far
    near = (round(x - 0.8 * length * dx, 1), round(y - 0.8 * length * dy, 1))
    handle = points[-2] if far > length or len(points) < 4 else near
    back = [(x - length * (dx + side * dy), y - length * (dy - side * dx)) for side in (0.42, -0.42)]
    head = tuple((round(a, 1), round(b, 1)) for a, b in [(x, y), *back])
    shaft = path([*points[:-2], handle, near], colour, width, True, **(DASHED if dashed else {}))
    return [shaft._replace(when=when), Mark("path", head, {"fill": colour}, when=when)]


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
    x, y, width, height = centre[0] - block.width // 2, centre[1] - block.height // 2, block.width, block.height
    since = steps.forward.get(node, 0)
    shape = f"shape {format_shape(node.shape)}" if node.shape else "a single number"
    what = [shape, str(node.dtype or "a Python number")] if node.shape is not None else ["several tensors"]
    title = [clean(node.name, 60), clean(node.expression, 90), *what]
    title += [f"in {clean(' › '.join(node.module), 90)}"] if node.module else []
    kind = "output" if node is target else "operation" if node.kind == "output" else node.kind
    radius = {"leaf": 16, "input": 16, "constant": height // 2}.get(kind, 5)
    line, more = 1.8 if kind == "leaf" else 1.3, {} if node.requires_grad else DASHED
    piled = (6, 3, 0) if node.num_operations > 1 else (0,)
    marks = [rect(x + far, y + far, width, height, radius, line, FILL[kind], **more) for far in piled]
    if kind == "output":
        marks.append(rect(x + 3, y + 3, width - 6, height - 6, 3, 1))
    lit = [(since, INK)] if since else []
    lit += [(step, GRADIENT) for step in dict.fromkeys(step for step, _ in steps.terms[node])]
    lit += [(steps.start, GRADIENT)] if node is target and steps.start <= steps.last else []
    for step, colour in lit:
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

    def is_last(self, mark: Mark) -> bool:
        """Whether a mark is seen at the last step."""
        return mark.when.end is None and mark.when.start <= self.steps.last


def build(graph) -> Scene:
    """Lay out the picture of a graph. ValueError for one without nodes, ImportError without pygraphviz."""
    if not graph.nodes:
        raise ValueError(describe(graph))
    steps = plan(graph)
    crowded = len(graph.nodes) > CROWDED
    begins = _beginnings(steps) if crowded else {}
    blocks = [_node_block(node, graph.target, steps, begins.get(node)) for node in graph.nodes]
    labels = [_label(edge, steps.incoming[edge.target], crowded) for edge in graph.edges]
    number = {node: i for i, node in enumerate(graph.nodes)}
    edges = [
        (number[edge.source], number[edge.target], label and (label.width, label.height))
        for edge, label in zip(graph.edges, labels, strict=True)
    ]
    width, height, centres, curves, places = place([(block.width, block.height) for block in blocks], edges)
    groups = [
        _edge_group(edge, curve, centres[number[edge.source]], label, at, steps)
        for edge, curve, label, at in zip(graph.edges, curves, labels, places, strict=True)
    ]
    for node, block, centre in zip(graph.nodes, blocks, centres, strict=True):
        groups.append(_node_group(node, block, centre, graph.target, steps))
    title = "Computation graph" + (f" of {clean(graph.target.name, 24)}" if graph.target else "")
    return Scene(width, height, title, describe(graph), groups, steps)
