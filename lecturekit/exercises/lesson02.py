"""Exercises of notebook 02, devices."""

import torch
from torch import Tensor

from ..checks import Hint, call, exercise, hint_if
from .common import as_number, as_tensor, as_truths, close, compare


@exercise("02.1", "Ask twice: does x have this dtype and device already, and is a copy asked for by name?")
def copy_or_same(answer: object) -> str:
    right = {
        'x.to("cpu")': True,
        'x.to("meta")': False,
        "x.to(torch.float32)": True,
        "x.to(torch.float64)": False,
        "x.float()": True,
        "x.cpu()": True,
    }
    hints = {
        ('x.to("meta")',): "look at the move to meta again: can two devices share memory?",
        ('x.to("cpu")', "x.cpu()"): "look at the two that name the CPU again. Where does x lie?",
        ("x.to(torch.float32)", "x.to(torch.float64)", "x.float()"): "look at the three with a dtype again. Which one "
        "does x have already?",
    }
    as_truths(answer, right, "all six are the wrong way round. True means: it is x itself, and no copy.", hints)
    return "PyTorch copies only where something has to change."


@exercise("02.2", "Give torch.ones two more arguments, device and dtype, both from X. Then cat along dim=1.")
def column_of_ones(function: object) -> str:
    for X in (torch.tensor([[3.0, 5.0], [7.0, 2.0], [4.0, 6.0]]), torch.tensor([[2.0, 8.0, 9.0, 4.0]])):
        N, d = X.shape
        given = X.clone()
        result = _with_ones(function, given)
        hint_if(not torch.equal(given, X), "your function has changed X itself.")
        if isinstance(result, Tensor) and tuple(result.shape) in {(N + 1, d), (2 * N, d)}:
            raise Hint(f"the ones should be a column. X has shape {(N, d)}, and your table {tuple(result.shape)}.")
        result = as_tensor("the table", result, (N, d + 1))
        hint_if(close(result[:, :1], 1.0) and close(result[:, 1:], X), "the ones should come last, not before them.")
        compare("the table", result[:, :d], X, ["the first columns should be those of X."])
        compare("the table", result[:, d:], torch.ones(N, 1), ["the last column should hold ones."])
    # A tensor made without a dtype is float32; next to these two, only an explicit dtype gives the right one.
    for dtype, what in ((torch.float16, "decimal numbers of 2 bytes"), (torch.int64, "whole numbers")):
        result = _with_ones(function, torch.tensor([[1, 2], [3, 4]], dtype=dtype))
        hint_if(result.dtype != dtype, f"X was {dtype} ({what}), your table is {result.dtype}: ask X for the dtype.")
    far = torch.empty(3, 2, device="meta")
    result = _with_ones(function, far)
    hint_if(result.device != far.device, f"your table lies on {result.device}. It should lie where X lies.")
    return "it asks X where it lies, so it works on every device."


def _with_ones(function: object, X: Tensor) -> Tensor:
    fetches = "your function fetches X from its device. Leave X there, and work where it lies."
    hints = {
        "no data": fetches,
        "on meta tensors": fetches,
        "to numpy": fetches,
        "same number of dimensions": "cat puts a table beside a table. Which shape has a table of one column?",
        "device": "X lies on one device and your ones on another. Which tensor can you ask for the device?",
    }
    return call(function, X, hints=hints)


@exercise("02.3", "How many bytes does one row take, with 100 numbers of 4 bytes, in both tables together?")
def rows_that_fit(answer: object) -> str:
    number, free, columns = as_number("largest_N", answer), 16e9, 100
    hint_if(number <= 0, "a number of rows is positive.")
    right = free / (2 * columns * 4)
    taken = number * 2 * columns * 4
    judged = "too much" if taken > free else "there is still room"
    typical = [
        (free / (columns * 4), "X alone would fill the memory. Where does the result of X * 2 go?"),
        (free / (2 * columns * 8), "that is only half as many as you could store. How many bytes has a float32?"),
        (free / (3 * columns * 4), "you counted three tables. Which ones are there at the same time?"),
        (free / (2 * columns), "one byte for each element is not enough for a float32."),
        (free / columns, "one byte for each element is not enough for a float32, and there are two tables."),
        (free / (2 * 4), "that many elements fit. How many of them make a row?"),
        (free / 4, "that many elements fit. How many of them make a row, and how many tables are there?"),
        (free / (2 * columns * 32), "32 is the number of bits. How many bytes are they?"),
        (2**34 // (2 * columns * 4), "here, a GB is a round number of bytes: look at the text of the exercise."),
        (right / 1e6, "that may be the number in millions. Write it out."),
        f"two such tables take {taken / 1e9:,.10g} GB: {judged}. How many bytes has one row?",
    ]
    compare("largest_N", number, right, typical, tolerance=1e-9)
    return "a row has 400 bytes, and each row is there twice."
