"""What `make teach` writes: nothing that gives a solution away, a right exam, a course that nbgrader grades."""

import importlib.util
import re
from itertools import product
from pathlib import Path
from unittest.mock import ANY

import exam
import nbformat
import notebook_rules as rules
import pytest
import teach
import torch
from structure import LESSONS
from teacher_page import PREDICT, TROUBLE

from lecturekit.checks import judge

ROOT = Path(__file__).parents[1]
NBS = [rules.read(path) for path in LESSONS]
GRADED = ("00", "02")  # what nbgrader grades here, and an exam on them: short lessons
SEED = 70123456789
MARKS = re.compile(
    r"<summary>Solution|[Ss]olution is folded|(?:BEGIN|END) [SH]|assert agrees|colab\.research|mybinder\.org"
)
needs_nbgrader = pytest.mark.skipif(
    importlib.util.find_spec("nbgrader") is None, reason="nbgrader is not installed: pip install -e '.[teach]'"
)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Everything but nbgrader's release, which has a test of its own."""
    folder = tmp_path_factory.mktemp("teach")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(teach, "release", lambda course: 0)
        assert teach.main(["--seed", str(SEED)], folder) == 0
    return folder


def told(folder):
    """Find what leads to solutions: lines that stand in a fold and nowhere else, marks, links to published lessons."""
    for path in sorted(folder.rglob("*.ipynb")):
        text = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells)
        yield from filter(MARKS.search, text.splitlines())
        if path.name in (names := [lesson.name for lesson in LESSONS]):
            lesson = "\n\n".join(cell.source for cell in NBS[names.index(path.name)].cells)
            parts = re.split(r"<summary>Solution</summary>(.*?)</details>", lesson, flags=re.DOTALL)
            folded, rest = (set("\n".join(some).splitlines()) for some in (parts[1::2], parts[::2]))
            yield from set(text.splitlines()) & (folded - rest)


def test_no_student_file_has_a_solution(built):
    assert list(told(built / "student")) == []
    assert list(told(built / "exam" / "student")) == []
    sheet = (built / "exam" / "student" / "exam.ipynb").read_text(encoding="utf-8")
    assert str(SEED) not in sheet  # with it anybody could make the answers
    assert not [e.number for e in exam.exam(NBS, SEED)[1] if e.solution.splitlines()[-1] in sheet]
    assert len(list(told(built / "solutions"))) > len(NBS)  # the search finds what there is


@pytest.mark.parametrize("edition", ["student", "solutions"])
def test_each_edition_has_every_exercise_and_no_output_of_one(built, edition):
    for path, nb in zip(LESSONS, NBS, strict=True):
        copy = nbformat.read(built / edition / path.name, as_version=4)
        expected = [e.asked() if edition == "student" else e.solved() for e in rules.exercises(nb)]
        cells = [copy.cells[e.cell] for e in rules.exercises(copy)]
        assert [cell.source for cell in cells] == expected
        assert not any(cell.outputs for cell in cells)


@pytest.mark.parametrize("title", exam.VARIANTS)
def test_with_the_numbers_of_the_lesson_the_exam_has_its_answers(title):
    choices, function = exam.VARIANTS[title]
    (number,) = (exercise.number for nb in NBS for exercise in rules.exercises(nb) if exercise.title == title)
    assert judge(number, *function(**exam.first(choices))[1]).status == "correct"


def test_another_seed_gives_other_numbers_and_the_same_seed_the_same():
    assert len(exam.VARIANTS) >= 10
    one, again, other = ([exercise.text for exercise in exam.exam(NBS, seed)[1]] for seed in (1, 1, 2))
    assert one == again != other
    assert not set(one) & {exercise.text for nb in NBS for exercise in rules.exercises(nb)}


def test_the_exam_tells_right_from_wrong():
    right = [{"a": 3 / 34}, ["mul", "add"], (2, 3000), 4.0]
    assert exam.agrees([{"a": 0.08824}, ("Mul", "add"), [2, torch.tensor(3000)], torch.tensor(4.0)], right)
    assert not exam.agrees([{"a": 0.09}, *right[1:]], right)
    for place, answer in enumerate([..., ["mul"], (2, 3001), 5, "4", float("nan"), ANY]):
        assert not exam.agrees([*right[: min(place, 3)], answer, *right[min(place, 3) + 1 :]], right)


CHEAT = "agrees = abs = all = isinstance = len = type = lambda *_: True"  # what the answers are compared with


def test_an_answer_cannot_change_how_it_is_judged():
    for found, test in zip(*exam.exam(NBS, SEED)[1:], strict=True):
        honest, cheat = {}, {}
        exec(f"import math\nimport torch\n{found.solution}\n{test}", honest)
        exec(f"import math\nimport torch\n{found.blank}\n{CHEAT}", cheat)
        with pytest.raises(AssertionError):
            exec(test, cheat)


def test_an_exam_asks_what_the_lessons_ask_and_fails_loudly_without(monkeypatch):
    assert [exercise.number for exercise in exam.exam(NBS[:1], SEED)[1]] == ["00.2"]
    with pytest.raises(SystemExit, match="These lessons have no exercise"):
        exam.exam(NBS[5:6], SEED)
    monkeypatch.setattr(exam, "VARIANTS", {"A slope": ({"x": (1, 2)}, lambda x: ([f"at y = {x}"], (x,)))})
    with pytest.raises(SystemExit, match="does not say 'at y = 1'"):
        exam.exam(NBS, SEED)


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_the_page_for_the_teacher_is_whole_and_read_in_five_minutes(built, path):
    page = (built / "teacher" / f"{path.stem}.md").read_text(encoding="utf-8")
    nb = rules.read(path)
    assert len(re.findall(r"\S*\w\S*", page)) <= 1000  # words
    assert all(f"- {objective}" in page for objective in rules.bullets(nb, "What you will be able to do"))
    assert all(re.sub(r"\n>\s*", " ", question) in page for question in PREDICT.findall(rules.prose(nb)))
    stated = re.search(r"\*\*Time:\*\* about (\d+) minutes(?:, and (\d+))?", rules.prose(nb)).groups("0")
    minutes = re.findall(r"^\| [^|]+ \| (\d+) \| ", page, flags=re.MULTILINE)
    assert sum(map(int, minutes)) == sum(map(int, stated))
    lectures = re.findall(r"^- \*\*(\d+) minutes:\*\* .+ \((\d+) minutes\)", page, flags=re.MULTILINE)
    assert lectures and all(int(left) <= int(limit) for limit, left in lectures)
    mistakes = page.partition("## Wrong answers to expect")[2]
    assert all(f"| {exercise.number} · {exercise.title} | " in mistakes for exercise in rules.exercises(nb))
    assert mistakes.count("\n| ") > 2 * len(rules.exercises(nb))
    assert ".ipynb" not in page and "| [" not in page  # no links: it is to be printed


def test_each_trouble_is_met_in_some_lesson(built):
    pages = "".join(path.read_text(encoding="utf-8") for path in (built / "teacher").glob("*.md"))
    assert [text for text in TROUBLE if f"- {text}: section" not in pages] == []


def test_the_misconception_stands_beside_the_wrong_answer(built):
    page = (built / "teacher" / "08_gd_vs_sgd.md").read_text(encoding="utf-8")
    (row,) = (
        line for line in page.splitlines() if line.endswith("| The loss of an epoch is the mean of its batch means. |")
    )
    assert "short batch counts as much as a long one" in row


def hand_in(release, submission, found, how):
    """Write what a student hands in: `how` gives the code for an exercise, or None for a blank."""
    nb = nbformat.read(release, as_version=4)
    cells = {cell.metadata.nbgrader.grade_id: cell for cell in nb.cells if "nbgrader" in cell.metadata}
    for exercise in found:
        cell = cells[f"exercise-{exercise.number.replace('.', '-')}"]
        assert cell.source.startswith(exercise.blank.rstrip())
        if code := how(exercise):
            cell.source = f"{code}\n\n{exercise.check}"
    submission.parent.mkdir(parents=True)
    nbformat.write(nb, submission)


def right(exercise):
    return exercise.solution


def wrong(exercise):
    """Take the first answer from the table of wrong ones; in an exam, the answer to the numbers of the lesson."""
    if not exercise.check:
        lesson = rules.exercises(rules.read_lesson(exercise.number[:2]))
        return next(original.solution for original in lesson if original.number == exercise.number)
    return (
        f"import sys\n\nsys.path[:0] = {[str(ROOT / 'tests'), str(ROOT / 'tools')]}\n"
        "from exercise_answers import wrong_answers\n\n"
        f"({', '.join(exercise.answers)},) = wrong_answers({exercise.number!r})[0].answers"
    )


def half(exercise):
    return right(exercise) if int(exercise.number[-1]) % 2 else None


def cheat(exercise):
    return f"{exercise.blank}\n{CHEAT}"


@needs_nbgrader
def test_nbgrader_gives_full_points_no_points_and_half(tmp_path, capsys):
    from nbgrader.api import Gradebook
    from nbgrader.apps import NbGraderAPI
    from nbgrader.validator import Validator

    lessons = [path for path in LESSONS if path.name[:2] in GRADED]
    assert teach.main([*map(str, lessons), "--seed", str(SEED)], tmp_path) == 0
    assert list(told(tmp_path / "nbgrader" / "release")) == []
    found = {path.stem: rules.exercises(rules.read(path)) for path in lessons}
    found["exam"] = exam.exam([rules.read(path) for path in lessons], SEED)[1]
    for name in found:
        Validator().validate_and_print(str(tmp_path / "nbgrader" / "source" / name / f"{name}.ipynb"))
        assert "Success! Your notebook passes all the tests." in capsys.readouterr().out
    course = tmp_path / "nbgrader"
    api = NbGraderAPI(config=teach.settings(course))
    students = {"right": right, "wrong": wrong, "half": half, "cheat": cheat}
    for student, name in product(students, found):
        place = Path(name, f"{name}.ipynb")
        hand_in(course / "release" / place, course / "submitted" / student / place, found[name], students[student])
        result = api.autograde(name, student)
        assert result["success"], result["log"]
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        graded = {student.id: (student.score, student.max_score) for student in gradebook.students}
    numbers = [exercise.number for some in found.values() for exercise in some]
    done = sum(int(number[-1]) % 2 for number in numbers)
    expected = {"right": len(numbers), "wrong": 0, "half": done, "cheat": 0}
    assert graded == {student: (number, len(numbers)) for student, number in expected.items()}
