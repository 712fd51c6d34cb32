"""`lk.environment()` and `python -m lecturekit`: what is missing becomes a line in words, and no folder is named."""

import importlib.metadata
import runpy
import subprocess
import sys
from email.message import Message
from pathlib import Path

import pytest
import torch

import lecturekit as lk

ROOT = Path(__file__).parents[1]


@pytest.fixture
def needs(monkeypatch):
    """Return a function that says what the metadata of the course ask for."""

    def pretend(*requirements):
        course = Message()
        course["Version"] = "1.2"
        for requirement in requirements:
            course["Requires-Dist"] = requirement
        monkeypatch.setattr(importlib.metadata, "metadata", lambda name: course)
        monkeypatch.setattr(sys, "executable", "/home/somebody/python")

    return pretend


TORCH = importlib.metadata.version("torch")


def test_all_is_there_and_the_command_prints_the_same(capsys):
    report = lk.environment()
    assert report.ok
    assert str(report).startswith("Environment of lecturekit. All is there.\n✓ lecturekit ")
    assert f"✓ torch {TORCH}" in report.lines and not [line for line in report.lines if "→" in line]
    with pytest.raises(SystemExit) as end:
        runpy.run_module("lecturekit")
    assert not end.value.code and capsys.readouterr().out.startswith(f"{report!r}\n\nExercises done: 0 of ")


ONLY_LAB = "abacus is missing; only for opening the lessons"


@pytest.mark.parametrize(
    ("requirement", "line"),
    [
        ("torch>=99", f"✗ torch {TORCH} does not fit: the course needs >=99\n  → PIP install --upgrade 'torch>=99'`"),
        ("abacus>=4", "✗ abacus is missing\n  → PIP install --upgrade 'abacus>=4'`"),
        ("abacus; extra == 'lab'", f"· {ONLY_LAB}\n  → PIP install --upgrade 'abacus'`"),
        ("abacus>=4; extra == 'test'", None),
    ],
)
def test_versions_are_held_against_the_metadata(needs, requirement, line):
    needs(requirement)
    report = lk.environment()
    found = [line for line in report.lines if line[2:].startswith(("torch", "abacus"))]
    assert found == ([line.replace("PIP", "`python -m pip")] if line else [])
    assert report.ok == (not line or line[0] != "✗")


def wrong(report):
    assert not report.ok
    return [line.partition("\n")[0] for line in report.lines if line.startswith("✗")]


def test_the_course_is_not_installed(monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "metadata", missing)
    report = lk.environment()
    assert wrong(report) == ["✗ lecturekit is not installed"]
    assert "✓ Graphviz lays out graphs" in report.lines, "the rest is looked at all the same"


def test_no_graphviz_and_a_device_that_does_not_exist(monkeypatch):
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    monkeypatch.setenv("LECTUREKIT_DEVICE", "toaster")
    report = lk.environment()
    assert wrong(report) == ["✗ no pictures of graphs: ModuleNotFoundError", "✗ no device to compute on: ValueError"]
    assert "python -m pip install pygraphviz`" in str(report) and "set LECTUREKIT_DEVICE=cpu" in str(report)


def test_the_remedy_names_the_python_of_the_course_and_no_other_folder(needs, monkeypatch):
    needs("abacus>=4")
    monkeypatch.setattr(sys, "executable", str(ROOT / ".venv" / "bin" / "python"))
    assert f"→ `{Path('.venv/bin/python')} -m pip install --upgrade 'abacus>=4'`" in str(lk.environment())


def test_the_command_fails_if_something_must_be_put_right(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("OMP_NUM_THREADS", str(torch.get_num_threads()))
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")  # a console that knows no ✓
    monkeypatch.setenv("LECTUREKIT_DEVICE", "toaster")
    done = subprocess.run([sys.executable, "-m", "lecturekit"], capture_output=True, encoding="utf-8", timeout=300)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith(f"{lk.environment()}\n\n") and "Put right what is marked ✗." in done.stdout
