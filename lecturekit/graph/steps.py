"""The steps in which a graph is computed and differentiated, and everything that is said about it in words.

Each step has a caption for the stepper; `describe` is the alternative text of the picture, `to_text` the whole graph as
plain text. All three take their terms of the chain rule from `term`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from .model import Edge, Node, topological
from .text import clean, derivative, format_number, format_shape, format_tensor, in_brackets, in_words

MAX_ALT = 700  # characters; a screen reader reads them in about a minute


@dataclass
class Steps:
    """What happens at which step: first the inputs, then every operation, then the gradients, from the target back."""

    forward: dict[Node, int] = field(default_factory=dict)  # the step that computes a node
    backward: dict[Node, int] = field(default_factory=dict)  # the step that passes its gradient on
    incoming: dict[Node, list[Edge]] = field(default_factory=dict)
    terms: dict[Node, list[tuple[int, Edge]]] = field(default_factory=dict)  # of its gradient, as they are added
    start: int = 0  # the step that sets ∂target/∂target = 1
    captions: list[str] = field(default_factory=list)

    @property
    def last(self) -> int:
        return len(self.captions) - 1


def plan(graph) -> Steps:
    """Return the steps of a graph; a gradient is complete before it is passed on."""
    steps = Steps(incoming={node: [] for node in graph.nodes}, terms={node: [] for node in graph.nodes})
    for edge in graph.edges:
        steps.incoming[edge.target].append(edge)
    sources = {node: [edge.source for edge in edges] for node, edges in steps.incoming.items()}
    order = [node for node in topological(graph.nodes, sources) if node.kind in ("operation", "output")]
    steps.forward = {node: step for step, node in enumerate(order, 1)}
    steps.captions = ["The graph before anything is computed: what goes in."]
    steps.captions += [f"forward: {_forward_caption(node, steps.incoming[node])}" for node in order]
    steps.start = len(order)
    target = graph.target
    if target is None or not target.has_grad:
        return steps
    steps.start += 1
    passing = [(node, [edge for edge in steps.incoming[node] if edge.carries_gradient]) for node in reversed(order)]
    passing = [(node, edges) for node, edges in passing if edges]
    for step, (node, edges) in enumerate(passing, steps.start + 1):
        steps.backward[node] = step
        for edge in edges:
            steps.terms[edge.source].append((step, edge))
    one = "1" if target.grad is None or target.grad.numel() == 1 else in_words(target.grad, target.shape, None)
    steps.captions.append(f"backward starts: {derivative(target, target)} = {one}")
    for _, edges in passing:
        steps.captions.append("backward: " + "\n".join(_backward_caption(target, edge, steps) for edge in edges))
    steps.captions.append(f"done. {_gradients(graph)}".strip())
    return steps


def _forward_caption(node: Node, incoming: list[Edge]) -> str:
    """``u = w · x = 2 · 3 = 6``"""
    name, expression = clean(node.name, 24), clean(node.expression or node.op)
    text = f"{name} = {expression}" if expression != name else name
    numbers = {clean(edge.source.name): edge.source.value for edge in incoming}
    if numbers and all(value is not None and value.numel() == 1 for value in numbers.values()):
        names = sorted(map(re.escape, numbers), key=len, reverse=True)
        known = {name: format_number(value.item()) for name, value in numbers.items()}

        def number_of(name: re.Match) -> str:
            around = expression[name.start() - 1 : name.start()] + expression[name.end() : name.end() + 1]
            return known[name[0]] if around == "()" else in_brackets(known[name[0]])

        filled = re.sub(rf"(?<![\w.])(?:{'|'.join(names)})(?![\w.′(])", number_of, expression)
        text += f" = {filled}" if filled != expression else ""
    return f"{text} = {in_words(node.value, node.shape, node.value_norm)}"


def _backward_caption(target: Node, edge: Edge, steps: Steps) -> str:
    """``∂f/∂x += ∂f/∂u · ∂u/∂x = 3 · (−2) = −6, together 12``"""
    terms, source = steps.terms[edge.source], edge.source
    text = term(target, edge, "=" if len(terms) == 1 else "+=", in_words)
    if len(terms) > 1 and terms[-1][1] is edge:
        text += f", together {in_words(source.grad, source.shape, source.grad_norm)}"
    return text


def term(target: Node, edge: Edge, sign: str, write: Callable) -> str:
    """Write one product of the chain rule, with its numbers where all are single ones, else with what it adds."""
    node, source = edge.target, edge.source
    text = f"{derivative(target, source)} {sign} {derivative(target, node)} · {derivative(node, source)}"
    numbers = [node.grad, edge.local_grad, edge.contribution]
    if all(number is not None and number.numel() == 1 for number in numbers):
        upstream, local, product = (format_number(number.item()) for number in numbers)
        return f"{text} = {upstream} · {in_brackets(local)} = {product}"
    added = write(edge.contribution, source.shape, edge.contribution_norm)
    return f"{text}, {added}" if added.startswith("shape") else f"{text} = {added}"


def _gradients(graph) -> str:
    known = [node for node in graph.nodes if node.kind == "leaf" and node.has_grad and graph.target is not None]
    return "; ".join(f"{derivative(graph.target, n)} = {in_words(n.grad, n.shape, n.grad_norm)}" for n in known)


def describe(graph) -> str:
    """Return what the graph computes and the gradients of its leaves: the alternative text of its picture."""
    shown = [node for node in graph.nodes if node.kind != "constant"]
    parts = [f"{clean(n.name, 24)} = {in_words(n.value, n.shape, n.value_norm)}" for n in shown if not n.op]
    parts += [_forward_caption(node, []) for node in shown if node.op]
    of = f" of {clean(graph.target.name, 24)}" if graph.target else ""
    text, gradients = f"Computation graph{of}. " + "; ".join(parts), _gradients(graph)
    room = MAX_ALT - min(len(gradients), MAX_ALT // 2)
    text = text if len(text) <= room else text[:room] + " …"
    gradients = gradients if len(gradients) <= MAX_ALT // 2 else gradients[: MAX_ALT // 2] + " …"
    return text + (f". Gradients: {gradients}." if gradients else ".")


def to_text(graph) -> str:
    """Write a graph as text: a line for each node in order, then a line for what each edge adds to a gradient."""
    lines, target = [_line(node, graph.target) for node in graph.nodes], graph.target
    place = {node: i for i, node in enumerate(graph.nodes)}
    carrying = [edge for edge in graph.edges if edge.carries_gradient]
    if target is not None and carrying:
        carrying.sort(key=lambda edge: -place[edge.target])  # backward: the last operation first, else in order
        lines += ["", *(term(target, edge, "+=", _in_full) for edge in carrying)]
    return "\n".join(lines)


def _line(node: Node, target: Node | None) -> str:
    formula = f"{node.name} = {node.expression}" if node.expression else node.name
    is_constant = node.kind == "constant"
    text = node.name if is_constant else f"{formula} = {_in_full(node.value, node.shape, node.value_norm)}"
    notes = [] if node.kind == "operation" else ["target" if node.kind == "output" else node.kind]
    notes += [f"{node.num_operations} operations"] if node.num_operations > 1 else []
    notes += [f"{node.num_parameters} parameters"] if node.num_parameters else []
    text += f" ({', '.join(notes)})" if notes else ""
    if target is not None and node.requires_grad:
        gradient = _in_full(node.grad, node.shape, node.grad_norm) if node.has_grad else "none"
        text += f"; ∂{target.name}/∂{node.name} = {gradient}"
    if node.accumulated is not None:
        text += f"; {node.name}.grad = {_in_full(node.accumulated, node.shape, None)}"
    return text


def _in_full(tensor: torch.Tensor | None, shape: tuple[int, ...], norm: float | None) -> str:
    if tensor is None:
        return "?" if norm is None else f"{format_shape(shape)}, norm {format_number(norm)}"
    lines = format_tensor(tensor)
    return lines[0] if len(lines) == 1 else f"[{', '.join(lines)}]" if tensor.dim() == 2 else ", ".join(lines)
