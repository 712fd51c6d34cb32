"""tools/flakes.py shuffles what may be shuffled, stops at the first red run, and says how to repeat it."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
spec = importlib.util.spec_from_file_location("flakes", ROOT / "tools" / "flakes.py")
flakes = importlib.util.module_from_spec(spec)
spec.loader.exec_module(flakes)

NOTEBOOK, TESTS = "notebooks/02_devices.ipynb", "tests/test_flakes.py"


def collected(*options: str) -> dict[str, list[str]]:
    """The tests of two files, in the order in which they would run."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "--quiet", *options, NOTEBOOK, TESTS]
    lines = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return {name: [line for line in lines if line.startswith(name)] for name in (NOTEBOOK, TESTS)}


def test_tests_are_shuffled_and_cells_are_not():
    pytest.importorskip("random_order", reason="pytest-random-order is not installed: pip install -e '.[test]'")
    plain, shuffled = collected(), collected("--random-order-bucket=module", "--random-order-seed=1")
    assert len(plain[NOTEBOOK]) > 20
    assert shuffled[NOTEBOOK] == plain[NOTEBOOK]
    assert shuffled[TESTS] != plain[TESTS]
    assert sorted(shuffled[TESTS]) == sorted(plain[TESTS])


@pytest.fixture
def start(monkeypatch):
    """Return a function that runs the tool; pytest's exit codes are given, the calls of pytest are returned."""

    def start(*arguments, codes):
        calls, codes = [], iter(codes)
        monkeypatch.setattr(flakes, "run", lambda seed, pytest_args: calls.append((seed, pytest_args)) or next(codes))
        monkeypatch.setattr(sys, "argv", ["flakes.py", "--busy=0", *arguments])
        try:
            flakes.main()
        except SystemExit as end:
            return calls, end.code
        return calls, 0

    return start


def test_each_run_has_a_seed_of_its_own(start):
    calls, end = start("--runs=4", codes=[0, 0, 0, 0])
    assert len({seed for seed, _ in calls}) == 4
    assert end == 0


def test_it_stops_at_the_first_red_run_and_says_how_to_repeat_it(start, capsys):
    calls, end = start("--runs=4", "--seed=7", "-k", "graph", codes=[0, 1, 0, 0])
    assert calls == [(7, ["-k", "graph"]), (8, ["-k", "graph"])]
    assert end == 'Again: make flakes RUNS=1 ARGS="--seed 8 -k graph"'
    assert "Run 1 of 4, seed 7: green" in capsys.readouterr().out


@pytest.mark.parametrize("end", ["pass", "import os; os._exit(0)"], ids=["ends", "dies"])
def test_nothing_stays_busy_when_the_tool_is_gone(end):
    code = f"import sys; sys.path.insert(0, 'tools'); import flakes\nwith flakes.busy(2):\n    print('busy'); {end}"
    # The busy processes hold on to their standard output: it ends only when the last of them has.
    done = subprocess.run([sys.executable, "-u", "-c", code], cwd=ROOT, stdout=subprocess.PIPE, timeout=600)
    assert done.stdout == b"busy\n"
