"""The loss surface of a line as contours, with the paths of runs on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ... import _validate, plotting
from ...style import COLOURS, CONTOUR, DASHES, GRID, INK, LABEL, MARKERS, MUTED, TINTS
from .bowl import Bowl, check_line_data, in_one_scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plot_loss_surface(
    X: Tensor,
    y: Tensor,
    paths: Mapping[str, Tensor | Sequence] | None = None,
    *,
    w_range: tuple[float, float] | None = None,
    b_range: tuple[float, float] | None = None,
) -> Figure:
    """Draw the mean squared error of ŷ = X w + b over w and b as contour lines, and the paths of runs on it.

    A cross marks the minimum and a ring the start of each path. Where the picture is not much longer than wide, w and
    b have one scale, so that a step down the slope meets the contour lines at right angles.

    Parameters
    ----------
    X, y : torch.Tensor
        Both of shape (N, 1), of one floating point dtype, finite.
    paths : mapping of str to tensor or list, optional
        Up to four, labelled by their keys. A tensor of shape (T + 1, 2) holds w and b before the first and after each
        step, such as ``runs.paths[i, j, k]``; ``history.path`` will do where ``record`` returned w and b. A path that
        goes far off is cut at the edge, and ends where it is lost for good.
    w_range, b_range : tuple of float, optional
        What the axes show. Default: the minimum and the paths, but for what lies far off.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    Notes
    -----
    Introduced in notebook 07.
    """
    check_line_data(X, y)
    if paths is None:
        paths = {}
    if not isinstance(paths, Mapping):
        raise TypeError(f"paths must be a dict of paths, got {type(paths).__name__}")
    if len(paths) > len(COLOURS):
        raise ValueError(f"paths must hold at most {len(COLOURS)} paths, got {len(paths)}")
    tensors = {name: as_path(f"paths[{name!r}]", path) for name, path in paths.items()}
    bowl = Bowl.of(X, y)
    view = bowl.view(tensors.values() if tensors else [torch.zeros(1, 2, device="cpu")])
    for name, given, place in (("w_range", w_range, 0), ("b_range", b_range, 2)):
        if given is not None:
            if not isinstance(given, tuple | list) or len(given) != 2:
                raise TypeError(f"{name} must be two numbers (from, to), got {given!r}")
            low, high = (_validate.number(f"{name}[{i}]", value) for i, value in enumerate(given))
            if low >= high:
                raise ValueError(f"{name} must go from a smaller to a larger number, got {given}")
            view = (*view[:place], low, high, *view[place + 2 :])
    slope = (view[3] - view[2]) / (view[1] - view[0])
    fig, ax = plotting.figure(6.4, round(min(5.4, max(3.2, 5.6 * slope + 0.7)), 1))
    start = torch.stack([path[0] for path in tensors.values()]).mean(dim=0) if tensors else torch.zeros(2, device="cpu")
    draw_surface(ax, bowl, view, start)
    for index, (name, path) in enumerate(tensors.items()):
        style = {"color": COLOURS, "linestyle": DASHES, "marker": MARKERS}
        draw_path(ax, bowl, path, plotting.as_label(name), **{key: values[index] for key, values in style.items()})
    if tensors:
        add_legend(ax)
    return fig


def as_path(name: str, path: object) -> Tensor:
    """Return a path as a tensor of shape (T + 1, 2) on the CPU, in float64."""
    if isinstance(path, Sequence) and not isinstance(path, str) and len(path):
        try:
            path = torch.stack([_flat(point) for point in path])
        except (TypeError, ValueError, RuntimeError, OverflowError):
            raise TypeError(f"{name} must hold w and b for each step, got a list with {path[0]!r} first") from None
    if not isinstance(path, Tensor):
        raise TypeError(f"{name} must be a tensor or a list, got {type(path).__name__}")
    if path.ndim != 2 or path.shape[1] != 2 or not len(path):
        raise ValueError(f"{name} must have shape (T + 1, 2), w and b in its columns, got {tuple(path.shape)}")
    if path.is_meta or path.is_complex() or path.layout != torch.strided:
        raise TypeError(f"{name} must hold real numbers, got {path.dtype}, {path.layout} on {path.device}")
    path = path.detach().cpu().double()
    if not path[0].isfinite().all():
        raise ValueError(f"{name} must start at finite w and b, got {path[0].tolist()}")
    return path


def _flat(point: object) -> Tensor:
    """Return a tensor, or w and b in a tuple or list, be they numbers or tensors, as one row of numbers."""
    parts = point if isinstance(point, tuple | list) else [point]
    parts = [part.detach().cpu() if isinstance(part, Tensor) else part for part in parts]  # not all GPUs know float64
    return torch.cat([torch.as_tensor(part, dtype=torch.float64, device="cpu").reshape(-1) for part in parts])


def draw_surface(ax: Axes, bowl: Bowl, view: tuple[float, float, float, float], start: Tensor) -> None:
    """Draw the contour lines and the minimum; their labels lie on the other side than the start of the paths."""
    from matplotlib.colors import LinearSegmentedColormap

    w = torch.linspace(*view[:2], 241, dtype=torch.float64, device="cpu")
    b = torch.linspace(*view[2:], 181, dtype=torch.float64, device="cpu")
    losses = bowl.loss(torch.stack(torch.meshgrid(w, b, indexing="xy"), dim=-1))
    levels = bowl.levels(view)
    w, b, losses = w.numpy(), b.numpy(), losses.numpy()
    tints = LinearSegmentedColormap.from_list("bowl", [TINTS[0], "white"])
    ax.grid(visible=False)
    ax.spines[["top", "right"]].set_visible(True)
    if levels:
        shades = [tints(i / len(levels)) for i in range(len(levels) + 1)]
        ax.contourf(w, b, losses, levels=levels, colors=shades, extend="both")
        ax.contour(w, b, losses, levels=levels, colors=CONTOUR, linewidths=0.8)
        box = {"facecolor": LABEL, "edgecolor": "none", "pad": 0.8}
        for level, place in bowl.label_places(levels, view, away_from=start).items():
            ax.text(*place, f"{level:g}", fontsize=8, color=MUTED, ha="center", va="center", bbox=box)
    ax.plot(bowl.w, bowl.b, marker="x", color=INK, markersize=8, markeredgewidth=1.8, linestyle="none",
            label="minimum", zorder=5)  # fmt: skip
    ax.set(xlim=view[:2], ylim=view[2:], xlabel="weight w", ylabel="bias b")
    if in_one_scale(view):
        ax.set_aspect("equal")


def draw_path(ax: Axes, bowl: Bowl, path: Tensor, label: str, **style: object) -> None:
    """Draw one path until it is lost far off, with a ring at its start."""
    w, b = path[: bowl.until_lost(path)].T.numpy()
    ax.plot(w, b, **{"linewidth": 1.5, "markersize": 4, "markeredgewidth": 0, "zorder": 4} | style, label=label)
    ring = {"markersize": 11, "markerfacecolor": "none", "markeredgecolor": INK, "linestyle": "none"}
    named = any(line.get_label() == "start" for line in ax.lines)
    ax.plot(w[:1], b[:1], marker="o", zorder=5, label="_" if named else "start", **ring)


def add_legend(ax: Axes) -> None:
    """Explain the lines first, then the marks."""
    lines = [line for line in ax.lines if not line.get_label().startswith("_")]
    lines.sort(key=lambda line: ("start", "minimum").index(line.get_label()) if line.get_linestyle() == "None" else -1)
    style = {"frameon": True, "facecolor": "white", "framealpha": 0.9, "edgecolor": GRID, "fontsize": 9}
    plotting.add_legend(ax, lines, [line.get_label() for line in lines], **style)
