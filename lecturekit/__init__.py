"""What the lessons share. They write ``import lecturekit as lk``, which loads torch and the standard library only.

To know the package, read it in this order. First what every lesson uses, half an hour:

- ``devices``: CPU or CUDA, and timing that is right on both
- ``training``: the loop; `fit` hands mini-batches to the reader's step and measures the loss
- ``data``: the data sets, as small tensors with names, from files whose contents are compared
- ``checks``: errors that a lesson raises on purpose, and how exercises are judged
- ``plotting``: figures; their colours and letters stand in ``style``
- ``_web``: a picture that becomes something to click on, with the buttons of ``player.js``

Then ``graph``, the computation graph behind one verb, `trace`; its own docstring says in which order.

Nobody need read the rest: ``lessons``, what a single lesson needs, and ``exercises``, the rules that `check` applies.
"""

from . import data
from .checks import expect_error
from .devices import Timing, device, measure, synchronize
from .exercises.progress import check, progress
from .graph import graph_of, trace
from .lessons import diagrams
from .lessons.cells import plot_tensor
from .lessons.digits import plot_images
from .lessons.environment import environment
from .lessons.sweep import Explorer, Runs, explorer, plot_loss_surface, train_many
from .lessons.workers import WorkerRun, run_workers
from .plotting import figure, plot_decision_regions, plot_losses, plot_network, plot_timings, show
from .training import History, fit, minibatches

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
    "plot_images",
    "plot_loss_surface",
    "plot_losses",
    "plot_network",
    "plot_tensor",
    "plot_timings",
    "progress",
    "run_workers",
    "show",
    "synchronize",
    "trace",
    "train_many",
]
__version__ = "0.1.0"
