from exercise_answers import BLANK, RIGHT, WRONG

RIGHT["10.1"] = ["nn.Linear(4, 5).weight.shape, [7, 3], torch.tensor(43)"]
BLANK["10.1"] = ["(5, 4), ..., 43", "(5, ...), (7, 3), 43"]
WRONG["10.1"] = {
    "(4, 5), (7, 3), 43": ("in that order", 26),
    "(5,), (7, 3), 43": "the shape of the bias",
    "(7, 5), (7, 3), 43": "number of examples",
    "(5, 5), (7, 3), 43": "weight_shape is not right",
    '"(5, 4)", (7, 3), 43': "weight_shape should be a tuple",
    "(5, 4), 7, 43": "output_shape should be a tuple of numbers, such as (10, 2). This is int",
    "torch.tensor([5, 4]), (7, 3), 43": "This is Tensor",
    "(5, 4.0), (7, 3), 43": "whole numbers only",
    "(5, 4), (3, 7), 43": "the examples are the rows",
    "(5, 4), (7, 5), 43": "out of the first layer",
    "(5, 4), (3,), 43": "would be one example",
    "(5, 4), (7, 4), 43": "output_shape is not right",
    "(5, 4), (7, 3), 35": "What else has a neuron",
    "(5, 4), (7, 3), 25": "one of the two layers",
    "(5, 4), (7, 3), 18": "one of the two layers",
    "(5, 4), (7, 3), 4": "counted the tensors",
    "(5, 4), (7, 3), 301": "share the same parameters",
    "(5, 4), (7, 3), 48": "Has tanh anything to train",
    "(5, 4), (7, 3), 50": "layer by layer",
}

RIGHT["10.2"] = [
    "torch.tensor([[1, -1], [-1, 1]]), torch.tensor([0, 0]), torch.tensor([[1, 1]]), torch.tensor([0])",
]
BLANK["10.2"] = ["b2 = torch.tensor([0.0]) → b2 = ..."]
WRONG["10.2"] = {
    "-2.0 → -1.0": "that is OR",
    "b1 = torch.tensor([0.0, -1.0]) → b1 = torch.tensor([-1.0, -1.0]) and -2.0 → 0.0": "that is AND",
    "[1.0, -2.0] → [-1.0, 2.0] and b2 = torch.tensor([0.0]) → b2 = torch.tensor([1.0])": "other way round",
    "-2.0 → 0.0": "counts the ones",
    "[0.0, -1.0] → [0.0, 0.0]": "are twins",
    "[0.0, -1.0] → [0.0, 1.0]": "relu has nothing to do",
    "-2.0 → -3.0": "for the input (1, 1) your network gives -1",
    "b2 = torch.tensor([0.0]) → b2 = torch.tensor([1.0])": "for the input (0, 0) your network gives 1.",
    "[[1.0, 1.0], → [[1.0, 2.0],": "for the input (0, 1) your network gives 2",
    "[[1.0, -2.0]] → [[1.0], [-2.0]]": ("lies the wrong way", 26),
    "[0.0, -1.0] → [[0.0, -1.0]]": "b1 should have shape (2,)",
    "torch.tensor([[1.0, 1.0], [1.0, 1.0]]) → [[1.0, 1.0], [1.0, 1.0]]": "W1 should be a tensor",
}

RIGHT["10.3"] = ["[nn.Linear(2, 2) → [nn.Sequential(nn.Linear(2, 2), nn.ReLU()) and torch.ones(1) → torch.tensor(1.0)"]
BLANK["10.3"] = ["nn.Parameter(torch.ones(1)) → ..."]
WRONG["10.3"] = {
    "nn.ModuleList([ → list([": ("look into a list", 16),
    "nn.Linear(2, 2) for _ in range(num_layers)] → nn.Linear(2, 2)] * num_layers": "again and again",
    "range(num_layers) → range(2)": "this one has 2",
    "range(num_layers) → range(3)": "Tower(5) has 3",
    "nn.Linear(2, 2) → nn.Linear(2, 2, bias=False)": "with its bias",
    "nn.ModuleList([nn.Linear(2, 2) for _ in range(num_layers)]) → nn.Linear(2, 2)": "this is one Linear",
    "self.scale = → self.layers[0].weight.requires_grad_(False); self.scale =": "requires_grad=False",
    "nn.Parameter(torch.ones(1)) → torch.ones(1, requires_grad=True)": "plain tensor is not registered",
    "nn.Parameter → nn.Buffer": "saved, but not trained",
    "nn.Parameter(torch.ones(1)) → 1.0": "This is float",
    "torch.ones(1) → 1.0": "a plain number",
    "torch.ones(1) → 1": "a plain number",
    "torch.ones(1) → torch.tensor(1)": "whole numbers cannot be trained",
    "torch.ones(1) → torch.ones(2)": "should be one number",
    "torch.ones(1) → torch.zeros(1)": "start at 1",
    "torch.relu(layer(X)) → layer(X)": "forward does something else",
    "self.scale * X → X": "forward does something else",
    "super().__init__() → pass": "With which line does the __init__",
    "Tower = nn.Linear(2, 2)": "the class itself",
    "Tower = lambda num_layers: num_layers": "should inherit from nn.Module",
}
