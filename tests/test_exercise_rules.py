"""What holds for every exercise: enough answers are tried out on its check, and none makes it stumble."""

import importlib
import math
import re
from pathlib import Path

import notebook_rules as rules
import pytest
import torch

from lecturekit import checks
from lecturekit.checks import judge

TESTS = sorted(Path(__file__).parent.glob("test_exercises_[0-9][0-9].py"))
TABLES = {path.stem[-2:]: importlib.import_module(path.stem).TestAnswers for path in TESTS}
RIGHT = {number: answers for table in TABLES.values() for number, *answers in table.right}
BLANKS = {number: answers for table in TABLES.values() for number, *answers in table.blanks}
WRONG = {number: [row[1] for table in TABLES.values() for row in table.wrong if row[0] == number] for number in RIGHT}
STRANGE = {
    "text": "7",
    "nan": math.nan,
    "infinite": math.inf,
    "huge": 10**400,
    "negative": -1,
    "true": True,
    "empty list": [],
    "nested list": [[1], [2, 3]],
    "dict": {"w": 1},
    "empty tensor": torch.empty(0),
    "wrong shape": torch.zeros(3, 5, 7),
    "integers": torch.arange(4),
    "complex": torch.tensor(1j),
    "nan tensor": torch.full((2, 1), math.nan),
    "type": int,
    "module": torch.nn.Linear(2, 1),
    "returns text": lambda *args: "seven",
    "returns nan": lambda *args: torch.tensor(math.nan),
    "returns a list": lambda *args: [1, 2],
    "returns its first argument": lambda *args: args[0] if args else 0,
    "raises": lambda *args: 1 / 0,
    "wants nothing": lambda: 1,
}


def test_every_exercise_of_the_lessons_has_its_tables():
    in_lessons = [exercise.number for lesson in TABLES for exercise in rules.exercises(rules.read_lesson(lesson))]
    assert list(RIGHT) == in_lessons
    assert list(BLANKS) == in_lessons


@pytest.mark.parametrize("kind", STRANGE)
@pytest.mark.parametrize("number", RIGHT)
def test_strange_answers_are_wrong_and_never_raise(number, kind):
    """Answers that nobody meant as answers."""
    verdict = judge(number, *[STRANGE[kind]] * len(RIGHT[number][0]))
    assert verdict.status in ("wrong", "not attempted"), verdict
    assert verdict.message


@pytest.mark.parametrize("number", RIGHT)
def test_enough_answers_are_tried_out(number):
    """Two right ones written differently, and three wrong ones that the check tells apart."""
    written = {repr([id(part) if callable(part) else part for part in answers]) for answers in RIGHT[number]}
    assert len(written) >= 2
    assert len({judge(number, *answers).message for answers in WRONG[number]}) >= 3


@pytest.mark.parametrize("number", RIGHT)
def test_what_readers_are_told_is_written_in_sentences(number):
    """Whole ones, with a capital letter after a full stop and nothing shouted; what Python says is left out."""
    for answers in RIGHT[number] + WRONG[number] + BLANKS[number]:
        message = judge(number, *answers).message
        if "Error" not in message:
            assert message[-1] in ".?", message
            assert not re.search(r"[^.][.?] (a|[a-z]{2,})[ ,]", message), message
            assert not re.search(r"[A-Z]{4,}", message), message


@pytest.mark.parametrize("number", RIGHT)
def test_there_is_a_second_hint_and_the_section_it_names(number):
    judge(number, ...)  # loads the rules of the lesson
    _, hint = checks.rules[number]
    assert hint[-1] in ".?" and "`" not in hint
    source = "\n".join(cell.source for cell in rules.read_lesson(number[:2]).cells)
    for section in re.findall(r"[Ss]ection (\d+)", hint):
        assert f"\n## {section} · " in source
