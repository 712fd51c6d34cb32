"""What happens at which step, with a caption for each; alternative text; the graph as text."""

from __future__ import annotations

import re
import textwrap
from itertools import groupby

from .model import Edge, Node
from .rules import backward_rule
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
        # Along which gradients flow, in this order: each is complete, the sum of its terms, before it is passed on.
        self.passed = [edge for node in reversed(computed) for edge in self.incoming[node] if edge.carries_gradient]
        for edge in self.passed:
            self.terms[edge.source].append(edge)
        self.forward = {node: step for step, node in enumerate(computed, 1)}  # the step that computes a node
        self.start = len(computed) + 1  # the step that sets ∂target/∂target = 1
        passing = dict.fromkeys(edge.target for edge in self.passed)  # the step that passes its gradient on
        self.backward = {node: step for step, node in enumerate(passing, self.start + 1)}

        known = [node for node in graph.nodes if node.kind == "leaf" and node.has_grad]
        self.gradients = "; ".join(f"{derivative(graph.target, node)} = {_gradient(node)}" for node in known)
        captions = ["The graph before anything is computed: what goes in."]
        captions += [f"forward: {_result(node, self.incoming[node])}" for node in computed]
        if (target := graph.target) and target.has_grad:
            captions += [f"backward starts: {in_colour(target)} = {derivative(target, target)} = {_gradient(target)}"]
            for _, edges in groupby(self.passed, lambda edge: edge.target):
                captions.append("backward: " + "\n".join(map(self.term, edges)))
            is_short = len(self.gradients) < 160
            captions.append(f"Done. {self.gradients if is_short else 'Each leaf has its gradient, in red.'}".strip())
        self.captions, self.last = captions, len(captions) - 1

    def term(self, edge: Edge, target: Node | None = None) -> str:
        """Write a term of the chain rule, with its numbers where all are single ones, else with what it adds.

        ``∂f/∂x += ∂f/∂u · ∂u/∂x = 3 · (−2) = −6``; in a caption, which names no target,
        ``gradient of x += gradient of u × slope of the arrow x → u = 3 × (−2) = −6, together 12``.
        """
        node, source, terms = edge.target, edge.source, self.terms[edge.source]
        if target is None:
            text, upstream, times = f"{in_colour(source)} {'+=' if len(terms) > 1 else '='}", in_colour(node), "×"
            slope = f"\fslope of the arrow {clean(source.name, 24)} → {clean(node.name, 24)}\f"
        else:
            text, upstream, times = f"{derivative(target, source)} +=", derivative(target, node), "·"
            slope = derivative(node, source)
        text += " " + (backward_rule(edge, self.incoming[node], upstream) or f"{upstream} {times} {slope}")
        numbers = [node.grad, edge.local_grad, edge.contribution]
        if all(number is not None and number.numel() == 1 for number in numbers):
            grad, local, product = (format_number(number.item()) for number in numbers)
            text += f" = \t{grad}\t {times} \f{in_brackets(local)}\f = {product}"
        else:
            added = in_words(edge.contribution, source.shape, edge.contribution_norm, in_full=target is not None)
            text += f", {added}" if added.startswith(("shape", "several")) else f" = {added}"
        is_last = target is None and len(terms) > 1 and edge is terms[-1]
        return f"{text}, together {_gradient(source)}" if is_last else text

    def describe(self, title: str) -> str:
        """Return what the graph computes and the gradients of its leaves: the alternative text of its picture."""
        shown = sorted((node for node in self.incoming if node.kind != "constant"), key=lambda node: bool(node.op))
        gradients = textwrap.shorten(self.gradients, MAX_ALT // 2, placeholder=" …")
        text = f"{title}. {'; '.join(map(_result, shown))}"
        text = textwrap.shorten(text, MAX_ALT - len(gradients), placeholder=" …")
        return text + (f". Gradients: {gradients}." if gradients else ".")


def _result(node: Node, incoming: list[Edge] = (), in_full: bool = False) -> str:
    """``u = w · x = 2 · 3 = 6``"""
    name, expression = (node.name, node.expression) if in_full else (clean(node.name, 24), clean(node.expression))
    sides = [name, expression or name]
    if incoming and all(edge.source.value is not None and edge.source.value.numel() == 1 for edge in incoming):
        sides.append(put_in(sides[1], {edge: format_number(edge.source.value.item()) for edge in incoming}))
    return " = ".join([*dict.fromkeys(sides), in_words(node.value, node.shape, node.value_norm, in_full)])


def put_in(expression: str, texts: dict[Edge, str]) -> str:
    """Put the text of each edge in the place of an operand of an expression, a negative number in brackets."""
    texts = {clean(edge.source.name, 999): in_brackets(text) for edge, text in texts.items()}
    names = "|".join(sorted(map(re.escape, texts), key=len, reverse=True))
    filled = re.sub(rf"(?<![\w.])(?:{names})(?![^\W⁰¹²³⁴-⁹]|[.′(])", lambda name: texts[name[0]], expression)
    return re.sub(rf"\((\({MINUS}[^(), ]*\))\)", r"\1", filled)  # relu((−2))


def _gradient(node: Node, in_full: bool = False) -> str:
    return in_words(node.grad, node.shape, node.grad_norm, in_full)


def to_text(graph) -> str:
    """Write a line for each node, in order, then one for each term of a gradient, from the target back."""
    steps, target, lines = Steps(graph), graph.target, []
    for node in graph.nodes:
        text = node.name if node.kind == "constant" else _result(node, in_full=True)
        kind = {"operation": [], "output": ["target"]}.get(node.kind, [node.kind])
        if notes := kind + counts(node):
            text += f" ({', '.join(notes)})"
        if target is not None and node.requires_grad:
            text += f"; ∂{target.name}/∂{node.name} = {_gradient(node, in_full=True) if node.has_grad else 'none'}"
        if node.accumulated is not None:
            text += f"; {node.name}.grad = {in_words(node.accumulated, node.shape, None, in_full=True)}"
        lines.append(text)
    lines += ["", *(steps.term(edge, target) for edge in steps.passed)] if steps.passed else []
    return re.sub("[\t\f]", "", "\n".join(lines)) or EMPTY
