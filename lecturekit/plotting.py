"""Figures in one style: white cards that read on light and on dark pages, each with a text for who cannot see it."""

from __future__ import annotations

import html
import io
import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from .style import COLOURS, DASHES, GRID, INK, MARKERS, MUTED, TINTS, house_style
from .training import History, check_shape

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .devices import Timing

DPI = 100


@house_style()
def figure(width: float = 6.4, height: float = 4.0, columns: int = 1) -> tuple[Figure, Axes]:
    """Return an empty figure in the style of the course, and its axes: an array of them for more than one column.

    Introduced in notebook 02. Not made by pyplot: it leaves no state behind, and nothing shows it but `show`.

    Parameters
    ----------
    width, height : float, in inches, which are 100 pixels of the page
    columns : int, the number of panels side by side

    Examples
    --------
    >>> fig, (left, right) = figure(9, 3.6, columns=2)
    >>> (line,) = left.plot([1, 2, 3], [1, 4, 9])
    """
    from matplotlib.figure import Figure

    fig = Figure(figsize=(width, height), dpi=DPI, facecolor="white", layout="constrained")
    axes = fig.subplots(1, columns)
    for ax in fig.axes:
        ax.set_prop_cycle(color=COLOURS, linestyle=DASHES)
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(color=GRID, linewidth=0.8)
        ax.set_axisbelow(True)
    return fig, axes


@house_style()
def show(fig: Figure, *, alt: str) -> None:
    """Show a figure with a text that says what is to be seen in it.

    Introduced in notebook 00. The figure becomes an HTML image, since only that carries its text to a screen reader.

    Parameters
    ----------
    fig : matplotlib.figure.Figure
    alt : str, what a reader who cannot see the figure should learn from it: a sentence or two

    Examples
    --------
    >>> show(plot_network((2, 1)), alt="Two inputs lead to one neuron.")  # doctest: +ELLIPSIS
    {...'text/plain': 'Two inputs lead to one neuron.'}
    """
    from IPython.core.pylabtools import print_figure
    from IPython.display import display

    for ax in fig.axes:
        plain_ticks(ax)
    # Twice the pixels for sharp screens; no metadata, so that the same figure gives the same bytes.
    png = print_figure(fig, bbox_inches=None, base64=True, dpi=2 * DPI, metadata={"Software": None})
    width, height = (round(inches * DPI) for inches in fig.get_size_inches())
    image = (
        f'<img alt="{html.escape(alt)}" width="{width}" height="{height}" '
        'style="max-width:100%;height:auto;border-radius:6px" '
        f'src="data:image/png;base64,{png}">'
    )
    display({"text/html": image, "text/plain": alt}, raw=True)


def small_png(*figures: Figure, colours: int = 256) -> bytes:
    """Return figures of one height side by side as a PNG image in few colours: a third of the size, or less."""
    import numpy as np
    from IPython.core.pylabtools import print_figure
    from PIL import Image

    files = [io.BytesIO(print_figure(fig, bbox_inches=None, dpi=2 * DPI)) for fig in figures]
    pictures = [Image.open(file).convert("RGB") for file in files]
    file = io.BytesIO()
    Image.fromarray(np.hstack(pictures)).quantize(colours).save(file, "png", optimize=True)
    return file.getvalue()


def plain_ticks(ax: Axes) -> None:
    """Put ticks where a logarithmic axis has its numbers, and write these as 0.05 and 20, not as powers of ten."""
    from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

    def plain(x: float, place: int) -> str:
        return EngFormatter(sep="")(x) if x >= 1000 else f"{x:.9f}".rstrip("0").rstrip(".")

    for axis in (ax.xaxis, ax.yaxis):
        if axis.get_scale() == "log":
            low, high = axis.get_view_interval()
            decades = math.log10(high / low)
            axis.set_major_locator(LogLocator(subs=(1, 2, 5) if 0.8 < decades < 3 else (1,) if decades > 1 else "all"))
            axis.set_minor_formatter(NullFormatter())
            if axis.isDefault_majfmt:
                axis.set_major_formatter(plain)


def label_ends(ax: Axes) -> None:
    """Write the name of each curve at its right end, in its colour, instead of a legend; names never touch."""
    lines, _ = ax.get_legend_handles_labels()
    ax.get_ylim()  # makes the axes find their limits
    in_axes = ax.transScale + ax.transLimits
    heights = {line: in_axes.transform(line.get_xydata()[-1])[1] for line in lines}
    above = -1.0
    for line in sorted(lines, key=heights.get):
        above = max(heights[line], above + 0.08)
        ax.text(1.01, above, line.get_label(), transform=ax.transAxes, va="center", color=line.get_color())


def plot_noisy(ax: Axes, x: Sequence[float], y: Sequence[float]) -> None:
    """Draw a noisy curve pale, and over it the mean of 9 neighbours, in the next style of the axes."""
    parts = [y[max(0, place - 4) : place + 5] for place in range(len(y))]
    (line,) = ax.plot(x, [sum(part) / len(part) for part in parts], linewidth=2)
    ax.plot(x, y, color=line.get_color(), linestyle="solid", linewidth=1, alpha=0.35)


def mark_level(ax: Axes, level: float, text: str) -> None:
    """Draw a dotted line at a height, and say on it what this height means."""
    ax.axhline(level, color=MUTED, linestyle=":", linewidth=1.2, zorder=1)
    ax.text(1, level, text, transform=ax.get_yaxis_transform(), ha="right", va="bottom", color=MUTED)


@house_style()
def plot_losses(histories: Mapping[str, History]) -> Figure:
    """Draw loss curves against the epochs, so that curves that lie over each other can all be seen.

    Introduced in notebook 07.

    Parameters
    ----------
    histories : mapping of str to History, a curve each from the loss before training to the last one

    Examples
    --------
    >>> fig = plot_losses({"GD": History(1.0, losses=[0.5, 0.2]), "SGD": History(1.0, losses=[0.3, 0.1])})
    >>> [text.get_text() for text in fig.axes[0].texts]
    ['SGD', 'GD']
    """
    fig, ax = figure()
    for curves_above, (name, history) in zip(reversed(range(len(histories))), histories.items(), strict=True):
        losses = [history.initial_loss, *history.losses]
        # The curve below shows on both sides of the one above.
        ax.plot(losses, label=name, linewidth=1.8 + 2.2 * curves_above, alpha=0.6 if curves_above else 1)
    ax.set(xlabel="epochs", ylabel="loss")
    ax.xaxis.get_major_locator().set_params(integer=True)
    label_ends(ax)
    return fig


@house_style()
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

    Introduced in notebook 07.

    Parameters
    ----------
    predict : callable; ValueError if ``predict(X)`` does not have the shape of y
    X, y : torch.Tensor of shapes (N, 2) and (N, 1); y is 0 or 1
    feature_names, class_names : tuple of two str
    threshold : float; class 1 is where ``predict(X)`` is more

    Examples
    --------
    >>> X, y = torch.tensor([[0.0, 1.0], [2.0, 3.0]]), torch.tensor([[0.0], [1.0]])
    >>> fig = plot_decision_regions(lambda X: X[:, :1], X, y, class_names=("left", "right"))
    >>> [text.get_text() for text in fig.axes[0].get_legend().get_texts()]
    ['left', 'right']
    """
    X = X.detach()
    low, high = X.aminmax(dim=0)
    margin = 0.08 * (high - low).clamp(min=1e-6)
    ends = torch.stack([low - margin, high + margin], dim=1).tolist()
    x1, x2 = (torch.linspace(*both, 200, dtype=X.dtype, device="cpu") for both in ends)
    with torch.no_grad():
        activation = predict(X)
        surface = predict(torch.cartesian_prod(x1, x2).to(X.device)).reshape(200, 200).T.cpu()
    check_shape(activation, y)
    wrong = X[((activation > threshold) != (y == 1))[:, 0]]

    fig, ax = figure(5.6, 4.4)
    ax.grid(visible=False)
    ax.contourf(x1, x2, surface > threshold, levels=[-0.5, 0.5, 1.5], colors=TINTS)
    if surface.min() <= threshold < surface.max():
        ax.contour(x1, x2, surface, levels=[threshold], colors=INK, linewidths=1.5)
    for label in (0, 1):
        points, name = X[y[:, 0] == label].cpu(), class_names[label]
        ax.scatter(*points.T, marker=MARKERS[label], color=COLOURS[label], edgecolor="white", s=45, label=name)
    if len(wrong):
        ax.scatter(*wrong.cpu().T, s=130, facecolor="none", edgecolor=INK, linewidth=1.2, label="wrong side")
    xlabel, ylabel = (name.replace("_", " ") for name in feature_names)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.legend(frameon=True, facecolor="white", framealpha=0.9, edgecolor=GRID)
    return fig


@house_style()
def plot_timings(
    timings: Mapping[str, Mapping[int, Timing]], *, recorded: Mapping[str, Mapping[int, Timing]] | None = None
) -> Figure:
    """Draw times against sizes on logarithmic axes: a line is a power law, and where two cross, the faster one changes.

    Introduced in notebook 09.

    Parameters
    ----------
    timings : mapping of str to ``{numbers in X: time of a step}``, of which the medians are drawn
    recorded : the same of another machine, drawn thin and hollow

    Examples
    --------
    >>> fig = lk.plot_timings({"yours": {100: lk.Timing((3e-5, 4e-5)), 1000: lk.Timing((2e-4,))}})
    >>> fig.axes[0].get_ylabel()
    'time of a step'
    """
    from matplotlib.ticker import EngFormatter

    fig, ax = figure()
    thick, thin = {"linewidth": 2.2}, {"linewidth": 1.2, "markerfacecolor": "white"}
    for machine, suffix, look in ((timings, "", thick), (recorded or {}, " (recorded)", thin)):
        for name, series in machine.items():
            sizes = sorted(series)
            ax.loglog(sizes, [series[size].median for size in sizes], label=name + suffix, marker="o", **look)
    ax.set(xlabel="numbers in X", ylabel="time of a step")
    ax.xaxis.set_major_formatter(EngFormatter(sep=""))
    ax.yaxis.set_major_formatter(EngFormatter(unit="s"))
    ax.legend(frameon=False)
    return fig


@house_style()
def plot_network(sizes: Sequence[int], *, labels: Sequence[str] = ()) -> Figure:
    """Draw a feed-forward network as circles in columns: a line for each weight, from input to output.

    Introduced in notebook 11. Biases are not drawn: every circle but those of the inputs has one.

    Parameters
    ----------
    sizes : sequence of int: how many inputs there are, then how many neurons each layer has
    labels : sequence of str, written under the columns

    Examples
    --------
    >>> fig = plot_network((2, 3, 1), labels=("inputs", "hidden", "output"))
    >>> len(fig.axes[0].collections[0].get_segments())  # weights
    9
    """
    from matplotlib.collections import LineCollection

    columns = [[(column, i - (size - 1) / 2) for i in range(size)] for column, size in enumerate(sizes)]
    fig, ax = figure(1.6 * len(sizes), 0.5 * max(sizes) + (0.7 if labels else 0.3))
    ax.set_axis_off()
    weights = [(a, b) for left, right in pairwise(columns) for a in left for b in right]
    ax.add_collection(LineCollection(weights, colors=INK, linewidths=0.7))
    bottom = max(sizes) / 2
    for column in columns:
        ax.scatter(*zip(*column, strict=True), s=420, color=TINTS[0], edgecolor=INK, zorder=2)
    for column, text in enumerate(labels):
        ax.text(column, bottom + 0.4, text, ha="center", va="center", color=INK)
    ax.set(xlim=(-0.5, len(sizes) - 0.5), ylim=(bottom + (0.7 if labels else 0), -bottom))
    return fig
