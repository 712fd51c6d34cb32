from exercise_answers import BLANK, RIGHT, WRONG

RIGHT["12.1"] = ["torch.tensor(0.511), torch.tensor([0.3, 0.1, -0.4])"]
BLANK["12.1"] = ["..., [0.3, 0.1, -0.4]", "0.511, [..., 0.1, -0.4]"]
WRONG["12.1"] = {
    "-0.511, [0.3, 0.1, -0.4]": "What stands before it",
    "0.6, [0.3, 0.1, -0.4]": "Take its logarithm",
    "0.2218, [0.3, 0.1, -0.4]": "natural logarithm",
    "1.204, [0.3, 0.1, -0.4]": "which class is right",
    "1.386, [0.3, 0.1, -0.4]": "the loss of section 2",
    "1.792, [0.3, 0.1, -0.4]": "made of the logit alone",
    "0.511, [0.3, 0.1, 0.6]": "these are the probabilities",
    "0.511, [-0.3, -0.1, 0.4]": "this is y − p",
    "0.511, [-0.7, -0.9, -0.4]": "the right class only",
    "0.511, [-0.7, 0.1, 0.6]": "in another class",
    "0.511, [0.3, 0.1]": "you give 2 numbers",
    "0.511, [1, 2, 3]": "add up to 0",
}

RIGHT["12.2"] = [
    ".mean() → .mean().item()",
    "-logits.log_softmax(dim=1).gather(1, y[:, None]).mean()",
]
WRONG["12.2"] = {
    ".mean() → .sum()": ("the sum over the examples", 31),
    "return → return -": "the sign is wrong",
    "F.cross_entropy(logits.softmax(dim=1), y)": ("softmax is applied twice", 38),
    "logits.logsumexp(dim=1) - of_the_right → -of_the_right": "the sum of all powers is missing",
    "-logits.softmax(dim=1).log().mean()": "all classes are counted",
    "9.0": "on paper for one example",
    'F.cross_entropy(logits, y, reduction="none")': "a loss for each example",
    "logits[torch.arange(len(y)), y] → logits[:, y]": "takes every y from every row",
    "-logits.softmax(dim=1)[range(len(y)), y].log().mean()": "the log of a probability rounded to 0",
    "-(logits.exp()[range(len(y)), y] / logits.exp().sum(dim=1)).log().mean()": "e to the power of 1,000 is infinite",
    "logits.logsumexp(dim=1) → (logits - logits.max()).exp().sum(dim=1).log() + logits.max()": "a largest logit",
    "F.cross_entropy(logits, y)": "PyTorch's own loss",
}

RIGHT["12.3"] = ["num_classes, num_classes) → num_classes, num_classes).double()"]
WRONG["12.3"] = {
    "num_classes * y + y_hat → num_classes * y_hat + y": "rows and columns are exchanged",
    "num_classes, num_classes) → num_classes, num_classes).diag().diag()": "the right answers only",
    """
    table = torch.zeros(num_classes, num_classes)
    table[y, y_hat] += 1
    return table
    """: "counted twice",
    "num_classes, num_classes) → num_classes, num_classes) / 6": "not shares",
    "num_classes, num_classes) → num_classes, num_classes)[:3, :3]": "should have shape (4, 4)",
    "num_classes, num_classes) → num_classes, num_classes) + 1": "Try it with three examples",
}

RIGHT["12.4"] = ["[p for p in model.parameters() if p.requires_grad] → model[-1].parameters()"]
WRONG["12.4"] = {
    "model[:-1].requires_grad_(False) → model.requires_grad = False": "nothing is frozen",
    "model[:-1] → model": "everything is frozen",
    "model[:-1] → model[-1]": "it is the head that is frozen",
    "model[:-1] → model[0]": "layers behind the first",
    "[p for p in model.parameters() if p.requires_grad] → list(model.parameters())": "it has 6 parts",
    "[p for p in model.parameters() if p.requires_grad] → model": "Return the parameters that still learn",
}

RIGHT["12.5"] = ["F.pad(pictures, (1, 0)) → torch.cat([torch.zeros(len(X), 8, 1), pictures], dim=2)"]
WRONG["12.5"] = {
    "F.pad(pictures, (1, 0))[:, :, :8] → pictures.roll(1, dims=2)": "Paper should come in",
    "X.roll(1, dims=1)": "run into each other",
    "(1, 0))[:, :, :8] → (0, 1))[:, :, 1:]": "that is to the left",
    "(1, 0))[:, :, :8] → (0, 0, 1, 0))[:, :8]": "that is down",
    "F.pad(pictures, (1, 0)) → torch.cat([pictures[:, :, :1], pictures], dim=2)": "the left column keeps its old ink",
    "return → pictures[:, :, 1:] = pictures[:, :, :-1].clone(); return": ("X itself has changed", 27),
    "X": "did not move",
    ".reshape(-1, 64) → ": "should have shape (3, 64)",
    "return → return 2 *": "not those of X",
}
