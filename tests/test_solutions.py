"""Each folded solution, put in place of its blank, passes the check; the blank itself is answered by ○."""

import ast
import symtable
from pathlib import Path

import notebook_rules as rules
import pytest
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

LESSONS = {path.stem: rules.read(path) for path in rules.LESSONS}


class _ThisPython(KernelSpecManager):
    """Starts the interpreter that runs the tests, whatever kernels are installed."""

    def get_kernel_spec(self, kernel_name):
        return KernelSpec(**get_kernel_dict())


def names_in(source: str) -> tuple[set[str], set[str], set[str]]:
    """Return the names that a cell binds, those that it needs from earlier cells, and those that it adds to."""
    tables = [symtable.symtable(source, "cell", "exec")]
    binds = {symbol.get_name() for symbol in tables[0].get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    uses = {symbol.get_name() for symbol in tables[0].get_symbols() if symbol.is_referenced()}
    for table in tables:
        tables += table.get_children()
        uses |= {symbol.get_name() for symbol in table.get_symbols() if symbol.is_global()}
    stores = [node for node in ast.walk(ast.parse(source)) if isinstance(getattr(node, "ctx", None), ast.Store)]
    adds = {node.value.id for node in stores if isinstance(getattr(node, "value", None), ast.Name)}  # Tensor.exp = exp
    return binds, uses - binds, adds


def solved(nb: NotebookNode) -> list[NotebookNode]:
    """Return the exercises of a lesson, solved, and before them the cells that they need, and no others."""
    sources = {exercise.cell: exercise.solved() for exercise in rules.exercises(nb)}
    wanted, cells = set(), []
    for index, cell in reversed([*enumerate(nb.cells)]):
        if cell.cell_type == "code" and not cell.source.startswith("%"):
            source = sources.get(index, cell.source)
            binds, uses, adds = names_in(source)
            if index in sources or (binds | adds) & wanted:
                cells.insert(0, new_code_cell(source))
                wanted = wanted - binds | uses
    return cells


def run(cells: list[NotebookNode], folder: Path) -> str:
    """Run cells in a kernel of their own, and return what they print or show as text."""
    nb = new_notebook(cells=cells)
    kernel = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=_ThisPython())
    NotebookClient(nb, km=kernel, timeout=600, resources={"metadata": {"path": str(folder)}}).execute()
    fields = [field for cell in nb.cells for field in rules.output_fields(cell)]
    return "".join({"stdout": text, "text/plain": f"{text}\n"}.get(kind, "") for kind, text in fields)


@pytest.fixture(scope="module")
def printed():
    """What all lessons print, one after the other; a kernel for each would take most of the time."""
    return run([cell for nb in LESSONS.values() for cell in solved(nb)], rules.LESSONS[0].parent)


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
    assert run(solved(new_notebook(cells=cells)), tmp_path) == "✓ 1\n✗ 2\n"
