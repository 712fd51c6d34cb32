"""Answers to the exercises of lesson 07."""

from exercise_answers import BLANK, RIGHT, SOLUTION, WRONG

RIGHT["07.1"] = [
    SOLUTION,
    """
    error = (X @ w).squeeze(1) + b - y.squeeze(1)
    return torch.einsum("nf,n->f", X, error).reshape(-1, 1) / X.shape[0], error.mean()
    """,
]
BLANK["07.1"] = ["half_gradient = ..."]
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
    "X.T @ error → X @ error": "raises RuntimeError: mat1",
    "w": "return two things",
    "(w, b)": "not the gradient yet",
    "half_gradient = 3": "a function is asked for",
}

RIGHT["07.2"] = [
    SOLUTION,
    """
    ((X_batch @ w + b - y_batch) ** 2).mean().backward()
    for parameter in (w, b):
        parameter.data.sub_(parameter.grad, alpha=lr)
        parameter.grad.zero_()
    """,
    """
    w.grad = b.grad = None
    ((X_batch @ w + b - y_batch) ** 2).mean().backward()
    with torch.no_grad():
        w -= lr * w.grad
        b -= lr * b.grad
    """,
]
BLANK["07.2"] = [
    """
    loss = ...
    loss.backward()
    """,
]
WRONG["07.2"] = {
    """
    ((X_batch @ w + b - y_batch) ** 2).mean().backward()
    w.grad.zero_()
    b.grad.zero_()
    with torch.no_grad():
        w -= lr * w.grad
        b -= lr * b.grad
    """: "when the update came",
    "w.grad = None → pass and b.grad = None → pass": ("the second is not", 1),
    "w -= lr → w = w - lr and b -= lr → b = b - lr": ("Do you change it in place?", 11),
    "((X_batch @ w + b - y_batch) ** 2).mean().backward()": "Do you change it in place?",
    "no_grad() → enable_grad()": ("Where is no_grad()?", 12),
    "-= → +=": "up the hill",
    "b -= lr * b.grad → pass": "b is not",
    ".mean() → .sum()": ("Is the gradient that of this loss", 31),
}

RIGHT["07.3"] = ["1.0", "torch.tensor(1.0)"]
WRONG["07.3"] = {
    "64 / 70": ("training flowers", 37),
    "28 / 30": "features of the lesson",
    "14 / 30": "calls every flower class 0",
    "100": "between 0 and 1",
    "0.5": "that is not the accuracy",
    'float("nan")': "that is not the accuracy",
}
