"""Tensors drawn as cells, for lesson 01."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..plotting import figure
from ..style import DETAIL, INK, OUTLINE, TINTS, house_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@house_style()
def plot_tensor(tensor: Tensor | Mapping[str, Tensor]) -> Figure:
    """Draw tensors as cells: rows and columns, layers that lie one before the other, blocks of layers.

    Layers and blocks carry their indices, such as ``[1]`` or ``[0, 1]``. Values are written into the cells where there
    is room. A dashed, pale cell takes up no memory of its own: it shows a number that an earlier cell shows already, as
    in a tensor stretched by ``expand``. Introduced in notebook 01.

    Parameters
    ----------
    tensor : torch.Tensor of rank 0 to 4 with 1 to 1,000 elements, else ValueError; or several by their names

    Examples
    --------
    >>> fig = plot_tensor({"m": torch.eye(2, 3)})
    >>> fig.axes[0].texts[0].get_text()
    'm · shape (2, 3)'
    """
    from matplotlib.collections import PolyCollection

    named = tensor if isinstance(tensor, Mapping) else {f"rank {tensor.ndim}": tensor}
    for one in named.values():
        if one.ndim > 4 or not 1 <= one.numel() <= 1000:
            raise ValueError(f"tensor must have rank 0 to 4 and 1 to 1000 elements, got shape {tuple(one.shape)}")
    # Spread out, with values, where they can be read; else in a pile. Lengths are in cells until the figure is made.
    few = sum(one.numel() for one in named.values()) <= 64
    for spread in (True, False) if few else (False,):
        parts = [_Cells(name, one, spread) for name, one in named.items()]
        width = sum(part.width for part in parts) + len(parts) - 1
        height = max(part.height for part in parts)
        cell = min(0.5, 9 / width, 7.5 / height)  # inches
        if cell >= 0.42:
            break
    title_height = 0.5 / cell
    # Rounded up to quarters of an inch, which are whole pixels at any resolution that is used here.
    inches = (width * cell + 0.3, (height + title_height) * cell + 0.2)
    fig, ax = figure(*(math.ceil(4 * length) / 4 for length in inches))
    ax.set_axis_off()
    ax.set(xlim=(-0.1, width + 0.1), ylim=(height + 0.1, -title_height), aspect="equal")
    longest = max(len(text) for part in parts for text in part.texts)
    font_size = min(11, 98 * cell / longest)  # points; a digit is about 0.6 of it wide
    left = 0.0
    for part in parts:
        ax.text(left + part.margin, -0.4 * title_height, part.title, fontsize=10, color=INK)
        corners = [(left + x, y) for x, y in part.corners]
        squares = [[(x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1)] for x, y in corners]
        tints = ["white" if again else tint for tint, again in zip(part.tints, part.repeated, strict=True)]
        edges = [OUTLINE if again else INK for again in part.repeated]
        dashes = [(0, (3, 2)) if again else "solid" for again in part.repeated]
        style = {"facecolors": tints, "edgecolors": edges, "linestyles": dashes, "linewidths": 1.0 if spread else 0.6}
        ax.add_collection(PolyCollection(squares, **style))
        for (x, y), text, again in zip(corners, part.texts, part.repeated, strict=True) if spread else ():
            colour = DETAIL if again else INK
            ax.text(x + 0.5, y + 0.5, text, ha="center", va="center", fontsize=font_size, color=colour)
        for text, x, y in part.labels:
            ax.text(left + x - 0.15, y + 0.5, text, ha="right", va="center", fontsize=9 if spread else 8, color=INK)
        left += part.width + 1
    return fig


class _Cells:
    """The cells of a tensor, in the order of its elements, and what is written into and beside them."""

    def __init__(self, name: object, tensor: Tensor, spread: bool):
        shape = tuple(tensor.shape)
        num_blocks, num_layers, num_rows, num_columns = (1,) * (4 - len(shape)) + shape
        self.title = f"{name} · shape {shape}"
        values = tensor.detach().flatten().tolist()
        self.texts = [f"{value:.4g}" if isinstance(value, float | complex) else str(value) for value in values]
        length = 1 + sum((size - 1) * stride for size, stride in zip(shape, tensor.stride(), strict=True))
        places = torch.arange(length, device="cpu").as_strided(shape, tensor.stride()).flatten().tolist()
        self.repeated = [places.index(place) < i for i, place in enumerate(places)]  # shares memory with an earlier one
        self.margin = {3: 1.0, 4: 1.6}.get(len(shape), 0.0) * (1 if spread else 1.6)  # room for the labels
        # Each layer lies lower and further left than the one before. Spread out, no cell covers another.
        step_x, step_y = (0.4, num_rows + 0.4) if spread else (0.6, 1.0)
        block_width = self.margin + num_columns + step_x * (num_layers - 1)
        block_height = num_rows + step_y * (num_layers - 1)
        per_row = min(num_blocks, max(1, int((18 if spread else 48) // (block_width + 1))))
        self.width = max(per_row * (block_width + 1) - 1, 0.18 * len(self.title))
        self.height = math.ceil(num_blocks / per_row) * (block_height + 1) - 1
        self.corners, self.tints, self.labels = [], [], []
        for block in range(num_blocks):
            for layer in range(num_layers):
                x = block % per_row * (block_width + 1) + self.margin + step_x * (num_layers - 1 - layer)
                y = block // per_row * (block_height + 1) + step_y * layer
                if len(shape) >= 3:
                    self.labels.append((str([block, layer][4 - len(shape) :]), x, y))
                self.corners += [(x + column, y + row) for row in range(num_rows) for column in range(num_columns)]
                self.tints += [TINTS[layer % 2]] * (num_rows * num_columns)
