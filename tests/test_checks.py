"""Errors on purpose, and exercises that answer: right, wrong, not attempted."""

import pytest
import torch

import lecturekit as lk
from lecturekit import checks
from lecturekit.checks import (
    Hint,
    NotAttempted,
    Verdict,
    as_number,
    as_tensor,
    as_truths,
    call,
    close,
    exercise,
    judge,
)

# --- expect_error -----------------------------------------------------------------------------------------------------


def test_expect_error_prints_type_and_first_line(capsys):
    with lk.expect_error(ValueError, match="stable words"):
        raise ValueError("some stable words\nand a second line")
    assert capsys.readouterr().out == "ValueError: some stable words\n"


def test_expect_error_takes_subclasses_and_names_what_came(capsys):
    with lk.expect_error(LookupError):
        raise KeyError("w")
    assert capsys.readouterr().out == "KeyError: 'w'\n"


def test_expect_error_without_a_message(capsys):
    with lk.expect_error(RuntimeError):
        raise RuntimeError
    assert capsys.readouterr().out.strip() == "RuntimeError:"


def test_expect_error_wraps_long_messages(capsys):
    with lk.expect_error(ValueError):
        raise ValueError("word " * 60)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 1 and max(map(len, lines)) <= 100
    assert all(line.startswith("    word") for line in lines[1:])
    with lk.expect_error(ValueError):
        raise ValueError(f"{40 * 'x'} {47 * 'y'}")
    assert capsys.readouterr().out == f"ValueError: {40 * 'x'} {47 * 'y'}\n"  # 100 characters, not yet too many


def test_match_is_no_pattern(capsys):
    with lk.expect_error(ValueError, match="w[0] (sic"):
        raise ValueError("w[0] (sic)")
    with pytest.raises(AssertionError), lk.expect_error(ValueError, match="w.0"):
        raise ValueError("w[0]")


def test_expect_error_lets_another_type_pass():
    error = KeyError("other")
    with pytest.raises(KeyError) as caught, lk.expect_error(ValueError):
        raise error
    assert caught.value is error


def test_expect_error_refuses_another_message(capsys):
    with pytest.raises(AssertionError, match="expected a message with 'size', got 'shape'") as caught:  # noqa: SIM117
        with lk.expect_error(ValueError, match="size"):
            raise ValueError("shape")
    assert isinstance(caught.value.__cause__, ValueError) and capsys.readouterr().out == ""


@pytest.mark.parametrize("error", [ValueError, AssertionError, Exception])
def test_expect_error_refuses_silence(error):
    with pytest.raises(AssertionError, match=f"expected {error.__name__}, but nothing was raised"):  # noqa: SIM117
        with lk.expect_error(error):
            pass


@pytest.mark.parametrize("error", [ValueError("x"), "ValueError", None, int, (ValueError, TypeError)])
def test_expect_error_refuses_what_is_no_exception_type(error):
    with pytest.raises(TypeError, match="error must be an exception type such as RuntimeError, got"):  # noqa: SIM117
        with lk.expect_error(error):
            pass


@pytest.mark.parametrize("match", [None, 3, b"x"])
def test_expect_error_refuses_a_match_that_is_no_string(match):
    with pytest.raises(TypeError, match=rf"^match must be a string, got {match!r}$"):  # noqa: SIM117
        with lk.expect_error(ValueError, match=match):
            raise ValueError("x")


# --- exercises --------------------------------------------------------------------------------------------------------


@pytest.fixture
def rule(monkeypatch):
    """An exercise that lasts for one test: double a number, by a function, and say what came of 3."""
    monkeypatch.setattr(checks, "_rules", {})

    @exercise("test.1")
    def doubling(function, of_three=6):
        for x in (1.0, -2.5):
            y = as_number("double(x)", call(function, x))
            if close(y, x * x):
                raise Hint("that is the square.")
            if not close(y, 2 * x):
                raise Hint(f"at {x} it gives {y}.")
        if not close(as_number("of_three", of_three), 6):
            raise Hint("put 3 in.")
        return "well doubled."

    return doubling


def left_blank(x):
    y = ...
    return y


@pytest.mark.parametrize(
    ("answers", "status", "words"),
    [
        ((lambda x: 2 * x,), "correct", "well doubled."),
        ((lambda x: x + x, 6.0), "correct", "well doubled."),
        ((lambda x: torch.tensor(2 * x, requires_grad=True), torch.tensor([6])), "correct", "well doubled."),
        ((lambda x: x * x,), "wrong", "that is the square."),
        ((lambda x: 3 * x,), "wrong", "at 1.0 it gives 3.0."),
        ((lambda x: float("nan"),), "wrong", "at 1.0 it gives nan."),
        ((lambda x: 2 * x, 7), "wrong", "put 3 in."),
        ((lambda x: 2 * x, "6"), "wrong", "of_three should be one number, this is str."),
        ((lambda x: x / 0,), "wrong", "your function raises ZeroDivisionError: float division by zero"),
        ((lambda: 2,), "wrong", "your function raises TypeError"),
        ((6.0,), "wrong", "a function is asked for, this is float."),
        ((...,), "not attempted", "replace each ..."),
        ((None,), "not attempted", "replace each ..."),
        ((left_blank,), "not attempted", "replace each ..."),
        ((lambda x: 2 * x, ...), "not attempted", "replace each ..."),
        ((lambda x: None,), "not attempted", "your function returns"),
    ],
)
def test_judge(rule, answers, status, words):
    verdict = judge("test.1", *answers)
    assert verdict.status == status and words in verdict.message


@pytest.mark.parametrize(
    ("answers", "printed"),
    [
        ((lambda x: 2 * x,), "✓ Exercise test.1, correct: well doubled.\n"),
        ((lambda x: x * x,), "✗ Exercise test.1, wrong: that is the square.\n"),
        ((...,), "○ Exercise test.1, not attempted: replace each ... by your code and run the cell again.\n"),
    ],
)
def test_check_prints(rule, capsys, answers, printed):
    assert lk.check("test.1", *answers) is None
    assert capsys.readouterr().out == printed


def test_check_wraps_long_hints(monkeypatch, capsys):
    monkeypatch.setattr(checks, "_rules", {"test.2": lambda: "word " * 60})
    lk.check("test.2")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 1 and max(map(len, lines)) <= 100
    monkeypatch.setattr(checks, "_rules", {"test.2": lambda: f"{35 * 'x'} {36 * 'y'}"})
    lk.check("test.2")
    assert len(capsys.readouterr().out.splitlines()) == 1  # 100 characters, not yet too many
    monkeypatch.setattr(checks, "_rules", {"test.2": lambda: f"{35 * 'x'} {37 * 'y'}"})
    lk.check("test.2")
    assert len(capsys.readouterr().out.splitlines()) == 2


@pytest.mark.parametrize("number", ["99.1", "nonsense", "", "06.99", 6.1, None, ["06.1"], "../x.1", "os.path"])
def test_unknown_exercise(number):
    with pytest.raises(ValueError, match=r"number must be that of an exercise, such as '06.1', got"):
        lk.check(number, 1)


def test_an_exercise_cannot_be_defined_twice(rule):
    with pytest.raises(ValueError, match=r"exercise test.1 is defined twice"):
        exercise("test.1")(rule)


def test_an_answer_that_no_rule_has_thought_of_does_not_stop_run_all(monkeypatch):
    monkeypatch.setattr(checks, "_rules", {"test.3": lambda answer: 1 / answer})
    verdict = judge("test.3", 0)
    assert verdict.status == "wrong" and "the check stumbles over it with ZeroDivisionError" in verdict.message


def test_a_broken_import_in_the_rules_is_not_hidden(monkeypatch):
    def broken(name):
        raise ModuleNotFoundError("No module named 'numpyy'", name="numpyy")

    monkeypatch.setattr(checks.importlib, "import_module", broken)
    with pytest.raises(ModuleNotFoundError, match="numpyy"):
        judge("06.1", 1)


def test_verdict_is_a_value():
    assert Verdict("wrong", "x") == Verdict("wrong", "x")


def test_call_passes_arguments_and_results():
    assert call(lambda a, *, b: a - b, 5, b=3) == 2
    assert call(lambda: 0) == 0 and call(lambda: False) is False
    for left in (..., None, (1, ...), (..., 2)):
        with pytest.raises(
            NotAttempted, match=r"^your function returns nothing yet\. Has it a return, and no \.\.\. left\?$"
        ):
            call(lambda left=left: left)
    assert call(lambda: (1, None)) == (1, None) and call(lambda: [...]) == [...]
    with pytest.raises(Hint, match=r"^your function raises ValueError: first$") as caught:
        call(lambda: (_ for _ in ()).throw(ValueError("first\nsecond")))
    assert isinstance(caught.value.__cause__, ValueError)


@pytest.mark.parametrize("value", [2, 2.0, torch.tensor(2), torch.tensor([[2.0]], requires_grad=True)])
def test_as_number(value):
    got = as_number("w", value)
    assert got == 2.0 and type(got) is float


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (torch.zeros(2, 1), r"w should be one number, this is a tensor of shape \(2, 1\)"),
        ("2", "w should be one number, this is str"),
        (True, "w should be one number, this is bool"),
        (torch.tensor(True), "w should be one number, this is bool"),
        (None, "w should be one number, this is NoneType"),
        ([2.0], "w should be one number, this is list"),
    ],
)
def test_as_number_hints(value, words):
    with pytest.raises(Hint, match=words):
        as_number("w", value)


def test_as_tensor():
    w = torch.zeros(2, 1, requires_grad=True)
    assert not as_tensor("w", w, (2, 1), torch.float32).requires_grad and w.requires_grad
    with pytest.raises(Hint, match=r"w should have shape \(1, 2\), this one has \(2, 1\)"):
        as_tensor("w", w, (1, 2))
    with pytest.raises(Hint, match=r"w should be torch.float64, this is torch.float32"):
        as_tensor("w", w, (2, 1), torch.float64)
    with pytest.raises(Hint, match="w should be a tensor, this is list"):
        as_tensor("w", [0.0], (1,))


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (1.0, 1.00001, True),
        (1.0, 1.001, False),
        (1e6, 1e6 + 50, True),
        (0.0, 5e-5, True),
        (0.0, 5e-4, False),
        (float("nan"), float("nan"), False),
        (float("inf"), 1.0, False),
        (torch.ones(2), torch.ones(2, dtype=torch.float64), True),
        (torch.ones(2), torch.tensor([1.0, 2.0]), False),
        (1, True, True),
    ],
)
def test_close(a, b, expected):
    assert close(a, b) is expected


def test_close_takes_a_tolerance():
    assert close(1.0, 1.05, tolerance=0.1) and not close(1.0, 1.05, tolerance=0.01)


def test_an_ellipsis_may_be_an_index(rule):
    def doubled(x):
        values = torch.tensor([x])
        values[...] = 2 * x
        return values

    assert judge("test.1", doubled).status == "correct"


RIGHT = {"a": True, "b": False, "c": True, "d": False}
HINTS = {("a",): "look at a.", ("b", "c"): "look at b and c.", ("c", "d"): "look at c and d."}


@pytest.mark.parametrize(
    "answer",
    [
        {"d": False, "c": True, "b": False, "a": True},
        {"a": 1, "b": 0, "c": 1.0, "d": 0.0},
        {"a": torch.tensor(True), "b": torch.tensor([0]), "c": torch.tensor(1.0), "d": torch.tensor([[False]])},
    ],
)
def test_as_truths_that_are_right(answer):
    assert as_truths(answer, RIGHT, "inverted.", HINTS) is None


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        ({"a": False}, "look at a."),
        ({"b": True}, "look at b and c."),
        ({"d": True}, "look at c and d."),
        ({"c": 0, "d": 1}, "look at b and c."),  # the first that fits
        ({"a": False, "b": True, "c": False}, "look at a."),
        ({"a": False, "b": True, "c": False, "d": True}, "inverted."),
        ({"a": 2}, "each answer is True or False."),
        ({"a": -1}, "each answer is True or False."),
        ({"a": None}, "each answer is True or False."),
        ({"a": "True"}, "each answer is True or False."),
        ({"a": torch.tensor(2)}, "each answer is True or False."),
        ({"a": torch.tensor([True, True])}, "each answer is True or False."),
        ({"e": True}, "leave the dict as it is, with its 4 keys, and replace only the blanks."),
    ],
)
def test_as_truths_that_are_wrong(change, hint):
    with pytest.raises(Hint) as caught:
        as_truths(RIGHT | change, RIGHT, "inverted.", HINTS)
    assert str(caught.value) == hint


def test_as_truths_of_another_shape():
    for answer in ({"a": True}, list(RIGHT.values()), True):
        with pytest.raises(Hint, match=r"^leave the dict as it is, with its 4 keys"):
            as_truths(answer, RIGHT, "inverted.", HINTS)
    with pytest.raises(NotAttempted, match=r"^replace each \.\.\. by True or False\.$"):
        as_truths(RIGHT | {"a": False, "b": ...}, RIGHT, "inverted.", HINTS)


def test_answers_come_to_the_cpu_whatever_they_lie_in(monkeypatch):
    """A tensor that has been moved is one larger here, so that it can be seen without a second device."""
    monkeypatch.setattr(checks, "_on_another_device", lambda value: isinstance(value, torch.Tensor))
    monkeypatch.setattr(torch.Tensor, "cpu", lambda tensor: tensor + 1)
    x, answers = torch.tensor(1.0), []
    monkeypatch.setitem(checks._rules, "test.9", lambda *given: answers.extend(given) or "right.")
    assert judge("test.9", [x, (x, "x")], {"a": x}, print).status == "correct"
    assert answers == [[2.0, (2.0, "x")], {"a": 2.0}, print]
    assert call(lambda a: (a, None), x) == (2.0, None)
    assert x == 1


def test_a_leaf_comes_to_the_cpu_as_a_leaf_with_its_gradient(monkeypatch):
    monkeypatch.setattr(checks, "_on_another_device", lambda value: isinstance(value, torch.Tensor))
    w = torch.ones(2, requires_grad=True)
    (moved,) = call(lambda: (w,))
    assert moved is not w and moved.is_leaf and moved.requires_grad and moved.grad == w.grad
    w.sum().backward()
    moved, rest = call(lambda: (w, w * 2))
    assert moved.is_leaf and torch.equal(moved.grad, torch.ones(2))
    assert not rest.is_leaf and rest.requires_grad


def test_a_module_comes_to_the_cpu_as_a_copy(monkeypatch):
    module = torch.nn.Linear(2, 1)
    assert call(lambda: module) is module  # it lies there
    monkeypatch.setattr(checks, "_on_another_device", lambda value: value.shape == (1,))  # the bias alone
    copied = call(lambda: module)
    assert copied is not module and torch.equal(copied.weight, module.weight)
    module.plain = module.weight * 2  # which cannot be copied: a rule has a hint for it
    assert call(lambda: module) is module
