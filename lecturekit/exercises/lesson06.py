"""Exercises of notebook 06, gradient descent in four steps."""

import torch
from torch import Tensor
from torch.optim.optimizer import register_optimizer_step_post_hook

from ..checks import Hint, NotAttempted, call, exercise, hint_if
from ..data import noisy_line
from .common import as_dict, as_number, compare, watch_backward


@exercise("06.1", "Section 2 has 2 · x · error for w. Which factor stands in place of x when b moves?")
def gradient_of_the_bias(function: object) -> str:
    # Three examples, so that N is not the factor 2; no mean or sum here equals another one, whatever its sign.
    X, y, y_hat = (torch.tensor(v, dtype=torch.float64).numpy() for v in ([1, 2, 5], [1, 0, 3], [2, 4, 3]))
    answer = call(function, X, y, y_hat)
    if getattr(answer, "shape", ()) == X.shape:
        raise Hint("these are the derivatives of the single examples. The loss is their mean, so is its gradient.")
    error = y_hat - y
    right = 2 * error.mean()
    typical = [
        (-right, "the size is right, the sign is not. The error is ŷ − y, not y − ŷ."),
        ((2 * X * error).mean(), "that is the gradient for w. By how much does ŷ = wx + b grow when b grows by 1?"),
        (2 * error.sum(), "that is the gradient of the sum. The loss is a mean."),
        (error.mean(), "a factor is missing. What is the derivative of a square?"),
        ((error**2).mean(), "that is the loss itself, not its derivative."),
        "that is not the gradient. Differentiate (wx + b − y)² by b for one example, then take the mean.",
    ]
    compare("the gradient", answer, right, typical)
    return "it is the formula for w, with a 1 in place of x."


@exercise("06.2", "Each round has a loss, an empty w.grad, a backward(), and an update under no_grad() (section 4).")
def trained_weight(function: object) -> str:
    X, y = torch.tensor([1.0, 1.0, 2.0]), torch.tensor([3.0, 3.0, 6.0])
    optimisers = []
    hints = {
        "leaf Variable": "PyTorch refuses to change w in place while it records. In which block must the update stand?",
        "NoneType": "w.grad is None when your update reads it. Is w still the leaf you began with, and has backward() "
        "filled its gradient?",
        "does not require grad": "your loss leads back to no leaf that requires a gradient. Did you make w without "
        "requires_grad=True, or has `w = …` put a new tensor in its place?",
    }
    handle = register_optimizer_step_post_hook(lambda optimizer, args, kwargs: optimisers.append(optimizer))
    try:
        with watch_backward() as backward:
            answer = call(function, X, y, 1 / 8, 3, hints=hints)
    finally:
        handle.remove()
    number = as_number("w", answer)
    if number == 0 and isinstance(answer, Tensor) and answer.is_leaf and answer.grad is None:
        raise NotAttempted("your function returns the weight it began with.")

    # The gradient is 4w − 12 and lr = 1/8, so the weights after each epoch are 1.5, 2.25, 2.625, 2.8125.
    typical = [
        (0.0, "w never moves, though there is a gradient. Does anything change w itself, in place?"),
        (5.625, "the first step is right, the next are not. What does backward() do with the old gradient?"),
        (-7.125, "w walks up the hill: the update subtracts the gradient."),
        (3.375, "each step is N times too long. Is your loss a mean?"),
        (1.5, "your w is that after 1 of 3 epochs. Look at where the loop ends."),
        (2.25, "your w is that after 2 of 3 epochs. Look at where the loop ends."),
        (2.8125, "your w is that after 4 of 3 epochs. Look at where the loop ends."),
        "w is not where three steps lead. Print w and w.grad in each round, and compare with section 4.",
    ]
    compare("w", number, 2.625, typical)
    hint_if(not backward.called, "the number is right, but nothing went backward: that is step 1. Use autograd.")
    hint_if(optimisers, "the number is right, but an optimiser made the update. Here the update is yours to write.")
    return "forward, reset, backward, update: all training loops grow from this one."


@exercise("06.3", "Divide each loss by the one before. Is it the same factor each time, and is it above 1?")
def diagnoses(answer: object) -> str:
    letters = {
        "A": "A begins like the healthy one. What grows from step to step, so that it swings past the goal?",
        "B": "B grows by the same factor each time. Which factor does section 8 give, for which lr?",
        "C": "C never moves, not even by a little. What must step() have found in .grad?",
        "D": "D falls by the same factor each time, faster than the healthy one. How long is its first step?",
    }
    numbers = {letter: as_number(letter, value) for letter, value in as_dict(answer, letters).items()}
    hint_if(set(numbers.values()) - {1, 2, 3, 4}, "use the numbers 1, 2, 3 and 4 of the text.")
    hint_if(len(set(numbers.values())) < 4, "each mistake was made once, so each number comes once.")
    wrong = [letter for letter, right in {"C": 2, "B": 3, "D": 4, "A": 1}.items() if numbers[letter] != right]
    if wrong:
        raise Hint(f"{4 - len(wrong)} of 4 are right. {letters[wrong[0]]}")
    return "you can now read a training from its losses."


@exercise("06.4", "The distance to 2 shrinks by the factor 1 − lr · curvature (section 8). Which lr makes it 0?")
def best_learning_rate(answer: object) -> str:
    lr = as_number("best_lr", answer)
    hint_if(lr <= 0, "a learning rate is positive: the minus sign stands in the update already.")
    X = torch.tensor([0.0, 1.0, 3.0], dtype=torch.float64)
    curvature = (2 * X**2).mean().item()
    total = (2 * X**2).sum().item()
    w = lr * curvature * 2  # after one step from w = 0, towards w = 2
    side = "short of 2" if w < 2 else "beyond 2"
    typical = [
        (1 / 15, "that is the best rate for the four points of the lesson. These points have another curvature."),
        (2 / curvature, "with this lr, w jumps from 0 to 4, then back to 0, for ever. Is a factor 2 missing?"),
        (1 / total, "that is the best rate for the sum of the squared errors. The loss is their mean."),
        f"one step from 0 leads {side}, to {w:.4g}. What is the second derivative of the loss for these points?",
    ]
    compare("best_lr", lr, 1 / curvature, typical, tolerance=4e-4)
    return "one step leads to the goal. Newton's method works like this."


@exercise("06.5", "Use all 50 points in each step, and go on until 100 more epochs change no digit you see.")
def another_line(answer: object) -> str:
    if hasattr(answer, "flatten"):
        answer = answer.flatten().tolist()
    hint_if(not isinstance(answer, tuple | list) or len(answer) != 2, "answer with a pair of numbers, (w, b).")
    found = torch.tensor([as_number("w", answer[0]), as_number("b", answer[1])])
    points = noisy_line(50, slope=3.0, intercept=-1.0, seed=5)
    X_one = torch.cat([points.X_train, torch.ones_like(points.X_train)], dim=1)
    best = torch.linalg.lstsq(X_one, points.y_train).solution.flatten()

    def loss(line: Tensor) -> float:
        return (X_one @ line.reshape(2, 1) - points.y_train).square().mean().item()

    of_section_9 = (found - torch.tensor([-5.0, 2.0])).abs().max() < 0.25
    hint_if(of_section_9, "that is the line of section 9. Does your training use the new points?")
    typical = [
        (best.flip(0), "these are the right numbers in the wrong order: w first, then b."),
        ([3.0, -1.0], "the points were made with these numbers. The noise has moved the best line: train it."),
        (0.0, "this is the line before training."),
    ]
    otherwise = "this line is still far from the points. Train for longer, and plot it over them."
    if loss(found) < 1.5 * loss(best):
        otherwise = "this is close, but w and b still move. Do you need more epochs, or all points in each step?"
    compare("w_and_b", found, best, [*typical, otherwise], tolerance=5e-3)
    return "that is the best line for these points, and not quite the line they were made from."
