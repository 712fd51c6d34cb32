"""The checks of notebook 06 tell typical wrong answers apart and accept right ones written differently."""

import torch
from exercise_answers import ExerciseAnswers
from torch import nn

from lecturekit.data import double_line, noisy_line


def clean(w, lr):
    with torch.no_grad():
        w -= lr * w.grad
    w.grad = None
    return w


def forgetful(w, lr):
    with torch.no_grad():
        w -= lr * w.grad
    return w


def recorded(w, lr):
    w -= lr * w.grad
    return w


def rebound(w, lr):
    with torch.no_grad():
        return w - lr * w.grad


def unmoved(w, lr):
    w.grad.zero_()
    return w


def training(update=clean, loss_of=lambda error: (error**2).mean(), epochs_more=0):
    """The loop of 06.2 with the update, and so the mistake, left open."""

    def function(X, y, lr, num_epochs):
        w = torch.tensor(0.0, requires_grad=True)
        for _ in range(num_epochs + epochs_more):
            loss_of(w * X - y).backward()
            w = update(w, lr)
        return w

    return function


def by_optimiser(X, y, lr, num_epochs):
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for _ in range(num_epochs):
        optimizer.zero_grad()
        nn.functional.mse_loss(model(X[:, None]), y[:, None]).backward()
        optimizer.step()
    return model.weight


def by_formula(X, y, lr, num_epochs):
    w = torch.tensor(0.0, requires_grad=True)
    with torch.no_grad():
        for _ in range(num_epochs):
            w -= lr * (2 * X * (w * X - y)).mean()
    return w


def by_autograd_grad(X, y, lr, num_epochs):
    w = torch.tensor(0.0, requires_grad=True)
    for _ in range(num_epochs):
        (grad,) = torch.autograd.grad(nn.functional.mse_loss(X * w, y), w)
        w = (w - lr * grad).detach().requires_grad_()
    return w


def blank_loop(X, y, lr, num_epochs):
    w = torch.tensor(0.0, requires_grad=True)
    for _ in range(num_epochs):
        ...
    return w


def best_line():
    points = noisy_line(50, slope=3.0, intercept=-1.0, seed=5)
    X, y = points.X_train.flatten().double(), points.y_train.flatten().double()
    w = ((X - X.mean()) * (y - y.mean())).sum() / ((X - X.mean()) ** 2).sum()
    return w.item(), (y.mean() - w * X.mean()).item()


w_best, b_best = best_line()


RIGHT = [
    ("06.1", [lambda X, y, y_hat: (2 * (y_hat - y)).mean()], [lambda X, y, y_hat: -2 / len(X) * sum(y - y_hat)]),
    ("06.2", [training()], [by_autograd_grad], [lambda *arguments: training()(*arguments).item()]),
    ("06.3", [{"A": 1, "B": 3, "C": 2, "D": 4}], [{"D": 4.0, "C": 2, "B": torch.tensor(3), "A": 1}]),
    ("06.4", [0.15], [torch.tensor(3 / 20)]),
    (
        "06.5",
        [(w_best, b_best)],
        [torch.tensor([[w_best], [b_best]], requires_grad=True)],
        [[torch.tensor(w_best), torch.tensor([b_best])]],
    ),
]

WRONG = [
    ("06.1", [lambda X, y, y_hat: (2 * (y - y_hat)).mean()], "the sign is not"),
    ("06.1", [lambda X, y, y_hat: (2 * X * (y_hat - y)).mean()], "the gradient for w"),
    ("06.1", [lambda X, y, y_hat: (2 * (y_hat - y)).sum()], "gradient of the sum"),
    ("06.1", [lambda X, y, y_hat: (y_hat - y).mean()], "a factor is missing"),
    ("06.1", [lambda X, y, y_hat: ((y_hat - y) ** 2).mean()], "the loss itself"),
    ("06.1", [lambda X, y, y_hat: 2 * (y_hat - y)], "single examples"),
    ("06.1", [lambda X, y, y_hat: 7.5], "that is not the gradient"),
    ("06.1", [lambda X, y: 0.0], "raises TypeError"),
    ("06.2", [training(update=forgetful)], "with the old gradient"),
    ("06.2", [training(update=lambda w, lr: clean(w, -lr))], "up the hill"),
    ("06.2", [training(loss_of=lambda error: (error**2).sum())], "N times too long"),
    ("06.2", [training(update=recorded)], "In which block"),
    ("06.2", [training(update=rebound)], "leads back to no leaf"),
    ("06.2", [lambda X, y, lr, num_epochs: (0.0 * X - y).sum().backward()], "without requires_grad"),
    ("06.2", [training(update=lambda w, lr: w - lr * w.grad)], "w.grad is None"),
    ("06.2", [training(update=unmoved)], "w never moves"),
    ("06.2", [training(epochs_more=-2)], "after 1 of 3 epochs"),
    ("06.2", [training(epochs_more=1)], "after 4 of 3 epochs"),
    ("06.2", [training(loss_of=lambda error: error.abs().mean())], "compare with section 4"),
    ("06.2", [by_formula], "nothing went backward"),
    ("06.2", [by_optimiser], "an optimiser made the update"),
    ("06.2", [lambda X, y, lr, num_epochs: [0.0, 1.5]], "should be one number"),
    ("06.3", [{"A": 1, "B": 3, "C": 4, "D": 2}], "C never moves"),
    ("06.3", [{"A": 1, "B": 4, "C": 2, "D": 3}], "B grows by the same factor"),
    ("06.3", [{"A": 4, "B": 3, "C": 2, "D": 1}], "2 of 4 are right. D falls"),
    ("06.3", [{"A": 1, "B": 1, "C": 2, "D": 4}], "each number comes once"),
    ("06.3", [{"A": 0, "B": 1, "C": 2, "D": 3}], "use the numbers"),
    ("06.3", [{"A": 1}], "has the keys"),
    ("06.4", [1 / 15], "four points of the lesson"),
    ("06.4", [0.3], "from 0 to 4"),
    ("06.4", [1 / 20], "sum of the squared errors"),
    ("06.4", [0.01], "short of 2"),
    ("06.4", [0.2], "beyond 2"),
    ("06.4", [-0.15], "is positive"),
    ("06.4", [float("nan")], "second derivative"),
    ("06.5", [(b_best, w_best)], "wrong order"),
    ("06.5", [(3, -1)], "made with"),
    ("06.5", [(0, 0)], "before training"),
    ("06.5", [(-5.02, 2.03)], "section 9"),
    ("06.5", [(w_best - 0.1, b_best)], "still move"),
    ("06.5", [(1.0, 0.0)], "still far"),
    ("06.5", [3.2], "a pair of numbers"),
]

BLANKS = [
    ("06.1", [lambda X, y, y_hat: ...]),
    ("06.2", [blank_loop]),
    ("06.3", [{"A": 1, "B": ..., "C": 2, "D": ...}]),
    ("06.4", [...]),
    ("06.5", [...], [(..., ...)]),
]


class TestAnswers(ExerciseAnswers):
    right, wrong, blanks = RIGHT, WRONG, BLANKS


def six_losses(lr=0.01, reset="before", reduction="mean"):
    """What exercise 06.3 shows, from an actual training with the mistake in it."""
    data = double_line()
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    losses = []
    for _ in range(6):
        loss = nn.functional.mse_loss(model(data.X_train), data.y_train, reduction=reduction)
        losses.append(loss.item() / (4 if reduction == "sum" else 1))
        if reset == "before":
            optimizer.zero_grad()
        loss.backward()
        if reset == "between":
            optimizer.zero_grad()
        optimizer.step()
    return " | ".join(f"{value:.2f}" for value in losses)


def test_the_sick_trainings_in_the_notebook_are_real(pytestconfig):
    notebook = (pytestconfig.rootpath / "notebooks" / "06_gradient_descent_in_four_steps.ipynb").read_text("utf-8")
    trainings = {"healthy": {}, "A": {"reset": "never"}, "B": {"lr": 0.2}, "C": {"reset": "between"}}
    for name, mistake in (trainings | {"D": {"reduction": "sum"}}).items():
        assert f"| {name} | {six_losses(**mistake)} |" in notebook
