"""Each folded solution, put in place of its blank, passes the check; the blank itself is answered by ○."""

from collections.abc import Iterable
from pathlib import Path

import notebook_rules as rules
import pytest
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from structure import solved

LESSONS = {path.stem: rules.read(path) for path in rules.LESSONS}


class _ThisPython(KernelSpecManager):
    """Starts the interpreter that runs the tests, whatever kernels are installed."""

    def get_kernel_spec(self, kernel_name):
        return KernelSpec(**get_kernel_dict())


def run(sources: Iterable[str], folder: Path) -> str:
    """Run cells in a kernel of their own, and return what they print or show as text."""
    nb = new_notebook(cells=[new_code_cell(source) for source in sources])
    kernel = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=_ThisPython())
    NotebookClient(nb, km=kernel, timeout=600, resources={"metadata": {"path": str(folder)}}).execute()
    fields = [field for cell in nb.cells for field in rules.output_fields(cell)]
    return "".join({"stdout": text, "text/plain": f"{text}\n"}.get(kind, "") for kind, text in fields)


@pytest.fixture(scope="module")
def printed():
    """What all lessons print, one after the other; a kernel for each would take most of the time."""
    return run([source for nb in LESSONS.values() for source in solved(nb).values()], rules.LESSONS[0].parent)


@pytest.mark.parametrize("lesson", LESSONS)
def test_each_solution_passes_its_check(lesson, printed):
    for exercise in rules.exercises(LESSONS[lesson]):
        blank = "".join(text for _, text in rules.output_fields(LESSONS[lesson].cells[exercise.cell]))
        assert blank.startswith(f"○ Exercise {exercise.number}, not attempted"), blank
        assert exercise.solution, f"exercise {exercise.number} has no folded solution"
        verdict = next(line for line in printed.splitlines() if f"Exercise {exercise.number}, " in line)
        assert verdict.startswith(f"✓ Exercise {exercise.number}, "), verdict


def test_a_wrong_solution_is_seen(tmp_path):
    """The solutions are really run, each in its own place: a check sees what its solution and earlier cells made."""

    def exercise(number, code):
        return [
            new_code_cell(f'answer = ...\nlk.check("05.{number}", answer)', metadata={"tags": ["exercise"]}),
            new_markdown_cell(
                f"<details>\n<summary>Solution</summary>\n\n```python\n{code}\n```\n\nBecause it is one.\n</details>"
            ),
        ]

    stand_in = "class lk:\n    def check(number, answer):\n        print('✓' if answer == 1 else '✗', answer)"
    unneeded = new_code_cell("raise RuntimeError")
    cells = [new_code_cell(stand_in), unneeded, *exercise(1, "answer = 1"), *exercise(2, "answer = answer + 1")]
    assert run(solved(new_notebook(cells=cells)).values(), tmp_path) == "✓ 1\n✗ 2\n"
