"""The web site in a real browser: whole, reachable by keys, in light and dark, without asking anybody else."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from structure import LESSONS, NOTEBOOKS, ROOT

import lecturekit

pytest.importorskip("axe_playwright_python", reason="axe is not installed: pip install -e '.[test]'")

NAMES = ["index", "install", "teachers", "evidence", "api", "search", *(f"notebooks/{path.stem}" for path in NOTEBOOKS)]
NAMES += [f"teaching/{path.stem}" for path in LESSONS]
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
LIGHT, DARK = {"color_scheme": "light"}, {"color_scheme": "dark"}
PHONE = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"}

# What sticks out of the window, and does not scroll in a box of its own.
STICKS_OUT = """() => [...document.querySelectorAll('.bd-article *')].filter(element => {
    const box = element.getBoundingClientRect();
    if (!box.width || box.right <= innerWidth + 1) return false;
    for (let parent = element.parentElement; parent; parent = parent.parentElement)
        if (/auto|scroll|hidden/.test(getComputedStyle(parent).overflowX)) return false;
    return true;
}).slice(0, 3).map(element => element.outerHTML.slice(0, 120))"""
LOST = """[...document.querySelectorAll('.bd-article img')].filter(img => !img.complete || !img.naturalWidth)
    .map(img => img.alt)"""
SHOWN_FOCUS = """() => {
    const element = document.activeElement, style = getComputedStyle(element), box = element.getBoundingClientRect();
    const ring = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
    const shadow = style.boxShadow.split(/,(?![^(]*\\))/).some(part => /[1-9]px/.test(part) && !/, 0\\)/.test(part));
    const seen = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
    return seen && (ring || shadow) ? '' : element.outerHTML.slice(0, 150);
}"""


@pytest.fixture
def show(browse, site_url):
    """Return a function that opens a page of the site, and waits for its formulas."""

    def show(name: str, **options):
        page = browse(site_url, **options)
        page.goto(f"{site_url}{name}")
        page.wait_for_function("() => !window.MathJax || window.MathJax.startup.promise.then(() => true)")
        return page

    return show


def test_an_answer_opens_on_a_click(show):
    """What follows a question is folded; that needs no script, and paper shows it."""
    page = show("notebooks/02_devices.html", java_script_enabled=False)
    answers = page.locator("details.below-input")
    cells = json.loads((ROOT / "notebooks" / "02_devices.ipynb").read_text(encoding="utf-8"))["cells"]
    assert answers.count() == sum("jupyter" in cell["metadata"] for cell in cells) > 2
    output = answers.first.locator(".cell_output")
    assert not output.is_visible()
    answers.first.locator("summary").click()
    assert output.is_visible()
    page.emulate_media(media="print")
    assert answers.last.locator(".cell_output").is_visible()


@pytest.fixture(scope="session")
def pages(site) -> dict[Path, str]:
    """The text of each page."""
    return {path: path.read_text(encoding="utf-8") for path in site.rglob("*.html") if "_static" not in path.parts}


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(LIGHT, id="light"),
        pytest.param(DARK, id="dark", marks=pytest.mark.browser),
        pytest.param(PHONE, id="phone"),
    ],
)
@pytest.mark.parametrize("name", ["index", *(pytest.param(name, marks=pytest.mark.browser) for name in NAMES[1:])])
def test_a_page_can_be_read_by_everybody(show, name, options):
    from axe_playwright_python.sync_playwright import Axe

    page = show(f"{name}.html", **options)
    assert page.evaluate(STICKS_OUT) == []
    assert page.locator(".math").count() == page.locator(".math mjx-container").count(), "formulas are not drawn"
    assert page.evaluate(LOST) == []
    violations = Axe().run(page, options={"runOnly": WCAG, "preload": False}).response["violations"]
    assert [(found["id"], found["help"], [node["html"] for node in found["nodes"][:2]]) for found in violations] == []


def test_every_link_within_the_site_leads_somewhere(site, pages):
    """Each page and each place in it that a link names is there. Links to other hosts are not followed."""
    assert {site / f"{name}.html" for name in NAMES} <= pages.keys()
    places = {path: set(re.findall(r'\bid="([^"]+)"', html)) for path, html in pages.items()}
    broken = set()
    for path, html in pages.items():
        for target in re.findall(r'<(?:a|link|script|img)\b[^>]*?\b(?:href|src)="([^"]+)"', html):
            parts = urlsplit(target.replace("&amp;", "&"))
            other = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if parts.scheme or parts.netloc:
                continue
            if not other.is_file() or (parts.fragment and unquote(parts.fragment) not in places.get(other, ())):
                broken.add(f"{path.name}: {target}")
    assert sorted(broken) == []


def test_pages_take_nothing_from_other_hosts(pages):
    """No script, style, font or picture of another host; and if a page asked for one, the browser would refuse."""
    outside = r"<(?:script|img|link|iframe|source)\b[^>]*(?:src|href)=\"(?:https?:)?//[^>]*>"
    policy = '<meta http-equiv="Content-Security-Policy" content="default-src \'self\''
    for path, html in pages.items():
        assert [tag for tag in re.findall(outside, html) if 'rel="canonical"' not in tag] == [], path.name
        assert policy in html, path.name


def test_every_lesson_can_be_opened_elsewhere_and_downloaded(site):
    for name in (name for name in NAMES if re.match(r"notebooks/\d\d_", name)):
        html = (site / f"{name}.html").read_text(encoding="utf-8")
        for words in ("Open in Colab", "Open on Binder", "Report a mistake", "try them in Colab"):
            assert words in html, f"{name}: {words}"
        source = re.search(r'href="([^"]*_sources/[^"]*\.ipynb)"', html)
        assert source and (site / "notebooks" / source[1]).resolve().is_file(), f"{name} cannot be downloaded"


def test_names_of_the_package_lead_to_the_reference(site):
    html = (site / "notebooks" / "07_adaline_three_ways.html").read_text(encoding="utf-8")
    assert re.search(r'href="\.\./api\.html#lecturekit\.fit"[^>]*><code[^>]*>.*?lk\.fit', html)


def test_the_reference_has_every_public_name(site):
    html = (site / "api.html").read_text(encoding="utf-8")
    assert [name for name in lecturekit.__all__ if not re.search(rf'id="lecturekit\.{name}["\.]', html)] == []


def test_the_stepper_on_the_first_page_by_mouse_and_by_keys(show):
    page = show("index.html")
    stepper = page.get_by_role("group", name=re.compile("step by step"))
    caption = stepper.locator("[aria-live]")
    assert "what goes in" in caption.inner_text()
    stepper.get_by_role("slider").focus()
    first = caption.inner_text()
    page.keyboard.press("ArrowRight")
    assert caption.inner_text() != first
    page.keyboard.press("ArrowLeft")
    assert caption.inner_text() == first
    stepper.get_by_label("w, ").click()
    page.keyboard.type("-1")
    page.keyboard.press("Enter")
    assert "∂a/∂w = 0; ∂a/∂b = 0" in caption.inner_text(), "relu lets nothing through"
    page.keyboard.press("/")  # a key of the theme: it stays in the stepper
    assert stepper.locator(":focus").count() == 1


def test_the_buttons_of_a_graph_stay_in_sight_and_cover_nothing(show):
    page = show("notebooks/07_adaline_three_ways.html", **PHONE)
    graph = page.locator(".lk-graph").first
    put = """(graph, top) => {
        scrollBy({top: graph.getBoundingClientRect().top - top, behavior: 'instant'});
        const [head, box] = ['div', '[role=region]'].map(part => graph.querySelector(part).getBoundingClientRect());
        return [head.top, head.bottom, box.top];
    }"""
    top, bottom, box = graph.evaluate(put, 100)
    assert 100 <= top < bottom <= box + 1
    top, _, box = graph.evaluate(put, -300)  # its upper part is above the window
    assert box < 0 < top < 100


def test_the_pad_on_the_first_page_reads_a_digit_drawn_by_keys(show):
    """A 1 of two columns; no key, such as the theme's for its search, leaves the pad."""
    page = show("index.html", **PHONE)
    pad = page.locator(".lk-pad")
    grid, answer = pad.get_by_role("application"), pad.locator(".answer")
    assert answer.inner_text() == "Nothing is drawn yet"
    widths = "bars => bars.map(bar => bar.getBoundingClientRect().width)"
    assert pad.locator(".bar").evaluate_all(widths) == [0] * 10  # no style of the page reaches them
    grid.focus()
    for key in ["ArrowRight"] * 3 + [" ", *["ArrowDown", " "] * 7, "ArrowRight", " ", *["ArrowUp", " "] * 7, "/"]:
        page.keyboard.press(key)
    assert answer.inner_text().startswith("I read a 1 (")
    assert grid.evaluate("grid => grid === document.activeElement")


def test_search_leads_to_the_reference_and_to_sections(show):
    page = show("search.html?q=lk.trace")
    first = page.locator("#search-results > ul > li > a").first
    first.wait_for(timeout=20_000)
    assert first.get_attribute("href") == "api.html#lecturekit.trace"
    page = show("search.html?q=retain_graph")
    section = page.get_by_role("link", name="5 · The graph is used up")
    section.click(timeout=20_000)
    heading = page.get_by_role("heading", name="5 · The graph is used up")
    assert heading.evaluate(
        "heading => heading.closest(':target') !== null && heading.getBoundingClientRect().top < innerHeight"
    )


@pytest.mark.browser
def test_the_focus_is_seen_all_along_the_way(show):
    page = show("notebooks/03_computation_graphs.html")
    hidden, texts = [], []
    for _ in range(60):
        page.keyboard.press("Tab")
        page.wait_for_timeout(200)  # the theme fades its rings in
        hidden += filter(None, [page.evaluate(SHOWN_FOCUS)])
        texts.append(page.evaluate("document.activeElement.textContent").strip())
    assert texts[0] == "Skip to main content" and "Step" in texts
    assert hidden == []


@pytest.mark.browser
def test_colours_are_chosen_by_keys(show):
    page = show("index.html")
    button = page.locator(".theme-switch-button:visible")
    button.focus()
    for key in ("Enter", "ArrowDown", "ArrowDown", "ArrowDown", "Enter"):  # past "as the system" and "light"
        page.keyboard.press(key)
        page.wait_for_timeout(100)
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert button.evaluate("button => button === document.activeElement")


@pytest.mark.browser
def test_on_paper_solutions_are_open_and_the_page_is_light(show):
    page = show("notebooks/03_computation_graphs.html", **DARK)
    now = """() => [document.documentElement.dataset.theme,
        document.querySelectorAll('.bd-article details:not(.hide):not([open])').length]"""
    theme, folded = page.evaluate(now)
    assert theme == "dark" and folded >= 3
    page.evaluate("() => window.dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(now) == ["light", 0]
    page.evaluate("() => window.dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(now) == ["dark", folded]
