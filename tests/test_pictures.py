"""Each kind of picture as it was when somebody last looked at it: a line, a letter, a colour that moves is seen here.

The pictures lie in test_pictures/. After a change that you mean, draw them anew, and look at each that differs:
``python -m pytest tests/test_pictures.py --force-regen``.
"""

import io
import re
from importlib.metadata import version
from pathlib import Path

import graph_samples
import pytest
import torch
from common import history, pins, script_of
from torch import nn

import lecturekit as lk
from lecturekit import diagrams
from lecturekit.devices import Timing
from lecturekit.graph import draw, stepper
from lecturekit.graph.fold import fold

matplotlib = pytest.importorskip("matplotlib")

PINNED = pins()
DRAWN_BY = ("matplotlib", "pygraphviz")
pytestmark = pytest.mark.skipif(
    any(version(name) != PINNED[name] for name in DRAWN_BY),
    reason=f"other versions of {' and '.join(DRAWN_BY)} than the pinned ones draw a little differently",
)

NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
ID = re.compile(r"(?<=[_mp])[0-9a-f]{10}\b")  # Matplotlib hashes what it draws, to the last digit


def same_picture(obtained: Path, expected: Path) -> None:
    """Ask for the same text, in which a number may differ by a tenth of a pixel: not all processors round alike."""
    new, old = (ID.sub("", path.read_text(encoding="utf-8")) for path in (obtained, expected))
    assert NUMBER.sub("#", new).splitlines() == NUMBER.sub("#", old).splitlines()
    assert list(map(float, NUMBER.findall(new))) == pytest.approx(list(map(float, NUMBER.findall(old))), abs=0.1)


@pytest.fixture
def check(file_regression):
    def check(text: str, extension: str = ".svg") -> None:
        # In what stands between < and >, two places are enough.
        text = re.sub(r"<[^!>]*>", lambda tag: re.sub(r"(\.\d\d)\d+", r"\1", tag[0]), text)
        file_regression.check(text, extension=extension, encoding="utf-8", check_fn=same_picture)

    return check


# --- Graphs -----------------------------------------------------------------------------------------------------------


def network():
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    for number, parameter in enumerate(net.parameters()):
        nn.init.constant_(parameter, 0.25 * (number + 1))
    return net


def layers(batch_size=1, times=1):
    """A small network with its loss, differentiated so many times."""
    net = network()
    X = torch.arange(2.0 * batch_size).reshape(batch_size, 2) / 4
    for _ in range(times):
        with lk.trace() as graph:
            y_hat = net(X)
            loss = (y_hat**2).mean()
            loss.backward()
    return graph


def several_ways():
    """Three paths into one leaf, an integer that no gradient enters, a value used twice, a number of its own."""
    w, k = torch.tensor([1.0, -2.0], requires_grad=True), torch.tensor(3)
    with lk.trace() as graph:
        u = w * k
        v = torch.exp(w) + u
        f = (u * v).sum() + w[0]
        f.backward()
    return graph


def dot_product():
    a, b = torch.tensor([1.0, 2.0]), torch.tensor([3.0, -4.0], requires_grad=True)
    with lk.trace() as graph:
        s = a @ b
        s.backward()
    return graph


def not_differentiated():
    x = torch.tensor([[1.0, 2.0, 3.0]], requires_grad=True)
    with lk.trace() as graph:
        y = torch.cat([x, 2 * x]) @ torch.ones(3, 1)
        z = y.detach() + y
    assert z.requires_grad
    return graph


def too_large_to_write():
    X, w = torch.ones(40, 3), torch.ones(3, 1, requires_grad=True)
    with lk.trace() as graph:
        loss = torch.tanh(X @ w).mean()
        loss.backward()
    return graph


GRAPHS = graph_samples.ALL | {
    "chain": lambda: graph_samples.chain(12),
    "chain_folded": lambda: graph_samples.chain(40),  # 41 nodes: one more than are drawn one by one
    "layers": layers,
    "layers_twice": lambda: layers(times=2),
    "layers_batch": lambda: layers(batch_size=8),
    "layers_folded": lambda: fold(layers(batch_size=8), max_nodes=3),
    "dot_product": dot_product,
    "several_ways": several_ways,
    "not_differentiated": not_differentiated,
    "too_large_to_write": too_large_to_write,
}


def in_lines(svg: str) -> str:
    return re.sub(r"(?=<(?:g|path|rect|text)\b)", "\n", svg)


@pytest.mark.parametrize("name", GRAPHS)
def test_graph(name, check):
    check(in_lines(draw.svg(GRAPHS[name]())))


@pytest.mark.parametrize("name", GRAPHS)
def test_graph_to_step_through(name, check):
    """The same with what each step says and when each mark is seen; without the script and the picture in pixels."""
    element = stepper.html(GRAPHS[name]())
    image = re.fullmatch(r'<img src="data:image/png;base64,[\w+/=]+" (.*) onload=".*">', element, re.S)[1]
    function, data = script_of(element)
    assert function.startswith("(function(img,data){") and function.endswith("\nstepper(img,data)")
    assert "\nfunction player(" in f"\n{function[20:]}" and "\nfunction stepper(" in function
    assert list(data) == ["title", "captions", "svg"]
    check("\n".join([image, data["title"], *data["captions"], in_lines(data["svg"])]), extension=".txt")


@pytest.mark.parametrize("name", ["neuron", "matrices", "several_ways"])
def test_graph_without_scripts(name, image_regression):
    image_regression.check(draw.png(GRAPHS[name]()), diff_threshold=0.05)


# --- Figures ----------------------------------------------------------------------------------------------------------


HISTORIES = {"GD": history(1.0), "SGD": history(0.5), "_hidden $x": history(2.0)}
TIMINGS = {
    "GD": {10: Timing((1e-5, 2e-5, 4e-5)), 1000: Timing((1e-4, 2e-4, 2.5e-4)), 100_000: 3e-3},
    "SGD": {1000: 4e-4, 10: 3e-5},
    "third": {10: 1.0},
    "fourth": {10: 2.0},
    "fifth": {10: 3.0, 20: 6.0},
}
X = torch.tensor([[0.0, 0.0], [1.0, 0.5], [2.0, 1.0], [0.5, 2.0]])
Y = torch.tensor([[0.0], [1.0], [1.0], [0.0]])
LINE = torch.tensor([[-1.0], [0.0], [1.0], [2.0]])


def regions(X):
    return X[:, :1] - X[:, 1:] / 4


def path(*points):
    return torch.tensor(points, dtype=torch.float32)


PATHS = {
    "GD": path((0, 0), (-2, 1), (-4, 1.5), (-5, 2)),
    "SGD": path((0, 0), (-3, 2), (-4, 0), (-5, 2.5)),
    "far off": path((0, 0), (10, -4), (-300, 100), (1e9, 1e9)),
}

FIGURES = {
    "layer_cake": diagrams.layer_cake,
    "layer_cake_device": lambda: diagrams.layer_cake(["device", "api"]),
    "ecosystem": diagrams.ecosystem,
    "trilemma": diagrams.trilemma,
    "course_map": diagrams.course_map,
    "course_map_here": lambda: diagrams.course_map("06"),
    "all_reduce": lambda: diagrams.all_reduce([1.5, -2.25]),
    "all_reduce_one": lambda: diagrams.all_reduce([0.5]),
    "all_reduce_four": lambda: diagrams.all_reduce([1, 2, 3, 4.125]),
    "figure": lambda: lk.figure()[0],
    "figure_panels": lambda: lk.figure(7, 2.5, columns=3)[0],
    "losses": lambda: lk.plot_losses(HISTORIES),
    "losses_steps_log": lambda: lk.plot_losses(HISTORIES, against="steps", log=True),
    "losses_examples": lambda: lk.plot_losses({"one": history(1.0)}, against="examples"),
    "losses_seconds": lambda: lk.plot_losses({"one": history(1.0)}, against="seconds"),
    "timings": lambda: lk.plot_timings(TIMINGS, recorded={"GD": {10: 1e-4, 1000: 1e-3}, "other": {10: 5e-4}}),
    "timings_labels": lambda: lk.plot_timings({"a": {1: 2.0}}, xlabel="size_of $X$", ylabel="time"),
    "regions": lambda: lk.plot_decision_regions(regions, X, Y),
    "regions_named": lambda: lk.plot_decision_regions(
        regions, X, Y, feature_names=("sepal_length", "width"), class_names=("no", "yes"), threshold=-9.0
    ),
    "network": lambda: lk.plot_network((2, 3, 5, 1)),
    "network_labels": lambda: lk.plot_network((3, 1), labels=("in", "out")),
    "surface": lambda: lk.plot_loss_surface(LINE, -5 * LINE + 2, PATHS),
    "surface_alone": lambda: lk.plot_loss_surface(LINE, LINE, w_range=(-1, 3), b_range=(-20, 20)),
    "tensor_0": lambda: lk.plot_tensor(torch.tensor(3.5)),
    "tensor_2": lambda: lk.plot_tensor(torch.arange(6).reshape(2, 3)),
    "tensor_2_wide": lambda: lk.plot_tensor(torch.arange(80.0).reshape(2, 40)),
    "tensor_3": lambda: lk.plot_tensor(torch.arange(24.0).reshape(2, 3, 4) / 8),
    "tensor_3_many": lambda: lk.plot_tensor(torch.arange(210).reshape(15, 2, 7)),
    "tensor_4": lambda: lk.plot_tensor(torch.arange(120).reshape(3, 4, 2, 5)),
    "tensors": lambda: lk.plot_tensor(
        {"a": torch.tensor([True, False]), "_b $x": torch.ones(3, 1), "a.expand(2, 2)": torch.ones(2, 1).expand(2, 2)}
    ),
}


@pytest.mark.parametrize("name", FIGURES)
def test_figure(name, check):
    fig, file = FIGURES[name](), io.StringIO()
    # The letters as letters: no font is needed to read the picture, and a change of a word is seen as one.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "lecturekit"}):
        fig.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    check(f"{file.getvalue()}<!-- {fig.get_label()} -->\n")
