from exercise_answers import BLANK, RIGHT, WRONG

RIGHT["03.1"] = ["4.0, 3.0, 1.0, 1.0, 2 * 15, torch.tensor(150.0)"]
BLANK["03.1"] = ["4, 3, 1, 1, 30, ..."]
WRONG["03.1"] = {
    "3, 4, 1, 1, 30, 150": "exchanged",
    "4, 3, 12, 3, 30, 150": "you gave a value",
    "4, 3, 1, 5, 30, 150": "straight to q",
    "4, 3, 1, 1, 15, 75": "a factor is missing",
    "4, 3, 1, 1, 6, 30": "not x",
    "4, 3, 1, 1, 99, 150": "f_from_q is not right yet",
    "5, 3, 1, 1, 30, 150": "p_from_x is not right yet",
    "4, 3, 1, 1, 30, 120": ("only the path through p", 8),
    "4, 3, 1, 1, 30, 30": ("only the short path", 8),
    "4, 3, 1, 1, 30, 75": "not with the value of q",
    "4, 3, 1, 1, 30, 0": "then add the paths",
    '4, 3, 1, 1, 30, "150"': "grad_x should be one number",
}

RIGHT["03.2"] = ["[(number, 1 - t**2)] → ((number, 1 / math.cosh(number.value) ** 2),)"]
BLANK["03.2"] = [
    "Number(math.tanh(number.value), ...)",
    "Number(math.tanh(number.value), [(number, ...)])",
]
WRONG["03.2"] = {
    "1 - t**2 → 1 - number.value**2": "what is t?",
    "t**2 → t": "has a square in it",
    "1 - t**2 → t": "carries the value",
    "1 - t**2 → t**2 - 1": "sign",
    ", [(number, 1 - t**2)] → ": "made_from is empty",
    "(number, 1 - t**2) → (Number(number.value), 1 - t**2)": "does not start at the number",
    "[(number, 1 - t**2)] → (number, 1 - t**2)": "list of pairs",
    "[(number, 1 - t**2)] → [(number, 1), (number, 1)]": "one arrow",
    "math.tanh(number.value)": "This is float",
    "math.tanh → math.sin": "not the tanh",
    "1 - t**2 → 0.5": "the local derivative is not",
    "number.value → number": "want a plain number",
    "tanh, Number = math.tanh, Number(1)": "the class Number",
}

RIGHT["03.3"] = ["5, torch.tensor(4)"]
WRONG["03.3"] = {
    "2, 4": "along one arrow each",
    "3, 4": "a single arrow",
    "4, 4": "another way",
    "6, 4": "number of arrows. A path",
    "99, 4": "num_paths is not right",
    "5, 9": "How does `backward` go?",
    "5, 6": "nodes are asked for",
    "5, 3": "the first and the last",
    "5, 99": "in_order(c)",
}

RIGHT["03.4"] = ['["mul", "add", "add", "relu"]', '("Mul", "add", "add", "ReLU")']
BLANK["03.4"] = ['["mul", ...]']
WRONG["03.4"] = {
    '["mul", "sin", "add", "add", "relu"]': "Is that branch taken",
    '["mul", "add", "relu"]': "more than once",
    '["mul", "add", "add", "add", "relu"]': "How many rounds",
    '["mul", "mul", "add", "add", "relu"]': "two arrows",
    '["mul", "add", "add"]': "last line",
    '["relu", "add", "add", "mul"]': "not in the order",
    '["if", "mul", "add", "add", "relu"]': "Python's business",
    '["mul", "plus", "relu"]': "not 'plus'",
    '"mul add add relu"': "give a list",
}
