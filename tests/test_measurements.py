"""The benchmark and its files: measured is what is said, what follows is computed from it, and nothing gets lost."""

import contextlib
import datetime
import errno
import getpass
import io
import json
import math
import os
import platform
import random
import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from common import needs_gpu
from hypothesis import given
from hypothesis import strategies as st

import lecturekit as lk
from lecturekit import measurements
from lecturekit.measurements import Row, Run, __main__, measuring, records

CPU = torch.device("cpu")
MACHINE = {"processor": "Abacus", "threads": 1, "gpu": None}


def run_of(*rows, **change):
    about = {"machine": MACHINE, "versions": {"python": "3.11", "torch": "2.13"}, "date": "2026-01-31", "command": "x"}
    return Run(**about | change, rows=list(rows))


def step_row(N, seconds, device="cpu", batch_size=None, way="eager"):
    return Row("step", device, way, N, 10, batch_size, samples=(seconds,))


# --- what follows from the rows ---------------------------------------------------------------------------------------


@given(st.floats(2e2, 8e5), st.floats(0.2, 1.5))
def test_crossover_lies_where_two_power_laws_cross(size, slope):
    """The GPU needs the same time for every size, the CPU a power of it: they cross at one size, between the rows."""
    rows = [step_row(10**k, 1e-3, "cuda") for k in range(1, 6)]
    rows += [step_row(10**k, 1e-3 * (10 * 10**k / size) ** slope) for k in range(1, 6)]
    random.Random(0).shuffle(rows)
    assert run_of(*rows).crossover() == pytest.approx(size, rel=1e-6)


def test_crossover_is_the_last_one():
    """Where the GPU wins, loses and wins again, only the last size counts: from there on it is faster."""
    cpu, cuda = [2.0, 1.0, 4.0], [1.0, 2.0, 1.0]
    rows = [step_row(N, seconds) for N, seconds in zip((1, 10, 100), cpu, strict=True)]
    rows += [step_row(N, seconds, "cuda") for N, seconds in zip((1, 10, 100), cuda, strict=True)]
    assert run_of(*rows).crossover() == pytest.approx(100 * 10 ** (1 / 3))


def test_crossover_at_the_ends():
    cpu = [step_row(1, 1.0), step_row(10, 2.0), step_row(100, 3.0)]
    always = [step_row(N, 0.5, "cuda") for N in (1, 10, 1000)]
    never = [step_row(1, 0.5, "cuda"), step_row(10, 2.5, "cuda")]
    assert run_of(*cpu, *always).crossover() == 10.0
    assert run_of(*cpu, *never).crossover() is None
    assert run_of(*cpu).crossover() is None and run_of().crossover() is None
    assert run_of(*cpu, *(step_row(N, 2.0, "cuda") for N in (1, 10))).crossover() is None, "as fast is not faster"


def test_crossover_of_each_batch_size_and_way():
    rows = [step_row(N, N * 1e-3, batch_size=10) for N in (1, 100)]
    rows += [step_row(N, 5e-3, "cuda", 10, "graph") for N in (1, 100)]
    run = run_of(*rows)
    assert run.crossover(10, "graph") == pytest.approx(50)
    assert run.crossover(10) is None and run.crossover() is None and run.crossover(100, "graph") is None


def test_times_by_size():
    failed = Row("step", "cpu", "eager", 9, 10, failed="out of memory")
    whole = Row("to loss", "cpu", "eager", 3, 10, 100, samples=(4.0, 5.0), steps=7)
    run = run_of(step_row(2, 0.5), step_row(3, 0.7, batch_size=10), failed, whole)
    assert run.step_times("cpu") == {20: lk.Timing((0.5,))}
    assert run.step_times("cpu", 10) == {30: lk.Timing((0.7,))} and run.step_times("cuda") == {}
    assert run.times_to_loss("cpu", 100) == {30: lk.Timing((4.0, 5.0))}


def test_bandwidth_of_the_fastest_shape():
    rows = [Row("bandwidth", "cpu", "copy", N, 10, samples=(s, s, 9.0), bytes=10**9) for N, s in ((1, 0.5), (2, 0.25))]
    assert run_of(*rows).bandwidth("cpu") == {"copy": 4.0} and run_of(*rows).bandwidth("cuda") == {}


def test_device_and_title():
    failed = Row("step", "cuda", "eager", 9, 10, failed="out of memory")
    assert run_of(step_row(1, 1.0), failed).device == "cpu"
    assert run_of(step_row(1, 1.0)).title == "Abacus, 1 thread"
    assert run_of(machine=MACHINE | {"threads": 2}).title == "Abacus, 2 threads"
    assert run_of(step_row(1, 1.0, "cuda"), machine=MACHINE | {"gpu": "Fast"}).title == "Fast"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (step_row(10**6, 0.002), "step       cpu   eager             1,000,000 × 10    "),
        (step_row(70, 1e-5, "cuda", 100, "graph"), "step       cuda  SGD 100, graph    70 × 10           "),
    ],
)
def test_row_in_words(row, words):
    assert str(row) == words + repr(lk.Timing(row.samples))
    failed = replace(row, samples=(), failed="out of memory")
    assert str(failed) == words + "out of memory"


# --- files ------------------------------------------------------------------------------------------------------------


@st.composite
def rows(draw):
    samples = tuple(draw(st.lists(st.floats(1e-9, 1e3), max_size=5)))
    return Row(
        kind=draw(st.sampled_from(["step", "to loss", "bandwidth"])),
        device=draw(st.sampled_from(["cpu", "cuda"])),
        way=draw(st.sampled_from(["eager", "graph", "copy", "textbook", "blocks"])),
        N=draw(st.integers(1, 10**9)),
        d=draw(st.integers(1, 1000)),
        batch_size=draw(st.sampled_from([None, 10, 100])),
        samples=samples,
        steps=draw(st.none() | st.integers(1, 1000)),
        bytes=draw(st.integers(1, 10**12)),
        failed=None if samples else draw(st.text(min_size=1)),
    )


@given(st.lists(rows(), max_size=6), st.text())
def test_what_is_saved_is_loaded(tmp_path_factory, some, note):
    path = tmp_path_factory.mktemp("runs") / "run.json"
    run = run_of(*some, note=note)
    run.save(path)
    assert measurements.load(path) == run
    assert [file.name for file in path.parent.iterdir()] == ["run.json"]


@pytest.mark.parametrize("where", ["write_text", "replace"])
def test_full_disk_leaves_the_old_file_and_no_other(monkeypatch, tmp_path, where):
    path = tmp_path / "run.json"
    run_of(note="old").save(path)

    def full(self, *arguments, **keywords):
        self.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left"):
        patch.setattr(Path, where, full)
        run_of(note="new").save(path)
    assert measurements.load(path).note == "old" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda c: c.update(schema=2), "its schema must be 1, got 2"),
        (lambda c: c.pop("schema"), "its schema must be 1, got None"),
        (lambda c: c.pop("rows"), "rows"),
        (lambda c: c.pop("date"), "date"),
        (lambda c: c.update(date="yesterday"), "yesterday"),
        (lambda c: c.update(host="mine"), "host"),
        (lambda c: c["machine"].pop("gpu"), "machine must name processor, threads, gpu, got no gpu"),
        (lambda c: c["rows"][0].update(colour="red"), "colour"),
        (lambda c: c["rows"][0].pop("N"), "N"),
        (lambda c: c["rows"][0].update(N=2.5), "N must be an int of at least 1, got 2.5"),
        (lambda c: c["rows"][0].update(kind="jump"), "kind must be one of step, to loss, bandwidth, got 'jump'"),
        (lambda c: c["rows"][0].update(samples=[-1.0]), "samples must be positive, got -1.0"),
        (lambda c: c["rows"][0].update(samples=["fast"]), "each of samples must be a number, got 'fast'"),
        (lambda c: c["rows"][0].update(samples=[]), "a row must have samples or say why it failed"),
        (lambda c: c["rows"][0].update(failed="why?"), "a row must have samples or say why it failed"),
        (lambda c: c["rows"][0].update(kind="bandwidth"), "a bandwidth needs bytes"),
    ],
)
def test_load_refuses(tmp_path, damage, words):
    path = tmp_path / "run.json"
    run_of(step_row(1, 1.0)).save(path)
    content = json.loads(path.read_text())
    damage(content)
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=f"run.json must be a file of measurements: .*{words}"):
        measurements.load(path)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"N": None}, TypeError, "N must be an int of at least 1, got None"),
        ({"d": None}, TypeError, "d must be an int of at least 1, got None"),
        ({"steps": 0}, ValueError, "steps must be an int of at least 1, got 0"),
        ({"bytes": 0.5}, TypeError, "bytes must be an int of at least 1, got 0.5"),
        ({"device": "tpu"}, ValueError, "device must be one of cpu, cuda, got 'tpu'"),
        ({"batch_size": 7}, ValueError, "batch_size must be one of None, 10, 100, got 7"),
        ({"samples": [1.0]}, TypeError, r"samples must be a tuple of seconds, got \[1.0\]"),
        ({"samples": (1.0, 0.0)}, ValueError, "samples must be positive, got 0.0"),
        ({"failed": 3}, TypeError, "failed must be a string or None, got 3"),
    ],
)
def test_row_refuses(change, error, words):
    with pytest.raises(error, match=words):
        replace(step_row(1, 1.0), **change)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"rows": ()}, TypeError, r"rows must be a list of Row, got \(\)"),
        ({"rows": [None]}, TypeError, r"rows must be a list of Row, got \[None\]"),
        ({"machine": "Abacus"}, TypeError, "machine must be a dict, got 'Abacus'"),
        ({"versions": {"torch": "2.13"}}, ValueError, "versions must name python, torch, got no python"),
        ({"date": "31.1.2026"}, ValueError, "date must be of the form 2026-01-31, got '31.1.2026'"),
        ({"command": None}, TypeError, "command must be a string, got None"),
    ],
)
def test_run_of_rows_refuses(change, error, words):
    with pytest.raises(error, match=words):
        replace(run_of(), **change)


@pytest.mark.parametrize("text", ["", "[1]", "{", "\x00", "null"])
def test_load_refuses_what_is_no_run(tmp_path, text):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(ValueError, match=r"run\.json must be a file of measurements"):
        measurements.load(tmp_path / "run.json")


def test_summary_is_rounded_and_follows_from_the_rows(tmp_path):
    rows = [step_row(N, N / 30000) for N in (1, 100)] + [step_row(N, 7e-4, "cuda") for N in (1, 100)]
    rows.append(Row("bandwidth", "cuda", "copy", 1, 10, samples=(3.0,), bytes=2 * 10**12))
    run = run_of(*rows)
    run.save(tmp_path / "run.json")
    content = json.loads((tmp_path / "run.json").read_text())
    summary = content["summary"]
    assert summary["crossover, in numbers of X"]["GD, eager"] == pytest.approx(run.crossover(), rel=1e-3) != 0
    assert summary["crossover, in numbers of X"]["SGD 10, graph"] is None
    assert summary["bandwidth, in GB/s"] == {"cpu": {}, "cuda": {"copy": 666.7}}
    for text in re.findall(r"\d+\.\d+", json.dumps(summary)):
        assert len(text.replace(".", "").strip("0")) <= 4
    summary["bandwidth, in GB/s"]["cuda"]["copy"] = 9999.0  # nobody is led astray by an old summary
    (tmp_path / "run.json").write_text(json.dumps(content))
    assert measurements.load(tmp_path / "run.json") == run


def test_no_folder_to_save_in_is_an_error_of_its_own(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        run_of().save(tmp_path / "file" / "run.json")
    with pytest.raises(FileNotFoundError):
        run_of().save(tmp_path / "missing" / "run.json")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="this user may write everywhere")
def test_read_only_folder_keeps_the_old_file(tmp_path):
    run_of(note="old").save(tmp_path / "run.json")
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(PermissionError):
            run_of(note="new").save(tmp_path / "run.json")
    finally:
        tmp_path.chmod(0o700)
    assert measurements.load(tmp_path / "run.json").note == "old" and len(list(tmp_path.iterdir())) == 1


def test_nobody_sees_half_a_file(monkeypatch, tmp_path):
    """What stands at the path, at any time while a file is written: the old one."""
    path = tmp_path / "run.json"
    run_of(note="old").save(path)
    seen, replace_by_hand = [], Path.replace

    def watched(self, target):
        seen.append(measurements.load(path).note)
        assert self.parent == path.parent  # on the same disk: only there it is one move
        return replace_by_hand(self, target)

    monkeypatch.setattr(Path, "replace", watched)
    run_of(note="new").save(path)
    assert seen == ["old"] and measurements.load(path).note == "new"


def test_recorded_runs_come_by_date_then_by_name(monkeypatch, tmp_path):
    monkeypatch.setattr(records, "course_folder", lambda: tmp_path)
    assert measurements.recorded() == []
    (tmp_path / "measurements").mkdir()
    for name, date in {"c": "2026-01-02", "b": "2026-01-02", "a": "2026-01-02", "d": "2026-01-01"}.items():
        run_of(note=name, date=date).save(tmp_path / "measurements" / f"{name}.json")
    assert [run.note for run in measurements.recorded()] == ["d", "a", "b", "c"]


def test_recorded_summaries_are_up_to_date(tmp_path):
    for path in (Path(lk.__file__).parents[1] / "data" / "measurements").glob("*.json"):
        measurements.load(path).save(tmp_path / path.name)
        assert (tmp_path / path.name).read_text(encoding="utf-8") == path.read_text(encoding="utf-8")


def test_recorded_runs_are_whole_and_name_nobody():
    runs = measurements.recorded()
    assert any(run.device == "cpu" and run.step_times("cpu") and run.step_times("cpu", 10) for run in runs)
    assert [run.date for run in runs] == sorted(run.date for run in runs)
    for path in (Path(lk.__file__).parents[1] / "data" / "measurements").glob("*.json"):
        text = path.read_text(encoding="utf-8")
        assert platform.node() not in text and f"/{getpass.getuser()}" not in text and "/home" not in text


# --- what is measured -------------------------------------------------------------------------------------------------


def trained(X, y, batch_size, order, lr=0.01):
    """The parameters after one pass, with the gradient by hand in double precision."""
    w, b = torch.zeros(X.shape[1], 1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    for part in [slice(None)] if batch_size is None else order.split(batch_size):
        error = X[part].double() @ w + b - y[part].double()
        w -= lr * 2 * X[part].double().T @ error / len(error)
        b -= lr * 2 * error.mean()
    return [w.T, b]


@pytest.mark.parametrize("batch_size", [None, 10, 100])
@pytest.mark.parametrize(
    ("device", "captured"),
    [("cpu", False)] + [pytest.param("cuda", captured, marks=needs_gpu) for captured in (False, True)],
)
def test_an_epoch_takes_the_steps_it_should(device, captured, batch_size):
    X, y = measuring._examples(1000, 20, CPU)
    order = torch.randperm(1000, generator=torch.Generator().manual_seed(3))[:500]
    model, step = measuring._adaline(20, torch.device(device), lr=0.01)
    epoch = measuring._epoch(step, X.to(device), y.to(device), order.to(device), batch_size, captured)
    with torch.no_grad():  # warming up for the capture has moved the parameters
        for parameter in model.parameters():
            parameter.zero_()
    epoch()
    for parameter, expected in zip(model.parameters(), trained(X, y, batch_size, order), strict=True):
        torch.testing.assert_close(parameter.detach().cpu().double(), expected, rtol=1e-4, atol=1e-5)


class Recorder:
    """Stands for a CUDA graph: it remembers the steps of its capture, and repeats them on the same memory."""

    def __init__(self, patch):
        self.name, self.capturing, self.captured, self.log = "main", False, [], []
        side = SimpleNamespace(name="side", wait_stream=self.wait_stream)
        # Of the device that X lies on, which need not be the current one.
        patch.setattr(torch.cuda, "Stream", lambda device: {CPU: side}[device])
        patch.setattr(torch.cuda, "current_stream", lambda device: {CPU: self}[device])
        patch.setattr(torch.cuda, "stream", lambda stream: self.on(stream, False))
        patch.setattr(torch.cuda, "CUDAGraph", lambda: self)
        patch.setattr(torch.cuda, "graph", lambda graph, stream=None: self.on(stream, True))

    def wait_stream(self, stream):
        self.log.append(f"wait for {stream.name}")

    @contextlib.contextmanager
    def on(self, stream, capturing):
        self.log.append(f"{'capture' if capturing else 'run'} on {stream.name}")
        self.capturing = capturing
        yield
        self.capturing = False

    def step(self, step):
        def recorded(X, y):
            self.captured.append((X, y)) if self.capturing else step(X, y)  # a capture computes nothing

        self.replay = lambda: [step(X, y) for X, y in self.captured]
        return recorded


@pytest.mark.parametrize("batch_size", [None, 10])
def test_a_graph_repeats_the_steps_on_rows_put_in_order_anew(monkeypatch, batch_size):
    recorder = Recorder(monkeypatch)
    X, y = measuring._examples(100, 3, CPU)
    order = torch.randperm(100, generator=torch.Generator().manual_seed(3))[:50]
    model, step = measuring._adaline(3, CPU, lr=0.01)
    epoch = measuring._epoch(recorder.step(step), X, y, order, batch_size, captured=True)
    # Autograd remembers the stream of the warming up: it must be that of the capture.
    assert recorder.log == ["wait for main", "run on side", "wait for side", "capture on side"]
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        X.mul_(2)  # other rows in the same place
    epoch()
    for parameter, expected in zip(model.parameters(), trained(X, y, batch_size, order), strict=True):
        torch.testing.assert_close(parameter.detach().double(), expected, rtol=1e-4, atol=1e-5)


def test_features_fall_in_size_and_y_is_their_sum_and_noise():
    X, y = measuring._examples(20_000, 3, CPU)
    assert X.shape == (20_000, 3) and y.shape == (20_000, 1)
    assert X.std(dim=0).tolist() == pytest.approx([1, 10**-0.5, 0.1], rel=0.05)
    assert X.mean(dim=0).tolist() == pytest.approx([0, 0, 0], abs=0.03)
    noise = y - X.sum(dim=1, keepdim=True)
    assert noise.std().item() == pytest.approx(1, rel=0.05)
    assert torch.corrcoef(torch.cat((X, noise), dim=1).T)[0, 1:].tolist() == pytest.approx([0, 0, 0], abs=0.05)
    for one, other in zip((X, y), measuring._examples(20_000, 3, CPU), strict=True):
        assert torch.equal(one, other), "the same each time"


def test_rows_of_very_large_data_are_repeated_on_the_device(monkeypatch):
    """The computer may have less memory than its GPU."""
    monkeypatch.setattr(measuring, "LARGEST_ON_CPU", 20)
    X, y = measuring._examples(9, 5, torch.device("meta"))
    assert X.device.type == y.device.type == "meta" and X.shape == (9, 5)


def test_blocks_take_the_same_step():
    X, y = measuring._examples(3000, 7, CPU)
    (w, b), step = measuring._in_blocks(7, CPU, lr=0.01)
    model, textbook = measuring._adaline(7, CPU, lr=0.01)
    for _ in range(3):
        step(X, y)
        textbook(X, y)
    torch.testing.assert_close([w.T, b], [p.detach() for p in model.parameters()], rtol=1e-4, atol=1e-5)


def test_examples_of_very_large_data_come_several_times(monkeypatch):
    monkeypatch.setattr(measuring, "LARGEST_ON_CPU", 20)
    X, y = measuring._examples(9, 5, CPU)
    assert X.shape == (9, 5) and y.shape == (9, 1)
    assert torch.equal(X[:4], X[4:8]) and torch.equal(y[0], y[8]) and not torch.equal(X[0], X[1])


@pytest.mark.parametrize("batch_size", [None, 10, 100])
def test_to_loss_stops_at_the_loss(batch_size):
    X, y = measuring._examples(1000, 100, CPU)
    seconds, steps = measuring._seconds_to_loss(X, y, batch_size)
    assert 0 < seconds < 60
    model, step = measuring._adaline(100, CPU, measuring.LR[batch_size])
    history = lk.fit(step, X, y, predict=model, num_steps=steps, batch_size=batch_size, seed=0)
    assert history.initial_loss > 10 and history.losses[-1] <= measuring.TARGET_LOSS


def test_to_loss_counts_the_steps_and_not_the_evaluation(monkeypatch):
    """A step only queues its work of a second; an evaluation takes a minute, and after twelve steps all is learnt."""
    now, pending, steps = [0.0], [0.0], [0]

    def step(X, y):
        steps[0] += 1
        pending[0] += 1.0

    def wait(device=None):
        now[0] += pending[0]
        pending[0] = 0.0

    def model(X):
        wait()
        now[0] += 60.0
        return torch.full((len(X), 1), 0.0 if steps[0] >= 12 else 10.0)

    monkeypatch.setattr(measuring, "_adaline", lambda *_: (model, step))
    monkeypatch.setattr(measuring, "synchronize", wait)
    monkeypatch.setattr(measuring.time, "perf_counter", lambda: now[0])
    pending[0] = 1000.0  # queued before: none of its business
    assert measuring._seconds_to_loss(torch.zeros(50, 2), torch.zeros(50, 1), 10) == (15.0, 15)


def test_to_loss_says_when_it_is_not_reached(monkeypatch):
    monkeypatch.setattr(measuring, "TARGET_LOSS", 0.0)
    assert measuring._seconds_to_loss(*measuring._examples(50, 2, CPU), 10) == (math.inf, 1000)


GPU = torch.device("cuda", 1)


def test_to_loss_of_each_device_and_batch_size(monkeypatch):
    """Three times each; where the loss is not reached, or memory is short, the row says so."""

    def examples(N, d, device):
        if device == CPU:
            raise MemoryError
        return N, d

    def seconds_to_loss(N, d, batch_size):
        calls.append((N, d, batch_size))
        return (math.inf, 1000) if batch_size == 10 else (0.123456, 7)

    calls = []
    monkeypatch.setattr(measuring, "_examples", examples)
    monkeypatch.setattr(measuring, "_seconds_to_loss", seconds_to_loss)
    reached = {"samples": (0.1235,) * 3, "steps": 7}
    assert list(measuring._to_loss(10**6, 100, [CPU, GPU])) == [
        Row("to loss", device, "eager", 10**6, 100, batch_size, **result)
        for device, batch_size, result in [
            *(("cpu", size, {"failed": "out of memory: X alone takes 0.4 GB"}) for size in (None, 10, 100)),
            ("cuda", None, reached),
            ("cuda", 10, {"failed": "loss above 2.0"}),
            ("cuda", 100, reached),
        ]
    ]
    assert calls == [(10**6, 100, size) for size in (None, 10, 100) for _ in range(3)]


@pytest.mark.parametrize(
    ("N", "devices", "expected"),
    [
        (9, [CPU], {"cpu": {("eager", None)}}),
        (10, [CPU], {"cpu": {("eager", None), ("eager", 10)}}),
        (200, [CPU], {"cpu": {("eager", size) for size in (None, 10, 100)}}),
        (
            200,
            [CPU, GPU],
            {
                "cpu": {("eager", size) for size in (None, 10, 100)},
                "cuda": {(way, size) for size in (None, 10, 100) for way in ("eager", "graph")},
            },
        ),
        (201, [CPU, GPU], {"cuda": {(way, size) for size in (None, 10, 100) for way in ("eager", "graph")}}),
        (201, [CPU], {}),
    ],
)
def test_steps_that_are_timed(monkeypatch, N, devices, expected):
    """No batch larger than the data, no graph without a GPU, nothing on the CPU that it has no room for."""
    monkeypatch.setattr(measuring, "LARGEST_ON_CPU", 1000)
    found = list(measuring._steps(N, 5, devices))
    for row in found:
        assert (row.kind, row.N, row.d, row.failed) == ("step", N, 5, "not yet")
    assert len(found) == sum(map(len, expected.values()))
    assert {row.device: {(r.way, r.batch_size) for r in found if r.device == row.device} for row in found} == expected


@pytest.mark.parametrize(
    ("N", "expected"), [(70, {None: 1, 10: 7}), (205, {None: 1, 10: 20, 100: 2}), (3000, {None: 1, 10: 100, 100: 30})]
)
def test_one_call_takes_up_to_a_hundred_steps_on_rows_drawn_once(monkeypatch, N, expected):
    taken, counts, drawn, examples = [], {}, [], measuring._examples
    monkeypatch.setattr(measuring, "_adaline", lambda *_, **__: (None, lambda X, y: taken.append(X)))
    monkeypatch.setattr(measuring, "_examples", lambda *given: drawn.append(given) or examples(*given))
    for row, build in measuring._steps(N, 2, [CPU]).items():
        num_steps, function = build()
        taken.clear()
        function()
        counts[row.batch_size] = num_steps
        assert num_steps == len(taken)
        assert {len(X) for X in taken} == {row.batch_size or N}
        assert len(torch.cat(taken).unique(dim=0)) == num_steps * (row.batch_size or N), "no row twice"
    assert counts == expected and drawn == [(N, 2, CPU)]


@pytest.mark.parametrize(
    ("device", "quick", "d", "memory", "N"),
    [
        (CPU, True, 100, None, 10**4),
        (CPU, False, 1000, None, 10**5),
        (GPU, True, 100, 10**11, 10**4),
        (GPU, False, 100, 10**11, 10**7),
        (GPU, False, 100, 8_123_456_789, 4_061_000),  # whole blocks, in a fifth of the memory
    ],
)
def test_bandwidth_is_that_of_large_data(monkeypatch, device, quick, d, memory, N):
    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda device: {GPU: SimpleNamespace(total_memory=memory)}[device]
    )
    rows = list(measuring._bandwidth(d, device, quick))
    assert [row.way for row in rows] == ["copy", "textbook", "blocks"]
    for row in rows:
        assert (row.kind, row.device, row.N, row.d, row.failed) == ("bandwidth", device.type, N, d, "not yet")
        assert row.bytes == 8 * N * d + (0 if row.way == "copy" else 4 * N)


def test_bandwidth_is_that_of_one_copy_or_step(monkeypatch):
    def made(name, d, device, lr):
        assert (d, device) == (100, CPU)
        return None, lambda X, y: steps.append((name, X.shape, y.shape))

    steps = []
    for name in ("_adaline", "_in_blocks"):
        monkeypatch.setattr(measuring, name, partial(made, name))
    X, _ = measuring._examples(10**4, 100, CPU)
    for row, build in measuring._bandwidth(100, CPU, quick=True).items():
        num_steps, function = build()
        copied = function()
        assert num_steps == 1
        assert row.way != "copy" or torch.equal(copied, X)
    assert steps == [(name, (10**4, 100), (10**4, 1)) for name in ("_adaline", "_in_blocks")]


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(measuring, "QUICK_SIZES", [(70, 2), (100, 3)])
    monkeypatch.setattr(measuring, "LOSS_SIZES", [(200, 3)])


def test_run_on_the_cpu(tiny, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 77)  # not the number of cores
    state, seen = torch.get_rng_state(), []
    run = measurements.run(quick=True, device="cpu", note="quiet", report=seen.append)
    assert torch.equal(torch.get_rng_state(), state)
    assert run.rows == seen and run.note == "quiet" and run.device == "cpu"
    assert run.command == "python -m lecturekit.measurements --quick --device cpu"
    assert [(row.N, row.batch_size) for row in run.rows if row.kind == "step"] == [
        (70, None), (70, 10), (100, None), (100, 10), (100, 100),
    ]  # fmt: skip
    assert [row.batch_size for row in run.rows if row.kind == "to loss"] == [None, 10, 100]
    assert [(row.way, row.d) for row in run.rows if row.kind == "bandwidth"] == [
        (way, d) for d in (100, 1000) for way in ("copy", "textbook", "blocks")
    ]
    assert all(len(row.samples) == 3 and row.failed is None and str(row) for row in run.rows)
    assert {(row.way, row.bytes) for row in run.rows if row.d == 100 and row.kind == "bandwidth"} == {
        ("copy", 2 * 4 * 10**6),  # each number is read and written
        ("textbook", 2 * 4 * 10**6 + 4 * 10**4),  # X is read twice, y once
        ("blocks", 2 * 4 * 10**6 + 4 * 10**4),
    }
    assert set(run.bandwidth("cpu")) == {"copy", "textbook", "blocks"}
    assert all(seconds == float(f"{seconds:.4g}") for row in run.rows for seconds in row.samples)  # the rest is noise
    assert run.machine["threads"] == 77 and run.machine["gpu"] is None


@pytest.mark.parametrize("quick", [True, False])
def test_run_on_a_gpu_measures_the_cpu_as_well(monkeypatch, quick):
    calls = []
    monkeypatch.setattr(measuring.devices, "device", lambda: GPU)
    monkeypatch.setattr(measuring, "_machine", lambda device: MACHINE | {"gpu": str(device)})
    monkeypatch.setattr(
        measuring, "datetime", SimpleNamespace(date=SimpleNamespace(today=lambda: datetime.date(2026, 1, 31)))
    )
    monkeypatch.setattr(measuring, "_steps", lambda N, d, both: ("step", N, d, both))
    monkeypatch.setattr(measuring, "_bandwidth", lambda d, device, quick: ("bandwidth", d, device, quick))
    monkeypatch.setattr(measuring, "_to_loss", lambda *given: calls.append(("to loss", *given)) or [])
    monkeypatch.setattr(measuring, "_timed", lambda builds, device, quick: calls.append((*builds, device, quick)) or [])
    run = measurements.run(quick=True) if quick else measurements.run()
    sizes, loss_sizes = measuring.SIZES, measuring.LOSS_SIZES
    if quick:
        sizes, loss_sizes = measuring.QUICK_SIZES, loss_sizes[:1]
    assert calls == [
        *(("step", N, d, [CPU, GPU], GPU, quick) for N, d in sizes),
        *(("to loss", N, d, [CPU, GPU]) for N, d in loss_sizes),
        *(("bandwidth", d, device, quick, GPU, quick) for device in (CPU, GPU) for d in (100, 1000)),
    ]
    assert run.command == f"python -m lecturekit.measurements{' --quick' * quick} --device cuda"
    assert (run.date, run.note, run.rows, run.machine["gpu"]) == ("2026-01-31", "", [], "cuda:1")


@pytest.mark.parametrize("gpu", [None, SimpleNamespace(name="Fast", total_memory=150_150_000_000)])
def test_machine(monkeypatch, gpu):
    """What the numbers depend on: each has its own name."""
    cpuinfo = io.StringIO("processor : 0\nmodel name\t: Abacus: 3\nmodel name\t: Abacus 4\n")
    monkeypatch.setattr(measuring, "open", lambda name, **_: {"/proc/cpuinfo": cpuinfo}[name], raising=False)
    monkeypatch.setattr(
        os, "sysconf", lambda name: {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 2_036_000}[name], raising=False
    )
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: {GPU: gpu}[device])
    assert measuring._machine(GPU if gpu else CPU) == {
        "system": "Linux x86_64",
        "processor": "Abacus: 3",
        "cores": 8,
        "threads": 3,
        "memory_gib": 7.8,
        "gpu": "Fast" if gpu else None,
        "gpu_memory_gib": 139.8 if gpu else None,
    }


@pytest.mark.parametrize(("known", "processor"), [("Abacus", "Abacus"), ("", "arm64")])
def test_machine_without_the_files_of_linux(monkeypatch, known, processor):
    def missing(*_, **__):
        raise FileNotFoundError

    monkeypatch.setattr(measuring, "open", missing, raising=False)
    monkeypatch.delattr(os, "sysconf", raising=False)
    monkeypatch.setattr(platform, "processor", lambda: known)
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    machine = measuring._machine(CPU)
    assert (machine["processor"], machine["memory_gib"]) == (processor, None)


def test_versions():
    assert measuring._versions() == {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "lecturekit": lk.__version__,
    }


@pytest.mark.parametrize(("quick", "settings"), [(True, {"repeats": 3, "min_seconds": 0.002}), (False, {})])
def test_quick_is_few_and_short_repeats(monkeypatch, quick, settings):
    given = []
    monkeypatch.setattr(measuring, "synchronize", lambda device: None)
    monkeypatch.setattr(measuring, "measure", lambda candidates, **options: given.append(options) or {})
    row = Row("step", "cuda", "eager", 1, 1, failed="not yet")
    assert list(measuring._timed({row: lambda: (1, lambda: None)}, GPU, quick=quick)) == []
    assert given == [{"device": GPU} | settings]


def test_time_of_a_step_is_that_of_the_call_by_its_steps(monkeypatch):
    monkeypatch.setattr(measuring, "measure", lambda candidates, **_: {row: lk.Timing((0.5,)) for row in candidates})
    row = Row("step", "cpu", "eager", 1, 1, 10, failed="not yet")
    (done,) = measuring._timed({row: lambda: (50, lambda: None)}, CPU, quick=True)
    assert done == replace(row, failed=None, samples=(0.01,))


def no_room(*_, **__):
    raise torch.OutOfMemoryError("CUDA out of memory")


def no_room_while_capturing():
    try:
        no_room()
    finally:
        raise RuntimeError("operation failed due to a previous error during capture")


def no_room_for_cublas():
    raise RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`")


def no_room_for_a_graph():
    raise RuntimeError("CUDA error: out of memory")


def no_room_on_the_cpu():
    raise RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory")


@pytest.mark.parametrize(
    "fails",
    [
        no_room,
        no_room_while_capturing,
        no_room_for_cublas,
        no_room_for_a_graph,
        no_room_on_the_cpu,
        lambda: (1, no_room),
    ],
)
def test_out_of_memory_ends_its_row_and_no_other(fails):
    small, large = (Row("step", "cuda", "eager", N, 1000, failed="not yet") for N in (1, 10**6))
    done = {row.N: row for row in measuring._timed({large: fails, small: lambda: (1, lambda: None)}, CPU, quick=True)}
    assert done[1].samples and done[1].failed is None
    assert done[10**6].failed == "out of memory: X alone takes 4 GB" and not done[10**6].samples


@pytest.mark.parametrize("where", ["synchronize", "measure"])
def test_out_of_memory_that_shows_up_late_is_said_in_each_row(monkeypatch, where):
    """A GPU may say so only when it is waited for, or once others take room beside it."""
    monkeypatch.setattr(measuring, where, no_room)
    builds = {Row("step", "cuda", "eager", N, 1000, failed="not yet"): lambda: (1, lambda: None) for N in (500, 1000)}
    failed = [f"out of memory: X alone takes {size} GB" for size in ("0.002", "0.004")]
    assert [row.failed for row in measuring._timed(builds, CPU, quick=True)] == failed


def test_other_errors_are_not_taken_for_a_lack_of_memory():
    def wrong():
        raise RuntimeError("shapes cannot be multiplied")

    row = Row("step", "cuda", "eager", 1, 1, failed="not yet")
    with pytest.raises(RuntimeError, match="shapes cannot"):
        list(measuring._timed({row: wrong}, CPU, quick=True))


@pytest.mark.parametrize(
    ("device", "words"),
    [("mps", "device must be cpu or cuda, got mps"), ("gpu", "device must name a device such as cpu or cuda")],
)
def test_run_refuses(device, words):
    with pytest.raises(ValueError, match=words):
        measurements.run(device=device)


@pytest.mark.parametrize("name", ["quick", "note", "report"])
def test_run_names_the_argument_it_refuses(name):
    with pytest.raises(TypeError, match=f"^{name} must be"):
        measurements.run(**{name: 3})


# --- the command ------------------------------------------------------------------------------------------------------


def test_command_writes_the_file(tiny, tmp_path, capsys):
    path = tmp_path / "run.json"
    __main__.main(["-o", str(path), "--quick", "--device", "cpu", "--note", "quiet"])
    run = measurements.load(path)
    assert run.note == "quiet" and len(capsys.readouterr().out.splitlines()) == len(run.rows) + 1


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], {"quick": False, "device": None, "note": ""}),
        (["--quick", "--device", "cpu", "--note", "quiet"], {"quick": True, "device": "cpu", "note": "quiet"}),
    ],
)
def test_command_measures_what_it_is_asked_for(monkeypatch, tmp_path, arguments, expected):
    given = {}
    monkeypatch.setattr(__main__, "run", lambda report, **options: given.update(options) or run_of())
    __main__.main(["--output", str(tmp_path / "run.json"), *arguments])
    assert given == expected


class Pipe(io.StringIO):
    """What was written reaches the other end when it is flushed."""

    arrived = ""

    def flush(self):
        self.arrived = self.getvalue()


def test_each_row_is_printed_as_soon_as_it_is_there(monkeypatch, tmp_path):
    def run(report, **_):
        for number in (1, 2):
            report(f"row {number}")
            assert pipe.arrived.endswith(f"row {number}\n")
        return run_of()

    monkeypatch.setattr("sys.stdout", pipe := Pipe())
    monkeypatch.setattr(__main__, "run", run)
    __main__.main(["-o", str(tmp_path / "run.json")])
    assert pipe.getvalue() == f"row 1\nrow 2\nwritten: {tmp_path / 'run.json'}\n"


@pytest.mark.parametrize(
    ("error", "reason"), [(OSError(errno.ENOSPC, "The disk is full"), "The disk is full"), (OSError("gone"), "gone")]
)
def test_what_cannot_be_saved_in_the_end_is_printed(monkeypatch, tmp_path, capsys, error, reason):
    def full(self, path):
        raise error

    run, path = run_of(step_row(1, 1.0)), tmp_path / "run.json"
    monkeypatch.setattr(__main__, "run", lambda **_: run)
    monkeypatch.setattr(Run, "save", full)
    with pytest.raises(SystemExit) as stopped:
        __main__.main(["-o", str(path)])
    out, err = capsys.readouterr()
    assert stopped.value.code == 1
    assert err == f"cannot write {path}: {reason}. Its contents are printed instead, so nothing is lost\n"
    path.write_text(out, encoding="utf-8")
    assert measurements.load(path) == run


class Gone(io.StringIO):
    """A pipe into `head`, which has seen enough."""

    def write(self, text):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")


@pytest.mark.parametrize("stdout", [Gone, lambda: io.TextIOWrapper(io.BytesIO(), encoding="ascii")])
def test_what_cannot_be_printed_is_measured_all_the_same(tiny, monkeypatch, tmp_path, stdout):
    path = tmp_path / "run.json"
    with monkeypatch.context() as patch:
        patch.setattr("sys.stdout", stdout())
        __main__.main(["-o", str(path), "--quick", "--device", "cpu"])
    assert len(measurements.load(path).rows) == 5 + 3 + 6


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["-o", "{folder}/missing/run.json"], 1, "cannot write .*run.json: No such file or directory"),
        (["-o", "{folder}/run.json", "--device", "gpu"], 2, "device must name a device such as cpu or cuda"),
        (["-o", ""], 2, "path must be that of a file"),
        ([], 2, "-o"),
    ],
)
def test_command_says_what_is_wrong_before_it_measures(monkeypatch, tmp_path, capsys, arguments, code, words):
    monkeypatch.setattr(measuring, "_timed", lambda *_, **__: pytest.fail("measured"))
    with pytest.raises(SystemExit) as stopped:
        __main__.main([argument.format(folder=tmp_path) for argument in arguments])
    assert stopped.value.code == code
    assert re.search(words, capsys.readouterr().err)
    assert list(tmp_path.iterdir()) == []


def test_command_explains_itself(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as stopped:
        __main__.main(["--help"])
    words = " ".join(capsys.readouterr().out.split())
    assert stopped.value.code == 0
    assert (
        words.startswith("usage: python -m lecturekit.measurements [-h] -o FILE [--quick]") and "GD and SGD." in words
    )
    for help in (
        "--output FILE the JSON file to write",
        "--quick few and small sizes: seconds instead of minutes",
        "--device DEVICE cpu: the CPU alone; cuda: both (default: cuda where there is a GPU)",
        "--note NOTE what a reader of the numbers should know, in one sentence",
    ):
        assert help in words
