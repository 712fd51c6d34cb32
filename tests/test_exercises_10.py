"""The checks of notebook 10 tell typical wrong answers apart and accept right ones written differently."""

import torch
from exercise_answers import ExerciseAnswers
from torch import nn

from lecturekit.checks import judge


def t(*rows):
    return torch.tensor(rows)


ONES = torch.ones(2, 2)
XOR = (ONES, t(0.0, -1.0), t([1.0, -2.0]), t(0.0))


class Tower(nn.Module):
    def __init__(self, num_layers):
        super().__init__()
        self.layers = self.make_layers(num_layers)
        self.scale = self.make_scale()

    def make_layers(self, num_layers):
        return nn.ModuleList([nn.Linear(2, 2) for _ in range(num_layers)])

    def make_scale(self):
        return nn.Parameter(torch.ones(1))

    def forward(self, X):
        for layer in self.layers:
            X = torch.relu(layer(X))
        return self.scale * X


def tower(layers=Tower.make_layers, scale=Tower.make_scale, forward=Tower.forward):
    """A Tower with one of its methods replaced."""
    methods = {"make_layers": layers, "make_scale": scale, "forward": forward}
    return type("Changed", (Tower,), methods)


class SequentialTower(nn.Module):
    def __init__(self, num_layers):
        super().__init__()
        self.layers = nn.Sequential()
        for _ in range(num_layers):
            self.layers.extend([nn.Linear(2, 2), nn.ReLU()])
        self.scale = nn.Parameter(torch.tensor(1.0))

    def forward(self, X):
        return self.layers(X) * self.scale


class Headless(nn.Module):
    def __init__(self, num_layers):
        self.layers = nn.ModuleList()


def with_frozen_layer(self, num_layers):
    layers = Tower.make_layers(self, num_layers)
    layers[0].weight.requires_grad_(False)
    return layers


def buffer_as_scale(self):
    self.register_buffer("kept", torch.ones(1))
    return self.kept


def forward_without_relu(self, X):
    for layer in self.layers:
        X = layer(X)
    return self.scale * X


def forward_without_scale(self, X):
    for layer in self.layers:
        X = torch.relu(layer(X))
    return X


RIGHT = [
    ("10.1", [(5, 4), (7, 3), 43], [nn.Linear(4, 5).weight.shape, [7, 3], torch.tensor(43)]),
    ("10.2", XOR, [t([1, -1], [-1, 1]), t(0, 0), t([1, 1]), t(0)]),
    ("10.3", [Tower], [SequentialTower]),
]

WRONG = [
    ("10.1", [(4, 5), (7, 3), 43], "in that order"),
    ("10.1", [(5,), (7, 3), 43], "the shape of the bias"),
    ("10.1", [(7, 5), (7, 3), 43], "number of examples"),
    ("10.1", [(5, 5), (7, 3), 43], "weight_shape is not right"),
    ("10.1", ["(5, 4)", (7, 3), 43], "weight_shape should be a tuple"),
    ("10.1", [(5, 4), 7, 43], "output_shape should be a tuple of numbers, such as (10, 2). This is int"),
    ("10.1", [t(5, 4), (7, 3), 43], "This is Tensor"),
    ("10.1", [(5, 4.0), (7, 3), 43], "whole numbers only"),
    ("10.1", [(5, 4), (3, 7), 43], "the examples are the rows"),
    ("10.1", [(5, 4), (7, 5), 43], "out of the first layer"),
    ("10.1", [(5, 4), (3,), 43], "would be one example"),
    ("10.1", [(5, 4), (7, 4), 43], "output_shape is not right"),
    ("10.1", [(5, 4), (7, 3), 35], "What else has a neuron"),
    ("10.1", [(5, 4), (7, 3), 25], "one of the two layers"),
    ("10.1", [(5, 4), (7, 3), 18], "one of the two layers"),
    ("10.1", [(5, 4), (7, 3), 4], "counted the tensors"),
    ("10.1", [(5, 4), (7, 3), 301], "share the same parameters"),
    ("10.1", [(5, 4), (7, 3), 48], "Has tanh anything to train"),
    ("10.1", [(5, 4), (7, 3), 44], "Has tanh anything to train"),
    ("10.1", [(5, 4), (7, 3), 50], "layer by layer"),
    ("10.1", [(5, 4), (7, 3), "43"], "should be one number"),
    ("10.2", [ONES, t(0.0, -1.0), t([1.0, -1.0]), t(0.0)], "that is OR"),
    ("10.2", [ONES, t(-1.0, -1.0), t([1.0, 0.0]), t(0.0)], "that is AND"),
    ("10.2", [ONES, t(0.0, -1.0), t([-1.0, 2.0]), t(1.0)], "other way round"),
    ("10.2", [ONES, t(0.0, -1.0), t([1.0, 0.0]), t(0.0)], "counts the ones"),
    ("10.2", [ONES, t(0.0, 0.0), t([1.0, -2.0]), t(0.0)], "are twins"),
    ("10.2", [ONES, t(0.0, 1.0), t([1.0, -2.0]), t(0.0)], "relu has nothing to do"),
    ("10.2", [ONES, t(0.0, -1.0), t([1.0, -3.0]), t(0.0)], "for the input (1, 1) your network gives -1"),
    ("10.2", [ONES, t(0.0, -1.0), t([1.0, -2.0]), t(1.0)], "for the input (0, 0) your network gives 1."),
    ("10.2", [t([1.0, 2.0], [1.0, 1.0]), *XOR[1:]], "for the input (0, 1) your network gives 2"),
    ("10.2", [ONES, t(0.0, -1.0), t([1.0], [-2.0]), t(0.0)], "lies the wrong way"),
    ("10.2", [ONES, torch.zeros(1, 2), t([1.0, -2.0]), t(0.0)], "b1 should have shape (2,)"),
    ("10.2", [[[1, 1], [1, 1]], t(0.0, -1.0), t([1.0, -2.0]), t(0.0)], "W1 should be a tensor"),
    ("10.3", [tower(layers=lambda self, n: [nn.Linear(2, 2) for _ in range(n)])], "Python list"),
    ("10.3", [tower(layers=lambda self, n: nn.ModuleList([nn.Linear(2, 2)] * n))], "again and again"),
    ("10.3", [tower(layers=lambda self, n: Tower.make_layers(self, 2))], "this one has 2"),
    ("10.3", [tower(layers=lambda self, n: Tower.make_layers(self, 3))], "Tower(5) has 3"),
    ("10.3", [tower(layers=lambda self, n: nn.ModuleList(nn.Linear(2, 2, bias=False) for _ in range(n)))], "bias"),
    ("10.3", [tower(layers=lambda self, n: nn.Linear(2, 2))], "this is one Linear"),
    ("10.3", [tower(layers=with_frozen_layer)], "requires_grad=False"),
    ("10.3", [tower(scale=lambda self: torch.ones(1, requires_grad=True))], "plain tensor is not registered"),
    ("10.3", [tower(scale=buffer_as_scale)], "saved, but not trained"),
    ("10.3", [tower(scale=lambda self: 1.0)], "This is float"),
    ("10.3", [tower(scale=lambda self: nn.Parameter(1.0))], "a plain number"),
    ("10.3", [tower(scale=lambda self: nn.Parameter(1))], "a plain number"),
    ("10.3", [tower(scale=lambda self: nn.Parameter(torch.tensor(1)))], "whole numbers cannot be trained"),
    ("10.3", [tower(scale=lambda self: nn.Parameter(torch.ones(2)))], "should be one number"),
    ("10.3", [tower(scale=lambda self: nn.Parameter(torch.zeros(1)))], "start at 1"),
    ("10.3", [tower(forward=forward_without_relu)], "forward does something else"),
    ("10.3", [tower(forward=forward_without_scale)], "forward does something else"),
    ("10.3", [Headless], "With which line does the __init__"),
    ("10.3", [Tower(3)], "the class itself"),
    ("10.3", [list], "raises TypeError"),
    ("10.3", [lambda num_layers: num_layers], "inherits from nn.Module"),
]

BLANKS = [
    ("10.1", [(5, 4), ..., 43], [(5, ...), (7, 3), 43]),
    ("10.2", [*XOR[:3], ...]),
    ("10.3", [tower(layers=lambda self, n: ..., scale=lambda self: ...)], [tower(scale=lambda self: ...)]),
]


class TestAnswers(ExerciseAnswers):
    right, wrong, blanks = RIGHT, WRONG, BLANKS


def test_a_check_leaves_the_random_numbers_alone():
    torch.manual_seed(1)
    judge("10.3", Tower)
    after = torch.rand(1)
    torch.manual_seed(1)
    assert torch.equal(after, torch.rand(1))
