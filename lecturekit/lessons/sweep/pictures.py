"""What is drawn of runs: their paths over the loss surface, and an explorer that a reader slides through."""

from __future__ import annotations

import html
import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..._web import live_image, script
from ...plotting import figure, plain_ticks, small_png
from ...style import COLOURS, CONTOUR, DASHES, INK, MARKERS, MUTED, TINTS, house_style
from .runs import QuadraticLoss, Runs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PATH = {"linewidth": 1.5, "markersize": 4, "markeredgewidth": 0, "zorder": 4}
RUN = PATH | {"label": "this run", "color": COLOURS[1], "linestyle": "solid", "marker": "o"}
SEEDS = PATH | {"color": COLOURS[1], "linestyle": "solid", "alpha": 0.3}
FULL_BATCH = PATH | {"label": "full batch", "color": COLOURS[0], "linestyle": DASHES[1]}
LEGEND = {"loc": "outside lower center", "ncols": 5, "frameon": False, "fontsize": 9, "columnspacing": 1.2}


@house_style
def plot_loss_surface(X: Tensor, y: Tensor, paths: Mapping[str, Tensor | Sequence]) -> Figure:
    """Draw the mean squared error of ŷ = X w + b over w and b as contour lines, and the paths of runs on it.

    A cross marks the minimum and a ring the start of each path. Since w and b have one scale, a step down the slope
    meets the contour lines at right angles. Introduced in notebook 08.

    Parameters
    ----------
    X, y : torch.Tensor of shape (N, 1), else ValueError
    paths : mapping of str to tensor or list
        A tensor of shape (T + 1, 2) holds w and b before the first and after each step, such as ``runs.paths[i, j,
        k]``; ``history.path`` will do where ``record`` returned w and b. What goes far off is cut at the edge.

    Examples
    --------
    >>> X = torch.linspace(-1, 1, 100).reshape(100, 1)
    >>> fig = plot_loss_surface(X, 2 * X, {"a jump": [(0.0, 0.0), (2.0, 0.0)]})
    >>> [text.get_text() for text in fig.legends[0].get_texts()]
    ['a jump', 'start', 'minimum']
    """
    loss = QuadraticLoss.of(X, y)
    tensors = {name: torch.stack([torch.as_tensor(point) for point in path]) for name, path in paths.items()}
    tensors = {name: path.detach().cpu().double() for name, path in tensors.items()}
    view = view_of(loss, list(tensors.values()))
    slope = (view[3] - view[2]) / (view[1] - view[0])
    fig, ax = figure(6.4, round(min(5.4, 5.6 * slope + 1), 1))
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


@dataclass(frozen=True, eq=False)
class Explorer:
    """What `explorer` returns: a notebook shows it as a picture, which becomes the explorer where scripts run."""

    loss: QuadraticLoss
    runs: Runs
    num_examples: int
    first: tuple[int, int, int]  # the places of the learning rate, batch size and seed shown first

    @house_style
    def to_html(self) -> str:
        """Return the explorer as one ``<img>`` element that needs no network, kernel or style sheet, and has no id."""
        runs, loss = self.runs, self.loss
        figures, paths = self._draw()
        picture = small_png(*figures)
        for line in paths:
            line.remove()
        data = {"lrs": [f"{lr:g}" for lr in runs.lrs], "batches": runs.batch_sizes, "seeds": runs.seeds}
        data |= {"examples": self.num_examples, "steps": runs.num_steps, "first": self.first}
        # For each batch size: learning rates × seeds × (steps + 1) × 2. The full batch has one run for all seeds.
        points = [runs.paths[:, j, : 1 if size is None else None] for j, size in enumerate(runs.batch_sizes)]
        # What may differ in its last digits on another machine: tests do not compare it.
        computed = {
            "loss": [loss.w, loss.b, loss.lowest, loss.mean_xx, loss.mean_x],
            "panels": [_panel(fig) for fig in figures],
            "points": [b64encode(numbers.float().numpy().astype("<f4")).decode() for numbers in points],
        }
        embedded = f' data-runs="{html.escape(json.dumps(computed, separators=(",", ":")))}"'
        code = script("lecturekit._web", "player") + script(__package__, "explorer")
        return live_image(picture, 960, repr(self), "explorer", code, data, embedded)

    _repr_html_ = to_html

    def __repr__(self) -> str:
        """Say in words what is to be seen."""
        (i, j, k), runs, loss = self.first, self.runs, self.loss
        path, losses, size = runs.paths[i, j, k], runs.losses[i, j, k], runs.batch_sizes[j]
        batches = "all examples in each step" if size is None else f"batch size {size}, seed {runs.seeds[k]}"
        number = runs.losses[..., 0].numel()
        best, start, end = ("w = {:.3g}, b = {:.3g}".format(*point) for point in ((loss.w, loss.b), path[0], path[-1]))
        return (
            f"Two panels. Left: the loss over weight w and bias b, as contour lines round its minimum at {best}, and "
            f"the path of {runs.num_steps} steps with learning rate {runs.lrs[i]:g} and {batches}, from {start} to "
            f"{end}. Right: the loss of this run against the steps, from {losses[0]:.3g} to {losses[-1]:.3g}; the "
            f"smallest possible is {loss.lowest:.3g}. The other seeds lie pale behind. It is one of {number} runs; "
            "where scripts run, sliders and a map of all losses choose among them."
        )

    def _draw(self) -> tuple[tuple, list]:
        """Return the figures of the two panels, and the lines in them that move with the sliders."""
        runs, (i, j, k) = self.runs, self.first
        paths, losses = runs.paths.double(), runs.losses.double()
        (left, surface), (right, curve) = figure(4.8, 4.0), figure(4.8, 4.0)
        calm = (losses <= losses[..., :1]).all(dim=-1)  # never above their start; false for NaN
        draw_surface(surface, self.loss, view_of(self.loss, [*paths[calm], paths[0, 0, 0, :1]]))
        moving = []
        shown = [((i, runs.batch_sizes.index(None), k), FULL_BATCH)] if None in runs.batch_sizes else []
        others = [place for place in range(len(runs.seeds)) if place != k and runs.batch_sizes[j]]
        seeds = [((i, j, place), SEEDS | {"label": "" if at else "other seeds"}) for at, place in enumerate(others)]
        for place, style in [*shown, *seeds, ((i, j, k), RUN)]:
            moving += surface.plot(*paths[place].T.numpy(), **style)
            moving += curve.plot(losses[place].numpy(), **style)
        draw_marks(surface, self.loss, [paths[0, 0, 0, 0]])
        curve.axhline(self.loss.lowest, color=MUTED, linestyle=":", linewidth=1.2, label="smallest possible")
        # Leave out the losses of runs that diverge or come down to nothing.
        start, finite = losses[0, 0, 0, 0].item(), losses[losses.isfinite()]
        low, high = max(finite.min().item() / 1.3, 1e-9 * start), 1.3 * min(finite.max().item(), 5 * start)
        curve.set(yscale="log", ylim=(low, high), xlabel="step", ylabel="loss")
        plain_ticks(curve)
        for fig in (left, right):
            fig.legend(**LEGEND | {"handlelength": 1.4, "columnspacing": 1})
        return (left, right), moving


def _panel(fig) -> dict:
    """Return a figure's picture, where its axes lie in it (left, top, width, height), and what they show."""
    (ax,) = fig.axes
    picture = "data:image/png;base64," + b64encode(small_png(fig)).decode()
    left, bottom, right, top = ax.get_position().extents
    height = ax.yaxis.get_transform().transform(ax.get_ylim()).tolist()  # the logarithms of losses
    return {"picture": picture, "box": [left, 1 - top, right - left, top - bottom], "x": ax.get_xlim(), "y": height}


def explorer(X: Tensor, y: Tensor, runs: Runs) -> Explorer:
    """Let the reader choose among many runs: the path of each over the loss surface, beside it its loss.

    Sliders choose learning rate, batch size and seed, or a map of the losses after the last step the first two;
    buttons, a slider and the arrow keys go through the steps. The other seeds are drawn pale behind the run, and the
    full batch's path with the same learning rate, where `runs` has it. Introduced in notebook 08.

    Parameters
    ----------
    X, y : torch.Tensor, what the runs were trained on; ValueError if it was something else
    runs : Runs, as `train_many` returns them: 500 runs of 25 steps take 0.1 MB in a notebook, the pictures 0.2 MB

    Examples
    --------
    >>> import lecturekit as lk
    >>> X = torch.linspace(-1, 1, 100).reshape(100, 1)
    >>> html = explorer(X, 2 * X, lk.train_many(X, 2 * X, lrs=[0.1, 0.5], batch_sizes=[1, None])).to_html()
    """
    loss = QuadraticLoss.of(X, y)
    runs = replace(runs, paths=runs.paths.cpu(), losses=runs.losses.cpu())
    # After the last step: before the first, with w = 0, the loss would say nothing about X.
    known, here = runs.losses[..., -1], loss(*runs.paths[..., -1, :].double().unbind(-1))
    if not here.to(known).allclose(known, rtol=1e-3, equal_nan=True):
        raise ValueError("runs must have been trained on these X and y, got other losses than they give")
    return Explorer(loss, runs, len(X), ((len(runs.lrs) - 1) // 2, (len(runs.batch_sizes) - 1) // 2, 0))
