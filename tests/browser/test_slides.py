"""The slides, opened from a file in a real browser: nothing fetched, nothing sticks out, keys act where they should."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from guarded import LESSONS, NOTEBOOKS, guarded_page, run_tool

NAMES = [path.stem for path in LESSONS]
SMOKE = "03_computation_graphs"
BEAMERS = [(1280, 720), (1024, 768)]

# Smallest text in pixels of a stage of 1280 × 720. Labels on the edges of a large graph are a little smaller, so that
# the graph is seen whole; so are the numbers on the explorer's axes.
SMALLEST, SMALLEST_IN_PICTURES = 14, 13

# Goes through all slides, with all that comes one key later, and says what is wrong with each.
MEASURE = """([smallest, smallestInPictures]) => {
    const problems = [];
    for (const section of Reveal.getSlides()) {
        const at = Reveal.getIndices(section);
        Reveal.slide(at.h, at.v, 99);
        const scale = Reveal.getScale(), number = Reveal.getSlidePastCount() + 1;
        const tell = (what, element) => problems.push(
            `${number}, ${section.dataset.section}: ${what}: ${element.outerHTML.slice(0, 80)}`);
        const window_ = {left: 0, top: 0, right: innerWidth, bottom: innerHeight};
        const stage = section.querySelector('.page').getBoundingClientRect();
        const body = section.querySelector('.body').getBoundingClientRect();
        const out = (box, frame) => box.left < frame.left - 1.5 || box.top < frame.top - 1.5 ||
            box.right > frame.right + 1.5 || box.bottom > frame.bottom + 1.5;
        if (out(stage, window_)) tell('the stage is larger than the window', section);
        for (const element of section.querySelectorAll('.page *')) {
            const box = element.getBoundingClientRect(), style = getComputedStyle(element);
            if (!box.width || !box.height || style.visibility === 'hidden' || element.closest('mjx-assistive-mml'))
                continue;
            // A very large graph scrolls in its own box, and follows its steps.
            const scroller = element.closest('[role=region]');
            if (scroller && scroller !== element && scroller.style.maxWidth) continue;
            // Glyphs of a formula have boxes with bearings; the formula as a whole is measured.
            if (!element.closest('mjx-container svg') && out(box, element.closest('.body') ? body : stage))
                tell('sticks out', element);
            if (!element.closest('svg, [role=region], .line') && element.clientWidth &&
                element.scrollWidth > element.clientWidth + 1) tell('would have to scroll', element);
            if (element === scroller && !scroller.style.maxWidth && (element.scrollHeight > element.clientHeight + 1 ||
                element.scrollWidth > element.clientWidth + 1)) tell('a graph that is not whole', element);
            if (element.matches('.media > img') && element.currentCSSZoom < 1) tell('a figure made smaller', element);
            if (![...element.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim())) continue;
            let size = parseFloat(style.fontSize), limit = smallest;
            if (element.getScreenCTM) {
                const matrix = element.getScreenCTM();
                size *= Math.hypot(matrix.a, matrix.b) / scale;
            } else size *= element.currentCSSZoom || 1;
            if (element.closest('[role=group]')) limit = smallestInPictures;
            // An index is smaller than its letter, as everywhere.
            if (size < limit - 0.01 && element.tagName !== 'tspan') tell(`text of ${size.toFixed(1)} pixels`, element);
        }
    }
    return problems;
}"""


@pytest.fixture(scope="session")
def slides(tmp_path_factory) -> Path:
    """The folder with the slides of all lessons, as `make slides` makes them."""
    return run_tool("slides", tmp_path_factory, "sphinx_revealjs", "mdit_py_plugins", "jinja2")


@pytest.fixture
def opened(chromium, slides) -> Iterator:
    """Return a function that opens the slides of a lesson from the file, alone in its folder."""
    pages = []

    def opened(name: str, size=BEAMERS[0], query: str = ""):
        alone = slides / name
        alone.mkdir(exist_ok=True)
        file = alone / "slides.html"
        file.write_bytes((slides / f"{name}.html").read_bytes())
        manager = guarded_page(chromium, file.as_uri(), viewport={"width": size[0], "height": size[1]})
        page = manager.__enter__()
        pages.append(manager)
        page.goto(file.as_uri() + query)
        page.wait_for_selector("html.ready", state="attached", timeout=60_000)
        return page

    yield opened
    for manager in pages:
        manager.__exit__(None, None, None)


def problems_of(page) -> list[str]:
    problems = [f"the console says {text}" for text in page.seen.errors]
    problems += [f"the slides asked for {url}" for url in page.seen.other_hosts]
    problems += page.evaluate(
        """() => [...document.querySelectorAll('.slides .math')]
            .filter(math => !math.querySelector('mjx-container') || math.querySelector('[data-mml-node=merror]'))
            .map(math => 'a formula that is not drawn: ' + math.textContent)"""
    )
    problems += page.evaluate(
        """() => [...document.querySelectorAll('.slides img')].filter(img => !img.naturalWidth || !img.alt)
            .map(img => 'a picture that is not shown or has no words: ' + img.alt)"""
    )
    return problems + page.evaluate(MEASURE, [SMALLEST, SMALLEST_IN_PICTURES])


def number(page) -> int:
    return page.evaluate("Reveal.getSlidePastCount()")


def test_a_lesson_to_begin_with(opened):
    problems = problems_of(opened(SMOKE))
    assert not problems, "\n".join(problems)


@pytest.mark.browser
@pytest.mark.parametrize("size", BEAMERS, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", NAMES)
def test_every_slide(opened, name, size):
    problems = problems_of(opened(name, size))
    assert not problems, "\n".join([name, *problems])


def test_keys_step_the_stepper_or_turn_the_slides(opened):
    page = opened(SMOKE)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("PageDown")
    page.keyboard.press("Space")
    assert number(page) == 3
    page.keyboard.press("ArrowLeft")
    assert number(page) == 2

    page.evaluate("""() => {
        const at = Reveal.getIndices(document.querySelector('.slides [aria-live]').closest('section'));
        Reveal.slide(at.h, at.v);
    }""")
    here = number(page)
    stepper = page.locator(".present.slide [role=group]")
    caption = stepper.locator("[aria-live]")
    slider = stepper.locator("input").last
    assert slider.input_value() == slider.get_attribute("max"), "it begins with the finished picture"
    stepper.get_by_role("button", name="First").click()
    seen = [caption.inner_text()]
    for _ in range(3):
        page.keyboard.press("ArrowRight")
        seen.append(caption.inner_text())
    page.keyboard.press("ArrowLeft")
    assert caption.inner_text() == seen[2]
    assert len(set(seen)) == 4
    assert number(page) == here, "the stepper's keys turned the slides"
    # What a presenter's remote sends turns the slides, and then the arrows do so again.
    page.keyboard.press("PageDown")
    assert number(page) == here + 1
    page.keyboard.press("ArrowLeft")
    assert number(page) == here
    # So does Escape: it leaves the stepper, and does nothing else.
    stepper.get_by_role("button", name="First").click()
    page.keyboard.press("Escape")
    assert not page.evaluate("Reveal.isOverview()")
    page.keyboard.press("ArrowRight")
    assert number(page) == here + 1
    page.keyboard.press("Escape")
    assert page.evaluate("Reveal.isOverview()")
    assert not page.seen.errors


@pytest.mark.browser
def test_a_result_comes_one_key_after_its_code(opened):
    page = opened(SMOKE)
    page.evaluate("""() => {
        const at = Reveal.getIndices(document.querySelector('.slides .output.fragment').closest('section'));
        Reveal.slide(at.h, at.v, -1);
    }""")
    here, output = number(page), page.locator(".present.slide .output").first
    assert not output.is_visible()
    page.keyboard.press("ArrowRight")
    assert output.is_visible() and number(page) == here


@pytest.mark.browser
def test_one_sheet_of_paper_for_each_slide(opened):
    page = opened(SMOKE, query="?print-pdf")
    page.wait_for_selector(".pdf-page", state="attached")
    assert page.locator(".pdf-page").count() == page.evaluate("Reveal.getTotalSlides()")
    sheets = len(re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True, print_background=True)))
    assert sheets == page.locator(".pdf-page").count()
    assert not page.seen.errors and not page.seen.other_hosts


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_lost_but_the_setup(slides, name):
    """Each picture with its words, each Predict alone and before its answer, each solution after its question."""
    text = (slides / f"{name}.html").read_text(encoding="utf-8")
    parts = text[text.index('<main id="parts"') : text.index("</main>")]
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            for alt in re.findall(r'<img[^>]*\balt="[^"]*"', output.get("data", {}).get("text/html", "")):
                assert alt in parts, f"a picture is missing: {alt}"
    found = [re.sub(r"<[^>]+>", "", html.unescape(part)) for part in re.split(r'<section class="slide ', parts)[1:]]
    markdown = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    questions = re.findall(r"^> \*\*Predict", markdown, flags=re.MULTILINE)
    asking = [i for i, part in enumerate(found) if part.startswith("predict")]
    assert len(asking) == len(questions) > 0
    assert all(found[i + 1].startswith(("run", "text", "predict")) for i in asking)
    solutions = [i for i, part in enumerate(found) if re.search(r">\s*Solution Exercise", part)]
    assert len(solutions) == markdown.count("<summary>Solution</summary>") > 0
    assert all("lk.check(" in found[i - 1] and "lk.check(" not in found[i] for i in solutions)
    assert "importlib.util" not in parts


def test_one_file_with_its_licence(slides):
    for path in slides.glob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert "Copyright (C) 2011-2024 Hakim El Hattab" in text and "Permission is hereby granted" in text
        assert "default-src 'none'" in text
        bare = re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)  # reveal.js can make frames; we ask for none
        assert not re.findall(r"<(?:script|img|link|iframe|source)\b[^>]{0,300}?\b(?:src|href)=[\"'](?!data:)", bare)
