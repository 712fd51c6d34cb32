"""Exercises of notebook 02, devices."""

import math

import torch
from torch import Tensor

from ..checks import Hint, as_number, as_tensor, as_truths, call, close, compare, exercise
from .common import explain


@exercise("02.1")
def copy_or_same(answer: object) -> str:
    right = {
        'x.to("cpu")': True,
        'x.to("meta")': False,
        "x.to(torch.float32)": True,
        "x.to(torch.float64)": False,
        'x.to("cpu", copy=True)': False,
        "x.cpu()": True,
    }
    hints = {
        ('x.to("meta")',): "look at the move to meta again: can two devices share memory?",
        ('x.to("cpu")', "x.cpu()"): "look at the two that name the CPU and ask for no copy. Where does x lie?",
        ("x.to(torch.float32)", "x.to(torch.float64)"): "look at the two dtypes again. Which one does x have already?",
        ('x.to("cpu", copy=True)',): "one of them asks for something by name. Read its arguments again.",
    }
    as_truths(answer, right, "all six are the wrong way round. True means: it is x itself, and no copy.", hints)
    return "PyTorch copies only where something has to change."


@exercise("02.2")
def column_of_ones(function: object) -> str:
    for X in (torch.tensor([[3.0, 5.0], [7.0, 2.0], [4.0, 6.0]]), torch.tensor([[2.0, 8.0, 9.0, 4.0]])):
        N, d = X.shape
        given = X.clone()
        result = _with_ones(function, given)
        if not torch.equal(given, X):
            raise Hint("your function has changed X itself.")
        if isinstance(result, Tensor) and tuple(result.shape) in {(N + 1, d), (2 * N, d)}:
            raise Hint(f"the ones should be a column. X has shape {(N, d)}, and your table {tuple(result.shape)}.")
        result = as_tensor("the table", result, (N, d + 1))
        if close(result[:, :1], 1.0) and close(result[:, 1:], X):
            raise Hint("the ones should come after the columns of X, and not before them.")
        compare("the table", result[:, :d], X, otherwise="the first columns should be those of X.")
        compare("the table", result[:, d:], torch.ones(N, 1), otherwise="the last column should hold ones.")
    # A tensor made without a dtype is float32; next to these two, only an explicit dtype gives the right one.
    for dtype in (torch.float16, torch.int64):
        result = _with_ones(function, torch.tensor([[1, 2], [3, 4]], dtype=dtype))
        if result.dtype != dtype:
            raise Hint(f"X was {dtype}, your table is {result.dtype}. Which dtype have your ones?")
    far = torch.empty(3, 2, device="meta")
    result = _with_ones(function, far)
    if result.device != far.device:
        raise Hint(f"X lay on another device, but your table lies on {result.device}. It should lie where X lies.")
    return "it asks X where it lies, so it works on every device."


def _with_ones(function: object, X: Tensor) -> Tensor:
    fetches = "your function fetches X from its device. Leave X there, and work where it lies."
    explanations = {
        "no data": fetches,
        "on meta tensors": fetches,
        "to numpy": fetches,
        "same number of dimensions": "cat puts a table beside a table. Which shape has a table of one column?",
        "device": "X lies on one device and your ones on another. Which tensor can you ask for the device?",
    }
    with explain(explanations):
        return call(function, X)


@exercise("02.3")
def rows_that_fit(answer: object) -> str:
    number, free, columns = as_number("largest_N", answer), 16e9, 100
    if number <= 0:
        raise Hint("a number of rows is positive.")
    right = free / (2 * columns * 4)
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
    ]
    taken = number * 2 * columns * 4
    judged = "too much" if taken > free else "there is still room"
    otherwise = f"two such tables take {taken / 1e9:,.10g} GB: {judged}. How many bytes has one row?"
    compare("largest_N", number, right, typical, otherwise, tolerance=1e-9)
    return "a row has 400 bytes, and each row is there twice."


@exercise("02.4")
def crossover(function: object) -> str:
    for cpu_start, cpu_bandwidth, gpu_start, gpu_bandwidth in ((1, 10, 10, 100), (2, 5, 20, 50), (4, 10, 40, 40)):
        numbers = (cpu_start, cpu_bandwidth, gpu_start, gpu_bandwidth)
        delay, gain = gpu_start - cpu_start, 1 / cpu_bandwidth - 1 / gpu_bandwidth
        right = delay / gain
        size = as_number("the size", call(function, *numbers))
        more = gpu_bandwidth - cpu_bandwidth
        typical = [
            (-right, "the size is right, the sign is not. Which difference did you take the wrong way round?"),
            (gpu_start / gain, "the CPU has a start as well, small as it is."),
            ((gpu_start + cpu_start) / gain, "you added the two starts. By how much does the GPU come later?"),
            (cpu_start + right / cpu_bandwidth, "that is when they meet, in µs. The size is asked for, in kB."),
            (delay / more, delay * more, "bandwidth is kB per µs. How many µs does one kB take, on each of the two?"),
            (delay * gain, "the GPU makes up for its delay with each kB. Should you multiply by the gain?"),
            (math.inf, f"for {numbers} the GPU has more bandwidth, so it catches up."),
        ]
        cpu_time, gpu_time = cpu_start + size / cpu_bandwidth, gpu_start + size / gpu_bandwidth
        times = f"the CPU takes {cpu_time:.6g} µs, the GPU {gpu_time:.6g} µs"
        otherwise = f"for {numbers} your size is {size:.6g} kB. There {times}."
        compare("the size", size, right, typical, otherwise)
    for numbers in ((1, 10, 10, 10), (1, 10, 10, 5)):
        with explain({"ZeroDivisionError": "it divides by zero where both bandwidths are the same."}):
            size = as_number("the size", call(function, *numbers))
        if size < 0:
            raise Hint("a negative size comes out where the GPU has less bandwidth. Does it ever catch up there?")
        if size != math.inf:
            raise Hint(f"for {numbers} the GPU never catches up, but your function returns {size:.4g}.")
    return "it is the delay, divided by the time that the GPU wins with each kB."


class _Device:
    """A device with a queue and a clock of its own: handing over takes 1, the work 100, the first call 1,000 more."""

    def __init__(self) -> None:
        self.now, self.free, self.calls, self.looks = 5000.0, 0.0, 0, 0

    def work(self) -> None:
        self.now += 1 if self.calls else 1001
        self.free = max(self.free, self.now) + 100
        self.calls += 1

    def wait(self) -> None:
        self.now = max(self.now, self.free)

    def clock(self) -> float:
        self.looks += 1
        return self.now


@exercise("02.5")
def honest_reading(function: object) -> str:
    device = _Device()
    seconds = as_number("the reading", call(function, device.work, device.wait, device.clock))
    if not device.calls:
        raise Hint("your function never calls work().")
    if not device.looks:
        raise Hint("read the time from clock(). The device of the check has a time of its own.")
    if device.looks == 1:
        raise Hint("you look at the clock once. A duration needs a start and an end.")
    if seconds < 0:
        raise Hint("your reading is negative: end minus start, and not the other way round.")
    if seconds > 1000:
        raise Hint("the slow first call is in your reading. What do you do before you look at the clock?")
    if seconds == 0:
        raise Hint("your reading is 0: nothing happens between your two looks at the clock.")
    if device.calls == 1:
        raise Hint("there is no warm-up: work() runs only once.")
    if seconds < 50:
        raise Hint("you measured only how long the handing over takes. What must be done before you stop the clock?")
    if seconds < 99:
        raise Hint("your reading is too short. Which part of the work is done before you look at the clock?")
    if seconds == 100:
        raise Hint("almost: the work is in it, but not its handing over. Start the clock before you call work().")
    if seconds > 150:
        raise Hint("more than one call is in your reading. Is the queue empty when you start the clock?")
    return "the device is warm, its queue is empty before, and the work is done after."
