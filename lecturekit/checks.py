"""Errors that a lesson raises on purpose, and exercises that answer back."""

import copy
import importlib.util
import linecache
import textwrap
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .devices import gpus_in_use, usual_defaults


@contextmanager
def expect_error(error: type[BaseException], match: str = "") -> Iterator[None]:
    """Catch an error that the lesson raises on purpose, and print its type and the first line of its message.

    AssertionError if nothing is raised; any other error passes through. Introduced in notebook 00.

    Parameters
    ----------
    error : type of the exception that must be raised
    match : str that the message must contain; take a stable part, for PyTorch rewords its messages

    Examples
    --------
    >>> with expect_error(ZeroDivisionError, match="by zero"):
    ...     1 / 0
    ZeroDivisionError: division by zero
    """
    try:
        yield
    except error as caught:
        if match not in str(caught):
            raise AssertionError(f"expected a message with {match!r}, got {str(caught)!r}") from caught
        print(textwrap.fill(summary(caught), width=100, subsequent_indent="    "))
    else:
        raise AssertionError(f"expected {error.__name__}, but nothing was raised")


def summary(error: BaseException) -> str:
    """Return the type of an error and the first line of its message."""
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"


def place(error: BaseException) -> str:
    """Return the reader's own line that raised an error, to begin a hint with; nothing where none is known."""
    steps = traceback.walk_tb(error.__traceback__)
    own = [(frame.f_code.co_filename, line) for frame, line in steps if frame.f_globals.get("__name__") == "__main__"]
    line = [line for file, line in own if file == own[0][0]][-1] if own else 0  # not of a helper in another cell
    source = linecache.getline(own[0][0], line).strip() if own else ""
    return f"in line {line}, `{source}`: " if source else ""


class Hint(Exception):
    """What is wrong with an answer, in words that do not give the answer away."""


class NotAttempted(Exception):
    """The answer is still the blank; the message says by what that was seen."""


class Verdict(NamedTuple):
    """What came of one check: the status is ``"correct"``, ``"wrong"`` or ``"not attempted"``."""

    status: str
    message: str


rules: dict[str, tuple[Callable[..., str], str]] = {}  # of each exercise the rule, and the second hint


def exercise(number: str, second_hint: str = "") -> Callable[[Callable[..., str]], Callable[..., str]]:
    """Register a rule, which takes the reader's answers and raises `Hint`, or returns praise; and a second hint."""

    def register(rule: Callable[..., str]) -> Callable[..., str]:
        rules[number] = rule, second_hint
        return rule

    return register


def _on_cpu(value: object) -> object:
    """Return a tensor, a tuple of them or a copy of a module on the CPU, where the rules compute."""
    if isinstance(value, Tensor):
        return value if value.is_meta else value.cpu()  # meta is what lesson 02's rule takes for another device
    if type(value) in (tuple, list):
        return type(value)(map(_on_cpu, value))
    if isinstance(value, nn.Module) and not all(tensor.is_cpu for tensor in value.state_dict().values()):
        return copy.deepcopy(value).cpu()
    return value


@usual_defaults()
def judge(number: str, *answers: object) -> Verdict:
    """Apply the rule of an exercise to the answers; see `lecturekit.check`, which prints what comes of it."""
    module = f"{__package__}.exercises.lesson{str(number).partition('.')[0]}"
    if importlib.util.find_spec(module):
        importlib.import_module(module)
    if number not in rules:
        raise ValueError(f"number must be that of an exercise, such as '07.1', got {number!r}")
    rule, _ = rules[number]
    blank = "replace each ... by your code and run the cell again."
    nothing = "one answer is None, which means that there is nothing. Look at the line that makes it. "
    nothing += "A .grad is None until backward() has filled it."
    try:
        hint_if(any(answer is ... for answer in answers), blank, NotAttempted)
        hint_if(any(answer is None for answer in answers), nothing)
        # The same random numbers each time; then the reader's own go on. No warnings: a hint says what is wrong.
        with torch.random.fork_rng(gpus_in_use()), warnings.catch_warnings(action="ignore"):
            torch.manual_seed(0)
            return Verdict("correct", rule(*map(_on_cpu, answers)))
    except NotAttempted as not_attempted:
        verdict = Verdict("not attempted", str(not_attempted))
    except Hint as hint:
        verdict = Verdict("wrong", str(hint))
    except Exception as error:  # an answer that no rule has thought of; Restart & Run All goes on all the same
        message = f"the check stumbles over it with {summary(error)}. Is it what the exercise asks for?"
        verdict = Verdict("wrong", message)
    # An ... in a function is a blank, unless it is an index and the function right all the same.
    is_blank = any(... in answer.__code__.co_consts for answer in answers if hasattr(answer, "__code__"))
    return Verdict("not attempted", blank) if is_blank else verdict


def hint_if(wrong: object, hint: str, kind: type[Exception] = Hint) -> None:
    """Raise a hint, or `NotAttempted`, if the condition holds."""
    if wrong:
        raise kind(hint)


def call(function: object, *args: object, hints: Mapping[str, str] = {}) -> object:
    """Call the reader's function; an error in it becomes a hint that names it.

    Where `hints` has words of the error, it is the hint beside them.
    """
    hint_if(not callable(function), f"a function is asked for, this is {type(function).__name__}.")
    kind = "class" if isinstance(function, type | nn.Module) else "function"
    try:
        result = _on_cpu(function(*args))
    except Exception as error:
        said = summary(error)
        hint = next((hint for words, hint in hints.items() if words in said), f"your {kind} raises {said}")
        raise Hint(place(error) + hint) from error
    parts = result if isinstance(result, tuple) else (result,)
    is_blank = result is None or any(part is ... for part in parts)
    hint_if(is_blank, f"your {kind} returns nothing yet. Has it a return, and no ... left?", NotAttempted)
    return result
