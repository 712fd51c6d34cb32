"""The mean squared error of a line, as the function of w and b that it is: a bowl that five numbers describe."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from ... import _validate

# In distances between start and minimum: a picture follows a path so far, and there gives it up.
FAR, LOST = 1.5, 30


@dataclass(frozen=True)
class Bowl:
    """The loss over w and b: lowest + mean_xx·Δw² + 2·mean_x·Δw·Δb + Δb², with Δw = w − w_best and Δb = b − b_best.

    Attributes
    ----------
    w, b : float
        The minimum.
    lowest : float
        The loss there.
    mean_xx, mean_x : float
        The means of x² and of x: with 1 they make the matrix that bends the bowl.
    """

    w: float
    b: float
    lowest: float
    mean_xx: float
    mean_x: float

    @classmethod
    def of(cls, X: Tensor, y: Tensor) -> Bowl:
        """Fit the line by least squares, in float64, since the bowl is measured from its bottom."""
        x, y = X.detach().cpu().double(), y.detach().cpu().double()
        rows = torch.cat((x, torch.ones_like(x)), dim=1)
        # Of several minima, as for a single example, this driver takes the one closest to zero.
        best = torch.linalg.lstsq(rows, y, driver="gelsd").solution
        lowest = (rows @ best - y).square().mean()
        return cls(*best[:, 0].tolist(), lowest.item(), x.square().mean().item(), x.mean().item())

    def loss(self, parameters: Tensor) -> Tensor:
        """Return the loss at parameters of shape (…, 2), in their dtype: shape (…)."""
        # Computed on the CPU, since not every device knows float64.
        points = parameters.cpu().double()
        w, b = (points - points.new_tensor([self.w, self.b])).unbind(-1)
        return (self.lowest + self.mean_xx * w**2 + 2 * self.mean_x * w * b + b**2).to(parameters)

    def view(self, paths: Iterable[Tensor]) -> tuple[float, float, float, float]:
        """Return what a picture must show, w from and to, b from and to: the minimum and the paths, unless far off."""
        points = torch.cat([path.detach().cpu().double().reshape(-1, 2) for path in paths])
        starts = torch.stack([path.detach().cpu().double().reshape(-1, path.shape[-2], 2)[0, 0] for path in paths])
        best = torch.tensor([[self.w, self.b]], dtype=torch.float64, device="cpu")
        reach = (starts - best).norm(dim=1).max().item() or 1.0
        near = points[(points - best).norm(dim=1) <= FAR * reach]  # false for NaN
        round_minimum = best + 0.3 * reach * best.new_tensor([[1, 0], [-1, 0], [0, 1], [0, -1]])
        near = torch.cat((near, starts, round_minimum))
        middle = (near.amin(0) + near.amax(0)) / 2
        half = (near.amax(0) - near.amin(0)) / 2
        # Some room, and no picture that is much longer than it is wide: the bowl has to be seen round the paths.
        half = 1.15 * torch.maximum(half, 0.5 * half.max())
        low, high = (middle - half).tolist(), (middle + half).tolist()
        return low[0], high[0], low[1], high[1]

    @staticmethod
    def widened(view: tuple[float, float, float, float], ratio: float) -> tuple[float, float, float, float]:
        """Return the smallest view round another that is `ratio` times as wide as high, in one scale."""
        w_low, w_high, b_low, b_high = view
        high = max(b_high - b_low, (w_high - w_low) / ratio)
        w, b = (w_low + w_high) / 2, (b_low + b_high) / 2
        return w - ratio * high / 2, w + ratio * high / 2, b - high / 2, b + high / 2

    def until_lost(self, path: Tensor) -> int:
        """Return how many points of a path of shape (T + 1, 2) come before it goes far off and does not come back."""
        distance = (path.double() - path.new_tensor([self.w, self.b], dtype=torch.float64)).norm(dim=1)
        near = distance <= LOST * (distance[0] or 1)  # false for NaN
        return int(near.nonzero()[-1]) + 1

    def levels(self, view: tuple[float, float, float, float], at_most: int = 9) -> list[float]:
        """Return round losses for contour lines between the lowest and the highest in view: 1, 2, 5, 10, …

        In a close-up, where fewer than two of these lie in view, they are evenly spaced: at least two, or none where
        all losses in view would read the same.
        """
        w, b = (torch.linspace(*ends, 41, dtype=torch.float64, device="cpu") for ends in (view[:2], view[2:]))
        losses = self.loss(torch.cartesian_prod(w, b))
        highest = losses.max().item()  # at a corner
        inside = view[0] <= self.w <= view[1] and view[2] <= self.b <= view[3]
        lowest = self.lowest if inside else losses.min().item()
        # Below a thousandth of the way up, lines would crowd in one point.
        bottom = lowest + (highest - lowest) / 2000
        decades = range(math.floor(math.log10(bottom)), math.ceil(math.log10(highest)) + 1)
        levels = [
            digit * 10.0**decade for decade in decades for digit in (1, 2, 5) if bottom < digit * 10.0**decade < highest
        ]
        if len(levels) >= 2:
            return levels[-at_most:]
        third = (highest - lowest) / 3  # so that two lines lie in view at least
        if third < 3e-5 * highest:
            return []
        unit = 10.0 ** math.floor(math.log10(third))
        space = max(digit * unit for digit in (1, 2, 5) if digit * unit <= third)
        first, last = math.floor(lowest / space) + 1, math.ceil(highest / space)
        return [float(f"{i * space:.12g}") for i in range(first, last)]

    def label_places(
        self, levels: list[float], view: tuple[float, float, float, float], away_from: Tensor
    ) -> dict[float, tuple[float, float]]:
        """Return a point (w, b) of the contour line of each level in view, on the side that is away from a point.

        No label covers another: where lines lie close together, as in a narrow valley, a label moves along its line to
        a free place, or is left out.
        """
        w_low, w_high, b_low, b_high = view
        wide, high = w_high - w_low, b_high - b_low
        # What a letter takes of a side at least 3.5 inches long; in one scale, of the longer side.
        size_w, size_b = [max(wide, high)] * 2 if in_one_scale(view) else (wide, high)
        letter_w, letter_b = 0.016 * size_w, 0.04 * size_b
        first = math.atan2(self.b - away_from[1].item(), self.w - away_from[0].item())
        places = {}
        for level in levels:
            for turn in range(60):
                angle = first + (-1) ** turn * turn * math.pi / 60
                w, b = math.cos(angle), math.sin(angle)
                bend = self.mean_xx * w * w + 2 * self.mean_x * w * b + b * b
                reach = math.sqrt((level - self.lowest) / max(bend, 1e-12))
                w, b = self.w + reach * w, self.b + reach * b
                if not (abs(2 * w - w_low - w_high) < 0.9 * wide and abs(2 * b - b_low - b_high) < 0.9 * high):
                    continue  # not in view; also true for NaN
                if all(
                    abs(b - other_b) > letter_b
                    or abs(w - other_w) > letter_w * (len(f"{level:g}") + len(f"{other:g}")) / 2
                    for other, (other_w, other_b) in places.items()
                ):
                    places[level] = (w, b)
                    break
        return places


def in_one_scale(view: tuple[float, float, float, float]) -> bool:
    """Whether one scale for w and b gives a picture of which no side is more than three times the other."""
    wide, high = view[1] - view[0], view[3] - view[2]
    return max(wide, high) <= 3 * min(wide, high)


def check_line_data(X: object, y: object) -> None:
    """Refuse what no line with one weight and one bias can be fitted to."""
    _validate.paired_examples("X", X, "y", y)
    for name, value in {"X": X, "y": y}.items():
        if value.ndim != 2 or value.shape[1] != 1:
            raise ValueError(f"{name} must have shape (N, 1), one weight and one output, got {tuple(value.shape)}")
    if not X.is_floating_point() or X.dtype != y.dtype:
        raise TypeError(f"X and y must be of one floating point dtype, got {X.dtype} and {y.dtype}")
