"""A changed output or a warning in a notebook turns the one command red, under the project's own settings.

One change nbval does not see: where all outputs and counts are gone. The rule `counts` of notebook_rules.py does.
"""

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
from nbformat.v4 import new_code_cell, new_notebook, new_output
from nbval.plugin import get_sanitize_patterns
from structure import NOTEBOOKS

ROOT = Path(__file__).parents[1]
IMAGE = '<img alt="The loss falls to 0.1003." width="20" height="10" src="data:image/png;base64,iVBORw0KGgo=">'
SHOWN = {"text/html": IMAGE, "text/plain": "words"}
LIBRARY = f"""
import warnings, IPython

def show():
    IPython.display.display({SHOWN}, raw=True)

def old():
    warnings.warn("gone soon", DeprecationWarning, stacklevel=2)
"""


def tiny_notebook():
    """A notebook that was run: a printed number, a result that needs the cell above, a figure, and a lost output."""
    ran = [
        ("quarter = 0.25\nprint('loss:', 0.3885)", [new_output("stream", text="loss: 0.3885\n")]),
        ("quarter * 3", [new_output("execute_result", data={"text/plain": "0.75"}, execution_count=2)]),
        ("import library\nlibrary.show()", [new_output("display_data", data=SHOWN)]),
        ("print('lost')", []),
    ]
    cells = [
        new_code_cell(source, execution_count=count, outputs=outputs)
        for count, (source, outputs) in enumerate(ran, start=1)
    ]
    return new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})


# What was done to the notebook, piece by piece of its file, and the cells that must be red for it: the last always is.
CHANGES = {
    "digits": ({"loss: 0.3885": "loss: 0.3884", '"0.75"': '"0.76"', "0.1003": "0.1004"}, {0, 1, 2, 3}),
    "pixels": ({r"base64,iVBORw0KGgo=\"": r"base64,iVBORw0KGgoAAAAN\""}, {3}),
    "warnings_and_width": (
        {
            "quarter = 0.25": "import warnings; quarter = 0.25; warnings.warn('gone soon')",
            "quarter * 3": "import library; library.old(); quarter * 3",
            r"width=\"20\"": r"width=\"21\"",
        },
        {0, 1, 2, 3},
    ),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A small project with our settings, and a notebook for each change."""
    project = tmp_path_factory.mktemp("project")
    for name in ("pyproject.toml", "conftest.py", "tests/nbval_sanitize.cfg"):
        (project / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, project / name)
    (project / "notebooks").mkdir()
    (project / "notebooks" / "library.py").write_text(LIBRARY, "utf-8")
    for name, (changes, _) in CHANGES.items():
        text = nbformat.writes(tiny_notebook())
        for old, new in changes.items():
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        (project / "notebooks" / f"{name}.ipynb").write_text(text, "utf-8")
    return project


def red_cells(project, *options):
    """Run `python -m pytest` once; return the red cells of each notebook."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=result.xml", *options]
    # What the settings set for the tests around this one is taken out again: they must do it themselves.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
    run = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=300, env=env)
    assert run.returncode == 1, run.stdout + run.stderr
    red = {}
    for case in ET.parse(project / "result.xml").iter("testcase"):
        cells = red.setdefault(case.get("classname").split(".")[-2], set())
        if case.find("failure") is not None or case.find("error") is not None:
            cells.add(int(case.get("name").removeprefix("Cell ")))
    return red


def test_a_changed_output_is_red(project):
    """And the cells run in their order, although pytest-randomly shuffles the tests."""
    assert red_cells(project) == {name: cells for name, (_, cells) in CHANGES.items()}


def test_without_comparing_outputs_a_warning_is_still_red(project):
    """So runs what has other versions than the stored outputs come from: the oldest and the newest PyTorch."""
    found = red_cells(project, "--nbval-lax", "notebooks/warnings_and_width.ipynb")
    assert found == {"warnings_and_width": {0, 1}}


def sanitized(text):
    for pattern, replacement in get_sanitize_patterns((ROOT / "tests" / "nbval_sanitize.cfg").read_text("utf-8")):
        text = re.sub(pattern, replacement, text)
    return text


def test_of_watermark_the_versions_of_packages_are_compared():
    """Under another Python, or with another build of PyTorch, the lessons are not red; with another NumPy they are."""
    cells = [cell for path in NOTEBOOKS for cell in rules.code_cells(rules.read(path))]
    stored = {cell.outputs[0].text for cell in cells if cell.source == rules.WATERMARK}
    (text,) = stored  # each lesson has the same
    for old, new in ((r"Python version       : .*", "Python version       : 3.14.1"), (r"\+cpu", "+cu130")):
        assert re.search(old, text) and sanitized(re.sub(old, new, text)) == sanitized(text)
    for package in ("torch", "numpy", "matplotlib", "lecturekit"):
        changed = re.sub(rf"({package} *: \d+)", r"\g<1>9", text)
        assert changed != text and sanitized(changed) != sanitized(text)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_only_pixels_runs_and_weights_are_hidden_from_the_comparison(path):
    for cell in rules.code_cells(rules.read(path)):
        for _, text in rules.output_fields(cell):
            if cell.source == rules.WATERMARK:
                continue
            compared = sanitized(text)
            expected = re.sub(r'(?<=src="data:image/png;base64,)[A-Za-z0-9+/=]+(?=")', "PNG", text)
            expected = re.sub(r'(?<=data-runs=")[^"<>]*(?=")', "RUNS", expected)
            assert compared == re.sub(r'(?<=data-weights=")[A-Za-z0-9+/=]*(?=")', "WEIGHTS", expected)


@pytest.mark.parametrize(
    ("gpus_here", "tags", "compared"), [(0, ["cpu-output"], True), (1, ["cpu-output"], False), (1, [], True)]
)
def test_what_a_cell_prints_on_a_gpu_is_not_compared(gpus_here, tags, compared, gpus, request):
    gpus(gpus_here)
    cell = new_code_cell("print(torch.cuda.device_count())", metadata={"tags": tags})
    item = SimpleNamespace(path=Path("x.ipynb"), cell=cell, options={"check": True})
    request.config.pluginmanager.getplugin(str(ROOT / "conftest.py")).pytest_itemcollected(item)
    assert item.options["check"] is compared
