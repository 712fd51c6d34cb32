"""Graphs of single numbers in a real Chromium: a reader changes what goes in, and the page does what PyTorch does."""

import operator
import random

import pytest
import torch
from graph_samples import adaline, captions, leaf, neuron, stepper, texts
from PIL import Image
from test_stepper_browser import OUT_OF_THEIR_BOXES

from lecturekit import trace

UNARY = [operator.neg, torch.relu, torch.exp, torch.log, torch.sqrt, torch.sin, torch.cos, torch.tanh, torch.sigmoid]
UNARY += [lambda a: a**2, lambda a: a**-3, lambda a: a**0.5, lambda a: 2 * a, lambda a: a + 0.12345678]
UNARY += [lambda a: 1 - a, lambda a: a - (-1.5), lambda a: -3 / a]
BINARY = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]


def drawn_at_random(seed: int):
    """The same random operations on three numbers, traced twice: before a reader changed the numbers, and after."""
    dice = random.Random(seed)
    before = [round(dice.uniform(-2, 2), 3) for _ in range(3)]
    after = [x + dice.uniform(-0.3, 0.3) for x in before]
    operations, values = [], list(torch.tensor([before, after], dtype=torch.float64).T)
    while len(operations) < 3 + seed % 8:
        function = dice.choice(UNARY + 4 * BINARY)
        last = len(values) - 1  # the last result goes into each, so that all of them count
        sources = [last, dice.randrange(len(values))] if function in BINARY else [last]
        dice.shuffle(sources)
        operands = [values[i] for i in sources]
        result = function(*operands)
        has_slopes = function is not operator.pow or (operands[0] > 0).all()
        if has_slopes and ((result.abs() > 0.001) & (result.abs() < 100)).all():  # false for NaN
            values.append(result)
            operations.append((function, sources))

    def run(numbers):
        leaves = {name: leaf(x, dtype=torch.float64) for name, x in zip("abc", numbers, strict=True)}
        with trace(names=leaves) as g:
            v = list(leaves.values())  # a short name: a picture that is too wide is folded, and cannot be changed
            for function, sources in operations:
                v.append(function(*(v[i] for i in sources)))
            f = v[-1]
            f.backward()
        return g

    return run(before), run(after)


# Type numbers into each graph of a page; return what each step says, and the texts and numbers of each arrow and box.
TYPE_AND_READ = """typed => Array.from(document.querySelectorAll('.lk-graph'), (card, i) => {
    card.querySelectorAll('label input').forEach((field, k) => {
        field.value = typed[i][k];
        field.dispatchEvent(new Event('change'));
    });
    const slider = card.querySelector('[type=range]');
    const captions = [...Array(+slider.max + 1).keys()].map(step => {
        slider.value = step;
        slider.oninput();
        return card.querySelector('[aria-live] > div').textContent;
    });
    return [captions, Array.from(card.querySelectorAll('svg > g'), group =>
        Array.from(group.querySelectorAll('text'), text => [text.textContent, +text.dataset.number]))];
})"""


@pytest.mark.parametrize("seeds", [range(40), pytest.param(range(1000), marks=pytest.mark.browser)], ids=len)
def test_the_page_computes_what_pytorch_does(show, seeds, monkeypatch):
    """In random graphs: values, slopes and gradients, of which captions and picture tell four digits."""
    monkeypatch.setattr(Image.Image, "quantize", lambda picture, *_, **__: picture.resize((1, 1)))  # nobody sees it
    page = show("")
    for some in (seeds[i : i + 40] for i in range(0, len(seeds), 40)):
        graphs = [drawn_at_random(seed) for seed in some]
        page.set_content("<body hidden>" + "".join(before.to_html() for before, _ in graphs))
        page.wait_for_function("n => document.querySelectorAll('.lk-graph').length === n", arg=len(some))
        leaves = [[str(n.value.item()) for n in after.nodes if n.kind == "leaf"] for _, after in graphs]
        for seed, (_, after), (told, groups) in zip(some, graphs, page.evaluate(TYPE_AND_READ, leaves), strict=True):
            if seed < 12:  # in others, one number is 0 here and 1e−16 there
                assert told == captions(after), seed
                shown = " ".join(text for group in groups for text, _ in group)
                assert shown == " ".join(texts(stepper(after)["svg"])), seed
            arrows, boxes = groups[: len(after.edges)], groups[len(after.edges) :]
            numbers = [(arrow[-1], e.local_grad) for arrow, e in zip(arrows, after.edges, strict=True) if arrow]
            computed = [(box, n) for box, n in zip(boxes, after.nodes, strict=True) if n.kind != "constant"]
            numbers += [(box[1 if n.op else 0], n.value) for box, n in computed]
            numbers += [(box[-1], n.grad) for box, n in computed if n.has_grad]
            for (text, number), expected in numbers:
                assert number == pytest.approx(expected.item(), rel=1e-6, abs=1e-6), (seed, text)


def test_by_keys_alone(show):
    """Tab goes on from the picture to what can be changed; Enter and Escape go back, and one of them changes it."""
    page = show(neuron().to_html())
    page.get_by_role("region").focus()

    def type_into_the_first(text, end="Enter"):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.ariaLabel").startswith("w, ")
        page.keyboard.type(text)
        page.keyboard.press("ArrowLeft")  # within the field
        page.keyboard.press(end)
        assert page.evaluate("document.activeElement.ariaLabel") == "picture"
        return page.locator("[aria-live] > div").inner_text(), page.get_by_label("w, ", exact=False).input_value()

    assert type_into_the_first("7", end="Escape") == (captions(neuron())[0], "2")
    changed = "Done. ∂a/∂w = 0; ∂a/∂b = 0", "-0.5"
    assert type_into_the_first("−0,5") == changed, "a minus sign and a comma will do"
    assert type_into_the_first("a word") == changed
    assert page.evaluate("heard") == []


def test_a_new_number_fits_its_box_and_the_old_one_comes_back(show):
    page = show(neuron().to_html())
    page.get_by_role("button", name="Last").click()
    widths = "Array.from(document.querySelectorAll('svg text'), text => text.getAttribute('textLength'))"
    before = page.evaluate(widths)
    places = [page.locator(what).first.bounding_box() for what in ("label", "svg > g:has(title) rect")]
    assert places[0] == pytest.approx(places[1], abs=3), "where it can be clicked on"
    for value, shown in (
        ("-0.00012345", "w = −0.0001234"),
        ("15.625", "w = 15.62"),
        ("15.645", "w = 15.64"),
        ("15.635", "w = 15.63"),
        ("2", "w = 2"),
    ):
        page.get_by_title("w, ").click()
        page.keyboard.type(value)
        page.keyboard.press("Enter")
        assert page.evaluate(OUT_OF_THEIR_BOXES) == []
        assert page.get_by_text(shown, exact=True).is_visible()
    assert page.evaluate(widths) == before
    page.emulate_media(media="print")
    assert not page.get_by_text("✎").first.is_visible()


def test_where_the_page_could_not_compute_nothing_can_be_changed(show):
    graphs, w = [adaline()], leaf(2.0)
    with trace() as g:
        f = w.detach() * w
        f.backward()
    graphs.append(g)
    w.grad = torch.tensor(5.0)
    with trace() as g:  # w.grad stands there, too
        f = 3 * w
        f.backward()
    graphs.append(g)
    for function in (torch.abs, lambda a: a ** (1 / 3), lambda a: torch.addcmul(a, a, torch.rand(()))):
        x = leaf(2.0)
        with trace() as g:
            f = function(x)
            f.backward()
        graphs.append(g)
    v = leaf(2.0)
    with trace() as g:
        u = 3 * v
        u.register_hook(lambda grad: 5 * grad)
        f = u * u
        f.backward()
    graphs.append(g)
    f = w
    with trace() as g:  # folded, as it is too wide
        for _ in range(12):
            f = torch.sin(f) * w
        f.backward()
    assert "operations" in "".join(texts(g.to_svg()))
    page = show("".join(graph.to_html() for graph in (*graphs, g)))
    page.wait_for_function("document.querySelectorAll('.lk-graph').length === 8")
    assert page.get_by_text("✎").count() == page.get_by_role("textbox").count() == 0
