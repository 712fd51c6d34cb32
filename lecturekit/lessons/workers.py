"""Run a function of a lesson in several processes, started by torchrun as a real program."""

from __future__ import annotations

import inspect
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
from dataclasses import dataclass
from pathlib import Path

import torch

# The workers meet at a file: the usual init_process_group() opens a port that listens to the whole network.
_PROGRAM = """\
import os
import time
from datetime import timedelta

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn
from torch.distributed.elastic.multiprocessing.errors import record
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

import lecturekit as lk


{source}

@record
def main():
    rank, world_size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    device = torch.device("cpu")
    if lk.device().type == "cuda" and torch.cuda.device_count() >= world_size:
        device = torch.device("cuda", rank)  # one GPU for each worker
        torch.cuda.set_device(device)
    # Each run has a file of its own.
    meeting_point = "meeting-point-" + os.environ["TORCHELASTIC_RUN_ID"]
    dist.init_process_group(
        "nccl" if device.type == "cuda" else "gloo",
        store=dist.FileStore(meeting_point, world_size),
        rank=rank,
        world_size=world_size,
        timeout=timedelta(minutes=5),
    )
    torch.save({name}(rank, world_size, device), f"result-{{rank}}.pt")
    dist.barrier()
    dist.destroy_process_group()


main()
"""
# Exit codes of workers that raise an error, or end after another: stopped by torchrun (SIGTERM, or Ctrl-C on Windows).
_AFTER_ANOTHER = (-signal.SIGTERM, -signal.SIGABRT, 1, 0xC000013A)


@dataclass(frozen=True)
class WorkerRun:
    """What each worker returned (tensors on the CPU) and printed, in the order of the ranks; and their program."""

    results: list
    printed: list[str]
    program: str


def run_workers(function, *, num_workers: int = 2, timeout: float = 100.0) -> WorkerRun:
    """Write a function into a program of its own, let torchrun start it several times, and collect what it returns.

    The workers compute on GPUs, by nccl, where there is one for each of them, else on the CPU, by gloo. No port listens
    to the network, and no worker outlives this process. Introduced in notebook 13.

    Parameters
    ----------
    function : ``function(rank, world_size, device)``. It is taken as text, so it must not use other names of the
        notebook than those that it imports, and ``os``. It returns what is made of tensors, numbers, strings, lists,
        tuples and dicts.
    num_workers : int
    timeout : float, seconds after which all workers are stopped, with a TimeoutError

    Raises
    ------
    RuntimeError
        If a worker fails: the first line names the one that failed first, and how; the report of torchrun follows.

    Examples
    --------
    >>> def total(rank, world_size, device):
    ...     number = torch.tensor(rank + 1, device=device)
    ...     dist.all_reduce(number)
    ...     return number.item()
    >>> run_workers(total, num_workers=2).results
    [3, 3]
    """
    program = _PROGRAM.format(source=textwrap.dedent(inspect.getsource(function)), name=function.__name__)
    with tempfile.TemporaryDirectory(prefix="lecturekit-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "program.py").write_text(program, encoding="utf-8")
        _torchrun(folder, num_workers, timeout)
        results = [torch.load(folder / f"result-{rank}.pt", "cpu", weights_only=True) for rank in range(num_workers)]
        logs = [next(folder.glob(f"logs/*/attempt_0/{rank}/stdout.log")) for rank in range(num_workers)]
        return WorkerRun(results, [log.read_text("utf-8", "replace") for log in logs], program)


def _torchrun(folder: Path, num_workers: int, timeout: float) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", f"--nproc-per-node={num_workers}"]
    command += ["--redirects=3", f"--log-dir={folder / 'logs'}"]  # what the workers write goes into files
    command += ["--rdzv-backend=c10d", "--rdzv-conf=store_type=file", f"--rdzv-endpoint={folder / 'torchrun'}"]
    command += ["--local-addr=localhost", str(Path(__file__).with_name("worker_process.py"))]
    environment = {"OMP_NUM_THREADS": "1", **os.environ, "PYTHONUTF8": "1"}  # several workers share the cores
    environment["TORCH_DISABLE_SHARE_RDZV_TCP_STORE"] = "1"  # torchrun opens no port for the workers either
    for loopback in {"lo", "lo0"} & {name for _, name in socket.if_nameindex()}:  # Windows knows neither
        environment = {"GLOO_SOCKET_IFNAME": loopback, "NCCL_SOCKET_IFNAME": loopback} | environment
    pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with (
        (folder / "report.txt").open("wb") as report,
        # At the end of the block, or of this process, stdin is closed: then the workers end, and so does torchrun.
        subprocess.Popen(command, cwd=folder, env=environment, stdout=report, **pipes) as process,
    ):
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.terminate()
            raise TimeoutError(f"the workers were not ready within {timeout:g} seconds and were stopped") from None
        if process.returncode != 0:
            said = (folder / "report.txt").read_text("utf-8", "replace")
            raise RuntimeError(f"{_cause(folder, said)}\n{said.partition('ChildFailedError:')[2] or said}")


def _cause(folder: Path, report: str) -> str:
    """Say which worker failed first, and how: those that lose their connection to it fail as well."""
    for rank, code in re.findall(r"rank +: (\d+).*?exitcode +: (-?\d+)", report, re.S):
        if int(code) not in _AFTER_ANOTHER:
            killed = int(code) < 0 and f"was killed by {signal.Signals(-int(code)).name}"
            return f"worker {rank} {killed or f'ended with exit code {code}'}"
    first = folder / "first-error.txt"  # of the worker that raised an error before all others
    return first.read_text("utf-8") if first.exists() else "the workers failed"
