"""The graph that a reader gets to see."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field

from . import draw
from .fold import first_small, folds
from .model import Edge, Node
from .picture import CROWDED, Scene, build
from .steps import to_text

PAGE = 1056  # pixels: what a page of JupyterLab or of the course's website has room for


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
        return draw.svg(self._scene(max_nodes))

    def to_png(self, max_nodes: int = 40) -> bytes:
        """The picture as PNG, drawn by matplotlib. ImportError without pygraphviz."""
        return draw.png(draw.paint(self._scene(max_nodes)))

    def to_html(self, max_nodes: int = 40) -> str:
        """The picture as one HTML tag that becomes a stepper where scripts run. ImportError without pygraphviz."""
        scene = self._scene(max_nodes)
        return draw.html(scene, draw.paint(scene))

    def to_text(self) -> str:
        """All nodes with values and gradients, and what each edge contributes, as plain text."""
        return to_text(self)

    __str__ = to_text

    def __repr__(self) -> str:
        return f"<Graph of {len(self.nodes)} nodes>"

    def _scene(self, max_nodes: int) -> Scene:
        """Lay out the graph, folded further while it is wider than a page, but not to a few boxes that say nothing."""
        graphs = folds(self, max_nodes)
        scene = build(folded := first_small(graphs, max_nodes))
        least = min(CROWDED // 2, sum(bool(node.op) for node in self.nodes))
        while scene.width > PAGE and (smaller := next(graphs, None)):
            if least <= len(smaller.nodes) < len(folded.nodes):
                scene = min(scene, build(smaller), key=lambda scene: scene.width)
        return scene

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        """What a notebook shows: the stepper, and text for where there is no picture."""
        text = to_text(first_small(folds(self, max_nodes=40), max_nodes=40))
        if not self.nodes:
            return {"text/plain": text}
        try:
            scene = self._scene(max_nodes=40)
            picture = draw.paint(scene)
            small = base64.b64encode(draw.png(picture.reduce(draw.SCALE), 16)).decode()  # LaTeX takes no HTML
            return {"text/plain": text, "text/html": draw.html(scene, picture), "image/png": small}
        except ImportError as error:
            return {"text/plain": f"{text}\n\n(For the picture, install {error.name}: pip install {error.name})"}
