"""A graph as one HTML element: a picture that becomes a stepper where scripts run."""

from __future__ import annotations

import base64
import json
from functools import cache
from importlib.resources import files

from .draw import escape, scene_png, scene_svg
from .fold import fold
from .model import Graph
from .scene import build


def html(graph: Graph, max_nodes: int = 40) -> str:
    """Return the picture of a graph as one ``<img>`` element, which replaces itself by a stepper where scripts run.

    Parameters
    ----------
    graph : Graph
    max_nodes : int
        Above so many nodes, modules and repetitions are folded into one node each.

    Returns
    -------
    str
        The same for the same graph. It needs no network, kernel or style sheet, and holds no id: it may stand on a
        page more than once. Where scripts are stripped, the finished picture stays, with its alternative text.

    Raises
    ------
    ValueError
        If the graph has no nodes.
    ImportError
        If pygraphviz, which places the nodes, is not installed.

    Notes
    -----
    Introduced in notebook 03. Buttons, a slider, the arrow keys, Home and End go through the steps.
    """
    scene = build(fold(graph, max_nodes))
    picture = base64.b64encode(scene_png(scene)).decode()
    # All double quotes of the SVG delimit attributes; single ones are shorter inside the attribute that holds all this.
    svg = scene_svg(scene, stepping=True).replace('"', "'")
    data = json.dumps(
        {"title": scene.title, "captions": scene.steps.captions, "svg": svg}, ensure_ascii=False, separators=(",", ":")
    )
    call = f"(function(img,data){{{script('player')}{script('stepper')}stepper(img,data)}})(this,{data})"
    in_quotes = call.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    return (
        f'<img src="data:image/png;base64,{picture}" width="{scene.width}" alt="{escape(scene.description)}"'
        f' style="max-width:100%;height:auto" onload="{in_quotes}">'
    )


@cache
def script(name: str) -> str:
    """Return a JavaScript file of this package without comments and indentation."""
    lines = files(__package__).joinpath(f"{name}.js").read_text(encoding="utf-8").splitlines()
    bare = (line.split("  //")[0].strip() for line in lines)
    return "\n".join(line for line in bare if line and not line.startswith("//")) + "\n"
