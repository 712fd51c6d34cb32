"""Exercises of notebook 07, ADALINE three ways."""

import torch

from ..checks import Hint, NotAttempted, call, exercise, hint_if
from .common import as_number, call_in_place, close, compare

# Three examples, so that the number of examples (3) is neither the number of features (2) nor the factor 2.
X = torch.tensor([[1.0, 2.0], [3.0, -1.0], [0.0, 1.0]])
y = torch.tensor([[1.0], [0.0], [2.0]])


def _parameters(requires_grad: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    w = torch.tensor([[1.0], [2.0]], requires_grad=requires_grad)
    return w, torch.tensor([-1.0], requires_grad=requires_grad)


def _gradient(w: torch.Tensor, b: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the gradient of the mean squared error, by autograd, of copies."""
    w, b = (t.detach().clone().requires_grad_() for t in (w, b))
    return torch.autograd.grad(((X @ w + b - y) ** 2).mean(), (w, b))


@exercise("07.1", "The derivative of ½u² is u. So take the formulas of section 2, without the 2.")
def half_gradient(function: object) -> str:
    w, b = _parameters()
    hints = {"does not require grad": "do not use autograd: write the formula of section 2."}
    with torch.no_grad():
        answer = call(function, X, y, w, b, hints=hints)
    hint_if(not isinstance(answer, tuple | list) or len(answer) != 2, "return two things, grad_w and grad_b.")
    hint_if(any(part is None for part in answer), "one of the two gradients is still blank.")
    grad_w, grad_b = answer
    if getattr(grad_b, "shape", None) == ():
        grad_b = grad_b.reshape(1)  # a mean over everything has no dimension left; that is fine for a single bias
    for name, found, full in zip(("grad_w", "grad_b"), (grad_w, grad_b), _gradient(w, b), strict=True):
        typical = [
            (-full / 2, f"{name} has the wrong sign. The error is ŷ − y, and the update subtracts the gradient."),
            (full, f"{name} is the gradient without the ½. What does the derivative of ½u² look like?"),
            (full / 2 * len(X), f"{name} is the sum over the flowers. The loss is a mean: divide by N."),
            f"{name} is not the gradient yet. Compare with section 2, on two flowers, on paper.",
        ]
        compare(name, found, full / 2, typical)
    return "the ½ cancels the 2, and the mean stays."


@exercise("07.2", "You need a loss, a backward(), two updates under no_grad(), and two .grad that end as None.")
def manual_step(function: object) -> str:
    w, b = _parameters(requires_grad=True)
    right_w, right_b = _parameters()
    lr = 0.1
    refused = "PyTorch refuses to change a leaf in place while it records. Where is no_grad()?"
    for number in (1, 2):
        before = w.detach().clone()
        grad_w, grad_b = _gradient(right_w, right_b)
        right_w, right_b = right_w - lr * grad_w, right_b - lr * grad_b
        call_in_place(function, w, b, X, y, lr, hints={"leaf Variable": refused})
        if torch.equal(w, before):
            hint_if(w.grad is None, "your step changes nothing yet.", NotAttempted)
            hint_if(not w.grad.any(), "w did not change. What was in w.grad when the update came?")
            raise Hint("w did not change. Do you change it in place? `w = …` would only give a new tensor the name w.")
        w_is_right = close(w.detach(), right_w)
        if w_is_right and close(b.detach(), right_b):
            continue
        hint_if(close(w.detach(), before + lr * grad_w), "w went up the hill: subtract lr times the gradient.")
        hint_if(number == 2, "the first step is right, the second is not. What is left in .grad after a step?")
        hint_if(w_is_right, "w is right after a step, b is not.")
        raise Hint("w is not w − lr · grad after a step. Is the gradient that of this loss, and lr used once?")
    return "these lines are what zero_grad(), backward() and step() do."


@exercise("07.3", "As in section 3: data, a new model, lk.fit with **settings, then the accuracy on the test part.")
def test_accuracy(answer: object) -> str:
    hint_if(as_number("test_accuracy", answer) > 1, "give a fraction between 0 and 1, no percentage or count.")
    typical = [
        (64 / 70, "that is the accuracy on the training flowers."),
        (28 / 30, "that is the accuracy with the features of the lesson. Train on the new X_train."),
        (14 / 30, "that is what a model gets that calls every flower class 0. Is yours trained?"),
        "that is not the accuracy. Use the settings of the lesson, and predict(X) > 0.5 for class 1.",
    ]
    compare("test_accuracy", answer, 1, typical, tolerance=3e-3)
    return "the class and the loop are the same, with other data."
