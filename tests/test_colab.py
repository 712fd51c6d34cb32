"""Every lesson as on Colab: one notebook in an empty folder, and a Python that has torch but nothing of this course.

The setup cell of the lesson installs the package from the repository's address, which leads to a clone of this
repository here. Nothing that was installed before may be replaced, and nothing may be left in the folder.
`make test-colab` runs this; it needs git and, for the Python it makes, a place to install from.
"""

import importlib.util
import json
import os
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import nbformat
import notebook_rules as rules
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient
from structure import LESSONS

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
# What Colab has of what the lessons need. All the rest is up to the setup cell.
COLAB_HAS = ["torch", "numpy", "matplotlib", "scikit-learn", "ipykernel", "ipython"]
COLAB_HAS_NOT = ["lecturekit", "pygraphviz", "watermark"]

pytestmark = pytest.mark.colab


def run(*command: object) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def installed(python: Path) -> dict[str, str]:
    listed = json.loads(run(python, "-m", "pip", "list", "--format=json"))
    return {package["name"].lower(): package["version"] for package in listed}


@pytest.fixture(scope="session")
def bare_python(tmp_path_factory) -> Path:
    """A Python with what Colab has, in an environment of its own."""
    home = tmp_path_factory.mktemp("colab") / "python"
    venv.create(home, with_pip=True)
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    wanted = ["--quiet", "--constraint", ROOT / "constraints.txt", *COLAB_HAS]
    if importlib.util.find_spec("uv"):  # it finds PyTorch's small build
        run(sys.executable, "-m", "uv", "pip", "install", "--python", python, "--torch-backend=cpu", *wanted)
    else:
        run(python, "-m", "pip", "install", *wanted)
    return python


@pytest.fixture(scope="session")
def address_leads_here(tmp_path_factory) -> dict[str, str]:
    """Settings for git: the repository's address leads to a clone of this repository, with the tag of the version."""
    clone = tmp_path_factory.mktemp("origin") / "lecturekit.git"
    run("git", "clone", "--quiet", "--bare", ROOT, clone)
    run("git", "-C", clone, "tag", "--force", f"v{PROJECT['version']}", "HEAD")
    address = PROJECT["urls"]["Repository"]
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{clone.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": address,
    }


# The last machine is barer than Colab: somebody's own, with hardly more than PyTorch.
@pytest.mark.parametrize(
    ("lesson", "lacks"),
    [*((path, COLAB_HAS_NOT) for path in LESSONS), (LESSONS[0], [*COLAB_HAS_NOT, "scikit-learn", "matplotlib"])],
    ids=[*(path.stem for path in LESSONS), "bare"],
)
def test_lesson_as_on_colab(lesson, lacks, bare_python, address_leads_here, tmp_path, monkeypatch):
    run(bare_python, "-m", "pip", "uninstall", "--quiet", "--yes", *lacks)
    before = installed(bare_python)
    assert not {*lacks} & {*before}

    kernel, folder = tmp_path / "kernels" / "bare", tmp_path / "content"
    kernel.mkdir(parents=True)
    folder.mkdir()
    command = [str(bare_python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (kernel / "kernel.json").write_text(json.dumps({"argv": command, "display_name": "bare", "language": "python"}))
    monkeypatch.setattr(KernelSpecManager, "kernel_dirs", [str(kernel.parent)])
    for name in ("PYTHONPATH", "PYTHONHOME", "LECTUREKIT_DEVICE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (address_leads_here | {"HOME": str(tmp_path)}).items():
        monkeypatch.setenv(name, value)

    nb = nbformat.read(lesson, as_version=4)
    place = {"metadata": {"path": str(folder)}}
    NotebookClient(nb, kernel_name="bare", timeout=300, resources=place).execute()  # an error in a cell is raised

    after = installed(bare_python)
    assert {name: after[name] for name in before} == before, "something that was there has been replaced"
    assert {*lacks} <= {*after}  # and what they need
    assert not list(folder.iterdir()), "the lesson has left something behind"
    nb.cells = [cell for cell in nb.cells if "setup" not in rules.tags(cell)]  # pip has a word to say now and then
    assert list(rules.errors_and_warnings(nb, lesson)) == []
