"""What the rules of several lessons have in common."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from numbers import Integral, Real
from unittest.mock import Mock

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from ..checks import Hint, NotAttempted, call, hint_if


def plain(value: object) -> object:
    """Return a single number as Python's own; it may come in a tensor or in an array or scalar of NumPy."""
    num_elements = value.numel() if isinstance(value, Tensor) else getattr(value, "size", None)
    return value.item() if num_elements == 1 else value


def as_number(name: str, value: object) -> float:
    """Return a reader's number as a float; anything else becomes a hint."""
    value = plain(value)
    hint_if(value is ... or value is None, f"{name} is still blank.", NotAttempted)
    what = f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
    hint_if(isinstance(value, bool) or not isinstance(value, Real), f"{name} should be one number, this is {what}.")
    return float(value)


def as_tensor(name: str, value: object, shape: tuple[int, ...], dtype: torch.dtype | None = None) -> Tensor:
    """Return a reader's tensor, detached, if it has the shape and the dtype; anything else becomes a hint."""
    hint_if(not isinstance(value, Tensor), f"{name} should be a tensor, this is {type(value).__name__}.")
    hint_if(value.shape != shape, f"{name} should have shape {tuple(shape)}, this one has {tuple(value.shape)}.")
    hint_if(dtype not in (None, value.dtype), f"{name} should be {dtype}, this is {value.dtype}.")
    return value.detach()


def close(a: object, b: object, tolerance: float = 1e-4) -> bool:
    """Whether numbers or tensors agree to a relative and absolute tolerance; NaN agrees with nothing."""
    a, b = torch.as_tensor(a, dtype=torch.float64), torch.as_tensor(b, dtype=torch.float64)
    return torch.allclose(a, b, rtol=tolerance, atol=tolerance)


def compare(name: str, answer: object, right: object, hints: Sequence = (), tolerance: float = 1e-4) -> None:
    """Raise a hint unless the reader's number, or tensor where `right` is one, is the right one.

    A row of `hints` holds one or more typical wrong answers and, last, their hint; the first row that fits counts.
    A hint alone, as the last row, is for all others.
    """
    found = as_tensor(name, answer, right.shape) if isinstance(right, Tensor) else as_number(name, answer)
    if close(found, right, tolerance):
        return
    for row in hints:
        *typical, hint = (row,) if isinstance(row, str) else row
        hint_if(not typical or any(close(found, wrong, tolerance) for wrong in typical), hint)
    came = f"this is {found:.4g}" if isinstance(found, float) else f"these are {found.tolist()}"
    raise Hint(f"{name} is not right: {came}.")


def call_in_place(function: object, *args: object, hints: Mapping[str, str]) -> object:
    """Call the reader's function, which may return nothing because it works in place."""
    with suppress(NotAttempted):
        return call(function, *args, hints=hints)


@contextmanager
def watch_backward() -> Iterator[Mock]:
    """Let a mock take what the graph has saved out of it: it is called if there is a backward pass."""
    unpack = Mock(side_effect=lambda saved: saved)
    with saved_tensors_hooks(lambda tensor: tensor, unpack):
        yield unpack


def as_whole_numbers(name: str, values: Iterable[object], otherwise: str) -> list[int]:
    """Return a reader's whole numbers, which may be NumPy's or tensors, as a list; anything else becomes a hint."""
    numbers = [*map(plain, values)]
    is_blank = any(number is ... for number in numbers)
    hint_if(is_blank, f"one of the numbers in {name} is still blank.", NotAttempted)
    hint_if(any(isinstance(number, bool) or not isinstance(number, Integral) for number in numbers), otherwise)
    return numbers


def as_names(answer: object, example: str, kinds: tuple[type, ...] = (list, tuple)) -> list[str]:
    """Return a reader's list of names in lower case; anything else becomes a hint."""
    hint_if(not isinstance(answer, kinds), f"give a list of names, such as {example}. This is {type(answer).__name__}.")
    hint_if(any(name is ... for name in answer), "a name in your list is still blank.", NotAttempted)
    return [str(name).strip().lower() for name in answer]


def as_dict(answer: object, keys: Iterable[str]) -> dict[str, object]:
    """Return a reader's dict if it has the keys that it began with; anything else becomes a hint."""
    hint = f"leave the dict as it is, with its {len(set(keys))} keys, and replace only the blanks."
    hint_if(not isinstance(answer, dict) or set(answer) != set(keys), hint)
    return answer


def as_truths(answer: object, right: Mapping[str, bool], inverted: str, hints: Mapping[tuple[str, ...], str]) -> None:
    """Raise a hint unless the reader's dict of True and False (or 1 and 0) is the right one.

    The hint is `inverted` where every answer is the wrong way round, else the first in `hints` with a wrong key.
    """
    as_dict(answer, right)
    hint_if(any(value is ... for value in answer.values()), "replace each ... by True or False.", NotAttempted)
    found = {name: plain(value) for name, value in answer.items()}
    is_truth = [isinstance(value, int | float) and value in (0, 1) for value in found.values()]
    hint_if(not all(is_truth), "each answer is True or False.")
    wrong = {name for name, truth in right.items() if found[name] != truth}
    hint_if(len(wrong) == len(right), inverted)
    for names, hint in hints.items():
        hint_if(wrong & set(names), hint)
