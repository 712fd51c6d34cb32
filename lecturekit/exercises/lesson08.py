"""Exercises of notebook 08, layers and activations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..checks import Hint, NotAttempted, as_number, as_tensor, call, close, exercise, seeded


def _shape(name: str, value: object) -> tuple[int, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise Hint(f"{name} should be a tuple of numbers, such as (10, 2). This is {type(value).__name__}.")
    if any(number is ... for number in value):
        raise NotAttempted(f"a number in {name} is still blank.")
    if not all(isinstance(number, int) for number in value):
        raise Hint(f"{name} should hold whole numbers only.")
    return tuple(value)


@exercise("08.1")
def shapes_on_paper(weight_shape: object, output_shape: object, num_parameters: object) -> str:
    # The numbers of examples, inputs, neurons and outputs are all different, so each mistake shows.
    N, inputs, neurons, outputs = 7, 4, 5, 3
    first, second = neurons * inputs + neurons, outputs * neurons + outputs

    weight_shape = _shape("weight_shape", weight_shape)
    if weight_shape == (inputs, neurons):
        raise Hint("weight_shape: that is the order in which the layer is made. One row of the weight is one neuron.")
    if weight_shape == (neurons,):
        raise Hint("weight_shape: that is the shape of the bias.")
    if N in weight_shape:
        raise Hint("weight_shape: a weight does not depend on the number of examples.")
    if weight_shape != (neurons, inputs):
        raise Hint("weight_shape is not right. How many neurons has the first layer, and how many inputs has each?")

    output_shape = _shape("output_shape", output_shape)
    if output_shape == (outputs, N):
        raise Hint("output_shape: the examples are the rows.")
    if output_shape == (N, neurons):
        raise Hint("output_shape: that is what comes out of the first layer.")
    if output_shape == (outputs,):
        raise Hint("output_shape: that would be one example. How many come in?")
    if output_shape != (N, outputs):
        raise Hint("output_shape is not right. How many examples go in, and how many numbers come out for each?")

    number = as_number("num_parameters", num_parameters)
    if number == first + second:
        return "weights, biases, and nothing for tanh."
    if number == neurons * inputs + outputs * neurons:
        raise Hint("num_parameters: these are the weights. What else has a neuron?")
    if number in (first, second):
        raise Hint("num_parameters: that is one of the two layers.")
    if number == 4:
        raise Hint("num_parameters: you counted the tensors. Count the numbers in them.")
    if number == N * (first + second):
        raise Hint("num_parameters: all examples share the same parameters.")
    if number in (first + second + 1, first + second + neurons):
        raise Hint("num_parameters: a little too many. Has tanh anything to train?")
    raise Hint("num_parameters is not right. Count layer by layer: the weights, then the biases.")


_CORNERS = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], dtype=torch.float64)


@exercise("08.2")
def xor_by_hand(W1: object, b1: object, W2: object, b2: object) -> str:
    for name, value, shape in (("W1", W1, (2, 2)), ("W2", W2, (1, 2))):
        if isinstance(value, Tensor) and tuple(value.shape) == shape[::-1] != shape:
            raise Hint(f"{name} lies the wrong way: a weight has the shape (out, in).")
        as_tensor(name, value, shape)
    as_tensor("b1", b1, (2,)), as_tensor("b2", b2, (1,))
    W1, b1, W2, b2 = (tensor.detach().double() for tensor in (W1, b1, W2, b2))
    hidden = torch.relu(F.linear(_CORNERS, W1, b1))
    answers = F.linear(hidden, W2, b2).flatten()
    if close(answers, torch.tensor([0.0, 1.0, 1.0, 0.0])):
        return "two neurons do what one cannot."
    table = {
        (0.0, 1.0, 1.0, 1.0): "that is OR: it says 1 to (1, 1) as well.",
        (0.0, 0.0, 0.0, 1.0): "that is AND: one neuron is enough for it.",
        (1.0, 0.0, 0.0, 1.0): "exactly the other way round: 1 where the inputs are equal.",
        (
            0.0,
            1.0,
            1.0,
            2.0,
        ): "your network counts the ones. What must the second neuron take away from the last answer?",
    }
    for wrong, hint in table.items():
        if close(answers, torch.tensor(wrong)):
            raise Hint(hint)
    if torch.equal(W1[0], W1[1]) and b1[0] == b1[1]:
        raise Hint("your two neurons are twins: same weights, same bias. Together they can do no more than one.")
    if close(hidden, F.linear(_CORNERS, W1, b1)):
        raise Hint("relu has nothing to do here: no net input is negative. So the network is linear, and XOR is not.")
    wrong = next(i for i, right in enumerate((0, 1, 1, 0)) if not close(answers[i], right))
    corner = tuple(int(value) for value in _CORNERS[wrong])
    raise Hint(f"for the input {corner} your network gives {answers[wrong].item():.4g}. Go through it on paper.")


def _module(function: object, *args: object) -> nn.Module:
    if isinstance(function, nn.Module):
        raise Hint("hand over the class itself, not a module made from it.")
    try:
        module = call(function, *args)
    except Hint as hint:
        if "Module.__init__() call" in str(hint):
            raise Hint("the register is not there yet. With which line does the __init__ of a module begin?") from hint
        if "'float' object has no attribute 'detach'" in str(hint) or "'int' object has no attribute" in str(hint):
            raise Hint("a Parameter is made from a tensor, and you gave it a plain number.") from hint
        if "can require gradients" in str(hint):
            raise Hint("whole numbers cannot be trained. Make a tensor of floating point numbers.") from hint
        raise
    if not isinstance(module, nn.Module):
        raise Hint(f"a class that inherits from nn.Module is asked for, this makes {type(module).__name__}.")
    return module


@exercise("08.3")
def tower(function: object) -> str:
    with seeded():
        return _tower(function)


def _tower(function: object) -> str:
    num_layers = 3
    module = _module(function, num_layers)
    layers, scale = getattr(module, "layers", None), getattr(module, "scale", None)
    if any(part is ... or part is None for part in (layers, scale)):
        raise NotAttempted("fill in self.layers and self.scale.")
    if not isinstance(layers, Iterable):
        raise Hint(f"layers: something with several layers is asked for, this is one {type(layers).__name__}.")
    if isinstance(layers, list | tuple):
        raise Hint("layers: the module does not look into a Python list, so the optimiser misses these layers.")
    if not isinstance(scale, Tensor):
        raise Hint(
            f"scale: a number that is trained must be a tensor of a special kind. This is {type(scale).__name__}."
        )
    if not isinstance(scale, nn.Parameter):
        if any(scale is buffer for buffer in module.buffers()):
            raise Hint("scale: a buffer is saved, but not trained.")
        raise Hint("scale: a plain tensor is not registered, so the optimiser misses it.")
    linear = [part for part in module.modules() if isinstance(part, nn.Linear)]
    uses = sum(isinstance(part, nn.Linear) for part in layers)
    if uses > len(linear):
        raise Hint("layers: it is the same layer again and again. Make a new one each time.")
    if len(linear) != num_layers:
        raise Hint(f"layers: Tower({num_layers}) should have {num_layers} linear layers, this one has {len(linear)}.")
    if any(tuple(part.weight.shape) != (2, 2) or part.bias is None for part in linear):
        raise Hint("layers: each should be nn.Linear(2, 2), with its bias.")
    if scale.numel() != 1:
        raise Hint(f"scale should be one number, this is a tensor of shape {tuple(scale.shape)}.")
    if scale.item() != 1:
        raise Hint("scale should start at 1.")
    if not all(parameter.requires_grad for parameter in module.parameters()):
        raise Hint("one of the parameters has requires_grad=False, so it is not trained.")
    X = torch.tensor([[3.0, 1.0], [1.0, 2.0], [-1.0, 4.0]])
    expected = X
    for part in linear:
        expected = torch.relu(part(expected))
    with torch.no_grad():
        scale.fill_(2.0)
    if not close(as_tensor("the output", call(module, X), (3, 2)), 2 * expected.detach()):
        raise Hint("all is registered, but forward does something else now: layer and relu, n times, then the scale.")
    taller = sum(isinstance(part, nn.Linear) for part in _module(function, num_layers + 2).modules())
    if taller != num_layers + 2:
        raise Hint(f"layers: Tower({num_layers}) is right, but Tower({num_layers + 2}) has {taller} linear layers.")
    return "the optimiser sees every layer and the scale."


@exercise("08.4")
def standardise(function: object) -> str:
    X_train = torch.tensor([[1.0, 10.0], [3.0, 30.0], [8.0, 20.0]])
    X_new = torch.tensor([[2.0, 40.0], [5.0, 10.0]])
    mean, std = X_train.mean(dim=0), X_train.std(dim=0)
    right = (X_new - mean) / std

    module = _module(function, X_train.clone())
    answer = as_tensor("the output", call(module, X_new.clone()), (2, 2))
    if not close(answer, right):
        if close(answer, (X_new - X_new.mean(dim=0)) / X_new.std(dim=0)):
            raise Hint("your forward uses the mean of the data that comes in. It should be that of the training data.")
        if close(answer, (X_new - X_train.mean()) / X_train.std()):
            raise Hint("that is one mean for the whole table. Each column has its own.")
        if close(answer, X_new - mean):
            raise Hint("the mean is taken away, but the division by the standard deviation is missing.")
        if close(answer, (X_new - mean) / std**2):
            raise Hint("you divide by the variance. The standard deviation is asked for.")
        if close(answer, (X_new - mean) / X_train.std(dim=0, correction=0)):
            raise Hint("your standard deviation divides by N. Use std(dim=0) as it is, which divides by N − 1.")
        raise Hint("the output is not (X − mean) / std, column by column.")
    if any(parameter.requires_grad for parameter in module.parameters()):
        raise Hint("right numbers, but they are parameters: the optimiser would train them.")
    if not module.state_dict():
        raise Hint("right numbers, but the state_dict is empty: they are not saved.")
    # What counts is that another module is like this one as soon as it has loaded its state.
    other = _module(function, 5 * X_train + 1)
    try:
        other.load_state_dict(module.state_dict())
    except RuntimeError as error:
        raise Hint("another module of your class cannot load the state_dict of this one.") from error
    if not close(as_tensor("the output", call(other, X_new.clone()), (2, 2)), right):
        raise Hint("right numbers, but only a part of them is saved in the state_dict.")
    return "saved with the model, and never trained."
