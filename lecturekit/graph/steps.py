"""The order in which a graph is computed and differentiated, and what each step does, in words and numbers."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

import torch

from .model import Edge, Graph, Node, in_order
from .text import format_number, format_shape, format_tensor

MAX_ALT = 700  # characters; a screen reader reads them in about a minute


def clean(text: str, most: int = 40) -> str:
    """Return user text without the characters that XML forbids or that turn writing around, its middle left out."""
    text = "".join(c for c in re.sub(r"\s+", " ", str(text)) if unicodedata.category(c)[0] != "C")
    return text if len(text) <= most else f"{text[: most - 12]}…{text[-11:]}"


def derivative(target: Node, node: Node) -> str:
    """Return ∂target/∂node, as it is written."""
    names = (clean(n.name, 24) for n in (target, node))
    return "/".join(f"∂{name}" if re.fullmatch(r"[^\W\d]\w*′*", name) else f"∂({name})" for name in names)


def in_words(tensor: torch.Tensor | None, shape: tuple[int, ...], norm: float | None, most: int = 6) -> str:
    """Return the numbers of a small tensor, else its shape and norm."""
    if tensor is not None and tensor.numel() <= most and tensor.dim() <= 2:
        rows = format_tensor(tensor)
        return rows[0] if len(rows) == 1 else "[" + ", ".join(rows) + "]"
    words = f"shape {format_shape(shape)}" if shape else "not kept"
    return words + ("" if norm is None else f", norm {format_number(norm)}")


@dataclass
class Steps:
    """What happens at which step: first the inputs, then every operation, then the gradients, from the target back.

    Attributes
    ----------
    forward, backward : dict of Node to int
        The step that computes a node; the step that passes its gradient on to the nodes it was computed from.
    incoming : dict of Node to list of Edge
    sums : dict of Node to list of (int, Edge)
        The terms of a node's gradient, in the order in which they are added, each with its step.
    start, last : int
        The step that sets ∂target/∂target = 1, and the last of all.
    captions : list of str
        One a step, 0 to `last`.
    """

    forward: dict[Node, int] = field(default_factory=dict)
    backward: dict[Node, int] = field(default_factory=dict)
    incoming: dict[Node, list[Edge]] = field(default_factory=dict)
    sums: dict[Node, list[tuple[int, Edge]]] = field(default_factory=dict)
    start: int = 0
    last: int = 0
    captions: list[str] = field(default_factory=list)


def carries_gradient(edge: Edge) -> bool:
    """Whether a gradient flows back along this edge."""
    return edge.contribution is not None or edge.contribution_norm is not None


def plan(graph: Graph) -> Steps:
    """Return the steps of a graph; a gradient is complete before it is passed on."""
    steps = Steps(incoming={node: [] for node in graph.nodes}, sums={node: [] for node in graph.nodes})
    for edge in graph.edges:
        steps.incoming[edge.target].append(edge)
    sources = {node: [edge.source for edge in edges] for node, edges in steps.incoming.items()}
    # Folding may have moved some nodes.
    order = [node for node in in_order(graph.nodes, sources) if node.kind in ("operation", "output")]
    steps.captions.append("The graph before anything is computed: what goes in.")
    for step, node in enumerate(order, 1):
        steps.forward[node] = step
        steps.captions.append(_forward_caption(node, steps.incoming[node]))
    steps.last = steps.start = len(order)
    target = graph.target
    if target is None or (target.grad is None and target.grad_norm is None):
        return steps
    steps.start = steps.last = steps.last + 1
    one = "1" if target.grad is None or target.grad.numel() == 1 else in_words(target.grad, target.shape, None)
    steps.captions.append(f"backward starts: {derivative(target, target)} = {one}")
    for node in reversed(order):
        edges = [edge for edge in steps.incoming[node] if carries_gradient(edge)]
        if edges:
            steps.last += 1
            steps.backward[node] = steps.last
            for edge in edges:
                steps.sums[edge.source].append((steps.last, edge))
    for node in steps.backward:
        terms = [_term(target, edge, steps) for edge in steps.incoming[node] if carries_gradient(edge)]
        steps.captions.append("backward: " + "\n".join(terms))
    steps.last += 1
    steps.captions.append(f"done. {_gradients(graph)}".strip())
    return steps


def _gradients(graph: Graph) -> str:
    """Return what came out for each leaf."""
    target, leaves = graph.target, [n for n in graph.nodes if n.kind == "leaf"]
    known = [n for n in leaves if target is not None and (n.grad is not None or n.grad_norm is not None)]
    return "; ".join(f"{derivative(target, n)} = {in_words(n.grad, n.shape, n.grad_norm)}" for n in known)


def describe(graph: Graph) -> str:
    """Return what the graph computes and the gradients of its leaves: the alternative text of its picture."""
    shown = [n for n in graph.nodes if n.kind != "constant"]
    parts = [clean(n.name, 24) + f" = {in_words(n.value, n.shape, n.value_norm)}" for n in shown if not n.op]
    parts += [_forward_caption(n, [])[9:] for n in shown if n.op]
    target = graph.target
    text = "Computation graph" + (f" of {clean(target.name, 24)}. " if target else ". ") + "; ".join(parts)
    gradients = _gradients(graph)
    room = MAX_ALT - min(len(gradients), MAX_ALT // 2)
    text = text if len(text) <= room else text[:room] + " …"
    gradients = gradients if len(gradients) <= MAX_ALT // 2 else gradients[: MAX_ALT // 2] + " …"
    return text + (f". Gradients: {gradients}." if gradients else ".")


def _in_brackets(number: str) -> str:
    return f"({number})" if number[0] in "-−" else number


def _forward_caption(node: Node, edges: list[Edge]) -> str:
    name, expression = clean(node.name, 24), clean(node.expression or node.op)
    text = f"forward: {name} = {expression}" if expression != name else f"forward: {name}"
    numbers = {clean(e.source.name): e.source.value for e in edges}
    if numbers and all(value is not None and value.numel() == 1 for value in numbers.values()):
        names = sorted(map(re.escape, numbers), key=len, reverse=True)
        known = {name: format_number(value.item()) for name, value in numbers.items()}

        def fill(name: re.Match) -> str:
            around = expression[name.start() - 1 : name.start()] + expression[name.end() : name.end() + 1]
            return known[name[0]] if around == "()" else _in_brackets(known[name[0]])

        filled = re.sub(rf"(?<![\w.])(?:{'|'.join(names)})(?![\w.′(])", fill, expression)
        text += f" = {filled}" if filled != expression else ""
    return f"{text} = {in_words(node.value, node.shape, node.value_norm)}"


def _term(target: Node, edge: Edge, steps: Steps) -> str:
    """Return one product of the chain rule, with its numbers."""
    node, source, terms = edge.target, edge.source, steps.sums[edge.source]
    sign = "=" if len(terms) == 1 else "+="
    text = f"{derivative(target, source)} {sign} {derivative(target, node)} · {derivative(node, source)}"
    scalars = [node.grad, edge.local_grad, edge.contribution]
    if all(tensor is not None and tensor.numel() == 1 for tensor in scalars):
        upstream, local, product = (format_number(tensor.item()) for tensor in scalars)
        text += f" = {upstream} · {_in_brackets(local)} = {product}"
    else:
        words = in_words(edge.contribution, source.shape, edge.contribution_norm)
        text += f", {words}" if words.startswith("shape") else f" = {words}"
    if len(terms) > 1 and terms[-1][1] is edge:
        words = in_words(source.grad, source.shape, source.grad_norm)
        text += f", together {words}"
    return text
