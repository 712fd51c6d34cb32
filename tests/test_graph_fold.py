"""Large graphs: norms in place of numbers, modules and repetitions folded into one node each."""

import graph_samples
import pytest
import torch
from graph_samples import edge, leaf, node
from torch import nn

from lecturekit.graph import graph_of, trace
from lecturekit.graph.fold import fold

pytestmark = pytest.mark.usefixtures("no_warning")


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


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(2, 2)

    def forward(self, x):
        return x + torch.relu(self.linear(x))


class Doubled(nn.Module):
    """Reads what comes in twice, or with `detached` once more without a gradient, and has two results with `both`."""

    def __init__(self, detached=False, both=False):
        super().__init__()
        self.detached, self.both = detached, both

    def forward(self, u):
        h = torch.sin(u)
        if self.detached:
            h = h * u.detach()
        return (h, h * u) if self.both else h * u


def operations(g):
    """What a folded graph computes: a node that stands for several with its expression, the others with their op."""
    return [n.expression if n.num_operations > 1 else n.op for n in g.nodes if n.op]


def test_folding_goes_no_further_than_it_must():
    net = nn.Sequential(nn.Linear(3, 2), *[Block() for _ in range(3)], nn.Linear(2, 1))
    X, y = torch.ones(4, 3), torch.zeros(4, 1)
    with trace(names={"a: net": net}) as g:
        loss = (2 * (net(X) - y) ** 2).mean()
    assert len(g.nodes) == 28 and loss.ndim == 0
    end = ["sub", "pow", "mul", "mean"]
    blocks = [f"Block (a: net[{i}])" for i in (1, 2, 3)]
    expected = {
        28: ["linear", *3 * ["linear", "relu", "add"], "linear", *end],
        27: ["linear", *3 * ["linear", "relu", "add"], "linear", *end],
        16: ["linear", *blocks, "linear", *end],
        10: ["linear", "Block × 3", "linear", *end],
        8: ["Sequential (a: net)", *end],
        6: ["Sequential (a: net)", "…", "mean"],
        1: ["Sequential (a: net)", "…", "mean"],
    }
    for max_nodes, ops in expected.items():
        small = fold(g, max_nodes)
        assert operations(small) == ops, max_nodes
        assert sum(n.num_operations for n in small.nodes if n.op) == sum(n.num_operations for n in g.nodes if n.op)
        if max_nodes < 28:  # the examples and the labels are no parameters
            assert [n.name for n in small.nodes if not n.op] == (["X", "y"] if max_nodes > 6 else ["X"])
            assert sum(n.num_parameters for n in small.nodes) == sum(p.numel() for p in net.parameters())
    last = [n for n in fold(g, 10).nodes if n.op == "Block"]
    assert [(n.name, n.num_operations, n.num_parameters, n.module) for n in last] == [
        ("v₁₀", 9, 18, ("a: net: Sequential",))
    ]
    assert fold(g, 10).nodes[1].module == ("a: net: Sequential", "a: net[0]: Linear")
    assert fold(g, 6).nodes[-2].module == ()


def test_two_equal_modules_in_a_row_stay_two_and_so_do_runs_in_different_places():
    x = torch.ones(1, 2)
    two = nn.Sequential(Block(), Block())
    with trace() as g:
        f = two(x).sum()
    assert operations(fold(g, 4)) == ["Block (two[0])", "Block (two[1])", "sum"] and f.ndim == 0
    halves = nn.Sequential(*[nn.Sequential(Block(), Block(), Block()) for _ in range(2)])
    with trace() as g:
        f = halves(x).sum()
    assert operations(fold(g, 4)) == ["Block × 3", "Block × 3", "sum"]
    mixed = nn.Sequential(*[Doubled() for _ in range(3)], *[Block() for _ in range(3)])
    with trace() as g:
        f = mixed(x).sum()
    assert operations(fold(g, 4)) == ["Doubled × 3", "Block × 3", "sum"]


def test_parameters_go_into_what_uses_them_where_something_else_comes_in():
    x, w, b, shared = torch.ones(3), leaf(1.0, 2.0, 3.0), leaf(0.5), leaf(2.0)
    with trace() as g:
        u = w * x * shared
        f = ((u + b) * shared).sum()
    small = fold(g, 8)
    # w is what comes in beside x, and shared has two users
    assert [n.name for n in small.nodes] == ["w", "x", "v₁", "shared", "u", "v₂", "v₃", "f"] and f.ndim == 0
    assert [n.num_parameters for n in small.nodes] == [0, 0, 0, 0, 0, 1, 0, 0]
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    with trace() as g:
        h = model(torch.ones(4, 2)).mean()
    small = fold(g, 4)  # the running mean goes along, but is no parameter
    assert [n.op for n in small.nodes] == ["", "linear", "batch_norm", "mean"] and h.ndim == 0
    assert [n.num_parameters for n in small.nodes] == [0, 6, 4, 0]


def test_a_folded_graph_still_says_what_comes_in():
    class Scale(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Parameter(torch.tensor(2.0)), nn.Parameter(torch.tensor(3.0))

        def forward(self, x):
            return self.a * self.b * x

    scale, x, w = Scale(), torch.tensor(5.0), leaf(0.5)
    with trace() as g:
        f = scale(x) * 3
    assert [n.name for n in fold(g, 6).nodes] == ["a", "b", "v₁", "v₂", "f"] and f == 90  # a or b comes in
    first, second = torch.tensor(1.0), torch.tensor(2.0)
    with trace() as g:
        f = torch.exp((torch.sin(w) + first) * second)
    assert [n.name for n in fold(g, 4).nodes] == ["w", "v₁", "v₃", "f"]  # two operations, and what goes into them


@pytest.mark.parametrize("max_nodes", [0, 2.0, "40"])
def test_folding_to_no_number_of_nodes(max_nodes):
    with pytest.raises((TypeError, ValueError), match=r"^max_nodes must be an int"):
        fold(graph_samples.neuron(), max_nodes)


@pytest.mark.parametrize("max_elems", [64, 1])
@pytest.mark.parametrize("detached", [False, True])
def test_a_folded_edge_carries_what_the_edges_in_it_carried_together(max_elems, detached):
    module, x = Doubled(detached), leaf(1.0, 2.0)
    with trace(max_elems=max_elems) as g:
        u = x * 3
        f = (module(u) * u).sum()  # also read elsewhere
        f.backward()
    small = fold(g, 5)
    assert operations(small) == ["mul", "Doubled (module)", "mul", "sum"]
    into, beside = (e for e in small.edges if e.source.name == "u")
    assert (into.target.op, beside.target.op) == ("Doubled", "mul")
    assert into.local_grad is None and (beside.local_grad is None) == (max_elems == 1)
    if max_elems == 1:  # the sum of what is known by its norm alone is not known
        assert into.contribution is into.contribution_norm is None and beside.contribution_norm > 0
    else:
        expected = node(g, "u").grad - beside.contribution
        assert torch.allclose(into.contribution, expected)
        assert into.contribution_norm == pytest.approx(expected.norm().item())


def test_a_single_edge_into_a_folded_node_carries_what_it_carried():
    module, x = nn.Sequential(nn.Tanh(), nn.Tanh()), leaf(1.0, 2.0)
    with trace(max_elems=1) as g:
        u = x * 3
        f = (module(u) * u).sum()
    small = fold(g, 5)
    into, before = edge(small, "u", "v₂"), edge(g, "u", "v₁")
    assert into.target.op == "Sequential" and into.contribution is None and f.ndim == 0
    assert into.contribution_norm == before.contribution_norm > 0


def test_edges_without_a_gradient_fold_into_one_without():
    module, x, w = Doubled(), torch.tensor([1.0, 2.0]), leaf(2.0)
    with trace() as g:
        f = (module(x) * w * x).sum()
    small = fold(g, 5)
    into = edge(small, "x", "v₂")
    assert into.target.op == "Doubled" and into.contribution is into.contribution_norm is None and f.ndim == 0


def test_an_edge_that_carries_all_carries_the_gradient_also_where_only_its_norm_is_known():
    module, x = Doubled(), leaf(1.0, 2.0)
    with trace(max_elems=1) as g:
        u = x * 3
        f = module(u).sum()
    into = edge(fold(g, 4), "u", "v₂")
    assert into.contribution is None and into.contribution_norm == node(g, "u").grad_norm > 0 and f.ndim == 0


def test_what_two_folded_tensors_carry_together_is_not_a_gradient_of_either():
    module, x = Doubled(both=True), leaf(1.0, 2.0)
    with trace() as g:
        u = x * 3
        p, q = module(u)
        f = (p * q).sum()
    small = fold(g, 5)
    out = edge(small, "q", "v₁")
    assert operations(small) == ["mul", "Doubled (module)", "mul", "sum"] and f.ndim == 0
    assert out.contribution is out.contribution_norm is out.local_grad is None
    assert edge(small, "v₁", "f").local_grad is not None  # nothing was folded here


def test_the_target_stays_the_target_where_it_is_folded():
    ops = [(f"h{i}", "sin", "sin", torch.sin, (f"h{i - 1}" if i else "x",)) for i in range(9)]
    g = graph_samples.make({"x": 1.0}, ops, target="h5")
    small = fold(g, 4)
    assert [n.name for n in small.nodes] == ["x", "h0", "h5", "h8"] and small.target is small.nodes[2]
    assert small.target.num_operations == 7 and small.target.grad == 1
