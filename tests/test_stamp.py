"""tools/stamp.py writes exactly what it should, and the repository is in step with it."""

import importlib.util
import json
import shutil
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
spec = importlib.util.spec_from_file_location("stamp", ROOT / "tools" / "stamp.py")
stamp = importlib.util.module_from_spec(spec)
spec.loader.exec_module(stamp)

FILES = ("pyproject.toml", "README.md", "CITATION.cff", "lecturekit/__init__.py")


def lesson(name: str = "42_answers.ipynb", **metadata) -> str:
    """A small lesson as text, with outputs and signs that must survive."""
    first = "# 42 · Answers\n\n**What is ∂loss/∂w?**\n\nA paragraph that stays."
    cells = [
        nbformat.v4.new_markdown_cell(first, id="a"),
        nbformat.v4.new_markdown_cell("## What you need\n\nNothing.\n\n**Time:** about 7 minutes.", id="b"),
        nbformat.v4.new_code_cell("old = 1", id="c", metadata={"tags": ["setup"]}),
        nbformat.v4.new_code_cell(
            "print('∂')",
            id="d",
            execution_count=2,
            outputs=[nbformat.v4.new_output("stream", name="stdout", text="∂ 1e-05\n")],
        ),
    ]
    return nbformat.writes(nbformat.v4.new_notebook(cells=cells, metadata=metadata)) + "\n"


@pytest.fixture
def root(tmp_path):
    """A copy of what is stamped, with one small lesson."""
    for name in FILES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "42_answers.ipynb").write_text(lesson(), encoding="utf-8")
    return tmp_path


def run(root, *arguments) -> int:
    return stamp.main([*arguments, "--root", str(root)])


def test_repository_is_in_step(capsys):
    assert run(ROOT, "--check") == 0, capsys.readouterr()


def test_only_links_and_setup_change(root):
    path = root / "notebooks" / "42_answers.ipynb"
    before = json.loads(path.read_text(encoding="utf-8"))
    assert run(root) == 0
    text = path.read_text(encoding="utf-8")
    after = json.loads(text)
    assert text == nbformat.writes(nbformat.reads(text, 4)) + "\n"
    first, setup = ("".join(after["cells"][i].pop("source")) for i in (0, 2))
    for i in (0, 2):
        before["cells"][i].pop("source")
    assert after == before
    project = stamp.read_project(root)
    assert first.startswith("# 42 · Answers\n\n**What is ∂loss/∂w?**\n\n[Open in Colab](")
    assert first.endswith("\n\nA paragraph that stays.")
    assert f"blob/{project.tag}/notebooks/42_answers.ipynb" in first
    assert f'"lecturekit @ git+{project.address}@{project.tag}"' in setup
    compile(setup, "setup", "exec")


def test_twice_is_once(root):
    assert run(root) == 0
    assert run(root, "--check") == 0
    assert stamp.stamped(root) == {}


def test_check_lists_and_changes_nothing(root, capsys):
    before = {name: (root / name).read_bytes() for name in (*FILES, "notebooks/42_answers.ipynb")}
    assert run(root, "--check") == 1
    said = capsys.readouterr().out
    assert "42_answers.ipynb" in said and "README.md" in said and "CITATION.cff" not in said
    assert before == {name: (root / name).read_bytes() for name in before}


def test_table_says_what_the_lessons_say(root):
    run(root)
    readme = (root / "README.md").read_text(encoding="utf-8")
    assert "\n| 42 | [Answers](notebooks/42_answers.ipynb) | What is ∂loss/∂w? | 7 |\n<!-- /lessons -->" in readme
    assert readme.split("<!-- /lessons -->")[0].count("](notebooks/") == 1


def test_no_lessons_is_an_empty_table(root):
    (root / "notebooks" / "42_answers.ipynb").unlink()
    assert run(root) == 0
    assert "](notebooks/" not in (root / "README.md").read_text(encoding="utf-8").split("<!-- /lessons -->")[0]


def test_a_move_leaves_no_old_address_or_version(tmp_path):
    """Address and version stand in pyproject.toml and in stamped places: after a move the old ones are nowhere."""
    old = stamp.read_project(ROOT)
    copy = tmp_path / "copy"
    generated = shutil.ignore_patterns(".git", ".venv*", ".*_cache", "__pycache__", ".hypothesis", "build", "dist")
    shutil.copytree(ROOT, copy, ignore=generated)
    pyproject = copy / "pyproject.toml"
    text = pyproject.read_text(encoding="utf-8")
    new = text.replace(old.address, "https://github.com/someone/else")
    new = new.replace(f'version = "{old.version}"', 'version = "7.8.9"')
    assert new.count("7.8.9") == 1
    pyproject.write_text(new, encoding="utf-8")
    assert run(copy) == 0
    # The tests make their own examples; a move does not touch them.
    shutil.rmtree(copy / "tests")
    left = [
        path.relative_to(copy).as_posix()
        for path in copy.rglob("*")
        if path.is_file() and path.suffix in {".cff", ".ipynb", ".md", ".py", ".toml", ".yml", ".txt", ""}
        if any(word in path.read_text(encoding="utf-8") for word in (old.slug, f"@{old.tag}", f"/{old.tag}"))
    ]
    assert left == []
    for name in ("CITATION.cff", "lecturekit/__init__.py"):
        assert '"7.8.9"' in (copy / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("# 42 · ", "# 41 · ", "lesson 41"),
        ("# 42 · Answers", "Answers", "must begin with"),
        ("about 7 minutes", "about an hour", "Time"),
        ('"setup"', '"set-up"', "tagged setup"),
        ('"nbformat": 4', '"nbformat":4', "is not written as Jupyter"),
        ('{\n "cells"', ' "cells"', "no notebook"),
    ],
)
def test_a_lesson_that_cannot_be_stamped(root, capsys, old, new, words):
    path = root / "notebooks" / "42_answers.ipynb"
    assert old in lesson()
    path.write_text(lesson().replace(old, new), encoding="utf-8")
    before = (root / "README.md").read_bytes()
    assert run(root) == 1
    said = capsys.readouterr().err
    assert said.startswith("42_answers.ipynb: ") and words in said
    assert (root / "README.md").read_bytes() == before


def test_an_address_colab_cannot_open(root, capsys):
    path = root / "pyproject.toml"
    address = stamp.read_project(root).address
    path.write_text(path.read_text(encoding="utf-8").replace(address, "https://example.org/x/y"), encoding="utf-8")
    assert run(root) == 1
    assert "https://github.com/OWNER/NAME, got https://example.org/x/y" in capsys.readouterr().err
