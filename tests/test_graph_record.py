"""Recording: what is recorded, that it is invisible, and that it withstands whatever the block does."""

import contextlib
import gc
import threading
import warnings
import weakref
from contextlib import ExitStack

import graph_samples
import numpy as np
import pytest
import torch
from graph_samples import edge, leaf, node
from torch import nn
from torch.autograd.graph import get_gradient_edge
from torch.overrides import TorchFunctionMode

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


def test_nodes_come_in_the_order_of_the_code():
    x = leaf(3.0)
    with trace() as g:
        u = x * x
        f = torch.sin(u) + u * x
    order = ["", "x · x", "sin(u)", "u · x", "v₁ + v₂"]
    assert [n.expression for n in g.nodes] == order and [e.target.name for e in g.edges] == "u v₁ v₂ v₂ f f".split()
    assert [n.op for n in graph_of(torch.sin(u) + u * x).nodes] == ["", "mul", "sin", "mul", "add"] and f > 0


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


def test_a_graph_of_plain_numbers():
    with trace() as g:
        x = torch.arange(3)
        y = x * 2 > 1
        z = y.sum()
    assert [n.value.tolist() for n in g.nodes if n.name in "xyz"] == [[0, 1, 2], [False, True, True], 2]
    assert z == 2


def test_fresh_tensors_are_inputs_whatever_they_were_modelled_on():
    x = leaf(2.0, 3.0)
    with trace() as g:
        like, new, fresh = torch.ones_like(x), x.new_full((2,), 3.0), torch.full((2,), 4.0)
        f = (x * like + new * fresh).sum()
    assert {n.name for n in g.nodes if n.kind == "input"} == {"like", "new", "fresh"} and f == 29


def test_changes_in_place_are_operations():
    x, buffer = torch.ones(2), torch.empty(2)
    with trace() as g:
        h = x * 2
        nn.ReLU(inplace=True)(h)
        torch.mul(h, 3, out=buffer)
        f = buffer.sum()
    shown = [(n.name, n.expression) for n in g.nodes if n.op]
    assert shown == [("h", "2 · x"), ("h′", "relu(h)"), ("buffer", "3 · h′"), ("f", "sum(buffer)")] and f == 12


def test_an_input_that_was_changed_by_other_means_is_a_new_one():
    w, x = leaf(1.0, 2.0), torch.tensor([1.0, float("nan")])
    with trace() as g:
        a = w * x
        b = w * x
        x.numpy()[0] = 5
        c = (w * x + a + b).sum()
    assert [n.name for n in g.nodes if n.kind == "input"] == ["x", "x′"] and node(g, "x′").value[0] == 5
    assert len([e for e in g.edges if e.source.name == "x"]) == 2 and c.isnan()


def test_inside_of_vmap_is_not_recorded():
    x = torch.ones(3)
    with trace() as g:
        y = torch.vmap(lambda t: t.clone().add_(1).mul_(t))(x)
        z = torch.func.grad(lambda t: (t**2).sum())(x)
        f = (y + z).sum()
    assert names(g) == ["y", "z", "v₁", "f"] and f == 12


def test_a_number_in_the_code_is_a_constant_with_its_value():
    x = leaf(3.0, 4.0)
    with trace() as g:
        f = (2 * x).sum() * 0.1
    two = node(g, "2")
    assert (two.kind, two.value.item(), two.value.dtype, two.value_norm) == ("constant", 2, torch.int64, 2.0)
    assert (two.dtype, two.shape, two.requires_grad, two.expression, two.op) == (None, (), False, "", "")
    assert node(g, "0.1").value.item() == 0.1 and f.ndim == 0  # as Python has it, not rounded to float32


@pytest.mark.parametrize("number", [np.float64(2.5), np.float32(0.5), np.int64(3), np.arange(5)[4]])
def test_a_number_of_numpy_is_a_constant_too(number):
    x = leaf(3.0, 4.0)
    with trace() as g:
        y = x * number
        z = number * x
        square = x ** np.int64(2)
    assert [n.expression for n in g.nodes if n.op] == [f"{number} · x", f"{number} · x", "x²"]
    assert {n.value.item() for n in g.nodes if n.kind == "constant"} == {number.item()}
    assert torch.equal(y, z) and square.shape == (2,)


@pytest.mark.parametrize(
    ("tensor", "length"),
    [
        (torch.tensor([3.0, -4.0]), 5),
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


@pytest.mark.parametrize("length", [300, 301])
def test_large_graphs_have_no_local_derivatives(length):
    h = x = leaf(0.5)
    with trace() as g:
        for _ in range(length):
            h = torch.sin(h)
    assert sum(e.local_grad is not None for e in g.edges) == (300 if length == 300 else 0)
    assert all(e.contribution is not None for e in g.edges) and x.grad is None


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


def test_target_by_default():
    x = leaf(1.0, 2.0)
    with trace() as g:  # the last real scalar; further results are shown
        a = x.sum()
        b = x.prod()
        vector, count, wave = x * 3, (x > 0).sum(), (x * 1j).sum()
    assert g.target.name == "b" and node(g, "vector").grad is None and a + b + count + wave != 0
    with trace() as g:  # without one, the last single number
        one = x[:1].reshape(1, 1) * 2
        vector = x * 2
    assert g.target.name == "one" and node(g, "x").grad.tolist() == [2, 0] and one == 2
    with trace() as g:
        vector = x * 3
    assert g.target is None and names(g) == ["x", "3", "vector"] and node(g, "x").grad is None
    with torch.no_grad(), trace() as g:
        vector = x * 2
    assert g.target is None and [n.kind for n in g.nodes] == ["leaf", "constant", "operation"] and len(vector) == 2


def test_target_by_name():
    x = leaf(2.0)
    with trace(target="u") as g:
        u = x * x
        f = u * 3
        f.backward()
    assert g.target.name == "u" and node(g, "x").grad == 4 and x.grad == 12
    with trace(target="later") as g:
        f = x * x
        f.backward(retain_graph=True)
        later = f * 5
    assert g.target.name == "later" and node(g, "x").grad == 20 and later == 20
    x = leaf(2.0, 3.0)
    for name in ("vector", "whole", "nothing"):
        with pytest.warns(UserWarning, match=f"target='{name}' is not a variable that holds"), trace(target=name) as g:
            vector, whole = x * 2, (x > 1).sum()
            vector.sum().backward()
        assert g.target is None and whole == 2


def test_vectors_that_a_gradient_is_multiplied_with():
    x = leaf(1.0, 5.3)
    with trace() as g:
        f = 3 * x**2 + 2 * x
        f.backward(gradient=torch.ones(2), retain_graph=True)
        f.backward(gradient=torch.ones(2))
    assert "∂f/∂x = [8, 33.8]; x.grad = [16, 67.6]" in g.to_text() and torch.equal(g.target.grad, torch.ones(2))
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
    with trace() as g:
        a = x[0] * x[1]
        b = a * 2
        (slope,) = torch.autograd.grad(get_gradient_edge(a), x, retain_graph=True)
    assert g.target.name == "a" and torch.equal(node(g, "x").grad, slope) and b == 12


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


class Passing(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("mode", [lambda: torch.device("cpu"), Passing])
@pytest.mark.parametrize("by_grad", [False, True])
def test_gradients_are_seen_below_another_mode(mode, by_grad):
    w = leaf(2.0)
    with trace() as g, mode():
        f = w * w
        f = f * 3
        torch.autograd.grad(f, w) if by_grad else f.backward()
    assert g.target is node(g, "f") and node(g, "w").grad == 12


def test_a_hook_that_changes_gradients_is_respected():
    w = leaf(2.0)
    with trace() as g:
        u = w * 3
        u.register_hook(lambda grad: grad * 10)
        f = u * u
        f.backward()
    assert node(g, "w").grad == w.grad == 360 and f == 36


# --- Invisible


def is_alive(make):
    """Whether what `make` returns, something with a weak reference, is alive after the garbage is collected."""
    reference = weakref.ref(make())
    gc.collect()
    return reference() is not None


def test_nothing_is_kept_after_the_block():
    x, kept, model = leaf(2.0), trace(), nn.Linear(2, 2)

    def tensor():
        with kept as g:
            u = x * x
            v = torch.sin(u)
        assert len(g.nodes) == 3 and v < 0
        return u

    def inside():
        with trace():
            return torch.ones(1000) * 2

    def module():
        with trace() as g:
            model = nn.Linear(2, 2)
            model(torch.ones(2))
        assert g.nodes
        return model

    assert not is_alive(tensor) and not is_alive(inside) and not is_alive(module)
    with trace():
        assert not is_alive(lambda: torch.ones(1000) * 2)  # tensors die inside the block as without it
        model(torch.ones(2))
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


def test_random_numbers_in_an_own_backward():
    class Noisy(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, grad):
            return grad * torch.rand(())

    def work():
        torch.manual_seed(3)
        x = leaf(1.0)
        f = Noisy.apply(x) * 2
        f.backward()
        return x.grad, torch.rand(3)

    plain = work()
    with trace():
        traced = work()
    assert all(map(torch.equal, plain, traced))


def test_retained_gradients_before_the_block_are_untouched():
    x = leaf(3.0)
    h = x * x
    h.retain_grad()
    f = h * 2
    f.backward(retain_graph=True)
    with trace() as g:
        f2 = h * 5
    assert h.grad == 2 and x.grad == 12 and f2 == 45
    assert node(g, "h").accumulated == 2 and node(g, "h").grad == 5


def test_tensor_subclasses_see_only_the_readers_calls():
    class Counting(torch.Tensor):
        calls = 0

        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            Counting.calls += 1
            return super().__torch_function__(func, types, args, kwargs or {})

    def work():
        Counting.calls = 0
        f = (s * 2).sum()
        return f, Counting.calls

    s = torch.ones(2).as_subclass(Counting).requires_grad_()
    plain = work()
    with trace() as g:
        traced = work()
    assert type(traced[0]) is Counting and traced[1] == plain[1]
    assert node(g, "s").grad.tolist() == [2, 2] and type(node(g, "s").value) is torch.Tensor


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

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with trace():
            traced = work()
    assert all(map(torch.equal, traced, work()))
    assert len(caught) == 1 and caught[0].filename == __file__
    assert "trace could not record everything in this block" in str(caught[0].message)
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
    with ExitStack() as stack:
        g = stack.enter_context(trace())
        y = x * x
    assert names(g) == ["x", "y"] and y == 4


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
    for k, g in graphs.items():
        assert sum(n.op == "linear" for n in g.nodes) == 20
        assert {n.name for n in g.nodes if n.kind == "constant"} == {str(k)}
        assert {len(n.module) for n in g.nodes if n.op == "linear"} == {1}


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
def test_modes_without_gradients(context):
    w = leaf(2.0)
    with context(), trace() as g:
        f = (nn.Linear(2, 1)(torch.ones(2)) * 3).sum()
        u = w * 2
    assert {"linear", "mul", "sum"} <= {n.op for n in g.nodes}
    assert node(g, "u").value == 4 and u == 4 and f.shape == ()


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


def test_graph_of_what_is_used_twice_has_it_once():
    x = leaf(3.0)
    u = x * 2
    f = u * u
    g = graph_of(f)
    assert names(g) == ["x", "u", "f"] and node(g, "x").grad == 24 == edge(g, "x", "u").contribution
    del u
    assert names(graph_of(f)) == ["x", "v₁", "f"]


def test_an_operation_that_nobody_saw_is_named_as_autograd_names_it():
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            return grad * 2

    x = leaf(1.0, 2.0)
    results = torch.nn.functional.layer_norm(Double.apply(x), (2,)), torch.linalg.vector_norm(x), x * 3
    ops = [[n.op for n in graph_of(result.sum()).nodes if n.op] for result in results]
    assert ops == [["Double", "native_layer_norm", "sum"], ["linalg_vector_norm", "sum"], ["mul", "sum"]]


# --- As text, and in a notebook


def test_text_of_all_kinds_of_nodes():
    W, x, a = leaf([1.0, -2.0], [3.0, 4.0]), torch.ones(2, 30), leaf(-2.0)
    with trace(max_elems=8) as g:
        h = W @ x
        u = a * h[0, 0]
        f = (u * -3.0) ** 2 + h.sum() * a
        f.backward()
    assert g.to_text().splitlines() == [
        "W = [[1, −2], [3, 4]] (leaf); ∂f/∂W = [[−132, −132], [−60, −60]]; W.grad = [[−132, −132], [−60, −60]]",
        "x = 2×30, norm 7.746 (input)",
        "h = W @ x = 2×30, norm 38.73; ∂f/∂h = 2×30, norm 75.58",
        "v₁ = h[0, 0] = −1; ∂f/∂v₁ = −72",
        "a = −2 (leaf); ∂f/∂a = 144; a.grad = 144",
        "u = a · v₁ = 2; ∂f/∂u = 36",
        "−3 (constant)",
        "v₂ = (−3) · u = −6; ∂f/∂v₂ = −12",
        "v₃ = v₂² = 36; ∂f/∂v₃ = 1",
        "v₄ = sum(h) = 180; ∂f/∂v₄ = −2",
        "v₅ = v₄ · a = −360; ∂f/∂v₅ = 1",
        "f = v₃ + v₅ = −324 (target); ∂f/∂f = 1",
        "",
        "∂f/∂v₃ += ∂f/∂f · ∂f/∂v₃ = 1 · 1 = 1",
        "∂f/∂v₅ += ∂f/∂f · ∂f/∂v₅ = 1 · 1 = 1",
        "∂f/∂v₄ += ∂f/∂v₅ · ∂v₅/∂v₄ = 1 · (−2) = −2",
        "∂f/∂a += ∂f/∂v₅ · ∂v₅/∂a = 1 · 180 = 180",
        "∂f/∂h += ∂f/∂v₄, spread = 2×30, norm 15.49",
        "∂f/∂v₂ += ∂f/∂v₃ · ∂v₃/∂v₂ = 1 · (−12) = −12",
        "∂f/∂u += ∂f/∂v₂ · ∂v₂/∂u = −12 · (−3) = 36",
        "∂f/∂a += ∂f/∂u · ∂u/∂a = 36 · (−1) = −36",
        "∂f/∂v₁ += ∂f/∂u · ∂u/∂v₁ = 36 · (−2) = −72",
        "∂f/∂h += scatter-add of ∂f/∂v₁ = 2×30, norm 72",
        "∂f/∂W += ∂f/∂h @ xᵀ = [[−132, −132], [−60, −60]]",
    ]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (1 / 3, "0.3333"), (-2.0, "−2"), (1.6e-5, "1.6e−5"), (12345.0, "1.234e4"), (10000.0, "10000"), (1e6, "1e6"),
        (-0.0, "0"), (float("nan"), "NaN"), (float("-inf"), "−∞"), (1 - 2j, "1−2j"), (True, "True"),
        (123456, "123456"), (67.599998, "67.6"), (-1e-30, "−1e−30"), (10**12, "1e12"), ([0, 1, 2], "[0, 1, 2]"),
        ([[1, 0], [0, 1]], "[[1, 0], [0, 1]]"), ([[1, 1]], "[[1, 1]]"), ([], "[]"), ([[], []], "[] (2×0)"),
        ([[[1]], [[2]]], "[[[1]], [[2]]]"), ([1j, 2], "[0+1j, 2+0j]"), ([True], "[True]"), ([0], "[0]"),
        ([0] * 64, "[" + ", ".join("0" * 64) + "]"), ([[2] * 7] * 10, "10×7, norm 16.73"),
    ],
)  # fmt: skip
def test_numbers_and_tensors_in_text(value, written):
    x = torch.tensor(value, dtype=torch.float64 if isinstance(value, float) else None)
    with trace() as g:
        y = x.clone()
    assert g.to_text().splitlines()[0] == f"x = {written} (input)" and y.shape == x.shape


def test_indices_are_written_as_python_writes_them():
    x = torch.arange(9.0)
    with trace() as g:
        a = x[1:7:2], x[-3:], x[:2], x[..., 1], x[None], x[2].to(torch.float64)
    written = ["x[1:7:2]", "x[−3:]", "x[:2]", "x[…, 1]", "x[None]", "x[2]", "to(v₁, float64)"]
    assert len(a) == 6 and [n.expression for n in g.nodes if n.op] == written


def test_what_a_notebook_shows():
    x = leaf(2.0)
    with trace() as g:
        y = x * x
    shown = g._repr_mimebundle_()
    assert shown["text/plain"] == g.to_text() and shown["text/html"] == g.to_html() and y == 4
    assert repr(g) == "<Graph of 2 nodes>" and repr(g.edges) == "[<Edge x → y>]" and str(g) == g.to_text()
    assert repr(g.nodes) == "[<Node x>, <Node y = x · x>]"
    many = graph_samples.chain(40)
    assert len(many.nodes) == 41 and len(many._repr_mimebundle_()["text/plain"]) < len(many.to_text())
    for picture in (many.to_svg, many.to_png, many.to_html):  # graphs of more than 40 nodes are folded
        assert picture() == picture(40) != picture(max_nodes=41)
