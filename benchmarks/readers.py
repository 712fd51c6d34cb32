"""What many readers on one server take, in memory and time: ``python benchmarks/readers.py [--readers 30]``.

Each reader has a Jupyter kernel of their own, as on a JupyterHub, which runs the cells of stored lessons, from the
setup to the first graph. In turn with them, as many kernels that only import torch and matplotlib, and as many that
run nothing: the rest is ours. The memory of each is taken while all of them are there:

- private: what comes back to the server when this reader leaves (USS).
- share: that, and a part of what readers use together, such as PyTorch's libraries (PSS). All shares add up to what
  the server needs.
- resident: what `top` shows (RSS), now and at most so far. What readers use together counts fully for each.

Times count from the start of a kernel: until it answers, and until all its cells have run. "CPU" are the seconds in
which the kernel really computed. PyTorch takes as many threads as OMP_NUM_THREADS says, or else one a core. Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.metadata
import os
import platform
import re
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

os.environ.setdefault("IPYKERNEL_CELL_NAME", "<cell>")

import nbformat
import psutil
from jupyter_client import AsyncKernelClient, AsyncKernelManager

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
IMPORTS = "import matplotlib.pyplot\nimport torch"
QUIET = ["--log-level=ERROR", "--HistoryManager.hist_file=:memory:"]
MB, GB = 2**20, 2**30


class Reader(NamedTuple):
    """What a reader took: seconds from the start of the kernel, seconds of a CPU, bytes."""

    ready: float
    done: float
    cpu: float
    private: int
    share: int
    resident: int
    most: int


def code_cells(path: Path, whole: bool) -> list[str]:
    """Return a lesson's code, cell by cell: all of it, or up to the first graph that can be stepped through."""
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    graphs = [any("stepper(" in out.get("data", {}).get("text/html", "") for out in cell.outputs) for cell in cells]
    if not whole and not any(graphs):
        raise SystemExit(f"{path.name} shows no graph; take --whole, or another lesson")
    return [cell.source for cell in (cells if whole else cells[: graphs.index(True) + 1])]


async def run(manager: AsyncKernelManager, client: AsyncKernelClient, code: str) -> None:
    """Run a cell. RuntimeError if it fails, or if the kernel dies of it."""
    reply = asyncio.ensure_future(client.execute_interactive(code, allow_stdin=False, output_hook=lambda message: None))
    try:
        while not (await asyncio.wait([reply], timeout=1))[0]:
            if not await manager.is_alive():
                raise RuntimeError(f"a kernel died while it ran\n\n{code}")
        if (content := (await reply)["content"])["status"] != "ok":
            raise RuntimeError(f"{content.get('ename')}: {content.get('evalue')}\n\nwas raised by\n\n{code}")
    finally:
        reply.cancel()


async def read(
    cells: list[str], folder: str, socket: str, gate: asyncio.Semaphore, together: asyncio.Barrier
) -> Reader:
    """Start a kernel, run cells, measure while all readers are there, and shut the kernel down in any case."""
    # Sockets in the file system: of so many TCP ports, one may be taken between its choice and its use.
    manager = AsyncKernelManager(kernel_name="python3", transport="ipc", ip=socket)
    client = None
    try:
        async with gate:
            start = time.perf_counter()
            await manager.start_kernel(cwd=folder, extra_arguments=QUIET)
            client = manager.client()
            client.start_channels(stdin=False, hb=False, control=False)
            await client.wait_for_ready(timeout=300)
            ready = time.perf_counter() - start
            for code in cells:
                await run(manager, client, code)
            done = time.perf_counter() - start
            kernel = psutil.Process(manager.provisioner.pid)
            cpu = sum(kernel.cpu_times()[:2])
        await together.wait()
        memory = kernel.memory_full_info()
        most = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{kernel.pid}/status").read_text())
        await together.wait()
        return Reader(ready, done, cpu, memory.uss, memory.pss, memory.rss, int(most[1]) * 1024)
    finally:
        if client:
            client.stop_channels()
        if manager.has_kernel:
            await manager.shutdown_kernel(now=True)


async def read_together(cells: list[str], readers: int, at_a_time: int) -> list[Reader]:
    """Let so many readers run the same cells in an empty folder."""
    gate, together = asyncio.Semaphore(at_a_time), asyncio.Barrier(readers)
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as sockets:
        async with asyncio.TaskGroup() as group:  # if one fails, the others are cancelled
            tasks = [group.create_task(read(cells, folder, f"{sockets}/{k}", gate, together)) for k in range(readers)]
    return [task.result() for task in tasks]


def row(name: str, rounds: list[list[Reader]]) -> str:
    """Return a line of the table: medians over all readers; the slowest, and the sum, of a median round."""

    def typical(field: str, unit: float = 1) -> float:
        return median(getattr(reader, field) for readers in rounds for reader in readers) / unit

    def slowest(field: str) -> float:
        return median(max(getattr(reader, field) for reader in readers) for readers in rounds)

    everyone = median(sum(reader.share for reader in readers) for readers in rounds) / GB
    times = f"{typical('ready'):.1f} | {typical('done'):.1f} | {slowest('done'):.1f} | {typical('cpu'):.2f}"
    memory = " | ".join(f"{typical(field, MB):.0f}" for field in ("private", "share", "resident", "most"))
    return f"| {name} | {times} | {memory} | {everyone:.1f} |"


def main() -> None:
    """Print a table: what the kernels run, seconds, MB."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readers", type=int, default=30, help="kernels that are there together (default: 30)")
    parser.add_argument("--at-a-time", type=int, help="how many may be starting at a time (default: all at once)")
    parser.add_argument("--lessons", nargs="+", default=["03"], metavar="NN", help="their numbers (default: 03)")
    parser.add_argument("--whole", action="store_true", help="run all of a lesson's cells")
    parser.add_argument("--rounds", type=int, default=3, help="how often each kind of kernel has its turn (default: 3)")
    arguments = parser.parse_args()
    readers, at_a_time = arguments.readers, arguments.at_a_time or arguments.readers
    if min(readers, at_a_time, arguments.rounds) < 1:
        parser.error("--readers, --at-a-time and --rounds must be at least 1")
    kinds = {"nothing": [], "imports only": [IMPORTS]}
    for number in arguments.lessons:
        if len(paths := sorted(NOTEBOOKS.glob(f"{number}_*.ipynb"))) != 1:
            parser.error(f"--lessons must be numbers of lessons, such as 03, got {number!r}")
        name = f"lesson {number}" + ("" if arguments.whole else ", first graph")
        kinds[name] = code_cells(paths[0], arguments.whole)
    rounds = {name: [] for name in kinds}
    try:
        for _ in range(arguments.rounds):
            for name, code in kinds.items():
                rounds[name].append(asyncio.run(read_together(code, readers, at_a_time)))
    except ExceptionGroup as group:
        failed, other = group.split(RuntimeError)
        if other:
            raise
        raise SystemExit(f"Stopped, and all kernels shut down: {failed.exceptions[0]}") from None

    print(
        f"{platform.machine()}, {os.cpu_count()} cores, {psutil.virtual_memory().total / GB:.0f} GB of memory, "
        f"Python {platform.python_version()}, torch {importlib.metadata.version('torch')}, "
        f"OMP_NUM_THREADS {os.environ.get('OMP_NUM_THREADS', 'not set')}\n"
        f"{readers} readers, {at_a_time} starting at a time; medians of {arguments.rounds} rounds\n\n"
        "| a kernel runs | answers, s | done, s | slowest, s | CPU, s | private, MB | share, MB | resident, MB "
        "| at most, MB | all, GB |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
    )
    for name in kinds:
        print(row(name, rounds[name]))


if __name__ == "__main__":
    main()
