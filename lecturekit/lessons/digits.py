"""A pad to draw a digit on, read by the reader's own network in the page: no kernel is needed, and no network."""

from __future__ import annotations

import io
from base64 import b64encode
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .. import plotting
from .._web import live_image, script
from ..style import COLOURS, INK

# A 3, as somebody might draw it: strokes are lists of points (x, y) between 0 and 1, from the upper left corner.
EXAMPLE = [[
    (0.30, 0.20), (0.40, 0.11), (0.55, 0.10), (0.66, 0.18), (0.66, 0.30), (0.58, 0.41), (0.46, 0.47),
    (0.60, 0.52), (0.70, 0.62), (0.70, 0.76), (0.60, 0.88), (0.44, 0.91), (0.29, 0.83),
]]  # fmt: skip
PEN = 5.0  # thirty-seconds of the paper's side: a drawing gets as much ink as the pictures of the data have

HTML = """<style>
.lk-pad{display:flex;flex-wrap:wrap;gap:12px;max-width:760px;box-sizing:border-box;padding:12px;border-radius:6px;
background:#fff;color:#1f2328;color-scheme:light;font:15px/1.4 system-ui,sans-serif;text-align:left}
.lk-pad canvas{display:block;width:208px;height:208px;background:#fff;border:1px solid #57606a;margin:4px 0}
.lk-pad .paper{touch-action:none;cursor:crosshair}
.lk-pad :focus-visible{outline:3px solid #0b5394;outline-offset:1px}
.lk-pad .line{display:flex;align-items:center;gap:6px;height:22px;font-variant-numeric:tabular-nums}
.lk-pad .bar{height:14px;background:#0072b2}
.lk-pad button{font:inherit;color:inherit;background:#f2f3f5;border:1px solid #57606a;border-radius:5px;
padding:3px 12px;margin:0}
.lk-pad .cursor{display:block;min-height:1.4em}
.lk-pad label{flex:1 1 300px;color:inherit;margin:0;font-weight:400}
</style>
<div>Draw a digit here<canvas class="paper" width="208" height="208" role="img"
aria-label="Paper: draw with the mouse or a finger. With the keyboard, use the grid that follows."></canvas></div>
<div>What the network sees<canvas class="grid" width="208" height="208" tabindex="0" role="application"
aria-label="Grid of 8 by 8 pixels: arrow keys move, space draws or erases a pixel"></canvas>
<span class="cursor" aria-live="polite"></span></div>
<div><span class="answer" aria-live="polite"></span>ROWS</div>
<label><input type="checkbox" checked> move to the middle and make it large, as the data were</label>
<button type="button">Clear</button>"""
ROW = '<div class="line"><span>{}</span><span class="bar"></span><span></span></div>'


@dataclass(frozen=True, eq=False)
class DrawingPad:
    """What `drawing_pad` returns: a notebook shows it as a picture, which becomes the pad where scripts run."""

    layers: tuple[nn.Linear, ...]

    def to_html(self) -> str:
        """Return the pad as one ``<img>`` element that needs no network, kernel or style sheet, and has no id."""
        numbers = [part.detach().cpu().flatten() for layer in self.layers for part in (layer.weight, layer.bias)]
        weights = b64encode(torch.cat(numbers).float().numpy().astype("<f4")).decode()
        sizes = [self.layers[0].in_features, *(layer.out_features for layer in self.layers)]
        rows = "".join(ROW.format(digit) for digit in range(10))
        data = {"sizes": sizes, "pen": PEN, "html": HTML.replace("ROWS", rows).replace("\n", " ")}
        png, alt = self._draw()
        # The weights stand in an attribute: what may differ in its last digits on another machine is not compared.
        return live_image(png, 560, alt, "pad", script(__package__, "pad"), data, f' data-weights="{weights}"')

    _repr_html_ = to_html

    def _draw(self) -> tuple[bytes, str]:
        from PIL import Image

        pixels = reduced(EXAMPLE)
        with torch.no_grad():
            values = pixels.to(self.layers[0].weight)
            for layer in self.layers[:-1]:
                values = layer(values).relu()
            p = self.layers[-1](values).softmax(dim=0).cpu()
        fig, (paper, grid, bars) = plotting.figure(5.6, 2, columns=3)
        for stroke in EXAMPLE:
            paper.plot(*zip(*stroke, strict=True), color=INK, linestyle="solid", linewidth=16, solid_capstyle="round")
        paper.set(xlim=(0, 1), ylim=(1, 0), xticks=[], yticks=[], aspect="equal", title="drawn")
        grid.imshow(pixels.reshape(8, 8).numpy(), cmap="Greys", vmin=0, vmax=1)
        grid.set(xticks=[], yticks=[], title="what the network sees")
        for ax in (paper, grid):
            ax.spines[:].set_visible(True)
            ax.grid(visible=False)
        bars.barh(range(10), p.numpy(), color=COLOURS[0])
        bars.set(xlim=(0, 1), ylim=(9.6, -0.6), yticks=range(10), title="probability")
        large, file = io.BytesIO(), io.BytesIO()
        fig.savefig(large, format="png", dpi=2 * plotting.DPI)
        Image.open(large).convert("RGB").quantize(16).save(file, "png", optimize=True)  # a fifth of the bytes
        alt = (
            "A pad to draw a digit on. A 3 is drawn; beside it are its 8 × 8 pixels, and ten bars for the "
            f"probabilities of the digits. The bar of {p.argmax().item()} is the longest."
        )
        return file.getvalue(), alt


def drawing_pad(model: nn.Sequential) -> DrawingPad:
    """Let the reader draw a digit, reduce it to 8 × 8 pixels as the data were, and show what the network says of it.

    Introduced in notebook 12. The page computes with the weights as they are now, and needs neither kernel nor network.

    Parameters
    ----------
    model : nn.Sequential
        From 64 pixels to 10 logits: linear layers with relu between them. Dropout, which does nothing when a network
        is used, may stand anywhere. ValueError for other parts: the pad would compute something else.

    Examples
    --------
    >>> pad = drawing_pad(nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10)))
    >>> pad.to_html()[:4]
    '<img'
    """
    parts = [part for part in model if not isinstance(part, nn.Dropout)]
    expected = [nn.Linear if index % 2 == 0 else nn.ReLU for index in range(len(parts))]
    if len(parts) % 2 == 0 or [type(part) for part in parts] != expected:
        names = ", ".join(type(part).__name__ for part in model)
        raise ValueError(f"model must be linear layers with nn.ReLU between them, got {names}")
    if (parts[0].in_features, parts[-1].out_features) != (64, 10):
        raise ValueError(
            f"model must lead from 64 pixels to 10 digits, got {parts[0].in_features} to {parts[-1].out_features}"
        )
    return DrawingPad(tuple(parts[::2]))


def reduced(strokes: list[list[tuple[float, float]]]) -> Tensor:
    """Return the 64 pixels of a drawing: 32 × 32 points of ink or paper, counted in blocks of 4 × 4."""
    import numpy as np
    from PIL import Image, ImageDraw

    fine = 8  # as many points a side in each of the 32 × 32, so that the pen is round
    image = Image.new("L", (32 * fine, 32 * fine))
    pen = ImageDraw.Draw(image)
    points = torch.tensor([point for stroke in strokes for point in stroke])
    low, high = points.amin(dim=0), points.amax(dim=0)
    scale = (32 - PEN) / max(0.1, *(high - low).tolist())
    radius = PEN * fine / 2
    for stroke in strokes:
        places = (((torch.tensor(stroke) - (low + high) / 2) * scale + 16) * fine).tolist()
        pen.line([tuple(place) for place in places], fill=255, width=round(2 * radius))
        for x, y in places:
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    ink = torch.from_numpy(np.asarray(image.resize((32, 32), Image.Resampling.BOX)) > 127)
    return ink.reshape(8, 4, 8, 4).float().mean(dim=(1, 3)).flatten()
