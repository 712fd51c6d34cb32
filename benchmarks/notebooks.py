"""How long the lessons run, beside notebooks that only import torch and matplotlib: ``python benchmarks/notebooks.py``.

Each lesson and one such notebook are executed in turn, in kernels of their own, as `make notebooks` does. The wanted
times are for two cores: 20 s a lesson, 30 s for lesson 08, 40 s for lesson 13; all lessons but these two together take
at most twice as long as notebooks that only import.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("IPYKERNEL_CELL_NAME", "<cell>")

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

LESSONS = sorted((Path(__file__).parents[1] / "notebooks").glob("[0-9][0-9]_*.ipynb"))
LONGER = {"08": 30, "13": 40}
IMPORTS = "import matplotlib.pyplot\nimport torch"


def seconds(notebook: nbformat.NotebookNode) -> float:
    """Execute a notebook in an empty folder and return how long it took, with the start of its kernel."""
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": folder}})
        start = time.perf_counter()
        client.execute()
        return time.perf_counter() - start


def main() -> None:
    """Print a table: lesson, median, wanted, and the ratio at the end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3, help="how often each is executed (default: 3)")
    repeats = parser.parse_args().repeats
    times = {path: [] for path in LESSONS}
    imports = []
    for _ in range(repeats):
        for path in LESSONS:
            times[path].append(seconds(nbformat.read(path, as_version=4)))
            imports.append(seconds(new_notebook(cells=[new_code_cell(IMPORTS)])))
    print("| lesson | seconds | wanted |\n|---|--:|--:|")
    for path, values in times.items():
        print(f"| {path.stem} | {statistics.median(values):.1f} | ≤ {LONGER.get(path.name[:2], 20)} |")
    print(f"| imports only | {statistics.median(imports):.1f} | |")
    short = [statistics.median(values) for path, values in times.items() if path.name[:2] not in LONGER]
    print(
        f"\nall but 07 and 10 / as many with imports only: {sum(short) / (len(short) * statistics.median(imports)):.2f}"
    )
    print("(wanted: at most 2)")


if __name__ == "__main__":
    main()
