"""The stepper in a real Chromium: clicks, keys, two on a page, dark and narrow pages, and with its script stripped."""

import html
import re

import pytest
from graph_samples import adaline, captions, chain, diamond, matrices, neuron, several_ways, steps_of_texts
from test_style import contrast

from lecturekit.style import DARK, RESTING

INK, RED, BLUE = "rgb(27, 31, 36)", "rgb(168, 32, 13)", "rgb(11, 83, 148)"


def caption(page, nth=0, live="polite"):
    return page.locator(f"[aria-live={live}] > div").nth(nth).inner_text()


def visible_texts(page):
    """The texts in the picture that are seen, as the browser computes it."""
    return page.evaluate(
        "Array.from(document.querySelectorAll('svg text'))"
        ".filter(t => getComputedStyle(t).visibility === 'visible').map(t => t.textContent)"
    )


def test_click_through_all_steps(show):
    page, words = show(neuron().to_html()), captions(neuron())
    assert page.locator("img").count() == 0
    slider = page.get_by_role("slider")
    for i, expected in enumerate(words):
        assert caption(page) == expected
        assert slider.input_value() == str(i)
        assert page.get_by_text(f"{i} / {len(words) - 1}").count() == 1
        if expected != words[-1]:
            page.get_by_role("button", name="Step").click()
    assert page.get_by_role("button", name="Step").get_attribute("aria-disabled") == "true"
    page.get_by_role("button", name="Back").click()
    assert caption(page) == words[-2]
    page.get_by_role("button", name="Last").click()
    assert caption(page) == words[-1]
    slider.fill("7")
    assert caption(page) == words[7]
    assert slider.get_attribute("aria-valuetext") == f"7 of {len(words) - 1}"
    aloud = page.locator("[aria-live]").text_content()
    assert aloud == f"step 7 of {len(words) - 1}. {words[7]}", "what a screen reader hears"
    parts = page.locator("[aria-live] > div span").evaluate_all(
        "spans => spans.map(span => [span.textContent, getComputedStyle(span).color])"
    )
    of_gradients, of_slopes = ({text for text, colour in parts if colour == picked} for picked in (RED, BLUE))
    assert of_gradients == {"gradient of w", "gradient of u", "1"} and of_slopes == {"slope of the arrow w → u", "3"}


def test_it_plays_and_pauses(show):
    page, words = show(neuron().to_html()), captions(neuron())
    page.clock.install()
    page.get_by_role("button", name="Play").click()
    assert caption(page, live="off") == words[1]
    page.clock.run_for(1900)
    assert caption(page, live="off") == words[2]
    page.get_by_role("button", name="Pause").click()
    page.clock.run_for(9000)
    assert caption(page) == words[2]
    page.keyboard.press("Space")
    page.clock.run_for(60_000)
    assert caption(page) == words[-1] and page.get_by_role("button", name="Play").count() == 1
    page.keyboard.press("Space")  # once more, from the beginning
    assert caption(page, live="off") == words[0]
    page.get_by_role("button", name="Step").click()
    page.clock.run_for(9000)
    assert caption(page) == words[1]


def test_values_and_partial_sums_appear_in_time(show):
    """What the browser shows at each step is what the graph says of it."""
    page, times = show(diamond().to_html()), steps_of_texts(diamond())
    assert times["∂f/∂x = 9"][1] == times["∂f/∂x = 21.53"][0]
    page.get_by_role("region").focus()
    for step in range(len(captions(diamond()))):
        seen = set(visible_texts(page))
        for text, (start, end) in times.items():
            is_expected = start <= step and (end is None or step < end)
            assert text == "no gradient yet" or (text in seen) == is_expected, (step, text)
        page.keyboard.press("ArrowRight")
    turn = str(times["∂f/∂x = 9"][0])
    page.get_by_role("slider").fill(turn)  # the arrows that now point back are not seen pointing forwards
    turned = page.locator(f"[data-x='{turn}']").all()
    others = page.locator(f"[data-x]:not([data-x='{turn}'])").all()
    assert turned and all(arrow.get_attribute("visibility") == "hidden" for arrow in turned)
    assert others and all(arrow.get_attribute("visibility") == "visible" for arrow in others)


def test_last_step_and_print_show_what_the_picture_shows(show):
    page, alone = show(adaline().to_html()), show(adaline().to_svg())
    first, last = visible_texts(page), visible_texts(alone)
    page.emulate_media(media="print")
    assert visible_texts(page) == last != first and page.get_by_role("button").count() == 0
    page.emulate_media(media="screen")
    page.get_by_role("button", name="Last").click()
    assert visible_texts(page) == last
    sizes = [one.locator("svg").bounding_box() for one in (page, alone)]
    assert sizes[0]["width"] == sizes[1]["width"] and sizes[0]["height"] == sizes[1]["height"]


def test_keys_work_and_stay_inside(show):
    """JupyterLab deletes a cell on d d: no key may reach the document, and each focusable element tells Lumino so."""
    words, page = captions(neuron()), show(neuron().to_html())
    for place in ("button", "[type=range]", "[role=region]"):
        page.locator(place).first.focus()
        keys = ("Home", 0), ("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", -1), ("ArrowLeft", -2)
        for key, expected in keys:
            page.keyboard.press(key)
            assert caption(page) == words[expected]
        for key in ("d", "d", "a", "b", "x", "ArrowDown", "ArrowUp", "Enter", "Escape"):
            page.keyboard.press(key)
    for clicked in ("svg", "[aria-live]"):
        page.locator(clicked).click()
        page.keyboard.type("dd")
    assert page.evaluate("heard") == []
    focusable = page.locator("button, input, [tabindex]")
    assert focusable.count() == 11, "with the three numbers that can be changed"
    assert all(e.evaluate("e => !!e.closest('[data-lm-suppress-shortcuts=true]')") for e in focusable.all())
    page.get_by_role("button", name="Back").focus()
    page.keyboard.press("Home")
    page.keyboard.press("Enter")  # Back at the first step: nothing happens, and the focus stays
    assert page.evaluate("document.activeElement.textContent") == "Back"


def test_keyboard_reaches_all_and_the_focus_is_seen(show):
    page = show(neuron().to_html())
    for expected in ["BUTTON"] * 5 + ["INPUT", "DIV", "INPUT"]:
        page.keyboard.press("Tab")
        tag, *look = page.evaluate("""() => {
            const look = getComputedStyle(document.activeElement);
            return [document.activeElement.tagName, look.outlineStyle, look.opacity];
        }""")
        assert tag == expected and look == ["solid", "1"]


def test_several_on_a_page_are_independent(show):
    """The same output twice and another one; none holds an id. Each card is as wide as its picture."""
    same, other = neuron().to_html(), chain(12).to_html()
    assert not re.search(r"\sid=", same)
    page = show(same + same + other)
    page.wait_for_function("document.querySelectorAll('button').length === 15")
    page.get_by_role("button", name="Last").nth(1).click()
    first, *_, last = captions(neuron())
    assert [caption(page, i) for i in range(3)] == [first, last, first]
    assert page.locator(".lk-graph").nth(2).bounding_box()["width"] < 500
    assert page.evaluate(SHADOW) == "none"


SHADOW = "getComputedStyle(document.querySelector('[role=region] + div')).boxShadow"


def test_on_a_narrow_page_it_scrolls_and_a_shadow_shows_where_it_goes_on(show):
    page = show(adaline().to_html(), width=390)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator("svg").bounding_box()["width"] >= 300
    page.wait_for_function(f"{SHADOW} !== 'none'")
    assert "-16px 0px" in page.evaluate(SHADOW), "on the right"
    page.locator("[role=region]").evaluate("box => { box.scrollLeft = 9999; }")
    page.wait_for_function(f"!{SHADOW}.includes('-16px 0px') && {SHADOW}.includes(' 16px 0px')")


OUT_OF_THEIR_BOXES = """() => Array.from(document.querySelectorAll('svg > g')).flatMap(g => {
    if (!g.querySelector('rect')) return [];
    const box = g.querySelector('rect').getBoundingClientRect();
    return Array.from(g.querySelectorAll('text')).filter(t => {
        const r = t.getBoundingClientRect();
        return r.left < box.left + 1 || r.right > box.right - 1 || r.top < box.top - 3 || r.bottom > box.bottom + 3;
    }).map(t => t.textContent);
})"""


def test_text_fits_its_boxes_in_the_browser(show):
    """With the fonts of this machine, whichever they are: each text of a node stays inside its first box."""
    page = show(adaline().to_html() + matrices().to_html())
    page.wait_for_function("document.querySelectorAll('.lk-graph').length === 2")
    assert page.evaluate(OUT_OF_THEIR_BOXES) == []


@pytest.mark.parametrize(
    ("make", "width", "height"),
    [(adaline, 1100, 500), (adaline, 390, 800), (lambda: chain(12), 390, 800)],
    ids=["low page", "phone", "chain on a phone"],
)
def test_the_step_taken_is_in_sight_of_the_window(show, make, width, height):
    """In a page with text above and below: what lights up, the buttons and the words."""
    page = show(f"<div style='height:300px'></div>{make().to_html()}<div style='height:900px'></div>", width=width)
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_selector("button")
    page.get_by_role("button", name="Step").focus()
    for _ in range(len(captions(make())) - 1):
        page.keyboard.press("ArrowRight")
        hidden = page.evaluate(
            """() => {
                const box = document.querySelector('[role=region]').getBoundingClientRect();
                const lit = Array.from(document.querySelectorAll('rect[data-e]'))
                    .filter(r => getComputedStyle(r).visibility === 'visible').map(r => r.getBoundingClientRect());
                const seen = (r, low, high) => r.top >= low - 2 && r.bottom <= high + 2;
                const inner = lit.filter(r => r.left >= box.left - 2 && r.right <= box.right + 2 &&
                    seen(r, Math.max(box.top, 0), Math.min(box.bottom, innerHeight)));
                const bars = ['button', '[aria-live]'].map(s => document.querySelector(s).getBoundingClientRect());
                return [lit.length > 0 && !inner.length, !bars.every(r => seen(r, 0, innerHeight))];
            }"""
        )
        assert hidden == [False, False], caption(page)


DARK_PAGES = {
    "JupyterLab": ('<body data-jp-theme-light="false">', "light", True),
    "the site": ('<html data-theme="dark"><body>', "light", True),
    "a machine": ("<body>", "dark", True),
    "JupyterLab, light on a dark machine": ('<body data-jp-theme-light="true">', "dark", False),
    "the site, light on a dark machine": ('<html data-theme="light"><body>', "dark", False),
}


LOOK = """() => Array.from(document.querySelectorAll('svg text'))
    .filter(t => getComputedStyle(t).visibility === 'visible').map(t => {
        const box = t.closest('svg > g').querySelector('rect') || document.querySelector('svg > rect');
        return [getComputedStyle(t).fill, getComputedStyle(box).fill];
    }).concat([...document.querySelectorAll('button, [aria-live]')].map(e => {
        const own = getComputedStyle(e), card = getComputedStyle(document.querySelector('.lk-graph'));
        return [own.color, e.tagName === 'BUTTON' ? own.backgroundColor : card.backgroundColor];
    }))"""


def test_dark_pages_get_a_dark_picture(show):
    """As the browser computes it: 4.5 between each text and what it stands on. On paper it is light."""
    page, graph = show(""), several_ways().to_html()

    def colours():
        pairs = page.evaluate(LOOK)
        return [["#" + "".join(f"{int(part):02x}" for part in re.findall(r"\d+", c)[:3]) for c in p] for p in pairs]

    for name, (start, machine, is_dark) in DARK_PAGES.items():
        page.emulate_media(media="screen", color_scheme=machine)
        page.set_content(f"<!doctype html>{start}{graph}")
        page.wait_for_selector("button")
        page.get_by_role("button", name="Last").click()
        pairs = colours()
        assert len(pairs) > 20
        resting = (RESTING, DARK[RESTING])  # WCAG asks nothing of a button that has nothing to do
        assert min(contrast(*pair) for pair in pairs if pair[0] not in resting) >= 4.5, name
        assert {ground in DARK.values() for _, ground in pairs} == {is_dark}, name
        page.emulate_media(media="print")
        assert not any(ground in DARK.values() for _, ground in colours()), name


def test_a_dot_runs_along_the_arrow_of_the_step(show):
    """Black forward, red backward; none back to a step before, and none for who wants no motion."""
    page = show(neuron().to_html(), reduced_motion="no-preference")
    faded = "getComputedStyle(document.querySelector('g[data-f]')).transitionDuration"
    assert page.evaluate(faded) == "0.25s"

    def dots(button):
        page.get_by_role("button", name=button).click()
        running = "document.getAnimations().filter(a => a.constructor.name === 'Animation')"
        colours = page.evaluate(f"{running}.map(a => getComputedStyle(a.effect.target).stroke)")
        assert page.locator("path[style*=dasharray]").count() == len(colours)
        page.evaluate("document.getAnimations().forEach(a => a.finish())")
        page.wait_for_function("document.querySelectorAll('path[style*=dasharray]').length === 0")
        return colours

    assert dots("Step") == [INK, INK]
    page.get_by_role("slider").fill("5")
    page.evaluate("document.getAnimations().forEach(a => a.finish())")
    assert dots("Step") == [RED, RED]
    assert dots("Back") == []
    page = show(neuron().to_html(), reduced_motion="reduce")
    assert dots("Step") == [] and page.evaluate(faded) == "0s"


IN_A_FRAME = '<iframe sandbox="{}" width="900" height="500" srcdoc="{}"></iframe>'


@pytest.mark.parametrize("how", ["attribute stripped", "sandboxed frame", "scripts off"])
def test_without_scripts_the_picture_stays(show, how):
    body = neuron().to_html()
    if how == "attribute stripped":
        body = re.sub(r' onload="[^"]*"', "", body)
    elif how == "sandboxed frame":
        body = IN_A_FRAME.format("", html.escape(body))
    page = show(body, java_script_enabled=how != "scripts off")
    page = page.frames[-1]
    image = page.locator("img")
    image.wait_for()
    alt = image.get_attribute("alt")
    assert "u = w · x = 6" in alt and "∂a/∂w = 3" in alt
    assert page.locator("button").count() == 0
    assert page.locator("body").inner_text().strip() == ""
    assert image.bounding_box()["width"] > 500


def test_in_a_frame_of_its_own(show):
    """Colab and VS Code put an output into a frame that may run scripts, but has no origin and no page round it."""
    page = show(IN_A_FRAME.format("allow-scripts", html.escape(neuron().to_html()))).frames[1]
    page.get_by_role("button", name="Step").click()
    assert "forward: u = w · x = 2 · 3 = 6" in page.locator("[aria-live]").inner_text()
    page.get_by_role("slider").press("End")
    assert "∂a/∂w = 3" in page.locator("[aria-live]").inner_text()
