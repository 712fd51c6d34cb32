"""Checks of arguments that several modules share; each error names the argument, what came and what was expected."""

from __future__ import annotations

import math

import torch


def integer(name: str, value: object, minimum: int, maximum: int | None = None) -> int:
    """Return `value` if it is an int within the bounds; a bool or a float is refused rather than cast."""
    allowed = f"an int of at least {minimum}" + ("" if maximum is None else f" and at most {maximum}")
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be {allowed}, got {value!r} of type {type(value).__name__}")
    if value < minimum or (maximum is not None and value > maximum):
        raise ValueError(f"{name} must be {allowed}, got {value}")
    return value


def number(name: str, value: object) -> float:
    """Return `value` if it is a finite int or float."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a number, got {value!r} of type {type(value).__name__}")
    if not math.isfinite(value):
        raise ValueError(f"{name} must be finite, got {value}")
    return value


def function(name: str, value: object) -> None:
    """Refuse what cannot be called."""
    if not callable(value):
        raise TypeError(f"{name} must be a function, got {type(value).__name__}")


def device(name: str, value: object) -> torch.device:
    """Return the device that `value` names, if this machine has it."""
    try:
        chosen = torch.device(value)
    except RuntimeError as error:
        raise ValueError(f"{name} must name a device such as cpu or cuda, got {value!r}") from error
    if chosen.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"{name} must name a device of this machine, got {str(value)!r}, but there is no GPU")
    return chosen


def examples(name: str, value: object) -> torch.Tensor:
    """Return `value` if it is a tensor of at least one row without NaN or infinity."""
    if not isinstance(value, torch.Tensor):
        raise TypeError(f"{name} must be a torch.Tensor, got {type(value).__name__}")
    if value.ndim == 0 or value.shape[0] == 0:
        raise ValueError(f"{name} must hold at least one example in its rows, got shape {tuple(value.shape)}")
    # Any NaN or infinity makes the sum one too (as overflow may); looking at each number takes 5 to 50 times longer.
    if value.is_floating_point() and not value.sum().isfinite() and (bad := int((~value.isfinite()).sum())):
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
    X, y = examples(X_name, X), examples(y_name, y)
    equally_many_rows(X_name, X, y_name, y)
    if X.device != y.device:
        raise ValueError(f"{X_name} and {y_name} must be on one device, got {X.device} and {y.device}")
