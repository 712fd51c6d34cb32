"""Run all tests several times, in random order, on a busy machine, and stop after the first run that is red.

A test that fails now and then depends on the tests before it, on the clock, or on chance. Each run has a seed of its
own, which sets the order of the files and of the tests in each, the examples of Hypothesis, and the order of Python's
sets; the cells of a notebook keep theirs. With the seed, a red run can be repeated, all but its timing. Run it with
``make flakes``; what it does not know itself, it passes on to pytest: ``make flakes RUNS=3 ARGS="-k graph"``.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import time
from contextlib import contextmanager

# It ends by itself when whoever started it is gone, however that came about.
BUSY = "import os, sys\nwhile os.getppid() == int(sys.argv[1]): sum(range(100_000))"


@contextmanager
def busy(processes: int):
    """Keep that many cores busy meanwhile."""
    running = [subprocess.Popen([sys.executable, "-c", BUSY, str(os.getpid())]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def run(seed: int, pytest_args: list[str]) -> int:
    """Run the tests in the order of `seed`, and return pytest's exit code."""
    order = ["--random-order-bucket=module", f"--random-order-seed={seed}", f"--hypothesis-seed={seed}"]
    # xdist would begin with the largest files; a file stays in one process, as in `make test`.
    processes = ["--numprocesses=2", "--dist=loadfile", "--no-loadscope-reorder"]
    # A cell of a notebook may take longer where others keep the machine busy.
    patience = ["--nbval-cell-timeout=600"]
    command = [sys.executable, "-m", "pytest", "--quiet", *processes, *order, *patience, *pytest_args]
    return subprocess.run(command, env=os.environ | {"PYTHONHASHSEED": str(seed)}).returncode


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=10, help="how many (default: 10)")
    parser.add_argument("--seed", type=int, help="of the first run; the following ones count up (default: by chance)")
    parser.add_argument("--busy", type=int, default=2, help="processes that do nothing but compute (default: 2)")
    args, pytest_args = parser.parse_known_args()
    first = random.randrange(1_000_000) if args.seed is None else args.seed
    with busy(args.busy):
        for number in range(args.runs):
            seed = first + number
            print(f"Run {number + 1} of {args.runs}, seed {seed}", flush=True)
            start = time.perf_counter()
            code = run(seed, pytest_args)
            minutes, load = (time.perf_counter() - start) / 60, os.getloadavg()[0]
            print(f"Run {number + 1} of {args.runs}, seed {seed}: ", end="")
            print(f"{'red' if code else 'green'} after {minutes:.1f} minutes, load {load:.1f}", flush=True)
            if code:
                sys.exit(f'Again: make flakes RUNS=1 ARGS="{" ".join(["--seed", str(seed), *pytest_args])}"')


if __name__ == "__main__":
    main()
