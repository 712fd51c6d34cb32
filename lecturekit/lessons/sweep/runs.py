"""Hundreds of runs of SGD on one linear model, all at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ... import _validate
from .bowl import Bowl, check_line_data

MOST_NUMBERS = 10**8  # w and b of all runs after all steps: 0.4 GB


@dataclass(frozen=True, eq=False)
class Runs:
    """Runs for each combination of learning rate, batch size and seed. The first three dimensions are these, in order.

    Attributes
    ----------
    lrs : tuple of float
        The L learning rates.
    batch_sizes : tuple of int or None
        The B batch sizes; None is the full batch.
    seeds : tuple of int
        The S seeds of the shuffling.
    paths : torch.Tensor
        Shape (L, B, S, num_steps + 1, 2): w and b before the first and after each step. Infinite or NaN where a run
        has diverged that far.
    losses : torch.Tensor
        Shape (L, B, S, num_steps + 1): the mean squared error on all examples there.
    """

    lrs: tuple[float, ...]
    batch_sizes: tuple[int | None, ...]
    seeds: tuple[int, ...]
    paths: Tensor
    losses: Tensor

    @property
    def num_steps(self) -> int:
        """How many steps each run takes."""
        return self.paths.shape[3] - 1

    def __len__(self) -> int:
        """How many runs there are."""
        return len(self.lrs) * len(self.batch_sizes) * len(self.seeds)

    def __repr__(self) -> str:
        parts = {"learning rates": self.lrs, "batch sizes": self.batch_sizes, "seeds": self.seeds}
        counts = " × ".join(f"{len(values)} {name}" for name, values in parts.items())
        return f"{len(self)} runs ({counts}) of {self.num_steps} steps"


def train_many(
    X: Tensor,
    y: Tensor,
    *,
    lrs: Sequence[float],
    batch_sizes: Sequence[int | None],
    seeds: Sequence[int] = (0,),
    num_steps: int = 25,
    start: tuple[float, float] = (0.0, 0.0),
) -> Runs:
    """Train ŷ = X w + b with every combination of learning rate, batch size and seed, all runs at once.

    The loss is the mean squared error. Each run takes the very mini-batches that ``fit(seed=…, batch_size=…)`` would
    give to ``nn.Linear(1, 1)`` and ``torch.optim.SGD(lr=…)``, and ends at the same numbers but for rounding. The
    parameters of all runs with one batch size lie in one tensor, so that each operation serves all of them, and their
    losses are added up: no run's loss depends on another run's parameters, so the gradient of the sum holds the
    gradient of each.

    Parameters
    ----------
    X, y : torch.Tensor
        Both of shape (N, 1), of one floating point dtype, finite, on one device.
    lrs : sequence of float
        Learning rates, positive, each once.
    batch_sizes : sequence of int or None
        From 1 to N, each once. None: all examples in their own order, which is gradient descent and has no use for
        the seed.
    seeds : sequence of int
        Seeds of the shuffling, at least 0, each once.
    num_steps : int
        Steps of each run, at least 1; all runs together hold at most 100 million numbers.
    start : tuple of float
        Where w and b start.

    Returns
    -------
    Runs
        Tensors of the dtype and on the device of X. A diverging run goes on to infinity and NaN.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    Notes
    -----
    Introduced in notebook 07. `benchmarks/explorer.py` measures how much faster this is than one run after the other.
    """
    check_line_data(X, y)
    N = X.shape[0]
    lrs = _each_once("lrs", lrs, _learning_rate)
    batch_sizes = _each_once(
        "batch_sizes", batch_sizes, lambda name, k: k if k is None else _validate.integer(name, k, 1, N)
    )
    seeds = _each_once("seeds", seeds, _validate.seed)
    _validate.integer("num_steps", num_steps, 1)
    if (numbers := 2 * len(lrs) * len(batch_sizes) * len(seeds) * (num_steps + 1)) > MOST_NUMBERS:
        raise ValueError(
            f"lrs, batch_sizes, seeds and num_steps must make at most {MOST_NUMBERS:,} numbers w and b, "
            f"got {numbers:.3g}"
        )
    if not isinstance(start, tuple | list) or len(start) != 2:
        raise TypeError(f"start must be two numbers (w, b), got {start!r}")
    w, b = (_validate.number(f"start[{i}]", value) for i, value in enumerate(start))

    for name, values in {"lrs": lrs, "start": (w, b)}.items():
        if max(map(abs, values)) > torch.finfo(X.dtype).max:
            raise ValueError(f"{name} must fit into {X.dtype}, the dtype of X, got {values!r:.200}")

    rows = torch.cat((X.detach(), torch.ones_like(X)), dim=1)  # (N, 2): rows @ (w, b) is the line
    fewest = min((-(-N // k) for k in batch_sizes if k is not None), default=0)
    orders = _orders(N, seeds, -(-num_steps // fewest) if fewest else 0, X.device)
    shape = (len(lrs), len(seeds), num_steps + 1, 2)
    paths = [
        _descend(rows, y.detach(), X.new_tensor(lrs), k, orders, num_steps, X.new_tensor([w, b])).expand(shape)
        for k in batch_sizes
    ]
    paths = torch.stack(paths, dim=1)
    return Runs(lrs, batch_sizes, seeds, paths, Bowl.of(X, y).loss(paths))


def _orders(N: int, seeds: tuple[int, ...], num_epochs: int, device: torch.device) -> list[Tensor]:
    """Return the order of the examples for each epoch, one row a seed: what `minibatches` draws, epoch after epoch."""
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    return [
        torch.stack([torch.randperm(N, generator=generator, device="cpu") for generator in generators]).to(device)
        for _ in range(num_epochs)
    ]


@torch.enable_grad()
def _descend(
    rows: Tensor, y: Tensor, lrs: Tensor, batch_size: int | None, orders: list[Tensor], num_steps: int, start: Tensor
) -> Tensor:
    """Return the paths for all learning rates and seeds: shape (L, S, num_steps + 1, 2); S is 1 for the full batch."""
    if batch_size is None:
        epoch = [(rows[None], y[None])]
    # (S, 2, L): for each seed, one column (w, b) for each learning rate.
    parameters = start[None, :, None].repeat(1 if batch_size is None else len(orders[0]), 1, len(lrs))
    path = [parameters]
    steps_per_epoch = 1 if batch_size is None else -(-len(y) // batch_size)
    for step in range(num_steps):
        if batch_size is not None and step % steps_per_epoch == 0:
            # What is left to do: of many examples, a few steps see only the first.
            order = orders[step // steps_per_epoch][:, : (num_steps - step) * batch_size]
            epoch = list(zip(rows[order].split(batch_size, 1), y[order].split(batch_size, 1), strict=True))
        X_batch, y_batch = epoch[step % steps_per_epoch]  # (S, batch_size, 2), (S, batch_size, 1)
        parameters.requires_grad_()
        # y − ŷ, whose square is that of ŷ − y: (S, batch_size, L), product and difference in one call.
        error = torch.baddbmm(y_batch, X_batch, parameters, alpha=-1)
        (grad,) = torch.autograd.grad(error.square().sum(), parameters)
        # The sum becomes each run's mean here, on the (S, 2, L) gradients instead of on all the errors.
        parameters = torch.addcmul(parameters.detach(), lrs / X_batch.shape[1], grad, value=-1)
        path.append(parameters)
    with torch.no_grad():
        return torch.stack(path).permute(3, 1, 0, 2)


def _each_once(name: str, values: object, check) -> tuple:
    if isinstance(values, str) or not isinstance(values, Sequence | range):
        raise TypeError(f"{name} must be a list or tuple, got {type(values).__name__}")
    if not values:
        raise ValueError(f"{name} must hold at least one value, got none")
    _validate.at_most(f"the number of {name}", len(values), 10_000)
    checked = tuple(check(f"{name}[{i}]", value) for i, value in enumerate(values))
    if len(set(checked)) < len(checked):
        raise ValueError(f"{name} must hold each value once, got {list(values)}")
    return checked


def _learning_rate(name: str, value: object) -> float:
    if _validate.number(name, value) <= 0:
        raise ValueError(f"{name} must be positive, got {value}")
    return float(value)
