"""What the lessons share: data, the training loop, figures, graph pictures, devices and checks.

The lessons write ``import lecturekit as lk``. Importing it loads torch and the standard library, nothing else.
"""

from . import data
from .checks import check, expect_error
from .devices import device, synchronize
from .graph import graph_of, trace
from .plotting import figure, plot_decision_regions, plot_losses, plot_tensor, show
from .training import History, fit, minibatches

__all__ = [
    "History",
    "check",
    "data",
    "device",
    "expect_error",
    "figure",
    "fit",
    "graph_of",
    "minibatches",
    "plot_decision_regions",
    "plot_losses",
    "plot_tensor",
    "show",
    "synchronize",
    "trace",
]
__version__ = "0.1.0"
