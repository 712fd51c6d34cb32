"""A changed output or a warning in a notebook turns the one command red, under the project's own settings."""

import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from types import SimpleNamespace

import nbformat
import notebook_rules as rules
import pytest
from IPython import display
from nbformat.v4 import new_code_cell, new_notebook, new_output
from nbval.plugin import get_sanitize_patterns

import lecturekit as lk

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SANITIZE = ROOT / "tests" / "nbval_sanitize.cfg"

IMAGE = '<img alt="The loss falls to 0.1003." width="20" height="10" src="data:image/png;base64,iVBORw0KGgo=">'


def _notebook():
    """What a tiny notebook looks like that was run: a printed number, a result, a figure."""
    cells = [
        new_code_cell("print('loss:', 0.3885)", outputs=[new_output("stream", name="stdout", text="loss: 0.3885\n")]),
        new_code_cell(
            "0.25 * 3",
            outputs=[new_output("execute_result", data={"text/plain": "0.75"}, execution_count=2)],
        ),
        new_code_cell(
            f"import IPython\nIPython.display.display({{'text/html': '{IMAGE}', 'text/plain': 'words'}}, raw=True)",
            outputs=[new_output("display_data", data={"text/html": IMAGE, "text/plain": "words"})],
        ),
    ]
    for count, cell in enumerate(cells, start=1):
        cell.execution_count = count
    nb = new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    nb.nbformat_minor = 5
    return nb


def _change(cell, old, new):
    def change(nb):
        for output in nb.cells[cell].outputs:
            fields = output.data if "data" in output else output
            for key, value in fields.items():
                if isinstance(value, str):
                    fields[key] = value.replace(old, new)

    return change


def _strip(nb):
    for cell in nb.cells:
        cell.outputs, cell.execution_count = [], None


def _warn(nb):
    """What a cell says about its own code, and what PyTorch says to the cell that calls it."""
    nb.cells[0].source += "; import warnings; warnings.warn('soon gone', DeprecationWarning)"
    nb.cells[1].source = "old = lambda: warnings.warn('soon gone', FutureWarning, stacklevel=2)\nold()\n0.75"


# What was done to the stored outputs, and the cells that must be red for it.
CHANGES = {
    "untouched": (lambda nb: None, set()),
    "digit_of_printed_text": (_change(0, "0.3885", "0.3884"), {0}),
    "digit_of_result": (_change(1, "0.75", "0.76"), {1}),
    "digit_of_alt_text": (_change(2, "0.1003", "0.1004"), {2}),
    "size_of_figure": (_change(2, 'width="20"', 'width="21"'), {2}),
    "pixels_of_figure": (_change(2, "iVBORw0KGgo=", "iVBORw0KGgoAAAAN"), set()),
    "one_output_removed": (lambda nb: nb.cells[0].update(outputs=[]), {0}),
    # nbval does not compare a cell without a count: the rules of the static test must see this one.
    "all_outputs_removed": (_strip, set()),
    "warnings": (_warn, {0, 1}),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A small project with our settings, and a notebook for each change."""
    project = tmp_path_factory.mktemp("project")
    for name in ("pyproject.toml", "conftest.py", "tests/nbval_sanitize.cfg"):
        (project / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, project / name)
    (project / "notebooks").mkdir()
    for name, (change, _) in CHANGES.items():
        nb = _notebook()
        change(nb)
        nbformat.write(nb, project / "notebooks" / f"{name}.ipynb")
    return project


@pytest.fixture(scope="module")
def red_cells(project):
    return _red_cells(project)


def _red_cells(project, *options):
    """Run `python -m pytest` once; return the red cells of each notebook."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=result.xml", *options]
    # What the settings set for the tests around this one is taken out again: they must do it themselves.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
    run = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=300, env=env)
    assert run.returncode == 1, run.stdout + run.stderr
    red = {name: set() for name in CHANGES}
    seen = dict.fromkeys(CHANGES, 0)
    for case in ET.parse(project / "result.xml").iter("testcase"):
        name = next(name for name in CHANGES if name in case.get("classname"))
        seen[name] += 1
        if case.find("failure") is not None or case.find("error") is not None:
            red[name].add(int(case.get("name").removeprefix("Cell ")))
    assert set(seen.values()) == {3}, seen
    return red


@pytest.mark.parametrize("name", CHANGES)
def test_nbval_sees_a_changed_output(red_cells, name):
    assert red_cells[name] == CHANGES[name][1]


def test_without_comparing_outputs_a_warning_is_still_red(project):
    """So runs what has other versions than the stored outputs come from: the oldest and the newest PyTorch."""
    red = _red_cells(project, "--nbval-lax")
    assert red.pop("warnings") == {0, 1}
    assert not any(red.values())


def test_removing_all_outputs_is_seen_by_the_static_test():
    nb = _notebook()
    path = Path("tiny.ipynb")
    assert rules.counts(nb, path) == []
    _strip(nb)
    assert rules.counts(nb, path)


def test_what_show_displays_is_compared_but_for_its_pixels(monkeypatch):
    shown = []
    monkeypatch.setattr(display, "display", lambda data, **kwargs: shown.append(data["text/html"]))
    for colour, alt in [("red", "A line."), ("blue", "A line."), ("red", "A curve.")]:
        fig, ax = lk.figure(1, 1)
        ax.plot([0, 1], color=colour)
        lk.show(fig, alt=alt)
    assert len(set(shown)) == 3
    red, blue, curve = [_sanitized(html) for html in shown]
    assert red == blue != curve
    assert len(red) < 300


def _sanitized(text):
    for pattern, replacement in get_sanitize_patterns(SANITIZE.read_text("utf-8")):
        text = re.sub(pattern, replacement, text)
    return text


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_only_pixels_and_measured_runs_are_hidden_from_the_comparison(path):
    allowed = r'(?<=src="data:image/png;base64,)[A-Za-z0-9+/=]+(?=")|(?<=data-runs=")[^"<>]*(?=")'
    for cell in rules.code_cells(nbformat.read(path, as_version=4)):
        for _, text in rules.output_fields(cell):
            spans = [match.span() for match in re.finditer(allowed, text)]
            for pattern, _ in get_sanitize_patterns(SANITIZE.read_text("utf-8")):
                for hidden in re.finditer(pattern, text):
                    # The words around the hidden part are in the replacement again, so they are compared.
                    kept = {'src="data:image/png;base64,', 'data-runs="', '"'}
                    inside = [
                        text[slice(*span)] for span in spans if hidden.start() <= span[0] and span[1] <= hidden.end()
                    ]
                    assert len(inside) == 1, f"{path.name}: {hidden[0][:80]} is not compared"
                    assert set(hidden[0].split(inside[0])) <= kept, f"{path.name}: {hidden[0][:80]} is not compared"


def test_the_project_compares_strictly():
    settings = (ROOT / "pyproject.toml").read_text("utf-8")
    options = re.search(r"^addopts = (.*)$", settings, flags=re.MULTILINE)[1]
    assert '"--nbval"' in options and '"--nbval-current-env"' in options and "lax" not in options
    assert re.search(r'^testpaths = \[.*"tests".*"notebooks".*\]$', settings, flags=re.MULTILINE)


@pytest.mark.parametrize(
    ("number", "tags", "compared"), [(0, ["cpu-output"], True), (1, ["cpu-output"], False), (1, [], True)]
)
def test_what_a_cell_prints_on_a_gpu_is_not_compared(number, tags, compared, gpus, request):
    gpus(number)
    cell = new_code_cell("print(torch.cuda.device_count())", metadata={"tags": tags})
    options = {"check": True}
    item = SimpleNamespace(
        path=Path("x.ipynb"), cell=cell, options=options, config=request.config, add_marker=lambda mark: None
    )
    request.config.pluginmanager.getplugin(str(ROOT / "conftest.py")).pytest_itemcollected(item)
    assert options["check"] is compared
