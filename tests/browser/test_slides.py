"""The slides, opened from a folder as on a memory stick: whole, within reach, and the keys act where they should."""

from __future__ import annotations

import html
import re

import notebook_rules as rules
import pytest
from structure import LESSONS

GRAPHS = "03_computation_graphs"  # has graphs to step through
DIGITS = "12_digits"  # has a pad to draw on
LONG = "13_data_parallel_sgd"  # has the longest code

# Parts that no scrolling of their slide brings into view, with all that comes one key later.
OUT_OF_REACH = """Reveal.getSlides().flatMap((slide, number) => {
    const {h, v} = Reveal.getIndices(slide);
    Reveal.slide(h, v, 99);
    const {left, right, top} = slide.getBoundingClientRect(), scale = Reveal.getScale();
    const start = top - scale * slide.scrollTop, end = start + scale * slide.scrollHeight;
    return [...slide.querySelectorAll('p, li, pre, th, td, img, mjx-container, div[role=group]')].filter(part => {
        const box = part.getBoundingClientRect();
        const beside = box.left < left - 2 || box.right > right + 2, above = box.top < start - 2;
        const sideways = part.matches('pre') && part.scrollWidth > part.clientWidth + 1;
        const outside = left < -2 || right > innerWidth + 2;
        return box.width && (beside || above || box.bottom > end + 2) || sideways || outside;
    }).map(part => `slide ${number + 1}: ${part.outerHTML.slice(0, 100)}`);
})"""
UNDRAWN = (
    "[...document.querySelectorAll('.math')].filter(math => !math.querySelector('svg')).map(math => math.outerHTML)"
)
LOST = "[...document.querySelectorAll('.slides img')].filter(img => !img.naturalWidth || !img.alt).map(img => img.alt)"
NUMBER = "Reveal.getSlidePastCount() + 1"
GO_TO = """selector => {
    const {h, v} = Reveal.getIndices(document.querySelector(selector).closest('section'));
    Reveal.slide(h, v);
}"""


@pytest.fixture
def show(browse, slides):
    """Return a function that opens the slides of a lesson."""

    def show(name: str, width: int = 1280, height: int = 720, query: str = ""):
        page = browse(slides.as_uri(), viewport={"width": width, "height": height})
        page.goto(f"{slides.as_uri()}/{name}.html{query}")
        page.wait_for_function("window.Reveal?.isReady()", timeout=120_000)
        return page

    return show


@pytest.mark.parametrize(
    "name", [pytest.param(path.stem, marks=() if path.stem == GRAPHS else pytest.mark.browser) for path in LESSONS]
)
@pytest.mark.parametrize(("width", "height"), [(1280, 720), pytest.param(1024, 768, marks=pytest.mark.browser)])
def test_every_slide_is_within_reach(show, name, width, height):
    page = show(name, width, height)
    assert page.evaluate(OUT_OF_REACH) == []
    assert page.evaluate(UNDRAWN) == []
    assert page.evaluate(LOST) == []


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_each_predict_ends_a_slide_and_nothing_is_lost(slides, path):
    text = (slides / f"{path.stem}.html").read_text(encoding="utf-8")
    nb = rules.read(path)
    markdown = "\n".join(cell.source for cell in nb.cells if cell.cell_type == "markdown")
    questions = len(re.findall(r"^> \*\*Predict", markdown, flags=re.MULTILINE))
    assert len(re.findall(r"<blockquote>\s*<div>\s*<p><strong>Predict", text)) == questions > 0
    ends = re.findall(r"<blockquote>(?:(?!<blockquote>).)*?</blockquote>\s*</section>", text, flags=re.DOTALL)
    assert len([end for end in ends if "<strong>Predict" in end]) == questions
    solutions = re.findall(r"</h3>\s*<p class=\"fold\"><strong>Solution", text)
    assert len(solutions) == markdown.count("<summary>Solution</summary>") > 0
    shown = html.unescape(re.sub(r"<[^>]+>", "", text))
    setup = next(number for number, cell in enumerate(nb.cells) if "\n## 1 ·" in "\n" + cell.source)
    for cell in nb.cells[setup:]:
        for output in cell.get("outputs", []):
            for alt in re.findall(r'<img[^>]*\balt="[^"]*"', output.get("data", {}).get("text/html", "")):
                assert alt in text, f"a picture is missing: {alt}"
        if cell.cell_type == "code":
            assert max(cell.source.splitlines(), key=len) in shown


def test_keys_step_a_graph_or_turn_the_slides(show):
    page = show(GRAPHS)
    for key in ("ArrowRight", "PageDown", " "):
        page.keyboard.press(key)
    assert page.evaluate(NUMBER) == 4
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(NUMBER) == 3

    page.evaluate(GO_TO, "[aria-live]")
    here = page.evaluate(NUMBER)
    graph = page.locator("section.present [role=group]")
    graph.get_by_role("slider").focus()
    captions = [graph.locator("[aria-live]").inner_text()]
    for _ in range(3):
        page.keyboard.press("ArrowRight")
        captions.append(graph.locator("[aria-live]").inner_text())
    assert len(set(captions)) == 4
    assert page.evaluate(NUMBER) == here, "the keys of the graph turned the slides"
    # What a presenter's remote sends goes on with the steps, then turns the slides, and then the arrows do so again.
    page.keyboard.press("PageDown")
    assert graph.locator("[aria-live]").inner_text() not in captions and page.evaluate(NUMBER) == here
    page.keyboard.press("End")
    page.keyboard.press("PageDown")
    assert page.evaluate(NUMBER) == here + 1
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(NUMBER) == here
    # Escape leaves the graph; the next one shows all slides.
    graph.get_by_role("slider").focus()
    page.keyboard.press("Escape")
    assert not page.evaluate("Reveal.isOverview()")
    page.keyboard.press("Escape")
    assert page.evaluate("Reveal.isOverview()")


@pytest.mark.browser
def test_a_result_comes_one_key_after_its_code(show):
    page = show(GRAPHS)
    page.evaluate(GO_TO, ".cell_output.fragment")
    here, output = page.evaluate(NUMBER), page.locator("section.present .cell_output.fragment").first
    assert not output.is_visible()
    page.keyboard.press("ArrowRight")
    output.wait_for(state="visible", timeout=5000)
    assert page.evaluate(NUMBER) == here


@pytest.mark.browser
def test_the_drawing_pad_keeps_its_keys(show):
    page = show(DIGITS)
    page.evaluate(GO_TO, ".lk-pad")
    here, pad = page.evaluate(NUMBER), page.locator(".lk-pad")
    assert pad.evaluate("pad => pad.getBoundingClientRect().bottom <= innerHeight"), "the pad is too large"
    pad.get_by_role("application").focus()
    for key in ["ArrowRight"] * 3 + [" ", *["ArrowDown", " "] * 7]:
        page.keyboard.press(key)
    assert pad.locator(".answer").inner_text().startswith("I read a 1 (")
    assert page.evaluate(NUMBER) == here, "the keys of the pad turned the slides"


def test_keys_scroll_a_long_slide_to_its_end_before_they_turn_it(show):
    page = show(LONG)
    page.evaluate("""() => {
        const slide = Reveal.getSlides().find(slide => slide.querySelector('pre') && !slide.querySelector('.fragment'));
        const tall = document.createElement('div');
        tall.style.height = '1500px';
        slide.append(tall);
        const {h, v} = Reveal.getIndices(slide);
        Reveal.slide(h, v);
    }""")
    number = page.evaluate(NUMBER)
    left = "(slide => slide.scrollHeight - slide.clientHeight - slide.scrollTop)(Reveal.getCurrentSlide())"
    assert page.evaluate(left) > 100
    for _ in range(5):
        if page.evaluate(left) > 1:
            page.keyboard.press("PageDown")
            assert page.evaluate(NUMBER) == number
    assert page.evaluate(left) <= 1
    page.keyboard.press("PageDown")
    assert page.evaluate(NUMBER) == number + 1


@pytest.mark.parametrize("name", [GRAPHS, pytest.param(LONG, marks=pytest.mark.browser)])
def test_on_paper_there_is_every_slide(show, name):
    page = show(name, query="?print-pdf")
    page.wait_for_selector(".pdf-page", state="attached")
    assert page.locator(".pdf-page").count() == page.evaluate("Reveal.getTotalSlides()")
    cut = "[...document.querySelectorAll('.pdf-page')].filter(page => page.scrollHeight > page.clientHeight + 1).length"
    assert page.evaluate(cut) == 0
    sheets = len(re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True, print_background=True)))
    assert sheets >= page.locator(".pdf-page").count()


def test_a_lesson_that_is_not_there(tmp_path, capsys):
    import build

    assert build.main(["slides", "notebooks/6.ipynb", "--output", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert told.startswith("There is no lesson notebooks/6.ipynb.")
    assert all(f"notebooks/{path.name}" in told for path in LESSONS)
