"""Exercises of notebook 09, CPU or CUDA."""

import math

import torch
from torch import Tensor

from ..checks import Hint, call, exercise, hint_if
from .common import as_dict, as_number, close, compare


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


@exercise("09.1", "Section 3 empties the queue before each look at the clock, and warms up first.")
def honest_reading(function: object) -> str:
    device = _Device()
    seconds = as_number("the reading", call(function, device.work, device.wait, device.clock))
    hint_if(not device.calls, "your function never calls work().")
    hint_if(not device.looks, "read the time from clock(). The device of the check has a time of its own.")
    hint_if(device.looks == 1, "you look at the clock once. A duration needs a start and an end.")
    hint_if(seconds < 0, "your reading is negative: end minus start, and not the other way round.")
    hint_if(seconds > 1000, "the slow first call is in your reading. What do you do before you look at the clock?")
    hint_if(seconds == 0, "your reading is 0: nothing happens between your two looks at the clock.")
    hint_if(device.calls == 1, "there is no warm-up: work() runs only once.")
    hint_if(seconds < 50, "you measured only how long the handing over takes. What must be done before the end?")
    hint_if(seconds < 99, "your reading is too short. Which part of the work is done before you look at the clock?")
    hint_if(seconds == 100, "almost: the work is in it, but not its handing over. Start the clock before work().")
    hint_if(seconds > 150, "more than one call is in your reading. Is the queue empty when you start the clock?")
    return "the device is warm, its queue is empty before, and the work is done after."


@exercise("09.2", "Write both times as start + size / bandwidth, set them equal, and solve for the size.")
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
        compare("the size", size, right, [*typical, f"for {numbers} your size is {size:.6g} kB. There {times}."])
    hints = {"ZeroDivisionError": "it divides by zero where both bandwidths are the same."}
    for numbers in ((1, 10, 10, 10), (1, 10, 10, 5)):
        size = as_number("the size", call(function, *numbers, hints=hints))
        hint_if(size < 0, "a negative size comes out where the GPU has less bandwidth. Does it ever catch up there?")
        hint_if(size != math.inf, f"for {numbers} the GPU never catches up, but your function returns {size:.4g}.")
    return "it is the delay, divided by the time that the GPU wins with each kB."


@exercise("09.3", "One call can do it all: torch.zeros has the arguments device and requires_grad.")
def weight_on_a_device(function: object) -> str:
    hints = {"no data": "your weight leaves meta, where it has no numbers. Make it on the device, and stay."}
    for place in ("cpu", "meta"):
        w = call(function, 3, torch.device(place), hints=hints)
        hint_if(not isinstance(w, Tensor), "return a tensor.")
        hint_if(w.device.type != place, f"asked for {place}, your weight lies on {w.device}.")
        hint_if(tuple(w.shape) != (3, 1), f"for d = 3 the shape should be (3, 1). Yours is {tuple(w.shape)}.")
        hint_if(not w.is_leaf, f"on {place} your weight is no leaf, so optim.SGD refuses it. What was recorded?")
        hint_if(not w.requires_grad, "your weight does not ask for a gradient.")
        hint_if(place == "cpu" and not close(w, 0.0), "the weight should start with zeros.")
    return "it is made where it lives, so it is a leaf on every device."


@exercise("09.4", "One tensor has 2,000 · 50 numbers of 4 bytes. How many tensors stay, in each of the two ways?")
def bytes_kept(answer: object) -> str:
    names = ("plain", "checkpointed")
    plain, checkpointed = (as_number(name, as_dict(answer, names)[name]) for name in names)
    right, blocks, tensors = 2000 * 50 * 4 / 1e6, 8, 6
    if close(plain, blocks * right) and close(checkpointed, blocks * tensors * right):
        raise Hint("the two are exchanged: checkpointing keeps less.")
    any_unit = [
        (1e6, "that is the number of bytes. How many MB are they?"),
        (1 / 4, "you counted the numbers. How many bytes has one in float32?"),
        (2, "a float32 has 4 bytes, and not 8."),
        (8, "32 is the number of bits. How many bytes are they?"),
    ]
    typical = {
        "plain": [
            (tensors * right, "plain: that is one block. There are eight."),
            (blocks * right, "plain: without checkpointing, each block keeps six tensors."),
        ],
        "checkpointed": [
            (right, "checkpointed: that is the input of one block. There are eight."),
            (blocks * (tensors - 1) * right, "checkpointed: that is what is saved. What is kept?"),
            (tensors * right, "checkpointed: that is one whole block. What is kept of each of the eight?"),
        ],
    }
    for name, found, kept in zip(names, (plain, checkpointed), (blocks * tensors, blocks), strict=True):
        in_another_unit = [(factor * kept * right, f"{name}: {hint}") for factor, hint in any_unit]
        otherwise = f"{name}: how many tensors are kept, and how many MB has each?"
        compare(name, found, kept * right, [*in_another_unit, *typical[name], otherwise])
    return "one tensor of six is kept, and the others are computed again."
