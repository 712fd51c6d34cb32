"""Make a large graph readable: parameters go into operations, operations into modules, at last the middle into one."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import torch

from .model import Edge, Node


def fold(graph, max_nodes: int = 40):
    """Return the first of `folds` that has at most ``max_nodes`` nodes, or else the last."""
    for folded in folds(graph, max_nodes):
        if len(folded.nodes) <= max_nodes:
            break
    return folded


def folds(graph, max_nodes: int) -> Iterator:
    """Yield the graph, then graphs with fewer and fewer nodes that mean the same.

    Constants and parameters go into the operation that uses them, then into all operations that use them; the
    operations of a module become one node, the innermost modules first; at last the first and the last operations
    remain, and what is between them becomes one node. A module of more than three quarters of all operations is
    opened. The target stays by itself.
    """
    yield graph
    operations = [node for node in graph.nodes if node.kind in ("operation", "output")]
    runs = [([node], ()) for node in operations]
    for shared in (False, True):
        yield _merge(graph, runs, shared)
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


def _merge(graph, runs: list[tuple[list[Node], tuple[str, ...]]], shared: bool = True):
    """Replace each run of operations by one node, and leave out the parameters and constants that go into them.

    A node stands for the tensor that leaves its run. Where several do, it names them and has no numbers of its own.
    Numbers stay on an edge only if they belong to the tensors at its ends.
    """
    home = {node: node for node in graph.nodes} | {node: run[-1] for run, _ in runs for node in run}
    members, paths = {run[-1]: run for run, _ in runs}, {run[-1]: path for run, path in runs}
    users, sources = ({node: {} for node in graph.nodes} for _ in range(2))
    leaving = {graph.target}
    for edge in graph.edges:
        source, target = home[edge.source], home[edge.target]
        if source is not target:
            users[source][target] = sources[target][source] = None
            leaving.add(edge.source)
    hidden = _hidden(graph, members, users, sources, shared)

    new = {}
    for node in graph.nodes:
        if node in hidden or home[node] is not node:
            continue
        run = members.get(node, [node])
        parameters = sum(math.prod(s.shape) for s in sources[node] if s in hidden and s.kind == "leaf")
        out = [member for member in run if member in leaving] or [node]
        changes = {"num_operations": len(run), "num_parameters": parameters}
        if len(run) > 1:
            where, _, name = paths[node][-1].rpartition(": ") if paths[node] else ("", "", "…")
            changes |= {"op": name, "expression": f"{name} ({where})" if where else name, "module": paths[node]}
        if len(out) == 1:
            new[node] = replace(out[0], **changes) if len(run) > 1 or parameters else node
        else:
            names = ", ".join(member.name for member in out)
            new[node] = Node(names, shape=None, requires_grad=any(m.requires_grad for m in out), **changes)

    bundles: dict[tuple[Node, Node], list[Edge]] = {}
    for edge in graph.edges:
        source, target = home[edge.source], home[edge.target]
        if source is not target and source not in hidden:
            bundles.setdefault((source, target), []).append(edge)
    num_uses = Counter(edge.source for edge in graph.edges)
    edges = []
    for (source, target), bundle in bundles.items():
        edge, first = Edge(new[source], new[target]), bundle[0]
        if edge.source.shape is not None:  # then all edges of the bundle begin at the one tensor that is shown
            known = [e.contribution for e in bundle if e.contribution is not None]
            if len(bundle) == 1:
                edge.contribution, edge.contribution_norm = first.contribution, first.contribution_norm
            elif len(bundle) == num_uses[first.source]:  # all that it receives comes from here
                edge.contribution, edge.contribution_norm = first.source.grad, first.source.grad_norm
            elif known and all(e.contribution is not None or e.contribution_norm is None for e in bundle):
                edge.contribution = sum(known)
                edge.contribution_norm = float(torch.linalg.vector_norm(edge.contribution, dtype=torch.float64))
            if len(bundle) == 1 and edge.target.name == first.target.name:
                edge.local_grad = first.local_grad
        edges.append(edge)
    return replace(graph, nodes=list(new.values()), edges=edges, target=new.get(graph.target))


def _hidden(graph, members, users, sources, shared: bool) -> set[Node]:
    """Return the constants, parameters and buffers that go into the operations that use them; something must remain."""
    goes = {}
    for node, run in members.items():
        inside = bool(run[0].module) or len(run) > 1
        fed = any(source in members or len(users[source]) > 1 for source in sources[node])
        kinds = {"constant"} | ({"leaf"} if fed or inside else set()) | ({"input"} if fed and inside else set())
        several = {source for source in sources[node] if len(users[source]) > 1}
        own = {source for source in sources[node] if source not in members and source.kind in kinds}
        own -= {graph.target} if shared else {graph.target} | several
        if len(own) == len(sources[node]):  # then the data stay, and the parameters go
            data = {source for source in own if source.kind == "input"}
            own = own - data if data else {s for s in own if s in several or s.kind == "constant"}
        goes[node] = own if len(own) < len(sources[node]) else set()
    return {
        node
        for node in graph.nodes
        if node not in members and users[node] and all(node in goes[user] for user in users[node])
    }
