"""What may go wrong on a reader's machine, where no other test says so: a clear message, and nothing lost."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import lecturekit as lk

ROOT = Path(__file__).parents[1]


@pytest.fixture
def unreadable(monkeypatch):
    """The data file is there, but the disk or the permissions say no; the administrator may read all, so by hand."""

    def refuse(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", refuse)


def test_a_data_file_that_cannot_be_read(unreadable):
    with pytest.raises(OSError, match=r"iris\.csv cannot be read: Permission denied\. Get it again with `git restore"):
        lk.data.iris()


def test_the_report_names_a_data_file_that_cannot_be_read(unreadable):
    (problem,) = lk.environment().problems
    assert "iris.csv cannot be read: Permission denied. Get it again" in problem


def test_a_read_only_clone_is_enough(tmp_path):
    """Import, data, a figure and a graph write nothing beside the package: whoever may not write there can learn."""
    for name in ("lecturekit", "data"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    code = """
import torch, lecturekit as lk
assert lk.data.iris().X_train.shape == (70, 2)
lk.show(lk.diagrams.course_map(), alt="The course.")
with lk.trace() as g:
    w = torch.tensor(2.0, requires_grad=True)
    (w * w).backward()
assert g.to_html().startswith("<img")
"""
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    for path in [tmp_path, *before]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        subprocess.run([sys.executable, "-c", code], check=True, timeout=120, env=environment, cwd="/")
        assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    finally:
        for path in [tmp_path, *before]:
            path.chmod(0o755 if path.is_dir() else 0o644)
