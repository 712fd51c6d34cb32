"""The graph that a reader gets to see."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field

from . import draw
from .fold import folds
from .model import Edge, Node
from .picture import Scene, build
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
        return draw.svg(_scene(folds(self, max_nodes)))

    def to_png(self, max_nodes: int = 40) -> bytes:
        """The picture as PNG, drawn by matplotlib. ImportError without pygraphviz."""
        return draw.png(draw.paint(_scene(folds(self, max_nodes))))

    def to_html(self, max_nodes: int = 40) -> str:
        """The picture as one HTML tag that becomes a stepper where scripts run. ImportError without pygraphviz."""
        scene = _scene(folds(self, max_nodes))
        return draw.html(scene, draw.paint(scene))

    def to_text(self) -> str:
        """All nodes with values and gradients, and what each edge contributes, as plain text."""
        return to_text(self)

    __str__ = to_text

    def __repr__(self) -> str:
        return f"<Graph of {len(self.nodes)} nodes>"

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        """What a notebook shows: the stepper, and text for where there is no picture."""
        graphs = folds(self, max_nodes=40)
        shown = {"text/plain": to_text(graphs[0])}
        try:
            if self.nodes:
                scene = _scene(graphs)
                picture = draw.paint(scene)
                small = draw.png(picture.reduce(draw.SCALE), 16)  # LaTeX takes no HTML
                shown |= {"text/html": draw.html(scene, picture), "image/png": base64.b64encode(small).decode()}
        except ImportError as error:
            shown["text/plain"] += f"\n\n(For the picture, install {error.name}: pip install {error.name})"
        return shown


def _scene(graphs: list[Graph]) -> Scene:
    """Lay out the first of some graphs that is no wider than a page, or else the one that is least wide."""
    scenes = []
    for graph in graphs:
        scenes.append(build(graph))
        if scenes[-1].width <= PAGE:
            break
    return min(scenes, key=lambda scene: scene.width)
