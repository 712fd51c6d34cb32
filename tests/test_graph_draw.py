"""The drawn graph: what must be in it, that nothing overlaps or overflows, and that it is the same each time."""

import base64
import io
import math
import re
import sys
import xml.etree.ElementTree as ET

import graph_samples as samples
import pytest
import torch
from graph_samples import SVG, alt, boxes, captions, elements, leaf, place_of, stepper, texts
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from PIL import Image

from lecturekit import trace
from lecturekit.style import LOCAL

NASTY = "</script><b onload=\"alert('1')\">&\x00\x0b\u202e\ud800'"


@pytest.fixture(scope="module", params=samples.ALL.values(), ids=samples.ALL)
def g(request):
    """One of the graphs that are drawn."""
    return request.param()


def numbers(path):
    return [tuple(map(float, pair.split(","))) for pair in re.findall(r"[-\d.]+,[-\d.]+", path.get("d"))]


# --- The picture as a whole


def test_same_code_gives_same_bytes():
    """Two graphs, made apart, so that no address or hash can slip in."""
    for make in (samples.several_ways, samples.layers):
        assert make().to_html() == make().to_html()


def test_every_node_and_edge_is_drawn_once_and_overlaps_nothing(g):
    svg = g.to_svg()
    assert len(boxes(svg)) == len(g.nodes)
    assert sum("C" in path.get("d") for path in elements(svg, "path")) == len(g.edges)
    words = texts(svg)
    for name in (n.name.translate(str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")) for n in g.nodes):
        assert any(text == name or text.startswith(f"{name} =") for text in words), name
    root = ET.fromstring(svg)
    places = boxes(svg) + [place_of(label) for label in elements(svg, "text") if label.get("fill") == LOCAL]
    for i, a in enumerate(places):
        assert min(a) >= 0 and a[2] <= int(root.get("width")) and a[3] <= int(root.get("height"))
        assert not any(a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3] for b in places[:i])


def test_arrows_go_from_box_to_box(g):
    """Each arrow starts inside the box of its source, which is painted over it, and ends at that of its target."""
    svg = g.to_svg()
    box = dict(zip(g.nodes, boxes(svg), strict=True))
    heads = [numbers(path)[0] for path in elements(svg, "path") if path.get("d").endswith("Z")]
    curves = [numbers(path) for path in elements(svg, "path") if "C" in path.get("d")]
    for edge, curve, (x, y) in zip(g.edges, curves, heads, strict=True):
        left, top, right, bottom = box[edge.source]
        assert left < curve[0][0] < right and top < curve[0][1] < bottom
        left, top, right, bottom = box[edge.target]
        assert left - 2 <= x <= right + 2 and top - 2 <= y <= bottom + 2


def test_at_every_step_text_stays_inside_its_box_and_only_whole_gradients_are_passed_on(g):
    data, passed_on = stepper(g), set()
    for group in samples.box_groups(data["svg"]):
        left, top, right, bottom = samples.box_of(group)
        for text in group.iter(f"{SVG}text"):
            a = place_of(text)
            assert left + 4 <= a[0] and a[2] <= right - 4 and top < a[1] and a[3] < bottom + 1, "".join(text.itertext())
    for term in re.finditer(r"gradient of (\S+)\t \+?= \tgradient of (\S+)\t × ", "\n".join(data["captions"])):
        assert term[1] not in passed_on, term[0]
        passed_on.add(term[2])
    assert passed_on


@pytest.mark.parametrize("make", [samples.adaline, samples.layers, samples.matrices])
def test_widths_are_those_of_the_font_that_draws_the_png(make):
    """A wrong width in our table would let the text of the PNG run out of its box."""
    for text in elements(make().to_svg(), "text"):
        assert text.get("lengthAdjust") == "spacingAndGlyphs"
        true = 0.0
        for part in text.itertext():
            span = next((s for s in text if s.text == part), text)
            font = FontProperties(family=["STIXGeneral", "DejaVu Sans"], style=span.get("font-style", "normal"))
            font.set_size(float(span.get("font-size", text.get("font-size", 16))))
            true += text_to_path.get_text_width_height_descent(part, font, ismath=False)[0]
        assert int(text.get("textLength")) == pytest.approx(true, rel=0.08, abs=2), "".join(text.itertext())


def test_what_shows_no_html_shows_a_small_picture():
    shown = samples.adaline()._repr_mimebundle_()
    assert list(shown) == ["text/plain", "text/html", "image/png"]
    small = Image.open(io.BytesIO(base64.b64decode(shown["image/png"])))
    assert small.width == int(re.search(r'width="(\d+)"', shown["text/html"])[1])
    assert len(shown["text/html"].partition('" width=')[2].encode()) < 40_000, "beside the picture"
    assert len(small.convert("RGB").getcolors()) > 4 and len(shown["image/png"]) < 0.4 * len(shown["text/html"])


def test_without_pygraphviz(monkeypatch):
    g = samples.neuron()
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    with pytest.raises(ImportError, match="pygraphviz"):
        g.to_svg()
    shown = g._repr_mimebundle_()
    assert set(shown) == {"text/plain"} and shown["text/plain"].startswith(g.to_text())
    assert shown["text/plain"].endswith("\n\n(For the picture, install pygraphviz: pip install pygraphviz)")


def test_empty_graph():
    with trace() as g:
        pass
    assert g.nodes == [] and g.to_text().startswith("The graph is empty") and str(g) == g.to_text()
    assert g._repr_mimebundle_() == {"text/plain": g.to_text()}
    with pytest.raises(ValueError, match="The graph is empty"):
        g.to_svg()


# --- Boxes and labels


def test_kinds_differ_without_colour():
    """Leaf, input, constant, operation, output: by the shape, the dashes and the number of their borders."""
    x, c = leaf(2.0), torch.ones(2)
    with trace() as g:
        u = 3 * x
        f = (u * c).sum()
    looks = {}
    for group, n in zip(samples.box_groups(g.to_svg()), g.nodes, strict=True):
        rects = group.findall(f"{SVG}rect")
        radius, height = (int(rects[0].get(name)) for name in ("rx", "height"))
        look = "pill" if radius == height // 2 else radius, rects[0].get("stroke-dasharray") is None, len(rects)
        looks.setdefault(n.kind, set()).add(look)
    assert len(looks) == 5 and all(len(look) == 1 for look in looks.values()) and f == 12
    assert len(set.union(*looks.values())) == 5


def test_no_gradient_is_not_zero():
    """None says so in words; 0 is a number."""
    w, v = leaf(2.0), leaf(3.0)
    with trace() as g:
        unused = v * 1
        f = w * 0
    words = texts(g.to_svg())
    assert "∂f/∂w = 0" in words and "no gradient" in words and unused == 3 and f == 0
    assert not any(text.startswith("∂f/∂v") for text in words)


@pytest.mark.parametrize(
    "value",
    [
        torch.tensor(math.nan),
        torch.tensor([math.inf, -math.inf]),
        torch.zeros(0, 3),
        torch.zeros(0),
        torch.tensor([1 + 2j, -1j]),
        torch.tensor([True, False]),
        torch.ones(2, 2, 2),
    ],
    ids=str,
)
def test_any_tensor_can_be_drawn(value):
    t = value.requires_grad_() if value.is_floating_point() or value.is_complex() else value
    with trace() as g:
        r = t.clone()
        if r.requires_grad:
            r.backward(torch.ones_like(r))
    assert len(boxes(g.to_svg())) == 2 and ET.fromstring(stepper(g)["svg"]) is not None


@pytest.mark.parametrize(
    ("name", "markup"),
    [
        ("w", "<i>w</i>"),
        ("h3", "<i>h</i><low>3</low>"),
        ("layer3", "<i>layer3</i>"),
        ("wᵀ", "<i>w</i><high>T</high>"),
        ("2 · x²", "2 · <i>x</i><high>2</high>"),
        ("relu(z)", "relu(<i>z</i>)"),
        ("∂f/∂u", "<i>∂f</i>/<i>∂u</i>"),
    ],
)
def test_typesetting(name, markup):
    """Names in italics, functions and numbers upright, indices low and exponents high."""
    x = leaf(*range(2, 9), dtype=torch.float32)
    with trace(names={name: x}) as g:
        y = x.sum()
    line = samples.box_groups(g.to_svg())[0].find(f"{SVG}text")
    marked = (line.text or "") + "".join(
        f"<{tag}>{span.text}</{tag}>{span.tail or ''}"
        for span in line
        for tag in ["i" if span.get("font-style") else "low" if int(span.get("dy")) > 0 else "high"]
    )
    assert marked == markup and y == 35


# --- The reader's text


def test_names_of_the_reader_are_escaped_and_harmless():
    w = leaf(2.0)
    with trace(names={NASTY: w, "u": NASTY + "a" * 250 + "b" * 250}) as g:
        u = w * 3
    assert u == 6
    root = ET.fromstring(g.to_svg())  # not XML if anything came through
    assert int(root.get("width")) < 1000, "long names are cut in the middle"
    known = {SVG + tag for tag in ("svg", "title", "desc", "rect", "g", "path", "text", "tspan")}
    assert {element.tag for element in root.iter()} <= known
    assert not any(name.startswith("on") for element in root.iter() for name in element.attrib)
    element = ET.fromstring(g.to_html().replace('">', '"/>').replace("&#x27;", "&#39;"))
    assert element.tag == "img" and set(element.keys()) == {"src", "width", "alt", "style", "onload"}
    assert not any(ord(c) < 32 and c != "\n" for c in g.to_html()) and "\u202e" not in g.to_html()
    assert g.to_png()


# --- Captions and the alternative text


def test_captions_mark_gradients_and_slopes_and_write_indices_low():
    a3, w1 = leaf(2.0), leaf(-1.0)
    with trace() as g:
        f = a3 * w1
    assert f == -2 and stepper(g)["captions"][-2].split("\n") == [
        "backward: \tgradient of a₃\t = \tgradient of f\t × \fslope of the arrow a₃ → f\f = \t1\t × \f(−1)\f = −1",
        "\tgradient of w₁\t = \tgradient of f\t × \fslope of the arrow w₁ → f\f = \t1\t × \f2\f = 2",
    ]
    assert captions(g)[-1] == "Done. ∂f/∂a₃ = −1; ∂f/∂w₁ = 2"


def test_captions_and_alternative_text_without_a_number_to_start_from():
    x = leaf(1.0, 2.0)
    with trace() as g:
        y = x * x
    first = ["The graph before anything is computed: what goes in.", "forward: y = x · x = [1, 4]"]
    assert captions(g) == first and alt(g) == "Computation graph. x = [1, 2]; y = x · x = [1, 4]."
    with trace() as g:
        y = x * x
        y.backward(torch.tensor([1.0, 10.0]))
    assert captions(g) == [
        *first,
        "backward starts: gradient of y = ∂y/∂y = [1, 10]",
        "backward: gradient of x = gradient of y × slope of the arrow x → y = [2, 40]",
        "Done. ∂y/∂x = [2, 40]",
    ]


def test_numbers_take_the_place_of_whole_names_only():
    """Variables called r and e beside relu(r): no function may be torn apart."""
    r, e = leaf(-2.0), leaf(3.0)
    with trace() as g:
        u = torch.relu(r) + e
    assert u == 3
    assert captions(g)[1:3] == ["forward: v₁ = relu(r) = relu(−2) = 0", "forward: u = v₁ + e = 0 + 3 = 3"]


def test_a_long_list_is_cut_but_not_the_gradients_in_it():
    weights = [leaf(float(i)) for i in range(10)]
    with trace() as g:
        f = sum(weight**2 for weight in weights)
    (whole,) = (element.text for element in elements(g.to_svg(), "desc"))
    text, _, gradients = whole.partition(" …. Gradients: ")
    assert text.startswith("Computation graph of f. weights[0] = 0; ") and len(whole) < 720 and f == 285
    assert gradients.startswith("∂f/∂(weights[0]) = 0; ") and gradients.endswith("∂f/∂(weights[9]) = 18.")
    weights_of_the_layer = [leaf(float(i)) for i in range(13)]
    with trace() as g:
        f = sum(weight**2 for weight in weights_of_the_layer)
    (whole,) = (element.text for element in elements(g.to_svg(), "desc"))
    gradients = whole.partition(" …. Gradients: ")[2]
    assert 340 < len(gradients) < 360 and gradients.endswith(" ….") and f == 650
    assert captions(g)[-1] == "Done. Each leaf has its gradient, in red."
