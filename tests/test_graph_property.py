"""Random expression graphs, traced, against finite differences in float64."""

import math

import torch
from graph_samples import check_contributions
from hypothesis import given, settings
from hypothesis import strategies as st

from lecturekit import graph_of, trace

UNARY = {
    "sin": torch.sin,
    "tanh": torch.tanh,
    "square": lambda a: a**2,
    "exp of tanh": lambda a: torch.exp(torch.tanh(a)),
    "1 −": lambda a: 1 - a,
    "2 ·": lambda a: 2 * a,
    "in place": lambda a: (a * 1).add_(0.5).mul_(2),
    "set item": lambda a: _set_item(a),
    "view": lambda a: a.reshape(-1, 1).T[0].flip(0),
    "sigmoid, read twice": lambda a: torch.sigmoid(a) + a,
    "mean away": lambda a: a - a.mean(),
    "logsumexp": lambda a: torch.logsumexp(a, 0) * a,
}
BINARY = {
    "+": torch.add,
    "−": torch.sub,
    "·": torch.mul,
    "/": lambda a, b: a / (b * b + 1),
    "dot": lambda a, b: (a @ b) * torch.ones(3, dtype=torch.float64),
    "cat": lambda a, b: torch.cat([a[:1], b[1:]]),
    "split": lambda a, b: a.split([1, 2])[0] * b + a.split([1, 2])[1].sum(),
}


def _set_item(a):
    h = a * 2
    h[0] = a[1] * a[2]
    return h


STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(sorted(UNARY)), st.integers(0, 99)),
        st.tuples(st.sampled_from(sorted(BINARY)), st.integers(0, 99), st.integers(0, 99)),
    ),
    min_size=1,
    max_size=8,
)
NUMBERS = st.lists(st.floats(-2, 2, allow_subnormal=False), min_size=9, max_size=9)


def rows_of(numbers):
    """Three leaves of three numbers."""
    return [row.clone().requires_grad_() for row in torch.tensor(numbers, dtype=torch.float64).reshape(3, 3)]


def go_on(pool, steps):
    """Append the result of each step, an operation on earlier ones."""
    for name, *sources in steps:
        operands = [pool[i % len(pool)] for i in sources]
        pool.append((UNARY if len(operands) == 1 else BINARY)[name](*operands))


def compute(steps, leaves):
    pool = list(leaves)
    go_on(pool, steps)
    return torch.tanh(sum(pool[len(leaves) :]) / 4).sum()


@settings(max_examples=150, deadline=None)
@given(STEPS, NUMBERS)
def test_gradients_of_random_expressions(steps, numbers):
    leaves = rows_of(numbers)
    names = dict(zip("abc", leaves, strict=True))
    with trace(names=names) as g:
        f = compute(steps, leaves)
    assert g.target.value == f.detach()
    nodes = {node.name: node for node in g.nodes}

    epsilon = 1e-6
    for name in set("abc") & nodes.keys():  # those that are used
        for i in range(3):
            ends = []
            for sign in (1, -1):
                moved = [t.detach().clone() for t in leaves]
                moved["abc".index(name)][i] += sign * epsilon
                ends.append(compute(steps, moved).item())
            slope = (ends[0] - ends[1]) / (2 * epsilon)
            assert math.isclose(nodes[name].grad[i].item(), slope, rel_tol=1e-4, abs_tol=1e-6)

    check_contributions(g)
    for edge in g.edges:
        if edge.local_grad is not None:
            product = torch.tensordot(edge.target.grad, edge.local_grad, edge.target.grad.dim())
            assert torch.allclose(product, edge.contribution, rtol=1e-9, atol=1e-12)

    for node in graph_of(f, names=names).nodes:
        if node.kind == "leaf":
            assert torch.allclose(node.grad, nodes[node.name].grad, rtol=1e-12, atol=0)
