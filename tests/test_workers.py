"""Programs of several processes: what they return, who is named when one fails, and that nothing is left behind."""

import inspect
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
import torch
import torch.distributed as dist

import lecturekit as lk

ROOT = Path(__file__).parents[1]
PATIENT = 900  # seconds, for a machine that is busy with other things
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def meet(rank, world_size, device):
    """Also say which sockets of this process and of torchrun listen, and to whom."""
    import contextlib
    import glob
    import pathlib

    total = torch.tensor([rank + 1.0], device=device)
    dist.all_reduce(total)
    print("rank", rank)
    inodes = set()
    for process in (os.getpid(), os.getppid()):
        for entry in os.listdir(f"/proc/{process}/fd") if os.path.isdir("/proc") else ():
            with contextlib.suppress(OSError):  # it may be closed meanwhile
                inodes.add(os.readlink(f"/proc/{process}/fd/{entry}").removeprefix("socket:[").removesuffix("]"))
    listening = []
    for table in glob.glob("/proc/net/tcp*"):
        for fields in [line.split() for line in pathlib.Path(table).read_text().splitlines()[1:]]:
            if fields[3] == "0A" and fields[9] in inodes:
                listening.append(fields[1].partition(":")[0])
    return {"total": total, "threads": torch.get_num_threads(), "listening": listening}


def raises(rank, world_size, device):
    if rank == 1:
        raise ValueError("bad data")
    dist.all_reduce(torch.ones(1, device=device))


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
        os.kill(process, signal.SIGKILL)


def processes(mark):
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in entry.read_bytes():
                found.append(int(entry.parent.name))
        except OSError:
            pass  # it has ended, or is another user's
    return found


def test_each_worker_computes_and_prints(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    run = lk.run_workers(meet, num_workers=2, timeout=PATIENT)
    assert [result["total"].tolist() for result in run.results] == [[3.0], [3.0]]
    assert [result["threads"] for result in run.results] == [1, 1]
    assert run.printed == ["rank 0\n", "rank 1\n"]
    # 127.0.0.1, as the kernel writes it. With torchrun --standalone there would be zeros: everybody.
    listening = {address for result in run.results for address in result["listening"]}
    assert listening <= {"0100007F"}
    if sys.platform.startswith("linux") and not torch.cuda.device_count():
        assert listening  # gloo was really used, and seen
    compile(run.program, "program.py", "exec")
    assert inspect.getsource(meet) in run.program


@pytest.mark.parametrize(
    ("function", "first_line"),
    [
        (raises, "worker 1: ValueError: bad data"),
        pytest.param(is_killed, "worker 1 was killed by SIGKILL", marks=linux),
    ],
)
def test_the_worker_that_failed_first_is_named(function, first_line, monkeypatch, tmp_path):
    """The other one fails as well, since it loses its connection."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(RuntimeError) as failed:
        lk.run_workers(function, num_workers=2, timeout=PATIENT)
    assert str(failed.value).splitlines()[0] == first_line
    assert "Root Cause (first observed failure)" in str(failed.value), "the report of torchrun follows"
    assert list(tmp_path.iterdir()) == [], "no file is left"


@linux
def test_workers_that_take_too_long_are_stopped(mark, tmp_path):
    with pytest.raises(TimeoutError, match="not ready within 3 seconds"):
        lk.run_workers(hangs, num_workers=2, timeout=3)
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
