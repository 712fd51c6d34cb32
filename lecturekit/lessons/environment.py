"""What a machine has of all the course needs, in words that a bug report can paste.

Only the standard library is imported up here: the report must come even where torch itself is broken.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import platform
import re
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "lecturekit"
_MODULES = {"ipython": "IPython", "scikit-learn": "sklearn"}  # where a package is imported by another name
_SLOW = {"scikit-learn"}  # takes most of a second to load, and one lesson uses it: that it is installed will do
_INSTALL = 'run `python -m pip install -c constraints.txt -e ".[lab]"` in the folder of the course'


@dataclass(frozen=True)
class Line:
    """One line of the report.

    Attributes
    ----------
    sign : str
        "✓" for what is there, "✗" for what must be put right, "·" for what is only good to know.
    text : str
        What was found.
    remedy : str
        How to put it right; empty where there is nothing to do.
    """

    sign: str
    text: str
    remedy: str = ""


@dataclass(frozen=True)
class Report:
    """What was found. Its string is the text for a bug report, without names of users or folders.

    Attributes
    ----------
    lines : tuple of Line
    """

    lines: tuple[Line, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing must be put right."""
        return not self.problems

    @property
    def problems(self) -> list[str]:
        """What must be put right, one sentence each."""
        return [line.text for line in self.lines if line.sign == "✗"]

    def __str__(self) -> str:
        count = len(self.problems)
        heading = f"{count} {'thing' if count == 1 else 'things'} to put right." if count else "All is there."
        rows = [f"Environment of {PACKAGE}. {heading}"]
        for line in self.lines:
            rows.append(_wrapped(f"{line.sign} {_without_folders(line.text)}"))
            if line.remedy:
                rows.append(_wrapped(f"  → {line.remedy}"))
        return "\n".join(rows)

    __repr__ = __str__


def environment() -> Report:
    """Look at what the course needs, and say in words what is there, what is missing and how to put it right.

    Python and the packages are held against what the course's own metadata asks for; Graphviz lays out a graph, the
    data files are compared with their checksums, the device is tried. The same as ``python -m lecturekit``, whose exit
    status is 1 if something must be put right.

    Returns
    -------
    Report
        Print it to read it. `ok` is True if nothing must be put right.

    Notes
    -----
    Introduced in notebook 00. It never raises: what is broken becomes a line of the report.
    """
    lines: list[Line] = []
    for part in (_python, _packages, _graphviz, _data, _device):
        if part is _graphviz and "torch" not in sys.modules:
            lines.append(Line("·", "pictures of graphs, data files and device: not looked at, since torch is missing"))
            break
        try:
            lines += part()
        except Exception as error:
            lines.append(Line("✗", f"{part.__name__.strip('_')}: {_said(error)}", _INSTALL))
    return Report(tuple(lines))


def _python() -> Iterator[Line]:
    version = platform.python_version()
    system = f"{platform.python_implementation()} {version} on {platform.system()} {platform.machine()}"
    try:
        needed = importlib.metadata.metadata(PACKAGE)["Requires-Python"]
    except importlib.metadata.PackageNotFoundError:
        yield Line("✗", f"{PACKAGE} is not installed, so nothing says which versions it needs ({system})", _INSTALL)
        return
    yield Line("✓", f"{PACKAGE} {importlib.metadata.version(PACKAGE)}")
    yield _compared(system, version, needed, "install a Python that fits, and the course with it")


def _packages() -> Iterator[Line]:
    """What the course cannot do without, and then what only opens notebooks on this machine."""
    from packaging.requirements import Requirement

    try:
        requirements = [Requirement(text) for text in importlib.metadata.requires(PACKAGE) or ()]
    except importlib.metadata.PackageNotFoundError:
        return  # said already
    for extra in ("", "lab"):
        for requirement in requirements:
            marker = requirement.marker
            if extra and (marker is None or marker.evaluate({"extra": ""})):
                continue
            if marker is None or marker.evaluate({"extra": extra}):
                line = _package(requirement.name, str(requirement.specifier), load=not extra)
                if extra and line.sign == "✗":
                    line = Line("·", f"{line.text}; only for opening the lessons on this machine", line.remedy)
                yield line


def _package(name: str, needed: str, load: bool) -> Line:
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return Line("✗", f"{name} is missing", f"`python -m pip install '{name}{needed}'`, or {_INSTALL}")
    if load and name not in _SLOW:
        try:
            importlib.import_module(_MODULES.get(name, name.replace("-", "_")))
        except Exception as error:
            return Line(
                "✗",
                f"{name} {version} does not load: {_said(error)}",
                f"`python -m pip install --force-reinstall --no-deps '{name}=={version.partition('+')[0]}'`",
            )
    return _compared(f"{name} {version}", version, needed, f"`python -m pip install --upgrade '{name}{needed}'`")


def _compared(what: str, version: str, needed: str, remedy: str) -> Line:
    from packaging.specifiers import SpecifierSet

    # With prereleases, so that a nightly build of a newer version fits.
    if SpecifierSet(needed).contains(version, prereleases=True):
        return Line("✓", what)
    return Line("✗", f"{what} does not fit: the course needs {needed}", remedy)


def _graphviz() -> Iterator[Line]:
    from ..graph.layout import place

    try:
        place([(40, 20), (40, 20)], [(0, 1, None)])
    except Exception as error:
        yield Line("✗", f"no pictures of graphs, only text: {_said(error)}", "`python -m pip install pygraphviz`")
    else:
        yield Line("✓", "Graphviz lays out graphs")


def _data() -> Iterator[Line]:
    from .. import data

    for name in data.SHA256:
        try:
            data.read(name)
        except (OSError, ValueError) as error:
            yield Line("✗", _said(error))
        else:
            yield Line("✓", f"the data file {name} is there, and as it was published")


def _device() -> Iterator[Line]:
    import torch

    from ..devices import device

    try:
        where = device()
        torch.ones(2, dtype=torch.float32, device=where).sum().item()
    except Exception as error:
        yield Line("✗", f"no device to compute on: {_said(error)}", "set LECTUREKIT_DEVICE=cpu, or take it away")
        return
    if torch.cuda.is_available():
        gpu = f"GPU: {torch.cuda.get_device_name()}, CUDA {torch.version.cuda or torch.version.hip}"
    elif torch.backends.mps.is_available():
        gpu = "GPU: Apple's; used only if you set LECTUREKIT_DEVICE=mps; nothing in this course needs it"
    else:
        gpu = "no GPU for PyTorch; nothing in this course needs one"
    yield Line("✓", f"the lessons compute on: {where}")
    yield Line("·", gpu)
    yield Line("·", f"threads: {torch.get_num_threads()} of PyTorch, on {os.cpu_count()} cores")


def _said(error: BaseException) -> str:
    """Return the type of an error and the first line of its message."""
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"


def _without_folders(text: str) -> str:
    """Leave of each path its last part: folders carry names of people."""
    # The home folder and what stands in quotes first, as a whole: there may be a space in it.
    text = re.sub(re.escape(str(Path.home())) + r"(?=[/\\])", "~", text, flags=re.IGNORECASE)
    text = re.sub(r"""(['"])(?:~|[A-Za-z]:)?[/\\][^'"]*[/\\]([^'"/\\]*)\1""", r"\1…/\2\1", text)
    return re.sub(r"(?<![\w:./…])(?:~|[A-Za-z]:)?[/\\](?:[^/\\\s'\"]+[/\\])*(?=[^/\\\s'\"])", "…/", text)


def _wrapped(text: str) -> str:
    # A command stays in one line: it is there to be copied.
    return textwrap.fill(text, width=100, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
