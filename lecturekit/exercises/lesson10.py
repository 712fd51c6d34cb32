"""Exercises of notebook 10, SGD on several workers."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, pairwise

import torch
from torch import Tensor

from ..checks import Hint, NotAttempted, as_number, as_tensor, call, close, exercise


@exercise("10.1")
def a_plan_on_paper(equal_batch_size: object, steps_per_epoch: object, scaled_lr: object) -> str:
    N, workers, batch_size, lr = 960, 4, 8, 0.01

    number = as_number("equal_batch_size", equal_batch_size)
    if number == batch_size:
        raise Hint("equal_batch_size: that is the batch of one of the workers. How many examples does a step see?")
    if number == batch_size / workers:
        raise Hint("equal_batch_size: here each worker has 8 examples, they do not share 8.")
    if number == N / workers:
        raise Hint("equal_batch_size: that is the share of a worker in a whole epoch. A step is asked for.")
    if number != workers * batch_size:
        raise Hint("equal_batch_size is not right. How many examples do all workers see in one step?")

    number = as_number("steps_per_epoch", steps_per_epoch)
    if number == N / batch_size:
        raise Hint("steps_per_epoch: so many steps one worker would need. Now they share the examples.")
    if number == N / workers:
        raise Hint("steps_per_epoch: so many examples each worker sees. It takes several of them in a step.")
    if number == N * workers / batch_size:
        raise Hint("steps_per_epoch: the workers take their steps together, not one after the other.")
    if number != N / (workers * batch_size):
        raise Hint("steps_per_epoch is not right. How often do the examples of one step go into 960?")

    number = as_number("scaled_lr", scaled_lr)
    if number == lr:
        raise Hint("scaled_lr: with the old learning rate, fewer steps would not get as far.")
    if close(number, lr / workers, 1e-9):
        raise Hint("scaled_lr: there are fewer steps now. Should they be shorter?")
    if close(number, lr * workers**0.5, 1e-9):
        raise Hint("scaled_lr: that is a rule with a square root, which also exists. The linear one is asked for.")
    if close(number, lr * workers * batch_size, 1e-9):
        raise Hint("scaled_lr: what counts is how many times larger the batch became, not how large it is.")
    if not close(number, lr * workers, 1e-9):
        raise Hint("scaled_lr is not right. The batch became how many times as large?")
    return "four times the batch, a quarter of the steps, each four times as long."


def _rows(function: object, N: int, rank: int, world_size: int) -> list[int]:
    rows = call(function, N, rank, world_size)
    if isinstance(rows, Tensor):
        rows = rows.tolist()
    if isinstance(rows, str | dict) or not isinstance(rows, Iterable):
        raise Hint(f"my_rows should return a list of row numbers. This is {type(rows).__name__}.")
    rows = list(rows)
    if any(row is ... for row in rows):
        raise NotAttempted("a row is still blank.")
    if any(isinstance(row, bool) or not isinstance(row, int) for row in rows):
        raise Hint("my_rows should return whole numbers, the numbers of rows.")
    return rows


@exercise("10.2")
def who_takes_which_rows(function: object) -> str:
    for N, world_size in ((6, 2), (7, 2), (10, 4), (11, 3), (5, 1), (2, 3)):
        case = f"with N = {N} and {world_size} workers, "
        shares = [_rows(function, N, rank, world_size) for rank in range(world_size)]
        rows = sorted(chain.from_iterable(shares))
        if world_size > 1 and all(sorted(share) == list(range(N)) for share in shares):
            raise Hint(f"{case}every worker takes all rows. Nothing is shared.")
        if world_size > 1 and shares[0] and all(share == shares[0] for share in shares):
            raise Hint(f"{case}all workers take the same rows. Does your function use rank?")
        if rows == list(range(1, N + 1)):
            raise Hint("the first row has the number 0.")
        if rows and not 0 <= rows[0] <= rows[-1] < N:
            outside = rows[0] if rows[0] < 0 else rows[-1]
            raise Hint(f"{case}there is no row {outside}.")
        if len(set(rows)) < len(rows):
            double = next(row for row, after in pairwise(rows) if row == after)
            padded = len({len(share) for share in shares}) == 1
            raise Hint(
                f"{case}row {double} is taken twice." + (" That is padding, as a sampler does it." if padded else "")
            )
        if missing := sorted(set(range(N)) - set(rows)):
            raise Hint(f"{case}nobody takes row {missing[0]}.")
        sizes = [len(share) for share in shares]
        if max(sizes) - min(sizes) > 1:
            raise Hint(f"{case}the shares have {', '.join(map(str, sizes))} rows. They may differ by one at most.")
    return "each row has one owner, and nobody has much more to do than the others."


@exercise("10.3")
def shares_of_different_size(function: object) -> str:
    sizes = [3, 1, 4]
    gradients = [torch.tensor([2.0, -1.0]), torch.tensor([8.0, 3.0]), torch.tensor([-4.0, 5.0])]
    stacked, weights = torch.stack(gradients), torch.tensor(sizes, dtype=torch.float32)[:, None]
    given = [gradient.clone() for gradient in gradients]
    answer = as_tensor("the result", call(function, given, list(sizes)), (2,))
    if any(not torch.equal(after, before) for after, before in zip(given, gradients, strict=True)):
        raise Hint("your function changes the gradients that it gets. Multiply without _ and without *=.")
    right = (weights * stacked).sum(dim=0) / weights.sum()
    if close(answer, right):
        other = call(function, [torch.tensor([[6.0]]), torch.tensor([[3.0]])], [1, 2])
        if not close(as_tensor("the result", other, (1, 1)), 4.0):
            raise Hint("right for three workers, but not for two.")
        return "each example counts the same, wherever it was."
    if close(answer, stacked.mean(dim=0)):
        raise Hint("that is the plain mean: one example in a small share counts more than one in a large share.")
    if close(answer, stacked.sum(dim=0)):
        raise Hint("that is the plain sum of the means.")
    if close(answer, (weights * stacked).sum(dim=0)):
        raise Hint("that is the gradient of the sum over all examples. The mean is asked for.")
    if close(answer, (weights * stacked).mean(dim=0)):
        raise Hint("divide by the number of examples, not by the number of workers.")
    if close(answer, stacked.sum(dim=0) / weights.sum()):
        raise Hint("you divide by the number of all examples, but the sizes of the shares play no part yet.")
    if close(answer, (stacked / weights).sum(dim=0)) or close(answer, (stacked / weights).mean(dim=0)):
        raise Hint("the gradients are means already. To get back the sum of a share, would you divide?")
    raise Hint("that is not the gradient of the mean loss over all eight examples. Begin with the sum of each share.")


@exercise("10.4")
def a_step_of_several_workers(function: object) -> str:
    X = torch.tensor([[1.0, 0.0], [2.0, 1.0], [0.0, 3.0], [1.0, -1.0], [2.0, 2.0], [-1.0, 1.0]])
    y = torch.tensor([[1.0], [-1.0], [2.0], [0.0], [3.0], [1.0]])
    num_workers, lr = 3, 0.1
    start = torch.tensor([[1.0], [-2.0]])

    def gradient(X: Tensor, y: Tensor, w: Tensor) -> Tensor:
        return 2 * X.T @ (X @ w - y) / len(X)

    right = start - lr * gradient(X, y, start)
    w = start.clone().requires_grad_()
    answer = as_tensor("the new weight", call(function, w, X.clone(), y.clone(), num_workers, lr), (2, 1))
    if not torch.equal(w.detach(), start):
        raise Hint("your function changes w itself. Return a new tensor.")
    if close(answer, right):
        w = start.clone().requires_grad_()
        w.grad = torch.ones(2, 1)
        again = as_tensor("the new weight", call(function, w, X[:4].clone(), y[:4].clone(), 2, 0.5), (2, 1))
        if close(again, start - 0.5 * gradient(X[:4], y[:4], start)):
            return "three workers, and the step of one with all examples."
        raise Hint(
            "right for three workers and six examples, but not for two and four. "
            "Does it use num_workers and lr, and no gradient from before?"
        )
    parts = list(zip(X.chunk(num_workers), y.chunk(num_workers), strict=True))
    sequential = start
    for X_part, y_part in parts:
        sequential = sequential - lr * gradient(X_part, y_part, sequential)
    if close(answer, sequential):
        raise Hint("your parts take their steps one after the other. All must compute with the same w.")
    if close(answer, start - lr * num_workers * gradient(X, y, start)):
        raise Hint("that is the sum of the gradients: the step is as many times too long as there are workers.")
    if close(answer, start + lr * gradient(X, y, start)):
        raise Hint("that goes uphill. Look at the sign.")
    if close(answer, start - lr * gradient(X, y, start) / num_workers):
        raise Hint("the step is too short. Was something divided twice?")
    if any(close(answer, start - lr * gradient(*part, start)) for part in parts):
        raise Hint("that is the step of one of the workers alone.")
    if close(answer, gradient(X, y, start)):
        raise Hint("that is the mean gradient. The weight after the step is asked for.")
    raise Hint("that is not the weight after the step. Check the gradient of one part first.")
