"""The checks of notebook 01 tell typical wrong answers apart and accept right ones written differently."""

import numpy as np
import torch
from exercise_answers import ExerciseAnswers

from lecturekit.checks import judge

SHARES = {
    "x[1]": True,
    "x[[1]]": False,
    "x[x >= 0]": False,
    "x.T": True,
    "x.reshape(6)": True,
    "x.T.reshape(6)": False,
}


def by_memory():
    """The same, found by writing into each."""
    answers = {}
    for name in SHARES:
        x = torch.arange(6.0).reshape(2, 3)
        part = eval(name, {"x": x})
        part += 100
        answers[name] = torch.tensor(bool((x >= 100).any()))
    return answers


def loss(y_hat, y_array):
    return ((y_hat.reshape(-1, 1) - torch.from_numpy(y_array).float()) ** 2).mean()


def loss_by_dot_product(y_hat, y_array):
    error = y_hat.double() - torch.tensor(y_array).squeeze(1)
    return (error @ error / len(error)).float()


def loss_that_writes(y_hat, y_array):
    y = torch.from_numpy(y_array)
    y -= y_hat[:, None]
    return (y**2).mean().float()


def in_place(mean=lambda X: X.mean(dim=0), std=lambda X: X.std(dim=0)):
    """A right answer to 01.4 with one of its parts replaced."""

    def function(X):
        subtrahend, divisor = mean(X), std(X)
        X -= subtrahend
        X /= divisor
        return X

    return function


def standardise_by_methods(X):
    X.sub_(X.mean(0, keepdim=True)).div_(X.std(0, keepdim=True))


def standardise_column_by_column(X):
    for column in range(X.shape[1]):
        X[:, column] = (X[:, column] - X[:, column].mean()) / X[:, column].std()


def standardise_into(X):
    X.copy_((X - X.mean(0)) / X.std(0))


def rebound(X):
    X = (X - X.mean(0)) / X.std(0)


def other_memory(X):
    X.data = (X - X.mean(0)) / X.std(0)


def scaled_first(X):
    mean = X.mean(dim=0)
    X /= X.std(dim=0)
    X -= mean


def forgotten_brackets(X):
    X -= X.mean(dim=0) / X.std(dim=0)


def empty(X): ...


RIGHT = [
    (
        "01.1",
        [(1, 2, 4, 5)],
        [[-2, 2, -1, 5]],
        [torch.tensor([1, 2, 4, 5])],
        [np.unravel_index(345, (3, 4, 5, 10))],
        [torch.unravel_index(torch.tensor(345), (3, 4, 5, 10))],
    ),
    ("01.2", [SHARES], [by_memory()], [{name: int(shared) for name, shared in reversed(SHARES.items())}]),
    ("01.3", [loss], [loss_by_dot_product]),
    ("01.4", [in_place()], [standardise_by_methods], [standardise_column_by_column], [standardise_into]),
]

WRONG = [
    ("01.1", [(2, 3, 5, 6)], "1 too large"),
    ("01.1", [(5, 4, 2, 1)], "in reverse"),
    ("01.1", [(0, 3, 4, 5)], "these are the digits"),
    ("01.1", [(1, 2, 4, 6)], "leads to 346"),
    ("01.1", [(1, 0, 14, 5)], "out of the tensor"),
    ("01.1", [(3, 4, 5)], "four numbers"),
    ("01.1", [345], "four numbers"),
    ("01.1", [(1.0, 2, 4, 5)], "whole number"),
    ("01.2", [SHARES | {"x[1]": False}], "x[1] again"),
    ("01.2", [SHARES | {"x[[1]]": True}], "list or a mask"),
    ("01.2", [SHARES | {"x[x >= 0]": True}], "list or a mask"),
    ("01.2", [SHARES | {"x.T": False}], "transposing"),
    ("01.2", [SHARES | {"x.reshape(6)": False}], "with reshape"),
    ("01.2", [SHARES | {"x.T.reshape(6)": True}], "with reshape"),
    ("01.2", [{name: not shared for name, shared in SHARES.items()}], "wrong way round"),
    ("01.2", [SHARES | {"x[1]": "yes"}], "True or False"),
    ("01.2", [SHARES | {"x.T": torch.tensor([True, False])}], "True or False"),
    ("01.2", [{"x[1]": True}], "leave the dict"),
    ("01.2", [[True] * 6], "leave the dict"),
    ("01.3", [lambda y_hat, y_array: ((y_hat - torch.tensor(y_array).float()) ** 2).mean()], "with each true value"),
    (
        "01.3",
        [lambda y_hat, y_array: ((y_hat[:, None] - torch.tensor(y_array)) ** 2).mean()],
        "dtype of the NumPy array",
    ),
    ("01.3", [lambda y_hat, y_array: (y_hat[:, None] - torch.from_numpy(y_array).float()) ** 2], "Where is the mean?"),
    ("01.3", [lambda y_hat, y_array: len(y_hat) * loss(y_hat, y_array)], "that is the sum"),
    ("01.3", [lambda y_hat, y_array: (y_hat[:, None] - torch.from_numpy(y_array).float()).mean() ** 2], "first square"),
    ("01.3", [lambda y_hat, y_array: float(((y_hat.numpy()[:, None] - y_array) ** 2).mean())], "plain Python number"),
    ("01.3", [lambda y_hat, y_array: ((y_hat.numpy()[:, None] - y_array) ** 2).mean()], "still NumPy's"),
    ("01.3", [lambda y_hat, y_array: ((y_hat - y_array) ** 2).mean()], "dtype of the NumPy array"),
    ("01.3", [lambda y_hat, y_array: "0"], "this is str"),
    ("01.3", [loss_that_writes], "changed y_array"),
    ("01.3", [lambda y_hat, y_array: loss(y_hat, y_array).sqrt()], "on paper"),
    ("01.3", [lambda y_hat, y_array: y_hat @ torch.from_numpy(y_array)], "raises RuntimeError"),
    ("01.3", [3], "a function is asked for"),
    ("01.4", [rebound], "gives a new tensor the name"),
    ("01.4", [lambda X: (X - X.mean(0)) / X.std(0)], "returns is a new tensor"),
    ("01.4", [other_memory], "other memory now"),
    ("01.4", [in_place(std=lambda X: 1)], "are not 1 yet"),
    ("01.4", [in_place(mean=lambda X: 0)], "the means are not 0"),
    ("01.4", [scaled_first], "the means are not 0"),
    ("01.4", [in_place(std=lambda X: X.std(dim=0, correction=0))], "divides by N"),
    ("01.4", [in_place(std=lambda X: X.var(dim=0))], "by the variance"),
    ("01.4", [forgotten_brackets], "only the mean was divided"),
    ("01.4", [in_place(torch.mean, torch.std)], "for all of X"),
    ("01.4", [in_place(lambda X: X.mean(1, keepdim=True), lambda X: X.std(1, keepdim=True))], "standardised the rows"),
    ("01.4", [in_place(mean=lambda X: X.mean(dim=1))], "one for each row"),
    ("01.4", [in_place(mean=lambda X: X.mean(dim=0)[:, None])], "raises RuntimeError"),
    ("01.4", [lambda X: X.zero_()], "not right yet"),
    ("01.4", [3], "a function is asked for"),
]

BLANKS = [
    ("01.1", [...], [(1, ..., ..., ...)]),
    ("01.2", [dict.fromkeys(SHARES, ...)], [SHARES | {"x.T": ...}]),
    ("01.3", [lambda y_hat, y_array: ...], [lambda y_hat, y_array: None]),
    ("01.4", [empty]),
]


class TestAnswers(ExerciseAnswers):
    right, wrong, blanks = RIGHT, WRONG, BLANKS


def test_the_check_of_a_tensor_minus_an_array_warns_of_nothing(recwarn):
    judge("01.3", lambda y_hat, y_array: ((y_hat - y_array) ** 2).mean())
    assert not recwarn.list


def test_no_hint_says_what_the_path_is():
    for path in ((2, 3, 5, 6), (0, 0, 0, 0), (9, 9, 9, 9), (0, 3, 4, 5), 3):
        assert "1, 2, 4, 5" not in judge("01.1", path).message
