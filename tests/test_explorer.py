"""Many runs at once are the runs one after the other; the surface, the paths and the explorer show these numbers."""

import base64
import configparser
import html
import io
import itertools
import json
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from common import needs_gpu, script_of
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import lecturekit as lk
from lecturekit import plotting
from lecturekit.lessons.sweep import explore
from lecturekit.lessons.sweep import runs as many
from lecturekit.lessons.sweep.bowl import FAR, LOST, Bowl

matplotlib = pytest.importorskip("matplotlib")

from matplotlib import image  # noqa: E402
from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: E402
from matplotlib.contour import ContourSet  # noqa: E402

CONFIG = configparser.RawConfigParser()
CONFIG.read(Path(__file__).with_name("nbval_sanitize.cfg"), encoding="utf-8")


def line(N=30, noise=0.5, shift=0.0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(5)
    x = torch.randn(N, 1, generator=generator, dtype=torch.float64) + shift
    y = -5 * x + 2 + noise * torch.randn(N, 1, generator=generator, dtype=torch.float64)
    return x.to(dtype), y.to(dtype)


def one_after_the_other(X, y, lr, batch_size, seed, num_steps, start=(0.0, 0.0)):
    """The path and the losses as a lesson would get them: `fit`, `nn.Linear`, `backward` and `optim.SGD`."""
    model = nn.Linear(1, 1, dtype=X.dtype)
    for parameter, value in zip(model.parameters(), start, strict=True):
        nn.init.constant_(parameter, value)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)

    def step(X_batch, y_batch):
        optimizer.zero_grad()
        nn.functional.mse_loss(model(X_batch), y_batch).backward()
        optimizer.step()

    def record():
        with torch.no_grad():
            loss = nn.functional.mse_loss(model(X), y)
            return torch.cat([parameter.flatten() for parameter in model.parameters()]), loss

    history = lk.fit(
        step, X, y, predict=model, num_steps=num_steps, batch_size=batch_size, seed=seed, record=record
    )  # fmt: skip
    return tuple(torch.stack(column) for column in zip(*history.path, strict=True))


@pytest.fixture(scope="module")
def data():
    return line()


@pytest.fixture(scope="module")
def runs(data):
    return lk.train_many(*data, lrs=[0.01, 0.05, 0.9, 3.0], batch_sizes=[1, 4, 30, None], seeds=[0, 7, 3], num_steps=12)


# --- the runs ---------------------------------------------------------------------------------------------------------


def test_shapes_and_order(runs):
    assert runs.lrs == (0.01, 0.05, 0.9, 3.0) and runs.batch_sizes == (1, 4, 30, None) and runs.seeds == (0, 7, 3)
    assert runs.paths.shape == (4, 4, 3, 13, 2) and runs.losses.shape == (4, 4, 3, 13)
    assert runs.paths.dtype == runs.losses.dtype == torch.float32
    assert not runs.paths.requires_grad and not runs.losses.requires_grad
    assert (len(runs), runs.num_steps) == (48, 12)
    assert repr(runs) == "48 runs (4 learning rates × 4 batch sizes × 3 seeds) of 12 steps"


def test_each_run_is_the_one_that_fit_would_do(data, runs):
    """Every combination, so that no two are swapped; 30 = 7 · 4 + 2, and 12 steps reach the second epoch."""
    for (i, lr), (j, size), (k, seed) in itertools.product(*map(enumerate, (runs.lrs, runs.batch_sizes, runs.seeds))):
        path, losses = one_after_the_other(*data, lr, size, seed, 12)
        torch.testing.assert_close(runs.paths[i, j, k], path, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(runs.losses[i, j, k], losses, rtol=1e-4, atol=1e-5)


@settings(max_examples=60, deadline=None)
@given(
    N=st.integers(1, 13),
    size=st.integers(0, 13),
    lr=st.floats(1e-3, 1.5),
    seed=st.integers(0, 2**31),
    num_steps=st.integers(1, 15),
    start=st.tuples(st.floats(-3, 3), st.floats(-3, 3)),
)
def test_any_run_is_the_one_that_fit_would_do(N, size, lr, seed, num_steps, start):
    X, y = line(N, dtype=torch.float64)
    size = min(size, N) or None
    runs = lk.train_many(
        X, y, lrs=[lr, 2.0], batch_sizes=[1, size] if size != 1 else [1], seeds=[seed, seed + 1], num_steps=num_steps,
        start=start,
    )  # fmt: skip
    path, losses = one_after_the_other(X, y, lr, size, seed, num_steps, start)
    torch.testing.assert_close(runs.paths[0, -1, 0], path, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(runs.losses[0, -1, 0], losses, rtol=1e-9, atol=1e-9)


def test_diverging_runs_keep_their_numbers():
    X, y = line()
    runs = lk.train_many(X, y, lrs=[0.05, 30.0], batch_sizes=[None], num_steps=40)
    assert runs.paths[0].isfinite().all()
    path, losses = runs.paths[1, 0, 0], runs.losses[1, 0, 0]
    assert not path[-1].isfinite().any() and not losses[-1].isfinite()
    assert (losses[1:6] > losses[:5]).all()


def test_nothing_else_is_disturbed(data):
    before = torch.get_rng_state()
    X, y = (part.clone().requires_grad_() for part in data)
    with torch.no_grad():
        runs = lk.train_many(X, y, lrs=[0.1], batch_sizes=[3, None], seeds=range(2), num_steps=3)
    assert torch.equal(torch.get_rng_state(), before)
    assert X.grad is None and not runs.paths.requires_grad
    assert runs.paths[:, :, :, 1:].ne(0).all()


def test_full_batch_has_no_use_for_the_seed(runs):
    assert torch.equal(runs.paths[:2, 3, 0], runs.paths[:2, 3, 1])
    assert not torch.equal(runs.paths[:2, 0, 0], runs.paths[:2, 0, 1])


@needs_gpu
def test_on_a_gpu(data, runs):
    X, y = (part.cuda() for part in data)
    there = lk.train_many(
        X, y, lrs=runs.lrs, batch_sizes=runs.batch_sizes, seeds=runs.seeds, num_steps=runs.num_steps
    )  # fmt: skip
    assert there.paths.is_cuda and there.losses.is_cuda
    torch.testing.assert_close(there.paths.cpu(), runs.paths, rtol=1e-3, atol=1e-4)
    assert lk.explorer(X, y, there).to_html()
    path = there.paths[0, 0, 0]
    assert lk.plot_loss_surface(X, y, {"tensor": path, "list": list(path), "pairs": [tuple(point) for point in path]})


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"X": torch.ones(4)}, ValueError, r"^X must have shape \(N, 1\), one weight and one output, got \(4,\)"),
        ({"X": torch.ones(4, 2)}, ValueError, r"X must have shape \(N, 1\).*got \(4, 2\)"),
        ({"y": torch.ones(4)}, ValueError, r"^y must have shape \(N, 1\).*got \(4,\)"),
        ({"y": torch.ones(3, 1)}, ValueError, "X and y must have equally many rows"),
        ({"X": torch.ones(4, 1, dtype=torch.int64)}, TypeError, "must be of one floating point dtype, got torch.int64"),
        ({"y": torch.ones(4, 1).double()}, TypeError, "got torch.float32 and torch.float64"),
        ({"X": torch.full((4, 1), torch.nan)}, ValueError, "X must be finite"),
        ({"lrs": 0.1}, TypeError, "lrs must be a list or tuple, got float"),
        ({"lrs": []}, ValueError, "lrs must hold at least one value, got none"),
        ({"seeds": range(10_001)}, ValueError, "the number of seeds must be at most 10,000, got 10001"),
        ({"lrs": [0.1, 0.0]}, ValueError, r"lrs\[1\] must be positive, got 0.0"),
        ({"lrs": [0.1, "1"]}, TypeError, r"lrs\[1\] must be a number, got '1'"),
        ({"lrs": [0.1, 0.1]}, ValueError, r"lrs must hold each value once, got \[0.1, 0.1\]"),
        ({"batch_sizes": [5]}, ValueError, r"batch_sizes\[0\] must be an int of at least 1 and at most 4, got 5"),
        ({"batch_sizes": [2, 0]}, ValueError, r"batch_sizes\[1\] must be an int of at least 1"),
        ({"batch_sizes": None}, TypeError, "batch_sizes must be a list or tuple, got NoneType"),
        ({"seeds": [-1]}, ValueError, r"seeds\[0\] must be an int of at least 0, got -1"),
        ({"num_steps": 0}, ValueError, "num_steps must be an int of at least 1, got 0"),
        ({"start": 0.0}, TypeError, r"start must be two numbers \(w, b\), got 0.0"),
        ({"start": (0.0,)}, TypeError, r"start must be two numbers \(w, b\), got \(0.0,\)"),
        ({"start": (0.0, -1e39)}, ValueError, "start must fit into torch.float32, the dtype of X, got .*-1e.39"),
        ({"lrs": [0.1, 1e39]}, ValueError, "lrs must fit into torch.float32, the dtype of X, got .*1e.39"),
        ({"num_steps": 10**8}, ValueError, "and num_steps must make at most 100,000,000 numbers w and b, got 2e.08"),
        ({"start": (0.0, math.inf)}, ValueError, r"start\[1\] must be finite"),
    ],
)
def test_train_many_refuses(arguments, error, words):
    given = {"X": torch.ones(4, 1), "y": torch.ones(4, 1), "lrs": [0.1], "batch_sizes": [2]} | arguments
    with pytest.raises(error, match=words):
        lk.train_many(given.pop("X"), given.pop("y"), **given)


def test_the_largest_number_of_numbers(data, monkeypatch):
    given = {"lrs": [0.1, 0.2], "batch_sizes": [2, 3, None], "seeds": range(5), "num_steps": 6}
    numbers = lk.train_many(*data, **given).paths.numel()
    monkeypatch.setattr(many, "MOST_NUMBERS", numbers)
    assert lk.train_many(*data, **given).paths.numel() == numbers
    monkeypatch.setattr(many, "MOST_NUMBERS", numbers - 1)
    with pytest.raises(ValueError, match=r"lrs, batch_sizes, seeds and num_steps must make at most"):
        lk.train_many(*data, **given)


def test_one_seed_and_25_steps_from_zero_by_default(data):
    runs = lk.train_many(*data, lrs=[0.1], batch_sizes=[4])
    assert (runs.seeds, runs.num_steps) == ((0,), 25)
    again = lk.train_many(*data, lrs=[0.1], batch_sizes=[4], seeds=[0], num_steps=25, start=[0, 0])
    assert torch.equal(runs.paths, again.paths) and runs.paths[0, 0, 0, 0].tolist() == [0, 0]


# --- the bowl ---------------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(N=st.integers(1, 20), shift=st.floats(-4, 4), noise=st.floats(0, 3), w=st.floats(-50, 50), b=st.floats(-50, 50))
def test_bowl_is_the_mean_squared_error(N, shift, noise, w, b):
    X, y = line(N, noise, shift, torch.float64)
    bowl = Bowl.of(X, y)
    expected = nn.functional.mse_loss(X * w + b, y)
    torch.testing.assert_close(bowl.loss(torch.tensor([w, b], dtype=torch.float64)), expected, rtol=1e-9, atol=1e-9)
    assert bowl.lowest <= expected + 1e-12


def test_no_noise_no_loss_at_the_minimum():
    bowl = Bowl.of(*line(noise=0.0, dtype=torch.float64))
    assert (bowl.w, bowl.b) == pytest.approx((-5, 2)) and 0 <= bowl.lowest < 1e-25
    assert bowl.loss(torch.tensor([-5 + 1e-6, 2.0], dtype=torch.float64)) == pytest.approx(
        1e-12 * bowl.mean_xx, rel=1e-3
    )  # fmt: skip


def test_view_holds_minimum_and_paths_but_not_what_is_far_off(data):
    bowl = Bowl.of(*data)
    path = torch.tensor([[0.0, 0.0], [1.0, -2.0], [-300.0, 5.0], [torch.inf, torch.nan]])
    w_low, w_high, b_low, b_high = bowl.view([path])
    for w, b in (path[0], path[1], (bowl.w, bowl.b)):
        assert w_low < w < w_high and b_low < b < b_high
    assert w_low > -20 and b_high < 20
    wide = Bowl.widened((w_low, w_high, b_low, b_high), 1.3)
    assert (wide[1] - wide[0]) / (wide[3] - wide[2]) == pytest.approx(1.3)
    assert wide[0] <= w_low and wide[1] >= w_high and wide[2] <= b_low and wide[3] >= b_high


def test_a_path_is_followed_until_it_does_not_come_back(data):
    bowl = Bowl.of(*data)
    far = 2 * LOST * math.hypot(bowl.w, bowl.b)
    there_and_back = torch.tensor([[0.0, 0.0], [far, 0.0], [1.0, 1.0], [far, 0.0], [torch.nan, torch.inf]])
    assert bowl.until_lost(there_and_back) == 3
    assert bowl.until_lost(there_and_back[:1]) == 1


ROUND = Bowl(w=0.0, b=0.0, lowest=0.0, mean_xx=1.0, mean_x=0.0)


def test_view_of_a_path():
    """The path and what lies round the minimum, with 15 % of room."""
    w_low, w_high, b_low, b_high = ROUND.view([torch.tensor([[3.0, 4.0], [0.0, 0.0]])])
    # From -1.5, three tenths of the distance between minimum and start, to 3 and 4.
    middle, half = (0.75, 1.25), (1.15 * 2.25, 1.15 * 2.75)
    assert (w_low, w_high) == pytest.approx((middle[0] - half[0], middle[0] + half[0]))
    assert (b_low, b_high) == pytest.approx((middle[1] - half[1], middle[1] + half[1]))


def test_view_is_never_more_than_twice_as_long_as_wide():
    w_low, w_high, b_low, b_high = ROUND.view([torch.tensor([[-10.0, 0.0], [0.0, 0.0]])])
    assert w_high - w_low == pytest.approx(2 * (b_high - b_low)) and b_low == pytest.approx(-b_high)


@pytest.mark.parametrize(("times", "seen"), [(FAR - 0.01, True), (FAR + 0.01, False)])
def test_view_follows_a_path_some_way_off(times, seen):
    """As far as half as much again as the start that lies farthest from the minimum."""
    paths = [torch.tensor([[1.0, 0.0], [0.0, -5.0 * times]]), torch.tensor([[0.0, 5.0], [0.0, 0.0]])]
    assert (ROUND.view(paths)[2] < -5.0 * times) == seen


def test_view_of_many_runs_is_that_of_their_paths(runs, data):
    bowl = Bowl.of(*data)
    assert bowl.view(runs.paths[:2].flatten(0, 2)) == pytest.approx(bowl.view(list(runs.paths[:2].flatten(0, 2))))


@pytest.mark.parametrize(
    ("view", "wide"),
    [
        ((0, 2, 0, 4), (-3, 5, 0, 4)),  # higher than wide: room at the sides
        ((0, 8, 1, 2), (0, 8, -0.5, 3.5)),
    ],
)
def test_widened_is_the_smallest_view_round_another(view, wide):
    assert Bowl.widened(view, 2.0) == wide


@pytest.mark.parametrize(
    ("lowest", "view", "levels"),
    [
        (0.0, (-3, 3, -3, 3), [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10]),  # nine at most, below the 18 at a corner
        (6.0, (-3, 3, -3, 3), [10, 20]),
        (19.95, (-6, 6, -6, 6), [20, 50]),
        (100.0, (-0.11, 0.11, -0.11, 0.11), [100.005, 100.01, 100.015, 100.02]),  # too close for 1, 2, 5: evenly spaced
        (0.0, (10, 11, 10, 11), [210, 220, 230, 240]),  # so, too, from the least that is seen to the most
        (100.0, (-0.03, 0.03, -0.03, 0.03), []),  # less than a thousandth of a percent between lowest and highest
    ],
)
def test_levels_are_round_losses_in_view(lowest, view, levels):
    found = replace(ROUND, lowest=lowest).levels(view)
    assert found == pytest.approx(levels) and found == [float(f"{level:.6g}") for level in found]


def test_levels_come_as_few_as_asked_for():
    assert ROUND.levels((-3, 3, -3, 3), at_most=3) == [2, 5, 10]


@settings(max_examples=40, deadline=None)
@given(
    mean_xx=st.floats(0.1, 10), slant=st.floats(-0.9, 0.9), w=st.floats(-3, 3), b=st.floats(-3, 3),
    turn=st.floats(0, 2 * math.pi),
)  # fmt: skip
def test_labels_lie_on_their_lines_and_in_view(mean_xx, slant, w, b, turn):
    bowl = Bowl(w, b, 0.5, mean_xx, slant * math.sqrt(mean_xx))
    view = (-2.0, 6.0, -3.0, 3.0)
    start = torch.tensor([w + math.cos(turn), b + math.sin(turn)])
    levels = [0.6, 1.0, 5.0, 1e6]
    places = bowl.label_places(levels, view, start)
    assert set(places) <= {0.6, 1.0, 5.0}
    for level, place in places.items():
        point = torch.tensor(place, dtype=torch.float64)
        assert bowl.loss(point).item() == pytest.approx(level)
        assert abs(point[0] - 2) < 0.9 * 4 and abs(point[1]) < 0.9 * 3, "not at the edge"


@pytest.mark.parametrize("high", [None, 0.1], ids=["its own view", "a low one"])
@pytest.mark.parametrize("slope", [0.02, 1.0, 4.0, 300.0])  # losses from 0.00001 to 500000, with long names
@pytest.mark.parametrize("centre", [0.0, 2.5])  # a round bowl, and a valley
def test_no_label_covers_another(high, slope, centre):
    """Drawn, with all the width that their figures take."""
    view = {} if high is None else {"w_range": (-slope, 3 * slope), "b_range": (-high * slope, high * slope)}
    X = torch.linspace(centre - 2, centre + 2, 20)[:, None]
    fig = lk.plot_loss_surface(X, slope * X, {"run": [(0, 0), (slope, 0)]}, **view)
    FigureCanvasAgg(fig).draw()
    boxes = [text.get_window_extent() for text in fig.axes[0].texts]
    assert len(boxes) >= 3
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


def test_labels_lie_away_from_the_start():
    """On the other side of the minimum; where that is not in view, as little aside as needed."""
    start = torch.tensor([-1.0, 0.0])
    assert ROUND.label_places([1.0, 4.0], (-5, 5, -5, 5), start) == {1.0: (1, 0), 4.0: (2, 0)}
    w, b = ROUND.label_places([4.0], (-5, 1.5, -5, 5), start)[4.0]
    assert (math.hypot(w, b), math.degrees(math.atan2(abs(b), w))) == pytest.approx((2, 57))  # 54° would be at the edge
    moved = replace(ROUND, w=1.0, b=2.0)
    assert moved.label_places([1.0], (-5, 5, -5, 5), torch.tensor([1.0, 0.0]))[1.0] == pytest.approx((1, 3))
    assert ROUND.label_places([1e6], (-5, 5, -5, 5), start) == {}


def test_start_at_the_minimum_and_one_example_can_be_drawn():
    X, y = torch.ones(1, 1), torch.ones(1, 1)
    runs = lk.train_many(X, y, lrs=[0.1], batch_sizes=[None], start=(0.5, 0.5), num_steps=2)
    assert torch.equal(runs.paths, torch.full_like(runs.paths, 0.5))
    assert lk.explorer(X, y, runs).to_html()
    FigureCanvasAgg(lk.plot_loss_surface(X, y, {"run": runs.paths[0, 0, 0]})).draw()


# --- the figure -------------------------------------------------------------------------------------------------------


def surface(fig):
    """Lines by their labels, and the contour lines with their losses."""
    FigureCanvasAgg(fig).draw()
    (ax,) = fig.axes
    lines = {line.get_label(): line for line in ax.lines if line.get_label()[0] != "_"}
    (contours,) = (c for c in ax.collections if isinstance(c, ContourSet) and not c.filled)
    return ax, lines, dict(zip(contours.levels, contours.get_paths(), strict=True))


def test_surface_draws_the_paths_and_the_loss(data, runs):
    X, y = data
    paths = {"GD <b>": runs.paths[1, 3, 0], "SGD": runs.paths[1, 0, 0]}
    ax, lines, contours = surface(lk.plot_loss_surface(X, y, paths))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("weight w", "bias b")
    for name, path in paths.items():
        torch.testing.assert_close(torch.tensor(lines[name].get_xydata()), path.double())
    one, other = (lines[name] for name in paths)
    assert one.get_color() != other.get_color() and one.get_marker() != other.get_marker()
    assert one._unscaled_dash_pattern != other._unscaled_dash_pattern
    assert len(contours) >= 3
    for level, outline in contours.items():  # every point of a contour line has its loss, but for the grid's width
        w, b = torch.tensor(outline.vertices).T
        losses = (X.double() * w + b - y.double()).square().mean(dim=0)
        torch.testing.assert_close(losses, torch.full_like(losses, level), rtol=0.02, atol=0.02)
    best = torch.linalg.lstsq(torch.cat((X, torch.ones_like(X)), 1), y).solution[:, 0]
    torch.testing.assert_close(torch.tensor(lines["minimum"].get_xydata()[0]), best.double(), atol=1e-4, rtol=1e-4)
    assert lines["start"].get_xydata().tolist() == [[0, 0]]
    assert (lines["start"].get_marker(), lines["minimum"].get_marker()) == ("o", "x")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["GD <b>", "SGD", "start", "minimum"]
    assert ax.get_aspect() == 1


@pytest.mark.parametrize(
    "record",
    [
        lambda w, b: (w.item(), b.item()),
        lambda w, b: (w.clone(), b.clone()),
        lambda w, b: torch.cat((w.flatten(), b.flatten())),
        lambda w, b: [w.clone().reshape(1, 1), b.item()],
    ],
    ids=["numbers", "tensors", "one tensor", "mixed"],
)
def test_surface_takes_the_path_of_a_history(data, record):
    w, b = torch.zeros(1), torch.zeros(1)

    def step(X_batch, y_batch):
        w.add_(-1)
        b.add_(0.5)

    history = lk.fit(
        step, *data, predict=lambda X: X * w + b, num_steps=3, batch_size=2, record=lambda: record(w, b)
    )  # fmt: skip
    _, lines, _ = surface(lk.plot_loss_surface(*data, {"run": history.path}))
    assert lines["run"].get_xydata().tolist() == [[0, 0], [-1, 0.5], [-2, 1], [-3, 1.5]]


def test_surface_without_paths_and_with_ranges(data):
    ax, lines, _ = surface(lk.plot_loss_surface(*data, w_range=(-9, 1), b_range=(-1, 4)))
    assert set(lines) == {"minimum"} and (ax.get_xlim(), ax.get_ylim()) == ((-9, 1), (-1, 4))
    assert ax.get_legend() is None
    ax, lines, _ = surface(lk.plot_loss_surface(*data))
    assert ax.get_xlim()[0] < -5.5 and ax.get_xlim()[1] > 0


def test_surface_with_one_range_keeps_the_other(data):
    whole, _, _ = surface(lk.plot_loss_surface(*data))
    for name, changed, other in (("w_range", "xlim", "ylim"), ("b_range", "ylim", "xlim")):
        ax, _, _ = surface(lk.plot_loss_surface(*data, **{name: [-2, 3]}))
        assert ax.properties()[changed] == (-2, 3) and ax.properties()[other] == whole.properties()[other]


@pytest.mark.parametrize(
    ("high", "aspect", "inches"),
    [(0.5, "auto", 3.2), (1, 1, 3.2), (1.8, 1, 4.1), (3, 1, 5.4), (9, 1, 5.4), (9.1, "auto", 5.4)],
)
def test_surface_has_one_scale_unless_it_is_long(data, high, aspect, inches):
    """And the figure's height follows, within bounds."""
    fig = lk.plot_loss_surface(*data, w_range=(0, 3), b_range=(0, high))
    assert (fig.axes[0].get_aspect(), *fig.get_size_inches()) == (aspect, 6.4, inches)


def test_surface_of_a_diverging_run(data):
    runs = lk.train_many(*data, lrs=[30.0], batch_sizes=[None], num_steps=40)
    ax, lines, _ = surface(lk.plot_loss_surface(*data, {"run": runs.paths[0, 0, 0]}))
    assert len(lines["run"].get_xydata()) < 10
    assert ax.get_xlim()[0] > -30 and ax.get_xlim()[1] < 30


@pytest.mark.parametrize("half", [1, 0.5, 0.2, 0.05, 0.01])
@pytest.mark.parametrize("aside", [0, 1.5, 50])
def test_surface_of_a_close_up(half, aside):
    X, y = line(1000, noise=1)
    w, b = Bowl.of(X, y).w + aside * half, Bowl.of(X, y).b
    _, _, contours = surface(
        lk.plot_loss_surface(X, y, w_range=(w - half, w + half), b_range=(b - half, b + half))
    )  # fmt: skip
    drawn = [level for level, outline in contours.items() if len(outline.vertices)]
    assert len({f"{level:g}" for level in drawn}) == len(drawn) >= 2


def test_surface_where_all_losses_read_the_same(data):
    best = Bowl.of(*data)
    ranges = {"w_range": (best.w - 1e-5, best.w + 1e-5), "b_range": (best.b - 1e-5, best.b + 1e-5)}
    FigureCanvasAgg(lk.plot_loss_surface(*data, **ranges)).draw()


PATH = torch.zeros(3, 2)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"paths": [PATH]}, TypeError, "paths must be a dict of paths, got list"),
        ({"paths": dict.fromkeys("abcde", PATH)}, ValueError, "paths must hold at most 4 paths, got 5"),
        ({"paths": {"a": PATH.T}}, ValueError, r"paths\['a'\] must have shape \(T \+ 1, 2\).*got \(2, 3\)"),
        ({"paths": {"a": PATH[:0]}}, ValueError, r"paths\['a'\] must have shape"),
        ({"paths": {"a": []}}, TypeError, r"paths\['a'\] must be a tensor or a list, got list"),
        ({"paths": {"a": "path"}}, TypeError, r"paths\['a'\] must be a tensor or a list, got str"),
        ({"paths": {"a": [1.0, 2.0]}}, ValueError, r"paths\['a'\] must have shape"),
        ({"paths": {"a": [(1.0, 2.0), (1.0,)]}}, TypeError, r"paths\['a'\] must hold w and b for each step"),
        ({"paths": {"a": [(1.0, "2")]}}, TypeError, r"paths\['a'\] must hold w and b for each step"),
        (
            {"paths": {"a": [(math.nan, 1), (2, 3)]}},
            ValueError,
            r"'a'\] must start at finite w and b, got \[nan, 1.0\]",
        ),
        (
            {"paths": {"a": PATH.cfloat()}},
            TypeError,
            r"paths\['a'\] must hold real numbers, got torch.complex64, .*cpu",
        ),
        ({"paths": {"a": PATH.to_sparse()}}, TypeError, r"paths\['a'\] must hold real numbers, got .*torch.sparse_coo"),
        ({"paths": {"a": PATH.to("meta")}}, TypeError, r"paths\['a'\] must hold real numbers, got .* on meta"),
        ({"paths": {"a": PATH[0]}}, ValueError, r"w and b in its columns, got \(2,\)"),
        ({"b_range": (0, 1, 2)}, TypeError, r"b_range must be two numbers \(from, to\), got \(0, 1, 2\)"),
        ({"w_range": (2, 1)}, ValueError, r"w_range must go from a smaller to a larger number, got \(2, 1\)"),
        ({"w_range": ("a", 1)}, TypeError, r"w_range\[0\] must be a number, got 'a'"),
        ({"w_range": (1, 1)}, ValueError, r"w_range must go from a smaller to a larger number, got \(1, 1\)"),
        ({"b_range": 3}, TypeError, r"b_range must be two numbers \(from, to\), got 3"),
        ({"b_range": (0, math.nan)}, ValueError, r"b_range\[1\] must be finite"),
    ],
)
def test_surface_refuses(data, arguments, error, words):
    with pytest.raises(error, match=words):
        lk.plot_loss_surface(*data, **arguments)


# --- the explorer -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def element(data, runs):
    return lk.explorer(*data, runs, first=(0.05, 4, 7)).to_html()


def embedded(element):
    return json.loads(html.unescape(re.search(r' data-runs="([^"]*)"', element)[1]))


def test_embedded_numbers_are_the_runs(runs, element):
    """Not rounded: each float32 of every run, and the full batch's once instead of once for each seed."""
    raw = bytearray(base64.b64decode(embedded(element)["points"]))
    numbers, place = torch.frombuffer(raw, dtype=torch.float32), 0
    for j, size in enumerate(runs.batch_sizes):
        expected = runs.paths[:, j] if size else runs.paths[:, j, :1]
        found = numbers[place : place + expected.numel()].reshape(expected.shape)
        torch.testing.assert_close(found, expected, rtol=0, atol=0, equal_nan=True)
        place += expected.numel()
    assert place == len(numbers)


def test_embedded_numbers_give_the_losses(data, runs, element):
    w, b, lowest, mean_xx, mean_x = embedded(element)["bowl"]
    w, b = runs.paths[0, 0, 0, 5, 0].item() - w, runs.paths[0, 0, 0, 5, 1].item() - b
    assert lowest + mean_xx * w * w + 2 * mean_x * w * b + b * b == pytest.approx(
        runs.losses[0, 0, 0, 5].item(), rel=1e-5
    )


def test_element_is_one_image_and_the_same_each_time(data, runs, element):
    assert element == lk.explorer(*data, runs, first=(0.05, 4, 7))._repr_html_()
    assert element.startswith('<img src="data:image/png;base64,') and element.count("<") == element.count(">") == 1
    assert not re.search(r"\sid=", element) and "http" not in element.replace("http://www.w3.org/2000/svg", "")
    assert "eval(" not in element and "innerHTML" not in element
    assert element.count("data-runs=") == 1 and "getAttribute('data-runs')" in html.unescape(element)


def test_nothing_but_what_nbval_leaves_out_depends_on_the_last_digits(data, element):
    """Another machine rounds differently: but for pixels and data-runs, the stored output must stay the same."""
    X, y = data
    nudged = lk.train_many(
        X * (1 + 1e-6), y * (1 - 1e-6), lrs=[0.01, 0.05, 0.9, 3.0], batch_sizes=[1, 4, 30, None], seeds=[0, 7, 3],
        num_steps=12,
    )  # fmt: skip
    other = lk.explorer(X * (1 + 1e-6), y * (1 - 1e-6), nudged, first=(0.05, 4, 7)).to_html()
    assert other != element
    for section in CONFIG.sections():
        element, other = (
            re.sub(CONFIG[section]["regex"], CONFIG[section]["replace"], text) for text in (element, other)
        )
    assert len(element) < 40_000 and 'data-runs="RUNS"' in element and "base64,PNG" in element
    assert other == element


def test_what_is_embedded_is_what_the_picture_shows(data, runs):
    shown = lk.explorer(*data, runs)
    numbers = embedded(shown.to_html())
    assert set(numbers) == {"bowl", "view", "levels", "losses", "points"}
    assert numbers["view"] == list(shown.view) and numbers["losses"] == list(shown.loss_range)
    assert numbers["levels"] == shown.bowl.levels(shown.view)


def test_script_is_given_the_choices(data, runs):
    element = lk.explorer(*data, runs, first=(0.05, 4, 7)).to_html()
    script, choices = script_of(element)
    assert script.endswith("explorer(img,data)") and choices == {
        "lrs": ["0.01", "0.05", "0.9", "3"],
        "batches": [1, 4, 30, None],
        "seeds": [0, 7, 3],
        "examples": 30,
        "steps": 12,
        "first": [1, 1, 1],
    }
    for function in ("player", "explorer"):
        assert script.count(f"function {function}(") == 1
    assert ' width="960"' in element


def test_size_of_what_is_embedded():
    X, y = line(100)
    runs = lk.train_many(
        X, y, lrs=[0.01 * k for k in range(1, 9)], batch_sizes=[1, 2, 5, 10, 50, None], seeds=range(10)
    )
    assert len(runs) == 480
    element = lk.explorer(X, y, runs).to_html()
    assert len(re.search(r'data-runs="[^"]*"', element)[0]) < 150_000 and len(element) < 400_000
    most = explore.MOST_NUMBERS
    assert most * 4 * 4 / 3 <= 400_000


def test_words(data, runs):
    shown = lk.explorer(*data, runs, first=(0.05, 4, 7))
    assert repr(shown) == (
        "Explorer of 48 runs (4 learning rates × 4 batch sizes × 3 seeds) of 12 steps\n"
        "learning rates: 0.01, 0.05, 0.9, 3\nbatch sizes: 1, 4, 30, all\nseeds: 0, 7, 3\n"
        "Where scripts run, sliders choose a run: its path over the loss surface, and its loss after each step."
    )
    end, last = runs.paths[1, 1, 1, -1].tolist(), runs.losses[1, 1, 1, -1].item()
    for words in (
        "the path of 12 steps with learning rate 0.05 and batch size 4, seed 7, from w = 0, b = 0 to "
        f"w = {end[0]:.3g}, b = {end[1]:.3g}.",
        f"to {last:.3g}; the smallest possible is {shown.bowl.lowest:.3g}.",
        "one of 48 runs",
    ):
        assert words in shown.description
    assert f'alt="{html.escape(shown.description)}"' in shown.to_html()
    assert "learning rate 0.05 and all examples in each step, from" in lk.explorer(
        *data, runs, first=(0.05, None, 0)
    ).description  # fmt: skip


@pytest.mark.parametrize(("count", "middle"), [(1, 0), (2, 0), (3, 1), (4, 1), (5, 2)])
def test_first_run_by_default(data, count, middle):
    runs = lk.train_many(
        *data, lrs=[0.1, 0.2, 0.3, 0.4, 0.5][:count], batch_sizes=[2, 3, 4, 5, None][:count], seeds=[5, 6], num_steps=1
    )
    assert lk.explorer(*data, runs).first == (middle, middle, 0)


def test_first_run_on_demand(data, runs):
    assert lk.explorer(*data, runs, first=(3.0, None, 3)).first == (3, 3, 2)
    assert lk.explorer(*data, runs, first=[0.01, 1, 0]).first == (0, 0, 0)


def test_runs_that_autograd_knows_are_taken_as_numbers(data, runs):
    known = replace(runs, paths=runs.paths.clone().requires_grad_(), losses=runs.losses.clone().requires_grad_())
    assert (
        lk.explorer(*data, known, first=(0.05, 4, 7)).to_html()
        == lk.explorer(*data, runs, first=(0.05, 4, 7)).to_html()
    )


def by_hand(losses, paths=None):
    """An explorer of runs with these losses, one learning rate each."""
    losses = torch.tensor(losses)[:, None, None]
    paths = torch.zeros(*losses.shape, 2) if paths is None else torch.tensor(paths)[:, None, None]
    return explore.Explorer(ROUND, lk.Runs(tuple(range(len(losses))), (None,), (0,), paths, losses), 10, (0, 0, 0))


@pytest.mark.parametrize(
    ("losses", "low", "high"),
    [
        ([[4.0, 2.0, 1.3], [4.0, 3.0, 2.0]], 1.0, 5.2),
        ([[4.0, 2.0, 1.3], [4.0, 19.0, 18.0]], 1.0, 24.7),
        ([[4.0, 2.0, 1.3], [4.0, 1e6, math.inf], [4.0, math.nan, math.nan]], 1.0, 26.0),  # not beyond 5 times the start
        ([[4.0, 1e-6, 1e-30], [4.0, 3.0, 2.0]], 4e-9, 5.2),  # not below a billionth of it
        ([[0.0, 0.0]], 1e-9, 1.0),  # nothing is left to learn
    ],
)
def test_axis_of_the_loss(losses, low, high):
    assert by_hand(losses).loss_range == pytest.approx((low, high), rel=1e-6, abs=0)


def test_surface_shows_the_runs_whose_loss_never_exceeds_that_of_their_start():
    calm, back, wild, lost = ([[3.0, 4.0], [w, 0.0], [0.0, 0.0]] for w in (1.0, -4.0, 7.0, math.nan))
    losses = [[25.0, 1.0, 0.0], [25.0, 25.0, 0.0], [25.0, 49.0, 0.0], [25.0, math.nan, 0.0]]
    shown = by_hand(losses, [calm, back, wild, lost])
    assert shown.view == Bowl.widened(ROUND.view([torch.tensor(calm), torch.tensor(back)]), 1.3)
    shown = by_hand(losses[2:], [wild, lost])
    assert shown.view == Bowl.widened(ROUND.view([torch.tensor([[3.0, 4.0]])]), 1.3), "their start at least"


def test_picture_is_drawn(data, runs):
    shown = lk.explorer(*data, runs)
    pixels = image.imread(io.BytesIO(shown.to_png()))
    assert pixels.shape[:2] == (800, 1920) and pixels[..., :3].std() > 0.05
    diverging = lk.explorer(*data, runs, first=(3.0, None, 0))
    assert diverging.to_png() != shown.to_png()


@pytest.fixture
def panels(monkeypatch):
    """Return a function that draws an explorer's picture, and returns its two panels."""
    figures, figure = [], plotting.figure

    def kept(*size, **options):
        figures.append(figure(*size, **options))
        return figures[-1]

    def panels(shown):
        shown.to_png()
        return figures[-1][1]

    monkeypatch.setattr(plotting, "figure", kept)
    return panels


@pytest.mark.parametrize("first", [(0.05, 4, 7), (0.05, None, 0)])
def test_picture_shows_the_run_and_beside_it_the_full_batch(data, runs, first, panels):
    shown = lk.explorer(*data, runs, first=first)
    ax_path, ax_loss = panels(shown)
    expected = {"this run": shown.first}
    if first[1] is not None:
        expected = {"full batch": (shown.first[0], 3, shown.first[2]), "this run": shown.first}
    paths, losses = ({line.get_label(): line for line in ax.lines} for ax in (ax_path, ax_loss))
    assert [name for name in paths if name not in ("start", "minimum") and name[0] != "_"] == list(expected)
    assert list(losses) == [*expected, "smallest possible"]
    for name, place in expected.items():
        assert paths[name].get_xydata().tolist() == runs.paths[place].tolist()
        assert losses[name].get_ydata().tolist() == runs.losses[place].tolist()
        assert losses[name].get_color() == paths[name].get_color()
    assert len({line.get_color() for line in losses.values()}) == len(losses), "told apart"
    assert set(losses["smallest possible"].get_ydata()) == {shown.bowl.lowest}
    assert (*ax_path.get_xlim(), *ax_path.get_ylim()) == shown.view
    assert (ax_loss.get_yscale(), ax_loss.get_ylim()) == ("log", shown.loss_range)
    assert (ax_loss.get_xlabel(), ax_loss.get_ylabel()) == ("step", "loss")
    for ax, lines in ((ax_path, [*expected, "start", "minimum"]), (ax_loss, [*expected, "smallest possible"])):
        assert [text.get_text() for text in ax.get_legend().get_texts()] == lines


@pytest.mark.parametrize(
    ("least", "ticks"), [(1.0, [1, 2, 5, 10, 20, 50]), (0.01, [0.01, 0.1, 1, 10])], ids=["two decades", "four"]
)
def test_losses_at_the_axis_are_round_and_not_too_many(panels, least, ticks):
    shown = by_hand([[50.0, 7.0, least]], [[[5.0, 5.0], [1.0, 1.0], [0.0, 0.0]]])
    _, ax = panels(replace(shown, bowl=replace(ROUND, lowest=least)))
    low, high = ax.get_ylim()
    assert [tick for tick in ax.get_yticks() if low <= tick <= high] == pytest.approx(ticks)
    assert [ax.yaxis.get_major_formatter()(tick) for tick in ticks] == [f"{tick:g}" for tick in ticks]
    assert list(ax.get_yticks(minor=True)) == []


def test_axes_fit_the_runs_that_converge(data, runs):
    shown = lk.explorer(*data, runs)
    low, high = shown.loss_range
    assert low <= runs.losses[:2].min() and high >= runs.losses[0, 0, 0, 0]
    assert high < 10 * runs.losses[0, 0, 0, 0]
    w_low, w_high, b_low, b_high = shown.view
    assert -20 < w_low < -5 and 0 < w_high < 10 and -10 < b_low < 0 and 2 < b_high < 10


@pytest.mark.parametrize(
    ("change", "shapes"),
    [
        (lambda runs: {"lrs": ()}, r"\(0, 4, 3\) of them, got shapes \(4, 4, 3, 13, 2\) and \(4, 4, 3, 13\)"),
        (lambda runs: {"seeds": (0,)}, r"\(4, 4, 1\) of them, got shapes \(4, 4, 3, 13, 2\) and \(4, 4, 3, 13\)"),
        (
            lambda runs: {"paths": runs.paths[:2]},
            r"\(4, 4, 3\) of them, got shapes \(2, 4, 3, 13, 2\) and \(4, 4, 3, 13\)",
        ),
        (lambda runs: {"paths": runs.paths[..., :1]}, r"got shapes \(4, 4, 3, 13, 1\) and \(4, 4, 3, 13\)"),
        (lambda runs: {"losses": runs.losses[..., 1:]}, r"got shapes \(4, 4, 3, 13, 2\) and \(4, 4, 3, 12\)"),
    ],
    ids=["nothing", "too few", "too few paths", "w alone", "too few losses"],
)
def test_explorer_refuses_runs_that_do_not_fit_together(data, runs, change, shapes):
    with pytest.raises(ValueError, match=f"^runs must hold w and b and the loss of each run, .*{shapes}$"):
        lk.explorer(*data, replace(runs, **change(runs)))


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"runs": "runs"}, TypeError, "runs must be what train_many returned, got str"),
        ({"X": torch.ones(30, 2)}, ValueError, r"X must have shape \(N, 1\)"),
        ({"y": torch.ones(30, 1)}, ValueError, "runs must have been trained on these X and y: their loss begins at"),
        ({"y": line()[1] + 0.05}, ValueError, r"their loss begins at 34.23, on these it is 34.56"),
        ({"first": 3}, TypeError, r"first must be \(learning rate, batch size, seed\), got 3"),
        ({"first": (0.5, 4, 0)}, ValueError, r"first must name a learning rate of the runs, one of \[0.01.*got 0.5"),
        ({"first": (0.05, 5, 0)}, ValueError, "first must name a batch size of the runs"),
        ({"first": (0.05, 4, 9)}, ValueError, "first must name a seed of the runs"),
    ],
)
def test_explorer_refuses(data, runs, change, error, words):
    given = {"X": data[0], "y": data[1], "runs": runs} | change
    with pytest.raises(error, match=words):
        lk.explorer(given.pop("X"), given.pop("y"), given.pop("runs"), **given)


def test_explorer_takes_as_many_numbers_as_it_says(data, runs, monkeypatch):
    monkeypatch.setattr(explore, "MOST_NUMBERS", runs.paths.numel())
    assert lk.explorer(*data, runs)


def test_explorer_refuses_too_many_numbers(data):
    runs = lk.train_many(*data, lrs=[0.1, 0.2], batch_sizes=[1], seeds=range(20), num_steps=1000)
    with pytest.raises(ValueError, match=r"at most 75000 numbers w and b, got 80080 .*take fewer runs or steps"):
        lk.explorer(*data, runs)
