"""The checks of notebook 05 tell typical wrong answers apart and accept right ones written differently."""

import numpy as np
from exercise_answers import ExerciseAnswers

from lecturekit.lessons.engine import Tensor

NUMPY = {"np": np, "Tensor": Tensor}


def functions(parameters, right, wrong, blank="..."):
    """Make a function of each expression, as a reader would write it behind `return`."""

    def write(expression):
        return eval(f"lambda {parameters}: {expression}", NUMPY)

    return [write(code) for code in right], [(write(code), hint) for code, hint in wrong], write(blank)


LAYER = functions(
    "up, X, W",
    ["(up @ W.T, X.T @ up, up.sum(axis=0))", "[np.dot(up, W.T), (up.T @ X).T, np.ones(len(up)) @ up]"],
    [
        ("(up @ W, X.T @ up, up.sum(axis=0))", "grad_X has the wrong numbers. Square matrices hide it"),
        ("(W.T @ up, X.T @ up, up.sum(axis=0))", "wrong order"),
        ("(up @ W.T, X @ up, up.sum(axis=0))", "grad_W has the wrong numbers. Square matrices hide it"),
        ("(up @ W.T, up.T @ X, up.sum(axis=0))", "gradient of W.T"),
        ("(X.T @ up, up @ W.T, up.sum(axis=0))", "The order is X, W, b"),
        ("(up @ W.T, up.sum(axis=0), X.T @ up)", "The order is X, W, b"),
        ("(up @ W.T, X.T @ up, up)", "In how many rows is b used?"),
        ("(up @ W.T, X.T @ up, up.sum(axis=0, keepdims=True))", "b has one axis"),
        ("(up @ W.T, X.T @ up, up.sum())", "an entry for each column"),
        ("(up @ W.T, X.T @ up, up.sum(axis=1))", "along each row"),
        ("(up @ W.T, X.T @ up, up.mean(axis=0))", "Why a mean?"),
        ("(up @ W.T, X.T @ up, up[0])", "grad_b is not right. Follow one entry"),
        ("(up @ W.T, X.T @ up, up[:3].sum(axis=0))", "for X of shape (4, 3) and W of shape (3, 2), grad_b"),
        ("(up, X.T @ up, up.sum(axis=0))", "grad_X is not right. Follow one entry"),
        ("(up @ W.T, X.T, up.sum(axis=0))", "grad_W is not right"),
        ("(up @ W.T, X.T @ up)", "return 3 gradients"),
        ("(up @ W.T, X.T @ up, 'b')", "grad_b should be an array of numbers, this is str"),
    ],
    "(..., ..., ...)",
)
ERROR = functions(
    "y_hat, y",
    ["2 * (y_hat - y) / y.size", "(y_hat - y) * 2 / (len(y) * y.shape[1])"],
    [
        ("2 * (y_hat - y)", "Your rule is that of the sum"),
        ("2 * (y_hat - y) / len(y)", "number of rows"),
        ("2 * (y_hat - y) / y.shape[1]", "number of columns"),
        ("(y_hat - y) / y.size", "derivative of a square"),
        ("2 * (y - y_hat) / y.size", "The sign is wrong"),
        ("(2 * (y_hat - y)).mean()", "a gradient of its own"),
        ("((y_hat - y) ** 2).mean()", "the loss itself"),
        ("y_hat - y", "This is the error"),
        ("(y_hat - y) ** 2", "These are the squares"),
        ("y_hat", "Go back step by step"),
    ],
)


def root(rule, value=np.sqrt):
    return lambda a: Tensor(value(a.value), made_from=[(a, lambda up: rule(up, a.value, np.sqrt(a.value)))])


WORDS = functions(
    "up, words, shape",
    [
        "np.array([up[words == row].sum(axis=0) for row in range(shape[0])])",
        "np.eye(shape[0])[words].T @ up",
    ],
    [
        ("np.array([up[words == row][-1:].sum(axis=0) for row in range(shape[0])])", "only the last gradient"),
        ("np.eye(shape[0])[words].T @ up / np.bincount(words, minlength=shape[0]).clip(1)[:, None]", "took the mean"),
        ("np.eye(shape[0])[words].T @ np.ones_like(up)", "counted how often"),
        ("up", "as it came"),
        ("up[words]", "not picked, but put"),
        ("np.zeros(shape)", "nobody used"),
        ("(np.eye(5)[words].T @ up)[: shape[0]]", "should have shape (7, 3)"),
    ],
)
CENTRED = functions(
    "up",
    ["up - up.mean(axis=0)", "up - up.sum(axis=0, keepdims=True) / len(up)"],
    [
        ("up", "as a constant"),
        ("-up.mean(axis=0) * np.ones_like(up)", "second path"),
        ("up - up.sum(axis=0)", "too strong"),
        ("up + up.mean(axis=0)", "different signs"),
        ("up - up / len(up)", "the mean moves all rows"),
        ("up - up.mean()", "a mean of its own"),
        ("up - up.mean(axis=1)", "Along which axis"),
        ("up - up.mean(axis=1, keepdims=True)", "the mean of each row"),
        ("2 * up", "How many paths"),
        ("up - up.sum(axis=0) / 3", "for 5 rows"),
    ],
)


def two_layers(**changes):
    """Write the backward pass of exercise 05.6, with some lines written differently."""
    lines = {"y_hat": "2 * (y_hat - y) / y.size", "W2": "h.T @ g['y_hat']", "b2": "g['y_hat'].sum(axis=0)"}
    lines |= {"h": "g['y_hat'] @ W2.T", "z": "g['h'] * (1 - h**2)"}
    lines |= {"W1": "X.T @ g['z']", "b1": "g['z'].sum(axis=0)", **changes}

    def backward(X, y, W1, b1, W2, b2):
        z = X @ W1 + b1
        h = np.tanh(z)
        known = {**NUMPY, "X": X, "y": y, "W2": W2, "z": z, "h": h, "y_hat": h @ W2 + b2, "g": {}}
        for name, code in lines.items():
            known["g"][name] = eval(code, known)
        return known["g"]

    return backward


ANSWERS = {"05.1": LAYER, "05.2": ERROR, "05.4": WORDS, "05.5": CENTRED}
RIGHT = [(number, *([answer] for answer in right)) for number, (right, _, _) in ANSWERS.items()]
RIGHT.insert(2, ("05.3", [root(lambda up, x, out: up * 0.5 / out), Tensor], [lambda a: a**0.5, Tensor]))
OTHERWISE = {"h": "(W2 @ g['y_hat'].T).T", "z": "g['h'] / np.cosh(z) ** 2", "b1": "np.ones(len(X)) @ g['z']"}
RIGHT.append(("05.6", [two_layers()], [two_layers(**OTHERWISE)]))
WRONG = [(number, [answer], hint) for number, (_, wrong, _) in ANSWERS.items() for answer, hint in wrong]
WRONG += [
    ("05.3", [root(lambda up, x, out: up * 0.5 / x), Tensor], "You took the input"),
    ("05.3", [root(lambda up, x, out: 0.5 / out), Tensor], "gives the local derivative"),
    ("05.3", [root(lambda up, x, out: up / out), Tensor], "A factor is missing"),
    ("05.3", [root(lambda up, x, out: up * 0.5 * out), Tensor], "Multiply, or divide?"),
    ("05.3", [root(lambda up, x, out: up), Tensor], "as it is"),
    ("05.3", [root(lambda up, x, out: up * x), Tensor], "is the root already"),
    ("05.3", [root(lambda up, x, out: up[:2]), Tensor], "on the way back there is RuntimeError"),
    ("05.3", [root(lambda up, x, out: up, value=np.square), Tensor], "not the square root"),
    ("05.3", [lambda a: np.sqrt(a.value), Tensor], "return a Tensor"),
    ("05.3", [lambda a: Tensor(np.sqrt(a)), Tensor], "its numbers, a.value"),
    ("05.3", [lambda a: Tensor(np.sqrt(a.value)), Tensor], "made_from is empty"),
    ("05.3", [lambda a: Tensor(a.value, requires_grad=True) ** 0.5, Tensor], "another tensor"),
]
SEVEN_WRONG = [
    ({"y_hat": "2 * (y_hat - y)"}, "y_hat has the wrong numbers. What does the mean do"),
    ({"y_hat": "2 * (y_hat - y) / len(y)"}, "not only over the rows"),
    ({"y_hat": "2 * (y - y_hat) / y.size"}, "The sign is wrong"),
    ({"W2": "g['y_hat'][:3]"}, "W2 is the first that is not right"),
    ({"W2": "h @ g['y_hat']"}, "your function raises ValueError"),
    ({"b2": "g['y_hat']"}, "used in every row"),
    ({"b2": "g['y_hat'].mean(axis=0)"}, "Why a mean?"),
    ({"h": "h"}, "h is the first that is not right"),
    ({"z": "g['h'] * (1 - z**2)"}, "took its input"),
    ({"z": "g['h'] * (1 - h)"}, "has a square in it"),
    ({"z": "1 - h**2"}, "Where is the gradient of h?"),
    ({"z": "g['h']"}, "Where is the slope of tanh?"),
    ({"W1": "X.T @ g['h']"}, "stands between h and W1"),
    ({"W1": "g['z'].T @ X"}, "gradient of W1.T"),
    ({"b1": "g['z']"}, "used in every row"),
    ({"b1": "g['h'].sum(axis=0)"}, "not from that of z"),
    ({"b3": "0"}, "return the dict as it stands"),
]
WRONG += [("05.6", [two_layers(**changes)], hint) for changes, hint in SEVEN_WRONG]
BLANKS = [(number, [blank], [...]) for number, (_, _, blank) in ANSWERS.items()]
BLANKS.insert(2, ("05.3", [lambda a: Tensor(..., made_from=[(a, lambda up: ...)]), Tensor]))
EMPTY = {name: "..." for name in ("y_hat", "W2", "b2", "h", "z", "W1", "b1")}
BLANKS.insert(3, ("05.3", [root(lambda up, x, out: ...), Tensor]))
BLANKS.append(("05.6", [two_layers(W1="...")], [two_layers(**EMPTY)]))


class TestAnswers(ExerciseAnswers):
    right, wrong, blanks = RIGHT, WRONG, BLANKS
