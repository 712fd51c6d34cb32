"""Recording: invisible, and robust against whatever the block does."""

import gc
import inspect
import sys
import threading
import warnings
import weakref

import graph_samples
import pytest
import torch
from graph_samples import edge, leaf, node
from torch import nn
from torch.autograd.graph import get_gradient_edge
from torch.overrides import TorchFunctionMode

from lecturekit.graph import Graph, graph_of, trace
from lecturekit.graph.draw import png, svg
from lecturekit.graph.expressions import walked_call
from lecturekit.graph.fold import fold
from lecturekit.graph.gradients import untouched
from lecturekit.graph.model import Node
from lecturekit.graph.stepper import html
from lecturekit.graph.tape import Record, first_line, flatten, norm, snapshot
from lecturekit.graph.text import format_number, format_shape, format_tensor

pytestmark = pytest.mark.usefixtures("no_warning")


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


def test_target_by_default_is_the_last_real_number():
    x = leaf(1.0, 2.0)
    with trace() as g:
        a = x.sum()
        b = x.prod()
        one = x[:1] * 2
        count, wave = (x > 0).sum(), (x * 1j).sum()
    assert g.target.name == "b" and a + b + one + count + wave != 0
    with trace() as g:
        one = x[:1].reshape(1, 1) * 2
        two = x * 2
    assert g.target.name == "one" and two.shape == (2,) and node(g, "x").grad.tolist() == [2, 0]
    with trace() as g:
        wave = (x * 1j).sum()
    assert g.target is None and wave.is_complex()


@pytest.mark.skipif(
    "has_torch_function" not in inspect.getsource(torch.autograd.backward),
    reason="an older PyTorch tells nobody of torch.autograd.backward, only of Tensor.backward",
)
def test_backward_from_several_outputs():
    x = leaf(2.0, 3.0)
    with trace() as g:
        a = x[0] * x[1]
        b = x * x
        torch.autograd.backward([a, b], [None, torch.tensor([1.0, 10.0])])
    assert [n.name for n in g.nodes if n.kind == "output"] == ["a", "b"] and g.target.name == "b"
    assert node(g, "x").grad.tolist() == [3 + 4, 2 + 60] == x.grad.tolist()


def test_of_several_outputs_the_sum_is_differentiated():
    x = leaf(2.0, 3.0)
    with trace() as g:
        a = x[0] * x[1]
        torch.autograd.grad((a, a * 2), x, (torch.tensor(1.0), torch.tensor(10.0)))
    assert node(g, "x").grad.tolist() == [63, 42]
    with trace() as g:
        a = x[0] * x[1]
        b = a * 2
        (slope,) = torch.autograd.grad(get_gradient_edge(a), x, retain_graph=True)
        assert b == 12
    assert g.target.name == "a" and torch.equal(node(g, "x").grad, slope)


def test_what_is_no_gradient_of_the_reader_chooses_no_target():
    x = leaf(2.0, 3.0)
    with trace() as g:
        square = x * x
        rows = torch.autograd.grad(square, x, torch.eye(2), is_grads_batched=True, retain_graph=True)
        f = square.sum() * 2
    assert g.target.name == "f" and rows[0].shape == (2, 2) and node(g, "x").grad.tolist() == [8, 12]
    with trace() as g:
        f = (x * x).sum()
        with pytest.raises(RuntimeError, match="only for scalar outputs"):
            (x * 2).backward()
        with pytest.raises(RuntimeError, match="does not require grad"):
            torch.ones(()).backward()
        with pytest.raises(TypeError):
            f.backward(no_such_argument=1)
    assert g.target.name == "f" and node(g, "x").grad.tolist() == [4, 6]


def test_a_target_may_be_computed_after_the_backward_pass():
    x = leaf(2.0)
    with trace(target="later") as g:
        f = x * x
        f.backward(retain_graph=True)
        later = f * 5
    assert g.target.name == "later" and node(g, "x").grad == 20 and x.grad == 4 and later == 20


def test_a_target_that_is_no_number_is_reported():
    x = leaf(2.0, 3.0)
    for name in ("vector", "whole"):
        with pytest.warns(UserWarning, match=f"target='{name}' is not a variable that holds"), trace(target=name) as g:
            vector, whole = x * 2, (x > 1).sum()
            vector.sum().backward()
        assert g.target is None and whole == 2


def test_fresh_tensors_are_inputs_whatever_they_were_modelled_on():
    x = leaf(2.0, 3.0)
    with trace() as g:
        like, new, fresh = torch.ones_like(x), x.new_full((2,), 3.0), torch.full((2,), 4.0)
        f = (x * like + new * fresh).sum()
    assert {n.name: n.kind for n in g.nodes if n.name in ("like", "new", "fresh")} == {
        "like": "input", "new": "input", "fresh": "input",
    } and f == 29  # fmt: skip


@pytest.mark.parametrize("length", [300, 301])
def test_large_graphs_have_no_local_derivatives(length):
    x = leaf(0.5)
    with trace() as g:
        h = x
        for _ in range(length):
            h = torch.sin(h)
    assert sum(e.local_grad is not None for e in g.edges) == (300 if length == 300 else 0)
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
    b = leaf(2.0)
    with trace(max_elems=max_elems) as g:
        h = b * torch.ones(7)
        f = h.sum()
    assert edge(g, "b", "h").local_grad is None and edge(g, "b", "h").contribution == 7


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
        torch.vmap(lambda t: t.clone().add_(1).mul_(t))(x)
    assert g.nodes == []


def test_reader_may_draw_a_graph_of_plain_numbers():
    with trace() as g:
        x = torch.arange(3)
        y = x * 2 > 1
        z = y.sum()
    assert [n.value.tolist() for n in g.nodes if n.name in "xyz"] == [[0, 1, 2], [False, True, True], 2]
    assert z == 2


def test_a_number_in_the_code_is_a_constant_with_its_value():
    x = torch.tensor([3.0, 4.0], requires_grad=True)
    with trace() as g:
        f = (2 * x).sum()
    two = node(g, "2")
    assert (two.kind, two.value.item(), two.value.dtype, two.value_norm) == ("constant", 2, torch.int64, 2.0)
    assert (two.dtype, two.shape, two.requires_grad, two.expression, two.op) == (None, (), False, "", "")
    assert two.value.device.type == "cpu" and node(g, "x").value_norm == 5 and f == 14
    with torch.device("meta"), trace() as g:
        f = x * 0.1
    assert node(g, "0.1").value.item() == 0.1  # as Python has it, not rounded to float32


def test_all_tensors_in_nested_arguments_are_found_in_order():
    a, b, c, d = (torch.tensor(float(i)) for i in range(4))
    found = flatten([a, {"x": (b, 3, "text"), "y": [None, [c]]}, 2.5, slice(1), (d,)])
    assert [tensor.item() for tensor in found] == [0, 1, 2, 3]
    assert flatten("text") == flatten(3) == flatten(None) == []


def test_what_is_kept_of_a_tensor_is_a_small_copy():
    x = torch.arange(4.0, requires_grad=True)
    kept = snapshot(x, 4)
    assert torch.equal(kept, x) and not kept.requires_grad and kept.data_ptr() != x.data_ptr()
    assert snapshot(x, 3) is None and snapshot(None, 3) is None and snapshot(torch.ones(2, device="meta"), 4) is None
    assert torch.equal(snapshot(torch.eye(2).to_sparse(), 4), torch.eye(2))


@pytest.mark.parametrize(
    ("tensor", "length"),
    [
        (torch.tensor([3.0, -4.0]), 5), (torch.tensor([3, -4]), 5), (torch.tensor([True, True, True, True]), 2),
        (torch.tensor([3j, 4]), 5), (torch.tensor([3.0, 4.0]).to(torch.float8_e4m3fn), 5), (torch.zeros(0), 0),
        (torch.tensor([3.0, 4.0]).bfloat16(), 5), (torch.diag(torch.tensor([3.0, 4.0])).to_sparse(), 5),
        (torch.ones(2, device="meta"), None), (None, None),
    ],
)  # fmt: skip
def test_every_tensor_with_data_has_a_norm(tensor, length):
    assert norm(tensor) == length and type(norm(tensor)) is type(length if length is None else 1.0)


def test_an_error_without_a_message_is_quoted_by_its_kind():
    assert first_line(ValueError("one\ntwo")) == "one" and first_line(KeyError()) == "KeyError"


def test_an_input_that_was_changed_by_other_means_is_a_new_one():
    w, x = leaf(1.0, 2.0), torch.tensor([1.0, float("nan")])
    with trace() as g:
        a = w * x
        b = w * x
        x.numpy()[0] = 5
        c = (w * x + a + b).sum()
    assert [n.name for n in g.nodes if n.kind == "input"] == ["x", "x′"] and node(g, "x′").value[0] == 5
    assert len([e for e in g.edges if e.source.name == "x"]) == 2 and c.isnan()


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


def test_nothing_hangs_on_the_readers_autograd_graph():
    def records():
        gc.collect()
        return {id(item) for item in gc.get_objects() if isinstance(item, Record)}

    x, before = leaf(2.0), records()
    with trace() as g:
        f = torch.sin(x * x) * x
    assert records() <= before and g.target.name == "f" and f < 0


def test_own_passes_give_back_gradients_and_random_numbers():
    x, plain = leaf(2.0), torch.tensor(1.0)
    h = x * x
    h.retain_grad()
    h.backward(retain_graph=True)
    random_state = torch.get_rng_state()
    with pytest.raises(KeyError), untouched([x, h, h, plain]):
        assert h.grad is None and x.grad == 4
        h.grad = torch.tensor(7.0)
        torch.rand(3)
        raise KeyError
    assert h.grad == 1 and x.grad == 4 and torch.equal(torch.get_rng_state(), random_state)


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
    with pytest.warns(UserWarning, match="graph_of has no gradients to show: .*second time"):
        assert graph_of(a).target is None
    assert [n.kind for n in graph_of(x).nodes] == ["input"] and get_gradient_edge(a) is not None


def test_the_warning_of_graph_of_shows_the_line_of_the_reader():
    f = leaf(2.0) ** 2
    f.backward()
    with pytest.warns(UserWarning, match="graph_of has no gradients to show") as caught:
        graph_of(f)
    assert caught[0].filename == __file__


def test_graph_of_what_is_used_twice_has_it_once():
    x = leaf(3.0)
    u = x * 2
    f = u * u
    g = graph_of(f)
    assert [n.name for n in g.nodes] == ["x", "u", "f"] and node(g, "x").grad == 24 == edge(g, "x", "u").contribution
    del u
    assert [(n.name, n.requires_grad) for n in graph_of(f).nodes] == [("x", True), ("v₁", True), ("f", True)]


def test_text_of_all_kinds_of_nodes():
    W, x, a = leaf([1.0, -2.0], [3.0, 4.0]), torch.ones(2, 30), leaf(-2.0)
    with trace(max_elems=8) as g:
        h = W @ x
        u = a * h[0, 0]
        f = (u * -3.0) ** 2 + h.sum() * a
        f.backward()
    assert g.to_text() == (
        "W = [[1, −2], [3, 4]] (leaf); ∂f/∂W = [[−132, −132], [−60, −60]]; W.grad = [[−132, −132], [−60, −60]]\n"
        "x = 2×30, norm 7.746 (input)\n"
        "h = W @ x = 2×30, norm 38.73; ∂f/∂h = 2×30, norm 75.58\n"
        "v₁ = h[0, 0] = −1; ∂f/∂v₁ = −72\n"
        "a = −2 (leaf); ∂f/∂a = 144; a.grad = 144\n"
        "u = a · v₁ = 2; ∂f/∂u = 36\n"
        "−3 (constant)\n"
        "v₂ = (−3) · u = −6; ∂f/∂v₂ = −12\n"
        "v₃ = v₂² = 36; ∂f/∂v₃ = 1\n"
        "v₄ = sum(h) = 180; ∂f/∂v₄ = −2\n"
        "v₅ = v₄ · a = −360; ∂f/∂v₅ = 1\n"
        "f = v₃ + v₅ = −324 (target); ∂f/∂f = 1\n"
        "\n"
        "∂f/∂v₃ += ∂f/∂f · ∂f/∂v₃ = 1 · 1 = 1\n"
        "∂f/∂v₅ += ∂f/∂f · ∂f/∂v₅ = 1 · 1 = 1\n"
        "∂f/∂v₄ += ∂f/∂v₅ · ∂v₅/∂v₄ = 1 · (−2) = −2\n"
        "∂f/∂a += ∂f/∂v₅ · ∂v₅/∂a = 1 · 180 = 180\n"
        "∂f/∂h += ∂f/∂v₄ · ∂v₄/∂h = 2×30, norm 15.49\n"
        "∂f/∂v₂ += ∂f/∂v₃ · ∂v₃/∂v₂ = 1 · (−12) = −12\n"
        "∂f/∂u += ∂f/∂v₂ · ∂v₂/∂u = (−12) · (−3) = 36\n"
        "∂f/∂a += ∂f/∂u · ∂u/∂a = 36 · (−1) = −36\n"
        "∂f/∂v₁ += ∂f/∂u · ∂u/∂v₁ = 36 · (−2) = −72\n"
        "∂f/∂h += ∂f/∂v₁ · ∂v₁/∂h = 2×30, norm 72\n"
        "∂f/∂W += ∂f/∂h · ∂h/∂W = [[−132, −132], [−60, −60]]"
    )
    small = graph_samples.chain(9)
    folded, unknown = fold(small, 4), Graph([Node("p", "mul", requires_grad=True, shape=(2,))], [], small.target)
    folded.nodes[2].num_parameters = 6
    assert "h8 = … = 0.5022 (7 operations, 6 parameters); ∂h9/∂h8 = 0.8765" in folded.to_text().splitlines()
    assert unknown.to_text() == "p = ?; ∂h9/∂p = none"
    block = Graph([Node("p", value=torch.arange(8).reshape(2, 2, 2))])
    assert block.to_text() == "p = [[[0, 1], [2, 3]], [[4, 5], [6, 7]]]"


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
        (torch.zeros(1), ["[0]"]), (torch.zeros(64), ["[" + ", ".join("0" * 64) + "]"]),
        (torch.zeros(65), ["65, norm 0"]),
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


@pytest.mark.parametrize(("name", "named"), [("matplotlib", "matplotlib"), (None, "pygraphviz")])
def test_what_is_missing_for_the_picture_is_named(monkeypatch, name, named):
    def missing(graph):
        raise ImportError("no", name=name)

    monkeypatch.setattr(Graph, "to_html", missing)
    shown = graph_samples.neuron()._repr_mimebundle_()["text/plain"]
    assert shown.endswith(f"\n\n(For the picture, install {named}: pip install {named})")


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
