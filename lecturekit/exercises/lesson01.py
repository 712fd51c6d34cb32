"""Exercises of notebook 01, tensors."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

from ..checks import Hint, NotAttempted, as_tensor, as_truths, call, close, exercise

SHAPE, STRIDES, WANTED = (3, 4, 5, 10), (200, 50, 10, 1), 345


@exercise("01.1")
def index_path(answer: object) -> str:
    if isinstance(answer, Tensor):
        answer = answer.tolist()
    if not isinstance(answer, tuple | list) or len(answer) != 4:
        raise Hint("give a path of four numbers in parentheses, one for each dimension.")
    if any(index is ... for index in answer):
        raise NotAttempted("one of the four numbers is still blank.")
    if any(isinstance(index, bool) or not isinstance(index, int) for index in answer):
        raise Hint("an index is a whole number.")
    path = list(answer)
    if _place([index - 1 for index in path]) == WANTED:
        raise Hint("each of your numbers is 1 too large. Where does counting start?")
    if _place(path[::-1]) == WANTED:
        raise Hint("these are the right numbers in reverse. The largest stride belongs to the first.")
    place = _place(path)
    if place is None:
        raise Hint(
            f"this path leads out of the tensor: look at the shape {SHAPE}. Is each index smaller than its length?"
        )
    if path == [0, 3, 4, 5]:
        raise Hint(f"these are the digits, which count hundreds. This path leads to {place}: what are the strides?")
    if place != WANTED:
        raise Hint(f"this path leads to {place}. How many whole blocks of 200 come before {WANTED}, and what is left?")
    return "divide by each stride, and go on with what is left."


def _place(path: list[int]) -> int | None:
    """Where a path leads in memory, None if out of the tensor; −1 counts from the end."""
    if not all(-size <= index < size for index, size in zip(path, SHAPE, strict=True)):
        return None
    return sum(index % size * stride for index, size, stride in zip(path, SHAPE, STRIDES, strict=True))


@exercise("01.2")
def view_or_copy(answer: object) -> str:
    right = {
        "x[1]": True,
        "x[[1]]": False,
        "x[x >= 0]": False,
        "x.T": True,
        "x.reshape(6)": True,
        "x.T.reshape(6)": False,
    }
    hints = {
        ("x[1]",): "look at x[1] again: write into it. What does x show then?",
        ("x[[1]]", "x[x >= 0]"): "look at the ones with a list or a mask again. Does PyTorch look for strides there?",
        ("x.T",): "look at x.T again: which numbers does transposing move?",
        ("x.reshape(6)", "x.T.reshape(6)"): "look at the two with reshape again. Do the numbers lie in memory in the "
        "order in which you want to read them?",
    }
    inverted = "all six are the wrong way round. True means: it shares memory, writing into one changes the other."
    as_truths(answer, right, inverted, hints)
    return "strides where they can do it, a copy where they cannot."


@exercise("01.3")
def loss_from_numpy(function: object) -> str:
    for y_hat, y in (([1.0, 2.0, 6.0], [1.0, 5.0, 4.0]), ([3.0, 0.0, 1.0, 7.0], [1.0, 0.0, 2.0, 3.0])):
        y_hat, y = torch.tensor(y_hat), torch.tensor(y, dtype=torch.float64).reshape(-1, 1)
        y_array, difference = y.numpy().copy(), y_hat - y[:, 0]
        with warnings.catch_warnings():
            # A tensor minus an array works, and NumPy says that torch must change something for it: not the reader's
            # business. The hints below say what is wrong with it here.
            warnings.simplefilter("ignore", DeprecationWarning)
            loss = call(function, y_hat.clone(), y_array)
        if y_array.tolist() != y.tolist():
            raise Hint("your function has changed y_array. Which operations share its memory?")
        if type(loss).__module__ == "numpy":
            raise Hint("your answer is still NumPy's. A tensor is asked for: what brings an array over the bridge?")
        if isinstance(loss, float):
            raise Hint("a tensor of rank 0 is asked for, this is a plain Python number. Is there an item() too many?")
        if not isinstance(loss, Tensor):
            raise Hint(f"a tensor of rank 0 is asked for, this is {type(loss).__name__}.")
        if loss.dtype == torch.float64:
            raise Hint("your loss is float64: NumPy's dtype has come across the border.")
        if loss.ndim > 0:
            raise Hint(f"your loss has shape {tuple(loss.shape)}, but one number is asked for. Where is the mean?")
        loss = as_tensor("the loss", loss, (), torch.float32)
        if close(loss, (difference**2).mean()):
            continue
        table = (y_hat - y) ** 2
        if close(loss, table.mean()) or close(loss, table.sum()):
            raise Hint("each answer was compared with each true value. Print the shape of your difference.")
        if close(loss, (difference**2).sum()):
            raise Hint("that is the sum of the squares. The mean is asked for.")
        if close(loss, difference.mean() ** 2) or close(loss, difference.mean()):
            raise Hint("first square each difference, then take the mean.")
        raise Hint("not the mean of the squared differences yet. Try it on three pairs, on paper.")
    return "one dtype and one shape, before anything is subtracted."


@exercise("01.4")
def standardise_in_place(function: object) -> str:
    before = torch.tensor([[1.0, 10.0], [2.0, 40.0], [4.0, 20.0], [5.0, 60.0]])
    X = before.clone()
    memory = X.view(-1)  # sees only what is written into the memory that X has now
    returned = []
    call(_keeping(function, returned), X)
    centred = before - before.mean(dim=0)
    right = centred / before.std(dim=0)
    if torch.equal(X, before):
        if returned == [None] and not getattr(getattr(function, "__code__", None), "co_names", ("?",)):
            raise NotAttempted("your function does nothing yet.")
        if isinstance(returned[0], Tensor):
            raise Hint("X has not changed: what your function returns is a new tensor. Write into the old one.")
        raise Hint("X has not changed. `X = …` only gives a new tensor the name X: write into the old one.")
    if X.shape != before.shape or not torch.equal(memory, X.reshape(-1)):
        raise Hint("X has got other memory. Write into the memory that it has: operations with _, or -= and /=.")
    if close(X, right):
        return "a row of means and a row of deviations, broadcast over the examples."
    if close(X, centred):
        raise Hint("the means are 0, but the standard deviations are not 1 yet.")
    if close(X, centred / before.std(dim=0, correction=0)):
        raise Hint("that is NumPy's standard deviation, which divides by N. Use PyTorch's.")
    if close(X, centred / before.var(dim=0)):
        raise Hint("you divided by the variance. The standard deviation is asked for.")
    if close(X, before - before.mean(dim=0) / before.std(dim=0)):
        raise Hint("only the mean was divided. First subtract, then divide all of X.")
    if close(X, (before - before.mean()) / before.std()):
        raise Hint("that is one mean and one deviation for all of X. Each column needs its own: which dim?")
    if close(X, (before - before.mean(dim=1, keepdim=True)) / before.std(dim=1, keepdim=True)):
        raise Hint("you standardised the rows. Which dimension must disappear from the mean of a column?")
    if close(X, before / before.std(dim=0)) or close(X.std(dim=0), torch.ones(2)):
        raise Hint("the standard deviations are 1, but the means are not 0. Which comes first?")
    raise Hint("not yet. After it, X.mean(dim=0) should be close to 0 and X.std(dim=0) close to 1.")


def _keeping(function: object, returned: list[object]) -> object:
    """A function that works in place need not return anything; let `call` not take that for a blank."""
    if not callable(function):
        return function
    return lambda X: (returned.append(function(X)), True)
