"""Each check knows right answers, tells wrong ones apart, and none makes it stumble; the answers stand in answers/."""

import copy
import math
import re
from contextlib import nullcontext
from functools import wraps

import notebook_rules as rules
import numpy as np
import pytest
import torch
from common import defaults
from exercise_answers import BLANK, RIGHT, SOLUTION, WRONG, given, in_lesson, read_tables, wrong_answers
from torch import nn

import lecturekit as lk
from lecturekit.checks import judge
from lecturekit.data import double_line, noisy_line
from lecturekit.exercises.lesson08 import LRS
from lecturekit.lessons.sweep import train_many

read_tables()
each_exercise = pytest.mark.parametrize("number", WRONG)


def changed(answer, change):
    """Return an answer with a change made to each of its parts; of a function, to what it returns."""
    if isinstance(answer, tuple | list):
        return type(answer)(changed(part, change) for part in answer)
    if isinstance(answer, dict):
        return {key: changed(part, change) for key, part in answer.items()}
    if isinstance(answer, nn.Module) or not callable(answer):
        return change(answer)
    if isinstance(answer, type) and not issubclass(answer, nn.Module):
        return answer
    return wraps(answer)(lambda *args, **kwargs: changed(answer(*args, **kwargs), change))


def as_numpy_scalar(part):
    kinds = {bool: np.bool_, int: np.int64, float: np.float32}
    return kinds[type(part)](part) if type(part) in kinds else part


def as_numpy_array(part):
    return np.array(part) if isinstance(part, bool | int | float) else part


def on_gpu(part):
    """Return what somebody has who works on a GPU. (What a function is called with still lies on the CPU.)"""
    if isinstance(part, nn.Module):
        return copy.deepcopy(part).to("cuda")
    return part.to("cuda") if isinstance(part, torch.Tensor) and part.is_cpu else part


@each_exercise
def test_right_answers_are_accepted(number):
    """The folded solution and others, also with NumPy's numbers, from a GPU, and whatever the defaults are."""
    changes = [as_numpy_scalar, as_numpy_array, *[on_gpu] * torch.cuda.is_available()]
    for text in (SOLUTION, *RIGHT[number]):
        answers = given(number, text)
        verdicts = [judge(number, *answers), *(judge(number, *changed(answers, change)) for change in changes)]
        with defaults(torch.float64, "meta"):
            verdicts.append(judge(number, *answers))
        assert {verdict.status for verdict in verdicts} == {"correct"}, (text, verdicts)


@each_exercise
def test_a_check_leaves_the_random_numbers_alone(number):
    answers = given(number, SOLUTION)
    before = torch.get_rng_state()
    judge(number, *answers)
    assert torch.equal(torch.get_rng_state(), before)


@each_exercise
def test_wrong_answers_get_their_own_hint(number):
    """Three hints at least; two answers share one only where the table says so."""
    words = {}
    for wrong in wrong_answers(number):
        status, message = judge(number, *wrong.answers)
        assert status == "wrong" and wrong.words in message, (wrong.text, message)
        words.setdefault(message, set()).add(wrong.words)
    assert len(words) >= 3
    assert not [shared for shared in words.values() if len(shared) > 1]


@each_exercise
def test_blanks_are_not_attempted(number):
    for text in (in_lesson(number).blank, *BLANK.get(number, [])):
        assert judge(number, *given(number, text)).status == "not attempted", text


def test_every_exercise_of_the_lessons_has_its_tables():
    in_lessons = [one.number for path in rules.LESSONS for one in rules.exercises(rules.read(path))]
    assert list(RIGHT) == list(WRONG) == in_lessons


@each_exercise
def test_each_misconception_stands_in_the_index(number):
    index = (rules.LESSONS[0].parent / "misconceptions.ipynb").read_text(encoding="utf-8")
    for wrong in wrong_answers(number):
        assert wrong.misconception is None or f'"{wrong.misconception}. **' in index, wrong


@each_exercise
def test_what_readers_are_told_is_written_in_sentences(number):
    """Whole ones, with a capital letter after a full stop and nothing shouted; what Python says is left out."""
    for text in (SOLUTION, *RIGHT[number], *WRONG[number], *BLANK.get(number, [])):
        message = judge(number, *given(number, text)).message
        if "Error" not in message:
            assert message[-1] in ".?", message
            assert not re.search(r"[^.][.?] (a|[a-z]{2,})[ ,]", message), message
            assert not re.search(r"[A-Z]{4,}", message), message


@each_exercise
def test_no_hint_gives_the_answer_away(number):
    """The end of the solution, that is, if it is more than a name or a number."""
    *_, end = in_lesson(number).solution.splitlines()
    answer = re.sub(r"^ *(return |\w+ = )", "", end)
    if len(answer) > 3 and not answer.isidentifier():
        assert not [
            hint for wrong in wrong_answers(number) if answer in (hint := judge(number, *wrong.answers).message)
        ]


@each_exercise
def test_numbers_are_called_what_they_are_called_in_the_lesson(number):
    answers = given(number, SOLUTION)
    for index, (answer, name) in enumerate(zip(answers, in_lesson(number).answers, strict=True)):
        if isinstance(answer, int | float) and not isinstance(answer, bool):
            message = judge(number, *answers[:index], "a text", *answers[index + 1 :]).message
            assert message == f"{name} should be one number, this is str."


@each_exercise
def test_there_is_a_second_hint_and_the_section_it_names(number, capsys):
    for _ in range(3):
        lk.check(number, *wrong_answers(number)[0].answers)
    hint = " ".join(capsys.readouterr().out.split()).partition("A second hint: ")[2]
    assert hint[-1] in ".?" and "`" not in hint
    source = "\n".join(cell.source for cell in rules.read_lesson(number[:2]).cells)
    for section in re.findall(r"[Ss]ection (\d+)", hint):
        assert f"\n## {section} · " in source


STRANGE = {
    "text": "7",
    "nan": math.nan,
    "infinite": math.inf,
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
    "module": nn.Linear(2, 1),
    "returns text": lambda *args: "seven",
    "returns nan": lambda *args: torch.tensor(math.nan),
    "returns a list": lambda *args: [1, 2],
    "returns its first argument": lambda *args: args[0] if args else 0,
    "raises": lambda *args: 1 / 0,
    "wants nothing": lambda: 1,
}


@each_exercise
def test_strange_answers_are_wrong_and_make_no_check_stumble(number):
    """Answers that nobody meant as answers, in place of the first that is asked for."""
    for kind, answer in STRANGE.items():
        verdict = judge(number, answer, *given(number, SOLUTION)[1:])
        assert verdict.status in ("wrong", "not attempted"), (kind, verdict)
        assert "stumbles" not in verdict.message, (kind, verdict)


def test_04_1_says_that_two_calls_walk_twice():
    once, twice = (judge("04.1", *given("04.1", text)).message for text in (SOLUTION, *RIGHT["04.1"]))
    assert "One call would walk once" in twice
    assert "One call would walk once" not in once


@pytest.mark.parametrize("name", ["sin", "tanh", "square", "triple", "exp"])
def test_pytorch_refuses_a_changed_result_where_04_3_says_so(name):
    operation = {"triple": lambda x: 3 * x}.get(name) or getattr(torch, name)
    x = torch.tensor(0.5, requires_grad=True)
    y = operation(x)
    y.add_(1)
    with pytest.raises(RuntimeError, match="inplace") if name in ("tanh", "exp") else nullcontext():
        torch.autograd.grad(y, x)


def six_losses(lr=0.01, reset="before", reduction="mean"):
    """What exercise 06.3 shows, from an actual training with the mistake in it."""
    data = double_line()
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    losses = []
    for _ in range(6):
        loss = nn.functional.mse_loss(model(data.X_train), data.y_train, reduction=reduction)
        losses.append(loss.item() / (4 if reduction == "sum" else 1))
        if reset == "before":
            optimizer.zero_grad()
        loss.backward()
        if reset == "between":
            optimizer.zero_grad()
        optimizer.step()
    return " | ".join(f"{value:.2f}" for value in losses)


def test_the_sick_trainings_of_06_3_are_real():
    trainings = {"healthy": {}, "A": {"reset": "never"}, "B": {"lr": 0.2}, "C": {"reset": "between"}}
    for name, mistake in (trainings | {"D": {"reduction": "sum"}}).items():
        assert f"| {name} | {six_losses(**mistake)} |" in in_lesson("06.3").text


def test_the_best_rate_of_08_1_is_no_close_call():
    """Else rounding on another machine could make another rate the best one."""
    data = noisy_line()
    runs = train_many(data.X_train, data.y_train, lrs=LRS, batch_sizes=[1, 10], seeds=range(5), num_steps=25)
    for final, best_lr in zip(runs.losses[..., -1].mean(dim=2).T, (0.05, 0.1), strict=True):
        best, second = final.sort().values[:2]
        assert LRS[final.argmin()] == best_lr and second > 1.01 * best
