"""Small pictures in rows, what is taken for what, and a pad to draw a digit on, for lesson 12."""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from .._web import live_image, script
from ..plotting import figure, small_png
from ..style import COLOURS, DARK, FILL, GRAPH_INK, INK, LOCAL, MUTED, PAPER, house_style

if TYPE_CHECKING:
    from IPython.display import HTML
    from matplotlib.figure import Figure

# A 3, as somebody might draw it: strokes are lists of points (x, y) between 0 and 1, from the upper left corner.
EXAMPLE = [[
    (0.30, 0.20), (0.40, 0.11), (0.55, 0.10), (0.66, 0.18), (0.66, 0.30), (0.58, 0.41), (0.46, 0.47),
    (0.60, 0.52), (0.70, 0.62), (0.70, 0.76), (0.60, 0.88), (0.44, 0.91), (0.29, 0.83),
]]  # fmt: skip
PIXELS = [  # what the pad makes of it, in sixteenths
    [0, 0, 8, 16, 15, 6, 0, 0],
    [0, 3, 15, 7, 8, 16, 0, 0],
    [0, 0, 0, 0, 10, 15, 0, 0],
    [0, 0, 0, 13, 16, 6, 0, 0],
    [0, 0, 0, 4, 12, 15, 2, 0],
    [0, 0, 0, 0, 0, 16, 4, 0],
    [0, 3, 14, 6, 8, 16, 3, 0],
    [0, 1, 8, 16, 13, 6, 0, 0],
]
PEN = 5.0  # thirty-seconds of the paper's side: a drawing gets as much ink as the pictures of the data have

PAGE = """<style>
.lk-pad{--edge:#57606a;--focus:#0b5394;--bar:#0072b2;--button:#f2f3f5;background:#fff;color:#1f2328;color-scheme:light;
display:flex;flex-wrap:wrap;gap:12px;max-width:760px;box-sizing:border-box;padding:12px;border-radius:6px;
font:15px/1.4 system-ui,sans-serif;text-align:left}
@media screen{:is(html[data-theme=dark],body[data-jp-theme-light=false]) .lk-pad{DARK}}
@media screen and (prefers-color-scheme:dark){html:not([data-theme]) body:not([data-jp-theme-light]) .lk-pad{DARK}}
.lk-pad canvas{display:block;width:208px;height:208px;background:#fff;border:1px solid var(--edge);margin:4px 0}
.lk-pad .paper{touch-action:none;cursor:crosshair}
.lk-pad :focus-visible{outline:3px solid var(--focus);outline-offset:1px}
.lk-pad .line{display:flex;align-items:center;gap:6px;height:22px;font-variant-numeric:tabular-nums}
.lk-pad .bar{height:14px;background:var(--bar)}
.lk-pad button{font:inherit;color:inherit;background:var(--button);border:1px solid var(--edge);border-radius:5px;
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
# On dark pages the card is dark; paper stays white, and ink black.
PAGE = PAGE.replace(
    "DARK",
    f"--edge:{DARK[MUTED]};--focus:{DARK[LOCAL]};--bar:{DARK[LOCAL]};--button:{DARK[FILL['input']]};"
    f"background:{DARK[PAPER]};color:{DARK[GRAPH_INK]};color-scheme:dark",
)
ROW = '<div class="line"><span>{}</span><span class="bar"></span><span></span></div>'


@house_style
def plot_images(
    X: Tensor, titles: Sequence[object] = (), *, columns: int = 10, signed: bool = False, size: float = 0.9
) -> Figure:
    """Draw square pictures in rows, from 0, white, to the largest number, black. Introduced in notebook 12.

    Parameters
    ----------
    X : torch.Tensor of shape (N, k²) or (N, k, k), a picture in each row
    titles : sequence, one over each picture
    columns : int, how many pictures stand side by side
    signed : bool, whether 0 is white, what is positive blue, and what is negative orange with a dot
    size : float, of a picture in inches

    Examples
    --------
    >>> fig = plot_images(torch.eye(4), titles="abcd", columns=2)
    >>> [ax.get_title() for ax in fig.axes]
    ['a', 'b', 'c', 'd']
    """
    from matplotlib.colors import LinearSegmentedColormap

    X = X.detach().cpu()
    k = math.isqrt(X[0].numel())
    columns = min(columns, len(X))
    rows = math.ceil(len(X) / columns)
    largest = X.abs().max().item() or 1
    ground = LinearSegmentedColormap.from_list("", [COLOURS[1], "white", COLOURS[0]]) if signed else "Greys"
    fig, _ = figure(columns * size, rows * (size + (0.25 if titles else 0)))
    fig.clear()
    for index, picture in enumerate(X.reshape(-1, k, k).numpy()):
        ax = fig.add_subplot(rows, columns, index + 1)
        ax.imshow(picture, cmap=ground, vmin=-largest if signed else 0, vmax=largest)
        ax.set(xticks=[], yticks=[])
        if signed:
            below, across = (picture < -0.15 * largest).nonzero()
            ax.scatter(across, below, s=3, color=INK)
        if titles:
            ax.set_title(titles[index], fontsize=10, color=INK)
    return fig


@house_style
def plot_confusion(y_hat: Tensor, y: Tensor, class_names: Sequence[str]) -> Figure:
    """Draw how often each class (a row) is taken for which one (a column). Introduced in notebook 12.

    Parameters
    ----------
    y_hat, y : torch.Tensor of shape (N,): the numbers of the classes, as predicted and as they are
    class_names : sequence of str

    Examples
    --------
    >>> fig = plot_confusion(torch.tensor([0, 1, 1]), torch.tensor([0, 1, 0]), ("cat", "dog"))
    >>> [text.get_text() for text in fig.axes[0].texts]
    ['1', '1', '0', '1']
    """
    from sklearn.metrics import ConfusionMatrixDisplay

    fig, ax = figure(4.8, 4.4)
    ax.grid(visible=False)
    classes = {"labels": range(len(class_names)), "display_labels": class_names}
    shown = ConfusionMatrixDisplay.from_predictions(
        y.cpu(), y_hat.cpu(), **classes, cmap="Blues", colorbar=False, ax=ax
    )
    for text in shown.text_.flat:
        text.set_visible(text.get_text() != "0")  # a page of zeros hides the mistakes
    ax.set(xlabel="answer", ylabel="true class")
    return fig


def drawing_pad(model: nn.Sequential) -> HTML:
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
    >>> pad.data[:4]
    '<img'
    """
    from IPython.display import HTML

    parts = [part for part in model if not isinstance(part, nn.Dropout)]
    expected = [nn.Linear if index % 2 == 0 else nn.ReLU for index in range(len(parts))]
    if len(parts) % 2 == 0 or [type(part) for part in parts] != expected:
        names = ", ".join(type(part).__name__ for part in model)
        raise ValueError(f"model must be linear layers with nn.ReLU between them, got {names}")
    layers = parts[::2]
    sizes = [layers[0].in_features, *(layer.out_features for layer in layers)]
    if (sizes[0], sizes[-1]) != (64, 10):
        raise ValueError(f"model must lead from 64 pixels to 10 digits, got {sizes[0]} to {sizes[-1]}")
    rows = "".join(ROW.format(digit) for digit in range(10))
    data = {"sizes": sizes, "pen": PEN, "html": PAGE.replace("ROWS", rows).replace("\n", " ")}
    # The weights stand in an attribute: what may differ in its last digits on another machine is not compared.
    numbers = torch.cat([part.detach().cpu().flatten() for layer in layers for part in (layer.weight, layer.bias)])
    weights = f' data-weights="{b64encode(numbers.float().numpy().astype("<f4")).decode()}"'
    pixels = torch.tensor(PIXELS, device="cpu") / 16
    with torch.no_grad():
        p = nn.Sequential(*parts)(pixels.flatten().to(layers[0].weight)).softmax(dim=0).cpu()
    alt = (
        "A pad to draw a digit on. A 3 is drawn; beside it are its 8 × 8 pixels, and ten bars for the "
        f"probabilities of the digits. The bar of {p.argmax().item()} is the longest."
    )
    return HTML(live_image(_picture(pixels, p), 560, alt, "pad", script(__package__, "pad"), data, weights))


@house_style
def _picture(pixels: Tensor, p: Tensor) -> bytes:
    """Draw the pad with a digit on it, as PNG."""
    fig, (paper, grid, bars) = figure(5.6, 2, columns=3)
    for stroke in EXAMPLE:
        paper.plot(*zip(*stroke, strict=True), color=INK, linestyle="solid", linewidth=16, solid_capstyle="round")
    paper.set(xlim=(0, 1), ylim=(1, 0), xticks=[], yticks=[], aspect="equal", title="drawn")
    grid.imshow(pixels.numpy(), cmap="Greys", vmin=0, vmax=1)
    grid.set(xticks=[], yticks=[], title="what the network sees")
    for ax in (paper, grid):
        ax.spines[:].set_visible(True)
        ax.grid(visible=False)
    bars.barh(range(10), p.numpy(), color=COLOURS[0])
    bars.set(xlim=(0, 1), ylim=(9.6, -0.6), yticks=range(10), title="probability")
    return small_png(fig, colours=16)
