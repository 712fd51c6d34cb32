"""The loop: the same batches as lecture 6.4, the same losses, and every bad argument named before the first step."""

import itertools
import os
import subprocess
import sys
import time

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import lecturekit as lk
from lecturekit import training

# Stored by STAT 453, lecture 6.4 (torch 1.7), the same for its three versions.
PUBLISHED = [
    0.38849, 0.31679, 0.26379, 0.22463, 0.19527, 0.17307, 0.15629, 0.14352, 0.13360, 0.12600,
    0.12007, 0.11547, 0.11178, 0.10884, 0.10656, 0.10470, 0.10320, 0.10200, 0.10105, 0.10025,
]  # fmt: skip


class Line:
    """An ADALINE whose gradient is written by hand: enough of a model to train."""

    def __init__(self, num_features=2, lr=0.01, dtype=torch.float32):
        self.w = torch.zeros(num_features, 1, dtype=dtype)
        self.b = torch.zeros(1, dtype=dtype)
        self.lr = lr

    def predict(self, X):
        return X @ self.w + self.b

    def step(self, X, y):
        error = self.predict(X) - y
        self.w -= self.lr * 2 * X.T @ error / len(X)
        self.b -= self.lr * 2 * error.mean()


def by_autograd():
    w = torch.zeros(2, 1, requires_grad=True)
    b = torch.zeros(1, requires_grad=True)

    def predict(X):
        return X @ w + b

    def step(X, y):
        gradients = torch.autograd.grad((predict(X) - y).square().mean(), (w, b))
        with torch.no_grad():
            for parameter, gradient in zip((w, b), gradients, strict=True):
                parameter -= 0.01 * gradient

    return step, predict


def by_module():
    model = nn.Linear(2, 1)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

    def step(X, y):
        optimizer.zero_grad()
        nn.functional.mse_loss(model(X), y).backward()
        optimizer.step()

    return step, model


def by_hand():
    line = Line()
    return line.step, line.predict


def points(N=7, num_features=2, dtype=torch.float32):
    """Rows that are all different: X[i] is (i, -i, …) and y[i] is i."""
    y = torch.arange(N, dtype=dtype).reshape(N, 1)
    return torch.cat([(-1) ** k * (y + k) for k in range(num_features)], dim=1), y


def nothing(X, y):
    """A step that learns nothing."""


def zeros(X):
    return torch.zeros(len(X), 1, dtype=X.dtype)


def seen_by(X, y, **arguments):
    """The batches that `fit` hands to step, copied, and its history."""
    batches = []
    history = lk.fit(lambda *batch: batches.append([part.clone() for part in batch]), X, y, predict=zeros, **arguments)
    return batches, history


# --- what was published -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [by_hand, by_autograd, by_module])
def test_published_losses_and_accuracies(version):
    iris = lk.data.iris()
    step, predict = version()
    history = lk.fit(step, iris.X_train, iris.y_train, predict=predict, num_epochs=20, batch_size=10, seed=123)
    # The first loss, 0.38849476, lies close to a rounding border: compare by difference, not by rounding.
    for loss, published in zip(history.losses, PUBLISHED, strict=True):
        assert abs(loss - published) <= 0.5e-5 + 1e-6
    with torch.no_grad():
        train = ((predict(iris.X_train) > 0.5) == iris.y_train.bool()).float().mean().item()
        test = ((predict(iris.X_test) > 0.5) == iris.y_test.bool()).float().mean().item()
    assert (round(100 * train, 2), round(100 * test, 2)) == (92.86, 93.33)


def test_history_of_the_published_run():
    iris = lk.data.iris()
    line = Line()
    history = lk.fit(line.step, iris.X_train, iris.y_train, predict=line.predict, num_epochs=20, batch_size=10)
    assert history.steps == list(range(7, 141, 7))
    assert history.examples_seen == list(range(70, 1401, 70))
    assert history.initial_loss == iris.y_train.square().mean().item()  # all weights 0
    assert history.val_losses == [] and history.path == []
    assert all(type(loss) is float for loss in [history.initial_loss, *history.losses, *history.seconds])


# --- mini-batches -----------------------------------------------------------------------------------------------------


@st.composite
def shapes(draw):
    """N, batch size, columns, dtype: around the borders of the blocks as often as anywhere else."""
    N = draw(st.one_of(st.integers(1, 60), st.sampled_from([1023, 1024, 1025, 2047, 2048, 2049, 3000])))
    B = draw(st.one_of(st.integers(1, N), st.sampled_from([1, 7, 10, 1000, 1023, 1024, 1025, 1500])))
    columns = draw(st.sampled_from([(), (1,), (2,), (3, 2)]))
    dtype = draw(st.sampled_from([torch.float32, torch.float64, torch.float16, torch.int64, torch.bool]))
    return N, min(B, N), columns, dtype


@given(shapes(), st.integers(0, 2**63 - 1))
def test_minibatches_are_those_of_indexing(shape, seed):
    N, B, columns, dtype = shape
    numbers = torch.Generator().manual_seed(0)
    X = torch.randint(0, 1000, (N, *columns), generator=numbers).to(dtype)
    y = torch.arange(N).reshape(N, 1)
    got = list(lk.minibatches(X, y, B, torch.Generator().manual_seed(seed)))
    order = torch.randperm(N, generator=torch.Generator().manual_seed(seed)).split(B)
    assert len(got) == len(order)
    for (X_batch, y_batch), indices in zip(got, order, strict=True):
        assert X_batch.dtype == dtype
        assert torch.equal(X_batch, X[indices]) and torch.equal(y_batch, y[indices])


@pytest.mark.parametrize("rows", [1, 10, 1024, 5000])
def test_block_size_changes_no_batch(monkeypatch, rows):
    X, y = points(2500)
    expected = list(lk.minibatches(X, y, 30, torch.Generator().manual_seed(5)))
    monkeypatch.setattr(training, "BLOCK_ROWS", rows)
    got = list(lk.minibatches(X, y, 30, torch.Generator().manual_seed(5)))
    assert all(torch.equal(a, b) for a, b in zip(itertools.chain(*got), itertools.chain(*expected), strict=True))


@given(st.integers(1, 50), st.data())
def test_every_example_exactly_once_an_epoch(N, data):
    B = data.draw(st.integers(1, N))
    X, y = points(N)
    batches, history = seen_by(X, y, num_epochs=3, batch_size=B, seed=data.draw(st.integers(0, 1000)))
    per_epoch = -(-N // B)
    assert len(batches) == 3 * per_epoch
    for epoch in range(3):
        part = batches[epoch * per_epoch : (epoch + 1) * per_epoch]
        assert sorted(torch.cat([y_batch for _, y_batch in part]).flatten().tolist()) == list(range(N))
        assert all(torch.equal(X_batch[:, :1], y_batch) for X_batch, y_batch in part)  # rows stay together
        assert [len(y_batch) for _, y_batch in part[:-1]] == [B] * (per_epoch - 1)
    assert history.examples_seen == [N, 2 * N, 3 * N]


def test_each_epoch_has_an_order_of_its_own():
    batches, _ = seen_by(*points(30), num_epochs=2, batch_size=30)
    assert not torch.equal(batches[0][1], batches[1][1])


def test_seed_decides_the_order():
    X, y = points(30)
    orders = [seen_by(X, y, num_epochs=1, batch_size=30, seed=seed)[0][0][1] for seed in (1, 1, 2)]
    assert torch.equal(orders[0], orders[1]) and not torch.equal(orders[0], orders[2])


def test_order_is_that_of_the_lecture():
    """torch.manual_seed(seed), then one torch.randperm an epoch."""
    X, y = points(30)
    batches, _ = seen_by(X, y, num_epochs=3, batch_size=30, seed=123)
    with torch.random.fork_rng():
        torch.manual_seed(123)
        for _, y_batch in batches:
            assert torch.equal(y_batch, y[torch.randperm(30)])


def test_global_generator_is_neither_used_nor_disturbing():
    X, y = points(30)
    state = torch.get_rng_state()
    batches, _ = seen_by(X, y, num_epochs=2, batch_size=4, seed=7)
    assert torch.equal(torch.get_rng_state(), state)
    disturbed = []

    def step(X_batch, y_batch):
        torch.rand(3)
        torch.manual_seed(0)
        disturbed.append(y_batch.clone())

    with torch.random.fork_rng():
        lk.fit(step, X, y, predict=zeros, num_epochs=2, batch_size=4, seed=7)
    assert all(torch.equal(a, b) for (_, a), b in zip(batches, disturbed, strict=True))


def test_full_batch_is_the_data_itself():
    X, y = points(5)
    got = []
    history = lk.fit(lambda *batch: got.append(batch), X, y, predict=zeros, num_epochs=3)
    assert len(got) == 3 and all(a is X and b is y for a, b in got)
    assert history.steps == [1, 2, 3] and history.examples_seen == [5, 10, 15]


def test_batch_size_of_all_examples_still_shuffles():
    X, y = points(30)
    batches, _ = seen_by(X, y, num_epochs=1, batch_size=30)
    assert not torch.equal(batches[0][1], y)


def test_one_example():
    batches, history = seen_by(*points(1), num_epochs=2, batch_size=1)
    assert len(batches) == 2 and history.examples_seen == [1, 2]


@pytest.mark.parametrize("bad", [0, -1, 8])
def test_minibatches_refuses_batch_size(bad):
    with pytest.raises(ValueError, match=f"batch_size must be an int of at least 1 and at most 7, got {bad}"):
        next(lk.minibatches(*points(7), bad, torch.Generator()))


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (([1.0], torch.ones(1)), TypeError, "X must be a torch.Tensor with examples in its rows, got list"),
        (
            (torch.ones(1), torch.tensor(1.0)),
            TypeError,
            "y must be a torch.Tensor with examples in its rows, got one number",
        ),
        ((torch.eye(2).to_sparse(), torch.ones(2)), TypeError, "X must be a dense tensor, got layout torch.sparse_coo"),
        (
            (torch.ones(3, 1), torch.ones(2)),
            ValueError,
            "X and y must have equally many rows, got shapes (3, 1) and (2,)",
        ),
        ((torch.ones(2), torch.ones(2, device="meta")), ValueError, "X and y must be on one device, got cpu and meta"),
    ],
)
def test_minibatches_refuses_examples(arguments, error, words):
    with pytest.raises(error) as caught:
        next(lk.minibatches(*arguments, 1, torch.Generator()))
    assert str(caught.value) == words


@pytest.mark.parametrize("generator", [None, 0])
def test_minibatches_refuses_another_generator(generator):
    with pytest.raises(TypeError, match=f"^generator must be a torch.Generator, got {generator}$"):
        next(lk.minibatches(*points(3), 1, generator))


# --- num_steps --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("num_epochs", "num_steps", "steps", "examples"),
    [
        (None, 2, [2], [20]),  # in the middle of the first epoch
        (None, 3, [3], [25]),  # exactly one epoch, whose last batch is short
        (None, 4, [3, 4], [25, 35]),  # in the middle of the second
        (1, 4, [3], [25]),  # the epochs run out first
        (5, 4, [3, 4], [25, 35]),  # the steps run out first
        (2, 6, [3, 6], [25, 50]),
        (0, None, [], []),
        (3, 0, [], []),
        (None, 0, [], []),
    ],
)
def test_num_steps(num_epochs, num_steps, steps, examples):
    X, y = points(25)
    batches, history = seen_by(X, y, num_epochs=num_epochs, num_steps=num_steps, batch_size=10, seed=3)
    assert len(batches) == (steps[-1] if steps else 0)
    assert history.steps == steps and history.examples_seen == examples
    assert len(history.losses) == len(history.seconds) == len(steps)
    whole, _ = seen_by(X, y, num_epochs=2, batch_size=10, seed=3)
    assert all(torch.equal(a[1], b[1]) for a, b in zip(batches, whole, strict=False))  # the order is that of the whole


def test_num_steps_counts_examples_it_handed_out():
    for num_steps in range(1, 12):
        batches, history = seen_by(*points(17), num_steps=num_steps, batch_size=5)
        assert history.examples_seen[-1] == sum(len(y_batch) for _, y_batch in batches)


def test_num_steps_full_batch():
    _, history = seen_by(*points(5), num_steps=4)
    assert history.steps == [1, 2, 3, 4] and history.examples_seen == [5, 10, 15, 20]


# --- what is measured -------------------------------------------------------------------------------------------------


def test_predict_once_before_and_once_an_epoch_without_grad():
    X, y = points(9)
    calls = []

    def predict(X):
        calls.append((X, torch.is_grad_enabled()))
        return zeros(X)

    modes = []
    step = lambda X, y: modes.append((torch.is_grad_enabled(), len(calls)))  # noqa: E731
    lk.fit(step, X, y, predict=predict, num_epochs=3, batch_size=3)
    assert len(calls) == 4 and all(part is X and grad is False for part, grad in calls)
    assert modes == [(True, epoch) for epoch in (1, 2, 3) for _ in range(3)]
    assert torch.is_grad_enabled()


def test_losses_are_the_mean_squared_error():
    X, y = points(4)
    history = lk.fit(nothing, X, y, predict=zeros, num_epochs=2)
    assert history.initial_loss == 3.5 and history.losses == [3.5, 3.5]  # (0 + 1 + 4 + 9) / 4


def test_validation():
    X, y = points(4)
    line = Line(lr=0.001)
    history = lk.fit(line.step, X, y, predict=line.predict, num_epochs=3, validation=(X[:2] + 1, y[:2]))
    assert len(history.val_losses) == 3
    assert history.val_losses[-1] == pytest.approx((line.predict(X[:2] + 1) - y[:2]).square().mean().item())
    assert history.val_losses[-1] != history.losses[-1]


def test_loss_replaces_the_measure_and_not_the_step():
    """With classes: integer labels, and a loss that takes them."""
    X, y = torch.randn(6, 2, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1, 2, 0, 1, 2])
    logits = torch.zeros(6, 3)
    history = lk.fit(
        nothing, X, y, predict=lambda X: logits, num_epochs=1, loss=nn.functional.cross_entropy, validation=(X, y)
    )
    expected = nn.functional.cross_entropy(logits, y).item()
    assert history.initial_loss == history.losses[0] == history.val_losses[0] == expected


def test_seconds_increase_and_leave_evaluation_out():
    def predict(X):
        time.sleep(0.05)
        return zeros(X)

    start = time.perf_counter()
    history = lk.fit(lambda X, y: time.sleep(0.002), *points(6), predict=predict, num_epochs=3, batch_size=2)
    whole = time.perf_counter() - start
    assert all(after - before >= 0.006 for before, after in itertools.pairwise([0.0, *history.seconds]))  # by then
    assert history.seconds[2] <= whole - 4 * 0.05


def test_clock_is_read_only_when_the_device_is_done(monkeypatch):
    """A CUDA call returns when its work is queued: wait before each epoch's start and after its end."""
    events = []
    monkeypatch.setattr(training, "synchronize", lambda device: events.append(device.type))
    monkeypatch.setattr(time, "perf_counter", lambda: events.append("clock") or 0.0)
    lk.fit(lambda X, y: events.append("step"), *points(), predict=zeros, num_epochs=2)
    assert events == ["cpu", "clock", "step", "cpu", "clock"] * 2


def test_path():
    line = Line()
    history = lk.fit(line.step, *points(25), predict=line.predict, num_steps=7, batch_size=10, record=line.w.clone)
    assert len(history.path) == 8
    assert torch.equal(history.path[0], torch.zeros(2, 1)) and torch.equal(history.path[-1], line.w)
    assert not torch.equal(history.path[1], history.path[2])


def test_path_of_numbers():
    line = Line()
    history = lk.fit(line.step, *points(9), predict=line.predict, num_epochs=2, batch_size=3, record=line.b.item)
    assert len(history.path) == 7 and history.path[0] == 0.0 and history.path[-1] == line.b.item()


def test_path_before_any_step():
    line = Line()
    assert len(lk.fit(line.step, *points(), predict=line.predict, num_epochs=0, record=line.w.clone).path) == 1


@pytest.mark.parametrize("share", [lambda w: w, lambda w: w.detach(), lambda w: w.view(-1), lambda w: w.T])
def test_record_that_returns_the_parameter_itself_is_refused(share):
    line = Line()
    with pytest.raises(ValueError, match=r"^record\(\) must return copies, got the same memory twice: use w"):
        lk.fit(line.step, *points(), predict=line.predict, num_epochs=1, record=lambda: share(line.w))


@pytest.mark.parametrize(
    "share",
    [
        lambda w, b: (w, b),
        lambda w, b: [w.detach(), b.item()],
        lambda w, b: {"w": w.detach(), "b": b.clone()},
        lambda w, b: (1, (w.numpy(), 2)),
    ],
)
def test_record_that_returns_parameters_in_a_container_is_refused(share):
    line = Line()
    with pytest.raises(ValueError, match=r"record\(\) must return copies"):
        lk.fit(line.step, *points(), predict=line.predict, num_epochs=1, record=lambda: share(line.w, line.b))


@pytest.mark.parametrize("value", [torch.empty(0), (), 1.0, "one", None])
def test_record_of_what_has_no_memory_to_share(value):
    assert len(lk.fit(nothing, *points(), predict=zeros, num_steps=2, record=lambda: value).path) == 3


def test_record_of_numpy_numbers():
    line = Line()
    path = lk.fit(line.step, *points(), predict=line.predict, num_steps=50, record=lambda: line.w.numpy().sum()).path
    assert len(path) == 51
    arrays = lk.fit(line.step, *points(), predict=line.predict, num_steps=3, record=lambda: line.w.numpy().copy()).path
    assert len({array.tobytes() for array in arrays}) == 4


# --- what fit leaves alone --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [None, 3])
def test_data_stay_as_they_were(batch_size):
    X, y = points(8)
    before = X.clone(), y.clone(), X._version, y._version
    line = Line()
    lk.fit(line.step, X, y, predict=line.predict, num_epochs=2, batch_size=batch_size)
    assert torch.equal(X, before[0]) and torch.equal(y, before[1])
    assert (X._version, y._version) == before[2:]


def test_step_that_writes_into_its_batch_harms_no_data():
    X, y = points(8)
    before = X.clone()
    lk.fit(lambda X_batch, y_batch: X_batch.zero_(), X, y, predict=zeros, num_epochs=1, batch_size=8)
    assert torch.equal(X, before)


def test_training_mode_of_the_module_is_left_alone():
    model = nn.Sequential(nn.Linear(2, 1), nn.Dropout(0.5))
    modes = []
    lk.fit(lambda X, y: modes.append(model.training), *points(), predict=model, num_epochs=2)
    assert modes == [True, True] and model.training


@pytest.mark.parametrize("returned", [None, False, StopIteration, torch.tensor(float("nan"))])
def test_what_step_returns_is_ignored(returned):
    history = lk.fit(lambda X, y: returned, *points(), predict=zeros, num_epochs=2, batch_size=3)
    assert history.steps == [3, 6]


class OwnError(Exception):
    pass


@pytest.mark.parametrize("error", [OwnError("mine"), RuntimeError("mat1 and mat2"), StopIteration("odd")])
def test_an_error_of_step_passes_with_a_note(error):
    count = 0

    def step(X, y):
        nonlocal count
        count += 1
        if count == 6:  # the short last batch of the second epoch
            raise error

    with pytest.raises(type(error)) as caught:
        lk.fit(step, *points(7), predict=zeros, num_epochs=3, batch_size=3)
    assert caught.value is error
    assert error.__notes__ == ["Raised by step in epoch 2, with X_batch of shape (1, 2) and y_batch of shape (1, 1)."]


def test_an_interrupt_passes_without_a_note():
    def step(X, y):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        lk.fit(step, *points(), predict=zeros, num_epochs=1)
    assert not hasattr(caught.value, "__notes__")


def test_an_error_of_predict_or_record_passes_as_it_is():
    def wrong(*_):
        raise OwnError("mine")

    for arguments in ({"predict": wrong}, {"predict": zeros, "record": wrong}, {"predict": zeros, "loss": wrong}):
        with pytest.raises(OwnError, match=r"^mine$"):
            lk.fit(nothing, *points(), num_epochs=1, **arguments)


# --- bad arguments ----------------------------------------------------------------------------------------------------

X7, y7 = points(7)
NAN = X7.clone()
NAN[2, 1] = float("nan")
INF = y7.clone()
INF[0] = float("inf")


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"step": None}, TypeError, "step must be a function, got NoneType"),
        ({"step": 3}, TypeError, "step must be a function, got int"),
        ({"predict": y7}, TypeError, "predict must be a function, got Tensor$"),
        ({"loss": "mse"}, TypeError, "loss must be a function, got str"),
        ({"record": []}, TypeError, "record must be a function, got list"),
        ({"X": X7.numpy()}, TypeError, "X must be a torch.Tensor, got ndarray"),
        ({"X": X7.tolist()}, TypeError, "X must be a torch.Tensor, got list"),
        ({"y": y7.tolist()}, TypeError, "y must be a torch.Tensor, got list"),
        ({"X": X7[:0], "y": y7[:0]}, ValueError, r"X must hold at least one example in its rows, got shape \(0, 2\)"),
        ({"y": y7[:0]}, ValueError, r"y must hold at least one example in its rows, got shape \(0, 1\)"),
        ({"X": torch.tensor(1.0)}, ValueError, r"X must hold at least one example in its rows, got shape \(\)"),
        ({"X": NAN}, ValueError, "^X must be finite, got 1 NaN or infinite of 14 numbers"),
        ({"y": INF}, ValueError, "y must be finite, got 1 NaN or infinite of 7 numbers"),
        ({"y": y7[:6]}, ValueError, r"X and y must have equally many rows, got shapes \(7, 2\) and \(6, 1\)"),
        ({"X": X7.T}, ValueError, r"X and y must have equally many rows, got shapes \(2, 7\) and \(7, 1\)"),
        ({"y": y7.long().to("meta")}, ValueError, "X and y must be on one device, got cpu and meta"),
        (
            {"y": y7.flatten()},
            ValueError,
            r"predict\(X\) must have the shape of y, \(7,\), got \(7, 1\): .* its mean would be no loss$",
        ),
        (
            {"predict": lambda X: X[:, 0]},
            ValueError,
            r"predict\(X\) must have the shape of y, \(7, 1\), got \(7,\).*broadcast",
        ),
        ({"predict": lambda X: X}, ValueError, r"the shape of y, \(7, 1\), got \(7, 2\)"),
        ({"predict": lambda X: X[:1, :1]}, ValueError, r"the shape of y, \(7, 1\), got \(1, 1\)"),
        ({"predict": lambda X: 0.0}, TypeError, r"predict\(X\) must return a torch.Tensor, got float"),
        ({"predict": lambda X: None}, TypeError, r"predict\(X\) must return a torch.Tensor, got NoneType"),
        (
            {"y": y7.long()},
            TypeError,
            r"y must be of a floating point dtype.*mean squared error, got torch.int64: convert it .*, "
            "or give loss= a measure for classes$",
        ),
        ({"y": y7.bool()}, TypeError, "y must be of a floating point dtype.*got torch.bool"),
        ({"y": y7.double()}, TypeError, r"predict\(X\) must have the dtype of y, torch.float64, got torch.float32"),
        ({"batch_size": 0}, ValueError, "batch_size must be an int of at least 1 and at most 7, got 0"),
        ({"batch_size": -3}, ValueError, "batch_size must be an int of at least 1 and at most 7, got -3"),
        ({"batch_size": 8}, ValueError, "batch_size must be an int of at least 1 and at most 7, got 8"),
        ({"batch_size": 2.0}, TypeError, "batch_size must be an int .*, got 2.0 of type float"),
        ({"batch_size": True}, TypeError, "batch_size must be an int .*, got True of type bool"),
        ({"batch_size": "2"}, TypeError, "batch_size must be an int .*, got '2' of type str"),
        ({"seed": None}, TypeError, "seed must be an int of at least 0, got None of type NoneType"),
        ({"seed": -1}, ValueError, "seed must be an int of at least 0, got -1"),
        ({"num_epochs": None}, ValueError, "^num_epochs or num_steps must be given, got neither$"),
        ({"num_epochs": -1}, ValueError, "num_epochs must be an int of at least 0, got -1"),
        ({"num_epochs": 1.5}, TypeError, "num_epochs must be an int of at least 0, got 1.5 of type float"),
        ({"num_epochs": True}, TypeError, "num_epochs must be an int of at least 0, got True of type bool"),
        ({"num_steps": 1e3}, TypeError, "num_steps must be an int of at least 0, got 1000.0 of type float"),
        ({"num_steps": -1}, ValueError, "num_steps must be an int of at least 0, got -1"),
        ({"validation": X7}, TypeError, r"validation must be a tuple \(X, y\), got Tensor"),
        ({"validation": (X7,)}, TypeError, r"validation must be a tuple \(X, y\), got 1 of them"),
        ({"validation": (X7, y7[:3])}, ValueError, "validation X and validation y must have equally many rows"),
        ({"validation": (NAN, y7)}, ValueError, "validation X must be finite, got 1 NaN"),
        ({"loss": lambda a, b: (a - b).square()}, ValueError, r"loss\(y_hat, y\) must return a tensor with one number"),
        ({"loss": lambda a, b: 0.0}, ValueError, r"loss\(y_hat, y\) must return a tensor with one number, got float"),
        ({"loss": lambda a, b: a}, ValueError, r"loss\(y_hat, y\) must return a tensor with one number, got \(7, 1\)"),
    ],
)
def test_bad_argument_is_named_before_the_first_step(change, error, words):
    steps = []
    arguments = {
        "step": lambda X, y: steps.append(1), "X": X7, "y": y7, "predict": zeros, "num_epochs": 1,
    } | change  # fmt: skip
    with pytest.raises(error, match=words):
        lk.fit(arguments.pop("step"), arguments.pop("X"), arguments.pop("y"), **arguments)
    assert not steps


@pytest.mark.parametrize(
    ("validation", "words"),
    [
        ((X7, y7.flatten()), r"validation y must have .* \(1,\) and torch.float32, got \(\) and torch.float32"),
        ((X7, y7.long()), r"validation y must have .* \(1,\) and torch.float32, got \(1,\) and torch.int64"),
        ((X7.double(), y7), r"validation X must have .* \(2,\) and torch.float32, got \(2,\) and torch.float64"),
        ((X7[:, :1], y7), r"validation X must have .* \(2,\) and torch.float32, got \(1,\) and torch.float32"),
    ],
)
def test_bad_validation_data_are_named_before_the_first_step(validation, words):
    steps = []
    with pytest.raises(ValueError, match=words):
        lk.fit(lambda X, y: steps.append(1), X7, y7, predict=zeros, num_epochs=1, validation=validation)
    assert not steps


def test_numbers_whose_sum_overflows_are_finite():
    X, y = torch.full((7, 2), 3e38), torch.full((7, 1), 6e4, dtype=torch.float16)
    assert lk.fit(nothing, X, y, predict=lambda X: y, num_epochs=1).losses == [0.0]


def test_infinities_that_cancel_are_not_finite():
    y = y7.clone()
    y[0], y[1] = float("inf"), float("-inf")
    with pytest.raises(ValueError, match="y must be finite, got 2 NaN or infinite of 7 numbers"):
        lk.fit(nothing, X7, y, predict=zeros, num_epochs=1)


def test_wrong_shape_of_X_comes_as_the_error_of_the_readers_own_code():
    line = Line(num_features=3)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        lk.fit(line.step, X7, y7, predict=line.predict, num_epochs=1)


def test_arguments_after_y_need_their_names():
    with pytest.raises(TypeError):
        lk.fit(nothing, X7, y7, zeros, 3)


# --- the progress bar -------------------------------------------------------------------------------------------------


class Bar:
    """Stands for tqdm, and remembers what it was told."""

    def __init__(self, total, unit, delay, leave):
        self.total, self.unit, self.delay, self.leave, self.count, self.closed = total, unit, delay, leave, 0, False

    def update(self):
        self.count += 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closed = True


@pytest.fixture
def bars(monkeypatch):
    made = []
    monkeypatch.setattr("tqdm.tqdm", lambda **arguments: made.append(Bar(**arguments)) or made[-1])
    return made


@pytest.mark.parametrize(
    ("arguments", "steps"),
    [
        ({"num_epochs": 3, "batch_size": 10}, 9),
        ({"num_steps": 4, "batch_size": 10}, 4),
        ({"num_epochs": 5}, 5),
        ({"num_epochs": 0}, 0),
    ],
)
def test_progress_counts_every_step(bars, arguments, steps):
    lk.fit(nothing, *points(25), predict=zeros, progress=True, **arguments)
    (bar,) = bars
    assert bar.total == bar.count == steps and bar.unit == "step" and bar.closed and bar.leave is False
    assert bar.delay >= 1  # a short run shows nothing


def test_progress_changes_nothing(bars):
    X, y = points(25)
    plain, shown = Line(), Line()
    histories = [
        lk.fit(line.step, X, y, predict=line.predict, num_epochs=2, batch_size=10, progress=line is shown)
        for line in (plain, shown)
    ]
    assert histories[0].losses == histories[1].losses and torch.equal(plain.w, shown.w)


def test_what_holds_where_nothing_is_said(bars):
    """No bar, and the order of seed 0."""
    X, y = points(25)
    runs = [seen_by(X, y, num_epochs=1, batch_size=10, **arguments)[0] for arguments in ({}, {"seed": 0})]
    assert all(torch.equal(a[1], b[1]) for a, b in zip(*runs, strict=True)) and bars == []


def test_progress_ends_with_an_error(bars):
    def step(X, y):
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        lk.fit(step, *points(25), predict=zeros, num_epochs=1, progress=True)
    assert bars[0].closed


@pytest.mark.parametrize("bad", [1, None, "yes"])
def test_progress_must_be_true_or_false(bad):
    with pytest.raises(TypeError, match=f"progress must be True or False, got {bad!r}"):
        lk.fit(nothing, *points(7), predict=zeros, num_epochs=1, progress=bad)


def test_real_bar_is_quiet_in_short_runs_and_gone_after_long_ones():
    """In a fresh interpreter, where nothing switches bars off."""
    code = """
import sys, torch, lecturekit as lk
from lecturekit import training
X = torch.zeros(100, 1)
def run(progress):
    before = sys.stderr.written
    lk.fit(lambda X, y: None, X, X, predict=lambda X: X, num_epochs=1, batch_size=1, progress=progress)
    return sys.stderr.written[len(before):]
class Text:
    written = ""
    def write(self, text): self.written += text
    def flush(self): pass
sys.stderr = Text()
assert run(False) == run(True) == ""
import tqdm
training.PROGRESS_DELAY = 1e-9
real = tqdm.tqdm
tqdm.tqdm = lambda **arguments: real(mininterval=0, **arguments)
shown = run(True)
assert "100/100" in shown and shown.endswith("\\r") and not shown.split("\\r")[-2].strip(), shown[-200:]
"""
    environment = {name: value for name, value in os.environ.items() if name != "TQDM_DISABLE"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env=environment)
    assert done.returncode == 0, done.stderr
