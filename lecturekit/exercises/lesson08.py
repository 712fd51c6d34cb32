"""Exercises of notebook 08, gradient descent versus SGD."""

from collections.abc import Iterable

import torch
from torch import Tensor

from ..checks import Hint, NotAttempted, call, exercise, hint_if
from .common import as_number, close, compare

LRS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1)


@exercise("08.1", "The axes of runs.losses are rate, batch size, seed, step. Take the last step, then a mean.")
def best_of_the_runs(answer: object) -> str:
    lr = as_number("best_lr", answer)
    if not any(close(lr, known, 1e-6) for known in LRS):
        raise Hint("that is none of the rates in runs.lrs. Answer with a rate, not with its place or a loss.")
    what = "are still on their way down after 25 steps" if lr < 0.1 else "tremble too much, at least with some seeds"
    typical = [
        (0.05, "that is the best rate for single examples. Which batch size is asked for?"),
        (0.5, "the full batch arrives in one step with this rate. Which batch size is asked for?"),
        f"with this rate the runs {what}.",
    ]
    compare("best_lr", lr, 0.1, typical, tolerance=1e-6)
    return "this rate lies between those that are too slow and those that tremble."


@exercise("08.2", "Section 5: the border is 2 divided by the second derivative. Here that is the mean of 2x².")
def border(answer: object) -> str:
    lr = as_number("largest_lr", answer)
    hint_if(lr <= 0, "a learning rate is positive: the minus sign stands in the update already.")
    curvature = 2 * 18 / 3
    right = 2 / curvature
    side = "still converges a little above it" if lr < right else "diverges there"
    typical = [
        (0.17, "almost: with this rounded rate GD diverges already. Give a fraction, or four digits."),
        (1 / curvature, "with this rate one step leads to the bottom. Beyond it, GD still converges."),
        (1, "that would be right for a second derivative of 2. Each point brings its x² into it."),
        (4 / curvature, "that is the border of (ŷ − y)² / 2. Has your second derivative the factor 2 of the square?"),
        (2 / (3 * curvature), "that is the border for the sum of the three squares. The loss is their mean."),
        (curvature, "that is the curvature. How does the border follow from it?"),
        f"GD {side}. Differentiate the mean of (wx − y)² twice by w, for these points.",
    ]
    compare("largest_lr", lr, right, typical, tolerance=6e-4)
    return "the curvature decides."


@exercise("08.3", "Section 6: the error falls with the root of B. How many times larger must the root become?")
def less_noise(answer: object) -> str:
    batch_size = as_number("batch_size", answer)
    hint_if(batch_size <= 0 or not batch_size.is_integer(), "a batch size is a whole number of examples.")
    side = "more" if batch_size < 256 else "less"
    typical = [
        (64, "that would be right if the error fell with the batch size itself. It falls with the root of it."),
        (1, 4, "a smaller batch has more noise, not less."),
        (32, "twice the batch brings 2.0 only down to 1.4."),
        (16, "that is the size to start with, and its error is 2.0."),
        f"with that batch size the error would be {side} than 0.5. Solve spread / √B for the spread first.",
    ]
    compare("batch_size", batch_size, 256, typical)
    return "a quarter of the error costs sixteen times the work."


@exercise("08.4", "Loop over order.split(batch_size). Each round: the error, both derivatives, then w and b.")
def epoch_by_hand(function: object) -> str:
    # Five rows in batches of 2, so that the last one is short, in an order that is not that of the rows.
    X = torch.tensor([[1.0], [2.0], [-1.0], [3.0], [0.5]])
    y = torch.tensor([[2.0], [-1.0], [4.0], [0.0], [1.0]])
    order = torch.tensor([3, 0, 4, 2, 1])
    w, b, lr, batch_size = 0.5, -1.0, 0.1, 2
    given = [tensor.clone() for tensor in (X, y, order)]

    def epoch(batches: Iterable[Tensor], factor: float = 2, divide_by: int | None = None, late: bool = False) -> Tensor:
        """Do one epoch by the formula, with a typical mistake on request."""
        new_w, new_b = w, b
        for index in batches:
            error = X[index] * new_w + new_b - y[index]
            scale = lr * factor / (divide_by or len(index))
            new_w -= scale * (error * X[index]).sum().item()
            if late:
                error = X[index] * new_w + new_b - y[index]
            new_b -= scale * error.sum().item()
        return torch.tensor([new_w, new_b])

    answer = call(function, w, b, X, y, lr, batch_size, order)
    hint_if(not isinstance(answer, tuple | list) or len(answer) != 2, "return a pair of numbers, w and b.")
    found = torch.tensor([as_number("w", answer[0]), as_number("b", answer[1])])
    hint_if(found.tolist() == [w, b], "your function returns the w and b that it was given.", NotAttempted)
    hint_if(not all(map(torch.equal, given, (X, y, order))), "your function changes X, y or order. Leave them.")
    batches = order.split(batch_size)
    typical = [
        (epoch(torch.arange(5).split(2)), "you took the rows as they stand. Take them in the given order."),
        (epoch(batches[:2]), "the short last batch is missing."),
        (epoch(batches[:1]), "only the first batch moves w and b. Does your return stand inside the loop?"),
        (epoch([order]), "that is one step with all the examples. Cut the order into batches."),
        (epoch(order.split(1)), "that is one step for each example. Cut the order into batches."),
        (epoch(order.argsort().split(2)), "order[i] says which row comes at place i, not at which place row i comes."),
        (epoch(batches, divide_by=1), "you add up the gradients of a batch. The loss is a mean."),
        (epoch(batches, factor=1), "each step is half as long as it should be. What is the derivative of a square?"),
        (epoch(batches, divide_by=2), "the short batch is divided by batch_size. It has fewer examples."),
        (epoch(batches, factor=-2), "w and b walk uphill. Is your error ŷ − y, and does the update subtract?"),
        (epoch(batches, late=True), "b is moved with the new w. Both need the error from before the step."),
        "that is not right. Do the first batch on paper: rows 3 and 0, error = x·w + b − y, then the two means.",
    ]
    compare("w and b", found, epoch(batches), typical)
    again = torch.tensor([as_number("w and b", part) for part in call(function, w, b, X, y, lr, 5, order)])
    hint = "your function is right for batches of 2, but not for one batch of all the examples."
    compare("w and b", again, epoch([order]), [hint])
    return "fit, the optimiser and autograd do no more than this for you here."


@exercise("08.5", "Make a sum of each mean again: of how many examples? Add the sums, and divide once.")
def loss_of_an_epoch(function: object) -> str:
    means, sizes = [1.0, 5.0, 9.0], [4, 4, 2]
    typical = [
        (5.0, "that is the mean of the batch means. The short batch counts as much as a long one."),
        (42.0, "that is the sum over all examples. A mean is asked for."),
        (14.0, "you divided by the number of batches. By how many examples should it be?"),
        (1.5, "you added the means, not weighted, and divided by the number of examples."),
        (10.5, "you divided by the size of the first batch. There are more examples than that."),
        (3.0, "the last batch is missing. It is short, but it has examples too."),
        "that is not the loss. How many examples are there in all, and what is the sum of their losses?",
    ]
    compare("the loss", call(function, list(means), list(sizes)), 4.2, typical)
    # A function that has these sizes built in shows here.
    hint = "your function is right for batches of 4, 4 and 2 examples, but not for batches of 1 and 3."
    compare("the loss", call(function, [2.0, 4.0], [1, 3]), 3.5, [hint])
    return "each example counts once."
