"""Exercises of notebook 07, gradient descent versus SGD."""

from __future__ import annotations

import torch

from ..checks import Hint, NotAttempted, as_number, call, close, exercise
from ..data import noisy_line
from ..lessons.sweep import train_many

LRS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1)


@exercise("07.1")
def best_of_the_runs(answer: object) -> str:
    lr = as_number("best_lr", answer)
    if not any(close(lr, known, 1e-6) for known in LRS):
        raise Hint("that is none of the rates in runs.lrs. Answer with a rate, not with its place or a loss.")
    data = noisy_line()
    runs = train_many(data.X_train, data.y_train, lrs=LRS, batch_sizes=[1, 10], seeds=range(5), num_steps=25)
    final = runs.losses[..., -1].mean(dim=2)  # (learning rates, batch sizes)
    single, right = (LRS[i] for i in final.argmin(dim=0).tolist())
    if close(lr, right, 1e-6):
        return "a rate between too slow and too wild."
    if close(lr, single, 1e-6):
        raise Hint("that is the best rate for single examples. Which batch size is asked for?")
    if close(lr, 0.5, 1e-6):
        raise Hint("that is the rate at which the full batch arrives in one step. Which batch size is asked for?")
    if lr < right:
        raise Hint("with this rate the runs are still on their way down after 25 steps.")
    raise Hint("with this rate the runs tremble too much, at least with some seeds.")


@exercise("07.2")
def border(answer: object) -> str:
    lr = as_number("largest_lr", answer)
    steepest, flattest = 2 * 18 / 3, 2.0  # H is diagonal, since the mean of x is 0
    if close(lr, 2 / steepest, 5e-3):
        return "the steepest direction decides."
    typical = {
        "that is where one step leads to the bottom of the steepest direction. Beyond it, GD still converges.": (
            1 / steepest
        ),
        "that is the border of the flattest direction. The other one diverges long before.": 2 / flattest,
        "that is the border of (ŷ − y)² / 2. Is the factor 2 of the derivative in your H?": 4 / steepest,
        "that is the border for the sum of the three squares. The loss is their mean.": 2 / (3 * steepest),
        "that is the curvature. How does the border follow from it?": steepest,
        "you added up the two curvatures. Each direction is a walk of its own.": 2 / (steepest + flattest),
    }
    for words, value in typical.items():
        if close(lr, value, 5e-3):
            raise Hint(words)
    if lr <= 0:
        raise Hint("a learning rate is positive: the minus sign stands in the update already.")
    side = "still converges a little above it" if lr < 2 / steepest else "diverges there"
    raise Hint(f"GD {side}. Write down H for these points: it has zeros beside the diagonal.")


@exercise("07.3")
def less_noise(answer: object) -> str:
    batch_size = as_number("batch_size", answer)
    if batch_size == 256:
        return "sixteen times the work for a quarter of the error."
    if batch_size == 64:
        raise Hint("that would be right if the error fell with the batch size itself. It falls with its root.")
    if batch_size in (1, 4):
        raise Hint("a smaller batch is noisier, not calmer.")
    if batch_size == 32:
        raise Hint("twice the batch brings 2.0 down to 1.4 only.")
    if batch_size == 16:
        raise Hint("that is the size to start with, and its error is 2.0.")
    if batch_size <= 0 or batch_size != round(batch_size):
        raise Hint("a batch size is a whole number of examples.")
    side = "more" if batch_size < 256 else "less"
    raise Hint(f"with that batch size the error would be {side} than 0.5. Solve spread / √B for the spread first.")


@exercise("07.4")
def epoch_by_hand(function: object) -> str:
    # Five rows in batches of 2, so that the last one is short, in an order that is not that of the rows.
    X = torch.tensor([[1.0], [2.0], [-1.0], [3.0], [0.5]])
    y = torch.tensor([[2.0], [-1.0], [4.0], [0.0], [1.0]])
    order = torch.tensor([3, 0, 4, 2, 1])
    w, b, lr, batch_size = 0.5, -1.0, 0.1, 2
    given = [tensor.clone() for tensor in (X, y, order)]

    answer = call(function, w, b, X, y, lr, batch_size, order)
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise Hint("return a pair of numbers, w and b.")
    found = torch.tensor([as_number(name, part) for name, part in zip(("w", "b"), answer, strict=True)])
    if found.tolist() == [w, b]:
        raise NotAttempted("your function returns the w and b that it was given.")
    if not all(torch.equal(a, b) for a, b in zip(given, (X, y, order), strict=True)):
        raise Hint("your function changes X, y or order. Leave them as they are.")
    if close(found, _epoch(w, b, X, y, lr, order.split(batch_size))):
        if not close(
            torch.tensor([as_number("w and b", part) for part in call(function, w, b, X, y, lr, 5, order)]),
            _epoch(w, b, X, y, lr, [order]),
        ):
            raise Hint("right for batches of 2, but not for one batch of all the examples.")
        return "this is all that fit, optimiser and autograd do for you here."
    inverse = order.argsort()
    typical = {
        "you took the rows as they stand. Take them in the given order.": dict(batches=torch.arange(5).split(2)),
        "the short last batch is missing.": dict(batches=order.split(2)[:2]),
        "only the first batch moves w and b. Does your return stand inside the loop?": dict(batches=order.split(2)[:1]),
        "that is one step with all the examples. Cut the order into batches.": dict(batches=[order]),
        "that is one step for each example. Cut the order into batches.": dict(batches=order.split(1)),
        "order[i] says which row comes at place i, not at which place row i comes.": dict(batches=inverse.split(2)),
        "each step is as many times too long as its batch has examples: the loss is a mean.": dict(factor="sum"),
        "all steps are half as long as they should be. What is the derivative of a square?": dict(factor=1.0),
        "the short batch is divided by batch_size. It has fewer examples.": dict(factor="batch_size"),
        "w and b walk uphill. Is your error ŷ − y, and does the update subtract?": dict(sign=-1),
        "b is moved with the w that has moved already. Both need the error from before the step.": dict(both=False),
    }
    for words, mistake in typical.items():
        settings = {"batches": order.split(batch_size), **mistake}
        if close(found, _epoch(w, b, X, y, lr, **settings)):
            raise Hint(words)
    raise Hint("not this. Do the first batch on paper: rows 3 and 0, error = x·w + b − y, then the two means.")


def _epoch(w, b, X, y, lr, batches, *, factor=2.0, sign=1, both=True) -> torch.Tensor:
    """One epoch by the formula, with a typical mistake on request."""
    for index in batches:
        scale = {"sum": 2.0 * len(index), "batch_size": 2.0 * len(index) / 2}.get(factor, factor)
        error = X[index] * w + b - y[index]
        w = w - sign * lr * scale * (error * X[index]).mean().item()
        if not both:
            error = X[index] * w + b - y[index]
        b = b - sign * lr * scale * error.mean().item()
    return torch.tensor([w, b])


@exercise("07.5")
def loss_of_an_epoch(function: object) -> str:
    means, sizes = [1.0, 5.0, 9.0], [4, 4, 2]
    answer = as_number("the loss", call(function, list(means), list(sizes)))
    if close(answer, 4.2):
        # Five examples each: a function that has these sizes built in shows here.
        if not close(as_number("the loss", call(function, [2.0, 4.0], [1, 3])), 3.5):
            raise Hint("right for batches of 4, 4 and 2 examples, but not for batches of 1 and 3.")
        return "each example counts once."
    if close(answer, 5.0):
        raise Hint("that is the mean of the batch means. The short batch counts as much as a long one.")
    if close(answer, 42.0):
        raise Hint("that is the sum over all examples. A mean is asked for.")
    if close(answer, 14.0):
        raise Hint("you divided by the number of batches. By how many examples should it be?")
    if close(answer, 1.5):
        raise Hint("you added the means, not weighted, and divided by the number of examples.")
    if close(answer, 10.5):
        raise Hint("you divided by the size of the first batch. There are more examples than that.")
    if close(answer, 3.0):
        raise Hint("the last batch is missing. It is short, but it has examples too.")
    raise Hint("not this. How many examples are there in all, and what is the sum of their losses?")
