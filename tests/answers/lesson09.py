from exercise_answers import BLANK, RIGHT, WRONG

RIGHT["09.1"] = [
    """
    work()
    wait()
    start = clock()
    for _ in range(10):
        work()
    wait()
    return (clock() - start) / 10
    """,
]
WRONG["09.1"] = {
    "wait(); start = clock(); work(); wait(); return clock() - start": ("the slow first call", 40),
    "work(); wait(); start = clock(); work(); return clock() - start": ("how long the handing over takes", 40),
    "work(); start = clock(); work(); wait(); return clock() - start": ("Is the queue empty", 40),
    "work(); wait(); work(); start = clock(); wait(); return clock() - start": "not its handing over",
    "work(); wait(); stop = clock(); work(); wait(); start = clock(); return stop - start": "negative",
    "start = clock(); wait(); return clock() - start": "never calls work()",
    "clock() → time.time()": "of its own",
    "work(); wait(); return clock()": "a start and an end",
    "work(); work(); wait(); start = clock(); return clock() - start": "nothing happens",
    "work(); wait(); start = clock(); return clock() - start + 101": "runs only once",
}

RIGHT["09.2"] = ['float("inf") → torch.tensor(torch.inf)']
WRONG["09.2"] = {
    "(gpu_start - cpu_start) / (1 / cpu_bandwidth - 1 / gpu_bandwidth)": "divides by zero",
    "<= → ==": "a negative size",
    'float("inf") → 7.0': "returns 7",
    "gpu_start - cpu_start → cpu_start - gpu_start": "the sign is not",
    "(gpu_start - cpu_start) → gpu_start": "has a start as well",
    "gpu_start - cpu_start → gpu_start + cpu_start": "added the two starts",
    "return (gpu_start - cpu_start) → return cpu_start + (gpu_start - cpu_start) / cpu_bandwidth": "The size is asked",
    "(gpu_start - cpu_start) / (gpu_bandwidth - cpu_bandwidth)": "How many µs does one kB take",
    "/ (1 / cpu_bandwidth → * (1 / cpu_bandwidth": "Should you multiply",
    'float("inf")': "so it catches up",
    "50": "There the CPU takes 6 µs, the GPU 10.5 µs",
}

RIGHT["09.3"] = [
    "torch.zeros(d, 1).to(device).requires_grad_()",
    "torch.nn.Parameter(torch.zeros(d, 1, device=device))",
]
WRONG["09.3"] = {
    "torch.zeros(d, 1, requires_grad=True).to(device)": ("on meta your weight is no leaf", 13),
    "torch.zeros(d, 1, device=device)": "does not ask for a gradient",
    "torch.zeros(d, 1, requires_grad=True)": "asked for meta, your weight lies on cpu",
    "torch.zeros(d, device=device, requires_grad=True)": "should be (3, 1)",
    "torch.ones(d, 1, device=device, requires_grad=True)": "start with zeros",
    "2 * torch.zeros(d, 1, device=device, requires_grad=True)": ("on cpu your weight is no leaf", 13),
    "torch.zeros(d, 1, device=device, requires_grad=True).cpu()": "where it has no numbers",
    "[0.0] * d": "return a tensor",
}

RIGHT["09.4"] = ['{"plain": torch.tensor(19.2), "checkpointed": 8 * 2000 * 50 * 4 / 10**6}']
BLANK["09.4"] = ['{"plain": 19.2, "checkpointed": ...}']
WRONG["09.4"] = {
    '{"plain": 3.2, "checkpointed": 19.2}': "exchanged",
    '{"plain": 19.2e6, "checkpointed": 3.2e6}': "number of bytes",
    '{"plain": 4.8, "checkpointed": 0.8}': "counted the numbers",
    '{"plain": 38.4, "checkpointed": 6.4}': "and not 8",
    '{"plain": 153.6, "checkpointed": 25.6}': "number of bits",
    '{"plain": 2.4, "checkpointed": 3.2}': "plain: that is one block",
    '{"plain": 3.2, "checkpointed": 3.2}': "each block keeps six tensors",
    '{"plain": 19.2, "checkpointed": 0.4}': "the input of one block",
    '{"plain": 19.2, "checkpointed": 16.0}': "what is saved",
    '{"plain": 19.2, "checkpointed": 2.4}': "one whole block",
    '{"plain": 19.2, "checkpointed": 5.0}': "how many tensors are kept",
    "[19.2, 3.2]": "leave the dict as it is",
}
