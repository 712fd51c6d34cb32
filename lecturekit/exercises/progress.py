"""What `check` says of an answer, and which exercises are done."""

import os
import textwrap
from contextlib import suppress
from itertools import groupby
from pathlib import Path

from ..checks import judge, rules
from ..lessons.diagrams import COURSE


def check(number: str, *answers: object) -> None:
    """Print what is right or wrong with the answers to an exercise, without giving the solution away.

    A wrong answer never raises: Restart & Run All goes on. A right one is noted, see `progress`. Introduced in
    notebook 00.

    Parameters
    ----------
    number : str, such as ``"07.1"``; ValueError if there is no such exercise
    *answers : what the exercise asks for: functions, tensors, numbers

    Examples
    --------
    >>> check("01.1", ...)
    ○ Exercise 01.1, not attempted: replace each ... by your code and run the cell again.
    """
    verdict = judge(number, *answers)
    sign = {"correct": "✓", "wrong": "✗", "not attempted": "○"}[verdict.status]
    print(textwrap.fill(f"{sign} Exercise {number}, {verdict.status}: {verdict.message}", width=100))
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
