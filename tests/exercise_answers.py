"""What is tested of the answers to each exercise; the answers themselves stand in test_exercises_NN.py."""

import copy
import re
from functools import cache, wraps

import notebook_rules as rules
import torch
from common import defaults, needs_gpu

from lecturekit.checks import judge


@cache
def code_of_lesson(number: str) -> str:
    return "\n".join(cell.source for cell in rules.code_cells(rules.read_lesson(number)))


def on_gpu(answer: object) -> object:
    """Return an answer as somebody gives it who works on a GPU.

    Of a function, what it returns: what it is called with still lies on the CPU, where the checks compute.
    """
    if isinstance(answer, torch.nn.Module):
        return copy.deepcopy(answer).to("cuda")
    if isinstance(answer, torch.Tensor):
        return answer.to("cuda") if answer.is_cpu else answer
    if isinstance(answer, tuple | list):
        return type(answer)(map(on_gpu, answer))
    if callable(answer) and (not isinstance(answer, type) or issubclass(answer, torch.nn.Module)):
        return wraps(answer)(lambda *args, **kwargs: on_gpu(answer(*args, **kwargs)))
    return answer


class ExerciseAnswers:
    """The answers to the exercises of one lesson, as a class attribute for each kind.

    Attributes
    ----------
    right, blanks : list of tuple
        The number of an exercise, and a sequence of answers.
    wrong : list of tuple
        The same, and a part of the hint that is expected.
    """

    right, wrong, blanks = [], [], []

    def pytest_generate_tests(self, metafunc):
        """Give test_right_… the cases of `right`, and so on; pytest calls this."""
        cases = getattr(self, metafunc.function.__name__.split("_")[1])
        metafunc.parametrize([name for name in ("number", "answers", "hint") if name in metafunc.fixturenames], cases)

    def test_right_answers_are_accepted(self, number, answers):
        verdict = judge(number, *answers)
        assert verdict.status == "correct", verdict.message

    def test_right_answers_are_accepted_whatever_the_defaults_are(self, number, answers):
        with defaults(torch.float64, "meta"):
            verdict = judge(number, *answers)
        assert verdict.status == "correct", verdict.message

    @needs_gpu
    def test_right_answers_on_a_gpu_are_accepted(self, number, answers):
        verdict = judge(number, *map(on_gpu, answers))
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
