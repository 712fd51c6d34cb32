"""The device: chosen by what there is, or by LECTUREKIT_DEVICE. Timing that is right on each of them."""

import random

import pytest
import torch
from common import needs_gpu
from hypothesis import given
from hypothesis import strategies as st

import lecturekit as lk
from lecturekit import devices


@pytest.fixture
def machine(gpus, monkeypatch):
    """Set whether the machine has GPUs and what LECTUREKIT_DEVICE says."""

    def configure(gpu, wanted=None):
        gpus(2 if gpu else 0)
        monkeypatch.delenv("LECTUREKIT_DEVICE", raising=False)
        if wanted is not None:
            monkeypatch.setenv("LECTUREKIT_DEVICE", wanted)

    return configure


@pytest.mark.parametrize(
    ("gpu", "wanted", "expected"),
    [
        (False, None, "cpu"),
        (True, None, "cuda"),
        (True, "", "cuda"),
        (True, "cpu", "cpu"),
        (True, "cuda:1", "cuda:1"),
        (False, "mps", "mps"),
    ],
)
def test_device(machine, gpu, wanted, expected):
    machine(gpu, wanted)
    assert lk.device() == torch.device(expected)


def test_mps_is_not_chosen_by_itself(machine, monkeypatch):
    machine(False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert lk.device() == torch.device("cpu")


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("gpu", "LECTUREKIT_DEVICE must name a device such as cpu or cuda, got 'gpu'"),
        ("cuda:x", "LECTUREKIT_DEVICE must name a device such as cpu or cuda, got 'cuda:x'"),
        ("cuda", "LECTUREKIT_DEVICE must name a device of this machine, got 'cuda', but there is no GPU"),
    ],
)
def test_device_refuses(machine, wanted, words):
    machine(False, wanted)
    with pytest.raises(ValueError, match=words):
        lk.device()


def test_synchronize_waits_for_the_device_it_is_given(monkeypatch):
    waited = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: waited.append(device))
    monkeypatch.setattr(torch.mps, "synchronize", lambda: waited.append("mps"))
    lk.synchronize(torch.device("cpu"))
    assert waited == []
    lk.synchronize(torch.device("cuda:1"))
    lk.synchronize(torch.device("mps"))
    assert waited == [torch.device("cuda:1"), "mps"]


def test_synchronize_refuses_a_name():
    with pytest.raises(TypeError, match=r"^device must be a torch\.device, got 'cpu': make one with torch\.device"):
        lk.synchronize("cpu")


@needs_gpu
def test_batches_on_a_gpu_are_those_of_the_cpu():
    X = torch.arange(3000.0).reshape(-1, 1)
    batches = [
        [X_batch.cpu() for X_batch, _ in lk.minibatches(part, part, 10, torch.Generator().manual_seed(1))]
        for part in (X, X.cuda())
    ]
    assert all(torch.equal(a, b) for a, b in zip(*batches, strict=True))


# --- timing -----------------------------------------------------------------------------------------------------------
# A real clock would make these tests fail on a busy machine: here time passes only when a candidate says so.


class Machine:
    """A clock, and a device that may work while the clock is read."""

    def __init__(self, patch, queues=False):
        self.now, self.pending, self.log, self.queues = 0.0, 0.0, [], queues
        patch.setattr(devices.time, "perf_counter", lambda: self.now)
        patch.setattr(devices, "synchronize", self.synchronize)

    def synchronize(self, device):
        self.log.append(device)
        self.now += self.pending
        self.pending = 0.0

    def work(self, name, *seconds):
        """A candidate whose calls take these seconds; from the last one on, always the same."""
        costs = iter(seconds)
        last = seconds[-1]

        def candidate():
            if len(self.log) > 10**5:
                pytest.fail("called without end")
            self.log.append(name)
            cost = next(costs, last)
            if self.queues:
                self.pending += cost
            else:
                self.now += cost

        return candidate


@pytest.fixture
def clock(monkeypatch):
    return Machine(monkeypatch)


def test_timing_quartiles():
    timing = lk.Timing((5.0, 1.0, 3.0, 4.0, 2.0))
    assert (timing.low, timing.median, timing.high) == (2.0, 3.0, 4.0)
    single = lk.Timing((0.25,))
    assert (single.low, single.median, single.high) == (0.25, 0.25, 0.25)


@pytest.mark.parametrize(
    ("samples", "error", "words"),
    [
        ((), TypeError, r"samples must be a tuple of at least one number, got \(\)"),
        ([1.0], TypeError, r"samples must be a tuple of at least one number, got \[1\.0\]"),
        ((1.0, -1e-9), ValueError, "samples must not be negative, got -1e-09"),
        ((1.0, float("nan")), ValueError, "each of samples must be finite, got nan"),
        ((1.0, "2"), TypeError, "each of samples must be a number, got '2' of type str"),
    ],
)
def test_timing_refuses(samples, error, words):
    with pytest.raises(error, match=f"^{words}$"):
        lk.Timing(samples)


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        ((1.0,), "1.00 s a call (half of the 1 samples from 1.00 to 1.00 s)"),
        ((1.5, 1.5, 1.5), "1.50 s a call (half of the 3 samples from 1.50 to 1.50 s)"),
        ((0.0123, 0.0124, 0.0223), "12.4 ms a call (half of the 3 samples from 12.3 to 17.4 ms)"),
        ((7e-6, 8e-6, 2e-3), "8.00 µs a call (half of the 3 samples from 7.50 to 1,004 µs)"),
        ((3e-9,), "3.00 ns a call (half of the 1 samples from 3.00 to 3.00 ns)"),
        ((150.0,), "150 s a call (half of the 1 samples from 150 to 150 s)"),
        ((0.0004, 0.0011, 0.0011), "1.10 ms a call (half of the 3 samples from 0.750 to 1.10 ms)"),
        ((0.0,), "0 ns a call (half of the 1 samples from 0 to 0 ns)"),  # a clock too coarse
    ],
)
def test_timing_in_words(samples, words):
    assert repr(lk.Timing(samples)) == words


@given(st.floats(1e-4, 3.0), st.floats(1e-4, 3.0), st.floats(1e-3, 0.02))
def test_measure_gives_the_seconds_of_one_call(a, b, min_seconds):
    with pytest.MonkeyPatch.context() as patch:
        machine = Machine(patch)
        timings = lk.measure(
            {"a": machine.work("a", a), "b": machine.work("b", b)},
            device="cpu",
            repeats=3,
            min_seconds=min_seconds,
        )
    assert list(timings) == ["a", "b"] and all(len(timing.samples) == 3 for timing in timings.values())
    assert timings["a"].median == pytest.approx(a, rel=1e-3) and timings["b"].median == pytest.approx(b, rel=1e-3)


def test_first_call_is_not_measured(clock):
    timings = lk.measure({"compiled": clock.work("compiled", 60.0, 0.001)}, device="cpu")
    assert timings["compiled"].samples == pytest.approx([0.001] * 7)
    assert clock.log.count("compiled") >= 7 * 20  # nor does it decide how many calls fill the time


def test_one_stall_moves_no_median(clock):
    stalled = clock.work("a", *[0.01] * 7, 9.0, 0.01)  # in the middle of the samples
    timing = lk.measure({"a": stalled}, device="cpu", min_seconds=0.01)["a"]
    assert max(timing.samples) > 1 and timing.median == pytest.approx(0.01) and timing.high == pytest.approx(0.01)


def test_samples_fill_the_time_and_take_turns(clock):
    costs = {"a": 0.001, "b": 0.003, "c": 0.05}
    lk.measure(
        {name: clock.work(name, cost) for name, cost in costs.items()}, device="cpu", repeats=6, min_seconds=0.02
    )
    samples, calls = [], []  # between two waits, where there are calls at all
    for entry in clock.log:
        if isinstance(entry, torch.device):
            samples += [calls] if calls else []
            calls = []
        else:
            calls.append(entry)
    last = samples[-18:]
    for turn in range(0, 18, 3):
        assert sorted(part[0] for part in last[turn : turn + 3]) == ["a", "b", "c"]
    assert (
        len({tuple(part[0] for part in last[turn : turn + 3]) for turn in range(0, 18, 3)}) > 1
    )  # not always in order
    for part in last:
        assert set(part) == {part[0]} and len(part) * costs[part[0]] >= 0.02


def test_a_sample_lasts_a_fiftieth_of_a_second_where_nothing_else_is_said(clock):
    """A call is looked at, then as many as fill the time, a tenth more, twice: 3 of 10 ms. Then come 7 samples of 3."""
    timing = lk.measure({"a": clock.work("a", 0.01)}, device="cpu")["a"]
    assert len(timing.samples) == 7 and clock.log.count("a") == 1 + 1 + 2 * 3 + 7 * 3


def test_a_stall_while_the_calls_are_counted_makes_no_sample_short(clock):
    stalled = clock.work("a", 0.001, 9.0, 0.001)  # the call that is looked at first
    lk.measure({"a": stalled}, device="cpu")
    assert clock.log.count("a") >= 7 * 20


def test_work_that_is_only_queued_is_waited_for(gpus, monkeypatch):
    gpus(2)
    machine = Machine(monkeypatch, queues=True)
    timings = lk.measure({"a": machine.work("a", 0.004)}, device="cuda:1", min_seconds=0.02)
    assert timings["a"].samples == pytest.approx([0.004] * 7)
    assert {entry for entry in machine.log if entry != "a"} == {torch.device("cuda:1")}


def test_work_that_was_queued_before_is_not_measured(gpus, monkeypatch):
    gpus(1)
    machine = Machine(monkeypatch, queues=True)
    timings = lk.measure({"compiled": machine.work("compiled", 60.0, 0.001)}, device="cuda", min_seconds=0.02)
    assert timings["compiled"].samples == pytest.approx([0.001] * 7)
    assert machine.log.count("compiled") >= 7 * 20  # nor does it decide how many calls fill the time


def test_measure_waits_for_the_device_of_the_lessons(clock, machine):
    machine(True, "cuda:1")
    lk.measure({"a": clock.work("a", 0.1)})
    assert torch.device("cuda:1") in clock.log and torch.device("cpu") not in clock.log


def test_measure_disturbs_no_random_draw(clock):
    state = random.getstate(), torch.get_rng_state()
    lk.measure({name: clock.work(name, 0.1) for name in "abc"}, device="cpu")
    assert random.getstate() == state[0] and torch.equal(torch.get_rng_state(), state[1])


def test_measure_with_the_real_clock():
    X = torch.ones(50, 50)
    timings = lk.measure({"small": lambda: X @ X}, repeats=2, min_seconds=1e-4)
    assert all(1e-8 < seconds < 10 for seconds in timings["small"].samples)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"candidates": [print]}, TypeError, "candidates must be a dict of functions, got list"),
        ({"candidates": {}}, ValueError, "^candidates must hold at least one function, got none$"),
        ({"candidates": {"a": 3}}, TypeError, r"candidates\['a'\] must be a function, got int"),
        ({"repeats": 0}, ValueError, "repeats must be an int of at least 1, got 0"),
        ({"repeats": 2.0}, TypeError, "repeats must be an int of at least 1, got 2.0 of type float"),
        ({"min_seconds": 0}, ValueError, "min_seconds must be positive, got 0"),
        ({"min_seconds": float("nan")}, ValueError, "min_seconds must be finite, got nan"),
        ({"device": "gpu"}, ValueError, "device must name a device such as cpu or cuda, got 'gpu'"),
        ({"device": "cuda"}, ValueError, "device must name a device of this machine, got 'cuda', but there is no GPU"),
    ],
)
def test_measure_refuses(machine, change, error, words):
    machine(False)
    arguments = {"candidates": {"a": lambda: pytest.fail("called")}} | change
    with pytest.raises(error, match=words):
        lk.measure(arguments.pop("candidates"), **arguments)
