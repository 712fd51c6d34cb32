"""Exercises of notebook 06, ADALINE three ways."""

from __future__ import annotations

import torch

from ..checks import Hint, NotAttempted, as_number, as_tensor, call, close, exercise
from ..data import iris

# Three examples, so that the number of examples (3) is neither the number of features (2) nor the factor 2.
X = torch.tensor([[1.0, 2.0], [3.0, -1.0], [0.0, 1.0]])
y = torch.tensor([[1.0], [0.0], [2.0]])


def _parameters(requires_grad: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    w = torch.tensor([[1.0], [2.0]], requires_grad=requires_grad)
    return w, torch.tensor([-1.0], requires_grad=requires_grad)


def _gradient(w: torch.Tensor, b: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Gradient of the mean squared error, by autograd, of copies."""
    w, b = (t.detach().clone().requires_grad_() for t in (w, b))
    return torch.autograd.grad(((X @ w + b - y) ** 2).mean(), (w, b))


@exercise("06.1")
def half_gradient(function: object) -> str:
    w, b = _parameters()
    with torch.no_grad():
        try:
            answer = call(function, X, y, w, b)
        except Hint as hint:
            if "does not require grad" in str(hint):
                raise Hint("no autograd in this one: write the formula, as in section 2.") from hint
            raise
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise Hint("return two things, grad_w and grad_b.")
    if any(part is None for part in answer):
        raise Hint("one of the two gradients is still blank.")
    found = (
        as_tensor("grad_w", answer[0], (2, 1)),
        # A mean over everything has no dimension left; that is fine for a single bias.
        as_tensor("grad_b", answer[1].reshape(1) if getattr(answer[1], "shape", None) == () else answer[1], (1,)),
    )
    for name, ours, full in zip(("grad_w", "grad_b"), found, _gradient(w, b), strict=True):
        right = full / 2
        if close(ours, right):
            continue
        if close(ours, -right):
            raise Hint(f"{name} has the wrong sign. The error is ŷ − y, and the update subtracts the gradient.")
        if close(ours, full):
            raise Hint(f"{name} is the gradient without the ½. What does the derivative of ½u² look like?")
        if close(ours, right * len(X)):
            raise Hint(f"{name} is the sum over the flowers. The loss is a mean: mind the N.")
        raise Hint(f"{name} is not the gradient yet. Compare with section 2, on two flowers, on paper.")
    return "the ½ cancels the 2, and the mean stays."


@exercise("06.2")
def manual_step(function: object) -> str:
    w, b = _parameters(requires_grad=True)
    expected_w, expected_b = (t.detach().clone() for t in (w, b))
    lr = 0.1
    for number in (1, 2):
        before = w.detach().clone()
        grad_w, grad_b = _gradient(expected_w, expected_b)
        expected_w, expected_b = expected_w - lr * grad_w, expected_b - lr * grad_b
        try:
            call(_returning_something(function), w, b, X, y, lr)
        except Hint as hint:
            if "leaf Variable" in str(hint):
                raise Hint("PyTorch refuses to change a leaf in place while it records. Where is no_grad()?") from hint
            raise
        if torch.equal(w, before):
            if w.grad is None:
                raise NotAttempted("your step changes nothing yet.")
            if not w.grad.any():
                raise Hint("w did not change. What was in w.grad when the update came?")
            raise Hint("w did not change. `w = …` only gives a new tensor the name w: change it in place, as `w -= …`.")
        if close(w.detach(), expected_w) and close(b.detach(), expected_b):
            continue
        if close(w.detach(), before + lr * grad_w):
            raise Hint("w went up the hill: the update subtracts lr times the gradient.")
        if number == 2:
            raise Hint("the first step is right, the second is not. What is left in w.grad and b.grad after a step?")
        if close(w.detach(), expected_w):
            raise Hint("w is right after a step, b is not.")
        raise Hint("w is not w − lr · grad after a step. Is the gradient that of this loss, and lr used once?")
    return "these lines are what zero_grad(), backward() and step() do."


def _returning_something(function: object) -> object:
    """A step has nothing to return; let `call` not take that for a blank."""
    if not callable(function):
        return function
    return lambda *args: (function(*args), True)


@exercise("06.3")
def num_nodes(answer: object) -> str:
    number = as_number("num_nodes", answer)
    epochs, steps_per_epoch = 3, 4
    if number == epochs * steps_per_epoch:
        raise Hint("you counted the steps. What is behind the last of them?")
    if number in (epochs * 7 + 1, epochs * 7):
        raise Hint("that would be right for batches of 10. How many batches of 20 do 70 flowers make?")
    if number in (epochs * 3 + 1, epochs * 3, epochs * 3.5 + 1, epochs * 3.5):
        raise Hint("70 does not divide by 20. The last batch is short, and it is a step as well.")
    if number in (2 * epochs * steps_per_epoch + 1, 2 * (epochs * steps_per_epoch + 1)):
        raise Hint("only the bias is asked for: the weight has a chain of its own.")
    if number != epochs * steps_per_epoch + 1:
        raise Hint("not this. Count the steps of an epoch, then the epochs, then what is behind the last of them.")
    return "one node a step, and the first bias at the end of the chain."


@exercise("06.4")
def test_accuracy(answer: object) -> str:
    number = as_number("test_accuracy", answer)
    if number > 1:
        raise Hint("give a fraction between 0 and 1: neither a percentage nor a count.")
    petals = _petal_accuracy(("petal_length", "petal_width"))
    if close(number, petals["test"]):
        return "the same class and the same loop, with other data."
    if close(number, petals["train"]):
        raise Hint("that is the accuracy on the training flowers.")
    if close(number, _petal_accuracy(("sepal_width", "petal_length"))["test"]):
        raise Hint("that is the accuracy with the features of the lesson. Train on petals.X_train.")
    if close(number, petals["untrained"]):
        raise Hint("that is what a model gets that calls every flower class 0. Is yours trained?")
    raise Hint("not this. Use the settings of the lesson, and predict(X) > 0.5 for class 1.")


def _petal_accuracy(features: tuple[str, str]) -> dict[str, float]:
    """Train as the lesson does, by the formula of its section 2."""
    from ..training import fit

    data = iris(features)
    w, b = torch.zeros(2, 1), torch.zeros(1)

    def step(X_batch: torch.Tensor, y_batch: torch.Tensor) -> None:
        error = X_batch @ w + b - y_batch
        w.sub_(0.01 * 2 / len(error) * X_batch.T @ error)
        b.sub_(0.01 * 2 * error.mean())

    fit(step, data.X_train, data.y_train, predict=lambda X: X @ w + b, num_epochs=20, batch_size=10, seed=123)

    def right(X: torch.Tensor, y: torch.Tensor) -> float:
        return ((X @ w + b > 0.5) == y.bool()).double().mean().item()

    untrained = (data.y_test == 0).double().mean().item()
    return {
        "train": right(data.X_train, data.y_train),
        "test": right(data.X_test, data.y_test),
        "untrained": untrained,
    }
