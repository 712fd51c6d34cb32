"""What is timed, and the machine it is timed on."""

from __future__ import annotations

import contextlib
import datetime
import itertools
import math
import os
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial

import torch
from torch import Tensor, nn

from lecturekit import __version__, _validate, devices
from lecturekit.devices import FLOAT32_ON_CPU, measure, synchronize
from lecturekit.training import minibatches
from lecturekit.lessons.recorded import Row, Run, _rounded

BATCH_SIZES = (None, 10, 100)
STEPS_IN_A_ROW = 100  # of SGD, in one call or in one CUDA graph
SIZES = [(70, 2)] + [(N * 10**k, 100) for k in (1, 2, 3, 4, 5) for N in (3, 10)] + [(10**7, 100)]
QUICK_SIZES = [(70, 2), (100, 100), (1000, 100)]
LARGEST_ON_CPU = 10**8  # numbers in X: 0.4 GB
LOSS_SIZES = [(1000, 100), (10**4, 100), (10**5, 100), (10**6, 100)]
TARGET_LOSS = 2.0
NO_ROOM = ("out of memory", "can't allocate memory", "ALLOC_FAILED")  # of PyTorch and CUDA, of the CPU, of cuBLAS
LR = {None: 0.4, 10: 0.1, 100: 0.3}  # to reach that loss: each near the largest that is safe


def run(
    *,
    quick: bool = False,
    device: torch.device | str | None = None,
    note: str = "",
    report: Callable = lambda row: None,
) -> Run:
    """Measure.

    Parameters
    ----------
    quick : bool
        Few and small sizes: seconds instead of minutes. Good enough to see that it works.
    device : torch.device or str, optional
        ``"cpu"`` measures the CPU alone, ``"cuda"`` both. Default: that of `lecturekit.device`.
    note : str
        What a reader of these numbers should know, such as who else used the machine.
    report : callable
        Called with each `Row` as soon as it is there.

    Returns
    -------
    Run

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described, or `device` neither the CPU nor a GPU of this machine.

    Notes
    -----
    Where memory is short, the row says so and the others are measured all the same. No random draw of the caller is
    disturbed.
    """
    _validate.switch("quick", quick)
    _validate.text("note", note)
    _validate.function("report", report)
    device = devices.device() if device is None else _validate.device("device", device)
    if device.type not in ("cpu", "cuda"):
        raise ValueError(f"device must be cpu or cuda, got {device}")
    both = [torch.device("cpu")] + [device] * (device.type == "cuda")
    command = "python -m lecturekit.measurements" + " --quick" * quick + f" --device {device.type}"
    result = Run(_machine(device), _versions(), datetime.date.today().isoformat(), command, note)
    timed = partial(_timed, device=device, quick=quick)
    for rows in itertools.chain(
        (timed(_steps(N, d, both)) for N, d in (QUICK_SIZES if quick else SIZES)),
        (_to_loss(N, d, both) for N, d in (LOSS_SIZES[:1] if quick else LOSS_SIZES)),
        (timed(_bandwidth(d, device, quick)) for device in both for d in (100, 1000)),
    ):
        for row in rows:
            result.rows.append(row)
            report(row)
    return result


def _examples(N: int, d: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Features of falling size, y their sum and noise of variance 1. Rows of very large data come several times.

    They are drawn on the CPU, which gives the same numbers everywhere, and repeated on the device: its memory may be
    larger than the computer's.
    """
    generator = torch.Generator().manual_seed(0)
    different = min(N, LARGEST_ON_CPU // d)
    X = torch.randn(different, d, generator=generator, **FLOAT32_ON_CPU) * torch.logspace(0, -1, d, **FLOAT32_ON_CPU)
    y = X.sum(dim=1, keepdim=True) + torch.randn(different, 1, generator=generator, **FLOAT32_ON_CPU)
    X, y = X.to(device), y.to(device)
    return (X, y) if different == N else (X.repeat(-(-N // different), 1)[:N], y.repeat(-(-N // different), 1)[:N])


def _adaline(d: int, device: torch.device, lr: float) -> tuple[nn.Linear, Callable[[Tensor, Tensor], None]]:
    """A model whose parameters are 0, and its step as the lessons write it."""
    # The usual start would draw random numbers.
    model = nn.utils.skip_init(nn.Linear, d, 1, device=device, dtype=torch.float32)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)

    def step(X: Tensor, y: Tensor) -> None:
        optimizer.zero_grad()
        nn.functional.mse_loss(model(X), y).backward()
        optimizer.step()

    return model, step


def _in_blocks(
    d: int, device: torch.device, lr: float
) -> tuple[tuple[Tensor, Tensor], Callable[[Tensor, Tensor], None]]:
    """The same model without autograd: the gradient of each of 1,000 blocks of rows, then their sum.

    One long sum for each of a few columns would leave most of a GPU without work.
    """
    w = torch.zeros(d, 1, dtype=torch.float32, device=device)
    b = torch.zeros(1, dtype=torch.float32, device=device)

    def step(X: Tensor, y: Tensor) -> None:
        N = len(X)
        error = X @ w
        error += b
        error -= y
        gradient = (error.view(1000, 1, N // 1000) @ X.view(1000, N // 1000, d)).sum(dim=0)
        w.sub_(gradient.T, alpha=lr * 2 / N)
        b.sub_(error.mean(), alpha=lr * 2)

    return (w, b), step


def _epoch(
    step: Callable, X: Tensor, y: Tensor, order: Tensor, batch_size: int | None, captured: bool = False
) -> Callable[[], None]:
    """Return a function that takes a step on each mini-batch of the rows `order`; None: one step on all rows."""

    def rows(places: tuple = (None, None)) -> tuple[Tensor, ...]:
        if batch_size is None:
            return X, y
        return tuple(torch.index_select(part, 0, order, out=place) for part, place in zip((X, y), places, strict=True))

    def steps(X: Tensor, y: Tensor) -> None:
        size = batch_size or len(X)
        for X_batch, y_batch in zip(X.split(size), y.split(size), strict=True):
            step(X_batch, y_batch)

    if not captured:
        return lambda: steps(*rows())
    # A graph repeats its kernels on the same places in memory: each time the rows are copied to there first.
    places = rows()
    stream = torch.cuda.Stream(X.device)  # the same for warming up and capturing, so that all libraries are ready on it
    stream.wait_stream(torch.cuda.current_stream(X.device))
    with torch.cuda.stream(stream):
        for _ in range(3):
            steps(*places)
    torch.cuda.current_stream(X.device).wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream):
        steps(*places)

    def replay(keep_alive: object = step) -> None:  # a graph does not keep its tensors: the parameters live in `step`
        rows(places)
        graph.replay()

    return replay


Build = Callable[[], tuple[int, Callable[[], object]]]  # makes a function and says how many steps it takes


def _steps(N: int, d: int, both: list[torch.device]) -> dict[Row, Build]:
    on = cache(partial(_examples, N, d))

    def build(device: torch.device, batch_size: int | None, captured: bool) -> tuple[int, Callable[[], object]]:
        num_steps = 1 if batch_size is None else min(N // batch_size, STEPS_IN_A_ROW)
        order = torch.randperm(N, generator=torch.Generator().manual_seed(0), device="cpu")
        order = order[: num_steps * (batch_size or 0)]
        _, step = _adaline(d, device, lr=0.01)
        return num_steps, _epoch(step, *on(device), order.to(device), batch_size, captured)

    return {
        Row("step", device.type, way, N, d, batch_size, failed="not yet"): partial(build, device, batch_size, captured)
        for device in both
        for batch_size in BATCH_SIZES
        for way, captured in {"eager": False, "graph": True}.items()
        if (batch_size or 1) <= N and (device.type == "cuda" or (not captured and N * d <= LARGEST_ON_CPU))
    }


def _bandwidth(d: int, device: torch.device, quick: bool) -> dict[Row, Build]:
    numbers = LARGEST_ON_CPU
    if device.type == "cuda":  # at most a fifth of its memory: there will be a copy, and what else is on it
        numbers = min(10**9, torch.cuda.get_device_properties(device).total_memory // 20)
    N = (10**6 if quick else numbers) // d // 1000 * 1000  # a multiple of the number of blocks
    on_device = cache(partial(_examples, N, d, device))

    def copy():
        X, _ = on_device()
        return 1, partial(torch.empty_like(X).copy_, X)

    def textbook():
        return 1, partial(_adaline(d, device, lr=0.01)[1], *on_device())

    def blocks():
        return 1, partial(_in_blocks(d, device, lr=0.01)[1], *on_device())

    moved = {copy: 8 * N * d, textbook: 4 * (2 * N * d + N), blocks: 4 * (2 * N * d + N)}
    row = partial(Row, "bandwidth", device.type, N=N, d=d, failed="not yet")
    return {row(build.__name__, bytes=size): build for build, size in moved.items()}


def _timed(builds: dict[Row, Build], device: torch.device, quick: bool) -> Iterator[Row]:
    """Build all and time them against each other; what has no room leaves, and the others stay."""
    ready = {}
    for row, build in builds.items():
        try:
            num_steps, function = build()
            function()
            synchronize(device)
            ready[row] = num_steps, function
        except Exception as error:
            yield _without_room(row, error)
    if not ready:
        return
    settings = {"repeats": 3, "min_seconds": 0.002} if quick else {}
    try:
        timings = measure({row: function for row, (_, function) in ready.items()}, device=device, **settings)
    except Exception as error:
        yield from (_without_room(row, error) for row in ready)
        return
    for row, timing in timings.items():
        yield replace(row, failed=None, samples=tuple(_rounded(seconds / ready[row][0]) for seconds in timing.samples))


def _to_loss(N: int, d: int, both: list[torch.device]) -> Iterator[Row]:
    for device, batch_size in itertools.product(both, BATCH_SIZES):
        row = Row("to loss", device.type, "eager", N, d, batch_size, failed=f"loss above {TARGET_LOSS}")
        try:
            examples = _examples(N, d, device)
            runs = [_seconds_to_loss(*examples, batch_size) for _ in range(3)]
        except Exception as error:
            yield _without_room(row, error)
            continue
        seconds, steps = zip(*runs, strict=True)
        if math.isfinite(sum(seconds)):
            row = replace(row, failed=None, steps=steps[0], samples=tuple(map(_rounded, seconds)))
        yield row


def _seconds_to_loss(X: Tensor, y: Tensor, batch_size: int | None) -> tuple[float, int]:
    model, step = _adaline(X.shape[1], X.device, LR[batch_size])
    generator = torch.Generator().manual_seed(0)
    epochs = iter(lambda: [(X, y)] if batch_size is None else minibatches(X, y, batch_size, generator), None)
    batches = itertools.chain.from_iterable(epochs)
    num_steps, seconds = 0, 0.0
    while num_steps < 1000:
        synchronize(X.device)
        start = time.perf_counter()
        for batch in itertools.islice(batches, 1 if batch_size is None else 5):
            step(*batch)
            num_steps += 1
        synchronize(X.device)
        seconds += time.perf_counter() - start
        with torch.no_grad():
            if nn.functional.mse_loss(model(X[:10_000]), y[:10_000]) <= TARGET_LOSS:
                return seconds, num_steps
    return math.inf, num_steps


def _without_room(row: Row, error: Exception | None) -> Row:
    """Return the row with the reason why it failed, if that is a lack of memory; any other error goes on."""
    reason = error
    while reason is not None:  # when it happens while a graph is captured, it hides behind another error
        if isinstance(reason, MemoryError) or any(words in str(reason) for words in NO_ROOM):
            torch.cuda.empty_cache()
            return replace(row, failed=f"out of memory: X alone takes {4 * row.N * row.d / 1e9:.3g} GB")
        reason = reason.__context__
    raise error


def _machine(device: torch.device) -> dict[str, str | int | float | None]:
    """What the numbers depend on, and nothing that tells whose machine it is."""
    processor = platform.processor() or platform.machine()
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as lines:
        names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
        processor = next(names, processor)
    memory = None
    with contextlib.suppress(AttributeError, ValueError, OSError):  # Windows has no sysconf
        memory = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    gpu = torch.cuda.get_device_properties(device) if device.type == "cuda" else None
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor,
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "memory_gib": memory,
        "gpu": gpu and gpu.name,
        "gpu_memory_gib": gpu and round(gpu.total_memory / 2**30, 1),
    }


def _versions() -> dict[str, str | None]:
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "lecturekit": __version__,
    }
