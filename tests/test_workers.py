"""Programs of several processes: what they return, who is named when one fails, and that nothing is left behind."""

import contextlib
import io
import json
import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
import torch

from lecturekit import run_workers, workers
from lecturekit.diagrams import all_reduce

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
PATIENT = 900  # seconds, for a machine that is busy with other things; it ends what hangs


def meet(rank, world_size, device):
    """Also say which sockets of this process and of torchrun listen to others than this machine."""
    import contextlib
    import glob
    import pathlib

    total = torch.tensor([rank + 1.0], device=device)
    dist.all_reduce(total)  # noqa: F821
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


def fails(rank, world_size, device):
    if rank == 1:
        raise ValueError("bad data\nin two lines")
    dist.all_reduce(torch.ones(1, device=device))  # noqa: F821


def hangs(rank, world_size, device):
    while True:
        pass


def our_processes(marker):
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            if marker.encode() in entry.read_bytes():
                found.append(entry)
        except OSError:
            pass  # it has ended, or is another user's
    return found


def test_each_worker_computes_and_prints(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    run = run_workers(meet, timeout=PATIENT)
    assert [result["total"].tolist() for result in run.results] == [[3.0]] * 2
    assert run.printed == ["rank 0\n", "rank 1\n"]
    assert [result["threads"] for result in run.results] == [1] * 2
    # 127.0.0.1, as the kernel writes it. With torchrun --standalone there would be zeros: everybody.
    listening = [address for result in run.results for address in result["listening"]]
    assert set(listening) <= {"0100007F"}
    if sys.platform.startswith("linux") and not torch.cuda.device_count():
        assert listening  # gloo was really used, and seen
    compile(run.program, "program.py", "exec")
    assert "def meet(rank, world_size, device):" in run.program


def test_the_worker_that_failed_first_is_named_and_nothing_is_left(monkeypatch, tmp_path):
    monkeypatch.setattr(workers.tempfile, "tempdir", str(tmp_path))
    with pytest.raises(RuntimeError, match=r"^worker 1: ValueError: bad data\nin two lines$"):
        run_workers(fails, timeout=PATIENT)
    assert list(tmp_path.iterdir()) == []


@linux
def test_a_run_that_takes_too_long_is_stopped(monkeypatch, tmp_path):
    marker = f"LECTUREKIT_TEST_{uuid.uuid4().hex}"
    monkeypatch.setenv(marker, "1")
    monkeypatch.setattr(workers.tempfile, "tempdir", str(tmp_path))
    # Without PyTorch, the workers hang as soon as they are there, and the test need not wait long for them.
    monkeypatch.setattr(workers, "_PROGRAM", "{source}\n\n{name}(0, 2, None)\n")
    with pytest.raises(TimeoutError, match="not ready within 3 seconds"):
        run_workers(hangs, timeout=3)
    assert our_processes(marker) == []
    assert list(tmp_path.iterdir()) == []


REPORT = """
Failures:
[1]:
  rank      : 1 (local_rank: 1)
  exitcode  : {1} (pid: 7)
Root Cause (first observed failure):
[0]:
  rank      : 0 (local_rank: 0)
  exitcode  : {0} (pid: 6)
"""


def write(folder, rank, name, text):
    path = folder / "logs" / "run" / "attempt_0" / str(rank) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


ERROR = '{"message": {"message": "RuntimeError: connection closed", "extraInfo": {"timestamp": "1"}}}'


def test_the_one_that_was_killed_is_the_cause_and_not_the_one_that_noticed(tmp_path):
    write(tmp_path, 0, "error.json", ERROR)
    assert workers._cause(tmp_path, REPORT.format(1, -9)) == "worker 1 was killed by SIGKILL"


def test_an_error_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    """torchrun ends by SIGTERM those that are left, also while they write, and breaks on a file cut short."""

    class Stopped(BaseException):
        pass

    def fails(stopped):
        def main():
            if stopped:
                monkeypatch.setattr("json.dump", stop)
            raise RuntimeError("connection closed")

        return main

    def stop(data, file):
        file.write('{"mess')
        raise Stopped

    path = tmp_path / "error.json"
    monkeypatch.setenv("TORCHELASTIC_ERROR_FILE", str(path))
    with pytest.raises(Stopped):
        workers.record(fails(stopped=True))()
    assert not path.exists()

    monkeypatch.undo()
    monkeypatch.setenv("TORCHELASTIC_ERROR_FILE", str(path))
    with pytest.raises(RuntimeError, match="connection closed"):
        workers.record(fails(stopped=False))()
    assert json.loads(path.read_text())["message"]["message"] == "RuntimeError: connection closed"


WAITS = """
import sys, time
from lecturekit.lessons.workers import record

@record
def main():
    print("input:", repr(sys.stdin.read()), main.__name__, flush=True)
    time.sleep(900)

main()
"""


def test_a_worker_has_no_input_and_ends_when_nobody_can_stop_it_any_more(monkeypatch):
    monkeypatch.setenv("LECTUREKIT_END_WITH_STDIN", "1")
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", WAITS], stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout.readline() == "input: '' main\n"
        assert process.poll() is None
        process.stdin.close()
        assert process.wait(PATIENT) == 1


@pytest.mark.parametrize("answer", [None, ValueError("no")])
def test_a_process_that_ends_is_not_searched_for_reference_cycles(monkeypatch, tmp_path, answer):
    def main():
        if answer is not None:
            raise answer

    frozen = []
    monkeypatch.setattr(workers.gc, "freeze", lambda: frozen.append("frozen"))
    monkeypatch.setenv("TORCHELASTIC_ERROR_FILE", str(tmp_path / "error.json"))
    with contextlib.suppress(ValueError):
        workers.record(main)()
    assert frozen == ["frozen"]


def test_those_that_torchrun_has_stopped_are_no_cause(tmp_path):
    write(tmp_path, 0, "error.json", ERROR)
    assert workers._cause(tmp_path, REPORT.format(1, -15)) == "worker 0: RuntimeError: connection closed"


def test_the_error_that_was_written_first_is_the_cause(tmp_path):
    """Within the same second, which is all that torchrun looks at."""
    os.utime(write(tmp_path, 0, "error.json", ERROR), ns=(10**9, 10**9 + 2))
    os.utime(write(tmp_path, 1, "error.json", ERROR.replace("connection closed", "x")), ns=(10**9, 10**9 + 1))
    assert workers._cause(tmp_path, REPORT.format(1, 1)) == "worker 1: RuntimeError: x"


@pytest.mark.parametrize("code", [-6, 1])
def test_an_abort_after_the_error_is_not_the_cause(tmp_path, code):
    """Seen on a busy machine: a process that ends with open connections may be aborted by its backend."""
    write(tmp_path, 1, "error.json", ERROR)
    for other in (-6, -15):
        assert workers._cause(tmp_path, REPORT.format(other, code)) == "worker 1: RuntimeError: connection closed"


def test_an_abort_without_any_error_is_the_cause(tmp_path):
    assert workers._cause(tmp_path, REPORT.format(-15, -6)) == "worker 1 was killed by SIGABRT"


def test_a_worker_that_ends_without_a_word(tmp_path):
    report = REPORT.format(-15, 7)
    assert workers._cause(tmp_path, report) == "worker 1 ended with exit code 7"
    write(tmp_path, 1, "stderr.log", "Traceback\nof three lines\nSyntaxError: no\n")
    assert workers._cause(tmp_path, report) == "worker 1 ended with exit code 7: SyntaxError: no"
    assert workers._cause(tmp_path, "one\ntwo\nthree\n") == "torchrun could not start the workers: three"
    assert workers._cause(tmp_path, "") == "torchrun could not start the workers: no message"


@pytest.fixture
def torchrun(monkeypatch, tmp_path):
    """Stand for torchrun: note what it is asked for, and leave what it would leave, without starting anything."""
    asked = {}

    class Started:
        stdin, returncode = io.BytesIO(), 0

        def __init__(self, command, **settings):
            folder = settings["cwd"]
            asked.update(settings, command=command, program=(folder / "program.py").read_text(encoding="utf-8"))
            settings["stdout"].write(asked.get("report", ""))
            for rank in range(2):
                torch.save({"rank": torch.tensor(rank)}, folder / f"result-{rank}.pt")
                write(folder, rank, "stdout.log", f"worker {rank}: ŷ\n")
                write(folder, rank, "stderr.log", "a warning\n")
            self.returncode = asked.get("returncode", 0)
            if "tamper" in asked:
                asked["tamper"](folder)

        def wait(self, timeout):
            asked["timeout"] = timeout

        def poll(self):
            return self.returncode

    monkeypatch.setattr(workers.subprocess, "Popen", Started)
    monkeypatch.setattr(workers.tempfile, "tempdir", str(tmp_path))
    return asked


def test_what_torchrun_is_asked_for(torchrun, monkeypatch):
    monkeypatch.setattr(workers.socket, "if_nameindex", lambda: [(1, "eth0"), (2, "lo")])
    for name in ("OMP_NUM_THREADS", "GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME"):
        monkeypatch.delenv(name, raising=False)
    run = run_workers(meet)
    command, folder = torchrun["command"], torchrun["cwd"]
    assert command[:3] == [sys.executable, "-m", "torch.distributed.run"] and command[-1] == "program.py"
    assert set(command[3:-1]) == {
        "--nproc-per-node=2",
        "--rdzv-backend=c10d",
        "--rdzv-conf=store_type=file",
        f"--rdzv-endpoint={folder / 'torchrun'}",
        "--rdzv-id=lesson",
        "--local-addr=localhost",
        "--redirects=3",
        f"--log-dir={folder / 'logs'}",
    }
    environment = torchrun["env"]
    given = {name: environment[name] for name in ("OMP_NUM_THREADS", "GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME")}
    assert given == {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo", "NCCL_SOCKET_IFNAME": "lo"}
    assert environment["PYTHONUTF8"] == environment["TORCH_DISABLE_SHARE_RDZV_TCP_STORE"] == "1"
    assert torchrun["stderr"] == workers.subprocess.STDOUT and torchrun["stdin"] is not None
    assert torchrun["timeout"] == 100 and folder.name.startswith("lecturekit-") and not folder.exists()
    assert run.results == [{"rank": 0}, {"rank": 1}] and run.printed == ["worker 0: ŷ\n", "worker 1: ŷ\n"]
    assert run.program == torchrun["program"]


def test_what_the_reader_has_set_counts(torchrun, monkeypatch):
    """Threads and network, not what the program itself rests on."""
    monkeypatch.setattr(workers.socket, "if_nameindex", lambda: [(1, "lo0")])
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setenv("NCCL_SOCKET_IFNAME", "eth7")
    monkeypatch.setenv("PYTHONUTF8", "0")
    monkeypatch.delenv("GLOO_SOCKET_IFNAME", raising=False)
    run_workers(meet, num_workers=2, timeout=7)
    environment = torchrun["env"]
    assert (environment["OMP_NUM_THREADS"], environment["NCCL_SOCKET_IFNAME"]) == ("2", "eth7")
    assert (environment["GLOO_SOCKET_IFNAME"], environment["PYTHONUTF8"]) == ("lo0", "1") and torchrun["timeout"] == 7


def test_results_are_data_and_nothing_is_executed_that_was_saved(torchrun):
    torchrun["tamper"] = lambda folder: torch.save(Path("x"), folder / "result-1.pt")
    with pytest.raises(Exception, match=r"[Ww]eights.only"):
        run_workers(meet)


def test_torchrun_that_fails_is_quoted(torchrun):
    torchrun.update(returncode=1, report="one\nno port: ŷ\n")
    with pytest.raises(RuntimeError, match=r"^torchrun could not start the workers: no port: ŷ$"):
        run_workers(meet)


def test_torchrun_that_was_killed_is_named(torchrun):
    torchrun.update(returncode=-9, report="one\n")
    with pytest.raises(RuntimeError, match=r"^torchrun, which starts the workers, was killed by SIGKILL$"):
        run_workers(meet)


@pytest.mark.parametrize("deaf", [False, True])
@pytest.mark.parametrize("trouble", [workers.subprocess.TimeoutExpired("torchrun", 0.5), KeyboardInterrupt()])
def test_torchrun_is_asked_to_end_before_it_is_killed(monkeypatch, trouble, deaf):
    """Only when it is asked does it stop its workers."""
    events, stdin = [], io.BytesIO()

    class Busy:
        returncode = None

        def __init__(self, command, **settings):
            self.stdin = stdin

        def wait(self, timeout=None):
            events.append(timeout)
            if len(events) == 1:
                raise trouble
            if deaf and timeout is not None:
                raise workers.subprocess.TimeoutExpired("torchrun", timeout)

        def poll(self):
            return None

        def terminate(self):
            events.append("terminate")

        def kill(self):
            events.append("kill")

    monkeypatch.setattr(workers.subprocess, "Popen", Busy)
    message = "^the workers were not ready within 0.5 seconds and were stopped$"
    interrupted = isinstance(trouble, KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt if interrupted else TimeoutError, match=None if interrupted else message):
        run_workers(meet, timeout=0.5)
    assert events == [0.5, "terminate", 45, *(["kill", None] if deaf else [])] and stdin.closed


def test_where_no_loopback_is_known_none_is_given(torchrun, monkeypatch):
    monkeypatch.setattr(workers.socket, "if_nameindex", lambda: [(1, "ethernet_32768")])
    for name in ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME"):
        monkeypatch.delenv(name, raising=False)
    run_workers(meet, timeout=7)
    assert not {"GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME"} & set(torchrun["env"])


def test_a_text_that_is_not_utf8_is_read_all_the_same(tmp_path):
    for rank, text in ((0, b"\xff ready\n"), (1, b"other\n")):
        path = write(tmp_path, rank, "stdout.log", "")
        path.write_bytes(text)
    assert workers._log(tmp_path, 0, "stdout.log") == "\ufffd ready\n" and workers._log(tmp_path, 2, "stdout.log") == ""


def made_elsewhere():
    namespace = {}
    exec(compile("def hidden(rank, world_size, device): ...", "<from nowhere>", "exec"), namespace)
    return namespace["hidden"]


@pytest.mark.parametrize(
    ("function", "settings", "error", "match"),
    [
        (print, {}, TypeError, "function must be a function made by def, got builtin"),
        ("meet", {}, TypeError, "got str"),
        (lambda rank, world_size, device: 1, {}, ValueError, "does not define <lambda>"),
        (made_elsewhere(), {}, ValueError, "must have a source text"),
        (meet, {"num_workers": 0}, ValueError, "num_workers must be an int of at least 1, got 0"),
        (meet, {"num_workers": 2.0}, TypeError, "num_workers must be an int"),
        (meet, {"num_workers": 65}, ValueError, "^num_workers must be at most 64, got 65$"),
        (meet, {"timeout": 0}, ValueError, "timeout must be positive, got 0"),
        (meet, {"timeout": "long"}, TypeError, "timeout must be a number"),
    ],
)
def test_wrong_arguments(function, settings, error, match):
    with pytest.raises(error, match=match):
        run_workers(function, **settings)


def test_a_torch_without_distributed_says_so(monkeypatch):
    monkeypatch.setattr(torch.distributed, "is_available", lambda: False)
    with pytest.raises(RuntimeError, match=r"built without torch\.distributed"):
        run_workers(meet)


def texts(fig):
    return [text.get_text() for text in fig.axes[0].texts if text.get_text()]


def test_the_picture_of_an_all_reduce():
    fig = all_reduce([3.0, -2, 0.5])
    drawn = texts(fig)
    assert "the sum: 3 − 2 + 0.5 = 1.5. Then each divides by 3." in drawn
    assert [text for text in drawn if text.startswith("gradient")] == [
        "gradient 3",
        "gradient 0.5",
        "gradient −2",
        "gradient 0.5",
        "gradient 0.5",
        "gradient 0.5",
    ]
    assert "worker 1 has −2" in fig.get_label() and "every worker has 0.5" in fig.get_label()


@pytest.mark.parametrize(
    ("gradients", "error", "match"),
    [
        ([], ValueError, "1 to 4 workers, got 0"),
        ([1] * 5, ValueError, "1 to 4 workers, got 5"),
        (["3"], TypeError, "gradients.0. must be a number"),
        ([float("nan")], ValueError, "must be finite"),
    ],
)
def test_what_cannot_be_drawn(gradients, error, match):
    with pytest.raises(error, match=match):
        all_reduce(gradients)
