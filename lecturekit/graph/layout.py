"""Where the boxes, the labels and the arrows of a picture stand: sizes from the characters, places from Graphviz.

Graphviz would measure text with whatever fonts a machine has. Here every size is computed from one table, and only
coordinates are taken from it, rounded to whole pixels: the same picture everywhere.
"""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

# Widths in hundredths of an em, of Times New Roman and of the fonts made to its measure (Liberation Serif, Tinos, STIX,
# which Matplotlib brings along). What is in no row is a digit or a letter of average width.
_UPRIGHT = {20: "'|", 25: " ,.·", 28: "/:;ijlt′\u2009", 34: "!()-I[]fr", 39: "Js", 45: '?acez"', 49: "{}^", 56: "FPSασ",
            62: "ELTZΣω‖", 67: "BCRφψ", 69: "+<=>−×≤", 73: "ADGHKNOQUVXYwΔ", 79: "&mΩ%", 93: "MW@→⋯…"}  # fmt: skip
_ITALIC = {26: " ,.'|·", 29: "/fijlt′", 34: "!()-:;I", 40: "[]rsz{}", 45: "Jcekvxyεγκλνχτζ", 49: "∂η", 57: "LTYZαψ",
           62: "ABEFPRVXΔΣφ", 68: "CKNw+<=>−×ω", 73: "DGHOQUmΩ", 84: "MW"}  # fmt: skip
_WIDTHS = [{char: width for width, chars in table.items() for char in chars} for table in (_UPRIGHT, _ITALIC)]
_LOCK = threading.Lock()  # Graphviz keeps global state


def text_width(text: str, size: float, italic: bool = False) -> float:
    """Return about how many pixels wide `text` is in a Times-like font of `size` pixels."""
    table = _WIDTHS[italic]
    wide = {"W": 100, "F": 100}
    return (
        size
        / 100
        * sum(
            0 if unicodedata.combining(c) else table.get(c) or wide.get(unicodedata.east_asian_width(c), 51)
            for c in text
        )
    )


# Inches between boxes side by side and between one step and the next.
NODESEP = {"LR": 0.28, "TB": 0.36}
RANKSEP = {"LR": 0.36, "TB": 0.3}


@dataclass(frozen=True)
class Layout:
    """Places in whole pixels, y downwards.

    Attributes
    ----------
    width, height : int
    nodes : list of (int, int)
        Centre of each box.
    curves : list of list of (int, int)
        Each edge as Bézier points (1 + 3k of them), from the border of its source to the border of its target.
    labels : list of (int, int) or None
        Centre of each edge's label.
    """

    width: int
    height: int
    nodes: list[tuple[int, int]]
    curves: list[list[tuple[int, int]]]
    labels: list[tuple[int, int] | None]


def place(
    nodes: Sequence[tuple[int, int]], edges: Sequence[tuple[int, int, tuple[int, int] | None]], max_width: int = 1000
) -> Layout:
    """Place boxes and labels with Graphviz's ``dot``: from left to right where that fits, else from top to bottom.

    Parameters
    ----------
    nodes : sequence of (int, int)
        Width and height of each box in pixels.
    edges : sequence of (int, int, (int, int) or None)
        Source and target, as positions in `nodes`, and width and height of the label, if there is one.
    max_width : int
        How wide the picture may become, in pixels, before it is turned.

    Returns
    -------
    Layout

    Raises
    ------
    ImportError
        If pygraphviz is not installed.
    """
    try:
        import pygraphviz
    except ImportError as error:
        raise ImportError(
            "the picture of a graph needs pygraphviz: install it with `pip install pygraphviz` (its wheels bring"
            " Graphviz along), or read the graph with to_text()",
            name="pygraphviz",
        ) from error
    with _LOCK:
        across, shortest = None, _least_width(nodes, edges)
        if shortest <= max_width:  # a long chain is spared the layout that would be too wide anyhow
            across = _dot(pygraphviz, nodes, edges, "LR")
            if across.width <= max_width:
                return across
        down = _dot(pygraphviz, nodes, edges, "TB")
        if down.width <= shortest:
            return down
        across = across or _dot(pygraphviz, nodes, edges, "LR")
    return min(across, down, key=lambda layout: layout.width)


def _least_width(nodes, edges) -> int:
    """Return how wide a layout from left to right is at least: the boxes of the longest path, and the gaps between."""
    reach = [width for width, _ in nodes]
    for source, target, _ in sorted(edges, key=lambda edge: edge[0]):
        if source < target:
            reach[target] = max(reach[target], reach[source] + int(72 * RANKSEP["LR"]) + nodes[target][0])
    return max(reach, default=0)


def _dot(pygraphviz, nodes, edges, rankdir: str) -> Layout:
    # A point of Graphviz is a pixel of ours; its lengths are in inches of 72 points.
    graph = pygraphviz.AGraph(directed=True, strict=False)
    graph.graph_attr.update(rankdir=rankdir, nodesep=NODESEP[rankdir], ranksep=RANKSEP[rankdir])
    graph.node_attr.update(shape="box", fixedsize="true", label="")
    graph.edge_attr.update(arrowhead="none")
    for i, (width, height) in enumerate(nodes):
        graph.add_node(i, width=width / 72, height=height / 72)
    computed = {target for _, target, _ in edges}
    for i, (source, target, label) in enumerate(edges):
        size = 'BORDER="0" CELLPADDING="0" CELLSPACING="0" FIXEDSIZE="TRUE" WIDTH="%d" HEIGHT="%d"'
        table = {"label": f"<<TABLE {size % label}><TR><TD></TD></TR></TABLE>>"} if label else {}
        # What is computed from what is computed stands in a line; leaves stand beside it.
        weight = 1 if source not in computed else 6
        graph.add_edge(source, target, key=str(i), weight=weight, **table)
    graph.layout(prog="dot")
    height = float(graph.graph_attr["bb"].split(",")[3])

    def points(text: str | None) -> list[tuple[int, int]]:
        pairs = [pair.split(",") for pair in (text or "").split(";")[0].split()]
        return [(round(float(x)), round(height - float(y))) for x, y in pairs]

    centres = [points(graph.get_node(i).attr["pos"])[0] for i in range(len(nodes))]
    drawn = [graph.get_edge(source, target, str(i)).attr for i, (source, target, _) in enumerate(edges)]
    curves = [points(attr["pos"]) for attr in drawn]
    labels = [points(attr["lp"])[0] if label else None for attr, (*_, label) in zip(drawn, edges, strict=True)]
    width = round(float(graph.graph_attr["bb"].split(",")[2]))
    graph.close()
    return Layout(width, round(height), centres, curves, labels)
