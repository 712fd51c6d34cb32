"""Graphs of single numbers in a real Chromium: a reader changes what goes in, and the page does what PyTorch does."""

import random
import re

import pytest
import torch
from graph_samples import adaline, alt, captions, diamond, edge, leaf, neuron, node, polynomial, texts
from test_stepper_browser import OUT_OF_THEIR_BOXES

from lecturekit import trace

# Each with where it is smooth enough to be compared; a constant stands on either side of an operation.
UNARY = [
    (lambda a: -a, lambda a: True),
    (torch.relu, lambda a: abs(a) > 0.01),
    (torch.exp, lambda a: a < 4),
    (torch.log, lambda a: a > 0.1),
    (torch.sqrt, lambda a: a > 0.1),
    (torch.sin, lambda a: True),
    (torch.cos, lambda a: True),
    (torch.tanh, lambda a: True),
    (torch.sigmoid, lambda a: True),
    (lambda a: a**2, lambda a: True),
    (lambda a: a**-3, lambda a: abs(a) > 0.3),
    (lambda a: a**0.5, lambda a: a > 0.1),
    (lambda a: 2 * a, lambda a: True),
    (lambda a: a + 0.12345678, lambda a: True),
    (lambda a: 1 - a, lambda a: True),
    (lambda a: a - (-1.5), lambda a: True),
    (lambda a: -3 / a, lambda a: abs(a) > 0.3),
]
BINARY = [
    (lambda a, b: a + b, lambda a, b: True),
    (lambda a, b: a - b, lambda a, b: True),
    (lambda a, b: a * b, lambda a, b: True),
    (lambda a, b: a / b, lambda a, b: abs(b) > 0.3),
    (lambda a, b: a**b, lambda a, b: a > 0.1 and abs(b) < 3),
]


def drawn_at_random(seed: int):
    """The same random operations on three numbers, traced: before a reader changed them, and after each change."""
    dice = random.Random(seed)
    sets = [[round(dice.uniform(-2, 2), 3) for _ in range(3)]]
    sets += [[round(x + dice.uniform(-0.3, 0.3), 3) for x in sets[0]] for _ in range(5)]
    operations, values = [], list(torch.tensor(sets, dtype=torch.float64).T)
    while len(operations) < 3 + seed % 8:
        function, fits = dice.choice(UNARY + 4 * BINARY)
        last = len(values) - 1  # the last result goes into each, so that all of them count
        sources = [last, dice.randrange(len(values))] if (function, fits) in BINARY else [last]
        dice.shuffle(sources)
        if all(fits(*(values[i][k].item() for i in sources)) for k in range(len(sets))):
            result = function(*(values[i] for i in sources))
            if result.abs().max() < 100:
                values.append(result)
                operations.append((function, sources))

    def run(numbers):
        leaves = {name: leaf(x, dtype=torch.float64) for name, x in zip("abc", numbers, strict=True)}
        with trace(names=leaves) as g:
            values = list(leaves.values())
            for function, sources in operations:
                values.append(function(*(values[i] for i in sources)))
            f = values[-1]
            f.backward()
        return g

    return map(run, sets)


TYPE_AND_READ = """numbers => {
    document.body.hidden = true;  // nothing needs to be laid out
    for (const [name, number] of numbers) {
        document.querySelector(`svg [aria-label^="${name} = "]`).dispatchEvent(new MouseEvent('click'));
        const field = document.querySelector('input:not([type=range])');
        field.value = number;
        field.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', bubbles: true}));
    }
    const slider = document.querySelector('[type=range]');
    return [...Array(+slider.max + 1).keys()].map(step => {
        slider.value = step;
        slider.oninput();
        return document.querySelector('[aria-live] > div').textContent;
    });
}"""
COMPUTED = re.compile(r"forward: (\S+) = .* = (\S+)")
ADDED = re.compile(r"gradient of (\S+) \+?= .* arrow \S+ → (\S+) = (\S+) × (\S+) = ([^,\s]+)(?:, together (\S+))?")


def number(text: str) -> float:
    return float(text.strip("()").replace("−", "-").replace("∞", "inf"))


SEEDS = (*range(7), 46)  # the last for negative numbers with a negative exponent


@pytest.mark.parametrize("seeds", [SEEDS, pytest.param(range(7, 200), marks=pytest.mark.browser)], ids=len)
def test_the_page_computes_what_pytorch_does(show, seeds):
    """Five times in each of many random graphs, as it tells them: values, slopes, what each arrow adds, gradients."""
    page = show("")
    for seed in seeds:
        before, *others = drawn_at_random(seed)
        page.set_content(before.to_html())
        page.wait_for_selector("button")
        for after in others:
            leaves = [(n.name, n.value.item()) for n in after.nodes if n.kind == "leaf"]
            told = page.evaluate(TYPE_AND_READ, [(name, f"{value}") for name, value in leaves])
            pairs = [(found[2], node(after, found[1]).value) for found in map(COMPUTED.match, told) if found]
            for found in ADDED.finditer("\n".join(told)):
                source, target, *numbers, together = found.groups()
                arrow = edge(after, source, target)
                expected = arrow.target.grad, arrow.local_grad, arrow.contribution
                pairs += zip(numbers, expected, strict=True)
                pairs += [(together, arrow.source.grad)] if together else []
            assert len(pairs) > 2 * len(after.edges)
            for text, expected in pairs:
                assert number(text) == pytest.approx(expected.item(), rel=6e-4, abs=1e-9), (seed, text, after.to_text())


@pytest.mark.parametrize(("make", "name", "value"), [(diamond, "x", 0.25), (polynomial, "y", 1234.5)])
def test_picture_and_captions_are_those_of_the_graph_with_the_new_number(show, make, name, value, monkeypatch):
    page = show(make().to_html())
    told = page.evaluate(TYPE_AND_READ, [(name, str(value))])
    old = float(re.search(rf"\b{name} = (\d+)", alt(make()))[1])
    tensor = torch.tensor
    monkeypatch.setattr(torch, "tensor", lambda x, **more: tensor(value if x == old else x, **more))
    expected = make()
    assert told == captions(expected)
    assert set(texts(expected.to_svg())) <= set(page.locator("svg text").all_text_contents())


def test_by_keys_alone(show):
    """Tab goes on from the picture to what can be changed; Enter opens, Escape leaves it as it was."""
    page = show(neuron().to_html())
    page.get_by_role("region").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "w = 2, change it"
    page.keyboard.press("Enter")
    page.keyboard.type("7")
    page.keyboard.press("ArrowLeft")  # within the field
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "w = 2, change it"
    assert page.locator("[aria-live] > div").inner_text() == captions(neuron())[0]
    page.keyboard.press("Space")
    page.keyboard.type("−0,5")  # a minus sign and a comma will do
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "w = −0.5, change it"
    assert page.locator("[aria-live] > div").inner_text() == "Done. ∂a/∂w = 0; ∂a/∂b = 0"
    page.keyboard.press("Enter")
    page.keyboard.type("a word")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "w = −0.5, change it"
    assert page.evaluate("heard") == []


def test_a_new_number_fits_its_box_and_the_old_one_comes_back(show):
    page = show(neuron().to_html())
    page.get_by_role("button", name="Last").click()
    widths = "Array.from(document.querySelectorAll('svg text'), text => text.getAttribute('textLength'))"
    before = page.evaluate(widths)
    for value in ("-0.00012345", "2"):
        page.get_by_role("button", name="w = ").click()
        page.keyboard.type(value)
        page.keyboard.press("Enter")
        assert page.evaluate(OUT_OF_THEIR_BOXES) == []
    assert page.evaluate(widths) == before


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
    v = leaf(2.0)
    with trace() as g:
        u = 3 * v
        u.register_hook(lambda grad: 5 * grad)
        f = u * u
        f.backward()
    for graph in (*graphs, g):
        assert show(graph.to_html()).locator("svg [role=button]").count() == 0
