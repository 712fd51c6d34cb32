"""Each kind of graph as it was when somebody last looked at it: a line, a letter, a colour that moves is seen here.

The pictures lie in test_pictures/. After a change that you mean, draw them anew, and look at each that differs:
``python -m pytest tests/test_pictures.py --force-regen``.
"""

import re
from importlib.metadata import version
from pathlib import Path

import graph_samples as samples
import pytest
from common import pins

PINNED = pins()
DRAWN_BY = ("matplotlib", "pygraphviz")
pytestmark = pytest.mark.skipif(
    any(version(name) != PINNED[name] for name in DRAWN_BY),
    reason=f"other versions of {' and '.join(DRAWN_BY)} than the pinned ones draw a little differently",
)

NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
PICTURES = {
    "neuron": samples.neuron,
    "polynomial": samples.polynomial,
    "adaline": samples.adaline,
    "matrices": samples.matrices,
    "several_ways": samples.several_ways,
    "not_differentiated": samples.not_differentiated,
    "too_large_to_write": samples.too_large_to_write,
    "layers_twice": lambda: samples.layers(batch_size=8, times=2),
    "chain_turned": lambda: samples.chain(6),
    "chain_folded": lambda: samples.chain(40),  # 41 nodes: one more than are drawn one by one
}


def same_picture(obtained: Path, expected: Path) -> None:
    """Ask for the same text, in which a number may differ by a tenth of a pixel: not all processors round alike."""
    new, old = (path.read_text(encoding="utf-8") for path in (obtained, expected))
    assert NUMBER.sub("#", new).splitlines() == NUMBER.sub("#", old).splitlines()
    assert list(map(float, NUMBER.findall(new))) == pytest.approx(list(map(float, NUMBER.findall(old))), abs=0.1)


def check(file_regression, svg: str, name: str) -> None:
    lines = re.sub(r"(?=<(?:g|path|rect|text)\b)", "\n", svg)
    file_regression.check(lines, basename=name, extension=".svg", encoding="utf-8", check_fn=same_picture)


@pytest.mark.parametrize("name", PICTURES)
def test_graph(name, file_regression):
    check(file_regression, PICTURES[name]().to_svg(), name)


@pytest.mark.parametrize("make", [samples.neuron, samples.several_ways, samples.mixed], ids=lambda make: make.__name__)
def test_graph_to_step_through(make, file_regression):
    """The same with what each step says and when each mark is seen."""
    g = make()
    captions = "".join(f"<desc>{caption}</desc>\n" for caption in samples.captions(g))
    check(file_regression, captions + samples.stepper(g)["svg"], f"{make.__name__}_to_step_through")


@pytest.mark.parametrize("name", ["matrices", "several_ways"])
def test_graph_without_scripts(name, image_regression):
    image_regression.check(PICTURES[name]().to_png(), diff_threshold=0.05, basename=name)
