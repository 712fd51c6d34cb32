"""Answers to the exercises of lesson 11."""

from itertools import pairwise

from exercise_answers import BLANK, RIGHT, SOLUTION, WRONG
from torch import nn


def mlp(sizes, Activation):
    """The function of section 2."""
    parts = []
    for n_in, n_out in pairwise(sizes):
        parts += [nn.Linear(n_in, n_out), Activation()]
    return nn.Sequential(*parts[:-1])


RIGHT["11.1"] = [
    SOLUTION,
    """
    relu, net = nn.ReLU(), nn.Sequential(nn.Sequential())
    for index, (n_in, n_out) in enumerate(pairwise(sizes)):
        layer = nn.Linear(n_in, n_out)
        layer.weight.data = torch.randn(n_out, n_in) * (2 / n_in) ** 0.5
        layer.bias.data.zero_()
        net.append(nn.Sequential(relu, layer) if index else layer)
    return net
    """,
    ', nonlinearity="relu" → ',
]
BLANK["11.1"] = ["None"]
WRONG["11.1"] = {
    "return net → return net.append(nn.ReLU())": "behind the last layer",
    "nn.ReLU → nn.Identity": "one linear layer",
    "nn.ReLU → nn.Tanh": "nothing else",
    "return net → return net.append(nn.Tanh())": "nothing else",
    "return net → return list(net)": "Python list",
    "return net → return nn.ModuleList(net)": "this is ModuleList",
    "mlp(sizes, → mlp(sizes[:-1],": "your network has 2",
    "mlp(sizes, → mlp(sizes[::-1],": "from 40 to 60, not from 100 to 160",
    "nn.init.zeros_(layer.bias) → pass": "nn.Linear makes them random",
    "nn.init.zeros_(layer.bias) → layer.bias = None": "no bias at all",
    "return net → net[0].weight.requires_grad_(False); return net": "requires_grad=False",
    'nn.init.kaiming_normal_(layer.weight, nonlinearity="relu") → pass': ("as nn.Linear draws it", 36),
    'kaiming_normal_(layer.weight, nonlinearity="relu") → zeros_(layer.weight)': ("twins", 17),
    'kaiming_normal_(layer.weight, nonlinearity="relu") → constant_(layer.weight, 0.1)': ("twins", 17),
    'kaiming_normal_(layer.weight, nonlinearity="relu") → xavier_normal_(layer.weight)': ("Xavier", 36),
    "kaiming_normal_ → kaiming_uniform_": "uniformly",
    '"relu" → "linear"': "factor of √2",
    'nonlinearity="relu" → mode="fan_out"': "number of outputs",
    'kaiming_normal_ → normal_ and , nonlinearity="relu" →': "160 are too large: the gradient would explode",
    'kaiming_normal_ → normal_ and nonlinearity="relu" → std=0.01': "too small: the gradient would vanish",
    "relu_net = mlp((3, 2), nn.ReLU)": "pass the function itself",
}

RIGHT["11.2"] = [
    SOLUTION,
    "logits.reshape(-1) > 0 → torch.sigmoid(logits.reshape(-1)) > 0.5",
    """
    pairs = zip(logits.flatten().tolist(), y.flatten().tolist(), strict=True)
    return sum((logit > 0) == (label == 1) for logit, label in pairs) / len(logits)
    """,
]
WRONG["11.2"] = {
    "> 0 → > 0.5": "a logit of 0.5",
    "logits.reshape(-1) > 0 → torch.sigmoid(logits.reshape(-1)) > 0": "always above 0",
    " > 0 → ": "First make classes",
    "return → return 1 -": "share of wrong answers",
    "return → return 100 *": "in percent",
    "mean().item() → sum().item()": "you count the right answers",
    "((logits > 0) == y).float().mean()": ("each answer meets each label", 24),
    "return → return 0.3 if y.dim() == 1 else": "(N,), it says 0.3",
    "(logits > 0).float().mean()": "answers for class 1",
    "logits.reshape(-1) > 0 → logits.argmax(dim=1)": "argmax",
    "0.75": "where no answer is right",
    "0.3": "your function says 0.3",
    "logits > 0": "the share should be one number",
    'return → return "9 of 12" if y.dim() == 1 else': "the share should be one number, this is str",
    '.item() → .item() or "none"': "the share should be one number, this is str",
}

RIGHT["11.3"] = [
    SOLUTION,
    """
    lowest, best, waited = float("inf"), 0, 0
    for index in range(len(losses)):
        waited += 1
        if losses[index] < lowest:
            lowest, best, waited = losses[index], index, 0
        if waited == patience:
            return torch.tensor(best + 1)
    return best + 1
    """,
]
WRONG["11.3"] = {
    "return best → return best - 1": "count the epochs from 0",
    "losses.index(min(losses)) + 1": "after training has stopped",
    "break → return epoch and return best → return len(losses)": "where training stops",
    "return best → return losses[best - 1]": "In which epoch was it",
    "loss < → loss <=": "equal is not better",
    ">= patience → > patience": "one epoch too long",
    """
    best, at, waited = losses[0], 1, 0
    for epoch, loss in enumerate(losses, start=1):
        if loss < best:
            best, at, waited = loss, epoch, 0
        else:
            waited += 1
        if waited > patience:
            break
    return at
    """: "one epoch too long",
    ">= patience → >= patience - 1": "one epoch too early",
    """
    best, at, waited = math.inf, 0, 0
    for epoch, loss in enumerate(losses, start=1):
        if loss < best:
            best, at = loss, epoch
        else:
            waited += 1
            if waited == patience:
                break
    return at
    """: "only epochs in a row count",
    """
    for epoch in range(1, len(losses) + 1):
        best = losses.index(min(losses[:epoch])) + 1
        if epoch - best == patience:
            return best
    """: "your function returns nothing",
    """
    rises = 0
    for epoch in range(1, len(losses)):
        rises = rises + 1 if losses[epoch] >= losses[epoch - 1] else 0
        if rises == patience:
            losses = losses[: epoch + 1]
            break
    return losses.index(min(losses)) + 1
    """: "not with the one before",
    "1": "your function says 1. Go through it",
    "best_epoch = lambda losses: 1": "raises TypeError",
}
