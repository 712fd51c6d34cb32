"""The checks of notebook 09 tell typical wrong answers apart and accept right ones written differently."""

import time

import torch
from exercise_answers import ExerciseAnswers


def crossover(cpu_start, cpu_bandwidth, gpu_start, gpu_bandwidth):
    if gpu_bandwidth <= cpu_bandwidth:
        return float("inf")
    return (gpu_start - cpu_start) / (1 / cpu_bandwidth - 1 / gpu_bandwidth)


def steps(names):
    """An answer to 02.5 that does these one after the other, and returns the time between start and stop."""

    def reading(work, wait, clock):
        times = {}
        for name in names.split():
            if name == "work":
                work()
            elif name == "wait":
                wait()
            else:
                times[name] = clock()
        return times["stop"] - times.get("start", 0)

    return reading


def median_reading(work, wait, clock):
    work()
    wait()
    return torch.tensor([steps("start work wait stop")(work, wait, clock) for _ in range(5)]).median()


def many_calls(work, wait, clock):
    work()
    wait()
    start = clock()
    for _ in range(10):
        work()
    wait()
    return (clock() - start) / 10


def made_there(d, device):
    return torch.zeros(d, 1, device=device, requires_grad=True)


def two_numbers(plain, checkpointed):
    return {"plain": plain, "checkpointed": checkpointed}


RIGHT = [
    ("09.1", [steps("work wait start work wait stop")], [median_reading], [many_calls]),
    ("09.2", [crossover], [lambda a, b, c, d: torch.tensor((c - a) * b * d / (d - b)) if d > b else torch.inf]),
    (
        "09.3",
        [made_there],
        [lambda d, device: torch.zeros(d, 1).to(device).requires_grad_()],
        [lambda d, device: torch.nn.Parameter(torch.zeros(d, 1, device=device))],
    ),
    ("09.4", [two_numbers(19.2, 3.2)], [two_numbers(torch.tensor(19.2), 8 * 2000 * 50 * 4 / 10**6)]),
]

WRONG = [
    ("09.1", [steps("wait start work wait stop")], "the slow first call"),
    ("09.1", [steps("start work wait work wait stop")], "the slow first call"),
    ("09.1", [steps("work wait start work stop")], "how long the handing over takes"),
    ("09.1", [steps("work start work stop")], "how long the handing over takes"),
    ("09.1", [steps("work start work wait stop")], "Is the queue empty"),
    ("09.1", [steps("work wait work start wait stop")], "not its handing over"),
    ("09.1", [steps("work wait stop work wait start")], "negative"),
    ("09.1", [steps("start wait stop")], "never calls work()"),
    ("09.1", [lambda work, wait, clock: steps("work wait start work wait stop")(work, wait, time.time)], "of its own"),
    ("09.1", [steps("work wait stop")], "a start and an end"),
    ("09.1", [steps("work work wait start stop")], "nothing happens"),
    ("09.1", [lambda work, wait, clock: steps("work wait start stop")(work, wait, clock) + 101], "runs only once"),
    ("09.2", [lambda a, b, c, d: (c - a) / (1 / b - 1 / d)], "divides by zero"),
    ("09.2", [lambda a, b, c, d: (c - a) / (1 / b - 1 / d) if b != d else float("inf")], "a negative size"),
    ("09.2", [lambda a, b, c, d: crossover(a, b, c, d) if d >= b - 4 and d != b else 7.0], "returns 7"),
    ("09.2", [lambda a, b, c, d: -crossover(a, b, c, d)], "the sign is not"),
    ("09.2", [lambda a, b, c, d: c / (1 / b - 1 / d)], "has a start as well"),
    ("09.2", [lambda a, b, c, d: (c + a) / (1 / b - 1 / d)], "added the two starts"),
    ("09.2", [lambda a, b, c, d: a + crossover(a, b, c, d) / b], "The size is asked for"),
    ("09.2", [lambda a, b, c, d: (c - a) / (d - b)], "How many µs does one kB take"),
    ("09.2", [lambda a, b, c, d: (c - a) * (d - b)], "How many µs does one kB take"),
    ("09.2", [lambda a, b, c, d: (c - a) * (1 / b - 1 / d)], "Should you multiply"),
    ("09.2", [lambda a, b, c, d: float("inf")], "so it catches up"),
    ("09.2", [lambda a, b, c, d: 50], "There the CPU takes 6 µs, the GPU 10.5 µs"),
    ("09.2", [lambda a, b, c, d: "100 kB"], "should be one number"),
    ("09.3", [lambda d, device: torch.zeros(d, 1, requires_grad=True).to(device)], "on meta your weight is no leaf"),
    ("09.3", [lambda d, device: torch.zeros(d, 1, device=device)], "does not ask for a gradient"),
    ("09.3", [lambda d, device: torch.zeros(d, 1, requires_grad=True)], "asked for meta, your weight lies on cpu"),
    ("09.3", [lambda d, device: torch.zeros(d, device=device, requires_grad=True)], "should be (3, 1)"),
    ("09.3", [lambda d, device: torch.ones(d, 1, device=device, requires_grad=True)], "start with zeros"),
    ("09.3", [lambda d, device: 2 * made_there(d, device)], "on cpu your weight is no leaf"),
    ("09.3", [lambda d, device: made_there(d, device).cpu()], "where it has no numbers"),
    ("09.3", [lambda d, device: [0.0] * d], "return a tensor"),
    ("09.4", [two_numbers(3.2, 19.2)], "exchanged"),
    ("09.4", [two_numbers(19.2e6, 3.2e6)], "number of bytes"),
    ("09.4", [two_numbers(4.8, 0.8)], "counted the numbers"),
    ("09.4", [two_numbers(38.4, 6.4)], "and not 8"),
    ("09.4", [two_numbers(153.6, 25.6)], "number of bits"),
    ("09.4", [two_numbers(2.4, 3.2)], "plain: that is one block"),
    ("09.4", [two_numbers(3.2, 3.2)], "each block keeps six tensors"),
    ("09.4", [two_numbers(19.2, 0.4)], "the input of one block"),
    ("09.4", [two_numbers(19.2, 16.0)], "what is saved"),
    ("09.4", [two_numbers(19.2, 2.4)], "one whole block"),
    ("09.4", [two_numbers(19.2, 5.0)], "how many tensors are kept"),
    ("09.4", [two_numbers("19 MB", 3.2)], "should be one number"),
    ("09.4", [[19.2, 3.2]], "leave the dict as it is"),
]

BLANKS = [
    ("09.1", [lambda work, wait, clock: ...]),
    ("09.2", [lambda a, b, c, d: ...]),
    ("09.3", [lambda d, device: ...]),
    ("09.4", [two_numbers(..., ...)], [two_numbers(19.2, ...)]),
]


class TestAnswers(ExerciseAnswers):
    right, wrong, blanks = RIGHT, WRONG, BLANKS
