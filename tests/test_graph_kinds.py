"""Each kind of code that an introductory course can write, traced and held against the same code without a trace."""

import copy
import inspect
from contextlib import nullcontext

import pytest
import torch
import torch.nn.functional as F
from common import needs_gpu
from graph_samples import leaf
from torch import nn

from lecturekit.graph import trace


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


class Pair(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2, x * 3

    @staticmethod
    def backward(ctx, first, second):
        return 2 * first + 3 * second


# Every case gets `back`, which stands for f.backward() where the code calls it, and returns its tensors by name.
# The one called "f" is the target.


def neuron(back):
    x, w, b = torch.tensor(3.0), leaf(2.0), leaf(1.0)
    u = w * x
    v = u + b
    f = torch.relu(v)
    return dict(x=x, w=w, b=b, u=u, v=v, f=f)


def polynomial(back):
    x, y = leaf(2.0), leaf(5.0)
    f = 3 * x**2 + 2 * y
    return dict(x=x, y=y, f=f)


def diamond(back):
    x = leaf(3.0)
    u = x * x
    f = torch.sin(u) + u * x
    return dict(x=x, u=u, f=f)


def reflected_operators(back):
    x = leaf(0.5, 2.0)
    u = 1 - x
    v = 2 / x
    f = (2**x + u * v - 7).sum()
    return dict(x=x, u=u, v=v, f=f)


def vector_and_matrix(back):
    X, w, b = torch.arange(12.0).reshape(4, 3), leaf(0.1, -0.2, 0.3), leaf(0.5)
    y_hat = X @ w + b
    f = ((y_hat - 1) ** 2).mean()
    return dict(X=X, w=w, b=b, y_hat=y_hat, f=f)


def broadcasting(back):
    a, b = leaf([[1.0], [2.0]]), leaf(3.0, 4.0, 5.0)
    h = a * b + a
    f = h.sum()
    return dict(a=a, b=b, h=h, f=f)


def vector_jacobian_product(back):
    x = torch.linspace(1, 10, 10, requires_grad=True)
    f = 3 * x**2 + 2 * x
    back(f, torch.ones(10))
    return dict(x=x, f=f)


def mlp_with_mse(back):
    model, X, y = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)), torch.randn(5, 3), torch.randn(5)
    y_hat = model(X).squeeze(1)
    f = nn.MSELoss()(y_hat, y)
    return dict(X=X, y=y, y_hat=y_hat, W1=model[0].weight, b1=model[0].bias, W2=model[2].weight, f=f)


def cross_entropy(back):
    W, X, y = leaf([[0.1, 0.2], [0.3, -0.4], [0.0, 0.5]]), torch.randn(4, 2), torch.tensor([0, 2, 1, 2])
    logits = F.linear(X, W)
    f = F.cross_entropy(logits, y)
    return dict(W=W, logits=logits, f=f)


def training_steps(back):
    model, X, y = nn.Linear(2, 1), torch.randn(6, 2), torch.randn(6, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for _ in range(3):
        f = F.mse_loss(model(X), y)
        optimizer.zero_grad()
        back(f)
        optimizer.step()
    return dict(w=model.weight, b=model.bias, f=f)


def training_steps_adam(back):
    model, X, y = nn.Linear(2, 1), torch.randn(6, 2), torch.randn(6, 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1, foreach=True)
    for _ in range(2):
        f = F.mse_loss(model(X), y)
        optimizer.zero_grad(set_to_none=False)
        back(f)
        optimizer.step()
    return dict(w=model.weight, b=model.bias, f=f)


def manual_steps(back):
    w, x = leaf(2.0), torch.tensor(3.0)
    for _ in range(3):
        f = (w * x - 1) ** 2
        back(f)
        with torch.no_grad():
            w -= 0.01 * w.grad
            w.grad.zero_()
    return dict(w=w, f=f)


def data_steps(back):
    w, x = leaf(2.0), torch.tensor(3.0)
    for _ in range(2):
        f = (w * x - 1) ** 2
        back(f)
        w.data -= 0.01 * w.grad
    return dict(w=w, f=f)


def growing_chain(back):
    w, x = leaf(2.0), torch.tensor(3.0)
    for _ in range(3):
        f = (w * x - 1) ** 2
        (gradient,) = torch.autograd.grad(f, w, retain_graph=True)
        start, w = w, w - 0.01 * gradient
    return dict(start=start, f=f)


def in_place(back):
    x = leaf(1.0, 2.0, 3.0)
    h = x * 2
    h += 1
    h.mul_(x)
    torch.sigmoid_(h)
    f = h.sum()
    return dict(x=x, h=h, f=f)


def set_item(back):
    x, a = leaf(1.0, 2.0, 3.0), leaf(5.0)
    h = x * 2
    h[0] = a * a
    f = (h * h).sum()
    return dict(x=x, a=a, h=h, f=f)


def view_changed_in_place(back):
    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    h = x * 2
    row = h[0]
    row.mul_(3)
    f = (h * h).sum()
    return dict(x=x, row=row, h=h, f=f)


def base_and_view_changed(back):
    x = leaf(1.0, 2.0)
    h = x * 2
    v = h.view(2, 1)
    v.add_(1)
    f = (h * h).sum() + v.sum()
    return dict(x=x, h=h, f=f)


def view_of_input_changed(back):
    x, w = torch.zeros(3), leaf(1.0, 2.0, 3.0)
    x[0] = 7
    first = x[1]
    first.fill_(5)
    f = (w * x).sum()
    return dict(x=x, w=w, f=f)


def views(back):
    x = torch.arange(1.0, 13.0).requires_grad_()
    h = x.reshape(3, 4).T[1:, ::2]
    f = (h.flatten() * torch.arange(6.0)).sum()
    return dict(x=x, h=h, f=f)


def indexing(back):
    x, index = leaf(1.0, 2.0, 3.0), torch.tensor([0, 2, 2])
    h = x[index] + x[x > 1.5].sum() + x[None, 0] + x[..., -1]
    f = h.sum()
    return dict(x=x, h=h, f=f)


def control_flow(back):
    x = leaf(-2.0)
    h = x * x if x > 0 else -x
    for _ in range(3):
        h = h * h if h < 10 else h - 1
    f = h
    return dict(x=x, f=f)


def used_twice(back):
    x, y = leaf(3.0), leaf(2.0)
    f = x * x + x * y + torch.dot(torch.stack([x, y]), torch.stack([y, y]))
    return dict(x=x, y=y, f=f)


def shared_weights(back):
    layer, h = nn.Linear(2, 2), torch.ones(1, 2)
    for _ in range(3):
        h = torch.tanh(layer(h))
    f = h.sum()
    return dict(W=layer.weight, b=layer.bias, f=f)


def own_function(back):
    x = leaf(2.0, 3.0)
    h = Cube.apply(x * 1)
    f = (h * x).sum()
    return dict(x=x, h=h, f=f)


def own_function_last(back):
    x = leaf(2.0)
    f = Cube.apply(x)
    return dict(x=x, f=f)


def own_function_with_a_known_name(back):
    x = leaf(2.0, 3.0)
    h = Sigmoid.apply(x * 1)
    f = (h * torch.tensor([1.0, 2.0])).sum()
    return dict(x=x, h=h, f=f)


def own_function_two_results(back):
    x = leaf(2.0)
    p, q = Pair.apply(x)
    f = p * q
    return dict(x=x, p=p, q=q, f=f)


def no_grad_part(back):
    x = leaf(2.0)
    with torch.no_grad():
        c = x * x
    f = c * x
    return dict(x=x, c=c, f=f)


def detached(back):
    x = leaf(2.0)
    u = x * x
    d = u.detach()
    f = d * u
    return dict(x=x, u=u, d=d, f=f)


def second_derivative(back):
    x = leaf(2.0)
    h = x**3
    (f,) = torch.autograd.grad(h, x, create_graph=True)
    torch.autograd.grad(f, x, retain_graph=True)
    return dict(x=x, h=h, f=f)


def gradient_penalty(back):
    x, w = leaf(1.0, 2.0), leaf(0.5, -1.0)
    h = torch.tanh(w * x).sum()
    (slope,) = torch.autograd.grad(h, x, create_graph=True)
    f = h + (slope**2).sum()
    back(f)
    return dict(x=x, w=w, h=h, slope=slope, f=f)


def backward_with_create_graph(back):
    x = leaf(2.0)
    f = x**3
    f.backward(create_graph=True)
    twice = x.grad * 2
    return dict(x=x, f=f, twice=twice)


def grad_twice(back):
    x, w, b = torch.tensor(3.0), leaf(2.0), leaf(1.0)
    f = torch.relu(w * x + b)
    torch.autograd.grad(f, w, retain_graph=True)
    torch.autograd.grad(f, b, retain_graph=True)
    return dict(w=w, b=b, f=f)


def backward_twice(back):
    x = leaf(2.0)
    f = x * x
    f.backward(retain_graph=True)
    f.backward(retain_graph=True)
    return dict(x=x, f=f)


def function_backward(back):
    x = leaf(2.0)
    f = x * x
    torch.autograd.backward([f], retain_graph=True)
    return dict(x=x, f=f)


def several_results(back):
    x = leaf([[1.0, 5.0], [4.0, 2.0]])
    a, b = x.split(1)
    values, positions = x.max(dim=0)
    top = torch.topk(x, 1).values
    f = (a * b).sum() + values.sum() + top.sum()
    return dict(x=x, a=a, b=b, values=values, positions=positions, f=f)


def unpacking(back):
    a, b, c = leaf(1.0, 2.0, 3.0)
    f = a * b + c
    return dict(a=a, f=f)


def cat_and_stack(back):
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    h = torch.cat([a, b, a])
    f = (torch.stack((a, b)).prod() + h.square()).sum()
    return dict(a=a, b=b, h=h, f=f)


def where_and_clamp(back):
    x = leaf(-1.0, 0.0, 2.0)
    f = torch.where(x > 0, x * 2, x.clamp(min=-0.5)).sum() + torch.maximum(x, torch.zeros(3)).sum()
    return dict(x=x, f=f)


def rnn(back):
    cell, layer, h = nn.RNNCell(2, 3), nn.LSTM(2, 3), torch.zeros(1, 3)
    for _ in range(2):
        h = cell(torch.ones(1, 2), h)
    out, (state, memory) = layer(torch.ones(4, 1, 2))
    f = h.sum() + out.sum() + state.sum() * memory.sum()
    return dict(h=h, W=cell.weight_hh, V=layer.weight_hh_l0, f=f)


def convolution(back):
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
    f = model(torch.randn(2, 1, 6, 6)).square().sum()
    return dict(W=model[0].weight, mean=model[1].running_mean, f=f)


def transformer(back):
    layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
    f = layer(torch.randn(1, 3, 4)).square().sum()
    return dict(W=layer.linear1.weight, f=f)


def embedding(back):
    table = nn.Embedding(5, 2)
    f = (table(torch.tensor([1, 3, 3])) ** 2).sum()
    return dict(W=table.weight, f=f)


def sparse_embedding(back):
    table = nn.Embedding(5, 2, sparse=True)
    f = (table(torch.tensor([1, 3, 3])) ** 2).sum()
    return dict(W=table.weight, f=f)


def dropout(back):
    x = torch.ones(8, requires_grad=True)
    h = F.dropout(x, 0.5)
    f = (h * torch.randn(8)).sum()
    return dict(x=x, h=h, f=f)


def in_place_module(back):
    x = leaf(-1.0, 2.0)
    h = nn.ReLU(inplace=True)(x * 2)
    f = h.sum()
    return dict(x=x, h=h, f=f)


def out_argument(back):
    x, buffer, w = torch.ones(2), torch.empty(2), leaf(1.0, 2.0)
    torch.mul(x, 3, out=buffer)
    f = (buffer * w).sum()
    return dict(w=w, buffer=buffer, f=f)


def float64(back):
    x = leaf(1.0, 2.0, dtype=torch.float64)
    f = torch.logsumexp(x, 0) / 3
    return dict(x=x, f=f)


def bfloat16(back):
    x = leaf(1.0, 2.0, dtype=torch.bfloat16)
    h = x * x.float()
    f = h.sum().bfloat16()
    return dict(x=x, h=h, f=f)


def integers_and_bools(back):
    X, w = torch.tensor([[1, 2], [3, 4]]), leaf(0.5, -0.5)
    mask = (X > 2) & ~(X == 4)
    n = mask.sum() // 1
    f = (X * w).sum() * mask.sum() + n % 2
    return dict(w=w, mask=mask, n=n, f=f)


def complex_numbers(back):
    z = leaf(1 + 2j, 3 - 1j)
    h = z * z.conj() + 1j * z
    f = h.abs().sum()
    return dict(z=z, h=h, f=f)


def empty_tensors(back):
    x = torch.zeros(0, 3, requires_grad=True)
    h = x * 2
    f = h.sum() + torch.cat([h, torch.ones(1, 3)]).sum()
    return dict(x=x, h=h, f=f)


def nan_and_infinity(back):
    x = leaf(0.0, 1.0, float("inf"), float("nan"))
    h = 1 / x
    f = (h * torch.log(x)).sum()
    return dict(x=x, h=h, f=f)


def retained_gradient(back):
    x = leaf(3.0)
    u = x * x
    u.retain_grad()
    f = torch.sin(u) + u * x
    back(f)
    return dict(x=x, u=u, f=f)


def deep_copy(back):
    model = nn.Linear(2, 1)
    other = copy.deepcopy(model)
    x = torch.ones(1, 2)
    f = (model(x) - 2 * other(x)).square().sum()
    return dict(W=model.weight, V=other.weight, f=f)


def vmap(back):
    W, X = leaf([[1.0, 2.0], [3.0, 4.0]]), torch.ones(3, 2)
    h = torch.vmap(lambda row: torch.tanh(W @ row))(X)
    f = h.sum()
    return dict(W=W, h=h, f=f)


def functional_grad(back):
    x, w = torch.tensor([1.0, 2.0]), leaf(1.0, 3.0)
    slope = torch.func.grad(lambda t: (t**3).sum())(x)
    f = (slope * w).sum()
    return dict(w=w, slope=slope, f=f)


def jacobian(back):
    x = torch.tensor([1.0, 2.0])
    J = torch.autograd.functional.jacobian(lambda t: t**2, x)
    w = leaf(1.0, 1.0)
    f = (J @ w).sum()
    return dict(w=w, J=J, f=f)


def checkpoint(back):
    from torch.utils.checkpoint import checkpoint as run

    x, layer = leaf(1.0, 2.0), nn.Linear(2, 2)
    h = run(lambda t: torch.tanh(layer(t)), x, use_reentrant=False)
    f = h.sum()
    return dict(x=x, h=h, f=f)


def autocast(back):
    layer = nn.Linear(2, 2)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        h = layer(torch.ones(1, 2))
    f = h.float().sum()
    return dict(W=layer.weight, f=f)


def parametrized(back):
    layer = torch.nn.utils.parametrizations.weight_norm(nn.Linear(2, 2))
    f = layer(torch.ones(1, 2)).sum()
    return dict(f=f, b=layer.bias)


CASES = [
    value
    for value in list(globals().values())
    if inspect.isfunction(value) and list(inspect.signature(value).parameters) == ["back"]
]


def run(code, keep_graph, device):
    def back(f, gradient=None):
        f.backward(gradient, retain_graph=keep_graph)

    torch.manual_seed(0)
    with nullcontext() if device == "cpu" else torch.device(device):
        return code(back)


def same(a, b):
    if a is None and b is None:
        return True
    return torch.equal(*(torch.nan_to_num(tensor.detach().cpu()) for tensor in (a, b)))


def close(a, b):
    b = b.cpu()
    if b.layout != torch.strided:
        b = b.to_dense()
    return torch.allclose(a.to(b.dtype), b, equal_nan=True, rtol=1e-2 if b.dtype == torch.bfloat16 else 1e-4, atol=1e-6)


def leaves_behind(tensor):
    seen, todo, found = set(), [tensor.grad_fn], set()
    while todo:
        fn = todo.pop()
        if fn is None or fn in seen:
            continue
        seen.add(fn)
        if fn.name() == "torch::autograd::AccumulateGrad":
            found.add(fn.variable)
        todo += [f for f, _ in fn.next_functions]
    return found


@pytest.mark.filterwarnings("ignore:Using backward")
@pytest.mark.parametrize("code", CASES, ids=lambda code: code.__name__)
@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=needs_gpu)])
def test_kind_of_code(code, device, recwarn):
    plain = run(code, True, device)
    random_state = torch.get_rng_state()
    with trace() as g:
        traced = run(code, False, device)
    assert torch.equal(torch.get_rng_state(), random_state)
    for name, tensor in plain.items():
        assert same(tensor, traced[name]), name
        assert tensor.requires_grad == traced[name].requires_grad
        if tensor.is_leaf or tensor.retains_grad:
            assert same(tensor.grad, traced[name].grad), f"{name}.grad"
    assert not torch.nn.modules.module._global_forward_hooks and not torch.nn.modules.module._global_forward_pre_hooks

    # gradients: those of torch.autograd.grad in the untraced run
    assert g.target is not None and g.target.kind == "output"
    nodes = {node.name.rstrip("′″‴"): node for node in g.nodes}  # of several versions, the last
    assert nodes["f"] is g.target
    f = plain["f"]
    seed = torch.ones_like(f)
    known = [(name, tensor) for name, tensor in plain.items() if tensor.requires_grad and name != "f"]
    expected = torch.autograd.grad(f, [tensor for _, tensor in known], seed, retain_graph=True, allow_unused=True)
    checked = 0
    for (name, _), grad in zip(known, expected, strict=True):
        if grad is not None:
            assert close(nodes[name].grad, grad), (name, nodes[name].grad, grad)
            checked += 1
        elif name in nodes:
            assert nodes[name].grad is None
    assert checked or not known

    # nodes and edges: the leaves are those that autograd finds
    receiving = {node.name for node in g.nodes if node.kind == "leaf" and (node.grad is not None or node.grad_norm)}
    assert len(receiving) == len(leaves_behind(f))
    known_values = {name: node for name, node in nodes.items() if name in traced and node.value is not None}
    for name, node in known_values.items():
        if code not in (manual_steps, data_steps, training_steps, training_steps_adam, convolution):  # changed since
            assert same(node.value, traced[name]), name

    # contributions into a node add up to its gradient
    order = {node: i for i, node in enumerate(g.nodes)}
    for node in g.nodes:
        flows = [edge.contribution for edge in g.edges if edge.source is node and edge.contribution is not None]
        if node.grad is not None and node is not g.target:
            assert flows, node.name
            assert close(sum(flows[1:], flows[0]), node.grad), (node.name, flows, node.grad)
    for edge in g.edges:
        assert order[edge.source] < order[edge.target]
        if edge.local_grad is not None and code is not nan_and_infinity:  # 0 · ∞ is NaN in a sum of products
            assert edge.local_grad.shape == edge.target.shape + edge.source.shape
            n = len(edge.target.shape)
            product = torch.tensordot(edge.target.grad.double(), edge.local_grad.double(), n)
            assert close(product, edge.contribution.double())
    assert "0x" not in g.to_text()
    assert not [str(w.message) for w in recwarn if str(w.message).startswith("trace ")]
