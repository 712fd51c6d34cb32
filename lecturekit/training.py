"""The training loop that every lesson shares: what differs between the lessons is the step, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import islice

import torch
from torch import Tensor

from . import _validate
from .devices import synchronize

# Rows that are put in order at a time. Small enough to stay in the processor's cache, large enough that the two
# calls per block cost nothing: see benchmarks/training.py.
BLOCK_ROWS = 2048
# A progress bar shows up after so many seconds: shorter runs leave nothing behind in a notebook's outputs.
PROGRESS_DELAY = 2.0


@dataclass
class History:
    """What `fit` measured. The lists hold one entry per epoch; an epoch cut short by `num_steps` counts as one.

    Attributes
    ----------
    initial_loss : float
        The loss before the first step.
    losses : list of float
        The loss on the whole of X and y after each epoch.
    val_losses : list of float
        The same on the validation data; empty without them.
    steps : list of int
        How many steps had been taken by then.
    examples_seen : list of int
        How many examples these steps had used, repetitions counted.
    seconds : list of float
        Time spent in shuffling and stepping by then, in seconds, synchronised; evaluation is not counted.
    path : list
        What `record` returned before the first and after each step; empty without `record`.
    """

    initial_loss: float
    losses: list[float] = field(default_factory=list)
    val_losses: list[float] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    examples_seen: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    path: list = field(default_factory=list, repr=False)


def minibatches(X: Tensor, y: Tensor, batch_size: int, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the mini-batches of one epoch, in a new random order.

    Parameters
    ----------
    X, y : torch.Tensor
        Shapes (N, …) and (N, …), any dtype, on one device.
    batch_size : int
        From 1 to N. The last mini-batch is shorter where `batch_size` does not divide N.
    generator : torch.Generator
        A generator on the CPU. One `torch.randperm(N)` is drawn from it, so the order is the same on every device.

    Yields
    ------
    X_batch, y_batch : torch.Tensor
        Shapes (batch_size, …): equal to ``X[i], y[i]`` for each ``i`` in ``torch.randperm(N).split(batch_size)``.

    Raises
    ------
    TypeError, ValueError
        If X and y do not have equally many rows, or `batch_size` is not an int between 1 and N.

    Notes
    -----
    Introduced in notebook 10; notebook 06 writes it out. The order is that of Sebastian Raschka's STAT 453, lecture
    6.4. Putting whole blocks of rows in order and cutting them into views costs a third of indexing X and y once for
    each mini-batch.
    """
    for name, value in {"X": X, "y": y}.items():
        if not isinstance(value, Tensor) or value.ndim == 0:
            came = "one number" if isinstance(value, Tensor) else type(value).__name__
            raise TypeError(f"{name} must be a torch.Tensor with examples in its rows, got {came}")
        if value.layout != torch.strided:
            raise TypeError(f"{name} must be a dense tensor, got layout {value.layout}")
    _validate.equally_many_rows("X", X, "y", y)
    if X.device != y.device:
        raise ValueError(f"X and y must be on one device, got {X.device} and {y.device}")
    _validate.integer("batch_size", batch_size, 1, X.shape[0])
    if not isinstance(generator, torch.Generator):
        raise TypeError(f"generator must be a torch.Generator, got {generator!r:.80}")
    rows = max(1, BLOCK_ROWS // batch_size) * batch_size
    for block in torch.randperm(X.shape[0], generator=generator, device="cpu").to(X.device).split(rows):
        yield from zip(
            X.index_select(0, block).split(batch_size), y.index_select(0, block).split(batch_size), strict=True
        )


def fit(
    step: Callable[[Tensor, Tensor], object],
    X: Tensor,
    y: Tensor,
    *,
    predict: Callable[[Tensor], Tensor],
    num_epochs: int | None = None,
    batch_size: int | None = None,
    seed: int = 0,
    num_steps: int | None = None,
    loss: Callable[[Tensor, Tensor], Tensor] | None = None,
    record: Callable[[], object] | None = None,
    validation: tuple[Tensor, Tensor] | None = None,
    progress: bool = False,
) -> History:
    """Train: call `step` on one mini-batch after the other, and measure the loss after each epoch.

    `fit` knows nothing of models, gradients or optimisers. It shuffles, calls and measures; `step` learns.

    Parameters
    ----------
    step : callable
        ``step(X_batch, y_batch)`` does a forward pass, gets its gradients and updates its own parameters. What it
        returns is ignored.
    X, y : torch.Tensor
        The training examples, shapes (N, …) and (N, …), finite, on one device. They are neither moved nor changed.
    predict : callable
        ``predict(X)`` returns the predictions ŷ. It is called under ``torch.no_grad()``, once before the first step and
        once after each epoch.
    num_epochs : int, optional
        How many times to go through the examples. May be left out where `num_steps` is given.
    batch_size : int or None
        Examples in a step, 1 to N. None: all of them, in their own order, which is gradient descent.
    seed : int
        Seed of the shuffling. It has a generator of its own: no other random draw disturbs it or is disturbed.
    num_steps : int, optional
        Stop after so many steps, even in the middle of an epoch.
    loss : callable, optional
        ``loss(y_hat, y)`` returns the scalar to be logged. Default: the mean squared error. It is a measure only: what
        `step` minimises is its own business.
    record : callable, optional
        ``record()`` is called before the first and after each step; what it returns is collected in ``history.path``.
        It must return numbers or copies, such as ``w.detach().clone()``.
    validation : tuple of torch.Tensor, optional
        ``(X, y)`` on which the loss is measured as well; but for the number of rows, of the shapes and dtypes of X, y.
    progress : bool
        Whether a run of more than two seconds shows a progress bar, which counts steps and vanishes in the end.

    Returns
    -------
    History

    Raises
    ------
    TypeError, ValueError
        Before the first step, if an argument is not as described, or if ``predict(X)`` does not have the shape and the
        dtype of `y` where the loss is the mean squared error: (N,) against (N, 1) would be broadcast to (N, N).
    Exception
        Whatever `step` raises, with a note saying in which epoch and on what shapes it happened.

    Notes
    -----
    Introduced in notebook 05; notebook 06 writes its loop out once.
    """
    for name, value in {"step": step, "predict": predict}.items():
        _validate.function(name, value)
    for name, value in {"loss": loss, "record": record}.items():
        if value is not None:
            _validate.function(name, value)
    _validate.paired_examples("X", X, "y", y)
    N = X.shape[0]
    _validate.seed("seed", seed)
    if batch_size is not None:
        _validate.integer("batch_size", batch_size, 1, N)
    if num_epochs is None and num_steps is None:
        raise ValueError("num_epochs or num_steps must be given, got neither")
    for name, value in {"num_epochs": num_epochs, "num_steps": num_steps}.items():
        if value is not None:
            _validate.integer(name, value, 0)
    if validation is not None:
        if not isinstance(validation, tuple) or len(validation) != 2:
            came = f"{len(validation)} of them" if isinstance(validation, tuple) else type(validation).__name__
            raise TypeError(f"validation must be a tuple (X, y), got {came}")
        _validate.paired_examples("validation X", validation[0], "validation y", validation[1])
        for name, part, like in zip(("X", "y"), validation, (X, y), strict=True):
            if part.shape[1:] != like.shape[1:] or part.dtype != like.dtype:
                raise ValueError(
                    f"validation {name} must have rows of the shape and the dtype of those of {name}, "
                    f"{tuple(like.shape[1:])} and {like.dtype}, got {tuple(part.shape[1:])} and {part.dtype}"
                )
    _validate.switch("progress", progress)

    def measure(X: Tensor, y: Tensor) -> float:
        with torch.no_grad():
            return _mean_squared_error(predict(X), y) if loss is None else _scalar(loss(predict(X), y))

    history = History(initial_loss=measure(X, y))
    if record is not None:
        history.path.append(record())
    steps_per_epoch = 1 if batch_size is None else -(-N // batch_size)
    steps_left = min(
        float("inf") if num_steps is None else num_steps,
        float("inf") if num_epochs is None else num_epochs * steps_per_epoch,
    )
    generator = torch.Generator().manual_seed(seed)
    steps = examples_seen = 0
    seconds = 0.0
    with _progress_bar(steps_left) if progress else nullcontext() as bar:
        while steps_left > 0:
            num_batches = min(steps_left, steps_per_epoch)
            synchronize(X.device)
            start = time.perf_counter()
            batches = [(X, y)] if batch_size is None else minibatches(X, y, batch_size, generator)
            for X_batch, y_batch in islice(batches, num_batches):
                try:
                    step(X_batch, y_batch)
                except Exception as error:
                    error.add_note(
                        f"Raised by step in epoch {len(history.losses) + 1}, "
                        f"with X_batch of shape {tuple(X_batch.shape)} and y_batch of shape {tuple(y_batch.shape)}."
                    )
                    raise
                if record is not None:
                    history.path.append(record())
                    if len(history.path) == 2:
                        _refuse_shared_memory(*history.path)
                if bar is not None:
                    bar.update()
            synchronize(X.device)
            seconds += time.perf_counter() - start
            steps_left -= num_batches
            steps += num_batches
            examples_seen += N if num_batches == steps_per_epoch else num_batches * batch_size
            history.losses.append(measure(X, y))
            if validation is not None:
                history.val_losses.append(measure(*validation))
            history.steps.append(steps)
            history.examples_seen.append(examples_seen)
            history.seconds.append(seconds)
    return history


def _progress_bar(num_steps: int):
    from tqdm import tqdm  # not tqdm.auto: without ipywidgets that only warns

    return tqdm(total=num_steps, unit="step", delay=PROGRESS_DELAY, leave=False)


def _mean_squared_error(y_hat: object, y: Tensor) -> float:
    if not isinstance(y_hat, Tensor):
        raise TypeError(f"predict(X) must return a torch.Tensor, got {type(y_hat).__name__}")
    if not y.is_floating_point():
        raise TypeError(
            f"y must be of a floating point dtype where the loss is the mean squared error, got {y.dtype}: "
            "convert it with y.float(), or give loss= a measure for classes"
        )
    if y_hat.shape != y.shape:
        raise ValueError(
            f"predict(X) must have the shape of y, {tuple(y.shape)}, got {tuple(y_hat.shape)}: "
            "their difference would be broadcast to another shape, and its mean would be no loss"
        )
    if y_hat.dtype != y.dtype:
        raise TypeError(f"predict(X) must have the dtype of y, {y.dtype}, got {y_hat.dtype}")
    return (y_hat - y).square().mean().item()


def _scalar(value: object) -> float:
    if not isinstance(value, Tensor) or value.numel() != 1:
        shape = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
        raise ValueError(f"loss(y_hat, y) must return a tensor with one number, got {shape}")
    return value.item()


def _refuse_shared_memory(first: object, second: object) -> None:
    """A record that returns the parameter itself would give a path on which every point is the last one."""
    if _addresses(first) & _addresses(second):
        raise ValueError("record() must return copies, got the same memory twice: use w.detach().clone() or w.item()")


def _addresses(value: object) -> set[int]:
    """Where the numbers of a tensor or an array lie in memory, and of those inside a tuple, list or dict."""
    if isinstance(value, Tensor):
        return {value.data_ptr()} - {0}  # 0 where it is empty
    if hasattr(value, "__array_interface__"):
        # A single NumPy number is a copy, but gives the address of a temporary.
        return {value.__array_interface__["data"][0]} if value.ndim and value.size else set()
    values = value.values() if isinstance(value, Mapping) else value if isinstance(value, tuple | list) else ()
    return set().union(*map(_addresses, values))
