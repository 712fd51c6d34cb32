"""Make what a teacher hands out and grades, into build/teach: ``make teach``. See docs/teachers.md.

- ``student/``: the lessons without solutions; ``solutions/``: each blank filled in, with the reason below it.
- ``teacher/``: a page for each lesson (tools/teacher_page.py).
- ``nbgrader/``: a course for nbgrader, each exercise with a graded cell that calls the rule behind `lk.check`.
  ``release/`` is made by nbgrader itself, and left out where it is not installed.

With ``--seed`` there is an exam beside the lessons (tools/exam.py). Nothing is executed and nothing is fetched.
"""

from __future__ import annotations

import argparse
import copy
import importlib.util
import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
from exam import ExamError, exam
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell
from structure import FOLD, LESSONS, NOTEBOOKS, ROOT, Exercise, exercises
from teacher_page import teacher_page

# What points to the solution that a student does not have.
POINTERS = re.compile(r" [^.\n]*(?:solution is folded|click on \*\*Solution\*\*)[^.\n]*\.")
POINTS = 1  # for each exercise

CONFIG = '''\
"""The settings of nbgrader for this course; run nbgrader in this folder."""

c = get_config()
c.CourseDirectory.course_id = "lecturekit"
# The blank itself stays in the cell: this line comes in place of the solution.
c.ClearSolutions.code_stub = {"python": "# Put your answer in place of each ... above."}
c.ExecutePreprocessor.timeout = 300  # seconds for one cell
c.NbGrader.logfile = ""
'''

TEST = """\
# The rule of lk.check; where it says "wrong", this cell fails.
from lecturekit.checks import judge

verdict = judge({arguments})
assert verdict.status == "correct", verdict.message"""

HIDDEN = "# The test of exercise {number}.\n### BEGIN HIDDEN TESTS\n{test}\n### END HIDDEN TESTS"


def main(arguments: list[str] | None = None) -> int:
    """Write the folders; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lessons", nargs="*", type=Path, help="notebooks (default: all lessons)")
    parser.add_argument("--seed", type=int, help="make an exam, with the numbers that this seed draws")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "teach", help="folder to write into")
    options = parser.parse_args(arguments)
    shutil.rmtree(options.output, ignore_errors=True)
    for path in options.lessons or LESSONS:
        nb = nbformat.read(path, as_version=4)
        tests = [TEST.format(arguments=exercise.check[len("lk.check(") : -1]) for exercise in exercises(nb)]
        write_editions(nb, exercises(nb), tests, path.stem, options.output)
        page = options.output / "teacher" / f"{path.stem}.md"
        page.parent.mkdir(exist_ok=True)
        page.write_text(teacher_page(path, "../solutions/"), encoding="utf-8")
    for edition in ("student", "solutions"):  # the lessons link to the pages beside them
        for path in set(NOTEBOOKS) - set(LESSONS):
            shutil.copy(path, options.output / edition)
    if options.seed is not None:
        try:
            nb, found, tests = exam([nbformat.read(path, as_version=4) for path in LESSONS], options.seed)
        except ExamError as error:
            print(error, file=sys.stderr)
            return 1
        tests = [HIDDEN.format(number=exercise.number, test=test) for exercise, test in zip(found, tests, strict=True)]
        write_editions(nb, found, tests, f"exam_{options.seed}", options.output)
    course = options.output / "nbgrader"
    (course / "nbgrader_config.py").write_text(CONFIG, encoding="utf-8")
    if importlib.util.find_spec("nbgrader") is None:
        print(
            "nbgrader is not installed, so nbgrader/release is left out: pip install -c constraints.txt -e '.[teach]'"
        )
        return 0
    return release(course)


def write_editions(nb: NotebookNode, found: list[Exercise], tests: list[str], name: str, output: Path) -> None:
    """Write one notebook for students, one with solutions and one for nbgrader."""
    editions = {
        "student": edition(nb, found, lambda exercise, blank: f"{blank}\n\n{exercise.check}".strip()),
        "solutions": edition(nb, found, lambda exercise, blank: exercise.solved().strip(), reasons=True),
        f"nbgrader/source/{name}": graded(nb, found, tests),
    }
    for folder, notebook in editions.items():
        (output / folder).mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, output / folder / f"{name}.ipynb")


def edition(
    nb: NotebookNode, found: list[Exercise], fill: Callable[[Exercise, str], str], reasons: bool = False
) -> NotebookNode:
    """Return a copy whose exercises hold what `fill` makes of them and their blanks, without outputs or solutions."""
    nb = copy.deepcopy(nb)
    for exercise in found:
        cell = nb.cells[exercise.cell]
        cell.source = fill(exercise, cell.source.removesuffix(exercise.check).rstrip())
        cell.outputs, cell.execution_count = [], None
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            text = FOLD.sub(lambda fold: f"**Why:** {fold['why']}" if reasons else "", POINTERS.sub("", cell.source))
            cell.source = text.strip()
    nb.cells = [cell for cell in nb.cells if cell.source]
    return nb


def graded(nb: NotebookNode, found: list[Exercise], tests: list[str]) -> NotebookNode:
    """Return a notebook for nbgrader: the blank, its solution and the check in one cell, and a test behind each."""

    def fill(exercise: Exercise, blank: str) -> str:
        region = f"### BEGIN SOLUTION\n{exercise.solution}\n### END SOLUTION"
        return f"{blank}\n\n{region}\n\n{exercise.check}".strip()

    ids = [nb.cells[exercise.cell].id for exercise in found]
    nb = edition(nb, found, fill)
    for exercise, test, cell_id in zip(found, tests, ids, strict=True):
        place = next(index for index, cell in enumerate(nb.cells) if cell.id == cell_id)
        name = exercise.number.replace(".", "-")
        nb.cells[place].metadata["nbgrader"] = about_cell(f"exercise-{name}", solution=True)
        test_cell = new_code_cell(test, id=f"test-{name}")
        test_cell.metadata["nbgrader"] = about_cell(f"test-{name}", grade=True, locked=True, points=POINTS)
        nb.cells.insert(place + 1, test_cell)
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return nb


def about_cell(grade_id: str, **settings: object) -> dict[str, object]:
    """Return what nbgrader wants to know of a cell."""
    usual = {"grade": False, "locked": False, "solution": False, "task": False, "schema_version": 3}
    return {"grade_id": grade_id, **usual, **settings}


def settings(course: Path):
    """Return the settings of nbgrader in the folder of the course."""
    from traitlets.config import PyFileConfigLoader

    # It calls a program of its environment by name.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    config = PyFileConfigLoader("nbgrader_config.py", path=str(course)).load_config()
    config.CourseDirectory.root = str(course.resolve())
    return config


def release(course: Path) -> int:
    """Let nbgrader make the edition for students, and its gradebook; return the exit status."""
    from nbgrader.apps import NbGraderAPI

    api = NbGraderAPI(config=settings(course))
    for folder in sorted((course / "source").iterdir()):
        result = api.generate_assignment(folder.name)
        if not result["success"]:
            print(result["log"], file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
