"""The first minutes: a clone as Git for Windows makes it, a Python that fits, copies of the lessons, JupyterLab."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.sign import NotebookNotary

ROOT = Path(__file__).parents[1]
needs_git = pytest.mark.skipif(not (ROOT / ".git").exists() or not shutil.which("git"), reason="no clone of the course")


def run(*command: object, **options) -> str:
    """Run a command, and return what it prints."""
    done = subprocess.run([str(part) for part in command], capture_output=True, encoding="utf-8", **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_git
def test_a_clone_with_the_line_ends_of_windows_is_whole(tmp_path):
    """Git for Windows sets core.autocrlf. The remedy for a damaged file works there, too."""
    clone = tmp_path / "clone"
    run("git", "-c", "core.autocrlf=true", "clone", "--quiet", "--config", "core.autocrlf=true", ROOT, clone)
    for path in (clone / "data").rglob("*.*"):
        assert path.read_bytes() == (ROOT / path.relative_to(clone)).read_bytes(), path
    assert b"\r\n" not in (clone / "Makefile").read_bytes()
    damaged = clone / "data" / "iris.csv"
    damaged.unlink()
    run("git", "restore", "data/iris.csv", cwd=clone)
    assert damaged.read_bytes() == (ROOT / "data" / "iris.csv").read_bytes()


TOO_OLD = '[ "$1" = --version ] && echo Python 3.9.18; exit 1'
THIS = f'exec {sys.executable} "$@"'
needs_make = pytest.mark.skipif(os.name == "nt" or not shutil.which("make"), reason="make is not installed")


@pytest.fixture
def make(tmp_path):
    """Return a function that runs make where each name of Python, and other programs, are what it is told."""

    def make(*arguments: str, **programs: str) -> subprocess.CompletedProcess:
        names = {name: "exit 127" for name in ["python", "python3", *(f"python3.{minor}" for minor in range(11, 15))]}
        shutil.rmtree(tmp_path / "bin", ignore_errors=True)
        (tmp_path / "bin").mkdir()
        for name, line in (names | {name.replace("_", "."): line for name, line in programs.items()}).items():
            (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{line}\n")
            (tmp_path / "bin" / name).chmod(0o755)
        environment = {"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
        command = ["make", "--no-print-directory", f"VENV={tmp_path / 'venv'}", *arguments]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, encoding="utf-8")

    return make


@needs_make
def test_make_finds_a_python_that_fits_or_says_where_to_get_one(make, tmp_path):
    assert "|| python3.12 -m venv" in make("--dry-run", "lab", python3=TOO_OLD, python3_12=THIS).stdout
    done = make("lab", python3=TOO_OLD)
    first, *ways = done.stdout.splitlines()
    assert done.returncode == 2 and first == "The course needs Python 3.11 to 3.14. Here `python3` is: Python 3.9.18."
    assert [way.split("  ")[-1].strip() for way in ways] == [
        "make lab",
        "uv venv --clear --python 3.11 && make lab",
        "make lab PYTHON=/where/it/is",
    ]
    assert not (tmp_path / "venv").exists()


@needs_make
@pytest.mark.skipif(sys.platform != "linux", reason="only PyTorch for Linux brings CUDA along")
def test_the_small_pytorch_is_taken_where_no_gpu_is(make):
    """Where uv cannot have it, pip's is taken; whoever asks for one gets that one, or an error."""
    for arguments, programs, expected in (
        ([], {}, [True, True]),
        (["TORCH=cpu"], {}, [True, False]),
        (["TORCH="], {}, [False, False]),
        ([], {"nvidia-smi": "exit 0"}, [False, False]),
    ):
        planned = make("--dry-run", "lab", *arguments, python3=THIS, **programs).stdout
        assert ["--torch-backend=cpu" in planned, "; } || " in planned] == expected


@pytest.fixture
def bare(tmp_path):
    """The files of a course in which nothing is installed."""
    (tmp_path / "tools").mkdir()
    for name in ("Makefile", "pyproject.toml", "constraints.txt", "tools/doctor.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_the_doctor_can_be_read_by_an_old_python():
    """By Python 2.7, too, which prints and quotes as Python 3 does only where that is asked for."""
    code = (ROOT / "tools" / "doctor.py").read_text(encoding="utf-8")
    assert "from __future__ import print_function, unicode_literals\n" in code
    newer = (ast.JoinedStr, ast.NamedExpr, ast.Starred, ast.Nonlocal, ast.YieldFrom)
    for node in ast.walk(ast.parse(code, feature_version=(3, 7))):
        found = [name for name in ("annotation", "returns", "kwonlyargs", "cause") if getattr(node, name, None)]
        assert not isinstance(node, newer) and not found, ast.dump(node)


@needs_make
def test_the_doctor_names_the_line_that_helps(make, bare):
    """With no Python at all make says it."""
    found = make("-C", str(bare), "doctor", python3=THIS)
    assert found.returncode == 2 and "Pythons that fit: python3\n" in found.stdout
    assert found.stdout.endswith("x The environment .venv is not there, or only half.\n  -> `make lab` installs it.\n")
    assert make("-C", str(bare), "doctor").stdout.startswith("The course needs Python 3.11 to 3.14.")


@needs_make
def test_the_development_container_installs_what_make_installs(bare):
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    name, *arguments = container["postCreateCommand"].split()
    assert "--torch-backend=cpu" in run(name, "--dry-run", *arguments, cwd=bare)
    python = container["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"]
    assert python == "${containerWorkspaceFolder}/.venv/bin/python"


@needs_git
def test_an_update_never_meets_the_answers_of_a_reader(tmp_path, monkeypatch, capsys):
    """Copies are made once, trusted, and never written over; what is new comes beside them, once."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    monkeypatch.syspath_prepend(ROOT / "tools")
    import lab

    course, mine = tmp_path / "notebooks", tmp_path / "my_lessons"
    course.mkdir()
    lesson = course / "00_start.ipynb"
    for text in ("print(1)", "print(2)"):
        nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text)]), lesson)
        if not mine.exists():
            assert lab.copy_lessons(course, mine) == []
            assert NotebookNotary().check_signature(nbformat.read(mine / lesson.name, as_version=4))
            (mine / lesson.name).write_text("my answers")
        assert lab.copy_lessons(course, mine) == ([lesson.name] if text == "print(2)" else [])
    for _ in range(2):
        assert lab.copy_lessons(course, mine, new=True) == []
    assert [path.name for path in sorted(mine.glob("*.ipynb"))] == ["00_start.ipynb", "00_start_2.ipynb"]
    assert (mine / lesson.name).read_text() == "my answers"
    assert (mine / "00_start_2.ipynb").read_bytes() == lesson.read_bytes()
    (mine / lesson.name).unlink()  # somebody wants to begin again
    lab.copy_lessons(course, mine)
    assert (mine / lesson.name).read_bytes() == lesson.read_bytes()
    run("git", "check-ignore", "my_lessons/00_start.ipynb", cwd=ROOT)


def test_an_answer_is_not_in_the_copy(tmp_path, monkeypatch):
    """JupyterLab shows the first line of an output that is hidden, and dots even where there is none."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    monkeypatch.syspath_prepend(ROOT / "tools")
    import lab

    lab.copy_lessons(ROOT / "notebooks", tmp_path / "my_lessons")
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        course = nbformat.read(path, as_version=4)
        for cell in course.cells:
            if "jupyter" in cell.metadata:
                if not cell.outputs:
                    del cell.metadata["jupyter"]
                cell.outputs, cell.execution_count = [], None
        assert nbformat.read(tmp_path / "my_lessons" / path.name, as_version=4) == course
