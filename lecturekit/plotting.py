"""Figures in one style: white cards that read on light and on dark pages, each with words for who cannot see it."""

from __future__ import annotations

import base64
import html
import io
import math
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from . import _validate
from .devices import Timing
from .graph.steps import clean
from .style import COLOURS, DASHES, DETAIL, GRID, INK, MARKERS, OUTLINE, TINTS
from .training import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 100
LARGEST = 100  # inches: Matplotlib would take all memory for the pixels of much larger ones


def figure(width: float = 6.4, height: float = 4.0, columns: int = 1) -> tuple[Figure, Axes]:
    """Return an empty figure in the style of the course.

    Parameters
    ----------
    width, height : float
        Size in inches, from 0.1 to 100; an inch is 100 pixels of the page.
    columns : int
        Number of panels side by side, from 1 to 12.

    Returns
    -------
    fig : matplotlib.figure.Figure
    axes : matplotlib.axes.Axes, or an array of them where `columns` is more than 1

    Raises
    ------
    TypeError, ValueError
        If a size or `columns` is no such number.

    Notes
    -----
    Introduced in notebook 02. Not made by pyplot: it leaves no state behind, and nothing shows it but `show`.
    """
    from matplotlib.figure import Figure

    for name, value in {"width": width, "height": height}.items():
        if _validate.number(name, value) <= 0:
            raise ValueError(f"{name} must be positive, got {value}")
        if not 0.1 <= value <= LARGEST:
            raise ValueError(f"{name} must be from 0.1 to {LARGEST} inches, got {value:g}")
    _validate.at_most("columns", _validate.integer("columns", columns, 1), 12)
    fig = Figure(figsize=(width, height), dpi=DPI, facecolor="white", layout="constrained")
    axes = fig.subplots(1, columns)
    for ax in [axes] if columns == 1 else axes:
        ax.set_prop_cycle(color=COLOURS, linestyle=DASHES)
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(color=GRID, linewidth=0.8)
        ax.set_axisbelow(True)
    return fig, axes


def show(fig: Figure, *, alt: str) -> None:
    """Show a figure with a text that says what is to be seen in it.

    Parameters
    ----------
    fig : matplotlib.figure.Figure
    alt : str
        What a reader who cannot see the figure should learn from it: a sentence or two.

    Raises
    ------
    TypeError
        If `fig` is not a figure or `alt` not a string.
    ValueError
        If `alt` is empty.

    Notes
    -----
    Introduced in notebook 00. The figure becomes an HTML image, since only that carries its text to a screen reader.
    """
    from IPython.display import display
    from matplotlib.figure import Figure

    if not isinstance(fig, Figure):
        raise TypeError(f"fig must be a matplotlib Figure, got {type(fig).__name__}")
    if not isinstance(alt, str):
        raise TypeError(f"alt must be a string, got {type(alt).__name__}")
    if not alt.strip():
        raise ValueError("alt must say what is to be seen in the figure, got an empty string")
    # What no page can hold: half characters and those that control a terminal.
    alt = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", alt)
    buffer = io.BytesIO()
    # Twice the pixels for sharp screens; no metadata, so that the same figure gives the same bytes.
    fig.savefig(buffer, format="png", dpi=2 * DPI, metadata={"Software": None})
    width, height = (round(inches * DPI) for inches in fig.get_size_inches())
    image = (
        f'<img alt="{html.escape(alt)}" width="{width}" height="{height}" '
        'style="max-width:100%;height:auto;border-radius:6px" '
        f'src="data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}">'
    )
    display({"text/html": image, "text/plain": alt}, raw=True)


def as_written(text: object, most: int = 60) -> str:
    """Return a name as it may stand in a figure: without control characters, the middle of long lines left out.

    Whoever draws it says ``parse_math=False``: in the course a dollar sign is a dollar sign, not the start of a formula
    that may have a mistake.
    """
    return "\n".join(clean(line, most) for line in str(text).splitlines()[:5])


def as_label(text: object) -> str:
    """Return a name for a legend, out of which Matplotlib leaves what is empty or begins with an underscore."""
    label = as_written(text)
    return label if label and not label.startswith("_") else f" {label}"


def add_legend(ax: Axes, *args: object, **style: object) -> None:
    """Explain the curves, whose labels are shown as they are written."""
    for text in ax.legend(*args, **style).get_texts():
        text.set_parse_math(False)


def plot_losses(histories: Mapping[str, History], *, against: str = "epochs", log: bool = False) -> Figure:
    """Draw loss curves, so that curves that lie over each other can all be seen.

    Parameters
    ----------
    histories : mapping of str to History
        One curve each, labelled by its key, from the loss before training to the last one.
    against : str
        What to count along the horizontal axis: ``"epochs"``, ``"steps"``, ``"examples"`` or ``"seconds"``.
    log : bool
        Whether the loss has a logarithmic axis.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If `histories` is empty or holds something else, or `against` is unknown.

    Notes
    -----
    Introduced in notebook 06.
    """
    if not isinstance(histories, Mapping):
        raise TypeError(f"histories must be a dict of History, got {type(histories).__name__}")
    if not histories:
        raise ValueError("histories must hold at least one History, got none")
    columns = {
        "epochs": ("epochs", lambda history: range(1, len(history.losses) + 1)),
        "steps": ("steps", lambda history: history.steps),
        "examples": ("examples seen", lambda history: history.examples_seen),
        "seconds": ("seconds", lambda history: history.seconds),
    }
    _validate.one_of("against", against, columns)
    _validate.switch("log", log)
    label, column = columns[against]
    fig, ax = figure()
    for index, (name, history) in enumerate(histories.items()):
        if not isinstance(history, History):
            raise TypeError(f"histories[{name!r}] must be a History, got {type(history).__name__}")
        places, losses = _numbers(name, column, history), _numbers(name, lambda history: history.losses, history)
        if len(places) != len(losses):
            raise ValueError(
                f"histories[{name!r}] must have a loss for each entry of its {against}, "
                f"got {len(losses)} losses and {len(places)} {against}"
            )
        ax.plot(
            [0, *places],
            [*_numbers(name, lambda history: [history.initial_loss], history), *losses],
            label=as_label(name),
            color=COLOURS[index % len(COLOURS)],
            linestyle=DASHES[index % len(DASHES)],
            # Each curve is thinner than the one below it, so that the one below shows on both sides.
            linewidth=1.8 + 2.2 * (len(histories) - 1 - index),
            alpha=1 if index == len(histories) - 1 else 0.6,
        )
    ax.set_xlabel(label)
    ax.set_ylabel("loss")
    if log:
        ax.set_yscale("log")
    if against == "epochs":
        ax.xaxis.get_major_locator().set_params(integer=True)
    add_legend(ax, frameon=False)
    return fig


def _numbers(name: object, column: Callable[[History], Sequence], history: History) -> list[float]:
    """Return a list of a history, in which a diverged run may have left infinity and NaN."""
    try:
        values = list(column(history))
        if any(isinstance(value, bool) or not isinstance(value, int | float) for value in values):
            raise TypeError
        return [float(value) for value in values]
    except (TypeError, OverflowError):
        raise TypeError(f"histories[{name!r}] must hold lists of numbers, got {history!r:.200}") from None


def plot_timings(
    timings: Mapping[str, Mapping[float, float | Timing]],
    *,
    recorded: Mapping[str, Mapping[float, float | Timing]] | None = None,
    xlabel: str = "numbers in X",
    ylabel: str = "time of a step",
) -> Figure:
    """Draw times against sizes on logarithmic axes: a line is a power law, and where two cross, the faster one changes.

    Parameters
    ----------
    timings : mapping of str to mapping of number to float or Timing
        One series each, labelled by its key: ``{size: seconds}``. A bar marks the quartiles of a `Timing`.
    recorded : mapping, optional
        Series of another machine, drawn thin and hollow behind the others. A series of the same name as one in
        `timings` has its colour, dashes and shape.
    xlabel, ylabel : str
        What the axes show.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If there is no series at all, or one is empty, or a size or a time is not positive.

    Notes
    -----
    Introduced in notebook 02. Up to 16 series differ in colour or in dashes and shape.
    """
    from matplotlib.ticker import EngFormatter

    groups = {"timings": timings, "recorded": {} if recorded is None else recorded}
    curves = []  # of each series: its name, whether it is recorded, the sizes, a Timing for each
    for argument, group in groups.items():
        if not isinstance(group, Mapping):
            raise TypeError(f"{argument} must be a dict of series, got {type(group).__name__}")
        for name, series in group.items():
            if not isinstance(series, Mapping) or not series:
                raise TypeError(f"{argument}[{name!r}] must be a dict {{size: seconds}} with an entry, got {series!r}")
            label = f"{argument}[{name!r:.80}]"
            sizes = sorted(_validate.number(f"a size in {label}", size) for size in series)
            times = [
                time if isinstance(time := series[size], Timing) else Timing((_positive(f"a time in {label}", time),))
                for size in sizes
            ]
            for size, time in zip(sizes, times, strict=True):
                if min(size, *time.samples) <= 0:
                    raise ValueError(f"{label} must hold positive sizes and times, got {size}: {time.samples}")
            curves.append((name, argument == "recorded", sizes, times))
    if not curves:
        raise ValueError("timings must hold at least one series, got none")
    for name, value in {"xlabel": xlabel, "ylabel": ylabel}.items():
        _validate.text(name, value)

    fig, ax = figure()
    names = list(dict.fromkeys(name for name, *_ in curves))
    for name, old, sizes, times in curves:
        colour, turn = names.index(name) % len(COLOURS), names.index(name) // len(COLOURS)
        shape = (colour + turn) % len(DASHES)
        ax.errorbar(
            sizes,
            [time.median for time in times],
            yerr=[[time.median - time.low for time in times], [time.high - time.median for time in times]],
            label=as_label(f"{as_written(name)} (recorded)" if old else name),
            color=COLOURS[colour],
            linestyle=DASHES[shape],
            marker=MARKERS[shape],
            markerfacecolor="white" if old else COLOURS[colour],
            linewidth=1.2 if old else 2.2,
            zorder=2 if old else 3,
        )
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.xaxis.set_major_formatter(EngFormatter(sep=""))
    ax.yaxis.set_major_formatter(EngFormatter(unit="s"))
    ax.set_xlabel(as_written(xlabel), parse_math=False)
    ax.set_ylabel(as_written(ylabel), parse_math=False)
    add_legend(ax, frameon=False)
    return fig


def _positive(name: str, value: object) -> float:
    if _validate.number(name, value) <= 0:
        raise ValueError(f"{name} must be positive, got {value}")
    return value


def plot_decision_regions(
    predict: Callable[[Tensor], Tensor],
    X: Tensor,
    y: Tensor,
    *,
    feature_names: tuple[str, str] = ("x₁", "x₂"),
    class_names: tuple[str, str] = ("0", "1"),
    threshold: float = 0.5,
) -> Figure:
    """Draw which class a model gives to each point of the plane, and the examples over it; a ring marks a wrong one.

    Parameters
    ----------
    predict : callable
        ``predict(X)`` returns shape (N, 1) for X of shape (N, 2); called under ``torch.no_grad()``.
    X, y : torch.Tensor
        Shapes (N, 2) and (N, 1); y is 0 or 1.
    feature_names, class_names : tuple of str
        Two each.
    threshold : float
        Class 1 is where ``predict(X) > threshold``.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    Notes
    -----
    Introduced in notebook 06.
    """
    _validate.function("predict", predict)
    _validate.paired_examples("X", X, "y", y)
    threshold = float(_validate.number("threshold", threshold))
    N = X.shape[0]
    if X.shape != (N, 2) or y.shape != (N, 1):
        raise ValueError(f"X and y must have shapes (N, 2) and (N, 1), got {tuple(X.shape)} and {tuple(y.shape)}")
    if not X.is_floating_point():
        raise TypeError(f"X must be of a floating point dtype, got {X.dtype}: convert it with X.float()")
    if X.abs().max() > torch.finfo(X.dtype).max / 4:
        raise ValueError(f"X must leave room for a margin within {X.dtype}, got {X.abs().max().item():.3g}")
    X = X.detach()
    if not ((y == 0) | (y == 1)).all():
        raise ValueError(f"y must hold only 0 and 1, got {y.unique().tolist()[:5]}")
    for name, value in {"feature_names": feature_names, "class_names": class_names}.items():
        if not isinstance(value, tuple | list) or len(value) != 2:
            raise ValueError(f"{name} must be two names, got {value!r}")
        for i, one in enumerate(value):
            _validate.text(f"{name}[{i}]", one)
    low, high = X.amin(dim=0), X.amax(dim=0)
    margin = 0.08 * (high - low).clamp(min=1e-6)
    ends = zip((low - margin).tolist(), (high + margin).tolist(), strict=True)
    x1, x2 = (torch.linspace(a, b, 200, dtype=X.dtype, device="cpu") for a, b in ends)
    grid = torch.cartesian_prod(x1, x2).to(X.device)
    with torch.no_grad():
        activation = predict(grid)
    if not isinstance(activation, Tensor) or activation.shape != (grid.shape[0], 1):
        came = tuple(activation.shape) if isinstance(activation, Tensor) else type(activation).__name__
        raise ValueError(f"predict(X) must have shape ({grid.shape[0]}, 1) for X of {tuple(grid.shape)}, got {came}")
    if activation.is_meta or activation.is_complex() or not activation.float().isfinite().all():
        raise ValueError(
            f"predict(X) must return real, finite numbers, got {activation.dtype} on {activation.device}"
            + (
                ""
                if activation.is_meta or activation.is_complex()
                else " with NaN or infinity: has the model diverged?"
            )
        )
    surface = _array(activation.reshape(200, 200).T)

    fig, ax = figure(5.6, 4.4)
    ax.grid(visible=False)
    x1, x2 = _array(x1), _array(x2)
    ax.contourf(x1, x2, surface > threshold, levels=[-0.5, 0.5, 1.5], colors=TINTS)
    if (surface > threshold).any() and (surface <= threshold).any():
        ax.contour(x1, x2, surface, levels=[threshold], colors=INK, linewidths=1.5)
    for label in (0, 1):
        points, name = _array(X[y[:, 0] == label]), as_label(class_names[label])
        ax.scatter(*points.T, marker=MARKERS[label], color=COLOURS[label], edgecolor="white", s=45, label=name)
    with torch.no_grad():
        wrong = _array(X[((predict(X) > threshold) != (y == 1))[:, 0]])
    if len(wrong):
        ax.scatter(*wrong.T, s=130, facecolor="none", edgecolor=INK, linewidth=1.2, label="wrong side")
    ax.set_xlabel(as_written(feature_names[0].replace("_", " ")), parse_math=False)
    ax.set_ylabel(as_written(feature_names[1].replace("_", " ")), parse_math=False)
    add_legend(ax, frameon=True, facecolor="white", framealpha=0.9, edgecolor=GRID)
    return fig


def _array(tensor: Tensor):
    """Return the numbers for Matplotlib, which does not know all the small types."""
    small = tensor.is_floating_point() and tensor.dtype.itemsize < 4
    return (tensor.float() if small else tensor).detach().cpu().numpy()


def plot_network(sizes: Sequence[int], *, labels: Sequence[str] = ()) -> Figure:
    """Draw a feed-forward network as circles in columns: a line for each weight, from input to output.

    Parameters
    ----------
    sizes : sequence of int
        How many inputs there are, then how many neurons each layer has: 2 to 8 numbers from 1 to 12.
    labels : sequence of str
        What to write under the columns, one text each; none by default.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If `sizes` or `labels` is not as described.

    Notes
    -----
    Introduced in notebook 09. Biases are not drawn: every circle but those of the inputs has one.
    """
    from matplotlib.collections import LineCollection

    if not isinstance(sizes, Sequence) or isinstance(sizes, str | bytes):
        raise TypeError(f"sizes must be a tuple of ints such as (2, 3, 1), got {sizes!r}")
    if not 2 <= len(sizes) <= 8:
        raise ValueError(f"sizes must be 2 to 8 numbers, got {len(sizes)}")
    for index, size in enumerate(sizes):
        _validate.integer(f"sizes[{index}]", size, 1, 12)
    if not isinstance(labels, Sequence) or isinstance(labels, str | bytes) or len(labels) not in (0, len(sizes)):
        raise ValueError(f"labels must be {len(sizes)} texts, one for each column, got {labels!r:.200}")
    for index, text in enumerate(labels):
        _validate.text(f"labels[{index}]", text)
    columns = [[(column, i - (size - 1) / 2) for i in range(size)] for column, size in enumerate(sizes)]
    fig, ax = figure(1.6 * len(sizes), 0.5 * max(sizes) + (0.7 if labels else 0.3))
    ax.set_axis_off()
    weights = [(a, b) for left, right in pairwise(columns) for a in left for b in right]
    ax.add_collection(LineCollection(weights, colors=INK, linewidths=0.7))
    bottom = max(sizes) / 2
    for column, text in zip(columns, labels or [""] * len(columns), strict=True):
        ax.scatter(*zip(*column, strict=True), s=420, color=TINTS[0], edgecolor=INK, zorder=2)
        style = {"ha": "center", "va": "center", "color": INK, "parse_math": False}
        ax.text(column[0][0], bottom + 0.4, as_written(text), **style)
    ax.set(xlim=(-0.5, len(sizes) - 0.5), ylim=(bottom + (0.7 if labels else 0), -bottom))
    return fig


def plot_tensor(tensor: Tensor | Mapping[str, Tensor]) -> Figure:
    """Draw a tensor of rank 0 to 4 as cells: rows and columns, layers that lie one before the other, blocks of layers.

    The last dimension runs to the right and the one before it down. Layers and blocks carry their indices, such as
    ``[1]`` or ``[0, 1]``. Values are written into the cells where there is room. A dashed, pale cell takes up no memory
    of its own: it shows a number that an earlier cell shows already, as in a tensor stretched by ``expand``.

    Parameters
    ----------
    tensor : torch.Tensor, or mapping of str to torch.Tensor
        Dense, of any dtype, on any device that holds numbers, of rank 0 to 4, with 1 to 1,000 elements and at most 40
        along each dimension. Up to 20 tensors are drawn side by side, each under its name.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If something else than a tensor comes, or one that has too many dimensions or elements, or none.

    Notes
    -----
    Introduced in notebook 01.
    """
    from matplotlib.collections import PolyCollection

    several = isinstance(tensor, Mapping)
    tensors = dict(tensor) if several else {"tensor": tensor}
    if not tensors:
        raise ValueError("tensor must be a tensor or a dict of at least one, got an empty dict")
    if len(tensors) > 20:
        raise ValueError(f"tensor must hold at most 20 tensors, got {len(tensors)}")
    for name, one in tensors.items():
        _check_can_be_drawn(f"tensor[{name!r}]" if several else "tensor", one)
    titles = [
        f"{as_written(name, 40) if several else f'rank {one.ndim}'} · shape {tuple(one.shape)}"
        for name, one in tensors.items()
    ]
    longest = max(len(text) for one in tensors.values() for text in _texts(one))

    # With values where they can be read, else as a stack of cards. Lengths are in cells, until the figure is made.
    few = sum(one.numel() for one in tensors.values()) <= 64
    for written in (True, False) if few else (False,):
        layouts = [_TensorLayout(tuple(one.shape), spread=written) for one in tensors.values()]
        widths = [max(layout.width, 0.18 * len(title)) for layout, title in zip(layouts, titles, strict=True)]
        width, height = sum(widths) + len(widths) - 1, max(layout.height for layout in layouts)
        cell = min(0.5, 9 / width, 7.5 / height)
        if cell >= 0.42:
            break
    title_height = 0.5 / cell
    # Rounded up to quarters of an inch, which are whole pixels at any resolution that is used here.
    inches = (width * cell + 0.3, (height + title_height) * cell + 0.2)
    fig, ax = figure(*(math.ceil(4 * length) / 4 for length in inches))
    ax.set_axis_off()
    ax.set(xlim=(-0.1, width + 0.1), ylim=(height + 0.1, -title_height), aspect="equal")
    left = 0.0
    for one, layout, title, advance in zip(tensors.values(), layouts, titles, widths, strict=True):
        ax.text(left + layout.margin, -0.4 * title_height, title, fontsize=10, color=INK, parse_math=False)
        corners = [(left + x, y) for x, y in layout.cells]
        repeated = _repeated(one)
        ax.add_collection(
            PolyCollection(
                [[(x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1)] for x, y in corners],
                facecolors=[
                    "white" if again else TINTS[layer % 2] for again, layer in zip(repeated, layout.layers, strict=True)
                ],
                edgecolors=[OUTLINE if again else INK for again in repeated],
                linestyles=[(0, (3, 2)) if again else "solid" for again in repeated],
                linewidths=1.0 if written else 0.6,
            )
        )
        for text, (x, y), again in zip(_texts(one), corners, repeated, strict=True) if written else ():
            size = min(11, 98 * cell / longest)  # points; a digit is about 0.6 of it wide
            ax.text(x + 0.5, y + 0.5, text, ha="center", va="center", fontsize=size, color=DETAIL if again else INK)
        for text, x, y in layout.labels:
            ax.text(left + x - 0.15, y + 0.5, text, ha="right", va="center", fontsize=9 if written else 8, color=INK)
        left += advance + 1
    return fig


def _check_can_be_drawn(name: str, tensor: object) -> None:
    if not isinstance(tensor, Tensor):
        raise TypeError(f"{name} must be a torch.Tensor, got {type(tensor).__name__}")
    shape = tuple(tensor.shape)
    if tensor.is_meta:
        raise ValueError(f"{name} must hold numbers to be drawn, got a tensor on the device meta, which has none")
    if tensor.layout != torch.strided:
        raise TypeError(f"{name} must be dense to be drawn, got layout {tensor.layout}: convert it with to_dense()")
    if tensor.ndim > 4:
        raise ValueError(f"{name} must have rank 0 to 4 to be drawn, got rank {tensor.ndim} with shape {shape}")
    if tensor.numel() == 0:
        raise ValueError(f"{name} must have at least one element to be drawn, got shape {shape}")
    if tensor.numel() > 1000 or max(shape, default=1) > 40:
        raise ValueError(
            f"{name} must have at most 1000 elements and at most 40 along each dimension to be drawn, got shape {shape}"
        )


class _TensorLayout:
    """Where the cells of a tensor lie, in the order of its elements, and the labels of its layers."""

    def __init__(self, shape: tuple[int, ...], spread: bool):
        num_blocks, num_layers, num_rows, num_columns = (1,) * (4 - len(shape)) + shape
        self.margin = {3: 1.0, 4: 1.6}.get(len(shape), 0.0) * (1 if spread else 1.6)  # room for the labels
        # Each layer lies lower and further left than the one before. Spread out, no cell covers another.
        step_x, step_y = (0.4, num_rows + 0.4) if spread else (0.6, 1.0)
        block_width = self.margin + num_columns + step_x * (num_layers - 1)
        block_height = num_rows + step_y * (num_layers - 1)
        per_row = min(num_blocks, max(1, int((18 if spread else 48) // (block_width + 1))))
        self.width = per_row * (block_width + 1) - 1
        self.height = -(-num_blocks // per_row) * (block_height + 1) - 1
        self.cells, self.layers, self.labels = [], [], []
        for block in range(num_blocks):
            for layer in range(num_layers):
                x = block % per_row * (block_width + 1) + self.margin + step_x * (num_layers - 1 - layer)
                y = block // per_row * (block_height + 1) + step_y * layer
                if len(shape) >= 3:
                    self.labels.append((str([block, layer][4 - len(shape) :]), x, y))
                for row in range(num_rows):
                    self.cells += [(x + column, y + row) for column in range(num_columns)]
                self.layers += [layer] * (num_rows * num_columns)


def _texts(tensor: Tensor) -> list[str]:
    values = tensor.detach().flatten().tolist()
    return [f"{value:.4g}" if isinstance(value, float | complex) else str(value) for value in values]


def _repeated(tensor: Tensor) -> list[bool]:
    """For each element, whether an earlier one lies at the same place in memory."""
    place = torch.zeros(tensor.shape, dtype=torch.int64, device="cpu")
    for dim, (size, stride) in enumerate(zip(tensor.shape, tensor.stride(), strict=True)):
        steps = stride * torch.arange(size, device="cpu")
        place += steps.reshape([-1 if other == dim else 1 for other in range(tensor.ndim)])
    seen: set[int] = set()
    return [p in seen or seen.add(p) is not None for p in place.flatten().tolist()]
