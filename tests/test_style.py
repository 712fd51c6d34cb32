"""The house style: colours that everybody can read and tell apart, and that are written down in one place only."""

import re
from itertools import combinations, product
from pathlib import Path

import pytest
import torch

import lecturekit
from lecturekit import style

ROOT = Path(__file__).parents[1]

# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB: what somebody sees who lacks one kind of cone.
EYES = {
    "all cones": [[1.0, 0, 0], [0, 1, 0], [0, 0, 1]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
TO_XYZ = torch.tensor([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = TO_XYZ.sum(dim=1)
APART = 10  # of ΔE in CIELAB, where about 2 can be seen side by side


def linear(colour: str) -> torch.Tensor:
    channels = torch.tensor([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return torch.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """As WCAG 2 defines it, from 1 to 21."""
    dark, light = sorted((TO_XYZ[1] @ linear(colour)).item() for colour in (one, other))
    return (light + 0.05) / (dark + 0.05)


def difference(one: str, other: str, eyes: str) -> float:
    """ΔE of 1976: the distance in CIELAB of what such eyes see."""

    def lab(colour):
        seen = (torch.tensor(EYES[eyes]) @ linear(colour)).clamp(0, 1)
        ratio = TO_XYZ @ seen / WHITE
        fx, fy, fz = torch.where(ratio > (6 / 29) ** 3, ratio ** (1 / 3), ratio * (29 / 6) ** 2 / 3 + 4 / 29)
        return torch.stack([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)])

    return (lab(one) - lab(other)).norm().item()


GROUNDS = [style.PAPER, *style.FILL.values()]
DARK_INKS = [style.DARK[ink] for ink in (style.GRAPH_INK, style.GRADIENT, style.LOCAL)]


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize("inks", [style.COLOURS, (style.GRAPH_INK, style.GRADIENT, style.LOCAL), DARK_INKS], ids=str)
def test_lines_and_writing_in_graphs_differ_in_colour_for_all_eyes(eyes, inks):
    for one, other in combinations(inks, 2):
        assert difference(one, other, eyes) >= APART, (one, other)


TEXT = {
    "figures": ([style.INK, style.LOCAL], [style.PAPER, style.PALE, *style.TINTS]),
    "small lines in boxes": ([style.DETAIL], [style.PAPER, style.PALE, *style.TINTS]),
    "explorer and loss surface": ([style.INK, style.MUTED], [style.PAPER, style.TINTS[0]]),
    "graphs": ([style.GRAPH_INK, style.MUTED, style.GRADIENT, style.LOCAL], GROUNDS),
    "graphs on dark pages": ([*DARK_INKS, style.DARK[style.MUTED]], [style.DARK[ground] for ground in GROUNDS]),
    "buttons": ([style.GRAPH_INK], [style.FILL["input"]]),  # those that rest need none, says WCAG
}
SHAPES = {
    "lines and points": (style.COLOURS, [style.PAPER]),
    "points on regions": (style.COLOURS[:2], style.TINTS),
    "paths on the loss surface": (style.COLOURS, style.TINTS[:1]),
    "arrows and borders": ([style.GRAPH_INK, style.MUTED, style.GRADIENT, style.DETAIL, style.OUTLINE], [style.PAPER]),
    "arrows and borders on dark pages": ([*DARK_INKS, style.DARK[style.MUTED]], [style.DARK[style.PAPER]]),
    "focus and sliders": ([style.LOCAL], [style.PAPER, style.FILL["input"]]),
}


@pytest.mark.parametrize(
    ("least", "inks", "grounds"),
    [pytest.param(4.5, *pair, id=name) for name, pair in TEXT.items()]
    + [pytest.param(3, *pair, id=name) for name, pair in SHAPES.items()],
)
def test_contrast(least, inks, grounds):
    """WCAG 2, AA: 4.5 for writing, 3 for lines and shapes that mean something."""
    for ink, ground in product(inks, grounds):
        assert contrast(ink, ground) >= least, (ink, ground, contrast(ink, ground))


HEX = re.compile(r"#[0-9a-fA-F]{6}\b|#[0-9a-fA-F]{3}\b(?=[;'\"\s,)])")
KNOWN = {colour.lower() for colour in HEX.findall(Path(style.__file__).read_text(encoding="utf-8"))}
PACKAGE = Path(lecturekit.__file__).parent
SCRIPTS = sorted(PACKAGE.rglob("*.js"))
SHEETS = [*(ROOT / "tools").rglob("*.css"), *(ROOT / "docs/_static").rglob("*.css")]


@pytest.mark.parametrize("path", [*SCRIPTS, *SHEETS], ids=lambda path: path.name)
def test_scripts_and_sheets_have_the_colours_and_letters_of_the_house(path):
    text = path.read_text(encoding="utf-8")
    for colour in HEX.findall(text.lower()):
        full = colour if len(colour) == 7 else "#" + "".join(2 * digit for digit in colour[1:])
        assert full in KNOWN, colour
    if path in SCRIPTS and re.search(r"\bfont:\d", text):
        assert style.SANS in text


def test_no_other_module_writes_a_colour_down():
    for path in PACKAGE.rglob("*.py"):
        if path.name != "style.py":
            assert not re.findall(r"[\"']#[0-9a-fA-F]{3,8}[\"']", path.read_text(encoding="utf-8")), path.name
