"""The device: chosen by what there is, or by LECTUREKIT_DEVICE. Timing that is right on each of them."""

import random
from itertools import groupby

import pytest
import torch

import lecturekit as lk
from lecturekit import devices


@pytest.mark.parametrize(
    ("num_gpus", "wanted", "expected"),
    [
        (0, None, "cpu"),
        (2, None, "cuda"),
        (2, "", "cuda"),
        (2, "cuda:1", "cuda:1"),
        (0, "mps", "mps"),
    ],
)
def test_device(gpus, monkeypatch, num_gpus, wanted, expected):
    gpus(num_gpus)
    monkeypatch.delenv("LECTUREKIT_DEVICE", raising=False)
    if wanted is not None:
        monkeypatch.setenv("LECTUREKIT_DEVICE", wanted)
    assert lk.device() == torch.device(expected)


def test_an_unknown_device_is_named(monkeypatch):
    monkeypatch.setenv("LECTUREKIT_DEVICE", "gpu")
    with pytest.raises(ValueError, match=r"^LECTUREKIT_DEVICE must name a device such as cpu or cuda, got 'gpu'$"):
        lk.device()


def test_synchronize_waits_for_the_device_it_is_given(monkeypatch):
    waited = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: waited.append(device))
    monkeypatch.setattr(torch.mps, "synchronize", lambda: waited.append("mps"))
    lk.synchronize(torch.device("cpu"))
    assert waited == []
    lk.synchronize(torch.device("cuda:1"))
    lk.synchronize("mps")
    assert waited == [torch.device("cuda:1"), "mps"]


# --- timing -----------------------------------------------------------------------------------------------------------
# A real clock would make these tests fail on a busy machine: here time passes only when a candidate says so.


class Machine:
    """A clock, and a device that works only when it is waited for."""

    def __init__(self, patch):
        self.now, self.pending, self.log = 0.0, 0.0, []
        patch.setattr(devices.time, "perf_counter", lambda: self.now)
        patch.setattr(devices, "synchronize", self.synchronize)

    def synchronize(self, device):
        self.log.append(device)
        self.now += self.pending
        self.pending = 0.0

    def work(self, name, *seconds):
        """A candidate whose calls take these seconds; from the last one on, always the same."""
        costs = iter(seconds)

        def candidate():
            assert len(self.log) < 10**5, "called without end"
            self.log.append(name)
            self.pending += next(costs, seconds[-1])

        return candidate


@pytest.fixture
def clock(monkeypatch):
    return Machine(monkeypatch)


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        ((0.0123, 0.0124, 0.0223), "12.4 ms a call (half of the 3 samples from 12.3 to 17.4 ms)"),
        ((7e-6, 8e-6, 2e-3), "8.00 µs a call (half of the 3 samples from 7.50 to 1,004 µs)"),
        ((0.0,), "0.00 ns a call (half of the 1 samples from 0.00 to 0.00 ns)"),  # a clock too coarse
    ],
)
def test_timing_in_words(samples, words):
    assert repr(lk.Timing(samples)) == words


@pytest.mark.parametrize("device", ["cuda:1", None])
def test_the_first_call_is_neither_measured_nor_decides_how_many_fill_the_time(clock, monkeypatch, device):
    """Without a device it is that of the lessons whose work is waited for."""
    monkeypatch.setenv("LECTUREKIT_DEVICE", "cuda:1")
    timings = lk.measure({"compiled": clock.work("compiled", 60.0, 0.001)}, device=device)
    assert timings["compiled"].samples == pytest.approx([0.001] * 7)
    assert clock.log.count("compiled") >= 7 * 20
    assert {entry for entry in clock.log if entry != "compiled"} == {torch.device("cuda:1")}


def test_one_stall_moves_no_median(clock):
    """Neither in the middle of the samples nor while the calls are counted."""
    timing = lk.measure({"a": clock.work("a", *[0.01] * 9, 9.0, 0.01)}, device="cpu", min_seconds=0.01)["a"]
    assert max(timing.samples) > 1 and timing.quartiles[1:] == pytest.approx([0.01, 0.01])
    lk.measure({"b": clock.work("b", 0.001, 9.0, 0.001)}, device="cpu")
    assert clock.log.count("b") >= 7 * 20


def test_samples_fill_the_time_and_take_turns(clock):
    costs, state = {"a": 0.001, "b": 0.003, "c": 0.05}, random.getstate()
    candidates = {name: clock.work(name, cost) for name, cost in costs.items()}
    timings = lk.measure(candidates, device="cpu", repeats=6, min_seconds=0.02)
    assert {name: timing.median for name, timing in timings.items()} == pytest.approx(costs)
    assert random.getstate() == state  # the order has a generator of its own
    between_waits = groupby(clock.log, key=lambda entry: isinstance(entry, torch.device))
    samples = [list(calls) for is_wait, calls in between_waits if not is_wait]
    turns = [samples[-18:][start : start + 3] for start in range(0, 18, 3)]
    assert all(sorted(part[0] for part in turn) == ["a", "b", "c"] for turn in turns)
    assert len({tuple(part[0] for part in turn) for turn in turns}) > 1  # not always in the same order
    for part in samples[-18:]:
        assert set(part) == {part[0]} and len(part) * costs[part[0]] >= 0.02
