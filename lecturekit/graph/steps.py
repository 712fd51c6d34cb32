"""What happens at which step, with a caption for each; alternative text; the graph as text."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from itertools import groupby

from .model import Edge, Node
from .rules import term
from .text import MINUS, clean, counts, derivative, format_number, in_brackets, in_colour, in_words

EMPTY = "The graph is empty: no operation of PyTorch that it could show was recorded."
MAX_ALT = 700  # characters; a screen reader reads them in about a minute


class Steps:
    """What happens at which step: first the inputs, then every operation, then the gradients, from the target back."""

    def __init__(self, graph):
        self.incoming, self.terms = ({node: [] for node in graph.nodes} for _ in range(2))
        for edge in graph.edges:
            self.incoming[edge.target].append(edge)
        computed = [node for node in graph.nodes if node.kind in ("operation", "output")]
        # Along which edges gradients flow, in this order: each is complete, the sum of its terms, before it is passed on.
        self.passed = [edge for node in reversed(computed) for edge in self.incoming[node] if edge.carries_gradient]
        for edge in self.passed:
            self.terms[edge.source].append(edge)
        self.forward = {node: step for step, node in enumerate(computed, 1)}  # the step that computes a node
        self.start = len(computed) + 1  # the step that sets ∂target/∂target = 1
        passing = dict.fromkeys(edge.target for edge in self.passed)  # the step that passes its gradient on
        self.backward = {node: step for step, node in enumerate(passing, self.start + 1)}

        self.captions = ["The graph before anything is computed: what goes in."]
        self.captions += [f"forward: {_result(node, self.incoming[node])}" for node in computed]
        if (target := graph.target) and target.has_grad:
            text = f"{in_colour(target)} = {derivative(target, target)} = {_gradient(target)}"
            self.captions.append(f"backward starts: {text}")
            for _, edges in groupby(self.passed, lambda edge: edge.target):
                self.captions.append("backward: " + "\n".join(map(self._passed, edges)))
            known = _gradients(graph)
            text = known if len(known) < 160 else "Each leaf has its gradient, in red."
            self.captions.append(f"Done. {text}".strip())
        self.last = len(self.captions) - 1

    def _passed(self, edge: Edge) -> str:
        """``gradient of x += gradient of u × slope of the arrow x → u = 3 × (−2) = −6, together 12``"""
        terms, is_sum = self.terms[edge.source], len(self.terms[edge.source]) > 1
        text = f"{in_colour(edge.source)} {'+=' if is_sum else '='} {term(edge, self.incoming[edge.target])}"
        return f"{text}, together {_gradient(edge.source)}" if is_sum and edge is terms[-1] else text


def _result(node: Node, incoming: list[Edge] = (), in_full: bool = False) -> str:
    """``u = w · x = 2 · 3 = 6``"""
    name, expression = (node.name, node.expression) if in_full else (clean(node.name, 24), clean(node.expression))
    sides = [name, expression or name]
    if incoming and all(edge.source.value is not None and edge.source.value.numel() == 1 for edge in incoming):
        sides.append(fill(sides[1], incoming, lambda edge: format_number(edge.source.value.item())))
    return " = ".join([*dict.fromkeys(sides), in_words(node.value, node.shape, node.value_norm, in_full)])


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
    steps, target = Steps(graph), graph.target
    lines = [_line(node, target) for node in graph.nodes] + [""] * bool(steps.passed)
    lines += [f"{derivative(target, e.source)} += {term(e, steps.incoming[e.target], target)}" for e in steps.passed]
    return re.sub("[\t\f]", "", "\n".join(lines))


def _line(node: Node, target: Node | None) -> str:
    kind = {"operation": [], "output": ["target"]}.get(node.kind, [node.kind])
    notes = ", ".join(kind + counts(node))
    text = (node.name if node.kind == "constant" else _result(node, in_full=True)) + (f" ({notes})" if notes else "")
    if target is not None and node.requires_grad:
        text += f"; ∂{target.name}/∂{node.name} = {_gradient(node, in_full=True) if node.has_grad else 'none'}"
    if node.accumulated is not None:
        text += f"; {node.name}.grad = {in_words(node.accumulated, node.shape, None, in_full=True)}"
    return text
