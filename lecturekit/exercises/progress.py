"""What `check` says of an answer, and which exercises are done."""

import html
import importlib
import os
import re
import textwrap
from collections import Counter
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from ..checks import judge, rules
from ..lessons.diagrams import COURSE
from ..style import COLOURS

_misses: Counter[str] = Counter()


class _Card(NamedTuple):
    """A verdict, with a coloured edge in a notebook; what is not attempted is printed, and stays plain text there."""

    head: str
    said: list[str]
    edge: str

    def __repr__(self) -> str:
        first, *others = self.said
        return "\n".join(textwrap.fill(words, width=100) for words in (f"{self.head} {first}", *others))

    def _repr_html_(self) -> str:
        words = "".join(f"<br>{html.escape(words)}" for words in self.said)
        words = re.sub("`([^`]+)`", r"<code>\1</code>", words)
        style = f"border-left:6px solid {self.edge};background:{self.edge}1a;padding:6px 12px;max-width:46rem"
        return f'<div style="{style}"><b>{self.head}</b>{words}</div>'


def check(number: str, *answers: object) -> None:
    """Print what is right or wrong with the answers to an exercise, without giving the solution away.

    A wrong answer never raises: Restart & Run All goes on. The third wrong one and those after it bring a second hint.
    A right one is noted, see `progress`. Introduced in notebook 00.

    Parameters
    ----------
    number : str, such as ``"07.1"``; ValueError if there is no such exercise
    *answers : what the exercise asks for: functions, tensors, numbers

    Examples
    --------
    >>> check("01.1", ...)
    ○ Exercise 01.1, not attempted: replace each ... by your code and run the cell again.
    """
    from IPython.display import display

    verdict = judge(number, *answers)
    _misses[number] = 0 if verdict.status == "correct" else _misses[number] + (verdict.status == "wrong")
    said = [verdict.message]
    _, second_hint = rules[number]
    if verdict.status == "wrong" and _misses[number] >= 3 and second_hint:
        said.append(f"A second hint: {second_hint}")
    sign, edge = {"correct": ("✓", COLOURS[2]), "wrong": ("✗", COLOURS[1])}.get(verdict.status, ("○", ""))
    card = _Card(f"{sign} Exercise {number}, {verdict.status}:", said, edge)
    display(card) if edge else print(card)
    if verdict.status == "correct" and number not in _done():
        with suppress(OSError), _file().open("a", encoding="utf-8") as file:  # a lesson works without it
            print(number, file=file)


def progress() -> None:
    """Print which exercises are done on this machine, and which one comes next.

    `check` notes each right answer in a small file in your home folder, ``.lecturekit-progress``. Nothing leaves the
    machine, and to begin anew you delete the file. The environment variable ``LECTUREKIT_PROGRESS`` names another one.
    Introduced in notebook 00.

    Examples
    --------
    >>> progress()
    Exercises done: ...
    """
    for lesson in COURSE:
        importlib.import_module(f"{__package__}.lesson{lesson}")
    every, done = sorted(number for number in rules if number[:2] in COURSE), _done()
    left = [number for number in every if number not in done]
    print(f"Exercises done: {len(every) - len(left)} of {len(every)}.")
    for lesson, numbers in groupby(every, key=lambda number: number[:2]):
        title = " ".join(COURSE[lesson].title.split())
        print(f"{lesson} {title:34}", *(f"{'✓' if number in done else '○'} {number[3:]}" for number in numbers))
    print(f"Next: exercise {left[0]}." if left else "You have done them all.")


def _file() -> Path:
    return Path(os.environ.get("LECTUREKIT_PROGRESS") or Path("~/.lecturekit-progress").expanduser())


def _done() -> set[str]:
    with suppress(OSError):
        return set(_file().read_text(encoding="utf-8").split())
    return set()
