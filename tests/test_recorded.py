"""Recorded measurements: they are read right, and what the course brings is whole."""

import getpass
import platform
from pathlib import Path

import lecturekit as lk
from lecturekit.lessons.recorded import Benchmark, recorded

FILES = sorted((Path(__file__).parents[1] / "data" / "measurements").glob("*.json"))
MACHINE = {"processor": "Abacus", "threads": 1, "gpu": None}
FAILED = {"kind": "step", "device": "cuda", "way": "eager", "N": 9, "d": 10, "failed": "out of memory"}


def step(N, seconds, device="cpu", way="eager", **more):
    return {"kind": "step", "device": device, "way": way, "N": N, "d": 10, "samples": [seconds]} | more


def benchmark(*rows, **machine):
    return Benchmark(MACHINE | machine, "2026-01-31", list(rows))


def test_times_of_a_step_are_those_of_the_device_batch_size_and_way():
    training = step(4, 4.0) | {"kind": "to loss"}
    found = benchmark(step(2, 0.5), step(3, 0.7, batch_size=10), step(1, 0.1, "cuda", "graph"), FAILED, training)
    assert found.step_times("cpu") == {20: lk.Timing((0.5,))}
    assert found.step_times("cpu", 10) == {30: lk.Timing((0.7,))}
    assert found.step_times("cuda") == {}
    assert found.step_times("cuda", way="graph") == {10: lk.Timing((0.1,))}


def test_what_the_course_brings_is_whole_and_names_nobody():
    found = recorded()
    assert len(found) == len(FILES) and [one.date for one in found] == sorted(one.date for one in found)
    assert any(one.step_times("cpu") and one.step_times("cpu", 10) for one in found)
    for one in found:
        assert all(("failed" in row) != (min(row.get("samples", [0])) > 0) for row in one.rows)
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        assert platform.node() not in text and f"/{getpass.getuser()}" not in text and "/home" not in text
