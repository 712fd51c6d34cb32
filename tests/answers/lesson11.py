from exercise_answers import RIGHT, WRONG

RIGHT["11.1"] = [
    "return net → return nn.Sequential(net[:1], nn.Sequential(*net[1:]))",
    'kaiming_normal_(layer.weight, nonlinearity="relu") → normal_(layer.weight, std=(2 / layer.in_features) ** 0.5)',
    ', nonlinearity="relu" → ',
]
WRONG["11.1"] = {
    "return net → return net.append(nn.ReLU())": "behind the last layer",
    "nn.ReLU → nn.Identity": "one linear layer",
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
    'kaiming_normal_(layer.weight, nonlinearity="relu") → xavier_normal_(layer.weight)': ("Xavier", 36),
    "kaiming_normal_ → kaiming_uniform_": "uniformly",
    '"relu" → "linear"': "factor of √2",
    'nonlinearity="relu" → mode="fan_out"': "number of outputs",
    'kaiming_normal_ → normal_ and , nonlinearity="relu" →': "160 are too large: the gradient would explode",
    'kaiming_normal_ → normal_ and nonlinearity="relu" → std=0.01': "too small: the gradient would vanish",
    "relu_net = mlp((3, 2), nn.ReLU)": "pass the function itself",
}

RIGHT["11.2"] = ["logits.reshape(-1) > 0 → torch.sigmoid(logits.reshape(-1)) > 0.5"]
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
}

RIGHT["11.3"] = ["return best → return torch.tensor([best])"]
WRONG["11.3"] = {
    "return best → return best - 1": "count the epochs from 0",
    "losses.index(min(losses)) + 1": "after training has stopped",
    "break → return epoch and return best → return len(losses)": "where training stops",
    "return best → return losses[best - 1]": "In which epoch was it",
    "loss < → loss <=": "equal is not better",
    ">= patience → > patience": "one epoch too long",
    ">= patience → >= patience + (best > 1)": "one epoch too long",
    ">= patience → >= patience - 1": "one epoch too early",
    """
    best, worse = 1, 0
    for epoch, loss in enumerate(losses[1:], start=2):
        if loss < losses[best - 1]:
            best = epoch
        else:
            worse += 1
            if worse == patience:
                break
    return best
    """: "only epochs in a row count",
    "return best → pass and break → return best": "your function returns nothing",
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
}
