"""Recorded measurements: what follows from them is computed right, and a file that would mislead is refused."""

import getpass
import json
import platform
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lecturekit as lk
from lecturekit.lessons.recorded import Benchmark, Measurement, load, recorded

FILES = sorted((Path(__file__).parents[1] / "data" / "measurements").glob("*.json"))
MACHINE = {"processor": "Abacus", "threads": 1, "gpu": None}


def step(N, seconds, device="cpu", batch_size=None, way="eager"):
    return Measurement("step", device, way, N, 10, batch_size, samples=(seconds,))


def benchmark(*measurements, **machine):
    return Benchmark(MACHINE | machine, {"torch": "2.13"}, "2026-01-31", "a command", measurements=measurements)


@given(st.floats(2e2, 8e5), st.floats(0.2, 1.5))
def test_crossover_lies_where_two_power_laws_cross(size, slope):
    """The GPU needs the same time for every size, the CPU a power of it: they cross at one size, between the rows."""
    rows = [step(10**k, 1e-3, "cuda") for k in range(1, 6)]
    rows += [step(10**k, 1e-3 * (10 * 10**k / size) ** slope) for k in range(1, 6)]
    random.Random(0).shuffle(rows)
    assert benchmark(*rows).crossover() == pytest.approx(size, rel=1e-6)


@pytest.mark.parametrize(
    ("cpu", "cuda", "expected"),
    [
        ([1, 2, 3], [0.5, 0.5, 0.5], 10),  # the GPU always wins: the smallest size
        ([1, 2, 3], [0.5, 2.5, 3.5], None),  # it loses at the largest
        ([1, 2, 3], [2, 2.5, 3], None),  # as fast is not faster
        ([2, 1, 4], [1, 2, 1], 100 * 10 ** (1 / 3)),  # it wins, loses, and wins from there on
        ([1, 2, 3], [], None),  # no GPU
    ],
)
def test_crossover_at_the_ends(cpu, cuda, expected):
    rows = [step(10**k, seconds) for k, seconds in enumerate(cpu)]
    rows += [step(10**k, seconds, "cuda") for k, seconds in enumerate(cuda)]
    assert benchmark(*rows).crossover() == (expected and pytest.approx(expected))


def test_times_of_a_step_are_those_of_the_device_batch_size_and_way():
    failed = Measurement("step", "cpu", "eager", 9, 10, failed="out of memory")
    training = Measurement("to loss", "cpu", "eager", 4, 10, samples=(4.0,), steps=7)
    found = benchmark(step(2, 0.5), step(3, 0.7, batch_size=10), step(1, 0.1, "cuda", way="graph"), failed, training)
    assert found.step_times("cpu") == {20: lk.Timing((0.5,))}
    assert found.step_times("cpu", 10) == {30: lk.Timing((0.7,))}
    assert found.step_times("cuda") == {}
    assert found.step_times("cuda", way="graph") == {10: lk.Timing((0.1,))}


def test_title_and_device():
    failed = Measurement("step", "cuda", "eager", 9, 10, failed="out of memory")
    assert benchmark(step(1, 1.0), failed).device == "cpu"
    assert benchmark(step(1, 1.0)).title == "Abacus, 1 thread"
    assert benchmark(step(1, 1.0), threads=2).title == "Abacus, 2 threads"
    assert benchmark(step(1, 1.0, "cuda"), gpu="Fast").title == "Fast"


@pytest.mark.parametrize(
    ("schema", "row", "message"),
    [
        (2, {"samples": [1.0]}, "measurements of schema 1, got 2"),
        (1, {}, "must have positive samples or say why it failed"),
        (1, {"samples": []}, "must have positive samples or say why it failed"),
        (1, {"samples": [0.5, 0.0]}, "must have positive samples or say why it failed"),
        (1, {"samples": [0.5], "failed": "out of memory"}, "must have positive samples or say why it failed"),
    ],
)
def test_a_file_that_would_mislead_is_refused(tmp_path, schema, row, message):
    content = json.loads(FILES[0].read_text(encoding="utf-8")) | {"schema": schema}
    content["rows"].append({"kind": "step", "device": "cpu", "way": "eager", "N": 70, "d": 2} | row)
    path = tmp_path / "tampered.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        load(path)


def test_what_the_course_brings_is_whole_and_names_nobody():
    found = recorded()
    assert len(found) == len(FILES) and [one.date for one in found] == sorted(one.date for one in found)
    assert any(one.device == "cpu" and one.step_times("cpu") and one.step_times("cpu", 10) for one in found)
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        assert platform.node() not in text and f"/{getpass.getuser()}" not in text and "/home" not in text
