"""Figures: what is drawn is what was measured, every curve can be seen, and nothing is left behind."""

import base64
import io
import itertools
import re
import subprocess
import sys

import pytest
import torch
from common import history

import lecturekit as lk
from lecturekit import plotting

matplotlib = pytest.importorskip("matplotlib")

from matplotlib import colors, image  # noqa: E402
from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: E402
from matplotlib.contour import ContourSet  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402


def displayed(monkeypatch, fig, alt):
    """The HTML and the text that `show` hands to the notebook."""
    import IPython.display

    bundles = []
    monkeypatch.setattr(IPython.display, "display", lambda bundle, raw: bundles.append(bundle))
    assert lk.show(fig, alt=alt) is None
    assert len(bundles) == 1 and set(bundles[0]) == {"text/html", "text/plain"}
    return bundles[0]["text/html"], bundles[0]["text/plain"]


def pixels(html):
    png = base64.b64decode(re.search('src="data:image/png;base64,([^"]+)"', html)[1])
    return image.imread(io.BytesIO(png)), png


# --- figure -----------------------------------------------------------------------------------------------------------


def test_figure_size_and_panels():
    fig, ax = lk.figure(5, 3)
    assert tuple(fig.get_size_inches()) == (5, 3) and not hasattr(ax, "__len__")
    _, axes = lk.figure(columns=3)
    assert len(axes) == 3


def test_lines_of_a_figure_differ_in_colour_and_dashes():
    _, ax = lk.figure()
    lines = [ax.plot([0, 1], [0, k])[0] for k in range(4)]
    assert len({line.get_color() for line in lines}) == 4
    assert len({(line.get_linestyle(), line._unscaled_dash_pattern) for line in lines}) == 4


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"width": 0}, ValueError, "width must be positive, got 0"),
        ({"height": -2.5}, ValueError, "height must be positive, got -2.5"),
        ({"width": "6"}, TypeError, "width must be a number, got '6' of type str"),
        ({"height": float("nan")}, ValueError, "height must be finite, got nan"),
        ({"columns": 0}, ValueError, "columns must be an int of at least 1, got 0"),
        ({"columns": 2.0}, TypeError, "columns must be an int of at least 1, got 2.0 of type float"),
    ],
)
def test_figure_refuses(arguments, error, words):
    with pytest.raises(error, match=words):
        lk.figure(**arguments)


def test_pyplot_and_rcparams_are_left_alone():
    """In a fresh interpreter: drawing does not even import pyplot, and all settings stay as they were."""
    code = """
import sys, matplotlib, torch, lecturekit as lk
def settings():  # to ask for the backend would import pyplot
    return {name: matplotlib.rcParams[name] for name in matplotlib.rcParams if name != "backend"}
before = settings()
fig = lk.plot_losses({"a": lk.History(1.0, [0.5, 0.2], steps=[1, 2])})
lk.show(fig, alt="falls")
X = torch.tensor([[0.0, 0.0], [1.0, 1.0]])
lk.plot_decision_regions(lambda X: X[:, :1], X, X[:, :1])
assert "matplotlib.pyplot" not in sys.modules
assert settings() == before
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


# --- show -------------------------------------------------------------------------------------------------------------


def test_show_gives_image_and_words(monkeypatch):
    fig, ax = lk.figure(5, 3)
    ax.plot([0, 1], [1, 0])
    html, text = displayed(monkeypatch, fig, "The loss falls.")
    assert text == "The loss falls."
    assert html.startswith('<img alt="The loss falls." width="500" height="300" ')
    assert pixels(html)[0].shape == (600, 1000, 4)  # twice the pixels of the page, for sharp screens


def test_alt_is_escaped(monkeypatch):
    fig, _ = lk.figure()
    alt = """w < 0 & "b" > 0 '<script>'"""
    html, text = displayed(monkeypatch, fig, alt)
    assert 'alt="w &lt; 0 &amp; &quot;b&quot; &gt; 0 &#x27;&lt;script&gt;&#x27;"' in html
    assert html.count("<") == 1 and text == alt


def test_same_figure_gives_the_same_bytes(monkeypatch):
    def draw():
        return pixels(displayed(monkeypatch, lk.plot_losses({"a": history(), "b": history(2.0)}), "Both fall.")[0])[1]

    first = draw()
    assert first == draw()
    assert b"tEXt" not in first and b"tIME" not in first  # no version and no date in the notebook's outputs


def test_background_is_white_whatever_the_page(monkeypatch):
    fig, ax = lk.figure()
    ax.plot([0, 1], [1, 0])
    rgba, _ = pixels(displayed(monkeypatch, fig, "A line.")[0])
    assert (rgba[..., 3] == 1).all()
    assert all((corner == 1).all() for corner in (rgba[0, 0], rgba[0, -1], rgba[-1, 0], rgba[-1, -1]))
    assert tuple(ax.get_facecolor()) == (1, 1, 1, 1)


@pytest.mark.parametrize(
    ("alt", "error", "words"),
    [
        ("", ValueError, "alt must say what is to be seen"),
        (" \n", ValueError, "alt must say what is to be seen"),
        (None, TypeError, "alt must be a string, got NoneType"),
        (3, TypeError, "alt must be a string, got int"),
    ],
)
def test_alt_is_required(alt, error, words):
    fig, _ = lk.figure()
    with pytest.raises(TypeError):
        lk.show(fig)
    with pytest.raises(error, match=words):
        lk.show(fig, alt=alt)


def test_show_refuses_what_is_no_figure():
    _, ax = lk.figure()
    with pytest.raises(TypeError, match="fig must be a matplotlib Figure, got Axes"):
        lk.show(ax, alt="axes")


# --- loss curves ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("against", "label", "column"),
    [
        ("epochs", "epochs", [1, 2, 3, 4, 5]),
        ("steps", "steps", [7, 14, 21, 28, 35]),
        ("examples", "examples seen", [70, 140, 210, 280, 350]),
        ("seconds", "seconds", [0.5, 1.0, 1.5, 2.0, 2.5]),
    ],
)
def test_lines_are_the_histories(against, label, column):
    histories = {"by hand": history(1.0), "autograd": history(3.0)}
    fig = lk.plot_losses(histories, against=against)
    (ax,) = fig.axes
    assert isinstance(fig, Figure) and ax.get_xlabel() == label and ax.get_ylabel() == "loss"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(histories)
    for line, (name, measured) in zip(ax.get_lines(), histories.items(), strict=True):
        assert line.get_label() == name
        assert list(line.get_xdata()) == [0, *column]
        assert list(line.get_ydata()) == [measured.initial_loss, *measured.losses]


@pytest.mark.parametrize("number", [2, 3, 4])
def test_curves_that_lie_over_each_other_can_all_be_seen(monkeypatch, number):
    fig = lk.plot_losses({str(k): history() for k in range(number)})
    (ax,) = fig.axes
    lines = list(ax.get_lines())
    widths = [line.get_linewidth() for line in lines]
    assert all(below - above >= 2 for below, above in itertools.pairwise(widths))
    zorders = [line.get_zorder() for line in lines]
    assert zorders == sorted(zorders)  # drawn in this order: the thinnest comes last
    assert len({line.get_color() for line in lines}) == number
    assert len({line._unscaled_dash_pattern for line in lines}) == number
    # In the picture: the hues of all curves, as they come out where they are painted over each other.
    ax.legend().remove()
    rgba, _ = pixels(displayed(monkeypatch, fig, "One curve for all.")[0])
    painted = (255 * rgba[..., :3]).round().astype(int).reshape(-1, 3)
    for line in lines:
        ink, alpha = torch.tensor(colors.to_rgb(line.get_color())), line.get_alpha()
        grounds = [torch.ones(3)]
        for below in lines[: lines.index(line)]:
            grounds += [
                below.get_alpha() * torch.tensor(colors.to_rgb(below.get_color())) + (1 - below.get_alpha()) * ground
                for ground in grounds
            ]
        wanted = [(255 * (alpha * ink + (1 - alpha) * ground)).round().int() for ground in grounds]
        found = max(int((abs(painted - colour.numpy()).max(axis=1) <= 2).sum()) for colour in wanted)
        assert found >= 200, f"curve {line.get_label()} is hidden"


# --- plot_timings -----------------------------------------------------------------------------------------------------

FAST = {100: 1e-4, 10: 5e-5, 1000: 2e-3}
MEASURED = {10: lk.Timing((2.0, 1.0, 3.0, 9.0, 7.0)), 100: lk.Timing((7.0,))}


def bars_of(container):
    """From where to where each bar reaches, bar by bar."""
    (_, _, (segments,)) = container
    return [(low[1], high[1]) for low, high in segments.get_segments()]


def test_timings_are_drawn_as_measured():
    fig = lk.plot_timings({"GD": FAST, "SGD": MEASURED}, xlabel="rows", ylabel="seconds, about")
    (ax,) = fig.axes
    assert isinstance(fig, Figure) and ax.get_xscale() == ax.get_yscale() == "log"
    assert ax.get_xlabel() == "rows" and ax.get_ylabel() == "seconds, about"
    plain, measured = ax.containers
    assert list(plain[0].get_xdata()) == [10, 100, 1000] and list(plain[0].get_ydata()) == [5e-5, 1e-4, 2e-3]
    assert list(measured[0].get_xdata()) == [10, 100] and list(measured[0].get_ydata()) == [3.0, 7.0]
    assert bars_of(measured) == [(2.0, 7.0), (7.0, 7.0)]  # the quartiles
    assert bars_of(plain) == [(5e-5, 5e-5), (1e-4, 1e-4), (2e-3, 2e-3)]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["GD", "SGD"]


def test_timings_say_what_their_axes_show():
    (ax,) = lk.plot_timings({"GD": FAST}).axes
    assert ax.get_xlabel() == "numbers in X" and ax.get_ylabel() == "time of a step"
    assert ax.xaxis.get_major_formatter()(1e6) == "1M" and ax.yaxis.get_major_formatter()(1e-3) == "1 ms"


def style(line):
    return line.get_color(), line._unscaled_dash_pattern, line.get_marker()


def test_recorded_timings_are_hollow_and_look_like_those_of_the_same_name():
    fig = lk.plot_timings({"GD": FAST, "SGD": MEASURED}, recorded={"SGD": FAST, "GD": MEASURED, "new": FAST})
    (ax,) = fig.axes
    lines = {container.get_label(): container[0] for container in ax.containers}
    assert list(lines) == ["GD", "SGD", "SGD (recorded)", "GD (recorded)", "new (recorded)"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(lines)
    for name in ("GD", "SGD"):
        own, old = lines[name], lines[f"{name} (recorded)"]
        assert style(own) == style(old)
        assert colors.to_hex(old.get_markerfacecolor()) == "#ffffff" != colors.to_hex(own.get_markerfacecolor())
        assert old.get_linewidth() < own.get_linewidth() and old.get_zorder() < own.get_zorder()
    assert len({style(lines[name]) for name in ("GD", "SGD", "new (recorded)")}) == 3
    assert list(lines["GD (recorded)"].get_ydata()) == [3.0, 7.0]


def test_recorded_timings_alone():
    (ax,) = lk.plot_timings({}, recorded={"GD": FAST}).axes
    assert [container.get_label() for container in ax.containers] == ["GD (recorded)"]


def test_sixteen_timings_can_be_told_apart():
    (ax,) = lk.plot_timings({str(k): FAST for k in range(16)}).axes
    assert len({style(container[0]) for container in ax.containers}) == 16
    first = [style(container[0]) for container in ax.containers[:4]]
    assert [colour for colour, _, _ in first] == list(plotting.COLOURS)  # in the order of the other figures
    assert all(len(set(part)) == 4 for part in zip(*first, strict=True))  # in colour, in dashes and in shape


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"timings": [FAST]}, TypeError, "timings must be a dict of series, got list"),
        ({"timings": {}}, ValueError, "timings must hold at least one series, got none"),
        ({"timings": {}, "recorded": {}}, ValueError, "timings must hold at least one series, got none"),
        ({"timings": {"GD": {}}}, TypeError, r"timings\['GD'\] must be a dict .* with an entry, got {}"),
        ({"timings": {"GD": [1.0]}}, TypeError, r"timings\['GD'\] must be a dict .* got \[1.0\]"),
        ({"timings": {"GD": {0: 1.0}}}, ValueError, r"timings\['GD'\] must hold positive sizes and times, got 0"),
        ({"timings": {"GD": {1: 0.0}}}, ValueError, r"a time in timings.'GD'. must be positive, got 0"),
        ({"timings": {"GD": {1: "fast"}}}, TypeError, "a time in timings.*must be a number, got 'fast'"),
        ({"timings": {"GD": {1: float("nan")}}}, ValueError, "a time in timings.*must be finite, got nan"),
        ({"timings": {"GD": {"big": 1.0}}}, TypeError, "a size in timings.*must be a number, got 'big'"),
        ({"timings": {"GD": FAST}, "recorded": [1]}, TypeError, "recorded must be a dict of series, got list"),
        ({"timings": {"GD": FAST}, "recorded": {"x": {1: -1}}}, ValueError, "a time in recorded.*must be positive"),
    ],
)
def test_plot_timings_refuses(arguments, error, words):
    with pytest.raises(error, match=words):
        lk.plot_timings(**arguments)


# --- plot_losses, once more -------------------------------------------------------------------------------------------


def test_more_curves_than_colours():
    lines = lk.plot_losses({str(k): history() for k in range(6)}).axes[0].get_lines()
    assert len(lines) == 6 and min(line.get_linewidth() for line in lines) > 0


def test_logarithmic_loss():
    assert lk.plot_losses({"a": history()}, log=True).axes[0].get_yscale() == "log"
    assert lk.plot_losses({"a": history()}).axes[0].get_yscale() == "linear"


def test_epochs_are_whole_numbers_on_the_axis():
    fig = lk.plot_losses({"a": history(length=2)})
    fig.canvas.draw()
    assert all(float(tick).is_integer() for tick in fig.axes[0].get_xticks())


@pytest.mark.parametrize(
    ("histories", "arguments", "error", "words"),
    [
        ({}, {}, ValueError, "histories must hold at least one History, got none"),
        (history(), {}, TypeError, "histories must be a dict of History, got History"),
        ([history()], {}, TypeError, "histories must be a dict of History, got list"),
        ({"a": [0.5, 0.2]}, {}, TypeError, r"histories\['a'\] must be a History, got list"),
        ({"a": history()}, {"against": "epoch"}, ValueError, "against must be one of epochs, steps, .*, got 'epoch'"),
        ({"a": history()}, {"against": None}, ValueError, "against must be one of epochs, steps, .*, got None"),
    ],
)
def test_plot_losses_refuses(histories, arguments, error, words):
    with pytest.raises(error, match=words):
        lk.plot_losses(histories, **arguments)


# --- decision regions -------------------------------------------------------------------------------------------------

CORNERS = torch.tensor([[-2.0, -1.0], [2.0, -1.0], [-2.0, 3.0], [2.0, 3.0], [0.5, 0.5]])
LABELS = torch.tensor([[0.0], [1.0], [0.0], [1.0], [1.0]])


def slanted(X):
    """Not symmetric in x₁ and x₂: a picture with its axes swapped or flipped shows."""
    return (0.5 + 0.3 * X[:, :1] - 0.6 * X[:, 1:] + 0.1 * X[:, :1] * X[:, 1:]).to(X.dtype)


@pytest.mark.parametrize("threshold", [0.5, 0.0])
def test_regions_are_those_of_predict(threshold):
    fig = lk.plot_decision_regions(slanted, CORNERS, LABELS, threshold=threshold)
    (ax,) = fig.axes
    canvas = FigureCanvasAgg(fig)
    canvas.draw()
    rgba = torch.tensor(bytearray(canvas.buffer_rgba())).reshape(*canvas.get_width_height()[::-1], 4)
    x1, x2 = (torch.linspace(a, b, 41) for a, b in ((-2.2, 2.2), (-1.2, 3.2)))
    compared = [0, 0]
    for point in torch.cartesian_prod(x1, x2):
        activation = slanted(point.reshape(1, 2)).item()
        if abs(activation - threshold) < 0.1 or (CORNERS - point).abs().amax(dim=1).min() < 0.3:
            continue  # on the border, or under an example
        column, row = ax.transData.transform(point.tolist())
        seen = rgba[rgba.shape[0] - 1 - round(row), round(column), :3].tolist()
        if ax.get_legend().get_window_extent().padded(3).contains(column, row):
            continue
        blue, orange = [220, 235, 247], [251, 229, 214]
        assert seen == (orange if activation > threshold else blue), f"at {point.tolist()}"
        compared[activation > threshold] += 1
    assert min(compared) > 300


def test_regions_show_the_examples_by_class():
    fig = lk.plot_decision_regions(
        slanted, CORNERS, LABELS, feature_names=("sepal_width", "petal_length"), class_names=("versicolor", "virginica")
    )
    (ax,) = fig.axes
    zero, one = [part for part in ax.collections if part.get_label() in ("versicolor", "virginica")]
    assert torch.equal(torch.tensor(zero.get_offsets().tolist()), CORNERS[LABELS[:, 0] == 0])
    assert torch.equal(torch.tensor(one.get_offsets().tolist()), CORNERS[LABELS[:, 0] == 1])
    assert zero.get_paths()[0].vertices.shape != one.get_paths()[0].vertices.shape  # shape as well as colour
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend[:2] == ["versicolor", "virginica"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("sepal width", "petal length")


def test_border_runs_where_predict_is_the_threshold():
    fig = lk.plot_decision_regions(slanted, CORNERS, LABELS)
    (border,) = [part for part in fig.axes[0].collections if isinstance(part, ContourSet) and not part.filled]
    assert colors.same_color(border.get_edgecolor(), plotting.INK)
    points = torch.tensor(border.get_paths()[0].vertices, dtype=torch.float32)
    assert len(points) > 50 and (slanted(points) - 0.5).abs().max() < 1e-3


@pytest.mark.parametrize("constant", [0.0, 1.0])
def test_one_class_everywhere_draws_no_border_and_warns_of_nothing(recwarn, constant):
    fig = lk.plot_decision_regions(lambda X: torch.full((len(X), 1), constant), CORNERS, LABELS)
    fig.canvas.draw()
    assert not recwarn.list


def test_predict_sees_no_grad_and_the_dtype_of_X():
    seen = []

    def predict(X):
        seen.append((torch.is_grad_enabled(), X.dtype, X.shape[1]))
        return slanted(X)

    lk.plot_decision_regions(predict, CORNERS.double(), LABELS.double())
    assert seen == [(False, torch.float64, 2)] * 2


def test_rings_stand_round_exactly_the_wrong_examples():
    wrong = CORNERS[(slanted(CORNERS) > 0.5)[:, 0] != (LABELS[:, 0] == 1)]
    assert 0 < len(wrong) < len(CORNERS)
    for labels, expected in ((LABELS, wrong), ((slanted(CORNERS) > 0.5).float(), None)):
        collections = lk.plot_decision_regions(slanted, CORNERS, labels).axes[0].collections
        rings = [part for part in collections if part.get_label() == "wrong side"]
        if expected is None:
            assert rings == []
        else:
            assert torch.equal(torch.tensor(rings[0].get_offsets().tolist()), expected)


def test_regions_leave_the_data_alone():
    before = CORNERS.clone()
    lk.plot_decision_regions(slanted, CORNERS, LABELS)
    assert torch.equal(CORNERS, before)


def test_regions_of_a_model_that_needs_gradients():
    model = torch.nn.Linear(2, 1)
    lk.plot_decision_regions(model, CORNERS, LABELS)
    assert model.weight.grad is None


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"predict": 3}, TypeError, "predict must be a function, got int"),
        (
            {"X": CORNERS[:, :1]},
            ValueError,
            r"X and y must have shapes \(N, 2\) and \(N, 1\), got \(5, 1\) and \(5, 1\)",
        ),
        ({"y": LABELS[:, 0]}, ValueError, r"shapes \(N, 2\) and \(N, 1\), got \(5, 2\) and \(5,\)"),
        ({"y": LABELS[:3]}, ValueError, "X and y must have equally many rows"),
        ({"X": CORNERS / 0}, ValueError, "X must be finite"),
        ({"X": CORNERS[:0], "y": LABELS[:0]}, ValueError, "X must hold at least one example"),
        ({"X": CORNERS.tolist()}, TypeError, "X must be a torch.Tensor, got list"),
        ({"y": LABELS + 1}, ValueError, r"y must hold only 0 and 1, got \[1.0, 2.0\]"),
        ({"threshold": "0.5"}, TypeError, "threshold must be a number, got '0.5' of type str"),
        ({"class_names": ("a",)}, ValueError, r"class_names must be two names, got \('a',\)"),
        ({"feature_names": "ab"}, ValueError, "feature_names must be two names, got 'ab'"),
        ({"predict": lambda X: X[:, 0]}, ValueError, r"predict\(X\) must have shape \(40000, 1\).*got \(40000,\)"),
        ({"predict": lambda X: X}, ValueError, r"predict\(X\) must have shape \(40000, 1\).*got \(40000, 2\)"),
        ({"predict": lambda X: 0.5}, ValueError, r"predict\(X\) must have shape \(40000, 1\).*got float"),
    ],
)
def test_plot_decision_regions_refuses(change, error, words):
    arguments = {"predict": slanted, "X": CORNERS, "y": LABELS} | change
    with pytest.raises(error, match=words):
        lk.plot_decision_regions(**arguments)
