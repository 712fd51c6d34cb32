"""The measurements that come with the course, as lessons 08 and 09 read them; benchmarks/gd_vs_sgd.py writes them."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path

from ..data import course_folder
from ..devices import Timing

SCHEMA = 1


@dataclass(frozen=True)
class Measurement:
    """How long one thing took; the benchmark says what it measures."""

    kind: str  # "step", "to loss" or "bandwidth"
    device: str  # "cpu" or "cuda"
    way: str  # "eager" or "graph"; of a bandwidth "copy", "textbook" or "blocks"
    N: int  # rows of X
    d: int  # columns of X
    batch_size: int | None = None  # None: the full batch
    samples: tuple[float, ...] = ()  # seconds a step, or a whole training to the loss
    steps: int | None = None  # to the loss
    bytes: int | None = None  # that a step moves
    failed: str | None = None  # why there are no samples


@dataclass(frozen=True)
class Benchmark:
    """All that was measured on one machine at one time: the contents of one file."""

    machine: dict  # "processor", "threads", "gpu" and more
    versions: dict  # "python", "torch" and more
    date: str  # in ISO format
    command: str
    note: str = ""
    measurements: tuple[Measurement, ...] = field(default=(), repr=False)

    @property
    def device(self) -> str:
        """``"cuda"`` if anything was measured on a GPU, else ``"cpu"``."""
        return "cuda" if any(one.device == "cuda" and one.samples for one in self.measurements) else "cpu"

    @property
    def title(self) -> str:
        """The machine in a few words: ``"NVIDIA H200"`` or ``"AMD EPYC, 2 threads"``."""
        if self.device == "cuda":
            return self.machine["gpu"]
        threads = self.machine["threads"]
        return f"{self.machine['processor']}, {threads} thread{'s' if threads > 1 else ''}"

    def step_times(self, device: str, batch_size: int | None = None, way: str = "eager") -> dict[int, Timing]:
        """Return the time of a step for each size of X, N · d, as `lecturekit.plot_timings` takes it.

        `batch_size` is 10, 100, or None for gradient descent; `way` is ``"eager"`` or ``"graph"``.
        """
        wanted = ("step", device, batch_size, way)
        found = [one for one in self.measurements if (one.kind, one.device, one.batch_size, one.way) == wanted]
        return {one.N * one.d: Timing(one.samples) for one in found if one.samples}

    def crossover(self, batch_size: int | None = None, way: str = "eager") -> float | None:
        """Return from which size of X on, N · d, a step on the GPU takes less time than an eager one on the CPU.

        Between two sizes that were measured, straight lines are drawn on logarithmic axes. It is the smallest size
        measured where the GPU always wins, and None where it loses at the largest.
        """
        cpu, cuda = self.step_times("cpu", batch_size), self.step_times("cuda", batch_size, way)
        sizes = sorted(cpu.keys() & cuda.keys())
        gains = [math.log(cpu[size].median / cuda[size].median) for size in sizes]
        last = max((index for index, gain in enumerate(gains) if gain <= 0), default=-1)  # where the GPU loses
        if last == len(sizes) - 1:
            return None
        if last == -1:
            return float(sizes[0])
        share = gains[last] / (gains[last] - gains[last + 1])
        return sizes[last] ** (1 - share) * sizes[last + 1] ** share


def load(path: str | Path) -> Benchmark:
    """Read a file of benchmarks/gd_vs_sgd.py. ValueError: another schema, or a row without times and without reason."""
    content = json.loads(Path(path).read_text(encoding="utf-8"))
    if (schema := content.pop("schema", None)) != SCHEMA:
        raise ValueError(f"{path} must hold measurements of schema {SCHEMA}, got {schema}")
    measurements = [Measurement(**row | {"samples": tuple(row.get("samples", ()))}) for row in content.pop("rows")]
    for one in measurements:
        if bool(one.samples) == bool(one.failed) or not all(seconds > 0 for seconds in one.samples):
            raise ValueError(f"each row of {path} must have positive samples or say why it failed, got {one}")
    content.pop("summary", None)
    return Benchmark(**content, measurements=tuple(measurements))


def recorded() -> list[Benchmark]:
    """Return the measurements that come with the course, the oldest first.

    Examples
    --------
    >>> recorded()[0].title
    'AMD EPYC, 1 thread'
    >>> sorted(recorded()[0].step_times("cpu"))[:3]
    [140, 3000, 10000]
    """
    paths = sorted(course_folder().glob("measurements/*.json"))
    return sorted(map(load, paths), key=lambda benchmark: benchmark.date)
