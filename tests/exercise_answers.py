"""What is tested of the answers to each exercise; the answers themselves stand in test_exercises_NN.py."""

import copy
import importlib
import re
from functools import cache, wraps
from typing import NamedTuple

import notebook_rules as rules
import numpy as np
import pytest
import torch
from common import defaults, needs_gpu

from lecturekit.checks import judge


@cache
def code_of_lesson(number):
    return "\n".join(cell.source for cell in rules.code_cells(rules.read_lesson(number)))


def changed(answer, change):
    """Return an answer with a change made to each of its parts; of a function, to what it returns."""
    if isinstance(answer, tuple | list):
        return type(answer)(changed(part, change) for part in answer)
    if isinstance(answer, dict):
        return {key: changed(part, change) for key, part in answer.items()}
    if isinstance(answer, torch.nn.Module) or not callable(answer):
        return change(answer)
    if isinstance(answer, type) and not issubclass(answer, torch.nn.Module):
        return answer
    return wraps(answer)(lambda *args, **kwargs: changed(answer(*args, **kwargs), change))


def on_gpu(part):
    """Return what somebody has who works on a GPU. (What a function is called with still lies on the CPU.)"""
    if isinstance(part, torch.nn.Module):
        return copy.deepcopy(part).to("cuda")
    return part.to("cuda") if isinstance(part, torch.Tensor) and part.is_cpu else part


def as_numpy_scalar(part):
    kinds = {bool: np.bool_, int: np.int64, float: np.float32}
    return kinds[type(part)](part) if type(part) in kinds else part


def as_numpy_array(part):
    return np.array(part) if isinstance(part, bool | int | float) else part


# Which misconception of notebooks/misconceptions.ipynb is behind a wrong answer, by the words of its hint.
MISCONCEPTIONS = {"03.1": {"only the path through p": 8}, "08.5": {"mean of the batch means": 32}}


class WrongAnswer(NamedTuple):
    """A typical wrong answer to an exercise, and what the check says of it."""

    text: str  # as a reader would write it; empty where that is not known
    answers: tuple  # what the check is given
    words: str  # some words of the hint that it gets
    misconception: int | None  # the number of the one behind it, in the index of misconceptions


def wrong_answers(number: str) -> list[WrongAnswer]:
    """Return the wrong answers that are tried on the check of an exercise, such as "07.1"."""
    table = importlib.import_module(f"test_exercises_{number[:2]}").TestAnswers.wrong
    rows = [(answers, words) for key, answers, words in table if key == number]
    behind = MISCONCEPTIONS.get(number, {})
    return [WrongAnswer(shown(answers), tuple(answers), words, behind.get(words)) for answers, words in rows]


def shown(answers: tuple) -> str:
    values = [value.tolist() if isinstance(value, torch.Tensor) else value for value in answers]
    text = ", ".join(map(repr, values))
    return "" if "<" in text else text


class ExerciseAnswers:
    """The answers to the exercises of one lesson, as a class attribute for each kind.

    Attributes
    ----------
    right, blanks : list of tuple
        The number of an exercise, and one or more lists of answers.
    wrong : list of tuple
        The number of an exercise, a list of answers, and a part of the hint that is expected.
    """

    right, wrong, blanks = [], [], []

    def pytest_generate_tests(self, metafunc):
        """Give test_right_… the cases of `right`, and so on; pytest calls this."""
        kind = metafunc.function.__name__.split("_")[1]
        if kind == "wrong":
            metafunc.parametrize(["number", "answers", "hint"], self.wrong)
        else:
            rows = getattr(self, kind)
            metafunc.parametrize(["number", "answers"], [(number, answers) for number, *row in rows for answers in row])

    def test_right_answers_are_accepted(self, number, answers):
        verdict = judge(number, *answers)
        assert verdict.status == "correct", verdict.message

    def test_right_answers_are_accepted_whatever_the_defaults_are(self, number, answers):
        with defaults(torch.float64, "meta"):
            verdict = judge(number, *answers)
        assert verdict.status == "correct", verdict.message

    @pytest.mark.parametrize("change", [as_numpy_scalar, as_numpy_array])
    def test_right_numbers_of_numpy_are_accepted(self, number, answers, change):
        verdict = judge(number, *changed(list(answers), change))
        assert verdict.status == "correct", verdict.message

    @needs_gpu
    def test_right_answers_on_a_gpu_are_accepted(self, number, answers):
        verdict = judge(number, *changed(list(answers), on_gpu))
        assert verdict.status == "correct", verdict.message

    def test_wrong_answers_get_their_own_hint(self, number, answers, hint):
        verdict = judge(number, *answers)
        assert verdict.status == "wrong", verdict
        assert hint in verdict.message, verdict.message

    def test_right_numbers_have_the_names_they_have_in_the_lesson(self, number, answers):
        for index, answer in enumerate(answers):
            if isinstance(answer, int | float) and not isinstance(answer, bool):
                message = judge(number, *answers[:index], "a text", *answers[index + 1 :]).message
                name = re.fullmatch(r"(\w+) should be one number, this is str\.", message)[1]
                assert re.search(rf"^{name} = \.\.\.", code_of_lesson(number[:2]), flags=re.MULTILINE)

    def test_blanks_are_not_attempted(self, number, answers):
        verdict = judge(number, *answers)
        assert verdict.status == "not attempted", verdict
