"""Graphs that several files of tests draw, and how these files look at a graph and at its picture."""

import re
import xml.etree.ElementTree as ET

import torch
from common import script_of
from torch import nn

import lecturekit as lk

SVG = "{http://www.w3.org/2000/svg}"


def leaf(*values, dtype=None):
    """A tensor that requires a gradient; of one number, a single number."""
    return torch.tensor(values if len(values) != 1 else values[0], dtype=dtype, requires_grad=True)


def node(g, name):
    (found,) = [n for n in g.nodes if n.name == name]
    return found


def edge(g, source, target):
    (found,) = [e for e in g.edges if e.source.name == source and e.target.name == target]
    return found


def check_contributions(g):
    """Ask that what the arrows bring to a node adds up to its gradient."""
    for n in g.nodes:
        flows = [e.contribution for e in g.edges if e.source is n and e.target.has_grad]
        if n is not g.target and n.grad is not None and flows and all(flow is not None for flow in flows):
            exact = {"rtol": 1e-9, "atol": 1e-12} if n.grad.dtype == torch.float64 else {}
            assert torch.allclose(sum(flows), n.grad, equal_nan=True, **exact), g.to_text()


# --- What stands in a picture


def elements(svg, tag):
    return ET.fromstring(svg).iter(f"{SVG}{tag}")


def texts(svg):
    return ["".join(element.itertext()) for element in elements(svg, "text")]


def box_groups(svg):
    """The group of each node."""
    return [group for group in ET.fromstring(svg).findall(f"{SVG}g") if group.find(f"{SVG}title") is not None]


def box_of(group):
    """The first box of a node's group, which is the last of those that stand behind each other."""
    x, y, width, height = (int(group.find(f"{SVG}rect").get(name)) for name in ("x", "y", "width", "height"))
    return x, y, x + width, y + height


def headings(svg):
    """The first line of each box: what it is called, and what computed it."""
    return ["".join(group.find(f".//{SVG}text").itertext()) for group in box_groups(svg)]


def boxes(svg):
    """The box of each node: left, top, right, bottom."""
    return [box_of(group) for group in box_groups(svg)]


def place_of(text):
    """The rectangle of a line of text, as its length and size prescribe it."""
    x, y, width, size = (int(text.get(name, 16)) for name in ("x", "y", "textLength", "font-size"))
    left = x - (width if text.get("text-anchor") == "end" else width / 2)
    return left, y - 0.7 * size, left + width, y + 0.2 * size


def stepper(g, max_nodes=40):
    """What the stepper is given: its title, its captions, and an SVG that says when each mark is seen."""
    return script_of(g.to_html(max_nodes))[1]


def captions(g, max_nodes=40):
    """What each step says, without the marks of its colours."""
    return [re.sub("[\t\f]", "", caption) for caption in stepper(g, max_nodes)["captions"]]


def alt(g):
    """The alternative text of the picture."""
    return re.search(r' alt="([^"]*)"', g.to_html())[1]


def steps_of_texts(g):
    """Each text in the stepper, with the step at which it appears and the one at which it disappears, or None."""
    found = {}

    def walk(element, when):
        if element.get("data-s") is not None:
            when = int(element.get("data-s")), element.get("data-e") and int(element.get("data-e"))
        if element.tag == f"{SVG}text":
            found["".join(element.itertext())] = when
        for child in element:
            walk(child, when)

    walk(ET.fromstring(stepper(g)["svg"]), (0, None))
    return found


# --- Graphs


def neuron():
    """relu(wx + b) at x = 3, w = 2, b = 1."""
    x, w, b = torch.tensor(3.0), leaf(2.0), leaf(1.0)
    with lk.trace() as g:
        u = w * x
        v = u + b
        a = torch.relu(v)
        a.backward()
    return g


def diamond():
    """f = sin(u) + u · x with u = x · x, at x = 3."""
    x = leaf(3.0)
    with lk.trace() as g:
        u = x * x
        f = torch.sin(u) + u * x
        f.backward()
    return g


def polynomial():
    """3x² + 2y at x = 2, y = 5."""
    x, y = leaf(2.0), leaf(5.0)
    with lk.trace() as g:
        f = 3 * x**2 + 2 * y
        f.backward()
    return g


def adaline():
    """The mean squared error of a linear neuron on four examples of two features."""
    X, y = torch.tensor([[0.7, 0.3], [0.1, 0.6], [-0.5, -0.2], [-1.5, 0.4]]), torch.tensor([0.0, 1.0, 1.0, 0.0])
    w, b = leaf(0.5, -1.0), leaf([0.1])
    with lk.trace() as g:
        z = X @ w
        y_hat = z + b
        error = y_hat - y
        loss = (error**2).mean()
        loss.backward()
    return g


def matrices():
    """The sum of what is positive in a matrix product."""
    W, X = leaf([1.0, -2.0], [0.5, 3.0]), leaf([1.0, 2.0, 0.0], [-1.0, 0.25, 4.0])
    with lk.trace() as g:
        Z = W @ X
        H = torch.relu(Z)
        s = H.sum()
        s.backward()
    return g


def mixed():
    """Matrices and single numbers, one too large to be kept, and several paths to a leaf and to a result."""
    W, x, a = leaf([1.0, -2.0], [3.0, 4.0]), torch.ones(2, 30), leaf(-2.0)
    with lk.trace(max_elems=8) as g:
        h = W @ x
        u = a * h[0, 0]
        f = u**2 + h.sum() * a
        f.backward()
    return g


def chain(length=30):
    """h ← sin(h), again and again."""
    x = leaf(1.0)
    with lk.trace() as g:
        h = torch.sin(x)
        for _ in range(length - 1):
            h = torch.sin(h)
    return g


def layers(batch_size=1, times=1):
    """A small network with its loss, differentiated so many times."""
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    for number, parameter in enumerate(net.parameters()):
        nn.init.constant_(parameter, 0.25 * (number + 1))
    X = torch.arange(2.0 * batch_size).reshape(batch_size, 2) / 4
    for _ in range(times):
        with lk.trace() as g:
            y_hat = net(X)
            loss = (y_hat**2).mean()
            loss.backward()
    return g


def several_ways():
    """Three paths into one leaf, an integer that no gradient enters, a value used twice, a number of its own."""
    w, k = leaf(1.0, -2.0), torch.tensor(3)
    with lk.trace() as g:
        u = w * k
        v = torch.exp(w) + u
        f = (u * v).sum() + w[0]
        f.backward()
    return g


def not_differentiated():
    x = leaf([[1.0, 2.0, 3.0]])
    with lk.trace() as g:
        y = torch.cat([x, 2 * x]) @ torch.ones(3, 1)
        z = y.detach() + y
    assert z.requires_grad
    return g


def too_large_to_write():
    X, w = torch.ones(40, 3), torch.ones(3, 1, requires_grad=True)
    with lk.trace() as g:
        loss = torch.tanh(X @ w).mean()
        loss.backward()
    return g


ALL = {f.__name__: f for f in (neuron, diamond, polynomial, adaline, matrices, chain, layers, several_ways)}
