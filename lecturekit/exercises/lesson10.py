"""Exercises of notebook 10, layers and activations."""

from collections.abc import Iterable, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..checks import Hint, NotAttempted, call, exercise, hint_if
from .common import as_tensor, as_whole_numbers, close, compare


def _compare_shape(name: str, answer: object, right: tuple, hints: Mapping[tuple, str], otherwise: str) -> None:
    if not isinstance(answer, Sequence) or isinstance(answer, str):
        raise Hint(f"{name} should be a tuple of numbers, such as (10, 2). This is {type(answer).__name__}.")
    shape = tuple(as_whole_numbers(name, answer, f"{name} should hold whole numbers only."))
    hint_if(shape != right, hints.get(shape, otherwise))


@exercise("10.1", "Write 4 → 5 and 5 → 3 beside the layers. A weight is (out, in), and each neuron has a bias.")
def shapes_on_paper(weight_shape: object, output_shape: object, num_parameters: object) -> str:
    # The numbers of examples, inputs, neurons and outputs are all different, so each mistake shows.
    N, inputs, neurons, outputs = 7, 4, 5, 3
    with_N = [(N, inputs), (N, neurons), (N, outputs), (inputs, N), (neurons, N)]
    typical = {
        (inputs, neurons): "weight_shape: you make the layer in that order. One row of the weight is one neuron.",
        (neurons,): "weight_shape: that is the shape of the bias.",
        **dict.fromkeys(with_N, "weight_shape: a weight does not depend on the number of examples."),
    }
    otherwise = "weight_shape is not right. How many neurons has the first layer, and how many inputs has each?"
    _compare_shape("weight_shape", weight_shape, (neurons, inputs), typical, otherwise)
    typical = {
        (outputs, N): "output_shape: the examples are the rows.",
        (N, neurons): "output_shape: that is what comes out of the first layer.",
        (outputs,): "output_shape: that would be one example. How many come in?",
    }
    otherwise = "output_shape is not right. How many examples go in, and how many numbers come out for each?"
    _compare_shape("output_shape", output_shape, (N, outputs), typical, otherwise)
    first, second = neurons * inputs + neurons, outputs * neurons + outputs
    right = first + second
    typical = [
        (neurons * inputs + outputs * neurons, "num_parameters: these are the weights. What else has a neuron?"),
        (first, second, "num_parameters: that is one of the two layers."),
        (4, "num_parameters: you counted the tensors. Count the numbers in them."),
        (N * right, "num_parameters: all examples share the same parameters."),
        (right + 1, right + neurons, "num_parameters: a little too many. Has tanh anything to train?"),
        "num_parameters is not right. Count layer by layer: the weights, then the biases.",
    ]
    compare("num_parameters", num_parameters, right, typical)
    return "the layers have weights and biases, and tanh has nothing to train."


@exercise("10.2", "Let the first neuron count the ones, and the second stay at 0 until there are two of them.")
def xor_by_hand(W1: object, b1: object, W2: object, b2: object) -> str:
    corners = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], dtype=torch.float64)
    xor = torch.tensor([0.0, 1.0, 1.0, 0.0])
    for name, value, shape in (("W1", W1, (2, 2)), ("W2", W2, (1, 2)), ("b1", b1, (2,)), ("b2", b2, (1,))):
        if isinstance(value, Tensor) and tuple(value.shape) == shape[::-1] != shape:
            raise Hint(f"{name} lies the wrong way: a weight has the shape (out, in).")
        as_tensor(name, value, shape)
    W1, b1, W2, b2 = (tensor.detach().double() for tensor in (W1, b1, W2, b2))
    net_input = F.linear(corners, W1, b1)
    answers = F.linear(torch.relu(net_input), W2, b2).flatten()
    typical = [
        ([0.0, 1.0, 1.0, 1.0], "that is OR: it says 1 to (1, 1) as well."),
        ([0.0, 0.0, 0.0, 1.0], "that is AND: one neuron is enough for it."),
        ([1.0, 0.0, 0.0, 1.0], "it is exactly the other way round: 1 where the inputs are equal."),
        ([0.0, 1.0, 1.0, 2.0], "your network counts the ones. What must the second neuron take away for (1, 1)?"),
    ]
    if torch.equal(W1[0], W1[1]) and b1[0] == b1[1]:
        otherwise = "your two neurons are twins: same weights, same bias. Together they can do no more than one."
    elif close(torch.relu(net_input), net_input):
        otherwise = "relu has nothing to do: no net input is negative. So the network is linear, and XOR is not."
    else:
        wrong = (answers - xor).abs().argmax()
        corner = tuple(corners[wrong].int().tolist())
        otherwise = f"for the input {corner} your network gives {answers[wrong]:.6g}. Go through it on paper."
    compare("the answers", answers, xor, [*typical, otherwise])
    return "two neurons do what one cannot."


def _module(function: object, *args: object) -> nn.Module:
    hint_if(isinstance(function, nn.Module), "pass the class itself, not a module made from it.")
    plain_number = "a Parameter is made from a tensor, and you gave it a plain number."
    hints = {
        "__init__() call": "the register is not there yet. With which line does the __init__ of a module begin?",
        "'float' object has no attribute 'detach'": plain_number,
        "'int' object has no attribute": plain_number,
        "can require gradients": "whole numbers cannot be trained. Make a tensor of floating point numbers.",
    }
    module = call(function, *args, hints=hints)
    hint_if(not isinstance(module, nn.Module), f"it should inherit from nn.Module, this makes {type(module).__name__}.")
    return module


@exercise("10.3", "Section 5: an nn.ModuleList registers a list of layers, and an nn.Parameter a number.")
def tower(function: object) -> str:
    num_layers = 3
    module = _module(function, num_layers)
    layers, scale = getattr(module, "layers", None), getattr(module, "scale", None)
    if any(part is ... or part is None for part in (layers, scale)):
        raise NotAttempted("fill in self.layers and self.scale.")
    hint_if(not isinstance(layers, Iterable), f"layers: several are asked for, this is one {type(layers).__name__}.")
    hint_if(isinstance(layers, list | tuple), "layers: a module does not look into a list: nothing in it is trained.")
    if not isinstance(scale, Tensor):
        raise Hint(f"scale: to be trained, a number must be a special kind of tensor. This is {type(scale).__name__}.")
    hint_if(any(scale is buffer for buffer in module.buffers()), "scale: a buffer is saved, but not trained.")
    hint_if(not isinstance(scale, nn.Parameter), "scale: a plain tensor is not registered, so the optimiser misses it.")
    linear = _linear_layers(module)
    if sum(isinstance(part, nn.Linear) for part in layers) > len(linear):
        raise Hint("layers: it is the same layer again and again. Make a new one each time.")
    if len(linear) != num_layers:
        raise Hint(f"layers: Tower({num_layers}) should have {num_layers} linear layers, this one has {len(linear)}.")
    if any(layer.weight.shape != (2, 2) or layer.bias is None for layer in linear):
        raise Hint("layers: each should be nn.Linear(2, 2), with its bias.")
    hint_if(scale.numel() != 1, f"scale should be one number, this is a tensor of shape {tuple(scale.shape)}.")
    hint_if(scale.item() != 1, "scale should start at 1.")
    if not all(parameter.requires_grad for parameter in module.parameters()):
        raise Hint("one of the parameters has requires_grad=False, so it is not trained.")
    X = torch.tensor([[3.0, 1.0], [1.0, 2.0], [-1.0, 4.0]])
    right = X
    for layer in linear:
        right = torch.relu(layer(right))
    with torch.no_grad():
        scale.fill_(2.0)
    hint = "all is registered, but forward does something else now: layer and relu, n times, then the scale."
    compare("the output", call(module, X), 2 * right.detach(), [hint])
    taller = len(_linear_layers(_module(function, num_layers + 2)))
    if taller != num_layers + 2:
        raise Hint(f"layers: Tower({num_layers}) is right, but Tower({num_layers + 2}) has {taller} linear layers.")
    return "the optimiser sees every layer and the scale."


def _linear_layers(module: nn.Module) -> list[nn.Linear]:
    return [part for part in module.modules() if isinstance(part, nn.Linear)]
