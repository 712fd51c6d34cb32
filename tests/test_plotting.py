"""Figures: what is drawn is what was measured, every curve can be seen, and nothing is left behind."""

import base64
import io
import itertools
import re

import pytest
import torch
from common import defaults, history
from matplotlib import image, rcParams, style
from matplotlib.backends.backend_agg import FigureCanvasAgg

import lecturekit as lk


def displayed(monkeypatch, fig, alt):
    """The HTML and the text that `show` hands to the notebook."""
    import IPython.display

    bundles = []
    monkeypatch.setattr(IPython.display, "display", lambda bundle, raw: bundles.append(bundle))
    lk.show(fig, alt=alt)
    assert len(bundles) == 1 and set(bundles[0]) == {"text/html", "text/plain"}
    return bundles[0]["text/html"], bundles[0]["text/plain"]


def pixels(html):
    png = base64.b64decode(re.search('src="data:image/png;base64,([^"]+)"', html)[1])
    return image.imread(io.BytesIO(png)), png


def legend_of(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


# --- figure and show --------------------------------------------------------------------------------------------------


def test_show_gives_a_white_image_with_words(monkeypatch):
    fig, ax = lk.figure(5, 3)
    ax.plot([0, 1], [1, 0])
    html, text = displayed(monkeypatch, fig, """w < 0 & "b" > 0 '<script>'""")
    assert text == """w < 0 & "b" > 0 '<script>'""" and html.count("<") == 1
    alt = "w &lt; 0 &amp; &quot;b&quot; &gt; 0 &#x27;&lt;script&gt;&#x27;"
    assert html.startswith(f'<img alt="{alt}" width="500" height="300" ')
    rgba, png = pixels(html)
    assert b"tEXt" not in png and b"tIME" not in png  # no version and no date in the notebook's outputs
    assert rgba.shape == (600, 1000, 4)  # twice the pixels of the page, for sharp screens
    assert (rgba[..., 3] == 1).all() and (rgba[[0, 0, -1, -1], [0, -1, 0, -1]] == 1).all()


def draw_graph():
    w = torch.tensor(2.0, requires_grad=True)
    with lk.trace() as g:
        loss = 3 * w  # noqa: F841 - it is what is drawn
    return g.to_png()


def shown_html(fig):
    with pytest.MonkeyPatch.context() as patch:
        return displayed(patch, fig, "a figure")[0]


X, Y = torch.tensor([[0.0], [1.0], [2.0]]), torch.tensor([[1.0], [3.0], [4.0]])
TWO = torch.cat((X, Y), dim=1)
PICTURES = {
    "losses": lambda: shown_html(lk.plot_losses({"GD": history(), "SGD": history(2.0)})),
    "regions": lambda: shown_html(lk.plot_decision_regions(lambda X: X[:, :1], TWO, (X > 0).float())),
    "tensor": lambda: shown_html(lk.plot_tensor(torch.eye(2))),
    "map": lambda: shown_html(lk.diagrams.course_map()),
    "surface": lambda: shown_html(lk.plot_loss_surface(X, Y, {"GD": torch.tensor([[0.0, 0.0], [1.0, 1.0]])})),
    "explorer": lambda: lk.explorer(X, Y, lk.train_many(X, Y, lrs=[0.1], batch_sizes=[None])).to_html(),
    "graph": draw_graph,
}


@pytest.mark.parametrize("name", PICTURES)
def test_the_readers_style_changes_no_picture_of_the_course_and_stays(name):
    usual = PICTURES[name]()
    with style.context(["dark_background", {"font.size": 20, "lines.linewidth": 9, "axes.grid": True}]):
        assert PICTURES[name]() == usual, "nor does anything else: the same bytes each time"
        assert rcParams["font.size"] == 20


# --- loss curves ------------------------------------------------------------------------------------------------------


def test_lines_are_the_histories():
    histories = {"by hand": history(1.0), "autograd": history(3.0)}
    (ax,) = lk.plot_losses(histories).axes
    assert ax.get_xlabel() == "epochs" and ax.get_ylabel() == "loss"
    assert [text.get_text() for text in ax.texts] == list(histories)
    for line, measured in zip(ax.get_lines(), histories.values(), strict=True):
        assert list(line.get_xdata()) == [0, 1, 2, 3, 4, 5]
        assert list(line.get_ydata()) == [measured.initial_loss, *measured.losses]


def test_curves_that_lie_over_each_other_can_all_be_seen():
    (ax,) = lk.plot_losses({str(k): history() for k in range(4)}).axes
    lines = ax.get_lines()
    widths = [line.get_linewidth() for line in lines]
    assert all(below - above >= 2 for below, above in itertools.pairwise(widths))
    assert len({line.get_color() for line in lines}) == len({line._unscaled_dash_pattern for line in lines}) == 4
    zorders = [line.get_zorder() for line in lines]
    assert zorders == sorted(zorders) and all(line.get_alpha() < 1 for line in lines[:-1])


# --- what makes a plot easy to read -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.008, 0.8, ["0.01", "0.02", "0.05", "0.1", "0.2", "0.5"]),
        (0.28, 0.62, ["0.3", "0.4", "0.5", "0.6"]),
        (0.9, 1.2e8, ["1", "10", "100", "1k", "10k", "100k", "1M", "10M", "100M"]),
        (0.0004, 2, ["0.001", "0.01", "0.1", "1"]),
    ],
)
def test_logarithmic_axes_have_plain_numbers(low, high, ticks):
    fig, ax = lk.figure()
    ax.set(yscale="log", ylim=(low, high))
    lk.plotting.plain_ticks(ax)
    FigureCanvasAgg(fig).draw()
    texts = [tick.label1.get_text() for tick in ax.yaxis.get_major_ticks() if low <= tick.get_loc() <= high]
    assert texts == ticks
    assert not any(tick.label1.get_text() for tick in ax.yaxis.get_minor_ticks())
    assert [float(x) for x in ax.get_xticks()] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1]), "the other one is linear"


def test_names_at_the_ends_of_curves_do_not_touch():
    fig, ax = lk.figure()
    for name, end in {"one": 1.0, "two": 1.01, "low": -5.0, "three": 0.99}.items():
        ax.plot([0, 1], [0, end], label=name)
    ax.plot([0, 1], [0, 3])
    lk.plotting.label_ends(ax)
    FigureCanvasAgg(fig).draw()
    names = {text.get_text(): text for text in ax.texts}
    assert list(names) == ["low", "three", "one", "two"], "from below, and only what has a name"
    boxes = [text.get_window_extent() for text in names.values()]
    assert all(below.y1 <= above.y0 for below, above in itertools.pairwise(boxes))
    assert all(names[line.get_label()].get_color() == line.get_color() for line in ax.get_lines()[:4])
    assert max(box.x1 for box in boxes) <= fig.bbox.x1
    assert (boxes[0].y0 + boxes[0].y1) / 2 == pytest.approx(ax.transData.transform((1, -5.0))[1], abs=3)


def test_noise_is_pale_and_its_mean_is_clear():
    _, ax = lk.figure()
    lk.plotting.plot_noisy(ax, range(6), [5.0, 1.0, 0.0, 4.0, 0.0, 2.0])
    mean, raw = ax.get_lines()
    assert list(mean.get_ydata()) == [2, 2, 2, 2, 2, 1.4] and list(raw.get_ydata()) == [5, 1, 0, 4, 0, 2]
    assert mean.get_color() == raw.get_color() and raw.get_alpha() < 0.5
    (after,) = ax.plot([0, 1])
    assert after.get_color() == lk.style.COLOURS[1], "the noise takes no colour of its own"
    lk.plotting.mark_level(ax, 2.5, "a guess")
    assert list(ax.get_lines()[-1].get_ydata()) == [2.5, 2.5] and ax.texts[-1].get_text() == "a guess"


# --- decision regions -------------------------------------------------------------------------------------------------

CORNERS = torch.tensor([[-2.0, -1.0], [2.0, -1.0], [-2.0, 3.0], [2.0, 3.0], [0.5, 0.5]])
LABELS = torch.tensor([[0.0], [1.0], [0.0], [1.0], [1.0]])


def slanted(X):
    """Not symmetric in x₁ and x₂: a picture with its axes swapped or flipped shows."""
    return 0.5 + 0.3 * X[:, :1] - 0.6 * X[:, 1:] + 0.1 * X[:, :1] * X[:, 1:]


@pytest.mark.parametrize(("threshold", "dtype", "device"), [(0.5, torch.float32, "cpu"), (0.0, torch.float64, "meta")])
def test_regions_are_those_of_predict(threshold, dtype, device):
    with defaults(dtype, device):
        fig = lk.plot_decision_regions(slanted, CORNERS, LABELS, threshold=threshold)
    (ax,) = fig.axes
    points = torch.cartesian_prod(torch.linspace(-2.2, 2.2, 41), torch.linspace(-1.2, 3.2, 41))
    activation = slanted(points)[:, 0]
    clear = (activation - threshold).abs() > 0.1
    blue, orange = (torch.tensor(region.contains_points(points)) for region in ax.collections[0].get_paths())
    assert torch.equal(orange[clear], activation[clear] > threshold) and torch.equal(blue[clear], ~orange[clear])
    assert min(blue.sum(), orange.sum()) > 300


def test_regions_show_the_examples_by_class_and_ring_the_wrong_ones():
    names = {"feature_names": ("sepal_width", "petal_length"), "class_names": ("versicolor", "virginica")}
    (ax,) = lk.plot_decision_regions(slanted, CORNERS, LABELS, **names).axes
    offsets = {part.get_label(): torch.tensor(part.get_offsets().tolist()) for part in ax.collections}
    wrong = (slanted(CORNERS) > 0.5) != (LABELS == 1)
    assert torch.equal(offsets["versicolor"], CORNERS[LABELS[:, 0] == 0])
    assert torch.equal(offsets["virginica"], CORNERS[LABELS[:, 0] == 1])
    assert 0 < wrong.sum() < len(CORNERS) and torch.equal(offsets["wrong side"], CORNERS[wrong[:, 0]])
    assert legend_of(ax) == ["versicolor", "virginica", "wrong side"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("sepal width", "petal length")
    shapes = [len(part.get_paths()[0].vertices) for part in ax.collections if part.get_label() in names["class_names"]]
    assert shapes[0] != shapes[1]  # told by shape as well as by colour


def test_one_class_everywhere_draws_no_border_and_warns_of_nothing(recwarn):
    model = torch.nn.Linear(2, 1, dtype=torch.float64)  # of another precision, and it needs gradients
    torch.nn.init.constant_(model.bias, 1e3)
    lk.plot_decision_regions(model, CORNERS.double().requires_grad_(), LABELS).canvas.draw()
    assert not recwarn.list


def test_predictions_of_another_shape_are_refused():
    """(N,) against (N, 1) would be broadcast, and rings would stand round the wrong examples."""
    with pytest.raises(ValueError, match=r"^predict\(X\) must have the shape of y, \(5, 1\), got \(5,\): .* broadcast"):
        lk.plot_decision_regions(lambda X: X[:, 0], CORNERS, LABELS)


# --- timings ----------------------------------------------------------------------------------------------------------


def test_timings_are_drawn_by_size_and_recorded_ones_are_hollow():
    yours = {100: lk.Timing((2.0, 1.0, 9.0)), 10: lk.Timing((0.5,))}
    (ax,) = lk.plot_timings({"CPU": yours}, recorded={"GPU": yours}).axes
    assert ax.get_xscale() == ax.get_yscale() == "log"
    assert ax.xaxis.get_major_formatter()(1e6) == "1M" and ax.yaxis.get_major_formatter()(1e-3) == "1 ms"
    own, old = ax.lines
    assert (own.get_label(), old.get_label()) == ("CPU", "GPU (recorded)")
    assert list(own.get_xdata()) == [10, 100] and list(own.get_ydata()) == [0.5, 2.0]
    assert old.get_markerfacecolor() == "white" and own.get_linestyle() != old.get_linestyle()


# --- networks ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("sizes", "num_weights"), [((2, 3, 5, 1), 26), ([1, 1], 1)])
def test_circles_and_lines_are_those_of_the_network(sizes, num_weights):
    (ax,) = lk.plot_network(sizes, labels=[str(size) for size in sizes]).axes
    lines, *columns = ax.collections
    segments = {tuple(map(tuple, segment.tolist())) for segment in lines.get_segments()}
    assert len(segments) == num_weights
    circles = {tuple(point) for column in columns for point in column.get_offsets().tolist()}
    assert circles == {end for segment in segments for end in segment}
    assert all(start[0] + 1 == end[0] for start, end in segments)
    for i, column in enumerate(columns):  # one above the other at equal distances, and in the middle
        assert column.get_offsets().tolist() == [[i, row - (sizes[i] - 1) / 2] for row in range(sizes[i])]
    bottom, top = ax.get_ylim()
    assert all(top < y < bottom for _, y in circles), "row 0 is at the top"
    for column, (text, size) in enumerate(zip(ax.texts, sizes, strict=True)):
        x, y = text.get_position()
        assert text.get_text() == str(size) and x == column and max(sizes) / 2 < y < bottom


# --- pictures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(3, 4), (3, 2, 2)])
def test_images_keep_rows_and_signs(shape):
    X = torch.tensor([[0.0, 1, 2, 4], [-4, 0, 0, 0], [0, 0, 0, 0]]).reshape(shape)
    fig = lk.plot_images(X.requires_grad_(), columns=2)
    first = fig.axes[0].get_images()[0]
    assert first.get_array().tolist() == [[0, 1], [2, 4]] and first.get_clim() == (0, 4)
    places = [ax.get_subplotspec() for ax in fig.axes]
    assert [(place.rowspan.start, place.colspan.start) for place in places] == [(0, 0), (0, 1), (1, 0)]
    fig = lk.plot_images(X, titles=["$a$", "b", "c"], signed=True)
    assert fig.axes[0].get_images()[0].get_clim() == (-4, 4), "0 must be white"
    assert fig.axes[1].collections[0].get_offsets().tolist() == [[0, 0]], "a dot where the number is negative"
