"""What a picture shows: which tensor all derivatives are taken of, and which of the recorded tensors become nodes."""

from __future__ import annotations

from torch.autograd.graph import GradientEdge

from .gradients import Derivatives
from .graph import Graph
from .model import Edge
from .names import Variables, give_names
from .tape import Entry, Tape, snapshot, topological


def default_target(tape: Tape, slopes: list[GradientEdge]) -> Entry | None:
    """Return the last real scalar that an operation made, or else the last result with a single element.

    Where there are slopes, gradients that can be differentiated again, None unless it is made from one.
    """
    found = [e for e in tape.entries if e.call and e.edge and e.ref and e.node.dtype and e.node.dtype.is_floating_point]
    last = ([e for e in found if e.node.shape == ()] or [e for e in found if e.is_one_number] or [None])[-1]
    if last is not None and slopes:
        behind = {entry.edge for entry in topological([last])}
        return last if last.edge not in slopes and behind.intersection(slopes) else None
    return last


def shown(tape: Tape, targets: list[Entry], variables: Variables) -> list[Entry]:
    """Return all that leads to the targets, and to further results with a gradient that have a name, in order.

    Whatever else ran in the block (the optimiser's arithmetic, a printed accuracy) is left out, but not a number that
    was computed from what `item` or `torch.tensor` took out of the graph. Without a target, all named results are
    shown; where none has a name, everything is.
    """

    def is_cut(entry) -> bool:
        is_new_number = entry.is_one_number and entry.node.dtype.is_floating_point and entry.tensor not in tape.first
        return is_new_number and not any(e.node.requires_grad for e in topological([entry]))

    named = [entry for entry in tape.entries if any(variables.name_of(entry))]
    # Not what an own Function computed inside: a result without an edge, though its tensor requires a gradient.
    results = [e for e in named if e.call and (e.edge or not getattr(e.tensor, "requires_grad", False))]
    roots = [*targets, *(entry for entry in results if entry.edge or not targets)]
    if tape.left:
        roots += filter(is_cut, named)
    chosen = set(topological(roots or [entry for entry in tape.entries if entry.call] or tape.entries))
    return topological(entry for entry in tape.entries if entry in chosen)


def fill_graph(graph: Graph, tape: Tape, derivatives: Derivatives, variables: Variables) -> None:
    """Turn what is shown of the tape into nodes and edges: name it, add the derivatives."""
    entries = shown(tape, derivatives.targets, variables)
    give_names(entries, variables)
    for entry in entries:
        tensor, node = entry.tensor, entry.node
        if tensor is not None and (tensor.is_leaf or tensor.retains_grad) and tensor.grad is not None:
            node.accumulated, _ = snapshot(tensor.grad, tape.max_elems)
        if entry in derivatives.grads:
            node.grad, node.grad_norm = derivatives.grads[entry]
        graph.nodes.append(node)
        for source in entry.inputs:
            local_grad = derivatives.local_grads.get((source, entry))
            contribution = derivatives.contributions.get((source, entry), (None, None))
            graph.edges.append(Edge(source.node, node, local_grad, *contribution))
    for entry in derivatives.targets:
        entry.node.kind, graph.target = "output", entry.node
