"""Make a large graph readable: parameters go into operations, operations into modules, at last the middle into one."""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace

from .model import Edge, Node

Run = tuple[list[Node], tuple[str, ...]]  # operations that become one node, and the path of the module they are


def first_small(graphs: Iterator, max_nodes: int):
    """Return the first of some `folds` that has at most ``max_nodes`` nodes, or else the last."""
    for folded in graphs:
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
    modules = {node: list(itertools.accumulate((name,) for name in node.module)) for node in operations}
    sizes = Counter(path for paths in modules.values() for path in paths)
    for depth in range(max(map(len, modules.values()), default=0), -1, -1):

        def box(node: Node, depth=depth):
            """Return the outermost module that becomes a node at this depth, or else the operation."""
            closed = (path for path in modules[node][depth:] if sizes[path] <= 0.75 * len(operations))
            return node if node is graph.target else next(closed, node)

        runs = [(list(run), path) for path, run in itertools.groupby(operations, box)]
        yield _merge(graph, runs)
    keep = max(max_nodes // 4, 1)
    while keep:
        begin, rest = runs[:keep], runs[keep:]
        middle = [node for run, _ in rest[:-keep] for node in run]
        groups = [(list(group), ()) for _, group in itertools.groupby(middle, lambda node: node is graph.target)]
        yield _merge(graph, [*begin, *groups, *rest[-keep:]])
        keep //= 2


def _merge(graph, runs: list[Run]):
    """Replace each run of operations by one node, and leave out the parameters and constants that go into them."""
    home = {node: node for node in graph.nodes} | {node: run[-1] for run, _ in runs for node in run}
    bundles: dict[tuple[Node, Node], list[Edge]] = defaultdict(list)
    for edge in graph.edges:
        if home[edge.source] is not home[edge.target]:
            bundles[home[edge.source], home[edge.target]].append(edge)
    leaving = {graph.target} | {edge.source for bundle in bundles.values() for edge in bundle}
    hidden = _hidden(list(bundles), {run[-1] for run, _ in runs if len(run) > 1 or run[0].module})
    parameters = Counter()
    for source, user in bundles:
        parameters[user] += math.prod(source.shape) if source in hidden and source.kind == "leaf" else 0
    new = {node: node for node in graph.nodes if home[node] is node and node not in hidden}
    new |= {run[-1]: _box(run, path, leaving, parameters[run[-1]]) for run, path in runs}
    num_uses = Counter(edge.source for edge in graph.edges)
    edges = [
        _arrow(new[source], new[target], bundle, num_uses[bundle[0].source])
        for (source, target), bundle in bundles.items()
        if source not in hidden
    ]
    return replace(graph, nodes=list(new.values()), edges=edges, target=new.get(graph.target))


def _hidden(pairs: list[tuple[Node, Node]], inside: set[Node]) -> set[Node]:
    """Return what is left out: constants, parameters beside data, data inside a module beside what is computed."""
    with_data = {user for source, user in pairs if source.kind not in ("constant", "leaf")}
    computed = {user for source, user in pairs if source.op}
    shown = {
        source
        for source, user in pairs
        if source.kind in ("operation", "output")
        or (source.kind == "leaf" and user not in with_data)
        or (source.kind == "input" and user not in computed & inside)
    }
    return {source for source, _ in pairs} - shown


def _box(run: list[Node], path: tuple[str, ...], leaving: set[Node], parameters: int) -> Node:
    """Return a node for the tensor that leaves a run. Where several do, it names them and has no numbers of its own."""
    out = [node for node in run if node in leaving] or run[-1:]
    changes = {"num_operations": len(run), "num_parameters": parameters}
    if len(run) > 1:
        where, _, name = path[-1].rpartition(": ") if path else ("", "", "…")
        changes |= {"op": name, "expression": f"{name} ({where})" if where else name, "module": path}
    if len(out) == 1:
        return replace(out[0], **changes)
    names = ", ".join(node.name for node in out)
    return Node(names, shape=None, requires_grad=any(node.requires_grad for node in out), **changes)


def _arrow(source: Node, target: Node, bundle: list[Edge], num_uses: int) -> Edge:
    """Return an edge with the numbers of those it replaces, if they belong to the tensors at its ends."""
    first = bundle[0]
    if source.shape is None:
        return Edge(source, target)
    # All edges of the bundle begin at the one tensor that is shown.
    if len(bundle) == 1:
        local_grad = first.local_grad if target.name == first.target.name else None
        return replace(first, source=source, target=target, local_grad=local_grad)
    if len(bundle) == num_uses:  # all that it receives comes from here
        return Edge(source, target, None, source.grad, source.grad_norm)
    parts = [edge.contribution for edge in bundle if edge.carries_gradient]
    if not parts or any(part is None for part in parts):
        return Edge(source, target)
    total = sum(parts)
    return Edge(source, target, None, total, float(total.norm()))
