"""Text and matrices as blocks: what a line of mathematics looks like, and how wide it is.

Every size is computed from one table of widths, so that pictures are the same whatever fonts a machine has.
"""

from __future__ import annotations

import functools
import itertools
import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch

from ..style import GRAPH_INK, MUTED
from .text import format_number, format_tensor, low

SIZE, SMALL = 16, 14  # pixels: of what stands in the boxes, of what stands beside the arrows


class Span(NamedTuple):
    """A piece of a line of text; in pixels its size, where it begins, and how far above the line it stands."""

    text: str
    is_italic: bool
    size: int
    x: float
    rise: int


class Mark(NamedTuple):
    """A line of text, a box, or a line; as SVG, but with its places as numbers."""

    tag: str  # "text" and "rect", which have one point, or "path": an area where it has no stroke
    points: Sequence[tuple[float, float]]
    style: dict[str, object]  # further attributes; None where there is none
    spans: Sequence[Span] = ()
    is_curved: bool = False  # a Bézier curve
    when: Mapping[str, int | None] = {}  # at which steps it is seen: see `draw.svg`


class Block(NamedTuple):
    """Marks around (0, 0), and the room that they need; width and height are even, so that halves are whole pixels."""

    width: int
    height: int
    marks: Sequence[Mark]

    def at(self, dx: int, dy: int) -> Block:
        """The same block around another point."""
        moved = [mark._replace(points=[(x + dx, y + dy) for x, y in mark.points]) for mark in self.marks]
        return self._replace(marks=moved)

    def seen(self, start: int, end: int | None = None, hidden: int | None = None) -> Block:
        """The same block, seen from step `start`, until before step `end` or to the last, but not at step `hidden`."""
        when = {"data-s": start, "data-e": end, "data-x": hidden}
        return self._replace(marks=[mark._replace(when=when) for mark in self.marks])

    def padded(self, dx: int, dy: int) -> Block:
        return self._replace(width=self.width + 2 * dx, height=self.height + 2 * dy)


def path(points: Sequence, colour: str, width: float = 0, dashes: str | None = None, is_curved: bool = False) -> Block:
    """A line, or an area where the line has no width."""
    style = {"fill": "none", "stroke": colour, "stroke-width": width, "stroke-dasharray": dashes}
    return Block(0, 0, [Mark("path", points, style if width else {"fill": colour}, is_curved=is_curved)])


def rect(width: int, height: int, radius: int, line: float, dashes=None, fill="none", stroke=GRAPH_INK) -> Block:
    style = {"width": width, "height": height, "rx": radius, "fill": fill, "stroke": stroke, "stroke-width": line}
    return Block(width, height, [Mark("rect", [(-width // 2, -height // 2)], style | {"stroke-dasharray": dashes})])


def overlay(*blocks: Block) -> Block:
    """Put blocks in the same place."""
    width, height = max(block.width for block in blocks), max(block.height for block in blocks)
    return Block(width, height, [mark for block in blocks for mark in block.marks])


def stack(*blocks: Block, gap: int = 0, align: int = 0) -> Block:
    """Put blocks below each other: on one middle line, or, where `align` is 1, as far to the right as the widest."""
    *tops, end = itertools.accumulate((block.height + gap for block in blocks), initial=0)
    width, height = max(block.width for block in blocks), end - gap
    xs = [align * (width - block.width) // 2 for block in blocks]
    ys = [top + (block.height - height) // 2 for block, top in zip(blocks, tops, strict=True)]
    return overlay(*map(Block.at, blocks, xs, ys))._replace(height=height)


def beside(*blocks: Block, gap: int) -> Block:
    """Put blocks side by side."""
    *lefts, end = itertools.accumulate((block.width + gap for block in blocks), initial=0)
    xs = [left + (block.width - end + gap) // 2 for block, left in zip(blocks, lefts, strict=True)]
    return overlay(*map(Block.at, blocks, xs, [0] * len(xs)))._replace(width=end - gap)


# Widths in hundredths of an em, of Times New Roman and of the fonts made to its measure (Liberation Serif, Tinos, STIX,
# which Matplotlib brings along). What is in no row is a digit or a letter of average width.
_UPRIGHT = {20: "'|", 25: " ,.·", 28: "/:;ijlt′\u2009", 34: "!()-I[]fr", 39: "Js", 45: '?acez"', 49: "{}^", 56: "FPSασ",
            62: "ELTZΣω‖", 67: "BCRφψ", 69: "+<=>−×≤", 73: "ADGHKNOQUVXYwΔ", 79: "&mΩ%", 93: "MW@→⋯…"}  # fmt: skip
_ITALIC = {26: " ,.'|·", 29: "/fijlt′", 34: "!()-:;I", 40: "[]rsz{}", 45: "Jcekvxyεγκλνχτζ", 49: "∂η", 57: "LTYZαψ",
           62: "ABEFPRVXΔΣφ", 68: "CKNw+<=>−×ω", 73: "DGHOQUmΩ", 84: "MW"}  # fmt: skip


@functools.cache
def _width(char: str, is_italic: bool) -> int:
    if unicodedata.combining(char):
        return 0
    usual = 100 if unicodedata.east_asian_width(char) in "WF" else 51  # letters of China, Japan and Korea are wide
    return next((width for width, chars in (_UPRIGHT, _ITALIC)[is_italic].items() if char in chars), usual)


# A formula's pieces, of which names are set in italics; functions are none, nor are the words of `rules`.
_PIECES = re.compile(
    r"\d[\d.]*(?:e[+−-]?\d+)?|(?P<low>[₀-₉]+)|(?P<high>[⁰¹²³⁴-⁹⁻ᵀ]+)"
    r"|(?:each|diagonal|Jacobian|upstream|summed|spread|reshaped|scatter-add of|over|rows|columns)(?![^\W⁰-⁹ᵀ])"
    r"|(?P<name>∂|(?>[^\W\d_₀-₉⁰-⁹²³¹ᵀ](?:[^\W₀-₉⁰-⁹²³¹ᵀ]|\.(?=\w))*)(?!\())|[^\W\d_]+|."
)
_PLAIN = str.maketrans("₀₁₂₃₄₅₆₇₈₉⁰¹²³⁴⁵⁶⁷⁸⁹⁻ᵀ", "01234567890123456789−T")


@functools.lru_cache(2000)  # the same names and formulas come back in each picture
def formula(text: str, colour: str = GRAPH_INK, size: int = SIZE, pieces: re.Pattern = _PIECES) -> Block:
    """Set names in italics, functions and numbers upright, indices low and exponents high."""
    spans, x = [], 0.0
    for kind, alike in itertools.groupby(pieces.finditer(low(text)), lambda piece: piece.lastgroup):
        letters = "".join(piece[0] for piece in alike).translate(_PLAIN)
        scale, rise = {"low": (0.72, -0.2), "high": (0.72, 0.36)}.get(kind, (1, 0))
        spans.append(Span(letters, kind == "name", round(scale * size), x, round(rise * size)))
        x += round(scale * size) / 100 * sum(_width(letter, kind == "name") for letter in letters)
    # Rounded first: in its last digit, a sum of floats is another one since Python 3.12.
    width = 2 * math.ceil(round(x / 2, 6))
    style = {"fill": colour, "font-size": None if size == SIZE else size}
    style |= {"textLength": width, "lengthAdjust": "spacingAndGlyphs"}
    return Block(width, 2 * round(0.64 * size), [Mark("text", [(0, round(0.34 * size))], style, spans)])


def words(text: str, colour: str = MUTED) -> Block:
    """Set small text in one upright piece."""
    return formula(text, colour, SMALL, re.compile(".+"))


def is_small(tensor: torch.Tensor | None) -> bool:
    """Whether there is room for all numbers of a tensor in a box."""
    if tensor is None or tensor.dim() > 2:
        return False
    return tensor.numel() <= 6 if tensor.dim() < 2 else 0 < tensor.shape[0] <= 6 and 0 < tensor.shape[1] <= 5


def equation(left: str, tensor: torch.Tensor, colour: str = GRAPH_INK) -> Block:
    """Set ``left = tensor`` for a small tensor; the numbers of a matrix in columns between brackets."""
    left = f"{left} =".lstrip()
    if tensor.dim() < 2:
        return formula(f"{left} {format_tensor(tensor)}", colour)
    columns = [[words(format_number(x), colour) for x in column] for column in tensor.T.tolist()]
    numbers = beside(*(stack(*column, align=1) for column in columns), gap=10)
    x, y = numbers.width // 2 + 6, numbers.height // 2
    bracket = [(x - 4, -y), (x, -y), (x, y), (x - 4, y)]
    mirrored = [(-x, y) for x, y in bracket]
    matrix = overlay(numbers, path(mirrored, colour, 1.2), path(bracket, colour, 1.2)).padded(7, 1)
    return beside(formula(left, colour), matrix, gap=6)
