"""Cells of notebooks as readers write them: earlier cells, a traced block, and the graph that is expected of it."""

import textwrap
import warnings

import pytest
import torch
from graph_samples import check_contributions, node

from lecturekit import graph_of, trace

SETUP = """
import copy, threading, types, weakref
import numpy as np
from torch import nn
from torch.autograd.graph import saved_tensors_hooks
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader, Dataset, TensorDataset
w, x = torch.tensor(2.0, requires_grad=True), torch.tensor(3.0)
W = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
a = torch.tensor([1.0, 2.0], requires_grad=True)
net = nn.Linear(2, 1)
X, Y = torch.arange(8.0).reshape(4, 2), torch.ones(4, 1)
class Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx, h):
        ctx.mark_dirty(h)
        return h.mul_(2)
    @staticmethod
    def backward(ctx, grad):
        return 2 * grad
class Own(Dataset):
    def __len__(self):
        return 4
    def __getitem__(self, i):
        return X[i] / 2, Y[i]
class Raising:
    def __getattribute__(self, name):
        raise RuntimeError(name)
class Bag:
    pass
"""

CASES = [  # earlier cell; block; the target; the nodes that are no constants, sorted
    # results of earlier cells
    ("u = w * x", "v = w + x", "v", "v w x"),
    ("u = w ** 3; u.backward()", "v = u * 2", "v", "u v"),
    ("y = net(X); old = F.mse_loss(y, Y); old.backward()", "loss = (net(X) - Y).sum()", "loss",
     "X Y bias loss v₁ v₂ weight"),
    ("half = W.half(); b = Bag(); b.loss = w ** 3", "v = (W * 2).sum()", "v", "W v v₁"),
    ("u = w * x", "u += 1\nv = u * 3", "v", "u u′ v"),
    ("class Same(torch.autograd.Function):\n    forward = staticmethod(lambda ctx, h: h * 1)\n"
     "    backward = staticmethod(lambda ctx, grad: grad)\nu = w * x",
     "v = Same.apply(u) * 2\nv.backward()", "v", "u v v₁"),
    ("u = w * x; v = u * 2", "v.backward()", "v", "u v w"),  # what is differentiated is shown with what is behind it
    # views without gradient
    ("with torch.no_grad(): row = W[0]", "v = (W * 2).sum()", "v", "W v v₁"),
    ("with torch.no_grad(): rows = [r for r in W]; W.mul_(2)", "v = (W * 2).sum()", "v", "W v v₁"),
    ("", "v = (W * 2).sum()\nwith torch.no_grad():\n    T = W.T\n    flat = W.view(4)", "v", "W v v₁"),
    ("net = nn.utils.spectral_norm(net)", "v = net(X).sum()", "v", None),
    # odd objects
    ("b = Bag(); dead = weakref.proxy(b); del b", "v = w * x", "v", "v w x"),
    ("odd = Raising(); odds = [odd]", "v = w * x", "v", "v w x"),
    ("later = nn.LazyLinear(3)", "v = w * x", "v", "v w x"),
    ("late = nn.LazyLinear(1)", "v = late(X).sum()", "v", "X bias v v₁ weight"),
    # compiled functions, and functions of functions
    ("f = torch.compile(lambda t: (t * t).sum(), backend='eager', fullgraph=True)", "v = f(a)", "v", "a v v₁"),
    ("f = torch.compile(lambda t: (t * t).sum(), backend='aot_eager')", "v = f(a)\nv.backward()", "v", "a v"),
    ("", "y = torch.vmap(lambda t: t.clone().mul_(t))(X)\nz = torch.func.grad(torch.sum)(X)\nv = (y + z).sum()", None,
     "v v₁ y z"),
    # data loaders
    ("", "for xb, yb in DataLoader(TensorDataset(X, Y), 2, shuffle=True): v = F.mse_loss(net(xb), yb)", "v",
     "bias v v₁ weight xb yb"),
    ("", "xb, yb = next(iter(DataLoader(Own(), 2)))\nv = F.mse_loss(net(xb), yb)", "v", "bias v v₁ weight xb yb"),
    # names
    ("", "v = net(X).sum()\nfor i, (n, p) in enumerate(net.named_parameters()): p", "v", "X bias v v₁ weight"),
    ("", "v = 0\nfor row in X: v = v + (row * a).sum()", "v", None),
    # own Functions that change their argument
    ("", "h = a * 1\nk = Double.apply(h)\nv = k.sum()\nv.backward()", "v", "a h h′ v"),
    # values that leave autograd
    ("", "parts = [w * 2, w * 3]\ns = torch.tensor(parts)\nloss = s.sum()", "parts[1]",
     "loss parts[0] parts[1] s w"),
    ("", "y = w * 3\nloss = torch.tensor(y.item()) ** 2", "y", "loss v₁ w y"),
    ("", "y = w * 3\ny.backward()\nmean = torch.tensor(y.item()) / 2", "y", "w y"),
    # the last scalar, or else the last single number; further results are shown
    ("", "u = W.sum()\nv = W.prod()\nt, n, c = W * 3, (W > 0).sum(), (W * 1j).sum()", "v", "W c t u v v₁"),
    ("", "one = a[:1].reshape(1, 1) * 2\nv = a * 2", "one", "a one v v₁ v₂"),
    ("", "v = a * 3", None, "a v"),
    # second derivatives
    ("", "y = w ** 3\nd, = torch.autograd.grad(y, w, create_graph=True)\nloss = (d - 1) ** 2", "loss", None),
    ("", "y = w ** 3\nd, = torch.autograd.grad(y, w, create_graph=True)", "y", None),
    ("", "y = w ** 3\ny.backward(create_graph=True)", "y", None),
    # without gradients
    ("", "with torch.no_grad(): v = net(X).sum() * 3", None, "X bias v v₁ v₂ weight"),
    ("", "with torch.inference_mode(): v = net(X).sum() * 3", None, "X bias v v₁ v₂ weight"),
    # tensors made anew are inputs, whatever they were modelled on
    ("", "n, m, o = torch.ones_like(a), a.new_full((2,), 3.0), torch.full((2,), 4.0)\nv = (a * n + m * o).sum()", "v",
     "a m n o v v₁ v₂ v₃"),
    # what is left out
    ("", "y = a * 2\nwhile y.data.norm() < 50: y = y * 2", None, "a v₁ v₂ v₃ v₄ y"),
    ("", "m = nn.Linear(2, 1)\nh = torch.empty(2)", None, ""),
    ("", "v = a * torch.distributions.Normal(x, 2.0).rsample((2,))", None, "a v v₁ v₂ v₃ v₄ x"),
    ("", "h = torch.empty(2)\nh.fill_(3.0)", None, "h h′"),
    ("", "v = nn.MaxPool2d(2, 2, 1)(X[None]).sum()", None, None),
]  # fmt: skip


def run(earlier, block, traced=True, target=None):
    scope = {"torch": torch, "trace": trace, "graph_of": graph_of, "target": target}
    torch.manual_seed(0)
    exec(SETUP, scope)
    exec(earlier, scope)
    exec(f"with trace(target=target) as g:\n{textwrap.indent(block or 'pass', '    ')}" if traced else block, scope)
    return scope


@pytest.mark.parametrize("earlier, block, target, names", CASES)
def test_cells(earlier, block, target, names, no_warning):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Converting a tensor with requires_grad=True to a scalar")
        warnings.filterwarnings("ignore", "Using backward")
        scope, plain = run(earlier, block), run(earlier, block, traced=False)
    g = scope["g"]
    assert (g.target and g.target.name) == target
    if names is not None:
        assert sorted(n.name for n in g.nodes if n.kind != "constant") == names.split(), g.to_text()
    for name, value in plain.items():
        if issubclass(type(value), torch.Tensor) and name != "h" and "row" not in name:
            assert torch.equal(value, scope[name]) and (value.is_leaf is False or _same(value.grad, scope[name].grad))


def _same(a, b):
    return a is b or torch.equal(a, b)


@pytest.mark.parametrize("path", ["_loss", "out['loss']", 'out["loss"]', "losses[1]", "bag.loss", "loss"])
def test_target_as_the_reader_writes_it(path, no_warning):
    made = "_loss = w ** 2\nout, losses, bag = {'loss': _loss}, [x, _loss], Bag()\nbag.loss = _loss"
    assert run("", made + "\nz = w * 5\nz.backward()", target=path)["g"].target.value == 4


@pytest.mark.parametrize("target", ["vector", "count", "nothing"])
def test_what_can_be_no_target(target):
    with pytest.warns(UserWarning, match=f"target='{target}' is not a variable that holds one number"):
        scope = run("", "vector, count = a * 2, (a > 1).sum()\nvector.sum().backward()", target=target)
    assert scope["g"].target is None


def test_the_reason_why_there_are_no_gradients_is_the_first():
    with (
        pytest.warns(UserWarning, match="^trace has no gradients to show: .*modified by"),
        pytest.raises(RuntimeError),
    ):
        run("", "h = a.sigmoid()\nh[1] = 2\nh.sum().backward()")


def test_values_of_earlier_results_and_their_gradients(no_warning):
    """Each for itself: what lies behind one, even another one or a leaf, gets nothing through it."""
    g = run("u = w ** 3\nt = u * w", "v = u * w + t * u")["g"]
    found = {n.name: (n.kind, n.value.item(), n.grad.item()) for n in g.nodes if not n.op}
    assert found == {"u": ("input", 8, 18), "w": ("leaf", 2, 8), "t": ("input", 16, 8)}
    u = node(run("u = w * x\nu.backward()", "v = u * u")["g"], "u")
    assert (u.kind, u.value, u.grad, u.op) == ("input", 6, 12, "")


@pytest.mark.parametrize(
    "cell, value",
    [
        ("v = (w * x).square()\nopt.step()", None),
        ("opt.step()\nv = (w * x).square()", 2.0),
        ("with torch.no_grad(): r = w.view(1)\nv = (w * x).square()", 2.0),
    ],
)
def test_graph_of_after_a_step_of_the_optimiser(cell, value):
    scope = run("", "pass", traced=False)
    exec("w.grad = torch.zeros(())\nopt = torch.optim.SGD([w])\n" + cell + "\ng = graph_of(v)", scope)
    assert node(scope["g"], "w").value == value and node(scope["g"], "w").grad == 36


def test_a_block_that_raises_adds_no_warning(no_warning):
    with pytest.raises(ZeroDivisionError):
        run("u = w ** 3; u.backward()", "v = u * 2\nq = torch.quantize_per_tensor\n1 / 0")


def test_a_loop_keeps_little_more_than_its_last_step(no_warning):
    """What a step needs is forgotten, also where detached results are collected; so the block stays small and fast."""
    step = "loss = F.mse_loss(net(X), Y)", "opt.zero_grad()", "loss.backward()", "opt.step()"
    loop = "\n    ".join(("for _ in range(200):", *step, "losses.append(loss.detach())"))
    count = "\nalive = sum(type(thing) is torch.Tensor for thing in gc.get_objects()) - before - len(losses)"
    start = "import gc\nopt, losses = torch.optim.SGD(net.parameters()), []\nbefore = 0" + count.replace(
        "alive", "before"
    )
    scope = run(start, loop + count)
    assert scope["alive"] < 200
    assert sorted(n.name for n in scope["g"].nodes) == ["X", "Y", "bias", "loss", "v₁", "weight"]


OWN = """
calls = []
class Freeing(torch.autograd.Function):
    @staticmethod
    def forward(ctx, h):
        ctx.kept = h.detach() * 3
        return h * 3
    @staticmethod
    def backward(ctx, grad):
        del ctx.kept
        return 3 * grad
class Overwriting(torch.autograd.Function):
    @staticmethod
    def forward(ctx, h):
        ctx.save_for_backward(h.detach().clone())
        return h ** 2
    @staticmethod
    def backward(ctx, grad):
        torch.rand(())
        return ctx.saved_tensors[0].mul_(2).mul_(grad)
class Counting(torch.autograd.Function):
    @staticmethod
    def forward(ctx, h):
        return h * 2, h * 3
    @staticmethod
    def backward(ctx, first, second):
        calls.append(1)
        return (2 * first + 3 * second) * len(calls)
layers = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
for layer in layers:
    layer.register_full_backward_hook(lambda layer, before, after: calls.append(type(layer).__name__))
def doubled(grad):
    calls.append(1)
    return grad * 2 ** len(calls)
def unpacked(t):
    calls.append(1)
    return t * len(calls)
def counting(h):
    calls.append(1)
    return net(h)
"""


@pytest.mark.parametrize(
    "earlier, block",
    [
        # an own backward that may run once only
        ("", "f = (Freeing.apply(a) * Overwriting.apply(a)).sum()\nf.backward()"),
        ("", "p, q = Counting.apply(a)\nf = (p * q).sum()\nf.backward()"),
        ("", "f = Freeing.apply(a).sum()\ng1, = torch.autograd.grad(f, a)"),
        ("f = Freeing.apply(a).sum()", "f.backward()"),
        # what a checkpoint computes again
        ("", "f = checkpoint(counting, a, use_reentrant=False).sum()\nf.backward()"),
        ("", "f = checkpoint(counting, a, use_reentrant=True).sum()\nf.backward()"),
        # hooks that count
        ("a.register_hook(doubled)", "f = (a ** 2).sum()\nf.backward()"),
        ("", "h = a * 2\nh.register_hook(doubled)\nf = (h ** 2).sum()\nf.backward()"),
        ("state = [1.0]",
         "h = a * 2\nhandle = h.register_hook(lambda grad: grad * state.pop())\nf = h.sum()\nf.backward()"),
        # hooks of modules
        ("", "h = X.clone().requires_grad_()\nf = layers(h).sum()\nf.backward()"),
        ("net.register_full_backward_pre_hook(lambda *args: calls.append(2))", "f = 3 * net(a).sum()\nf.backward()"),
        # what is packed for the backward pass
        ("", "with saved_tensors_hooks(lambda t: t, unpacked):\n    f = (a.sin() * a).sum()\nf.backward()"),
        # anomaly mode
        ("", "with torch.autograd.set_detect_anomaly(True):\n    f = (a - 1).log10().sum()\n    f.backward()"),
    ],
)  # fmt: skip
def test_code_of_the_reader_runs_as_often_as_without_trace(earlier, block, no_warning):
    scope, plain = run(OWN + earlier, block), run(OWN + earlier, block, traced=False)
    assert scope["calls"] == plain["calls"]
    for tensor, other in zip(*([s["a"], *s["layers"].parameters()] for s in (scope, plain)), strict=True):
        assert _same(tensor.grad, other.grad)
    g = scope["g"]
    assert g.target.name == "f" and all("Hook" not in n.op for n in g.nodes)
    if scope["a"].grad is not None and "a" in [n.name for n in g.nodes]:
        assert torch.equal(node(g, "a").grad, scope["a"].grad)
    if "doubled" not in earlier + block:  # which changes a gradient on its way
        check_contributions(g)


@pytest.mark.parametrize(
    "block",
    [
        "f = layers(X.requires_grad_()).sum()",
        "f = Freeing.apply(a).sum()",
        "f = checkpoint(net, a, use_reentrant=False).sum()",
    ],
)
def test_code_of_the_reader_is_not_run_for_the_picture(block):
    """Without a backward pass in the block, there are no gradients then; the reader's own pass may still come."""
    with pytest.warns(
        UserWarning, match="^trace has no gradients to show: your hooks, checkpoints or Functions take part"
    ):
        scope = run(OWN, block)
    assert scope["calls"] == [] and scope["g"].target is None
    scope["f"].backward()


def test_a_named_target_is_watched_where_the_reader_differentiates_it(no_warning):
    g = run("", "h = a * 2\nf = checkpoint(net, h, use_reentrant=False).sum()\nf.backward()", target="f")["g"]
    assert node(g, "h").grad is not None


def test_a_leaf_that_is_made_from_a_tensor_gets_its_gradient_once(no_warning):
    assert run("", "p = torch.full((2,), x, requires_grad=True)\nf = (3 * p).sum()\nf.backward()")[
        "p"
    ].grad.tolist() == [3, 3]


def test_what_was_changed_between_two_uses_counts_each_once(no_warning):
    scope = run("", "h = w * 5\nu = h * 3\nwith torch.no_grad():\n    h.mul_(2)\nf = u + h * 7\nf.backward()")
    assert node(scope["g"], "w").grad == scope["w"].grad == 50
    check_contributions(scope["g"])


def test_slopes_of_complex_numbers_are_not_shown(no_warning):
    g = run("", "z = torch.tensor(1 + 2j, requires_grad=True)\ny = z * z\nf = y.abs()\nf.backward()")["g"]
    assert all(e.local_grad is None for e in g.edges)


def test_a_module_may_change_its_dtype(no_warning):
    g = run("", "y = net(a).sum()\nnet.double()\nf = y + net(a.double()).sum()")["g"]
    assert g.target.name == "f" and node(g, "a").grad is not None


def test_what_an_own_function_computes_inside_is_not_shown(no_warning):
    assert [n.name for n in run(OWN, "q = Overwriting.apply(a)")["g"].nodes] == ["a", "q"]


@pytest.mark.parametrize("function", ["log10", "pow"])
def test_local_derivatives_at_the_edge_of_the_domain(function, no_warning):
    """Infinite where the function is vertical, and no NaN beside it."""
    write = "(a - 1) ** 0.5" if function == "pow" else f"torch.{function}(a - 1)"
    g = run("", f"y = {write}\nf = y.sum()")["g"]
    for e in g.edges:
        if e.local_grad is not None and e.local_grad.dim() == 2:
            assert e.local_grad[0, 1] == e.local_grad[1, 0] == 0, (e, e.local_grad)
