"""A scene as SVG, as PNG, and as one HTML element: a picture that becomes a stepper where scripts run."""

from __future__ import annotations

import functools
import io
import warnings
from html import escape

from .._web import live_image
from ..style import DARK, GRAPH_DASH, PAPER, SERIF, house_style
from .picture import Scene
from .text import low
from .typeset import SIZE, Mark

SCALE = 2  # sharp on good screens


def html(scene: Scene, picture) -> str:
    """Return one ``<img>`` element, which replaces itself by a stepper where scripts run: see `live_image`."""
    data = {"title": scene.title, "captions": [*map(low, scene.steps.captions)], "dark": DARK, "edit": scene.edit}
    # All double quotes of the SVG delimit attributes; single ones are shorter inside the attribute that holds all this.
    data["svg"] = svg(scene, stepping=True).replace('"', "'")
    scripts = ["stepper", "edit"] if scene.edit else ["stepper"]
    return live_image(png(picture), scene.width, scene.description, __package__, scripts, data)


def svg(scene: Scene, stepping: bool = False) -> str:
    """Return a scene as SVG: its last step alone, or, where `stepping`, all of it, with the steps as attributes.

    An element is seen from step ``data-s`` until before ``data-e``, not at ``data-x``, and is faint before ``data-f``.
    """
    width, height, title = scene.width, scene.height, escape(scene.title)
    root = {"xmlns": "http://www.w3.org/2000/svg", "width": width, "height": height, "viewBox": f"0 0 {width} {height}"}
    root |= {"role": "img", "aria-label": title, "font-family": SERIF, "font-size": SIZE, "text-anchor": "middle"}
    parts = [_tag("title", {}, title), _tag("desc", {}, "" if stepping else escape(scene.description))]
    parts.append(_tag("rect", {"width": width, "height": height, "rx": 6, "fill": PAPER}))
    for group in scene.groups:
        title = _tag("title", {}, escape(group.title)) if group.title else ""
        marks = [_element(mark, stepping) for mark in group.marks if stepping or mark.when.get("data-e") is None]
        parts.append(_tag("g", {"data-f": group.since} if stepping and group.since else {}, title + "".join(marks)))
    return _tag("svg", root, "".join(parts))


def _tag(name: str, attributes: dict, inner: str = "") -> str:
    start = name + "".join(f' {key}="{value}"' for key, value in attributes.items() if value is not None)
    return f"<{start}>{inner}</{name}>" if inner else f"<{start}/>"


def _element(mark: Mark, stepping: bool) -> str:
    place = dict(zip("xy", mark.points[0], strict=True))
    if mark.tag == "path":
        first, *rest = (f"{x:g},{y:g}" for x, y in mark.points)
        end = "" if "stroke" in mark.style else "Z"
        place = {"d": f"M{first}{'C' if mark.is_curved else 'L'}{' '.join(rest)}{end}"}
    inner, before = "", 0
    for text, is_italic, size, _, rise in mark.spans:
        look = {"font-style": "italic" if is_italic else None, "font-size": size if rise else None}
        look["dy"] = before - rise or None
        inner += _tag("tspan", look, escape(text)) if any(look.values()) else escape(text)
        before = rise
    return _tag(mark.tag, place | mark.style | (mark.when if stepping else {}), inner)


@house_style()
def paint(scene: Scene):
    """Return the last step of a scene as an image of Pillow, painted by Matplotlib, ``SCALE`` times as large."""
    from matplotlib.backends.backend_agg import RendererAgg
    from matplotlib.patches import BoxStyle, PathPatch
    from matplotlib.path import Path
    from matplotlib.transforms import Affine2D
    from PIL import Image

    size = scene.width * SCALE, scene.height * SCALE
    renderer = RendererAgg(*size, 72)  # without a figure, which would take a tenth of a second to import
    PathPatch(Path.unit_rectangle(), fc=PAPER, ec="none", transform=Affine2D().scale(*size)).draw(renderer)
    upwards = Affine2D().scale(SCALE, -SCALE).translate(0, size[1])
    for mark in (mark for group in scene.groups for mark in group.marks if mark.when.get("data-e") is None):
        (x, y), style = mark.points[0], mark.style
        if mark.tag == "text":
            outlines = []
            for text, is_italic, pixels, start, rise in mark.spans:
                place = Affine2D().scale(pixels, -pixels).translate(x - style["textLength"] / 2 + start, y - rise)
                outlines += [] if text.isspace() else [_letters(text, is_italic).transformed(place)]
            outline = Path.make_compound_path(*outlines)
        elif mark.tag == "rect":
            outline = BoxStyle.Round(pad=0, rounding_size=style["rx"])(x, y, style["width"], style["height"], 1)
        else:
            codes = [Path.MOVETO] + [Path.CURVE4 if mark.is_curved else Path.LINETO] * (len(mark.points) - 1)
            outline = Path(mark.points, codes)
        width = style.get("stroke-width", 0)
        dashes = (0, [length / width for length in GRAPH_DASH]) if style.get("stroke-dasharray") else "solid"
        look = {"fc": style["fill"], "ec": style.get("stroke", "none"), "lw": width * SCALE, "ls": dashes}
        PathPatch(outline, transform=upwards, snap=False, **look).draw(renderer)
    return Image.frombuffer("RGBA", size, renderer.buffer_rgba()).convert("RGB")


def png(picture, colours: int = 64) -> bytes:
    """Return a painted picture as PNG in few colours: a third of the bytes."""
    file = io.BytesIO()
    # No dithering. Level 3 takes half the time of the usual 6, and a fifth more bytes.
    picture.quantize(colours, dither=0).save(file, "png", compress_level=3)
    return file.getvalue()


@functools.lru_cache(2000)  # the same few words come back in each picture, and shaping them takes most of its time
def _letters(text: str, is_italic: bool):
    """Return the outline of a text in letters of size 1."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    font = FontProperties(family=["STIXGeneral", "DejaVu Sans"], style="italic" if is_italic else "normal")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name in a script that no font has: boxes instead of letters are enough
        return TextPath((0, 0), text, size=1, prop=font)
