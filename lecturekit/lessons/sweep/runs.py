"""Linear regression: its loss, and hundreds of runs of SGD on it, all at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import index

import torch
from torch import Tensor


@dataclass(frozen=True)
class QuadraticLoss:
    """The loss lowest + mean_xx·Δw² + 2·mean_x·Δw·Δb + Δb², with Δw and Δb the distances from the minimum (w, b)."""

    w: float
    b: float
    lowest: float
    mean_xx: float
    mean_x: float

    @classmethod
    def of(cls, X: Tensor, y: Tensor) -> QuadraticLoss:
        """Return the loss of ŷ = X w + b on X and y, both of shape (N, 1): least squares, in float64."""
        if X.ndim != 2 or X.shape[1] != 1 or y.shape != X.shape:
            raise ValueError(f"X and y must both have shape (N, 1), got {tuple(X.shape)} and {tuple(y.shape)}")
        x, y = X.detach().cpu().double(), y.detach().cpu().double()
        from_mean = x - x.mean()
        w = ((from_mean * (y - y.mean())).mean() / from_mean.square().mean()).nan_to_num()  # 0 for a single example
        b = (y - w * x).mean()
        lowest = (w * x + b - y).square().mean()
        return cls(w.item(), b.item(), lowest.item(), x.square().mean().item(), x.mean().item())

    def __call__(self, w, b):
        """Return the loss at w and b: floats, arrays or tensors of one shape."""
        w, b = w - self.w, b - self.b
        return self.lowest + self.mean_xx * w**2 + 2 * self.mean_x * w * b + b**2


@dataclass(frozen=True, eq=False)
class Runs:
    """Runs for each combination of L learning rates, B batch sizes (None: the full batch) and S seeds.

    The paths have shape (L, B, S, num_steps + 1, 2): w and b before the first and after each step. The losses have
    shape (L, B, S, num_steps + 1): the mean squared error on all examples there.
    """

    lrs: tuple[float, ...]
    batch_sizes: tuple[int | None, ...]
    seeds: tuple[int, ...]
    paths: Tensor = field(repr=False)
    losses: Tensor = field(repr=False)

    @property
    def num_steps(self) -> int:
        """How many steps each run takes."""
        return self.paths.shape[3] - 1


def train_many(
    X: Tensor,
    y: Tensor,
    *,
    lrs: Iterable[float],
    batch_sizes: Iterable[int | None],
    seeds: Iterable[int] = (0,),
    num_steps: int = 25,
) -> Runs:
    """Train ŷ = X w + b, from w = b = 0, with every combination of learning rate, batch size and seed, all at once.

    The loss is the mean squared error. Each run takes the very mini-batches that ``fit(seed=…, batch_size=…)`` would
    give to ``nn.Linear(1, 1)`` and ``torch.optim.SGD(lr=…)``, and ends at the same numbers but for rounding.
    Introduced in notebook 08.

    Parameters
    ----------
    X, y : torch.Tensor of shape (N, 1), else ValueError
    lrs, batch_sizes, seeds : iterables; a batch size of more than N is a ValueError, and None means all examples in
        their own order, whatever the seed
    num_steps : int, those of each run; a diverging one goes on to infinity and NaN

    Examples
    --------
    >>> X = torch.linspace(-1, 1, 100).reshape(100, 1)
    >>> train_many(X, 2 * X, lrs=[0.1, 0.5], batch_sizes=[1, None], seeds=range(3)).paths.shape
    torch.Size([2, 2, 3, 26, 2])
    """
    loss = QuadraticLoss.of(X, y)
    lrs, seeds = tuple(map(float, lrs)), tuple(map(index, seeds))
    batch_sizes = tuple(None if size is None else index(size) for size in batch_sizes)
    if max(size or 0 for size in batch_sizes) > len(X):
        raise ValueError(f"batch_sizes must be at most {len(X)}, the number of examples, got {batch_sizes}")
    rows = torch.cat((X, torch.ones_like(X)), dim=1).detach()  # (N, 2): rows @ (w, b) is the line
    paths = torch.stack([_descend(rows, y, X.new_tensor(lrs), size, seeds, num_steps) for size in batch_sizes], dim=1)
    losses = loss(*paths.cpu().double().unbind(-1))  # on the CPU: not every device knows float64
    return Runs(lrs, batch_sizes, seeds, paths, losses.to(paths))


@torch.enable_grad()
def _descend(rows, y, lrs, batch_size, seeds, num_steps) -> Tensor:
    """Return the paths for all learning rates and seeds, of shape (L, S, num_steps + 1, 2)."""
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    parameters = rows.new_zeros(len(seeds), 2, len(lrs))  # (S, 2, L): for each run, a column (w, b)
    path, batches = [parameters], []
    for step in range(num_steps):
        if not batches and batch_size is None:
            batches = [(rows.expand(len(seeds), -1, -1), y)]
        elif not batches:  # an epoch begins
            order = torch.stack([torch.randperm(len(y), generator=each, device="cpu") for each in generators])
            order = order[:, : (num_steps - step) * batch_size].to(y.device)  # the others are not seen any more
            batches = list(zip(rows[order].split(batch_size, 1), y[order].split(batch_size, 1), strict=True))
        X_batch, y_batch = batches.pop(0)  # (S, batch_size, 2), (S, batch_size, 1)
        parameters.requires_grad_()
        losses = (X_batch @ parameters - y_batch).square().mean(dim=1)  # (S, L)
        # No run's loss depends on another run's parameters: the gradient of the sum holds the gradient of each.
        (grad,) = torch.autograd.grad(losses.sum(), parameters)
        parameters = parameters.detach() - lrs * grad
        path.append(parameters)
    return torch.stack(path).detach().permute(3, 1, 0, 2)
