"""Exercises of notebook 13, SGD on several workers."""

from collections.abc import Iterable
from itertools import chain, pairwise

import torch
from torch import Tensor

from ..checks import Hint, call, exercise, hint_if
from .common import as_whole_numbers, compare


@exercise("13.1", "In one step, each of 4 workers takes 8 examples. The other two numbers follow from that.")
def a_plan_on_paper(equal_batch_size: object, steps_per_epoch: object, scaled_lr: object) -> str:
    N, workers, batch_size, lr = 960, 4, 8, 0.01
    typical = [
        (batch_size, "equal_batch_size: that is the batch of one of the workers. How many examples does a step see?"),
        (batch_size / workers, "equal_batch_size: here each worker has 8 examples, they do not share 8."),
        (N / workers, "equal_batch_size: that is the share of a worker in a whole epoch. A step is asked for."),
        "equal_batch_size is not right. How many examples do all workers see in one step?",
    ]
    compare("equal_batch_size", equal_batch_size, workers * batch_size, typical)
    typical = [
        (N / batch_size, "steps_per_epoch: one worker would need so many steps. Now they share the examples."),
        (N / workers, "steps_per_epoch: each worker sees so many examples. It takes several of them in a step."),
        (N * workers / batch_size, "steps_per_epoch: the workers take their steps together, not one after the other."),
        "steps_per_epoch is not right. How often do the examples of one step go into 960?",
    ]
    compare("steps_per_epoch", steps_per_epoch, N / (workers * batch_size), typical)
    typical = [
        (lr, "scaled_lr: with the old learning rate, fewer steps would not get as far."),
        (lr / workers, "scaled_lr: there are fewer steps now. Should they be shorter?"),
        (lr * workers**0.5, "scaled_lr: that is the rule with a square root. The linear one is asked for."),
        (0.32, "scaled_lr: what counts is how many times larger the batch became, not how large it is."),
        "scaled_lr is not right. The batch became how many times as large?",
    ]
    compare("scaled_lr", scaled_lr, lr * workers, typical, tolerance=1e-6)
    return "the batch is four times as large, an epoch has a quarter of the steps, and each is four times as long."


def _rows(function: object, N: int, rank: int, world_size: int) -> list[int]:
    rows = call(function, N, rank, world_size)
    if isinstance(rows, str | dict) or not isinstance(rows, Iterable) or getattr(rows, "ndim", 1) != 1:
        raise Hint(f"my_rows should return a list of row numbers. This is {type(rows).__name__}.")
    return as_whole_numbers("your list of rows", rows, "my_rows should return whole numbers, the numbers of rows.")


@exercise("13.2", "Deal the rows like cards: worker rank begins with row rank. How far is it to its next one?")
def who_takes_which_rows(function: object) -> str:
    for N, world_size in ((6, 2), (7, 2), (10, 4), (11, 3), (5, 1), (2, 3)):
        case = f"with N = {N} and {world_size} workers, "
        shares = [_rows(function, N, rank, world_size) for rank in range(world_size)]
        sizes = [len(share) for share in shares]
        rows = sorted(chain.from_iterable(shares))
        if world_size > 1 and all(sorted(share) == list(range(N)) for share in shares):
            raise Hint(f"{case}every worker takes all rows. Nothing is shared.")
        if world_size > 1 and shares[0] and all(share == shares[0] for share in shares):
            raise Hint(f"{case}all workers take the same rows. Does your function use rank?")
        hint_if(rows == list(range(1, N + 1)), "the first row has the number 0.")
        for row in rows:
            hint_if(not 0 <= row < N, f"{case}there is no row {row}.")
        for row, next_row in pairwise(rows):
            if row == next_row:
                padding = " That is padding, as a sampler does it." if len(set(sizes)) == 1 else ""
                raise Hint(f"{case}row {row} is taken twice.{padding}")
        for row in range(N):
            hint_if(row not in rows, f"{case}nobody takes row {row}.")
        counts = ", ".join(map(str, sizes))
        hint_if(max(sizes) - min(sizes) > 1, f"{case}the shares have {counts} rows. They differ by one at most.")
    return "each row has one owner, and nobody has much more to do than the others."


@exercise("13.3", "Cut with chunk, take each gradient at the same w, take their mean, and only then step.")
def a_step_of_several_workers(function: object) -> str:
    X = torch.tensor([[1.0, 0.0], [2.0, 1.0], [0.0, 3.0], [1.0, -1.0], [2.0, 2.0], [-1.0, 1.0]])
    y = torch.tensor([[1.0], [-1.0], [2.0], [0.0], [3.0], [1.0]])
    start, num_workers, lr = torch.tensor([[1.0], [-2.0]]), 3, 0.1

    def gradient(X: Tensor, y: Tensor, w: Tensor = start) -> Tensor:
        return 2 * X.T @ (X @ w - y) / len(X)

    w = start.clone().requires_grad_()
    answer = call(function, w, X.clone(), y.clone(), num_workers, lr)
    hint_if(not torch.equal(w.detach(), start), "your function changes w itself. Return a new tensor.")
    grad = gradient(X, y)
    parts = list(zip(X.chunk(num_workers), y.chunk(num_workers), strict=True))
    one_after_the_other = start
    for X_part, y_part in parts:
        one_after_the_other = one_after_the_other - lr * gradient(X_part, y_part, one_after_the_other)
    alone = [start - lr * gradient(X_part, y_part) for X_part, y_part in parts]
    typical = [
        (one_after_the_other, "your parts take their steps one after the other. All must compute with the same w."),
        (start - 3 * lr * grad, "that is the sum of the gradients: the step is num_workers times too long."),
        (start + lr * grad, "that goes uphill. Look at the sign."),
        (start - 2 * lr * grad / 3, "split(k) makes parts of k rows; chunk(k) makes k parts."),
        (start - lr * grad / 3, "the step is too short. Was something divided twice?"),
        (*alone, "that is the step of one of the workers alone."),
        (grad, "that is the mean gradient. The weight after the step is asked for."),
        "that is not the weight after the step. Check the gradient of one part first.",
    ]
    compare("the new weight", answer, start - lr * grad, typical)
    w = start.clone().requires_grad_()
    w.grad = torch.ones(2, 1)
    answer = call(function, w, X[:4].clone(), y[:4].clone(), 2, 0.5)
    hint = "it is right for three workers, but not for two. Does it use num_workers, lr, and no gradient from before?"
    compare("the new weight", answer, start - 0.5 * gradient(X[:4], y[:4]), [hint])
    return "the mean of equal shares gives the step of one worker with all examples, which passes, too."
