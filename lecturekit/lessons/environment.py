"""What this machine has of all that the course needs, in words that a bug report can paste: no folder is named."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from ..devices import device


@dataclass(frozen=True, repr=False)
class Report:
    """What was found, one line each. Print it to read it."""

    lines: list[str]

    @property
    def ok(self) -> bool:
        """Whether nothing must be put right."""
        return not any(line.startswith("✗") for line in self.lines)

    def __repr__(self) -> str:
        found = "All is there." if self.ok else "Put right what is marked ✗."
        return "\n".join([f"Environment of lecturekit. {found}", *self.lines])


def environment() -> Report:
    """Look at what the course needs, and say in words what is there, what is missing and how to put it right.

    Versions are held against the metadata of the course, Graphviz lays out a graph, the device is tried. The same as
    ``python -m lecturekit``. Introduced in notebook 00.

    Examples
    --------
    >>> environment().ok
    True
    """
    lines = [*_versions()]
    lines.append(_tried(_lay_out, "Graphviz lays out graphs", "no pictures of graphs", _pip("pygraphviz")))
    good, bad, remedy = "the lessons compute on: {}", "no device to compute on", "`set LECTUREKIT_DEVICE=cpu`"
    lines.append(_tried(lambda: torch.ones(2, device=device()).sum().device, good, bad, remedy))
    lines += [f"· {_gpu()}", f"· threads: {torch.get_num_threads()} of PyTorch, on {os.cpu_count()} cores"]
    return Report(lines)


def _tried(function: Callable[[], object], good: str, bad: str, remedy: str) -> str:
    try:
        return f"✓ {good.format(function())}"
    except Exception as error:
        return f"✗ {bad}: {type(error).__name__}\n  → {remedy}"


def _pip(what: str) -> str:
    """Name the Python that needs it; a folder outside the course may carry the name of a person."""
    python, course = Path(sys.executable), Path(__file__).parents[2]
    name = python.relative_to(course) if python.is_relative_to(course) else "python"
    return f"`{name} -m pip install {what}`"


def _lay_out() -> None:
    import pygraphviz

    pygraphviz.AGraph('digraph { node [label=""] a -> b }').layout(prog="dot")


def _gpu() -> str:
    if torch.cuda.is_available():
        return f"GPU: {torch.cuda.get_device_name()}, CUDA {torch.version.cuda or torch.version.hip}"
    if torch.backends.mps.is_available():
        return "GPU: Apple's; used only if you set LECTUREKIT_DEVICE=mps; nothing in this course needs it"
    return "no GPU for PyTorch; nothing in this course needs one"


def _versions() -> Iterator[str]:
    from packaging.requirements import Requirement

    try:
        course = importlib.metadata.metadata("lecturekit")
    except importlib.metadata.PackageNotFoundError:
        yield f"✗ lecturekit is not installed\n  → {_pip('-c constraints.txt -e .[lab]')}"
        return
    yield f"✓ lecturekit {course['Version']}"
    python = f"{platform.python_implementation()} {platform.python_version()}"
    yield f"✓ {python} on {platform.system()} {platform.machine()}"
    for requirement in map(Requirement, course.get_all("Requires-Dist")):
        name, needed, marker = requirement.name, requirement.specifier, requirement.marker
        only_lab = marker is not None and not marker.evaluate({"extra": ""})
        if only_lab and not marker.evaluate({"extra": "lab"}):
            continue
        version = next((found.version for found in importlib.metadata.distributions(name=name)), None)
        if version and needed.contains(version, prereleases=True):  # a nightly build fits, too
            yield f"✓ {name} {version}"
        else:
            problem = f"{name} {version} does not fit: the course needs {needed}" if version else f"{name} is missing"
            problem = f"· {problem}; only for opening the lessons" if only_lab else f"✗ {problem}"
            remedy = _pip(f"--upgrade '{name}{needed}'")
            yield f"{problem}\n  → {remedy}"
