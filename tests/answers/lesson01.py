from exercise_answers import BLANK, RIGHT, WRONG

RIGHT["01.1"] = [
    "[-2, 2, -1, 5]",
    "torch.tensor([1, 2, 4, 5])",
    "np.unravel_index(345, (3, 4, 5, 10))",
    "torch.unravel_index(torch.tensor(345), (3, 4, 5, 10))",
]
BLANK["01.1"] = ["(1, ..., ..., ...)"]
WRONG["01.1"] = {
    "(2, 3, 5, 6)": "1 too large",
    "(5, 4, 2, 1)": "in reverse",
    "(0, 3, 4, 5)": "these digits count hundreds",
    "(1, 2, 4, 6)": "leads to 346",
    "(1, 0, 14, 5)": "out of the tensor",
    "(3, 4, 5)": "four numbers",
    "(1.0, 2, 4, 5)": "whole number",
}

RIGHT["01.2"] = [
    "True → torch.tensor(True) and False → torch.tensor(False)",
    '{"x.T.reshape(6)": 0, "x.reshape(6)": 1, "x.T": 1, "x[x >= 0]": 0, "x[[1]]": 0, "x[1]": 1}',
]
BLANK["01.2"] = ['"x.T": True → "x.T": ...']
WRONG["01.2"] = {
    '"x[1]": True → "x[1]": False': ("x[1] again", 27),
    '"x[[1]]": False → "x[[1]]": True': "list or a mask",
    '"x[x >= 0]": False → "x[x >= 0]": True': "list or a mask",
    '"x.T": True → "x.T": False': "transposing",
    '"x.reshape(6)": True → "x.reshape(6)": False': ("with reshape", 27),
    '"x.T.reshape(6)": False → "x.T.reshape(6)": True': "with reshape",
    "True → not True and False → not False": "wrong way round",
    '"x.T": True → "x.T": torch.tensor([True, False])': "True or False",
    '{"x[1]": True}': "leave the dict",
}

RIGHT["01.3"] = ["torch.nn.functional.mse_loss(y_hat[:, None], torch.tensor(y_array, dtype=torch.float32))"]
WRONG["01.3"] = {
    "y_hat.reshape(-1, 1) → y_hat": ("with each true value", 24),
    ".float() → ": ("dtype of the NumPy array", 25),
    ".mean() → ": "Where is the mean?",
    ".mean() → .sum()": ("that is the sum", 31),
    "(y_hat[:, None] - torch.from_numpy(y_array).float()).mean() ** 2": "first square",
    "float(((y_hat.numpy()[:, None] - y_array) ** 2).mean())": "plain Python number",
    "((y_hat.numpy()[:, None] - y_array) ** 2).mean()": "still NumPy's",
    ".float() →  and return → y -= y_hat[:, None]; return": "changed y_array",
    '"0"': "this is str",
    ".mean() → .mean().sqrt()": "on paper",
}

RIGHT["01.4"] = [
    "X.sub_(X.mean(0, keepdim=True)).div_(X.std(0, keepdim=True))",
    "X.copy_((X - X.mean(0)) / X.std(0))",
]
WRONG["01.4"] = {
    "X = (X - X.mean(0)) / X.std(0)": "gives a new tensor the name",
    "(X - X.mean(0)) / X.std(0)": "returns a new tensor",
    "X.data = (X - X.mean(0)) / X.std(0)": "other memory now",
    "X.std(dim=0) → 1": "are not 1 yet",
    "X -= mean → X.div_(std).sub_(mean) and X /= std → pass": "the means are not 0",
    "X.std(dim=0) → X.std(dim=0, correction=0)": ("divides by N", 28),
    "std(dim=0) → var(dim=0)": "by the variance",
    "X -= X.mean(dim=0) / X.std(dim=0)": "only the mean was divided",
    "dim=0 → ": "for all of X",
    "dim=0 → dim=1, keepdim=True": "standardised the rows",
    "X.mean(dim=0) → X.mean(dim=1)": "one for each row",
    "X.mean(dim=0) → X.mean(dim=0)[:, None]": "raises RuntimeError",
    "X.zero_()": "not right yet",
}
