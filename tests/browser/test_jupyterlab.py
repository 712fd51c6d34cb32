"""Restart & Run All in a real JupyterLab, with the network off: no error, no warning, no missing picture."""

from __future__ import annotations

import contextlib
import itertools
import os
from pathlib import Path

import nbformat
import pytest
from guarded import LESSONS

SECONDS = 1000  # playwright counts milliseconds

COUNTS = """() => [...document.querySelectorAll('.jp-Notebook .jp-CodeCell')]
    .map(cell => cell.querySelector('.jp-InputPrompt').textContent.trim())"""
IDLE = "() => jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
PICTURES = """() => [...document.querySelectorAll('.jp-Notebook .jp-Cell img')].map(img => ({
    alt: img.alt, loaded: img.complete && img.naturalWidth > 0, wide: img.getBoundingClientRect().width,
    cell: [...document.querySelectorAll('.jp-Notebook .jp-CodeCell')].indexOf(img.closest('.jp-CodeCell'))}))"""
# A graph picture becomes a drawing that can be stepped through where scripts run.
DRAWINGS = """() => [...document.querySelectorAll('.jp-OutputArea-output svg[role=img]')].map(svg => ({
    alt: svg.getAttribute('aria-label'), loaded: true, wide: svg.getBoundingClientRect().width,
    cell: [...document.querySelectorAll('.jp-Notebook .jp-CodeCell')].indexOf(svg.closest('.jp-CodeCell'))}))"""


def cells_with_pictures(nb: nbformat.NotebookNode) -> set[int]:
    """Which code cells, counted from 0, have a picture in their stored output."""
    code = [cell for cell in nb.cells if cell.cell_type == "code"]
    return {
        index
        for index, cell in enumerate(code)
        if any("<img" in "".join(output.get("data", {}).get("text/html", "")) for output in cell.outputs)
    }


def open_lesson(page, lab, name: str) -> None:
    """Open a lesson as a reader does, and wait for its kernel: without one, the menu would restart nothing."""
    page.goto(f"{lab.url}lab?reset&token={lab.token}")
    page.locator(f".jp-DirListing-item[title*='{name}']").dblclick(timeout=60 * SECONDS)
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=30 * SECONDS)
    page.wait_for_function(f"() => ({IDLE})()", timeout=60 * SECONDS)


def restart_and_run(page, name: str, seconds: float) -> None:
    """Restart the kernel, run all cells, and wait for the last one."""
    from playwright.sync_api import TimeoutError as TooSlow

    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Restart Kernel and Run All Cells…").click()
    page.get_by_role("button", name="Confirm Kernel Restart").click()
    try:
        page.wait_for_function(
            f"() => ({IDLE})() && ({COUNTS})().every(text => /^\\[\\d+\\]:$/.test(text))",
            timeout=seconds * SECONDS,
            polling=200,
        )
    except TooSlow:
        pytest.fail(
            f"{name} did not finish in {seconds} s, counts: {page.evaluate(COUNTS)}, {page.seen}", pytrace=False
        )


def open_and_run(page, lab, name: str, seconds: float) -> None:
    open_lesson(page, lab, name)
    restart_and_run(page, name, seconds)


def problems_of(page, lab, nb: nbformat.NotebookNode) -> list[str]:
    """What a reader would stumble over in the lesson that has just been run."""
    from playwright.sync_api import TimeoutError as TooSlow

    with contextlib.suppress(TooSlow):  # a picture that never gets ready is one of the problems
        ready = "() => [...document.querySelectorAll('.jp-Notebook img')].every(img => img.complete)"
        page.wait_for_function(ready, timeout=10 * SECONDS)
    num_cells = sum(cell.cell_type == "code" for cell in nb.cells)
    counts = page.evaluate(COUNTS)
    problems = []
    if counts != [f"[{count}]:" for count in range(1, num_cells + 1)]:
        problems.append(f"the counts are {counts}, but there are {num_cells} code cells")
    for kind in ("error", "stderr"):
        for text in page.locator(
            f".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.{kind}']"
        ).all_inner_texts():
            problems.append(f"{kind}: {text[:500]}")
    pictures = page.evaluate(PICTURES) + page.evaluate(DRAWINGS)
    for picture in pictures:
        # JupyterLab gives every image without words the alt text "Image".
        if not picture["loaded"] or not picture["wide"] or not picture["alt"] or picture["alt"] == "Image":
            problems.append(f"a picture that is not shown, or has no words: {picture}")
    missing = cells_with_pictures(nb) - {picture["cell"] for picture in pictures}
    problems += [f"the picture of code cell {index + 1} is missing" for index in sorted(missing)]
    # JupyterLab asks the debugger of a kernel that it has just told to restart; nobody sees anything of it.
    harmless = "Could not restore the debugger state: Canceled future"
    problems += [f"console: {text}" for text in page.seen.errors if not text.startswith(harmless)]
    problems += [f"the page asked for {url}" for url in page.seen.other_hosts]
    problems += [f"Python asked for {host}" for host in lab.hosts_asked_for()]
    return problems


def save_screenshots(page, name: str) -> None:
    """Save the whole lesson, on a light and on a dark page, where LECTUREKIT_SCREENSHOTS names a folder."""
    folder = os.environ.get("LECTUREKIT_SCREENSHOTS")
    if not folder:
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    # Only the inner panel scrolls, so the window is made high, and the lesson is taken in as many parts as it needs.
    page.set_viewport_size({"width": 1280, "height": 8000})
    panel = "document.querySelector('.jp-WindowedPanel-outer')"
    last_cell = f"{panel}.querySelector('.jp-Cell:last-child').getBoundingClientRect().bottom"
    for theme in ("Light", "Dark"):
        change = f"jupyterapp.commands.execute('apputils:change-theme', {{theme: 'JupyterLab {theme}'}})"
        page.evaluate(f"() => {change}")
        page.locator(f"body[data-jp-theme-name='JupyterLab {theme}']").wait_for(state="attached")
        page.evaluate(f"() => {{ {panel}.scrollTop = 0; }}")
        for part in itertools.count(1):
            page.wait_for_timeout(500)  # until it is painted
            page.screenshot(path=Path(folder) / f"{name}-{theme.lower()}-{part}.png")
            if page.evaluate(f"() => {last_cell}") <= 8000:
                break
            page.evaluate(f"() => {{ {panel}.scrollTop += {panel}.clientHeight; }}")


def run_lesson(page, lab, path: Path) -> None:
    nb = nbformat.read(lab.stored / path.name, as_version=4)
    open_and_run(page, lab, path.name, seconds=180)
    save_screenshots(page, path.stem)
    problems = problems_of(page, lab, nb)
    assert not problems, "\n".join([f"{path.name}:", *problems])


def test_the_shortest_lesson(page, lab):
    run_lesson(page, lab, min(LESSONS, key=lambda path: len(nbformat.read(path, as_version=4).cells)))


@pytest.mark.browser
@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_every_lesson(page, lab, path):
    run_lesson(page, lab, path)


BROKEN = {
    "ZeroDivisionError": "1 / 0",
    "UserWarning: old": "import warnings\nwarnings.warn('old')",
    "'alt': 'Image'": "display({'image/png': PNG}, raw=True)",
    "'alt': ''": "display({'text/html': f'<img alt=\"\" src=\"data:image/png;base64,{PNG}\">'}, raw=True)",
    "'loaded': False": "display({'text/html': '<img alt=\"not there\" src=\"data:image/png;base64,AAAA\">'}, raw=True)",
    "the page asked for http://example.org/": (
        "display({'text/html': '<img alt=\"far\" src=\"http://example.org/a.png\">'}, raw=True)"
    ),
    "console: from the page": "display({'text/html': '<script>console.error(\"from the page\")</script>'}, raw=True)",
    "Python asked for example.org": (
        "import urllib.request\ntry:\n    urllib.request.urlopen('http://example.org')\nexcept OSError:\n    pass"
    ),
}


@pytest.mark.browser
def test_each_problem_is_seen(page, lab):
    png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    # Run All stops at an error, so it comes last.
    sources = [f"from IPython.display import display\nPNG = {png!r}", *reversed(BROKEN.values())]
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    nb.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(nb, lab.folder / "broken.ipynb")
    open_and_run(page, lab, "broken.ipynb", seconds=60)
    stored = nbformat.v4.new_output("display_data", data={"text/html": "<img>"})
    nb.cells[0].outputs = [stored]
    nb.cells.append(nbformat.v4.new_code_cell("never run"))
    problems = problems_of(page, lab, nb)
    lab.asked.unlink()
    for start in [*BROKEN, "the counts are", "the picture of code cell 1 is missing"]:
        assert any(start in problem for problem in problems), f"{start} was not seen in {problems}"


@pytest.mark.browser
def test_the_keys_of_the_stepper_stay_in_it(page, lab):
    """In JupyterLab `d` `d` deletes the cell, `a` and `b` add one, arrows move on; not from inside a picture."""
    traced = "import torch\nimport lecturekit as lk\nx = torch.tensor(3.0, requires_grad=True)"
    drawn = "with lk.trace() as g:\n    u = x * x\n    f = torch.sin(u) + u * x\ng"
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in (traced, drawn, "f")])
    nb.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(nb, lab.folder / "stepper.ipynb")
    open_and_run(page, lab, "stepper.ipynb", seconds=60)
    output = page.locator(".jp-OutputArea-output", has=page.locator("svg[role=img]"))
    caption = output.locator("[aria-live]")
    cells = page.locator(".jp-Notebook .jp-CodeCell")
    slider = output.locator("input[type=range]")
    for element in (*output.locator("button:enabled").all(), slider):
        element.focus()
        for key in ("d", "d", "a", "b", "x", "m", "Enter", "ArrowDown"):
            page.keyboard.press(key)
        assert cells.count() == 3
        assert element.evaluate("element => element === document.activeElement")
    slider.focus()
    page.keyboard.press("Home")
    first = caption.inner_text()
    page.keyboard.press("ArrowRight")
    assert caption.inner_text() != first and "u = x · x = 3 · 3 = 9" in caption.inner_text()
    page.keyboard.press("End")
    assert "∂f/∂x = 21.53" in caption.inner_text()


@pytest.mark.browser
def test_a_kernel_that_dies_is_reported_and_nothing_shown_is_lost(page, lab):
    """Say that memory ran out: what earlier cells have shown stays, and Restart & Run All works afterwards."""
    dies = "import os\nif not os.path.exists('died'):\n    open('died', 'x').close()\n    os.kill(os.getpid(), 9)"
    sources = ["print('before')", dies, "print('after')"]
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    nb.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(nb, lab.folder / "dies.ipynb")
    open_lesson(page, lab, "dies.ipynb")
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("appears to have died").wait_for(timeout=60 * SECONDS)
    printed = page.locator(".jp-OutputArea-output")
    assert printed.all_inner_texts() == ["before\n"]
    dialog.get_by_role("button", name="Ok").click()
    restart_and_run(page, "dies.ipynb", seconds=60)
    assert printed.all_inner_texts() == ["before\n", "after\n"]
    (lab.folder / "died").unlink()
