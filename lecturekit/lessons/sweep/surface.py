"""The loss surface of a line as contours, with the paths of runs on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ... import plotting
from ...style import COLOURS, CONTOUR, DASHES, INK, MARKERS, MUTED, TINTS, house_style
from .runs import QuadraticLoss

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PATH = {"linewidth": 1.5, "markersize": 4, "markeredgewidth": 0, "zorder": 4}
LEGEND = {"loc": "outside lower center", "ncols": 5, "frameon": False, "fontsize": 9, "columnspacing": 1.2}


@house_style
def plot_loss_surface(X: Tensor, y: Tensor, paths: Mapping[str, Tensor | Sequence]) -> Figure:
    """Draw the mean squared error of ŷ = X w + b over w and b as contour lines, and the paths of runs on it.

    A cross marks the minimum and a ring the start of each path. Since w and b have one scale, a step down the slope
    meets the contour lines at right angles.

    Parameters
    ----------
    X, y : torch.Tensor
        Both of shape (N, 1); other shapes raise a ValueError.
    paths : mapping of str to tensor or list
        A tensor of shape (T + 1, 2) holds w and b before the first and after each step, such as ``runs.paths[i, j,
        k]``; ``history.path`` will do where ``record`` returned w and b. What goes far off is cut at the edge.

    Notes
    -----
    Introduced in notebook 08.

    Examples
    --------
    >>> import lecturekit as lk
    >>> data = lk.data.noisy_line(100)
    >>> runs = lk.train_many(data.X_train, data.y_train, lrs=[0.1], batch_sizes=[5, None])
    >>> fig = lk.plot_loss_surface(data.X_train, data.y_train, {"SGD": runs.paths[0, 0, 0], "GD": runs.paths[0, 1, 0]})
    """
    loss = QuadraticLoss.of(X, y)
    tensors = {name: torch.stack([torch.as_tensor(point) for point in path]) for name, path in paths.items()}
    tensors = {name: path.detach().cpu().double() for name, path in tensors.items()}
    view = view_of(loss, list(tensors.values()))
    slope = (view[3] - view[2]) / (view[1] - view[0])
    fig, ax = plotting.figure(6.4, round(min(5.4, 5.6 * slope + 1), 1))
    draw_surface(ax, loss, view)
    ax.set_prop_cycle(color=COLOURS, linestyle=DASHES, marker=MARKERS)
    for name, path in tensors.items():
        ax.plot(*path.T.numpy(), label=name, **PATH)
    draw_marks(ax, loss, [path[0] for path in tensors.values()])
    fig.legend(**LEGEND)
    return fig


def view_of(loss: QuadraticLoss, paths: list[Tensor]) -> tuple[float, float, float, float]:
    """Return what a picture must show, w from and to, b from and to: the minimum and the paths, unless far off."""
    points, starts = torch.cat(paths), torch.stack([path[0] for path in paths])
    best = points.new_tensor([loss.w, loss.b])
    reach = (starts - best).norm(dim=1).max().item() or 1.0
    near = points[(points - best).norm(dim=1) <= 1.5 * reach]  # false for NaN
    near = torch.cat((near, starts, best + 0.3 * reach * points.new_tensor([[1, 0], [-1, 0], [0, 1], [0, -1]])))
    middle, half = (near.amin(0) + near.amax(0)) / 2, (near.amax(0) - near.amin(0)) / 2
    half = 1.15 * torch.maximum(half, 0.5 * half.max())  # some room, and no side more than twice the other
    return tuple(torch.stack((middle - half, middle + half), dim=1).flatten().tolist())


def draw_surface(ax, loss: QuadraticLoss, view: tuple[float, float, float, float]) -> None:
    """Draw contour lines at round losses, each with its loss."""
    import numpy as np
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.ticker import LogLocator, MaxNLocator

    w, b = np.linspace(*view[:2], 241), np.linspace(*view[2:], 181)
    losses = loss(*np.meshgrid(w, b))
    low, high = losses.min(), losses.max()
    if high - low > 1e-4 * high:  # otherwise all labels would read the same
        bottom = low + (high - low) / 2000  # closer to the minimum, lines would crowd in one point
        locator = LogLocator(subs=(1, 2, 5)) if high > 5 * bottom else MaxNLocator(4)
        levels = [level for level in locator.tick_values(bottom, high) if bottom < level < high][-9:]
        tints = LinearSegmentedColormap.from_list("loss", [TINTS[0], "white"])
        shades = [tints(i / len(levels)) for i in range(len(levels) + 1)]
        ax.contourf(w, b, losses, levels=levels, colors=shades, extend="both")
        lines = ax.contour(w, b, losses, levels=levels, colors=CONTOUR, linewidths=0.8)
        ax.clabel(lines, fmt="%g", fontsize=9, colors=MUTED, use_clabeltext=True, zorder=4.5)
    ax.spines[["top", "right"]].set_visible(True)
    ax.set(xlim=view[:2], ylim=view[2:], xlabel="weight w", ylabel="bias b", aspect="equal")


def draw_marks(ax, loss: QuadraticLoss, starts: list[Tensor]) -> None:
    """Draw a ring round each start and a cross at the minimum."""
    marks = {"color": INK, "linestyle": "none", "zorder": 5}
    ax.plot(*torch.stack(starts).T.numpy(), label="start", marker="o", markersize=11, markerfacecolor="none", **marks)
    ax.plot(loss.w, loss.b, label="minimum", marker="x", markersize=8, markeredgewidth=1.8, **marks)
