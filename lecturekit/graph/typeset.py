"""Text and matrices as blocks: what a line of mathematics looks like, and how wide it is.

Every size is computed from one table of widths, so that pictures are the same whatever fonts a machine has.
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

from ..style import GRAPH_INK as INK
from ..style import MUTED
from .text import format_number, format_tensor, low

SIZE, SMALL = 16, 14  # pixels: of what stands in the boxes, of what stands beside the arrows


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
        """Return about how many pixels wide it is in a line of a Times-like font of `size` pixels."""
        wide = {"W": 100, "F": 100}  # letters of China, Japan and Korea
        drawn = (char for char in self.text if not unicodedata.combining(char))
        table = _WIDTHS[self.style == "i"]
        widths = (table.get(char, wide.get(unicodedata.east_asian_width(char), 51)) for char in drawn)
        return self.font_size(size) / 100 * sum(widths)


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


_WORDS = "each diagonal Jacobian upstream summed spread reshaped over rows columns".split()
_TOKEN = re.compile(
    r"\d[\d.]*(?:e[+−-]?\d+)?|(?P<name>[^\W\d_₀-₉⁰-⁹²³¹ᵀ](?:[^\W₀-₉⁰-⁹²³¹ᵀ]|\.(?=\w))*)"
    r"|(?P<low>[₀-₉]+)|(?P<high>[⁰¹²³⁴-⁹⁻ᵀ]+)|(?P<d>∂)|."
)
_STYLES = {"name": "i", "d": "i", "low": "_", "high": "^"}
_PLAIN = str.maketrans("₀₁₂₃₄₅₆₇₈₉⁰¹²³⁴⁵⁶⁷⁸⁹⁻ᵀ", "01234567890123456789−T")


@functools.lru_cache(2000)  # the same names and formulas come back in each picture
def math_spans(text: str) -> tuple[Span, ...]:
    """Set names in italics, functions and numbers upright, indices low and exponents high."""
    spans, text = [], low(text)
    for token in _TOKEN.finditer(text):
        is_upright = token["name"] and (token[0] in _WORDS or text.startswith("(", token.end()))
        style = "" if is_upright else _STYLES.get(token.lastgroup, "")
        spans.append(Span(token[0].translate(_PLAIN), style))
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
    ends = [-3]
    for column in zip(*cells, strict=True):
        ends.append(ends[-1] + 10 + max(cell.width for cell in column))
    step = cells[0][0].height
    block = Block(ends[-1] + 7, step * len(cells) + 2)
    for i, row in enumerate(cells):
        for cell, end in zip(row, ends[1:], strict=True):
            (text,) = cell.at(end - cell.width // 2, 1 + i * step)
            block.marks.append(text._replace(style=text.style | {"text-anchor": "end"}))
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
        return formula(f"{left} {format_tensor(tensor)}", colour)
    numbers = [[format_number(x) for x in row] for row in tensor.tolist()]
    prefix, numbers = formula(left, colour), matrix(numbers, colour)
    height = max(prefix.height, numbers.height)
    marks = prefix.at(0, (height - prefix.height) // 2) + numbers.at(prefix.width + 6, (height - numbers.height) // 2)
    return Block(prefix.width + 6 + numbers.width, height, marks)
