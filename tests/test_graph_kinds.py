"""Each kind of course code, traced and held against the same code without a trace."""

import textwrap
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch
from common import needs_gpu

from lecturekit import trace

SETUP, *CELLS = Path(__file__).with_name("course_code.py").read_text(encoding="utf-8").split("# %% ")
CELLS = dict(cell.split("\n", 1) for cell in CELLS)
CHANGED_SINCE = {"manual_steps", "training_steps", "convolution_and_dropout"}


def run(cell, traced, device):
    """Run a cell as a notebook would; return its tensors by name, and its graph."""
    scope = {"trace": trace}
    exec(SETUP, scope)
    scope["keep_graph"] = not traced
    torch.manual_seed(0)
    with nullcontext() if device == "cpu" else torch.device(device):
        exec("with trace() as g:\n" + textwrap.indent(cell, "    ") if traced else cell, scope)
    return {name: value for name, value in scope.items() if isinstance(value, torch.Tensor)}, scope.get("g")


def same(a, b):
    return a is b or torch.equal(*(torch.nan_to_num(tensor.detach().cpu()) for tensor in (a, b)))


def close(a, b):
    b = b.cpu()
    if b.layout != torch.strided:
        b = b.to_dense()
    return torch.allclose(a.to(b.dtype), b, equal_nan=True, rtol=1e-2 if b.dtype == torch.bfloat16 else 1e-4, atol=1e-6)


def leaves_behind(tensor):
    seen, todo = set(), [tensor.grad_fn]
    while todo:
        fn = todo.pop()
        if fn is not None and fn not in seen:
            seen.add(fn)
            todo += [f for f, _ in fn.next_functions]
    return {fn.variable for fn in seen if hasattr(fn, "variable")}


@pytest.mark.filterwarnings("ignore:Using backward")
@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=needs_gpu)])
def test_kind_of_code(kind, device, recwarn):
    plain, _ = run(CELLS[kind], False, device)
    random_state = torch.get_rng_state()
    traced, g = run(CELLS[kind], True, device)
    assert torch.equal(torch.get_rng_state(), random_state) and plain.keys() == traced.keys()
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
    for name, node in nodes.items():
        if name in traced and node.value is not None and kind not in CHANGED_SINCE:
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
        if edge.local_grad is not None and "infinity" not in kind:  # 0 · ∞ is NaN in a sum of products
            assert edge.local_grad.shape == edge.target.shape + edge.source.shape
            n = len(edge.target.shape)
            product = torch.tensordot(edge.target.grad.double(), edge.local_grad.double(), n)
            assert close(product, edge.contribution.double())
    assert "0x" not in g.to_text()
    assert not [str(w.message) for w in recwarn if str(w.message).startswith("trace ")]
