"""Numbers, tensors and whole graphs as plain text, the same on every machine."""

from __future__ import annotations

import math

import torch

from .model import Edge, Graph, Node

MINUS = "−"


def format_number(x) -> str:
    """Write a number with at most four significant digits and a real minus sign.

    Parameters
    ----------
    x : int, float, complex, bool or None
        Whole numbers of type ``int`` are written in full up to seven digits. None is written ``none``, which is not 0.

    Returns
    -------
    str
        ``"0.3333"``, ``"−2"``, ``"1.6e−5"``, ``"NaN"``, ``"−∞"``, ``"1+2j"``, ``"True"``.
    """
    if x is None or isinstance(x, bool):
        return "none" if x is None else str(x)
    if isinstance(x, complex):
        real, imag = format_number(x.real), format_number(x.imag)
        return f"{real}{'' if imag.startswith(MINUS) else '+'}{imag}j"
    if math.isnan(x):
        return "NaN"
    if math.isinf(x):
        return "∞" if x > 0 else MINUS + "∞"
    if isinstance(x, int) and abs(x) < 10_000_000:
        return str(x).replace("-", MINUS)
    digits = f"{x:.4g}"
    if abs(x) < 1e6 and float(digits) == int(float(digits)):
        digits = f"{float(digits):.0f}" if "e" not in digits or float(digits) == x else digits
    mantissa, _, exponent = digits.partition("e")
    if mantissa == "-0":
        mantissa = "0"
    return (f"{mantissa}e{int(exponent)}" if exponent else mantissa).replace("-", MINUS)


def format_shape(shape) -> str:
    """Write a shape as a lecturer would: ``"3×4"``; ``"scalar"`` for no dimensions."""
    return "×".join(str(size) for size in shape) or "scalar"


def format_tensor(tensor: torch.Tensor | None, max_elems: int = 64) -> list[str]:
    """Write a tensor as lines of text, one for each row of a matrix.

    Parameters
    ----------
    tensor : torch.Tensor or None
        Any shape and dtype.
    max_elems : int
        A tensor with more elements is summed up by its shape and its Euclidean norm.

    Returns
    -------
    list of str
        ``["7"]``, ``["[1, 2, 3]"]``, ``["[1, 2]", "[3, 4]"]``. A matrix with a single row keeps both brackets,
        ``["[[1, 2]]"]``, so that it does not look like a vector; so do the blocks of higher ranks. An empty tensor
        gives ``["[]"]``, with its shape where it has more than one dimension; None gives ``["none"]``.
    """
    if tensor is None:
        return ["none"]
    tensor, shape = tensor.detach(), tuple(tensor.shape)
    if tensor.layout != torch.strided:
        tensor = tensor.to_dense()
    if tensor.is_meta:
        return [f"{format_shape(shape)}, no data"]
    if tensor.numel() == 0:
        return ["[]" if len(shape) == 1 else f"[] ({format_shape(shape)})"]
    if tensor.numel() > max_elems:
        wide = tensor if tensor.is_complex() else tensor.double()
        return [f"{format_shape(shape)}, norm {format_number(float(torch.linalg.vector_norm(wide)))}"]
    if not shape:
        return [format_number(tensor.item())]
    rows = tensor.reshape(-1, shape[-1]).tolist()
    lines = []
    for i, row in enumerate(rows):
        opened = closed = 0
        block = 1
        for size in reversed(shape[:-1]):
            block *= size
            opened += i % block == 0
            closed += (i + 1) % block == 0
        if len(shape) == 2 and len(rows) > 1:
            opened = closed = 0
        lines.append("[" * opened + "[" + ", ".join(map(format_number, row)) + "]" + "]" * closed)
    return lines


def _one_line(tensor: torch.Tensor | None, norm: float | None, shape) -> str:
    if tensor is None:
        return "?" if norm is None else f"{format_shape(shape)}, norm {format_number(norm)}"
    lines = format_tensor(tensor)
    return lines[0] if len(lines) == 1 else f"[{', '.join(lines)}]" if tensor.dim() == 2 else ", ".join(lines)


def _node_text(node: Node, graph: Graph) -> str:
    formula = f"{node.name} = {node.expression}" if node.expression else node.name
    text = f"{formula} = {_one_line(node.value, node.value_norm, node.shape)}"
    if node.kind == "constant":
        text = node.name
    notes = [] if node.kind == "operation" else ["target" if node.kind == "output" else node.kind]
    notes += [f"{node.num_operations} operations"] if node.num_operations > 1 else []
    notes += [f"{node.num_parameters} parameters"] if node.num_parameters else []
    text += f" ({', '.join(notes)})" if notes else ""
    if graph.target is not None and node.requires_grad:
        known = node.grad is not None or node.grad_norm is not None
        gradient = _one_line(node.grad, node.grad_norm, node.shape) if known else "none"
        text += f"; ∂{graph.target.name}/∂{node.name} = {gradient}"
    if node.accumulated is not None:
        text += f"; {node.name}.grad = {_one_line(node.accumulated, None, node.shape)}"
    return text


def _edge_text(edge: Edge, graph: Graph) -> str:
    f, source, target = graph.target.name, edge.source, edge.target
    text = f"∂{f}/∂{source.name} += ∂{f}/∂{target.name} · ∂{target.name}/∂{source.name}"
    numbers = [target.grad, edge.local_grad]
    if all(number is not None and number.dim() == 0 for number in numbers):
        factors = [format_number(number.item()) for number in numbers]
        text += " = " + " · ".join(f"({factor})" if factor.startswith(MINUS) else factor for factor in factors)
    return f"{text} = {_one_line(edge.contribution, edge.contribution_norm, source.shape)}"


def to_text(graph: Graph) -> str:
    """Write a graph as text: a line for each node in order, then a line for what each edge adds to a gradient.

    Parameters
    ----------
    graph : Graph

    Returns
    -------
    str
        The same for the same graph, wherever it runs; without addresses.
    """
    lines = [_node_text(node, graph) for node in graph.nodes]
    place = {node: i for i, node in enumerate(graph.nodes)}
    carrying = [e for e in graph.edges if e.contribution is not None or e.contribution_norm is not None]
    if graph.target is not None and carrying:
        carrying.sort(key=lambda edge: -place[edge.target])  # backward: the last operation first, else in order
        lines += ["", *(_edge_text(edge, graph) for edge in carrying)]
    return "\n".join(lines)
