"""What the lessons share: data, the training loop, figures, graph pictures, devices and checks.

The lessons write ``import lecturekit as lk``. Importing it loads torch and the standard library, nothing else.
"""

import sys

from .lessons.environment import environment

try:
    from . import data
    from .checks import check, expect_error
    from .lessons.sweep import Explorer, Runs, explorer, plot_loss_surface, train_many
    from .devices import Timing, device, measure, synchronize
    from .graph import graph_of, trace
    from .plotting import figure, plot_decision_regions, plot_losses, plot_network, plot_tensor, plot_timings, show
    from .training import History, fit, minibatches
    from .lessons import diagrams
    from .lessons.workers import WorkerRun, run_workers
except Exception:
    # Where torch does not load, nothing here does. Only `python -m lecturekit` goes on, to say what is wrong: while
    # it looks for its module, Python calls itself "-m".
    if sys.argv[:1] != ["-m"]:
        raise

__all__ = [
    "Explorer",
    "History",
    "Runs",
    "Timing",
    "WorkerRun",
    "check",
    "data",
    "device",
    "diagrams",
    "environment",
    "expect_error",
    "explorer",
    "figure",
    "fit",
    "graph_of",
    "measure",
    "minibatches",
    "plot_decision_regions",
    "plot_loss_surface",
    "plot_losses",
    "plot_network",
    "plot_tensor",
    "plot_timings",
    "run_workers",
    "show",
    "synchronize",
    "trace",
    "train_many",
]
__version__ = "0.1.0"
