"""Each folded solution, put in place of its blank, passes the check; the blank itself is answered by ○."""

from pathlib import Path

import nbformat
import notebook_rules as rules
import pytest
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("[0-9][0-9]_*.ipynb"))

# Lessons whose exercises need no more than the imports: only those cells are run here, which is much faster. (All cells
# are run when the notebook is compared with its stored outputs.)
IMPORTS_SUFFICE = ("00", "01", "02", "04", "09", "10", "12", "13")


class _ThisPython(KernelSpecManager):
    """Starts the interpreter that runs the tests, whatever kernels are installed."""

    def get_kernel_spec(self, kernel_name):
        return KernelSpec(**get_kernel_dict())


def answers_to_solutions(nb: nbformat.NotebookNode, folder: Path) -> dict[str, str]:
    """Run the notebook with every solution in place of its blank; return what each check printed, by number."""
    exercises = rules.exercises(nb)
    for exercise in exercises:
        nb.cells[exercise.cell].source = exercise.solved()
    kernel = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=_ThisPython())
    NotebookClient(nb, km=kernel, timeout=600, resources={"metadata": {"path": str(folder)}}).execute()
    return {e.number: "".join(text for _, text in rules.output_fields(nb.cells[e.cell])) for e in exercises}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_solution_passes_its_check(path):
    nb = nbformat.read(path, as_version=4)
    for exercise in rules.exercises(nb):
        stored = "".join(text for _, text in rules.output_fields(nb.cells[exercise.cell]))
        assert stored.startswith(f"○ Exercise {exercise.number}, not attempted"), stored
        assert exercise.solution, f"exercise {exercise.number} has no folded solution"
    if rules.lesson_number(path) in IMPORTS_SUFFICE:
        imports = next(cell for cell in rules.code_cells(nb) if "setup" not in rules.tags(cell))
        nb.cells = [
            cell
            for cell in nb.cells
            if cell is imports or cell.cell_type == "markdown" or "exercise" in rules.tags(cell)
        ]
    answers = answers_to_solutions(nb, path.parent)
    wrong = {number: answer for number, answer in answers.items() if not answer.startswith(f"✓ Exercise {number}, ")}
    assert not wrong, "\n".join(wrong.values())


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
    cells = [new_code_cell(stand_in), *exercise(1, "answer = 1"), *exercise(2, "answer = answer + 1")]
    assert answers_to_solutions(new_notebook(cells=cells), tmp_path) == {"05.1": "✓ 1\n", "05.2": "✗ 2\n"}
