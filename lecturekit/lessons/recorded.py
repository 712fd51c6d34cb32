"""Measurements that come with the course, as lessons 02 and 07 read them; `benchmarks/gd_vs_sgd.py` writes the files."""

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
    """How long one thing took, or why it `failed`.

    `kind` is ``"step"``, ``"to loss"`` or ``"bandwidth"``, `device` ``"cpu"`` or ``"cuda"``, `way` ``"eager"`` or
    ``"graph"`` (of a bandwidth ``"copy"``, ``"textbook"`` or ``"blocks"``). X has N rows and d columns; a `batch_size`
    of None is the full batch. `samples` are seconds a step, or, of kind "to loss", a whole training of so many `steps`.
    A step of kind "bandwidth" moves so many `bytes`.
    """

    kind: str
    device: str
    way: str
    N: int
    d: int
    batch_size: int | None = None
    samples: tuple[float, ...] = ()
    steps: int | None = None
    bytes: int | None = None
    failed: str | None = None


@dataclass(frozen=True)
class Benchmark:
    """All that was measured on one machine at one time: the contents of one file.

    `machine` names processor, threads and GPU, `versions` Python and torch; `date` is in ISO format.
    """

    machine: dict
    versions: dict
    date: str
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

        Between two sizes that were measured, it is where straight lines through their times cross on logarithmic axes.
        It is the smallest size measured where the GPU always wins, and None where it loses at the largest.
        """
        cpu, cuda = self.step_times("cpu", batch_size), self.step_times("cuda", batch_size, way)
        crossover = None
        previous = None  # the size before, and the logarithm of how many times faster the GPU was there
        for size in sorted(cpu.keys() & cuda.keys()):
            gain = math.log(cpu[size].median / cuda[size].median)
            if gain <= 0:
                crossover = None
            elif crossover is None and previous is None:
                crossover = float(size)
            elif crossover is None:
                share = previous[1] / (previous[1] - gain)
                crossover = previous[0] ** (1 - share) * size**share
            previous = size, gain
        return crossover


def load(path: str | Path) -> Benchmark:
    """Read a file that ``benchmarks/gd_vs_sgd.py`` wrote.

    Raises
    ------
    ValueError
        If the file is of another schema, or if one of its rows has neither times nor a reason why it failed.
    """
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
