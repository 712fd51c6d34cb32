"""What was measured, as rows; its file; and what follows from it."""

from __future__ import annotations

import datetime
import json
import math
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from .. import _validate
from ..data import course_folder
from ..devices import Timing

SCHEMA = 1


@dataclass(frozen=True)
class Row:
    """One thing that was measured: `samples` in seconds, or why it `failed`.

    Attributes
    ----------
    kind : str
        ``"step"``, ``"to loss"`` or ``"bandwidth"``: see the top of this module.
    device, way : str
        ``"cpu"`` or ``"cuda"``; ``"eager"`` or ``"graph"``, for a bandwidth ``"copy"``, ``"textbook"`` or ``"blocks"``.
    N, d : int
        Rows and columns of X.
    batch_size : int or None
        None is the full batch: gradient descent.
    samples : tuple of float
        Seconds a step, or, of kind "to loss", a whole run.
    steps, bytes : int or None
        Steps until the loss was reached; bytes that a step moves.
    failed : str or None
        Why there are no samples, in words.
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

    def __post_init__(self):
        known = {"kind": ("step", "to loss", "bandwidth"), "device": ("cpu", "cuda"), "batch_size": (None, 10, 100)}
        for name, values in (known | {"way": ("eager", "graph", "copy", "textbook", "blocks")}).items():
            _validate.one_of(name, getattr(self, name), values)
        for name in ("N", "d", "steps", "bytes"):
            if name in ("N", "d") or getattr(self, name) is not None:
                _validate.integer(name, getattr(self, name), 1)
        if not isinstance(self.samples, tuple):
            raise TypeError(f"samples must be a tuple of seconds, got {self.samples!r:.80}")
        if not isinstance(self.failed, str | None):
            raise TypeError(f"failed must be a string or None, got {self.failed!r:.80}")
        if any(_validate.number("each of samples", seconds) <= 0 for seconds in self.samples):
            raise ValueError(f"samples must be positive, got {min(self.samples)}")
        if self.kind == "bandwidth" and self.bytes is None:
            raise ValueError("a bandwidth needs bytes, got none")
        if bool(self.samples) == bool(self.failed):
            raise ValueError(f"a row must have samples or say why it failed, got {self.samples} and {self.failed!r}")

    def __str__(self) -> str:
        size = f"{self.N:,} × {self.d}"
        what = self.way if self.batch_size is None else f"SGD {self.batch_size}, {self.way}"
        result = self.failed or repr(Timing(self.samples))
        return f"{self.kind:9}  {self.device:4}  {what:16}  {size:16}  {result}"


@dataclass(frozen=True)
class Run:
    """All that was measured on one machine at one time.

    Attributes
    ----------
    machine, versions : dict of str to str, int, float or None
        Processor, cores, threads, memory, GPU; Python, torch, CUDA, lecturekit.
    date, command, note : str
        When (ISO format) and how it was measured, and what to know about it.
    rows : list of Row
    """

    machine: dict
    versions: dict
    date: str
    command: str
    note: str = ""
    rows: list[Row] = field(default_factory=list, repr=False)

    def __post_init__(self):
        for name in ("date", "command", "note"):
            _validate.text(name, getattr(self, name))
        try:
            datetime.date.fromisoformat(self.date)
        except ValueError as error:
            raise ValueError(f"date must be of the form 2026-01-31, got {self.date!r:.80}") from error
        if not isinstance(self.rows, list) or not all(isinstance(row, Row) for row in self.rows):
            raise TypeError(f"rows must be a list of Row, got {self.rows!r:.80}")
        for name, keys in {"machine": ("processor", "threads", "gpu"), "versions": ("python", "torch")}.items():
            if not isinstance(getattr(self, name), dict):
                raise TypeError(f"{name} must be a dict, got {getattr(self, name)!r:.80}")
            if missing := [key for key in keys if key not in getattr(self, name)]:
                raise ValueError(f"{name} must name {', '.join(keys)}, got no {missing[0]}")

    @property
    def device(self) -> str:
        """``"cuda"`` if anything was measured on a GPU, else ``"cpu"``."""
        return "cuda" if any(row.device == "cuda" and row.samples for row in self.rows) else "cpu"

    @property
    def title(self) -> str:
        """The machine in a few words, for a legend: ``"NVIDIA H200"`` or ``"AMD EPYC, 2 threads"``."""
        if self.device == "cuda":
            return self.machine["gpu"]
        threads = self.machine["threads"]
        return f"{self.machine['processor']}, {threads} thread{'s' if threads > 1 else ''}"

    def step_times(self, device: str, batch_size: int | None = None, way: str = "eager") -> dict[int, Timing]:
        """Return the time of a step for each size of X, N · d, as `lecturekit.plot_timings` takes it.

        Parameters
        ----------
        device : str
            ``"cpu"`` or ``"cuda"``.
        batch_size : int or None
            10 or 100, or None for gradient descent.
        way : str
            ``"eager"`` or ``"graph"``.
        """
        return self._timings("step", device, batch_size, way)

    def times_to_loss(self, device: str, batch_size: int | None = None) -> dict[int, Timing]:
        """Return the time of a whole training run, to a loss of 2, for each size of X, N · d."""
        return self._timings("to loss", device, batch_size, "eager")

    def _timings(self, kind: str, device: str, batch_size: int | None, way: str) -> dict[int, Timing]:
        wanted = (kind, device, batch_size, way)
        rows = [row for row in self.rows if (row.kind, row.device, row.batch_size, row.way) == wanted and row.samples]
        return {row.N * row.d: Timing(row.samples) for row in rows}

    def bandwidth(self, device: str) -> dict[str, float]:
        """Return the gigabytes a second that a copy and gradient descent move; of several shapes, the fastest."""
        rows = [row for row in self.rows if row.kind == "bandwidth" and row.device == device and row.samples]
        rates = [(row.way, row.bytes / median(row.samples) / 1e9) for row in rows]
        return {way: max(rate for other, rate in rates if other == way) for way, _ in rates}

    def crossover(self, batch_size: int | None = None, way: str = "eager") -> float | None:
        """Return from which size of X on, N · d, a step on the GPU takes less time than an eager one on the CPU.

        The size lies between two that were measured, where straight lines through their times cross on logarithmic
        axes. It is the smallest size measured where the GPU always wins, and None where it loses at the largest.

        Parameters
        ----------
        batch_size, way
            As for `step_times`; `way` is that of the GPU.
        """
        cpu, cuda = self.step_times("cpu", batch_size), self.step_times("cuda", batch_size, way)
        sizes = sorted(cpu.keys() & cuda.keys())
        gains = [math.log(cpu[size].median / cuda[size].median) for size in sizes]
        if not sizes or gains[-1] <= 0:
            return None
        after = next(index for index in range(len(sizes), -1, -1) if index == 0 or gains[index - 1] <= 0)
        if after == 0:
            return float(sizes[0])
        share = gains[after - 1] / (gains[after - 1] - gains[after])
        return math.exp((1 - share) * math.log(sizes[after - 1]) + share * math.log(sizes[after]))

    def save(self, path: str | Path) -> None:
        """Write the run as JSON. The file is there as a whole or not at all; one that was there before is replaced.

        Raises
        ------
        TypeError, ValueError
            If `path` is no path.
        OSError
            If it cannot be written: no such folder, no permission, no room.
        """
        path, text = _file(path), self._text()
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            part.write_text(text, encoding="utf-8")
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    def _text(self) -> str:
        name = {None: "GD", 10: "SGD 10", 100: "SGD 100"}
        summary = {  # for who reads the file; `load` computes it anew from the rows
            "crossover, in numbers of X": {
                f"{name[batch_size]}, {way}": _rounded(self.crossover(batch_size, way))
                for batch_size in name
                for way in ("eager", "graph")
            },
            "bandwidth, in GB/s": {
                device: {way: _rounded(rate) for way, rate in self.bandwidth(device).items()}
                for device in ("cpu", "cuda")
            },
        }
        about = {"schema": SCHEMA} | vars(self) | {"summary": summary}
        rows = [
            {key: value for key, value in asdict(row).items() if value not in (None, ())} for row in about.pop("rows")
        ]
        lines = ",\n  ".join(json.dumps(row) for row in rows)  # a line for each
        return f'{json.dumps(about, indent=1)[:-2]},\n "rows": [\n  {lines}\n ]\n}}\n'


def _rounded(number: float | None) -> float | None:
    """Keep four digits: the rest is noise."""
    return None if number is None else float(f"{number:.4g}")


def _file(path: object) -> Path:
    """Return the path of a file, if it can be one."""
    if not isinstance(path, str | Path):
        raise TypeError(f"path must be a string or a Path, got {type(path).__name__}")
    if "\0" in str(path) or not Path(path).name:
        raise ValueError(f"path must be that of a file, got {str(path)!r:.80}")
    return Path(path)


def load(path: str | Path) -> Run:
    """Read a run that was saved, and check that it is one.

    Raises
    ------
    TypeError
        If `path` is no path.
    ValueError
        If the file holds something else, or measurements of another schema.
    OSError
        If it cannot be read.
    """
    path = _file(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if (schema := content.pop("schema", None)) != SCHEMA:
            raise ValueError(f"its schema must be {SCHEMA}, got {schema}")
        content.pop("summary", None)
        rows = [Row(**row | {"samples": tuple(row.get("samples", ()))}) for row in content.pop("rows")]
        return Run(**content, rows=rows)
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise ValueError(f"{path} must be a file of measurements: {error}") from error


def recorded() -> list[Run]:
    """Return the runs that come with the package, the oldest first: possibly none, possibly none with a GPU."""
    paths = sorted(course_folder().glob("measurements/*.json"))  # of one day, in the order of their names
    return sorted(map(load, paths), key=lambda run: run.date)
