"""Many runs in one HTML element: Matplotlib draws what stands still, once, and `explorer.js` the paths over it."""

from __future__ import annotations

import html
import io
import json
from base64 import b64encode
from dataclasses import dataclass

from torch import Tensor

from ... import plotting
from ..._web import live_image, script
from ...style import COLOURS, DARK_EXPLORER, DASHES, MUTED, house_style
from .runs import QuadraticLoss, Runs
from .surface import LEGEND, PATH, draw_marks, draw_surface, view_of

RUN = PATH | {"label": "this run", "color": COLOURS[1], "linestyle": "solid", "marker": "o"}
SEEDS = PATH | {"color": COLOURS[1], "linestyle": "solid", "alpha": 0.3}
FULL_BATCH = PATH | {"label": "full batch", "color": COLOURS[0], "linestyle": DASHES[1]}


@dataclass(frozen=True, eq=False)
class Explorer:
    """What `explorer` returns: a notebook shows it as a picture, which becomes the explorer where scripts run."""

    loss: QuadraticLoss
    runs: Runs
    num_examples: int
    first: tuple[int, int, int]  # the places of the learning rate, batch size and seed shown first

    def __repr__(self) -> str:
        return (
            f"Explorer of {self.runs!r}\n"
            f"learning rates: {', '.join(f'{lr:g}' for lr in self.runs.lrs)}\n"
            f"batch sizes: {', '.join('all' if size is None else str(size) for size in self.runs.batch_sizes)}\n"
            f"seeds: {', '.join(map(str, self.runs.seeds))}\n"
            "Where scripts run, sliders and a map choose a run: its path over the surface, its loss after each step."
        )

    @house_style
    def to_html(self) -> str:
        """Return the explorer as one ``<img>`` element that needs no network, kernel or style sheet, and has no id."""
        runs, loss = self.runs, self.loss
        figures, paths = self._draw()
        picture = _png(*figures)
        for line in paths:
            line.remove()
        data = {"lrs": [f"{lr:g}" for lr in runs.lrs], "batches": runs.batch_sizes, "seeds": runs.seeds}
        data |= {"examples": self.num_examples, "steps": runs.num_steps, "first": self.first, "dark": DARK_EXPLORER}
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
        return live_image(picture, 960, self.description, "explorer", code, data, embedded)

    _repr_html_ = to_html

    @property
    def description(self) -> str:
        """What is to be seen, in words."""
        (i, j, k), runs, loss = self.first, self.runs, self.loss
        path, losses, size = runs.paths[i, j, k], runs.losses[i, j, k], runs.batch_sizes[j]
        batches = "all examples in each step" if size is None else f"batch size {size}, seed {runs.seeds[k]}"
        best, start, end = ("w = {:.3g}, b = {:.3g}".format(*point) for point in ((loss.w, loss.b), path[0], path[-1]))
        return (
            f"Two panels. Left: the loss over weight w and bias b, as contour lines round its minimum at {best}, and "
            f"the path of {runs.num_steps} steps with learning rate {runs.lrs[i]:g} and {batches}, from {start} to "
            f"{end}. Right: the loss of this run against the steps, from {losses[0]:.3g} to {losses[-1]:.3g}; the "
            f"smallest possible is {loss.lowest:.3g}. The other seeds lie pale behind. It is one of {len(runs)} runs; "
            "where scripts run, sliders and a map of all losses choose among them."
        )

    def _draw(self) -> tuple[tuple, list]:
        """Return the figures of the two panels, and the lines in them that move with the sliders."""
        runs, (i, j, k) = self.runs, self.first
        paths, losses = runs.paths.double(), runs.losses.double()
        (left, surface), (right, curve) = plotting.figure(4.8, 4.0), plotting.figure(4.8, 4.0)
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
        plotting.plain_ticks(curve)
        for fig in (left, right):
            fig.legend(**LEGEND | {"handlelength": 1.4, "columnspacing": 1})
        return (left, right), moving


def _png(*figures) -> bytes:
    """Return figures of one height side by side as a PNG image in 256 colours: a third of the size."""
    import numpy as np
    from PIL import Image

    pictures = []
    for fig in figures:
        file = io.BytesIO()
        fig.savefig(file, dpi=2 * plotting.DPI)
        pictures.append(Image.open(file).convert("RGB"))
    file = io.BytesIO()
    Image.fromarray(np.hstack(pictures)).quantize(256).save(file, "png", optimize=True)
    return file.getvalue()


def _panel(fig) -> dict:
    """Return a figure's picture, where its axes lie in it (left, top, width, height), and what they show."""
    (ax,) = fig.axes
    picture = "data:image/png;base64," + b64encode(_png(fig)).decode()
    left, bottom, right, top = ax.get_position().extents
    height = ax.yaxis.get_transform().transform(ax.get_ylim()).tolist()  # the logarithms of losses
    return {"picture": picture, "box": [left, 1 - top, right - left, top - bottom], "x": ax.get_xlim(), "y": height}


def explorer(X: Tensor, y: Tensor, runs: Runs) -> Explorer:
    """Let the reader choose among many runs: the path of each over the loss surface, beside it its loss.

    Sliders choose learning rate, batch size and seed, or a map of the losses after the last step the first two;
    buttons, a slider and the arrow keys go through the steps. The other seeds are drawn pale behind the run, and the
    full batch's path with the same learning rate, where `runs` has it.

    Parameters
    ----------
    X, y : torch.Tensor
        What the runs were trained on; ValueError, if it was something else.
    runs : Runs
        What `train_many` returned. 500 runs of 25 steps take 0.1 MB in a notebook, beside 0.2 MB for the pictures.

    Notes
    -----
    Introduced in notebook 08.

    Examples
    --------
    >>> import lecturekit as lk
    >>> data = lk.data.noisy_line(100)
    >>> runs = lk.train_many(data.X_train, data.y_train, lrs=[0.1, 0.5], batch_sizes=[1, None])
    >>> html = lk.explorer(data.X_train, data.y_train, runs).to_html()
    """
    loss = QuadraticLoss.of(X, y)
    runs = Runs(runs.lrs, runs.batch_sizes, runs.seeds, runs.paths.detach().cpu(), runs.losses.detach().cpu())
    # After the last step: before the first, with w = 0, the loss would say nothing about X.
    known, here = runs.losses[..., -1], loss(*runs.paths[..., -1, :].double().unbind(-1))
    if not here.to(known).allclose(known, rtol=1e-3, equal_nan=True):
        raise ValueError("runs must have been trained on these X and y, got other losses than they give")
    return Explorer(loss, runs, len(X), ((len(runs.lrs) - 1) // 2, (len(runs.batch_sizes) - 1) // 2, 0))
