"""Exercises of notebook 09, multi-layer networks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from ..checks import Hint, NotAttempted, as_number, as_tensor, call, close, exercise, seeded


@exercise("09.1")
def count_on_paper(num_wide: object, num_deep: object) -> str:
    for name, value, sizes in (("num_wide", num_wide, (784, 100, 10)), ("num_deep", num_deep, (784, 10, 100, 10))):
        number = as_number(name, value)
        layers = [(n_in * n_out, n_out) for n_in, n_out in pairwise(sizes)]
        weights, biases = (sum(counts) for counts in zip(*layers, strict=True))
        if number == weights + biases:
            continue
        if number == weights:
            raise Hint(f"{name}: these are the weights. What else has a neuron?")
        if number == weights + biases + sizes[0]:
            raise Hint(f"{name}: the inputs compute nothing, so they have no biases.")
        if number == weights + biases - (sizes[0] - 28) * sizes[1]:
            raise Hint(f"{name}: 28 is only one side of the picture. Each pixel is an input.")
        if number in (sum(sizes), biases):
            raise Hint(f"{name}: these are the neurons. A layer has a weight for each input of each of its neurons.")
        if number == 2 * len(layers):
            raise Hint(f"{name}: you counted the tensors. Count the numbers in them.")
        if number == weights + len(layers):
            raise Hint(f"{name}: a layer has more than one bias, one for each neuron.")
        if number in [sum(layer) for layer in layers]:
            raise Hint(f"{name}: that is one of the layers. Add the others.")
        raise Hint(f"{name} is not right. Count layer by layer: the weights, then the biases.")
    return "more layers, and fewer parameters."


# Large enough that the size of random weights can be measured, and different from each other.
_SIZES = (100, 160, 60, 40)


@exercise("09.2")
def good_start(function: object) -> str:
    with seeded():
        return _good_start(function)


def _good_start(function: object) -> str:
    if isinstance(function, nn.Module):
        raise Hint("hand over the function itself, not a network made by it.")
    net = call(function, _SIZES)
    if isinstance(net, list | tuple):
        raise Hint("that is a Python list of parts. Make an nn.Sequential of them.")
    if not isinstance(net, nn.Sequential):
        raise Hint(f"an nn.Sequential is asked for, this is {type(net).__name__}.")
    linear = [part for part in net.modules() if isinstance(part, nn.Linear)]
    if len(linear) != len(_SIZES) - 1:
        raise Hint(f"{len(_SIZES)} sizes make {len(_SIZES) - 1} linear layers, your network has {len(linear)}.")
    for layer, (n_in, n_out) in zip(linear, pairwise(_SIZES), strict=True):
        if (layer.in_features, layer.out_features) != (n_in, n_out):
            raise Hint(f"a layer leads from {layer.in_features} to {layer.out_features}, not from {n_in} to {n_out}.")
        if layer.bias is None:
            raise Hint("a layer has no bias at all. It should have one, with zeros at first.")

    X = torch.randn(30, _SIZES[0])
    answer = as_tensor("the output", call(net, X), (30, _SIZES[-1]))
    expected, without = X, X
    for layer in linear:
        expected = layer(torch.relu(expected) if layer is not linear[0] else expected)
        without = layer(without)
    if not close(answer, expected.detach()):
        if close(answer, torch.relu(expected).detach()):
            raise Hint("there is a relu behind the last layer. A logit must be able to be negative.")
        if close(answer, without.detach()):
            raise Hint("there is no relu between the layers, so together they are one linear layer.")
        raise Hint("relu should stand between the layers, and nothing else. Print your network and look.")

    if not all(parameter.requires_grad for parameter in net.parameters()):
        raise Hint("one of the parameters has requires_grad=False, so it is not trained.")
    if any(bool(layer.bias.any()) for layer in linear):
        raise Hint("the biases should be 0 at first. nn.Linear makes them random.")
    for layer in linear:
        _weights_of_he(layer.weight.detach())
    return "no twins, and gradients that reach the first layer."


def _weights_of_he(weight: Tensor) -> None:
    n_out, n_in = weight.shape
    std = weight.std().item()
    if (weight == weight[0, 0]).all():
        raise Hint("all weights of a layer are equal, so its neurons are twins and stay twins.")

    def is_about(value: float) -> bool:
        return math.isclose(std, value, rel_tol=0.06)

    if is_about(math.sqrt(2 / n_in)):
        if weight.abs().max() < math.sqrt(6 / n_in) * 1.001:
            raise Hint("your weights are uniformly distributed. The function with `normal` in its name is asked for.")
        return
    if is_about(1 / math.sqrt(3 * n_in)):
        raise Hint("a weight is still as nn.Linear draws it, and that is too small for relu.")
    if is_about(math.sqrt(2 / (n_in + n_out))):
        raise Hint("these are Xavier's weights. Relu throws away half of the numbers and needs larger ones.")
    if is_about(1 / math.sqrt(n_in)):
        raise Hint("your weights are too small by a factor of √2. Does the function know that relu follows?")
    if is_about(math.sqrt(2 / n_out)):
        raise Hint("your weights are made for the number of outputs. What counts here is the number of inputs.")
    size = "large: the gradient would explode" if std > math.sqrt(2 / n_in) else "small: the gradient would vanish"
    raise Hint(f"the weights of the layer {n_in} → {n_out} are too {size}.")


@exercise("09.3")
def count_what_is_right(function: object) -> str:
    # As many of each kind that no two of the mistakes below give the same share.
    logits = torch.tensor([-3.0, 0.2, 2.0, 0.6, -0.1, -2.0, 0.9, -4.0, 3.0, -0.8, 1.5, -1.0])[:, None]
    labels = torch.tensor([0.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0])[:, None]
    N = len(labels)
    right = 9 / N
    wrong = {
        "your border is at a logit of 0.5. Where does a probability of 0.5 lie?": _share(logits > 0.5, labels),
        "a probability is always above 0, so everybody gets class 1.": _share(torch.sigmoid(logits) > 0, labels),
        "everybody gets class 0. Of a single column, argmax always takes the first.": 1 - labels.mean().item(),
        "that is the share of answers for class 1. Compare the answers with y.": _share(logits > 0, torch.ones(N, 1)),
        "you compare the logits themselves with the labels. First make classes of them.": _share(logits, labels),
        "that is the share of wrong answers.": 1 - right,
        "a share between 0 and 1 is asked for, this is in percent.": 100 * right,
        "you count the right answers. Divide by how many there are.": N * right,
    }
    found = as_number("the share", call(function, logits.clone(), labels.clone()))
    if not close(found, right):
        for hint, value in wrong.items():
            if close(found, value):
                raise Hint(hint)
        raise Hint(f"9 of {N} answers are right, your function says {found:.4g}.")
    flat = as_number("the share", call(function, logits.clone(), labels.flatten()))
    if not close(flat, right):
        if close(flat, _share(logits > 0, labels.flatten())):
            raise Hint("right for y of shape (N, 1). With (N,), it is broadcast: each answer meets each label.")
        raise Hint(f"right for y of shape (N, 1). With (N,), your function says {flat:.4g}.")
    nobody = as_number("the share", call(function, logits.clone(), (logits < 0).float()))
    if not close(nobody, 0.0):
        raise Hint(f"where no answer is right, your function says {nobody:.4g}.")
    return "the border is at 0, and every shape is safe."


def _share(answers: Tensor, labels: Tensor) -> float:
    return (answers == labels).float().mean().item()


def _stopped(losses: Sequence[float], patience: int, better: Callable[[float, float], bool]) -> tuple[int, int]:
    """The best epoch and the last one, counted from 1."""
    best = 1
    for epoch, loss in enumerate(losses, start=1):
        if better(loss, losses[best - 1]):
            best = epoch
        elif epoch - best >= patience:
            return best, epoch
    return best, len(losses)


def _smaller(a: float, b: float) -> bool:
    return a < b


def _all_in_all(losses: Sequence[float], patience: int) -> int:
    """What comes of counting all epochs that were not better, instead of those in a row."""
    best, waited = 1, 0
    for epoch, loss in enumerate(losses[1:], start=2):
        if loss < losses[best - 1]:
            best = epoch
        else:
            waited += 1
        if waited >= patience:
            break
    return best


def _rises(losses: Sequence[float], patience: int) -> int:
    """What comes of counting how often in a row a loss is above the one before it."""
    rises = 0
    for epoch in range(1, len(losses)):
        rises = rises + 1 if losses[epoch] >= losses[epoch - 1] else 0
        if rises >= patience:
            return 1 + min(range(epoch + 1), key=losses.__getitem__)
    return 1 + min(range(len(losses)), key=losses.__getitem__)


_LOSSES = (
    ([9.0, 7.0, 6.0, 6.5, 6.2, 6.4, 6.6, 2.0], 3),  # stops before the best of all
    ([9.0, 7.0, 8.0, 7.5, 6.0, 6.5, 6.7, 6.9], 3),  # survives a bump
    ([9.0, 7.0, 8.0, 7.5, 6.0, 6.5, 5.0], 3),  # after each best one, the counting starts again
    ([9.0, 8.0, 8.0, 8.5, 7.0, 7.5], 2),  # equal is not better
    ([5.0, 4.0, 3.0], 2),  # never stops early
    ([5.0, 6.0, 4.0], 1),
)


@exercise("09.4")
def stop_in_time(function: object) -> str:
    right = [_stopped(losses, patience, _smaller)[0] for losses, patience in _LOSSES]
    answers: list[float] = []
    for losses, patience in _LOSSES:
        try:
            answers.append(as_number("the epoch", call(function, list(losses), patience)))
        except NotAttempted:
            if not answers:
                raise
            raise Hint(
                f"for best_epoch({losses}, {patience}) your function returns nothing. Where is the return?"
            ) from None
    if answers == right:
        return "stopped where the next epochs only learnt the noise."
    wrong = {
        "you count the epochs from 0.": [epoch - 1 for epoch in right],
        "your function looks at all epochs, also at those after training has stopped.": [
            1 + losses.index(min(losses)) for losses, _ in _LOSSES
        ],
        "that is the epoch where training stops. Which one before it was the best?": [
            _stopped(losses, patience, _smaller)[1] for losses, patience in _LOSSES
        ],
        "that is the best loss. In which epoch was it?": [
            losses[epoch - 1] for epoch, (losses, _) in zip(right, _LOSSES, strict=True)
        ],
        "equal is not better: it must not start the counting again.": [
            _stopped(losses, patience, lambda a, b: a <= b)[0] for losses, patience in _LOSSES
        ],
        "you wait one epoch too long.": [_stopped(losses, patience + 1, _smaller)[0] for losses, patience in _LOSSES],
        "you stop one epoch too early.": [_stopped(losses, patience - 1, _smaller)[0] for losses, patience in _LOSSES],
        "only epochs in a row count: after a better one, counting starts again.": [_all_in_all(*c) for c in _LOSSES],
        "compare with the best epoch so far, not with the one before.": [_rises(*case) for case in _LOSSES],
    }
    for hint, values in wrong.items():
        if answers == values:
            raise Hint(hint)
    (losses, patience), answer = next(
        (case, answer) for case, answer, epoch in zip(_LOSSES, answers, right, strict=True) if answer != epoch
    )
    raise Hint(f"for best_epoch({losses}, {patience}) your function says {answer:g}. Go through it on paper.")
