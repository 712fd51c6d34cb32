"""The pictures drawn for the course: every text inside its box and inside the picture, and nothing by colour alone."""

import re
from itertools import combinations
from pathlib import Path

import nbformat
import notebook_rules as rules
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import FancyBboxPatch

from lecturekit import diagrams
from lecturekit.diagrams import COURSE, LAYERS

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("[0-9][0-9]_*.ipynb"))

PICTURES = {
    "layer_cake": lambda: diagrams.layer_cake(),
    "layer_cake, one layer": lambda: diagrams.layer_cake("device"),
    "layer_cake, all layers": lambda: diagrams.layer_cake(LAYERS),
    "ecosystem": diagrams.ecosystem,
    "trilemma": diagrams.trilemma,
    "course_map": lambda: diagrams.course_map(),
    **{f"course_map, {number}": lambda number=number: diagrams.course_map(number) for number in COURSE},
}


def boxes(fig):
    return [patch for patch in fig.axes[0].patches if isinstance(patch, FancyBboxPatch)]


def texts(fig):
    return [text for text in fig.axes[0].texts if text.get_text()]


@pytest.fixture(params=PICTURES)
def picture(request):
    fig = PICTURES[request.param]()
    FigureCanvasAgg(fig).draw()
    return fig


def test_every_text_is_inside_its_box_and_inside_the_picture(picture):
    frames = {box.get_gid(): box.get_window_extent() for box in boxes(picture)}
    for text in texts(picture):
        extent, frame = text.get_window_extent(), frames.get(text.get_gid(), picture.bbox)
        assert frame.x0 + 2 <= extent.x0 and extent.x1 <= frame.x1 - 2, text.get_text()
        assert frame.y0 - 1 <= extent.y0 and extent.y1 <= frame.y1 + 1, text.get_text()


def test_no_text_lies_over_another(picture):
    for one, other in combinations(texts(picture), 2):
        # Lines of one box may come close: their extents have room for letters that go below the line.
        first, second = one.get_window_extent().padded(-1.5), other.get_window_extent().padded(-1.5)
        assert not first.overlaps(second), (one.get_text(), other.get_text())


def test_boxes_do_not_touch_each_other_or_the_border(picture):
    frames = [box.get_window_extent() for box in boxes(picture)]
    assert not [pair for pair in combinations(frames, 2) if pair[0].overlaps(pair[1])]
    for frame in frames:
        assert frame.x0 >= 2 and frame.x1 <= picture.bbox.x1 - 2 and frame.y0 >= 2 and frame.y1 <= picture.bbox.y1 - 2


def test_can_be_read_on_a_phone(picture):
    """A picture is at most 520 pixels wide, so on a phone (358 pixels beside the margins) a point is still 0.96 px."""
    width, height = picture.get_size_inches()
    assert width <= 5.2
    assert float(100 * width).is_integer() and float(100 * height).is_integer()
    assert min(text.get_fontsize() for text in texts(picture)) >= 10
    assert picture.get_facecolor() == (1, 1, 1, 1)


def test_alt_text_names_all_that_is_written(picture):
    alt = picture.get_label()
    words = re.findall(r"[\w.+]{2,}", " ".join(text.get_text() for text in texts(picture)))
    assert len(words) > 5
    assert [word for word in words if word.lower() not in alt.lower()] == []


def test_what_is_brought_out_is_so_without_colour_too():
    for name in LAYERS:
        fig = diagrams.layer_cake(name)
        thick = {box.get_gid() for box in boxes(fig) if box.get_linewidth() > 2}
        bold = {text.get_gid() for text in texts(fig) if text.get_weight() == "bold"}
        assert thick == bold == {f"{name} {column}" for column in range(len(LAYERS[name].boxes))}
        assert [text.get_text() for text in texts(fig)].count("▶") == 1
    assert not [box for box in boxes(diagrams.layer_cake()) if box.get_linewidth() > 2]
    assert "Brought out: CPU, GPU" in diagrams.layer_cake("device").get_label()
    assert [box.get_gid() for box in boxes(diagrams.course_map("05")) if box.get_linewidth() > 2] == ["05"]
    assert "You are in lesson 05" in diagrams.course_map("05").get_label()


def test_layers_are_drawn_in_their_order():
    fig = diagrams.layer_cake()
    heights = {box.get_gid().split()[0]: box.get_y() for box in boxes(fig)}
    assert sorted(heights, key=heights.get) == list(LAYERS)


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: diagrams.layer_cake("cream"), "highlight must be out of code, .* got 'cream'"),
        (lambda: diagrams.layer_cake(["device", "cream"]), "highlight must be out of code, .* got 'cream'"),
        (lambda: diagrams.course_map("11"), "here must be out of 00, .* got '11'"),
        (lambda: diagrams.course_map(5), "here must be out of 00, .* got 5"),
    ],
)
def test_what_does_not_exist_is_refused(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()


def arrows(fig):
    """Each arrow of a map as the pair of boxes that it goes from and to."""
    frames = {box.get_gid(): box.get_bbox() for box in boxes(fig)}

    def at(point):
        (hit,) = [
            number
            for number, frame in frames.items()
            if frame.x0 <= point[0] <= frame.x1 and (abs(point[1] - frame.y0) < 1 or abs(point[1] - frame.y1) < 1)
        ]
        return hit

    found = [text for text in fig.axes[0].texts if not text.get_text()]
    for arrow in found:
        assert arrow.xyann[1] < arrow.xy[1], "an arrow goes downwards, to the later lesson"
    return {(at(arrow.xyann), at(arrow.xy)) for arrow in found}


def test_map_shows_what_each_lesson_needs():
    """Each need is an arrow, or follows from several; and no arrow stands for nothing."""
    drawn = arrows(diagrams.course_map())

    def before(number):
        direct = {source for source, target in drawn if target == number}
        return direct | {far for near in direct for far in before(near)}

    needs = {number: set(lesson.needs) for number, lesson in COURSE.items()}
    assert drawn <= {(other, number) for number in COURSE for other in needs[number]}
    assert [(other, number) for number in COURSE for other in needs[number] if other not in before(number)] == []
    assert ("04", "05") in drawn and ("04", "06") not in drawn, "what follows from other arrows is left out"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_map_says_what_the_lesson_itself_says(path):
    nb = nbformat.read(path, as_version=4)
    number, title = re.match(r"# (\d\d) · (.+)", nb.cells[0].source).groups()
    text = "\n".join(cell.source for cell in nb.cells if cell.cell_type == "markdown")
    needs = re.search(r"^## What you need$(.*?)(?=^## |\Z)", rules.without_fences(text), re.MULTILINE | re.DOTALL)[1]
    assert COURSE[number].title.replace("\n", " ") == title
    assert set(COURSE[number].needs) == set(re.findall(r"\b[Ll]essons? (\d\d)", needs)) | set(
        re.findall(r"(?<=\d\d and )\d\d|(?<=\d\d, )\d\d", needs)
    )


def test_words_of_the_ecosystem_and_of_the_trilemma():
    assert [text.get_text() for text in texts(diagrams.ecosystem())] == [
        "transformers · diffusers · timm",
        "models to start from",
        "torchvision · torchaudio · PyTorch Geometric",
        "for pictures, for sound, for molecules",
        "Lightning · fastai · skorch",
        "a ready training loop",
        "Pyro · GPyTorch · BoTorch",
        "models that say how sure they are",
        "ExecuTorch · vLLM",
        "to run a finished model for its users",
        "PyTorch",
        "tensors · autograd · nn · optim",
        "NumPy · Matplotlib · scikit-learn",
        "its neighbours in Python",
    ]
    assert [text.get_text() for text in texts(diagrams.trilemma())] == [
        "free enough for research",
        "pleasant\nto write",
        "ready for\nproduction",
        "JAX",
        "Keras",
        "TensorFlow",
        "PyTorch",
    ]


def test_words_of_the_layers():
    assert [text.get_text() for text in texts(diagrams.layer_cake())] == [
        "your code",
        "model, loss, training loop",
        "the Python API",
        "torch · torch.nn · torch.optim",
        "dispatcher · autograd",
        "picks the kernel · records the graph",
        "CPU kernels",
        "ATen: add, matmul, relu …",
        "GPU kernels",
        "ATen: add, matmul, relu …",
        "CPU libraries",
        "oneDNN, MKL",
        "GPU libraries",
        "cuBLAS, cuDNN",
        "CPU",
        "GPU",
        "Python",
        "C++",
        "device",
    ]


def test_four_workers_have_room_for_their_numbers_alone():
    words = [text.get_text() for text in texts(diagrams.all_reduce([1, 2, 3, 4]))]
    assert [word for word in words if not word.startswith("worker")] == [
        "all-reduce",
        "the sum: 1 + 2 + 3 + 4 = 10. Then each divides by 4.",
        *[word for number in "1234" for word in (number, "2.5")],
    ]


def test_boxes_of_a_row_stand_in_line_and_between_equal_margins():
    """The rows of the ecosystem begin and end below each other."""
    frames = [box.get_bbox() for box in boxes(diagrams.ecosystem())]
    rows = [frame for frame in frames if frame.width == max(other.width for other in frames)]
    assert len(rows) >= 6 and len({(frame.x0, frame.x1) for frame in rows}) == 1
    # A box of three lines of text stands as far from the left border as from the right one.
    left, right = sorted(diagrams.ecosystem().axes[0].get_xlim())
    assert rows[0].x0 - left == right - rows[0].x1
