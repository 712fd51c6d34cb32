"""Pictures drawn for this course: the layers of PyTorch, what stands around it, the course itself, an all-reduce.

Each function returns a matplotlib figure. Its label is the text for who cannot see it, so a lesson writes
``lk.show(fig, alt=fig.get_label())``. Lengths are pixels of the page; the pictures can be read on a phone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, NamedTuple

from .. import _validate
from ..plotting import figure
from ..style import COLOURS, DETAIL, INK, LOCAL, OUTLINE, PALE, TINTS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SMALL, _NORMAL = 10.0, 11.5  # points, in a picture 520 pixels wide


class _Layer(NamedTuple):
    group: str  # what the layer is written in
    boxes: tuple[tuple[str, str], ...]  # side by side: what it is, and an example or its task


LAYERS = {
    "code": _Layer("Python", (("your code", "model, loss, training loop"),)),
    "api": _Layer("Python", (("the Python API", "torch · torch.nn · torch.optim"),)),
    # One box: a call enters the dispatcher, passes through autograd if it is to be recorded, and is dispatched again.
    "core": _Layer("C++", (("dispatcher · autograd", "picks the kernel · records the graph"),)),
    "kernels": _Layer(
        "C++", (("CPU kernels", "ATen: add, matmul, relu …"), ("GPU kernels", "ATen: add, matmul, relu …"))
    ),
    "libraries": _Layer("C++", (("CPU libraries", "oneDNN, MKL"), ("GPU libraries", "cuBLAS, cuDNN"))),
    "device": _Layer("device", (("CPU", ""), ("GPU", ""))),
}


class Lesson(NamedTuple):
    """A lesson on the map of the course.

    Attributes
    ----------
    title : str
        On the map; lines may break.
    needs : tuple of str
        The lessons that its section "What you need" names.
    place : tuple of int
        Column and row on the map.
    """

    title: str
    needs: tuple[str, ...]
    place: tuple[int, int]


COURSE = {
    "00": Lesson("Start here", (), (0, 0)),
    "01": Lesson("Tensors", (), (1, 0)),
    "02": Lesson("Devices", ("01",), (0, 1)),
    "03": Lesson("Computation\ngraphs", ("01",), (1, 1)),
    "04": Lesson("autograd.grad", ("03",), (1, 2)),
    "05": Lesson("Gradient descent\nin four steps", ("04",), (1, 3)),
    "06": Lesson("ADALINE\nthree ways", ("04", "05"), (1, 4)),
    "07": Lesson("Gradient descent\nversus SGD", ("05", "06"), (0, 5)),
    "08": Lesson("Layers and\nactivations", ("04", "06"), (2, 5)),
    "09": Lesson("Multi-layer\nnetworks", ("03", "06", "08"), (2, 6)),
    "10": Lesson("SGD on\nseveral workers", ("06", "07"), (0, 6)),
}


def layer_cake(highlight: str | Collection[str] = ()) -> Figure:
    """Draw the layers of PyTorch, from the reader's Python code down to the device that computes.

    Parameters
    ----------
    highlight : str or list of str
        Layers to bring out, by a thick frame, bold letters and a pointer: "code", "api", "core" (the dispatcher and
        autograd), "kernels", "libraries", "device".

    Returns
    -------
    matplotlib.figure.Figure
        Its label is its alt text.

    Raises
    ------
    TypeError, ValueError
        If there is no such layer.

    Notes
    -----
    Introduced in notebook 00.
    """
    if not isinstance(highlight, Collection):
        raise TypeError(f"highlight must be a layer or a list of layers, got {highlight!r:.80}")
    chosen = [highlight] if isinstance(highlight, str) else list(highlight)
    for name in chosen:
        if not isinstance(name, str) or name not in LAYERS:
            raise ValueError(f"highlight must be out of {', '.join(LAYERS)}, got {name!r:.80}")
    left, right, height, gap = 96, 508, 56, 14
    fig, ax = _canvas(520, len(LAYERS) * (height + gap) + 6)
    tops = {name: 10 + row * (height + gap) for row, name in enumerate(LAYERS)}
    for name, layer in LAYERS.items():
        top, number = tops[name], len(layer.boxes)
        width = (right - left - (number - 1) * gap) / number
        for column, (title, detail) in enumerate(layer.boxes):
            _box(
                ax,
                (left + column * (width + gap), top, width, height),
                title,
                detail,
                fill=TINTS[1] if name in chosen else {"Python": TINTS[0], "C++": PALE}.get(layer.group, "white"),
                bold=name in chosen,
                key=f"{name} {column}",
            )
        if name in chosen:
            ax.text(left - 4, top + height / 2, "▶", ha="right", va="center", fontsize=_NORMAL, color=COLOURS[1])
        if name != "device":
            for share in (0.5,) if name in ("code", "api") else (0.25, 0.75):
                x = left + (right - left) * share
                _arrow(ax, (x, top + height), (x, top + height + gap))
    for group in dict.fromkeys(layer.group for layer in LAYERS.values()):
        rows = [tops[name] for name, layer in LAYERS.items() if layer.group == group]
        middle = (rows[0] + rows[-1] + height) / 2
        ax.text(10, middle, group, ha="left", va="center", fontsize=_NORMAL, color=DETAIL, style="italic")
        ax.plot([74, 74], [rows[0], rows[-1] + height], color=OUTLINE, linewidth=1.5, linestyle="solid")
    parts = [
        " and ".join(f"{title} ({detail})" if detail else title for title, detail in layer.boxes).replace(" ·", ",")
        for layer in LAYERS.values()
    ]
    alt = "The layers of PyTorch, from top to bottom. In Python: {}; {}. In C++: {}; {}; {}. Then the device: {}."
    alt = alt.format(*parts)
    if chosen:
        titles = [title for name in chosen for title, _ in LAYERS[name].boxes]
        alt += f" Brought out: {', '.join(titles).replace(' ·', ',')}."
    return _described(fig, alt)


def ecosystem() -> Figure:
    """Draw what stands on PyTorch and beside it: a choice of libraries, by what they are for.

    Returns
    -------
    matplotlib.figure.Figure
        Its label is its alt text.

    Notes
    -----
    Introduced in notebook 00. A choice of examples, not a list of all there is.
    """
    rows = {
        "models to start from": "transformers · diffusers · timm",
        "for pictures, for sound, for molecules": "torchvision · torchaudio · PyTorch Geometric",
        "a ready training loop": "Lightning · fastai · skorch",
        "models that say how sure they are": "Pyro · GPyTorch · BoTorch",
        "to run a finished model for its users": "ExecuTorch · vLLM",
    }
    fig, ax = _canvas(520, 12 + 62 * len(rows) + 170)
    for row, (purpose, names) in enumerate(rows.items()):
        _box(ax, (12, 10 + 62 * row, 496, 52), names, purpose, fill=TINTS[0], key=purpose)
    top = 10 + 62 * len(rows)
    _arrow(ax, (260, top + 14), (260, top - 8))
    torch_box = (12, top + 18, 496, 60)
    _box(ax, torch_box, "PyTorch", "tensors · autograd · nn · optim", fill=TINTS[1], bold=True, key="PyTorch")
    _arrow(ax, (260, top + 80), (260, top + 110), both=True)
    _box(
        ax, (12, top + 112, 496, 52), "NumPy · Matplotlib · scikit-learn", "its neighbours in Python", key="neighbours"
    )
    listed = "; ".join(f"{purpose}: {names.replace(' · ', ', ')}" for purpose, names in rows.items())
    return _described(
        fig,
        f"Libraries that stand on PyTorch. {listed[0].upper()}{listed[1:]}. Below them PyTorch itself: tensors, "
        "autograd, nn, optim. Data go both ways between it and its neighbours in Python: NumPy, Matplotlib, "
        "scikit-learn.",
    )


def trilemma() -> Figure:
    """Draw the three wishes for deep-learning software that pull apart, and where four libraries are seen.

    Returns
    -------
    matplotlib.figure.Figure
        Its label is its alt text.

    Notes
    -----
    Introduced in notebook 00. The trilemma is that of "PyTorch for the Impatient", section 2.3. Where the libraries
    stand is an opinion, not a measurement.
    """
    from matplotlib.patches import Polygon

    fig, ax = _canvas(520, 380)
    top, left, right = (260, 48), (104, 312), (416, 312)
    ax.add_patch(Polygon([top, left, right], facecolor=PALE, edgecolor=OUTLINE, linewidth=1.5, joinstyle="round"))
    for name, (x, y) in (
        ("free enough for research", (260, 24)),
        ("pleasant\nto write", (90, 346)),
        ("ready for\nproduction", (430, 346)),
    ):
        ax.text(x, y, name, ha="center", va="center", fontsize=_NORMAL, color=INK, weight="bold", gid=name)
    for name, (x, y) in {"JAX": (260, 106), "Keras": (165, 284), "TensorFlow": (350, 284)}.items():
        _box(ax, (x - 50, y - 16, 100, 32), name, fill="white", key=name)
    _box(ax, (260 - 55, 200 - 20, 110, 40), "PyTorch", fill=TINTS[1], bold=True, key="PyTorch")
    return _described(
        fig,
        "A triangle with three wishes at its corners: free enough for research, pleasant to write, ready for "
        "production. JAX stands near the first, Keras near the second, TensorFlow near the third, "
        "PyTorch in the middle.",
    )


def course_map(here: str | None = None) -> Figure:
    """Draw the lessons of the course and which lesson builds on which.

    Parameters
    ----------
    here : str, optional
        The number of a lesson, such as "05", to bring out by a thick frame.

    Returns
    -------
    matplotlib.figure.Figure
        Its label is its alt text. Arrows that follow from others are left out.

    Raises
    ------
    ValueError
        If there is no such lesson.

    Notes
    -----
    Introduced in notebook 00.
    """
    if here is not None and (not isinstance(here, str) or here not in COURSE):
        raise ValueError(f"here must be out of {', '.join(COURSE)}, got {here!r:.80}")
    columns, rows = (1 + max(lesson.place[axis] for lesson in COURSE.values()) for axis in (0, 1))
    width, height, step = 162, 54, (171, 76)
    fig, ax = _canvas(columns * step[0] + 4, rows * step[1] + 2)
    corner = {
        number: (8 + lesson.place[0] * step[0], 10 + lesson.place[1] * step[1]) for number, lesson in COURSE.items()
    }
    arrows = _without_shortcuts({number: set(lesson.needs) for number, lesson in COURSE.items()})
    for number, needed in arrows.items():
        for other in needed:
            (x0, y0), (x1, y1) = corner[other], corner[number]
            aside = 0.5 + 0.3 * ((x1 > x0) - (x1 < x0))  # towards the column that it goes to
            _arrow(ax, (x0 + aside * width, y0 + height), (x1 + (1 - aside) * width, y1))
    for number, lesson in COURSE.items():
        x, y = corner[number]
        _box(ax, (x, y, width, height), fill=TINTS[number == here], bold=number == here, key=number)
        style = {"va": "center", "gid": number}
        ax.text(x + 8, y + height / 2, number, fontsize=_NORMAL, color=LOCAL, weight="bold", **style)
        ax.text(x + 34, y + height / 2, lesson.title, fontsize=_SMALL, color=INK, linespacing=1.15, **style)
    titles = {number: " ".join(lesson.title.split()) for number, lesson in COURSE.items()}
    sentences = [
        f"{number} {titles[number]}" + (f", after {' and '.join(sorted(arrows[number]))}" if arrows[number] else "")
        for number in COURSE
    ]
    alt = f"The lessons, with arrows from each to those that build on it: {'; '.join(sentences)}."
    return _described(fig, alt + (f" You are in lesson {here}." if here else ""))


def all_reduce(gradients: Sequence[float]) -> Figure:
    """Draw an all-reduce: each worker gives its gradient, each gets the sum, and makes the mean of it.

    Parameters
    ----------
    gradients : sequence of float
        One for each worker, 1 to 4 of them.

    Returns
    -------
    matplotlib.figure.Figure
        Its label is its alt text.

    Raises
    ------
    TypeError, ValueError
        If they are not 1 to 4 finite numbers.

    Notes
    -----
    Introduced in notebook 10.
    """
    if not isinstance(gradients, Sequence) or isinstance(gradients, str | bytes):
        raise TypeError(f"gradients must be a list of numbers, got {gradients!r:.80}")
    if not 1 <= len(gradients) <= 4:
        raise ValueError(f"gradients must be those of 1 to 4 workers, got {len(gradients)}")
    gradients = [_validate.number(f"gradients[{rank}]", value) for rank, value in enumerate(gradients)]
    total, number = sum(gradients), len(gradients)

    def text(value: float) -> str:
        return f"{value:.4g}".replace("-", "−")

    mean = text(total / number)
    written = " + ".join(map(text, gradients)).replace("+ −", "− ")
    sentence = f"the sum: {written} = {text(total)}. Then each divides by {number}."
    column, height = 500 / number, 58
    word = "gradient " if number < 4 else ""  # four boxes are narrow
    fig, ax = _canvas(520, 282)
    _box(ax, (18, 112, 484, height), "all-reduce", sentence, fill=TINTS[1], bold=True, key="all-reduce")
    for rank, value in enumerate(gradients):
        left, width = 18 + column * rank, column - 16
        for top, gradient, when in ((8, text(value), "before"), (216, mean, "after")):
            box = (left, top, width, height)
            _box(ax, box, f"worker {rank}", word + gradient, fill=TINTS[0], key=f"{when} {rank}")
        _arrow(ax, (left + width / 2, 8 + height), (left + width / 2, 112))
        _arrow(ax, (left + width / 2, 112 + height), (left + width / 2, 216))
    parts = ", ".join(f"worker {rank} has {text(value)}" for rank, value in enumerate(gradients))
    return _described(
        fig,
        f"An all-reduce of gradients. Before: {parts}. In the middle: {sentence} After: every worker has {mean}.",
    )


def _without_shortcuts(needs: dict[str, set[str]]) -> dict[str, set[str]]:
    """Leave out each arrow whose start is reached by a longer way, too."""

    def before(number: str) -> set[str]:
        return needs[number] | {far for near in needs[number] for far in before(near)}

    return {
        number: {one for one in direct if not any(one in before(other) for other in direct)}
        for number, direct in needs.items()
    }


# ---------------------------------------------------------------------------------------------------------------------
# What the pictures are made of


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
    ax: Axes,
    box: tuple[float, float, float, float],
    title: str = "",
    detail: str = "",
    *,
    fill: str = "white",
    bold: bool = False,
    key: str,
) -> None:
    """Draw a rounded box (left, top, width, height) with a title and, below it, a smaller line."""
    from matplotlib.patches import FancyBboxPatch

    left, top, width, height = box
    ax.add_patch(
        FancyBboxPatch(
            (left, top),
            width,
            height,
            boxstyle="round,pad=0,rounding_size=7",
            facecolor=fill,
            edgecolor=INK if bold else OUTLINE,
            linewidth=2.6 if bold else 1.2,
            gid=key,
        )
    )
    x, y, shift = left + width / 2, top + height / 2, 11 if detail else 0
    weight = "bold" if bold else "normal"
    style = {"ha": "center", "va": "center_baseline" if detail else "center", "color": INK, "gid": key}
    if title:
        ax.text(x, y - shift, title, fontsize=_NORMAL, weight=weight, **style)
    if detail:
        ax.text(x, y + shift, detail, fontsize=_SMALL, **style | {"color": DETAIL})


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float], both: bool = False) -> None:
    style = {"arrowstyle": "<|-|>" if both else "-|>", "color": DETAIL, "linewidth": 1.3, "shrinkA": 1, "shrinkB": 1}
    ax.annotate("", xy=end, xytext=start, arrowprops=style | {"mutation_scale": 9})


def _described(fig: Figure, alt: str) -> Figure:
    fig.set_label(alt)
    return fig
