"""Small pictures in rows, and a pad to draw a digit on, for lesson 12."""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from .._web import live_image
from ..data import digits
from ..plotting import figure, small_png
from ..style import COLOURS, DARK, INK, house_style

if TYPE_CHECKING:
    from IPython.display import HTML
    from matplotlib.figure import Figure

PEN = 5.0  # thirty-seconds of the paper's side: a drawing gets as much ink as the pictures of the data have


@house_style()
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
    data = {"sizes": sizes, "pen": PEN, "dark": DARK}
    # The weights stand in an attribute: what may differ in its last digits on another machine is not compared.
    numbers = torch.cat([part.detach().cpu().flatten() for layer in layers for part in (layer.weight, layer.bias)])
    weights = f' data-weights="{b64encode(numbers.float().numpy().astype("<f4")).decode()}"'
    pixels, digit = digits().X_test[0], digits().y_test[0].item()
    with torch.no_grad():
        p = nn.Sequential(*parts)(pixels.to(layers[0].weight)).softmax(dim=0).cpu()
    alt = (
        f"The 8 × 8 pixels of a {digit}, and ten bars for the probabilities of the digits; the bar of "
        f"{p.argmax().item()} is the longest. Where scripts run, this is a pad to draw a digit on."
    )
    return HTML(live_image(_picture(pixels, p), 400, alt, __package__, ["pad"], data, weights))


@house_style()
def _picture(pixels: Tensor, p: Tensor) -> bytes:
    """Draw a digit and what the network says of it, as PNG."""
    fig, (grid, bars) = figure(4, 2, columns=2)
    grid.imshow(pixels.reshape(8, 8).numpy(), cmap="Greys", vmin=0, vmax=1)
    grid.set(xticks=[], yticks=[], title="8 × 8 pixels")
    grid.spines[:].set_visible(True)
    grid.grid(visible=False)
    bars.barh(range(10), p.numpy(), color=COLOURS[0])
    bars.set(xlim=(0, 1), ylim=(9.6, -0.6), yticks=range(10), title="probability")
    return small_png(fig, colours=16)
