"""`make stamp` writes exactly what it should, and the repository is in step with it."""

import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
FILES = ("pyproject.toml", "README.md", "CITATION.cff", "lecturekit/__init__.py", "tools/stamp.py")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ADDRESS, VERSION = PROJECT["urls"]["Repository"], PROJECT["version"]

FIRST = "# 42 · Answers\n\n**What is ∂loss/∂w?**\n\nA paragraph that stays."
OUTPUT = nbformat.v4.new_output("stream", name="stdout", text="∂ 1e-05\n")
CELLS = [
    nbformat.v4.new_markdown_cell(FIRST, id="a"),
    nbformat.v4.new_markdown_cell("## What you need\n\nNothing.\n\n**Time:** about 7 minutes.", id="b"),
    nbformat.v4.new_code_cell("old = 1", id="c", metadata={"tags": ["setup"]}),
    nbformat.v4.new_code_cell("old = 2", id="w", metadata={"tags": ["setup"]}),
    nbformat.v4.new_code_cell("print('∂')", id="d", execution_count=2, outputs=[OUTPUT]),
]
LESSON = nbformat.writes(nbformat.v4.new_notebook(cells=CELLS)) + "\n"


@pytest.fixture
def root(tmp_path):
    """A copy of what is stamped, with one small lesson."""
    for name in FILES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "42_answers.ipynb").write_text(LESSON, encoding="utf-8")
    return tmp_path


def stamp(root: Path, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, str(root / "tools" / "stamp.py"), *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8")


def test_the_repository_is_in_step():
    run = stamp(ROOT, "--check")
    assert run.returncode == 0, run.stdout + run.stderr


def test_links_setup_and_table_are_written_and_nothing_else(root):
    lesson = root / "notebooks" / "42_answers.ipynb"
    listed = stamp(root, "--check")
    assert listed.returncode == 1 and lesson.read_text(encoding="utf-8") == LESSON, "it lists, and changes nothing"
    assert "42_answers.ipynb" in listed.stdout and "README.md" in listed.stdout and "CITATION" not in listed.stdout
    assert stamp(root).returncode == 0
    text = lesson.read_text(encoding="utf-8")
    assert text == nbformat.writes(nbformat.reads(text, 4)) + "\n"
    before, after = json.loads(LESSON), json.loads(text)
    first, setup, watermark = ("".join(after["cells"][i].pop("source")) for i in (0, 2, 3))
    for i in (0, 2, 3):
        before["cells"][i].pop("source")
    assert after == before
    assert first.startswith("# 42 · Answers\n\n**What is ∂loss/∂w?**\n\n[Open in Colab](")
    assert first.endswith("\n\nA paragraph that stays.")
    assert f"blob/v{VERSION}/notebooks/42_answers.ipynb" in first
    assert f'"lecturekit @ git+{ADDRESS}@v{VERSION}"' in setup
    packages = eval(re.search(r"^packages = (\{.*?^\})", setup, re.MULTILINE | re.DOTALL)[1])
    assert [*packages.values()][1:] == PROJECT["dependencies"]
    assert all(importlib.util.find_spec(module) for module in packages), "the names that Python knows"
    assert watermark.startswith("%load_ext watermark\n")
    readme = (root / "README.md").read_text(encoding="utf-8")
    table = readme.partition("<!-- lessons -->")[2].partition("<!-- /lessons -->")[0]
    assert table.endswith("\n| 42 | [Answers](notebooks/42_answers.ipynb) | What is ∂loss/∂w? | 7 |\n")
    assert table.count("](notebooks/") == 1
    assert stamp(root, "--check").returncode == 0


@pytest.mark.parametrize("lacking", [(), ("sklearn", "lecturekit")])
def test_the_setup_cell_installs_what_is_missing_and_replaces_nothing(root, monkeypatch, lacking):
    stamp(root)
    setup = json.loads((root / "notebooks" / "42_answers.ipynb").read_text(encoding="utf-8"))["cells"][2]["source"]
    calls, find = [], importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in lacking else find(name))
    monkeypatch.setattr(subprocess, "run", lambda command, check: calls.append(command))
    exec("".join(setup), {})
    assert len(calls) == bool(lacking)
    for *_, install, quiet, course, sklearn, torch, numpy, matplotlib, pygraphviz, ipython, watermark in calls:
        assert [install, quiet, sklearn] == ["install", "--quiet", "scikit-learn>=1.4"]
        assert course == f"lecturekit @ git+{ADDRESS}@v{VERSION}"
        there = [line.partition("==")[0] for line in (torch, numpy, matplotlib, pygraphviz, ipython, watermark)]
        assert there == ["torch", "numpy", "matplotlib", "pygraphviz", "ipython", "watermark"]
        assert torch == f"torch=={importlib.metadata.version('torch')}"


def test_a_move_leaves_no_old_address_or_version(tmp_path):
    """Address and version stand in pyproject.toml and in stamped places: after a move the old ones are nowhere."""
    copy = tmp_path / "copy"
    generated = shutil.ignore_patterns(
        ".git", ".venv*", ".*_cache", "__pycache__", ".hypothesis", "build", "dist", "my_*"
    )
    shutil.copytree(ROOT, copy, ignore=generated)
    text = (copy / "pyproject.toml").read_text(encoding="utf-8").replace(ADDRESS, "https://github.com/someone/else")
    text = text.replace(f'version = "{VERSION}"', 'version = "7.8.9"')
    (copy / "pyproject.toml").write_text(text, encoding="utf-8")
    assert stamp(copy).returncode == 0
    # The tests make their own examples; a move does not touch them.
    shutil.rmtree(copy / "tests")
    old = (ADDRESS.removeprefix("https://github.com/"), f"@v{VERSION}", f"/v{VERSION}")
    left = [
        path.relative_to(copy).as_posix()
        for path in copy.rglob("*")
        if path.is_file() and path.suffix in {".cff", ".ipynb", ".md", ".py", ".toml", ".yml", ".txt", ""}
        if any(word in path.read_text(encoding="utf-8") for word in old)
    ]
    assert left == []
    for name in ("CITATION.cff", "lecturekit/__init__.py"):
        assert '"7.8.9"' in (copy / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("notebooks/42_answers.ipynb", "# 42 · ", "# 41 · ", "lesson 41"),
        ("notebooks/42_answers.ipynb", "# 42 · Answers", "Answers", "must begin with"),
        ("notebooks/42_answers.ipynb", "about 7 minutes", "about an hour", "Time"),
        ("notebooks/42_answers.ipynb", '"setup"', '"set-up"', "tagged setup"),
        ("notebooks/42_answers.ipynb", '"nbformat": 4', '"nbformat":4', "is not written as Jupyter"),
        ("notebooks/42_answers.ipynb", '{\n "cells"', ' "cells"', "no notebook"),
        ("pyproject.toml", ADDRESS, "https://example.org/x/y", "OWNER/NAME, got https://example.org/x/y"),
    ],
)
def test_what_cannot_be_stamped_is_named_and_nothing_is_written(root, file, old, new, words):
    text = (root / file).read_text(encoding="utf-8")
    assert old in text
    (root / file).write_text(text.replace(old, new), encoding="utf-8")
    readme = (root / "README.md").read_bytes()
    run = stamp(root)
    assert run.returncode == 1
    assert run.stderr.startswith(Path(file).name) and words in run.stderr
    assert (root / "README.md").read_bytes() == readme
