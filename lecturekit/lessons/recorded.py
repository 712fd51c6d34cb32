"""Times, for lesson 09: those that come with the course, from benchmarks/gd_vs_sgd.py, and a plot of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from ..data import course_folder
from ..devices import Timing
from ..plotting import figure
from ..style import COLOURS, DASHES, MARKERS, house_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Benchmark:
    """What was measured on one machine at one time: the contents of one file."""

    machine: dict  # "processor", "threads", "gpu" and more
    date: str  # in ISO format
    rows: list[dict] = field(repr=False)  # what each of them measures, the benchmark says

    @property
    def title(self) -> str:
        """The machine in a few words: ``"NVIDIA H200"`` or ``"AMD EPYC, 2 threads"``."""
        if any(row["device"] == "cuda" and row.get("samples") for row in self.rows):
            return self.machine["gpu"]
        threads = self.machine["threads"]
        return f"{self.machine['processor']}, {threads} thread{'s' if threads > 1 else ''}"

    def step_times(self, device: str, batch_size: int | None = None, way: str = "eager") -> dict[int, Timing]:
        """Return the time of a step for each size of X, N · d, as `lecturekit.plot_timings` takes it.

        `batch_size` is 10, 100, or None for gradient descent; `way` is ``"eager"`` or ``"graph"``.
        """
        steps = [row for row in self.rows if row["kind"] == "step" and row.get("samples")]
        wanted = (device, batch_size, way)
        found = [row for row in steps if (row["device"], row.get("batch_size"), row["way"]) == wanted]
        return {row["N"] * row["d"]: Timing(tuple(row["samples"])) for row in found}


def load(path: Path) -> Benchmark:
    """Read a file of benchmarks/gd_vs_sgd.py."""
    content = json.loads(path.read_text(encoding="utf-8"))
    return Benchmark(content["machine"], content["date"], content["rows"])


def recorded() -> list[Benchmark]:
    """Return the measurements that come with the course, the oldest first.

    Examples
    --------
    >>> recorded()[0].title
    'AMD EPYC, 1 thread'
    >>> sorted(recorded()[0].step_times("cpu"))[:3]
    [140, 3000, 10000]
    """
    paths = course_folder().glob("measurements/*.json")
    return sorted(map(load, paths), key=lambda benchmark: benchmark.date)


@house_style
def plot_timings(
    timings: Mapping[str, Mapping[float, Timing]], *, recorded: Mapping[str, Mapping[float, Timing]] | None = None
) -> Figure:
    """Draw times against sizes on logarithmic axes: a line is a power law, and where two cross, the faster one changes.

    Introduced in notebook 09. Bars mark the quartiles.

    Parameters
    ----------
    timings : mapping of str to ``{numbers in X: time of a step}``
    recorded : the same of another machine, drawn thin and hollow behind, in the colours of the same names

    Examples
    --------
    >>> quick, slow = Timing((3e-5, 4e-5)), Timing((2e-4,))
    >>> fig = plot_timings({"yours": {100: quick, 1000: slow}}, recorded={"GPU": {100: quick, 1000: quick}})
    >>> [text.get_text() for text in fig.axes[0].get_legend().get_texts()]
    ['yours', 'GPU (recorded)']
    """
    from matplotlib.ticker import EngFormatter

    curves = [(name, "", series) for name, series in timings.items()]
    curves += [(name, " (recorded)", series) for name, series in (recorded or {}).items()]
    names = list(dict.fromkeys(name for name, _, _ in curves))
    fig, ax = figure()
    for name, note, series in curves:
        style = names.index(name) % len(COLOURS)
        sizes = sorted(series)
        quartiles = [series[size].quartiles for size in sizes]
        low, median, high = torch.tensor(quartiles, dtype=torch.float64, device="cpu").T
        ax.errorbar(
            sizes,
            median,
            yerr=torch.stack([median - low, high - median]),
            label=name + note,
            color=COLOURS[style],
            linestyle=DASHES[style],
            marker=MARKERS[style],
            markerfacecolor="white" if note else COLOURS[style],
            linewidth=1.2 if note else 2.2,
            zorder=2 if note else 3,
        )
    ax.set(xscale="log", yscale="log", xlabel="numbers in X", ylabel="time of a step")
    ax.xaxis.set_major_formatter(EngFormatter(sep=""))
    ax.yaxis.set_major_formatter(EngFormatter(unit="s"))
    ax.legend(frameon=False)
    return fig
