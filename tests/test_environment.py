"""The files that name versions agree with pyproject.toml, and the texts with the files."""

import hashlib
import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest
import torch
import yaml
from common import pins
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from lecturekit.data import IRIS_SHA256

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PYPROJECT["optional-dependencies"]
CONDA_NAMES = {"torch": "pytorch", "matplotlib": "matplotlib-base"}


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def bounds(*extras: str) -> dict[str, Requirement]:
    """The requirements of the package and of some extras by normalised name."""
    wanted = PYPROJECT["dependencies"] + [line for extra in extras for line in EXTRAS[extra]]
    return {canonicalize_name(Requirement(line).name): Requirement(line) for line in wanted}


def test_dependencies_have_lower_bounds_only():
    for requirement in bounds(*EXTRAS).values():
        assert [specifier.operator for specifier in requirement.specifier] == [">="], str(requirement)


def test_environment_yml_is_in_step():
    environment = yaml.safe_load(text("environment.yml"))
    assert environment["channels"] == ["conda-forge", "nodefaults"]
    *packages, pip = environment["dependencies"]
    assert pip == {"pip": ["-e ."]}
    wanted = {name: r for name, r in bounds("lab", "test").items() if "playwright" not in name}  # the browser's
    expected = {f"{CONDA_NAMES.get(name, name)}{r.specifier}" for name, r in wanted.items()}
    # Binder starts from the Python that is named here with "=", and else from one that is too old.
    assert set(packages) == expected | {f"python={PYPROJECT['requires-python'].removeprefix('>=')}", "pip"}


# Where each package that README.md promises is used: a file, and what stands in it.
USED = {
    "torch": ("lecturekit/training.py", "import torch"),
    "jupyterlab": ("tools/lab.py", '"-m", "jupyterlab"'),
    "matplotlib": ("lecturekit/plotting.py", "from matplotlib.figure import Figure"),
    "scikit-learn": ("lecturekit/data.py", "from sklearn.datasets import load_digits"),
    "watermark": ("tools/stamp.py", "%load_ext watermark"),  # into each lesson: tests/notebook_rules.py
    "nbval": ("pyproject.toml", '"--nbval"'),
}


def test_the_promised_packages_are_used():
    listed = re.search(r"The course is built on ([\w, -]+?):", text("README.md"))[1]
    assert re.split(", | and ", listed) == list(USED)
    installed = yaml.safe_load(text("environment.yml"))["dependencies"]
    for name, (file, use) in USED.items():
        assert name in bounds("lab", "test") and name in pins()
        assert any(str(line).startswith(f"{CONDA_NAMES.get(name, name)}>=") for line in installed)
        assert use in text(file), f"{file} does not use {name}"


def test_constraints_are_exact_and_satisfy_the_bounds():
    pinned = pins()
    for line in text("constraints.txt").splitlines():
        assert line.startswith("#") or re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9a-z.]*", line), line
    for name, requirement in bounds(*EXTRAS).items():
        assert name in pinned, f"{name} is not in constraints.txt"
        assert requirement.specifier.contains(pinned[name])


def test_constraints_cover_what_the_dependencies_need():
    """Each installed distribution that the package pulls in is pinned to the version that is installed."""
    pinned = pins()
    if torch.__version__.partition("+")[0] != pinned["torch"]:
        pytest.skip("only where the pinned versions are installed")
    # Named by torch itself, each with its exact version, and only by its CUDA builds; setuptools comes with Python.
    exempt = re.compile(r"nvidia-.*|cuda-.*|triton|setuptools")
    todo, seen = [(name, frozenset()) for name in bounds("lab", "test")], set()
    while todo:
        name, extras = todo.pop()
        if (name, extras) in seen or not list(importlib.metadata.distributions(name=name)):
            continue  # what is not installed is for another system
        seen.add((name, extras))
        if not exempt.fullmatch(name):
            assert pinned.get(name) == importlib.metadata.version(name).partition("+")[0], name
        for requirement in map(Requirement, importlib.metadata.requires(name) or ()):
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras or {""}):
                todo.append((canonicalize_name(requirement.name), frozenset(requirement.extras)))
    assert len(seen) > 80


def test_supported_versions_are_the_same_everywhere():
    python = PYPROJECT["requires-python"].removeprefix(">=")
    oldest_torch = str(bounds()["torch"].specifier).removeprefix(">=")
    matrix = yaml.safe_load(text(".github/workflows/test.yml"))["jobs"]["test"]["strategy"]["matrix"]
    legs = {leg["versions"]: leg for leg in matrix["include"]}
    assert set(legs) == set(matrix["versions"])
    assert legs["pinned"] == {"versions": "pinned", "python": python, "install": "--constraint constraints.txt"}
    assert legs["oldest"]["python"] == python
    assert legs["oldest"]["install"] == f"torch=={oldest_torch}.0"
    assert all(("lax" in leg) == (name != "pinned") for name, leg in legs.items())
    # Each Python of the range runs somewhere.
    minors = {int(leg["python"].removeprefix("3.")) for leg in legs.values()}
    assert minors == set(range(int(python.removeprefix("3.")), max(minors) + 1))
    assert legs["newest"]["python"] == f"3.{max(minors)}" and legs["newest"]["install"] == "--upgrade"
    classifiers = [line.rpartition(" ")[2] for line in PYPROJECT["classifiers"] if "Python :: " in line]
    assert classifiers == [f"3.{minor}" for minor in sorted(minors)]
    assert matrix["os"] == ["ubuntu-latest", "macos-latest", "windows-latest"]
    readme = " ".join(text("README.md").split())
    assert f"Python {python} to {legs['newest']['python']}, torch {oldest_torch} or newer" in readme
    assert f"Python {python} and torch {pins()['torch']}, pinned in `constraints.txt`" in readme
    assert f"Python {python} or newer" in readme


def test_the_readme_says_how_long_the_course_takes():
    rows = re.findall(r"^\| \d\d \|.*\| ([\d +]+) \|$", text("README.md"), re.MULTILINE)
    minutes = [int(number) for row in rows for number in row.split(" + ")]
    hours = int(re.search(r"All lessons together take about (\d+) hours", text("README.md"))[1])
    assert len(rows) == 14
    assert abs(sum(minutes) / 60 - hours) <= 0.5


def test_every_change_is_tested():
    triggers = yaml.safe_load(text(".github/workflows/test.yml"))[True]  # YAML reads the key `on` as true
    assert {"push", "pull_request", "schedule"} <= set(triggers)
    assert triggers["push"] is None and triggers["pull_request"] is None, "no filters: required checks would hang"


def test_the_version_has_its_news_and_the_citation_its_licence():
    """Where else version and address stand, `make stamp` writes them: test_stamp.py."""
    assert re.search(r"^## (\S+)$", text("CHANGELOG.md"), re.MULTILINE)[1] == PYPROJECT["version"]
    assert " AND ".join(yaml.safe_load(text("CITATION.cff"))["license"]) == PYPROJECT["license"]


def test_every_make_target_is_explained():
    targets = re.search(r"^\.PHONY: (.*)$", text("Makefile"), re.MULTILINE)[1].split()
    explained = re.findall(r"^([a-z-]+):.* ## ", text("Makefile"), re.MULTILINE)
    assert sorted(targets) == sorted(explained)


def test_data_readme_has_the_checksum():
    section = text("data/README.md").split("## iris.csv\n")[1].split("\n## ")[0]
    digest = hashlib.sha256((ROOT / "data" / "iris.csv").read_bytes()).hexdigest()
    assert re.findall(r"`([0-9a-f]{64})`", section) == [IRIS_SHA256] == [digest]


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CODE_OF_CONDUCT.md", "data/README.md"])
def test_links_to_files_lead_somewhere(name):
    links = re.findall(r"\]\(([^)\s]+)\)", text(name))
    local = [link for link in links if not re.match(r"https?:|#", link)]
    missing = [link for link in local if not (ROOT / name).parent.joinpath(link.partition("#")[0]).exists()]
    assert missing == []
    headings = re.findall(r"^#+ (.*)$", text(name), re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert {link[1:] for link in links if link.startswith("#")} <= anchors
    assert not re.search(r"!\[[^\]]*\]\(https?:", text(name)), "pictures lie in the repository"
