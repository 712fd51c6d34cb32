"""The checks of notebook 03 tell typical wrong answers apart and accept right ones written differently."""

import math

import torch
from exercise_answers import ExerciseAnswers


class Number:
    """The class of the notebook, as far as the exercise needs it."""

    def __init__(self, value, made_from=()):
        self.value = value
        self.made_from = made_from
        self.grad = 0


def node(value=math.tanh, slope=None):
    """An answer to 03.2 with this value, and one arrow with this local derivative."""
    return lambda number: Number(value(number.value), [(number, slope(number.value))])


def tanh(number):
    t = math.tanh(number.value)
    return Number(t, [(number, 1 - t**2)])


def tanh_by_exp(number):
    up, down = math.exp(number.value), math.exp(-number.value)
    return Number((up - down) / (up + down), ((number, 1 / math.cosh(number.value) ** 2),))


def blank(number):
    t = ...
    return Number(t, ...)


RIGHT = [
    ("03.1", (4, 3, 1, 1, 30, 150), (4.0, 3.0, 1.0, 1.0, 2 * 15, torch.tensor(150.0))),
    ("03.2", (tanh, Number), (tanh_by_exp, Number)),
    ("03.3", (5, 4), (2 * 2 * 1 + 1, torch.tensor(4))),
    ("03.4", (["mul", "add", "add", "relu"],), (("Mul", "add", "add", "ReLU"),)),
]

WRONG = [
    ("03.1", (3, 4, 1, 1, 30, 150), "exchanged"),
    ("03.1", (4, 3, 12, 3, 30, 150), "you gave a value"),
    ("03.1", (4, 3, 1, 5, 30, 150), "straight to q"),
    ("03.1", (4, 3, 1, 1, 15, 75), "a factor is missing"),
    ("03.1", (4, 3, 1, 1, 6, 30), "not x"),
    ("03.1", (4, 3, 1, 1, 99, 150), "f_from_q is not right yet"),
    ("03.1", (5, 3, 1, 1, 30, 150), "p_from_x is not right yet"),
    ("03.1", (4, 3, 1, 1, 30, 120), "only the path through p"),
    ("03.1", (4, 3, 1, 1, 30, 30), "only the short path"),
    ("03.1", (4, 3, 1, 1, 30, 75), "not with the value of q"),
    ("03.1", (4, 3, 1, 1, 30, 0), "then add the paths"),
    ("03.1", (4, 3, 1, 1, 30, "150"), "grad_x should be one number"),
    ("03.2", (node(slope=lambda x: 1 - x**2), Number), "what is t?"),
    ("03.2", (node(slope=lambda x: 1 - math.tanh(x)), Number), "has a square in it"),
    ("03.2", (node(slope=math.tanh), Number), "carries the value"),
    ("03.2", (node(slope=lambda x: math.tanh(x) ** 2 - 1), Number), "sign"),
    ("03.2", (lambda number: Number(math.tanh(number.value)), Number), "made_from is empty"),
    ("03.2", (lambda number: tanh(Number(number.value)), Number), "does not start at the number"),
    ("03.2", (lambda number: Number(math.tanh(number.value), (number, 0.5)), Number), "list of pairs"),
    ("03.2", (lambda number: Number(math.tanh(number.value), [(number, 1), (number, 1)]), Number), "one arrow"),
    ("03.2", (lambda number: math.tanh(number.value), Number), "This is float"),
    ("03.2", (node(math.sin, math.cos), Number), "not the tanh"),
    ("03.2", (node(slope=lambda x: 0.5), Number), "the local derivative is not"),
    ("03.2", (lambda number: Number(math.tanh(number), [(number, 1)]), Number), "want a plain number"),
    ("03.2", (lambda: None, Number), "raises TypeError"),
    ("03.2", (0.5, Number), "a function is asked for"),
    ("03.2", (tanh, Number(1)), "the class Number"),
    ("03.3", (2, 4), "along one arrow each"),
    ("03.3", (3, 4), "a single arrow"),
    ("03.3", (4, 4), "another way"),
    ("03.3", (6, 4), "number of arrows. A path"),
    ("03.3", (99, 4), "num_paths is not right"),
    ("03.3", (5, 5), "How does `backward` go?"),
    ("03.3", (5, 9), "How does `backward` go?"),
    ("03.3", (5, 6), "nodes are asked for"),
    ("03.3", (5, 3), "the first and the last"),
    ("03.3", (5, 99), "in_order(c)"),
    ("03.4", (["mul", "sin", "add", "add", "relu"],), "Is that branch taken"),
    ("03.4", (["mul", "add", "relu"],), "more than once"),
    ("03.4", (["mul", "add", "add", "add", "relu"],), "How many rounds"),
    ("03.4", (["mul", "mul", "add", "add", "relu"],), "two arrows"),
    ("03.4", (["mul", "add", "add"],), "last line"),
    ("03.4", (["relu", "add", "add", "mul"],), "not in the order"),
    ("03.4", (["if", "mul", "add", "add", "relu"],), "Python's business"),
    ("03.4", (["mul", "plus", "relu"],), "not 'plus'"),
    ("03.4", ("mul add add relu",), "give a list"),
]

BLANKS = [
    ("03.1", (...,) * 6, (4, 3, 1, 1, 30, ...)),
    (
        "03.2",
        (blank, Number),
        (lambda number: Number(math.tanh(number.value), ...), Number),
        (lambda number: Number(math.tanh(number.value), [(number, ...)]), Number),
    ),
    ("03.3", (..., ...)),
    ("03.4", (...,), (["mul", ...],)),
]


class TestAnswers(ExerciseAnswers):
    right, wrong, blanks = RIGHT, WRONG, BLANKS
