"""The checks of notebook 08 tell typical wrong answers apart and accept right ones written differently."""

from fractions import Fraction

import numpy as np
import torch
import torch.nn.functional as F
from exercise_answers import ExerciseAnswers
from torch import nn

from lecturekit.data import noisy_line
from lecturekit.exercises.lesson08 import LRS
from lecturekit.lessons.sweep import train_many


def epoch(w, b, X, y, lr, batch_size, order, *, batches=None, both=True, scale=2.0, divide=len, sign=1):
    """The solution of 07.4, with a typical mistake on request."""
    for index in order.split(batch_size) if batches is None else batches(order, batch_size):
        error = X[index] * w + b - y[index]
        w_new = w - sign * lr * scale * (error * X[index]).sum() / divide(index)
        if not both:
            error = X[index] * w_new + b - y[index]
        b = b - sign * lr * scale * error.sum() / divide(index)
        w = w_new
    return w, b


def changed(**mistake):
    return lambda *args: epoch(*args, **mistake)


def with_floats(w, b, X, y, lr, batch_size, order):
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size].tolist()
        errors = [w * X[row].item() + b - y[row].item() for row in rows]
        grad_w = sum(2 * error * X[row].item() for error, row in zip(errors, rows, strict=True)) / len(rows)
        grad_b = sum(2 * error for error in errors) / len(rows)
        w, b = w - lr * grad_w, b - lr * grad_b
    return [w, b]


def with_autograd(w, b, X, y, lr, batch_size, order):
    model = nn.Linear(1, 1)
    with torch.no_grad():
        model.weight.fill_(w)
        model.bias.fill_(b)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for index in order.split(batch_size):
        optimizer.zero_grad()
        F.mse_loss(model(X[index]), y[index]).backward()
        optimizer.step()
    return model.weight, model.bias


def inside_the_loop(w, b, X, y, lr, batch_size, order):
    for index in order.split(batch_size):
        error = X[index] * w + b - y[index]
        return w - lr * (2 * error * X[index]).mean(), b - lr * (2 * error).mean()


def in_place(w, b, X, y, lr, batch_size, order):
    answer = epoch(w, b, X, y, lr, batch_size, order)
    X.zero_()
    return answer


def blank_epoch(w, b, X, y, lr, batch_size, order):
    ...
    return w, b


def weighted(means, sizes):
    return sum(mean * size for mean, size in zip(means, sizes, strict=True)) / sum(sizes)


RIGHT = [
    ("08.1", [0.1], [torch.tensor(0.1)]),
    ("08.2", [2 / 12], [0.1667], [float(Fraction(1, 6))]),
    ("08.3", [256], [16 * (2.0 / 0.5) ** 2]),
    ("08.4", [epoch], [with_floats], [with_autograd]),
    (
        "08.5",
        [weighted],
        [lambda means, sizes: torch.tensor(means) @ torch.tensor(sizes, dtype=torch.float32) / sum(sizes)],
        [lambda means, sizes: float(np.average(means, weights=sizes))],
    ),
]

WRONG = [
    ("08.1", [0.02], "still on their way"),
    ("08.1", [0.6], "tremble too much"),
    ("08.1", [0.05], "single examples"),
    ("08.1", [0.5], "full batch"),
    ("08.1", [0.25], "none of the rates"),
    ("08.1", [4], "none of the rates"),
    ("08.1", ["0.1"], "should be one number"),
    ("08.2", [0.17], "four digits"),
    ("08.2", [1 / 12], "one step leads to the bottom"),
    ("08.2", [1], "brings its x²"),
    ("08.2", [2 / 6], "factor 2 of the square"),
    ("08.2", [2 / 36], "for the sum"),
    ("08.2", [12], "that is the curvature"),
    ("08.2", [2 / 14], "twice by w"),
    ("08.2", [-1 / 6], "is positive"),
    ("08.2", [0.12], "still converges"),
    ("08.2", [0.2], "diverges there"),
    ("08.3", [64], "with the root"),
    ("08.3", [4], "more noise"),
    ("08.3", [1], "more noise"),
    ("08.3", [32], "only down to 1.4"),
    ("08.3", [16], "to start with"),
    ("08.3", [12.5], "whole number"),
    ("08.3", [128], "more than 0.5"),
    ("08.3", [1024], "less than 0.5"),
    ("08.4", [changed(batches=lambda order, B: torch.arange(5).split(B))], "rows as they stand"),
    ("08.4", [changed(batches=lambda order, B: order.split(B)[:-1])], "last batch is missing"),
    ("08.4", [inside_the_loop], "inside the loop"),
    ("08.4", [changed(batches=lambda order, B: [order])], "all the examples"),
    ("08.4", [changed(batches=lambda order, B: order.split(1))], "for each example"),
    ("08.4", [changed(batches=lambda order, B: order.argsort().split(B))], "comes at place i"),
    ("08.4", [changed(divide=lambda index: 1)], "add up the gradients of a batch"),
    ("08.4", [changed(scale=1.0)], "derivative of a square"),
    ("08.4", [changed(divide=lambda index: 2)], "fewer examples"),
    ("08.4", [changed(sign=-1)], "uphill"),
    ("08.4", [changed(both=False)], "with the new w"),
    ("08.4", [changed(scale=3.0)], "on paper"),
    ("08.4", [lambda w, b, X, y, lr, batch_size, order: epoch(w, b, X, y, lr, 2, order)], "not for one batch of all"),
    ("08.4", [in_place], "changes X, y or order"),
    ("08.4", [lambda *args: epoch(*args)[0]], "pair of numbers"),
    ("08.4", [lambda w, b, X, y, lr, batch_size, order: (X * w, b + 1)], "w should be one number"),
    ("08.4", [0.5], "a function is asked for"),
    ("08.5", [lambda means, sizes: sum(means) / len(means)], "mean of the batch means"),
    ("08.5", [lambda means, sizes: 10 * weighted(means, sizes)], "sum over all"),
    ("08.5", [lambda means, sizes: 10 * weighted(means, sizes) / len(sizes)], "number of batches"),
    ("08.5", [lambda means, sizes: sum(means) / sum(sizes)], "not weighted"),
    ("08.5", [lambda means, sizes: 10 * weighted(means, sizes) / sizes[0]], "size of the first batch"),
    ("08.5", [lambda means, sizes: weighted(means[:-1], sizes[:-1])], "last batch is missing"),
    ("08.5", [lambda means, sizes: (4 * means[0] + 4 * means[1] + 2 * means[-1]) / 10], "batches of 1 and 3"),
    ("08.5", [lambda means, sizes: means[0]], "sum of their losses"),
    ("08.5", [lambda means, sizes: means * sizes], "raises TypeError"),
]

BLANKS = [
    ("08.1", [...]),
    ("08.2", [...]),
    ("08.3", [...]),
    ("08.4", [blank_epoch]),
    ("08.5", [lambda means, sizes: ...]),
]


class TestAnswers(ExerciseAnswers):
    right, wrong, blanks = RIGHT, WRONG, BLANKS


def test_the_best_rate_of_the_runs_is_no_close_call():
    """Else rounding on another machine could make another rate the best one."""
    data = noisy_line()
    runs = train_many(data.X_train, data.y_train, lrs=LRS, batch_sizes=[1, 10], seeds=range(5), num_steps=25)
    for final in runs.losses[..., -1].mean(dim=2).T:
        best, second = final.sort().values[:2]
        assert second > 1.01 * best
