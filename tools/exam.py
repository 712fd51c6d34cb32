"""An exam: exercises of the lessons with other numbers, drawn by a seed, and PyTorch's answers to them.

The table below holds a function for each exercise that has numbers, named by the title of the exercise. The first of
the choices is the number of the lesson: with these, the answers must be those that the lesson's own check accepts, and
a test compares. A function returns the places in the text where its numbers stand, and the right answers.
"""

from __future__ import annotations

import inspect
import random
import re
from collections.abc import Callable

import torch
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from structure import Exercise, exercises
from torch import Tensor, nn

import lecturekit as lk

TITLE = """\
# Exam

Replace each `...` by your answer. Each exercise gives one point, and no check answers back. Give four digits, or write
`3/34` or `math.log(11/6)`. The questions are those of the lessons, with other numbers. A "section" is one of the lesson
that the number names."""

HIDDEN = """\
# The test of the answer above.
### BEGIN HIDDEN TESTS
{agrees}

assert agrees([{found}], {right})
### END HIDDEN TESTS"""

Answers = tuple[list[str], tuple[object, ...]]
VARIANTS: dict[str, tuple[dict[str, tuple], Callable[..., Answers]]] = {}


def vary(title: str, **choices: tuple) -> Callable:
    """Enter a function into the table."""

    def enter(function: Callable[..., Answers]) -> Callable[..., Answers]:
        VARIANTS[title] = choices, function
        return function

    return enter


def leaves(*values: float) -> list[Tensor]:
    return [torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in values]


def slope(output: Tensor, source: Tensor) -> float:
    return torch.autograd.grad(output, source, retain_graph=True)[0].item()


def bend(X: list[float]) -> float:
    """Second derivative of the mean squared error by the weight, for ŷ = wx and points at X."""
    (w,) = leaves(0.0)
    loss = ((w * torch.tensor(X, dtype=torch.float64)) ** 2).mean()
    (first,) = torch.autograd.grad(loss, w, create_graph=True)
    return slope(first, w)


@vary("A slope", c=(5, 2, 3, 4, 6, 7), x=(2, 1, 3, 4))
def a_slope(c: int, x: int) -> Answers:
    (t,) = leaves(x)
    return [f"$x^3 + {c}x$ at $x = {x}$", f"torch.tensor({x}.0"], (slope(t**3 + c * t, t),)


@vary("The way to 345", n=(345, *range(200, 600, 7)))
def the_way(n: int) -> Answers:
    X = torch.arange(600).reshape(3, 4, 5, 10)
    return [f"The way to {n}", f"the number {n}"], (tuple((n == X).nonzero()[0].tolist()),)


@vary("How many rows fit?", gigabytes=(16, 8, 24, 40, 80), columns=(100, 50, 200, 250))
def how_many_rows(gigabytes: int, columns: int) -> Answers:
    places = [f"has {gigabytes} GB free", f"${gigabytes} \\cdot 10^9$", f"{columns} columns"]
    return places, (gigabytes * 10**9 // (2 * torch.empty(columns).nbytes),)


@vary("On the arrows", x=(3, 2, 4, 5, 6), y=(4, 3, 5, 7, 8))
def on_the_arrows(x: int, y: int) -> Answers:
    X, Y = leaves(x, y)
    p = X * Y
    q = p + X
    f = q**2
    (short,) = torch.autograd.grad(p.detach() + X, X)
    answers = slope(p, X), slope(p, Y), slope(q, p), short.item(), slope(f, q), slope(f, X)
    return [f"$x = {x}$, $y = {y}$"], answers


@vary("What is recorded?", x=(-3, -5, -4, -2, -1, 2, 4))
def what_is_recorded(x: int) -> Answers:
    (t,) = leaves(x)
    with lk.trace() as g:
        y = t * t if t < 0 else torch.sin(t)
        while y < 20:
            y = y + 7
        y = torch.relu(y)
    return [f"$x = {x}$"], ([node.op for node in g.nodes if node.op],)


@vary("What is in `.grad`?", x=(2, 1, 3, 4), c=(5, 4, 6, 7, 8))
def what_is_in_grad(x: int, c: int) -> Answers:
    (t,) = leaves(x)
    (t**3).backward()
    first = t.grad.item()
    (c * t).backward()
    second = t.grad.item()
    t.grad = None
    (t**2).backward()
    return [f"torch.tensor({x}.0", f"({c} * x)"], (first, second, t.grad.item())


@vary("The best learning rate", a=(1, 2), b=(3, 4, 5), w=(2, 3, 4))
def best_learning_rate(a: int, b: int, w: int) -> Answers:
    places = [f"`X` = 0, {a}, {b} and `y` = 0, {a * w}, {b * w}", f"leads to $w = {w}$"]
    return places, (1 / bend([0.0, a, b]),)


@vary("The border on paper", a=(3, 1, 2, 4, 5, 6))
def border_on_paper(a: int) -> Answers:
    return [f"$x = -{a}$, $0$ and ${a}$"], (2 / bend([-a, 0.0, a]),)


@vary("What checkpointing saves", rows=(2000, 1000, 3000, 4000, 5000), columns=(50, 20, 100, 200))
def checkpointing(rows: int, columns: int) -> Answers:
    block = torch.empty(8, rows, columns).nbytes
    return [f"{rows:,} × {columns} numbers"], ({"plain": 6 * block / 1e6, "checkpointed": block / 1e6},)


@vary("Shapes on paper", a=(4, 2, 3, 6), b=(5, 8, 9), c=(3, 1, 2), n=(7, 10, 12))
def shapes_on_paper(a: int, b: int, c: int, n: int) -> Answers:
    net = nn.Sequential(nn.Linear(a, b), nn.Tanh(), nn.Linear(b, c))
    size = sum(parameter.numel() for parameter in net.parameters())
    places = [f"nn.Linear({a}, {b}), nn.Tanh(), nn.Linear({b}, {c})", f"shape ({n}, {a})"]
    return places, (tuple(net[0].weight.shape), tuple(net(torch.zeros(n, a)).shape), size)


@vary("Softmax on paper", a=(3, 2, 4, 5), b=(1, 2), c=(6, 4, 8, 3))
def softmax_on_paper(a: int, b: int, c: int) -> Answers:
    logits = torch.tensor([[a, b, c]], dtype=torch.float64).log().requires_grad_()
    loss = nn.functional.cross_entropy(logits, torch.tensor([2]))
    (gradient,) = torch.autograd.grad(loss, logits)
    return [f"$\\log {a}$, $\\log {b}$ and $\\log {c}$"], (loss.item(), gradient[0].tolist())


def first(choices: dict[str, tuple]) -> dict[str, object]:
    """Return the numbers of the lesson."""
    return {name: values[0] for name, values in choices.items()}


def exam(lessons: list[NotebookNode], seed: int) -> tuple[NotebookNode, list[Exercise], list[str]]:
    """Return a notebook of exercises with other numbers, the exercises in it, and a hidden test for each."""
    draw = random.Random(seed)
    setup = new_code_cell("import math\n\nimport torch", id="setup")
    nb = new_notebook(cells=[new_markdown_cell(TITLE, id="title"), setup])
    nb.metadata = lessons[0].metadata
    known = {exercise.title: exercise for lesson in lessons for exercise in exercises(lesson)}
    found, tests, shared = [], [], inspect.getsource(agrees)
    if not known.keys() & VARIANTS.keys():
        raise SystemExit("These lessons have no exercise that the table in tools/exam.py can give other numbers.")
    for title in (title for title in VARIANTS if title in known):
        choices, function = VARIANTS[title]
        old = known[title]
        places, own_answers = function(**first(choices))
        new_places, answers = places, own_answers
        while answers == own_answers:
            new_places, answers = function(**{name: draw.choice(values) for name, values in choices.items()})
        for place in places:
            if place not in old.text + old.blank:
                raise SystemExit(f"Exercise {old.number}, {title!r}, does not say {place!r}: mend tools/exam.py.")
        text, blank = (swap(part, dict(zip(places, new_places, strict=True))) for part in (old.text, old.blank))
        name = old.number.replace(".", "-")
        nb.cells += [new_markdown_cell(text, id=f"text-{name}"), new_code_cell(blank.rstrip(), id=f"blank-{name}")]
        solution = "\n".join(f"{name} = {right!r}" for name, right in zip(old.answers, answers, strict=True))
        found.append(Exercise(old.number, text, blank.rstrip(), "", len(nb.cells) - 1, solution))
        tests.append(HIDDEN.format(agrees=shared, found=", ".join(old.answers), right=list(answers)))
    return nb, found, tests


def swap(text: str, places: dict[str, str]) -> str:
    """Put all new places in at once, so that none is replaced twice."""
    return re.sub("|".join(map(re.escape, places)), lambda match: places[match[0]], text)


def agrees(found: object, right: object) -> bool:
    """Whether an answer is the right one; numbers that are not whole may differ by rounding."""
    # The exam holds a copy of this, beside names that a student may have changed: so it imports what it needs.
    from builtins import (  # noqa: I001, UP029
        abs, all, dict, float, getattr, int, isinstance, len, list, sorted, str, tuple, type, zip
    )  # fmt: skip

    found = getattr(found, "tolist", lambda: found)()  # of a tensor or an array
    if isinstance(right, dict):
        return type(found) is dict and agrees(sorted(found.items()), sorted(right.items()))
    if isinstance(right, str):
        return type(found) is str and found.lower() == right.lower()
    if isinstance(right, tuple | list):
        same = isinstance(found, tuple | list) and len(found) == len(right)
        return same and all(agrees(*pair) for pair in zip(found, right, strict=True))
    # A type of the student's own could be equal to everything.
    return type(found) in (int, float) and abs(found - right) <= (abs(right) / 1000 if type(right) is float else 0)
