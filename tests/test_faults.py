"""What may go wrong on a reader's machine, where no other test says so: a clear message, and nothing lost."""

import errno
import inspect
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import nbformat
import notebook_rules as rules
import pytest
import torch
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from test_solutions import _ThisPython
from test_workers import linux, our_processes

import lecturekit as lk
from lecturekit import measurements
from lecturekit.measurements import Row, Run, __main__, measuring

ROOT = Path(__file__).parents[1]

# --- the clone --------------------------------------------------------------------------------------------------------


@pytest.fixture
def unreadable(monkeypatch):
    """The data file is there, but the disk or the permissions say no; the administrator may read all, so by hand."""

    def refuse(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", refuse)


def test_a_data_file_that_cannot_be_read(unreadable):
    with pytest.raises(OSError, match=r"iris\.csv cannot be read: Permission denied\. Get it again with `git restore"):
        lk.data.iris()


def test_the_report_names_a_data_file_that_cannot_be_read(unreadable):
    (problem,) = lk.environment().problems
    assert "iris.csv cannot be read: Permission denied. Get it again" in problem


def test_a_read_only_clone_is_enough(tmp_path):
    """Import, data, a figure and a graph write nothing beside the package: whoever may not write there can learn."""
    for name in ("lecturekit", "data"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    code = """
import torch, lecturekit as lk
assert lk.data.iris().X_train.shape == (70, 2)
lk.show(lk.diagrams.course_map(), alt="The course.")
with lk.trace() as g:
    w = torch.tensor(2.0, requires_grad=True)
    (w * w).backward()
assert g.to_html().startswith("<img")
"""
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    for path in [tmp_path, *before]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        subprocess.run([sys.executable, "-c", code], check=True, timeout=300, env=environment, cwd="/")
        assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    finally:
        for path in [tmp_path, *before]:
            path.chmod(0o755 if path.is_dir() else 0o644)


# --- the disk ---------------------------------------------------------------------------------------------------------


def one_run(note):
    """What the command would have measured."""
    machine = {"processor": "Abacus", "threads": 1, "gpu": None}
    rows = [Row("step", "cpu", "eager", 70, 2, samples=(0.5,))]
    return Run(machine, {"python": "3.11", "torch": "2.13"}, "2026-01-31", "a command", note, rows)


def test_a_disk_that_fills_up_while_it_is_measured(monkeypatch, tmp_path, capsys):
    """The old file stays, nothing stands beside it, and what took minutes to measure is printed."""
    path = tmp_path / "run.json"
    one_run("old").save(path)

    def full(self, text, **settings):
        with self.open("w") as file:
            file.write(text[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(__main__, "run", lambda **settings: one_run("new"))
    with monkeypatch.context() as patch, pytest.raises(SystemExit) as ended:
        patch.setattr(Path, "write_text", full)
        __main__.main(["-o", str(path)])
    assert ended.value.code == 1
    printed = capsys.readouterr()
    assert f"cannot write {path}: No space left on device. Its contents are printed instead" in printed.err
    assert measurements.load(path) == one_run("old") and list(tmp_path.iterdir()) == [path]
    path.write_text(printed.out, encoding="utf-8")
    assert measurements.load(path) == one_run("new")


ON_A_REAL_DISK = """
import contextlib, os, pathlib, subprocess
from lecturekit.measurements import Row, Run, __main__, load


{one_run}

os.chdir("{disk}")
one_run("old").save("run.json")
with contextlib.suppress(OSError):
    pathlib.Path("films").write_bytes(bytes(10**6))
for name in ("full", "read-only"):
    __main__.run = lambda **settings: one_run(name)
    with contextlib.suppress(SystemExit):
        __main__.main(["-o", "run.json"])
    assert load("run.json") == one_run("old") and sorted(os.listdir()) == ["films", "run.json"]
    subprocess.run(["mount", "-o", "remount,ro", "."], check=True)
"""


@linux
def test_a_real_disk(tmp_path):
    """First full, then read-only; mounted where no other process sees it, which most users may do."""
    alone = ["unshare", "--map-root-user", "--mount"]
    if shutil.which(alone[0]) is None or subprocess.run([*alone, "true"], capture_output=True).returncode:
        pytest.skip("this user may not mount a disk")
    script = 'mount -t tmpfs -o size=8k none . && exec "$@"'
    code = ON_A_REAL_DISK.format(disk=tmp_path, one_run=inspect.getsource(one_run))
    done = subprocess.run(
        [*alone, "sh", "-c", script, "sh", sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    full, read_only = done.stderr.splitlines()
    assert full.startswith("cannot write run.json: No space left on device. Its contents are printed instead")
    assert read_only == "cannot write run.json: Read-only file system"
    assert '"note": "full"' in done.stdout  # it was measured before, and is not lost
    assert "read-only" not in done.stdout  # said before anything was measured


# --- the kernel, and what it has started ------------------------------------------------------------------------------


def run_cells(cells, folder, **variables):
    """Run cells as a lesson in a kernel of their own and return them with their outputs, also if it ends on the way."""
    nb = nbformat.v4.new_notebook(cells=cells)
    kernel = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=_ThisPython())
    client = NotebookClient(nb, km=kernel, timeout=300, resources={"metadata": {"path": str(folder)}})
    client.execute(env=without_pytest() | variables)
    return nb


def without_pytest():
    """The environment; a kernel that finds pytest in it hides what programs say that it has started."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}


def lesson_cells(number, *words):
    """Cells of a lesson: for each of the words, the first cell of code that has it."""
    cells = rules.code_cells(rules.read_lesson(number))
    found = [next(cell for cell in cells if word in cell.source) for word in words]
    return [nbformat.v4.new_code_cell(cell.source) for cell in found]


def test_a_kernel_that_is_killed_while_a_lesson_saves_a_file(tmp_path):
    """Nothing is left where the reader works, and Restart & Run All runs as if nothing had been."""
    folder, temporary = tmp_path / "lesson", tmp_path / "temporary"
    folder.mkdir(), temporary.mkdir()
    in_temporary = {"TMPDIR": str(temporary), "TEMP": str(temporary)}  # on Windows it is the second
    cells = lesson_cells("08", "import torch", "__reduce__")
    saving, (before, save, after) = cells[-1], cells[-1].source.partition("    torch.save(")
    end_of_line, rest = after.split("\n", 1)
    saving.source = f"{before}{save}{end_of_line}\n    import os\n    os.kill(os.getpid(), 9)\n{rest}"
    with pytest.raises(DeadKernelError, match="Kernel died"):
        run_cells(cells, folder, **in_temporary)
    assert [path.name for path in temporary.glob("*/*")] == ["surprise.pt"]  # it was killed in the middle
    assert not list(folder.iterdir())
    saving.source = before + save + after
    *_, again = run_cells(cells, folder, **in_temporary).cells
    assert again.outputs[-1].text.endswith("Weights only load failed\n")
    assert len(list(temporary.iterdir())) == 1  # what the first one left; this one has cleaned up


def killer(rank, world_size, device):
    if rank == 0:
        os.kill(int(os.environ.get("LECTUREKIT_TEST_KILL", os.getppid())), signal.SIGKILL)
    while True:
        time.sleep(0.1)


@pytest.fixture
def mark(monkeypatch, tmp_path):
    """A word in the environment of everything that the test starts; whatever is left in the end is stopped."""
    mark = f"LECTUREKIT_TEST_{uuid.uuid4().hex}"
    monkeypatch.setenv(mark, "1")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    yield mark
    for path in our_processes(mark):
        os.kill(int(path.parent.name), signal.SIGKILL)


def have_ended(mark):
    """Whether all that was started ends within some time; it would compute, or wait, for ever."""
    end = time.monotonic() + 120
    while (processes := our_processes(mark)) and time.monotonic() < end:
        time.sleep(0.1)
    return not processes


@linux
def test_workers_end_with_the_kernel_that_is_killed(mark, tmp_path):
    """Nobody is left then who could stop them."""
    program = tmp_path / "program.py"  # the text of a function is looked for in a file
    start = "os.environ['LECTUREKIT_TEST_KILL'] = str(os.getpid())\nlk.run_workers(killer)\n"
    program.write_text(f"import os\nimport lecturekit as lk\n\n\n{inspect.getsource(killer)}\n\n{start}")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    killed = subprocess.run([sys.executable, program], env=environment, timeout=300)
    assert killed.returncode == -signal.SIGKILL
    assert have_ended(mark)


@linux
def test_workers_end_with_torchrun_that_is_killed(mark, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(RuntimeError, match=r"^torchrun, which starts the workers, was killed by SIGKILL$"):
        lk.run_workers(killer)
    assert have_ended(mark)


def waits(rank, world_size, device):
    open(f"{os.environ['TMPDIR']}/ready-{rank}", "x").close()
    while True:
        time.sleep(0.1)


@linux
def test_workers_end_with_torchrun_that_does_not_listen(mark, monkeypatch, tmp_path):
    """It has to be killed, and then it cannot stop them; the notebook lives on, and remembers the error."""

    class Deaf(subprocess.Popen):
        def wait(self, timeout=None):
            while timeout == 100 and len(list(tmp_path.glob("ready-*"))) < 2:
                time.sleep(0.1)
            if timeout:
                raise subprocess.TimeoutExpired(self.args, timeout)
            return super().wait()

        def terminate(self):
            pass

    monkeypatch.setattr(subprocess, "Popen", Deaf)
    with pytest.raises(
        TimeoutError, match=r"^the workers were not ready within 100 seconds and were stopped$"
    ) as error:
        lk.run_workers(waits)
    assert have_ended(mark) and error


# --- no room on the GPU -----------------------------------------------------------------------------------------------


NO_ROOM = "CUDA out of memory. Tried to allocate 2.00 GiB."


def no_room(*arguments, **settings):
    raise torch.OutOfMemoryError(NO_ROOM)


def test_sizes_without_room_are_named_and_all_others_are_measured(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(measuring, "QUICK_SIZES", [(70, 2), (500, 3), (100, 3)])
    monkeypatch.setattr(measuring, "LOSS_SIZES", [(500, 3)])
    monkeypatch.setattr(measuring, "measure", lambda built, **settings: {row: lk.Timing((0.5,)) for row in built})
    loss = torch.nn.functional.mse_loss
    monkeypatch.setattr(
        torch.nn.functional, "mse_loss", lambda y_hat, y: no_room() if len(y) >= 500 else loss(y_hat, y)
    )
    __main__.main(["-o", str(tmp_path / "run.json"), "--quick", "--device", "cpu"])
    rows = measurements.load(tmp_path / "run.json").rows
    without = [(row.kind, row.way, row.N, row.batch_size) for row in rows if row.failed]
    assert without == [
        ("step", "eager", 500, None), *(("to loss", "eager", 500, size) for size in (None, 10, 100)),
        ("bandwidth", "textbook", 10_000, None), ("bandwidth", "textbook", 1000, None),
    ]  # fmt: skip
    assert all(row.failed.startswith("out of memory: X alone takes ") for row in rows if row.failed)
    assert [row.N for row in rows if row.kind == "step" and row.samples and row.batch_size is None] == [70, 100]
    assert capsys.readouterr().out.count("out of memory: X alone takes 6e-06 GB") == 4


def test_no_room_for_measuring_what_was_ready(monkeypatch):
    """Each function alone has room, but not the next call: an allocation of another program came between."""
    monkeypatch.setattr(measuring, "measure", no_room)
    row = Row("step", "cuda", "eager", 10**6, 100, failed="not yet")
    (done,) = measuring._timed({row: lambda: (1, lambda: None)}, torch.device("cpu"), quick=True)
    assert done.failed == "out of memory: X alone takes 0.4 GB"


def test_a_training_without_room_ends_with_the_error_of_pytorch():
    """It says how much was asked for, and what the parameters have learnt so far is kept."""
    w = torch.zeros(1)
    X = y = torch.ones(4, 1)

    def step(X, y):
        if w >= 3:
            no_room()
        w.add_(1)

    with pytest.raises(torch.OutOfMemoryError) as ended:
        lk.fit(step, X, y, predict=lambda X: w * X, num_steps=5)
    assert str(ended.value) == NO_ROOM and w == 3


def test_an_exercise_without_room_goes_on(capsys):
    lk.check("06.1", no_room)
    assert capsys.readouterr().out.startswith("✗ Exercise 06.1, wrong: your function raises OutOfMemoryError: CUDA out")


def test_a_gpu_that_others_have_filled(monkeypatch):
    """The report says how to go on without it."""
    monkeypatch.setattr(torch, "ones", no_room)
    (line,) = (line for line in lk.environment().lines if line.sign == "✗")
    assert line.text == f"no device to compute on: OutOfMemoryError: {NO_ROOM}"
    assert line.remedy.startswith("set LECTUREKIT_DEVICE=cpu")


# --- no network, no browser -------------------------------------------------------------------------------------------


@linux
def test_colab_without_a_network(tmp_path):
    """The setup cell stops there, and above its error stands what could not be reached."""
    missing = nbformat.v4.new_code_cell(
        "import importlib.util\nfind_spec = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name: None if name == 'lecturekit' else find_spec(name)"
    )
    nowhere = dict.fromkeys(["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"], "http://127.0.0.1:9")
    config = dict.fromkeys(["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "PIP_CONFIG_FILE"], os.devnull)
    cells = [missing, *lesson_cells("00", '"pip", "install"')]
    with pytest.raises(CellExecutionError):
        run_cells(cells, tmp_path, **nowhere, **config, no_proxy="", NO_PROXY="")
    *said, error = cells[-1].outputs
    assert error.ename == "CalledProcessError" and "'pip', 'install'" in error.evalue
    said = "".join(output.text for output in said)
    assert "unable to access 'https://github.com/" in said or "Cannot find command 'git'" in said


def test_browser_tests_say_why_they_do_nothing(tmp_path):
    command = [sys.executable, "-m", "pytest", "-m", "browser", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "tests/browser/test_jupyterlab.py", "-k", "keys"],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=ROOT,
        env=without_pytest() | {"PATH": str(tmp_path)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no Chromium or Chrome on this machine: nothing was opened in a browser" in done.stdout
    assert " passed" not in done.stdout and " skipped" in done.stdout
