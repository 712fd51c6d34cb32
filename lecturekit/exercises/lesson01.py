"""Exercises of notebook 01, tensors."""

import torch
from torch import Tensor

from ..checks import Hint, NotAttempted, call, exercise, hint_if
from .common import as_tensor, as_truths, as_whole_numbers, call_in_place, close, compare


@exercise("01.1", "The strides are 200, 50, 10 and 1. How often does 200 go into 345, and 50 into what is left?")
def index_path(answer: object) -> str:
    shape, wanted = (3, 4, 5, 10), 345
    table = torch.arange(600).reshape(shape)

    def number_at(path: list[int]) -> int | None:
        try:
            return table[tuple(path)].item()
        except IndexError:
            return None

    if hasattr(answer, "tolist"):
        answer = answer.tolist()
    hint_if(not isinstance(answer, tuple | list) or len(answer) != 4, "give four numbers, one for each dimension.")
    path = as_whole_numbers("your path", answer, "an index is a whole number.")
    place = number_at(path)
    if place == wanted:
        return "you divide by each stride, and go on with what is left."
    hint_if(number_at([index - 1 for index in path]) == wanted, "each is 1 too large. Where does counting start?")
    hint_if(number_at(path[::-1]) == wanted, "the right numbers in reverse. The largest stride belongs to the first.")
    hint_if(place is None, f"this path leads out of the tensor of shape {shape}. Is each index below its length?")
    hint_if(path == [0, 3, 4, 5], f"these digits count hundreds. The path leads to {place}: what are the strides?")
    raise Hint(f"this path leads to {place}. How many whole blocks of 200 come before {wanted}, and what is left?")


@exercise("01.2", "Test each with share_memory (section 5). What strides alone can describe needs no copy.")
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
    return "PyTorch uses strides where they are enough, and copies where they are not."


@exercise("01.3", "First torch.from_numpy and float(), then one shape for both (section 8), then the mean.")
def loss_from_numpy(function: object) -> str:
    for y_hat, y in (([1.0, 2.0, 6.0], [1.0, 5.0, 4.0]), ([3.0, 0.0, 1.0, 7.0], [1.0, 0.0, 2.0, 3.0])):
        y_hat, y = torch.tensor(y_hat), torch.tensor(y, dtype=torch.float64).reshape(-1, 1)
        y_array = y.numpy().copy()
        loss = call(function, y_hat.clone(), y_array)
        hint_if(y_array.tolist() != y.tolist(), "your function has changed y_array. Which operations share its memory?")
        if type(loss).__module__ == "numpy":
            raise Hint("your answer is still NumPy's. A tensor is asked for: which function makes one of an array?")
        hint_if(isinstance(loss, float), "a tensor is asked for, this is a plain Python number. Is an item() too many?")
        hint_if(not isinstance(loss, Tensor), f"a tensor of rank 0 is asked for, this is {type(loss).__name__}.")
        hint_if(loss.dtype == torch.float64, "your loss is float64: it has taken over the dtype of the NumPy array.")
        hint_if(loss.ndim > 0, f"your loss has shape {tuple(loss.shape)}, and not one number. Where is the mean?")
        loss = as_tensor("the loss", loss, (), torch.float32)
        difference = y_hat - y[:, 0]
        mixed = ((y_hat - y) ** 2).mean(), ((y_hat - y) ** 2).sum()
        typical = [
            (*mixed, "each answer is compared with each true value. Print the shape of your difference."),
            ((difference**2).sum(), "that is the sum of the squares. The mean is asked for."),
            (difference.mean() ** 2, difference.mean(), "first square each difference, then take the mean."),
            "that is not the mean of the squared differences yet. Try it on three pairs, on paper.",
        ]
        compare("the loss", loss, (difference**2).mean(), typical)
    return "both have one dtype and one shape before anything is subtracted."


@exercise("01.4", "Two lines that write into X (section 9): X -= … and X /= …, with numbers along dim=0.")
def standardise_in_place(function: object) -> str:
    before = torch.tensor([[1.0, 10.0], [2.0, 40.0], [4.0, 20.0], [5.0, 60.0]])
    X = before.clone()
    memory = X.view(-1)  # sees only what is written into the memory that X has now
    # So PyTorch says where one number for each row, of shape (4,), meets X of shape (4, 2).
    each_row = "your means or deviations have shape (N,), one for each row. Which dim must disappear instead?"
    returned = call_in_place(function, X, hints={"must match the size of tensor b (4)": each_row})
    if torch.equal(X, before):
        if returned is None and not getattr(getattr(function, "__code__", None), "co_names", True):
            raise NotAttempted("your function does nothing yet.")
        if isinstance(returned, Tensor):
            raise Hint("X is as before: your function returns a new tensor. Write into X itself.")
        raise Hint("X has not changed. If you wrote `X = …`, that only gives a new tensor the name X: write into X.")
    if X.shape != before.shape or not torch.equal(memory, X.reshape(-1)):
        raise Hint("X has other memory now. Write into the memory that it has: operations with _, or -= and /=.")
    mean, std, std_by_N = before.mean(dim=0), before.std(dim=0), before.std(dim=0, correction=0)
    whole = (before - before.mean()) / before.std()
    rows = (before - before.mean(dim=1, keepdim=True)) / before.std(dim=1, keepdim=True)
    typical = [
        (before - mean, "the means are 0, but the standard deviations are not 1 yet."),
        ((before - mean) / std_by_N, "that is NumPy's standard deviation, which divides by N. Use PyTorch's."),
        ((before - mean) / std**2, "you divided by the variance. The standard deviation is asked for."),
        (before - mean / std, "only the mean was divided. First subtract, then divide all of X."),
        (whole, "that is one mean and one deviation for all of X. Each column needs its own: which dim?"),
        (rows, "you standardised the rows. Which dimension must disappear from the mean of a column?"),
    ]
    otherwise = "that is not right yet. After it, X.mean(dim=0) should be close to 0 and X.std(dim=0) close to 1."
    if close(X.std(dim=0), 1.0):
        otherwise = "the standard deviations are 1, but the means are not 0. Which comes first?"
    compare("X", X, (before - mean) / std, [*typical, otherwise])
    return "a row of means and a row of deviations are broadcast over the examples."
