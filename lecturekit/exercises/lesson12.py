"""Exercises of notebook 12, reading handwriting."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..checks import Hint, call, exercise, hint_if
from .common import as_number, as_tensor, compare


@exercise("12.1", "Divide each power by the sum of the three: these are p. And y has one 1, for the right class.")
def softmax_on_paper(loss: object, gradient: object) -> str:
    typical = [
        (math.log(0.6), "loss: a logarithm of a number below 1 is negative. What stands before it?"),
        (0.6, "loss: that is the probability of the right class. Take its logarithm."),
        (-math.log10(0.6), "loss: the natural logarithm is meant, to the base e."),
        (-math.log(0.3), -math.log(0.1), "loss: which class is right? Only its probability counts."),
        (math.log(4), "loss: that is the loss of section 2. Here the powers are 3, 1 and 6."),
        (-math.log(6), math.log(6), "loss: this is made of the logit alone. Make a probability of it first."),
    ]
    compare("loss", loss, -math.log(0.6), typical, tolerance=2e-3)
    if isinstance(gradient, list | tuple):
        hint_if(len(gradient) != 3, f"gradient: there are three logits, you give {len(gradient)} numbers.")
        gradient = torch.tensor([as_number("each derivative", part) for part in gradient])
    typical = [
        (torch.tensor([0.3, 0.1, 0.6]), "gradient: these are the probabilities p. What is subtracted?"),
        (torch.tensor([-0.3, -0.1, 0.4]), "gradient: this is y − p. Which way should a step downhill move?"),
        (torch.tensor([-0.7, -0.9, -0.4]), "gradient: y is 1 for the right class only."),
        (torch.tensor([-0.7, 0.1, 0.6]), torch.tensor([0.3, -0.9, 0.6]), "gradient: the 1 stands in another class."),
        "gradient: it is not p − y. Do your three numbers add up to 0?",
    ]
    compare("gradient", gradient, torch.tensor([0.3, 0.1, -0.4]), typical, 2e-3)
    return "one logit goes up, the others go down."


@exercise("12.2", "For each row: logsumexp, minus the logit of the right class (section 3). Then the mean.")
def own_cross_entropy(function: object) -> str:
    logits = torch.tensor([[1.0, 2.0, 5.0], [3.0, 1.0, 1.0]]).log()
    y = torch.tensor([1, 0])
    right = F.cross_entropy(logits, y).item()
    result = call(function, logits.clone(), y.clone())
    hint_if(isinstance(result, Tensor) and result.shape == (2,), "you return a loss for each example. Take their mean.")
    typical = [
        (2 * right, "that is the sum over the examples. The mean is asked for."),
        (-right, "the sign is wrong: a loss is never negative here."),
        (F.cross_entropy(logits.softmax(dim=1), y), "softmax is applied twice."),
        (-logits[range(2), y].mean(), "the logits are no probabilities: the sum of all powers is missing."),
        ((logits.logsumexp(1) - logits[:, y]).mean(), "`logits[:, y]` takes every y from every row."),
        (-logits.softmax(dim=1).log().mean(), "all classes are counted. Pick the right class in each row."),
        (-logits.softmax(dim=0)[range(2), y].log().mean(), "the sum goes over the examples. Which dimension is it?"),
        "the loss is not right. Compute it on paper for one example with two classes.",
    ]
    compare("the loss", result, right, typical)
    large = as_number("the loss", call(function, torch.tensor([[1000.0, 0.0], [1000.0, 0.0]]), torch.tensor([0, 1])))
    hint_if(math.isnan(large), "for logits of 1,000 the loss is nan: e to the power of 1,000 is infinite.")
    hint_if(math.isinf(large), "for logits of 1,000 the loss is inf: the log of a probability rounded to 0.")
    compare("the loss of large logits", large, 500, [f"for logits of 1,000 it says {large:.4g}."])
    mixed = as_number("the loss", call(function, torch.tensor([[1000.0, 999.0], [0.0, 1.0]]), torch.tensor([0, 1])))
    compare("the loss of mixed rows", mixed, math.log(1 + math.exp(-1)), ["each row has a largest logit of its own."])
    if {"cross_entropy", "nll_loss"} & set(getattr(getattr(function, "__code__", None), "co_names", ())):
        raise Hint("that is PyTorch's own loss. Write it with logsumexp, or with exp, sum and log.")
    return "and it holds for large logits, too."


@exercise("12.3", "Begin with zeros, and go through the pairs: each adds 1 in row y and column y_hat.")
def count_confusions(function: object) -> str:
    y, y_hat = torch.tensor([0, 0, 0, 1, 1, 2]), torch.tensor([0, 1, 1, 1, 0, 2])
    right = torch.tensor([[1.0, 2.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    found = as_tensor("the result", call(function, y_hat.clone(), y.clone(), 4), (4, 4)).double()
    typical = [
        (right.T, "rows and columns are exchanged: a row is what is true."),
        (right.diag().diag(), "you count the right answers only. The others stand beside the diagonal."),
        (right - right.diag().diag(), "the right answers are missing on the diagonal."),
        (right.clamp(max=1), "a pair that comes twice must be counted twice. `c[y, y_hat] += 1` adds it once."),
        (right / 6, right / right.sum(dim=1, keepdim=True).clamp(min=1), "counts are asked for, not shares."),
        "the counts are not right. Try it with three examples.",
    ]
    compare("the table", found, right.double(), typical)
    return "the diagonal holds what was right."


@exercise("12.4", "A slice model[:-1] holds all but the head. Freeze it (section 8), then list what still learns.")
def freeze_all_but_the_head(function: object) -> str:
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2))
    result = call(function, model)
    *body, weight, bias = model.parameters()
    learns = [parameter.requires_grad for parameter in (*body, weight, bias)]
    hint_if(all(learns), "nothing is frozen. `model.requires_grad = False` only sets a name: the method ends in `_`.")
    hint_if(not any(learns), "everything is frozen, the head too.")
    hint_if(not any(learns[-2:]), "it is the head that is frozen. It should be the only one that learns.")
    hint_if(not all(learns[-2:]), "a head has a weight and a bias, and both should learn.")
    hint_if(any(learns[:-2]), "a layer before the head still learns. Are there layers behind the first?")
    hint_if(isinstance(result, nn.Module), "the model is frozen as asked. Return the parameters that still learn.")
    parts = list(result)
    if len(parts) != 2 or parts[0] is not weight or parts[1] is not bias:
        raise Hint(f"the list should hold the head's weight and bias themselves, it has {len(parts)} parts.")
    return "this list is what an optimiser needs."


@exercise("12.5", "Make pictures of shape (N, 8, 8). Put a column of zeros before all columns but the last.")
def move_the_ink(function: object) -> str:
    X = torch.rand(3, 64) + 0.1
    pictures, paper = X.reshape(3, 8, 8), torch.zeros(3, 8, 1)
    right = torch.cat([paper, pictures[:, :, :-1]], dim=2).flatten(1)
    given = X.clone()
    found = as_tensor("the result", call(function, given), (3, 64))
    hint_if(not torch.equal(given, X), "X itself has changed. Its reshape is a view: write into a copy.")
    rolled = pictures.roll(1, dims=2).flatten(1)
    typical = [
        (rolled, "what leaves on the right comes in again on the left. Paper should come in."),
        (X.roll(1, dims=1), "the rows of a picture run into each other: make 8 × 8 pictures first."),
        (F.pad(X, (1, 0))[:, :64], "the rows of a picture run into each other: make 8 × 8 pictures first."),
        (torch.cat([pictures[:, :, 1:], paper], dim=2).flatten(1), "that is to the left."),
        (F.pad(pictures, (0, 0, 1, 0))[:, :8].flatten(1), "that is down. Which dimension are the columns?"),
        (torch.cat([pictures[:, :, :1], pictures[:, :, :-1]], dim=2).flatten(1), "the left column keeps its old ink."),
        (X, "the pictures did not move."),
        "the pictures are not those of X, moved by one pixel to the right.",
    ]
    compare("the picture", found, right, typical)
    return "five pictures out of one: left, right, up, down, and itself."
