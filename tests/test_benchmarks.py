"""benchmarks/gd_vs_sgd.py: it measures what it says, and its file is there whole or not at all."""

import importlib
import json
import sys
from pathlib import Path

import pytest
import torch
from common import needs_gpu

import lecturekit as lk
from lecturekit.lessons.recorded import load

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def gd_vs_sgd():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parents[1] / "benchmarks")
        yield importlib.import_module("gd_vs_sgd")


@pytest.fixture
def run_quickly(gd_vs_sgd, monkeypatch):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["gd_vs_sgd.py", "--quick", "--device", "cpu", *map(str, arguments)])
        gd_vs_sgd.main()

    return run


def test_a_quick_run_writes_a_file_that_the_lessons_can_read(run_quickly, capsys, tmp_path):
    run_quickly("-o", tmp_path / "mine.json", "--note", "a test")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.json"]
    benchmark = load(tmp_path / "mine.json")
    assert benchmark.machine["threads"] == torch.get_num_threads()
    assert json.loads((tmp_path / "mine.json").read_text("utf-8"))["note"] == "a test"
    assert set(benchmark.step_times("cpu")) == {140, 10_000, 100_000}
    assert set(benchmark.step_times("cpu", 100)) == {10_000, 100_000}, "no batch is larger than the data"
    assert {row["kind"] for row in benchmark.rows} == {"step", "to loss", "bandwidth"}
    for row, line in zip(benchmark.rows, capsys.readouterr().out.splitlines(), strict=False):
        assert line.startswith(f"{row['kind']:9}  {row['device']}") and repr(lk.Timing(row["samples"])) in line


def test_where_no_file_can_be_written_nothing_is_measured(run_quickly, capsys, tmp_path):
    with pytest.raises(FileNotFoundError):
        run_quickly("-o", tmp_path / "missing" / "mine.json")
    assert capsys.readouterr().out == "" and list(tmp_path.iterdir()) == []


def by_hand(X, y, batches, lr):
    """The parameters after a step on each of some batches of rows, in double precision."""
    w, b = torch.zeros(X.shape[1], 1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    for rows in batches:
        error = X[rows].double() @ w + b - y[rows].double()
        w -= lr * 2 * X[rows].double().T @ error / len(error)
        b -= lr * 2 * error.mean()
    return [w.T, b]


@pytest.mark.parametrize("batch_size", [None, 10])
@pytest.mark.parametrize(("device", "captured"), [("cpu", False), pytest.param("cuda", True, marks=needs_gpu)])
def test_an_epoch_takes_the_steps_that_it_says(gd_vs_sgd, device, captured, batch_size):
    X, y = gd_vs_sgd.examples(200, 20, CPU)
    order = torch.randperm(200, generator=torch.Generator().manual_seed(3))[:50]
    model, step = gd_vs_sgd.adaline(20, torch.device(device), lr=0.01)
    epoch = gd_vs_sgd.epoch(step, X.to(device), y.to(device), order.to(device), batch_size)
    if captured:
        epoch = gd_vs_sgd.captured(epoch, torch.device(device))
        with torch.no_grad():  # warming up for the capture has moved the parameters
            for parameter in model.parameters():
                parameter.zero_()
    epoch()
    expected = by_hand(X, y, [slice(None)] if batch_size is None else order.split(batch_size), lr=0.01)
    torch.testing.assert_close([p.detach().cpu().double() for p in model.parameters()], expected, rtol=1e-4, atol=1e-5)


def test_blocks_take_the_same_step(gd_vs_sgd):
    X, y = gd_vs_sgd.examples(3000, 7, CPU)
    (w, b), step = gd_vs_sgd.in_blocks(7, CPU, lr=0.01)
    step(X, y)
    torch.testing.assert_close([w.T.double(), b.double()], by_hand(X, y, [slice(None)], 0.01), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("batch_size", [None, 10])
def test_times_to_a_loss_end_at_the_loss(gd_vs_sgd, batch_size):
    X, y = gd_vs_sgd.examples(1000, 100, CPU)
    _, num_steps = gd_vs_sgd.seconds_to_loss(X, y, batch_size)
    model, step = gd_vs_sgd.adaline(100, CPU, gd_vs_sgd.LR[batch_size])
    history = lk.fit(step, X, y, predict=model, num_steps=num_steps, batch_size=batch_size, seed=0)
    assert history.initial_loss > 10 and history.losses[-1] <= gd_vs_sgd.TARGET_LOSS


@pytest.mark.parametrize(
    ("cpu", "gpu", "expected"),
    [
        ([1, 2, 3], [0.5, 0.5, 0.5], 10),  # the GPU always wins: the smallest size
        ([1, 2, 3], [0.5, 2.5, 3.5], None),  # it loses at the largest
        ([1, 2, 3], [2, 2.5, 3], None),  # as fast is not faster
        ([2, 1, 4], [1, 2, 1], 100 * 10 ** (1 / 3)),  # it wins, loses, and wins from there on
        ([1, 2, 3], [], None),  # no GPU
    ],
)
def test_crossover(gd_vs_sgd, cpu, gpu, expected):
    times = [{10 ** (k + 1): lk.Timing((seconds,)) for k, seconds in enumerate(series)} for series in (cpu, gpu)]
    assert gd_vs_sgd.crossover(*times) == (expected and pytest.approx(expected))
