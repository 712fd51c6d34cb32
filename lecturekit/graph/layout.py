"""Where the boxes, the labels and the arrows of a picture stand: sizes are ours, places come from Graphviz."""

from __future__ import annotations

MARGIN = 14  # pixels around everything
MAX_WIDTH = 1000  # pixels: a picture with more between its margins is turned
# Inches between boxes side by side, and between one step and the next.
NODESEP = {"LR": 0.28, "TB": 0.36}
RANKSEP = {"LR": 0.36, "TB": 0.3}


def place(boxes: list, ends: list, labels: list) -> tuple[int, int, list, list, list]:
    """Place boxes and labels with Graphviz's ``dot``: from left to right where that fits, else from top to bottom.

    Boxes and labels have a width and a height in pixels. An edge has two ends, which are positions in `boxes`, and a
    label or None. Return width and height of the picture, the centre of each box, each edge as 1 + 3k Bézier points
    from border to border, and the centre of each label, or None, in whole pixels with y downwards: the same picture
    on every machine. ImportError without pygraphviz.
    """
    across = _dot(boxes, ends, labels, "LR")
    if across[0] - 2 * MARGIN <= MAX_WIDTH:
        return across
    return min(across, _dot(boxes, ends, labels, "TB"), key=lambda layout: layout[0])


def _dot(boxes, ends, labels, rankdir: str) -> tuple:
    import pygraphviz

    # A point of Graphviz is a pixel of ours; its lengths are in inches of 72 points.
    graph = pygraphviz.AGraph(directed=True, strict=False)
    graph.graph_attr.update(rankdir=rankdir, nodesep=NODESEP[rankdir], ranksep=RANKSEP[rankdir])
    graph.node_attr.update(shape="box", fixedsize="true", label="")
    graph.edge_attr.update(arrowhead="none")
    for i, box in enumerate(boxes):
        graph.add_node(i, width=box.width / 72, height=box.height / 72)
    computed = {target for _, target in ends}
    for i, ((source, target), label) in enumerate(zip(ends, labels, strict=True)):
        size = 'BORDER="0" CELLPADDING="0" CELLSPACING="0" FIXEDSIZE="TRUE" WIDTH="{0.width}" HEIGHT="{0.height}"'
        table = {"label": f"<<TABLE {size.format(label)}><TR><TD></TD></TR></TABLE>>"} if label else {}
        # What is computed from what is computed stands in a line; leaves stand beside it.
        graph.add_edge(source, target, key=str(i), weight=6 if source in computed else 1, **table)
    graph.layout(prog="dot")
    width, height = (float(length) for length in graph.graph_attr["bb"].split(",")[2:])

    def points(text: str) -> list[tuple[int, int]]:
        pairs = [pair.split(",") for pair in text.split(";")[0].split()]
        return [(round(float(x)) + MARGIN, round(height - float(y)) + MARGIN) for x, y in pairs]

    centres = [points(graph.get_node(i).attr["pos"])[0] for i in range(len(boxes))]
    drawn = [graph.get_edge(source, target, str(i)).attr for i, (source, target) in enumerate(ends)]
    curves = [points(attr["pos"]) for attr in drawn]
    places = [points(attr["lp"])[0] if label else None for attr, label in zip(drawn, labels, strict=True)]
    graph.close()
    return round(width) + 2 * MARGIN, round(height) + 2 * MARGIN, centres, curves, places
