"""Checks of arguments that several modules share; each error names the argument, what came and what was expected."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch


def integer(name: str, value: object, minimum: int, maximum: int | None = None) -> int:
    """Return `value` if it is an int within the bounds; a bool or a float is refused rather than cast."""
    allowed = f"an int of at least {minimum}" + ("" if maximum is None else f" and at most {maximum}")
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be {allowed}, got {_short(value)} of type {type(value).__name__}")
    if value < minimum or (maximum is not None and value > maximum):
        raise ValueError(f"{name} must be {allowed}, got {_short(value)}")
    return value


def number(name: str, value: object) -> float:
    """Return `value` if it is a finite int or float."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a number, got {_short(value)} of type {type(value).__name__}")
    try:
        finite = math.isfinite(value)
    except OverflowError:  # an int that no float can hold
        finite = False
    if not finite:
        raise ValueError(f"{name} must be finite, got {_short(value)}")
    return value


def seed(name: str, value: object) -> int:
    """Return `value` if a generator of torch takes it as its seed."""
    return at_most(name, integer(name, value, 0), 2**64 - 1)


def at_most(name: str, value: int, maximum: int) -> int:
    """Return `value` unless it is larger than any sensible one, which would take all memory, or for ever."""
    if value > maximum:
        raise ValueError(f"{name} must be at most {maximum:,}, got {_short(value)}")
    return value


def text(name: str, value: object) -> str:
    """Return `value` if it is a string."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, got {_short(value)} of type {type(value).__name__}")
    return value


def one_of(name: str, value: object, known: Iterable) -> object:
    """Return `value` if it is one of those known; it may be of any type."""
    known = list(known)
    if not any(type(value) is type(one) and value == one for one in known):
        raise ValueError(f"{name} must be one of {', '.join(map(str, known))}, got {_short(value)}")
    return value


def switch(name: str, value: object) -> bool:
    """Return `value` if it is True or False."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, got {_short(value)}")
    return value


def _short(value: object) -> str:
    """Write a value, but not the whole of a long one."""
    try:
        written = repr(value)
    except ValueError:  # Python refuses to write out very long ints
        return f"{type(value).__name__} of very many digits"
    return written if len(written) <= 100 else f"{written[:60]}…{written[-20:]}"


def function(name: str, value: object) -> None:
    """Refuse what cannot be called."""
    if not callable(value):
        raise TypeError(f"{name} must be a function, got {type(value).__name__}")


def device(name: str, value: object) -> torch.device:
    """Return the device that `value` names, if this machine has it."""
    if not isinstance(value, str | torch.device):
        raise TypeError(f"{name} must be the name of a device or a torch.device, got {_short(value)}")
    try:
        chosen = torch.device(value)
    except RuntimeError as error:
        raise ValueError(f"{name} must name a device such as cpu or cuda, got {_short(value)}") from error
    if chosen.type == "meta":
        raise ValueError(
            f"{name} must name a device that computes, got {str(value)!r}, which has shapes but no numbers"
        )
    if chosen.type == "cuda":
        number = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if number <= (chosen.index or 0):
            few = {0: "there is no GPU", 1: "the only GPU is cuda:0"}
            there = few.get(number, f"the last GPU is cuda:{number - 1}")
            raise ValueError(f"{name} must name a device of this machine, got {str(value)!r}, but {there}")
    return chosen


def examples(name: str, value: object) -> torch.Tensor:
    """Return `value` if it is a tensor of at least one row without NaN or infinity."""
    if not isinstance(value, torch.Tensor):
        raise TypeError(f"{name} must be a torch.Tensor, got {type(value).__name__}")
    if value.ndim == 0 or value.shape[0] == 0:
        raise ValueError(f"{name} must hold at least one example in its rows, got shape {tuple(value.shape)}")
    if value.is_meta:
        raise ValueError(f"{name} must hold numbers, got a tensor on the device meta, which has none")
    if value.layout != torch.strided:
        raise TypeError(f"{name} must be a dense tensor, got layout {value.layout}: convert it with {name}.to_dense()")
    if value.is_floating_point() and value.dtype.itemsize == 1:
        raise TypeError(
            f"{name} must be of a dtype that can be computed with, got {value.dtype}: convert it to float32"
        )
    # Any NaN or infinity makes the sum one too (as overflow may); looking at each number takes 5 to 50 times longer.
    inexact = value.is_floating_point() or value.is_complex()
    if inexact and not value.sum().isfinite() and (bad := int((~value.isfinite()).sum())):
        raise ValueError(f"{name} must be finite, got {bad} NaN or infinite of {value.numel()} numbers")
    return value


def equally_many_rows(X_name: str, X: torch.Tensor, y_name: str, y: torch.Tensor) -> None:
    """Refuse two tensors of different lengths."""
    if X.shape[0] != y.shape[0]:
        raise ValueError(
            f"{X_name} and {y_name} must have equally many rows, got shapes {tuple(X.shape)} and {tuple(y.shape)}"
        )


def paired_examples(X_name: str, X: object, y_name: str, y: object) -> None:
    """Refuse a pair that does not have one row of `y`, on the same device, for each row of `X`."""
    if isinstance(X, torch.Tensor) and isinstance(y, torch.Tensor) and X.device != y.device:
        raise ValueError(f"{X_name} and {y_name} must be on one device, got {X.device} and {y.device}")
    equally_many_rows(X_name, examples(X_name, X), y_name, examples(y_name, y))
