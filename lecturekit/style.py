"""The look of everything that is drawn, in one place: plots, diagrams, graphs, and what has buttons and sliders.

All pictures are white cards, which read on light and on dark pages; what a script draws is dark on dark pages.
Nothing is told by colour alone: lines differ in their dashes too, points in their shapes, and what a colour means
stands beside it in words. The scripts and style sheets cannot import this module; tests compare their colours with it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

# Lines and points. Okabe and Ito's palette, which colour-blind readers can tell apart, each dark enough for a contrast
# of 3 on white. The first of each list belong together.
COLOURS = ("#0072B2", "#D55E00", "#007A5E", "#A6508C")
DASHES = ("solid", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)))
MARKERS = ("o", "^", "s", "D")

# Grounds.
PAPER = "#ffffff"
TINTS = ("#dcebf7", "#fbe5d6")  # areas that belong to the first two colours; the first: also what lies deep
PALE = "#f3f5f7"  # an area that is only set apart
CONTOUR = "#8fa6b8"  # the lines on a loss surface

# Writing and outlines.
INK = "#1f2328"
MUTED = "#57606a"  # axes, notes
DETAIL = "#59636e"  # the small second line in a box
OUTLINE = "#8b949e"  # of boxes, and of cells that only repeat others
GRID = "#e3e6ea"  # behind plots

# Graphs, and the buttons and sliders under pictures.
FILL = {"leaf": "#e8f1fb", "input": "#f2f3f5", "constant": "#ffffff", "operation": "#fdfaf1", "output": "#e6f4ea"}
GRAPH_INK = "#1b1f24"
GRADIENT = "#a8200d"
LOCAL = "#0b5394"  # local derivatives; also the focus, sliders, the numbers of the lessons
RULE = "#c4cad1"  # between the value and the gradient of a node
RESTING = "#6b7178"  # a button that has nothing to do
GRAPH_DASH = (5, 3)  # what has no derivative
# What stands for these on dark pages, where a graph is drawn by a script.
DARK = {PAPER: "#16191d", GRAPH_INK: "#e6e9ed", MUTED: "#a3acb6", GRADIENT: "#ff9e8f", LOCAL: "#82bdf5"}
DARK |= {RULE: "#4a525b", RESTING: "#8d959e", FILL["leaf"]: "#17293b", FILL["input"]: "#262b31"}
DARK |= {FILL["operation"]: "#25231c", FILL["output"]: "#1a2e21"}
# The explorer, too; its pictures change their lightness and keep their hues.
DARK_EXPLORER = DARK | {TINTS[1]: "#4a2a17", "#picture": "invert(.91) hue-rotate(180deg)"}

# Letters. Graphs are set like formulas. Text there is as wide as in Times New Roman, whatever font there is.
SERIF = "Times New Roman,Liberation Serif,Tinos,STIX Two Text,Times,serif"
SANS = "system-ui,sans-serif"


@contextmanager
def house_style() -> Iterator[None]:
    """Draw in the course's style, whatever style the reader has set for Matplotlib; that one stays."""
    import matplotlib.style

    with matplotlib.style.context("default"):
        yield
