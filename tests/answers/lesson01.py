"""Answers to the exercises of lesson 01."""

from exercise_answers import BLANK, RIGHT, SOLUTION, WRONG

RIGHT["01.1"] = [
    SOLUTION,
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
    "345": "four numbers",
    "(1.0, 2, 4, 5)": "whole number",
}

RIGHT["01.2"] = [
    SOLUTION,
    """
    shares = {}
    for name in ("x[1]", "x[[1]]", "x[x >= 0]", "x.T", "x.reshape(6)", "x.T.reshape(6)"):
        x = torch.arange(6.0).reshape(2, 3)
        part = eval(name)
        part += 100
        shares[name] = torch.tensor(bool((x >= 100).any()))
    """,
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
    '"x[1]": True → "x[1]": "yes"': "True or False",
    '"x.T": True → "x.T": torch.tensor([True, False])': "True or False",
    '{"x[1]": True}': "leave the dict",
    "[True] * 6": "leave the dict",
}

RIGHT["01.3"] = [
    SOLUTION,
    """
    error = y_hat.double() - torch.tensor(y_array).squeeze(1)
    return (error @ error / len(error)).float()
    """,
]
BLANK["01.3"] = ["None"]
WRONG["01.3"] = {
    "y_hat.reshape(-1, 1) → y_hat": ("with each true value", 24),
    ".float() → ": ("dtype of the NumPy array", 25),
    ".mean() → ": "Where is the mean?",
    ".mean() → .sum()": ("that is the sum", 31),
    "(y_hat[:, None] - torch.from_numpy(y_array).float()).mean() ** 2": "first square",
    "float(((y_hat.numpy()[:, None] - y_array) ** 2).mean())": "plain Python number",
    "((y_hat.numpy()[:, None] - y_array) ** 2).mean()": "still NumPy's",
    "((y_hat - y_array) ** 2).mean()": "dtype of the NumPy array",
    '"0"': "this is str",
    """
    y = torch.from_numpy(y_array)
    y -= y_hat[:, None]
    return (y**2).mean().float()
    """: "changed y_array",
    ".mean() → .mean().sqrt()": "on paper",
    "y_hat @ torch.from_numpy(y_array)": "raises RuntimeError",
    "loss_from_numpy = 3": "a function is asked for",
}

RIGHT["01.4"] = [
    SOLUTION,
    "X.sub_(X.mean(0, keepdim=True)).div_(X.std(0, keepdim=True))",
    """
    for column in range(X.shape[1]):
        X[:, column] = (X[:, column] - X[:, column].mean()) / X[:, column].std()
    """,
    "X.copy_((X - X.mean(0)) / X.std(0))",
]
WRONG["01.4"] = {
    "X = (X - X.mean(0)) / X.std(0)": "gives a new tensor the name",
    "(X - X.mean(0)) / X.std(0)": "returns a new tensor",
    "X.data = (X - X.mean(0)) / X.std(0)": "other memory now",
    "X.std(dim=0) → 1": "are not 1 yet",
    "X.mean(dim=0) → 0": "the means are not 0",
    """
    mean = X.mean(dim=0)
    X /= X.std(dim=0)
    X -= mean
    """: "the means are not 0",
    "X.std(dim=0) → X.std(dim=0, correction=0)": ("divides by N", 28),
    "std(dim=0) → var(dim=0)": "by the variance",
    "X -= X.mean(dim=0) / X.std(dim=0)": "only the mean was divided",
    "dim=0 → ": "for all of X",
    "dim=0 → dim=1, keepdim=True": "standardised the rows",
    "X.mean(dim=0) → X.mean(dim=1)": "one for each row",
    "X.mean(dim=0) → X.mean(dim=0)[:, None]": "raises RuntimeError",
    "X.zero_()": "not right yet",
    "standardise_ = 3": "a function is asked for",
}
