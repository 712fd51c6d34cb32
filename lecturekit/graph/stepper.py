"""A graph as one HTML element: a picture that becomes a stepper where scripts run."""

from __future__ import annotations

from .._web import live_image, player, script
from .draw import scene_png, scene_svg
from .fold import fold
from .model import Graph
from .scene import build


def html(graph: Graph, max_nodes: int = 40) -> str:
    """Return the picture of a graph as one ``<img>`` element, which replaces itself by a stepper where scripts run.

    Parameters
    ----------
    graph : Graph
    max_nodes : int
        Above so many nodes, at least 1, modules and repetitions are folded into one node each.

    Returns
    -------
    str
        The same for the same graph. It needs no network, kernel or style sheet, and holds no id: it may stand on a
        page more than once. Where scripts are stripped, the finished picture stays, with its alternative text.

    Raises
    ------
    TypeError, ValueError
        If the graph has no nodes, or `max_nodes` is no such int.
    ImportError
        If pygraphviz, which places the nodes, is not installed.

    Notes
    -----
    Introduced in notebook 03. Buttons, a slider, the arrow keys, Home and End go through the steps.
    """
    scene = build(fold(graph, max_nodes))
    # All double quotes of the SVG delimit attributes; single ones are shorter inside the attribute that holds all this.
    svg = scene_svg(scene, stepping=True).replace('"', "'")
    data = {"title": scene.title, "captions": scene.steps.captions, "svg": svg}
    code = player() + script(__package__, "stepper")
    return live_image(scene_png(scene), scene.width, scene.description, "stepper", code, data)
