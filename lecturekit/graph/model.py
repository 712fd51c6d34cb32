"""What a recorded computation graph consists of: nodes, edges and the graph that holds them.

These classes only hold data. ``record`` fills them while the reader's code runs, ``gradients`` adds the
derivatives, and ``layout``, ``draw`` and ``stepper`` turn them into pictures.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch


def in_order(items: list, sources: Mapping) -> list:
    """Sort so that each item comes after its ``sources[item]``, which are items too, and else as they are."""
    place = {item: i for i, item in enumerate(items)}
    users: dict = {item: [] for item in items}
    for item in items:
        for source in sources[item]:
            users[source].append(item)
    missing = {item: len(sources[item]) for item in items}
    ready = [place[item] for item in items if not missing[item]]  # sorted, and so a heap
    order = []
    while ready:
        item = items[heapq.heappop(ready)]
        order.append(item)
        for user in users[item]:
            missing[user] -= 1
            if not missing[user]:
                heapq.heappush(ready, place[user])
    return order


@dataclass(eq=False)
class Node:
    """One tensor of the computation: a leaf, an input, a constant, or what an operation returned.

    Attributes
    ----------
    name : str
        The reader's variable name, a parameter's name, the digits of a constant, or v₁, v₂, ….
    op : str
        The operation that made it, as PyTorch calls it (``"mul"``, ``"relu"``); empty for leaves, inputs and constants.
    kind : str
        ``"leaf"`` (requires a gradient and was not computed), ``"input"`` (a tensor without gradient),
        ``"constant"`` (a Python number), ``"operation"``, or ``"output"`` (the target of all derivatives).
    expression : str
        How a lecturer would write the operation: ``"w · x"``, ``"relu(v)"``; empty where ``op`` is.
    shape : tuple of int
    dtype : torch.dtype or None
        None for Python numbers.
    value : torch.Tensor or None
        Copy on the CPU, made when the operation ran; None if larger than ``max_elems`` or if nobody kept it.
    grad : torch.Tensor or None
        ∂target/∂node, a copy on the CPU; None where there is none, or where it is larger than ``max_elems``.
    accumulated : torch.Tensor or None
        The tensor's own ``.grad`` when the block ended.
    requires_grad : bool
        Whether autograd follows this tensor.
    value_norm, grad_norm : float or None
        Euclidean norms, known also for tensors too large to copy.
    module : tuple of str
        The modules it was computed in, outermost first, as ``"path: Class"``.
    num_operations : int
        More than 1 where this node stands for several that were folded together.
    num_parameters : int
        How many numbers the parameters folded into this node hold.
    """

    name: str
    op: str = ""
    kind: str = "operation"
    expression: str = ""
    shape: tuple[int, ...] = ()
    dtype: torch.dtype | None = None
    value: torch.Tensor | None = None
    grad: torch.Tensor | None = None
    accumulated: torch.Tensor | None = None
    requires_grad: bool = False
    value_norm: float | None = None
    grad_norm: float | None = None
    module: tuple[str, ...] = ()
    num_operations: int = 1
    num_parameters: int = 0

    def __repr__(self) -> str:
        return f"<Node {self.name} = {self.expression}>" if self.expression else f"<Node {self.name}>"


@dataclass(eq=False)
class Edge:
    """A tensor and the result of an operation that used it, once per pair: ``x * x`` gives a single edge.

    Attributes
    ----------
    source, target : Node
        The tensor that is used and the result of the operation that uses it.
    local_grad : torch.Tensor or None
        ∂target/∂source at the recorded values, shape ``target.shape + source.shape``; None where there is none
        or where source or target is larger than ``max_elems``.
    contribution : torch.Tensor or None
        What this edge adds to ``source.grad`` (shape of the source); None where no gradient flows, or where it is
        larger than ``max_elems``.
    contribution_norm : float or None
        Its Euclidean norm, known also where the tensor is too large to copy.
    """

    source: Node
    target: Node
    local_grad: torch.Tensor | None = None
    contribution: torch.Tensor | None = None
    contribution_norm: float | None = None

    def __repr__(self) -> str:
        return f"<Edge {self.source.name} → {self.target.name}>"


@dataclass(eq=False)
class Graph:
    """Nodes in the order in which they were computed, edges in the order of their targets' arguments.

    Attributes
    ----------
    nodes : list of Node
    edges : list of Edge
    target : Node or None
        What all derivatives are taken of; None where nothing in the graph requires a gradient.
    """

    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    target: Node | None = None

    def to_svg(self, max_nodes: int = 40) -> str:
        """The picture as SVG; graphs of more than ``max_nodes`` nodes are folded. ImportError without pygraphviz."""
        from .draw import svg

        return svg(self, max_nodes)

    def to_png(self, max_nodes: int = 40) -> bytes:
        """The picture as PNG, drawn by matplotlib. ImportError without pygraphviz."""
        from .draw import png

        return png(self, max_nodes)

    def to_html(self, max_nodes: int = 40) -> str:
        """The picture as one HTML tag that becomes a stepper where scripts run. ImportError without pygraphviz."""
        from .stepper import html

        return html(self, max_nodes)

    def to_text(self) -> str:
        """All nodes with values and gradients, and what each edge contributes, as plain text."""
        from .text import to_text

        return to_text(self)

    def __repr__(self) -> str:
        return f"<Graph of {len(self.nodes)} nodes>"

    def __str__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str | None:
        return self._repr_mimebundle_().get("text/html")

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        """What a notebook shows: the stepper, and text for where there is no picture."""
        from .fold import fold
        from .text import to_text

        text = to_text(fold(self))
        try:
            return {"text/plain": text, "text/html": self.to_html()}
        except ImportError as error:
            missing = error.name or "pygraphviz"
            hint = f"(For the picture, install {missing}: pip install {missing})"
            return {"text/plain": f"{text}\n\n{hint}"}
