"""Linear regression by GD and SGD, for lesson 08: many runs at once, their loss surface, and an explorer of them."""

from __future__ import annotations

import html
import json
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import index
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from .._web import live_image
from ..plotting import figure, plain_ticks, small_png
from ..style import COLOURS, CONTOUR, DARK_EXPLORER, DASHES, INK, MARKERS, MUTED, TINTS, house_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PATH = {"linewidth": 1.5, "markersize": 4, "markeredgewidth": 0, "zorder": 4}
RUN = PATH | {"label": "this run", "color": COLOURS[1], "linestyle": "solid", "marker": "o"}
SEEDS = PATH | {"color": COLOURS[1], "linestyle": "solid", "alpha": 0.3}
FULL_BATCH = PATH | {"label": "full batch", "color": COLOURS[0], "linestyle": DASHES[1]}
LEGEND = {"loc": "outside lower center", "ncols": 5, "frameon": False, "fontsize": 9, "columnspacing": 1.2}


@dataclass(frozen=True)
class QuadraticLoss:
    """The loss lowest + mean_xx·Δw² + 2·mean_x·Δw·Δb + Δb², with Δw and Δb the distances from the minimum (w, b)."""

    w: float
    b: float
    lowest: float
    mean_xx: float
    mean_x: float

    @classmethod
    def of(cls, X: Tensor, y: Tensor) -> QuadraticLoss:
        """Return the loss of ŷ = X w + b on X and y, both of shape (N, 1): least squares, in float64."""
        if X.ndim != 2 or X.shape[1] != 1 or y.shape != X.shape:
            raise ValueError(f"X and y must both have shape (N, 1), got {tuple(X.shape)} and {tuple(y.shape)}")
        x, y = X.detach().cpu().double(), y.detach().cpu().double()
        from_mean = x - x.mean()
        w = ((from_mean * (y - y.mean())).mean() / from_mean.square().mean()).nan_to_num()  # 0 for a single example
        b = (y - w * x).mean()
        lowest = (w * x + b - y).square().mean()
        return cls(w.item(), b.item(), lowest.item(), x.square().mean().item(), x.mean().item())

    def __call__(self, w, b):
        """Return the loss at w and b: floats, arrays or tensors of one shape."""
        w, b = w - self.w, b - self.b
        return self.lowest + self.mean_xx * w**2 + 2 * self.mean_x * w * b + b**2


@dataclass(frozen=True, eq=False)
class Runs:
    """Runs for each combination of L learning rates, B batch sizes (None: the full batch) and S seeds.

    The paths have shape (L, B, S, num_steps + 1, 2): w and b before the first and after each step. The losses have
    shape (L, B, S, num_steps + 1): the mean squared error on all examples there.
    """

    lrs: tuple[float, ...]
    batch_sizes: tuple[int | None, ...]
    seeds: tuple[int, ...]
    paths: Tensor = field(repr=False)
    losses: Tensor = field(repr=False)

    @property
    def num_steps(self) -> int:
        """How many steps each run takes."""
        return self.paths.shape[3] - 1


def train_many(
    X: Tensor,
    y: Tensor,
    *,
    lrs: Iterable[float],
    batch_sizes: Iterable[int | None],
    seeds: Iterable[int] = (0,),
    num_steps: int = 25,
) -> Runs:
    """Train ŷ = X w + b, from w = b = 0, with every combination of learning rate, batch size and seed, all at once.

    The loss is the mean squared error. Each run takes the very mini-batches that ``fit(seed=…, batch_size=…)`` would
    give to ``nn.Linear(1, 1)`` and ``torch.optim.SGD(lr=…)``, and ends at the same numbers but for rounding.
    Introduced in notebook 08.

    Parameters
    ----------
    X, y : torch.Tensor of shape (N, 1), else ValueError
    lrs, batch_sizes, seeds : iterables; a batch size of more than N is a ValueError, and None means all examples in
        their own order, whatever the seed
    num_steps : int, those of each run; a diverging one goes on to infinity and NaN

    Examples
    --------
    >>> X = torch.linspace(-1, 1, 100).reshape(100, 1)
    >>> train_many(X, 2 * X, lrs=[0.1, 0.5], batch_sizes=[1, None], seeds=range(3)).paths.shape
    torch.Size([2, 2, 3, 26, 2])
    """
    loss = QuadraticLoss.of(X, y)
    lrs, seeds = tuple(map(float, lrs)), tuple(map(index, seeds))
    batch_sizes = tuple(None if size is None else index(size) for size in batch_sizes)
    if max(size or 0 for size in batch_sizes) > len(X):
        raise ValueError(f"batch_sizes must be at most {len(X)}, the number of examples, got {batch_sizes}")
    rows = torch.cat((X, torch.ones_like(X)), dim=1).detach()  # (N, 2): rows @ (w, b) is the line
    paths = torch.stack([_descend(rows, y, X.new_tensor(lrs), size, seeds, num_steps) for size in batch_sizes], dim=1)
    losses = loss(*paths.cpu().double().unbind(-1))  # on the CPU: not every device knows float64
    return Runs(lrs, batch_sizes, seeds, paths, losses.to(paths))


@torch.enable_grad()
def _descend(rows, y, lrs, batch_size, seeds, num_steps) -> Tensor:
    """Return the paths for all learning rates and seeds, of shape (L, S, num_steps + 1, 2)."""
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    parameters = rows.new_zeros(len(seeds), 2, len(lrs))  # (S, 2, L): for each run, a column (w, b)
    path, batches = [parameters], []
    for step in range(num_steps):
        if not batches and batch_size is None:
            batches = [(rows.expand(len(seeds), -1, -1), y)]
        elif not batches:  # an epoch begins
            order = torch.stack([torch.randperm(len(y), generator=each, device="cpu") for each in generators])
            order = order[:, : (num_steps - step) * batch_size].to(y.device)  # the others are not seen any more
            batches = list(zip(rows[order].split(batch_size, 1), y[order].split(batch_size, 1), strict=True))
        X_batch, y_batch = batches.pop(0)  # (S, batch_size, 2), (S, batch_size, 1)
        parameters.requires_grad_()
        losses = (X_batch @ parameters - y_batch).square().mean(dim=1)  # (S, L)
        # No run's loss depends on another run's parameters: the gradient of the sum holds the gradient of each.
        (grad,) = torch.autograd.grad(losses.sum(), parameters)
        parameters = parameters.detach() - lrs * grad
        path.append(parameters)
    return torch.stack(path).detach().permute(3, 1, 0, 2)


@house_style()
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
    view = _view_of(loss, list(tensors.values()))
    slope = (view[3] - view[2]) / (view[1] - view[0])
    fig, ax = figure(6.4, round(min(5.4, 5.6 * slope + 1), 1))
    _draw_surface(ax, loss, view)
    ax.set_prop_cycle(color=COLOURS, linestyle=DASHES, marker=MARKERS)
    for name, path in tensors.items():
        ax.plot(*path.T.numpy(), label=name, **PATH)
    _draw_marks(ax, loss, [path[0] for path in tensors.values()])
    fig.legend(**LEGEND)
    return fig


def _view_of(loss: QuadraticLoss, paths: list[Tensor]) -> tuple[float, float, float, float]:
    """Return what a picture must show, w from and to, b from and to: the minimum and the paths, unless far off."""
    points, starts = torch.cat(paths), torch.stack([path[0] for path in paths])
    best = points.new_tensor([loss.w, loss.b])
    reach = (starts - best).norm(dim=1).max().item() or 1.0
    near = points[(points - best).norm(dim=1) <= 1.5 * reach]  # false for NaN
    near = torch.cat((near, starts, best + 0.3 * reach * points.new_tensor([[1, 0], [-1, 0], [0, 1], [0, -1]])))
    middle, half = (near.amin(0) + near.amax(0)) / 2, (near.amax(0) - near.amin(0)) / 2
    half = 1.15 * torch.maximum(half, 0.5 * half.max())  # some room, and no side more than twice the other
    return tuple(torch.stack((middle - half, middle + half), dim=1).flatten().tolist())


def _draw_surface(ax, loss: QuadraticLoss, view: tuple[float, float, float, float]) -> None:
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


def _draw_marks(ax, loss: QuadraticLoss, starts: list[Tensor]) -> None:
    """Draw a ring round each start and a cross at the minimum."""
    marks = {"color": INK, "linestyle": "none", "zorder": 5}
    ax.plot(*torch.stack(starts).T.numpy(), label="start", marker="o", markersize=11, markerfacecolor="none", **marks)
    ax.plot(loss.w, loss.b, label="minimum", marker="x", markersize=8, markeredgewidth=1.8, **marks)


@dataclass(frozen=True)
class Explorer:
    """What `explorer` returns: a notebook shows it as a picture, which becomes the explorer where scripts run."""

    _html: str
    _words: str  # what is to be seen

    def to_html(self) -> str:
        """Return one ``<img>`` element that needs no network, kernel or style sheet."""
        return self._html

    _repr_html_ = to_html

    def __repr__(self) -> str:
        return self._words


@house_style()
def explorer(X: Tensor, y: Tensor, runs: Runs) -> Explorer:
    """Let the reader choose among many runs: the path of each over the loss surface, beside it its loss.

    Sliders choose learning rate, batch size and seed, or a map of the losses after the last step the first two;
    buttons, a slider and the arrow keys go through the steps. The other seeds are drawn pale behind the run, and the
    full batch's path with the same learning rate, where `runs` has it. Introduced in notebook 08.

    Parameters
    ----------
    X, y : torch.Tensor, what the runs were trained on; ValueError if it was something else
    runs : Runs, as `train_many` returns them: 500 runs of 25 steps take 0.15 MB in a notebook, the pictures 0.2 MB

    Examples
    --------
    >>> X = torch.linspace(-1, 1, 100).reshape(100, 1)
    >>> html = lk.explorer(X, 2 * X, lk.train_many(X, 2 * X, lrs=[0.1, 0.5], batch_sizes=[1, None])).to_html()
    """
    loss, first = QuadraticLoss.of(X, y), ((len(runs.lrs) - 1) // 2, (len(runs.batch_sizes) - 1) // 2, 0)
    paths, losses = runs.paths.cpu().double(), runs.losses.cpu().double()
    # After the last step: before the first, with w = 0, the loss would say nothing about X.
    here = loss(*paths[..., -1, :].unbind(-1)).to(runs.losses)
    if not here.allclose(runs.losses[..., -1], rtol=1e-3, equal_nan=True):
        raise ValueError("runs must have been trained on these X and y, got other losses than they give")
    figures, lines = _draw_panels(loss, paths, losses, runs.batch_sizes, first)
    picture = small_png(*figures)
    for line in lines:
        line.remove()
    data = {"lrs": [f"{lr:g}" for lr in runs.lrs], "batches": runs.batch_sizes, "seeds": runs.seeds}
    data |= {"examples": len(X), "steps": runs.num_steps, "first": first, "dark": DARK_EXPLORER}
    # What may differ in its last digits on another machine: tests do not compare it.
    computed = {
        "loss": [loss.w, loss.b, loss.lowest, loss.mean_xx, loss.mean_x],
        "panels": [_panel(fig) for fig in figures],
        "points": b64encode(paths.float().numpy().astype("<f4")).decode(),
    }
    embedded = f' data-runs="{html.escape(json.dumps(computed, separators=(",", ":")))}"'
    alt = (
        f"Left, the path of the run with learning rate {data['lrs'][first[0]]} and batch size "
        f"{runs.batch_sizes[first[1]] or 'all'} over the contour lines of the loss. Right, its loss against the "
        f"steps, from {losses[first][0]:.3g} to {losses[first][-1]:.3g}; the smallest possible is {loss.lowest:.3g}. "
        f"It is one of {here.numel()} runs; where scripts run, sliders and a map of all losses choose among them."
    )
    return Explorer(live_image(picture, 960, alt, __package__, ["explorer"], data, embedded), alt)


def _draw_panels(loss, paths, losses, batch_sizes, first) -> tuple[list[Figure], list]:
    """Return the figures of the two panels, and the lines in them that move with the sliders."""
    i, j, k = first
    (left, surface), (right, curve) = figure(4.8, 4.0), figure(4.8, 4.0)
    calm = (losses <= losses[..., :1]).all(dim=-1)  # never above their start; false for NaN
    _draw_surface(surface, loss, _view_of(loss, [*paths[calm], paths[0, 0, 0, :1]]))
    shown = [((i, batch_sizes.index(None), k), FULL_BATCH)] if None in batch_sizes else []
    others = range(1, paths.shape[2]) if batch_sizes[j] else ()
    shown += [((i, j, other), SEEDS | {"label": "other seeds" if other == 1 else ""}) for other in others]
    lines = []
    for place, style in [*shown, (first, RUN)]:
        lines += surface.plot(*paths[place].T.numpy(), **style)
        lines += curve.plot(losses[place].numpy(), **style)
    _draw_marks(surface, loss, [paths[0, 0, 0, 0]])
    curve.axhline(loss.lowest, color=MUTED, linestyle=":", linewidth=1.2, label="smallest possible")
    # Leave out the losses of runs that diverge or come down to nothing.
    start, finite = losses[0, 0, 0, 0].item(), losses[losses.isfinite()]
    low, high = max(finite.min().item() / 1.3, 1e-9 * start), 1.3 * min(finite.max().item(), 5 * start)
    curve.set(yscale="log", ylim=(low, high), xlabel="step", ylabel="loss")
    plain_ticks(curve)
    for fig in (left, right):
        fig.legend(**LEGEND | {"handlelength": 1.4, "columnspacing": 1})
    return [left, right], lines


def _panel(fig: Figure) -> dict:
    """Return a figure's picture, where its axes lie in it (left, top, width, height), and what they show."""
    (ax,) = fig.axes
    picture = "data:image/png;base64," + b64encode(small_png(fig)).decode()
    left, bottom, right, top = ax.get_position().extents
    height = ax.yaxis.get_transform().transform(ax.get_ylim()).tolist()  # the logarithms of losses
    return {"picture": picture, "box": [left, 1 - top, right - left, top - bottom], "x": ax.get_xlim(), "y": height}
