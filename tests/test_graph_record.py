"""Recording: what is recorded, that it is invisible, and that it withstands whatever the block does."""

import contextlib
import gc
import warnings
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from graph_samples import chain, edge, leaf, node
from torch import nn

from lecturekit import graph_of, trace

pytestmark = pytest.mark.usefixtures("no_warning")


def names(g):
    return [n.name for n in g.nodes]


# --- What is recorded


def test_the_lecture_example():
    x, w, b = torch.tensor(3.0), leaf(2.0), leaf(1.0)
    with trace() as g:
        u = w * x
        v = u + b
        a = torch.relu(v)
        assert torch.autograd.grad(a, w, retain_graph=True)[0] == 3
        assert torch.autograd.grad(a, b)[0] == 1
    assert names(g) == ["w", "x", "u", "b", "v", "a"]
    assert [n.kind for n in g.nodes] == ["leaf", "input", "operation", "leaf", "operation", "output"]
    assert [n.expression for n in g.nodes] == ["", "", "w · x", "", "u + b", "relu(v)"]
    assert [n.value.item() for n in g.nodes] == [2, 3, 6, 1, 7, 7]
    assert [n.grad and n.grad.item() for n in g.nodes] == [3, None, 1, 1, 1, 1]
    assert edge(g, "w", "u").local_grad == 3 and edge(g, "w", "u").contribution == 3
    assert edge(g, "x", "u").local_grad is None and edge(g, "x", "u").contribution is None
    assert node(g, "w").accumulated is None and w.grad is None


def test_what_leads_to_no_result_is_left_out():
    model, X, y = nn.Linear(2, 1), torch.ones(4, 2), torch.zeros(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    with trace() as g:
        loss = ((model(X) - y) ** 2).mean()
        loss.backward()
        optimizer.step()
        accuracy = (model(X) > 0).float().mean()
    assert names(g) == ["X", "weight", "bias", "v₁", "y", "v₂", "v₃", "loss"] and accuracy is not None
    assert torch.equal(node(g, "weight").accumulated, model.weight.grad)


def test_an_input_that_was_changed_by_other_means_is_a_new_one():
    w, x = leaf(1.0, 2.0), torch.tensor([1.0, float("nan")])
    with trace() as g:
        a = w * x
        b = w * x
        x.numpy()[0] = 5
        c = (w * x + a + b).sum()
    assert [n.name for n in g.nodes if n.kind == "input"] == ["x", "x′"] and node(g, "x′").value[0] == 5
    assert len([e for e in g.edges if e.source.name == "x"]) == 2 and c.isnan()


@pytest.mark.parametrize("number", [2, 0.1, np.float64(2.5), np.float32(0.5), np.int64(3), np.arange(5)[4]])
def test_a_number_in_the_code_is_a_constant_with_its_value(number):
    x = leaf(3.0, 4.0)
    with trace() as g:
        y = x * number
        z = number * x
        square = x ** np.int64(2)
    assert [n.expression for n in g.nodes if n.op] == [f"{number} · x", f"{number} · x", "x²"]
    constant, _ = (n for n in g.nodes if n.kind == "constant")
    value = constant.value.item()
    assert value == number and type(value) is type(np.float64(number).item() if number % 1 else 1)
    assert (constant.dtype, constant.shape, constant.requires_grad, constant.expression) == (None, (), False, "")
    assert torch.equal(y, z) and square.shape == (2,)


@pytest.mark.parametrize(
    ("tensor", "length"),
    [
        (torch.tensor([3, -4]), 5),
        (torch.tensor([True, True, True, True]), 2),
        (torch.tensor([3j, 4]), 5),
        (torch.tensor([3.0, 4.0]).bfloat16(), 5),
        (torch.diag(torch.tensor([3.0, 4.0])).to_sparse(), 5),
        (torch.zeros(0), 0),
    ],
)
def test_small_tensors_are_copied_and_every_tensor_has_a_norm(tensor, length):
    for max_elems in (4, 1):
        with trace(max_elems=max_elems) as g:
            copy = tensor.clone()
        value = node(g, "copy").value
        assert node(g, "copy").value_norm == length
        assert value is None if copy.numel() > max_elems else torch.equal(value, tensor.to_dense())


@pytest.mark.parametrize("length", [1000, 1001])
def test_large_graphs_have_no_local_derivatives(length):
    g = chain(length)
    assert sum(e.local_grad is not None for e in g.edges) == (1000 if length == 1000 else 0)
    assert all(e.contribution is not None for e in g.edges)


@pytest.mark.parametrize("max_elems", [5, 6])
def test_local_derivatives_are_kept_up_to_the_size_of_what_is_shown(max_elems):
    """Of a matrix product: the result has 2 elements, the matrix 6, the vector 3."""
    W, x = leaf([1.0, 2.0, 3.0], [4.0, 5.0, 6.0]), leaf(1.0, 0.0, -1.0)
    with trace(max_elems=max_elems) as g:
        h = W @ x
        f = h.sum()
    assert torch.equal(edge(g, "x", "h").local_grad, W) and f == -4
    expected = torch.einsum("ik,l->ikl", torch.eye(2), x) if max_elems == 6 else None
    found = edge(g, "W", "h").local_grad
    assert found is None if expected is None else torch.equal(found, expected)
    assert edge(g, "h", "f").local_grad.tolist() == [1, 1]


# --- The target


def test_vectors_that_a_gradient_is_multiplied_with():
    x = leaf(1.0, 5.3)
    with trace() as g:
        f = x * x
        torch.autograd.grad(f, x, grad_outputs=torch.tensor([1.0, 10.0]))
    assert node(g, "x").grad.tolist() == [2, 106]


def test_of_several_outputs_the_sum_is_differentiated():
    x = leaf(2.0, 3.0)
    with trace() as g:
        a = x[0] * x[1]
        b = x * x
        torch.autograd.backward([a, b], [None, torch.tensor([1.0, 10.0])])
    assert [n.name for n in g.nodes if n.kind == "output"] == ["a", "b"] and g.target.name == "b"
    assert node(g, "x").grad.tolist() == [3 + 4, 2 + 60] == x.grad.tolist()


def test_what_is_no_gradient_of_the_reader_chooses_no_target():
    x = leaf(2.0, 3.0)
    with trace() as g:
        f = (x * x).sum()
        torch.autograd.grad(x * x, x, torch.eye(2), is_grads_batched=True)
        with pytest.raises(RuntimeError, match="only for scalar outputs"):
            (x * 2).backward()
        with pytest.raises(RuntimeError, match="does not require grad"):
            torch.ones(()).backward()
        with pytest.raises(TypeError):
            f.backward(no_such_argument=1)
    assert g.target.name == "f" and node(g, "x").grad.tolist() == [4, 6]


@pytest.mark.parametrize("by_grad", [False, True])
def test_gradients_are_seen_below_a_default_device(by_grad):
    """It is a mode, too, and gets each call before the trace does."""
    w = leaf(2.0)
    with trace() as g, torch.device("cpu"):
        f = w * w
        f = f * 3
        torch.autograd.grad(f, w) if by_grad else f.backward()
    assert g.target is node(g, "f") and node(g, "w").grad == 12


# --- Invisible


def test_nothing_is_kept_after_the_block():
    """Neither by the trace, nor by its graph, nor by the variables that were looked at."""
    x, block, given = leaf(2.0), trace(), nn.Linear(2, 2)

    def work():
        h = x * 3
        with block as g:
            u = x * h
            v = torch.sin(u)
            model = nn.Linear(2, 2)
            model(torch.ones(2))
        assert len(g.nodes) >= 3 and v < 0
        return g, [weakref.ref(thing) for thing in (h, u, v, model)]

    g, references = work()
    gc.collect()
    assert g.nodes and [reference() for reference in references] == [None] * 4
    with trace():
        inside = weakref.ref(torch.ones(1000) * 2)
        given(torch.ones(2))
        gc.collect()
        assert inside() is None, "tensors die inside the block as without it"
    assert not nn.modules.module._global_forward_hooks and not nn.modules.module._global_forward_pre_hooks


def test_the_autograd_graph_is_as_without_trace():
    x = leaf(2.0)
    with trace():
        u = x * x
        f = u * 3
    assert f.grad_fn.next_functions[0][0] is u.grad_fn
    assert not u.retains_grad and u._backward_hooks is None and x._backward_hooks is None
    f.backward()  # not freed
    assert x.grad == 12


# --- Whatever the block does


def test_an_exception_passes_and_what_was_recorded_stays():
    class Broken(nn.Module):
        def forward(self, x):
            raise KeyError("no")

    x, model = leaf(2.0), nn.Sequential(nn.Identity(), Broken())
    with pytest.raises(ZeroDivisionError) as caught, trace() as g:
        u = x * x
        1 / 0  # noqa: B018
    assert caught.value.__cause__ is None
    assert names(g) == ["x", "u"] and node(g, "x").grad == 4 and u == 4
    with trace() as g:
        with pytest.raises(KeyError):
            model(x)
        f = x * 3
    assert node(g, "f").module == () and f == 6


def test_a_failing_recording_warns_once_and_leaves_the_results():
    """There is no norm of numbers of eight bits."""

    def work():
        x = leaf(2.0, 3.0)
        eight = [(x.detach() * k).to(torch.float8_e4m3fn) for k in (1, 2)]
        f = (x * eight[0].float() * eight[1].float()).sum()
        f.backward()
        return f, x.grad

    with pytest.warns(UserWarning, match="trace could not record everything in this block") as caught, trace():
        traced = work()
    assert len(caught) == 1 and caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with trace():
            assert all(map(torch.equal, traced, work()))


def test_freed_graph_says_so():
    x = leaf(2.0)
    u = torch.sin(x * x)
    u.backward()
    with pytest.warns(UserWarning, match="second time"), trace() as g, contextlib.suppress(RuntimeError):
        u.backward()
    assert g.target is None and names(g)[-1:] == ["u"]
    with trace(), pytest.raises(RuntimeError, match="second time"):  # the reader's error, and no warning of ours
        f2 = torch.sin(x * x)
        f2.backward()
        f2.backward()


def test_nested_traces():
    x, t = leaf(2.0), trace()
    with trace() as outer:
        u = x * x
        with t as inner:
            v = u * 3
        f = v + u
    assert names(inner) == ["u", "3", "v"] and inner.target.name == "v"
    assert {"x", "u", "v", "f"} <= set(names(outer)) and outer.target.name == "f" and f == 16
    with t as again:  # the same object, once more
        w = x * 5
    assert names(again) == ["x", "5", "w"] and names(inner) == ["u", "3", "v"] and w == 10


def test_threads_record_their_own():
    def work(k):
        model, x = nn.Linear(1, 1), torch.ones(1)
        with trace() as g:
            for _ in range(100):
                x = model(x) * k
        return g

    with ThreadPoolExecutor() as pool:
        for k, g in zip((2, 3), pool.map(work, (2, 3)), strict=True):
            assert {n.name for n in g.nodes if n.kind == "constant"} == {str(k)}
            assert [len(n.module) for n in g.nodes if n.op == "linear"] == [1] * 100


# --- Afterwards


def test_graph_of_an_untraced_tensor():
    x, w = torch.tensor(3.0), leaf(2.0)
    u = w * x
    a = torch.relu(u + 1)
    g = graph_of(a)
    shown = [(n.name, n.expression) for n in g.nodes]
    assert shown == [("w", ""), ("u", "w · …"), ("v₁", "u + …"), ("a", "relu(v₁)")]
    assert node(g, "u").value == 6 and node(g, "v₁").value is None and node(g, "w").grad == 3
    a.backward()
    with pytest.warns(UserWarning, match="graph_of has no gradients to show: .*second time") as caught:
        assert graph_of(a).target is None
    assert caught[0].filename == __file__ and [n.kind for n in graph_of(x).nodes] == ["input"]
    f = (leaf(*[1.0] * 65) * 2).sum()
    g = graph_of(f, names={"f": "loss"})
    assert names(g) == ["v₁", "v₂", "loss"] and g.nodes[0].value is None  # up to 64 numbers


def test_graph_of_what_is_used_twice_has_it_once_in_the_order_of_the_code():
    x = leaf(3.0)
    u = x * 2
    f = torch.sin(u) + u * u
    g = graph_of(f)
    assert [n.op for n in g.nodes] == ["", "mul", "sin", "mul", "add"] and names(g)[:2] == ["x", "u"]
    assert node(g, "x").grad.item() == pytest.approx(2 * np.cos(6) + 24, rel=1e-5)
    del u
    assert names(graph_of(f)) == ["x", "v₁", "v₂", "v₃", "f"]


def test_an_operation_that_nobody_saw_is_named_as_autograd_names_it():
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            return grad * 2

    x = leaf(1.0, 2.0)
    results = torch.nn.functional.layer_norm(x, (2,)), torch.linalg.vector_norm(x), x * 3
    ops = [[n.op for n in graph_of(result.sum()).nodes if n.op] for result in results]
    assert ops == [["native_layer_norm", "sum"], ["linalg_vector_norm", "sum"], ["mul", "sum"]]
    with pytest.warns(UserWarning, match="graph_of has no gradients to show: your hooks, .* take part"):
        assert [n.op for n in graph_of(Double.apply(x).sum()).nodes] == ["", "Double", "sum"]


# --- As text, and in a notebook


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (1 / 3, "0.3333"), (-2.0, "−2"), (1.6e-5, "1.6e−5"), (12345.0, "1.234e4"), (10000.0, "10000"), (1e6, "1e6"),
        (-0.0, "0"), (float("nan"), "NaN"), (float("-inf"), "−∞"), (1 - 2j, "1−2j"), (True, "True"),
        (123456, "123456"), (67.599998, "67.6"), (10**12, "1e12"), ([0, 1, 2], "[0, 1, 2]"),
        ([[1, 0], [0, 1]], "[[1, 0], [0, 1]]"), ([], "[]"), ([[], []], "[[], []]"), ([[[1]], [[2]]], "[[[1]], [[2]]]"),
        ([0] * 64, "[" + ", ".join("0" * 64) + "]"), ([[2] * 7] * 10, "shape 10×7, norm 16.73"),
    ],
)  # fmt: skip
def test_numbers_and_tensors_in_text(value, written):
    x = torch.tensor(value, dtype=torch.float64 if isinstance(value, float) else None)
    with trace() as g:
        y = x.clone()
    assert g.to_text().splitlines()[0] == f"x = {written} (input)" and y.shape == x.shape


def test_what_a_notebook_shows():
    x = leaf(2.0)
    with trace() as g:
        y = x * x
    shown = g._repr_mimebundle_()
    assert shown["text/plain"] == g.to_text() == str(g) and shown["text/html"] == g.to_html() and y == 4
    assert repr(g) == "<Graph of 2 nodes>" and repr(g.edges) == "[<Edge x → y>]"
    assert repr(g.nodes) == "[<Node x>, <Node y = x · x>]"
    many = chain(40)
    assert len(many.nodes) == 41 and len(many._repr_mimebundle_()["text/plain"]) < len(many.to_text())
    assert many.to_svg() == many.to_svg(40) != many.to_svg(max_nodes=41), "more than 40 nodes are folded"
    assert many.to_png() == many.to_png(40) and many.to_html() == many.to_html(40)
