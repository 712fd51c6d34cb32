"""Measure gradient descent and SGD on this machine: step times, times to a loss, bandwidth.

    python benchmarks/gd_vs_sgd.py -o FILE [--quick] [--device cpu|cuda] [--note TEXT]

Everything is timed on the CPU and, where there is one, on the GPU. Each row is printed as soon as it is measured:

- **step**: one step of an ADALINE (`nn.Linear`, `mse_loss`, `optim.SGD`) on N examples with d features, with all
  examples (gradient descent, GD) and with mini-batches; on a GPU also captured as one CUDA graph (way "graph"). The
  data lie on the device. Mini-batches are put in order anew each time; drawing the permutation is not counted.
- **to loss**: all steps until the loss on the first 10,000 examples is at most 2, from zero weights. The best possible
  loss is 1, the first about 22. It is looked at after every 5 steps; drawing the permutation is counted, that is not.
- **bandwidth**: bytes moved, by a copy of a large tensor (each byte is read and written), and by GD on data of the same
  size. A GD step reads X twice, once for the predictions and once for the gradient, and y once; nothing else is
  counted. Ways: "textbook", the step above, and "blocks", the gradient by hand, summed in 1,000 blocks.

The file names neither the computer nor its user. `lecturekit.lessons.recorded` reads it.
"""

from __future__ import annotations

import argparse
import datetime
import itertools
import json
import math
import os
import platform
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from pathlib import Path
from statistics import median

import torch
from torch import Tensor, nn

import lecturekit as lk
from lecturekit.lessons.recorded import Benchmark

BATCH_SIZES = {None: "GD", 10: "SGD 10", 100: "SGD 100"}  # None: all examples
STEPS_IN_A_ROW = 100  # of SGD, in one call or in one CUDA graph
SIZES = [(70, 2)] + [(N * 10**k, 100) for k in (1, 2, 3, 4, 5) for N in (3, 10)] + [(10**7, 100)]
QUICK_SIZES = [(70, 2), (100, 100), (1000, 100)]
LARGEST_ON_CPU = 10**8  # numbers in X: 0.4 GB
LOSS_SIZES = [(1000, 100), (10**4, 100), (10**5, 100), (10**6, 100)]
TARGET_LOSS = 2.0
LR = {None: 0.4, 10: 0.1, 100: 0.3}  # to reach that loss: each near the largest that is safe


@dataclass(frozen=True)
class Measurement:
    """How long one thing took: a row of the file."""

    kind: str  # "step", "to loss" or "bandwidth"
    device: str  # "cpu" or "cuda"
    way: str  # "eager" or "graph"; of a bandwidth "copy", "textbook" or "blocks"
    N: int  # rows of X
    d: int  # columns of X
    batch_size: int | None = None  # None: the full batch
    samples: tuple[float, ...] = ()  # seconds a step, or a whole training to the loss
    steps: int | None = None  # to the loss
    bytes: int | None = None  # that a step moves
    failed: str | None = None  # why there are no samples


def examples(N: int, d: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return features of falling size, and y, their sum and noise of variance 1; rows of very large data are repeated.

    They are drawn on the CPU: the same everywhere.
    """
    generator = torch.Generator().manual_seed(0)
    different = min(N, LARGEST_ON_CPU // d)
    X = torch.randn(different, d, generator=generator) * torch.logspace(0, -1, d)
    y = X.sum(dim=1, keepdim=True) + torch.randn(different, 1, generator=generator)
    X, y = X.to(device), y.to(device)
    times = math.ceil(N / different)
    return (X, y) if times == 1 else (X.repeat(times, 1)[:N], y.repeat(times, 1)[:N])


def adaline(d: int, device: torch.device, lr: float) -> tuple[nn.Linear, Callable[[Tensor, Tensor], None]]:
    """Return a model whose parameters are 0, and its step as the lessons write it."""
    model = nn.Linear(d, 1).to(device)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)

    def step(X: Tensor, y: Tensor) -> None:
        optimizer.zero_grad()
        nn.functional.mse_loss(model(X), y).backward()
        optimizer.step()

    return model, step


def in_blocks(d: int, device: torch.device, lr: float) -> tuple[tuple[Tensor, Tensor], Callable]:
    """Return zero weights and a step without autograd: it sums 1,000 blocks of rows, which keeps a whole GPU busy."""
    w, b = torch.zeros(d, 1, device=device), torch.zeros(1, device=device)

    def step(X: Tensor, y: Tensor) -> None:
        N = len(X)
        error = X @ w
        error += b
        error -= y
        gradient = (error.view(1000, 1, N // 1000) @ X.view(1000, N // 1000, d)).sum(dim=0)
        w.sub_(gradient.T, alpha=lr * 2 / N)
        b.sub_(error.mean(), alpha=lr * 2)

    return (w, b), step


def epoch(step: Callable, X: Tensor, y: Tensor, order: Tensor, batch_size: int | None) -> Callable[[], None]:
    """Return a function that takes a step on each mini-batch of the rows `order`; None: one step on all rows."""
    if batch_size is None:
        return partial(step, X, y)

    def steps() -> None:
        X_batches = X.index_select(0, order).split(batch_size)
        y_batches = y.index_select(0, order).split(batch_size)
        for X_batch, y_batch in zip(X_batches, y_batches, strict=True):
            step(X_batch, y_batch)

    return steps


def captured(function: Callable[[], None], device: torch.device) -> Callable[[], None]:
    """Return a function that repeats the work of `function` as one CUDA graph."""
    stream = torch.cuda.Stream(device)  # the same for warming up and capturing: autograd remembers it
    stream.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(stream):
        for _ in range(3):
            function()
    torch.cuda.current_stream(device).wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream):
        function()
    return lambda keep_alive=function: graph.replay()  # the graph itself keeps no tensor alive


Build = Callable[[], tuple[int, Callable[[], object]]]  # makes a function, and says how many steps it takes


def step_builds(N: int, d: int, devices: list[torch.device]) -> dict[Measurement, Build]:
    """Return how to build what is timed for one size of X: each device, batch size and way."""
    on = cache(partial(examples, N, d))

    def build(device: torch.device, batch_size: int | None, way: str) -> tuple[int, Callable[[], object]]:
        num_steps = 1 if batch_size is None else min(N // batch_size, STEPS_IN_A_ROW)
        order = torch.randperm(N, generator=torch.Generator().manual_seed(0))[: num_steps * (batch_size or 0)]
        _, step = adaline(d, device, lr=0.01)
        function = epoch(step, *on(device), order.to(device), batch_size)
        return num_steps, captured(function, device) if way == "graph" else function

    return {
        Measurement("step", device.type, way, N, d, batch_size): partial(build, device, batch_size, way)
        for device, batch_size, way in itertools.product(devices, BATCH_SIZES, ("eager", "graph"))
        if (batch_size or 1) <= N and (device.type == "cuda" or (way == "eager" and N * d <= LARGEST_ON_CPU))
    }


def bandwidth_builds(d: int, device: torch.device, quick: bool) -> dict[Measurement, Build]:
    """Return how to build a copy and the two ways of GD on as large an X as is sensible on the device."""
    numbers = 10**6 if quick else LARGEST_ON_CPU
    if device.type == "cuda" and not quick:  # at most a fifth of its memory: there will be a copy
        numbers = min(10**9, torch.cuda.get_device_properties(device).total_memory // 20)
    N = numbers // d // 1000 * 1000  # a multiple of the number of blocks
    on_device = cache(partial(examples, N, d, device))
    builds = {
        "copy": lambda: (1, partial(torch.empty_like(on_device()[0]).copy_, on_device()[0])),
        "textbook": lambda: (1, partial(adaline(d, device, lr=0.01)[1], *on_device())),
        "blocks": lambda: (1, partial(in_blocks(d, device, lr=0.01)[1], *on_device())),
    }
    moved = {"copy": 8 * N * d, "textbook": 4 * (2 * N * d + N), "blocks": 4 * (2 * N * d + N)}
    return {Measurement("bandwidth", device.type, way, N, d, bytes=moved[way]): builds[way] for way in builds}


def timed(builds: dict[Measurement, Build], device: torch.device, quick: bool) -> Iterator[Measurement]:
    """Build all and time them against each other. What fails, for lack of memory, leaves; the others stay."""
    num_steps, functions = {}, {}
    for row, build in builds.items():
        try:
            num_steps[row], function = build()
            function()
            lk.synchronize(device)
        except (RuntimeError, MemoryError) as error:
            yield replace(row, failed=f"{error!r:.200}")
        else:
            functions[row] = function
    if functions:
        settings = {"repeats": 3, "min_seconds": 0.002} if quick else {}
        for row, timing in lk.measure(functions, device=device, **settings).items():
            yield replace(row, samples=tuple(rounded(seconds / num_steps[row]) for seconds in timing.samples))


def to_loss(N: int, d: int, devices: list[torch.device]) -> Iterator[Measurement]:
    """Train three times to the loss, with each batch size."""
    for device, batch_size in itertools.product(devices, BATCH_SIZES):
        row = Measurement("to loss", device.type, "eager", N, d, batch_size)
        try:
            X, y = examples(N, d, device)
            trainings = [seconds_to_loss(X, y, batch_size) for _ in range(3)]
        except (RuntimeError, MemoryError) as error:
            yield replace(row, failed=f"{error!r:.200}")
            continue
        seconds, num_steps = zip(*trainings, strict=True)
        yield replace(row, samples=tuple(map(rounded, seconds)), steps=num_steps[0])


def seconds_to_loss(X: Tensor, y: Tensor, batch_size: int | None) -> tuple[float, int]:
    """Return the seconds and the number of steps until the loss is reached."""
    model, step = adaline(X.shape[1], X.device, LR[batch_size])
    generator = torch.Generator().manual_seed(0)
    epochs = iter(lambda: [(X, y)] if batch_size is None else lk.minibatches(X, y, batch_size, generator), None)
    batches = itertools.chain.from_iterable(epochs)
    seconds = 0.0
    for num_steps in range(5, 1001, 5):
        lk.synchronize(X.device)
        start = time.perf_counter()
        for batch in itertools.islice(batches, 5):
            step(*batch)
        lk.synchronize(X.device)
        seconds += time.perf_counter() - start
        with torch.no_grad():
            if nn.functional.mse_loss(model(X[:10_000]), y[:10_000]) <= TARGET_LOSS:
                return seconds, num_steps
    raise RuntimeError(f"the loss is still above {TARGET_LOSS}")


def rounded(number: float) -> float:
    """Keep four digits: the rest is noise."""
    return float(f"{number:.4g}")


def measurements(device: torch.device, quick: bool) -> Iterator[Measurement]:
    """Measure, and yield each row as soon as it is there."""
    devices = [torch.device("cpu")] + [device] * (device.type == "cuda")
    for N, d in QUICK_SIZES if quick else SIZES:
        yield from timed(step_builds(N, d, devices), device, quick)
    for N, d in LOSS_SIZES[:1] if quick else LOSS_SIZES:
        yield from to_loss(N, d, devices)
    for place, d in itertools.product(devices, (100, 1000)):
        yield from timed(bandwidth_builds(d, place, quick), device, quick)


def in_words(row: Measurement) -> str:
    """Write a row as a line of the progress."""
    what = row.way if row.kind == "bandwidth" else f"{BATCH_SIZES[row.batch_size]}, {row.way}"
    result = row.failed or repr(lk.Timing(row.samples))
    return f"{row.kind:9}  {row.device:4}  {what:14}  {f'{row.N:,} × {row.d}':16}  {result}"


def crossover(cpu: dict[int, lk.Timing], gpu: dict[int, lk.Timing]) -> float | None:
    """Return from which size of X on, N · d, a step on the GPU takes less time than one on the CPU.

    Between two sizes that were measured, straight lines are drawn on logarithmic axes. It is the smallest size
    measured where the GPU always wins, and None where it loses at the largest.
    """
    sizes = sorted(cpu.keys() & gpu.keys())
    gains = [math.log(cpu[size].median / gpu[size].median) for size in sizes]
    last = max((index for index, gain in enumerate(gains) if gain <= 0), default=-1)  # where the GPU loses
    if last == len(sizes) - 1:
        return None
    if last == -1:
        return float(sizes[0])
    share = gains[last] / (gains[last] - gains[last + 1])
    return sizes[last] ** (1 - share) * sizes[last + 1] ** share


def summary(benchmark: Benchmark) -> dict[str, dict[str, float | None]]:
    """Return what follows from the rows, for whoever reads the file."""
    crossovers, ratios, rates = {}, {}, {}
    for batch_size, name in BATCH_SIZES.items():
        on_cpu = benchmark.step_times("cpu", batch_size)
        on_gpu = {way: benchmark.step_times("cuda", batch_size, way) for way in ("eager", "graph")}
        for way, times in on_gpu.items():
            size = crossover(on_cpu, times)
            crossovers[f"{name}, {way}"] = size and rounded(size)
        for size, timing in on_gpu["graph"].items():
            ratios[f"{name}, {size:,} numbers"] = rounded(on_gpu["eager"][size].median / timing.median)
    for row in benchmark.rows:
        if row["kind"] == "bandwidth" and "samples" in row:
            key = f"{row['device']}, {row['way']}"
            rates[key] = max(rounded(row["bytes"] / median(row["samples"]) / 1e9), rates.get(key, 0.0))
    return {"crossover, in numbers of X": crossovers, "time eager / graph": ratios, "bandwidth, in GB/s": rates}


def machine(device: torch.device) -> dict[str, str | int | float | None]:
    """Return what the numbers depend on, and nothing that tells whose machine it is."""
    processor = platform.processor() or platform.machine()
    if (cpuinfo := Path("/proc/cpuinfo")).exists():  # on Linux
        models = re.findall(r"^model name\s*: (.+)$", cpuinfo.read_text(encoding="utf-8"), re.MULTILINE)
        processor = (models or [processor])[0]
    gpu = torch.cuda.get_device_properties(device) if device.type == "cuda" else None
    found = {"system": f"{platform.system()} {platform.machine()}", "processor": processor, "cores": os.cpu_count()}
    return found | {"threads": torch.get_num_threads(), "gpu": gpu and gpu.name}


def as_row(measurement: Measurement) -> dict:
    """Return a measurement as the file holds it, without what it has not."""
    return {key: value for key, value in asdict(measurement).items() if value not in (None, ())}


def as_json(about: dict, rows: list[dict]) -> str:
    """Write all as JSON, with a line for each row."""
    lines = ",\n  ".join(map(json.dumps, rows))
    return f'{json.dumps(about, indent=1)[:-2]},\n "rows": [\n  {lines}\n ]\n}}\n'


def main() -> None:
    """Measure, print each row as soon as it is there, and write the file: whole or not at all."""
    parser = argparse.ArgumentParser(description="Measure gradient descent and SGD on this machine.")
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, required=True, help="the JSON file to write")
    parser.add_argument("--quick", action="store_true", help="few and small sizes: seconds instead of minutes")
    parser.add_argument("--device", choices=("cpu", "cuda"), help="cuda measures both (default where there is a GPU)")
    parser.add_argument("--note", default="", help="what a reader of the numbers should know, in one sentence")
    given = parser.parse_args()
    device = torch.device(given.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    versions = {"python": platform.python_version(), "torch": torch.__version__, "cuda": torch.version.cuda}
    command = f"python benchmarks/gd_vs_sgd.py{' --quick' * given.quick} --device {device.type}"
    about = {"machine": machine(device), "versions": versions, "date": str(datetime.date.today()), "command": command}
    about["note"] = given.note
    part = given.output.with_name(f"{given.output.name}.part")
    part.touch()  # an error now is better than one in three minutes
    rows = []
    try:
        for measurement in measurements(device, given.quick):
            print(in_words(measurement), flush=True)
            rows.append(as_row(measurement))
        about["summary"] = summary(Benchmark(about["machine"], about["date"], rows))
        part.write_text(as_json(about, rows), encoding="utf-8")
        part.replace(given.output)
    finally:
        part.unlink(missing_ok=True)
    print(json.dumps(about["summary"], indent=1))


if __name__ == "__main__":
    main()
