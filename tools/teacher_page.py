"""The page for the teacher of a lesson, made from what is there: the lesson, the exercise tables, the other pages.

Its text stands in docs/_templates/teacher_page.md.
"""

from __future__ import annotations

import ast
import re
import sys
from functools import cache
from itertools import accumulate, pairwise
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbformat import NotebookNode
from stamp import read_lesson
from structure import ROOT, bullets, code_cells, exercises, parse, tags

from lecturekit.checks import judge

PREDICT = re.compile(r"^> \*\*Predict\.\*\* (.*(?:\n>.*)*)", flags=re.MULTILINE)
MISCONCEPTION = re.compile(r"^\d+\. (\*\*.+?\*\*) .+?<br>See (.+)$", flags=re.MULTILINE)
NOTEBOOK_LINK = re.compile(r"\[([^\]]+)\]\(\w+\.ipynb(?:#(?:[^()\s]|\([^()\s]*\))*)?\)")
FOLDED = re.compile(r"<details>.*?</details>", flags=re.DOTALL)
# Minutes, before they are scaled to the time that the lesson states.
PER_WORD, PER_CELL, PER_QUESTION, PER_EXERCISE = 1 / 120, 0.5, 3.0, 4.0
HINTS = 9  # for each exercise
# Hints to a slip, and to no mistake in thought.
SLIP = re.compile("this is|this one has|raises|not right yet|still blank")
# Sections that a class can do without, the first to go first: what no objective is about, then the last objectives.
CUTS = {
    "00": (8, 9, 5),
    "01": (8, 9, 6),
    "02": (7, 8),
    "03": (8, 7),
    "04": (11, 10),
    "05": (7, 8),
    "06": (9, 8),
    "07": (8, 9),
    "08": (4, 10, 9),
    "09": (8, 7),
    "10": (6, 8, 9),
    "11": (6, 5),
    "12": (9, 4, 8),
    "13": (7, 6),
}
# What a class may stumble over, and the sign of it in the code or the tags of a cell.
TROUBLE = {
    "Errors on purpose, after which the lesson goes on": "expect_error(",
    "Measured numbers; yours are others, on a slow or busy machine by much": "nbval-ignore-output",
    "Something else is printed where there is a GPU": "cpu-output",
    "Processes are started; the first time takes seconds": "run_workers(",
}


class Section(NamedTuple):
    """A part of a lesson under a heading of level 2."""

    title: str
    text: str
    cells: list[NotebookNode]  # those with code

    @property
    def number(self) -> str:
        return re.match(r"\d*", self.title)[0]

    @property
    def questions(self) -> list[str]:
        """Each question under the paragraph before it: with what it goes on from, if that is a table or a formula."""
        found = []
        for match in PREDICT.finditer(self.text):
            before = re.sub(r"^!\[.*|^#.*", "", FOLDED.sub("", self.text[: match.start()]), flags=re.MULTILINE).strip()
            *above, context = re.split(r"\n{2,}", before)
            while above and re.match(r"[|a-z]|\$\$", context):
                context = f"{above.pop()}\n\n{context}"
            question = re.sub(r"\n>\s*", " ", match[1]).strip()
            found.append(f"**Section {self.number}.** {context}".strip() + f"\n\n> {question}")
        return found

    @property
    def weight(self) -> float:
        num_exercises = sum("exercise" in tags(cell) for cell in self.cells)
        reading = PER_WORD * len(FOLDED.sub("", self.text).split()) + PER_QUESTION * len(self.questions)
        return reading + PER_CELL * (len(self.cells) - num_exercises) + PER_EXERCISE * num_exercises


def teacher_page(path: Path) -> str:
    """Return the page of a lesson as Markdown, without links to notebooks: it is to be printed."""
    nb = nbformat.read(path, as_version=4)
    lesson = read_lesson(path, nb)
    parts = sections_of(nb)
    sections = [section for section in parts if section.number or section.title == "Exercises"]
    stated, *apart = map(int, lesson.minutes.split(" + "))
    minutes = shared_out(stated, apart, sections)
    (needs,) = (section.text for section in parts if section.title == "What you need")
    rows = [f"| {s.title} | {m} | {len(s.questions) or ''} |" for s, m in zip(sections, minutes, strict=True)]
    page = (ROOT / "docs" / "_templates" / "teacher_page.md").read_text(encoding="utf-8")
    page = page.format(
        lesson=lesson,
        time=f"{stated} minutes{f', and {apart[0]} for the exercises' if apart else ''}",
        objectives=listed(bullets(nb, "What you will be able to do")),
        needs=needs.partition("**Time:**")[0].strip(),
        sections="\n".join(rows),
        shorter=listed(shorter(lesson.number, sections, minutes)),
        questions="\n\n".join(question for s in sections for question in s.questions),
        mistakes="\n\n".join(mistakes(nb)),
        misconceptions=listed(misconceptions(path)) or "- None that stands in the index.",
        trouble=listed(trouble(nb, sections)) or "- Nothing that we know of.",
    )
    return NOTEBOOK_LINK.sub(r"\1", page)


def sections_of(nb: NotebookNode) -> list[Section]:
    """Cut a lesson at its headings of level 2; what stands before the first is left out."""
    found = [Section("", "", [])]
    for cell in nb.cells:
        if cell.cell_type == "code":
            found[-1].cells.append(cell)
            continue
        before, *parts = re.split(r"^## +", cell.source, flags=re.MULTILINE)
        found[-1] = found[-1]._replace(text=f"{found[-1].text}\n\n{before}")
        found += [Section(*part.split("\n", 1), []) for part in parts]
    return found[1:]


def shared_out(stated: int, apart: list[int], sections: list[Section]) -> list[int]:
    """Share out whole minutes, so that they add up to what is stated; exercises may have a time of their own."""
    weights = [0 if apart and section.title == "Exercises" else section.weight for section in sections]
    ends = [round(stated * end / sum(weights)) for end in accumulate(weights, initial=0.0)]
    minutes = [end - start for start, end in pairwise(ends)]
    if apart:
        minutes[[section.title for section in sections].index("Exercises")] = apart[0]
    return minutes


def listed(items: list[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def named(sections: list[Section]) -> str:
    """Name sections: "section 3", "sections 3, 4"."""
    return f"section{'s' * (len(sections) > 1)} " + ", ".join(section.number for section in sections)


def shorter(lesson: str, sections: list[Section], minutes: list[int]) -> list[str]:
    """Say what to leave out, in which order, and how many minutes are left then."""
    parts = {section.number: (section.title, number) for section, number in zip(sections, minutes, strict=True)}
    left = sum(minutes) - parts[""][1]
    lines = [f"{left} minutes: the exercises are homework."]
    for title, number in (parts[str(number)] for number in CUTS[lesson]):
        left -= number
        lines.append(f"{left} minutes: also without section {title.rstrip('.')}")
    return lines


def mistakes(nb: NotebookNode) -> list[str]:
    """List the answer to each exercise, and wrong ones with the hint; of functions and the like, the hint alone."""
    if (folder := str(ROOT / "tests")) not in sys.path:
        sys.path.append(folder)
    from exercise_answers import wrong_answers

    parts = []
    for exercise in exercises(nb):
        found: dict[str, str] = {}
        for wrong in wrong_answers(exercise.number):
            if not SLIP.search(hint := judge(exercise.number, *wrong.answers).message):
                found.setdefault(hint, f"`{wrong.text}` → " if 0 < len(wrong.text) <= 60 else "")
        parts += [
            f"**Exercise {exercise.number} · {exercise.title}**",
            f"```python\n{exercise.solution}\n```",
            listed([f"{found[hint]}{hint}" for hint in sorted(found, key=lambda hint: not found[hint])[:HINTS]]),
        ]
    return parts


@cache
def index() -> list[tuple[str, str]]:
    """Return each misconception, and the places that show it to be wrong."""
    notebook = nbformat.read(ROOT / "notebooks" / "misconceptions.ipynb", as_version=4)
    return MISCONCEPTION.findall("\n".join(cell.source for cell in notebook.cells))


def misconceptions(path: Path) -> list[str]:
    """List the misconceptions that this lesson shows to be wrong, each with its place."""
    link = re.compile(rf"\[lesson \d\d, ([^\]]+)\]\(({re.escape(path.name)}#(?:[^()\s]|\([^()\s]*\))+)\)")
    found = [(claim, link.search(places)) for claim, places in index()]
    return [f"{claim} [{place[1].capitalize()}]({place[2]})" for claim, place in found if place]


def trouble(nb: NotebookNode, sections: list[Section]) -> list[str]:
    """Say what a class may stumble over."""
    found = []
    for text, sign in TROUBLE.items():
        places = [
            s for s in sections if s.number and any(sign in cell.source or sign in tags(cell) for cell in s.cells)
        ]
        found += [f"{text}: {named(places)}."] if places else []
    defined = {name for cell in code_cells(nb) if "exercise" not in tags(cell) for name in names_defined(cell.source)}
    code = "\n".join(exercise.solved() for exercise in exercises(nb))
    needed = sorted(defined & {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)})
    if needed:
        what = ", ".join(f"`{name}`" for name in needed)
        found.append(f"After a restart, run the lesson before you solve the exercises: they need {what}.")
    return found


def names_defined(source: str) -> list[str]:
    """Return the names of the functions and classes that a cell defines."""
    tree = parse(source)
    return [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)] if tree else []
