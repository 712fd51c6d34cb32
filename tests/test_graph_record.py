"""Recording: invisible, right about names, robust against whatever the block does."""

import gc
import sys
import threading
import warnings
import weakref
from contextlib import ExitStack

import graph_samples
import pytest
import torch
from torch import nn
from torch.autograd.graph import get_gradient_edge

from lecturekit.graph import Graph, graph_of, trace
from lecturekit.graph.draw import png, svg
from lecturekit.graph.expressions import walked_call
from lecturekit.graph.fold import fold
from lecturekit.graph.stepper import html
from lecturekit.graph.text import format_number, format_shape, format_tensor


def leaf(*values):
    return torch.tensor(values if len(values) != 1 else values[0], requires_grad=True)


def node(g, name):
    (found,) = [n for n in g.nodes if n.name == name]
    return found


def edge(g, source, target):
    (found,) = [e for e in g.edges if e.source.name == source and e.target.name == target]
    return found


@pytest.fixture(autouse=True)
def no_warning(recwarn):
    yield
    assert not [str(w.message) for w in recwarn if str(w.message).startswith(("trace ", "graph_of "))]


# ---------------------------------------------------------------- what is recorded


def test_the_lecture_example():
    x, w, b = torch.tensor(3.0), leaf(2.0), leaf(1.0)
    with trace() as g:
        u = w * x
        v = u + b
        a = torch.relu(v)
        assert torch.autograd.grad(a, w, retain_graph=True)[0] == 3
        assert torch.autograd.grad(a, b)[0] == 1
    assert isinstance(g, Graph)
    assert [n.name for n in g.nodes] == ["w", "x", "u", "b", "v", "a"]
    assert [n.kind for n in g.nodes] == ["leaf", "input", "operation", "leaf", "operation", "output"]
    assert [n.expression for n in g.nodes] == ["", "", "w · x", "", "u + b", "relu(v)"]
    assert [n.value.item() for n in g.nodes] == [2, 3, 6, 1, 7, 7]
    assert [n.grad and n.grad.item() for n in g.nodes] == [3, None, 1, 1, 1, 1]
    assert edge(g, "w", "u").local_grad == 3 and edge(g, "w", "u").contribution == 3
    assert edge(g, "x", "u").local_grad is None and edge(g, "x", "u").contribution is None
    assert node(g, "w").accumulated is None and w.grad is None


def test_accumulated_differs_from_grad_after_two_passes():
    x = torch.tensor([1.0, 5.3], requires_grad=True)
    with trace() as g:
        f = 3 * x**2 + 2 * x
        f.backward(gradient=torch.ones(2), retain_graph=True)
        f.backward(gradient=torch.ones(2))
    assert format_tensor(node(g, "x").grad) == ["[8, 33.8]"]
    assert format_tensor(node(g, "x").accumulated) == ["[16, 67.6]"]
    assert torch.equal(g.target.grad, torch.ones(2))


def test_weighted_vector_is_the_one_given():
    x = leaf(1.0, 2.0)
    with trace() as g:
        f = x * x
        torch.autograd.grad(f, x, grad_outputs=torch.tensor([1.0, 10.0]))
    assert node(g, "x").grad.tolist() == [2, 40]


def test_target_by_name_and_by_default():
    x = leaf(2.0)
    with trace(target="u") as g:
        u = x * x
        f = u * 3
        f.backward()
    assert g.target.name == "u" and node(g, "x").grad == 4 and x.grad == 12
    with trace() as g:
        u = x * x
        vector = u * torch.ones(3)
    assert g.target.name == "u" and node(g, "vector").grad is None  # the last scalar; further results are shown
    with trace() as g:
        vector = x * torch.ones(3)
    assert g.target is None and len(g.nodes) == 3 and node(g, "x").grad is None
    with trace() as g:
        plain = torch.ones(3) * 2
    assert g.target is None and [n.kind for n in g.nodes] == ["input", "constant", "operation"]
    with pytest.warns(UserWarning, match="target='nothing'"), trace(target="nothing") as g:
        u = x * x
    assert len(g.nodes) == 2 and plain is not None and vector is not None and f is not None


def test_what_leads_to_no_result_is_left_out():
    model, X, y = nn.Linear(2, 1), torch.ones(4, 2), torch.zeros(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    with trace() as g:
        loss = ((model(X) - y) ** 2).mean()
        loss.backward()
        optimizer.step()
        accuracy = (model(X) > 0).float().mean()
    assert [n.name for n in g.nodes] == ["X", "weight", "bias", "v₁", "y", "v₂", "v₃", "loss"]
    assert accuracy is not None
    assert torch.equal(node(g, "weight").accumulated, model.weight.grad)


def test_nodes_come_in_the_order_of_the_code():
    x = leaf(3.0)
    with trace() as g:
        u = x * x
        f = torch.sin(u) + u * x
    order = ["", "x · x", "sin(u)", "u · x", "v₁ + v₂"]
    assert [n.expression for n in g.nodes] == order and [e.target.name for e in g.edges] == "u v₁ v₂ v₂ f f".split()
    assert [n.op for n in graph_of(torch.sin(u) + u * x).nodes] == ["", "mul", "sin", "mul", "add"] and f > 0


def test_changes_in_place_are_operations():
    x, buffer = torch.ones(2), torch.empty(2)
    with trace() as g:
        h = x * 2
        nn.ReLU(inplace=True)(h)
        torch.mul(h, 3, out=buffer)
        f = buffer.sum()
    names = [(n.name, n.expression) for n in g.nodes if n.op]
    assert names == [("h", "2 · x"), ("h′", "relu(h)"), ("buffer", "3 · h′"), ("f", "sum(buffer)")] and f == 12


def test_inside_of_vmap_is_not_recorded():
    x = torch.ones(3)
    with trace() as g:
        y = torch.vmap(lambda t: torch.sin(t) * 2)(x)
        z = torch.func.grad(lambda t: (t**2).sum())(x)
        f = (y + z).sum()
    assert [n.name for n in g.nodes] == ["y", "z", "v₁", "f"] and f > 0
    with trace() as g:
        torch.func.grad(lambda t: (t**2).sum())(x)
    assert g.nodes == []


def test_reader_may_draw_a_graph_of_plain_numbers():
    with trace() as g:
        x = torch.arange(3)
        y = x * 2 > 1
        z = y.sum()
    assert [n.value.tolist() for n in g.nodes if n.name in "xyz"] == [[0, 1, 2], [False, True, True], 2]
    assert z == 2


# ---------------------------------------------------------------- names


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
    ],
)  # fmt: skip
def test_expressions_are_written_as_a_lecturer_would(code, text):
    x, y, M = leaf(1.0, 2.0), leaf(3.0, 4.0), leaf([[1.0, 2.0], [3.0, 4.0]])
    with trace() as g:
        z = eval(code)
    assert text in [n.expression for n in g.nodes], g.to_text()
    assert z is not None and x is not y is not M


# ---------------------------------------------------------------- invisible


def test_nothing_is_kept_after_the_block():
    class Big:
        pass

    marker = Big()
    x = leaf(2.0)
    with trace() as g:
        u = x * x
        v = torch.sin(u)
        u_alive = weakref.ref(u)
        v.grad_fn.metadata["marker"] = marker
        marker_alive = weakref.ref(marker)
        del u, v, marker
    gc.collect()
    assert u_alive() is None and marker_alive() is None
    assert len(g.nodes) == 3
    with trace() as g:
        model = nn.Linear(2, 2)
        model(torch.ones(2))
        alive = weakref.ref(model)
        del model
    gc.collect()
    assert alive() is None and g.nodes
    with trace() as g:
        kept = trace()
        with kept:
            x = torch.ones(2, requires_grad=True) * 2
            x.grad_fn.metadata["marker"] = marker = Big()
            alive = weakref.ref(marker)
            del x, marker
    gc.collect()
    assert alive() is None and kept is not None


def test_tensors_die_inside_the_block_as_without_it():
    with trace():
        x = torch.ones(1000) * 2
        alive = weakref.ref(x)
        del x
        gc.collect()
        assert alive() is None


def test_autograd_graph_and_hooks_are_as_without_trace():
    x = leaf(2.0)
    with trace():
        u = x * x
        f = u * 3
    assert f.grad_fn.next_functions[0][0] is u.grad_fn and len(leaves(f)) == 1
    assert not u.retains_grad and u._backward_hooks is None and x._backward_hooks is None
    assert not nn.modules.module._global_forward_hooks and not nn.modules.module._global_forward_pre_hooks
    f.backward()  # not freed
    assert x.grad == 12


def leaves(f):
    found, todo = set(), [f.grad_fn]
    while todo:
        fn = todo.pop()
        if fn.name() == "torch::autograd::AccumulateGrad":
            found.add(fn)
        todo += [n for n, _ in fn.next_functions if n is not None]
    return found


def test_random_numbers_in_an_own_backward():
    class Noisy(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, grad):
            return grad * torch.rand(())

    def run():
        torch.manual_seed(3)
        x = leaf(1.0)
        f = Noisy.apply(x) * 2
        f.backward()
        return x.grad, torch.rand(3)

    plain = run()
    with trace():
        traced = run()
    assert all(map(torch.equal, plain, traced))


def test_retained_gradients_before_the_block_are_untouched():
    x = leaf(3.0)
    h = x * x
    h.retain_grad()
    f = h * 2
    f.backward(retain_graph=True)
    with trace() as g:
        f2 = h * 5
    assert h.grad == 2 and x.grad == 12 and node(g, "x").grad == 30 and f2 == 45
    assert node(g, "h").accumulated == 2 and node(g, "h").grad == 5


def test_exception_passes_and_what_was_recorded_stays():
    x = leaf(2.0)
    with pytest.raises(ZeroDivisionError) as caught, trace() as g:
        u = x * x
        1 / 0  # noqa: B018
    assert caught.value.args == ("division by zero",) and caught.value.__cause__ is None
    assert [n.name for n in g.nodes] == ["x", "u"] and node(g, "x").grad == 4 and u == 4
    with pytest.raises(RuntimeError, match="must match"), trace() as g:
        u = x * torch.ones(2)
        u + torch.ones(3)
    assert [n.name for n in g.nodes] == ["x", "v₁", "u"]
    assert not nn.modules.module._global_forward_hooks


def test_exception_inside_a_module():
    class Broken(nn.Module):
        def forward(self, x):
            raise KeyError("no")

    model, x = nn.Sequential(nn.Linear(1, 1), Broken()), torch.ones(1)
    with trace() as g:
        with pytest.raises(KeyError):
            model(x)
        f = x * leaf(1.0)
    assert node(g, "f").module == () and f == 1


def test_a_failing_recording_warns_once_and_leaves_the_results(monkeypatch):
    from lecturekit.graph import tape

    def broken(*args):
        raise ValueError("out of order")

    monkeypatch.setattr(tape, "snapshot", broken)
    x = leaf(2.0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with trace() as g:
            u = x * x
            f = u + 1
            f.backward()
    assert len(caught) == 1 and "out of order" in str(caught[0].message) and "not affected" in str(caught[0].message)
    assert caught[0].filename == __file__
    assert f == 5 and x.grad == 4 and isinstance(g, Graph)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with trace():
            u = x * x
    assert u == 4


def test_freed_graph_says_so():
    x = leaf(2.0)
    u = torch.sin(x * x)
    u.backward()
    with pytest.warns(UserWarning, match="second time"), trace() as g:
        f = u * u
    assert g.target is None and [n.name for n in g.nodes][-2:] == ["u", "f"] and f > 0
    with trace(), pytest.raises(RuntimeError, match="second time"):  # the reader's error, and no warning of ours
        f2 = torch.sin(x * x)
        f2.backward()
        f2.backward()


def test_nested_traces():
    x = leaf(2.0)
    with trace() as outer:
        u = x * x
        with trace() as inner:
            v = u * 3
            v.backward()
        f = torch.sin(v.detach()) + x
    assert [n.name for n in inner.nodes] == ["x", "u", "3", "v"]
    assert {n.name for n in outer.nodes} >= {"x", "u", "v"} and outer.target.name == "v"
    assert x.grad == 12 and f is not None


def test_inner_trace_does_not_choose_the_target_of_the_outer():
    x = leaf(2.0)
    with trace() as outer:
        u = x * x
        with trace() as inner:
            v = u * 3
        f = v + u
    assert inner.target.name == "v" and outer.target.name == "f" and f == 16


def test_threads_record_their_own():
    graphs, barrier = {}, threading.Barrier(2)

    def work(k):
        model, x = nn.Linear(1, 1), torch.ones(1)
        with trace() as g:
            for _ in range(20):
                barrier.wait()
                x = model(x) * k
            x.backward()
        graphs[k] = g

    threads = [threading.Thread(target=work, args=(k,)) for k in (2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k in (2, 3):
        assert sum(n.op == "linear" for n in graphs[k].nodes) == 20
        assert {n.name for n in graphs[k].nodes if n.kind == "constant"} == {str(k)}
        assert {len(n.module) for n in graphs[k].nodes if n.op == "linear"} == {1}


def test_same_trace_object_twice():
    x, t = leaf(2.0), trace()
    with t as first:
        u = x * 2
    with t as second:
        v = x * 3
    assert [n.name for n in first.nodes] == ["x", "2", "u"] and [n.name for n in second.nodes] == ["x", "3", "v"]
    assert u == 4 and v == 6


@pytest.mark.parametrize(
    "arguments, error",
    [({"target": 3}, TypeError), ({"max_elems": -1}, ValueError), ({"max_elems": 2.5}, TypeError),
     ({"names": ["x"]}, TypeError), ({"names": {torch.ones(1): "x"}}, TypeError)],
)  # fmt: skip
def test_bad_arguments(arguments, error):
    with pytest.raises(error, match=next(iter(arguments))):
        trace(**arguments)
    with pytest.raises(TypeError, match=r"^tensor must be a torch\.Tensor, but graph_of got int$"):
        graph_of(3)


# ---------------------------------------------------------------- large things


def test_large_tensors_have_norms_instead_of_numbers():
    x = torch.full((100,), 2.0, requires_grad=True)
    with trace(max_elems=99) as g:
        f = (x * x).sum()
    n = node(g, "x")
    assert n.value is None and n.grad is None and n.value_norm == 20 and n.grad_norm == 40
    e = edge(g, "x", "v₁")
    assert e.local_grad is None and e.contribution is None and e.contribution_norm == 40
    assert "100, norm 20" in g.to_text() and f == 400


@pytest.mark.parametrize("traced", [True, False])
def test_a_chain_of_2000_operations(traced):
    x, w = leaf(1.0), leaf(1.001)
    with trace() as g:
        h = x
        for _ in range(2000):
            h = h * w
    g = g if traced else graph_of(h)
    assert sum(n.op == "mul" for n in g.nodes) == 2000
    assert node(g, "x").grad.item() == pytest.approx(1.001**2000, rel=1e-3)
    small = fold(g, 40)
    assert (
        len(small.nodes) <= 40
        and small.target.name == "h"
        and sum(n.num_operations for n in small.nodes if n.op) == 2000
    )
    assert len(g.to_text().splitlines()) > 4000


def test_modules_fold_into_runs_of_equal_ones():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(4, 4)

        def forward(self, x):
            return x + torch.relu(self.linear(x))

    model, X = nn.Sequential(nn.Linear(4, 4), *[Block() for _ in range(28)], nn.Linear(4, 1)), torch.ones(2, 4)
    with trace() as g:
        loss = model(X).square().mean()
    assert node(g, "loss") is g.target and loss.ndim == 0
    assert g.nodes[3].module == ("model: Sequential", "model[0]: Linear")
    small = fold(g, 20)
    texts = [n.expression for n in small.nodes]
    assert "Block × 28" in texts and len(small.nodes) <= 20
    (blocks,) = [n for n in small.nodes if n.expression == "Block × 28"]
    assert blocks.num_operations == 28 * 3 and blocks.num_parameters == 28 * 20
    (into,) = [e for e in small.edges if e.target is blocks]
    assert torch.equal(into.contribution, into.source.grad)
    everything = sum(n.num_operations for n in g.nodes if n.op)
    assert sum(n.num_operations for n in small.nodes if n.op) == everything
    assert sum(p.numel() for p in model.parameters()) == sum(
        n.num_parameters + (n.value.numel() if n.kind == "leaf" else 0) for n in small.nodes
    )
    assert fold(g, 1000) is g


def test_a_block_that_is_read_elsewhere_ends_a_run():
    layers, x, kept = nn.ModuleList(nn.Sequential(nn.Linear(2, 2), nn.Tanh()) for _ in range(20)), torch.ones(1, 2), []
    with trace() as g:
        for layer in layers:
            x = layer(x)
            kept.append(x)
        f = (x + kept[9]).sum()
    small = fold(g, 8)
    assert [n.expression for n in small.nodes if "×" in n.expression] == 2 * ["Sequential × 10"] and f.ndim == 0
    (skip,) = [e for e in small.edges if e.source.name == "kept[9]" and e.target.op == "add"]
    assert torch.equal(skip.contribution, torch.ones(1, 2))


def test_one_module_called_twice_folds_without_a_cycle():
    layer, x = nn.Sequential(nn.Linear(2, 2), nn.Tanh()), torch.ones(1, 2)
    with trace() as g:
        h = layer(layer(x) * 2).sum()
    assert [n.module[0] for n in g.nodes if n.op == "tanh"] == ["layer: Sequential", "layer (call 2): Sequential"]
    small = fold(g, 6)
    order = {n: i for i, n in enumerate(small.nodes)}
    assert len(small.nodes) <= 6 and all(order[e.source] < order[e.target] for e in small.edges) and h is not None


# ---------------------------------------------------------------- afterwards


def test_graph_of_an_untraced_tensor():
    x, w = torch.tensor(3.0), leaf(2.0)
    u = w * x
    a = torch.relu(u + 1)
    g = graph_of(a)
    assert [(n.name, n.expression) for n in g.nodes] == [
        ("w", ""), ("u", "w · …"), ("v₁", "u + …"), ("a", "relu(v₁)"),
    ]  # fmt: skip
    assert node(g, "u").value == 6 and node(g, "v₁").value is None and node(g, "w").grad == 3
    a.backward()
    with pytest.warns(UserWarning, match="graph_of has no gradients to show: .*second time") as caught:
        assert graph_of(a).target is None
    assert caught[0].filename == __file__  # where the reader called it
    assert [n.kind for n in graph_of(x).nodes] == ["input"] and get_gradient_edge(a) is not None


def test_graph_of_what_is_used_twice_has_it_once():
    x = leaf(3.0)
    u = x * 2
    f = u * u
    g = graph_of(f)
    assert [n.name for n in g.nodes] == ["x", "u", "f"] and node(g, "x").grad == 24 == edge(g, "x", "u").contribution
    del u
    assert [(n.name, n.requires_grad) for n in graph_of(f).nodes] == [("x", True), ("v₁", True), ("f", True)]


def test_text_is_deterministic_and_readable():
    def draw():
        x, w = torch.tensor([1.0, -2.0]), leaf(0.25, float("nan"))
        with trace() as g:
            f = (w * x).sum()
        assert f is not None
        return g.to_text()

    assert draw() == draw()
    assert draw() == (
        "w = [0.25, NaN] (leaf); ∂f/∂w = [1, −2]\n"
        "x = [1, −2] (input)\n"
        "v₁ = w · x = [0.25, NaN]; ∂f/∂v₁ = [1, 1]\n"
        "f = sum(v₁) = NaN (target); ∂f/∂f = 1\n"
        "\n"
        "∂f/∂v₁ += ∂f/∂f · ∂f/∂v₁ = [1, 1]\n"
        "∂f/∂w += ∂f/∂v₁ · ∂v₁/∂w = [1, −2]"
    )


@pytest.mark.parametrize(
    "value, text",
    [
        (1 / 3, "0.3333"), (-2.0, "−2"), (1.6e-5, "1.6e−5"), (12345.0, "1.234e4"), (10000.0, "10000"), (1e6, "1e6"),
        (-0.0, "0"), (float("nan"), "NaN"), (float("-inf"), "−∞"), (1 - 2j, "1−2j"), (True, "True"), (None, "none"),
        (123456, "123456"), (67.599998, "67.6"), (-1e-30, "−1e−30"), (10**12, "1e12"),
    ],
)  # fmt: skip
def test_format_number(value, text):
    assert format_number(value) == text


@pytest.mark.parametrize(
    "tensor, lines",
    [
        (torch.tensor(7.0), ["7"]), (torch.arange(3), ["[0, 1, 2]"]), (torch.eye(2), ["[1, 0]", "[0, 1]"]),
        (torch.ones(1, 2), ["[[1, 1]]"]), (torch.zeros(0), ["[]"]), (torch.zeros(0, 3), ["[] (0×3)"]),
        (None, ["none"]),
        (torch.ones(3, 30), ["3×30, norm 9.487"]), (torch.ones(2, 1, 1), ["[[[1]]", "[[1]]]"]),
        (torch.zeros(1), ["[0]"]),
        (torch.tensor([1j, 2]), ["[0+1j, 2+0j]"]), (torch.tensor([True]), ["[True]"]),
        (torch.eye(1).to_sparse(), ["[[1]]"]),
        (torch.tensor(0.1, dtype=torch.bfloat16), ["0.1001"]), (torch.ones(2, device="meta"), ["2, no data"]),
    ],
)  # fmt: skip
def test_format_tensor(tensor, lines):
    assert format_tensor(tensor) == lines


def test_what_a_notebook_shows(monkeypatch):
    x = leaf(2.0)
    with trace() as g:
        y = x * x
    shown = g._repr_mimebundle_()
    assert set(shown) == {"text/plain", "text/html"} and shown["text/html"] == g.to_html() and y == 4
    assert repr(g) == "<Graph of 2 nodes>" and repr(g.edges) == "[<Edge x → y>]" and str(g) == shown["text/plain"]
    assert repr(g.nodes) == "[<Node x>, <Node y = x · x>]" and g._repr_html_() == g.to_html()
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    shown = g._repr_mimebundle_()
    assert set(shown) == {"text/plain"} and shown["text/plain"].startswith(str(g)) and g._repr_html_() is None
    assert shown["text/plain"].endswith("(For the picture, install pygraphviz: pip install pygraphviz)")


@pytest.mark.parametrize("kind", ["svg", "png", "html"])
def test_a_graph_draws_itself_and_folds_what_has_more_than_40_nodes(kind):
    """As the functions do that draw."""
    draw = {"svg": svg, "png": png, "html": html}[kind]
    g = graph_samples.chain(40)
    assert len(g.nodes) == 41
    picture = getattr(g, f"to_{kind}")
    assert picture() == draw(g, 40) != draw(g, 41) == picture(max_nodes=41)


def test_names_and_sizes_in_a_graph_of_a_result():
    x, w = torch.ones(64), torch.ones(65, requires_grad=True)
    f = (w * 2).sum()
    g = graph_of(f, names={"w": "weights", "f": "loss"})
    assert [n.name for n in g.nodes] == ["weights", "v₁", "loss"] and g.nodes[0].value is None
    u = x.requires_grad_() * 2
    assert graph_of(u.sum()).nodes[0].value is not None  # up to 64 numbers


def test_tensor_subclasses_see_only_the_readers_calls():
    class Counting(torch.Tensor):
        calls = 0

        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            Counting.calls += 1
            return super().__torch_function__(func, types, args, kwargs or {})

    def run():
        Counting.calls = 0
        f = (s * 2).sum()
        return f, Counting.calls

    s = torch.ones(2).as_subclass(Counting).requires_grad_()
    plain = run()
    with trace() as g:
        traced = run()
    assert type(traced[0]) is Counting and traced[1] == plain[1]
    assert node(g, "s").grad.tolist() == [2, 2] and type(node(g, "s").value) is torch.Tensor


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode, lambda: torch.device("meta")])
def test_modes_without_gradients_or_data(context):
    w = leaf(2.0)
    with context(), trace() as g:
        layer = nn.Linear(2, 1)
        f = (layer(torch.ones(2)) * 3).sum()
        u = w * 2
    assert {"linear", "mul", "sum"} <= {n.op for n in g.nodes}
    assert node(g, "u").value == 4 and u == 4 and f.shape == ()


def test_a_hook_that_changes_gradients_is_respected():
    w = leaf(2.0)
    with trace() as g:
        u = w * 3
        u.register_hook(lambda grad: grad * 10)
        f = u * u
        f.backward()
    assert node(g, "w").grad == w.grad == 360 and f == 36


@pytest.mark.parametrize(
    "node, op",
    [("MulBackward0", "mul"), ("NativeLayerNormBackward0", "native_layer_norm"), ("_MyFnBackward", "_MyFn"),
     ("LinalgVectorNormBackward0", "linalg_vector_norm"), ("torch::autograd::AccumulateGrad", "accumulate_grad")],
)  # fmt: skip
def test_an_operation_that_nobody_saw_is_named_by_its_node(node, op):
    assert walked_call(node, []).op == op


def test_indices_are_written_as_python_writes_them():
    x = torch.arange(9.0)
    with trace() as g:
        a = x[1:7:2], x[-3:], x[:2], x[..., 1], x[None], x[2].to(torch.float64)
    assert len(a) == 6 and [n.expression for n in g.nodes if n.op] == [
        "x[1:7:2]", "x[−3:]", "x[:2]", "x[…, 1]", "x[None]", "x[2]", "to(v₁, float64)",
    ]  # fmt: skip
    assert format_shape(()) == "scalar" and format_shape((2, 3)) == "2×3"
