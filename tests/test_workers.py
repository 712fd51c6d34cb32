"""Programs of several processes: what they return, who is named when one fails, and that nothing is left behind."""

import contextlib
import inspect
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import psutil
import pytest
import torch
import torch.distributed as dist

import lecturekit as lk

ROOT = Path(__file__).parents[1]
PATIENT = 900  # seconds, for a machine that is busy with other things
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="signals are those of Linux")


def meet(rank, world_size, device):
    """Also say to whom the sockets of this process and of torchrun listen."""
    import psutil

    total = torch.tensor([rank + 1.0], device=device)
    dist.all_reduce(total)
    print("rank", rank)
    processes = psutil.Process(), psutil.Process().parent()
    sockets = [socket for process in processes for socket in process.net_connections("tcp")]
    listening = [socket.laddr.ip for socket in sockets if socket.status == psutil.CONN_LISTEN]
    return {"total": total, "threads": torch.get_num_threads(), "listening": listening}


def is_killed(rank, world_size, device):
    import signal

    if rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    dist.all_reduce(torch.ones(1, device=device))


def hangs(rank, world_size, device):
    import signal

    if "LECTUREKIT_TEST_NOTEBOOK" in os.environ:
        os.kill(int(os.environ["LECTUREKIT_TEST_NOTEBOOK"]), signal.SIGKILL)
    while True:
        time.sleep(0.1)


@pytest.fixture
def mark(monkeypatch, tmp_path):
    """A word in the environment of everything that the test starts; whatever is left in the end is stopped."""
    mark = f"LECTUREKIT_TEST_{uuid.uuid4().hex}"
    monkeypatch.setenv(mark, "1")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    yield mark
    for process in processes(mark):
        process.kill()


def processes(mark):
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):  # it has ended, or is another user's
            if mark in process.environ():
                found.append(process)
    return found


def test_each_worker_computes_and_prints(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    run = lk.run_workers(meet, num_workers=2, timeout=PATIENT)
    assert [result["total"].tolist() for result in run.results] == [[3.0], [3.0]]
    assert [result["threads"] for result in run.results] == [1, 1]
    assert run.printed == ["rank 0\n", "rank 1\n"]
    # With torchrun --standalone there would be zeros: everybody. On a CPU, gloo was really used, and seen.
    listening = {address for result in run.results for address in result["listening"]}
    assert listening == {"127.0.0.1"} or (torch.cuda.device_count() and not listening)


@linux
def test_the_worker_that_failed_first_is_named(monkeypatch, tmp_path):
    """The other one fails as well, since it loses its connection. (Lesson 13 has one that raises an error.)"""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(RuntimeError) as failed:
        lk.run_workers(is_killed, num_workers=2, timeout=PATIENT)
    assert str(failed.value).splitlines()[0] == "worker 1 was killed by SIGKILL"
    assert "Root Cause (first observed failure)" in str(failed.value), "the report of torchrun follows"
    assert list(tmp_path.iterdir()) == [], "no file is left"


@linux
def test_workers_that_take_too_long_are_stopped(mark, tmp_path):
    with pytest.raises(TimeoutError, match="not ready within 3 seconds"):
        lk.run_workers(hangs, num_workers=1, timeout=3)
    assert processes(mark) == []
    assert list(tmp_path.iterdir()) == []


@linux
def test_workers_end_with_the_notebook_that_is_killed(mark, tmp_path):
    program = tmp_path / "notebook.py"  # the text of a function is looked for in a file
    start = "os.environ['LECTUREKIT_TEST_NOTEBOOK'] = str(os.getpid())\nlk.run_workers(hangs, num_workers=1)\n"
    program.write_text(f"import os\nimport lecturekit as lk\n\n\n{inspect.getsource(hangs)}\n\n{start}")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    killed = subprocess.run([sys.executable, program], env=environment, timeout=PATIENT)
    assert killed.returncode == -signal.SIGKILL
    end = time.monotonic() + 120
    while processes(mark) and time.monotonic() < end:
        time.sleep(0.1)
    assert processes(mark) == []
