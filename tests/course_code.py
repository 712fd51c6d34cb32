"""Each kind of code that an introductory course can write, as a cell; test_graph_kinds.py runs them.

In each cell, `f` is what is differentiated. Where its backward pass matters, the cell says ``back(f)``.
"""

import copy

import torch
import torch.nn.functional as F
from graph_samples import leaf
from torch import nn
from torch.utils.checkpoint import checkpoint

keep_graph = True


def back(f, gradient=None):
    f.backward(gradient, retain_graph=keep_graph)


class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clone() * x * x

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return 3 * x * x * grad


class Sigmoid(torch.autograd.Function):  # not what the name promises
    @staticmethod
    def forward(ctx, x):
        return x.flip(0)

    @staticmethod
    def backward(ctx, grad):
        return grad.flip(0)


# %% reflected_operators
x = leaf(0.5, 2.0)
u = 1 - x
v = 2 / x
f = (2**x + u * v - 7).sum()

# %% vector_and_matrix
X, w, b = torch.arange(12.0).reshape(4, 3), leaf(0.1, -0.2, 0.3), leaf([[0.5], [1.0]])
y_hat = X @ w + b
f = ((y_hat - 1) ** 2).mean()

# %% vector_jacobian_product
x = torch.linspace(1, 10, 10, requires_grad=True)
f = 3 * x**2 + 2 * x
back(f, torch.ones(10))

# %% mlp_with_mse
model, X, y = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)), torch.randn(5, 3), torch.randn(5)
y_hat = model(X).squeeze(1)
f = nn.MSELoss()(y_hat, y)
W1, b1, W2 = model[0].weight, model[0].bias, model[2].weight

# %% cross_entropy
W, X, y = leaf([[0.1, 0.2], [0.3, -0.4], [0.0, 0.5]]), torch.randn(4, 2), torch.tensor([0, 2, 1, 2])
logits = F.linear(X, W)
f = F.cross_entropy(logits, y)

# %% training_steps
models, X, y = [nn.Linear(2, 1), nn.Linear(2, 1)], torch.randn(6, 2), torch.randn(6, 1)
momentum = torch.optim.SGD(models[0].parameters(), lr=0.1, momentum=0.9)
adam = torch.optim.Adam(models[1].parameters(), lr=0.1, foreach=True)
for _ in range(3):
    f = F.mse_loss(models[0](X), y) + F.mse_loss(models[1](X), y)
    momentum.zero_grad()
    adam.zero_grad(set_to_none=False)
    back(f)
    momentum.step()
    adam.step()
(w, b), (v, c) = (model.parameters() for model in models)

# %% manual_steps
w, x = leaf(2.0), torch.tensor(3.0)
for _ in range(3):
    f = (w * x - 1) ** 2
    back(f)
    with torch.no_grad():
        w -= 0.01 * w.grad
        w.grad.zero_()

# %% growing_chain
w, x = leaf(2.0), torch.tensor(3.0)
for _ in range(3):
    f = (w * x - 1) ** 2
    (gradient,) = torch.autograd.grad(f, w, retain_graph=True)
    start, w = w, w - 0.01 * gradient

# %% in_place
x = leaf(1.0, 2.0, 3.0)
h = x * 2
h += 1
h.mul_(x)
torch.sigmoid_(h)
h = nn.ReLU(inplace=True)(h - 0.9)
f = h.sum()

# %% set_item
x, a = leaf(1.0, 2.0, 3.0), leaf(5.0)
h = x * 2
h[0] = a * a
f = (h * h).sum()

# %% view_changed_in_place
x = leaf([[1.0, 2.0], [3.0, 4.0]])
h = x * 2
row = h[0]
row.mul_(3)
v = h.view(4, 1)
v.add_(1)
f = (h * h).sum() + v.sum()

# %% transposed_view_changed
x, weights = leaf([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[1.0, 2.0], [3.0, 4.0]])
h = x * 1
v = h.T
v.mul_(2)
f = (v * weights).sum()

# %% view_of_input_changed
x, w = torch.zeros(3), leaf(1.0, 2.0, 3.0)
x[0] = 7
first = x[1]
first.fill_(5)
f = (w * x).sum()

# %% views_and_indices
x, a, index = torch.arange(1.0, 13.0).requires_grad_(), leaf(1.0, 2.0, 3.0), torch.tensor([0, 2, 2])
h = x.reshape(3, 4).T[1:, ::2]
k = a[index] + a[a > 1.5].sum() + a[None, 0] + a[..., -1]
f = (h.flatten() * torch.arange(6.0)).sum() + k.sum()

# %% control_flow
x = leaf(-2.0)
f = x * x if x > 0 else -x
for _ in range(3):
    f = f * f if f < 10 else f - 1

# %% used_twice
x, y = leaf(3.0), leaf(2.0)
f = x * x + x * y + torch.dot(torch.stack([x, y]), torch.stack([y, y]))

# %% shared_weights_copy_and_checkpoint
layer, h = nn.Linear(2, 2), torch.ones(1, 2)
for _ in range(3):
    h = torch.tanh(layer(h))
other = copy.deepcopy(layer)
k = checkpoint(lambda t: torch.tanh(other(t)), h, use_reentrant=False)
f = h.sum() - 2 * k.sum()
back(f)
W, b, V = layer.weight, layer.bias, other.weight

# %% own_functions
x, y = leaf(2.0, 3.0), leaf(2.0, 3.0)
h = Cube.apply(x * 1)
k = Sigmoid.apply(y * 1)
f = Cube.apply((h * x).sum()) + (k * torch.tensor([1.0, 2.0])).sum()
back(f)

# %% no_grad_and_detach
x = leaf(2.0)
with torch.no_grad():
    c = x * x
u = x * x
d = u.detach()
f = c * x + d * u

# %% second_derivative
x = leaf(2.0)
h = x**3
(f,) = torch.autograd.grad(h, x, create_graph=True)
torch.autograd.grad(f, x, retain_graph=True)

# %% gradient_penalty
x, w = leaf(1.0, 2.0), leaf(0.5, -1.0)
h = torch.tanh(w * x).sum()
(slope,) = torch.autograd.grad(h, x, create_graph=True)
f = h + (slope**2).sum()
back(f)

# %% backward_with_create_graph
x = leaf(2.0)
f = x**3
f.backward(create_graph=True)
twice = x.grad * 2

# %% backward_twice
x = leaf(2.0)
f = x * x
f.backward(retain_graph=True)
torch.autograd.backward([f], retain_graph=True)

# %% several_results
x = leaf([[1.0, 5.0], [4.0, 2.0]])
a, b = x.split(1)
values, positions = x.max(dim=0)
c, d = values
top = torch.topk(x, 1).values
h, memory = nn.LSTMCell(2, 2)(x)
f = (a * b).sum() + c * d + top.sum() + h.sum() + memory.square().sum()

# %% functions_of_several_tensors
a, b, x = leaf(1.0, 2.0), leaf(3.0, 4.0), leaf(-1.0, 0.0, 2.0)
h = torch.cat([a, b, a])
k = torch.where(x > 0, x * 2, x.clamp(min=-0.5)).sum() + torch.maximum(x, torch.zeros(3)).sum()
f = (torch.stack((a, b)).prod() + h.square()).sum() + k

# %% rnn_and_transformer
cell, layer, h = nn.RNNCell(2, 3), nn.LSTM(2, 3), torch.zeros(1, 3)
for _ in range(2):
    h = cell(torch.ones(1, 2), h)
out, (state, memory) = layer(torch.ones(4, 1, 2))
encoder = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
f = h.sum() + out.sum() + state.sum() * memory.sum() + encoder(torch.randn(1, 3, 4)).square().sum()
W, V, U = cell.weight_hh, layer.weight_hh_l0, encoder.linear1.weight

# %% convolution_and_dropout
model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
x = torch.ones(8, requires_grad=True)
f = model(torch.randn(2, 1, 6, 6)).square().sum() + (F.dropout(x, 0.5) * torch.randn(8)).sum()
W, mean = model[0].weight, model[1].running_mean

# %% embedding
table, sparse = nn.Embedding(5, 2), nn.Embedding(5, 2, sparse=True)
index = torch.tensor([1, 3, 3])
f = (table(index) ** 2 + sparse(index) ** 2).sum()
W, V = table.weight, sparse.weight

# %% out_argument
x, buffer, w = torch.ones(2), torch.empty(2), leaf(1.0, 2.0)
torch.mul(x, 3, out=buffer)
f = (buffer * w).sum()

# %% other_dtypes
x, y = leaf(1.0, 2.0, dtype=torch.bfloat16), leaf(1.0, 2.0, dtype=torch.float64)
h = x * x.float()
f = h.sum().bfloat16() * torch.logsumexp(y, 0)

# %% integers_bools_and_complex_numbers
X, w, z = torch.tensor([[1, 2], [3, 4]]), leaf(0.5, -0.5), leaf(1 + 2j, 3 - 1j)
mask = (X > 2) & ~(X == 4)
n = mask.sum() // 1
h = z * z.conj() + 1j * z
f = (X * w).sum() * mask.sum() + n % 2 + h.abs().sum()

# %% empty_tensors_nan_and_infinity
x, y = torch.zeros(0, 3, requires_grad=True), leaf(0.0, 1.0, float("inf"), float("nan"))
h = x * 2
k = 1 / y
f = h.sum() + torch.cat([h, torch.ones(1, 3)]).sum() + (k * torch.log(y)).sum()

# %% retained_gradient
x = leaf(3.0)
u = x * x
u.retain_grad()
f = torch.sin(u) + u * x
back(f)

# %% functions_of_functions
W, X, x, w = leaf([[1.0, 2.0], [3.0, 4.0]]), torch.ones(3, 2), torch.tensor([1.0, 2.0]), leaf(1.0, 1.0)
h = torch.vmap(lambda row: torch.tanh(W @ row))(X)
J = torch.autograd.functional.jacobian(lambda t: t**2, x)
slope = torch.func.grad(lambda t: (t**3).sum())(x)
f = h.sum() + (J @ w * slope).sum()

# %% autocast_and_parametrized
layer, norm = nn.Linear(2, 2), torch.nn.utils.parametrizations.weight_norm(nn.Linear(2, 2))
with torch.autocast("cpu", dtype=torch.bfloat16):
    h = layer(torch.ones(1, 2))
f = h.float().sum() + norm(torch.ones(1, 2)).sum()
W, b = layer.weight, norm.bias
