"""The rules that every notebook keeps, one function each.

A rule takes a notebook and the path it lies at, and returns what is wrong with it: one sentence per mistake, none where
all is well. nbval sees whether the stored outputs are true; these rules hold what nbval lets through.
"""

from __future__ import annotations

import ast
import base64
import importlib
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import numpy as np
from matplotlib.image import imread
from nbformat import NotebookNode

Rule = Callable[[NotebookNode, Path], list[str]]

IGNORED_TAG = "nbval-ignore-output"
CPU_TAG = "cpu-output"  # what the cell prints on a GPU is not compared: conftest.py
TAGS = {"setup", "exercise", IGNORED_TAG, CPU_TAG}
# The anatomy asks for "about" these; a quarter more passes, for lessons that show several versions in full.
TOLERANCE = 0.25
CELLS = (30, 60)
CODE_LINES = (100, 200)
WORDS = (800, 2500)
LONGEST_CELL = 25
AVERAGE_CELL = 6
DIGITS = 4
ROUNDING = 1e-7  # below it, a number may well be what float32 rounds off
# Losses that a lecture published with five decimals. A lesson that prints them to compare may do so.
PUBLISHED = re.findall(
    r"\S+",
    "0.38849 0.31679 0.26379 0.22463 0.19527 0.17307 0.15629 0.14352 0.13360 0.12600 "
    "0.12007 0.11547 0.11178 0.10884 0.10656 0.10470 0.10320 0.10200 0.10105 0.10025",
)
PNG = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=\s]*)")

# ---------------------------------------------------------------------------------------------------------------------
# What the rules look at


def code_cells(nb: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in nb.cells if cell.cell_type == "code"]


def read_lesson(number: str) -> NotebookNode:
    (path,) = (Path(__file__).parents[1] / "notebooks").glob(f"{number}_*.ipynb")
    return nbformat.read(path, as_version=4)


def tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def first_line(cell: NotebookNode) -> str:
    return next((line.strip() for line in cell.source.splitlines() if line.strip()), "(empty)")


def as_text(value: object) -> str:
    """A field of an output; the file may hold it as one string or as a list of lines."""
    return "".join(value) if isinstance(value, list) else str(value)


def output_fields(cell: NotebookNode) -> Iterator[tuple[str, str]]:
    """Each text that a cell has put out, with its kind: the name of the stream or the MIME type."""
    for output in cell.get("outputs", []):
        if output.output_type == "stream":
            yield output.name, as_text(output.text)
        elif output.output_type == "error":
            yield "error", f"{output.ename}: {output.evalue}"
        else:
            for mime, data in output.get("data", {}).items():
                yield mime, as_text(data)


def without_fences(markdown: str) -> str:
    return re.sub(r"^(`{3,}|~{3,}).*?^\1[^\n]*$", "", markdown, flags=re.MULTILINE | re.DOTALL)


def without_code(markdown: str) -> str:
    return re.sub(r"`[^`\n]+`", "", without_fences(markdown))


def headings(nb: NotebookNode) -> list[tuple[int, str]]:
    """Level and text of each heading, in order."""
    found = []
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            found += re.findall(r"^(#{1,6}) +(.+?)\s*$", without_fences(cell.source), flags=re.MULTILINE)
    return [(len(marks), text) for marks, text in found]


def bullets(nb: NotebookNode, heading: str) -> list[str]:
    """The list under a heading of level 2."""
    text = "\n".join(without_fences(cell.source) for cell in nb.cells if cell.cell_type == "markdown")
    match = re.search(rf"^## {re.escape(heading)}\s*$(.*?)(?=^## |\Z)", text, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"^[-*] +(.+)$", match[1], flags=re.MULTILINE) if match else []


class _Html(HTMLParser):
    def __init__(self, source: str):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.titled = False
        self._inside: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, {name: value or "" for name, value in attributes}))
        if tag in ("script", "style"):
            self._inside.append(tag)

    def handle_endtag(self, tag):
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, data):
        if not self._inside:
            self.texts.append(data)


def images(nb: NotebookNode) -> Iterator[tuple[NotebookNode, dict[str, str]]]:
    """Each `<img>` of the outputs and the text, with its attributes."""
    for cell in nb.cells:
        sources = [text for kind, text in output_fields(cell) if kind == "text/html"]
        if cell.cell_type == "markdown":
            sources.append(without_code(cell.source))
        for source in sources:
            for tag, attributes in _Html(source).tags:
                if tag == "img":
                    yield cell, attributes


def is_lesson(path: Path) -> bool:
    return re.match(r"\d\d_", path.name) is not None


def lesson_number(path: Path) -> str:
    return path.name[:2]


@dataclass(frozen=True)
class Exercise:
    number: str  # as the check has it: "06.1"
    cell: int  # where the blank stands among the cells
    check: str  # the last statement: lk.check("06.1", …)
    solution: str | None  # the code in the fold, None where there is none

    def solved(self) -> str:
        return f"{self.solution}\n\n{self.check}"


FOLD = re.compile(
    r"^<details>\n<summary>Solution</summary>\n\n```python\n(?P<code>.*?)\n```\n\n(?P<why>\S.*?)\n</details>\s*$",
    flags=re.MULTILINE | re.DOTALL,
)


def _parse(source: str) -> ast.Module | None:
    try:
        return ast.parse(source)
    except SyntaxError:
        return None


def _check_call(cell: NotebookNode) -> tuple[str, str] | None:
    """Number and source of the `lk.check("NN.k", …)` that ends a cell."""
    tree = _parse(cell.source)
    match tree.body[-1] if tree and tree.body else None:
        case ast.Expr(
            ast.Call(func=ast.Attribute(ast.Name("lk"), "check"), args=[ast.Constant(str(number)), *_]) as call
        ):
            return number, ast.get_source_segment(cell.source, call)
    return None


def exercises(nb: NotebookNode) -> list[Exercise]:
    """Every exercise whose blank cell ends in a check; the rules say what is wrong with the others."""
    found = []
    for index, cell in enumerate(nb.cells):
        if cell.cell_type != "code" or "exercise" not in tags(cell):
            continue
        if (call := _check_call(cell)) is None:
            continue
        after = ""
        for following in nb.cells[index + 1 :]:
            if following.cell_type != "markdown":
                break
            after += following.source + "\n\n"
        fold = FOLD.search(after)
        if fold and re.search(r"^#{2,3} ", after[: fold.start()], flags=re.MULTILINE):
            fold = None  # it belongs to a later exercise
        found.append(Exercise(call[0], index, call[1], fold["code"] if fold else None))
    return found


def _contains_blank(source: str) -> bool:
    tree = _parse(source)
    return tree is not None and any(isinstance(node, ast.Constant) and node.value is ... for node in ast.walk(tree))


def claims(source: str) -> int:
    """How many statements of a cell claim something: an assert, a call of assert_…, an expected error."""
    tree = _parse(source)
    count = 0
    for node in ast.walk(tree) if tree else []:
        if isinstance(node, ast.Assert):
            count += 1
        elif isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            count += name.startswith("assert_") or name == "expect_error"
    return count


# ---------------------------------------------------------------------------------------------------------------------
# Rules for every notebook


def counts(nb: NotebookNode, path: Path) -> list[str]:
    """Every code cell was run, once, from top to bottom. (nbval does not compare a cell without a count.)"""
    found = [cell.execution_count for cell in code_cells(nb)]
    problems = [] if found == list(range(1, len(found) + 1)) else [f"execution counts are {found}, not 1..{len(found)}"]
    for cell in code_cells(nb):
        for output in cell.outputs:
            if output.output_type == "execute_result" and output.get("execution_count") != cell.execution_count:
                problems.append(f"a result has another count than its cell: {first_line(cell)}")
    return problems


def errors_and_warnings(nb: NotebookNode, path: Path) -> list[str]:
    return [
        f"{kind} in the output of {first_line(cell)!r}: {text[:80]!r}"
        for cell in code_cells(nb)
        for kind, text in output_fields(cell)
        if kind in ("error", "stderr")
    ]


def kernel(nb: NotebookNode, path: Path) -> list[str]:
    problems = []
    if nb.metadata.get("kernelspec", {}).get("name") != "python3":
        problems.append("the kernel is not python3")
    if (nb.nbformat, nb.nbformat_minor) < (4, 5):
        problems.append(f"the format is {nb.nbformat}.{nb.nbformat_minor}, older than 4.5")
    return problems


def cell_ids(nb: NotebookNode, path: Path) -> list[str]:
    ids = Counter(cell.get("id") for cell in nb.cells)
    return [f"{count} cells have the id {name!r}" for name, count in ids.items() if count > 1 or not name]


def metadata(nb: NotebookNode, path: Path) -> list[str]:
    """No times of execution, no widget state, no settings of one editor: only tags."""
    problems = [f"notebook metadata {key!r}" for key in nb.metadata if key not in ("kernelspec", "language_info")]
    for cell in nb.cells:
        problems += [f"metadata {key!r} of {first_line(cell)!r}" for key in cell.metadata if key != "tags"]
        problems += [
            f"output metadata of {first_line(cell)!r}" for output in cell.get("outputs", []) if output.get("metadata")
        ]
    return problems


def known_tags(nb: NotebookNode, path: Path) -> list[str]:
    return [
        f"unknown tag {tag!r} on {first_line(cell)!r}"
        for cell in nb.cells
        for tag in tags(cell)
        if tag not in TAGS or (tag != "setup" and cell.cell_type != "code")
    ]


def mime_types(nb: NotebookNode, path: Path) -> list[str]:
    """Figures are HTML images: nbval does not compare a bare image/png, and a screen reader finds no words in it."""
    known = {"stdout", "stderr", "error", "text/plain", "text/html", "text/latex", "text/markdown"}
    return [
        f"output of type {kind} in {first_line(cell)!r}"
        for cell in code_cells(nb)
        for kind, _ in output_fields(cell)
        if kind not in known
    ]


def plain_python(nb: NotebookNode, path: Path) -> list[str]:
    """No magics and no shell lines, which another tool cannot read, and no comment that switches nbval off."""
    problems = []
    for cell in code_cells(nb):
        if _parse(cell.source) is None or "get_ipython" in cell.source:
            problems.append(f"not plain Python: {first_line(cell)!r}")
        if re.search(r"^\s*#\s*(NBVAL|PYTEST_VALIDATE)_", cell.source, flags=re.MULTILINE):
            problems.append(f"use a tag, not a comment, to steer nbval: {first_line(cell)!r}")
    return problems


def no_empty_cells(nb: NotebookNode, path: Path) -> list[str]:
    return [f"cell {index} is empty" for index, cell in enumerate(nb.cells) if not cell.source.strip()]


def nothing_unfinished(nb: NotebookNode, path: Path) -> list[str]:
    words = re.compile(r"\b(TODO|FIXME|XXX|TBD|\w*PLACEHOLDER\w*)\b")
    return [f"{match[0]} in {first_line(cell)!r}" for cell in nb.cells for match in words.finditer(cell.source)]


def nothing_of_this_machine(nb: NotebookNode, path: Path) -> list[str]:
    """No memory address, no process id, no path of the machine that ran the notebook."""
    patterns = {
        "a memory address": re.compile(r"\b0x[0-9a-fA-F]{6,}"),
        "a process id": re.compile(r"ipykernel_\d+"),
        "an absolute path": re.compile(
            r"(?<![\w.~*:/<-])/(?:tmp|home|root|Users|private|var|opt|usr|mnt|work|content)(?:/[\w.-]|\b(?=['\"\s]))"
            r"|\b[A-Z]:\\\w"
        ),
    }
    problems = []
    for cell in nb.cells:
        texts = [PNG.sub("", text) for _, text in output_fields(cell)]
        texts.append(without_fences(cell.source) if cell.cell_type == "markdown" else cell.source)
        for what, pattern in patterns.items():
            problems += [
                f"{what}, {match[0]!r}, in {first_line(cell)!r}" for t in texts for match in pattern.finditer(t)
            ]
    return problems


def images_are_here(nb: NotebookNode, path: Path) -> list[str]:
    """No image, script or style from another host, and each local image lies where it should."""
    sources = [(cell, attributes.get("src", "")) for cell, attributes in images(nb)]
    problems = []
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            for alt, target in re.findall(r"!\[([^\]]*)\]\(\s*<?([^)\s>]*)", without_code(cell.source)):
                sources.append((cell, target))
                if not _says_something(alt):
                    problems.append(f"image {target} without alt text in {first_line(cell)!r}")
        for kind, text in output_fields(cell):
            if kind != "text/html":
                continue
            html = PNG.sub("", text)
            for match in re.finditer(r"(?:url\(|@import|import\()\s*['\"]?(?:https?:)?//", html):
                problems.append(f"{match[0]!r} in the output of {first_line(cell)!r}")
            for tag, attributes in _Html(html).tags:
                if tag != "img" and re.match(r"(https?:)?//", attributes.get("src", "")):
                    problems.append(f"<{tag}> from another host in the output of {first_line(cell)!r}")
                if tag == "link":
                    problems.append(f"<link> in the output of {first_line(cell)!r}")
    for cell, source in sources:
        if re.match(r"(https?:)?//", source):
            problems.append(f"image from another host, {source[:60]}, in {first_line(cell)!r}")
        elif not source.startswith("data:image/") and not (source and (path.parent / source).is_file()):
            problems.append(f"image {source!r} in {first_line(cell)!r} does not exist")
    return problems


def _says_something(alt: str) -> bool:
    """Whether an alt text can stand for the picture: several words, and not just the name of a file."""
    return len(re.findall(r"\w{2,}", alt)) >= 5 and not re.search(r"\.(png|jpe?g|svg|gif)\b", alt)


def alt_texts(nb: NotebookNode, path: Path) -> list[str]:
    problems = [
        f"<img> with the alt text {attributes.get('alt')!r} in {first_line(cell)!r}"
        for cell, attributes in images(nb)
        if not _says_something(attributes.get("alt", ""))
    ]
    for cell in code_cells(nb):
        for kind, text in output_fields(cell):
            for tag, attributes in _Html(text).tags if kind == "text/html" else []:
                if tag != "svg" or attributes.get("aria-hidden") == "true":
                    continue
                if attributes.get("role") != "img" or not attributes.get("aria-label", "").strip():
                    problems.append(f'<svg> without role="img" and a label in {first_line(cell)!r}')
    return problems


def pixels(nb: NotebookNode, path: Path) -> list[str]:
    """Each stored PNG can be read, has twice the width and height it is shown at, and shows something."""
    problems = []
    for cell, attributes in images(nb):
        where = f"PNG in {first_line(cell)!r}"
        kind, _, payload = attributes.get("src", "").partition(",")
        if kind != "data:image/png;base64":
            continue
        try:
            picture = imread(io.BytesIO(base64.b64decode(payload, validate=True)))
        except Exception as error:
            problems.append(f"{where} cannot be read: {type(error).__name__}")
            continue
        height, width = picture.shape[:2]
        shown = attributes.get("width"), attributes.get("height", str(height // 2))
        if shown != (str(width // 2), str(height // 2)) or width % 2 or height % 2:
            problems.append(f"{where} has {width} × {height} pixels, but is shown at {shown[0]} × {shown[1]}")
        rgb = np.rint(np.atleast_3d(picture)[..., :3] * 255).astype(np.uint32)
        num_colours = len(np.unique(rgb @ np.array([1, 256, 65536][: rgb.shape[2]], dtype=np.uint32)))
        if num_colours < 16:
            problems.append(f"{where} has only {num_colours} colours: is it blank?")
    return problems


def printed_digits(nb: NotebookNode, path: Path) -> list[str]:
    """At most 4 significant digits, and no number of rounding size: both differ from machine to machine."""
    number = re.compile(r"(?<![\w.])(\d+\.\d*)(?:e([+-]?\d+))?(?![\w.]*\d\.\d)(?!\.\d)", flags=re.IGNORECASE)
    problems = []
    for cell in code_cells(nb):
        for kind, text in output_fields(cell):
            if kind == "text/html":
                html = _Html(text)
                text = " ".join([*html.texts, *(attributes.get("alt", "") for _, attributes in html.tags)])
            for match in number.finditer(text):
                digits, exponent = match[1], int(match[2] or 0)
                if digits in PUBLISHED:
                    continue
                # Zeros at the end carry nothing that could differ: 12.0000 is 12.
                significant = digits.rstrip("0").replace(".", "").lstrip("0")
                if len(significant) > DIGITS:
                    problems.append(f"{match[0]} has more than {DIGITS} significant digits: {first_line(cell)!r}")
                if 0 < float(digits) * 10.0**exponent < ROUNDING:
                    problems.append(f"{match[0]} is of rounding size, assert a bound: {first_line(cell)!r}")
            for match in re.finditer(r"(?<![\w.])[2-9]e-\d+", text):
                if float(match[0]) < ROUNDING:
                    problems.append(f"{match[0]} is of rounding size, assert a bound: {first_line(cell)!r}")
    return problems


def anchor_of(heading: str) -> str:
    """What JupyterLab and the web site call the place of a heading: its text without marks, spaces as hyphens."""
    return heading.replace("`", "").replace(" ", "-")


def unique_headings(nb: NotebookNode, path: Path) -> list[str]:
    anchors = Counter(anchor_of(text) for _, text in headings(nb))
    return [f"{count} headings lead to #{anchor}" for anchor, count in anchors.items() if count > 1]


def links(nb: NotebookNode, path: Path) -> list[str]:
    """Links within the course lead somewhere: to a file that is there, and to a heading that is in it."""
    problems, places = [], {}
    for cell in nb.cells:
        if cell.cell_type != "markdown":
            continue
        text = without_code(cell.source)
        # A target may hold brackets, in pairs: #4-·-backward()-fills-.grad
        targets = re.findall(r"(?<!!)\[[^\]]*\]\(\s*<?((?:[^()\s>]|\([^()\s>]*\))+)", text) + re.findall(
            r"<a [^>]*href=\"([^\"]+)\"", text
        )
        for target in targets:
            if re.match(r"[a-z]+:", target):
                ours = re.search(r"lecturekit.*?notebooks/([^/?#]+\.ipynb)", target)
                if ours and not (path.parent / ours[1]).is_file() and ours[1] != path.name:
                    problems.append(f"link to {ours[1]}, which does not exist, in {first_line(cell)!r}")
                continue
            file, _, anchor = target.partition("#")
            other = path.parent / file if file else path
            if file and not other.exists():
                problems.append(f"link to {file}, which does not exist, in {first_line(cell)!r}")
            elif anchor and (not file or other.suffix == ".ipynb"):
                if other not in places:  # pages have hundreds of links, and reading a lesson takes time
                    there = nb if not file else nbformat.read(other, as_version=4)
                    places[other] = {anchor_of(text) for _, text in headings(there)}
                if anchor not in places[other]:
                    problems.append(f"link to #{anchor}, which is no heading, in {first_line(cell)!r}")
    return problems


def names_of_the_package(nb: NotebookNode, path: Path) -> list[str]:
    """What the text calls `lk.…` or `lecturekit.…` is there."""
    problems = []
    for cell in nb.cells:
        if cell.cell_type != "markdown":
            continue
        for code in re.findall(r"`([^`\n]+)`", without_fences(cell.source)):
            for dotted in re.findall(r"(?<![\w./])(?:lk|lecturekit)((?:\.[A-Za-z_]\w*)+)", code):
                thing, name = importlib.import_module("lecturekit"), "lecturekit"
                for part in dotted.strip(".").split("."):
                    name = f"{name}.{part}"
                    try:
                        thing = getattr(thing, part, None) or importlib.import_module(name)
                    except ImportError:
                        problems.append(f"`{name}` does not exist, in {first_line(cell)!r}")
                        break
    return problems


# ---------------------------------------------------------------------------------------------------------------------
# Rules for lessons


def budget(nb: NotebookNode, path: Path) -> list[str]:
    # The longest cell counts as it is seen; lines of code are those that hold some: no blank ones, no comments.
    lines = [
        sum(bool(line.strip()) and not line.strip().startswith("#") for line in cell.source.splitlines())
        for cell in code_cells(nb)
        if "setup" not in tags(cell)
    ]
    prose = " ".join(without_fences(cell.source) for cell in nb.cells if cell.cell_type == "markdown")
    prose = re.sub(r"\]\([^)]*\)|<[^>]+>|\$\$.*?\$\$|\$[^$\n]+\$", " ", prose, flags=re.DOTALL)
    words = sum(any(letter.isalpha() for letter in word) for word in prose.split())
    measured = {"cells": (len(nb.cells), CELLS), "lines of code": (sum(lines), CODE_LINES), "words": (words, WORDS)}
    problems = [
        f"{count} {what}, but a lesson has about {low} to {high}"
        for what, (count, (low, high)) in measured.items()
        if not low * (1 - TOLERANCE) <= count <= high * (1 + TOLERANCE)
    ]
    for cell in code_cells(nb):
        length = len(cell.source.splitlines())
        if length > LONGEST_CELL:
            problems.append(f"a cell of {length} lines, more than {LONGEST_CELL}: {first_line(cell)!r}")
    if lines and sum(lines) / len(lines) > AVERAGE_CELL * (1 + TOLERANCE):
        problems.append(f"{sum(lines) / len(lines):.1f} lines a cell on average, more than about {AVERAGE_CELL}")
    return problems


def opening(nb: NotebookNode, path: Path) -> list[str]:
    """Title, question, links: the first cell."""
    blocks = nb.cells[0].source.split("\n\n") if nb.cells and nb.cells[0].cell_type == "markdown" else []
    problems = []
    if not blocks or not re.fullmatch(rf"# {lesson_number(path)} · \S.*", blocks[0]):
        problems.append(f"the first cell does not begin with '# {lesson_number(path)} · Title'")
    if len(blocks) < 2 or not re.fullmatch(r"\*\*[^*]+\?\*\*", blocks[1]):
        problems.append("the title is not followed by one question in bold")
    for where in ("Open in Colab", "Open on Binder"):
        if len(blocks) < 3 or not re.search(rf"\[{where}\]\(https://[^)]*/{re.escape(path.name)}\)", blocks[2]):
            problems.append(f"no link '{where}' to this notebook in the third paragraph")
    if sum(level == 1 for level, _ in headings(nb)) != 1:
        problems.append("there is not one heading of level 1")
    return problems


def anatomy(nb: NotebookNode, path: Path) -> list[str]:
    found = [text for level, text in headings(nb) if level == 2]
    sections = [text for text in found if re.match(r"\d", text)]
    before = ["What you will be able to do", "What you need", "Setup"]
    expected = [*before, *sections, "Exercises", "Recap", "Where next", "Sources"]
    problems = [] if found == expected else [f"headings are {found}, not {expected}"]
    numbers = [re.match(r"(\d+) · \S", text) for text in sections]
    if not sections or [match and int(match[1]) for match in numbers] != list(range(1, len(sections) + 1)):
        problems.append(f"the sections are not numbered '1 · …', '2 · …': {sections}")
    objectives, recap = bullets(nb, before[0]), bullets(nb, "Recap")
    if not 3 <= len(objectives) <= 5:
        problems.append(f"{len(objectives)} objectives, but a lesson has 3 to 5")
    if len(recap) != len(objectives):
        problems.append(f"{len(recap)} points in the recap for {len(objectives)} objectives")
    if not bullets(nb, "Sources"):
        problems.append("no sources are listed")
    text = "\n".join(cell.source for cell in nb.cells if cell.cell_type == "markdown")
    times = re.findall(r"^\*\*Time:\*\*.*$", text, flags=re.MULTILINE)
    if len(times) != 1 or not re.fullmatch(r"\*\*Time:\*\* about \d+ minutes\.", times[0]):
        problems.append("there is not one line '**Time:** about 60 minutes.'")
    return problems


def setup(nb: NotebookNode, path: Path) -> list[str]:
    cells = code_cells(nb)
    problems = []
    if [index for index, cell in enumerate(cells) if "setup" in tags(cell)] != [0]:
        problems.append("the first code cell, and no other, has the tag setup")
    if len(cells) < 2 or "import lecturekit as lk" not in cells[1].source.splitlines():
        problems.append("the second code cell does not 'import lecturekit as lk'")
    return problems


def predict_and_check(nb: NotebookNode, path: Path) -> list[str]:
    """The reader predicts before running, and each check asserts something."""
    text = "\n".join(cell.source for cell in nb.cells if cell.cell_type == "markdown")
    predictions = len(re.findall(r"^> \*\*Predict\.\*\* \S", text, flags=re.MULTILINE))
    checked = [cell for cell in code_cells(nb) if re.search(r"^\s*# Check: \S", cell.source, flags=re.MULTILINE)]
    problems = [f"a check that asserts nothing: {first_line(cell)!r}" for cell in checked if not claims(cell.source)]
    if predictions < 3:
        problems.append(f"{predictions} predictions ('> **Predict.** …'), fewer than 3")
    if len(checked) < 3:
        problems.append(f"{len(checked)} cells with '# Check: …', fewer than 3")
    return problems


def exercises_are_whole(nb: NotebookNode, path: Path) -> list[str]:
    """Heading, blank, check, stored answer of the blank, folded solution; numbered 1, 2, 3."""
    blanks = [cell for cell in code_cells(nb) if "exercise" in tags(cell)]
    found = exercises(nb)
    problems = [
        f'the exercise cell {first_line(cell)!r} does not end in lk.check("{lesson_number(path)}.…", …)'
        for cell in blanks
        if _check_call(cell) is None
    ]
    problems += [
        f"a cell with lk.check has no tag 'exercise': {first_line(cell)!r}"
        for cell in code_cells(nb)
        if "exercise" not in tags(cell) and _check_call(cell)
    ]
    if not 3 <= len(found) <= 7:
        problems.append(f"{len(found)} exercises, but a lesson has 3 to 7")
    wanted = [f"{lesson_number(path)}.{number}" for number in range(1, len(found) + 1)]
    if [exercise.number for exercise in found] != wanted:
        problems.append(f"exercises are numbered {[exercise.number for exercise in found]}, not {wanted}")
    titles = [re.match(r"Exercise (\d\d\.\d+) · \S", text) for level, text in headings(nb) if level == 3]
    titles = [match[1] for match in titles if match]
    if titles != wanted:
        problems.append(f"headings '### Exercise NN.k · title' have the numbers {titles}, not {wanted}")
    for exercise in found:
        cell, number = nb.cells[exercise.cell], exercise.number
        before = "".join(c.source + "\n" for c in nb.cells[: exercise.cell] if c.cell_type == "markdown")
        if re.findall(r"^### Exercise (\S+)", before, flags=re.MULTILINE)[-1:] != [number]:
            problems.append(f"the cell of exercise {number} does not stand under its heading")
        if not _contains_blank(cell.source):
            problems.append(f"exercise {number} has no blank '...'")
        if not "".join(text for _, text in output_fields(cell)).startswith(f"○ Exercise {number}, not attempted: "):
            problems.append(f"the stored answer to the blank of exercise {number} is not '○ Exercise {number}, not …'")
        if exercise.solution is None:
            problems.append(f"exercise {number} is not followed by a folded solution, code and reason")
        elif _parse(exercise.solution) is None or _contains_blank(exercise.solution) or "lk.check" in exercise.solution:
            problems.append(f"the solution of exercise {number} is not the blank's code, filled in, without lk.check")
    return problems


COMMON_RULES: list[Rule] = [
    counts,
    errors_and_warnings,
    kernel,
    cell_ids,
    metadata,
    known_tags,
    mime_types,
    plain_python,
    no_empty_cells,
    nothing_unfinished,
    nothing_of_this_machine,
    images_are_here,
    alt_texts,
    pixels,
    printed_digits,
    unique_headings,
    links,
    names_of_the_package,
]
LESSON_RULES: list[Rule] = [budget, opening, anatomy, setup, predict_and_check, exercises_are_whole]


def rules_for(path: Path) -> list[Rule]:
    return COMMON_RULES + (LESSON_RULES if is_lesson(path) else [])
