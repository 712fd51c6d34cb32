"""`lk.environment()` and `python -m lecturekit`: what is broken becomes a line in words, never an exception."""

import importlib.metadata
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import lecturekit as lk
from lecturekit import data, devices

module = sys.modules["lecturekit.lessons.environment"]  # its name in the package is that of the function


def line(report, start):
    (found,) = [line for line in report.lines if line.text.startswith(start)]
    return found


@pytest.fixture
def installed(monkeypatch):
    """Pretend that the metadata say something else: versions, requirements, the Python that is needed."""
    real = {name: getattr(importlib.metadata, name) for name in ("version", "requires", "metadata")}

    def pretend(versions=(), requires=None, python=None):
        versions = dict(versions)

        def version(name):
            if (changed := versions.get(name, real["version"])) is None:
                raise importlib.metadata.PackageNotFoundError(name)
            return changed if isinstance(changed, str) else changed(name)

        monkeypatch.setattr(importlib.metadata, "version", version)
        if requires is not None:
            monkeypatch.setattr(importlib.metadata, "requires", lambda name: requires)
        if python is not None:
            monkeypatch.setattr(importlib.metadata, "metadata", lambda name: {"Requires-Python": python})

    return pretend


def test_all_is_there():
    report = lk.environment()
    assert report.ok and report.problems == []
    assert str(report).startswith("Environment of lecturekit. All is there.\n✓ lecturekit ")
    assert repr(report) == str(report)
    assert not [line for line in report.lines if line.sign == "✗" or (line.sign == "✓" and line.remedy)]
    # Without the build: the package of torch 2.6.0 with CUDA has the version 2.6.0, but says 2.6.0+cu124 of itself.
    assert line(report, "torch").text.partition("+")[0] == f"torch {torch.__version__.partition('+')[0]}"


def test_every_line_of_a_report(installed, gpus, monkeypatch):
    """Of a machine that lacks two things, one of which is no must."""
    for name, value in {"python_implementation": "CPython", "system": "Linux", "machine": "x86_64"}.items():
        monkeypatch.setattr(platform, name, lambda value=value: value)
    monkeypatch.setattr(platform, "python_version", lambda: "3.13.5")
    monkeypatch.setattr(data, "SHA256", {"iris.csv": data.SHA256["iris.csv"]})
    monkeypatch.setattr(devices, "device", lambda: torch.device("cpu"))
    gpus(0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    installed(
        {"lecturekit": "1.2", "torch": "2.9.0+cu130", "numpy": "1.5", "jupyterlab": None},
        requires=["torch>=2.6", "numpy>=2", "jupyterlab>=4 ; extra == 'lab'", "pytest>=99 ; extra == 'test'"],
        python=">=3.11",
    )
    assert str(lk.environment()).splitlines() == [
        "Environment of lecturekit. 1 thing to put right.",
        "✓ lecturekit 1.2",
        "✓ CPython 3.13.5 on Linux x86_64",
        "✓ torch 2.9.0+cu130",
        "✗ numpy 1.5 does not fit: the course needs >=2",
        "  → `python -m pip install --upgrade 'numpy>=2'`",
        "· jupyterlab is missing; only for opening the lessons on this machine",
        "  → `python -m pip install 'jupyterlab>=4'`, or run `python -m pip install -c constraints.txt -e",
        '    ".[lab]"` in the folder of the course',
        "✓ Graphviz lays out graphs",
        "✓ the data file iris.csv is there, and as it was published",
        "✓ the lessons compute on: cpu",
        "· no GPU for PyTorch; nothing in this course needs one",
        "· threads: 3 of PyTorch, on 8 cores",
    ]


def test_every_requirement_of_the_package_is_looked_at():
    """Those of the package and of the extra `lab`, not those of its tests."""
    from packaging.requirements import Requirement

    report = lk.environment()
    for requirement in map(Requirement, importlib.metadata.requires("lecturekit")):
        wanted = requirement.marker is None or requirement.marker.evaluate({"extra": "lab"})
        lines = [line for line in report.lines if line.text.startswith(f"{requirement.name} ")]
        assert len(lines) == wanted, requirement


def test_a_package_that_is_too_old(installed):
    installed({"torch": "2.5.1"})
    report = lk.environment()
    found = line(report, "torch 2.5.1")
    assert found.sign == "✗" and "the course needs >=2.6" in found.text and "'torch>=2.6'" in found.remedy
    assert not report.ok and str(report).startswith("Environment of lecturekit. 1 thing to put right.")
    installed({"torch": "2.20.0.dev20270101+cpu"})
    assert line(lk.environment(), "torch").sign == "✓", "a nightly build of a newer version fits"


def test_a_package_that_is_missing(installed):
    installed({"matplotlib": None, "numpy": None})
    report = lk.environment()
    assert report.problems == ["matplotlib is missing", "numpy is missing"]
    assert "2 things to put right" in str(report)
    assert "pip install 'numpy>=" in line(report, "numpy").remedy


def test_jupyterlab_is_no_must(installed):
    installed({"jupyterlab": None})
    report = lk.environment()
    assert report.ok
    found = line(report, "jupyterlab is missing; only for opening the lessons on this machine")
    assert found.sign == "·" and "pip install 'jupyterlab>=" in found.remedy


def test_a_package_that_does_not_load(installed, monkeypatch, tmp_path):
    (tmp_path / "halfbroken.py").write_text("raise RuntimeError('numpy was built against another ABI\\nand more')")
    (tmp_path / "wellmade.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    installed({"halfbroken": "1.0+cu13", "well-made": "3.2"}, requires=["halfbroken>=1", "well-made>=3"])
    monkeypatch.setitem(module._MODULES, "well-made", "wellmade")
    report = lk.environment()
    found = line(report, "halfbroken 1.0+cu13 does not load: RuntimeError: numpy was built against another ABI")
    assert "more" not in found.text
    assert found.remedy == "`python -m pip install --force-reinstall --no-deps 'halfbroken==1.0'`"
    assert line(report, "well-made 3.2").sign == "✓"


def test_the_name_of_a_package_is_that_of_its_module_with_underscores(installed, monkeypatch, tmp_path):
    (tmp_path / "with_a_dash.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    installed({"with-a-dash": "1.0"}, requires=["with-a-dash>=1"])
    assert line(lk.environment(), "with-a-dash 1.0").sign == "✓" and "with_a_dash" in sys.modules
    monkeypatch.delitem(sys.modules, "with_a_dash")


def test_slow_packages_and_those_of_the_notebook_are_not_loaded(installed, monkeypatch, tmp_path):
    for name in ("slow", "opener"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('loaded')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(module, "_SLOW", {"slow"})
    installed({"slow": "1.0", "opener": "1.0"}, requires=["slow", "opener ; extra == 'lab'"])
    report = lk.environment()
    assert line(report, "slow 1.0").sign == line(report, "opener 1.0").sign == "✓"


def test_python_that_is_too_old(installed):
    installed(python=">=3.99")
    report = lk.environment()
    assert "does not fit: the course needs >=3.99" in "".join(report.problems)
    assert report.lines[1].remedy == "install a Python that fits, and the course with it"


def test_the_course_is_not_installed(monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    for function in ("version", "requires", "metadata"):
        monkeypatch.setattr(importlib.metadata, function, missing)
    report = lk.environment()
    (problem,) = report.problems
    assert problem.startswith("lecturekit is not installed, so nothing says which versions it needs (")
    assert platform.python_version() in problem and "pip install" in report.lines[0].remedy
    assert line(report, "the lessons compute on").sign == "✓", "the rest is looked at all the same"


def test_without_torch_it_stops_after_the_packages(installed, monkeypatch):
    installed(requires=[])
    monkeypatch.delitem(sys.modules, "torch")
    assert lk.environment().lines[2:] == (
        module.Line("·", "pictures of graphs, data files and device: not looked at, since torch is missing"),
    )


def test_no_graphviz(monkeypatch):
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    problems = lk.environment().problems
    assert any(problem.startswith("pygraphviz") and "does not load" in problem for problem in problems)
    assert any(problem.startswith("no pictures of graphs, only text") for problem in problems)
    assert line(lk.environment(), "no pictures of graphs").remedy == "`python -m pip install pygraphviz`"


@pytest.mark.parametrize("damage", ["missing", "changed"])
def test_a_data_file_that_is_not_right(monkeypatch, tmp_path, damage):
    real = data.read
    if damage == "changed":
        (tmp_path / "iris.csv").write_text("1,2,3")
    monkeypatch.setattr(data, "read", lambda name: real(name, tmp_path))
    problems = " ".join(lk.environment().problems)
    assert {"missing": "…/iris.csv is missing", "changed": "…/iris.csv is damaged"}[damage] in str(lk.environment())
    assert "git restore data/iris.csv" in problems


def test_a_device_that_does_not_exist(monkeypatch):
    monkeypatch.setenv("LECTUREKIT_DEVICE", "toaster")
    report = lk.environment()
    found = line(report, "no device to compute on")
    assert found.sign == "✗" and "toaster" in found.text
    assert found.remedy == "set LECTUREKIT_DEVICE=cpu, or take it away"


def test_a_device_that_is_named_but_does_not_compute(monkeypatch):
    monkeypatch.setattr(devices, "device", lambda: torch.device("meta"))
    assert line(lk.environment(), "no device to compute on").sign == "✗"


def test_a_gpu_is_named(gpus, monkeypatch):
    gpus(1)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Test GPU 9000")
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(devices, "device", lambda: torch.device("cpu"))
    assert line(lk.environment(), "GPU: Test GPU 9000, CUDA 13.0").sign == "·"


def test_without_a_gpu_it_says_that_none_is_needed(gpus, monkeypatch):
    gpus(0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert line(lk.environment(), "no GPU for PyTorch; nothing in this course needs one").sign == "·"


def test_the_gpu_of_an_apple_computer_is_not_denied(gpus, monkeypatch):
    gpus(0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.delenv("LECTUREKIT_DEVICE", raising=False)
    report = lk.environment()
    assert line(report, "GPU: Apple's; used only if you set LECTUREKIT_DEVICE=mps").sign == "·"
    assert line(report, "the lessons compute on: cpu").sign == "✓"
    assert "no GPU" not in str(report)


def test_a_part_that_fails_becomes_a_line(monkeypatch):
    def _data():
        raise MemoryError("no room")

    monkeypatch.setattr(module, "_data", _data)
    report = lk.environment()
    assert line(report, "data") == module.Line("✗", "data: MemoryError: no room", module._INSTALL)
    assert report.lines[-1].text.startswith("threads"), "the parts after it are looked at all the same"


@pytest.mark.parametrize(
    ("message", "said"), [("no room", "OSError: no room"), ("one\ntwo", "OSError: one"), ("", "OSError: ")]
)
def test_of_an_error_its_type_and_first_line_are_said(message, said):
    assert module._said(OSError(message)) == said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/home/ada/course/data/iris.csv is missing", "…/iris.csv is missing"),
        (r"C:\Users\Ada\torch\lib\c10.dll is missing", "…/c10.dll is missing"),
        ('Error loading "C:\\Users\\Ada Lovelace\\lib\\c10.dll" or', 'Error loading "…/c10.dll" or'),
        ("'/mnt/Ada Lovelace/x.so' failed", "'…/x.so' failed"),
        ("and/or, 3/4, w1 / w2", "and/or, 3/4, w1 / w2"),
        ("see https://pytorch.org/get-started", "see https://pytorch.org/get-started"),
        ("git restore data/iris.csv", "git restore data/iris.csv"),
    ],
)
def test_no_names_of_folders(text, expected):
    assert module._without_folders(text) == expected


def test_no_home_folder(monkeypatch):
    monkeypatch.setattr(Path, "home", lambda: Path("/Users/Ada Lovelace"))
    assert module._without_folders("/Users/Ada Lovelace/my course/x.py fails") == "…/my course/x.py fails"
    assert module._without_folders("/users/ada lovelace/x.py") == "…/x.py", "as Windows writes it now and then"


def test_long_lines_are_broken_but_no_command():
    """After 100 characters, between words; what has no space stays whole."""
    assert module._wrapped(f"{49 * 'x'} {50 * 'y'}") == f"{49 * 'x'} {50 * 'y'}"
    assert module._wrapped(f"{49 * 'x'} {51 * 'y'}") == f"{49 * 'x'}\n    {51 * 'y'}"
    assert module._wrapped(f"x {120 * 'y'} some-thing") == f"x\n    {120 * 'y'}\n    some-thing"


def run(folder=None, **variables):
    environment = os.environ | variables | ({"PYTHONPATH": str(folder)} if folder else {})
    return subprocess.run(
        [sys.executable, "-m", "lecturekit"], capture_output=True, encoding="utf-8", timeout=120, env=environment
    )


def test_command():
    done = run(PYTHONIOENCODING="ascii", OMP_NUM_THREADS=str(torch.get_num_threads()))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.rstrip("\n") == str(lk.environment())


def test_command_where_torch_is_broken(tmp_path):
    """The report comes, though the package cannot be imported; anything else than the command is told at once."""
    (tmp_path / "torch.py").write_text("raise OSError('one of the DLLs is missing')")
    done = run(tmp_path)
    assert done.returncode == 1 and done.stderr == ""
    assert "does not load: OSError: one of the DLLs is missing" in done.stdout
    assert "not looked at, since torch is missing" in done.stdout
    command = [sys.executable, "-c", "import lecturekit"]
    done = subprocess.run(command, capture_output=True, env=os.environ | {"PYTHONPATH": str(tmp_path)}, timeout=120)
    assert done.returncode == 1 and b"one of the DLLs is missing" in done.stderr
