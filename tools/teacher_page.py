"""The page for the teacher of a lesson, made from what is there: the lesson, its wrong answers, the misconceptions.

Its text stands in docs/_templates/teacher_page.md.
"""

from __future__ import annotations

import re
import sys
from functools import cache
from itertools import accumulate, pairwise
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from stamp import Lesson, read_lesson
from structure import ROOT, Exercise, Section, anchor_of, bullets, exercises, sections_of, solved, tags

from lecturekit.checks import judge

PREDICT = re.compile(r"^> \*\*Predict\.\*\* (.*(?:\n>.*)*)", flags=re.MULTILINE)
MISCONCEPTION = re.compile(r"^(\d+)\. \*\*\"?(.+?)\"?\*\* (.+)$", flags=re.MULTILINE)
LINK = re.compile(r"\[([^\[\]]+)\]\((\w+\.ipynb(?:#(?:[^()\s]|\([^()\s]*\))+)?)\)")
FOLDED = re.compile(r"<details>.*?</details>", flags=re.DOTALL)
# Minutes, before they are scaled to the time that the lesson states.
PER_WORD, PER_CELL, PER_QUESTION, PER_EXERCISE = 1 / 120, 1.0, 3.0, 4.0
LECTURES = (45, 60, 75, 90)
MISTAKES, MISTAKES_A_PAGE = 4, 15
# Hints to a slip, and to no mistake in thought.
SLIP = re.compile(r"\b[Tt]his is (?!the\b)|this one has|raises|not right yet|still blank")
# Sections that a class can do without, the first to go first.
CUTS = {
    "01": (6, 2, 9, 4),
    "03": (8, 7, 3, 6),
    "04": (11, 10, 9, 6, 5),
    "05": (8, 7, 4, 3, 6),
    "06": (7,),  # lesson 07 needs 9, lesson 08 needs 8
    "07": (8, 7, 9),
    "08": (4, 10, 9, 7),
    "09": (8, 7),
    "10": (6, 8, 9, 1),
    "11": (6, 5, 7),
    "12": (4, 8, 9, 7),
    "13": (7, 6, 5),
}
# What a class may stumble over, and the sign of it in the code (a pattern) or the tags of a cell.
TROUBLE = {
    "Errors on purpose, after which the lesson goes on": r"expect_error\(",
    "Before you run one of its cells again, read its first line": "^# (A second run|To run this again)",
    'Measured numbers; yours are others. Where a check says "busy", run it again': "nbval-ignore-output",
    "Something else is printed where there is a GPU": "cpu-output",
    "Processes are started; the first time takes seconds": r"run_workers\(",
}


def questions(section: Section) -> list[str]:
    return [re.sub(r"\n>\s*", " ", question) for question in PREDICT.findall(section.text)]


def weight(section: Section) -> float:
    num_exercises = sum("exercise" in tags(cell) for cell in section.cells)
    reading = PER_WORD * len(FOLDED.sub("", section.text).split()) + PER_QUESTION * len(questions(section))
    return reading + PER_CELL * (len(section.cells) - num_exercises) + PER_EXERCISE * num_exercises


def teacher_page(path: Path, notebooks: str = "") -> str:
    """Return the page of a lesson as Markdown, with links to a folder of notebooks, or without, to be printed."""
    nb = nbformat.read(path, as_version=4)
    lesson = read_lesson(path, nb)
    parts = sections_of(nb)
    sections = [section for section in parts if section.number or section.title == "Exercises"]
    (needs,) = (section.text for section in parts if section.title == "What you need")
    minutes = shared_out(lesson, sections)
    rows = [
        f"| [{s.title}]({path.name}#{anchor_of(s.title)}) | {number} | {'<br>'.join(questions(s))} |"
        for s, number in zip(sections, minutes, strict=True)
    ]
    found = exercises(nb)
    at_most = min(MISTAKES, MISTAKES_A_PAGE // len(found))
    expected = "\n".join(row for exercise in found for row in mistakes(exercise, at_most))
    others = [claim for claim, text in misconceptions().values() if f"({path.name}#" in text and claim not in expected]
    page = (ROOT / "docs" / "_templates" / "teacher_page.md").read_text(encoding="utf-8")
    page = page.format(
        lesson=lesson,
        objectives=listed(bullets(nb, "What you will be able to do")),
        needs=needs.partition("**Time:**")[0].strip(),
        sections="\n".join(rows),
        shorter=listed(shorter(lesson, sections, minutes)),
        mistakes=expected,
        believed=f"Also believed, and shown to be wrong in this lesson:\n\n{listed(others)}\n" if others else "",
        trouble=listed(trouble(nb, sections)) or "- Nothing that we know of.",
    )
    return LINK.sub(rf"[\1]({notebooks}/\2)" if notebooks else r"\1", page)


def shared_out(lesson: Lesson, sections: list[Section]) -> list[int]:
    """Share out whole minutes, so that they add up to what the lesson states: for its sections, and its exercises."""
    stated, practice = map(int, lesson.minutes.split(" + "))
    weights = [weight(section) for section in sections if section.number]
    ends = [round(stated * end / sum(weights)) for end in accumulate(weights, initial=0.0)]
    minutes = iter([end - start for start, end in pairwise(ends)])
    return [next(minutes) if section.number else practice for section in sections]


def listed(items: list[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def named(numbers: list[str]) -> str:
    """Name sections: "section 3", "sections 3, 4"."""
    return f"section{'s' * (len(numbers) > 1)} {', '.join(numbers)}"


def shorter(lesson: Lesson, sections: list[Section], minutes: list[int]) -> list[str]:
    """Say what to leave out, and what is left then, for lectures of several lengths, up to one that all fits into."""
    parts = {section.number: number for section, number in zip(sections, minutes, strict=True)}
    practice = parts.pop("")
    lines = []
    for limit in LECTURES:
        left, out = sum(parts.values()), []
        for number in map(str, CUTS.get(lesson.number, ())):
            if left > limit:
                left -= parts[number]
                out.append(number)
        what = f"leave out {named(sorted(out, key=int))}" if out else "all sections"
        spare = min(limit - left, practice)
        work = f"{spare} minutes of exercises" if spare >= 10 else "the exercises are homework"
        lines.append(f"**{limit} minutes:** {what} ({left} minutes); {work}.")
        if not out and spare == practice:
            break
    return lines


def mistakes(exercise: Exercise, at_most: int) -> list[str]:
    """Return a row for each of the wrong answers to expect: the answer, the hint, and what is behind it."""
    if (folder := str(ROOT / "tests")) not in sys.path:
        sys.path.append(folder)
    from exercise_answers import wrong_answers

    found = {}
    for wrong in wrong_answers(exercise.number):
        hint = judge(exercise.number, *wrong.answers).message
        if not SLIP.search(hint):
            found.setdefault(hint, wrong)
    worth = sorted(found.items(), key=lambda row: (row[1].misconception is None, not row[1].text))[:at_most]
    claims = [misconceptions()[wrong.misconception][0] if wrong.misconception else "" for _, wrong in worth]
    rows = [f"{shown(wrong.text)} | {hint} | {claim} |" for (hint, wrong), claim in zip(worth, claims, strict=True)]
    return [f"| {f'{exercise.number} · {exercise.title}' if row is rows[0] else ''} | {row}" for row in rows]


def shown(code: str) -> str:
    """Return code for a cell of a table, if it is short."""
    code = "; ".join(code.splitlines()).replace("|", "\\|")
    return f"`{code}`" if 0 < len(code) <= 60 else ""


@cache
def misconceptions() -> dict[int, tuple[str, str]]:
    """Return each misconception, by its number: a link to its place in the index, and what stands there."""
    found = {}
    for cell in nbformat.read(ROOT / "notebooks" / "misconceptions.ipynb", as_version=4).cells:
        place = anchor_of(cell.source.splitlines()[0].lstrip("# "))
        for number, claim, text in MISCONCEPTION.findall(cell.source):
            found[int(number)] = f"[{claim}](misconceptions.ipynb#{place})", text
    return found


def trouble(nb: NotebookNode, sections: list[Section]) -> list[str]:
    """Say what a class may stumble over."""
    found = []
    for text, sign in TROUBLE.items():
        signed = [s for s in sections if any(re.search(sign, c.source) or sign in tags(c) for c in s.cells)]
        places = [s.number for s in signed if s.number]
        found += [f"{text}: {named(places)}."] if places else []
    wanted = [nb.cells[place] for place in solved(nb)]
    places = [s.number for s in sections if s.number and any(cell in wanted for cell in s.cells)]
    if places:
        found.append(f"After a restart, run the cells of {named(places)} before the exercises, which need them.")
    return found
