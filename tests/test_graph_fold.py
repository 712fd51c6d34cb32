"""Large graphs: modules and repetitions folded into one box each, as the picture shows."""

import re

import pytest
import torch
from graph_samples import captions, edge, headings, leaf, node, texts
from hypothesis import given, settings
from hypothesis import strategies as st
from test_graph_property import NUMBERS, STEPS, block, rows_of
from torch import nn

from lecturekit import graph_of, trace

pytestmark = pytest.mark.usefixtures("no_warning")


class Block(nn.Module):
    def __init__(self, size=2):
        super().__init__()
        self.linear = nn.Linear(size, size)

    def forward(self, x):
        return x + torch.relu(self.linear(x))


class Doubled(nn.Module):
    """Reads what comes in twice."""

    def forward(self, u):
        return torch.sin(u) * u


class Split(nn.Module):
    """Two tensors leave it."""

    def forward(self, x):
        doubled = 2 * x
        return doubled[:2] * 3, doubled.sum()


def folded(g, max_nodes):
    """What the boxes of a folded picture are: names of what goes in, and what computes the others."""
    return [heading.split(" = ", 1)[-1].removesuffix(" =") for heading in headings(g.to_svg(max_nodes))]


def counted(g, max_nodes, what):
    """How many operations or parameters the boxes of a folded picture stand for together."""
    return sum(int(n.replace(",", "")) for n in re.findall(rf"([\d,]+) {what}", "\n".join(texts(g.to_svg(max_nodes)))))


@pytest.mark.parametrize("traced", [True, False])
def test_a_chain_of_1200_operations(traced):
    x, w = leaf(1.0), leaf(1.001)
    with trace() as g:
        h = x
        for _ in range(1200):
            h = h * w
    g = g if traced else graph_of(h)
    assert node(g, "x").grad.item() == pytest.approx(1.001**1200, rel=1e-3)
    boxes = folded(g, 40)
    assert len(boxes) <= 40 and counted(g, 40, "operations") + sum("·" in box for box in boxes) == 1200


def test_modules_become_boxes_and_then_the_middle_does():
    model, X = nn.Sequential(nn.Linear(4, 4), *[Block(4) for _ in range(28)], nn.Linear(4, 1)), torch.ones(2, 4)
    with trace() as g:
        loss = model(X).square().mean()
    assert loss.ndim == 0 and g.nodes[3].module == ("model: Sequential", "model[0]: Linear")
    assert [box for box in folded(g, 40) if "Block" in box] == [f"Block (model[{i}])" for i in range(1, 29)]
    assert "…" in folded(g, 20) and len(folded(g, 20)) <= 20  # the model itself holds nearly everything: it is opened
    for max_nodes in (40, 20):
        assert counted(g, max_nodes, "parameters") == sum(p.numel() for p in model.parameters())


def test_folding_goes_no_further_than_it_must():
    net = nn.Sequential(nn.Linear(3, 2), *[Block() for _ in range(3)], nn.Linear(2, 1))
    X, y = torch.ones(4, 3), torch.zeros(4, 1)
    with trace(names={"a: net": net}) as g:
        loss = (2 * (net(X) - y) ** 2).mean()
    assert len(g.nodes) == 28 and loss.ndim == 0
    assert g.to_svg(28) == g.to_svg(1000) and counted(g, 28, "operations") == 0
    begins = [text for text in texts(g.to_svg(28)) if text.endswith("Block begins")]
    assert begins == [f"a: net[{i}]: Block begins" for i in (1, 2, 3)]
    blocks = [f"Block (a: net[{i}])" for i in (1, 2, 3)]
    ends = ["v11 − y", "v122", "2 · v13", "mean(v14)"]
    expected = {  # beside the linear layers
        16: ["X", *blocks, "y", *ends],
        8: ["X", "Sequential (a: net)", "y", *ends],
        1: ["X", "Sequential (a: net)", "…", ends[-1]],
    }
    parameters = sum(p.numel() for p in net.parameters())
    for max_nodes, boxes in expected.items():
        assert [box for box in folded(g, max_nodes) if not box.startswith("linear")] == boxes, max_nodes
        assert counted(g, max_nodes, "parameters") == parameters  # X and y are none


def test_modules_in_a_row_and_calls_of_one_module_stay_apart():
    x, two, layer = torch.ones(1, 2), nn.Sequential(Block(), Block()), nn.Sequential(nn.Linear(2, 2), nn.Tanh())
    with trace() as g:
        f = two(x).sum()
    assert folded(g, 4) == ["x", "Block (two[0])", "Block (two[1])", "sum(v6)"]
    with trace() as g:
        f = layer(layer(x) * 2).sum()
    assert [n.module[0] for n in g.nodes if n.op == "tanh"] == ["layer: Sequential", "layer (call 2): Sequential"]
    assert folded(g, 6)[-4:] == ["Sequential (layer)", "2 · v2", "Sequential (layer (call 2))", "sum(v5)"]
    assert f.ndim == 0


def test_parameters_go_into_what_uses_them_where_something_else_comes_in():
    x, w, b, shared = torch.ones(3), leaf(1.0, 2.0, 3.0), leaf(0.5), leaf(2.0)
    with trace() as g:
        u = w * x * shared
        f = ((u + b) * shared).sum()
    names = [heading.split(" = ")[0] for heading in headings(g.to_svg(8))]
    assert names == ["x", "v1", "u", "v2", "v3", "f"] and f == 27
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    with trace() as g:
        h = model(torch.ones(4, 2)).mean()
    assert len(folded(g, 4)) == 4 and counted(g, 4, "parameters") == 6 + 4 and h.ndim == 0  # not the running mean


def test_a_folded_arrow_adds_what_the_arrows_in_it_added_together():
    module, x = Doubled(), leaf(1.0, 2.0)
    with trace() as g:
        u = x * 3
        f = (module(u) * u).sum()  # also read elsewhere
        f.backward()
    rest = node(g, "u").grad - edge(g, "u", "v₃").contribution
    numbers = ", ".join(f"{number:.4g}" for number in rest.tolist()).replace("-", "−")
    said = [line for caption in captions(g, max_nodes=5) for line in caption.splitlines() if "u → v₂" in line]
    assert len(said) == 1 and f"slope of the arrow u → v₂ = [{numbers}], together" in said[0]


@pytest.mark.parametrize("name", ["Split", "T"])
def test_a_module_that_several_tensors_leave_names_them_and_has_no_numbers(name):
    w, split = leaf(1.0, 2.0, 3.0), type(name, (Split,), {})()
    with trace() as g:
        a, b = split(w)
        f = a.prod() + b * b
    svg = g.to_svg(5)
    assert headings(svg)[1:] == [f"a, b = {name} (split)", "v3 = prod(a)", "v4 = b · b", "f = v3 + v4"] and f.ndim == 0
    assert not [text for text in texts(svg) if text.startswith(("∂f/∂a", "∂f/∂(a", "∂v3/∂", "∂v4/∂"))]


def test_what_comes_to_a_tensor_on_several_ways_is_added_in_the_caption():
    """The tensor is too large to copy: the arrows into the module cannot be added, and stand side by side."""
    u, doubled = torch.ones(3, 40, requires_grad=True), Doubled()
    with trace() as g:
        h = 2 * u
        f = (h + doubled(h)).mean()
    terms = [line for line in "\n".join(captions(g, 5)).splitlines() if "gradient of h += " in line]
    assert len(terms) == 3 and "together" in terms[-1] and f.ndim == 0
    curves = re.findall(r'd="(M[^"]*C[^"]*)"', g.to_svg(5))
    assert len(curves) == len(set(curves)) == 6


def test_nothing_comes_back_to_the_target_from_what_uses_it():
    w = leaf(2.0)
    with trace(target="f") as g:
        f = w * w
        z = (2 * f + 3 * f) ** 2
    assert not [line for line in captions(g, 3) if "gradient of f = gradient of" in line] and z.ndim == 0


def test_a_picture_is_no_wider_than_a_page_and_keeps_the_data():
    """A module of a few operations has so many parameters that even its small graph is too wide."""
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    for module, x in [(nn.RNN(3, 4), torch.ones(8, 1, 3)), (nn.TransformerEncoder(layer, 3), torch.ones(2, 4, 8))]:
        with trace() as g:
            result = module(x)
            f = (result[0] if isinstance(result, tuple) else result).mean()
        svg = g.to_svg()
        assert len(g.nodes) != 40 and f.ndim == 0 and "x" in headings(svg)
        assert int(re.search(r'width="(\d+)"', svg)[1]) <= 1056


@settings(max_examples=12, deadline=None)
@given(STEPS, NUMBERS, st.integers(1, 40))
def test_in_every_fold_what_the_arrows_add_is_the_gradient_together(steps, numbers, max_nodes):
    g, _ = block(rows_of(numbers), steps)
    added, unknown = {}, set()
    for line in "\n".join(captions(g, max_nodes)).replace("−", "-").splitlines():
        if found := re.search(r"gradient of (\S+) \+?= .* = ([^=]*?)(, together .*)?$", line):
            term = [float(number) for number in re.findall(r"[-\d.e]+", found[2])]
            added.setdefault(found[1], []).append(torch.tensor(term))
        elif found := re.search(r"gradient of (\S+) \+?= ", line):
            unknown.add(found[1])
    for name in added.keys() - unknown:
        rounding = 1e-3 * max(term.abs().max().item() for term in added[name])
        expected = node(g, name).grad.flatten().float()
        torch.testing.assert_close(sum(added[name]), expected, rtol=1e-3, atol=rounding)
