"""Graphs made by hand, without the recorder: values and derivatives from `torch.autograd.functional` alone.

And what the tests of recorded graphs have in common.
"""

import torch
from torch.autograd.functional import jacobian

from lecturekit.graph.model import Edge, Graph, Node


def make(leaves, operations, inputs=(), target=None):
    """Return a graph from ``{name: value}`` and ``(name, op, expression, function, arguments)``, differentiated.

    Numbers among the arguments become constants; `inputs` are the names that require no gradient.
    """
    graph, known = Graph(), {}

    def add(name, value, **fields):
        value = torch.as_tensor(value)
        fields |= {"shape": tuple(value.shape), "dtype": value.dtype, "value": value}
        fields["value_norm"] = float(torch.linalg.vector_norm(value.double()))
        graph.nodes.append(Node(name, **fields))
        return graph.nodes[-1]

    for name, value in leaves.items():
        kind = "input" if name in inputs else "leaf"
        known[name] = add(name, value, kind=kind, requires_grad=kind == "leaf")
    for name, op, expression, function, arguments in operations:
        sources = []
        for argument in arguments:
            if not isinstance(argument, str):
                known[argument] = add(f"{argument:g}", float(argument), kind="constant")
                known[argument].dtype = None
            sources.append(known[argument])
        values = tuple(source.value for source in sources)
        gradient = any(source.requires_grad for source in sources)
        known[name] = add(name, function(*values), op=op, expression=expression, requires_grad=gradient)
        pieces = jacobian(function, values) if gradient else [None] * len(values)
        local = {}
        for source, piece in zip(sources, pieces, strict=True):
            if source.requires_grad:
                local[source] = local.get(source, 0) + piece
        for source in dict.fromkeys(sources):
            graph.edges.append(Edge(source, known[name], local.get(source)))
    if target is not None:
        graph.target = known[target]
        graph.target.kind, graph.target.grad = "output", torch.ones(graph.target.shape)
        for node in reversed(graph.nodes):
            for edge in graph.edges:
                if edge.target is not node or edge.local_grad is None or node.grad is None:
                    continue
                edge.contribution = torch.tensordot(node.grad, edge.local_grad, dims=node.grad.dim())
                edge.contribution_norm = float(edge.contribution.norm())
                source = edge.source
                source.grad = edge.contribution if source.grad is None else source.grad + edge.contribution
            node.grad_norm = None if node.grad is None else float(node.grad.norm())
    return graph


def neuron():
    """relu(wx + b) at x = 3, w = 2, b = 1."""
    ops = [
        ("u", "mul", "w · x", lambda w, x: w * x, ("w", "x")),
        ("v", "add", "u + b", lambda u, b: u + b, ("u", "b")),
        ("a", "relu", "relu(v)", torch.relu, ("v",)),
    ]
    return make({"x": 3.0, "w": 2.0, "b": 1.0}, ops, inputs=("x",), target="a")


def diamond():
    """f = sin(u) + u · x with u = x · x, at x = 3."""
    ops = [
        ("u", "mul", "x · x", lambda a, b: a * b, ("x", "x")),
        ("v₁", "sin", "sin(u)", torch.sin, ("u",)),
        ("v₂", "mul", "u · x", lambda a, b: a * b, ("u", "x")),
        ("f", "add", "v₁ + v₂", lambda a, b: a + b, ("v₁", "v₂")),
    ]
    return make({"x": 3.0}, ops, target="f")


def polynomial():
    """3x² + 2y at x = 2, y = 5."""
    ops = [
        ("v₁", "pow", "x²", lambda x, k: x**2, ("x", 2)),
        ("v₂", "mul", "3 · v₁", lambda c, v: c * v, (3, "v₁")),
        ("v₃", "mul", "2 · y", lambda c, y: c * y, (2.0, "y")),
        ("f", "add", "v₂ + v₃", lambda a, b: a + b, ("v₂", "v₃")),
    ]
    graph = make({"x": 2.0, "y": 5.0}, ops, target="f")
    exponent = next(edge for edge in graph.edges if edge.target.name == "v₁" and edge.source.name == "2")
    graph.nodes.remove(exponent.source)  # a lecturer writes x², not pow(x, 2)
    graph.edges.remove(exponent)
    return graph


def adaline():
    """The mean squared error of a linear neuron on four examples of two features."""
    X = torch.tensor([[0.7, 0.3], [0.1, 0.6], [-0.5, -0.2], [-1.5, 0.4]])
    leaves = {"X": X, "w": torch.tensor([0.5, -1.0]), "b": torch.tensor([0.1]), "y": torch.tensor([0.0, 1.0, 1.0, 0.0])}
    ops = [
        ("z", "matmul", "X @ w", lambda X, w: X @ w, ("X", "w")),
        ("yhat", "add", "z + b", lambda z, b: z + b, ("z", "b")),
        ("e", "sub", "yhat − y", lambda a, y: a - y, ("yhat", "y")),
        ("v₁", "pow", "e²", lambda e: e**2, ("e",)),
        ("loss", "mean", "mean(v₁)", lambda v: v.mean(), ("v₁",)),
    ]
    return make(leaves, ops, inputs=("X", "y"), target="loss")


def matrices():
    """The sum of a matrix product."""
    leaves = {"W": torch.tensor([[1.0, -2.0], [0.5, 3.0]]), "X": torch.tensor([[1.0, 2.0, 0.0], [-1.0, 0.25, 4.0]])}
    ops = [
        ("Z", "matmul", "W @ X", lambda W, X: W @ X, ("W", "X")),
        ("H", "relu", "relu(Z)", torch.relu, ("Z",)),
        ("s", "sum", "sum(H)", lambda H: H.sum(), ("H",)),
    ]
    return make(leaves, ops, target="s")


def chain(length=30):
    """h ← sin(h), again and again."""
    ops = [
        (f"h{i}", "sin", f"sin(h{i - 1})" if i > 1 else "sin(x)", torch.sin, (f"h{i - 1}" if i > 1 else "x",))
        for i in range(1, length + 1)
    ]
    return make({"x": 1.0}, ops, target=f"h{length}")


ALL = {f.__name__: f for f in (neuron, diamond, polynomial, adaline, matrices, chain)}


# ---------------------------------------------------------------- for recorded graphs


def leaf(*values, dtype=None):
    """A tensor that requires a gradient; of one number, a single number."""
    return torch.tensor(values if len(values) != 1 else values[0], dtype=dtype, requires_grad=True)


def node(g, name):
    (found,) = [n for n in g.nodes if n.name == name]
    return found


def edge(g, source, target):
    (found,) = [e for e in g.edges if e.source.name == source and e.target.name == target]
    return found
