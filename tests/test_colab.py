"""Every lesson as on Colab: one notebook in an empty folder, and a Python that has torch but nothing of this course.

The setup cell of the lesson installs the package from the repository's address, which leads to a clone of this
repository here. Nothing that was installed before may be replaced, and nothing may be left in the folder.
`make test-colab` runs this; it needs git and, for the Python it makes, a place to install from.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LESSONS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
# What Colab has of what the lessons need. All the rest is up to the setup cell.
COLAB_HAS = ["torch", "numpy", "matplotlib", "scikit-learn", "tqdm", "ipykernel", "ipython"]
COLAB_HAS_NOT = ["lecturekit", "pygraphviz"]

pytestmark = pytest.mark.colab


def run(*command: object, **kwargs) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=900, **kwargs)
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture(scope="session")
def bare_python(tmp_path_factory) -> Path:
    """A Python with what Colab has, in an environment of its own."""
    home = tmp_path_factory.mktemp("colab") / "python"
    venv.create(home, with_pip=True)
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    constraints = ["--constraint", ROOT / "constraints.txt"]
    if importlib.util.find_spec("uv"):  # it finds PyTorch's small build
        run(sys.executable, "-m", "uv", "pip", "install", "--python", python, "--torch-backend=cpu", *constraints,
            *COLAB_HAS)  # fmt: skip
    else:
        run(python, "-m", "pip", "install", "--quiet", *constraints, *COLAB_HAS)
    return python


@pytest.fixture(scope="session")
def address_leads_here(tmp_path_factory) -> dict[str, str]:
    """Settings for git: the repository's address leads to a clone of this repository, with the tag of the version."""
    clone = tmp_path_factory.mktemp("origin") / "lecturekit.git"
    run("git", "clone", "--quiet", "--bare", ROOT, clone)
    run("git", "-C", clone, "tag", "--force", f"v{PROJECT['version']}", "HEAD")
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{clone.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": PROJECT["urls"]["Repository"],
    }


def installed(python: Path) -> dict[str, str]:
    listed = json.loads(run(python, "-m", "pip", "list", "--format=json"))
    return {package["name"].lower(): package["version"] for package in listed}


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_lesson_as_on_colab(lesson, bare_python, address_leads_here, tmp_path, monkeypatch):
    from jupyter_client.kernelspec import KernelSpecManager
    from nbclient import NotebookClient

    run(bare_python, "-m", "pip", "uninstall", "--quiet", "--yes", *COLAB_HAS_NOT)
    before = installed(bare_python)
    assert not {*COLAB_HAS_NOT} & {*before}

    spec = {"argv": [str(bare_python), "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            "display_name": "bare", "language": "python"}  # fmt: skip
    kernel = tmp_path / "kernels" / "bare"
    kernel.mkdir(parents=True)
    (kernel / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setattr(KernelSpecManager, "kernel_dirs", [str(kernel.parent)])
    folder = tmp_path / "content"
    folder.mkdir()
    for name in ("PYTHONPATH", "PYTHONHOME", "LECTUREKIT_DEVICE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (address_leads_here | {"HOME": str(tmp_path)}).items():
        monkeypatch.setenv(name, value)

    notebook = nbformat.read(lesson, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    NotebookClient(
        notebook, kernel_name="bare", timeout=300, resources={"metadata": {"path": str(folder)}}
    ).execute()  # an error in a cell is raised, with the cell

    after = installed(bare_python)
    assert {name: after[name] for name in before} == before, "something that was there has been replaced"
    assert {*after} - {*before} == {*COLAB_HAS_NOT}
    assert not list(folder.iterdir()), "the lesson has left something behind"
    warnings = [
        output.text[:500]
        for cell in notebook.cells
        if cell.cell_type == "code" and "setup" not in cell.metadata.get("tags", [])
        for output in cell.outputs
        if output.output_type == "stream" and output.name == "stderr"
    ]
    assert not warnings
