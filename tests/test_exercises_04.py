"""The checks of notebook 04 tell typical wrong answers apart and accept right ones written differently."""

from contextlib import nullcontext

import pytest
import torch
from exercise_answers import ExerciseAnswers

from lecturekit.checks import judge


def formula(x, y):
    return x * y + y**2


def two_calls(x, y):
    f = formula(x, y)
    return [torch.autograd.grad(f, x, retain_graph=True)[0], torch.autograd.grad(f, y)[0]]


def used_up(x, y):
    f = formula(x, y)
    return torch.autograd.grad(f, x)[0], torch.autograd.grad(f, y)[0]


def filled(x, y):
    formula(x, y).backward()
    return x.grad, y.grad


def filled_then_emptied(x, y):
    formula(x, y).backward()
    answer = x.grad, y.grad
    x.grad = y.grad = None
    return answer


def emptied_and_filled(x, y):
    x.grad = y.grad = None
    return filled(x, y)


def round_without_recording(x):
    with torch.no_grad():
        step = torch.round(x) - x
    return step + x


def change_x(x):
    with torch.no_grad():
        x.round_()
    return x * 1


def forget_return(x):
    torch.round(x)


RIGHT = [
    ("04.1", [lambda x, y: torch.autograd.grad(formula(x, y), (x, y))], [two_calls]),
    ("04.2", [12, 17, 4], [torch.tensor(12.0), 17.0, torch.tensor([4])]),
    ("04.3", [["tanh", "exp"]], [{"Exp", "tanh "}]),
    ("04.4", [lambda x: x + (torch.round(x) - x).detach()], [round_without_recording]),
]

WRONG = [
    ("04.1", [used_up], "uses the graph up"),
    ("04.1", [filled], "fills .grad"),
    ("04.1", [emptied_and_filled], "fills .grad"),
    ("04.1", [filled_then_emptied], "empties .grad"),
    ("04.1", [lambda x, y: torch.autograd.grad(formula(x, y), x)], "only one derivative"),
    ("04.1", [lambda x, y: torch.autograd.grad(formula(x, y), x, y)], "as one tuple: (x, y)"),
    ("04.1", [lambda x, y: torch.autograd.grad(formula(x, y), (x, y, y))], "return two derivatives"),
    ("04.1", [lambda x, y: torch.autograd.grad(formula(x, y), (y, x))], "exchanged"),
    ("04.1", [lambda x, y: [torch.autograd.grad(formula(x, y), part) for part in (x, y)]], "is a tuple"),
    ("04.1", [lambda x, y: torch.autograd.grad(x * y, (x, y))], "only one of its two parts"),
    ("04.1", [lambda x, y: (y, 2 * y)], "only one of its two parts"),
    (
        "04.1",
        [lambda x, y: torch.autograd.grad(x * y.detach() + y.detach() ** 2, (x, y), allow_unused=True)],
        "is None",
    ),
    ("04.1", [lambda x, y: (x + y, x)], "∂f/∂x is not right"),
    ("04.1", [lambda x, y: (y, x - y)], "∂f/∂x is right, ∂f/∂y is not"),
    ("04.1", [lambda x, y: (2, 7)], "should be a tensor"),
    ("04.1", [lambda x, y: (y, x + 2 * y)], "nothing went backward"),
    ("04.1", [7], "a function is asked for"),
    ("04.2", [8, 17, 4], "the value of x³"),
    ("04.2", [6, 17, 4], "a factor and a square"),
    ("04.2", [100, 17, 4], "first is not right"),
    ("04.2", [12, 5, 4], "new derivative alone"),
    ("04.2", [12, 22, 4], "the value of 5x"),
    ("04.2", [12, 60, 4], "second is not right"),
    ("04.2", [12, 17, 16], "torch.autograd.grad add"),
    ("04.2", [12, 17, 21], "x.grad = None"),
    ("04.2", [12, 17, 12], "goes elsewhere"),
    ("04.2", [12, 17, 100], "third is not right"),
    ("04.2", [12, "17", 4], "second should be one number"),
    ("04.3", ["exp"], "give a list"),
    ("04.3", [["exp", "cos"]], "none of the five"),
    ("04.3", [["sin", "square", "triple"]], "other way round"),
    ("04.3", [["tanh", "exp", "triple"]], "take triple out"),
    ("04.3", [["tanh", "exp", "sin"]], "take sin out"),
    ("04.3", [["square", "exp"]], "take square out"),
    ("04.3", [[]], "some of them do fail"),
    ("04.3", [["exp"]], "derivative of tanh"),
    ("04.3", [["tanh"]], "its own derivative"),
    ("04.4", [torch.round], "the derivative is 0"),
    ("04.4", [torch.round], "Start from x"),
    ("04.4", [lambda x: torch.round(x).detach()], "everything is detached"),
    ("04.4", [lambda x: x], "the value is x,"),
    ("04.4", [lambda x: x + torch.round(x).detach()], "x + round(x)"),
    ("04.4", [lambda x: x.detach() + torch.round(x) - x], "the derivative is −1"),
    ("04.4", [lambda x: x * (torch.round(x) / x).detach()], "not 1 everywhere"),
    ("04.4", [lambda x: torch.round(x.detach()).requires_grad_()], "the x that came in"),
    ("04.4", [change_x], "changed x itself"),
    ("04.4", [torch.floor], "not torch.round(x)"),
    ("04.4", [lambda x: torch.round(x).sum()], "should have shape (3,)"),
    ("04.4", [lambda x: x.rounded()], "raises AttributeError"),
]

BLANKS = [
    ("04.1", [lambda x, y: ...]),
    ("04.2", [12, ..., 4]),
    ("04.3", [...], [["exp", ...]]),
    ("04.4", [lambda x: ...], [forget_return]),
]


class TestAnswers(ExerciseAnswers):
    right, wrong, blanks = RIGHT, WRONG, BLANKS


def test_04_1_says_that_two_calls_walk_twice():
    advice = "One call would walk once"
    assert advice in judge("04.1", two_calls).message
    assert advice not in judge("04.1", lambda x, y: torch.autograd.grad(formula(x, y), (x, y))).message


@pytest.mark.parametrize("name", ["sin", "tanh", "square", "triple", "exp"])
def test_pytorch_refuses_a_changed_result_where_04_3_says_so(name):
    operation = {"triple": lambda x: 3 * x}.get(name) or getattr(torch, name)
    x = torch.tensor(0.5, requires_grad=True)
    y = operation(x)
    y.add_(1)
    with pytest.raises(RuntimeError, match="inplace") if name in ("tanh", "exp") else nullcontext():
        torch.autograd.grad(y, x)
