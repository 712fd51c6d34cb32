"""Pictures of tensors: every cell stands for one element, at its place, and nothing hides a value."""

import io
import itertools

import pytest
import torch
from common import defaults
from matplotlib import image
from matplotlib.backends.backend_agg import FigureCanvasAgg

import lecturekit as lk


def corners(fig):
    """Upper left corners of the cells, in the order they are painted."""
    paths = [path for part in fig.axes[0].collections for path in part.get_paths()]
    return [(round(path.vertices[:, 0].min(), 6), round(path.vertices[:, 1].min(), 6)) for path in paths]


def texts(fig):
    return [text.get_text() for text in fig.axes[0].texts]


def values_at(fig):
    """What is written into each cell, by the cell's corner."""
    written = {}
    for text in fig.axes[0].texts:
        x, y = text.get_position()
        written[round(x - 0.5, 6), round(y - 0.5, 6)] = text.get_text()
    return [written.get(corner) for corner in corners(fig)]


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 3, 4), (2, 2, 2, 3), (5, 1, 1, 2)])
def test_each_value_is_written_into_its_own_cell(shape):
    x = torch.arange(torch.Size(shape).numel()).reshape(shape)
    with defaults(torch.float64, "meta"):
        fig = lk.plot_tensor(x)
    assert values_at(fig) == [str(value) for value in x.flatten().tolist()]
    assert f"rank {len(shape)} · shape {shape}" in texts(fig)
    if shape == (2, 3):  # rows go down and columns to the right
        assert corners(fig) == [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1)]
        assert fig.axes[0].yaxis_inverted()
    if len(shape) == 3:
        assert [text for text in texts(fig) if text[0] == "["] == ["[0]", "[1]"]


@pytest.mark.parametrize("shape", [(4, 3, 2), (2, 2, 2, 3), (16, 2, 1, 2)])
def test_where_values_are_written_no_cell_covers_another(shape):
    for (x1, y1), (x2, y2) in itertools.combinations(corners(lk.plot_tensor(torch.zeros(shape))), 2):
        assert abs(x1 - x2) > 1 - 1e-6 or abs(y1 - y2) > 1 - 1e-6


def test_in_a_pile_the_first_row_of_each_layer_can_be_seen():
    shape = (3, 4, 5, 10)
    cells = torch.tensor(corners(lk.plot_tensor(torch.zeros(shape)))).reshape(*shape, 2)
    steps = cells.diff(dim=1)
    assert (steps[..., 0] < 0).all() and (steps[..., 1] >= 1).all()  # each layer further left and a row lower


def test_a_label_stands_beside_the_layer_it_names():
    x = torch.arange(24).reshape(2, 2, 2, 3)
    fig = lk.plot_tensor(x)
    labels = {text.get_text(): text.get_position() for text in fig.axes[0].texts if text.get_text()[0] == "["}
    assert list(labels) == ["[0, 0]", "[0, 1]", "[1, 0]", "[1, 1]"]
    for index in [(1, 0), (0, 1), (1, 1)]:
        corner_x, corner_y = corners(fig)[int(x[index][0, 0])]
        right, middle = labels[str(list(index))]
        assert 0 < corner_x - right < 0.5 and middle == pytest.approx(corner_y + 0.5)


@pytest.mark.parametrize("shape", [(5, 13), (40,), (10, 10, 10)])
def test_larger_tensors_are_drawn_without_values(shape):
    values = values_at(lk.plot_tensor(torch.zeros(shape)))
    assert values == [None] * torch.Size(shape).numel()


def test_values_of_every_dtype():
    tensors = {
        "float": torch.tensor([0.5, -1.0, 1 / 3], requires_grad=True),
        "bool": torch.tensor([True, False]),
        "complex": torch.tensor([1 + 2j]),
        "bfloat16": torch.tensor([1.5], dtype=torch.bfloat16),
    }
    assert values_at(lk.plot_tensor(tensors)) == ["0.5", "-1", "0.3333", "True", "False", "1+2j", "1.5"]


@pytest.mark.parametrize(
    ("tensor", "own"),
    [
        (torch.arange(3).reshape(3, 1).expand(3, 2), [True, False] * 3),
        (torch.arange(2).expand(2, 2), [True, True, False, False]),
        (torch.arange(4).reshape(2, 2).T, [True] * 4),
        (torch.arange(4).unfold(0, 2, 1), [True, True, False, True, False, True]),
        (torch.arange(24).reshape(4, 6)[1:3, ::3], [True] * 4),
    ],
)
def test_cells_without_memory_of_their_own_are_dashed_and_pale(tensor, own):
    (cells,) = lk.plot_tensor(tensor).axes[0].collections
    assert [dashes[1] is None for dashes in cells.get_linestyle()] == own
    assert [tuple(colour) != (1, 1, 1, 1) for colour in cells.get_facecolor()] == own


def test_several_tensors_stand_side_by_side_under_their_names():
    fig = lk.plot_tensor({"a": torch.zeros(2, 3), "b in $": torch.ones(4, 1), "long names": torch.tensor(2.0)})
    titles = ["a · shape (2, 3)", "b in $ · shape (4, 1)", "long names · shape ()"]
    assert [text for text in texts(fig) if "shape" in text] == titles
    assert values_at(fig) == ["0"] * 6 + ["1"] * 4 + ["2"]
    x = [x for x, _ in corners(fig)]
    assert min(x[6:10]) > max(x[:6]) + 1 and x[10] > max(x[6:10]) + 1


@pytest.mark.parametrize(
    "drawn",
    [
        torch.arange(600).reshape(3, 4, 5, 10),
        torch.zeros(40, 1, 1, 25),
        torch.tensor(7),
        torch.tensor([[-0.01234, 123456.0], [1.0, 1e-10]]),
        {"x": torch.arange(6).reshape(2, 3), "a long name over a single cell": torch.tensor(1)},
    ],
)
def test_everything_lies_within_a_figure_of_whole_pixels_that_fits_a_page(drawn):
    fig = lk.plot_tensor(drawn)
    FigureCanvasAgg(fig).draw()
    (ax,) = fig.axes
    width, height = fig.get_size_inches()
    assert width <= 9.6 and height <= 8.4
    page = fig.bbox.padded(1)
    for box in [part.get_window_extent() for part in [*ax.texts, *ax.collections]]:
        assert page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1
    titles = [text.get_window_extent() for text in ax.texts if "shape" in text.get_text()]
    assert all(one.x1 < other.x0 for one, other in itertools.pairwise(titles))
    cell = ax.transData.transform((1, 0))[0] - ax.transData.transform((0, 0))[0]
    values = [text for text in ax.texts if text.get_text()[0] != "[" and "shape" not in text.get_text()]
    assert all(text.get_window_extent().width < cell for text in values)
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=200)  # shown at 100 pixels an inch: neither stretched nor cut
    assert image.imread(io.BytesIO(buffer.getvalue())).shape[:2] == (2 * round(100 * height), 2 * round(100 * width))


@pytest.mark.parametrize("shape", [(1, 1, 1, 1, 2), (3, 0), (1001,)])
def test_what_no_page_holds_is_refused(shape):
    with pytest.raises(ValueError, match="must have rank 0 to 4 and 1 to 1000 elements, got shape") as caught:
        lk.plot_tensor({"small": torch.zeros(2), "x": torch.zeros(shape)})
    assert str(caught.value).endswith(str(shape))
