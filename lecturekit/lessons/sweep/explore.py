"""Many runs in one HTML element: sliders for learning rate, batch size and seed, and a player through the steps."""

from __future__ import annotations

import base64
import html
import io
import json
from dataclasses import dataclass

import torch
from torch import Tensor

from ... import plotting
from ..._web import live_image, player, script
from ...style import COLOURS, DASHES, MUTED
from .bowl import Bowl, check_line_data
from .runs import Runs
from .surface import add_legend, draw_path, draw_surface

# What is embedded: 400 kB of text. A notebook must stay small enough to be opened, and to be compared by a test.
MOST_NUMBERS = 75_000
RATIO = 1.3  # width to height of the surface; explorer.js has the same number
RUN, FULL_BATCH = (
    {"color": COLOURS[1], "linestyle": "solid", "marker": "o"},
    {"color": COLOURS[0], "linestyle": DASHES[1], "marker": ""},
)


@dataclass(frozen=True, eq=False)
class Explorer:
    """What `explorer` returns: a notebook shows it as a picture, which becomes the explorer where scripts run.

    Attributes
    ----------
    bowl : Bowl
        The loss surface.
    runs : Runs
        On the CPU.
    num_examples : int
        How many examples X and y hold.
    first : tuple of int
        Which learning rate, batch size and seed are shown first: their places in `runs`.
    """

    bowl: Bowl
    runs: Runs
    num_examples: int
    first: tuple[int, int, int]

    def __repr__(self) -> str:
        runs = self.runs
        return (
            f"Explorer of {runs!r}\n"
            f"learning rates: {', '.join(f'{lr:g}' for lr in runs.lrs)}\n"
            f"batch sizes: {', '.join('all' if k is None else str(k) for k in runs.batch_sizes)}\n"
            f"seeds: {', '.join(map(str, runs.seeds))}\n"
            "Where scripts run, sliders choose a run: its path over the loss surface, and its loss after each step."
        )

    def _repr_html_(self) -> str:
        return self.to_html()

    def to_html(self) -> str:
        """Return the explorer as one ``<img>`` element that needs no network, kernel or style sheet, and has no id."""
        runs = self.runs
        data = {
            "lrs": [f"{lr:g}" for lr in runs.lrs],
            "batches": runs.batch_sizes,
            "seeds": runs.seeds,
            "examples": self.num_examples,
            "steps": runs.num_steps,
            "first": self.first,
        }
        embedded = html.escape(json.dumps(self._embedded(), separators=(",", ":")))
        code = player() + script(__package__, "explorer")
        return live_image(self.to_png(), 960, self.description, "explorer", code, data, f' data-runs="{embedded}"')

    def to_png(self) -> bytes:
        """Return the picture that is seen where no scripts run, as a PNG image of 1920 by 800 pixels."""
        from matplotlib.ticker import LogLocator, NullLocator

        i, j, k = self.first
        fig, (ax_path, ax_loss) = plotting.figure(9.6, 4.0, columns=2)
        draw_surface(ax_path, self.bowl, self.view, start=self.runs.paths[0, 0, 0, 0].double())
        chosen = {(i, j, k): ("this run", RUN)}
        if None in self.runs.batch_sizes and self.runs.batch_sizes[j] is not None:
            chosen = {(i, self.runs.batch_sizes.index(None), k): ("full batch", FULL_BATCH)} | chosen
        for place, (label, style) in chosen.items():
            draw_path(ax_path, self.bowl, self.runs.paths[place].double(), label, **style)
            ax_loss.plot(self.runs.losses[place].double().numpy(), label=label, linewidth=1.5, markersize=4, **style)
        ax_loss.axhline(self.bowl.lowest, color=MUTED, linestyle=":", linewidth=1.2, label="smallest possible")
        low, high = self.loss_range
        ax_loss.set(yscale="log", ylim=(low, high))
        ax_loss.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 1000 * low else (1,)))
        ax_loss.yaxis.set_major_formatter("{x:g}")
        ax_loss.yaxis.set_minor_locator(NullLocator())
        ax_loss.set(xlabel="step", ylabel="loss")
        add_legend(ax_path)
        add_legend(ax_loss)
        file = io.BytesIO()
        fig.savefig(file, format="png", dpi=2 * plotting.DPI, metadata={"Software": None})
        return file.getvalue()

    @property
    def view(self) -> tuple[float, float, float, float]:
        """What the surface shows: w from and to, b from and to."""
        paths, losses = self.runs.paths.flatten(0, 2), self.runs.losses.flatten(0, 2)
        calm = (losses <= losses[:, :1]).all(dim=1)  # false for NaN
        return Bowl.widened(self.bowl.view(paths[calm] if calm.any() else paths[:, :1]), RATIO)

    @property
    def loss_range(self) -> tuple[float, float]:
        """What the axis of the loss shows: all losses, but for those of runs that diverge or come down to nothing."""
        losses = self.runs.losses.double()
        start = losses[0, 0, 0, 0].item() or 1.0
        finite = losses[losses.isfinite()]
        return max(finite.min().item() / 1.3, 1e-9 * start), 1.3 * min(finite.max().item(), 5 * start) or 1.0

    @property
    def description(self) -> str:
        """What is to be seen, in words."""
        (i, j, k), runs, bowl = self.first, self.runs, self.bowl
        path, losses = runs.paths[i, j, k], runs.losses[i, j, k]
        size = runs.batch_sizes[j]
        batches = "all examples in each step" if size is None else f"batch size {size}, seed {runs.seeds[k]}"
        start, end = ("w = {:.3g}, b = {:.3g}".format(*point) for point in (path[0].tolist(), path[-1].tolist()))
        return (
            f"Two panels. Left: the loss over weight w and bias b, as contour lines round its minimum at "
            f"w = {bowl.w:.3g}, b = {bowl.b:.3g}, and the path of {runs.num_steps} steps with learning rate "
            f"{runs.lrs[i]:g} and {batches}, from {start} to {end}. "
            f"Right: the loss of this run against the steps, from {losses[0].item():.3g} to {losses[-1].item():.3g}; "
            f"the smallest possible is {bowl.lowest:.3g}. It is one of {len(runs)} runs, among which sliders choose "
            "where scripts run."
        )

    def _embedded(self) -> dict:
        """Return what comes from computing: all that may differ in its last digits on another machine."""
        bowl, runs = self.bowl, self.runs
        # For each batch size: learning rates × seeds × (steps + 1) × 2. The full batch has the same run for each seed.
        paths = [runs.paths[:, j, : 1 if k is None else None] for j, k in enumerate(runs.batch_sizes)]
        points = torch.cat([path.float().flatten() for path in paths])
        return {
            "bowl": [bowl.w, bowl.b, bowl.lowest, bowl.mean_xx, bowl.mean_x],
            "view": self.view,
            "levels": bowl.levels(self.view),
            "losses": self.loss_range,
            "points": base64.b64encode(points.numpy().astype("<f4").tobytes()).decode(),
        }


def explorer(X: Tensor, y: Tensor, runs: Runs, *, first: tuple[float, int | None, int] | None = None) -> Explorer:
    """Let the reader choose among many runs: the path of each over the loss surface, beside it its loss.

    Sliders choose learning rate, batch size and seed; buttons, a slider and the arrow keys go through the steps. For
    comparison, the full batch's path with the same learning rate is drawn as well, where `runs` has it. With the full
    batch, the seed's slider is disabled, since every seed gives the same path.

    Parameters
    ----------
    X, y : torch.Tensor
        What the runs were trained on: both of shape (N, 1).
    runs : Runs
        What `train_many` returned; 75,000 numbers at most, such as 500 runs of 74 steps.
    first : tuple, optional
        Learning rate, batch size and seed of the run to be shown first. Default: those in the middle, and the first
        seed.

    Returns
    -------
    Explorer
        Shown by a notebook where it is a cell's last value. No network, no kernel, no widget.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described, or the runs were trained on something else.

    Notes
    -----
    Introduced in notebook 07.
    """
    check_line_data(X, y)
    if not isinstance(runs, Runs):
        raise TypeError(f"runs must be what train_many returned, got {type(runs).__name__}")
    if runs.paths.numel() > MOST_NUMBERS:
        raise ValueError(
            f"runs must hold at most {MOST_NUMBERS} numbers w and b, got {runs.paths.numel()} in {runs!r}: "
            "take fewer runs or steps"
        )
    runs = Runs(runs.lrs, runs.batch_sizes, runs.seeds, runs.paths.detach().cpu(), runs.losses.detach().cpu())
    shape = (len(runs.lrs), len(runs.batch_sizes), len(runs.seeds))
    if (
        not len(runs)
        or runs.paths.shape != (*shape, runs.num_steps + 1, 2)
        or runs.losses.shape != runs.paths.shape[:-1]
    ):
        raise ValueError(
            f"runs must hold w and b and the loss of each run, {shape} of them, "
            f"got shapes {tuple(runs.paths.shape)} and {tuple(runs.losses.shape)}"
        )
    bowl = Bowl.of(X, y)
    begun = runs.losses[..., 0]
    if not torch.allclose(bowl.loss(runs.paths[..., 0, :]), begun, rtol=1e-3):
        raise ValueError(
            f"runs must have been trained on these X and y: their loss begins at {begun.flatten()[0].item():.4g}, "
            f"on these it is {bowl.loss(runs.paths[0, 0, 0, 0]).item():.4g}"
        )
    choices = {"learning rate": runs.lrs, "batch size": runs.batch_sizes, "seed": runs.seeds}
    if first is None:
        return Explorer(bowl, runs, len(X), ((len(runs.lrs) - 1) // 2, (len(runs.batch_sizes) - 1) // 2, 0))
    if not isinstance(first, tuple | list) or len(first) != 3:
        raise TypeError(f"first must be (learning rate, batch size, seed), got {first!r}")
    for value, (name, known) in zip(first, choices.items(), strict=True):
        if value not in known:
            raise ValueError(f"first must name a {name} of the runs, one of {list(known)}, got {value!r}")
    return Explorer(
        bowl, runs, len(X), tuple(known.index(value) for value, known in zip(first, choices.values(), strict=True))
    )
