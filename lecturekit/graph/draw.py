"""A graph as SVG and as PNG, both from one scene."""

from __future__ import annotations

import functools
import html
import io
import itertools
import warnings

from ..style import FILL, GRADIENT, LOCAL, MUTED, PAPER, RULE, SERIF
from ..style import GRAPH_DASH as DASH
from ..style import GRAPH_INK as INK
from .fold import fold
from .model import Graph
from .scene import (
    ALWAYS,
    Path,
    Rect,
    Scene,
    Text,
    When,
    build,
    run_rise,
    run_size,
    run_width,
)

SCALE = 2  # pixels of the PNG for each pixel of the page


def svg(graph: Graph, max_nodes: int = 40) -> str:
    """Return the picture of a graph as an SVG element.

    Parameters
    ----------
    graph : Graph
    max_nodes : int
        Above so many nodes, at least 1, modules and repetitions are folded into one node each.

    Returns
    -------
    str
        The same for the same graph, on every machine.

    Raises
    ------
    TypeError, ValueError
        If the graph has no nodes, or `max_nodes` is no such int.
    ImportError
        If pygraphviz, which places the nodes, is not installed.

    Notes
    -----
    Introduced in notebook 03.
    """
    return scene_svg(build(fold(graph, max_nodes)))


def png(graph: Graph, max_nodes: int = 40) -> bytes:
    """Return the same picture as a PNG image of twice as many pixels, for pages that allow no SVG.

    Parameters, returns and errors are those of `svg`, but that the image is bytes. Matplotlib draws it, without pyplot
    and whatever the reader's `rcParams` are.

    Notes
    -----
    Introduced in notebook 03.
    """
    return scene_png(build(fold(graph, max_nodes)))


def scene_svg(scene: Scene, stepping: bool = False) -> str:
    """Return a scene as SVG: its last step alone, or, where `stepping`, all of it, with the steps as attributes.

    An element is seen from step ``data-s`` until before ``data-e``, not at ``data-x``, and is faint before ``data-f``.
    """
    width, height = scene.width, scene.height
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        f' role="img" aria-label="{escape(scene.title)}" font-family="{SERIF}" font-size="16" text-anchor="middle">'
        f"<title>{escape(scene.title)}</title><desc>{escape(scene.description)}</desc>"
        f'<rect width="{width}" height="{height}" rx="6" fill="{PAPER}"/>'
    ]
    for group in scene.groups:
        marks = [m for m in group.marks if stepping or _is_last(m, scene)]
        out.append(f'<g data-f="{group.since}">' if stepping and group.since else "<g>")
        if group.title:
            out.append(f"<title>{escape(group.title)}</title>")
        for when, together in itertools.groupby(marks, lambda mark: mark.when if stepping else ALWAYS):
            inner = "".join(map(_element, together))
            out.append(inner if when == ALWAYS else f"<g{_attributes(when)}>{inner}</g>")
        out.append("</g>")
    return "".join(out) + "</svg>"


def scene_png(scene: Scene) -> bytes:
    """Return the last step of a scene as a PNG image."""
    from matplotlib.backends.backend_agg import RendererAgg
    from matplotlib.colors import to_rgba
    from matplotlib.patches import BoxStyle
    from matplotlib.path import Path as Outline
    from matplotlib.transforms import Affine2D
    from PIL import Image

    # Straight to the renderer: figures and artists would ask rcParams. At 72 dpi, a point is a pixel.
    renderer = RendererAgg(scene.width * SCALE, scene.height * SCALE, 72)
    upwards = Affine2D().scale(SCALE, -SCALE).translate(0, scene.height * SCALE)

    def paint(outline: Outline, transform, fill: str | None, stroke: str | None = None, width=0.0, dashed=False):
        gc = renderer.new_gc()
        gc.set_foreground(to_rgba(stroke or fill), isRGBA=True)
        gc.set_linewidth(width * SCALE if stroke else 0)
        gc.set_snap(False)
        gc.set_joinstyle("miter")
        gc.set_capstyle("butt")
        if dashed:
            gc.set_dashes(0, [length * SCALE for length in DASH])
        renderer.draw_path(gc, outline, transform, fill and to_rgba(fill))

    def write(mark: Text):
        x = mark.x - (mark.width if mark.anchor == "end" else mark.width / 2)
        for run in mark.runs:
            size, y = run_size(run[1], mark.size), mark.y - run_rise(run[1], mark.size)
            if (outline := _letters(run[0], italic=run[1] == "i")) is not None:
                paint(outline, Affine2D().scale(size, -size).translate(x, y) + upwards, mark.colour)
            x += run_width(run, mark.size)

    whole = Outline.unit_rectangle()
    paint(whole, Affine2D().scale(scene.width, scene.height) + upwards, PAPER)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name in a script that no font has: boxes instead of letters are enough
        for mark in (mark for group in scene.groups for mark in group.marks if _is_last(mark, scene)):
            if isinstance(mark, Text):
                write(mark)
            elif isinstance(mark, Rect):
                style = BoxStyle.Round(pad=0, rounding_size=mark.radius)
                outline = style(mark.x, mark.y, mark.width, mark.height, 1)
                fill = None if mark.fill == "none" else mark.fill
                paint(outline, upwards, fill, mark.stroke, mark.stroke_width, mark.dashed)
            elif mark.area:
                paint(Outline([*mark.points, mark.points[0]], closed=True), upwards, mark.colour)
            else:
                rest = [Outline.CURVE4 if mark.curve else Outline.LINETO] * (len(mark.points) - 1)
                outline = Outline(mark.points, [Outline.MOVETO, *rest])
                paint(outline, upwards, None, mark.colour, mark.stroke_width, mark.dashed)
    image = Image.frombuffer("RGBA", (scene.width * SCALE, scene.height * SCALE), renderer.buffer_rgba()).convert("RGB")
    palette = Image.new("P", (1, 1))
    palette.putpalette(_palette())
    file = io.BytesIO()
    image.quantize(palette=palette, dither=Image.Dither.NONE).save(file, "png")  # a third of the bytes
    return file.getvalue()


@functools.lru_cache(2000)  # the same few words come back in each picture, and shaping them takes most of its time
def _letters(text: str, italic: bool):
    """Return the outline of a text in letters of size 1, or None if there is nothing to paint."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.path import Path as Outline
    from matplotlib.textpath import text_to_path
    from matplotlib.transforms import Affine2D

    families = ["STIXGeneral", "DejaVu Sans"]  # Matplotlib brings both
    font = FontProperties(family=families, style="italic" if italic else "normal")
    vertices, codes = text_to_path.get_text_path(font, text, ismath=False)
    small = Affine2D().scale(1 / text_to_path.FONT_SCALE)
    return Outline(vertices, codes).transformed(small) if len(vertices) else None


def _palette(levels: int = 8) -> list[int]:
    """Return every ink on every ground, in steps from one to the other, as red, green, blue, red, …"""
    grounds, inks = dict.fromkeys([PAPER, *FILL.values()]), (INK, MUTED, GRADIENT, LOCAL, RULE)
    shades = itertools.product(map(_rgb, grounds), map(_rgb, inks), (k / (levels - 1) for k in range(levels)))
    colours = dict.fromkeys(tuple(round(a + (b - a) * k) for a, b in zip(g, i, strict=True)) for g, i, k in shades)
    return [channel for colour in colours for channel in colour]


def _rgb(colour: str) -> bytes:
    return bytes.fromhex(colour[1:])


def escape(text: str) -> str:
    """Return text as it may stand in XML and between quotes of either kind."""
    return html.escape(text, quote=True)


def _is_last(mark: Text | Rect | Path, scene: Scene) -> bool:
    return mark.when[1] is None and mark.when[0] <= scene.steps.last


def _attributes(when: When) -> str:
    named = zip("sex", when, strict=False)  # a shorter one has no x
    return "".join(f' data-{name}="{step}"' for name, step in named if step is not None)


def _element(mark: Text | Rect | Path) -> str:
    if isinstance(mark, Text):
        return _text(mark)
    dash = f' stroke-dasharray="{DASH[0]} {DASH[1]}"' if mark.dashed else ""
    if isinstance(mark, Rect):
        return (
            f'<rect x="{mark.x}" y="{mark.y}" width="{mark.width}" height="{mark.height}" rx="{mark.radius}"'
            f' fill="{mark.fill}" stroke="{mark.stroke}" stroke-width="{mark.stroke_width}"{dash}/>'
        )
    (x, y), *rest = ((f"{x:g}", f"{y:g}") for x, y in mark.points)
    d = f"M{x},{y}{'C' if mark.curve else 'L'}" + " ".join(f"{x},{y}" for x, y in rest)
    if mark.area:
        return f'<path d="{d}Z" fill="{mark.colour}"/>'
    return f'<path d="{d}" fill="none" stroke="{mark.colour}" stroke-width="{mark.stroke_width}"{dash}/>'


def _text(mark: Text) -> str:
    spans, rise = [], 0
    for text, style in mark.runs:
        attributes = ' font-style="italic"' if style == "i" else ""
        if style in ("_", "^"):
            attributes += f' font-size="{run_size(style, mark.size)}"'
        shift = rise - run_rise(style, mark.size)
        rise -= shift
        attributes += f' dy="{shift}"' if shift else ""
        spans.append(f"<tspan{attributes}>{escape(text)}</tspan>" if attributes else escape(text))
    attributes = f' font-size="{mark.size}"' if mark.size != 16 else ""
    attributes += ' text-anchor="end"' if mark.anchor == "end" else ""
    return (
        f'<text x="{mark.x}" y="{mark.y}" fill="{mark.colour}" textLength="{mark.width}"'
        f' lengthAdjust="spacingAndGlyphs"{attributes}>{"".join(spans)}</text>'
    )
