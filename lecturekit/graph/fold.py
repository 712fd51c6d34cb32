"""Make a large graph readable: parameters go into operations, operations into modules, at last the middle into one."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import torch

from .model import Edge, Node

Run = tuple[list[Node], tuple[str, ...]]  # operations that become one node, and the path of the module they are
# What goes into an operation is left out beside what stands further to the right.
KINDS = ("constant", "leaf", "input", "operation", "output")


def fold(graph, max_nodes: int = 40):
    """Return the first of `folds` that has at most ``max_nodes`` nodes, or else the last."""
    for folded in folds(graph, max_nodes):
        if len(folded.nodes) <= max_nodes:
            break
    return folded


def folds(graph, max_nodes: int) -> Iterator:
    """Yield the graph, then graphs with fewer and fewer nodes that mean the same.

    Constants and parameters go into the operations that use them; the operations of a module become one node, the
    innermost modules first; at last the first and the last operations remain, and what is between them becomes one
    node. A module of more than three quarters of all operations is opened. The target stays by itself.
    """
    yield graph
    operations = [node for node in graph.nodes if node.op]
    runs: list[Run] = [([node], ()) for node in operations]
    yield _merge(graph, runs)
    inside = Counter(path for node in operations for path in itertools.accumulate((m,) for m in node.module))
    for depth in range(max((len(node.module) for node in operations), default=0), 0, -1):

        def box(node: Node, depth=depth):
            paths = (node.module[:i] for i in range(depth, len(node.module) + 1))
            path = next((path for path in paths if inside[path] <= 0.75 * len(operations)), None)
            return node if node is graph.target or path is None else path

        runs = [(list(run), path) for path, run in itertools.groupby(operations, box)]
        yield _merge(graph, runs)
    keep = max(max_nodes // 4, 1)
    while keep:
        middle = [node for run, _ in runs[keep:-keep] for node in run]
        groups = [(list(group), ()) for _, group in itertools.groupby(middle, lambda node: node is graph.target)]
        yield _merge(graph, [*runs[:keep], *groups, *runs[max(keep, len(runs) - keep) :]])
        keep //= 2


def _merge(graph, runs: list[Run]):
    """Replace each run of operations by one node, and leave out the parameters and constants that go into them."""
    home = {node: node for node in graph.nodes} | {node: run[-1] for run, _ in runs for node in run}
    bundles: dict[tuple[Node, Node], list[Edge]] = {}
    for edge in graph.edges:
        if home[edge.source] is not home[edge.target]:
            bundles.setdefault((home[edge.source], home[edge.target]), []).append(edge)
    leaving = {graph.target} | {edge.source for bundle in bundles.values() for edge in bundle}
    hidden = _hidden(list(bundles), {run[-1] for run, _ in runs if len(run) > 1 or run[0].module})
    parameters = Counter()
    for source, user in bundles:
        parameters[user] += math.prod(source.shape) if source in hidden and source.kind == "leaf" else 0

    new = {node: node for node in graph.nodes if home[node] is node and node not in hidden}
    for run, path in runs:
        if len(run) > 1 or parameters[run[-1]]:
            out = [node for node in run if node in leaving] or run[-1:]
            new[run[-1]] = _box(run, path, out, parameters[run[-1]])
    num_uses = Counter(edge.source for edge in graph.edges)
    edges = [
        _arrow(Edge(new[source], new[target]), bundle, num_uses[bundle[0].source])
        for (source, target), bundle in bundles.items()
        if source not in hidden
    ]
    return replace(graph, nodes=list(new.values()), edges=edges, target=new.get(graph.target))


def _hidden(pairs: list[tuple[Node, Node]], inside: set[Node]) -> set[Node]:
    """Return what is left out: constants and parameters beside data, data inside a module beside what is computed."""
    most: dict[Node, int] = {}
    for source, user in pairs:
        most[user] = max(most.get(user, 0), KINDS.index(source.kind))
    shown = {
        source
        for source, user in pairs
        if KINDS.index(source.kind) >= min(most[user], 3) or (source.kind == "input" and user not in inside)
    }
    return {source for source, _ in pairs} - shown


def _box(run: list[Node], path: tuple[str, ...], out: list[Node], parameters: int) -> Node:
    """Return a node for the tensor that leaves a run. Where several do, it names them and has no numbers of its own."""
    changes = {"num_operations": len(run), "num_parameters": parameters}
    if len(run) > 1:
        where, _, name = path[-1].rpartition(": ") if path else ("", "", "…")
        changes |= {"op": name, "expression": f"{name} ({where})" if where else name, "module": path}
    if len(out) == 1:
        return replace(out[0], **changes)
    names = ", ".join(node.name for node in out)
    return Node(names, shape=None, requires_grad=any(node.requires_grad for node in out), **changes)


def _arrow(edge: Edge, bundle: list[Edge], num_uses: int) -> Edge:
    """Give an edge the numbers of those it replaces, if they belong to the tensors at its ends."""
    first = bundle[0]
    if edge.source.shape is None:
        return edge
    if len(bundle) == 1:
        local_grad = first.local_grad if edge.target.name == first.target.name else None
        return replace(first, source=edge.source, target=edge.target, local_grad=local_grad)
    # All edges of the bundle begin at the one tensor that is shown.
    parts = [e.contribution for e in bundle if e.carries_gradient]
    if len(bundle) == num_uses:  # all that it receives comes from here
        edge.contribution, edge.contribution_norm = first.source.grad, first.source.grad_norm
    elif parts and all(part is not None for part in parts):
        edge.contribution = sum(parts)
        edge.contribution_norm = float(torch.linalg.vector_norm(edge.contribution, dtype=torch.float64))
    return edge
