"""Make a large graph readable: parameters into operations, operations into modules, repetitions into one node."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

from .model import Edge, Node


def fold(graph, max_nodes: int = 40):
    """Return a graph with fewer nodes that means the same; the graph itself if it is small enough.

    The steps, each taken only while there are more than ``max_nodes`` nodes: constants and parameters go into the
    operation that uses them; the operations of a module become one node, the innermost modules first; equal modules
    in a row become one, ``Block × 28``; at last the middle of what remains becomes one node.
    """
    if len(graph.nodes) <= max_nodes:
        return graph
    graph = _parameters(graph)
    for depth in range(max((len(node.module) for node in graph.nodes), default=0), 0, -1):
        for step in (_modules, _repetitions):
            if len(graph.nodes) > max_nodes:
                graph = _parameters(step(graph, depth))
    keep = max(max_nodes // 4, 1)
    whole = graph
    while len(graph.nodes) > max_nodes and keep:
        graph = _parameters(_middle(whole, keep))
        keep //= 2
    return graph


def _neighbours(graph) -> tuple[dict[Node, list[Node]], dict[Node, list[Node]]]:
    """Return what uses each node, and what it was made from."""
    users, sources = ({node: [] for node in graph.nodes} for _ in range(2))
    for edge in graph.edges:
        users[edge.source].append(edge.target)
        sources[edge.target].append(edge.source)
    return users, sources


def _computed(node: Node) -> bool:
    return node.kind in ("operation", "output")


def _parameters(graph):
    """Put constants, parameters and buffers that only one operation uses into it, if something else comes in."""
    (users, sources), groups = _neighbours(graph), []
    for node in graph.nodes:
        if not _computed(node):
            continue
        own = [s for s in sources[node] if not _computed(s) and len(users[s]) == 1 and s is not graph.target]
        fed = any(_computed(s) or len(users[s]) > 1 for s in sources[node])  # else one of them is what comes in
        inside = bool(node.module) or node.num_operations > 1
        goes = [
            source
            for source in own
            if source.kind == "constant"
            or (source.kind == "leaf" and (fed or inside))
            or (source.kind == "input" and fed and inside)
        ]
        if goes and len(goes) < len(sources[node]):
            groups.append((goes + [node], {}))
    return _merge(graph, groups)


def _modules(graph, depth: int):
    """Make the operations of each call of a module at this depth one node."""
    operations = [node for node in graph.nodes if _computed(node)]
    groups = []
    for path, run in itertools.groupby(operations, lambda node: node.module[:depth]):
        members = list(run)
        if len(path) == depth and (len(members) > 1 or len(members[0].module) > depth):
            where, name = path[-1].rsplit(": ", 1)
            groups.append((members, {"op": name, "expression": f"{name} ({where})", "module": path}))
    return _merge(graph, groups)


def _repetitions(graph, depth: int):
    """Make equal modules in a row, each fed by the one before alone, one node."""
    operations = [node for node in graph.nodes if _computed(node)]
    (users, sources), groups, run = _neighbours(graph), [], []

    def kind(node):
        return len(node.module) == depth and (node.module[:-1], node.module[-1].rsplit(": ", 1)[-1], node.op)

    for node in [*operations, None]:
        if (
            run
            and node is not None
            and kind(node)
            and kind(node) == kind(run[-1])
            and users[run[-1]] == [node]
            and [s for s in sources[node] if _computed(s)] == [run[-1]]
        ):
            run.append(node)
            continue
        if len(run) > 2:
            name = run[0].module[-1].rsplit(": ", 1)[-1]
            groups.append((run, {"op": name, "expression": f"{name} × {len(run)}", "module": run[0].module[:-1]}))
        run = [node]
    return _merge(graph, groups)


def _middle(graph, keep: int):
    """Leave the first and the last few operations, and make everything between them one node."""
    operations = [node for node in graph.nodes if _computed(node)]
    middle = operations[keep:-keep]
    return _merge(graph, [(middle, {"op": "…", "expression": "…", "module": ()})] if len(middle) > 1 else [])


def _merge(graph, groups):
    """Replace each group of nodes by one node: the target if it is there, else the last, with other attributes."""
    new, inside = {}, {}
    for members, changes in groups:
        if len(members) < 2 and not changes:
            continue
        main = graph.target if graph.target in members else members[-1]
        merged = replace(
            main,
            num_operations=sum(node.num_operations for node in members if _computed(node)),
            num_parameters=sum(
                node.num_parameters + (math.prod(node.shape) if node.kind == "leaf" else 0) for node in members
            ),
            **changes,
        )
        for node in members:
            new[node], inside[node] = merged, members[-1]
    nodes = [new.get(node, node) for node in graph.nodes if inside.get(node, node) is node]

    (users, _), bundles = _neighbours(graph), {}
    for edge in graph.edges:
        source, target = new.get(edge.source, edge.source), new.get(edge.target, edge.target)
        if source is not target:
            bundles.setdefault((source, target), []).append(edge)
    edges = []
    for (source, target), bundle in bundles.items():
        first = bundle[0]
        edge = Edge(source, target, None, first.contribution, first.contribution_norm)
        if len(bundle) == 1 and target.num_operations == first.target.num_operations:
            edge.local_grad = first.local_grad
        elif len(bundle) > 1:
            edge.contribution = edge.contribution_norm = None
            if len({e.source for e in bundle}) == 1:
                known = [e.contribution for e in bundle if e.contribution is not None]
                if len(bundle) == len(users[first.source]):  # all that it receives comes from here
                    edge.contribution, edge.contribution_norm = first.source.grad, first.source.grad_norm
                elif known and all(e.contribution is not None or e.contribution_norm is None for e in bundle):
                    edge.contribution = sum(known)
                    edge.contribution_norm = float(edge.contribution.double().norm())
        edges.append(edge)
    return replace(graph, nodes=nodes, edges=edges, target=new.get(graph.target, graph.target))
