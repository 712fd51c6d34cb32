"""The device a lesson runs on, and timing that is right on each of them."""

from __future__ import annotations

import math
import os
import random
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from . import _validate

FLOAT32_ON_CPU = {"dtype": torch.float32, "device": "cpu"}  # given each time: a reader may have changed the defaults


def device() -> torch.device:
    """Return the device to compute on: CUDA where there is a GPU, else the CPU.

    The environment variable ``LECTUREKIT_DEVICE`` (such as ``cpu`` or ``cuda:1``) overrides the choice.

    Returns
    -------
    torch.device

    Raises
    ------
    ValueError
        If ``LECTUREKIT_DEVICE`` names no device, or CUDA where PyTorch finds no GPU.

    Notes
    -----
    Introduced in notebook 00, explained in notebook 02. Apple's ``mps`` is never chosen by itself: its numbers differ
    in digits that the lessons print. Ask for it by name if you want to try it.
    """
    wanted = os.environ.get("LECTUREKIT_DEVICE")
    if not wanted:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return _validate.device("LECTUREKIT_DEVICE", wanted)


_default_device = device  # for functions that have an argument of this name


def synchronize(device: torch.device) -> None:
    """Wait until everything that was asked of `device` is done; on the CPU that is always so.

    Parameters
    ----------
    device : torch.device

    Raises
    ------
    TypeError
        If `device` is something else.

    Notes
    -----
    Introduced in notebook 02. A CUDA call returns as soon as its work is queued: a clock read without this measures
    the queueing.
    """
    if not isinstance(device, torch.device):
        raise TypeError(f"device must be a torch.device, got {device!r}: make one with torch.device(…)")
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def gpus_in_use() -> range:
    """Return the numbers of the GPUs whose random numbers somebody may have drawn; asking wakes none of them."""
    return range(torch.cuda.device_count() if torch.cuda.is_initialized() else 0)


@dataclass(frozen=True, repr=False)
class Timing:
    """How long one call of a function takes.

    Attributes
    ----------
    samples : tuple of float
        Seconds a call, in the order in which they were measured; each is the mean over the calls of one sample.
        At least one, none negative.
    """

    samples: tuple[float, ...]

    def __post_init__(self):
        if not isinstance(self.samples, tuple) or not self.samples:
            raise TypeError(f"samples must be a tuple of at least one number, got {self.samples!r:.80}")
        for seconds in self.samples:
            if _validate.number("each of samples", seconds) < 0:
                raise ValueError(f"samples must not be negative, got {seconds}")

    @property
    def median(self) -> float:
        """The middle one of the samples, in seconds a call. One stall of the machine does not move it."""
        return statistics.median(self.samples)

    @property
    def low(self) -> float:
        """The lower quartile of the samples, in seconds a call: a quarter of them lies below."""
        return self._quartile(0)

    @property
    def high(self) -> float:
        """The upper quartile of the samples, in seconds a call: a quarter of them lies above."""
        return self._quartile(2)

    def _quartile(self, index: int) -> float:
        if len(self.samples) == 1:
            return self.samples[0]
        return statistics.quantiles(self.samples, n=4, method="inclusive")[index]

    def __repr__(self) -> str:
        unit, size = next(
            ((unit, size) for unit, size in (("s", 1), ("ms", 1e-3), ("µs", 1e-6)) if self.median >= size), ("ns", 1e-9)
        )
        median, low, high = (f"{_three_digits(seconds / size)}" for seconds in (self.median, self.low, self.high))
        return f"{median} {unit} a call (half of the {len(self.samples)} samples from {low} to {high} {unit})"


def _three_digits(number: float) -> str:
    """Write a number with three digits, without an exponent: 1.23, 12.3, 123, 1230."""
    decimals = max(0, 2 - math.floor(math.log10(number))) if 0 < number < math.inf else 0
    return f"{number:,.{decimals}f}"


def measure(
    candidates: Mapping[str, Callable[[], object]],
    *,
    device: torch.device | str | None = None,
    repeats: int = 7,
    min_seconds: float = 0.02,
) -> dict[str, Timing]:
    """Time functions against each other, on the CPU or on a GPU.

    Each candidate is warmed up, and called as often as fills `min_seconds`. That is one sample, and the clock is read
    only when the device has finished. The candidates take turns in a shuffled order: whatever else slows the machine
    down slows down all of them.

    Parameters
    ----------
    candidates : mapping of str to callable
        Functions without arguments; what they return is ignored.
    device : torch.device or str, optional
        The device whose work is waited for. Default: that of `lecturekit.device`.
    repeats : int
        Samples of each candidate, at least 1.
    min_seconds : float
        How long one sample takes at least, about. The longer, the less the clock itself matters.

    Returns
    -------
    dict of str to Timing
        In the order of `candidates`.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described, or if `device` is CUDA where PyTorch finds no GPU.

    Notes
    -----
    Introduced in notebook 00, explained in notebook 02. The order has a generator of its own: no other random draw
    disturbs it or is disturbed.
    """
    if not isinstance(candidates, Mapping):
        raise TypeError(f"candidates must be a dict of functions, got {type(candidates).__name__}")
    if not candidates:
        raise ValueError("candidates must hold at least one function, got none")
    for name, candidate in candidates.items():
        _validate.function(f"candidates[{name!r}]", candidate)
    _validate.integer("repeats", repeats, 1)
    if _validate.number("min_seconds", min_seconds) <= 0:
        raise ValueError(f"min_seconds must be positive, got {min_seconds}")
    device = _default_device() if device is None else _validate.device("device", device)

    calls = {name: _calls_that_fill(min_seconds, candidate, device) for name, candidate in candidates.items()}
    samples: dict[str, list[float]] = {name: [] for name in candidates}
    order, generator = list(candidates), random.Random(0)
    for _ in range(repeats):
        generator.shuffle(order)
        for name in order:
            samples[name].append(_seconds(candidates[name], calls[name], device) / calls[name])
    return {name: Timing(tuple(values)) for name, values in samples.items()}


def _calls_that_fill(min_seconds: float, candidate: Callable[[], object], device: torch.device) -> int:
    candidate()  # the first call may compile, allocate or load something: it is not looked at
    calls = 1
    # What looks long enough is looked at twice: where the machine stalls, a few calls look like many.
    while any((seconds := _seconds(candidate, calls, device)) < min_seconds for _ in range(2)):
        calls = min(10 * calls, math.ceil(1.1 * calls * min_seconds / max(seconds, 1e-9)))
    return calls


def _seconds(candidate: Callable[[], object], calls: int, device: torch.device) -> float:
    synchronize(device)
    start = time.perf_counter()
    for _ in range(calls):
        candidate()
    synchronize(device)
    return time.perf_counter() - start
