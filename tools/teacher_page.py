"""The page for the teacher of a lesson, made from what is there: the lesson, the exercise tables, the other pages."""

from __future__ import annotations

import ast
import builtins
import importlib
import re
import sys
from collections import Counter
from functools import cache
from itertools import accumulate, pairwise
from pathlib import Path
from typing import NamedTuple

import nbformat
import torch
from nbformat import NotebookNode
from structure import NOTEBOOKS, ROOT, bullets, exercises, parse, tags

from lecturekit.checks import judge

PREDICT = re.compile(r"^> \*\*Predict\.\*\* (.*(?:\n>.*)*)", flags=re.MULTILINE)
MISCONCEPTION = re.compile(r"^\d+\. (\*\*.+?\*\*) .+?<br>See (.+)$", flags=re.MULTILINE)
# Minutes, before they are scaled to the time that the lesson states.
PER_WORD, PER_CELL, PER_QUESTION, PER_EXERCISE = 1 / 120, 0.5, 1.0, 4.0
HINTS = 3  # for each exercise

PAGE = """\
# Teaching lesson {number}: {title}

{question} About {minutes} minutes. [Open the lesson]({link}).

## What they will be able to do

{objectives}

Before: {needs}

## Minutes a section

| section | minutes | questions |
|---|--:|--:|
{sections}

The time is the one that the lesson states, shared out by words, cells, questions and exercises. It was not measured
on a class.

## If you have less time

{shorter}

Sections with the fewest links from other pages go first. Run their cells all the same: later ones may need them.

## What to ask the room

Let everybody write down an answer before you run the next cell.

{questions}

## Wrong answers to expect

Each hint is what the check says; it does not give the answer away.

{mistakes}

## What is behind them

Misconceptions that this lesson shows to be wrong:

{misconceptions}

## What may go wrong live

{trouble}
"""


class Section(NamedTuple):
    """A part of a lesson under a heading of level 2."""

    title: str
    text: str
    cells: list[NotebookNode]  # those with code

    @property
    def questions(self) -> list[str]:
        return [re.sub(r"\n>\s*", " ", question).strip() for question in PREDICT.findall(self.text)]

    @property
    def weight(self) -> float:
        exercise_cells = sum("exercise" in tags(cell) for cell in self.cells)
        text = re.sub(r"<details>.*?</details>", "", self.text, flags=re.DOTALL)
        return (
            PER_WORD * len(text.split())
            + PER_CELL * (len(self.cells) - exercise_cells)
            + PER_QUESTION * len(self.questions)
            + PER_EXERCISE * exercise_cells
        )

    @property
    def is_numbered(self) -> bool:
        return self.title[0].isdigit()


def teacher_page(path: Path, base: str) -> str:
    """Return the page of a lesson as Markdown; `base` is where its links to notebooks begin."""
    nb = nbformat.read(path, as_version=4)
    sections = sections_of(nb)
    title = re.match(r"# (\d\d) · (.+)\n\n(\*\*.+\*\*)", nb.cells[0].source)
    everything = "\n".join(cell.source for cell in nb.cells if cell.cell_type == "markdown")
    total = int(re.search(r"^\*\*Time:\*\* about (\d+) minutes", everything, flags=re.MULTILINE)[1])
    minutes = shared_out(total, [section.weight for section in sections])
    (needs,) = (section.text for section in sections if section.title == "What you need")
    rows = zip(sections, minutes, strict=True)
    page = PAGE.format(
        number=title[1],
        title=title[2],
        question=title[3],
        minutes=total,
        link=path.name,
        objectives=listed(bullets(nb, "What you will be able to do")),
        needs=needs.partition("**Time:**")[0].strip(),
        sections="\n".join(f"| {s.title} | {m} | {len(s.questions) or ''} |" for s, m in rows if m),
        shorter=shorter(path, sections, minutes),
        questions=listed([f"{place(section)}{question}" for section in sections for question in section.questions]),
        mistakes=mistakes(title[1], nb),
        misconceptions=misconceptions(path),
        trouble=listed(trouble(nb, sections)),
    )
    return re.sub(r"\]\((?=\w+\.ipynb)", f"]({base}", page)


def sections_of(nb: NotebookNode) -> list[Section]:
    """Cut a lesson at its headings of level 2; what stands before the first is left out."""
    found = [Section("", "", [])]
    for cell in nb.cells:
        if cell.cell_type == "code":
            found[-1].cells.append(cell)
            continue
        before, *parts = re.split(r"^## +", cell.source, flags=re.MULTILINE)
        found[-1] = found[-1]._replace(text=f"{found[-1].text}\n\n{before}")
        for part in parts:
            title, _, text = part.partition("\n")
            found.append(Section(title.strip(), text, []))
    return found[1:]


def shared_out(total: int, weights: list[float]) -> list[int]:
    """Share out whole minutes, so that they add up to the total."""
    ends = [round(total * end / sum(weights)) for end in accumulate(weights, initial=0.0)]
    return [end - start for start, end in pairwise(ends)]


def listed(items: list[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def place(section: Section) -> str:
    return f"(section {section.title.split()[0]}) " if section.is_numbered else ""


def numbers(sections: list[Section]) -> str:
    """Name sections: "section 3", "sections 3, 4"."""
    return f"section{'s' * (len(sections) > 1)} " + ", ".join(section.title.split()[0] for section in sections)


@cache
def links_to(name: str) -> Counter:
    """Count the links from other notebooks to each place in a lesson."""
    texts = [path.read_text(encoding="utf-8") for path in NOTEBOOKS if path.name != name]
    return Counter(number for text in texts for number in re.findall(rf"{name}#(\d+)-·", text))


def shorter(path: Path, sections: list[Section], minutes: list[int]) -> str:
    """Say what to leave out: first the exercises, then the sections that fewest other pages lead to."""
    time = dict(zip([section.title for section in sections], minutes, strict=True))
    total, lines = sum(minutes), []
    numbered = [section for section in sections if section.is_numbered]
    for available in (45, 60, 75):
        left, out = total, []
        if left > available:
            left -= time["Exercises"]
        # The first section is never left out.
        for section in sorted(numbered[:0:-1], key=lambda section: links_to(path.name)[section.title.split()[0]]):
            if left > available:
                left, out = left - time[section.title], [*out, section]
        parts = ["the exercises are homework"] if left < total else ["nothing"]
        if out:
            parts.append(f"leave out {numbers(sorted(out, key=numbered.index))}")
        lines.append(f"**{available} minutes:** {'; '.join(parts)}.")
    return listed(lines)


@cache
def table(lesson: str) -> list[tuple]:
    """Return the wrong answers that the tests try on the checks of a lesson."""
    if (folder := str(ROOT / "tests")) not in sys.path:
        sys.path.append(folder)
    return importlib.import_module(f"test_exercises_{lesson}").TestAnswers.wrong


def mistakes(lesson: str, nb: NotebookNode) -> str:
    """List typical wrong answers to each exercise; of functions, only what the check says of them."""
    parts = []
    for exercise in exercises(nb):
        found: dict[str, str] = {}
        for number, answers, _ in table(lesson):
            if number == exercise.number and len(found) < HINTS:
                found.setdefault(judge(number, *answers).message, shown(answers))
        parts += [
            f"**{exercise.text.splitlines()[0].strip('# ')}**",
            listed([answer + hint for hint, answer in found.items()]),
        ]
    return "\n\n".join(parts)


def shown(answers: tuple) -> str:
    """Return answers as somebody would write them, if they are short and no functions."""
    values = [value.tolist() if isinstance(value, torch.Tensor) else value for value in answers]
    text = ", ".join(map(repr, values))
    return f"`{text}` → " if len(text) <= 60 and "<" not in text else ""


def misconceptions(path: Path) -> str:
    """List the misconceptions that this lesson shows to be wrong, each with its place."""
    notebook = nbformat.read(ROOT / "notebooks" / "misconceptions.ipynb", as_version=4)
    entries = MISCONCEPTION.findall("\n".join(cell.source for cell in notebook.cells))
    links = [
        (claim, re.search(rf"\[lesson \d\d, ([^\]]+)\]\(({re.escape(path.name)}#(?:[^()\s]|\([^()\s]*\))+)\)", proofs))
        for claim, proofs in entries
    ]
    found = [f"{claim} [{link[1].capitalize()}]({link[2]})" for claim, link in links if link]
    return listed(found) or "- None that stands in the index."


def trouble(nb: NotebookNode, sections: list[Section]) -> list[str]:
    """Say what a class may stumble over, from the tags and the code of the cells."""

    def where(sign) -> str:
        return numbers([s for s in sections if s.is_numbered and any(map(sign, s.cells))])

    signs = {
        "{} stops with an error on purpose, and goes on.": lambda cell: "expect_error(" in cell.source,
        "{} measures: your numbers are others, on a slow or busy machine by much. Do not wait for those on the page.": (
            lambda cell: "nbval-ignore-output" in tags(cell)
        ),
        "{} prints something else where there is a GPU.": lambda cell: "cpu-output" in tags(cell),
        "{} starts processes. The first time takes seconds.": lambda cell: "run_workers(" in cell.source,
    }
    found = [text.format(where(sign).capitalize()) for text, sign in signs.items() if where(sign) != "section "]
    found.append("No GPU is needed. Without one, whatever asks for it runs on the CPU, and says so.")
    found.append("The first import of PyTorch takes seconds. Run the setup before the class comes in.")
    if needed := names_needed(nb):
        found.append(f"After a restart, run the lesson before the exercises: they use {', '.join(needed)}.")
    return found


def names_needed(nb: NotebookNode) -> list[str]:
    """Return what solutions use of the lesson: functions, classes and data that are no imports."""
    defined = set(dir(builtins))
    for cell in nb.cells:
        if cell.cell_type == "code" and "import " in cell.source:
            imports = [
                node
                for node in ast.walk(parse(cell.source) or ast.Module([], []))
                if isinstance(node, ast.Import | ast.ImportFrom)
            ]
            defined |= {(alias.asname or alias.name).split(".")[0] for node in imports for alias in node.names}
    needed: dict[str, None] = {}
    for exercise in exercises(nb):
        nodes = list(ast.walk(ast.parse(exercise.solved())))
        own = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        own |= {node.arg for node in nodes if isinstance(node, ast.arg)}
        used = [node for node in nodes if isinstance(node, ast.Name)]
        own |= {node.id for node in used if isinstance(node.ctx, ast.Store)}
        needed |= dict.fromkeys(f"`{node.id}`" for node in used if node.id not in own | defined)
    return list(needed)
