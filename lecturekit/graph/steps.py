"""What happens at which step, with a caption for each; alternative text; the graph as text."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby

from .model import Edge, Node
from .rules import term
from .text import MINUS, clean, counts, derivative, format_number, in_brackets, in_colour, in_words

EMPTY = "The graph is empty: no operation of PyTorch that it could show was recorded."
MAX_ALT = 700  # characters; a screen reader reads them in about a minute


@dataclass
class Steps:
    """What happens at which step: first the inputs, then every operation, then the gradients, from the target back."""

    incoming: dict[Node, list[Edge]]
    forward: dict[Node, int]  # the step that computes a node
    start: int  # the step that sets ∂target/∂target = 1
    backward: dict[Node, int]  # the step that passes its gradient on
    passed: list[Edge]  # along which gradients flow, in this order
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
    computed = [node for node in graph.nodes if node.kind in ("operation", "output")]
    passed = [edge for node in reversed(computed) for edge in incoming[node] if edge.carries_gradient]
    for edge in passed:
        terms[edge.source].append(edge)
    forward, start = {node: step for step, node in enumerate(computed, 1)}, len(computed) + 1
    backward = {node: step for step, node in enumerate(dict.fromkeys(edge.target for edge in passed), start + 1)}

    captions = ["The graph before anything is computed: what goes in."]
    captions += [f"forward: {_result(node, incoming[node])}" for node in computed]
    if (target := graph.target) and target.has_grad:
        captions.append(f"backward starts: {in_colour(target)} = {derivative(target, target)} = {_gradient(target)}")
        for node, edges in groupby(passed, lambda edge: edge.target):
            lines = [_passed(edge, incoming[node], terms[edge.source]) for edge in edges]
            captions.append("backward: " + "\n".join(lines))
        known = _gradients(graph)
        captions.append(f"Done. {known}".strip() if len(known) < 160 else "Done. Each leaf has its gradient, in red.")
    return Steps(incoming, forward, start, backward, passed, terms, captions)


def _result(node: Node, incoming: list[Edge] = (), in_full: bool = False) -> str:
    """``u = w · x = 2 · 3 = 6``"""
    name, expression = (node.name, node.expression) if in_full else (clean(node.name, 24), clean(node.expression))
    text = name if expression in ("", name) else f"{name} = {expression}"
    values = [edge.source.value for edge in incoming]
    if values and all(value is not None and value.numel() == 1 for value in values):
        filled = fill(expression, incoming, lambda edge: format_number(edge.source.value.item()))
        text += f" = {filled}" if filled != expression else ""
    return f"{text} = {in_words(node.value, node.shape, node.value_norm, in_full)}"


def fill(expression: str, incoming: list[Edge], write: Callable[[Edge], str]) -> str:
    """Put a text in the place of each operand of an expression, a negative number in brackets."""
    edges = {clean(edge.source.name, 999): edge for edge in incoming}
    names = "|".join(sorted(map(re.escape, edges), key=len, reverse=True))
    operand = rf"(?<![\w.])(?:{names})(?![^\W⁰¹²³⁴-⁹]|[.′(])"
    filled = re.sub(operand, lambda name: in_brackets(write(edges[name[0]])), expression)
    return re.sub(rf"\((\({MINUS}[^(), ]*\))\)", r"\1", filled)  # relu((−2))


def _gradient(node: Node, in_full: bool = False) -> str:
    return in_words(node.grad, node.shape, node.grad_norm, in_full)


def _gradients(graph) -> str:
    known = [node for node in graph.nodes if node.kind == "leaf" and node.has_grad]
    return "; ".join(f"{derivative(graph.target, node)} = {_gradient(node)}" for node in known)


def _passed(edge: Edge, incoming: list[Edge], terms: list[Edge]) -> str:
    """``gradient of x += gradient of u × slope of the arrow x → u = 3 × (−2) = −6, together 12``"""
    is_sum = len(terms) > 1
    text = f"{in_colour(edge.source)} {'+=' if is_sum else '='} {term(edge, incoming)}"
    return f"{text}, together {_gradient(edge.source)}" if is_sum and edge is terms[-1] else text


def describe(graph, title: str) -> str:
    """Return what the graph computes and the gradients of its leaves: the alternative text of its picture."""
    shown = sorted((node for node in graph.nodes if node.kind != "constant"), key=lambda node: bool(node.op))
    gradients = textwrap.shorten(_gradients(graph), MAX_ALT // 2, placeholder=" …")
    text = f"{title}. {'; '.join(map(_result, shown))}"
    text = textwrap.shorten(text, MAX_ALT - len(gradients), placeholder=" …")
    return text + (f". Gradients: {gradients}." if gradients else ".")


def to_text(graph) -> str:
    """Write a line for each node, in order, then one for each term of a gradient, from the target back."""
    if not graph.nodes:
        return EMPTY
    steps, target = plan(graph), graph.target
    lines = [_line(node, target) for node in graph.nodes] + [""] * bool(steps.passed)
    lines += [f"{derivative(target, e.source)} += {term(e, steps.incoming[e.target], target)}" for e in steps.passed]
    return re.sub("[\t\f]", "", "\n".join(lines))


def _line(node: Node, target: Node | None) -> str:
    if node.kind == "constant":
        return f"{node.name} (constant)"
    text = _result(node, in_full=True)
    kind = {"operation": [], "output": ["target"]}.get(node.kind, [node.kind])
    if notes := kind + counts(node):
        text += f" ({', '.join(notes)})"
    if target is not None and node.requires_grad:
        text += f"; ∂{target.name}/∂{node.name} = {_gradient(node, in_full=True) if node.has_grad else 'none'}"
    if node.accumulated is not None:
        text += f"; {node.name}.grad = {in_words(node.accumulated, node.shape, None, in_full=True)}"
    return text
