"""Measure what `lecturekit.fit` and `import lecturekit` promise: ``python benchmarks/training.py [--repetitions 15]``.

One epoch of N = 10,000 examples, d = 2, batch size 10, on one thread of the CPU, in three loops:

- fit: `lecturekit.fit`, with its checks and the loss before training.
- L6.4: the loop of STAT 453, lecture 6.4: ``randperm``, split the permutation, index X and y with each part.
- DataLoader: over a `TensorDataset`, shuffled, in this process.

The step is empty, which leaves the price of the loop, or an nn one (`nn.Linear`, `backward`, `SGD`). Each loop measures
the loss after the epoch. The loops are timed by the processor's clock, which does not run while others compute; the
imports in fresh interpreters. Repetitions are interleaved, so that a busy machine slows all contestants: trust the
ratios of the medians. The exit status is 1 where a promise is not kept.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import lecturekit as lk

N, BATCH_SIZE = 10_000, 10
Step = Callable[[Tensor, Tensor], None]
Predict = Callable[[Tensor], Tensor]


def empty() -> tuple[Step, Predict]:
    """Return a step that does nothing."""
    w = torch.zeros(2, 1)
    return lambda X, y: None, lambda X: X @ w


def module() -> tuple[Step, Predict]:
    """Return a step in which `nn.Linear` holds the parameters and `torch.optim.SGD` updates them."""
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)

    def step(X, y):
        loss = nn.functional.mse_loss(model(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step, model


def run_fit(step: Step, predict: Predict, X: Tensor, y: Tensor) -> None:
    """Run an epoch in the loop of this course."""
    lk.fit(step, X, y, predict=predict, num_epochs=1, batch_size=BATCH_SIZE)


def run_lecture(step: Step, predict: Predict, X: Tensor, y: Tensor) -> None:
    """Run an epoch in the loop of lecture 6.4."""
    for indices in torch.randperm(len(X)).split(BATCH_SIZE):
        step(X[indices], y[indices])
    with torch.no_grad():
        (predict(X) - y).square().mean().item()


def run_loader(step: Step, predict: Predict, X: Tensor, y: Tensor) -> None:
    """Run an epoch in the loop of most tutorials."""
    for X_batch, y_batch in DataLoader(TensorDataset(X, y), batch_size=BATCH_SIZE, shuffle=True):
        step(X_batch, y_batch)
    with torch.no_grad():
        (predict(X) - y).square().mean().item()


def epoch(loop: Callable[..., None], make_step: Callable[[], tuple[Step, Predict]]) -> Callable[[], float]:
    """Return a function that runs an epoch with a new model and returns its seconds."""
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(N, 2, generator=generator)
    y = X.mean(dim=1, keepdim=True)

    def run() -> float:
        step, predict = make_step()
        start = time.process_time()
        loop(step, predict, X, y)
        return time.process_time() - start

    return run


def importing(name: str, folder: str) -> Callable[[], float]:
    """Return a function that imports a module in a fresh interpreter, from compiled files, and returns its seconds."""
    code = f"import time; start = time.perf_counter(); import {name}; print(time.perf_counter() - start)"
    environment = os.environ | {"PYTHONPYCACHEPREFIX": folder, "OMP_NUM_THREADS": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def run() -> float:
        done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment)
        return float(done.stdout)

    return run


def interleaved_medians(contestants: dict[str, Callable[[], float]], repetitions: int) -> dict[str, float]:
    """Return the median of what each contestant returns, after a first round that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    names = list(contestants)
    for round_number in range(repetitions + 1):
        names = names[1:] + names[:1]  # nobody always comes after the same neighbour
        for name in names:
            measured = contestants[name]()
            if round_number:
                seconds[name].append(measured)
    return {name: statistics.median(values) for name, values in seconds.items()}


def report(words: str, ratio: float, least: float = 0.0, most: float = float("inf")) -> bool:
    """Print a ratio beside what is promised; return whether the promise is kept."""
    kept = least <= ratio <= most
    wanted = f"at least {least:g}" if least else f"at most {most:g}"
    print(f"{'✓' if kept else '✗'} {words}: {ratio:.2f} ({wanted})", flush=True)
    return kept


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=15, help="of each loop (default: 15)")
    parser.add_argument("--imports", type=int, default=12, help="of each module (default: 12)")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(f"Python {platform.python_version()}, torch {torch.__version__}, {platform.machine()}, one thread")

    loops = {"fit": run_fit, "L6.4": run_lecture, "DataLoader": run_loader}
    contestants = {f"empty · {name}": epoch(loop, empty) for name, loop in loops.items()}
    contestants |= {f"nn · {name}": epoch(loops[name], module) for name in ("fit", "L6.4")}
    medians = interleaved_medians(contestants, arguments.repetitions)
    print("ms an epoch: " + ", ".join(f"{name} {1e3 * seconds:.2f}" for name, seconds in medians.items()))
    kept = [
        report("empty step, DataLoader / fit", medians["empty · DataLoader"] / medians["empty · fit"], least=20),
        report("empty step, L6.4 / fit", medians["empty · L6.4"] / medians["empty · fit"], least=3),
        report("nn step, fit / L6.4", medians["nn · fit"] / medians["nn · L6.4"], most=0.95),
    ]
    with tempfile.TemporaryDirectory() as folder:
        contestants = {name: importing(name, folder) for name in ("torch", "lecturekit")}
        medians = interleaved_medians(contestants, arguments.imports)
    print("s an import: " + ", ".join(f"{name} {seconds:.2f}" for name, seconds in medians.items()))
    kept.append(report("import, lecturekit / torch", medians["lecturekit"] / medians["torch"], most=1.05))
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
