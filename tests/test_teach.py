"""What `make teach` writes: nothing that gives a solution away, a right exam, a course that nbgrader grades."""

import importlib.util
import re
from pathlib import Path

import exam
import nbformat
import notebook_rules as rules
import pytest
import teach
from structure import LESSONS
from teacher_page import PREDICT

from lecturekit.checks import judge

TESTS = Path(__file__).parent
NBS = [nbformat.read(path, as_version=4) for path in LESSONS]
GRADED = ("00", "02")  # lessons that nbgrader grades here: short ones
SEED = 7


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Everything but nbgrader's release, which has a test of its own."""
    folder = tmp_path_factory.mktemp("teach")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(teach, "release", lambda course: 0)
        assert teach.main(["--output", str(folder), "--seed", str(SEED)]) == 0
    return folder


def lines_of_folds(nb):
    """Lines that stand in a folded solution and nowhere else in the lesson."""
    folds, rest = [], [cell.source for cell in rules.code_cells(nb)]
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            parts = re.split(r"<summary>Solution</summary>(.*?)</details>", cell.source, flags=re.DOTALL)
            folds, rest = folds + parts[1::2], rest + parts[::2]
    others = {line.strip() for text in rest for line in text.splitlines()}
    return {line.strip() for text in folds for line in text.splitlines()} - others


def tell_tales(folder):
    """Solutions that stand in the files of a folder."""
    for path in sorted(folder.rglob("*.ipynb")):
        text = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells)
        lines = {line.strip() for line in text.splitlines()}
        for lesson, nb in zip(LESSONS, NBS, strict=True):
            if path.name == lesson.name:
                yield from lines & lines_of_folds(nb)
        yield from re.findall(r".*(?:<summary>Solution|[Ss]olution is folded|BEGIN SOLUTION|BEGIN HIDDEN).*", text)


def test_no_student_file_has_a_solution(built):
    assert list(tell_tales(built / "student")) == []
    assert len(list(tell_tales(built / "solutions"))) > len(NBS)  # the search finds what there is


@pytest.mark.parametrize("edition", ["student", "solutions"])
def test_each_edition_has_every_exercise_and_no_output_of_one(built, edition):
    for path, nb in zip(LESSONS, NBS, strict=True):
        copy = nbformat.read(built / edition / path.name, as_version=4)
        assert [e.number for e in rules.exercises(copy)] == [e.number for e in rules.exercises(nb)]
        assert not any(copy.cells[e.cell].outputs for e in rules.exercises(copy))
        blanks = [copy.cells[e.cell].source for e in rules.exercises(copy)]
        originals = [nb.cells[e.cell].source if edition == "student" else e.solved() for e in rules.exercises(nb)]
        assert [re.sub(r"\s+", " ", text) for text in blanks] == [re.sub(r"\s+", " ", text) for text in originals]


# ---------------------------------------------------------------------------------------------------------------------
# The exam


@pytest.mark.parametrize("title", exam.VARIANTS)
def test_with_the_numbers_of_the_lesson_the_exam_has_its_answers(title):
    choices, function = exam.VARIANTS[title]
    exercise, _ = exam.find(NBS)[title]
    answers = function(**exam.first(choices))[1]
    assert judge(exercise.number, *answers).status == "correct"


def test_an_exam_has_other_numbers():
    assert len(exam.VARIANTS) >= 10
    sheets = [exam.exam(NBS, seed) for seed in (1, 1, 2)]
    for one, again, other in zip(*(tests for _, _, tests in sheets), strict=True):
        assert one == again
        assert one != other or one.count(",") < 8  # two seeds may draw the same small answer
    lessons = {e.number: e.text for nb in NBS for e in rules.exercises(nb)}
    assert all(e.text != lessons[e.number] for e in sheets[0][1])


def test_the_exam_tells_right_from_wrong():
    right = [{"a": 0.1}, ["mul", "add"], (2, 3), 4.0]
    assert exam.agrees([{"a": 0.1 + 1e-9}, ("Mul", "add"), [2, 3], 4], right)
    for wrong in ([{"a": 0.2}, *right[1:]], [right[0], ["mul"], *right[2:]], [*right[:3], 5]):
        assert not exam.agrees(wrong, right)


def test_an_exam_without_its_exercise_fails_loudly():
    with pytest.raises(exam.ExamError, match="no exercise is called"):
        exam.find(NBS[:1])


# ---------------------------------------------------------------------------------------------------------------------
# The pages for teachers


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_the_page_of_a_lesson_is_whole_and_short(built, path):
    page = (built / "teacher" / f"{path.stem}.md").read_text(encoding="utf-8")
    nb = nbformat.read(path, as_version=4)
    assert all(f"- {objective}" in page for objective in rules.bullets(nb, "What you will be able to do"))
    assert page.count("- (section ") >= len(PREDICT.findall(rules.prose(nb)))
    assert all(f"**Exercise {exercise.number} · " in page for exercise in rules.exercises(nb))
    minutes = re.search(r"\*\*Time:\*\* about (\d+)", rules.prose(nb))[1]
    assert sum(map(int, re.findall(r"^\| .* \| (\d+) \| \d* ?\|$", page, flags=re.MULTILINE))) == int(minutes)
    assert len(page.split()) <= 1500


# ---------------------------------------------------------------------------------------------------------------------
# nbgrader


def answered(release, submission, how):
    """Write what a student hands in: `how` gives the code for each number, or None for a blank."""
    nb = nbformat.read(release, as_version=4)
    (lesson,) = (lesson for path, lesson in zip(LESSONS, NBS, strict=True) if path.name == release.name)
    for exercise in rules.exercises(lesson):
        (cell,) = (c for c in nb.cells if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id(exercise))
        if code := how(exercise):
            cell.source = f"{code}\n\n{exercise.check}"
    submission.parent.mkdir(parents=True)
    nbformat.write(nb, submission)


def grade_id(exercise):
    return f"exercise-{exercise.number.replace('.', '-')}"


def right(exercise):
    return exercise.solution


def wrong(exercise, row=0):
    """Take an answer from the table of wrong ones."""
    lesson = exercise.number[:2]
    return (
        f"import sys\n\nsys.path[:0] = {[str(TESTS), str(TESTS.parent / 'tools')]}\n"
        f"from test_exercises_{lesson} import TestAnswers\n\n"
        f"rows = [row[1] for row in TestAnswers.wrong if row[0] == {exercise.number!r}]\n"
        f"({', '.join(exercise.answers)},) = rows[{row} % len(rows)]"
    )


def half(exercise):
    return right(exercise) if int(exercise.number[-1]) % 2 else None


def points(course, lessons, students):
    """Let nbgrader grade what the students hand in; return the points of each, and how many there are."""
    from nbgrader.api import Gradebook
    from nbgrader.apps import NbGraderAPI

    api = NbGraderAPI(config=teach.settings(course))
    for name, how in students.items():
        for path in lessons:
            place = Path(path.stem, path.name)
            answered(course / "release" / place, course / "submitted" / name / place, how)
            result = api.autograde(path.stem, name)
            assert result["success"], result["log"]
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        return {s.id: (s.score, s.max_score) for s in gradebook.students}


@pytest.mark.skipif(importlib.util.find_spec("nbgrader") is None, reason="nbgrader is not installed: the extra teach")
def test_nbgrader_gives_full_points_no_points_and_half(tmp_path, capsys):
    from nbgrader.validator import Validator

    lessons = [path for path in LESSONS if path.name[:2] in GRADED]
    assert teach.main([*map(str, lessons), "--output", str(tmp_path)]) == 0
    course = tmp_path / "nbgrader"
    assert list(tell_tales(course / "release")) == []
    for path in lessons:
        Validator().validate_and_print(str(course / "source" / path.stem / path.name))
        assert "Success! Your notebook passes all the tests." in capsys.readouterr().out
    numbers = [e.number for path in lessons for e in rules.exercises(rules.read(path))]
    done = sum(int(number[-1]) % 2 for number in numbers)
    found = points(course, lessons, {"right": right, "wrong": wrong, "half": half})
    assert found == {"right": (len(numbers),) * 2, "wrong": (0, len(numbers)), "half": (done, len(numbers))}
