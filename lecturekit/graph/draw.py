"""A scene as SVG, as PNG, and as one HTML element: a picture that becomes a stepper where scripts run."""

from __future__ import annotations

import functools
import io
import itertools
import warnings
from html import escape
from typing import TYPE_CHECKING

from .._web import live_image, script
from ..style import DARK, FILL, GRADIENT, GRAPH_DASH, GRAPH_INK, LOCAL, MUTED, PAPER, RULE, SERIF
from .picture import Scene
from .text import low
from .typeset import SIZE, Mark, When

if TYPE_CHECKING:
    from PIL.Image import Image

# In the stepper's SVG, which is in each output, single letters stand for what comes often; no name holds these.
SHORT = {"<tspan font-style='italic'>": "\b", "</tspan>": "\f", "<path d='M": "\t", "<g data-s='": "\r"}
SHORT |= {" fill='none' stroke='": "\n", " lengthAdjust='spacingAndGlyphs'": ""}
SCALE = 2  # sharp on good screens
# With letters of East Asia and of India, on Linux, macOS and Windows: those that a machine has are used.
WIDE = {"Noto Sans CJK JP", "Noto Sans CJK SC", "WenQuanYi Zen Hei", "Hiragino Sans", "PingFang SC", "Yu Gothic"}
WIDE |= {"Apple SD Gothic Neo", "Arial Unicode MS", "Microsoft YaHei", "Malgun Gothic", "Nirmala UI"}


def html(scene: Scene, picture: Image) -> str:
    """Return one ``<img>`` element, which replaces itself by a stepper where scripts run: see `live_image`."""
    # All double quotes of the SVG delimit attributes; single ones are shorter inside the attribute that holds all this.
    drawn = svg(scene, stepping=True).replace('"', "'")
    for long, short in SHORT.items():
        drawn = drawn.replace(long, short)
    data = {"title": scene.title, "captions": [*map(low, scene.steps.captions)], "svg": drawn}
    data |= {"short": SHORT, "dark": DARK, "edit": scene.edit}
    code = script("lecturekit._web", "player") + script(__package__, "stepper")
    code += script(__package__, "edit") if scene.edit else ""
    return live_image(png(picture), scene.width, scene.description, "stepper", code, data)


def svg(scene: Scene, stepping: bool = False) -> str:
    """Return a scene as SVG: its last step alone, or, where `stepping`, all of it, with the steps as attributes.

    An element is seen from step ``data-s`` until before ``data-e``, not at ``data-x``, and is faint before ``data-f``.
    """
    width, height, title, words = scene.width, scene.height, escape(scene.title), escape(scene.description)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        f' role="img" aria-label="{title}" font-family="{SERIF}" font-size="16" text-anchor="middle">'
        f"<title>{title}</title><desc>{words * (not stepping)}</desc>"
        f'<rect width="{width}" height="{height}" rx="6" fill="{PAPER}"/>'
    ]
    for group in scene.groups:
        marks = [mark for mark in group.marks if stepping or scene.is_last(mark)]
        out.append(f'<g data-f="{group.since}">' if stepping and group.since else "<g>")
        out.append(f"<title>{escape(group.title)}</title>" if group.title else "")
        for when, together in itertools.groupby(marks, lambda mark: mark.when if stepping else When()):
            inner = "".join(map(_element, together))
            steps = zip(("data-s", "data-e", "data-x"), when, strict=True)
            attributes = _attributes({name: step for name, step in steps if step is not None})
            out.append(inner if when == When() else f"<g{attributes}>{inner}</g>")
        out.append("</g>")
    return "".join(out) + "</svg>"


def _attributes(values: dict) -> str:
    return "".join(f' {name}="{value}"' for name, value in values.items())


def _element(mark: Mark) -> str:
    where = dict(zip("xy", mark.points[0], strict=True))
    if mark.tag == "path":
        first, *rest = (f"{x:g},{y:g}" for x, y in mark.points)
        end = "" if "stroke" in mark.style else "Z"
        where = {"d": f"M{first}{'C' if mark.is_curved else 'L'}{' '.join(rest)}{end}"}
    attributes = _attributes(where | mark.style)
    return f"<text{attributes}>{_tspans(mark)}</text>" if mark.spans else f"<{mark.tag}{attributes}/>"


def _tspans(mark: Mark) -> str:
    spans, size, rise = [], mark.style.get("font-size", SIZE), 0
    for span in mark.spans:
        style = {"font-style": "italic"} if span.style == "i" else {}
        style |= {"font-size": span.font_size(size)} if span.style in ("_", "^") else {}
        style |= {"dy": rise - span.rise(size)} if span.rise(size) != rise else {}
        rise = span.rise(size)
        text = escape(span.text)
        spans.append(f"<tspan{_attributes(style)}>{text}</tspan>" if style else text)
    return "".join(spans)


def paint(scene: Scene) -> Image:
    """Return the last step of a scene in pixels, ``SCALE`` for each of the page, painted by Matplotlib."""
    from matplotlib.backends.backend_agg import RendererAgg
    from matplotlib.colors import to_rgba
    from matplotlib.patches import BoxStyle
    from matplotlib.path import Path
    from matplotlib.transforms import Affine2D
    from PIL import Image

    # Straight to the renderer: figures and artists would ask rcParams. At 72 dpi, a point is a pixel.
    size = scene.width * SCALE, scene.height * SCALE
    renderer = RendererAgg(*size, 72)
    upwards = Affine2D().scale(SCALE, -SCALE).translate(0, size[1])

    def fill_and_stroke(path: Path, transform, style: dict):
        fill, stroke = (None if colour == "none" else colour for colour in (style["fill"], style.get("stroke")))
        gc = renderer.new_gc()
        gc.set_foreground(to_rgba(stroke or fill), isRGBA=True)
        gc.set_linewidth(style.get("stroke-width", 0) * SCALE)
        gc.set_snap(False)
        gc.set_joinstyle("miter")
        gc.set_capstyle("butt")
        if "stroke-dasharray" in style:
            gc.set_dashes(0, [length * SCALE for length in GRAPH_DASH])
        renderer.draw_path(gc, path, transform, fill and to_rgba(fill))

    fill_and_stroke(Path.unit_rectangle(), Affine2D().scale(scene.width, scene.height) + upwards, {"fill": PAPER})
    for mark in (mark for group in scene.groups for mark in group.marks if scene.is_last(mark)):
        (x, y), style = mark.points[0], mark.style
        if mark.tag == "text":
            x -= style["textLength"] / (1 if "text-anchor" in style else 2)
            pixels = style.get("font-size", SIZE)
            for span in mark.spans:
                letters, height = _letters(span.text, span.style == "i"), span.font_size(pixels)
                if letters is not None:
                    place = Affine2D().scale(height, -height).translate(x, y - span.rise(pixels))
                    fill_and_stroke(letters, place + upwards, {"fill": style["fill"]})
                x += span.width(pixels)
        elif mark.tag == "rect":
            corners = BoxStyle.Round(pad=0, rounding_size=style["rx"])
            fill_and_stroke(corners(x, y, style["width"], style["height"], 1), upwards, style)
        elif "stroke" in style:
            codes = [Path.MOVETO] + [Path.CURVE4 if mark.is_curved else Path.LINETO] * (len(mark.points) - 1)
            fill_and_stroke(Path(mark.points, codes), upwards, style)
        else:
            fill_and_stroke(Path([*mark.points, mark.points[0]], closed=True), upwards, style)
    return Image.frombuffer("RGBA", size, renderer.buffer_rgba()).convert("RGB")


def png(picture: Image) -> bytes:
    """Return a painted picture as PNG, in the few colours of the house: a third of the bytes."""
    return _in_few_colours(picture, 8)


def small_png(picture: Image) -> bytes:
    """Return a painted picture at the size of the page, in fewer colours still."""
    return _in_few_colours(picture.reduce(SCALE), 3)


def _in_few_colours(picture: Image, levels: int) -> bytes:
    from PIL import Image

    palette = Image.new("P", (1, 1))
    palette.putpalette(_palette(levels))
    file = io.BytesIO()
    # Level 3 takes half the time of the usual 6, and a fifth more bytes.
    picture.quantize(palette=palette, dither=Image.Dither.NONE).save(file, "png", compress_level=3)
    return file.getvalue()


@functools.lru_cache(2000)  # the same few words come back in each picture, and shaping them takes most of its time
def _letters(text: str, italic: bool):
    """Return the outline of a text in letters of size 1, or None if there is nothing to paint."""
    from matplotlib.font_manager import FontProperties, get_font_names
    from matplotlib.path import Path
    from matplotlib.textpath import text_to_path
    from matplotlib.transforms import Affine2D

    families = ["STIXGeneral", "DejaVu Sans"]  # Matplotlib brings both
    families += [] if text.isascii() else sorted(WIDE.intersection(get_font_names()))
    font = FontProperties(family=families, style="italic" if italic else "normal")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name in a script that no font has: boxes instead of letters are enough
        vertices, codes = text_to_path.get_text_path(font, text, ismath=False)
    small = Affine2D().scale(1 / text_to_path.FONT_SCALE)
    return Path(vertices, codes).transformed(small) if len(vertices) else None


def _palette(levels: int) -> list[int]:
    """Return every ink on every ground, in steps from one to the other, as red, green, blue, red, …"""
    grounds, inks = ([PAPER, *FILL.values()], [GRAPH_INK, MUTED, GRADIENT, LOCAL, RULE])
    grounds, inks = ([bytes.fromhex(colour[1:]) for colour in dict.fromkeys(kind)] for kind in (grounds, inks))
    shades = itertools.product(grounds, inks, (k / (levels - 1) for k in range(levels)))
    colours = dict.fromkeys(tuple(round(a + (b - a) * k) for a, b in zip(g, i, strict=True)) for g, i, k in shades)
    return [channel for colour in colours for channel in colour]
