"""How right and wrong answers to the exercises are written in answers/lessonNN.py, and what the checks are given then.

An answer is a text in the words of the notebook:

- an expression: what the function of the exercise returns, or the values that are checked;
- statements: the body of the function, or the whole cell;
- changes to the folded solution: ``old → new and old → new``.
"""

import ast
import importlib
import re
from contextlib import redirect_stdout
from functools import cache
from io import StringIO
from textwrap import dedent, indent
from typing import NamedTuple

import notebook_rules as rules
import torch
from structure import Exercise, solved

SOLUTION = ""  # without a change

# By the number of the exercise; the modules in answers/ fill them.
RIGHT: dict[str, list[str]] = {}  # beside the folded solution
BLANK: dict[str, list[str]] = {}  # beside the blank of the notebook
WRONG: dict[str, dict[str, str | tuple[str, int]]] = {}  # words of the hint; the misconception behind the answer


class WrongAnswer(NamedTuple):
    """A typical wrong answer, and what the check says of it."""

    text: str  # as it stands in the table
    answers: tuple  # what the check is given
    words: str  # some words of the hint that it gets
    misconception: int | None  # the number of the one behind it, in notebooks/misconceptions.ipynb


@cache
def in_lesson(number: str) -> Exercise:
    """Return the exercise of a number as it stands in its notebook."""
    (found,) = (one for one in rules.exercises(rules.read_lesson(number[:2])) if one.number == number)
    return found


@cache
def names_at(lesson: str) -> dict[str, dict[str, object]]:
    """Return, for each exercise of a lesson, the names that a reader has there who has solved those before it."""
    places = {one.cell: one for one in rules.exercises(rules.read_lesson(lesson))}
    found, names = {}, {}
    with torch.random.fork_rng(), redirect_stdout(StringIO()):
        for place, source in solved(rules.read_lesson(lesson)).items():
            if place in places:
                found[places[place].number] = dict(names)
            exec(places[place].solution if place in places else source, names)
    return found


def read_tables() -> None:
    """Fill the tables, of all lessons."""
    for path in rules.LESSONS:
        importlib.import_module(f"answers.lesson{path.name[:2]}")


def wrong_answers(number: str) -> list[WrongAnswer]:
    """Return the wrong answers to an exercise, such as "07.1"."""
    read_tables()
    found = []
    for text, hint in WRONG[number].items():
        words, misconception = (hint, None) if isinstance(hint, str) else hint
        found.append(WrongAnswer(dedent(text).strip(), given(number, text), words, misconception))
    return found


@cache
def given(number: str, text: str) -> tuple:
    """Return what the check of an exercise is given where a reader has written an answer."""
    exercise = in_lesson(number)
    names = dict(names_at(number[:2])[number])
    exec(cell(exercise, dedent(text).strip()), names)
    return tuple(eval(answer, names) for answer in exercise.answers)


def cell(exercise: Exercise, text: str) -> str:
    """Return the code of the cell in which an answer stands."""
    if text == SOLUTION or "→" in text:
        return changed(exercise.solution, text)
    name = exercise.answers[0]
    function = re.search(rf"^def {name}\(.*\):$", exercise.blank, flags=re.MULTILINE)
    if is_expression(text):
        text = f"return {text}" if function else f"{', '.join(exercise.answers)} = {text}"
    if function and not re.search(rf"^(def |class )?{name}\b", text, flags=re.MULTILINE):
        return f"{function[0]}\n{indent(text, '    ')}"
    return text


def changed(code: str, changes: str) -> str:
    for change in re.split(r"\n| and ", changes) if changes else ():
        old, new = re.split(" ?→ ?", change)
        assert old in code, f"the solution has no {old!r}"
        code = code.replace(old, new)
    return code


def is_expression(text: str) -> bool:
    try:
        ast.parse(text, mode="eval")
    except SyntaxError:
        return False
    return True
