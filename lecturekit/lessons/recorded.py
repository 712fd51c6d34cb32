"""Times, for lesson 09: those that come with the course, from benchmarks/gd_vs_sgd.py."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from ..data import course_folder
from ..devices import Timing


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
