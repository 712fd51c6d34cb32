from exercise_answers import BLANK, RIGHT, WRONG

RIGHT["00.1"] = [
    "torch.arange(1.0, 6.0) * torch.arange(1.0, 6.0)",
    "torch.linspace(1, 5, 5, dtype=torch.float64, requires_grad=True).square()",
]
WRONG["00.1"] = {
    "[1, 4, 9, 16, 25]": "this is list",
    "torch.arange(6) ** 2": "a number too many",
    "torch.arange(1, 5) ** 2": "the last one is missing",
    "torch.arange(5) ** 2": "one place too early",
    "torch.tensor([1, 2, 3, 4, 5])": "the numbers themselves",
    "torch.arange(1, 6) * 2": "these are the doubles",
    "2 ** torch.arange(1, 6)": "powers of 2",
    "torch.arange(1, 6) ** 3": "these are cubes",
    "torch.arange(1, 6) ^ 2": "^ is something else",
    "torch.arange(5, 0, -1) ** 2": "in the wrong order",
    "torch.arange(1, 6).reshape(5, 1) ** 2": "not in one row",
    "(torch.arange(1, 6) ** 2).sum()": "holds 1 number.",
    "torch.tensor([1, 4, 9, 15, 25])": "at position 3 (counted from 0) is not the square of 4",
    "torch.arange(1, 6) == torch.arange(1, 6)": "plain numbers are asked for",
}

RIGHT["00.2"] = ["17", "(torch.tensor(17.0),)"]
WRONG["00.2"] = {
    "18": "that is the value",
    "12": "x³ alone",
    "5": "5x alone",
    "22": "5x has become 5x again",
    "9": "the 3 is missing",
    "8": "no derivative yet",
    "32": "at x = 3",
    "-17": "wrong sign",
    "16.9": "16.9 is not the slope",
    "17.003": "17.003 is not the slope",
}

RIGHT["00.3"] = ["torch.tensor(-3.0), -0.0, (torch.tensor(0.0),)"]
BLANK["00.3"] = ["-3, ..., 0"]
WRONG["00.3"] = {
    "-4, 0, 0": "that is u",
    "5, 5, 2": "that is section 7, with other numbers",
    "5, 5, 4": "the sign of w",
    "-5, 0, 0": "first multiply w and x",
    "4, 4, 4": "w and x are multiplied",
    "0, 0, 0": "relu comes one step later",
    "7, 7, 4": "v is not right",
    "-3, -3, 4": "with a negative number",
    "-3, 3, 4": "into a positive one",
    "-3, 1, 0": "a 1 of its own",
    "-3, 2, 0": "a is not right",
    "-3, 0, 4": "that is how v moves with w",
    "-3, 0, 1": "that would be b's",
    "-3, 0, -4": "no sign is needed",
    "-3, 0, 2": "Take w = −0.9",
}
