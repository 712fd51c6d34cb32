from exercise_answers import BLANK, RIGHT, WRONG

RIGHT["04.1"] = [
    "(f, (x, y)) → (f, x, retain_graph=True) + torch.autograd.grad(f, y)",
]
WRONG["04.1"] = {
    "(f, (x, y)) → (f, x) + torch.autograd.grad(f, y)": ("uses the graph up", 3),
    """
    (x * y + y**2).backward()
    return x.grad, y.grad
    """: "fills .grad",
    "return → f.backward(retain_graph=True); x.grad = y.grad = None; return": "empties .grad",
    "(f, (x, y)) → (f, x)": "only one derivative. Give grad the tensors together",
    "(f, (x, y)) → (f, x, y)": "only one derivative. Give grad the tensors together",
    "(f, (x, y)) → (f, (x, y, y))": "return two derivatives",
    "(f, (x, y)) → (f, (y, x))": "exchanged",
    "[torch.autograd.grad(x * y + y**2, part) for part in (x, y)]": "is a tuple",
    " + y**2 → ": "only one of its two parts",
    "torch.autograd.grad(x * y.detach() + y.detach() ** 2, (x, y), allow_unused=True)": "is None",
    "(x + y, x)": "∂f/∂x is not right",
    "(y, x - y)": "∂f/∂x is right, ∂f/∂y is not",
    "(2, 7)": "should be a tensor",
    "(y, x + 2 * y)": "nothing went backward",
}

RIGHT["04.2"] = ["torch.tensor(12.0), 17.0, torch.tensor([4])"]
BLANK["04.2"] = ["12, ..., 4"]
WRONG["04.2"] = {
    "8, 17, 4": "the value of x³",
    "6, 17, 4": "a factor and a square",
    "100, 17, 4": "first is not right",
    "12, 5, 4": ("new derivative alone", 1),
    "12, 22, 4": "the value of 5x",
    "12, 60, 4": "second is not right",
    "12, 17, 16": ("torch.autograd.grad add", 1),
    "12, 17, 21": "x.grad = None",
    "12, 17, 12": "goes elsewhere",
    "12, 17, 100": "third is not right",
}

RIGHT["04.3"] = ['{"Exp", "tanh "}']
BLANK["04.3"] = ['["exp", ...]']
WRONG["04.3"] = {
    '"exp"': "give a list",
    '["exp", "cos"]': "none of the five",
    '["sin", "square", "triple"]': "other way round",
    '["tanh", "exp", "triple"]': ("take triple out", 20),
    '["tanh", "exp", "sin"]': ("take sin out", 20),
    '["square", "exp"]': "take square out",
    "[]": "some of them do fail",
    '["exp"]': "derivative of tanh",
    '["tanh"]': "its own derivative",
}

RIGHT["04.4"] = ["torch.round(x).detach() + x - x.detach()"]
BLANK["04.4"] = ["y = torch.round(x)"]
WRONG["04.4"] = {
    "torch.round(x)": "through round alone. Start from x",
    "torch.round(x).detach()": ("everything is detached", 22),
    "x": "the value is x,",
    "x + torch.round(x).detach()": "x + round(x)",
    "x.detach() + torch.round(x) - x": "the derivative is −1",
    "x * (torch.round(x) / x).detach()": "not 1 everywhere",
    "torch.round(x.detach()).requires_grad_()": "the x that came in",
    "return → x.data.round_(); return": "changed x itself",
    "torch.floor(x)": "not torch.round(x)",
    "torch.round(x).sum()": "should have shape (3,)",
}
