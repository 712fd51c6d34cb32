"""The training loop that every lesson shares. Only the step differs from lesson to lesson."""

import math
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count, islice

import torch
from torch import Tensor

from .devices import clock


@dataclass
class History:
    """What `fit` measured. The lists hold one entry per epoch; an epoch cut short by `num_steps` counts as one.

    After each epoch, the loss is measured on the whole of X and y and on the validation data. By then, so many steps
    had been taken, which had used so many examples, repetitions counted, and so many seconds, synchronised and without
    evaluation. The path holds what `record` returned before the first and after each step.
    """

    initial_loss: float
    losses: list[float] = field(default_factory=list)
    val_losses: list[float] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    examples_seen: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    path: list = field(default_factory=list, repr=False)


def minibatches(X: Tensor, y: Tensor, batch_size: int, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the mini-batches (X_batch, y_batch) of one epoch, in a new random order: that of STAT 453, lecture 6.4.

    Introduced in notebook 13; notebook 07 writes it out. To put all rows in order once and cut them into views costs a
    quarter of indexing X and y for each mini-batch.

    Parameters
    ----------
    X, y : torch.Tensor of shapes (N, …), on one device; ValueError if they do not have equally many rows
    batch_size : int from 1 to N, else ValueError; the last mini-batch is shorter where it does not divide N
    generator : torch.Generator on the CPU; one ``torch.randperm(N)`` is drawn from it, the same for every device

    Examples
    --------
    >>> X = torch.arange(3).reshape(3, 1)
    >>> for X_batch, y_batch in minibatches(X, 2 * X, 2, torch.Generator().manual_seed(0)):
    ...     print(X_batch.flatten().tolist(), y_batch.flatten().tolist())
    [2, 0] [4, 0]
    [1] [2]
    """
    _check_examples(X, y, batch_size)
    order = torch.randperm(len(X), generator=generator, device="cpu").to(X.device)
    batch_size = operator.index(batch_size)  # split does not take NumPy's integers
    if X.requires_grad or y.requires_grad:  # views of one tensor would share a graph, freed by the first backward pass
        yield from ((X[index], y[index]) for index in order.split(batch_size))
        return
    yield from zip(X.index_select(0, order).split(batch_size), y.index_select(0, order).split(batch_size), strict=True)


def fit(
    step: Callable[[Tensor, Tensor], object],
    X: Tensor,
    y: Tensor,
    *,
    predict: Callable[[Tensor], Tensor],
    num_epochs: int | None = None,
    num_steps: int | None = None,
    batch_size: int | None = None,
    seed: int = 0,
    loss: Callable[[Tensor, Tensor], Tensor] | None = None,
    record: Callable[[], object] | None = None,
    validation: tuple[Tensor, Tensor] | None = None,
) -> History:
    """Train: call `step` on one mini-batch after the other, and measure the loss after each epoch.

    `fit` knows nothing of models, gradients or optimisers. It shuffles, calls and measures; `step` learns.
    Introduced in notebook 06; notebook 07 writes its loop out once.

    Parameters
    ----------
    step : callable; ``step(X_batch, y_batch)`` does a forward pass, gets gradients and updates its own parameters
    X, y : torch.Tensor of shapes (N, …), on one device; they are neither moved nor changed
    predict : callable
        ``predict(X)`` returns ŷ. Called under ``torch.no_grad()`` before the first step and after each epoch. Where it
        does not have the shape of y, a ValueError comes, unless `loss` is given: (N,) against (N, 1) would be
        broadcast to (N, N).
    num_epochs, num_steps : int; at least one of them says when to stop, even in the middle of an epoch
    batch_size : int or None
        Examples in a step, 1 to N, else ValueError. None: all, in their own order, which is gradient descent.
    seed : int, that of the shuffling, which has a generator of its own
    loss : callable, optional; ``loss(y_hat, y)`` is measured, by default the mean squared error
    record : callable, optional
        What ``record()`` returns goes into ``history.path``: a number or a copy such as ``w.detach().clone()``. The
        parameter itself is a ValueError: all points of the path would be the last one.
    validation : (X, y), optional, on which the loss is measured as well

    Examples
    --------
    >>> X, w = torch.tensor([[1.0], [2.0]]), torch.zeros(1, 1)
    >>> def step(X_batch, y_batch):
    ...     w.sub_(0.1 * 2 * X_batch.T @ (X_batch @ w - y_batch) / len(X_batch))
    >>> fit(step, X, 2 * X, predict=lambda X: X @ w, num_epochs=2).losses
    [2.5, 0.625]
    """
    if num_epochs is None and num_steps is None:
        raise ValueError("num_epochs or num_steps must be given, got neither")
    _check_examples(X, y, batch_size)
    loss = loss or _mean_squared_error

    def evaluate(X: Tensor, y: Tensor) -> float:
        with torch.no_grad():
            return float(loss(predict(X), y))

    history = History(initial_loss=evaluate(X, y))
    if not math.isfinite(history.initial_loss):
        raise ValueError(f"X, y and predict(X) must be finite, got a loss of {history.initial_loss} before any step")
    if record:
        history.path.append(record())
    generator = torch.Generator().manual_seed(operator.index(seed))
    steps = examples_seen = 0
    seconds = 0.0
    for _ in count() if num_epochs is None else range(num_epochs):
        if steps == num_steps:
            break
        start = clock(X.device)
        batches = [(X, y)] if batch_size is None else minibatches(X, y, batch_size, generator)
        for X_batch, y_batch in islice(batches, None if num_steps is None else num_steps - steps):
            step(X_batch, y_batch)
            steps += 1
            examples_seen += X_batch.shape[0]
            if record:
                history.path.append(record())
                if steps == 1:
                    _check_copies(*history.path)
        seconds += clock(X.device) - start
        history.losses.append(evaluate(X, y))
        if validation:
            history.val_losses.append(evaluate(*validation))
        history.steps.append(steps)
        history.examples_seen.append(examples_seen)
        history.seconds.append(seconds)
    return history


def check_shape(y_hat: Tensor, y: Tensor) -> None:
    """Refuse predictions that would be broadcast when they meet y."""
    if y_hat.shape != y.shape:
        found = f"got {tuple(y_hat.shape)}: their difference would be broadcast"
        raise ValueError(f"predict(X) must have the shape of y, {tuple(y.shape)}, {found}")


def _mean_squared_error(y_hat: Tensor, y: Tensor) -> Tensor:
    check_shape(y_hat, y)
    return (y_hat - y).square().mean()


def _check_examples(X: Tensor, y: Tensor, batch_size: int | None) -> None:
    if len(X) != len(y):
        raise ValueError(f"X and y must have equally many rows, got shapes {tuple(X.shape)} and {tuple(y.shape)}")
    if batch_size is not None and not 1 <= batch_size <= len(X):
        raise ValueError(f"batch_size must be from 1 to {len(X)}, the number of examples, got {batch_size}")


def _check_copies(first: object, second: object) -> None:
    """Refuse what shares its memory with the parameter."""
    if isinstance(first, Tensor) and first.data_ptr() == second.data_ptr() != 0:
        raise ValueError("record() must return copies, got the same memory twice: use w.detach().clone() or w.item()")
    if isinstance(first, tuple | list):
        for one, other in zip(first, second, strict=True):
            _check_copies(one, other)
