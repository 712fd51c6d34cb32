"""Make what a teacher hands out and grades, into build/teach: ``make teach``. See docs/teachers.md.

Nothing is executed and nothing is fetched. ``nbgrader/release`` is made by nbgrader itself, and left out where that is
not installed. With ``--seed`` there is an exam, too: tools/exam.py.
"""

from __future__ import annotations

import argparse
import copy
import importlib.util
import os
import re
import shutil
import sys
from pathlib import Path

import nbformat
from exam import exam
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell
from structure import FOLD, LESSONS, NOTEBOOKS, ROOT, Exercise, exercises
from teacher_page import teacher_page

# What points to the solution that a student does not have, here or in the published lessons.
POINTERS = re.compile(
    r" [^.\n]*(?:solution is folded|click on \*\*Solution\*\*)[^.\n]*\.|\[Open (?:in Colab|on Binder)\]\(\S+\) · "
)
OUTPUT = ROOT / "build" / "teach"

CONFIG = '''\
"""The settings of nbgrader for this course; run nbgrader in this folder."""

import os

os.environ["LECTUREKIT_PROGRESS"] = os.devnull  # what students solve is no progress of yours
c = get_config()
c.CourseDirectory.course_id = "lecturekit"
# The blank stays in the cell: this line comes in place of the solution.
c.ClearSolutions.code_stub = {"python": "# Put your answer in place of each ... above."}
c.ExecutePreprocessor.timeout = 300  # seconds for one cell
c.NbGrader.logfile = ""
'''

TEST = """\
# The rule of lk.check. Where it does not say "correct", this cell fails.
from lecturekit.checks import judge

verdict = judge({arguments})
assert verdict.status == "correct", verdict.message"""


def main(arguments: list[str] | None = None, output: Path = OUTPUT) -> int:
    """Write the folders anew; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lessons", nargs="*", type=Path, help="notebooks (default: all lessons)")
    parser.add_argument("--seed", type=int, help="a long secret number: make an exam, with the numbers that it draws")
    options = parser.parse_args(arguments)
    shutil.rmtree(output, ignore_errors=True)
    (output / "teacher").mkdir(parents=True)
    course = output / "nbgrader"
    lessons = {path: nbformat.read(path, as_version=4) for path in options.lessons or LESSONS}
    for path, nb in lessons.items():
        found = exercises(nb)
        tests = [TEST.format(arguments=exercise.check[len("lk.check(") : -1]) for exercise in found]
        write_editions(nb, found, tests, path.stem, output, course)
        (output / "teacher" / f"{path.stem}.md").write_text(teacher_page(path), encoding="utf-8")
    for path in set(NOTEBOOKS) - set(LESSONS):  # the lessons link to the pages beside them
        page = edition(nbformat.read(path, as_version=4), [], [])
        for folder in ("student", "solutions"):
            write(page, output / folder / path.name)
    if options.seed is not None:
        write_editions(*exam([*lessons.values()], options.seed), "exam", output / "exam", course)
    (course / "nbgrader_config.py").write_text(CONFIG, encoding="utf-8")
    if importlib.util.find_spec("nbgrader"):
        return release(course)
    print("nbgrader is not installed, so nbgrader/release is left out: pip install -c constraints.txt -e '.[teach]'")
    return 0


def write_editions(
    nb: NotebookNode, found: list[Exercise], tests: list[str], name: str, output: Path, course: Path
) -> None:
    """Write a notebook for students, one with solutions, and one for nbgrader, which has a test for each exercise."""
    write(edition(nb, found, [exercise.asked() for exercise in found]), output / "student" / f"{name}.ipynb")
    solved = edition(nb, found, [exercise.solved() for exercise in found], reasons=True)
    write(solved, output / "solutions" / f"{name}.ipynb")
    cells = [f"{e.blank.rstrip()}\n\n### BEGIN SOLUTION\n{e.solution}\n### END SOLUTION\n\n{e.check}" for e in found]
    graded = edition(nb, found, [cell.strip() for cell in cells])
    for exercise, test in reversed(list(zip(found, tests, strict=True))):
        number = exercise.number.replace(".", "-")
        graded.cells.insert(exercise.cell + 1, new_code_cell(test, id=f"test-{number}"))
        settings = {"schema_version": 3, "task": False, "grade": False, "locked": False, "solution": False}
        answer, judged = graded.cells[exercise.cell : exercise.cell + 2]
        answer.metadata["nbgrader"] = settings | {"grade_id": f"exercise-{number}", "solution": True}
        one_point = {"grade_id": f"test-{number}", "grade": True, "locked": True, "points": 1}
        judged.metadata["nbgrader"] = settings | one_point
    write(graded, course / "source" / name / f"{name}.ipynb")


def edition(nb: NotebookNode, found: list[Exercise], sources: list[str], reasons: bool = False) -> NotebookNode:
    """Return a copy with other sources in the cells of its exercises, and without folded solutions."""
    nb = copy.deepcopy(nb)
    for exercise, source in zip(found, sources, strict=True):
        nb.cells[exercise.cell].update(source=source, outputs=[], execution_count=None)
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            text = POINTERS.sub("", cell.source)
            cell.source = FOLD.sub(lambda fold: f"**Why:** {fold['why']}" if reasons else "", text).strip()
    return nb


def write(nb: NotebookNode, path: Path) -> None:
    """Write a notebook without the cells that are empty now."""
    nb.cells = [cell for cell in nb.cells if cell.source]
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nb, path)


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
    results = [api.generate_assignment(folder.name) for folder in sorted((course / "source").iterdir())]
    failed = [result["log"] for result in results if not result["success"]]
    print(*failed, sep="\n", end="", file=sys.stderr)
    return len(failed) > 0


if __name__ == "__main__":
    sys.exit(main())
