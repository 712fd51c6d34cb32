"""The checks of notebook 11 tell typical wrong answers apart and accept right ones written differently."""

import math
import operator
from itertools import pairwise

import torch
from exercise_answers import ExerciseAnswers
from torch import nn

from lecturekit.checks import judge


def he(weight):
    nn.init.kaiming_normal_(weight, nonlinearity="relu")


def relu_net(init=he, bias=nn.init.zeros_, Activation=nn.ReLU, last=False, make=nn.Sequential, has_bias=True):
    """A right answer with one of its parts replaced."""

    def function(sizes):
        parts = []
        for n_in, n_out in pairwise(sizes):
            layer = nn.Linear(n_in, n_out, bias=has_bias)
            if init:
                init(layer.weight)
            if bias and has_bias:
                bias(layer.bias)
            parts += [layer, Activation()]
        return make(*(parts if last else parts[:-1]))

    return function


def by_numbers(sizes):
    """The same network without nn.init, one relu for all places, the parts in blocks."""
    relu, net = nn.ReLU(), nn.Sequential(nn.Sequential())
    for index, (n_in, n_out) in enumerate(pairwise(sizes)):
        layer = nn.Linear(n_in, n_out)
        layer.weight.data = torch.randn(n_out, n_in) * (2 / n_in) ** 0.5
        layer.bias.data.zero_()
        net.append(nn.Sequential(relu, layer) if index else layer)
    return net


def frozen(sizes):
    net = relu_net()(sizes)
    net[0].weight.requires_grad_(False)
    return net


def share(classes):
    return lambda logits, y: (classes(logits).reshape(-1) == y.reshape(-1)).float().mean().item()


def by_counting(logits, y):
    pairs = zip(logits.flatten().tolist(), y.flatten().tolist(), strict=True)
    return sum((logit > 0) == (label == 1) for logit, label in pairs) / len(logits)


def right_epoch(losses, patience, better=operator.lt):
    best = 1
    for epoch, loss in enumerate(losses, start=1):
        if better(loss, losses[best - 1]):
            best = epoch
        elif epoch - best >= patience:
            break
    return best


def by_waiting(losses, patience):
    lowest, best, waited = float("inf"), 0, 0
    for index in range(len(losses)):
        waited += 1
        if losses[index] < lowest:
            lowest, best, waited = losses[index], index, 0
        if waited == patience:
            return torch.tensor(best + 1)
    return best + 1


def where_it_stops(losses, patience):
    best = 1
    for epoch, loss in enumerate(losses, start=1):
        if loss < losses[best - 1]:
            best = epoch
        elif epoch - best >= patience:
            return epoch
    return len(losses)


def all_in_all(losses, patience):
    best, at, waited = math.inf, 0, 0
    for epoch, loss in enumerate(losses, start=1):
        if loss < best:
            best, at = loss, epoch
        else:
            waited += 1
            if waited == patience:
                break
    return at


def counted_from_the_first(losses, patience):
    best, at, waited = losses[0], 1, 0
    for epoch, loss in enumerate(losses, start=1):
        if loss < best:
            best, at, waited = loss, epoch, 0
        else:
            waited += 1
        if waited > patience:
            break
    return at


def only_where_it_stops_early(losses, patience):
    for epoch in range(1, len(losses) + 1):
        best = losses.index(min(losses[:epoch])) + 1
        if epoch - best == patience:
            return best


def against_the_one_before(losses, patience):
    rises = 0
    for epoch in range(1, len(losses)):
        rises = rises + 1 if losses[epoch] >= losses[epoch - 1] else 0
        if rises == patience:
            losses = losses[: epoch + 1]
            break
    return losses.index(min(losses)) + 1


RIGHT = [
    ("11.1", [relu_net()], [by_numbers], [relu_net(init=nn.init.kaiming_normal_)]),
    ("11.2", [share(lambda logits: logits > 0)], [share(lambda logits: torch.sigmoid(logits) > 0.5)], [by_counting]),
    ("11.3", [right_epoch], [by_waiting]),
]

WRONG = [
    ("11.1", [relu_net(last=True)], "behind the last layer"),
    ("11.1", [relu_net(Activation=nn.Identity)], "one linear layer"),
    ("11.1", [relu_net(Activation=nn.Tanh)], "nothing else"),
    ("11.1", [lambda sizes: relu_net()(sizes).append(nn.Tanh())], "nothing else"),
    ("11.1", [relu_net(make=lambda *parts: list(parts))], "Python list"),
    ("11.1", [relu_net(make=lambda *parts: nn.ModuleList(parts))], "this is ModuleList"),
    ("11.1", [lambda sizes: relu_net()(sizes[:-1])], "your network has 2"),
    ("11.1", [lambda sizes: relu_net()(sizes[::-1])], "from 40 to 60, not from 100 to 160"),
    ("11.1", [relu_net(bias=None)], "nn.Linear makes them random"),
    ("11.1", [relu_net(has_bias=False)], "no bias at all"),
    ("11.1", [frozen], "requires_grad=False"),
    ("11.1", [relu_net(init=None)], "as nn.Linear draws it"),
    ("11.1", [relu_net(init=nn.init.zeros_)], "twins"),
    ("11.1", [relu_net(init=lambda weight: nn.init.constant_(weight, 0.1))], "twins"),
    ("11.1", [relu_net(init=nn.init.xavier_normal_)], "Xavier"),
    ("11.1", [relu_net(init=lambda w: nn.init.kaiming_uniform_(w, nonlinearity="relu"))], "uniformly"),
    ("11.1", [relu_net(init=lambda w: nn.init.kaiming_normal_(w, nonlinearity="linear"))], "factor of √2"),
    ("11.1", [relu_net(init=lambda w: nn.init.kaiming_normal_(w, mode="fan_out"))], "number of outputs"),
    ("11.1", [relu_net(init=nn.init.normal_)], "100 → 160 are too large: the gradient would explode"),
    ("11.1", [relu_net(init=lambda weight: nn.init.normal_(weight, std=0.01))], "too small: the gradient would vanish"),
    ("11.1", [relu_net()((3, 2))], "pass the function itself"),
    ("11.2", [share(lambda logits: logits > 0.5)], "a logit of 0.5"),
    ("11.2", [share(lambda logits: torch.sigmoid(logits) > 0)], "always above 0"),
    ("11.2", [share(lambda logits: logits)], "First make classes"),
    ("11.2", [lambda logits, y: 1 - by_counting(logits, y)], "share of wrong answers"),
    ("11.2", [lambda logits, y: 100 * by_counting(logits, y)], "in percent"),
    ("11.2", [lambda logits, y: 12 * by_counting(logits, y)], "you count the right answers"),
    ("11.2", [lambda logits, y: ((logits > 0) == y).float().mean()], "each answer meets each label"),
    ("11.2", [lambda logits, y: by_counting(logits, y) if y.dim() == 2 else 0.3], "(N,), it says 0.3"),
    ("11.2", [lambda logits, y: (logits > 0).float().mean()], "answers for class 1"),
    ("11.2", [share(lambda logits: logits.argmax(dim=1, keepdim=True))], "argmax"),
    ("11.2", [lambda logits, y: 0.75], "where no answer is right"),
    ("11.2", [lambda logits, y: 0.3], "your function says 0.3"),
    ("11.2", [lambda logits, y: logits > 0], "the share should be one number"),
    ("11.2", [lambda logits, y: by_counting(logits, y) if y.dim() == 2 else "9 of 12"], "the share should be one"),
    ("11.2", [lambda logits, y: by_counting(logits, y) or "none"], "the share should be one number, this is str"),
    ("11.3", [lambda losses, patience: right_epoch(losses, patience) - 1], "count the epochs from 0"),
    ("11.3", [lambda losses, patience: losses.index(min(losses)) + 1], "after training has stopped"),
    ("11.3", [where_it_stops], "where training stops"),
    ("11.3", [lambda losses, patience: losses[right_epoch(losses, patience) - 1]], "In which epoch was it"),
    ("11.3", [lambda losses, patience: right_epoch(losses, patience, better=operator.le)], "equal is not better"),
    ("11.3", [lambda losses, patience: right_epoch(losses, patience + 1)], "one epoch too long"),
    ("11.3", [counted_from_the_first], "one epoch too long"),
    ("11.3", [lambda losses, patience: right_epoch(losses, patience - 1)], "one epoch too early"),
    ("11.3", [all_in_all], "only epochs in a row count"),
    ("11.3", [only_where_it_stops_early], "your function returns nothing"),
    ("11.3", [against_the_one_before], "not with the one before"),
    ("11.3", [lambda losses, patience: 1], "your function says 1. Go through it"),
    ("11.3", [lambda losses: 1], "raises TypeError"),
]

BLANKS = [
    ("11.1", [lambda sizes: ...], [lambda sizes: None]),
    ("11.2", [lambda logits, y: ...]),
    ("11.3", [lambda losses, patience: ...]),
]


class TestAnswers(ExerciseAnswers):
    right, wrong, blanks = RIGHT, WRONG, BLANKS


def test_a_check_leaves_the_random_numbers_alone():
    torch.manual_seed(1)
    judge("11.1", relu_net())
    after = torch.rand(1)
    torch.manual_seed(1)
    assert torch.equal(after, torch.rand(1))
