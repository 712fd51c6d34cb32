"""A scene as SVG, as PNG, and as one HTML element: a picture that becomes a stepper where scripts run."""

from __future__ import annotations

import functools
import io
import itertools
import warnings
from html import escape
from typing import TYPE_CHECKING

from .._web import live_image
from ..style import DARK, GRAPH_DASH, PAPER, SERIF, house_style
from .picture import Scene
from .text import low
from .typeset import SIZE, Mark, When, rect

if TYPE_CHECKING:
    from PIL.Image import Image

SCALE = 2  # sharp on good screens


def html(scene: Scene, picture: Image) -> str:
    """Return one ``<img>`` element, which replaces itself by a stepper where scripts run: see `live_image`."""
    # All double quotes of the SVG delimit attributes; single ones are shorter inside the attribute that holds all this.
    drawn = svg(scene, stepping=True).replace('"', "'")
    data = {"title": scene.title, "captions": [*map(low, scene.steps.captions)], "svg": drawn}
    data |= {"dark": DARK, "edit": scene.edit}
    scripts = ["stepper", "edit"] if scene.edit else ["stepper"]
    return live_image(png(picture), scene.width, scene.description, __package__, scripts, data)


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
            attributes = _attributes(dict(zip(("data-s", "data-e", "data-x"), when, strict=True)))
            out.append(inner if when == When() else f"<g{attributes}>{inner}</g>")
        out.append("</g>")
    return "".join(out) + "</svg>"


def _attributes(values: dict) -> str:
    return "".join(f' {name}="{value}"' for name, value in values.items() if value is not None)


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


@house_style()
def paint(scene: Scene) -> Image:
    """Return the last step of a scene in pixels, ``SCALE`` for each of the page, painted by Matplotlib."""
    from matplotlib.backends.backend_agg import RendererAgg
    from matplotlib.patches import BoxStyle, PathPatch
    from matplotlib.path import Path
    from matplotlib.transforms import Affine2D
    from PIL import Image

    size = scene.width * SCALE, scene.height * SCALE
    renderer = RendererAgg(*size, 72)  # without a figure, which would take a tenth of a second to import
    upwards = Affine2D().scale(SCALE, -SCALE).translate(0, size[1])
    paper = rect(0, 0, scene.width, scene.height, 0, 0, PAPER, "none")
    for mark in (paper, *(mark for group in scene.groups for mark in group.marks if scene.is_last(mark))):
        (x, y), style = mark.points[0], mark.style
        if mark.tag == "text":
            outlines, pixels = [], style.get("font-size", SIZE)
            x -= style["textLength"] / (1 if "text-anchor" in style else 2)
            for span in mark.spans:
                height = span.font_size(pixels)
                place = Affine2D().scale(height, -height).translate(x, y - span.rise(pixels))
                if not span.text.isspace():
                    outlines.append(_letters(span.text, span.style == "i").transformed(place))
                x += span.width(pixels)
            outline = Path.make_compound_path(*outlines)
        elif mark.tag == "rect":
            outline = BoxStyle.Round(pad=0, rounding_size=style["rx"])(x, y, style["width"], style["height"], 1)
        else:
            codes = [Path.MOVETO] + [Path.CURVE4 if mark.is_curved else Path.LINETO] * (len(mark.points) - 1)
            outline = Path(mark.points, codes)
        width = style.get("stroke-width", 0)
        dashes = (0, [length / width for length in GRAPH_DASH]) if "stroke-dasharray" in style else "solid"
        look = {"fc": style["fill"], "ec": style.get("stroke", "none"), "lw": width * SCALE, "ls": dashes}
        PathPatch(outline, transform=upwards, snap=False, **look).draw(renderer)
    return Image.frombuffer("RGBA", size, renderer.buffer_rgba()).convert("RGB")


def png(picture: Image, colours: int = 64) -> bytes:
    """Return a painted picture as PNG in few colours: a third of the bytes."""
    from PIL import Image

    file = io.BytesIO()
    # Level 3 takes half the time of the usual 6, and a fifth more bytes.
    picture.quantize(colours, dither=Image.Dither.NONE).save(file, "png", compress_level=3)
    return file.getvalue()


@functools.lru_cache(2000)  # the same few words come back in each picture, and shaping them takes most of its time
def _letters(text: str, italic: bool):
    """Return the outline of a text in letters of size 1."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    font = FontProperties(family=["STIXGeneral", "DejaVu Sans"], style="italic" if italic else "normal")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name in a script that no font has: boxes instead of letters are enough
        return TextPath((0, 0), text, size=1, prop=font)
