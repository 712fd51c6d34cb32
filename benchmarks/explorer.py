"""Measure many runs at once against one after the other: ``python benchmarks/explorer.py [--quick] [--json FILE]``.

A line is fitted to 100 examples by SGD with 10 learning rates × 6 batch sizes × 10 seeds: 600 runs of 100 steps (of 25
with ``--quick``). All contestants take the same mini-batches:

- train_many: all at once; w, b and the loss on all examples are recorded before the first and after each step.
- nn: `lecturekit.fit` for each run, with ``nn.Linear``, ``backward`` and ``optim.SGD``, which record w and b.
- bare nn: the same, and nothing is recorded.
- grad: two tensors and ``torch.autograd.grad``, and nothing is recorded.

One thread of the CPU. Repetitions are interleaved, so that a busy machine slows all of them: trust the ratios of the
medians. The contestants that go one after the other are timed on every fifth seed only, and their time multiplied.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

import lecturekit as lk

N = 100
LRS = [0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6]
SIZES = [1, 5, 10, 20, 50, None]
SEEDS = list(range(10))
SHARE = 5
WANTED = 100


def by_module(X: Tensor, y: Tensor, lr: float, size: int | None, seed: int, num_steps: int, recorded=True) -> list:
    """Train one run with `nn` and `optim`."""
    model = nn.Linear(1, 1)
    for parameter in model.parameters():
        nn.init.zeros_(parameter)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)

    def step(X_batch, y_batch):
        loss = nn.functional.mse_loss(model(X_batch), y_batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def record():
        return model.weight.item(), model.bias.item()

    record = record if recorded else None
    return lk.fit(step, X, y, predict=model, num_steps=num_steps, batch_size=size, seed=seed, record=record).path


def by_grad(X: Tensor, y: Tensor, lr: float, size: int | None, seed: int, num_steps: int) -> list:
    """Train one run with bare tensors."""
    w, b = torch.zeros(1, requires_grad=True), torch.zeros(1, requires_grad=True)

    def step(X_batch, y_batch):
        loss = (X_batch * w + b - y_batch).square().mean()
        grad_w, grad_b = torch.autograd.grad(loss, (w, b))
        with torch.no_grad():
            w.sub_(lr * grad_w)
            b.sub_(lr * grad_b)

    lk.fit(step, X, y, predict=lambda X: X * w + b, num_steps=num_steps, batch_size=size, seed=seed)
    return [(w.item(), b.item())]


def seconds(function: Callable[[], object]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def main() -> None:
    """Measure and print; write nothing unless asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="25 steps instead of 100")
    parser.add_argument("--repetitions", type=int, default=5, help="of each contestant (default: 5)")
    parser.add_argument("--json", metavar="FILE", help="write the numbers to FILE as well")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    num_steps = 25 if arguments.quick else 100
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(N, 1, generator=generator)
    y = -5 * X + 2 + torch.randn(N, 1, generator=generator)

    def at_once():
        return lk.train_many(X, y, lrs=LRS, batch_sizes=SIZES, seeds=SEEDS, num_steps=num_steps)

    def one_after_the_other(train: Callable) -> None:
        for lr, size, seed in itertools.product(LRS, SIZES, SEEDS[::SHARE]):
            train(X, y, lr, size, seed, num_steps)

    runs = at_once()  # the first call of anything is slower
    for train in (by_module, by_grad):
        for place in ((0, 0, 0), (5, 3, 5), (9, 5, 5)):
            lr, size, seed = LRS[place[0]], SIZES[place[1]], SEEDS[place[2]]
            path = torch.tensor(train(X, y, lr, size, seed, num_steps))
            torch.testing.assert_close(runs.paths[place][-len(path) :], path, rtol=1e-3, atol=1e-4)

    contestants = {
        "train_many": lambda: seconds(at_once),
        "nn": lambda: SHARE * seconds(lambda: one_after_the_other(by_module)),
        "bare nn": lambda: SHARE * seconds(lambda: one_after_the_other(partial(by_module, recorded=False))),
        "grad": lambda: SHARE * seconds(lambda: one_after_the_other(by_grad)),
    }
    times = {name: [] for name in contestants}
    for _ in range(arguments.repetitions):
        for name, measure in contestants.items():
            # The short one several times, so that it meets as many disturbances as the long ones.
            times[name].append(statistics.median(measure() for _ in range(5 if name == "train_many" else 1)))
    medians = {name: statistics.median(values) for name, values in times.items()}
    ratios = {name: medians[name] / medians["train_many"] for name in ("nn", "bare nn", "grad")}
    embedded = 4 / 3 * 4 * runs.paths.numel() * (len(SIZES) - 1 + 1 / len(SEEDS)) / len(SIZES)

    about = (
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, torch {torch.__version__}"
    )
    print(f"{about}, 1 thread\n{runs!r}; medians of {arguments.repetitions} interleaved repetitions")
    for name, value in medians.items():
        print(f"  {name:10} {value:8.3f} s   {1e6 * value / len(runs) / num_steps:8.2f} µs for a step of a run")
    for name, ratio in ratios.items():
        print(f"  {name} / train_many: {ratio:.0f}" + (f" (wanted: at least {WANTED})" if name == "bare nn" else ""))
    print(f"  embedded in an explorer: {embedded / 1000:.0f} kB")
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump({"about": about, "runs": repr(runs), "seconds": medians, "ratios": ratios}, file, indent=1)
        print(f"written: {arguments.json}")


if __name__ == "__main__":
    main()
