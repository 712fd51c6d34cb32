"""Gradient descent and SGD, measured: ``python -m lecturekit.measurements -o FILE [--quick] [--device cpu|cuda]``.

Everything is timed on the CPU and, where there is one, on the GPU (way "graph": captured as one CUDA graph):

- **step**: one step of an ADALINE (`nn.Linear`, `mse_loss`, `optim.SGD`) on N examples with d features, with all
  examples (batch size None: gradient descent, GD) and with mini-batches. The data lie on the device. Mini-batches are
  put in order anew each time, out of all N rows; drawing the permutation is not counted.
- **to loss**: all steps until the loss on the first 10,000 examples is at most 2, from zero weights. The best
  possible loss is 1, the first about 22. Drawing the permutation is counted, evaluating is not.
- **bandwidth**: bytes moved, by a copy of a large tensor (each byte is read and written), and by GD on data of the same
  size. A GD step reads X twice, once for the predictions and once for the gradient, and y once; nothing else is
  counted. Ways: "textbook", the step above, and "blocks", the gradient by hand, summed in 1,000 blocks.

The result is one JSON file. It names neither the computer nor its user.
"""

from .measuring import run
from .records import Row, Run, load, recorded

__all__ = ["Row", "Run", "load", "recorded", "run"]
