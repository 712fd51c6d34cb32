"""Figures in one style: white cards that read on light and on dark pages, each with words for who cannot see it."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from . import _validate
from .training import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette, which colour-blind readers can tell apart, darkest first: on white each has a contrast of at
# least 3. Lines differ in their dashes and points in their shapes as well.
COLOURS = ("#0072B2", "#D55E00", "#007A5E", "#A6508C")
DASHES = ("solid", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)))
MARKERS = ("o", "^", "s", "D")
INK = "#1f2328"
GRID = "#e3e6ea"
DPI = 100


def figure(width: float = 6.4, height: float = 4.0, columns: int = 1) -> tuple[Figure, Axes]:
    """Return an empty figure in the style of the course.

    Parameters
    ----------
    width, height : float
        Size in inches; an inch is 100 pixels of the page.
    columns : int
        Number of panels side by side.

    Returns
    -------
    fig : matplotlib.figure.Figure
    axes : matplotlib.axes.Axes, or an array of them where `columns` is more than 1

    Raises
    ------
    TypeError, ValueError
        If a size is not a positive number or `columns` not an int of at least 1.

    Notes
    -----
    Introduced in notebook 05. Not made by pyplot: it leaves no state behind, and nothing shows it but `show`.
    """
    from matplotlib.figure import Figure

    for name, value in {"width": width, "height": height}.items():
        if _validate.number(name, value) <= 0:
            raise ValueError(f"{name} must be positive, got {value}")
    _validate.integer("columns", columns, 1)
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
    Introduced in notebook 05. The figure becomes an HTML image, since only that carries its text to a screen reader.
    """
    from IPython.display import display
    from matplotlib.figure import Figure

    if not isinstance(fig, Figure):
        raise TypeError(f"fig must be a matplotlib Figure, got {type(fig).__name__}")
    if not isinstance(alt, str):
        raise TypeError(f"alt must be a string, got {type(alt).__name__}")
    if not alt.strip():
        raise ValueError("alt must say what is to be seen in the figure, got an empty string")
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
    if against not in columns:
        raise ValueError(f"against must be one of {', '.join(columns)}, got {against!r}")
    label, column = columns[against]
    fig, ax = figure()
    for index, (name, history) in enumerate(histories.items()):
        if not isinstance(history, History):
            raise TypeError(f"histories[{name!r}] must be a History, got {type(history).__name__}")
        ax.plot(
            [0, *column(history)],
            [history.initial_loss, *history.losses],
            label=name,
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
    ax.legend(frameon=False)
    return fig


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
    _validate.number("threshold", threshold)
    N = X.shape[0]
    if X.shape != (N, 2) or y.shape != (N, 1):
        raise ValueError(f"X and y must have shapes (N, 2) and (N, 1), got {tuple(X.shape)} and {tuple(y.shape)}")
    if not ((y == 0) | (y == 1)).all():
        raise ValueError(f"y must hold only 0 and 1, got {y.unique().tolist()[:5]}")
    for name, value in {"feature_names": feature_names, "class_names": class_names}.items():
        if not isinstance(value, tuple | list) or len(value) != 2:
            raise ValueError(f"{name} must be two names, got {value!r}")
    low, high = X.amin(dim=0), X.amax(dim=0)
    margin = 0.08 * (high - low).clamp(min=1e-6)
    x1, x2 = (torch.linspace(a, b, 200).to(X) for a, b in zip(low - margin, high + margin, strict=True))
    grid = torch.cartesian_prod(x1, x2)
    with torch.no_grad():
        activation = predict(grid)
    if not isinstance(activation, Tensor) or activation.shape != (grid.shape[0], 1):
        came = tuple(activation.shape) if isinstance(activation, Tensor) else type(activation).__name__
        raise ValueError(f"predict(X) must have shape ({grid.shape[0]}, 1) for X of {tuple(grid.shape)}, got {came}")
    surface = activation.reshape(200, 200).T.cpu().numpy()

    fig, ax = figure(5.6, 4.4)
    ax.grid(visible=False)
    x1, x2 = x1.cpu().numpy(), x2.cpu().numpy()
    ax.contourf(x1, x2, surface > threshold, levels=[-0.5, 0.5, 1.5], colors=["#dcebf7", "#fbe5d6"])
    if (surface > threshold).any() and (surface <= threshold).any():
        ax.contour(x1, x2, surface, levels=[threshold], colors=INK, linewidths=1.5)
    for label in (0, 1):
        points = X[y[:, 0] == label].cpu().numpy()
        ax.scatter(
            *points.T, marker=MARKERS[label], color=COLOURS[label], edgecolor="white", s=45, label=class_names[label]
        )
    with torch.no_grad():
        wrong = X[((predict(X) > threshold) != (y == 1))[:, 0]].cpu().numpy()
    if len(wrong):
        ax.scatter(*wrong.T, s=130, facecolor="none", edgecolor=INK, linewidth=1.2, label="wrong side")
    ax.set_xlabel(feature_names[0].replace("_", " "))
    ax.set_ylabel(feature_names[1].replace("_", " "))
    ax.legend(frameon=True, facecolor="white", framealpha=0.9, edgecolor=GRID)
    return fig
