"""Names and expressions: tensors and modules are called what the reader calls them."""

import textwrap

import pytest
import torch
from graph_samples import leaf, node
from torch import nn

from lecturekit import trace

pytestmark = pytest.mark.usefixtures("no_warning")


def named(g):
    return [n.name for n in g.nodes if not n.op and n.kind != "constant"]


def modules(g):
    return [n.module for n in g.nodes if n.op]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.scale = nn.Linear(1, 1), nn.Parameter(torch.tensor(2.0))
        self.register_buffer("shift", torch.tensor(1.0))

    def forward(self, x):
        return (self.inner(x) + self.shift) * self.scale

    def traced(self, x, *others):
        with trace() as g:
            out = self(x)
            for other in others:
                out = out * other(x)
        return g


class Holder:
    """No module, but it holds one."""

    def __init__(self):
        self.net, self.w = nn.Linear(1, 1), leaf(3.0)

    def __call__(self, x):
        return self.net(x) * self.w

    traced = Net.traced


class Tower(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Sequential(nn.Linear(1, 1)))
        self.rest = nn.ModuleList([nn.Linear(1, 1)])

    def forward(self, x):
        return self.rest[0](self[0](x))

    traced = Net.traced


def test_names_inside_a_method_do_without_self():
    x = torch.ones(1)
    g, parts = Net().traced(x), ["inner.weight", "inner.bias", "shift", "scale"]
    assert named(g) == ["x", *parts]
    assert modules(g) == [("self: Net", "inner: Linear"), ("self: Net",), ("self: Net",)]
    assert named(Net().traced(x, Net())) == ["x", *parts, *(f"other.{part}" for part in parts)]
    g = Holder().traced(x)
    assert named(g) == ["x", "weight", "bias", "w"] and modules(g) == [("net: Linear",), ()]
    both = named(Holder().traced(x, Holder()))
    assert both == ["x", "net.weight", "net.bias", "w", "other.net.weight", "other.net.bias", "other.w"]


def test_parts_with_a_number_inside_a_method_are_written_as_in_its_code():
    g = Tower().traced(torch.ones(1))
    assert named(g) == ["x", "self[0][0].weight", "self[0][0].bias", "rest[0].weight", "rest[0].bias"]
    assert modules(g) == [
        ("self: Tower", "self[0]: Sequential", "self[0][0]: Linear"),
        ("self: Tower", "rest[0]: Linear"),
    ]


def test_names_of_modules_come_from_what_holds_them():
    x, net, holder, layers = torch.ones(1), Net(), Holder(), nn.ModuleList([nn.Sequential(nn.Linear(1, 1))])
    with trace() as g:
        f = net(x) + holder(x) + layers[0](x) + nn.Linear(1, 1)(x)
    assert [path for path in modules(g) if path] == [
        ("net: Net", "net.inner: Linear"),
        ("net: Net",),
        ("net: Net",),
        ("holder.net: Linear",),
        ("layers[0]: Sequential", "layers[0][0]: Linear"),
        ("Linear: Linear",),
    ]
    inner = net.inner
    with trace() as g:
        f = inner(inner(x)) * inner(x)
    first, *again = modules(g)[:3]
    assert first == ("net.inner: Linear",) and f.shape == (1,)
    assert again == [(f"net.inner (call {i}): Linear",) for i in (2, 3)]


CELLS = [  # cells above; a block; all its nodes but constants, in order
    ("w = leaf(2.0); a = w * w; b = a * 2", "f = b * 3", "b f"),  # computed before the block
    ("Ws, params = [leaf(1.0), leaf(2.0)], {'scale': leaf(3.0)}", "f = Ws[1] * params['scale']", "Ws[1] scale f"),
    ("one, two = nn.Linear(1, 1), nn.Sequential(nn.Linear(1, 1))", "f = one.weight * two[0].weight",
     "weight two[0].weight f"),
    ("net, x = Net(), torch.ones(1)", "f = net(x)", "x inner.weight inner.bias v₁ shift v₂ scale f"),
    ("p, q = {'scale': leaf(1.0), 'b': leaf(2.0)}, {'scale': leaf(3.0)}", "f = p['scale'] * q['scale'] * p['b']",
     'p["scale"] q["scale"] v₁ b f'),
    ("w, layer = leaf(2.0), nn.Linear(1, 1, bias=False)\n(w * layer.weight.sum()).backward()",
     "f = w.grad * layer.weight.grad", "w.grad weight.grad f"),
    # what no reader would call a name, and a list so long that it is data
    ("_hidden, In, Out = leaf(1.0), leaf(2.0), leaf(3.0)", "f = _hidden * In + Out * 1", "v₁ v₂ v₃ v₄ v₅ f"),
    ("many = [leaf(float(i)) for i in range(1001)]", "f = many[999] * many[1000]", "many[999] v₁ f"),
    # versions
    ("x = leaf(2.0)", "h = x * 1\nh += 1\nh += 2\nx = x * h", "x h h′ h″ x′"),
    ("", "h = leaf(1.0) * 1\nfor _ in range(5): h += 1", "v₁ h h′ h″ h‴ h⁽⁴⁾ h⁽⁵⁾"),
    ("w = leaf(2.0)", "for _ in range(2):\n    loss = (w * 3) ** 2\n    loss.backward()\n"
     "    with torch.no_grad():\n        w -= 0.01 * w.grad\n        w.grad = None", "w v₁ loss"),
    # left-over variables do not name what the code names
    ("old = leaf(2.0); new = old", "f = new * 3", "new f"),
    ("w = leaf(2.0); old = w; layer = nn.Linear(1, 1)\nfor q in layer.parameters(): pass",
     "w = w * 3 + layer(torch.ones(1))", "w v₁ v₂ weight bias v₃ w′"),
]  # fmt: skip


@pytest.mark.parametrize("earlier, block, names", CELLS)
def test_names_come_from_variables_and_what_they_hold(earlier, block, names):
    """Of a notebook's cells, whose variables are global."""
    scope = {"torch": torch, "nn": nn, "trace": trace, "leaf": leaf, "Net": Net}
    exec(earlier, scope)
    exec("with trace() as g:\n" + textwrap.indent(block, "    "), scope)
    assert [n.name for n in scope["g"].nodes if n.kind != "constant"] == names.split()


def test_names_inside_functions():
    old = leaf(2.0)
    scope = {"trace": trace, "old": old, "weights": leaf(3.0)}
    exec("def run(given):\n    with trace() as g:\n        f = given * weights\n    return g", scope)
    assert named(scope["run"](old)) == ["given", "weights"]
    inner = "    def inner():\n        with trace() as g:\n            w * 3\n        return g\n"
    exec(f"def run(w):\n{inner}    return inner()", scope)
    assert named(scope["run"](old)) == ["w"]


def test_names_argument_renames_and_adds():
    w, hidden = leaf(2.0), [torch.tensor(3.0)]
    with trace(names={"bias": hidden[0], "u": "net input", "\x00<b>": w}) as g:
        u = w * 3 + hidden[0]
    assert [n.name for n in g.nodes] == ["\N{REPLACEMENT CHARACTER}<b>", "3", "v₁", "bias", "net input"] and u == 9
    with trace(names={"v₁": w, "v₃": (other := leaf(1.0))}) as g:  # numbers that are taken are left out
        f = (w * 2 + other) * 3 - 4
    assert [n.name for n in g.nodes if n.kind != "constant"] == ["v₁", "v₂", "v₃", "v₄", "v₅", "f"] and f == 11


def test_a_parameter_after_its_update_has_the_value_of_its_loss():
    w = leaf(2.0)
    with trace() as g:
        for _ in range(2):
            loss = (w * 3) ** 2
            loss.backward()
            with torch.no_grad():
                w -= 0.01 * w.grad
                w.grad = None
    assert node(g, "w").value.item() == pytest.approx(2 - 0.36)


@pytest.mark.parametrize(
    "code, text",
    [
        # operators
        ("x - y", "x − y"), ("1 - x", "1 − x"), ("x * 3", "3 · x"), ("3 * x", "3 · x"), ("-2 * x", "(−2) · x"),
        ("x / y", "x / y"), ("1 / x", "1 / x"), ("x // 2", "x // 2"), ("5 // x", "5 // x"), ("x % 2", "x % 2"),
        ("5 % x", "5 % x"), ("x + (-3)", "x + (−3)"), ("-x", "−x"), ("abs(x)", "|x|"), ("x * 1j", "0+1j · x"),
        ("x ** 2", "x²"), ("x ** 10", "x¹⁰"), ("x ** -1", "x⁻¹"), ("x ** 0.5", "x^0.5"), ("x ** -0.5", "x^−0.5"),
        ("x ** y", "x^y"), ("2 ** x", "2^x"), ("x ** (-y)", "x^v₁"), ("(-1) ** x", "(−1)^x"),
        ("x @ y", "x @ y"), ("x.__rmatmul__(M)", "M @ x"), ("x >= y", "x ≥ y"), ("x == 1", "x == 1"),
        ("x != y", "x ≠ y"), ("(x > 0) & (y > 0)", "v₁ & v₂"), ("~(x > 0)", "~v₁"), ("i << 2", "i << 2"),
        ("2 << i", "2 << i"),
        # the same as functions and methods
        ("torch.sub(3, x)", "3 − x"), ("torch.rsub(x, 1)", "1 − x"), ("torch.mul(3, x)", "3 · x"),
        ("x.multiply(3)", "x · 3"), ("x.true_divide(2)", "x / 2"), ("M.mv(x)", "M @ x"), ("x.square()", "x²"),
        ("M.t()", "Mᵀ"), ("M.mT", "Mᵀ"), ("M.T", "Mᵀ"), ("x.negative()", "−x"),
        ("x.pow(exponent=2)", "pow(x, exponent=2)"), ("x.add(y, alpha=2)", "add(x, y, alpha=2)"),
        # indices and shapes
        ("x[0]", "x[0]"), ("M[0, 1]", "M[0, 1]"), ("M[(0,)]", "M[0]"), ("M[:, 0]", "M[:, 0]"),
        ("x[..., 1:]", "x[…, 1:]"), ("x[-2:2:1]", "x[−2:2:1]"), ("x[None]", "x[None]"), ("x[[0, 1]]", "x[[0, 1]]"),
        ("M.reshape(4, 1)", "reshape(M, 4, 1)"), ("x.reshape((2,))", "reshape(x, (2,))"),
        ("torch.cat([x, y])", "cat([x, y])"), ("torch.stack((x, y))", "stack((x, y))"),
        ("x.split(1)[1]", "split(x, 1)[1]"), ("x.max(0).values", "max(x, 0)[0]"),
        # other functions, without what is left at its default
        ("x.sum(dim=0)", "sum(x, dim=0)"), ("x.sum(dim=None)", "sum(x)"), ("torch.softmax(x, 0)", "softmax(x, 0)"),
        ("nn.Softmax(dim=0)(x)", "softmax(x, dim=0)"), ("F.mse_loss(x, y, reduction='mean')", "mse_loss(x, y)"),
        ("F.mse_loss(x, y, reduction='sum')", "mse_loss(x, y, reduction=sum)"), ("F.relu(x, inplace=False)", "relu(x)"),
        ("F.dropout(x, training=True)", "dropout(x)"), ("F.leaky_relu(x, negative_slope=0.01)", "leaky_relu(x)"),
        ("F.leaky_relu(x, negative_slope=0.2)", "leaky_relu(x, negative_slope=0.2)"),
        ("F.linear(x, M, bias=y)", "linear(x, M, bias=y)"), ("torch.clamp(x, min=-1)", "clamp(x, min=−1)"),
        ("torch.rand(2, out=torch.empty(2)) * x", "v₁ · x"), ("torch.rsub(x, 5)", "5 − x"),
        ("torch.where(x > 0, x, 0.5)", "where(v₁, x, 0.5)"), ("torch.cat(tensors=[x, y])", "cat(tensors=[x, y])"),
        ("x.to(torch.device('cpu'), torch.float64)", "to(x, cpu, float64)"),
        ("torch.bernoulli(x * 0, generator=torch.Generator())", "bernoulli(v₁, generator=Generator)"),
    ],
)  # fmt: skip
def test_expressions_are_written_as_a_lecturer_would(code, text):
    x, y, M, i = leaf(1.0, 2.0), leaf(3.0, 4.0), leaf([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([4, 5])
    with trace() as g:
        z = eval(code, {"torch": torch, "nn": nn, "F": nn.functional}, locals())
    assert text in [n.expression for n in g.nodes], g.to_text()
    assert z is not None and x is not y is not M is not i


@pytest.mark.parametrize(
    "code, text",
    [
        ("x[0] = 5", "x[0] = 5"), ("x[0, 1:] = y", "x[0, 1:] = y"), ("x[...] = 3", "x[…] = 3"), ("x += y", "x + y"),
        ("x *= 2", "2 · x"), ("x **= 2", "x²"), ("x //= 2", "x // 2"), ("b &= c", "b & c"), ("i <<= 1", "i << 1"),
        ("x.add_(y)", "x + y"), ("x.neg_()", "−x"), ("x.clamp_(min=0)", "clamp(x, min=0)"),
        ("x.copy_(y)", "copy(x, y)"), ("x.apply_(abs)", "apply(x, abs)"), ("torch.relu_(x)", "relu(x)"),
        ("nn.ReLU(inplace=True)(x)", "relu(x)"), ("torch.mul(x, 3, out=x)", "3 · x"),
    ],
)  # fmt: skip
def test_changes_in_place_are_written_like_the_operation_without_the_change(code, text):
    x, y = torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([4.0])
    b, c, i = x > 1, x > 2, torch.tensor([4, 5])
    with trace() as g:
        exec(code)
    changed = code[0] if code[0] in "xbi" else "x"
    assert [(n.name, n.expression) for n in g.nodes if n.op][-1] == (f"{changed}′", text)
    assert y is not b is not c is not i
