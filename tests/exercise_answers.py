"""What is tested of the answers to each exercise; the answers themselves stand in test_exercises_NN.py."""

import re
from functools import cache

import notebook_rules as rules

from lecturekit.checks import judge


@cache
def code_of_lesson(number: str) -> str:
    return "\n".join(cell.source for cell in rules.code_cells(rules.read_lesson(number)))


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
