"""The checks of notebook 07 tell typical wrong answers apart and accept right ones written differently."""

import torch
from exercise_answers import ExerciseAnswers


def halved(X, y, w, b):
    error = X @ w + b - y
    return X.T @ error / len(X), error.mean(dim=0)


def halved_by_einsum(X, y, w, b):
    error = (X @ w).squeeze(1) + b - y.squeeze(1)
    return torch.einsum("nf,n->f", X, error).reshape(-1, 1) / X.shape[0], error.mean()


def flat(X, y, w, b):
    grad_w, grad_b = halved(X, y, w, b)
    return grad_w.flatten(), grad_b


def bias_with_the_two(X, y, w, b):
    grad_w, grad_b = halved(X, y, w, b)
    return grad_w, 2 * grad_b


def by_autograd(X, y, w, b):
    w, b = w.clone().requires_grad_(), b.clone().requires_grad_()
    return torch.autograd.grad(((X @ w + b - y) ** 2).mean() / 2, (w, b))


def wrong_line(X, y, w, b):
    raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")


def loss_of(w, b, X_batch, y_batch):
    return ((X_batch @ w + b - y_batch) ** 2).mean()


def step(sign=-1, scale=1, reset="after", num_moved=2):
    """The solution of 07.2 with a typical mistake on request."""

    def function(w, b, X_batch, y_batch, lr):
        if reset == "before":
            w.grad = b.grad = None
        (scale * loss_of(w, b, X_batch, y_batch)).backward()
        if reset == "between":
            w.grad.zero_()
            b.grad.zero_()
        with torch.no_grad():
            for parameter in (w, b)[:num_moved]:
                parameter += sign * lr * parameter.grad
        if reset == "after":
            w.grad = b.grad = None

    return function


def zero_in_place_step(w, b, X_batch, y_batch, lr):
    loss_of(w, b, X_batch, y_batch).backward()
    for parameter in (w, b):
        parameter.data.sub_(parameter.grad, alpha=lr)
        parameter.grad.zero_()


def rebinding_step(w, b, X_batch, y_batch, lr):
    loss_of(w, b, X_batch, y_batch).backward()
    w = w - lr * w.grad
    b = b - lr * b.grad


def recorded_step(w, b, X_batch, y_batch, lr):
    loss_of(w, b, X_batch, y_batch).backward()
    w -= lr * w.grad


def empty_step(w, b, X_batch, y_batch, lr): ...


def unfinished_step(w, b, X_batch, y_batch, lr):
    loss = ...
    loss.backward()


RIGHT = [
    ("07.1", [halved], [halved_by_einsum]),
    ("07.2", [step()], [zero_in_place_step], [step(reset="before")]),
    ("07.3", [1.0], [torch.tensor(1.0)]),
]

WRONG = [
    ("07.1", [lambda X, y, w, b: tuple(2 * grad for grad in halved(X, y, w, b))], "without the ½"),
    ("07.1", [lambda X, y, w, b: tuple(len(X) * grad for grad in halved(X, y, w, b))], "sum over the flowers"),
    ("07.1", [lambda X, y, w, b: tuple(-grad for grad in halved(X, y, w, b))], "wrong sign"),
    ("07.1", [flat], "should have shape (2, 1)"),
    ("07.1", [bias_with_the_two], "grad_b"),
    ("07.1", [lambda X, y, w, b: (halved(X, y, w, b)[0], None)], "still blank"),
    ("07.1", [by_autograd], "do not use autograd"),
    ("07.1", [wrong_line], "raises RuntimeError: mat1"),
    ("07.1", [lambda X, y, w, b: w], "return two things"),
    ("07.1", [lambda X, y, w, b: (w, b)], "not the gradient yet"),
    ("07.1", [3], "a function is asked for"),
    ("07.2", [step(reset="between")], "when the update came"),
    ("07.2", [step(reset="never")], "the second is not"),
    ("07.2", [rebinding_step], "did not change"),
    ("07.2", [lambda w, b, X, y, lr: loss_of(w, b, X, y).backward()], "Do you change it in place?"),
    ("07.2", [recorded_step], "Where is no_grad()?"),
    ("07.2", [step(sign=1)], "up the hill"),
    ("07.2", [step(num_moved=1)], "b is not"),
    ("07.2", [step(scale=3)], "Is the gradient that of this loss"),
    ("07.3", [64 / 70], "training flowers"),
    ("07.3", [28 / 30], "features of the lesson"),
    ("07.3", [14 / 30], "calls every flower class 0"),
    ("07.3", [100], "between 0 and 1"),
    ("07.3", [0.5], "that is not the accuracy"),
    ("07.3", [float("nan")], "that is not the accuracy"),
]

BLANKS = [
    ("07.1", [None], [lambda X, y, w, b: (..., ...)]),
    ("07.2", [empty_step], [unfinished_step]),
    ("07.3", [...]),
]


class TestAnswers(ExerciseAnswers):
    right, wrong, blanks = RIGHT, WRONG, BLANKS
