"""Names and expressions: tensors and modules are called what the reader calls them."""

from contextlib import ExitStack

import pytest
import torch
from graph_samples import leaf, node
from torch import nn

from lecturekit import trace

pytestmark = pytest.mark.usefixtures("no_warning")


def test_names_come_from_variables_lists_dicts_modules_and_objects():
    class Adaline:
        def __init__(self):
            self.weights, self.bias = leaf(1.0, 2.0), leaf(0.5)

        def forward(self, x):
            return x @ self.weights + self.bias

        def traced(self, x):
            with trace() as g:
                self.forward(x)
            return g

    ada, Ws, params = Adaline(), [leaf(1.0), leaf(2.0)], {"scale": leaf(3.0)}
    one, two = nn.Linear(2, 1), nn.Sequential(nn.Linear(2, 1))
    x = torch.ones(2)
    with trace() as g:
        f = (ada.forward(x) * Ws[0] + Ws[1] * params["scale"] + one(x) + two(x)).sum()
    names = {n.name for n in g.nodes if n.kind == "leaf"}
    assert names == {
        "weights",
        "ada.bias",
        "Ws[0]",
        "Ws[1]",
        "scale",
        "weight",
        "one.bias",
        "two[0].weight",
        "two[0].bias",
    }
    assert {n.name for n in ada.traced(x).nodes if n.kind == "leaf"} == {"weights", "bias"}
    assert f.requires_grad


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
    def __init__(self):
        self.net, self.w = nn.Linear(1, 1), leaf(3.0)

    def forward(self, x):
        return self.net(x) * self.w

    def traced(self, x, *others):
        with trace() as g:
            out = self.forward(x)
            for other in others:
                out = out * other.forward(x)
        return g


def named(g):
    return [n.name for n in g.nodes if not n.op and n.kind != "constant"]


def modules(g):
    return [n.module for n in g.nodes if n.op]


def test_names_inside_a_method_do_without_self():
    x = torch.ones(1)
    g = Net().traced(x)
    assert named(g) == ["x", "inner.weight", "inner.bias", "shift", "scale"]
    assert modules(g) == [("self: Net", "inner: Linear"), ("self: Net",), ("self: Net",)]
    g = Net().traced(x, Net())
    assert named(g) == [
        "x",
        *("inner.weight", "inner.bias", "shift", "scale"),
        *("other.inner.weight", "other.inner.bias", "other.shift", "other.scale"),
    ]
    g = Holder().traced(x, Holder())
    assert named(g) == ["x", "net.weight", "net.bias", "w", "other.net.weight", "other.net.bias", "other.w"]
    g = Holder().traced(x)
    assert named(g) == ["x", "weight", "bias", "w"] and modules(g) == [("net: Linear",), ()]


class Tower(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Sequential(nn.Linear(1, 1)))
        self.rest = nn.ModuleList([nn.Linear(1, 1)])

    def forward(self, x):
        return self.rest[0](self[0](x))

    def traced(self, x):
        with trace() as g:
            self(x)
        return g


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
        f = net(x)
    assert named(g) == ["x", "inner.weight", "inner.bias", "shift", "scale"]
    assert modules(g)[0] == ("net: Net", "net.inner: Linear")
    with trace() as g:
        f = holder.forward(x)
    assert modules(g) == [("holder.net: Linear",), ()]
    with trace() as g:
        f = layers[0](x)
    assert modules(g) == [("layers[0]: Sequential", "layers[0][0]: Linear")]
    with trace() as g:
        f = nn.Linear(1, 1)(x)
    assert modules(g) == [("Linear: Linear",)] and named(g) == ["x", "v₁", "v₂"] and f.shape == (1,)
    inner = net.inner
    with trace() as g:
        f = inner(inner(x)) * inner(x)
    assert [path for (path,) in modules(g)[:3]] == [
        "net.inner: Linear",
        *(f"net.inner (call {i}): Linear" for i in (2, 3)),
    ]


def test_what_no_reader_would_call_a_name_is_none():
    _hidden, In, Out, many = leaf(1.0), leaf(2.0), leaf(3.0), [leaf(float(i)) for i in range(1001)]
    with trace() as g:
        f = _hidden * In + Out * 1
    assert named(g) == ["v₁", "v₂", "v₄"]
    with trace() as g:  # a list of that length is data
        f = many[999] * many[1000]
    assert named(g) == ["many[999]", "v₁"] and f.requires_grad


def test_two_of_the_same_short_name_get_their_full_names():
    p, q, pair = {"scale": leaf(1.0), "b": leaf(2.0)}, {"scale": leaf(3.0)}, (leaf(1.0), leaf(2.0))
    with trace() as g:
        f = p["scale"] * q["scale"] * p["b"] * pair[1]
    assert named(g) == ['p["scale"]', 'q["scale"]', "b", "pair[1]"] and f == 12


def test_what_was_computed_before_the_block_keeps_its_names():
    x = leaf(2.0)
    a = x * x
    b = a * 2
    with trace(max_elems=0) as g:
        f = b * 3
    assert [n.name for n in g.nodes if n.kind != "constant"] == ["b", "f"] and f == 24
    assert node(g, "b").value is None and node(g, "b").value_norm == 8 and node(g, "b").grad is None


def test_a_gradient_is_named_by_what_it_belongs_to():
    w, layer = leaf(2.0), nn.Linear(1, 1, bias=False)
    (w * layer.weight.sum()).backward()
    with trace() as g:
        f = w.grad * layer.weight.grad
    assert named(g) == ["w.grad", "weight.grad"] and f.shape == (1, 1)


def test_many_changes_of_one_variable_are_counted():
    with trace() as g:
        h = leaf(1.0) * 1
        for _ in range(5):
            h += 1
    assert [n.name for n in g.nodes if n.op] == ["h", "h′", "h″", "h‴", "h⁽⁴⁾", "h⁽⁵⁾"]


def test_numbered_names_leave_out_those_of_the_reader():
    w = leaf(2.0)
    with trace(names={"v₁": w, "v₃": leaf(1.0)}) as g:
        f = (w * 2 + 1) * 3 - 4
    assert [n.name for n in g.nodes if n.kind != "constant"] == ["v₁", "v₂", "v₃", "v₄", "f"] and f == 11
    with trace(names={"v₁": w, "v₃": (other := leaf(1.0))}) as g:
        f = (w * 2 + other) * 3 - 4
    assert [n.name for n in g.nodes if n.kind != "constant"] == ["v₁", "v₂", "v₃", "v₄", "v₅", "f"]


def test_the_code_at_hand_is_asked_before_left_over_variables():
    scope = {"torch": torch, "trace": trace, "old": leaf(2.0)}
    scope["new"] = scope["old"]
    exec("def run(given):\n    with trace() as g:\n        f = new * 3\n    return g", scope)
    assert named(scope["run"](None)) == ["new"]
    exec("def run(given):\n    with trace() as g:\n        f = given * 3\n    return g", scope)
    assert named(scope["run"](scope["old"])) == ["given"]
    inner = "    def inner():\n        with trace() as g:\n            w * 3\n        return g\n"
    exec(f"def run(w):\n{inner}    return inner()", scope)
    assert named(scope["run"](scope["old"])) == ["w"]


def test_names_argument_renames_and_adds():
    w = leaf(2.0)
    with trace(names={"x": torch.tensor(3.0), "u": "net input", "\x00<b>": w}) as g:
        u = w * 3
    assert [n.name for n in g.nodes] == ["\N{REPLACEMENT CHARACTER}<b>", "3", "net input"]
    assert u == 6
    hidden = [torch.tensor(3.0)]
    with trace(names={"bias": hidden[0]}) as g:
        u = w + hidden[0]
    assert [n.name for n in g.nodes] == ["w", "bias", "u"]


def test_changed_and_rebound_variables_get_primes():
    x = leaf(2.0)
    with trace() as g:
        h = x * 1
        h += 1
        h += 2
        x = x * h
    assert [n.name for n in g.nodes if n.kind != "constant"] == ["x", "h", "h′", "h″", "x′"]


def test_stale_variables_do_not_name_what_the_code_names_otherwise():
    scope = {"torch": torch, "trace": trace, "p": leaf(2.0)}
    exec("w = p\nlayer = torch.nn.Linear(1, 1)\nfor q in layer.parameters(): pass", scope)
    exec("def run(w):\n    with trace() as g:\n        w = w * 3 + layer(torch.ones(1))\n    return g", scope)
    assert {n.name for n in scope["run"](scope["w"]).nodes if n.kind == "leaf"} == {"w", "weight", "bias"}


def test_a_parameter_after_its_update_is_a_new_leaf():
    w = leaf(2.0)
    with trace() as g:
        for _ in range(2):
            loss = (w * 3) ** 2
            loss.backward()
            with torch.no_grad():
                w -= 0.01 * w.grad
                w.grad = None
    assert [n.name for n in g.nodes] == ["w", "3", "v₁", "loss"]
    assert node(g, "w").value.item() == pytest.approx(2 - 0.36)  # the value that this loss was computed from


def test_function_globals_are_found():
    scope = {"torch": torch, "trace": trace, "weight_of_module": leaf(2.0)}
    exec("def run():\n    with trace() as g:\n        f = weight_of_module * 3\n    return g", scope)
    assert [n.name for n in scope["run"]().nodes] == ["weight_of_module", "3", "f"]


def test_block_entered_by_an_exit_stack():
    x = leaf(2.0)
    with ExitStack() as stack:
        g = stack.enter_context(trace())
        y = x * x
    assert [n.name for n in g.nodes] == ["x", "y"] and y == 4


@pytest.mark.parametrize(
    "code, text",
    [
        ("1 - x", "1 − x"), ("x - y", "x − y"), ("x * 3", "3 · x"), ("x ** 2", "x²"), ("x ** -1", "x⁻¹"),
        ("x ** 0.5", "x^0.5"), ("x ** y", "x^y"), ("x @ y", "x @ y"), ("-x", "−x"), ("abs(x)", "|x|"),
        ("x / y", "x / y"), ("2 ** x", "2^x"),
        ("1 / x", "1 / x"), ("x + (-3)", "x + (−3)"), ("x.mean()", "mean(x)"), ("x.sum(dim=0)", "sum(x, dim=0)"),
        ("torch.softmax(x, 0)", "softmax(x, 0)"), ("nn.functional.mse_loss(x, y)", "mse_loss(x, y)"), ("x[0]", "x[0]"),
        ("nn.functional.mse_loss(x, y, reduction='sum')", "mse_loss(x, y, reduction=sum)"), ("x[..., 1:]", "x[…, 1:]"),
        ("x[[0, 1]]", "x[[0, 1]]"), ("torch.cat([x, y])", "cat([x, y])"), ("x > y", "x > y"),
        ("x.max(0).values", "max(x, 0)[0]"),
        ("M.T", "Mᵀ"), ("M[:, 0]", "M[:, 0]"), ("M.reshape(4, 1)", "reshape(M, 4, 1)"), ("x.double()", "double(x)"),
        ("nn.functional.relu(x)", "relu(x)"), ("x.to(torch.float64)", "to(x, float64)"), ("5 % x", "5 % x"),
        ("torch.rsub(x, 1)", "1 − x"), ("5 // x", "5 // x"), ("x.__rmatmul__(M)", "M @ x"),
        ("torch.sub(3, x)", "3 − x"),
        ("x.subtract(y)", "x − y"), ("x.multiply(3)", "x · 3"), ("3 * x", "3 · x"), ("torch.mul(3, x)", "3 · x"),
        ("x.divide(y)", "x / y"), ("x.true_divide(2)", "x / 2"), ("torch.mm(M, M)", "M @ M"), ("M.mv(x)", "M @ x"),
        ("torch.bmm(M[None], M[None])", "v₁ @ v₂"), ("x // 2", "x // 2"), ("x.floor_divide(2)", "x // 2"),
        ("x % 2", "x % 2"), ("x.remainder(2)", "x % 2"), ("x >= y", "x ≥ y"), ("x < 1", "x < 1"), ("x <= 1", "x ≤ 1"),
        ("x == 1", "x == 1"), ("x != y", "x ≠ y"), ("(x > 0) & (y > 0)", "v₁ & v₂"), ("(x > 0) | (y > 0)", "v₁ | v₂"),
        ("(x > 0) ^ (y > 0)", "v₁ ^ v₂"), ("~(x > 0)", "~v₁"), ("x.square()", "x²"), ("M.t()", "Mᵀ"), ("M.mT", "Mᵀ"),
        ("x.absolute()", "|x|"), ("x.negative()", "−x"), ("x.neg()", "−x"), ("x ** 10", "x¹⁰"), ("x ** -0.5", "x^−0.5"),
        ("x.pow(exponent=2)", "pow(x, exponent=2)"), ("-2 * x", "(−2) · x"), ("x ** (-y)", "x^v₁"),
        ("(-1) ** x", "(−1)^x"), ("torch.maximum(x, torch.tensor(-1.0))", "maximum(x, v₁)"), ("x * 1j", "0+1j · x"),
        ("x.add(y, alpha=2)", "add(x, y, alpha=2)"), ("x.mul(other=y)", "mul(x, other=y)"), ("M[0, 1]", "M[0, 1]"),
        ("M[(0,)]", "M[0]"), ("x.reshape((2,))", "reshape(x, (2,))"), ("x.reshape((1, 2))", "reshape(x, (1, 2))"),
        ("x.sum(dim=None)", "sum(x)"), ("x.sum(dim=0, keepdim=True)", "sum(x, dim=0, keepdim=True)"),
        ("nn.functional.relu(x, inplace=False)", "relu(x)"), ("nn.functional.dropout(x, training=True)", "dropout(x)"),
        ("nn.functional.leaky_relu(x, negative_slope=0.01)", "leaky_relu(x)"),
        ("nn.functional.leaky_relu(x, negative_slope=0.2)", "leaky_relu(x, negative_slope=0.2)"),
        ("nn.functional.mse_loss(x, y, reduction='mean')", "mse_loss(x, y)"),
        ("nn.functional.linear(x, M, bias=y)", "linear(x, M, bias=y)"), ("x.clamp(0, 1)", "clamp(x, 0, 1)"),
        ("torch.clamp(x, min=-1)", "clamp(x, min=−1)"), ("torch.where(x > 0, x, 0.5)", "where(v₁, x, 0.5)"),
        ("torch.stack((x, y))", "stack((x, y))"), ("torch.cat(tensors=[x, y])", "cat(tensors=[x, y])"),
        ("x.to('cpu', torch.float64)", "to(x, cpu, float64)"),
        ("x.mean(dtype=torch.float64)", "mean(x, dtype=float64)"),
        ("x.to(torch.device('cpu'), torch.float64)", "to(x, cpu, float64)"), ("x.split(1)[1]", "split(x, 1)[1]"),
        ("nn.Softmax(dim=0)(x)", "softmax(x, dim=0)"), ("i << 2", "i << 2"), ("i >> i", "i >> i"), ("2 << i", "2 << i"),
        ("torch.bernoulli(x * 0, generator=torch.Generator())", "bernoulli(v₁, generator=Generator)"),
        ("torch.clone(x, memory_format=torch.preserve_format)", "clone(x, memory_format=preserve_format)"),
    ],
)  # fmt: skip
def test_expressions_are_written_as_a_lecturer_would(code, text):
    x, y, M, i = leaf(1.0, 2.0), leaf(3.0, 4.0), leaf([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([4, 5])
    with trace() as g:
        z = eval(code)
    assert text in [n.expression for n in g.nodes], g.to_text()
    assert z is not None and x is not y is not M is not i


@pytest.mark.parametrize(
    "code, text",
    [
        ("x[0] = 5", "x[0] = 5"), ("x[0, 1:] = y", "x[0, 1:] = y"), ("x[...] = 3", "x[…] = 3"), ("x += y", "x + y"),
        ("x -= 3", "x − 3"), ("x *= 2", "2 · x"), ("x /= y", "x / y"), ("x **= 2", "x²"), ("x //= 2", "x // 2"),
        ("x %= 2", "x % 2"), ("x.add_(y)", "x + y"), ("x.neg_()", "−x"), ("x.square_()", "x²"), ("x.abs_()", "|x|"),
        ("x.clamp_(min=0)", "clamp(x, min=0)"), ("torch.relu_(x)", "relu(x)"), ("x.copy_(y)", "copy(x, y)"),
        ("x.apply_(abs)", "apply(x, abs)"),
        ("b &= c", "b & c"), ("b |= c", "b | c"), ("b ^= c", "b ^ c"),
        ("i <<= 1", "i << 1"), ("i >>= 1", "i >> 1"),
    ],
)  # fmt: skip
def test_changes_in_place_are_written_like_the_operation_without_the_change(code, text):
    x, y = torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([4.0, 5.0])[:1]
    b, c, i = x > 1, x > 2, torch.tensor([4, 5])
    with trace() as g:
        exec(code)
    assert [(n.name, n.expression) for n in g.nodes if n.op][-1] == (f"{code[0] if code[0] != 't' else 'x'}′", text)
    assert y is not b is not c is not i
