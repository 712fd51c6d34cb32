from exercise_answers import BLANK, RIGHT, WRONG

RIGHT["06.1"] = ["-2 / len(X) * sum(y - y_hat)"]
WRONG["06.1"] = {
    "(2 * (y - y_hat)).mean()": "the sign is not",
    "(2 * X * (y_hat - y)).mean()": "the gradient for w",
    "(2 * (y_hat - y)).sum()": ("gradient of the sum", 31),
    "(y_hat - y).mean()": "a factor is missing",
    "((y_hat - y) ** 2).mean()": "the loss itself",
    "2 * (y_hat - y)": "single examples",
    "7.5": "that is not the gradient",
}

RIGHT["06.2"] = [
    """
    w = torch.tensor(0.0, requires_grad=True)
    for _ in range(num_epochs):
        (grad,) = torch.autograd.grad(nn.functional.mse_loss(X * w, y), w)
        w = (w - lr * grad).detach().requires_grad_()
    return w
    """,
    "return w → return w.item()",
]
WRONG["06.2"] = {
    "w.grad = None → pass": ("with the old gradient", 1),
    "-= → +=": "up the hill",
    ".mean() → .sum()": ("N times too long", 31),
    "no_grad() → enable_grad()": ("In which block", 12),
    "w -= lr → w = w - lr": ("leads back to no leaf", 11),
    ", requires_grad=True → ": "leads back to no leaf",
    "no_grad() → enable_grad() and w -= lr → w = w - lr": ("w.grad is None", 11),
    "loss.backward() → loss.backward(); w.grad.zero_()": "w never moves",
    "range(num_epochs) → range(num_epochs - 2)": "after 1 of 3 epochs",
    "range(num_epochs) → range(num_epochs + 1)": "after 4 of 3 epochs",
    " ** 2).mean() → ).abs().mean()": "compare with section 4",
    "loss.backward() → w.grad = (2 * X * (w.detach() * X - y)).mean()": "nothing went backward",
    "w -= lr * w.grad → torch.optim.SGD([w], lr=lr).step()": "an optimiser made the update",
}

RIGHT["06.3"] = ['{"D": 4.0, "C": 2, "B": torch.tensor(3), "A": 1}']
BLANK["06.3"] = ['{"A": 1, "B": ..., "C": 2, "D": ...}']
WRONG["06.3"] = {
    '{"A": 1, "B": 3, "C": 4, "D": 2}': "C never moves",
    '{"A": 1, "B": 4, "C": 2, "D": 3}': "B grows by the same factor",
    '{"A": 4, "B": 3, "C": 2, "D": 1}': "2 of 4 are right. D falls",
    '{"A": 1, "B": 1, "C": 2, "D": 4}': "each number comes once",
    '{"A": 0, "B": 1, "C": 2, "D": 3}': "use the numbers",
    '{"A": 1}': "leave the dict as it is",
}

RIGHT["06.4"] = ["torch.tensor(3 / 20)"]
WRONG["06.4"] = {
    "1 / 15": "four points of the lesson",
    "0.3": "from 0 to 4",
    "1 / 20": ("sum of the squared errors", 31),
    "0.01": "short of 2",
    "0.2": "beyond 2",
    "-0.15": "is positive",
    'float("nan")': "second derivative",
}

RIGHT["06.5"] = [
    "torch.tensor([[3.234], [-0.924]], requires_grad=True)",
    "[torch.tensor(3.234), torch.tensor([-0.924])]",
]
BLANK["06.5"] = ["(..., ...)"]
WRONG["06.5"] = {
    "(-0.924, 3.234)": "wrong order",
    "(3, -1)": "made with",
    "(0, 0)": "before training",
    "(-5.02, 2.03)": "section 9",
    "(3.134, -0.924)": "still move",
    "(1.0, 0.0)": "still far",
    "3.2": "a pair of numbers",
}
