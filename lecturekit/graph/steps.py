"""What happens at which step, with a caption for each; alternative text; the graph as text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from .model import Edge, Node, topological
from .rules import term
from .text import clean, counts, derivative, format_number, in_brackets, in_colour, in_words

EMPTY = "The graph is empty: no operation of PyTorch that it could show was recorded."
MAX_ALT = 700  # characters; a screen reader reads them in about a minute


@dataclass
class Steps:
    """What happens at which step: first the inputs, then every operation, then the gradients, from the target back."""

    incoming: dict[Node, list[Edge]]
    forward: dict[Node, int]  # the step that computes a node
    start: int  # the step that sets ∂target/∂target = 1
    backward: dict[Node, int]  # the step that passes its gradient on
    terms: dict[Node, list[Edge]]  # of its gradient, as they are added
    captions: list[str]

    @property
    def last(self) -> int:
        return len(self.captions) - 1


def plan(graph) -> Steps:
    """Return the steps of a graph; a gradient is complete before it is passed on."""
    incoming, terms = ({node: [] for node in graph.nodes} for _ in range(2))
    for edge in graph.edges:
        incoming[edge.target].append(edge)
    sources = {node: [edge.source for edge in edges] for node, edges in incoming.items()}
    order = [node for node in topological(graph.nodes, sources) if node.kind in ("operation", "output")]
    flowing = {node: [edge for edge in incoming[node] if edge.carries_gradient] for node in reversed(order)}
    passing = [node for node, edges in flowing.items() if edges and graph.target and graph.target.has_grad]
    for node in passing:
        for edge in flowing[node]:
            terms[edge.source].append(edge)
    forward, start = {node: step for step, node in enumerate(order, 1)}, len(order) + 1
    steps = Steps(incoming, forward, start, {node: start + i for i, node in enumerate(passing, 1)}, terms, [])

    captions = steps.captions
    captions.append("The graph before anything is computed: what goes in.")
    captions += [f"forward: {_forward_caption(node, incoming[node])}" for node in order]
    if (target := graph.target) and target.has_grad:
        one = "1" if target.grad is None or target.grad.numel() == 1 else in_words(target.grad, target.shape, None)
        captions.append(f"backward starts: {in_colour(target)} = {derivative(target, target)} = {one}")
        for node in passing:
            captions.append("backward: " + "\n".join(_backward_caption(target, edge, steps) for edge in flowing[node]))
        known = _gradients(graph)
        captions.append(f"Done. {known}".strip() if len(known) < 160 else "Done. Each leaf has its gradient, in red.")
    return steps


def _forward_caption(node: Node, incoming: list[Edge]) -> str:
    """``u = w · x = 2 · 3 = 6``"""
    name, expression = clean(node.name, 24), clean(node.expression or node.op)
    text = f"{name} = {expression}" if expression != name else name
    values = [edge.source.value for edge in incoming]
    if values and all(value is not None and value.numel() == 1 for value in values):
        filled = fill(expression, incoming, lambda edge: format_number(edge.source.value.item()))
        text += f" = {filled}" if filled != expression else ""
    return f"{text} = {in_words(node.value, node.shape, node.value_norm)}"


def fill(expression: str, incoming: list[Edge], write: Callable[[Edge], str]) -> str:
    """Put a text in the place of each operand of an expression, a negative number in brackets."""
    edges = {clean(edge.source.name, 999): edge for edge in incoming}
    names = "|".join(sorted(map(re.escape, edges), key=len, reverse=True))

    def replace(name: re.Match) -> str:
        around = expression[name.start() - 1 : name.start()] + expression[name.end() : name.end() + 1]
        return write(edges[name[0]]) if around == "()" else in_brackets(write(edges[name[0]]))

    return re.sub(rf"(?<![\w.])(?:{names})(?![^\W⁰¹²³⁴-⁹]|[.′(])", replace, expression)


def _backward_caption(target: Node, edge: Edge, steps: Steps) -> str:
    """``gradient of x += gradient of u × slope of the arrow x → u = 3 × (−2) = −6, together 12``"""
    terms, source = steps.terms[edge.source], edge.source
    text = term(target, edge, steps.incoming[edge.target], "=" if len(terms) == 1 else "+=", in_full=True)
    if len(terms) > 1 and terms[-1] is edge:
        text += f", together {in_words(source.grad, source.shape, source.grad_norm)}"
    return text


def _gradients(graph) -> str:
    known = [node for node in graph.nodes if node.kind == "leaf" and node.has_grad and graph.target is not None]
    return "; ".join(f"{derivative(graph.target, n)} = {in_words(n.grad, n.shape, n.grad_norm)}" for n in known)


def describe(graph) -> str:
    """Return what the graph computes and the gradients of its leaves: the alternative text of its picture."""
    if not graph.nodes:
        return EMPTY
    shown = [node for node in graph.nodes if node.kind != "constant"]
    parts = [f"{clean(n.name, 24)} = {in_words(n.value, n.shape, n.value_norm)}" for n in shown if not n.op]
    parts += [_forward_caption(node, []) for node in shown if node.op]
    of = f" of {clean(graph.target.name, 24)}" if graph.target else ""
    gradients = _cut(_gradients(graph), MAX_ALT // 2)
    text = _cut(f"Computation graph{of}. " + "; ".join(parts), MAX_ALT - min(len(gradients), MAX_ALT // 2))
    return text + (f". Gradients: {gradients}." if gradients else ".")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[:most] + " …"


def to_text(graph) -> str:
    """Write a line for each node, in order, then one for each term of a gradient, from the target back."""
    if not graph.nodes:
        return EMPTY
    place = {node: i for i, node in enumerate(graph.nodes)}
    terms = sorted((edge for edge in graph.edges if edge.carries_gradient), key=lambda edge: -place[edge.target])
    lines = [_line(node, graph.target) for node in graph.nodes]
    incoming = {node: [edge for edge in graph.edges if edge.target is node] for node in graph.nodes}
    lines += [""] * bool(terms) + [term(graph.target, e, incoming[e.target], "+=", most=64) for e in terms]
    return "\n".join(lines)


def _line(node: Node, target: Node | None) -> str:
    if node.kind == "constant":
        return f"{node.name} (constant)"
    formula = f"{node.name} = {node.expression}" if node.expression else node.name
    text = f"{formula} = {in_words(node.value, node.shape, node.value_norm, most=64)}"
    notes = [] if node.kind == "operation" else ["target" if node.kind == "output" else node.kind]
    notes += counts(node)
    text += f" ({', '.join(notes)})" if notes else ""
    if target is not None and node.requires_grad:
        gradient = in_words(node.grad, node.shape, node.grad_norm, most=64) if node.has_grad else "none"
        text += f"; ∂{target.name}/∂{node.name} = {gradient}"
    if node.accumulated is not None:
        text += f"; {node.name}.grad = {in_words(node.accumulated, node.shape, None, most=64)}"
    return text
