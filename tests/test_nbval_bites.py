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
LIBRARY = f"""
import warnings, IPython

def show():
    IPython.display.display({{"text/html": {IMAGE!r}}}, raw=True)

def old():
    warnings.warn("gone soon", DeprecationWarning, stacklevel=2)
"""


def printed(text):
    return new_output("stream", text=text)


def shown(old, new):
    return new_output("display_data", data={"text/html": IMAGE.replace(old, new)})


def result(text):
    return new_output("execute_result", data={"text/plain": text})


DIFFERS, RAISES = "Cell outputs differ", "Cell execution caused an exception"
# Code, what it has put out once, and why it is red now. Each needs what the first has defined.
CELLS = [
    ("import warnings\nimport library\nquarter = 0.25", [], None),
    ("print('loss:', quarter)", [printed("loss: 0.25\n")], None),
    ("print('loss:', quarter)", [printed("loss: 0.24\n")], DIFFERS),
    ("quarter * 3", [result("0.75")], None),
    ("quarter * 3", [result("0.76")], DIFFERS),
    ("print('lost', quarter)", [], DIFFERS),
    ("library.show()", [shown("Ggo=", "GgoAAAAN")], None),
    ("library.show()", [shown("0.1003", "0.1004")], DIFFERS),
    ("library.show()", [shown('width="20"', 'width="21"')], DIFFERS),
    # A warning is an error, also where no outputs are compared: with the oldest and with the newest PyTorch.
    ("warnings.warn('gone soon')", [], RAISES),
    ("library.old()", [], RAISES),
]


def test_a_changed_output_or_a_warning_is_red(tmp_path):
    """In a small project with our settings; the cells run in their order, although pytest-randomly shuffles tests."""
    for name in ("pyproject.toml", "conftest.py", "tests/nbval_sanitize.cfg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "library.py").write_text(LIBRARY, "utf-8")
    cells = [new_code_cell(code, outputs=outputs, execution_count=1) for code, outputs, _ in CELLS]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(new_notebook(cells=cells, metadata=kernel), tmp_path / "notebooks" / "small.ipynb")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=result.xml"]
    # What the settings set for the tests around this one is taken out again: they must do it themselves.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, env=env)
    assert run.returncode == 1, run.stdout + run.stderr
    cases = sorted(ET.parse(tmp_path / "result.xml").iter("testcase"), key=lambda case: int(case.get("name")[5:]))
    for case, (code, _, why) in zip(cases, CELLS, strict=True):
        found = "".join(failure.text for failure in case)
        assert why in found if why else not found, code


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
