"""Make a large graph readable: parameters go into operations, operations into modules, at last the middle into one."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate, groupby

from .model import Edge, Node

Box = Node | tuple[str, ...]  # what an operation goes into: itself, the path of a module, or () in the middle
TELLING = {"constant": 0, "leaf": 1, "input": 2}  # of what goes into a node, only what ranks highest is shown


def folds(graph, max_nodes: int) -> Iterator:
    """Yield graphs that mean the same: the first of at most ``max_nodes`` nodes, then smaller ones for a narrow page.

    Constants and parameters go into the operations that use them; the operations of a module become one node, the
    innermost modules first; at last the first and the last operations remain, and what is between them becomes one
    node. A module of more than three quarters of all operations is opened. The target stays by itself.
    """
    operations = [node for node in graph.nodes if node.op]
    modules = {node: list(accumulate((name,) for name in node.module)) for node in operations}
    sizes = Counter(path for paths in modules.values() for path in paths)
    closed = {node: [path for path in modules[node] if sizes[path] <= 0.75 * len(operations)] for node in operations}
    closed[graph.target] = []  # it stays by itself

    def smaller_and_smaller() -> Iterator:
        yield graph
        for depth in range(max(map(len, closed.values())), -1, -1):
            boxes = {node: (closed[node][depth:] or [node])[0] for node in operations}
            lengths = [len(list(run)) for _, run in groupby(operations, boxes.get)]
            if len(lengths) <= max_nodes:
                yield _merge(graph, boxes)
        for keep in dict.fromkeys(max(keep, 1) for keep in (max_nodes // 4, max_nodes // 8, max_nodes // 16, 1)):
            middle = operations[sum(lengths[:keep]) : len(operations) - sum(lengths[-keep:])]
            yield _merge(graph, boxes | {node: () for node in middle if node is not graph.target})

    graphs = smaller_and_smaller()
    for first in graphs:
        if len(first.nodes) <= max_nodes:
            break
    yield first
    for folded in graphs:
        if min(8, len(operations)) <= len(folded.nodes) < len(first.nodes):  # fewer nodes say little
            yield (first := folded)


def _merge(graph, boxes: dict[Node, Box]):
    """Replace each run of operations by one node, and leave out what tells less than what else goes into it."""
    runs = [list(run) for _, run in groupby(boxes, boxes.get)]
    home = {node: node for node in graph.nodes} | {node: run[-1] for run in runs for node in run}
    bundles: dict[tuple[Node, Node], list[Edge]] = defaultdict(list)
    for edge in graph.edges:
        if home[edge.source] is not home[edge.target]:
            bundles[home[edge.source], home[edge.target]].append(edge)
    leaving = {graph.target} | {edge.source for bundle in bundles.values() for edge in bundle}
    new = {node: node for node in graph.nodes if home[node] is node}
    new |= {run[-1]: _node(run, boxes[run[-1]], leaving) for run in runs}

    # What was computed tells most, then data, parameters, constants. Outside of modules, data tells as much.
    inside = {old for old, node in new.items() if node.module or node.num_operations > 1}
    ranks = {(source, user): TELLING.get(source.kind, 3 if user in inside else 2) for source, user in bundles}
    highest = {user: ranks[source, user] for source, user in sorted(bundles, key=ranks.get)}
    shown = {source for source, user in bundles if ranks[source, user] == highest[user]}
    num_uses, edges = Counter(edge.source for edge in graph.edges), []
    for (source, user), bundle in bundles.items():
        if source in shown:
            edges += _arrows(new[source], new[user], bundle, num_uses[bundle[0].source])
        else:
            new.pop(source, None)
            new[user].num_parameters += math.prod(source.shape) if source.kind == "leaf" else 0
    return replace(graph, nodes=list(new.values()), edges=edges, target=new.get(graph.target))


def _node(run: list[Node], path: Box, leaving: set[Node]) -> Node:
    """Return a node for the tensor that leaves a run. Where several do, it names them and has no numbers of its own."""
    out = [node for node in run if node in leaving] or run[-1:]
    names, requires_grad = ", ".join(node.name for node in out), any(node.requires_grad for node in out)
    new = replace(out[0]) if len(out) == 1 else Node(names, shape=None, requires_grad=requires_grad)
    if len(run) > 1:
        where, _, new.op = ("…", *path)[-1].rpartition(": ")
        new.expression = f"{new.op} ({where})" if where else new.op
        new.module, new.num_operations = path, len(run)
    return new


def _arrows(source: Node, target: Node, bundle: list[Edge], num_uses: int) -> list[Edge]:
    """Return the edges of a bundle as one, with their numbers where they can be added, else side by side."""
    parts = [edge for edge in bundle if edge.carries_gradient]
    if source.shape is None or not parts:
        return [Edge(source, target)]
    if len(bundle) == num_uses > 1:  # all that it receives comes from here
        return [Edge(source, target, None, source.grad, source.grad_norm)]
    if len(parts) > 1 and all(edge.contribution is not None for edge in parts):
        total = sum(edge.contribution for edge in parts)
        return [Edge(source, target, None, total, float(total.norm()))]
    known = [edge if edge.target.name == target.name else replace(edge, local_grad=None) for edge in parts]
    return [replace(edge, source=source, target=target) for edge in known]
