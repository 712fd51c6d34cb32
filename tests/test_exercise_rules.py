"""Answers that nobody meant as answers: each check says something, none raises, and none takes them for right."""

import importlib
import math
from pathlib import Path

import pytest
import torch

from lecturekit import checks
from lecturekit.checks import judge

LESSONS = sorted((Path(checks.__file__).parent / "exercises").glob("lesson*.py"))
for lesson in LESSONS:
    importlib.import_module(f"lecturekit.exercises.{lesson.stem}")
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
@pytest.mark.parametrize("number", sorted(number for number in checks._rules if number[:2].isdecimal()))
def test_strange_answers_are_wrong_and_never_raise(number, kind):
    num_answers = checks._rules[number].__code__.co_argcount or 1
    verdict = judge(number, *[STRANGE[kind]] * num_answers)
    assert verdict.status in ("wrong", "not attempted"), verdict
    assert verdict.message
