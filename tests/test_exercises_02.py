"""The checks of notebook 02 tell typical wrong answers apart and accept right ones written differently."""

import torch
from exercise_answers import ExerciseAnswers

COPIES = {
    'x.to("cpu")': True,
    'x.to("meta")': False,
    "x.to(torch.float32)": True,
    "x.to(torch.float64)": False,
    "x.float()": True,
    "x.cpu()": True,
}


def ones_like_x(X):
    return torch.cat([X, torch.ones(X.shape[0], 1, device=X.device, dtype=X.dtype)], dim=1)


def filled(X):
    table = torch.ones(X.shape[0], X.shape[1] + 1, dtype=X.dtype, device=X.device)
    table[:, :-1] = X
    return table


def left_on_the_cpu(X):
    if X.device.type == "cpu":
        return ones_like_x(X)
    return torch.ones(X.shape[0], X.shape[1] + 1)


def overwrites(X):
    result = ones_like_x(X)
    X.zero_()
    return result


RIGHT = [
    (
        "02.1",
        [COPIES],
        [{name: int(same) for name, same in COPIES.items()}],
        [{name: torch.tensor(same) for name, same in COPIES.items()}],
    ),
    (
        "02.2",
        [ones_like_x],
        [lambda X: torch.hstack((X, X.new_ones(len(X), 1)))],
        [lambda X: torch.cat([X, torch.ones(X.shape[0], 1).to(X)], dim=1)],
        [filled],
    ),
    ("02.3", [20_000_000], [2e7], [torch.tensor(20_000_000)]),
]

WRONG = [
    ("02.1", [{name: not same for name, same in COPIES.items()}], "wrong way round"),
    ("02.1", [COPIES | {'x.to("meta")': True}], "can two devices share memory"),
    ("02.1", [COPIES | {'x.to("cpu")': False}], "Where does x lie"),
    ("02.1", [COPIES | {"x.cpu()": False}], "Where does x lie"),
    ("02.1", [COPIES | {"x.to(torch.float32)": False}], "Which one does x have already"),
    ("02.1", [COPIES | {"x.to(torch.float64)": True}], "Which one does x have already"),
    ("02.1", [COPIES | {"x.float()": False}], "Which one does x have already"),
    ("02.1", [COPIES | {"x.cpu()": "yes"}], "True or False"),
    ("02.1", [[True, False]], "leave the dict as it is"),
    ("02.2", [lambda X: torch.cat([X, torch.ones(X.shape[0], 1, dtype=X.dtype)], dim=1)], "your ones on another"),
    (
        "02.2",
        [lambda X: torch.cat([X, torch.ones(X.shape[0], 1, device=X.device)], dim=1)],
        "(decimal numbers of 2 bytes), your table is torch.float32",
    ),
    (
        "02.2",
        [lambda X: torch.cat([X.cpu(), torch.ones(X.shape[0], 1, dtype=X.dtype)], dim=1)],
        "fetches X from its device",
    ),
    ("02.2", [lambda X: torch.tensor([[*row, 1] for row in X.tolist()], dtype=X.dtype)], "fetches X from its device"),
    (
        "02.2",
        [lambda X: torch.cat([torch.from_numpy(X.numpy()), torch.ones(len(X), 1, dtype=X.dtype)], dim=1)],
        "fetches X from its device",
    ),
    ("02.2", [left_on_the_cpu], "should lie where X lies"),
    ("02.2", [overwrites], "has changed X itself"),
    ("02.2", [lambda X: torch.cat([X.new_ones(len(X), 1), X], dim=1)], "and not before them"),
    ("02.2", [lambda X: torch.cat([X, X.new_ones(1, X.shape[1])])], "the ones should be a column"),
    ("02.2", [lambda X: torch.cat([X, torch.ones_like(X)])], "the ones should be a column"),
    ("02.2", [lambda X: torch.cat([X, X.new_zeros(len(X), 1)], dim=1)], "should hold ones"),
    ("02.2", [lambda X: torch.cat([torch.zeros(X.shape), torch.ones(len(X), 1)], dim=1)], "should be those of X"),
    ("02.2", [lambda X: torch.cat([X, torch.ones_like(X)], dim=1)], "should have shape (3, 3)"),
    ("02.2", [lambda X: X.tolist()], "should be a tensor"),
    ("02.2", [lambda X: torch.cat([X, torch.ones(len(X))], dim=1)], "a table of one column"),
    ("02.2", [lambda X: torch.cat([X, torch.ones(2, 1)], dim=1)], "raises RuntimeError"),
    ("02.3", [40_000_000], "Where does the result of X * 2 go"),
    ("02.3", [10_000_000], "only half as many"),
    ("02.3", [80_000_000], "one byte for each element"),
    ("02.3", [160_000_000], "and there are two tables"),
    ("02.3", [2_000_000_000], "How many of them make a row?"),
    ("02.3", [4_000_000_000], "and how many tables"),
    ("02.3", [2_500_000], "number of bits"),
    ("02.3", [21_474_836], "a round number of bytes"),
    ("02.3", [20], "number in millions"),
    ("02.3", [16e9 / 1200], "three tables"),
    ("02.3", [30_000_000], "24 GB: too much"),
    ("02.3", [20_000_001], "16.0000008 GB: too much"),
    ("02.3", [5_000_000], "4 GB: there is still room"),
    ("02.3", [-1], "is positive"),
    ("02.3", ["20 million"], "should be one number"),
]

BLANKS = [
    ("02.1", [COPIES | {"x.cpu()": ...}], [...]),
    ("02.2", [lambda X: ...], [lambda X: None]),
    ("02.3", [...]),
]


class TestAnswers(ExerciseAnswers):
    right, wrong, blanks = RIGHT, WRONG, BLANKS
