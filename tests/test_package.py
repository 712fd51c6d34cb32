"""The package as a whole: what importing it loads, what its wheel holds, and that what is public is explained."""

import importlib
import inspect
import json
import os
import pkgutil
import re
import shutil
import subprocess
import sys
import tomllib
import warnings
from pathlib import Path

import pytest

import lecturekit

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def public_modules():
    """The modules that stand directly in lecturekit and have no underscore in their names."""
    return [
        "lecturekit",
        *(f"lecturekit.{info.name}" for info in pkgutil.iter_modules(lecturekit.__path__) if info.name[0] != "_"),
    ]


def public_objects():
    """Their functions and classes, and the methods and properties of the classes."""
    found = {}
    for module_name in public_modules():
        for name, value in vars(importlib.import_module(module_name)).items():
            of_ours = getattr(value, "__module__", None) or ""
            if name.startswith("_") or not of_ours.startswith(module_name):
                continue
            if inspect.isfunction(value) or inspect.isclass(value):
                found[f"{of_ours}.{name}"] = value
            if inspect.isclass(value):
                for member_name, member in vars(value).items():
                    if not member_name.startswith("_") and (inspect.isfunction(member) or isinstance(member, property)):
                        found[f"{of_ours}.{name}.{member_name}"] = member
    return list(found.items())


def test_import_loads_torch_and_the_standard_library():
    """What `import torch` itself loads is taken off: that differs from version to version."""
    code = (
        "import json, sys, torch; before = set(sys.modules); import lecturekit; "
        "print(json.dumps(sorted({name.partition('.')[0] for name in set(sys.modules) - before})))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=120)
    loaded = set(json.loads(done.stdout)) - {"lecturekit"}
    assert loaded <= set(sys.stdlib_module_names), f"import lecturekit loads {loaded - set(sys.stdlib_module_names)}"
    assert done.stderr == ""


def test_the_first_picture_loads_nothing_that_takes_half_a_second():
    """To differentiate with respect to a given vector, PyTorch loads sympy: not where the vector is just a 1."""
    code = """
import sys, torch
before = set(sys.modules)
import lecturekit as lk
w, x, b = (torch.tensor(value, requires_grad=True) for value in (3.0, 2.0, 1.0))
with lk.trace() as g:
    a = torch.relu(w * x + b)
    a.backward()
g.to_html()
assert "sympy" not in set(sys.modules) - before
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_import_changes_no_setting_of_torch():
    code = """
import torch
def settings():
    return torch.get_default_dtype(), torch.get_num_threads(), torch.is_grad_enabled(), torch.get_rng_state().tolist()
before = settings()
import lecturekit
assert settings() == before
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def deprecated():
    warnings.warn("soon gone", DeprecationWarning, stacklevel=2)


@pytest.mark.parametrize("module", ["lecturekit", "lecturekit.graph.walk", "test_graph_walk"])
def test_our_own_code_may_call_nothing_that_is_deprecated(module):
    with pytest.raises(DeprecationWarning):
        exec("deprecated()", {"__name__": module, "deprecated": deprecated})


def test_version_is_that_of_the_project():
    assert lecturekit.__version__ == PROJECT["project"]["version"]


def test_all_names_exist_and_are_sorted():
    assert lecturekit.__all__ == sorted(lecturekit.__all__)
    assert all(hasattr(lecturekit, name) for name in lecturekit.__all__)


@pytest.mark.parametrize("name", public_modules())
def test_module_has_a_docstring(name):
    assert (importlib.import_module(name).__doc__ or "").strip()


@pytest.mark.parametrize(("name", "value"), public_objects(), ids=lambda value: value if isinstance(value, str) else "")
def test_public_object_has_a_docstring(name, value):
    doc = vars(value).get("__doc__") if inspect.isclass(value) else value.__doc__
    assert doc and doc.strip()
    assert not doc.startswith(f"{name.rpartition('.')[2]}("), "a dataclass's automatic docstring says nothing"


@pytest.mark.parametrize("name", [name for name in lecturekit.__all__ if inspect.isfunction(getattr(lecturekit, name))])
def test_docstring_names_every_parameter_and_a_notebook(name):
    function = getattr(lecturekit, name)
    words = inspect.getdoc(function)
    section = re.search(r"Parameters\n-+\n(.*?)(\n\n[A-Z][a-z]+\n-+\n|\Z)", words, re.DOTALL)
    documented = re.findall(r"^(\S[^:\n]*)(?: :|$)", section[1], re.MULTILINE) if section else []
    documented = [part.strip().lstrip("*") for names in documented for part in names.split(",")]
    assert documented == list(inspect.signature(function).parameters)
    assert re.search(r"Introduced in notebook \d\d\b", words)


def test_wheel_is_told_to_carry_the_data():
    """The part of the next test that needs no build."""
    assert PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"] == {"data": "lecturekit/_data"}
    # A file that no SHA-256 stands for could not be read, and one without a file neither.
    assert sorted(lecturekit.data.SHA256) == sorted(path.name for path in (ROOT / "data").glob("*.csv"))


def test_wheel_holds_the_data_and_works_without_the_clone(tmp_path):
    """Built from a copy, unpacked elsewhere, imported from there: what pip would install from the repository."""
    source = tmp_path / "source"
    source.mkdir()
    for name in ("lecturekit", "data"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--retries=0", "--timeout=15", "-w", tmp_path, source]
    built = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if built.returncode and "hatchling" in built.stderr + built.stdout and "No matching distribution" in built.stderr:
        pytest.skip("hatchling, which builds the wheel, cannot be had: no network")
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    installed = tmp_path / "installed"
    shutil.unpack_archive(wheel, installed, "zip")
    carried = {str(path.relative_to(installed)) for path in installed.rglob("*") if path.is_file()}
    assert {f"lecturekit/_data/{name}" for name in lecturekit.data.SHA256} <= carried
    scripts = {
        str(path.relative_to(ROOT)) for path in (ROOT / "lecturekit").rglob("*") if path.suffix in (".py", ".js")
    }
    assert scripts <= carried
    assert not [name for name in carried if not name.startswith(("lecturekit/", "lecturekit-"))]
    code = (
        f"import lecturekit; assert lecturekit.__file__.startswith({str(installed)!r}), lecturekit.__file__; "
        "assert len(lecturekit.data.read('iris.csv')) > 1000; assert lecturekit.data.iris().X_train.shape == (70, 2)"
    )
    shutil.rmtree(source)
    environment = os.environ | {"PYTHONPATH": str(installed)}
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120, env=environment, cwd=tmp_path)
