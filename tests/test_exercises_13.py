"""The checks of notebook 13 tell typical wrong answers apart and accept right ones written differently."""

import torch
import torch.nn.functional as F
from exercise_answers import ExerciseAnswers


def rows_chunked(N, rank, world_size):
    size = -(-N // world_size)
    return range(N)[rank * size : (rank + 1) * size]


def rows_dropped(N, rank, world_size):
    size = N // world_size
    return range(rank * size, (rank + 1) * size)


def rows_padded(N, rank, world_size):
    size = -(-N // world_size)
    return [row % N for row in range(rank, size * world_size, world_size)]


def part_gradients(w, X, y, num_workers):
    return [
        torch.autograd.grad(F.mse_loss(X_part @ w, y_part), w)[0]
        for X_part, y_part in zip(X.chunk(num_workers), y.chunk(num_workers), strict=True)
    ]


def step(direction):
    """An answer to 13.3 that makes a direction of the gradients of the parts, and steps against it."""
    return lambda w, X, y, num_workers, lr: w.detach() - lr * direction(part_gradients(w, X, y, num_workers))


def parts_of_k_rows(w, X, y, num_workers, lr):
    for X_part, y_part in zip(X.split(num_workers), y.split(num_workers), strict=True):
        (F.mse_loss(X_part @ w, y_part) / num_workers).backward()
    return w.detach() - lr * w.grad


def whole(w, X, y, num_workers, lr):
    return w - lr * torch.autograd.grad(F.mse_loss(X @ w, y), w)[0]


def the_gradient(w, X, y, num_workers, lr):
    return sum(part_gradients(w, X, y, num_workers)) / num_workers


def one_after_the_other(w, X, y, num_workers, lr):
    for X_part, y_part in zip(X.chunk(num_workers), y.chunk(num_workers), strict=True):
        w = w - lr * torch.autograd.grad(F.mse_loss(X_part @ w, y_part), w)[0]
    return w


def in_place(w, X, y, num_workers, lr):
    gradient = sum(part_gradients(w, X, y, num_workers)) / num_workers
    with torch.no_grad():
        w -= lr * gradient
    return w


def old_gradient_added(w, X, y, num_workers, lr):
    for X_part, y_part in zip(X.chunk(num_workers), y.chunk(num_workers), strict=True):
        (F.mse_loss(X_part @ w, y_part) / num_workers).backward()
    return w.detach() - lr * w.grad


RIGHT = [
    ("13.1", [32, 30, 0.04], [torch.tensor(32), 960 / 32, 4 * 0.01]),
    (
        "13.2",
        [lambda N, rank, world_size: list(range(rank, N, world_size))],
        [lambda N, rank, world_size: torch.arange(N).tensor_split(world_size)[rank]],
    ),
    ("13.3", [step(lambda grads: sum(grads) / len(grads))], [whole]),
]

WRONG = [
    ("13.1", [8, 30, 0.04], "the batch of one of the workers"),
    ("13.1", [2, 30, 0.04], "they do not share 8"),
    ("13.1", [240, 30, 0.04], "in a whole epoch"),
    ("13.1", [12, 30, 0.04], "do all workers see in one step"),
    ("13.1", [32, 120, 0.04], "one worker would need so many steps"),
    ("13.1", [32, 240, 0.04], "each worker sees so many examples"),
    ("13.1", [32, 480, 0.04], "one after the other"),
    ("13.1", [32, 31, 0.04], "How often do the examples"),
    ("13.1", [32, 30, 0.01], "would not get as far"),
    ("13.1", [32, 30, 0.0025], "Should they be shorter"),
    ("13.1", [32, 30, 0.02], "square root"),
    ("13.1", [32, 30, 0.32], "not how large it is"),
    ("13.1", [32, 30, 0.05], "how many times as large"),
    ("13.1", ["32", 30, 0.04], "should be one number"),
    ("13.2", [lambda N, rank, world_size: range(N)], "every worker takes all rows"),
    ("13.2", [lambda N, rank, world_size: range(0, N, world_size)], "Does your function use rank?"),
    ("13.2", [rows_dropped], "with N = 7 and 2 workers, nobody takes row 6"),
    ("13.2", [rows_padded], "row 0 is taken twice. That is padding"),
    ("13.2", [rows_chunked], "the shares have 3, 3, 3, 1 rows"),
    ("13.2", [lambda N, rank, world_size: range(rank + 1, N + 1, world_size)], "the number 0"),
    ("13.2", [lambda N, rank, world_size: range(rank, N + 1, world_size)], "there is no row 6"),
    ("13.2", [lambda N, rank, world_size: range(rank - 1, N, world_size)], "there is no row -1"),
    ("13.2", [lambda N, rank, world_size: range(rank, N)], "row 1 is taken twice."),
    ("13.2", [lambda N, rank, world_size: range(N) if rank == 0 else []], "the shares have 6, 0 rows"),
    ("13.2", [lambda N, rank, world_size: N // world_size], "This is int"),
    ("13.2", [lambda N, rank, world_size: [0.5]], "whole numbers"),
    ("13.2", [[0, 2, 4]], "a function is asked for"),
    ("13.3", [step(sum)], "num_workers times too long"),
    ("13.3", [step(lambda grads: -sum(grads) / len(grads))], "uphill"),
    ("13.3", [step(lambda grads: sum(grads) / len(grads) ** 2)], "divided twice"),
    ("13.3", [step(lambda grads: grads[-1])], "of one of the workers alone"),
    ("13.3", [parts_of_k_rows], "chunk(k) makes k parts"),
    ("13.3", [one_after_the_other], "one after the other"),
    ("13.3", [in_place], "changes w itself"),
    ("13.3", [the_gradient], "The weight after the step is asked for"),
    ("13.3", [step(lambda grads: sum(grads) / 3)], "but not for two."),
    ("13.3", [old_gradient_added], "no gradient from before"),
    ("13.3", [lambda w, X, y, num_workers, lr: w.detach()], "Check the gradient of one part"),
    ("13.3", [lambda w, X, y, num_workers, lr: w.T], "should have shape (2, 1)"),
]

BLANKS = [
    ("13.1", [32, ..., 0.04]),
    ("13.2", [lambda N, rank, world_size: ...], [lambda N, rank, world_size: [...]]),
    ("13.3", [lambda w, X, y, num_workers, lr: ...]),
]


class TestAnswers(ExerciseAnswers):
    right, wrong, blanks = RIGHT, WRONG, BLANKS
