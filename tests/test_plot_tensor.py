"""Pictures of tensors: every cell stands for one element, at its place, and nothing hides a value."""

import io
import itertools

import pytest
import torch

import lecturekit as lk

pytest.importorskip("matplotlib")

from matplotlib import image
from matplotlib.backends.backend_agg import FigureCanvasAgg


def corners(fig):
    """Upper left corners of the cells, in the order they are painted."""
    (ax,) = fig.axes
    return [
        (round(path.vertices[:, 0].min(), 6), round(path.vertices[:, 1].min(), 6))
        for part in ax.collections
        for path in part.get_paths()
    ]


def texts(fig):
    return [text.get_text() for text in fig.axes[0].texts]


def values_at(fig):
    """What is written into each cell, by the cell's corner."""
    written = {
        (round(text.get_position()[0] - 0.5, 6), round(text.get_position()[1] - 0.5, 6)): text.get_text()
        for text in fig.axes[0].texts
    }
    return [written.get(corner) for corner in corners(fig)]


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (3, 2), (2, 3, 4), (2, 2, 2, 3), (1, 1, 1, 1), (5, 1, 1, 2)])
def test_each_value_is_written_into_its_own_cell(shape):
    x = torch.arange(torch.Size(shape).numel()).reshape(shape)
    fig = lk.plot_tensor(x)
    assert values_at(fig) == [str(value) for value in x.flatten().tolist()]
    assert f"rank {len(shape)} · shape {shape}" in texts(fig)


def test_rows_go_down_and_columns_to_the_right():
    fig = lk.plot_tensor(torch.arange(6).reshape(2, 3))
    assert corners(fig) == [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1)]
    bottom, top = fig.axes[0].get_ylim()
    assert bottom > top


@pytest.mark.parametrize("shape", [(2, 3, 4), (4, 3, 2), (2, 2, 2, 3), (4, 2, 2, 2), (16, 2, 1, 2)])
def test_where_values_are_written_no_cell_covers_another(shape):
    cells = corners(lk.plot_tensor(torch.zeros(shape)))
    for (x1, y1), (x2, y2) in itertools.combinations(cells, 2):
        assert abs(x1 - x2) > 1 - 1e-6 or abs(y1 - y2) > 1 - 1e-6


def test_layers_are_offset_and_blocks_stand_apart():
    shape = (3, 4, 5, 10)
    fig = lk.plot_tensor(torch.arange(600).reshape(shape))
    cells = torch.tensor(corners(fig)).reshape(*shape, 2)
    layer_steps = cells.diff(dim=1)
    assert (layer_steps[..., 0] < 0).all() and (layer_steps[..., 1] > 0).all()  # each one further left and lower
    for block, following in itertools.pairwise(cells):
        assert following[..., 0].min() > block[..., 0].max() + 1 and following[..., 1].min() == block[..., 1].min()
    # Layers overlap, so the first row of each must be seen: no later layer reaches into it.
    for block in cells:
        for upper, lower in itertools.pairwise(block):
            assert lower[..., 1].min() >= upper[0, :, 1].max() + 1


@pytest.mark.parametrize(
    ("shape", "labels"),
    [
        ((2, 3), set()),
        ((2, 1, 3), {"[0]", "[1]"}),
        ((2, 2, 1, 1), {"[0, 0]", "[0, 1]", "[1, 0]", "[1, 1]"}),
        ((3, 4, 5, 10), {f"[{block}, {layer}]" for block in range(3) for layer in range(4)}),
    ],
)
def test_layers_and_blocks_carry_their_indices(shape, labels):
    assert {text for text in texts(lk.plot_tensor(torch.zeros(shape))) if text.startswith("[")} == labels


@pytest.mark.parametrize("index", [(1, 0), (0, 1), (1, 1)])
def test_a_label_stands_beside_the_layer_it_names(index):
    x = torch.arange(24).reshape(2, 2, 2, 3)
    fig = lk.plot_tensor(x)
    (label,) = [text for text in fig.axes[0].texts if text.get_text() == str(list(index))]
    corner_x, corner_y = corners(fig)[int(x[index][0, 0])]
    right, middle = label.get_position()
    assert 0 < corner_x - right < 0.5 and middle == pytest.approx(corner_y + 0.5)


@pytest.mark.parametrize("tensor", [torch.arange(65), torch.zeros(40), torch.zeros(40, 25), torch.zeros(10, 10, 10)])
def test_larger_tensors_are_drawn_without_values(tensor):
    if tensor.numel() == 65:
        tensor = tensor.reshape(5, 13)
    fig = lk.plot_tensor(tensor)
    assert len(corners(fig)) == tensor.numel()
    assert set(values_at(fig)) == {None}


@pytest.mark.parametrize(
    ("values", "written"),
    [
        (torch.tensor([0.5, -1.0, 1 / 3]), ["0.5", "-1", "0.3333"]),
        (torch.tensor([True, False]), ["True", "False"]),
        (torch.tensor([float("nan"), float("inf")]), ["nan", "inf"]),
        (torch.tensor([123456, -7], dtype=torch.int32), ["123456", "-7"]),
        (torch.tensor([1 + 2j]), ["1+2j"]),
        (torch.tensor([1.5], requires_grad=True), ["1.5"]),
        (torch.tensor([1.5], dtype=torch.bfloat16), ["1.5"]),
    ],
)
def test_values_of_every_dtype(values, written):
    assert values_at(lk.plot_tensor(values)) == written


@pytest.mark.parametrize(
    ("tensor", "own"),
    [
        (torch.arange(3).reshape(3, 1).expand(3, 2), [True, False] * 3),
        (torch.arange(2).expand(2, 2), [True, True, False, False]),
        (torch.arange(4).reshape(2, 2).T, [True] * 4),
        (torch.tensor(1).expand(3), [True, False, False]),
        (torch.arange(4).unfold(0, 2, 1), [True, True, False, True, False, True]),
    ],
)
def test_cells_without_memory_of_their_own_are_dashed_and_pale(tensor, own):
    (cells,) = lk.plot_tensor(tensor).axes[0].collections
    assert [dashes[1] is None for dashes in cells.get_linestyle()] == own
    assert [tuple(colour) != (1, 1, 1, 1) for colour in cells.get_facecolor()] == own


def test_several_tensors_stand_side_by_side_under_their_names():
    parts = {"a": torch.zeros(2, 3), "b": torch.ones(4, 1), "a long name that needs room": torch.tensor(2.0)}
    fig = lk.plot_tensor(parts)
    assert [text for text in texts(fig) if "shape" in text] == [
        "a · shape (2, 3)",
        "b · shape (4, 1)",
        "a long name that needs room · shape ()",
    ]
    assert [values_at(fig).count(value) for value in ("0", "1", "2")] == [6, 4, 1]
    ends = [max(x for x, _ in corners(lk.plot_tensor(part))) + 1 for part in parts.values()]
    groups = [[x for x, _ in part] for part in (corners(fig)[:6], corners(fig)[6:10], corners(fig)[10:])]
    assert min(groups[1]) > ends[0] and min(groups[2]) > max(groups[1]) + 1


@pytest.mark.parametrize(
    "drawn",
    [
        torch.arange(600).reshape(3, 4, 5, 10),
        torch.zeros(40, 25),
        torch.zeros(40, 1, 1, 25),
        torch.tensor(7),
        torch.arange(24).reshape(2, 2, 2, 3),
        torch.full((2, 3), -0.012345),
        {"x": torch.arange(6).reshape(2, 3), "a long name over a single cell": torch.tensor(1)},
    ],
)
def test_everything_lies_within_a_figure_that_fits_a_page(drawn):
    fig = lk.plot_tensor(drawn)
    canvas = FigureCanvasAgg(fig)
    canvas.draw()
    (ax,) = fig.axes
    width, height = fig.get_size_inches()
    assert width <= 9.6 and height <= 8.4
    page = fig.bbox.padded(1)
    boxes = [text.get_window_extent() for text in ax.texts] + [part.get_window_extent() for part in ax.collections]
    for box in boxes:
        assert page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1
    titles = [text.get_window_extent() for text in ax.texts if "shape" in text.get_text()]
    for one, other in itertools.pairwise(titles):
        assert one.x1 < other.x0


@pytest.mark.parametrize("shape", [(3, 4, 5, 10), (2, 3), (3, 1), (9, 7), (10, 10, 10), (40,)])
def test_the_picture_has_whole_pixels(shape):
    """Shown at 100 pixels an inch and stored at 200: what is stored is neither stretched nor cut."""
    fig = lk.plot_tensor(torch.zeros(shape))
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=200)
    height, width = image.imread(io.BytesIO(buffer.getvalue())).shape[:2]
    assert (width, height) == tuple(2 * round(100 * inches) for inches in fig.get_size_inches())


def test_a_value_is_not_wider_than_its_cell():
    fig = lk.plot_tensor(torch.tensor([[-0.01234, 123456.0], [False, 1e-10]]))
    FigureCanvasAgg(fig).draw()
    (ax,) = fig.axes
    cell = ax.transData.transform((1, 0))[0] - ax.transData.transform((0, 0))[0]
    for text in ax.texts:
        if "shape" not in text.get_text():
            assert text.get_window_extent().width < cell


def test_the_tensor_stays_as_it_is():
    x = torch.arange(6.0).reshape(2, 3).requires_grad_()
    before = x.detach().clone()
    lk.plot_tensor(x)
    assert torch.equal(x, before) and x.requires_grad and x.grad is None


@pytest.mark.parametrize(
    ("tensor", "error", "words"),
    [
        ([1, 2], TypeError, "tensor must be a torch.Tensor, got list"),
        ({"x": 3}, TypeError, r"tensor\['x'\] must be a torch.Tensor, got int"),
        ({}, ValueError, "at least one, got an empty dict"),
        (torch.zeros(1, 1, 1, 1, 2), ValueError, r"rank 0 to 4 to be drawn, got rank 5 with shape \(1, 1, 1, 1, 2\)"),
        (torch.zeros(3, 0), ValueError, r"at least one element to be drawn, got shape \(3, 0\)"),
        (torch.zeros(11, 10, 10), ValueError, r"at most 1000 elements .* got shape \(11, 10, 10\)"),
        (torch.zeros(41), ValueError, r"at most 40 along each dimension to be drawn, got shape \(41,\)"),
        ({"a": torch.zeros(2), "b": torch.zeros(0)}, ValueError, r"tensor\['b'\] must have at least one element"),
    ],
)
def test_plot_tensor_refuses(tensor, error, words):
    with pytest.raises(error, match=words):
        lk.plot_tensor(tensor)
