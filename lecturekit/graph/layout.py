"""Where the boxes, the labels and the arrows of a picture stand: sizes are ours, places come from Graphviz."""

from __future__ import annotations

MARGIN = 14  # pixels around everything
MAX_WIDTH = 1000  # pixels: a picture with more between its margins is turned; with them, a little less than a page
# Inches between boxes side by side, and between one step and the next.
GAPS = {"LR": {"nodesep": 0.28, "ranksep": 0.36}, "TB": {"nodesep": 0.36, "ranksep": 0.3}}


def place(boxes: dict, labels: dict) -> tuple[int, int, dict, dict, dict]:
    """Place boxes and labels with Graphviz's ``dot``: from left to right where that fits, else from top to bottom.

    Take the box of each node, and the label of each edge or None. Return width and height, boxes and labels in their
    places, and the points of each edge: one at each border, between them 1 + 3k Bézier points, which leave room for an
    arrow head. All in whole pixels, the same on every machine. ImportError without pygraphviz.
    """
    across = _dot(boxes, labels, "LR")
    if across[0] - 2 * MARGIN <= MAX_WIDTH:
        return across
    return min(across, _dot(boxes, labels, "TB"), key=lambda layout: layout[0])


def _dot(boxes: dict, labels: dict, rankdir: str) -> tuple:
    import pygraphviz

    # A point of Graphviz is a pixel of ours; its lengths are in inches of 72 points.
    graph = pygraphviz.AGraph(directed=True, strict=False)
    graph.graph_attr.update(rankdir=rankdir, **GAPS[rankdir])
    graph.node_attr.update(shape="box", fixedsize="true", label="")
    graph.edge_attr.update(dir="both", arrowsize=0.9)
    number = {part: str(i) for i, part in enumerate((*boxes, *labels))}
    ends = {edge: (number[edge.source], number[edge.target], number[edge]) for edge in labels}
    for node, box in boxes.items():
        graph.add_node(number[node], width=box.width / 72, height=box.height / 72)
    for edge, label in labels.items():
        size = 'BORDER="0" CELLPADDING="0" CELLSPACING="0" FIXEDSIZE="TRUE" WIDTH="{0.width}" HEIGHT="{0.height}"'
        table = {"label": f"<<TABLE {size.format(label)}><TR><TD></TD></TR></TABLE>>"} if label else {}
        # What is computed from what is computed stands in a line; leaves stand beside it.
        graph.add_edge(*ends[edge], weight=6 if edge.source.op else 1, **table)
    graph.layout(prog="dot")
    width, height = (round(float(length)) for length in graph.graph_attr["bb"].split(",")[2:])

    def points(text: str) -> list[tuple[int, int]]:
        pairs = [pair.split(",")[-2:] for pair in text.split()]  # at the ends of an edge, "s,x,y" and "e,x,y"
        return [(round(float(x)) + MARGIN, round(height - float(y)) + MARGIN) for x, y in pairs]

    boxes = {node: box.at(*points(graph.get_node(number[node]).attr["pos"])[0]) for node, box in boxes.items()}
    drawn = {edge: graph.get_edge(*ends[edge]).attr for edge in labels}
    labels = {edge: label and label.at(*points(drawn[edge]["lp"])[0]) for edge, label in labels.items()}
    curves = {edge: points(attributes["pos"]) for edge, attributes in drawn.items()}
    curves = {edge: [tail, *curve, head] for edge, (tail, head, *curve) in curves.items()}
    return width + 2 * MARGIN, height + 2 * MARGIN, boxes, labels, curves
