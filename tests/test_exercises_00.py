"""The checks of notebook 00 tell typical wrong answers apart and accept right ones written differently."""

import torch
from exercise_answers import ExerciseAnswers

FIVE = torch.tensor([1, 2, 3, 4, 5])


RIGHT = [
    (
        "00.1",
        [FIVE**2],
        [torch.arange(1.0, 6.0) * torch.arange(1.0, 6.0)],
        [torch.linspace(1, 5, 5, dtype=torch.float64, requires_grad=True).square()],
    ),
    ("00.2", [torch.tensor(17.0)], [17], [(torch.tensor(17.0),)]),
    ("00.3", [-3, 0, 0], [torch.tensor(-3.0), -0.0, (torch.tensor(0.0),)]),
]

WRONG = [
    ("00.1", [[1, 4, 9, 16, 25]], "this is list"),
    ("00.1", [torch.arange(6) ** 2], "a number too many"),
    ("00.1", [torch.arange(1, 5) ** 2], "the last one is missing"),
    ("00.1", [torch.arange(5) ** 2], "one place too early"),
    ("00.1", [FIVE], "the numbers themselves"),
    ("00.1", [2 * FIVE], "these are the doubles"),
    ("00.1", [2**FIVE], "powers of 2"),
    ("00.1", [FIVE**3], "these are cubes"),
    ("00.1", [FIVE ^ 2], "^ is something else"),
    ("00.1", [(FIVE**2).flip(0)], "in the wrong order"),
    ("00.1", [(FIVE**2).reshape(5, 1)], "not in one row"),
    ("00.1", [(FIVE**2).sum()], "holds 1 number."),
    ("00.1", [torch.tensor([1, 4, 9, 15, 25])], "at position 3 (counted from 0) is not the square of 4"),
    ("00.1", [FIVE == FIVE], "plain numbers are asked for"),
    ("00.2", [18], "that is the value"),
    ("00.2", [12], "x³ alone"),
    ("00.2", [5], "5x alone"),
    ("00.2", [22], "5x has become 5x again"),
    ("00.2", [9], "the 3 is missing"),
    ("00.2", [8], "no derivative yet"),
    ("00.2", [32], "at x = 3"),
    ("00.2", [-17], "wrong sign"),
    ("00.2", [16.9], "16.9 is not the slope"),
    ("00.2", [17.003], "17.003 is not the slope"),
    ("00.2", [torch.tensor([1.0, 2.0])], "should be one number"),
    ("00.3", [-4, 0, 0], "that is u"),
    ("00.3", [5, 5, 2], "the numbers of section 7"),
    ("00.3", [5, 5, 4], "the sign of w"),
    ("00.3", [-5, 0, 0], "first multiply w and x"),
    ("00.3", [4, 4, 4], "w and x are multiplied"),
    ("00.3", [0, 0, 0], "relu comes one step later"),
    ("00.3", [7, 7, 4], "v is not right"),
    ("00.3", [-3, -3, 4], "with a negative number"),
    ("00.3", [-3, 3, 4], "into a positive one"),
    ("00.3", [-3, 1, 0], "a 1 of its own"),
    ("00.3", [-3, 2, 0], "a is not right"),
    ("00.3", [-3, 0, 4], "that is how v moves with w"),
    ("00.3", [-3, 0, 1], "that would be b's"),
    ("00.3", [-3, 0, -4], "no sign is needed"),
    ("00.3", [-3, 0, 2], "Take w = −0.9"),
    ("00.3", ["-3", 0, 0], "v should be one number"),
]

BLANKS = [
    ("00.1", [...]),
    ("00.2", [...]),
    ("00.3", [-3, ..., 0]),
]


class TestAnswers(ExerciseAnswers):
    right, wrong, blanks = RIGHT, WRONG, BLANKS
