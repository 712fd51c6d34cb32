"""Small pictures in rows, and what is taken for what, for lesson 12."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from ..plotting import figure
from ..style import COLOURS, INK, house_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
    shown = ConfusionMatrixDisplay.from_predictions(
        y.cpu(),
        y_hat.cpu(),
        labels=range(len(class_names)),
        display_labels=class_names,
        cmap="Blues",
        colorbar=False,
        ax=ax,
    )
    for text in shown.text_.flat:
        text.set_visible(text.get_text() != "0")  # a page of zeros hides the mistakes
    ax.set(xlabel="answer", ylabel="true class")
    return fig
