from exercise_answers import BLANK, RIGHT, WRONG

RIGHT["13.1"] = ["torch.tensor(32), 960 / 32, 4 * 0.01"]
BLANK["13.1"] = ["32, ..., 0.04"]
WRONG["13.1"] = {
    "8, 30, 0.04": "the batch of one of the workers",
    "2, 30, 0.04": "they do not share 8",
    "240, 30, 0.04": "in a whole epoch",
    "12, 30, 0.04": "do all workers see in one step",
    "32, 120, 0.04": "one worker would need so many steps",
    "32, 240, 0.04": "each worker sees so many examples",
    "32, 480, 0.04": "one after the other",
    "32, 31, 0.04": "How often do the examples",
    "32, 30, 0.01": "would not get as far",
    "32, 30, 0.0025": "Should they be shorter",
    "32, 30, 0.02": "square root",
    "32, 30, 0.32": "not how large it is",
    "32, 30, 0.05": "how many times as large",
}

RIGHT["13.2"] = ["torch.arange(N).tensor_split(world_size)[rank]"]
BLANK["13.2"] = ["[...]"]
WRONG["13.2"] = {
    "range(N)": ("every worker takes all rows", 43),
    "range(0, N, world_size)": "Does your function use rank?",
    "range(rank * (N // world_size), (rank + 1) * (N // world_size))": "with N = 7 and 2 workers, nobody takes row 6",
    "[row % N for row in range(rank, -(-N // world_size) * world_size, world_size)]": "That is padding",
    "torch.arange(N).chunk(world_size)[rank]": "the shares have 3, 3, 3, 1 rows",
    "range(rank + 1, N + 1, world_size)": "the number 0",
    "range(rank, N + 1, world_size)": "there is no row 6",
    "range(rank - 1, N, world_size)": "there is no row -1",
    "range(rank, N)": "row 1 is taken twice.",
    "range(N) if rank == 0 else []": "the shares have 6, 0 rows",
    "N // world_size": "This is int",
    "[0.5]": "whole numbers",
}

RIGHT["13.3"] = ["w - lr * torch.autograd.grad(F.mse_loss(X @ w, y), w)[0]"]
WRONG["13.3"] = {
    " / num_workers → ": ("num_workers times too long", 31),
    "w.detach() - → w.detach() +": "uphill",
    "/ num_workers → / num_workers**2": "divided twice",
    "sum(gradients) / num_workers → gradients[-1]": "of one of the workers alone",
    "chunk → split": "chunk(k) makes k parts",
    """
    for X_part, y_part in zip(X.chunk(num_workers), y.chunk(num_workers)):
        w = w - lr * torch.autograd.grad(F.mse_loss(X_part @ w, y_part), w)[0]
    return w
    """: "their steps one after the other",
    "return w.detach() - lr → w.data -= lr * gradients[0]; return w - lr": "changes w itself",
    "w.detach() - lr * sum(gradients) → sum(gradients)": "The weight after the step is asked for",
    "/ num_workers → / 3": "right for three workers, but not for two",
    """
    for X_part, y_part in zip(X.chunk(num_workers), y.chunk(num_workers)):
        (F.mse_loss(X_part @ w, y_part) / num_workers).backward()
    return w.detach() - lr * w.grad
    """: ("right for three workers, but not for two", 1),
    "w.detach()": "Check the gradient of one part",
    "w.T": "should have shape (2, 1)",
}
