"""Restart & Run All in a real JupyterLab, with the network off: no error, no warning, no missing picture."""

from __future__ import annotations

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from structure import LESSONS

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
    """Return a function that opens a notebook of these cells as a reader does, restarts its kernel and runs it."""

    def run_all(cells):
        # Without stored outputs: whatever is on the page in the end has been made there.
        cells = [new_code_cell(c.source, metadata=c.metadata) if c.cell_type == "code" else c for c in cells]
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
        nbformat.write(new_notebook(cells=cells, metadata=kernel), lab.folder / "opened.ipynb")
        page = browse(lab.url)
        page.goto(f"{lab.url}lab?reset&token={lab.token}")
        page.locator(".jp-DirListing-item[title*='opened.ipynb']").dblclick(timeout=60 * SECONDS)
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
    cells = nbformat.read(path, as_version=4).cells
    page = run_all(cells)
    code = [cell for cell in cells if cell.cell_type == "code"]
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


def test_the_first_screen_of_make_lab(browse, lab):
    """Lesson 00 and nothing over it; graphs can be stepped through before any cell is run, and no answer is seen."""
    page = browse(lab.url)
    page.goto(f"{lab.url}?token={lab.token}")
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
    assert not lab.asked.exists(), f"Python asked for {lab.asked.read_text()}"


TRACED = """\
import torch
import lecturekit as lk
x = torch.tensor(3.0, requires_grad=True)
with lk.trace() as g:
    u = x * x
    f = torch.sin(u) + u * x
g"""


def test_the_keys_of_the_stepper_stay_in_it(run_all):
    """In JupyterLab `d` `d` deletes the cell, `a` and `b` add one, arrows move on; not from inside a picture."""
    page = run_all([new_code_cell(TRACED), new_code_cell("f")])
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


def test_a_graph_higher_than_the_page_is_in_sight_at_each_step(run_all):
    """Its buttons, its words and what lights up; with the dark theme it is dark."""
    source = TRACED.replace("f = torch.sin(u) + u * x", "f = u\n    for _ in range(12):\n        f = torch.sin(f) * x")
    page = run_all([new_code_cell(source), new_code_cell("f"), new_markdown_cell("Some words.\n\n" * 40)])
    page.locator(".lk-graph").get_by_role("button", name="Step").click()
    for _ in range(30):
        page.keyboard.press("ArrowRight")
        assert page.evaluate("""() => {
            const place = what => document.querySelector(what).getBoundingClientRect();
            const seen = (r, box) => r.top >= box.top - 2 && r.bottom <= box.bottom + 2;
            const lit = Array.from(document.querySelectorAll('rect[data-e]'))
                .filter(r => getComputedStyle(r).visibility === 'visible').map(r => r.getBoundingClientRect());
            return seen(place('.lk-graph'), place('.jp-WindowedPanel-outer')) &&
                (!lit.length || lit.some(r => seen(r, place('.lk-graph [role=region]'))));
        }""")
    page.evaluate("jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
    page.wait_for_function(
        "getComputedStyle(document.querySelector('.lk-graph')).backgroundColor === 'rgb(22, 25, 29)'"
    )
