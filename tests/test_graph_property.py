"""Random expression graphs, traced, against PyTorch's own gradients in float64."""

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


def block(pool, steps):
    with trace(names={"pool": pool}) as g:
        go_on(pool, steps)
        f = torch.tanh(sum(pool[3:]) / 4).sum()
    return g, f


@settings(max_examples=150, deadline=None)
@given(STEPS, NUMBERS, st.integers(0, 8))
def test_random_expressions(steps, numbers, cut):
    """Some steps in earlier cells, the others in the block, which shows the graph of the block alone."""
    pool = rows_of(numbers)
    go_on(pool, steps[:cut])
    alone = [tensor.detach().clone().requires_grad_() for tensor in pool]
    starts = dict(enumerate(alone))
    (g, _), (h, f) = block(pool, steps[cut:]), block(alone, steps[cut:])
    assert g.to_text().replace("(leaf)", "(input)") == h.to_text().replace("(leaf)", "(input)")

    assert h.target.value == f.detach()
    nodes, nodes_of_f = ({n.name: n for n in graph.nodes} for graph in (h, graph_of(f, names={"pool": alone})))
    grads = torch.autograd.grad(f, list(starts.values()), allow_unused=True)
    for i, grad in zip(starts, grads, strict=True):
        if grad is not None:
            for found in (nodes, nodes_of_f):
                assert torch.allclose(found[f"pool[{i}]"].grad, grad, rtol=1e-12, atol=0)

    check_contributions(h)
    for edge in h.edges:
        if edge.local_grad is not None:
            product = torch.tensordot(edge.target.grad, edge.local_grad, edge.target.grad.dim())
            assert torch.allclose(product, edge.contribution, rtol=1e-9, atol=1e-12)
