from exercise_answers import BLANK, RIGHT, WRONG

RIGHT["05.1"] = ["[np.dot(up, W.T), (up.T @ X).T, np.ones(len(up)) @ up]"]
WRONG["05.1"] = {
    "up @ W, X.T @ up, up.sum(axis=0)": "grad_X has the wrong numbers. Square matrices hide it",
    "W.T @ up, X.T @ up, up.sum(axis=0)": "wrong order",
    "up @ W.T, X @ up, up.sum(axis=0)": "grad_W has the wrong numbers. Square matrices hide it",
    "up @ W.T, up.T @ X, up.sum(axis=0)": "gradient of W.T",
    "X.T @ up, up @ W.T, up.sum(axis=0)": "grad_X has the wrong numbers. That is the gradient of another",
    "up @ W.T, up.sum(axis=0), X.T @ up": "grad_W has the shape (3,). That is the gradient of another",
    "up @ W.T, X.T @ up, up": "In how many rows is b used?",
    "up @ W.T, X.T @ up, up.sum(axis=0, keepdims=True)": "b has one axis",
    "up @ W.T, X.T @ up, up.sum()": "an entry for each column",
    "up @ W.T, X.T @ up, up.sum(axis=1)": "along each row",
    "up @ W.T, X.T @ up, up.mean(axis=0)": "Why a mean?",
    "up @ W.T, X.T @ up, up[0]": "grad_b is not right. Follow one entry",
    "up @ W.T, X.T @ up, up[:3].sum(axis=0)": "for X of shape (4, 3) and W of shape (3, 2), grad_b",
    "up, X.T @ up, up.sum(axis=0)": "grad_X is not right. Follow one entry",
    "up @ W.T, X.T, up.sum(axis=0)": "grad_W is not right",
    "up @ W.T, X.T @ up": "return 3 gradients",
    "up @ W.T, X.T @ up, 'b'": "grad_b should be an array of numbers, this is str",
}

RIGHT["05.2"] = ["(y_hat - y) * 2 / (len(y) * y.shape[1])"]
WRONG["05.2"] = {
    "2 * (y_hat - y)": ("Your rule is that of the sum", 31),
    "2 * (y_hat - y) / len(y)": "number of rows",
    "2 * (y_hat - y) / y.shape[1]": "number of columns",
    "(y_hat - y) / y.size": "derivative of a square",
    "2 * (y - y_hat) / y.size": "The sign is wrong",
    "(2 * (y_hat - y)).mean()": "a gradient of its own",
    "((y_hat - y) ** 2).mean()": "the loss itself",
    "y_hat - y": "This is the error",
    "(y_hat - y) ** 2": "These are the squares",
    "y_hat": "Go back step by step",
}

RIGHT["05.3"] = ["a**0.5"]
BLANK["05.3"] = ["up / (2 * value) → ..."]
WRONG["05.3"] = {
    "up / (2 * value) → up / (2 * a.value)": "You took the input",
    "up / (2 * value) → 1 / (2 * value)": "gives the local derivative",
    "up / (2 * value) → up / value": "A factor is missing",
    "up / (2 * value) → up * value / 2": "Multiply, or divide?",
    "up / (2 * value) → up": "as it is",
    "up / (2 * value) → up * a.value": "is the root already",
    "up / (2 * value) → up[:2]": "on the way back there is RuntimeError",
    "np.sqrt → np.square": "not the square root",
    "np.sqrt(a.value)": "return a Tensor",
    "Tensor(np.sqrt(a))": "its numbers, a.value",
    "Tensor(np.sqrt(a.value))": "made_from is empty",
    "Tensor(a.value, requires_grad=True) ** 0.5": "another tensor",
}

RIGHT["05.4"] = [
    "np.array([up[words == row].sum(axis=0) for row in range(shape[0])])",
    "np.eye(shape[0])[words].T @ up",
]
WRONG["05.4"] = {
    "np.array([up[words == row][-1:].sum(axis=0) for row in range(shape[0])])": ("only the last gradient", 8),
    "return → gradient /= np.bincount(words, minlength=shape[0]).clip(1)[:, None]; return": "took the mean",
    "np.eye(shape[0])[words].T @ np.ones_like(up)": "counted how often",
    "up": "as it came",
    "up[words]": "not picked, but put back",
    "np.zeros(shape)": "nobody used",
    "(np.eye(5)[words].T @ up)[: shape[0]]": "should have shape (7, 3)",
}

RIGHT["05.5"] = ["up - up.sum(axis=0, keepdims=True) / len(up)"]
WRONG["05.5"] = {
    "up": "as a constant",
    "-up.mean(axis=0) * np.ones_like(up)": ("second path", 8),
    "up - up.sum(axis=0)": "too strong",
    "up + up.mean(axis=0)": "different signs",
    "up - up / len(up)": "the mean moves all rows",
    "up - up.mean()": "a mean of its own",
    "up - up.mean(axis=1)": "Along which axis",
    "up - up.mean(axis=1, keepdims=True)": "the mean of each row",
    "2 * up": "How many paths",
    "up - up.sum(axis=0) / 3": "for 5 rows",
}

RIGHT["05.6"] = ["(1 - h**2) → np.cosh(z) ** -2"]
BLANK["05.6"] = ["y_hat=at_y_hat → y_hat=...", "W1=at_W1 → W1=..."]
WRONG["05.6"] = {
    "loss_backward(y_hat, y) → 2 * (y_hat - y)": ("y_hat has the wrong numbers. What does the mean do", 31),
    "loss_backward(y_hat, y) → 2 * (y_hat - y) / len(y)": "not only over the rows",
    "loss_backward(y_hat, y) → 2 * (y - y_hat) / y.size": "The sign is wrong",
    "W2=at_W2 → W2=at_y_hat[:3]": "W2 is the first that is not right",
    "b2=at_b2 → b2=at_y_hat": "b2 has the shape (4, 2). The bias is used in every row",
    "b2=at_b2 → b2=at_y_hat.mean(axis=0)": "Why a mean?",
    "h=at_h → h=h": "h is the first that is not right",
    "1 - h**2 → 1 - z**2": "took its input",
    "1 - h**2 → 1 - h": "has a square in it",
    "at_h * (1 - h**2) → 1 - h**2": "Where is the gradient of h?",
    " * (1 - h**2) → ": "Where is the slope of tanh?",
    "layer_backward(at_z, → layer_backward(at_h,": "stands between h and W1",
    "W1=at_W1 → W1=at_W1.T": "gradient of W1.T",
    "b1=at_b1 → b1=at_z": "b1 has the shape (4, 3). The bias is used in every row",
    "b1=at_b1 → b1=at_h.sum(axis=0)": "not from that of z",
    "b1=at_b1 → b1=at_b1, b3=0": "leave the dict as it is",
}
