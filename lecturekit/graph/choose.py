"""What a picture shows: which tensor all derivatives are taken of, and which of the recorded tensors become nodes."""

from __future__ import annotations

from .gradients import Derivatives
from .graph import Graph
from .model import Edge, topological
from .names import Variables, give_names
from .tape import Entry, Tape, ancestors, gradient_edge, snapshot, sources_in


def default_target(entries: list[Entry]) -> Entry | None:
    """Return the last real scalar that an operation made, or else the last result with a single element."""
    found = [e for e in entries if e.call and e.edge and e.ref and e.node.dtype and e.node.dtype.is_floating_point]
    scalars = [e for e in found if e.node.shape == ()] or [e for e in found if e.is_one_number]
    return scalars[-1] if scalars else None


def shown(parents: dict[Entry, list[Entry]], targets: list[Entry], variables: Variables) -> set[Entry]:
    """Return all that leads to the targets, and to further results with a gradient that have a name.

    Whatever else ran in the block (the optimiser's arithmetic, a printed accuracy) is left out. Without a target, all
    named results are shown; where none has a name, everything is.
    """
    used = {source for sources in parents.values() for source in sources}
    ends = [entry for entry in parents if entry.call and entry not in used]
    named = [entry for entry in ends if any(variables.name_of(entry))]
    if targets:
        roots = targets + [entry for entry in named if entry.node.requires_grad]
    else:
        roots = named or ends or list(parents)
    return ancestors(roots, parents.__getitem__)


def fill(graph: Graph, tape: Tape, derivatives: Derivatives, variables: Variables) -> None:
    """Turn what is shown of the tape into nodes and edges: order it, name it, add the derivatives."""
    variables.index_edges(gradient_edge)
    parents: dict[Entry, list[Entry]] = {}
    for entry in tape.entries:  # leaves that nobody looked at yet are added on the way
        parents[entry] = list(dict.fromkeys([*entry.inputs, *sources_in(tape.autograd_inputs(entry))]))
    chosen = shown(parents, derivatives.targets, variables)
    entries = topological([entry for entry in tape.entries if entry in chosen], parents)
    give_names(entries, variables)
    for entry in entries:
        tensor, node = entry.tensor, entry.node
        if tensor is not None and tensor.requires_grad and (tensor.is_leaf or tensor.retains_grad):
            node.accumulated, _ = snapshot(tensor.grad, tape.max_elems)
        if entry in derivatives.grads:
            node.grad, node.grad_norm, node.shape, node.dtype = derivatives.grads[entry]
        graph.nodes.append(node)
        for source in parents[entry]:
            local_grad = derivatives.local_grads.get((source, entry))
            contribution = derivatives.contributions.get((source, entry), (None, None))
            graph.edges.append(Edge(source.node, node, local_grad, *contribution))
    for entry in derivatives.targets:
        entry.node.kind, graph.target = "output", entry.node
