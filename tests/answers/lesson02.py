from exercise_answers import BLANK, RIGHT, WRONG

RIGHT["02.1"] = [
    "True → 1 and False → 0",
    "True → torch.tensor(True) and False → torch.tensor(False)",
]
BLANK["02.1"] = ['"x.cpu()": True → "x.cpu()": ...', "..."]
WRONG["02.1"] = {
    "True → not True and False → not False": "wrong way round",
    """("meta")': False → ("meta")': True""": "can two devices share memory",
    """("cpu")': True → ("cpu")': False""": "Where does x lie",
    '"x.cpu()": True → "x.cpu()": False': "Where does x lie",
    '(torch.float32)": True → (torch.float32)": False': "Which one does x have already",
    '(torch.float64)": False → (torch.float64)": True': "Which one does x have already",
    '"x.float()": True → "x.float()": False': "Which one does x have already",
}

RIGHT["02.2"] = [
    "torch.hstack((X, X.new_ones(len(X), 1)))",
    "torch.cat([X, torch.ones(X.shape[0], 1).to(X)], dim=1)",
]
WRONG["02.2"] = {
    ", device=X.device → ": "your ones on another",
    ", dtype=X.dtype → ": "of 2 bytes), your table is torch.float32",
    "torch.cat([X.cpu(), torch.ones(X.shape[0], 1, dtype=X.dtype)], dim=1)": "fetches X from its device",
    "torch.tensor([[*row, 1] for row in X.tolist()], dtype=X.dtype)": "fetches X from its device",
    "[X, ones] → [torch.from_numpy(X.numpy()), ones]": "fetches X from its device",
    "return → return torch.ones(X.shape[0], X.shape[1] + 1) if X.is_meta else": "should lie where X lies",
    "return → X.zero_(); return": "has changed X itself",
    "torch.cat([X.new_ones(len(X), 1), X], dim=1)": "not before them",
    "torch.cat([X, X.new_ones(1, X.shape[1])])": "the ones should be a column",
    "torch.cat([X, torch.ones_like(X)])": "the ones should be a column",
    "torch.cat([X, X.new_zeros(len(X), 1)], dim=1)": "should hold ones",
    "torch.cat([torch.zeros(X.shape), torch.ones(len(X), 1)], dim=1)": "should be those of X",
    "torch.cat([X, torch.ones_like(X)], dim=1)": "should have shape (3, 3)",
    "X.tolist()": "should be a tensor",
    "torch.cat([X, torch.ones(len(X))], dim=1)": "a table of one column",
}

RIGHT["02.3"] = ["2e7", "torch.tensor(20_000_000)"]
WRONG["02.3"] = {
    "40_000_000": "Where does the result of X * 2 go",
    "10_000_000": "only half as many",
    "80_000_000": "one byte for each element",
    "160_000_000": "and there are two tables",
    "2_000_000_000": "How many of them make a row?",
    "4_000_000_000": "and how many tables",
    "2_500_000": "number of bits",
    "21_474_836": "a round number of bytes",
    "20": "number in millions",
    "16e9 / 1200": "three tables",
    "30_000_000": "24 GB: too much",
    "20_000_001": "16.0000008 GB: too much",
    "5_000_000": "4 GB: there is still room",
    "-1": "is positive",
}
