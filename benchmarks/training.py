"""Measure the training loop against others: ``python benchmarks/training.py [--quick] [--json FILE]``.

Contestants, all on one thread of the CPU, all minimising the mean squared error of a linear model:

- fit: `lecturekit.fit`; with batch size N it is called with ``batch_size=None``, full-batch gradient descent.
- L6.4: the loop of STAT 453, lecture 6.4: ``randperm``, split the permutation, index X and y with each part.
- DataLoader: over a `TensorDataset`, shuffled, in this process.
- skorch and Lightning: everything switched off that prints, logs or saves; neither measures the loss after an epoch.
- partial_fit: scikit-learn's `SGDRegressor`, batches as in L6.4; it takes one step for each example, compiled.

The steps: empty; manual (gradient by hand); autograd (`torch.autograd.grad`); nn (`nn.Linear`, `backward`, `SGD`).

Repetitions of all contestants are interleaved, so that a busy machine slows all of them: trust the ratios of the
medians. Where an epoch has more steps than the cap, so many steps are timed from the start of the first one on, and
the number is marked with *: drawing the permutation is then not counted.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import gc
import importlib.metadata
import importlib.util
import itertools
import json
import logging
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import lecturekit as lk

LR = 1e-3
COLLATE_SECONDS = 4e-6  # what DataLoader needs for one example, about: it fetches and stacks them one by one
Step = Callable[[Tensor, Tensor], None]


class EnoughSteps(Exception):
    """Raised out of a training loop once the stopwatch has what it wants."""


class Stopwatch:
    """A step that times `cap` rounds of the loop it is called by, then breaks out of it."""

    def __init__(self, step: Step, cap: int):
        self.step, self.cap, self.calls = step, cap, 0

    def __call__(self, X: Tensor, y: Tensor):
        if self.calls == 0:
            self.start = time.perf_counter()
        elif self.calls == self.cap:
            self.seconds = time.perf_counter() - self.start
            raise EnoughSteps
        self.calls += 1
        return self.step(X, y)


# --- the steps of the lesson ------------------------------------------------------------------------------------------


def empty(d: int) -> tuple[Step, Callable[[Tensor], Tensor]]:
    """Do nothing: what is left is the price of the loop."""
    w = torch.zeros(d, 1)
    return lambda X, y: None, lambda X: X @ w


def manual(d: int) -> tuple[Step, Callable[[Tensor], Tensor]]:
    """Write the gradient of the mean squared error by hand."""
    w, b = torch.zeros(d, 1), torch.zeros(1)

    def predict(X):
        return X @ w + b

    def step(X, y):
        nonlocal w, b
        error = predict(X) - y
        w -= LR * (2 / len(X)) * (X.T @ error)
        b -= LR * 2 * error.mean()

    return step, predict


def autograd(d: int) -> tuple[Step, Callable[[Tensor], Tensor]]:
    """Ask `torch.autograd.grad` for the gradients and update in place under `no_grad`."""
    w, b = torch.zeros(d, 1, requires_grad=True), torch.zeros(1, requires_grad=True)

    def predict(X):
        return X @ w + b

    def step(X, y):
        nonlocal w, b
        loss = (predict(X) - y).square().mean()
        grad_w, grad_b = torch.autograd.grad(loss, (w, b))
        with torch.no_grad():
            w -= LR * grad_w
            b -= LR * grad_b

    return step, predict


def module(d: int) -> tuple[Step, Callable[[Tensor], Tensor]]:
    """Let `nn.Linear` hold the parameters and `torch.optim.SGD` update them."""
    model = nn.Linear(d, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=LR)

    def step(X, y):
        loss = nn.functional.mse_loss(model(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step, model


STEPS = {"empty": empty, "manual": manual, "autograd": autograd, "nn": module}


# --- the loops --------------------------------------------------------------------------------------------------------
# Each runs `epochs` epochs with a step and measures the loss after each of them, as the lesson does.


def run_fit(step, predict, X, y, batch_size, epochs):
    """The loop of this course."""
    lk.fit(step, X, y, predict=predict, num_epochs=epochs, batch_size=None if batch_size == len(X) else batch_size)


def run_lecture(step, predict, X, y, batch_size, epochs):
    """The loop of lecture 6.4."""
    losses = []
    for _ in range(epochs):
        for indices in torch.randperm(len(X)).split(batch_size):
            step(X[indices], y[indices])
        with torch.no_grad():
            losses.append((predict(X) - y).square().mean().item())


def run_loader(step, predict, X, y, batch_size, epochs):
    """The loop of most tutorials."""
    losses = []
    loader = DataLoader(TensorDataset(X, y), batch_size=batch_size, shuffle=True)
    for _ in range(epochs):
        for X_batch, y_batch in loader:
            step(X_batch, y_batch)
        with torch.no_grad():
            losses.append((predict(X) - y).square().mean().item())


LOOPS = {"fit": run_fit, "L6.4": run_lecture, "DataLoader": run_loader}


def time_loop(loop: str, step: str, X: Tensor, y: Tensor, batch_size: int, epochs: int, cap: int) -> float:
    """Return the seconds of one step in a loop of `LOOPS`."""
    step_function, predict = STEPS[step](X.shape[1])
    num_steps = -(-len(X) // batch_size)
    if num_steps <= cap:
        start = time.perf_counter()
        LOOPS[loop](step_function, predict, X, y, batch_size, epochs)
        return (time.perf_counter() - start) / (epochs * num_steps)
    watch = Stopwatch(step_function, cap)
    with contextlib.suppress(EnoughSteps):
        LOOPS[loop](watch, predict, X, y, batch_size, epochs)
    return watch.seconds / cap


def time_partial_fit(X: Tensor, y: Tensor, batch_size: int, epochs: int, cap: int) -> float:
    """Return the seconds of one call of `SGDRegressor.partial_fit`."""
    from sklearn.linear_model import SGDRegressor

    model = SGDRegressor(learning_rate="constant", eta0=LR / 2, penalty=None)
    X_array, y_array = X.numpy(), y.numpy().ravel()
    model.partial_fit(X_array[:1], y_array[:1])  # allocates the weights
    num_steps = -(-len(X) // batch_size)
    start, count = time.perf_counter(), 0
    for _ in range(epochs if num_steps <= cap else 1):
        batches = torch.randperm(len(X)).split(batch_size)
        if num_steps > cap:
            start = time.perf_counter()
        for indices in itertools.islice(batches, cap):
            part = indices.numpy()
            model.partial_fit(X_array[part], y_array[part])
            count += 1
    return (time.perf_counter() - start) / count


def time_skorch(X: Tensor, y: Tensor, batch_size: int, epochs: int, cap: int) -> float:
    """Return the seconds of one step in skorch."""
    from skorch import NeuralNetRegressor

    class Net(NeuralNetRegressor):
        watch = None

        def train_step(self, batch, **arguments):
            if self.watch is not None:
                self.watch(*batch)
            return super().train_step(batch, **arguments)

    net = Net(
        nn.Linear, module__in_features=X.shape[1], module__out_features=1, optimizer=torch.optim.SGD, lr=LR,
        batch_size=batch_size, max_epochs=epochs, iterator_train__shuffle=True, train_split=None,
        callbacks="disable", verbose=0,
    ).initialize()  # fmt: skip
    num_steps = -(-len(X) // batch_size)
    if num_steps > cap:
        net.watch = Stopwatch(lambda X, y: None, cap)
    start = time.perf_counter()
    with contextlib.suppress(EnoughSteps):
        net.partial_fit(X, y)
    return (time.perf_counter() - start) / (epochs * num_steps) if num_steps <= cap else net.watch.seconds / cap


def time_lightning(X: Tensor, y: Tensor, batch_size: int, epochs: int, cap: int) -> float:
    """Return the seconds of one step in Lightning, without the trainer's own start and end."""
    import lightning

    num_steps = -(-len(X) // batch_size)

    class Model(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.model = nn.Linear(X.shape[1], 1)
            self.watch = Stopwatch(self.loss, cap if num_steps > cap else sys.maxsize)

        def loss(self, X, y):
            return nn.functional.mse_loss(self.model(X), y)

        def training_step(self, batch, _):
            return self.watch(*batch)

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=LR)

        def on_train_start(self):
            self.began = time.perf_counter()

        def on_train_end(self):
            self.ended = time.perf_counter()

    trainer = lightning.Trainer(
        max_epochs=epochs, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False,
    )  # fmt: skip
    model = Model()
    loader = DataLoader(TensorDataset(X, y), batch_size=batch_size, shuffle=True)
    with contextlib.suppress(EnoughSteps):
        trainer.fit(model, loader)
    if num_steps <= cap:
        return (model.ended - model.began) / (epochs * num_steps)
    return model.watch.seconds / cap


OTHERS = {
    "skorch": ("skorch", time_skorch),
    "Lightning": ("lightning", time_lightning),
    "partial_fit": ("sklearn", time_partial_fit),
}


# --- measuring --------------------------------------------------------------------------------------------------------


def interleaved(contestants: dict[str, Callable[[], float]], repetitions: int) -> dict[str, float]:
    """Return the median of what each contestant returns, after a first round that does not count."""
    seconds = {name: [] for name in contestants}
    names = list(contestants)
    for round_number in range(repetitions + 1):
        names = names[1:] + names[:1]  # nobody always comes after the same neighbour
        for name in names:
            gc.collect()
            measured = contestants[name]()
            if round_number:
                seconds[name].append(measured)
    return {name: statistics.median(values) for name, values in seconds.items()}


def made_up(N: int, d: int) -> tuple[Tensor, Tensor]:
    """Return standard normal X of shape (N, d) and a noisy linear y of shape (N, 1)."""
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(N, d, generator=generator)
    return X, X.mean(dim=1, keepdim=True) + 0.1 * torch.randn(N, 1, generator=generator)


def measure_shape(
    N: int, d: int, batch_size: int, cap: int, repetitions: int, budget: float, others: list[str]
) -> dict:
    """Measure every contestant at one shape and print the rows of the table."""
    X, y = made_up(N, d)
    num_steps = -(-N // batch_size)
    epochs = max(1, min(200 // num_steps, 50_000 // N))
    capped = num_steps > cap
    contestants, skipped = {}, {}
    for step in STEPS:
        for loop in LOOPS:
            contestants[f"{step} · {loop}"] = lambda loop=loop, step=step: time_loop(
                loop, step, X, y, batch_size, epochs, cap
            )
    for name in others:
        contestants[f"nn · {name}"] = lambda name=name: OTHERS[name][1](X, y, batch_size, epochs, cap)
    rounds = min(num_steps, cap) * epochs
    for name in list(contestants):
        if name.endswith(("DataLoader", "skorch", "Lightning")):
            expected = rounds * batch_size * COLLATE_SECONDS
            if expected > budget:
                skipped[name] = f"{batch_size:,} examples a batch one by one: about {expected:.0f} s a repetition"
                del contestants[name]
    medians = interleaved(contestants, repetitions)
    print(f"\nN = {N:,}, d = {d}, batch size {batch_size:,}: {rounds:,} steps, {repetitions} repetitions")
    for step in STEPS:
        reference = medians[f"{step} · L6.4"]
        cells = [
            f"{name.partition(' · ')[2]} {seconds * 1e6:,.1f}{'*' if capped else ''} ({seconds / reference:.2f})"
            for name, seconds in medians.items()
            if name.startswith(f"{step} · ")
        ]
        print(f"  {step:9}" + "   ".join(cells), flush=True)
    for reason in sorted(set(skipped.values())):
        names = ", ".join(name for name, why in skipped.items() if why == reason)
        print(f"  skipped: {names} ({reason}, more than the budget of {budget:g} s)", flush=True)
    return {
        "N": N, "d": d, "batch_size": batch_size, "steps": rounds, "capped": capped, "seconds_per_step": medians,
        "skipped": skipped,
    }  # fmt: skip


def measure_epoch(N: int, epochs: int, repetitions: int) -> dict:
    """Compare whole epochs at d = 2 and batch size 10: checks, shuffling and evaluation included."""
    X, y = made_up(N, 2)
    num_steps = -(-N // 10)
    pairs = [("empty", "fit"), ("empty", "L6.4"), ("empty", "DataLoader")]
    if N <= 10_000:
        pairs += [("nn", "fit"), ("nn", "L6.4")]
    medians = interleaved(
        {
            f"{step} · {loop}": lambda step=step, loop=loop: (
                num_steps * time_loop(loop, step, X, y, 10, epochs, cap=sys.maxsize)
            )
            for step, loop in pairs
        },
        repetitions,
    )
    print(f"\nAn epoch in a run of {epochs}, evaluation included: N = {N:,}, d = 2, batch size 10,")
    print(f"  medians of {repetitions} interleaved runs")
    print("  " + "   ".join(f"{name} {seconds * 1e3:,.2f} ms" for name, seconds in medians.items()))
    ratios = {
        "empty step: DataLoader / fit": medians["empty · DataLoader"] / medians["empty · fit"],
        "empty step: L6.4 / fit": medians["empty · L6.4"] / medians["empty · fit"],
    }
    if N <= 10_000:
        ratios["nn step: fit / L6.4"] = medians["nn · fit"] / medians["nn · L6.4"]
    wanted = {
        "empty step: DataLoader / fit": "at least 20",
        "empty step: L6.4 / fit": "at least 3",
        "nn step: fit / L6.4": "at most 0.95",
    }
    for name, ratio in ratios.items():
        print(f"  {name}: {ratio:.2f}" + (f" (wanted: {wanted[name]})" if N == 10_000 else ""), flush=True)
    return {"N": N, "epochs": epochs, "seconds": medians, "ratios": ratios}


def measure_record(repetitions: int) -> dict:
    """Compare an epoch of the nn step with one that records its path."""
    X, y = made_up(2_000, 2)

    def epoch(recorded: bool) -> Callable[[], None]:
        step, model = module(2)
        w, b = model.parameters()
        record = (lambda: (w.detach().clone(), b.detach().clone())) if recorded else None
        return lambda: lk.fit(step, X, y, predict=model, num_epochs=1, batch_size=10, record=record)

    timings = lk.measure({"plain": epoch(False), "record": epoch(True)}, repeats=repetitions)
    medians = {name: timing.median / 200 for name, timing in timings.items()}
    ratio = medians["record"] / medians["plain"]
    print("\nThe nn step with a record of its path: N = 2,000, d = 2, batch size 10")
    print("  " + "   ".join(f"{name} {seconds * 1e6:,.1f} µs" for name, seconds in medians.items()))
    print(f"  record / plain: {ratio:.3f} (wanted: at most 1.10)", flush=True)
    return {"seconds_per_step": medians, "ratios": {"record": ratio}}


def measure_import(repetitions: int) -> dict:
    """Compare imports in fresh interpreters, timed inside them; both find themselves compiled, as when installed."""

    def seconds(module: str) -> float:
        code = f"import time; start = time.perf_counter(); import {module}; print(time.perf_counter() - start)"
        return float(
            subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=env).stdout
        )

    with tempfile.TemporaryDirectory() as folder:
        env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        env["PYTHONPYCACHEPREFIX"] = folder
        medians = interleaved(
            {name: lambda name=name: seconds(name) for name in ("torch", "lecturekit")},
            repetitions,
        )
    ratio = medians["lecturekit"] / medians["torch"]
    print(f"\nImport in a fresh interpreter, medians of {repetitions} interleaved runs")
    print("  " + "   ".join(f"{name} {value:.3f} s" for name, value in medians.items()))
    print(f"  lecturekit / torch: {ratio:.3f} (wanted: at most 1.05)", flush=True)
    return {"seconds": medians, "ratio": ratio}


def describe_machine() -> dict[str, str]:
    """Return what a reader must know to compare these numbers with others."""
    versions = {"Python": platform.python_version()}
    for package in ("torch", "lecturekit", "scikit-learn", "skorch", "lightning"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[package] = importlib.metadata.version(package)
    processor = platform.processor() or platform.machine()
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as lines:
        processor = next(
            (line.partition(": ")[2].strip() for line in lines if line.startswith("model name")), processor
        )
    return {
        "date": datetime.date.today().isoformat(),
        "machine": f"{processor}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, 1 torch thread",
        "versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
    }


def main() -> None:
    """Measure and print; write nothing unless asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few shapes, steps and repetitions: about 5 minutes")
    parser.add_argument("--budget", type=float, default=2.0, help="seconds one repetition may take (default: 2)")
    parser.add_argument("--targets", action="store_true", help="only the ratios that a target is set for")
    parser.add_argument("--json", metavar="FILE", help="write the numbers to FILE as well")
    arguments = parser.parse_args()

    torch.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"  # for the interpreters started for the imports
    warnings.filterwarnings("ignore")  # Lightning's advice on workers and loggers
    for name in ("lightning", "lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero"):
        logging.getLogger(name).setLevel(logging.ERROR)

    about = describe_machine()
    for name, value in about.items():
        print(f"{name}: {value}")
    others = []
    for name, (package, _) in OTHERS.items():
        if importlib.util.find_spec(package) is None:
            print(f"skipped: {name} ({package} is not installed)")
        else:
            others.append(name)

    results = {"about": about, "epochs": [], "shapes": []}
    # A single epoch bears the whole price of checking the arguments and of the loss before training.
    results["epochs"].append(measure_epoch(10_000, 1, 15))
    results["epochs"].append(measure_epoch(10_000, 5, 15))
    results["record"] = measure_record(75)
    results["import"] = measure_import(5 if arguments.quick else 15)
    if not arguments.targets:
        if not arguments.quick:
            results["epochs"].append(measure_epoch(1_000_000, 1, 3))
        print("\nµs a step, and in brackets the ratio to L6.4 with the same step; * see the top of this file")
        cap, repetitions = (100, 3) if arguments.quick else (1000, 5)
        for N in (100, 10_000) if arguments.quick else (100, 10_000, 1_000_000):
            for d in (2, 100):
                for batch_size in sorted({min(size, N) for size in (1, 10, 256, N)}):
                    results["shapes"].append(
                        measure_shape(N, d, batch_size, cap, repetitions, arguments.budget, others)
                    )
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)
        print(f"\nwritten: {arguments.json}")


if __name__ == "__main__":
    main()
