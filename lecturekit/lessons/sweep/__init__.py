"""Linear regression by GD and SGD: many runs at once, their loss surface, and an explorer to slide through them."""

from .explore import Explorer, explorer
from .runs import Runs, train_many
from .surface import plot_loss_surface

__all__ = ["Explorer", "Runs", "explorer", "plot_loss_surface", "train_many"]
