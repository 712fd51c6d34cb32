"""The checks of notebook 12 tell typical wrong answers apart and accept right ones written differently."""

import math

import torch
import torch.nn.functional as F
from exercise_answers import ExerciseAnswers

GRADIENT = [0.3, 0.1, -0.4]


def by_hand(logits, y):
    logits = logits - logits.amax(dim=1, keepdim=True)
    losses = [row.exp().sum().log() - row[label] for row, label in zip(logits, y, strict=True)]
    return sum(losses).item() / len(y)


def by_softmax(logits, y):
    return -logits.softmax(dim=1)[range(len(y)), y].log().mean()


def by_powers(logits, y):
    powers = logits.exp()
    return -(powers[range(len(y)), y] / powers.sum(dim=1)).log().mean()


def by_one_maximum(logits, y):
    logits = logits - logits.max()
    return (logits.exp().sum(dim=1).log() - logits[range(len(y)), y]).mean()


def by_loop(y_hat, y, num_classes):
    table = torch.zeros(num_classes, num_classes, dtype=torch.int64)
    for i in range(len(y)):
        table[y[i], y_hat[i]] += 1
    return table


def by_bincount(y_hat, y, num_classes):
    return (num_classes * y + y_hat).bincount(minlength=num_classes**2).reshape(num_classes, -1)


def added_once(y_hat, y, num_classes):
    table = torch.zeros(num_classes, num_classes)
    table[y, y_hat] += 1
    return table


def freeze(model):
    model[:-1].requires_grad_(False)
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def freeze_in_a_loop(model):
    for part in model[:-1]:
        for parameter in part.parameters():
            parameter.requires_grad = False
    return model[-1].parameters()


def freezing(*slices, answer=lambda model: list(model.parameters())):
    def function(model):
        for part in slices:
            model[part].requires_grad_(False)
        return answer(model)

    return function


def only_a_name(model):
    model.requires_grad = False
    return list(model.parameters())


def by_padding(X):
    return F.pad(X.reshape(-1, 8, 8), (1, 0))[:, :, :8].reshape(-1, 64)


def in_place(X):
    moved = torch.zeros(len(X), 8, 8)
    moved[:, :, 1:] = X.reshape(-1, 8, 8)[:, :, :7]
    return moved.flatten(1)


def with_old_ink(X):
    pictures = X.reshape(-1, 8, 8)
    return torch.cat([pictures[:, :, :1], pictures[:, :, :-1]], dim=2).flatten(1)


def into_itself(X):
    X.reshape(-1, 8, 8).copy_(by_padding(X).reshape(-1, 8, 8))
    return X


RIGHT = [
    ("12.1", [-math.log(0.6), GRADIENT], [torch.tensor(0.511), torch.tensor(GRADIENT)]),
    ("12.2", [by_hand], [lambda logits, y: -logits.log_softmax(dim=1).gather(1, y[:, None]).mean()]),
    ("12.3", [by_loop], [by_bincount]),
    ("12.4", [freeze], [freeze_in_a_loop]),
    ("12.5", [by_padding], [in_place]),
]
WRONG = [
    ("12.1", [math.log(0.6), GRADIENT], "What stands before it"),
    ("12.1", [0.6, GRADIENT], "Take its logarithm"),
    ("12.1", [0.2218, GRADIENT], "natural logarithm"),
    ("12.1", [-math.log(0.3), GRADIENT], "which class is right"),
    ("12.1", [math.log(4), GRADIENT], "the loss of section 2"),
    ("12.1", [math.log(6), GRADIENT], "made of the logit alone"),
    ("12.1", [0.511, [0.3, 0.1, 0.6]], "these are the probabilities"),
    ("12.1", [0.511, [-0.3, -0.1, 0.4]], "this is y − p"),
    ("12.1", [0.511, [-0.7, -0.9, -0.4]], "the right class only"),
    ("12.1", [0.511, [-0.7, 0.1, 0.6]], "in another class"),
    ("12.1", [0.511, [0.3, 0.1]], "you give 2 numbers"),
    ("12.1", [0.511, [1, 2, 3]], "add up to 0"),
    ("12.2", [lambda logits, y: 2 * by_softmax(logits, y)], "the sum over the examples"),
    ("12.2", [lambda logits, y: -by_softmax(logits, y)], "the sign is wrong"),
    ("12.2", [lambda logits, y: by_softmax(logits.softmax(dim=1), y)], "softmax is applied twice"),
    ("12.2", [lambda logits, y: -logits[range(len(y)), y].mean()], "the sum of all powers is missing"),
    ("12.2", [lambda logits, y: -logits.softmax(dim=1).log().mean()], "all classes are counted"),
    ("12.2", [lambda logits, y: by_softmax(logits.T, y[:2]) * 0 + 9], "on paper for one example"),
    ("12.2", [lambda logits, y: F.cross_entropy(logits, y, reduction="none")], "a loss for each example"),
    ("12.2", [lambda logits, y: (logits.logsumexp(dim=1) - logits[:, y]).mean()], "takes every y from every row"),
    ("12.2", [by_softmax], "a probability was rounded to 0"),
    ("12.2", [by_powers], "e to the power of 1,000 is infinite"),
    ("12.2", [by_one_maximum], "a largest logit of its own"),
    ("12.2", [lambda logits, y: F.cross_entropy(logits, y)], "PyTorch's own loss"),
    ("12.3", [lambda y_hat, y, n: by_loop(y, y_hat, n)], "rows and columns are exchanged"),
    ("12.3", [lambda y_hat, y, n: by_loop(y_hat, y, n).diag().diag()], "the right answers only"),
    ("12.3", [added_once], "counted twice"),
    ("12.3", [lambda y_hat, y, n: by_loop(y_hat, y, n) / 6], "not shares"),
    ("12.3", [lambda y_hat, y, n: by_loop(y_hat, y, n)[:3, :3]], "should have shape (4, 4)"),
    ("12.3", [lambda y_hat, y, n: by_loop(y_hat, y, n) + 1], "Try it with three examples"),
    ("12.4", [only_a_name], "nothing is frozen"),
    ("12.4", [freezing(slice(0, 5))], "everything is frozen"),
    ("12.4", [freezing(slice(4, 5))], "it is the head that is frozen"),
    ("12.4", [freezing(slice(0, 1))], "layers behind the first"),
    ("12.4", [freezing(slice(0, 4))], "it has 6 parts"),
    ("12.4", [freezing(slice(0, 4), answer=lambda model: model)], "Return the list"),
    ("12.5", [lambda X: X.reshape(-1, 8, 8).roll(1, dims=2).flatten(1)], "Paper should come in"),
    ("12.5", [lambda X: X.roll(1, dims=1)], "run into each other"),
    ("12.5", [lambda X: F.pad(X.reshape(-1, 8, 8), (0, 1))[:, :, 1:].flatten(1)], "that is to the left"),
    ("12.5", [lambda X: F.pad(X.reshape(-1, 8, 8), (0, 0, 1, 0))[:, :8].flatten(1)], "that is down"),
    ("12.5", [with_old_ink], "the left column keeps its old ink"),
    ("12.5", [into_itself], "X itself has changed"),
    ("12.5", [lambda X: X], "did not move"),
    ("12.5", [lambda X: by_padding(X).reshape(-1, 8, 8)], "should have shape (3, 64)"),
    ("12.5", [lambda X: 2 * by_padding(X)], "not those of X"),
]
BLANKS = [
    ("12.1", [..., GRADIENT], [0.511, [..., 0.1, -0.4]]),
    ("12.2", [lambda logits, y: ...]),
    ("12.3", [lambda y_hat, y, num_classes: ...]),
    ("12.4", [lambda model: ...]),
    ("12.5", [lambda X: ...]),
]


class TestAnswers(ExerciseAnswers):
    right, wrong, blanks = RIGHT, WRONG, BLANKS
