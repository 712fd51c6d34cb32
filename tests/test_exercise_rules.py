"""What holds for every exercise: enough answers are tried out on its check, and none makes it stumble."""

import importlib
import math
import re
from pathlib import Path

import pytest
import torch

from lecturekit import checks
from lecturekit.checks import judge

LESSONS = sorted((Path(checks.__file__).parent / "exercises").glob("lesson*.py"))
for lesson in LESSONS:
    importlib.import_module(f"lecturekit.exercises.{lesson.stem}")
NUMBERS = sorted(number for number in checks._rules if number[:2].isdecimal())
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


@pytest.mark.parametrize("kind", STRANGE)
@pytest.mark.parametrize("number", NUMBERS)
def test_strange_answers_are_wrong_and_never_raise(number, kind):
    """Answers that nobody meant as answers."""
    num_answers = checks._rules[number].__code__.co_argcount or 1
    verdict = judge(number, *[STRANGE[kind]] * num_answers)
    assert verdict.status in ("wrong", "not attempted"), verdict
    assert verdict.message


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
@pytest.mark.parametrize("number", NUMBERS)
def test_enough_answers_are_tried_out(number):
    """Two right ones written differently, three wrong ones that the check tells apart, and the blank."""
    answers = importlib.import_module(f"test_exercises_{number[:2]}").TestAnswers
    of_this = {
        kind: [case[1] for case in getattr(answers, kind) if case[0] == number] for kind in ("right", "wrong", "blanks")
    }
    written = {repr([id(part) if callable(part) else part for part in answer]) for answer in of_this["right"]}
    assert len(written) >= 2
    assert len({judge(number, *answer).message for answer in of_this["wrong"]}) >= 3
    assert of_this["blanks"]


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
@pytest.mark.parametrize("number", NUMBERS)
def test_what_readers_are_told_is_written_in_sentences(number):
    """Whole ones, with a capital letter after a full stop and nothing shouted; what Python says is left out."""
    answers = importlib.import_module(f"test_exercises_{number[:2]}").TestAnswers
    for asked, answer, *_ in answers.right + answers.wrong + answers.blanks:
        message = judge(number, *answer).message if asked == number else "skipped."
        if "Error" not in message:
            assert message[-1] in ".?", message
            assert not re.search(r"[^.][.?] (a|[a-z]{2,})[ ,]", message), message
            assert not re.search(r"[A-Z]{4,}", message), message
