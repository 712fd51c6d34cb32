"""The backward rules that stand on the edges of tensor operations: in words, and that the words are true."""

import re

import pytest
import torch
from graph_samples import edge, leaf

from lecturekit import trace

A, B, v, s = leaf([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), leaf([[1.0], [-1.0], [2.0]]), leaf(1.0, -2.0, 3.0), leaf(2.0)
RULES = [  # an expression of tensors above, from which edge, what it says, and the same in PyTorch
    ("A @ B", "A", "upstream @ Bᵀ", "up @ B.T"),
    ("A @ B", "B", "Aᵀ @ upstream", "A.T @ up"),
    ("A @ v", "A", "upstream ⊗ v", "torch.outer(up, v)"),
    ("A @ v", "v", "Aᵀ @ upstream", "A.T @ up"),
    ("v @ (v + 1)", "v", None, None),  # two ways lead to v
    ("A + v", "v", "upstream, summed over rows", "up.sum(0)"),
    ("A - v", "v", "−upstream, summed over rows", "-up.sum(0)"),
    ("A * v", "v", "upstream · A, summed over rows", "(up * A).sum(0)"),
    ("A / s", "s", None, None),
    ("s / A", "s", "upstream / A, summed", "(up / A).sum()"),
    ("A + s", "s", "upstream, summed", "up.sum()"),
    ("torch.add(A, v, alpha=2)", "v", None, None),
    ("A + A", "A", None, None),
    ("A.sum()", "A", "upstream, spread", "up.expand(2, 3)"),
    ("A.mean()", "A", "upstream / 6, spread", "(up / 6).expand(2, 3)"),
    ("A.mean(dim=1, keepdim=True)", "A", "upstream / 3, spread", "(up / 3).expand(2, 3)"),
    ("A.reshape(6)", "A", "upstream, reshaped", "up.reshape(2, 3)"),
    ("A.T", "A", "upstreamᵀ", "up.T"),
    ("v[[0, 2, 2]]", "v", "scatter-add of upstream", "torch.zeros(3).index_add(0, torch.tensor([0, 2, 2]), up)"),
    ("torch.nn.functional.linear(A, A)", "A", None, None),
    ("torch.nn.functional.linear(A, B.T, s.reshape(1))", "A", "upstream @ v₁", "up @ B.T"),
    ("torch.relu(A)", "A", None, None),
]


@pytest.mark.parametrize("expression, source, rule, right", RULES)
def test_rule_of_an_edge(expression, source, rule, right):
    scope = {"torch": torch, "A": A, "B": B, "v": v, "s": s, "trace": trace}
    exec(f"with trace() as g:\n    out = {expression}\n    f = (out * out).sum()", scope)
    g = scope["g"]
    to_svg = re.sub("<[^>]+>", "", g.to_svg())
    if rule is None:
        assert not re.search(rf"∂f/∂{source} \+= .*(summed|spread|@|⊗|reshaped|scatter)", g.to_text())
        return
    found = edge(g, source, "out")
    value = eval(right, {"torch": torch, "A": A, "B": B, "v": v, "s": s, "up": found.target.grad})
    assert torch.allclose(value, found.contribution)
    assert rule.replace("ᵀ", "T").replace("₁", "1") in to_svg
    assert f"∂f/∂{source} += {rule.replace('upstream', '∂f/∂out')} = " in g.to_text()


def test_an_own_function_has_no_rule_of_pytorch(recwarn):
    """It may be called as one of PyTorch's operations, and be anything."""

    class Sum(torch.autograd.Function):
        @staticmethod
        def forward(ctx, h):
            return 2 * h.sum()

        @staticmethod
        def backward(ctx, grad):
            return 2 * grad.expand(2, 3)

    with trace() as g:
        out = Sum.apply(A)
        f = out * 1
        f.backward()
    assert edge(g, "A", "out").target.op == "Sum" and f == 42
    assert "∂f/∂A += ∂f/∂out · ∂out/∂A = " in g.to_text()
