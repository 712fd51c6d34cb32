"""The device a lesson runs on, and timing that is right on each of them."""

import gc
import math
import os
import random
import statistics
import time
import timeit
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import torch


def device() -> torch.device:
    """Return the device to compute on: CUDA where there is a GPU, else the CPU.

    The environment variable ``LECTUREKIT_DEVICE`` (such as ``cpu`` or ``cuda:1``) overrides the choice; where it names
    no device, a ValueError comes. Apple's ``mps`` is never chosen by itself: its numbers differ in digits that the
    lessons print. Introduced in notebook 00, explained in notebook 02.

    Examples
    --------
    >>> torch.ones(3).to(device()).sum().item()
    3.0
    """
    wanted = os.environ.get("LECTUREKIT_DEVICE")
    if not wanted:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.device(wanted)
    except RuntimeError as error:
        raise ValueError(f"LECTUREKIT_DEVICE must name a device such as cpu or cuda, got {wanted!r}") from error


_default_device = device  # for functions that have an argument of this name


@contextmanager
def usual_defaults() -> Iterator[None]:
    """Make new tensors float32 and on the CPU, whatever the reader has set."""
    dtype = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        with torch.device("cpu"):
            yield
    finally:
        torch.set_default_dtype(dtype)


def synchronize(device: torch.device | str) -> None:
    """Wait until everything that was asked of `device` is done. On the CPU that is always so.

    Introduced in notebook 09. A CUDA call returns as soon as its work is queued.

    Examples
    --------
    >>> y = torch.ones(1000, device=device()).cumsum(dim=0)
    >>> synchronize(device())  # now y is computed
    """
    device = torch.device(device)
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def clock(device: torch.device) -> float:
    """Return the seconds on the clock once everything that was asked of `device` is done."""
    synchronize(device)
    return time.perf_counter()


def gpus_in_use() -> range:
    """Return the numbers of the GPUs whose random numbers may have been drawn. This starts none of them."""
    return range(torch.cuda.device_count() if torch.cuda.is_initialized() else 0)


@dataclass(frozen=True, repr=False)
class Timing:
    """How long one call of a function takes: samples in seconds, their median and quartiles.

    Each sample is the mean over several calls. One stall of the machine does not move the median.

    Examples
    --------
    >>> Timing((0.010, 0.012, 0.011, 0.010, 0.050))
    11.0 ms a call (half of the 5 samples from 10.0 to 12.0 ms)
    """

    samples: tuple[float, ...]

    @property
    def median(self) -> float:
        """Half of the samples lie below."""
        return statistics.median(self.samples)

    @property
    def quartiles(self) -> list[float]:
        """A quarter of the samples lies below the first, half below the second, three quarters below the third."""
        samples = self.samples if len(self.samples) > 1 else 2 * self.samples
        return statistics.quantiles(samples, n=4, method="inclusive")

    def __repr__(self) -> str:
        units = {"s": 1, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}
        unit = next((unit for unit, size in units.items() if self.median >= size), "ns")
        numbers = [value / units[unit] for value in self.quartiles]
        low, median, high = (f"{number:,.{sum(number < size for size in (10, 100))}f}" for number in numbers)
        return f"{median} {unit} a call (half of the {len(self.samples)} samples from {low} to {high} {unit})"


def measure(
    candidates: Mapping[str, Callable[[], object]],
    *,
    device: torch.device | str | None = None,
    repeats: int = 7,
    min_seconds: float = 0.02,
) -> dict[str, Timing]:
    """Time functions against each other, on the CPU or on a GPU.

    Each candidate is warmed up, and called as often as fills `min_seconds`. That is one sample, and the clock is read
    only when the device has finished. The candidates take turns in a shuffled order (with a generator of its own):
    whatever else slows the machine down slows down all of them. Introduced in notebook 00, explained in notebook 09.

    Parameters
    ----------
    candidates : mapping of str to functions without arguments
    device : torch.device or str whose work is waited for, by default that of `lecturekit.device`
    repeats : int, the samples of each candidate
    min_seconds : float, what one sample takes at least

    Examples
    --------
    >>> timing = measure({"sum": torch.ones(1000).sum}, min_seconds=0.001)["sum"]
    >>> len(timing.samples), timing.median > 0
    (7, True)
    """
    device = _default_device() if device is None else torch.device(device)
    # The timer of the standard library would switch garbage collection off.
    setup = "gc.enable()" if gc.isenabled() else "pass"
    timers = {name: timeit.Timer(candidate, setup, partial(clock, device)) for name, candidate in candidates.items()}
    calls = {name: _calls_that_fill(min_seconds, timer) for name, timer in timers.items()}
    samples: dict[str, list[float]] = {name: [] for name in candidates}
    generator = random.Random(0)
    for _ in range(repeats):
        for name in generator.sample(list(timers), len(timers)):
            samples[name].append(timers[name].timeit(calls[name]) / calls[name])
    return {name: Timing(tuple(values)) for name, values in samples.items()}


def _calls_that_fill(min_seconds: float, timer: timeit.Timer) -> int:
    timer.timeit(1)  # the first call may compile, allocate or load something: do not measure it
    calls = 1
    # The shorter of two measurements: where the machine stalls, a few calls look like many.
    while (seconds := min(timer.repeat(2, calls))) < min_seconds:
        calls = min(10 * calls, math.ceil(1.1 * calls * min_seconds / max(seconds, 1e-9)))
    return calls
