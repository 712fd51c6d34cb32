"""A worker function of a lesson, started by torchrun as a real program of several processes."""

from __future__ import annotations

import functools
import gc
import inspect
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from .. import _validate

# What stands around the reader's function. The workers find each other by a file in their folder: the usual
# init_process_group() has the same effect, but opens a port that listens to the whole network.
_PROGRAM = """\
import os
import signal
import statistics
import time
from datetime import timedelta

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn
from torch.nn.parallel import DistributedDataParallel

import lecturekit as lk
from lecturekit.lessons.workers import record


{source}

@record
def main():
    rank, world_size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    device = torch.device("cpu")
    if lk.device().type == "cuda" and torch.cuda.device_count() >= world_size:
        device = torch.device("cuda", rank)  # one GPU for each worker
        torch.cuda.set_device(device)
    dist.init_process_group(
        "nccl" if device.type == "cuda" else "gloo",
        store=dist.FileStore("meeting-point", world_size),
        rank=rank,
        world_size=world_size,
        timeout=timedelta(minutes=5),
    )
    torch.save({name}(rank, world_size, device), f"result-{{rank}}.pt")
    dist.barrier()
    dist.destroy_process_group()


main()
"""


_END_WITH_STDIN = "LECTUREKIT_END_WITH_STDIN"  # the environment variable by which run_workers tells `record` to do so


@dataclass(frozen=True)
class WorkerRun:
    """What came of a run: one entry for each worker, in the order of their ranks.

    Attributes
    ----------
    results : list
        What the function returned in each worker; tensors are on the CPU.
    printed : list of str
        What each worker printed.
    program : str
        The program that each of them ran.
    """

    results: list
    printed: list[str]
    program: str


def run_workers(function: object, *, num_workers: int = 2, timeout: float = 100.0) -> WorkerRun:
    """Write a function into a program of its own, let torchrun start it several times, and collect what it returns.

    Parameters
    ----------
    function : function
        ``function(rank, world_size, device)``. It is taken as text, so it must not use other names of the notebook than
        these: ``torch, dist, F, nn, DistributedDataParallel, lk, os, signal, statistics, time``. What it returns must
        be made of tensors, numbers, strings, lists, tuples and dicts.
    num_workers : int
        Number of processes, from 1 to 64.
    timeout : float
        Seconds after which all of them are stopped.

    Returns
    -------
    WorkerRun

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described, or the text of the function cannot be found.
    RuntimeError
        If a worker fails: the message says which one, and why. Or if this PyTorch comes without ``torch.distributed``.
    TimeoutError
        If they are not ready in time. No process is left behind.

    Notes
    -----
    Introduced in notebook 10. All happens in a temporary folder and on this machine alone: no port listens to the
    network. The workers compute on GPUs, by nccl, where there is one for each of them, else on the CPU, by gloo.
    """
    program = _program(function)
    # Each takes some 0.3 GB: without a bound, a slip of the finger would fill the machine.
    _validate.at_most("num_workers", _validate.integer("num_workers", num_workers, 1), 64)
    if _validate.number("timeout", timeout) <= 0:
        raise ValueError(f"timeout must be positive, got {timeout}")
    if not torch.distributed.is_available():
        raise RuntimeError(
            "this PyTorch was built without torch.distributed, so it cannot start workers; "
            "the stored results of the lesson can be read all the same"
        )
    # A worker that is stopped may still write for a moment.
    with tempfile.TemporaryDirectory(prefix="lecturekit-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "program.py").write_text(program, encoding="utf-8")
        exit_code, report = _torchrun(folder, num_workers, timeout)
        if exit_code < 0:
            raise RuntimeError(f"torchrun, which starts the workers, was killed by {signal.Signals(-exit_code).name}")
        if exit_code != 0:
            raise RuntimeError(_cause(folder, report))
        return WorkerRun(
            results=[
                torch.load(folder / f"result-{rank}.pt", map_location="cpu", weights_only=True)
                for rank in range(num_workers)
            ],
            printed=[_log(folder, rank, "stdout.log") for rank in range(num_workers)],
            program=program,
        )


def _program(function: object) -> str:
    if not inspect.isfunction(function):
        raise TypeError(f"function must be a function made by def, got {type(function).__name__}")
    try:
        source = textwrap.dedent(inspect.getsource(function))
    except OSError as error:
        raise ValueError("function must have a source text, but none was found: define it in a cell") from error
    # Where all cells share one file name, Python finds the text of the last cell.
    if f"def {function.__name__}(" not in source:
        raise ValueError(
            f"function must be defined in the cell that runs it: the text found does not define {function.__name__}"
        )
    return _PROGRAM.format(source=source, name=function.__name__)


def _torchrun(folder: Path, num_workers: int, timeout: float) -> tuple[int, str]:
    """Run the program and return the exit code of torchrun and what it said."""
    # On Windows the names listed here are not those that gloo knows.
    loopback = next((name for _, name in socket.if_nameindex() if name in ("lo", "lo0")), None)
    environment = {
        "OMP_NUM_THREADS": "1",  # several workers share the cores
        **({"GLOO_SOCKET_IFNAME": loopback, "NCCL_SOCKET_IFNAME": loopback} if loopback else {}),
        **os.environ,
        "PYTHONUTF8": "1",
        "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1",  # the second of two ports; a file takes the place of the first
        _END_WITH_STDIN: "1",
    }
    options = {
        "nproc-per-node": num_workers,
        "rdzv-backend": "c10d",
        "rdzv-conf": "store_type=file",
        "rdzv-endpoint": folder / "torchrun",
        "rdzv-id": "lesson",
        "local-addr": "localhost",
        "redirects": 3,
        "log-dir": folder / "logs",
    }
    command = [sys.executable, "-m", "torch.distributed.run"]
    command += [f"--{name}={value}" for name, value in options.items()]
    with (folder / "report.txt").open("w+", encoding="utf-8", errors="replace") as report:
        process = subprocess.Popen(
            [*command, "program.py"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,  # nothing is written: it is there to be closed when this process ends
            stdout=report,
            stderr=subprocess.STDOUT,
        )
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"the workers were not ready within {timeout:g} seconds and were stopped") from None
        finally:
            # Also when the reader interrupts the cell. torchrun stops its workers when it is asked to end, not when it
            # is killed; one that does not listen it kills after 30 seconds.
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(45)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
            process.stdin.close()
        report.seek(0)
        return process.returncode, report.read()


def record(main: Callable[[], None]) -> Callable[[], None]:
    """Decorate the main function of a worker: PyTorch's ``record``, with an error written whole or not at all.

    When one worker has failed, torchrun ends the others, often while these write the error that follows from it. By a
    file cut short torchrun fails itself, and nobody learns which worker failed first.

    Started by `run_workers`, the worker ends with the notebook, even if that is killed and can stop nothing any more.
    """
    from torch.distributed.elastic.multiprocessing import errors

    class Whole(errors.ErrorHandler):
        def record_exception(self, e: BaseException) -> None:
            path = os.environ["TORCHELASTIC_ERROR_FILE"]  # set by torchrun, another for each worker
            os.environ["TORCHELASTIC_ERROR_FILE"] = f"{path}.part"
            super().record_exception(e)
            os.replace(f"{path}.part", path)

    if _END_WITH_STDIN in os.environ:
        stdin = os.dup(0)
        with open(os.devnull) as nothing:
            os.dup2(nothing.fileno(), 0)  # for the reader's function there is no input
        threading.Thread(target=_end_with, args=(stdin,), daemon=True).start()

    @functools.wraps(main)
    def main_and_freeze() -> None:
        try:
            main()
        finally:
            # A process that ends is searched for reference cycles, through all of PyTorch: half a second for nothing.
            gc.freeze()

    return errors.record(main_and_freeze, Whole())


def _end_with(stdin: int) -> None:
    os.read(stdin, 1)  # returns when the last process that could write has ended, by whatever cause
    os._exit(1)


def _log(folder: Path, rank: int, name: str) -> str:
    return "".join(
        path.read_text(encoding="utf-8", errors="replace") for path in folder.glob(f"logs/*/attempt_0/{rank}/{name}")
    )


def _cause(folder: Path, report: str) -> str:
    """Say which worker failed first, and how.

    When one worker ends, the others lose their connection and fail as well, often within the same second, which is all
    that the report of torchrun tells apart.
    """
    codes = {int(rank): int(code) for rank, code in re.findall(r"rank +: (\d+).*?exitcode +: (-?\d+)", report, re.S)}
    # A worker writes its error down before it ends, and only then can the others notice.
    files = sorted(folder.glob("logs/*/attempt_0/*/error.json"), key=lambda path: path.stat().st_mtime_ns)
    errors = {int(path.parent.name): path for path in files}
    killed = {rank: signal.Signals(-code).name for rank, code in codes.items() if code < 0 and rank not in errors}
    for rank, name in killed.items():
        # torchrun itself ends the others by SIGTERM, and one that has lost its connection may abort.
        if name not in ("SIGTERM", "SIGABRT"):
            return f"worker {rank} was killed by {name}"
    for rank, path in errors.items():
        return f"worker {rank}: {json.loads(path.read_text(encoding='utf-8'))['message']['message']}"
    for rank, code in codes.items():
        if code > 0:
            lines = _log(folder, rank, "stderr.log").strip().splitlines()
            return f"worker {rank} ended with exit code {code}" + (f": {lines[-1]}" if lines else "")
    for rank in sorted(killed, key=lambda rank: killed[rank] == "SIGTERM"):
        return f"worker {rank} was killed by {killed[rank]}"
    return f"torchrun could not start the workers: {(report.strip().splitlines() or ['no message'])[-1]}"
