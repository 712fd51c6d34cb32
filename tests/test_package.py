"""The package as a whole: its size and layers, what importing it loads, its reference, and what its wheel holds."""

import doctest
import inspect
import os
import pkgutil
import re
import shutil
import subprocess
import sys
import warnings
from collections import Counter
from pathlib import Path

import pytest
import torch

import lecturekit as lk

ROOT = Path(__file__).parents[1]

# Each name of the reference that a lesson writes as lk.…, with what it stands for: "lk.fit", "lk.data.iris".
REFERENCE = re.findall(r"auto(?:function|class):: lecturekit\.(\S+)", (ROOT / "docs" / "api.md").read_text("utf-8"))
PUBLIC = {
    f"lk.{name}": pkgutil.resolve_name(f"lecturekit.{name}")
    for name in REFERENCE
    if name.partition(".")[0] in lk.__all__
}


def run(*command: object, **options) -> subprocess.CompletedProcess:
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=300, **options)


def test_the_package_is_small():
    """Lines of each room, and of what everybody should be able to read: all but the lessons' own and the exercises."""
    rooms = Counter()
    for path in (ROOT / "lecturekit").rglob("*"):
        if path.suffix in (".py", ".js", ".css"):
            rooms[path.relative_to(ROOT / "lecturekit").parts[0]] += path.read_text("utf-8").count("\n")
    lessons, exercises, graph = (rooms.pop(name) for name in ("lessons", "exercises", "graph"))
    core = sum(rooms.values())
    assert core <= 1300 and graph <= 2350 and lessons <= 1600 and exercises <= 1900 and core + graph <= 3700


def test_imports_keep_to_the_layers():
    """The contracts stand in pyproject.toml."""
    code = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True, no_logo=True))"
    done = run(sys.executable, "-c", code, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_import_loads_little_and_changes_nothing():
    """What `import torch` itself loads is taken off: that differs from version to version."""
    code = """
import sys, torch

def settings():
    return torch.get_default_dtype(), torch.get_num_threads(), torch.is_grad_enabled(), torch.get_rng_state().tolist()

modules, before = set(sys.modules), settings()
import lecturekit as lk
loaded = {name.partition(".")[0] for name in set(sys.modules) - modules} - {"lecturekit"}
assert loaded <= set(sys.stdlib_module_names), loaded - set(sys.stdlib_module_names)
assert settings() == before

# To differentiate with respect to a given vector, PyTorch loads sympy, half a second: not where the vector is just 1.
w, x, b = (torch.tensor(value, requires_grad=True) for value in (3.0, 2.0, 1.0))
with lk.trace() as g:
    a = torch.relu(w * x + b)
    a.backward()
g.to_html()
assert "sympy" not in set(sys.modules) - modules
"""
    done = run(sys.executable, "-c", code)
    assert done.stderr == ""


@pytest.mark.parametrize("module", ["lecturekit", "lecturekit.graph.record", "test_package"])
def test_our_own_code_may_call_nothing_that_is_deprecated(module):
    with pytest.raises(DeprecationWarning):
        warnings.warn_explicit("gone soon", DeprecationWarning, "file.py", 1, module=module)


def test_each_public_name_is_in_the_reference():
    assert {name for name in lk.__all__ if not inspect.ismodule(getattr(lk, name))} <= set(REFERENCE)


@pytest.mark.parametrize("name", PUBLIC)
def test_docstring_says_what_there_is(name):
    value = PUBLIC[name]
    words = inspect.getdoc(value)
    if value.__name__[0].isupper():
        assert not words.startswith(f"{value.__name__}("), "a dataclass's automatic docstring says nothing"
        methods = inspect.getmembers(value, lambda member: inspect.isfunction(member) or isinstance(member, property))
        assert all(member.__doc__ for name, member in methods if name[0] != "_")
        return
    parameters = list(inspect.signature(value).parameters)
    assert [name for name in parameters if not re.search(rf"\b{name}\b", words)] == []
    section = re.search(r"Parameters\n-+\n(.*?)(\n\n[A-Z][a-z]+\n-+\n|\Z)", words, re.DOTALL)
    documented = re.findall(r"^(\S[^:\n]*)(?: :|$)", section[1], re.MULTILINE) if section else []
    documented = [part.strip().lstrip("*") for names in documented for part in names.split(",")]
    assert set(documented) <= set(parameters)
    assert re.search(r"Introduced in\s+notebook\s+\d\d\b", words)


@pytest.mark.parametrize("name", [name for name in PUBLIC if name != "lk.run_workers"])
def test_examples_do_what_they_say(name):
    """Functions have examples, `lk.trace` too; a class that only holds results may have some.

    That of `lk.run_workers` would take seconds to start processes; test_workers.py starts the same ones.
    """
    value = PUBLIC[name]
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    found = doctest.DocTestFinder().find(value, name, extraglobs={"lk": lk, "torch": torch})
    report = []
    for examples in found:
        runner.run(examples, out=report.append)
    assert not report, "".join(report)
    assert value.__name__[0].isupper() or any(examples.examples for examples in found), "there are no examples"


def test_wheel_holds_the_data_and_works_without_the_clone(tmp_path):
    """What pip would install from the repository, unpacked elsewhere."""
    built = run(sys.executable, "-m", "pip", "wheel", "--no-deps", "--retries=0", "--wheel-dir", tmp_path, ROOT)
    if "No matching distribution found for hatchling" in built.stderr:
        pytest.skip("hatchling, which builds the wheel, cannot be had: no network")
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    shutil.unpack_archive(wheel, tmp_path, "zip")
    carried = {path.relative_to(tmp_path) for path in (tmp_path / "lecturekit").rglob("*.*")}
    code = {path.relative_to(ROOT) for path in (ROOT / "lecturekit").rglob("*") if path.suffix in (".py", ".js")}
    data = {"lecturekit/_data" / path.relative_to(ROOT / "data") for path in (ROOT / "data").rglob("*.*")}
    assert carried == code | data
    use = "import lecturekit as lk; print(lk.__file__, lk.data.iris().X_train.shape)"
    done = run(sys.executable, "-c", use, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(tmp_path)})
    assert done.stdout == f"{tmp_path / 'lecturekit' / '__init__.py'} torch.Size([70, 2])\n", done.stderr
