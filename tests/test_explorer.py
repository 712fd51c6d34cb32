"""Many runs at once are the runs one after the other; the surface, the paths and the explorer show these numbers."""

import base64
import html
import io
import itertools
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from common import needs_gpu
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.contour import ContourSet
from nbval.plugin import get_sanitize_patterns
from PIL import Image
from torch import nn

import lecturekit as lk
from lecturekit import style

LRS, SIZES, SEEDS, STEPS = (0.01, 0.05, 0.9, 3.0), (1, 4, 30, None), (0, 7, 3), 12


def line(N=30, noise=0.5, shift=0.0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(5)
    x = torch.randn(N, 1, generator=generator, dtype=torch.float64) + shift
    y = -5 * x + 2 + noise * torch.randn(N, 1, generator=generator, dtype=torch.float64)
    return x.to(dtype), y.to(dtype)


X, Y = line()


@pytest.fixture(scope="module")
def runs():
    return lk.train_many(X, Y, lrs=LRS, batch_sizes=SIZES, seeds=SEEDS, num_steps=STEPS)


def by_fit(X, y, lr, batch_size, seed, num_steps):
    """The path as a lesson would get it: `fit`, `nn.Linear`, `backward` and `optim.SGD`."""
    model = nn.Linear(1, 1, dtype=X.dtype)
    nn.utils.vector_to_parameters(torch.zeros(2, dtype=X.dtype), model.parameters())
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)

    def step(X_batch, y_batch):
        optimizer.zero_grad()
        F.mse_loss(model(X_batch), y_batch).backward()
        optimizer.step()

    def record():
        return nn.utils.parameters_to_vector(model.parameters()).detach()

    settings = {"num_steps": num_steps, "batch_size": batch_size, "seed": seed}
    return torch.stack(lk.fit(step, X, y, predict=model, record=record, **settings).path)


@settings(max_examples=25)
@given(N=st.integers(1, 13), size=st.integers(0, 13), lr=st.floats(1e-3, 1.5), seed=st.integers(0, 2**31),
       steps=st.integers(1, 15))  # fmt: skip
def test_each_run_is_the_one_that_fit_would_do(N, size, lr, seed, steps):
    X, y = line(N, dtype=torch.float64)
    lrs, sizes, seeds = [2.0, lr], [1, min(size, N) or None, None], [seed + 1, seed, 0]
    runs = lk.train_many(X, y, lrs=lrs, batch_sizes=sizes, seeds=seeds, num_steps=steps)
    assert runs.paths.shape == (2, 3, 3, steps + 1, 2) and runs.num_steps == steps
    for i, j, k in [(1, 0, 1), (1, 1, 1), (1, 2, 2), (0, 1, 0)]:
        alone = by_fit(X, y, lrs[i], sizes[j], seeds[k], steps)
        torch.testing.assert_close(runs.paths[i, j, k], alone, rtol=1e-9, atol=1e-9)


@given(N=st.integers(1, 20), shift=st.floats(-4, 4), noise=st.floats(0, 3), lr=st.floats(1e-3, 0.5))
def test_quadratic_loss_is_the_mean_squared_error(N, shift, noise, lr):
    X, y = line(N, noise, shift, torch.float64)
    runs = lk.train_many(X, y, lrs=[lr], batch_sizes=[1, None], num_steps=10)
    for (w, b), loss in zip(runs.paths.reshape(-1, 2), runs.losses.flatten(), strict=True):
        torch.testing.assert_close(loss, F.mse_loss(X * w + b, y), rtol=1e-8, atol=1e-9)


def test_nothing_else_is_disturbed_and_numbers_of_numpy_are_numbers(runs, element):
    before = torch.get_rng_state()
    X_leaf, sizes = X.clone().requires_grad_(), [np.int64(1), np.int32(4), 30, None]
    with torch.no_grad():
        again = lk.train_many(X_leaf, Y, lrs=np.array(LRS), batch_sizes=sizes, seeds=np.array(SEEDS), num_steps=STEPS)
    assert torch.equal(torch.get_rng_state(), before)
    assert X_leaf.grad is None and not again.paths.requires_grad and not again.losses.requires_grad
    assert torch.equal(again.paths, runs.paths) and lk.explorer(X, Y, again).to_html() == element


@needs_gpu
def test_on_a_gpu(runs):
    there = lk.train_many(X.cuda(), Y.cuda(), lrs=LRS, batch_sizes=SIZES, seeds=SEEDS, num_steps=STEPS)
    assert there.paths.is_cuda and there.losses.is_cuda
    torch.testing.assert_close(there.paths.cpu(), runs.paths, rtol=1e-3, atol=1e-4)
    with torch.device("cuda"):
        assert lk.explorer(X.cuda(), Y.cuda(), there)
        assert lk.plot_loss_surface(X.cuda(), Y.cuda(), {"run": there.paths[0, 0, 0]})


@pytest.mark.parametrize("X_shape, y_shape", [((4,), (4,)), ((4, 1), (4,)), ((4, 2), (4, 2)), ((4, 1), (3, 1))])
def test_shapes_that_would_be_broadcast_are_refused(X_shape, y_shape):
    words = re.escape(f"X and y must both have shape (N, 1), got {X_shape} and {y_shape}")
    with pytest.raises(ValueError, match=words):
        lk.train_many(torch.ones(X_shape), torch.ones(y_shape), lrs=[0.1], batch_sizes=[2])


def test_what_does_not_belong_together_is_refused(runs):
    with pytest.raises(ValueError, match=r"batch_sizes must be at most 30, the number of examples, got .*31"):
        lk.train_many(X, Y, lrs=[0.1], batch_sizes=[4, 31, None])
    for X_other, Y_other in ((X + 3, Y), (X, Y + 0.1)):
        with pytest.raises(ValueError, match="runs must have been trained on these X and y"):
            lk.explorer(X_other, Y_other, runs)


def drawn(fig):
    """The axes, their lines by label, and the contour lines by loss."""
    FigureCanvasAgg(fig).draw()
    (ax,) = fig.axes
    lines = {line.get_label(): line for line in ax.lines}
    contours = [c for c in ax.collections if isinstance(c, ContourSet) and not c.filled]
    return ax, lines, {level: path for c in contours for level, path in zip(c.levels, c.get_paths(), strict=True)}


def test_surface_draws_the_paths_and_the_loss(runs):
    paths = {"GD <b> $": runs.paths[1, 3, 0], "SGD": runs.paths[1, 0, 0]}
    ax, lines, contours = drawn(lk.plot_loss_surface(X, Y, paths))
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_aspect()) == ("weight w", "bias b", 1)
    assert [text.get_text() for text in ax.figure.legends[0].get_texts()] == ["GD <b> $", "SGD", "start", "minimum"]
    for name, path in paths.items():
        torch.testing.assert_close(torch.tensor(lines[name].get_xydata()), path.double())
    one, other = (lines[name] for name in paths)
    assert one.get_color() != other.get_color() and one.get_marker() != other.get_marker()
    assert len(contours) >= 3
    for level, outline in contours.items():  # every point of a contour line has its loss, but for the grid's width
        w, b = torch.tensor(outline.vertices).T
        losses = (X.double() * w + b - Y.double()).square().mean(dim=0)
        torch.testing.assert_close(losses, torch.full_like(losses, level), rtol=0.02, atol=0.02)
    best = torch.linalg.lstsq(torch.cat((X, torch.ones_like(X)), 1), Y).solution[:, 0]
    torch.testing.assert_close(torch.tensor(lines["minimum"].get_xydata()[0]), best.double(), atol=1e-4, rtol=1e-4)
    assert lines["start"].get_xydata().tolist() == [[0, 0], [0, 0]]


def test_surface_shows_minimum_and_paths_but_not_what_is_far_off():
    runs = lk.train_many(X, Y, lrs=[0.05, 30.0], batch_sizes=[None], num_steps=40)
    ax, lines, _ = drawn(lk.plot_loss_surface(X, Y, {"calm": runs.paths[0, 0, 0], "diverging": runs.paths[1, 0, 0]}))
    (w_low, w_high), (b_low, b_high) = ax.get_xlim(), ax.get_ylim()
    for w, b in [*lines["calm"].get_xydata(), *lines["minimum"].get_xydata()]:
        assert w_low < w < w_high and b_low < b < b_high
    assert w_high - w_low < 20 and b_high - b_low < 20


@pytest.mark.parametrize(("slope", "far"), [(0.02, 1), (1.0, 0.2), (300.0, 1), (300.0, 0.01)])
@pytest.mark.parametrize("centre", [0.0, 2.5], ids=["round", "valley"])
def test_contour_lines_can_be_told_apart(slope, far, centre):
    """At least two with different labels, none of which covers another, for losses from 0.00001 to 500000."""
    x = torch.linspace(-2, 2, 20)[:, None]
    X, y = x + centre, slope * (x + x**2 - (x**2).mean())
    best = slope * torch.tensor([1.0, -centre])
    path = best + far * slope * torch.tensor([[-1.0, 0.3], [0, 0]])
    ax, _, contours = drawn(lk.plot_loss_surface(X, y, {"run": path}))
    assert len({f"{level:g}" for level, outline in contours.items() if len(outline.vertices)}) >= 2
    labels = [text for text in ax.texts if text.get_text()]
    assert len({text.get_text() for text in labels}) >= 2
    boxes = [text.get_window_extent() for text in labels]
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


def test_one_example_and_a_start_at_the_minimum_can_be_drawn():
    X = y = torch.ones(1, 1)
    runs = lk.train_many(X, y, lrs=[0.1, 0.25], batch_sizes=[None])
    assert runs.losses[1, 0, 0, 1:].max() < 1e-12
    path = runs.paths[1, 0, 0, 1:]
    drawn(lk.plot_loss_surface(X, y, {"run": path, "again": path}))


@pytest.fixture(scope="module")
def element(runs):
    return lk.explorer(X, Y, runs).to_html()


@pytest.fixture(scope="module")
def computed(element):
    """What the script finds in the attribute data-runs."""
    return json.loads(html.unescape(re.search(r' data-runs="([^"]*)"', element)[1]))


def test_embedded_numbers_are_the_runs(runs, computed):
    """Not rounded: each float32 of every run."""
    found = torch.frombuffer(bytearray(base64.b64decode(computed["points"])), dtype=torch.float32)
    assert torch.equal(found.reshape(runs.paths.shape), runs.paths)


def test_picture_and_data_agree(runs, element, computed):
    """Matplotlib drew start, minimum and run where the script will place them."""

    def pixels(picture):
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(picture.split(",")[1]))).convert("RGB")).astype(int)

    def place(panel, across, up):
        (left, top, width, height), (x_low, x_high), (y_low, y_high) = panel["box"], panel["x"], panel["y"]
        share_x, share_y = (across - x_low) / (x_high - x_low), (y_high - up) / (y_high - y_low)
        return int(960 * (left + width * share_x)), int(800 * (top + height * share_y))

    def is_drawn(pixels, place, colour):
        x, y = place
        wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
        return (abs(pixels[y - 1 : y + 2, x - 1 : x + 2] - wanted).sum(axis=2) < 60).any()

    surface, curve = computed["panels"]
    x, y = place(surface, *computed["loss"][:2])
    assert all(is_drawn(pixels(surface["picture"]), (x + d, y + d), style.INK) for d in (-6, 0, 6)), "the cross"
    with_paths = pixels(re.search(r'src="([^"]*)"', element)[1])
    for t, (loss, (w, b)) in enumerate(zip(runs.losses[1, 1, 0].log10(), runs.paths[1, 1, 0], strict=True)):
        x, y = place(curve, t, loss)
        assert is_drawn(with_paths, place(surface, w, b), style.COLOURS[1])
        assert is_drawn(with_paths, (x + 960, y), style.COLOURS[1])
        assert not is_drawn(pixels(curve["picture"]), (x, y), style.COLOURS[1]), "the path is the script's"


def test_nothing_but_what_nbval_leaves_out_depends_on_the_last_digits(element):
    """Another machine rounds differently: but for pixels and data-runs, the stored output must stay the same."""
    assert element.startswith('<img src="data:image/png;base64,') and element.count("<") == 1
    assert not re.search(r"\sid=", element) and "http" not in element.replace("http://www.w3.org/2000/svg", "")
    X_other, Y_other = X * (1 + 1e-6), Y * (1 + 1e-6)
    nudged = lk.train_many(X_other, Y_other, lrs=LRS, batch_sizes=SIZES, seeds=SEEDS, num_steps=STEPS)
    other = lk.explorer(X_other, Y_other, nudged).to_html()
    assert other != element
    for pattern, replacement in get_sanitize_patterns(
        Path(__file__).with_name("nbval_sanitize.cfg").read_text("utf-8")
    ):
        element, other = (re.sub(pattern, replacement, text) for text in (element, other))
    assert len(element) < 20_000 and 'data-runs="RUNS"' in element and "base64,PNG" in element
    assert other == element
