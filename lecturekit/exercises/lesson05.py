"""Exercises of notebook 05, gradients of tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from ..checks import Hint, NotAttempted, call, exercise, hint_if, place, summary
from .common import as_dict, close, compare


def _draw(*shapes: tuple[int, ...]) -> list[np.ndarray]:
    """Return an array for each shape, the same ones each time."""
    random = np.random.default_rng(5)
    return [random.normal(size=shape) for shape in shapes]


def _gradients(function: Callable, upstream: np.ndarray, *arrays: np.ndarray) -> list[np.ndarray]:
    """Return what PyTorch sends back to each array, from the upstream gradient of the function's result."""
    tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
    return [grad.numpy() for grad in torch.autograd.grad(function(*tensors), tensors, torch.tensor(upstream))]


def _compare(name: str, answer: object, right: np.ndarray, hints: Sequence[str | tuple]) -> None:
    """As `compare`, for arrays; a wrong value may also have another shape than the right one."""
    hint_if(answer is ..., f"{name} is still blank.", NotAttempted)
    if isinstance(answer, torch.Tensor):
        answer = answer.detach().numpy()
    if not isinstance(answer, np.ndarray | np.floating) or answer.dtype.kind not in "fi":
        raise Hint(f"{name} should be an array of numbers, this is {type(answer).__name__}.")
    *rows, otherwise = hints
    for value, hint in rows:
        if answer.shape == value.shape and close(answer, value):
            what = "wrong numbers" if value.shape == right.shape else f"shape {answer.shape}"
            raise Hint(f"{name} has the {what}. {hint}")
    compare(name, torch.as_tensor(np.array(answer)), torch.as_tensor(right), [otherwise])


@exercise("05.1", "Section 5: write down the shapes of up, X and W. Which product has the shape of X?")
def layer(function: object) -> str:
    # Square matrices first: there a wrong product has the right shape, and its numbers tell which one it is.
    up, X, W = _draw((3, 3), (3, 3), (3, 3))
    another = "That is the gradient of another tensor. The order is X, W, b."
    no_transpose = "Square matrices hide it: one factor has to be transposed."
    swapped = "The factors are in the wrong order."
    in_b = [
        (up, "A gradient has the shape of its tensor. In how many rows is b used?"),
        (up.sum(axis=0, keepdims=True), "A gradient has the shape of its tensor, and b has one axis."),
        (up.sum(), "b has an entry for each column, and each has a gradient of its own."),
        (up.sum(axis=1), "You added up along each row. Which entries of Y use the first entry of b?"),
        (up.mean(axis=0), "Paths add. Why a mean?"),
    ]
    wrong = {
        "grad_X": [(X.T @ up, another), (up @ W, no_transpose), (W @ up, no_transpose), (W.T @ up, swapped)],
        "grad_W": [
            (up.sum(axis=0), another),
            (X @ up, no_transpose),
            (up @ X, no_transpose),
            (up.T @ X, "This is the gradient of W.T."),
        ],
        "grad_b": in_b,
    }
    for name, (answer, right) in _layer_backward(function, up, X, W).items():
        otherwise = f"{name} is not right. Follow one entry to all places where it is used."
        _compare(name, answer, right, [*wrong[name], otherwise])
    for name, (answer, right) in _layer_backward(function, *_draw((4, 2), (4, 3), (3, 2))).items():
        _compare(name, answer, right, [f"for X of shape (4, 3) and W of shape (3, 2), {name} is not right."])
    return "all three, and the shapes would have told you two of them."


def _layer_backward(function: object, up: np.ndarray, X: np.ndarray, W: np.ndarray) -> dict[str, tuple]:
    """Return for each gradient the reader's and the right one."""
    answer = call(function, up, X, W)
    hint_if(not isinstance(answer, tuple | list) or len(answer) != 3, "return 3 gradients, with commas between them.")
    right = _gradients(lambda X, W, b: X @ W + b, up, X, W, np.zeros(W.shape[1]))
    return dict(zip(("grad_X", "grad_W", "grad_b"), zip(answer, right, strict=True), strict=True))


@exercise("05.2", "Two steps back: the mean spreads evenly (section 4), and the square has the slope 2 · error.")
def mean_squared_error(function: object) -> str:
    y_hat, y = _draw((5, 3), (5, 3))
    (right,) = _gradients(lambda y_hat: ((y_hat - torch.tensor(y)) ** 2).mean(), np.array(1.0), y_hat)
    wrong = [
        (15 * right, "Your rule is that of the sum. What does the mean do with each number?"),
        (3 * right, "You divided by the number of rows. How many numbers does the mean add up?"),
        (5 * right, "You divided by the number of columns. How many numbers does the mean add up?"),
        (right / 2, "What is the derivative of a square?"),
        (-right, "The sign is wrong. Does the loss grow or fall if a prediction that is too large grows?"),
        (2 * (y_hat - y).mean(), "Each prediction has a gradient of its own. Do not take their mean."),
        (((y_hat - y) ** 2).mean(), "That is the loss itself."),
        ((y_hat - y) ** 2, "These are the squares. Take their slope, and then what the mean does with it."),
        (y_hat - y, "This is the error. Two steps lead back to it: through the mean, then through the square."),
        "the gradient is not right. Go back step by step.",
    ]
    _compare("the gradient", call(function, y_hat, y), right, wrong)
    return "spread by the mean, times the slope of the square."


@exercise("05.3", "Copy exp from section 6, and change two things: the value, and the slope in the rule.")
def square_root(function: object, tensor_class: object) -> str:
    values, up = np.array([4.0, 9.0, 0.25]), np.array([1.0, -2.0, 3.0])
    source = tensor_class(values, requires_grad=True)
    result = call(function, source, hints={"ufunc": "a is a Tensor: take the root of its numbers, a.value."})
    hint_if(not isinstance(result, tensor_class), f"return a Tensor, for the graph, not {type(result).__name__}.")
    roots = np.sqrt(values)
    hint_if(not close(result.value, roots), "the value is not the square root of a.value.")
    hint_if(not result.requires_grad, "the value is right, but no rule leads back to a: made_from is empty.")
    try:
        result.backward(up)
    except Exception as error:
        if "ellipsis" in str(error):
            raise NotAttempted("the value is right, and the rule is still blank.") from error
        raise Hint(f"{place(error)}the value is right, but on the way back there is {summary(error)}") from error
    hint_if(source.grad is None, "the rule leads to another tensor than the one that came in.")
    wrong = [
        (up * 0.5 / values, "In 1/(2r), r is the output. You took the input."),
        (0.5 / roots, "Your rule gives the local derivative. What does it do with the upstream gradient?"),
        (up / roots, "A factor is missing. What is the derivative of x to the power ½?"),
        (up * 0.5 * roots, "The derivative of a root falls where the root grows. Multiply, or divide?"),
        (up, "You pass the upstream gradient on as it is. Where is the local derivative?"),
        "the rule is not right. `value` is the root already: what is the slope, written with it?",
    ]
    _compare("the gradient", source.grad, up * 0.5 / roots, wrong)
    return "a new operation, with its rule."


@exercise("05.4", "Begin with np.zeros(shape). Then np.add.at adds each row of up where its word points.")
def look_up(function: object) -> str:
    words = np.array([2, 0, 2, 3, 2])
    table, up = _draw((5, 3), (5, 3))
    (right,) = _gradients(lambda table: table[torch.tensor(words)], up, table)
    assigned, counts = np.zeros_like(table), np.bincount(words, minlength=5)[:, None]
    assigned[words] = up
    wrong = [
        (assigned, "For a row that was used several times only the last gradient is there. What do paths do?"),
        (right / np.maximum(counts, 1), "You took the mean where a row was used several times. What do paths do?"),
        (counts * np.ones_like(table), "You counted how often each row was used. Where is the upstream gradient?"),
        (up, "This is the upstream gradient as it came. Which row of it belongs to which row of the table?"),
        (up[words], "You picked rows of the upstream gradient. Backward they are not picked, but put back."),
        "the gradient is not right. A row that nobody used has the gradient 0.",
    ]
    _compare("the gradient", call(function, up, words, table.shape), right, wrong)
    (up,) = _draw((2, 3))
    right = np.zeros((7, 3))
    right[[4, 1]] = up
    answer = call(function, up, np.array([4, 1]), (7, 3))
    _compare("the gradient", answer, right, ["for another table the gradient is not right."])
    return "every use has brought its gradient home."


@exercise("05.5", "One path brings up as it is. The mean is used in each row: what do all rows send it together?")
def centred(function: object) -> str:
    (up,) = _draw((3, 3))
    (right,) = _gradients(lambda X: X - X.mean(axis=0), up, np.zeros((3, 3)))
    wrong = [
        (up, "You treated the mean as a constant. It is made from X, too."),
        (right - up, "This comes through the mean. X has a second path, and paths add: none overwrites another."),
        (up - up.sum(axis=0), "The path through the mean is too strong. How much of each number is in the mean?"),
        (up - up / 3, "Each number moves the mean, and the mean moves all rows: collect what all of them send."),
        (up + up.mean(axis=0), "The two paths have different signs."),
        (up - up.mean(), "Each column has a mean of its own, so each has a gradient of its own."),
        (up - up.mean(axis=1), "Y has the mean of each column taken away. Along which axis does its gradient add up?"),
        (up - up.mean(axis=1, keepdims=True), "You took the mean of each row. Which numbers were in one mean?"),
        "the gradient is not right. How many paths lead from X to Y?",
    ]
    _compare("the gradient", call(function, up), right, wrong)
    (up,) = _draw((5, 2))
    _compare("the gradient", call(function, up), up - up.mean(axis=0), ["for 5 rows the gradient is not right."])
    return "two paths, and they add."


@exercise("05.6", "From the end: the loss (05.2), a layer (05.1), the slope of tanh (section 6), a layer again.")
def two_layers(function: object) -> str:
    X, y, *parameters = _draw((4, 3), (4, 2), (3, 3), (3,), (3, 2), (2,))
    answer = call(function, X, y, *parameters)
    W1, b1, W2, b2 = (torch.tensor(value, requires_grad=True) for value in parameters)
    z = torch.tensor(X) @ W1 + b1
    h = torch.tanh(z)
    y_hat = h @ W2 + b2
    tensors = {"y_hat": y_hat, "W2": W2, "b2": b2, "h": h, "z": z, "W1": W1, "b1": b1}
    as_dict(answer, tensors)
    loss = ((y_hat - torch.tensor(y)) ** 2).mean()
    grads = torch.autograd.grad(loss, list(tensors.values()))
    right = {name: grad.numpy() for name, grad in zip(tensors, grads, strict=True)}
    z, h, at_z = z.detach().numpy(), h.detach().numpy(), right["h"]
    rows = "The bias is used in every row: sum over them."
    wrong = {
        "y_hat": [
            (8 * right["y_hat"], "What does the mean do with each number?"),
            (2 * right["y_hat"], "The mean is over all numbers, not only over the rows."),
            (-right["y_hat"], "The sign is wrong."),
        ],
        "b2": [(right["y_hat"], rows), (right["y_hat"].mean(axis=0), "Paths add. Why a mean?")],
        "z": [
            (at_z * (1 - z**2), "The slope of tanh is written with its output, and you took its input."),
            (at_z * (1 - h), "The slope of tanh has a square in it."),
            (1 - h**2, "That is the slope of tanh alone. Where is the gradient of h?"),
            (at_z, "That is the gradient of h. Where is the slope of tanh?"),
        ],
        "W1": [
            (X.T @ at_z, "You started from the gradient of h. Which node stands between h and W1?"),
            (right["W1"].T, "This is the gradient of W1.T."),
        ],
        "b1": [(right["z"], rows), (at_z.sum(axis=0), "You started from the gradient of h, not from that of z.")],
    }
    for done, name in enumerate(tensors):
        if answer[name] is ...:
            so_far = f"{', '.join([*tensors][:done])} right so far: {name} is next." if done else "y_hat is first."
            raise NotAttempted(so_far)
        otherwise = f"{name} is the first that is not right. What comes after it, and what is the rule on that edge?"
        _compare(name, answer[name], right[name], [*wrong.get(name, []), otherwise])
    return "seven gradients by hand. What backward() does holds no secret any more."
