"""Errors on purpose, and exercises that answer: right, wrong, not attempted."""

from contextlib import nullcontext

import numpy as np
import pytest
import torch
from common import defaults, needs_gpu

import lecturekit as lk
from lecturekit import checks
from lecturekit.checks import Hint, exercise, judge
from lecturekit.exercises import common, progress


@pytest.mark.parametrize(
    ("match", "error", "printed"),
    [
        ("stable words", ValueError("some stable words\nand a second line"), "ValueError: some stable words"),
        ("", RuntimeError(), "RuntimeError:"),
        ("w[0] (sic", ValueError("w[0] (sic)"), "ValueError: w[0] (sic)"),  # no pattern
        ("", ValueError(f"{40 * 'x'} {48 * 'y'}"), f"ValueError: {40 * 'x'}\n    {48 * 'y'}"),
    ],
)
def test_expect_error_prints_type_and_first_line(capsys, match, error, printed):
    with lk.expect_error(Exception, match=match):
        raise error
    assert capsys.readouterr().out.rstrip() == printed


def test_expect_error_lets_another_type_pass_and_refuses_another_message_and_silence():
    with pytest.raises(KeyError, match="other"), lk.expect_error(ValueError):
        raise KeyError("other")
    with pytest.raises(AssertionError, match=r"^expected a message with 'size', got 'shape'$"):  # noqa: SIM117
        with lk.expect_error(ValueError, match="size"):
            raise ValueError("shape")
    with pytest.raises(AssertionError, match=r"^expected AssertionError, but nothing was raised$"):  # noqa: SIM117
        with lk.expect_error(AssertionError):
            pass


@exercise("test.1", "Add x to x.")
def doubling(function, of_three=6):
    for x in (1.0, -2.5):
        y = common.as_number("double(x)", checks.call(function, x))
        if common.close(y, x * x):
            raise Hint("that is the square.")
        if not common.close(y, 2 * x):
            raise Hint(f"at {x} it gives {y}.")
    common.compare("of_three", of_three, 6.0, ["put 3 in."])
    return "well doubled."


@exercise("test.2")
def half(answer):
    return f"{1 / answer} " + "word " * 60


def with_a_blank(x):
    y = ...
    return y


def with_an_ellipsis_as_index(x):
    values = torch.tensor([x])
    values[...] = 2 * x
    return values


NOTHING = "one answer is None, which means that there is nothing. Look at the line that makes it. "
NOTHING += "A .grad is None until backward() has filled it."
BLANK = "replace each ... by your code and run the cell again."


@pytest.mark.parametrize(
    ("answers", "status", "words"),
    [
        ((lambda x: torch.tensor(2 * x, requires_grad=True), torch.tensor([6])), "correct", "well doubled."),
        ((lambda x: np.float64(2 * x), np.int64(6)), "correct", "well doubled."),
        ((with_an_ellipsis_as_index,), "correct", "well doubled."),
        ((lambda x: x * x,), "wrong", "that is the square."),
        ((lambda x: 2 * x, 7), "wrong", "put 3 in."),
        ((lambda x: x / 0,), "wrong", "your function raises ZeroDivisionError: float division by zero"),
        ((6.0,), "wrong", "a function is asked for, this is float."),
        ((with_a_blank,), "not attempted", BLANK),
        ((lambda x: 2 * x, ...), "not attempted", BLANK),
        ((None,), "wrong", NOTHING),
        ((lambda x: None,), "not attempted", "your function returns nothing yet. Has it a return, and no ... left?"),
    ],
)
def test_judge(answers, status, words):
    verdict = judge("test.1", *answers)
    assert (verdict.status, verdict.message) == (status, words)
    with defaults(torch.float64, "meta"):
        assert judge("test.1", *answers) == verdict


def test_check_prints_a_sign_the_number_and_the_verdict_in_lines_of_100(capsys):
    lk.check("test.1", lambda x: 2 * x)
    lk.check("test.1", lambda x: x * x)
    lk.check("test.1", ...)
    assert capsys.readouterr().out.splitlines() == [
        "✓ Exercise test.1, correct: well doubled.",
        "✗ Exercise test.1, wrong: that is the square.",
        f"○ Exercise test.1, not attempted: {BLANK}",
    ]
    lk.check("test.2", 2)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 1 and max(map(len, lines)) <= 100
    lk.check("test.2", 0)  # Restart & Run All goes on
    assert "wrong: the check stumbles over it with ZeroDivisionError: division by zero." in capsys.readouterr().out


def test_progress_is_what_was_right_on_this_machine(capsys, monkeypatch, tmp_path):
    """A line for each exercise that was right once; without a place to write, all else works."""
    file = tmp_path / "progress"
    monkeypatch.setenv("LECTUREKIT_PROGRESS", str(file))
    lk.progress()
    assert not file.exists()
    for number, answer in (("00.2", 17), ("00.1", 3), ("00.2", 17.0), ("01.1", ...)):
        lk.check(number, answer)
    assert file.read_text() == "00.2\n"
    capsys.readouterr()
    lk.progress()
    first, second, *_, last = capsys.readouterr().out.splitlines()
    assert first.startswith("Exercises done: 1 of ")
    assert second == "00 Start here                         ○ 1 ✓ 2 ○ 3"
    assert last == "Next: exercise 00.1."
    monkeypatch.setenv("LECTUREKIT_PROGRESS", str(tmp_path))
    lk.check("00.2", 17)
    lk.progress()
    assert "Exercises done: 0 of " in capsys.readouterr().out


@pytest.mark.parametrize("number", ["99.1", "nonsense", "07.99", 6.1])
def test_an_unknown_exercise_is_an_error(number):
    with pytest.raises(ValueError, match=r"^number must be that of an exercise, such as '07.1', got"):
        lk.check(number, 1)


def test_the_third_miss_in_a_row_and_those_after_it_bring_a_second_hint(capsys):
    for answer in (6.0, 5.0, 5.0, ..., 5.0, 5.0, 6.0, 5.0):
        lk.check("test.1", lambda x: 2 * x, answer)
    signs = [line[0] for line in capsys.readouterr().out.splitlines()]
    assert "".join(signs) == "✓✗✗○✗A✗A✓✗"


def test_in_a_notebook_the_verdict_is_a_card(monkeypatch):
    import IPython.display

    shown = []
    monkeypatch.setattr(IPython.display, "display", shown.append)
    lk.check("test.1", lambda x: 2 * x)
    lk.check("test.1", lambda x: [][0])
    right, wrong = (card._repr_html_() for card in shown)
    assert "<b>✓ Exercise test.1, correct:</b><br>well doubled." in right and "border-left:6px solid #007A5E" in right
    assert "<b>✗ Exercise test.1, wrong:</b><br>your function raises IndexError" in wrong and "#D55E00" in wrong
    lk.check("test.1", ...)
    assert len(shown) == 2, "what is not attempted stays text"


READERS = """
def helper(x):
    return [][x]

def answer(x):
    y = x * 2
    return helper(y) if x > 0 else '<&' + y
"""


def test_an_error_is_told_with_the_readers_own_line(tmp_path):
    """In a cell, whose file is known to Python. A helper of the same cell is the place; one of another cell is not."""
    cell, other = tmp_path / "cell.py", tmp_path / "other.py"
    cell.write_text(READERS)
    other.write_text("def answer2(x):\n    return answer(x)\n")
    space = {"__name__": "__main__"}
    for file in (cell, other):
        exec(compile(file.read_text(), file, "exec"), space)
    with pytest.raises(Hint, match=r"^in line 3, `return \[\]\[x\]`: your function raises IndexError: list index"):
        checks.call(space["answer"], 1)
    with pytest.raises(Hint, match=r"^in line 2, `return answer\(x\)`: your function raises"):
        checks.call(space["answer2"], 1)
    hints = {"return": "never: the words of the line do not count.", "str": "a text is no number."}
    with pytest.raises(Hint, match=r"^in line 7, `.*'<&' \+ y`: a text is no number.$"):
        checks.call(space["answer"], -1, hints=hints)
    with pytest.raises(Hint, match=r"^your class raises TypeError"):
        checks.call(torch.nn.Linear)
    card = progress._Card("✗", ["in line 7, `'<&' + y`: no."], "#000000")
    assert "in line 7, <code>&#x27;&lt;&amp;&#x27; + y</code>: no." in card._repr_html_()


PAIR = torch.tensor([1.0, 2.0])


@pytest.mark.parametrize(
    ("answer", "right", "hint"),
    [
        (3.00001, 3, None),
        (PAIR + 1e-5, PAIR, None),
        (float("nan"), float("nan"), "w is not right: this is nan."),
        (3.001, 3, "w is not right: this is 3.001."),
        (-3, 3, "the sign."),
        (9.0, 3, "the square."),
        (-PAIR, PAIR, "the sign."),
        (PAIR[:, None], PAIR, r"w should have shape \(2,\), this one has \(2, 1\)."),
        ([1.0, 2.0], PAIR, "w should be a tensor, this is list."),
        (PAIR, 3, r"w should be one number, this is a tensor of shape \(2,\)."),
        (np.bool_(True), 1, "w should be one number, this is bool."),
    ],
)
def test_compare(answer, right, hint):
    wrong = [(-right, "the sign."), (right * right, "the square."), (right * 3, "never: the square comes first.")]
    with pytest.raises(Hint, match=f"^{hint}$") if hint else nullcontext():
        common.compare("w", answer, right, wrong)


@needs_gpu
def test_answers_come_to_the_cpu_and_the_readers_module_stays():
    module = torch.nn.Linear(1, 1).cuda()
    assert judge("test.1", lambda x: (2 * torch.tensor(x)).cuda(), torch.tensor(6).cuda()).status == "correct"
    assert checks.call(lambda: module).weight.is_cpu and module.weight.is_cuda
