"""Exercises of notebook 11, multi-layer networks."""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from ..checks import Hint, NotAttempted, call, exercise, hint_if
from .common import as_number, compare


@exercise("11.1", "Take mlp(sizes, nn.ReLU) of section 2. Then give each linear layer new weights, and zeros as bias.")
def good_start(function: object) -> str:
    # Large enough that the size of random weights can be measured, and different from each other.
    sizes = (100, 160, 60, 40)
    hint_if(isinstance(function, nn.Module), "pass the function itself, not a network made by it.")
    net = call(function, sizes)
    hint_if(isinstance(net, list | tuple), "that is a Python list of parts. Make an nn.Sequential of them.")
    hint_if(not isinstance(net, nn.Sequential), f"an nn.Sequential is asked for, this is {type(net).__name__}.")
    linear = [part for part in net.modules() if isinstance(part, nn.Linear)]
    if len(linear) != len(sizes) - 1:
        raise Hint(f"{len(sizes)} sizes make {len(sizes) - 1} linear layers, your network has {len(linear)}.")
    for layer, (n_in, n_out) in zip(linear, pairwise(sizes), strict=True):
        if (layer.in_features, layer.out_features) != (n_in, n_out):
            raise Hint(f"a layer leads from {layer.in_features} to {layer.out_features}, not from {n_in} to {n_out}.")
        hint_if(layer.bias is None, "a layer has no bias at all. It should have one, with zeros at first.")

    X = torch.randn(30, sizes[0])
    right = without_relu = linear[0](X).detach()
    for layer in linear[1:]:
        right = layer(torch.relu(right)).detach()
        without_relu = layer(without_relu).detach()
    typical = [
        (torch.relu(right), "there is a relu behind the last layer. A logit must be able to be negative."),
        (without_relu, "there is no relu between the layers, so together they are one linear layer."),
        "relu should stand between the layers, and nothing else. Print your network and look.",
    ]
    compare("the output", call(net, X), right, typical)

    if not all(parameter.requires_grad for parameter in net.parameters()):
        raise Hint("one of the parameters has requires_grad=False, so it is not trained.")
    hint_if(any(bool(layer.bias.any()) for layer in linear), "biases should be 0 first. nn.Linear makes them random.")
    for layer in linear:
        _weights_of_he(layer.weight.detach())
    return "no neuron is a twin of another, and gradients reach the first layer."


def _weights_of_he(weight: Tensor) -> None:
    n_out, n_in = weight.shape
    hint_if((weight == weight[0, 0]).all(), "all weights of a layer are equal: its neurons are twins and stay twins.")
    std = math.sqrt(2 / n_in)
    found = weight.std().item() / std
    xavier, by_outputs = math.sqrt(n_in / (n_in + n_out)), math.sqrt(n_in / n_out)
    typical = [
        (math.sqrt(1 / 6), "a weight is still as nn.Linear draws it, and that is too small for relu."),
        (xavier, "these are Xavier's weights. Relu throws away half of the numbers and needs larger ones."),
        (math.sqrt(1 / 2), "your weights are too small by a factor of √2. Does the function know that relu follows?"),
        (by_outputs, "your weights are made for the number of outputs. What counts here is the number of inputs."),
    ]
    size = "large: the gradient would explode" if found > 1 else "small: the gradient would vanish"
    otherwise = f"the weights of the layer {n_in} → {n_out} are too {size}."
    compare("the standard deviation", found, 1, [*typical, otherwise], tolerance=0.03)
    if weight.abs().max() < math.sqrt(3) * std * 1.001:
        raise Hint("your weights are uniformly distributed. The function with `normal` in its name is asked for.")


@exercise("11.2", "Bring both into the shape (N,). A logit above 0 answers 1. Compare, then take the mean.")
def count_what_is_right(function: object) -> str:
    # As many of each kind that no two of the mistakes below give the same share.
    logits = torch.tensor([-3.0, 0.2, 2.0, 0.6, -0.1, -2.0, 0.9, -4.0, 3.0, -0.8, 1.5, -1.0])[:, None]
    labels = torch.tensor([0.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0])[:, None]
    found = as_number("the share", call(function, logits.clone(), labels.clone()))
    typical = [
        (8 / 12, "your border is at a logit of 0.5. Where does a probability of 0.5 lie?"),
        (7 / 12, "a probability is always above 0, so every example gets class 1."),
        (5 / 12, "every example gets class 0. Of a single column, argmax always takes the first."),
        (6 / 12, "that is the share of answers for class 1. Compare the answers with y."),
        (0, "you compare the logits themselves with the labels. First make classes of them."),
        (3 / 12, "that is the share of wrong answers."),
        (75, "a share between 0 and 1 is asked for, this is in percent."),
        (9, "you count the right answers. Divide by how many there are."),
        f"9 of 12 answers are right, your function says {found:.4g}.",
    ]
    compare("the share", found, 9 / 12, typical)
    found = as_number("the share", call(function, logits.clone(), labels.flatten()))
    only = "your function is right for y of shape (N, 1). With (N,), it"
    typical = [(6 / 12, f"{only} is broadcast: each answer meets each label."), f"{only} says {found:.4g}."]
    compare("the share", found, 9 / 12, typical)
    found = as_number("the share", call(function, logits.clone(), (logits < 0).float()))
    compare("the share", found, 0, [f"where no answer is right, your function says {found:.4g}."])
    return "the border is at 0, and every shape is safe."


@exercise("11.3", "Keep three things: the lowest loss so far, its epoch, and how many epochs ago that was.")
def stop_in_time(function: object) -> str:
    # The losses, the patience, the right answer.
    cases = [
        ([9.0, 7.0, 6.0, 6.5, 6.2, 6.4, 6.6, 2.0], 3, 3),  # stops before the best of all
        ([9.0, 7.0, 8.0, 7.5, 6.0, 6.5, 6.7, 6.9], 3, 5),  # survives a bump
        ([9.0, 7.0, 8.0, 7.5, 6.0, 6.5, 5.0], 3, 7),  # after each best one, the counting starts again
        ([9.0, 8.0, 8.0, 8.5, 7.0, 7.5], 2, 2),  # equal is not better
        ([5.0, 4.0, 3.0], 2, 3),  # never stops early
        ([5.0, 6.0, 4.0], 1, 1),
        ([9.0, 8.0, 8.5, 7.0], 1, 2),
    ]
    answers = []
    for losses, patience, _ in cases:
        try:
            answers.append(as_number("the epoch", call(function, list(losses), patience)))
        except NotAttempted:
            if not answers:
                raise
            raise Hint(f"for best_epoch({losses}, {patience}) your function returns nothing.") from None
    too_long = [3, 5, 7, 5, 3, 1, 4]  # the first epoch is counted too, so that patience=1 is not too long
    typical = [
        ([2, 4, 6, 1, 2, 0, 1], "you count the epochs from 0."),
        ([8, 5, 7, 5, 3, 3, 4], "your function looks at all epochs, also at those after training has stopped."),
        ([6, 8, 7, 4, 3, 2, 3], "that is the epoch where training stops. Which one before it was the best?"),
        ([6.0, 6.0, 5.0, 8.0, 3.0, 5.0, 8.0], "that is the best loss. In which epoch was it?"),
        ([3, 5, 7, 5, 3, 1, 2], "equal is not better: it must not start the counting again."),
        ([3, 5, 7, 5, 3, 3, 4], too_long, "you wait one epoch too long."),
        ([3, 2, 2, 2, 3, 1, 1], "you stop one epoch too early."),
        ([3, 5, 5, 2, 3, 1, 2], "only epochs in a row count: after a better one, counting starts again."),
        ([8, 5, 7, 2, 3, 1, 2], "compare with the best epoch so far, not with the one before."),
    ]
    otherwise = "that is not the best epoch."
    for (losses, patience, right), answer in zip(cases, answers, strict=True):
        if answer != right:
            otherwise = f"for best_epoch({losses}, {patience}) your function says {answer:g}. Go through it on paper."
            break
    compare("the epochs", torch.tensor(answers), torch.tensor([right for _, _, right in cases]), [*typical, otherwise])
    return "training stops where the next epochs would only have learnt the noise."
