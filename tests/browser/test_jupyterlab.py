"""Restart & Run All in a real JupyterLab, with the network off: no error, no warning, no missing picture."""

from __future__ import annotations

import nbformat
import pytest
from structure import LESSONS

NOTEBOOKS = LESSONS[0].parent
SECONDS = 1000  # playwright counts milliseconds

pytestmark = pytest.mark.browser

IDLE = "jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
COUNTS = """[...document.querySelectorAll('.jp-Notebook .jp-CodeCell .jp-InputPrompt')]
    .map(prompt => prompt.textContent.trim())"""
# Pictures, and the drawings that graph pictures and the pad become where scripts run.
PICTURES = """() => [...document.querySelectorAll('.jp-Notebook :is(img, [role=img], svg[viewBox])')].map(picture => ({
    alt: picture.alt ?? picture.getAttribute('aria-label'),
    shown: picture.getBoundingClientRect().width > 0 && picture.naturalWidth !== 0,
    cell: [...document.querySelectorAll('.jp-Notebook .jp-CodeCell')].indexOf(picture.closest('.jp-CodeCell'))}))"""


@pytest.fixture
def run_all(browse, lab):
    """Return a function that opens a notebook as a reader does, restarts its kernel and runs all cells."""

    def run_all(name: str):
        page = browse(lab.url)
        page.goto(f"{lab.url}lab?reset&token={lab.token}")
        page.locator(f".jp-DirListing-item[title*='{name}']").dblclick(timeout=60 * SECONDS)
        page.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=30 * SECONDS)
        page.wait_for_function(IDLE, timeout=60 * SECONDS)  # without a kernel, the menu would restart nothing
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Restart Kernel and Run All Cells…").click()
        page.get_by_role("button", name="Confirm Kernel Restart").click()
        done = f"() => {IDLE} && {COUNTS}.every(text => /^\\[\\d+\\]:$/.test(text))"
        page.wait_for_function(done, timeout=180 * SECONDS, polling=200)
        page.wait_for_function("[...document.querySelectorAll('.jp-Notebook img')].every(img => img.complete)")
        return page

    return run_all


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_runs_as_it_was_stored(run_all, lab, path):
    page = run_all(path.name)
    code = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert page.evaluate(COUNTS) == [f"[{count}]:" for count in range(1, len(code) + 1)]
    for kind in ("error", "stderr"):
        output = f".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.{kind}']"
        assert page.locator(output).all_inner_texts() == []
    pictures = page.evaluate(PICTURES)
    # JupyterLab gives every image without words the alt text "Image".
    assert [picture for picture in pictures if not picture["shown"] or picture["alt"] in ("", "Image")] == []
    stored = {i for i, cell in enumerate(code) if "<img" in str([output.get("data") for output in cell.outputs])}
    assert stored <= {picture["cell"] for picture in pictures}
    assert not lab.asked.exists(), f"Python asked for {lab.asked.read_text()}"


def test_the_first_screen_of_make_lab(browse, make_lab):
    """Lesson 00 and nothing over it; graphs can be stepped through before any cell is run, and no answer is seen."""
    page = browse(make_lab.url)
    page.goto(f"{make_lab.url}?token={make_lab.token}")
    page.get_by_role("heading", name="00 · Start here").wait_for(timeout=60 * SECONDS)
    page.wait_for_function(IDLE, timeout=60 * SECONDS)
    page.wait_for_timeout(3 * SECONDS)  # the question about news came late
    assert page.locator(".jp-Dialog, .Toastify__toast").count() == 0
    assert "".join(page.locator(".jp-Notebook .jp-OutputPlaceholder").all_inner_texts()) == ""
    page.locator(".jp-DirListing-item[title*='06_']").dblclick()
    graph = page.locator(".jp-NotebookPanel:visible .lk-graph").first
    before = graph.locator("[aria-live]").inner_text(timeout=60 * SECONDS)
    graph.get_by_role("button", name="Step").click()
    assert graph.locator("[aria-live]").inner_text() != before
    assert not make_lab.asked.exists(), f"Python asked for {make_lab.asked.read_text()}"


def test_a_verdict_has_a_sign_words_and_an_edge(run_all, lab):
    answers = ["torch.tensor([1, 2, 3])", "torch.tensor([1, 2, 3, 4, 5]) ** 2"]
    source = "import torch\nimport lecturekit as lk\n\nlk.check('00.1', {})"
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source.format(answer)) for answer in answers])
    nb.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(nb, lab.folder / "verdicts.ipynb")
    page = run_all("verdicts.ipynb")
    cards = page.locator(".jp-OutputArea-output [style*='border-left']")
    wrong, right = cards.all_inner_texts()
    assert wrong.startswith("✗ Exercise 00.1, wrong:\n") and right.startswith("✓ Exercise 00.1, correct:\n")
    edges = cards.evaluate_all("cards => cards.map(card => getComputedStyle(card).borderLeft)")
    assert all(edge.startswith("6px solid") for edge in edges) and edges[0] != edges[1]


TRACED = """\
import torch
import lecturekit as lk
x = torch.tensor(3.0, requires_grad=True)
with lk.trace() as g:
    u = x * x
    f = torch.sin(u) + u * x
g"""


def test_the_keys_of_the_stepper_stay_in_it(run_all, lab):
    """In JupyterLab `d` `d` deletes the cell, `a` and `b` add one, arrows move on; not from inside a picture."""
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in (TRACED, "f")])
    nb.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(nb, lab.folder / "stepper.ipynb")
    page = run_all("stepper.ipynb")
    output = page.locator(".jp-OutputArea-output", has=page.locator("svg[viewBox]"))
    caption, slider = output.locator("[aria-live]"), output.locator("input[type=range]")
    for element in (*output.locator("button:enabled").all(), slider):
        element.focus()
        for key in ("d", "d", "a", "b", "x", "m", "Enter", "ArrowDown"):
            page.keyboard.press(key)
        assert page.locator(".jp-Notebook .jp-CodeCell").count() == 2
        assert element.evaluate("element => element === document.activeElement")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert "u = x · x = 3 · 3 = 9" in caption.inner_text()
    page.keyboard.press("End")
    assert "∂f/∂x = 21.53" in caption.inner_text()


def test_a_graph_higher_than_the_page_is_in_sight_at_each_step(run_all, lab):
    """Its buttons, its words and what lights up; with the dark theme it is dark."""
    source = TRACED.replace("f = torch.sin(u) + u * x", "f = u\n    for _ in range(12):\n        f = torch.sin(f) * x")
    cells = [nbformat.v4.new_code_cell(text) for text in (source, "f")]
    nb = nbformat.v4.new_notebook(cells=[*cells, nbformat.v4.new_markdown_cell("Some words.\n\n" * 40)])
    nb.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(nb, lab.folder / "high.ipynb")
    page = run_all("high.ipynb")
    page.locator(".lk-graph").get_by_role("button", name="Step").click()
    for _ in range(30):
        page.keyboard.press("ArrowRight")
        assert page.evaluate("""() => {
            const place = what => document.querySelector(what).getBoundingClientRect();
            const seen = (r, box) => r.top >= box.top - 2 && r.bottom <= box.bottom + 2;
            const lit = Array.from(document.querySelectorAll('[data-e] > rect'))
                .filter(r => getComputedStyle(r).visibility === 'visible').map(r => r.getBoundingClientRect());
            return seen(place('.lk-graph'), place('.jp-WindowedPanel-outer')) &&
                (!lit.length || lit.some(r => seen(r, place('.lk-graph [role=region]'))));
        }""")
    page.evaluate("jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
    page.wait_for_function(
        "getComputedStyle(document.querySelector('.lk-graph')).backgroundColor === 'rgb(22, 25, 29)'"
    )


def test_answers_are_hidden_until_their_cell_is_run(run_all, browse, lab):
    nb = nbformat.read(NOTEBOOKS / "02_devices.ipynb", as_version=4)
    nbformat.write(nb, lab.folder / "answers.ipynb")  # with its outputs
    hidden = sum("jupyter" in cell.metadata for cell in nb.cells)
    page = browse(lab.url)
    page.goto(f"{lab.url}lab?reset&token={lab.token}")
    page.locator(".jp-DirListing-item[title*='answers.ipynb']").dblclick(timeout=60 * SECONDS)
    folded = ".jp-Notebook .jp-Cell-outputWrapper .jp-Placeholder"
    page.locator(folded).first.wait_for(timeout=60 * SECONDS)
    assert page.locator(folded).count() == hidden > 2
    assert run_all("answers.ipynb").locator(folded).count() == 0
