"""Pictures of lessons 00, 02, 07 and 13: the layers of PyTorch, the course itself, ADALINE, an all-reduce.

Each function returns a Matplotlib figure whose label is its alt text, so a lesson writes
``lk.show(fig, alt=fig.get_label())``. Lengths are pixels of the page; the pictures can be read on a phone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..plotting import figure
from ..style import COLOURS, DETAIL, INK, LOCAL, OUTLINE, PALE, TINTS, house_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SMALL, _NORMAL = 10.0, 11.5  # points, in a picture 520 pixels wide

# Each layer of PyTorch: what it is written in; and its boxes, side by side, with an example or a task.
LAYERS = {
    "code": ("Python", [("your code", "model, loss, training loop")]),
    "api": ("Python", [("the Python API", "torch · torch.nn · torch.optim")]),
    # One box: a call enters the dispatcher, passes through autograd if it is to be recorded, and is dispatched again.
    "core": ("C++", [("dispatcher · autograd", "picks the kernel · records the graph")]),
    "kernels": ("C++", [("CPU kernels", "ATen: add, matmul, relu …"), ("GPU kernels", "ATen: add, matmul, relu …")]),
    "libraries": ("C++", [("CPU libraries", "oneDNN, MKL"), ("GPU libraries", "cuBLAS, cuDNN")]),
    "device": ("device", [("CPU", ""), ("GPU", "")]),
}


class Lesson(NamedTuple):
    """A lesson on the map: its title, the lessons that its section "What you need" names, and column and row."""

    title: str
    needs: tuple[str, ...]
    place: tuple[int, int]


COURSE = {
    "00": Lesson("Start here", (), (0, 0)),
    "01": Lesson("Tensors", (), (1, 0)),
    "02": Lesson("Devices", ("01",), (0, 1)),
    "03": Lesson("Computation\ngraphs", ("00", "01"), (1, 1)),
    "04": Lesson("autograd.grad", ("03",), (1, 2)),
    "05": Lesson("Gradients\nof tensors", ("01", "03", "04"), (2, 3)),
    "06": Lesson("Gradient descent\nin four steps", ("03", "04"), (1, 3)),
    "07": Lesson("ADALINE\nthree ways", ("04", "05", "06"), (1, 4)),
    "08": Lesson("Gradient descent\nversus SGD", ("06", "07"), (1, 5)),
    "09": Lesson("CPU or CUDA", ("02", "04", "08"), (0, 6)),
    "10": Lesson("Layers and\nactivations", ("04", "07"), (2, 5)),
    "11": Lesson("Multi-layer\nnetworks", ("05", "08", "10"), (2, 6)),
    "12": Lesson("Read\nhandwriting", ("04", "05", "08", "10", "11"), (2, 7)),
    "13": Lesson("SGD on\nseveral workers", ("07", "08", "10"), (1, 6)),
}


@house_style()
def layer_cake(highlight: str | None = None) -> Figure:
    """Draw the layers of PyTorch, from the reader's Python code down to the device that computes.

    `highlight` names a layer to bring out: "code", "api", "core" (the dispatcher and autograd), "kernels", "libraries"
    or "device". Introduced in notebook 00.

    Examples
    --------
    >>> layer_cake("core").get_label().split(": ")[-1]
    'dispatcher, autograd.'
    """
    left, right, height, gap = 96, 508, 56, 14
    fig, ax = _canvas(520, len(LAYERS) * (height + gap) + 6)
    tops = {name: 10 + row * (height + gap) for row, name in enumerate(LAYERS)}
    fills = {"Python": TINTS[0], "C++": PALE, "device": "white"}
    for name, (group, boxes) in LAYERS.items():
        top, bold = tops[name], name == highlight
        width = (right - left - (len(boxes) - 1) * gap) / len(boxes)
        for column, (title, detail) in enumerate(boxes):
            box = (left + column * (width + gap), top, width, height)
            _box(ax, box, title, detail, TINTS[1] if bold else fills[group], bold)
        if bold:
            ax.text(left - 4, top + height / 2, "▶", ha="right", va="center", fontsize=_NORMAL, color=COLOURS[1])
        if name != "device":
            for share in (0.5,) if name in ("code", "api") else (0.25, 0.75):
                x = left + (right - left) * share
                _arrow(ax, (x, top + height), (x, top + height + gap))
    for group in fills:
        rows = [tops[name] for name in LAYERS if LAYERS[name][0] == group]
        middle = (rows[0] + rows[-1] + height) / 2
        ax.text(10, middle, group, ha="left", va="center", fontsize=_NORMAL, color=DETAIL, style="italic")
        ax.plot([74, 74], [rows[0], rows[-1] + height], color=OUTLINE, linewidth=1.5, linestyle="solid")
    alt = "The layers of PyTorch, from top to bottom. In Python: {}; {}. In C++: {}; {}; {}. Then the device: {}."
    written = [[f"{title} ({detail})" if detail else title for title, detail in boxes] for _, boxes in LAYERS.values()]
    alt = alt.format(*map(" and ".join, written))
    if highlight:
        alt += f" Brought out: {', '.join(title for title, _ in LAYERS[highlight][1])}."
    fig.set_label(alt.replace(" ·", ","))
    return fig


@house_style()
def course_map(here: str | None = None) -> Figure:
    """Draw the lessons and which builds on which; `here` is the number of one to bring out, such as "06".

    Arrows that follow from others are left out. Introduced in notebook 00.

    Examples
    --------
    >>> course_map("02").get_label()[-21:]
    'You are in lesson 02.'
    """
    width, height = 162, 54
    corner = {number: (8 + column * 171, 10 + row * 76) for number, (_, _, (column, row)) in COURSE.items()}
    right, bottom = map(max, zip(*corner.values(), strict=True))
    fig, ax = _canvas(right + 167, bottom + 68)
    sentences = []
    for number, (title, needs, _) in COURSE.items():
        x, y = corner[number]
        _box(ax, (x, y, width, height), fill=TINTS[number == here], bold=number == here)
        ax.text(x + 8, y + height / 2, number, va="center", fontsize=_NORMAL, color=LOCAL, weight="bold")
        ax.text(x + 34, y + height / 2, title, va="center", fontsize=_SMALL, color=INK, linespacing=1.15)
        direct = [one for one in needs if not any(one in _before(other) for other in needs)]
        for other in direct:
            x0, y0 = corner[other]
            aside = 0.5 + 0.3 * ((x > x0) - (x < x0))  # towards the column that it goes to
            _arrow(ax, (x0 + aside * width, y0 + height), (x + (1 - aside) * width, y))
        after = f", after {' and '.join(direct)}" if direct else ""
        sentences.append(f"{number} {' '.join(title.split())}{after}")
    alt = f"The lessons, with arrows from each to those that build on it: {'; '.join(sentences)}."
    fig.set_label(alt + (f" You are in lesson {here}." if here else ""))
    return fig


@house_style()
def all_reduce(gradients: Sequence[float]) -> Figure:
    """Draw an all-reduce: each worker gives its gradient, each gets the sum, and makes the mean of it.

    `gradients` has one number for each worker; up to 4 have room. Introduced in notebook 13.

    Examples
    --------
    >>> all_reduce([2.0, 4.0]).get_label()[-26:]
    'After: every worker has 3.'
    """
    total, number = sum(gradients), len(gradients)

    def text(value: float) -> str:
        return f"{value:.4g}".replace("-", "−")

    mean = text(total / number)
    written = " + ".join(map(text, gradients)).replace("+ −", "− ")
    sentence = f"the sum: {written} = {text(total)}. Then each divides by {number}."
    column, height = 500 / number, 58
    word = "gradient " if number < 4 else ""  # four boxes are narrow
    fig, ax = _canvas(520, 282)
    _box(ax, (18, 112, 484, height), "all-reduce", sentence, fill=TINTS[1], bold=True)
    for rank, value in enumerate(gradients):
        left, width = 18 + column * rank, column - 16
        for top, gradient in ((8, text(value)), (216, mean)):
            _box(ax, (left, top, width, height), f"worker {rank}", word + gradient, fill=TINTS[0])
        _arrow(ax, (left + width / 2, 8 + height), (left + width / 2, 112))
        _arrow(ax, (left + width / 2, 112 + height), (left + width / 2, 216))
    parts = ", ".join(f"worker {rank} has {text(value)}" for rank, value in enumerate(gradients))
    fig.set_label(
        f"An all-reduce of gradients. Before: {parts}. In the middle: {sentence} After: every worker has {mean}."
    )
    return fig


@house_style()
def adaline() -> Figure:
    """Draw ADALINE, from the inputs to the class, and where learning starts. Introduced in notebook 07.

    Examples
    --------
    >>> adaline().get_label()[-35:]
    'error, ŷ − y: learning starts here.'
    """
    fig, ax = _canvas(520, 236)
    for top, value, weight, height in ((10, "x₁", "w₁", 38), (72, "x₂", "w₂", 82), (134, "1", "b", 152)):
        _box(ax, (10, top, 44, 44), value, fill=TINTS[0])
        _arrow(ax, (54, top + 22), (130, 94 + (top - 72) / 4))
        ax.text(98, height, weight, ha="center", va="center", fontsize=_NORMAL, color=LOCAL)
    _box(ax, (132, 63, 76, 62), "sum", "z", fill=TINTS[0])
    _arrow(ax, (208, 94), (234, 94))
    _box(ax, (234, 63, 118, 62), "activation", "ŷ = z", fill=TINTS[0])
    _arrow(ax, (352, 94), (390, 94))
    _box(ax, (390, 63, 118, 62), "threshold", "ŷ > 0.5", fill=TINTS[0])
    _arrow(ax, (449, 125), (449, 168))
    _box(ax, (390, 168, 118, 62), "class", "0 or 1", fill=TINTS[0])
    _arrow(ax, (293, 125), (293, 168))
    _box(ax, (234, 168, 118, 62), "error", "ŷ − y", fill=TINTS[1])
    ax.text(222, 199, "learning\nstarts here", ha="right", va="center", fontsize=_SMALL, color=DETAIL, style="italic")
    fig.set_label(
        "ADALINE. The inputs x₁, x₂ and 1, times w₁, w₂ and b, are added up in the sum, z. The activation is ŷ = z. "
        "From there one arrow leads to the threshold, ŷ > 0.5, and on to the class, 0 or 1. Another leads to the "
        "error, ŷ − y: learning starts here."
    )
    return fig


def _before(number: str) -> set[str]:
    needs = COURSE[number].needs
    return {*needs, *(far for near in needs for far in _before(near))}


def _canvas(width: int, height: int) -> tuple[Figure, Axes]:
    """Return a figure whose one axes counts pixels, from the upper left corner."""
    width, height = (round(length / 4) * 4 for length in (width, height))  # whole pixels at each resolution in use
    fig, ax = figure(width / 100, height / 100)
    fig.set_layout_engine("none")
    ax.set_position((0, 0, 1, 1))
    ax.set_axis_off()
    ax.set(xlim=(0, width), ylim=(height, 0))
    return fig, ax


def _box(
    ax: Axes, box: tuple[float, ...], title: str = "", detail: str = "", fill: str = "white", bold: bool = False
) -> None:
    """Draw a rounded box (left, top, width, height) with a title and, below it, a smaller line."""
    from matplotlib.patches import FancyBboxPatch

    left, top, width, height = box
    line = {"edgecolor": INK, "linewidth": 2.6} if bold else {"edgecolor": OUTLINE, "linewidth": 1.2}
    shape = "round,pad=0,rounding_size=7"
    ax.add_patch(FancyBboxPatch((left, top), width, height, boxstyle=shape, facecolor=fill, **line))
    x, y, shift = left + width / 2, top + height / 2, 11 if detail else 0
    place = {"ha": "center", "va": "center_baseline" if detail else "center"}
    weight = "bold" if bold else "normal"
    ax.text(x, y - shift, title, fontsize=_NORMAL, weight=weight, color=INK, **place)
    ax.text(x, y + shift, detail, fontsize=_SMALL, color=DETAIL, **place)


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    style = {"arrowstyle": "-|>", "mutation_scale": 9, "color": DETAIL, "linewidth": 1.3, "shrinkA": 1, "shrinkB": 1}
    ax.annotate("", xy=end, xytext=start, arrowprops=style)
