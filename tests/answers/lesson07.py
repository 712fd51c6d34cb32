from exercise_answers import BLANK, RIGHT, WRONG

RIGHT["07.1"] = ["error.mean(dim=0) → error.mean()"]
WRONG["07.1"] = {
    "return grad_w, grad_b → return 2 * grad_w, 2 * grad_b": "without the ½",
    "return grad_w, grad_b → return len(X) * grad_w, len(X) * grad_b": ("sum over the flowers", 31),
    "X @ w + b - y → y - X @ w - b": "wrong sign",
    "return grad_w, grad_b → return grad_w.flatten(), grad_b": "should have shape (2, 1)",
    "return grad_w, grad_b → return grad_w, 2 * grad_b": "grad_b",
    "return grad_w, grad_b → return grad_w, None": "still blank",
    """
    w, b = w.clone().requires_grad_(), b.clone().requires_grad_()
    return torch.autograd.grad(((X @ w + b - y) ** 2).mean() / 2, (w, b))
    """: "do not use autograd",
    "w": "return two things",
    "(w, b)": "not the gradient yet",
}

RIGHT["07.2"] = [
    "w.grad = None → w.grad.zero_() and b.grad = None → b.grad.zero_()",
    "w.grad = None → pass and b.grad = None → pass and loss.backward() → w.grad = b.grad = None; loss.backward()",
]
BLANK["07.2"] = ["loss = ...; loss.backward()"]
WRONG["07.2"] = {
    "loss.backward() → loss.backward(); w.grad.zero_(); b.grad.zero_() and w.grad = None → pass": "the update came",
    "w.grad = None → pass and b.grad = None → pass": ("the second is not", 1),
    "w -= lr → w = w - lr and b -= lr → b = b - lr": ("Do you change it in place?", 11),
    "((X_batch @ w + b - y_batch) ** 2).mean().backward()": "Do you change it in place?",
    "no_grad() → enable_grad()": ("Where is no_grad()?", 12),
    "-= → +=": "up the hill",
    "b -= lr * b.grad → pass": "b is not",
    ".mean() → .sum()": ("Is the gradient that of this loss", 31),
}

RIGHT["07.3"] = ["1.0"]
WRONG["07.3"] = {
    "64 / 70": ("training flowers", 37),
    "28 / 30": "features of the lesson",
    "14 / 30": "calls every flower class 0",
    "100": "between 0 and 1",
    'float("nan")': "that is not the accuracy",
}
