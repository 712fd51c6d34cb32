"""The pictures drawn for the course: every text inside its box and inside the picture, and nothing by colour alone."""

import re
from functools import partial
from itertools import combinations

import nbformat
import notebook_rules as rules
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import FancyBboxPatch

from lecturekit import diagrams
from lecturekit.lessons.diagrams import COURSE, LAYERS

PICTURES = {
    "layer_cake": diagrams.layer_cake,
    **{f"layer_cake, {layer}": partial(diagrams.layer_cake, layer) for layer in LAYERS},
    "course_map": diagrams.course_map,
    "course_map, 06": lambda: diagrams.course_map("06"),
    "adaline": diagrams.adaline,
    "all_reduce, two": lambda: diagrams.all_reduce([1.5, -2.25]),
    "all_reduce, four": lambda: diagrams.all_reduce([1, 2, 3, 4.125]),
}


def boxes(fig):
    return [patch for patch in fig.axes[0].patches if isinstance(patch, FancyBboxPatch)]


def texts(fig):
    return [text for text in fig.axes[0].texts if text.get_text()]


def words(fig):
    return [text.get_text() for text in texts(fig)]


@pytest.fixture(scope="module", params=PICTURES.values(), ids=PICTURES)
def picture(request):
    fig = request.param()
    FigureCanvasAgg(fig).draw()
    return fig


def test_every_text_is_inside_its_box_and_inside_the_picture(picture):
    frames = [box.get_window_extent() for box in boxes(picture)]
    for text in texts(picture):
        extent = text.get_window_extent()
        middle = (extent.x0 + extent.x1) / 2, (extent.y0 + extent.y1) / 2
        frame = next((frame for frame in frames if frame.contains(*middle)), picture.bbox)
        assert frame.x0 + 2 <= extent.x0 and extent.x1 <= frame.x1 - 2, text.get_text()
        assert frame.y0 - 1 <= extent.y0 and extent.y1 <= frame.y1 + 1, text.get_text()


def test_neither_texts_nor_boxes_touch_each_other(picture):
    frames = [box.get_window_extent() for box in boxes(picture)]
    # Lines of one box may come close: their extents have room for letters that go below the line.
    lines = [text.get_window_extent().padded(-1.5) for text in texts(picture)]
    for extents in (frames, lines):
        assert not [pair for pair in combinations(extents, 2) if pair[0].overlaps(pair[1])]
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
    alt = picture.get_label().lower()
    written = re.findall(r"[\w.+]{2,}", " ".join(words(picture)))
    assert len(written) > 5
    assert [word for word in written if word.lower().removesuffix(".") not in alt and word != "gradient"] == []


@pytest.mark.parametrize(
    ("fig", "alt"),
    [
        (diagrams.layer_cake("device"), "Brought out: CPU, GPU."),
        (diagrams.layer_cake("core"), "Brought out: dispatcher, autograd."),
        (diagrams.course_map("06"), "You are in lesson 06."),
    ],
)
def test_what_is_brought_out_is_so_without_colour_too(fig, alt):
    thick = [box.get_linewidth() > 2 for box in boxes(fig)]
    assert sum(thick) == 1 + alt.count("CPU") and fig.get_label().endswith(alt)
    assert words(fig).count("▶") == alt.count("Brought out")
    assert not [box for box in boxes(diagrams.layer_cake()) if box.get_linewidth() > 2]


def test_map_shows_what_each_lesson_needs():
    """Each need is an arrow, or follows from several; and no arrow stands for nothing."""
    fig = diagrams.course_map()
    sentences = re.findall(r"(\d\d) ([^;]*)", fig.get_label())
    drawn = {number: set(re.findall(r"\d\d", sentence)) for number, sentence in sentences}
    assert sum(hasattr(text, "xyann") for text in fig.axes[0].texts) == sum(map(len, drawn.values()))

    def before(number):
        return drawn[number].union(*map(before, drawn[number]))

    for number, lesson in COURSE.items():
        assert drawn[number] <= set(lesson.needs) <= before(number)
    assert "04" in drawn["06"] and "04" not in drawn["07"], "what follows from other arrows is left out"


@pytest.mark.parametrize("path", rules.LESSONS, ids=lambda path: path.stem)
def test_map_says_what_the_lesson_itself_says(path):
    nb = nbformat.read(path, as_version=4)
    number, title = re.match(r"# (\d\d) · (.+)", nb.cells[0].source).groups()
    text = "\n".join(cell.source for cell in nb.cells if cell.cell_type == "markdown")
    needs = re.search(r"^## What you need$(.*?)(?=^## |\Z)", rules.without_fences(text), re.MULTILINE | re.DOTALL)[1]
    assert COURSE[number].title.replace("\n", " ") == title
    assert set(COURSE[number].needs) == set(re.findall(r"\b[Ll]essons? (\d\d)", needs)) | set(
        re.findall(r"(?<=\d\d and )\d\d|(?<=\d\d, )\d\d", needs)
    )
