"""The explorer in a real Chromium: mouse, keys, two on a page, dark and narrow pages, and with its script stripped."""

import re

import pytest
import torch

import lecturekit as lk

pytest.importorskip("matplotlib")

LRS, SIZES, SEEDS, STEPS = [0.01, 0.1, 40.0], [1, 4, None], [0, 7, 3, 5], 30
SLIDERS = ("learning rate", "batch size", "seed")


@pytest.fixture(scope="module")
def data():
    generator = torch.Generator().manual_seed(5)
    X = torch.randn(10, 1, generator=generator)
    return X, -5 * X + 2 + torch.randn(10, 1, generator=generator)


@pytest.fixture(scope="module")
def runs(data):
    return lk.train_many(*data, lrs=LRS, batch_sizes=SIZES, seeds=SEEDS, num_steps=STEPS)


@pytest.fixture(scope="module")
def element(data, runs):
    return lk.explorer(*data, runs, first=(0.1, 4, 7)).to_html()


def caption(page, nth=0):
    return page.locator("[aria-live=polite]").nth(nth).inner_text().replace("\u00a0", " ")


def number(text):
    """A number as the explorer writes it."""
    if match := re.fullmatch(r"(−?[\d.]+) · 10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", text):
        text = match[1] + "e" + match[2].translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))
    return float(text.replace("−", "-").replace("infinite", "inf").replace("not a number", "nan"))


def told(page):
    """What the caption says of w, b and the loss."""
    words = re.search(r"w = (.*), b = (.*), loss = (.*)\.\n", caption(page))
    return tuple(map(number, words.groups()))


def slider(page, name):
    return page.get_by_role("slider", name=name, exact=True)


def curve(page, nth, which=0):
    """The points of a line: nth picture, 0 the run in it, 1 the full batch."""
    colour = ["#D55E00", "#0072B2"][which]
    svg = page.locator("svg[aria-label]").nth(nth)
    d = svg.locator(f"path[stroke='{colour}'][stroke-width='{['1.8', '2'][which]}']").first.get_attribute("d")
    return [tuple(map(float, point.split())) for point in re.findall(r"[ML]([-\d. ]+)", d or "")]


def test_starts_with_the_run_of_its_picture(show, element, runs):
    page = show(element)
    assert page.locator("img").count() == 0
    assert [slider(page, name).input_value() for name in SLIDERS] == ["1", "1", "1"]
    assert [slider(page, name).get_attribute("aria-valuetext") for name in SLIDERS] == ["0.1", "4", "7"]
    assert caption(page).startswith("After 30 steps, 100 examples seen: w = ")
    assert page.get_by_text("30 / 30").count() == 1
    assert page.locator("[role=group]").get_attribute("aria-label") == "explorer of 36 runs"


@pytest.mark.parametrize("place", [(0, 0, 0), (1, 1, 3), (1, 2, 2), (0, 2, 0), (1, 0, 1)])
@pytest.mark.parametrize("step", [0, 1, 17, 30])
def test_each_run_tells_its_numbers(show, element, runs, place, step):
    page = show(element)
    for name, value in zip(reversed(SLIDERS), reversed(place), strict=True):  # the seed first: see the test below
        slider(page, name).fill(str(value))
    slider(page, "step").fill(str(step))
    (w, b), loss = runs.paths[place][step].tolist(), runs.losses[place][step].item()
    assert told(page) == (pytest.approx(w, abs=0.0051), pytest.approx(b, abs=0.0051), pytest.approx(loss, rel=0.0051))
    assert len(curve(page, 0)) == len(curve(page, 1)) == step + 1
    full = place[1] == 2
    assert len(curve(page, 0, 1)) == len(curve(page, 1, 1)) == (0 if full else step + 1)
    if not full and step:
        seen = step if place[1] == 0 else 10 * (step // 3) + 4 * (step % 3)
        assert f", {seen} example{'s' if seen > 1 else ''} seen:" in caption(page)


def test_what_is_drawn_is_the_run(show, data, element, runs):
    """Points of path and curve against the ticks that are written beside them."""
    page = show(element)

    def axis(nth, across):
        """Pixels to numbers, by the first and the last tick."""
        ticks = page.locator("svg[aria-label]").nth(nth).locator("g:last-child").evaluate(
            """(g, across) => Array.from(g.querySelectorAll('text')).filter(t => t.hasAttribute('x') &&
                (t.getAttribute('text-anchor') === 'end') !== across).slice(0, across ? -1 : undefined)
                .map(t => [t.textContent, across ? +t.getAttribute('x') : t.getAttribute('y') - 4.5])""",
            across,
        )  # fmt: skip
        (first, at_first), *_, (last, at_last) = ticks
        return number(first), at_first, number(last), at_last

    def read(axis, pixel, log=False):
        first, at_first, last, at_last = axis
        share = (pixel - at_first) / (at_last - at_first)
        return first * (last / first) ** share if log else first + (last - first) * share

    path, losses = runs.paths[1, 1, 1], runs.losses[1, 1, 1]
    w_axis, b_axis, step_axis, loss_axis = axis(0, True), axis(0, False), axis(1, True), axis(1, False)
    for t, ((x, y), (across, height)) in enumerate(zip(curve(page, 0), curve(page, 1), strict=True)):
        assert read(w_axis, x) == pytest.approx(path[t, 0].item(), abs=0.02)
        assert read(b_axis, y) == pytest.approx(path[t, 1].item(), abs=0.02)
        assert read(step_axis, across) == pytest.approx(t, abs=0.05)
        assert read(loss_axis, height, log=True) == pytest.approx(losses[t].item(), rel=0.02)
    # A contour line has the loss that is written on it: four points of each ellipse.
    X, Y = data
    ellipses = page.locator("ellipse").evaluate_all(
        """ellipses => ellipses.map(e => {
            const [rx, ry] = ['rx', 'ry'].map(n => +e.getAttribute(n));
            const m = e.transform.baseVal.consolidate().matrix;
            return [[rx, 0], [-rx, 0], [0, ry], [0, -ry]]
                .map(([x, y]) => [m.a * x + m.c * y + m.e, m.b * x + m.d * y + m.f]);
        })"""
    )
    levels = lk.explorer(X, Y, runs).bowl.levels(lk.explorer(X, Y, runs).view)
    assert len(ellipses) == len(levels) >= 3
    for points, level in zip(ellipses, reversed(levels), strict=True):
        for x, y in points:
            loss = (X * read(w_axis, x) + read(b_axis, y) - Y).square().mean()
            assert loss.item() == pytest.approx(level, rel=0.03)
    written = page.locator("svg[aria-label]").first.locator("text[stroke]").all_text_contents()
    assert written and {float(text) for text in written} <= set(levels)


def test_diverging_runs(show, element, runs):
    page = show(element)
    slider(page, "learning rate").fill("2")
    slider(page, "batch size").fill("2")
    assert "The run has diverged, past the largest number there is." in caption(page)
    slider(page, "step").fill("3")
    *_, loss = told(page)
    assert loss == pytest.approx(runs.losses[2, 2, 0, 3].item(), rel=0.06)
    assert "outside the picture. The loss is larger than at the start" in caption(page)
    drawn = curve(page, 0)
    assert len(drawn) < 4
    assert all(abs(x) <= 1e5 and abs(y) <= 1e5 for x, y in drawn)


@pytest.mark.parametrize("place", ["button", "[aria-label=step]", "[role=group]"])
def test_keys_step_and_stay_inside(show, element, place):
    page = show(element)
    page.locator(place).first.focus()
    for key, expected in [("Home", "Before"), ("ArrowRight", "After 1 "), ("ArrowRight", "After 2 "),
                          ("ArrowLeft", "After 1 "), ("End", "After 30 ")]:  # fmt: skip
        page.keyboard.press(key)
        assert caption(page).startswith(expected)
    for key in ("d", "d", "a", "b", "x", "ArrowDown", "ArrowUp", "Enter", "Escape"):
        page.keyboard.press(key)
    assert page.evaluate("heard") == []
    focusable = page.locator("button, input, [tabindex]")
    assert focusable.count() == 9
    assert all(e.get_attribute("data-lm-suppress-shortcuts") == "true" for e in focusable.all())


def test_keys_on_a_slider_move_this_slider_only(show, element):
    page = show(element)
    slider(page, "learning rate").focus()
    for key, expected in [("ArrowLeft", "0.01"), ("ArrowRight", "0.1"), ("End", "40"), ("Home", "0.01")]:
        page.keyboard.press(key)
        assert slider(page, "learning rate").get_attribute("aria-valuetext") == expected
        assert slider(page, "step").input_value() == "30"
    page.keyboard.type("ddab")
    page.keyboard.press("PageUp")
    assert page.evaluate("heard") == []
    slider(page, "batch size").press("End")
    assert slider(page, "batch size").get_attribute("aria-valuetext") == "all"
    assert caption(page).startswith("After 30 steps: w = ")


def test_the_seed_is_at_rest_where_it_changes_nothing(show, element):
    page = show(element)
    seed, batch_size = slider(page, "seed"), slider(page, "batch size")
    batch_size.fill("2")
    assert seed.is_disabled() and seed.get_attribute("aria-valuetext") == "any"
    assert page.get_by_text("any", exact=True).count() == 1
    batch_size.fill("0")
    assert seed.is_enabled() and seed.get_attribute("aria-valuetext") == "7"
    assert page.get_by_text("any", exact=True).count() == 0


def test_keyboard_reaches_all_and_the_focus_is_seen(show, element):
    page = show(element)
    names = []
    for _ in range(8):
        page.keyboard.press("Tab")
        name, outline = page.evaluate(
            """[document.activeElement.getAttribute('aria-label') || document.activeElement.textContent,
                getComputedStyle(document.activeElement).outlineStyle]"""
        )
        names.append(name)
        assert outline == "solid"
    assert names == [*SLIDERS, "First", "Back", "Step", "Last", "step"]


def test_mouse(show, element):
    page = show(element)
    page.get_by_role("button", name="First").click()
    page.get_by_role("button", name="Step").click()
    assert caption(page).startswith("After 1 step, 4 examples seen")
    box = slider(page, "seed").bounding_box()
    page.mouse.click(box["x"] + box["width"] - 3, box["y"] + box["height"] / 2)
    assert slider(page, "seed").get_attribute("aria-valuetext") == "5"
    assert caption(page).startswith("After 1 step, 4 examples seen")  # the step stays
    page.locator("svg[aria-label]").first.click()
    page.keyboard.type("dd")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("heard") == [] and caption(page).startswith("After 2 steps")


def test_two_on_a_page_are_independent(show, element):
    page = show(element + element)
    page.wait_for_function("document.querySelectorAll('button').length === 8")
    before = caption(page, 0)
    slider(page, "learning rate").nth(1).fill("0")
    page.get_by_role("button", name="Back").nth(1).click()
    assert caption(page, 0) == before and caption(page, 1).startswith("After 29 steps")
    assert slider(page, "learning rate").nth(0).input_value() == "1"
    assert page.locator("[id]").count() == 0


@pytest.mark.parametrize("background", ["#fff", "#111"])
def test_narrow_page_does_not_overflow(show, element, background):
    page = show(element, width=390, background=background)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    first, second = (page.locator("svg[aria-label]").nth(i).bounding_box() for i in range(2))
    assert first["width"] >= 330 and second["y"] > first["y"] + first["height"] - 1
    card = page.locator("[role=group]")
    assert card.evaluate("e => [getComputedStyle(e).backgroundColor, getComputedStyle(e).color]") == [
        "rgb(255, 255, 255)",
        "rgb(27, 31, 36)",
    ]


def test_side_by_side_on_a_wide_page_and_nothing_jumps(show, element):
    page = show(element)
    first, second = (page.locator("svg[aria-label]").nth(i).bounding_box() for i in range(2))
    assert first["y"] == second["y"] and second["x"] >= first["x"] + first["width"]
    height = page.locator("[role=group]").bounding_box()["height"]
    for rate, size in ((2, 2), (2, 0), (0, 1)):
        slider(page, "learning rate").fill(str(rate))
        slider(page, "batch size").fill(str(size))
        assert page.locator("[role=group]").bounding_box()["height"] == height


def test_colours_have_contrast(show, element):
    """Text at least 4.5 on the darkest ground it stands on."""

    def luminance(rgb):
        parts = [c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in rgb]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    page = show(element)
    found = page.locator("svg text, span, button, label, [aria-live]").evaluate_all(
        "all => all.map(e => getComputedStyle(e)[e.tagName === 'text' ? 'fill' : 'color'])"
    )
    ground = luminance((220, 235, 247))
    for colour in set(found):
        text = luminance([int(c) for c in re.findall(r"\d+", colour)[:3]])
        white_only = colour == "rgb(107, 113, 120)"  # a button that has nothing to do
        assert ((1.0 if white_only else ground) + 0.05) / (text + 0.05) >= 4.5, colour


@pytest.mark.parametrize("how", ["attribute stripped", "sandboxed frame", "scripts off"])
def test_without_scripts_the_picture_stays(show, element, how):
    if how == "attribute stripped":
        page = show(re.sub(r' onload="[^"]*"', "", element))
    elif how == "sandboxed frame":
        frame = element.replace("&", "&amp;").replace('"', "&quot;")
        page = show(f'<iframe sandbox width="1000" height="500" srcdoc="{frame}"></iframe>').frames[1]
    else:
        page = show(element, java_script_enabled=False)
    image = page.locator("img")
    image.wait_for()
    assert "learning rate 0.1 and batch size 4, seed 7" in image.get_attribute("alt")
    assert page.locator("button").count() == 0 and page.locator("body").inner_text().strip() == ""
    assert image.bounding_box()["width"] == 960


def test_in_a_frame_of_its_own(show, element):
    """Colab and VS Code put an output into a frame that may run scripts, but has no origin and no page round it."""
    frame = element.replace("&", "&amp;").replace('"', "&quot;")
    page = show(f'<iframe sandbox="allow-scripts" width="1000" height="600" srcdoc="{frame}"></iframe>').frames[1]
    page.get_by_role("button", name="First").click()
    assert caption(page).startswith("Before the first step: w = 0.00, b = 0.00, loss = ")


def test_a_style_sheet_of_the_page_does_not_break_the_pictures(show, element):
    """JupyterLab's: every svg in an output is at most as wide as the page, and its height follows from its width."""
    before = show(element).locator("svg[aria-label]").first.bounding_box()
    page = show(element)
    page.add_style_tag(content="svg{max-width:100%;height:auto;width:auto} label{display:block} input{width:9px}")
    after = page.locator("svg[aria-label]").first.bounding_box()
    assert (after["width"], after["height"]) == (before["width"], before["height"])
    assert slider(page, "seed").bounding_box()["width"] > 100


def test_single_values(show, data):
    """One learning rate, one seed and no full batch: nothing to compare with, and nothing breaks."""
    runs = lk.train_many(*data, lrs=[0.1], batch_sizes=[3], num_steps=1)
    page = show(lk.explorer(*data, runs).to_html())
    assert caption(page).startswith("After 1 step, 3 examples seen: w = ")
    assert page.get_by_text("full batch").count() == 0 or not page.get_by_text("full batch").is_visible()
