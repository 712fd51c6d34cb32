"""The rules that every notebook keeps, one function each.

A rule takes a notebook and the path it lies at, and yields what is wrong with it, one sentence per mistake. nbval sees
whether the stored outputs are true; these rules hold what nbval lets through.
"""

from __future__ import annotations

import ast
import base64
import io
import pkgutil
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import nbformat
import numpy as np
from bs4 import BeautifulSoup, Tag
from matplotlib.image import imread
from nbformat import NotebookNode
from stamp import WATERMARK_CELL as WATERMARK
from structure import (
    LESSONS,
    anchor_of,
    bullets,
    check_call,
    code_cells,
    exercises,
    headings,
    parse,
    prose,
    tags,
    without_fences,
)

Rule = Callable[[NotebookNode, Path], Iterator[str]]

IGNORED_TAG = "nbval-ignore-output"
CPU_TAG = "cpu-output"  # what the cell prints on a GPU is not compared: conftest.py
TAGS = {"setup", "exercise", IGNORED_TAG, CPU_TAG}
# What CONTRIBUTING.md asks for, with no exception.
AT_MOST = {"cells": 60, "lines of code": 200, "lines of code a cell": 6, "lines in one cell": 20, "words": 2000}
AT_MOST |= {"predictions": 8}
DIGITS = 4
ROUNDING = 1e-7  # below it, a number may well be what float32 rounds off
# Losses that STAT 453, lecture 6.4, stored (torch 1.7), the same for its three versions; lessons print them to compare.
PUBLISHED = (
    "0.38849 0.31679 0.26379 0.22463 0.19527 0.17307 0.15629 0.14352 0.13360 0.12600 "
    "0.12007 0.11547 0.11178 0.10884 0.10656 0.10470 0.10320 0.10200 0.10105 0.10025"
).split()
PNG = re.compile(r"data:image/png;base64,([^\"']*)")

# ---------------------------------------------------------------------------------------------------------------------
# What the rules look at


@cache
def read(path: Path) -> NotebookNode:
    """Read a notebook that nobody will change. An id that two cells share is an error: nbformat only mends it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return nbformat.read(path, as_version=4)


def read_lesson(number: str) -> NotebookNode:
    (path,) = (path for path in LESSONS if path.name.startswith(f"{number}_"))
    return read(path)


def lesson_number(path: Path) -> str:
    return path.name[:2]


def is_hidden(cell: NotebookNode) -> bool:
    """Whether JupyterLab shows the output only once the reader has run the cell."""
    return cell.metadata.get("jupyter") == {"outputs_hidden": True}


def asks(cell: NotebookNode) -> bool:
    """Whether a cell has a question in it that the reader answers before running the next one."""
    return cell.cell_type == "markdown" and "> **Predict.** " in cell.source


def first_line(cell: NotebookNode) -> str:
    return next((line.strip() for line in cell.source.splitlines() if line.strip()), "(empty)")


def output_fields(cell: NotebookNode) -> Iterator[tuple[str, str]]:
    """Each text that a cell has put out, with its kind: the name of the stream or the MIME type."""
    for output in cell.get("outputs", []):
        if output.output_type == "stream":
            yield output.name, output.text
        elif output.output_type == "error":
            yield "error", f"{output.ename}: {output.evalue}"
        else:
            for mime, data in output.data.items():
                yield mime, data if isinstance(data, str) else str(data)


def html_outputs(nb: NotebookNode) -> Iterator[tuple[str, str]]:
    """What each cell shows as HTML, after its first line."""
    for cell in code_cells(nb):
        yield from ((first_line(cell), text) for kind, text in output_fields(cell) if kind == "text/html")


def elements(nb: NotebookNode, *names: str) -> Iterator[tuple[str, Tag]]:
    """Each HTML element of these names in the outputs, after the first line of its cell."""
    for line, html in html_outputs(nb):
        yield from ((line, tag) for tag in _soup(html).find_all(names))


@cache
def _soup(html: str) -> BeautifulSoup:
    return BeautifulSoup(html, "html.parser")


def lines_of_code(source: str) -> int:
    """Count the lines that hold code: no blank ones, no comments, and no `alt = …`, the words of a picture."""
    lines = source.splitlines()
    for node in ast.walk(parse(source) or ast.Module([], [])):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "alt":
            lines[node.lineno - 1 : node.end_lineno] = [""] * (node.end_lineno - node.lineno + 1)
    return sum(bool(line.strip()) and not line.strip().startswith("#") for line in lines)


def claims(source: str) -> int:
    """How many statements of a cell claim something: an assert, a call of assert_…, an expected error."""
    nodes = list(ast.walk(parse(source) or ast.Module([], [])))
    called = [node.func for node in nodes if isinstance(node, ast.Call)]
    names = [getattr(function, "attr", getattr(function, "id", "")) for function in called]
    return sum(isinstance(node, ast.Assert) for node in nodes) + sum(
        name.startswith("assert_") or name == "expect_error" for name in names
    )


# ---------------------------------------------------------------------------------------------------------------------
# Rules for every notebook


def counts(nb, path):
    """Every code cell was run, once, from top to bottom. (nbval does not compare a cell without a count.)"""
    for number, cell in enumerate(code_cells(nb), start=1):
        results = [output for output in cell.outputs if output.output_type == "execute_result"]
        found = {thing.get("execution_count") for thing in [cell, *results]}
        if found != {number}:
            yield f"the count of code cell {number} is {found}: {first_line(cell)!r}"


def errors_and_warnings(nb, path):
    for cell in code_cells(nb):
        for kind, text in output_fields(cell):
            if kind in ("error", "stderr"):
                yield f"{kind} in the output of {first_line(cell)!r}: {text[:80]!r}"


def kernel(nb, path):
    """Else JupyterLab asks each reader which kernel to take, and nbformat makes new ids in each run."""
    if nb.metadata.get("kernelspec", {}).get("name") != "python3":
        yield "the kernel is not python3"
    if (nb.nbformat, nb.nbformat_minor) < (4, 5):
        yield f"the format is {nb.nbformat}.{nb.nbformat_minor}, older than 4.5"


def metadata(nb, path):
    """No times of execution, no widget state, no settings of one editor: only tags, and what hides an answer."""

    def allowed(cell):
        return ("tags", "jupyter") if is_hidden(cell) else ("tags",)

    yield from (f"notebook metadata {key!r}" for key in nb.metadata if key not in ("kernelspec", "language_info"))
    for cell in nb.cells:
        yield from (f"metadata {key!r} of {first_line(cell)!r}" for key in cell.metadata if key not in allowed(cell))
        if any(output.get("metadata") for output in cell.get("outputs", [])):
            yield f"output metadata of {first_line(cell)!r}"


def known_tags(nb, path):
    for cell in nb.cells:
        for tag in tags(cell):
            if tag not in TAGS or (tag != "setup" and cell.cell_type != "code"):
                yield f"unknown tag {tag!r} on {first_line(cell)!r}"


def mime_types(nb, path):
    """Figures are HTML images: nbval does not compare an image/png, and a screen reader finds no words in it.

    A graph has one beside its HTML, for LaTeX.
    """
    known = {"stdout", "stderr", "error", "text/plain", "text/html", "text/latex", "text/markdown"}
    for cell in code_cells(nb):
        yield from (
            f"output of type {kind} in {first_line(cell)!r}"
            for kind, _ in output_fields(cell)
            if kind not in known and not (kind == "image/png" and "text/html" in dict(output_fields(cell)))
        )


def plain_python(nb, path):
    """No magics but watermark's, no shell lines, which another tool cannot read, no comment that switches nbval off."""
    for cell in code_cells(nb):
        if cell.source == WATERMARK:
            continue
        if parse(cell.source) is None or "get_ipython" in cell.source:
            yield f"not plain Python: {first_line(cell)!r}"
        if re.search(r"^\s*#\s*(NBVAL|PYTEST_VALIDATE)_", cell.source, flags=re.MULTILINE):
            yield f"use a tag, not a comment, to steer nbval: {first_line(cell)!r}"


def nothing_unfinished(nb, path):
    for number, cell in enumerate(nb.cells):
        if not cell.source.strip():
            yield f"cell {number} is empty"
        for word in re.findall(r"\b(?:TODO|FIXME|XXX|TBD|\w*PLACEHOLDER\w*)\b", cell.source):
            yield f"{word} in {first_line(cell)!r}"


OF_THIS_MACHINE = {
    "a memory address": re.compile(r"\b0x[0-9a-fA-F]{6,}"),
    "a process id": re.compile(r"ipykernel_\d+"),
    "an absolute path": re.compile(
        r"(?<![\w.~*:/<-])/(?:tmp|home|root|Users|private|var|opt|usr|mnt|work|content)(?:/[\w.-]|\b(?=['\"\s]))"
        r"|\b[A-Z]:\\\w"
    ),
}


def nothing_of_this_machine(nb, path):
    for cell in nb.cells:
        texts = [PNG.sub("", text) for _, text in output_fields(cell)]
        texts.append(without_fences(cell.source) if cell.cell_type == "markdown" else cell.source)
        for what, pattern in OF_THIS_MACHINE.items():
            for match in pattern.finditer("\n".join(texts)):
                yield f"{what}, {match[0]!r}, in {first_line(cell)!r}"


def nothing_from_elsewhere(nb, path):
    """A lesson is one file: on Colab it lies alone. Pictures are outputs of its cells, and scripts stand in them."""
    loads = re.compile(r"(?:\ssrc=|url\(|@import|import\()\s*['\"]?(?:https?:)?//")
    for line, html in html_outputs(nb):
        yield from (f"{match[0]!r} in the output of {line!r}" for match in loads.finditer(PNG.sub("", html)))
    for line, tag in elements(nb, "link", "img"):
        if not tag.get("src", "").startswith("data:image/"):
            yield f"<{tag.name}> of another file in the output of {line!r}"
    for picture in re.findall(r"!\[[^\]]*\]\([^)]*|<img[^>]*", prose(nb)):
        yield f"{picture[:60]!r} in the text: let a cell draw it"


def alt_texts(nb, path):
    """An alt text stands for its picture: several words, and not the name of a file."""
    for line, img in elements(nb, "img"):
        alt = img.get("alt", "")
        if len(re.findall(r"\w{2,}", alt)) < 5 or re.search(r"\.(png|jpe?g|svg|gif)\b", alt):
            yield f"<img> with the alt text {alt!r} in {line!r}"
    for line, svg in elements(nb, "svg"):
        if svg.get("aria-hidden") != "true" and (svg.get("role") != "img" or not svg.get("aria-label", "").strip()):
            yield f'<svg> without role="img" and a label in {line!r}'


def pixels(nb, path):
    """Each stored PNG can be read, has twice the width that it is shown at, and shows something."""
    for line, img in elements(nb, "img"):
        try:
            picture = imread(io.BytesIO(base64.b64decode(PNG.match(img.get("src", ""))[1], validate=True)))
        except (TypeError, ValueError, OSError, SyntaxError) as error:  # no such address, no base64, no whole picture
            yield f"PNG in {line!r} cannot be read: {error}"
            continue
        if img.get("width") != str(picture.shape[1] // 2):
            yield f"PNG in {line!r} is {picture.shape[1]} pixels wide, but is shown at {img.get('width')}"
        if len(np.unique(picture[::3, ::3])) < 16:  # all pixels would take seconds
            yield f"PNG in {line!r} has hardly any colours: is it blank?"


def printed_digits(nb, path):
    """At most 4 significant digits, and no number of rounding size: both differ from machine to machine."""
    number = re.compile(r"(?i)(?<![\w.])(\d+\.\d*|[2-9](?=e-))(?:e([+-]?\d+))?(?![\w.]*\d\.\d)(?!\.\d)")
    for cell in code_cells(nb):
        for kind, text in output_fields(cell):
            if kind == "text/html":
                html = _soup(text)
                text = " ".join([html.get_text(" "), *(img.get("alt", "") for img in html.find_all("img"))])
            for match in number.finditer(text):
                digits, exponent = match[1], int(match[2] or 0)
                # Zeros at the end carry nothing that could differ: 12.0000 is 12.
                significant = digits.rstrip("0").replace(".", "").lstrip("0")
                if len(significant) > DIGITS and digits not in PUBLISHED:
                    yield f"{match[0]} has more than {DIGITS} significant digits: {first_line(cell)!r}"
                if 0 < float(digits) * 10.0**exponent < ROUNDING:
                    yield f"{match[0]} is of rounding size, assert a bound: {first_line(cell)!r}"


def unique_headings(nb, path):
    anchors = Counter(anchor_of(text) for _, text in headings(nb))
    yield from (f"{count} headings lead to #{anchor}" for anchor, count in anchors.items() if count > 1)


def names_of_the_package(nb, path):
    """What the text calls `lk.…` or `lecturekit.…` is there."""
    for code in re.findall(r"`([^`\n]+)`", prose(nb)):
        for dotted in re.findall(r"(?<![\w./])(?:lk|lecturekit)((?:\.[A-Za-z_]\w*)+)", code):
            name = f"lecturekit{dotted}"
            try:
                pkgutil.resolve_name(name)
            except (ImportError, AttributeError):
                yield f"`{name}` does not exist"


# ---------------------------------------------------------------------------------------------------------------------
# Rules for lessons


def budget(nb, path):
    cells = [cell.source for cell in code_cells(nb) if "setup" not in tags(cell)]
    code = [lines_of_code(source) for source in cells]
    # A folded "Going deeper" counts for nothing: nothing depends on it.
    text = re.sub(r"<details>\n<summary>Going deeper.*?</details>", " ", prose(nb), flags=re.DOTALL)
    text = re.sub(r"\]\([^)]*\)|<[^>]+>|\$\$.*?\$\$|\$[^$\n]+\$", " ", text, flags=re.DOTALL)
    found = {
        "cells": len(nb.cells),
        "lines of code": sum(code),
        "lines of code a cell": sum(code) / max(len(code), 1),
        "lines in one cell": max((len(source.splitlines()) for source in cells), default=0),  # as it is seen
        "words": sum(any(letter.isalpha() for letter in word) for word in text.split()),
        "predictions": text.count("**Predict.** "),
    }
    yield from (f"{found[what]} {what}, more than {most}" for what, most in AT_MOST.items() if found[what] > most)


def anatomy(nb, path):
    """What a lesson is made of. (The first cell, the time it takes and the setup cells: see tools/stamp.py.)"""
    if sum(level == 1 for level, _ in headings(nb)) != 1:
        yield "there is not one heading of level 1"
    found = [text for level, text in headings(nb) if level == 2]
    sections = [text for text in found if re.match(r"\d", text)]
    before = ["What you will be able to do", "What you need", "Setup"]
    expected = [*before, *sections, "Exercises", "Recap", "Where next", "Sources"]
    if found != expected:
        yield f"headings are {found}, not {expected}"
    numbers = [re.match(r"(\d+) · \S", text) for text in sections]
    if not sections or [match and int(match[1]) for match in numbers] != list(range(1, len(sections) + 1)):
        yield f"the sections are not numbered '1 · …', '2 · …': {sections}"
    objectives, recap = bullets(nb, before[0]), bullets(nb, "Recap")
    if not 3 <= len(objectives) <= 5:
        yield f"{len(objectives)} objectives, but a lesson has 3 to 5"
    if len(recap) != len(objectives):
        yield f"{len(recap)} points in the recap for {len(objectives)} objectives"
    if not bullets(nb, "Sources"):
        yield "no sources are listed"


def predict_and_check(nb, path):
    """The reader predicts before running, and each check asserts something."""
    predictions = len(re.findall(r"^> \*\*Predict\.\*\* \S", prose(nb), flags=re.MULTILINE))
    checked = [cell for cell in code_cells(nb) if re.search(r"^\s*# Check: \S", cell.source, flags=re.MULTILINE)]
    yield from (f"a check that asserts nothing: {first_line(cell)!r}" for cell in checked if not claims(cell.source))
    if predictions < 3:
        yield f"{predictions} predictions ('> **Predict.** …'), fewer than 3"
    if len(checked) < 3:
        yield f"{len(checked)} cells with '# Check: …', fewer than 3"


def think_before_you_see(nb, path):
    """What a question is followed by, up to the next text, is hidden until the reader runs it; nothing else is."""
    asked = answered = False
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            asked = asks(cell) or (asked and not answered)
            answered = False
            continue
        answered = True
        if asked != is_hidden(cell) and (cell.outputs or not asked):
            what = "seen before it is run" if asked else "hidden, and no question stands before it"
            yield f"the output of {first_line(cell)!r} is {what}"


def exercises_are_whole(nb, path):
    """Heading, blank, check, folded solution; numbered 1, 2, 3. (test_exercises.py runs the solutions.)"""
    for cell in code_cells(nb):
        if ("exercise" in tags(cell)) != (check_call(cell) is not None):
            yield f"an exercise has the tag 'exercise' and ends in lk.check(\"NN.k\", …): {first_line(cell)!r}"
    found = exercises(nb)
    if not 3 <= len(found) <= 7:
        yield f"{len(found)} exercises, but a lesson has 3 to 7"
    wanted = [f"{lesson_number(path)}.{number}" for number in range(1, len(found) + 1)]
    if [exercise.number for exercise in found] != wanted:
        yield f"exercises are numbered {[exercise.number for exercise in found]}, not {wanted}"
    titles = [text for level, text in headings(nb) if level == 3 and re.match(r"Exercise \d\d\.\d+ · \S", text)]
    if [title.split()[1] for title in titles] != wanted:
        yield f"headings '### Exercise NN.k · title' are {titles}, not {wanted}"
    for exercise in found:
        before = prose(NotebookNode(cells=nb.cells[: exercise.cell]))
        if re.findall(r"^### Exercise (\S+)", before, flags=re.MULTILINE)[-1:] != [exercise.number]:
            yield f"the cell of exercise {exercise.number} does not stand under its heading"
        if exercise.solution is None:
            yield f"exercise {exercise.number} is not followed by a folded solution, code and reason"
        elif "lk.check" in exercise.solution or re.search(r"= \.\.\.$", exercise.solution, flags=re.MULTILINE):
            yield f"the solution of exercise {exercise.number} is not the blank's code, filled in, without lk.check"


COMMON_RULES: list[Rule] = [
    counts, errors_and_warnings, kernel, metadata, known_tags, mime_types, plain_python, nothing_unfinished,
    nothing_of_this_machine, nothing_from_elsewhere, alt_texts, pixels, printed_digits, unique_headings,
    names_of_the_package,
]  # fmt: skip
LESSON_RULES: list[Rule] = [budget, anatomy, predict_and_check, think_before_you_see, exercises_are_whole]


def rules_for(path: Path) -> list[Rule]:
    return COMMON_RULES + (LESSON_RULES if re.match(r"\d\d_", path.name) else [])
