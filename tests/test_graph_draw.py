"""The drawn graph: what must be in it, that nothing overlaps or overflows, and that it is the same each time."""

import io
import math
import random
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import graph_samples
import matplotlib
import pytest
import torch
from PIL import Image

from lecturekit import _web
from lecturekit.graph import scene as scene_module
from lecturekit.graph import trace
from lecturekit.graph.draw import png, svg
from lecturekit.graph.layout import NODESEP, RANKSEP, _least_width, place, text_width
from lecturekit.graph.model import Edge, Graph, Node
from lecturekit.graph.scene import Rect, Text, build, math_runs
from lecturekit.graph.stepper import html
from lecturekit.graph.steps import MAX_ALT, clean, derivative, describe, in_words, plan
from lecturekit.style import FILL, LOCAL

SVG = "{http://www.w3.org/2000/svg}"
NASTY = "</script><b onload=\"alert('1')\">&\x00\x0b\u202e\ud800'"
samples = pytest.mark.parametrize("make", graph_samples.ALL.values(), ids=graph_samples.ALL)


def texts(picture):
    return ["".join(element.itertext()) for element in ET.fromstring(picture).iter(f"{SVG}text")]


def boxes(picture):
    """The first box of each node's group: (left, top, right, bottom)."""
    groups = [group for group in ET.fromstring(picture).findall(f"{SVG}g") if group.find(f"{SVG}rect") is not None]
    rects = [[int(group.find(f"{SVG}rect").get(name)) for name in ("x", "y", "width", "height")] for group in groups]
    return [(x, y, x + width, y + height) for x, y, width, height in rects]


def overlap(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


@samples
def test_same_graph_gives_same_bytes(make):
    """Two graphs, made apart, so that no address or hash can slip in."""
    first, second = make(), make()
    assert svg(first) == svg(second)
    assert png(first) == png(second)
    assert html(first) == html(second)


@samples
def test_every_node_and_edge_is_drawn_once(make):
    graph = make()
    picture = ET.fromstring(svg(graph))
    assert len(boxes(svg(graph))) == len(graph.nodes)
    lines = [path for path in picture.iter(f"{SVG}path") if "C" in path.get("d")]
    assert len(lines) == len(graph.edges)
    words = texts(svg(graph))
    for node in graph.nodes:
        plain = node.name.translate(str.maketrans("₁₂₃", "123"))
        assert any(text == plain or text.startswith(f"{plain} =") for text in words), node.name


@samples
def test_boxes_and_labels_do_not_overlap(make):
    scene = build(make())
    drawn = boxes(svg(make()))
    labels = []
    for group in scene.groups:
        for mark in group.marks:
            if isinstance(mark, Text) and mark.colour == LOCAL:
                top = mark.y - mark.size
                labels.append((mark.x - mark.width / 2, top, mark.x + mark.width / 2, mark.y + 3))
    places = drawn + labels
    for i, a in enumerate(places):
        assert min(a) >= 0 and a[2] <= scene.width and a[3] <= scene.height
        assert not any(overlap(a, b) for b in places[:i])


@samples
def test_text_stays_inside_its_box(make):
    """Every text of a node, of all steps, with the length that the SVG prescribes for it."""
    for group in build(make()).groups:
        rects = [mark for mark in group.marks if isinstance(mark, Rect)]
        for mark in (mark for mark in group.marks if isinstance(mark, Text) and rects):
            left = mark.x - (mark.width if mark.anchor == "end" else mark.width / 2)
            assert rects[0].x + 4 <= left and left + mark.width <= rects[0].x + rects[0].width - 4
            assert rects[0].y < mark.y - 0.7 * mark.size and mark.y < rects[0].y + rects[0].height - 2


def test_every_text_has_its_length():
    for picture in (svg(graph_samples.adaline()), svg(graph_samples.matrices())):
        for element in ET.fromstring(picture).iter(f"{SVG}text"):
            assert int(element.get("textLength")) > 0 and element.get("lengthAdjust") == "spacingAndGlyphs"


def test_widths_are_those_of_the_font_that_draws_the_png():
    """A wrong row of the table would let the text of the PNG run out of its box."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    for style in ("normal", "italic"):
        font = FontProperties(family=["STIXGeneral", "DejaVu Sans"], style=style, size=100)
        for text in (
            "∂loss/∂w = [0.25, −1.5]",
            "cross_entropy(z, y)",
            "WAX mild jfr",
            "‖model[0].weight‖ = 3",
            "no gradient yet",
        ):
            true = text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]
            assert text_width(text, 100, style == "italic") == pytest.approx(true, rel=0.05), text


def test_user_text_is_escaped_and_harmless():
    graph = graph_samples.neuron()
    for node in graph.nodes:
        node.name, node.module = NASTY + node.name, (NASTY,)
        node.expression = node.expression and NASTY
    root = ET.fromstring(svg(graph))  # not XML if anything came through
    assert {element.tag for element in root.iter()} <= {
        SVG + t for t in ("svg", "title", "desc", "rect", "g", "path", "text", "tspan")
    }
    assert not any(name.startswith("on") for element in root.iter() for name in element.attrib)
    element = ET.fromstring(html(graph).replace('">', '"/>').replace("&#x27;", "&#39;"))
    assert element.tag == "img" and set(element.keys()) == {"src", "width", "alt", "style", "onload"}
    assert not any(ord(c) < 32 and c != "\n" for c in html(graph)) and "\u202e" not in html(graph)
    png(graph)


def test_long_names_are_cut():
    graph = graph_samples.neuron()
    graph.nodes[0].name = "x" * 500
    assert build(graph).width < 1000


def test_no_gradient_is_not_zero():
    """None says so in words; 0 is a number."""
    graph = graph_samples.neuron()
    w = next(node for node in graph.nodes if node.name == "w")
    w.grad = torch.tensor(0.0)
    zero = texts(svg(graph))
    w.grad = w.grad_norm = None
    none = texts(svg(graph))
    assert "∂a/∂w = 0" in zero and "no gradient" not in zero
    assert "no gradient" in none and not any(text.startswith("∂a/∂w") for text in none)


def test_kinds_differ_without_colour():
    """Leaf, input, constant, operation, output: by the shape, the dashes and the number of their borders."""
    graph = graph_samples.polynomial()
    graph.nodes.append(Node("X", kind="input", shape=(2,), dtype=torch.float32, value=torch.ones(2)))
    graph.edges.append(Edge(graph.nodes[-1], graph.target))
    looks = {}
    for group, node in zip(build(graph).groups[len(graph.edges) :], graph.nodes, strict=True):
        rects = [m for m in group.marks if isinstance(m, Rect) and m.when == (0, None)]
        shape = "pill" if rects[0].radius == rects[0].height // 2 else rects[0].radius
        looks.setdefault(node.kind, set()).add((shape, rects[0].dashed, len(rects)))
    assert len(looks) == 5 and all(len(look) == 1 for look in looks.values())
    assert len(set.union(*looks.values())) == 5


def test_accumulated_gradient_is_shown_where_it_differs():
    graph = graph_samples.neuron()
    w = next(node for node in graph.nodes if node.name == "w")
    w.accumulated = w.grad
    assert not any("w.grad" in text for text in texts(svg(graph)))
    w.accumulated = w.grad * 2
    assert "w.grad = 6" in texts(svg(graph))


def test_folded_node_shows_its_counts():
    graph = graph_samples.neuron()
    node = graph.nodes[3]
    node.num_operations, node.num_parameters = 28, 8512
    assert "28 operations, 8,512 parameters" in texts(svg(graph))


def test_large_tensors_by_shape_and_norm():
    graph = graph_samples.adaline()
    X, z = graph.nodes[0], next(node for node in graph.nodes if node.name == "z")
    X.value, X.shape, X.value_norm = None, (150, 4), 12.5
    z.grad, z.grad_norm = None, 0.25
    for edge in graph.edges:
        if edge.source is z:
            edge.contribution, edge.local_grad = None, None
    words = texts(svg(graph))
    assert {"shape 150×4", "‖X‖ = 12.5", "‖∂loss/∂z‖ = 0.25"} <= set(words)


@pytest.mark.parametrize(
    "value",
    [
        torch.tensor(math.nan),
        torch.tensor([math.inf, -math.inf]),
        torch.zeros(0, 3),
        torch.zeros(0),
        torch.tensor([1 + 2j, -1j]),
        torch.tensor([True, False]),
        torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
        torch.arange(6).reshape(2, 3),
        torch.ones(2, 2, 2),
        torch.eye(3).to_sparse(),
        torch.ones(2, 2, device="meta"),
    ],
    ids=str,
)
def test_any_tensor_can_be_drawn(value):
    node = Node("t", kind="leaf", shape=tuple(value.shape), dtype=value.dtype, value=value, requires_grad=True)
    result = Node("r", op="clone", expression="clone(t)", kind="output", shape=node.shape, value=value, grad=value)
    node.grad = node.accumulated = value
    graph = Graph([node, result], [Edge(node, result, contribution=value)], result)
    ET.fromstring(svg(graph))
    html(graph)


def test_png_is_the_same_picture():
    graph = graph_samples.diamond()
    image, scene = Image.open(io.BytesIO(png(graph))).convert("RGB"), build(graph)
    assert image.size == (2 * scene.width, 2 * scene.height)
    for (left, top, right, _), node in zip(boxes(svg(graph)), graph.nodes, strict=True):
        fill = tuple(bytes.fromhex(FILL[node.kind][1:]))
        assert image.getpixel((left + right, 2 * top + 13)) == fill, node.name
        assert image.getpixel((left + right, 2 * top + 1)) != fill, "no border"


def test_png_leaves_matplotlib_alone():
    """Neither does it ask rcParams nor change them, nor make figures."""
    before = png(graph_samples.neuron())
    with matplotlib.rc_context(
        {"font.size": 30, "text.hinting": "none", "path.sketch": (5, 100, 2), "savefig.dpi": 30}
    ):
        settings = dict(matplotlib.rcParams)
        assert png(graph_samples.neuron()) == before
        assert dict(matplotlib.rcParams) == settings
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


def test_without_pygraphviz(monkeypatch):
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    with pytest.raises(ImportError, match="pip install pygraphviz") as caught:
        svg(graph_samples.neuron())
    assert caught.value.name == "pygraphviz"


def test_empty_graph():
    with pytest.raises(ValueError, match="at least one node"):
        svg(Graph())


def test_layout_turns_when_too_wide():
    chain = [(100, 40)] * 8
    edges = [(i, i + 1, (60, 20)) for i in range(7)]
    assert place(chain, edges, 2000).width > 1000
    down = place(chain, edges, 1000)
    assert down.height > down.width
    assert all(a[1] < b[1] for a, b in zip(down.nodes, down.nodes[1:], strict=False))


def test_curves_end_at_the_boxes():
    layout = place([(100, 40), (80, 60)], [(0, 1, None)])
    (x0, _), (x1, _) = layout.nodes
    assert layout.curves[0][0][0] == x0 + 50 and layout.curves[0][-1][0] == x1 - 40


@samples
def test_a_gradient_is_complete_before_it_is_passed_on(make):
    graph = make()
    random.Random(0).shuffle(graph.nodes)  # folding may move nodes
    steps = plan(graph)
    assert len(steps.captions) == steps.last + 1
    for node, terms in steps.sums.items():
        if terms and node in steps.backward:
            assert max(step for step, _ in terms) < steps.backward[node]
    for edge in graph.edges:
        assert steps.forward.get(edge.source, 0) < steps.forward[edge.target]


def test_captions_say_what_happens_in_numbers():
    captions = plan(graph_samples.neuron()).captions
    assert "forward: u = w · x = 2 · 3 = 6" in captions
    assert "backward starts: ∂a/∂a = 1" in captions
    assert "backward: ∂a/∂w = ∂a/∂u · ∂u/∂w = 1 · 3 = 3" in captions
    assert captions[-1] == "done. ∂a/∂w = 3; ∂a/∂b = 1"
    captions = plan(graph_samples.diamond()).captions
    assert "backward: ∂f/∂x += ∂f/∂u · ∂u/∂x = 2.089 · 6 = 12.53, together 21.53" in captions


def test_captions_of_a_graph_with_matrices():
    W, x = torch.tensor([[1.0, -2.0], [3.0, 4.0]], requires_grad=True), torch.ones(2, 30)
    a = torch.tensor(-2.0, requires_grad=True)
    with trace(max_elems=8) as graph:
        h = W @ x
        u = a * h[0, 0]
        f = u**2 + h.sum() * a
    steps = plan(graph)
    assert f.ndim == 0 and (steps.start, steps.last) == (8, 16)
    assert steps.captions == [
        "The graph before anything is computed: what goes in.",
        "forward: h = W @ x = shape 2×30, norm 38.73",
        "forward: v₁ = h[0, 0] = −1",
        "forward: u = a · v₁ = (−2) · (−1) = 2",
        "forward: v₂ = u² = 4",
        "forward: v₃ = sum(h) = 180",
        "forward: v₄ = v₃ · a = 180 · (−2) = −360",
        "forward: f = v₂ + v₄ = 4 + (−360) = −356",
        "backward starts: ∂f/∂f = 1",
        "backward: ∂f/∂v₂ = ∂f/∂f · ∂f/∂v₂ = 1 · 1 = 1\n∂f/∂v₄ = ∂f/∂f · ∂f/∂v₄ = 1 · 1 = 1",
        "backward: ∂f/∂v₃ = ∂f/∂v₄ · ∂v₄/∂v₃ = 1 · (−2) = −2\n∂f/∂a += ∂f/∂v₄ · ∂v₄/∂a = 1 · 180 = 180",
        "backward: ∂f/∂h += ∂f/∂v₃ · ∂v₃/∂h, shape 2×30, norm 15.49",
        "backward: ∂f/∂u = ∂f/∂v₂ · ∂v₂/∂u = 1 · 4 = 4",
        "backward: ∂f/∂a += ∂f/∂u · ∂u/∂a = 4 · (−1) = −4, together 176\n∂f/∂v₁ = ∂f/∂u · ∂u/∂v₁ = 4 · (−2) = −8",
        "backward: ∂f/∂h += ∂f/∂v₁ · ∂v₁/∂h, shape 2×30, norm 8, together shape 2×30, norm 18.33",
        "backward: ∂f/∂W = ∂f/∂h · ∂h/∂W = [[−68, −68], [−60, −60]]",
        "done. ∂f/∂W = [[−68, −68], [−60, −60]]; ∂f/∂a = 176",
    ]


def test_gradients_are_told_of_leaves_that_have_one():
    a, b = torch.tensor(2.0, requires_grad=True), torch.tensor([1.0, 2.0], requires_grad=True)
    with trace() as graph:
        beside = b * 2
        f = a * 3
        f.backward()
    assert [node.name for node in graph.nodes if node.kind == "leaf"] == ["b", "a"] and beside.shape == (2,)
    assert plan(graph).captions[-1] == "done. ∂f/∂a = 3" and describe(graph).endswith("Gradients: ∂f/∂a = 3.")


def test_captions_without_a_number_to_start_from():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    with trace() as graph:
        y = x * x
    first = ["The graph before anything is computed: what goes in.", "forward: y = x · x = [1, 4]"]
    assert plan(graph).captions == first and plan(graph).start == plan(graph).last == 1
    assert describe(graph) == "Computation graph. x = [1, 2]; y = x · x = [1, 4]."
    with trace() as graph:
        y = x * x
        y.backward(torch.tensor([1.0, 10.0]))
    rest = ["backward starts: ∂y/∂y = [1, 10]", "backward: ∂y/∂x = ∂y/∂y · ∂y/∂x = [2, 40]", "done. ∂y/∂x = [2, 40]"]
    assert plan(graph).captions == first + rest and plan(graph).start == 2
    with torch.no_grad(), trace() as graph:
        y = x + 1
    assert describe(graph) == "Computation graph. x = [1, 2]; y = x + 1 = [2, 3]."


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("x", "x"), (" a\n\tb ", " a b "), ("a\x00\u202eb", "ab"), ("a" * 40, "a" * 40),
        ("0123456789" * 4 + "X", "0123456789012345678901234567…0123456789X"),
    ],
)  # fmt: skip
def test_text_of_the_reader_is_made_fit_to_be_shown(text, cleaned):
    assert clean(text) == cleaned and len(clean(text)) <= 40


@pytest.mark.parametrize(
    ("name", "written"),
    [("w", "w"), ("v₁", "v₁"), ("h′", "h′"), ("two[0].weight", "(two[0].weight)"), ("2b", "(2b)"), ("a b", "(a b)")],
)
def test_names_that_are_no_single_word_stand_in_brackets_after_the_d(name, written):
    assert derivative(Node("f"), Node(name)) == f"∂f/∂{written}"
    assert derivative(Node("x" * 30), Node("y")) == "∂(xxxxxxxxxxxx…xxxxxxxxxxx)/∂y"


@pytest.mark.parametrize(
    ("tensor", "shape", "norm", "words"),
    [
        (torch.tensor(3.0), (), 3.0, "3"), (torch.arange(6).reshape(2, 3), (2, 3), 7.4, "[[0, 1, 2], [3, 4, 5]]"),
        (torch.ones(1, 6), (1, 6), 2.0, "[[1, 1, 1, 1, 1, 1]]"), (torch.ones(7), (7,), 2.6458, "shape 7, norm 2.646"),
        (torch.ones(1, 2, 1), (1, 2, 1), 1.4142, "shape 1×2×1, norm 1.414"), (None, (2, 2), None, "shape 2×2"),
        (None, (), None, "not kept"), (None, (), 2.0, "not kept, norm 2"),
    ],
)  # fmt: skip
def test_large_tensors_are_described_by_shape_and_norm(tensor, shape, norm, words):
    assert in_words(tensor, shape, norm) == words


def test_a_long_list_of_gradients_is_cut_too():
    leaves = {f"weight{i}": float(i) for i in range(60)}
    ops = [("f", "cat", "sum(weights)", lambda *values: sum(values), tuple(leaves))]
    words = describe(graph_samples.make(leaves, ops, target="f"))
    text, _, gradients = words.partition(". Gradients: ")
    assert text.startswith("Computation graph of f. weight0 = 0; ") and text.endswith(" …") and len(text) == 352
    assert gradients.startswith("∂f/∂weight0 = 1; ∂f/∂weight1 = 1; ") and gradients.endswith(" ….")
    assert len(gradients) == 353
    leaves = {f"weight{i}": float(i) for i in range(15)}
    words = describe(graph_samples.make(leaves, [(*ops[0][:4], tuple(leaves))], target="f"))
    assert "…" not in words and words.endswith("; ∂f/∂weight14 = 1.") and words.count("; ∂f/∂weight") == 14


def test_long_names_are_cut_in_descriptions():
    long = "a" * 14 + "b" * 13
    node, cut = Node(long, "sin", "output", shape=(), value=torch.tensor(1.0)), "aaaaaaaaaaaa…bbbbbbbbbbb"
    node.grad = node.value
    for graph, text in (
        (Graph([node], [], node), f"Computation graph of {cut}. {cut} = sin = 1."),
        (Graph([Node(long, kind="leaf", shape=(2,))], [], None), f"Computation graph. {cut} = shape 2."),
    ):
        assert describe(graph) == text


def test_numbers_take_the_place_of_whole_names_only():
    """A variable called a inside relu(a1), a function called as a variable is: neither may be torn apart."""
    graph = graph_samples.make(
        {"r": -2.0, "e": 3.0}, [("u", "relu", "relu(r) · e", lambda r, e: torch.relu(r) * e, ("r", "e"))], target="u"
    )
    assert "forward: u = relu(r) · e = relu(−2) · 3 = 0" in plan(graph).captions


def times(graph):
    """The texts of a scene, each with the steps at which it is seen."""
    marks = (mark for group in build(graph).groups for mark in group.marks if isinstance(mark, Text))
    return {"".join(text for text, _ in mark.runs): mark.when for mark in marks}


def test_values_appear_when_they_are_computed():
    graph = graph_samples.neuron()
    rows = times(graph)
    assert rows["x = 3"] == (0, None) and rows["u = w · x"] == (0, None)
    assert rows["= 6"] == (1, None) and rows["= 7"] == (3, None)


def test_sum_of_three_terms():
    """The gradient of x in 2x + (x + 4x), from the last use back: 1, then 1 + 4, then 1 + 4 + 2."""
    ops = [
        ("p", "mul", "2 · x", lambda c, x: c * x, (2, "x")),
        ("q", "mul", "4 · x", lambda c, x: c * x, (4, "x")),
        ("r", "add", "x + q", lambda x, q: x + q, ("x", "q")),
        ("f", "add", "p + r", lambda p, r: p + r, ("p", "r")),
    ]
    graph = graph_samples.make({"x": 1.0}, ops, target="f")
    start = plan(graph).start
    rows = times(graph)
    assert rows["∂f/∂x = 1"] == (start + 2, start + 3)
    assert rows["∂f/∂x = 5"] == (start + 3, start + 4)
    assert rows["∂f/∂x = 7"] == (start + 4, None)


def test_partial_sums_are_in_the_scene():
    """The gradient of x: none, 9 from u · x, then 21.53."""
    graph = graph_samples.diamond()
    steps = plan(graph)
    rows = times(graph)
    first, second = (step for step, _ in steps.sums[graph.nodes[0]])
    assert rows["∂f/∂x = 9"] == (first, second)
    assert rows["∂f/∂x = 21.53"] == (second, None)
    assert "∂f/∂x = 9" not in texts(svg(graph))


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("u = w · x", [("u", "i"), (" = ", ""), ("w", "i"), (" · ", ""), ("x", "i")]),
        ("relu(v₁₂)", [("relu(", ""), ("v", "i"), ("12", "_"), (")", "")]),
        ("x²", [("x", "i"), ("2", "^")]),
        ("h3", [("h", "i"), ("3", "_")]),
        ("layer3", [("layer3", "i")]),
        ("∂f/∂u = 1.6e−5", [("∂f", "i"), ("/", ""), ("∂u", "i"), (" = 1.6e−5", "")]),
        ("wᵀ", [("w", "i"), ("T", "^")]),
    ],
)
def test_typesetting(text, runs):
    assert math_runs(text) == runs


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (graph_samples.neuron, {"3", "1"}),
        (graph_samples.adaline, {"X", "I", "1 each", "diag(0.3, −2.9, −1.9, −2.1)", "0.25 each"}),
    ],
)
def test_local_derivatives_as_a_lecturer_writes_them(make, expected):
    graph = make()
    incoming = plan(graph).incoming
    found = {scene_module.local_derivative(edge, incoming[edge.target]) for edge in graph.edges}
    assert found - {None} == expected


@pytest.mark.parametrize("package, name", [("_web", "player"), ("graph", "stepper"), ("descent", "explorer")])
def test_scripts_travel_without_comments_and_indentation(package, name):
    source = (Path(_web.__file__).parents[1] / package / f"{name}.js").read_text(encoding="utf-8")
    travels = _web.script(f"lecturekit.{package}", name)
    assert travels.endswith("}\n") and "\n\n" not in travels and len(travels) < 0.95 * len(source)
    for line in travels.splitlines():
        assert line == line.strip() and not line.startswith("//") and "  //" not in line and line in source
    assert travels.count("function") == source.count("function")


def test_size_is_modest():
    for make in (graph_samples.diamond, graph_samples.adaline, graph_samples.matrices):
        element = html(make())
        assert len(element[element.index('" width=') :].encode()) < 40_000


def test_alternative_text_says_what_is_computed():
    alt = build(graph_samples.neuron()).description
    assert alt == (
        "Computation graph of a. x = 3; w = 2; b = 1; u = w · x = 6; v = u + b = 7; a = relu(v) = 7."
        " Gradients: ∂a/∂w = 3; ∂a/∂b = 1."
    )
    assert len(build(graph_samples.chain()).description) < 800


def test_each_node_says_in_words_what_it_is():
    net, X = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU()), torch.ones(1, 2)
    with trace() as graph:
        y = net(X).sum() * 2
    assert y.shape == () and [title.text for title in ET.fromstring(svg(graph)).iter(f"{SVG}title")] == [
        "Computation graph of y",
        "X, shape 1×2, torch.float32",
        "net[0].weight, shape 3×2, torch.float32",
        "net[0].bias, shape 3, torch.float32",
        "v₁, linear(X, net[0].weight, net[0].bias), shape 1×3, torch.float32, in net: Sequential › net[0]: Linear",
        "v₂, relu(v₁), shape 1×3, torch.float32, in net: Sequential › net[1]: ReLU",
        "v₃, sum(v₂), a single number, torch.float32",
        "2, a single number, a Python number",
        "y, 2 · v₃, a single number, torch.float32",
    ]


def test_a_long_description_is_cut_before_the_gradients():
    words, short = describe(graph_samples.chain(60)), describe(graph_samples.chain(5))
    gradients = ". Gradients: ∂h60/∂x = 0.007657."
    assert words.startswith("Computation graph of h60. x = 1; h1 = sin(x) = 0.8415; ")
    assert words.endswith(" …" + gradients) and len(words) <= MAX_ALT + len(" …. Gradients: .")
    assert " …" not in short and "∂h5/∂x" in short
    w = torch.full((100,), 2.0, requires_grad=True)
    with trace(max_elems=9) as graph:
        loss = (w * 3).sum()
    words = describe(graph)
    assert loss == 600 and "w = shape 100, norm 20" in words and "∂loss/∂w = shape 100, norm 30" in words


def test_boxes_of_a_layout_keep_their_size_and_distance():
    """In a row: box, gap, box; the line between them from border to border, the label in its middle."""
    gap = round(72 * RANKSEP["LR"])
    layout = place([(40, 20), (60, 30)], [(0, 1, None)])
    assert (layout.width, layout.height) == (40 + gap + 60, 30)
    assert layout.nodes == [(20, 15), (40 + gap + 30, 15)] and layout.labels == [None]
    assert layout.curves[0][0] == (40, 15) and layout.curves[0][-1] == (40 + gap, 15)
    layout = place([(40, 20), (40, 20), (60, 30)], [(0, 2, None), (1, 2, (50, 12))])
    (x, y), (other_x, other_y) = layout.nodes[:2]
    assert abs(y - other_y) >= 20 + round(72 * NODESEP["LR"]) - 1 and x == other_x
    assert layout.labels[0] is None and 40 < layout.labels[1][0] < layout.nodes[2][0] - 30


def test_what_is_too_wide_is_turned_where_that_makes_it_narrower():
    chain = [(i, i + 1, None) for i in range(3)]
    gap = int(72 * RANKSEP["LR"])
    shortest = 40 + 50 + 60 + 70 + 3 * gap
    sizes = [(40, 20), (50, 20), (60, 20), (70, 20)]
    assert _least_width(sizes, chain) == _least_width(sizes, [*reversed(chain)]) == shortest
    assert _least_width(sizes, []) == 70 and _least_width([], []) == 0
    assert len({y for _, y in place(sizes, chain, max_width=shortest + 3).nodes}) == 1  # gaps are no whole pixels
    turned = place(sizes, chain, max_width=shortest - 1)
    assert len({x for x, _ in turned.nodes}) == 1 and turned.width == 70
    assert turned.nodes[1][1] - turned.nodes[0][1] == 20 + round(72 * RANKSEP["TB"])
    # Three beside each other are wider than one row of two: it stays as it is.
    star = place([(600, 20)] * 4, [(i, 3, None) for i in range(3)])
    assert len({x for x, _ in star.nodes[:3]}) == 1 and star.width == 1200 + round(72 * RANKSEP["LR"])
