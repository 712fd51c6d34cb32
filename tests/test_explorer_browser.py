"""The explorer in a real Chromium: mouse, keys, narrow pages, and without scripts."""

import html
import json
import re

import pytest
import torch

import lecturekit as lk

LRS, SIZES, SEEDS, STEPS = [0.01, 0.1, 40.0], [1, 4, None], [7, 0, 3, 5], 30
SLIDERS = ("learning rate", "batch size", "seed")
X = torch.randn(10, 1, generator=torch.Generator().manual_seed(5))
Y = -5 * X + 2 + torch.randn(10, 1, generator=torch.Generator().manual_seed(6))


@pytest.fixture(scope="module")
def runs():
    return lk.train_many(X, Y, lrs=LRS, batch_sizes=SIZES, seeds=SEEDS, num_steps=STEPS)


@pytest.fixture(scope="module")
def element(runs):
    return lk.explorer(X, Y, runs).to_html()


def caption(page, nth=0):
    return page.locator("[aria-live=polite] > div").nth(nth).inner_text().replace("\u00a0", " ")


def slider(page, name):
    return page.get_by_role("slider", name=name, exact=True)


def value(page, name):
    return slider(page, name).get_attribute("aria-valuetext")


def choose(page, *places, step=None):
    for name, place in zip(SLIDERS, places, strict=True):
        if slider(page, name).is_enabled():
            slider(page, name).fill(str(place))
    if step is not None:
        slider(page, "step").fill(str(step))


POINTS = """path => ((path.getAttribute('d') || '').match(/[^ML]+/g) || []).map(point => {
    const at = new DOMPoint(...point.split(',')).matrixTransform(path.getScreenCTM());
    return [at.x, at.y];
})"""


def points(page, panel, colour):
    """Where the line of a colour goes, in pixels of the page: that of the run, or of the full batch."""
    return page.locator("svg").nth(panel).locator(f"path[stroke='{colour}']:not([opacity])").first.evaluate(POINTS)


def test_each_run_tells_its_numbers(show, element, runs):
    page = show(element)
    assert caption(page).startswith("After 30 steps, 100 examples seen: w = ")
    assert page.get_by_role("group", name="explorer of 36 runs").get_by_text("30 / 30").count() == 1
    others = [((0, 0, 0), 17), ((1, 1, 3), 17), ((0, 2, 0), 17), ((1, 0, 1), 1)]
    for place, step in [*(((1, 1, 0), step) for step in (0, 1, 17, 30)), *others]:
        choose(page, *place, step=step)
        words = re.search(r"w = (.*), b = (.*), loss = (.*)\.\n", caption(page)).groups()
        told = [float(number.replace("−", "-")) for number in words]
        assert told == pytest.approx([*runs.paths[place][step].tolist(), runs.losses[place][step].item()], rel=0.006)
        seen = {0: step, 1: 10 * (step // 3) + 4 * (step % 3)}.get(place[1])
        assert (f", {seen} example{'s' if seen != 1 else ''} seen:" in caption(page)) == bool(step and seen)


@pytest.mark.parametrize("width", [1100, 390])
def test_what_is_drawn_is_the_run_and_fits_the_page(show, element, runs, width):
    """Over the picture, where Matplotlib has these numbers; also with a style sheet such as JupyterLab's."""
    page = show(element, width=width)
    page.add_style_tag(content="svg,img{max-width:100%;width:auto;height:auto} label{display:block} input{width:9px}")
    panels = json.loads(html.unescape(re.search(r' data-runs="([^"]*)"', element)[1]))["panels"]
    for nth, panel in enumerate(panels):
        image = page.locator("img").nth(nth).bounding_box()
        assert image["width"] / image["height"] == pytest.approx(1.2, abs=0.01)
        (left, top, wide, high), (x_low, x_high), (y_low, y_high) = panel["box"], panel["x"], panel["y"]
        for colour, place in {"#D55E00": (1, 1, 0), "#0072B2": (1, 2, 0)}.items():
            found = points(page, nth, colour)
            assert len(found) == 31
            for t, (x, y) in enumerate(found):
                w, b = runs.paths[place][t].tolist()
                across, up = (t, runs.losses[place][t].log10().item()) if nth else (w, b)
                x_part, y_part = (across - x_low) / (x_high - x_low), (y_high - up) / (y_high - y_low)
                assert x == pytest.approx(image["x"] + image["width"] * (left + wide * x_part), abs=0.5)
                assert y == pytest.approx(image["y"] + image["height"] * (top + high * y_part), abs=0.5)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    first, second = (page.locator("img").nth(i).bounding_box() for i in range(2))
    assert (first["y"] == second["y"]) == (width == 1100), "side by side, or one above the other"
    card = page.locator("[role=group]")
    height = card.bounding_box()["height"]
    for places in ((2, 2, 0), (2, 0, 0), (0, 1, 0)):
        choose(page, *places)
        assert width == 390 or card.bounding_box()["height"] == height, "nothing jumps"


def test_the_map_shows_the_mean_losses_and_chooses_a_run_that_diverges(show, element, runs):
    page = show(element)
    cells = page.locator("span[style*=pointer]")
    means = runs.losses[..., -1].nan_to_num(float("inf")).mean(dim=2).T.flatten().tolist()
    start = runs.losses[0, 0, 0, 0].item()
    for text, mean in zip(cells.all_inner_texts(), means, strict=True):
        assert text == "↑" if mean > start else float(text) == pytest.approx(mean, rel=0.06)
    cells.nth(len(LRS) + 2).click()
    assert (value(page, "learning rate"), value(page, "batch size")) == ("40", "4")
    page.get_by_role("application").focus()
    for key, expected in {"ArrowLeft": "0.1", "ArrowUp": "1", "ArrowDown": "4", "ArrowRight": "40"}.items():
        page.keyboard.press(key)
        assert expected in (value(page, "learning rate"), value(page, "batch size"))
    page.keyboard.press("ArrowRight")  # there is nothing further on the right
    assert value(page, "learning rate") == "40" and slider(page, "step").input_value() == "30"
    cells.last.click()
    assert (value(page, "learning rate"), value(page, "batch size")) == ("40", "all")
    assert "The run has diverged, past the largest number there is." in caption(page)
    assert len(points(page, 0, "#D55E00")) < 6, "ends where it is lost"
    slider(page, "step").fill("3")
    assert re.search(r"loss = \d\.\de\+\d+\.\nThis point lies outside the picture. The loss is larger", caption(page))


def test_the_other_seeds_lie_behind_and_the_full_batch_has_none(show, element):
    page = show(element)
    seeds = page.locator("svg").nth(1).locator("path[opacity]")
    assert len(seeds.evaluate(POINTS)) == len(SEEDS) * (STEPS + 1)
    choose(page, 1, 2, 0)
    assert seeds.get_attribute("d") == "" and caption(page).startswith("After 30 steps: w = ")
    assert slider(page, "seed").is_disabled() and page.get_by_text("any", exact=True).count() == 1
    choose(page, 1, 0, 3)
    assert slider(page, "seed").is_enabled() and value(page, "seed") == "5"


def test_mouse_and_keys(show, element):
    """Keys on a slider move this slider only, and none reaches the page."""
    page = show(element)
    slider(page, "learning rate").focus()
    for key, expected in {"ArrowLeft": "0.01", "ArrowRight": "0.1", "End": "40", "Home": "0.01"}.items():
        page.keyboard.press(key)
        assert value(page, "learning rate") == expected and slider(page, "step").input_value() == "30"
    page.keyboard.type("ddab")
    focusable = page.locator("button, input")
    names = focusable.evaluate_all("all => all.map(e => e.ariaLabel || e.textContent)")
    assert names == [*SLIDERS, "Play", "First", "Back", "Step", "Last", "step"]
    assert all(e.evaluate("e => !!e.closest('[data-lm-suppress-shortcuts=true]')") for e in focusable.all())
    page.get_by_role("button", name="First").click()
    page.get_by_role("button", name="Step").click()
    assert caption(page).startswith("After 1 step, 4 examples seen")
    box = slider(page, "seed").bounding_box()
    page.mouse.click(box["x"] + box["width"] - 3, box["y"] + box["height"] / 2)
    assert value(page, "seed") == "5" and caption(page).startswith("After 1 step, 4 examples seen"), "the step stays"
    page.locator("img").first.click()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("heard") == [] and caption(page).startswith("After 2 steps")


def test_each_tick_stands_under_the_place_of_its_value(show, element):
    page = show(element)
    rate = slider(page, "learning rate").bounding_box()
    for place, lr in enumerate(["0.01", "0.1", "40"]):
        tick = page.locator("span[aria-hidden=true]").first.get_by_text(lr, exact=True).bounding_box()
        thumb = rate["x"] + 8 + place / 2 * (rate["width"] - 16)  # which is 16 pixels wide
        assert tick["x"] == pytest.approx(thumb, abs=1) and tick["y"] >= rate["y"] + rate["height"]


def test_without_scripts_the_picture_stays(show, element):
    page = show(element, java_script_enabled=False)
    image = page.get_by_alt_text(re.compile("learning rate 0.1 and batch size 4"))
    assert image.bounding_box()["width"] == 960
    assert page.locator("button").count() == 0 and page.locator("body").inner_text().strip() == ""


def test_dark_pages_get_a_dark_explorer(show, element):
    page = show(element, color_scheme="dark", background="#111")
    look = """() => {
        const card = document.querySelector('.lk-explorer'), picture = card.querySelector('img').parentElement;
        return [getComputedStyle(card).backgroundColor, getComputedStyle(picture).filter !== 'none'];
    }"""
    dark, light = ["rgb(22, 25, 29)", True], ["rgb(255, 255, 255)", False]
    for theme, expected in {"light": light, "dark": dark}.items():
        page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
        assert page.evaluate(look) == expected
    page.emulate_media(media="print")
    assert page.evaluate(look) == light
