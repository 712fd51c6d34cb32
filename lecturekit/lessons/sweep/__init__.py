"""Linear regression by GD and SGD: many runs at once, their loss surface, and an explorer to slide through them."""

from .pictures import Explorer, explorer, plot_loss_surface
from .runs import Runs, train_many

__all__ = ["Explorer", "Runs", "explorer", "plot_loss_surface", "train_many"]
