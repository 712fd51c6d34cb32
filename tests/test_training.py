"""The loop: its batches, what is measured when, and mistakes that would go unnoticed."""

import math
import time

import numpy as np
import pytest
import torch
from common import defaults
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import lecturekit as lk
from lecturekit import devices


class Line:
    """An ADALINE whose gradient is written by hand: enough of a model to train."""

    def __init__(self):
        self.w, self.b = torch.zeros(2, 1), torch.zeros(1)

    def predict(self, X):
        return X @ self.w + self.b

    def step(self, X, y):
        error = self.predict(X) - y
        self.w -= 0.01 * 2 * X.T @ error / len(X)
        self.b -= 0.01 * 2 * error.mean()


def points(N=7):
    """Rows that are all different: X[i] is (i, −i − 1) and y[i] is i."""
    y = torch.arange(N, dtype=torch.float32, device="cpu").reshape(N, 1)
    return torch.cat([y, -y - 1], dim=1), y


def nothing(X, y):
    """A step that learns nothing."""


def zeros(X):
    return torch.zeros(len(X), 1, device="cpu", dtype=X.dtype)


def seen_by(X, y, **arguments):
    """The y of each batch that `fit` hands to step, and its history; the rows of X must come with them."""
    batches = []

    def step(X_batch, y_batch):
        assert torch.equal(X_batch[:, :1], y_batch)
        batches.append(y_batch.flatten().tolist())

    return batches, lk.fit(step, X, y, predict=zeros, **arguments)


def test_examples_that_require_gradients_can_be_cut_into_mini_batches():
    """Each mini-batch has a graph of its own, so that each can be gone back through."""
    X, y = torch.ones(5, 2, requires_grad=True), torch.zeros(5, 1)
    step = lambda X_batch, y_batch: X_batch.sum().backward()  # noqa: E731
    lk.fit(step, X, y, predict=lambda X: X[:, :1], num_epochs=3, batch_size=2)
    assert (X.grad == 3).all()


def test_defaults_change_no_loss():
    """Any default device but the CPU will do; where nothing is computed on it, an error shows what was made there."""
    iris, line, other = lk.data.iris(), Line(), Line()
    settings = {"num_epochs": 2, "batch_size": 10, "seed": 123}
    expected = lk.fit(line.step, iris.X_train, iris.y_train, predict=line.predict, **settings).losses
    with defaults(torch.float64, "meta"):
        data = lk.data.iris()
        assert lk.fit(other.step, data.X_train, data.y_train, predict=other.predict, **settings).losses == expected


@given(st.data(), st.integers(0, 2**63 - 1))
def test_minibatches_are_those_of_indexing(data, seed):
    N = data.draw(st.integers(1, 60))
    B = data.draw(st.integers(1, N))
    columns = data.draw(st.sampled_from([(), (1,), (3, 2)]))
    X = torch.arange(N * math.prod(columns)).reshape(N, *columns)
    y = torch.arange(N).reshape(N, 1)
    got = list(lk.minibatches(X, y, B, torch.Generator().manual_seed(seed)))
    order = torch.randperm(N, generator=torch.Generator().manual_seed(seed)).split(B)
    for (X_batch, y_batch), rows in zip(got, order, strict=True):
        assert torch.equal(X_batch, X[rows]) and torch.equal(y_batch, y[rows])


def test_the_readers_random_draws_and_those_of_fit_do_not_disturb_each_other():
    X, y = points(30)
    state = torch.get_rng_state()
    batches, _ = seen_by(X, y, num_epochs=2, batch_size=4, seed=7)
    assert torch.equal(torch.get_rng_state(), state)
    drawing = {"record": lambda: torch.rand(3), "num_epochs": 2, "batch_size": 4, "seed": 7}
    with torch.random.fork_rng():
        torch.manual_seed(1)
        assert seen_by(X, y, **drawing)[0] == batches


@pytest.mark.parametrize(
    ("num_epochs", "num_steps", "steps", "examples"),
    [
        (None, 3, [3], [25]),  # exactly one epoch, whose last batch is short
        (None, 4, [3, 4], [25, 35]),  # in the middle of the second
        (1, 4, [3], [25]),  # the epochs run out first
        (2, None, [3, 6], [25, 50]),
        (0, None, [], []),
    ],
)
def test_num_epochs_and_num_steps(num_epochs, num_steps, steps, examples):
    X, y = points(25)
    of_numpy = {"batch_size": np.int64(10), "seed": np.int64(3)}
    if num_epochs is not None:
        num_epochs = np.int32(num_epochs)
    batches, history = seen_by(X, y, num_epochs=num_epochs, num_steps=num_steps, **of_numpy)
    assert (history.steps, history.examples_seen) == (steps, examples)
    assert len(history.losses) == len(history.seconds) == len(steps)
    whole, _ = seen_by(X, y, num_epochs=2, batch_size=10, seed=3)
    assert batches == whole[: len(batches)]  # stopping early changes no order


def test_gradient_descent_steps_on_the_data_itself_and_the_loss_is_measured_before_and_after_without_grad():
    X, y = points(4)
    calls = []

    def step(X_batch, y_batch):
        calls.append(("step", X_batch is X and y_batch is y, torch.is_grad_enabled()))

    def predict(X_all):
        calls.append(("predict", X_all is X, torch.is_grad_enabled()))
        return zeros(X_all)

    history = lk.fit(step, X, y, predict=predict, num_epochs=2)
    assert calls == [("predict", True, False)] + [("step", True, True), ("predict", True, False)] * 2
    assert history.initial_loss == 3.5 and history.losses == [3.5, 3.5]  # (0 + 1 + 4 + 9) / 4
    assert history.steps == [1, 2] and history.examples_seen == [4, 8]


def test_loss_and_validation():
    """With classes: integer labels, and a loss that takes them."""
    X, y = torch.eye(3), torch.tensor([0, 1, 2])
    logits = torch.tensor([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    cross_entropy = nn.functional.cross_entropy
    settings = {"num_epochs": 1, "loss": cross_entropy, "validation": (X[:2], y[:2])}
    history = lk.fit(nothing, X, y, predict=lambda X: X @ logits, **settings)
    assert history.initial_loss == history.losses[0] == cross_entropy(logits, y).item()
    assert history.val_losses == [cross_entropy(logits[:2], y[:2]).item()]


def test_seconds_are_those_of_the_steps_and_the_clock_waits_for_the_device(monkeypatch):
    """A CUDA call returns as soon as its work is queued: wait before each epoch's start and after its end."""
    now, events = [0.0], []

    def spend(event, seconds):
        events.append(event)
        now[0] += seconds

    monkeypatch.setattr(devices, "synchronize", lambda device: spend("wait", 1.0))
    monkeypatch.setattr(time, "perf_counter", lambda: events.append("clock") or now[0])
    predict = lambda X: spend("evaluate", 100.0) or zeros(X)  # noqa: E731
    history = lk.fit(lambda X, y: spend("step", 10.0), *points(), predict=predict, num_epochs=2)
    assert events == ["evaluate"] + ["wait", "clock", "step", "wait", "clock", "evaluate"] * 2
    assert history.seconds == [11.0, 22.0]


def test_data_stay_as_they_were_even_where_a_step_writes_into_its_mini_batch():
    X, y = points(8)
    lk.fit(lambda X_batch, y_batch: X_batch.zero_(), X, y, predict=zeros, num_epochs=2, batch_size=8)
    assert torch.equal(X, points(8)[0]) and torch.equal(y, points(8)[1])


X7, y7 = points(7)
WITH_NAN = torch.where(X7 == 3, float("nan"), X7)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"y": y7.flatten()}, r"^predict\(X\) must have the shape of y, \(7,\), got \(7, 1\): .* broadcast"),
        ({"predict": lambda X: X[:, 0]}, r"must have the shape of y, \(7, 1\), got \(7,\): .* broadcast"),
        ({"y": y7[:6]}, r"^X and y must have equally many rows, got shapes \(7, 2\) and \(6, 1\)$"),
        ({"batch_size": 0}, "^batch_size must be from 1 to 7, the number of examples, got 0$"),
        ({"batch_size": 8}, "^batch_size must be from 1 to 7, the number of examples, got 8$"),
        ({"num_epochs": None}, "^num_epochs or num_steps must be given, got neither$"),
        ({"X": WITH_NAN, "predict": Line().predict}, r"^X, y and predict\(X\) must be finite, got a loss of nan"),
    ],
)
def test_a_mistake_is_named(change, words):
    arguments = {"X": X7, "y": y7, "predict": zeros, "num_epochs": 1} | change
    with pytest.raises(ValueError, match=words):
        lk.fit(nothing, **arguments)


def test_minibatches_refuse_the_same():
    with pytest.raises(ValueError, match="X and y must have equally many rows"):
        next(lk.minibatches(X7[:6], y7, 2, torch.Generator()))


@pytest.mark.parametrize("share", [lambda line: line.w.T, lambda line: [line.b.item(), (line.w.detach(),)]])
def test_record_of_the_parameter_itself_is_refused(share):
    line = Line()
    with pytest.raises(ValueError, match=r"^record\(\) must return copies, got the same memory twice: use w"):
        lk.fit(line.step, X7, y7, predict=line.predict, num_epochs=1, record=lambda: share(line))
