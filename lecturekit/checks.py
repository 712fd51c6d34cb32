"""Errors that a lesson raises on purpose, and exercises that answer back."""

from __future__ import annotations

import copy
import importlib
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .devices import gpus_in_use


@contextmanager
def expect_error(error: type[BaseException], match: str = "") -> Iterator[None]:
    """Catch an error that the lesson raises on purpose, and print its type and the first line of its message.

    Parameters
    ----------
    error : type
        The exception that must be raised. Any other one passes through untouched.
    match : str
        Words that the message must contain. Take a stable part: PyTorch rewords its messages now and then.

    Raises
    ------
    TypeError
        If `error` is not an exception type, or `match` not a string.
    AssertionError
        If nothing is raised, or if `match` is not in the message.

    Notes
    -----
    Introduced in notebook 00.
    """
    if not (isinstance(error, type) and issubclass(error, BaseException)):
        raise TypeError(f"error must be an exception type such as RuntimeError, got {error!r}")
    if not isinstance(match, str):
        raise TypeError(f"match must be a string, got {match!r}")
    try:
        yield
    except error as caught:
        message = str(caught)
        if match not in message:
            raise AssertionError(f"expected a message with {match!r}, got {message!r}") from caught
        print(textwrap.fill(_summary(caught), width=100, subsequent_indent="    "))
    else:
        raise AssertionError(f"expected {error.__name__}, but nothing was raised")


def _summary(error: BaseException) -> str:
    """Return the type of an error and the first line of its message."""
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"


class Hint(Exception):
    """What is wrong with an answer, in words that do not give the answer away."""


class NotAttempted(Exception):
    """The answer is still the blank; the message says by what that was seen."""


@dataclass(frozen=True)
class Verdict:
    """What came of one check: the status is ``"correct"``, ``"wrong"`` or ``"not attempted"``."""

    status: str
    message: str


_rules: dict[str, Callable[..., str]] = {}


def exercise(number: str) -> Callable[[Callable[..., str]], Callable[..., str]]:
    """Register the decorated function as the rule of an exercise.

    The rule takes the reader's answers. It raises `Hint` for a wrong one and returns a word of praise for a right one.
    """

    def register(rule: Callable[..., str]) -> Callable[..., str]:
        if number in _rules:
            raise ValueError(f"exercise {number} is defined twice")
        _rules[number] = rule
        return rule

    return register


@contextmanager
def _usual_defaults() -> Iterator[None]:
    """Make new tensors float32 and on the CPU, as the rules expect, whatever the reader has set."""
    dtype = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        with torch.device("cpu"):
            yield
    finally:
        torch.set_default_dtype(dtype)


def _on_cpu(value: object) -> object:
    """Return the value with all tensors and modules in it on the CPU, where the rules compute.

    What lies elsewhere is copied: a module with all that it holds, a leaf as a leaf, with its gradient.
    """
    if isinstance(value, nn.Module):
        if not any(map(_on_another_device, value.state_dict().values())):
            return value
        try:
            return copy.deepcopy(value).cpu()
        except RuntimeError:  # it holds a tensor that is no leaf: the rule will see
            return value
    if isinstance(value, tuple | list) and not hasattr(value, "_fields"):
        return (tuple if isinstance(value, tuple) else list)(map(_on_cpu, value))
    if isinstance(value, dict):
        return {key: _on_cpu(part) for key, part in value.items()}
    if not _on_another_device(value):
        return value
    moved = value.cpu()
    if value.is_leaf and value.requires_grad:
        moved = moved.detach().requires_grad_()
        moved.grad = _on_cpu(value.grad)
    return moved


def _on_another_device(value: object) -> bool:
    return isinstance(value, Tensor) and value.device.type not in ("cpu", "meta")  # meta holds nothing to be moved


@_usual_defaults()
def judge(number: str, *answers: object) -> Verdict:
    """Apply the rule of an exercise to the answers; see `check`, which prints what comes of it."""
    lesson = number.partition(".")[0] if isinstance(number, str) else ""
    if lesson.isdecimal():
        module = f"{__package__}.exercises.lesson{lesson}"
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name != module:
                raise
    if not isinstance(number, str) or number not in _rules:
        raise ValueError(f"number must be that of an exercise, such as '06.1', got {number!r}")
    blank = Verdict("not attempted", "replace each ... by your code and run the cell again.")
    if any(answer is ... or answer is None for answer in answers):
        return blank
    try:
        return Verdict("correct", _rules[number](*map(_on_cpu, answers)))
    except NotAttempted as not_attempted:
        verdict = Verdict("not attempted", str(not_attempted))
    except Hint as hint:
        verdict = Verdict("wrong", str(hint))
    except Exception as error:  # an answer that no rule has thought of; Restart & Run All goes on all the same
        message = f"the check stumbles over it with {_summary(error)}. Is it what the exercise asks for?"
        verdict = Verdict("wrong", message)
    return blank if any(map(_has_ellipsis, answers)) else verdict


def check(number: str, *answers: object) -> None:
    """Print what is right or wrong with the answers to an exercise, without giving the solution away.

    Parameters
    ----------
    number : str
        Lesson and exercise, such as ``"06.1"``.
    *answers
        What the exercise asks for: functions, tensors, numbers.

    Raises
    ------
    ValueError
        If there is no such exercise. A wrong answer never raises: Restart & Run All goes on.

    Notes
    -----
    Introduced in notebook 00.
    """
    verdict = judge(number, *answers)
    sign = {"correct": "✓", "wrong": "✗", "not attempted": "○"}[verdict.status]
    print(textwrap.fill(f"{sign} Exercise {number}, {verdict.status}: {verdict.message}", width=100))


def _has_ellipsis(answer: object) -> bool:
    """Whether an `...` stands in a function: a blank, unless it is an index and the function right all the same."""
    code = getattr(answer, "__code__", None)
    return code is not None and ... in code.co_consts


def call(function: object, *args: object, **kwargs: object) -> object:
    """Call the reader's function; an error in it becomes a hint that names it."""
    if not callable(function):
        raise Hint(f"a function is asked for, this is {type(function).__name__}.")
    try:
        result = function(*args, **kwargs)
    except Exception as error:
        raise Hint(f"your function raises {_summary(error)}") from error
    result = _on_cpu(result)
    parts = result if isinstance(result, tuple) else (result,)
    if result is None or any(part is ... for part in parts):
        raise NotAttempted("your function returns nothing yet. Has it a return, and no ... left?")
    return result


def as_number(name: str, value: object) -> float:
    """Return a reader's number, or a tensor of one, as a float; anything else becomes a hint."""
    if isinstance(value, Tensor) and value.numel() == 1:
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int | float):
        what = f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
        raise Hint(f"{name} should be one number, this is {what}.")
    return float(value)


def as_tensor(name: str, value: object, shape: tuple[int, ...], dtype: torch.dtype | None = None) -> Tensor:
    """Return a reader's tensor, detached, if it has the shape and the dtype; anything else becomes a hint."""
    if not isinstance(value, Tensor):
        raise Hint(f"{name} should be a tensor, this is {type(value).__name__}.")
    if tuple(value.shape) != tuple(shape):
        raise Hint(f"{name} should have shape {tuple(shape)}, this one has {tuple(value.shape)}.")
    if dtype is not None and value.dtype != dtype:
        raise Hint(f"{name} should be {dtype}, this is {value.dtype}.")
    return value.detach()


def compare(
    name: str,
    answer: object,
    right: object,
    wrong: Sequence[tuple[object, str]] = (),
    otherwise: str | None = None,
    tolerance: float = 1e-4,
) -> None:
    """Raise a hint unless the reader's number or tensor is the right one.

    Parameters
    ----------
    name : str
        What the answer is called in a hint.
    answer : object
        A number where `right` is one; a tensor of the same shape where `right` is a tensor.
    right : float or torch.Tensor
    wrong : sequence of (value, hint)
        Values that a known mistake leads to, each with its hint; the first that fits counts.
    otherwise : str, optional
        The hint for any other value. Default: a sentence that says what came.
    tolerance : float
        As in `close`.
    """
    if isinstance(right, Tensor):
        answer = as_tensor(name, answer, tuple(right.shape))
    else:
        answer = as_number(name, answer)
    if close(answer, right, tolerance):
        return
    for value, hint in wrong:
        if close(answer, value, tolerance):
            raise Hint(hint)
    if otherwise is None:
        came = f"this is {answer:.4g}" if isinstance(answer, float) else f"these are {answer.tolist()}"
        otherwise = f"{name} is not right yet: {came}."
    raise Hint(otherwise)


def as_truths(answer: object, right: Mapping[str, bool], inverted: str, hints: Mapping[tuple[str, ...], str]) -> None:
    """Compare a reader's dict of True and False with the right one; a hint says where to look again.

    Parameters
    ----------
    answer : object
        Each value may also be 0 or 1, or a tensor of one of them.
    right : mapping of str to bool
    inverted : str
        What to say where every answer is the wrong way round.
    hints : mapping of tuple of str to str
        What to say where one of these keys is wrong; the first that fits counts.
    """
    if not isinstance(answer, dict) or set(answer) != set(right):
        raise Hint(f"leave the dict as it is, with its {len(right)} keys, and replace only the blanks.")
    if any(value is ... for value in answer.values()):
        raise NotAttempted("replace each ... by True or False.")
    found = {name: _truth(value) for name, value in answer.items()}
    if None in found.values():
        raise Hint("each answer is True or False.")
    wrong = {name for name, truth in right.items() if found[name] != truth}
    if len(wrong) == len(right):
        raise Hint(inverted)
    for names, hint in hints.items():
        if wrong & set(names):
            raise Hint(hint)


def _truth(value: object) -> bool | None:
    if isinstance(value, Tensor) and value.numel() == 1:
        value = value.item()
    return bool(value) if isinstance(value, bool | int | float) and value in (0, 1) else None


@contextmanager
def seeded() -> Iterator[None]:
    """Draw the same random numbers each time, after which the reader's own go on as if there had been no check."""
    with torch.random.fork_rng(devices=gpus_in_use()):
        torch.manual_seed(0)
        yield


def close(a: object, b: object, tolerance: float = 1e-4) -> bool:
    """Whether numbers or tensors agree to a relative and absolute tolerance; NaN agrees with nothing."""
    a, b = torch.as_tensor(a, dtype=torch.float64), torch.as_tensor(b, dtype=torch.float64)
    return torch.allclose(a, b, rtol=tolerance, atol=tolerance)
