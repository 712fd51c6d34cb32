"""Exercises of notebook 05, gradient descent in four steps."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.optim.optimizer import register_optimizer_step_post_hook

from ..checks import Hint, NotAttempted, as_number, call, close, exercise
from ..data import noisy_line


@exercise("05.1")
def gradient_of_the_bias(function: object) -> str:
    # Three examples, so that N is not the factor 2; no mean or sum here equals another one, whatever its sign.
    X, y, y_hat = (torch.tensor(v, dtype=torch.float64).numpy() for v in ([1, 2, 5], [1, 0, 3], [2, 4, 3]))
    answer = call(function, X, y, y_hat)
    if getattr(answer, "shape", ()) == X.shape:
        raise Hint("these are the derivatives of the single examples. The loss is their mean, so is its gradient.")
    answer = as_number("the gradient", answer)
    error = y_hat - y
    right = 2 * error.mean()
    if close(answer, right):
        return "the formula for w, with a 1 in place of x."
    if close(answer, -right):
        raise Hint("the size is right, the sign is not. The error is ŷ − y, not y − ŷ.")
    if close(answer, (2 * X * error).mean()):
        raise Hint("that is the gradient for w. By how much does ŷ = wx + b grow when b grows by 1?")
    if close(answer, 2 * error.sum()):
        raise Hint("that is the gradient of the sum. The loss is a mean.")
    if close(answer, error.mean()):
        raise Hint("a factor is missing. What is the derivative of a square?")
    if close(answer, (error**2).mean()):
        raise Hint("that is the loss itself, not its derivative.")
    raise Hint("not this. Differentiate (wx + b − y)² with respect to b, for one example; then take the mean.")


@exercise("05.2")
def trained_weight(function: object) -> str:
    # mean(x²) = 2, so with lr = 1/8 each step halves the distance to w = 3.
    X, y, lr, num_epochs = torch.tensor([1.0, 1.0, 2.0]), torch.tensor([3.0, 3.0, 6.0]), 0.125, 3
    went_backward, optimisers = [], []

    def unpack(saved: Tensor) -> Tensor:
        # w · X keeps X for its derivative; to take it out again is what every way backward has in common.
        went_backward.append(True)
        return saved

    handle = register_optimizer_step_post_hook(lambda optimizer, args, kwargs: optimisers.append(optimizer))
    try:
        with saved_tensors_hooks(lambda tensor: tensor, unpack):
            answer = call(function, X, y, lr, num_epochs)
    except Hint as hint:
        for words, better in {
            "leaf Variable": "PyTorch refuses to change w in place while it records. Under what must the update stand?",
            "NoneType": "w.grad is None when your update reads it. Is w still the leaf you began with, and has "
            "backward() filled its gradient?",
            "does not require grad": "your loss leads back to no leaf. Has `w = …` put a new tensor in its place?",
        }.items():
            if words in str(hint):
                raise Hint(better) from hint
        raise
    finally:
        handle.remove()
    number = as_number("w", answer)
    untouched = isinstance(answer, Tensor) and answer.is_leaf and answer.grad is None
    if number == 0 and untouched:
        raise NotAttempted("your function returns the weight it began with.")
    if number == 0:
        raise Hint("w never moves, though there is a gradient. Does anything change w itself, in place?")
    if close(number, _weight(X, y, lr, num_epochs)):
        if not went_backward:
            raise Hint("the number is right, but nothing went backward: that is step 1. Use autograd.")
        if optimisers:
            raise Hint("the number is right, but an optimiser made the update. Here the update is yours to write.")
        return "forward, reset, backward, update: the loop that all others grow from."
    typical = {
        "the first step is right, the next are not. What does backward() do with a gradient that is still there?": {
            "accumulate": True
        },
        "w walks up the hill: the update subtracts the gradient.": {"sign": -1},
        "each step is N times too long. Is your loss a mean?": {"factor": len(X)},
    }
    for words, mistake in typical.items():
        if close(number, _weight(X, y, lr, num_epochs, **mistake)):
            raise Hint(words)
    for steps in (1, num_epochs - 1, num_epochs + 1):
        if close(number, _weight(X, y, lr, steps)):
            raise Hint(f"your w is that after {steps} of {num_epochs} epochs. Look at where the loop ends.")
    raise Hint("w is not where three steps lead. Print w and w.grad in each round, and compare with section 4.")


def _weight(
    X: Tensor, y: Tensor, lr: float, num_epochs: int, *, accumulate: bool = False, sign: int = 1, factor: int = 1
) -> float:
    """Gradient descent by the formula, with a typical mistake on request."""
    w, grad = 0.0, 0.0
    for _ in range(num_epochs):
        grad = (grad if accumulate else 0) + factor * (2 * X * (w * X - y)).mean().item()
        w -= sign * lr * grad
    return w


@exercise("05.3")
def diagnoses(answer: object) -> str:
    letters = {
        "A": "A begins like the healthy one. What grows from step to step, so that it swings past the goal?",
        "B": "B grows by the same factor each time. Which factor does section 8 give, for which lr?",
        "C": "C never moves, not even by a little. What must step() have found in .grad?",
        "D": "D falls by the same factor each time, faster than the healthy one. How long is its first step?",
    }
    if not isinstance(answer, dict) or set(answer) != set(letters):
        raise Hint("answer with a dict that has the keys 'A', 'B', 'C' and 'D'.")
    if any(value is ... or value is None for value in answer.values()):
        raise NotAttempted("replace each ... by 1, 2, 3 or 4.")
    numbers = {letter: as_number(letter, value) for letter, value in answer.items()}
    if set(numbers.values()) - {1, 2, 3, 4}:
        raise Hint("use the numbers 1, 2, 3 and 4 of the text.")
    if len(set(numbers.values())) < 4:
        raise Hint("each mistake was made once, so each number comes once.")
    wrong = [letter for letter, right in {"C": 2, "B": 3, "D": 4, "A": 1}.items() if numbers[letter] != right]
    if wrong:
        raise Hint(f"{4 - len(wrong)} of 4 are right. {letters[wrong[0]]}")
    return "you can now read a training from its losses."


@exercise("05.4")
def best_learning_rate(answer: object) -> str:
    lr = as_number("best_lr", answer)
    X = torch.tensor([0.0, 1.0, 3.0], dtype=torch.float64)
    curvature = (2 * X**2).mean().item()
    w = lr * curvature * 2  # after one step from w = 0, towards w = 2
    if close(w, 2, 1e-3):
        return "one step, and there. This is what Newton's method does."
    if close(lr, 1 / 15, 1e-3):
        raise Hint("that is the best rate for the four points of the lesson. These points have another curvature.")
    if close(lr, 2 / curvature, 1e-3):
        raise Hint("with this lr, w jumps from 0 to 4, then back to 0, for ever. Or is there a factor 2 missing?")
    if close(lr, 1 / (2 * X**2).sum().item(), 1e-3):
        raise Hint("that is the best rate for the sum of the squared errors. The loss is their mean.")
    if lr <= 0:
        raise Hint("a learning rate is positive: the minus sign stands in the update already.")
    side = "short of 2" if w < 2 else "beyond 2"
    raise Hint(f"one step from 0 leads {side}, to {w:.4g}. What is the second derivative of the loss for these points?")


@exercise("05.5")
def another_line(answer: object) -> str:
    if isinstance(answer, Tensor):
        answer = answer.detach().flatten().tolist()
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise Hint("answer with a pair of numbers, (w, b).")
    if any(part is ... or part is None for part in answer):
        raise NotAttempted("replace each ... by your numbers.")
    found = torch.tensor([as_number(name, part) for name, part in zip(("w", "b"), answer, strict=True)])
    points = noisy_line(50, slope=3.0, intercept=-1.0, seed=5)
    X_one = torch.cat([points.X_train, torch.ones_like(points.X_train)], dim=1)
    best = torch.linalg.lstsq(X_one, points.y_train).solution.flatten()
    if close(found, best, 5e-3):
        return "the best line for these points, and not quite the line they were made from."
    if close(found, best.flip(0), 5e-3):
        raise Hint("these are the right numbers in the wrong order: w first, then b.")
    if close(found, torch.tensor([3.0, -1.0]), 5e-3):
        raise Hint("these are the numbers the points were made with. The noise has moved the best line: train it.")
    if close(found, torch.zeros(2)):
        raise Hint("this is the line before training.")
    if (found - torch.tensor([-5.0, 2.0])).abs().max() < 0.25:
        raise Hint("that is the line of section 9. Does your training use the new points?")

    def loss(line: Tensor) -> float:
        return (X_one @ line.reshape(2, 1) - points.y_train).square().mean().item()

    if loss(found) < 1.5 * loss(best):
        raise Hint("close, but not at rest yet. More epochs? All points in each step?")
    raise Hint("this line is still far from the points. Train for longer, and plot it over them.")
