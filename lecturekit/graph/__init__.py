"""The computation graph that PyTorch builds, recorded with values and gradients, drawn and stepped through.

Read the modules in the order in which a tensor goes through them (pyproject.toml says which may import which):

- ``model``: the `Node` and `Edge` that remain when the block ends; data only
- ``record``: `trace` sees each call of PyTorch in a block, `graph_of` reads a graph afterwards
- ``tape``: what is known of each tensor meanwhile, and its place in autograd's own graph
- ``calls``: a call as a lecturer writes it, ``w · x``
- ``gradients``: all derivatives, from PyTorch's backward pass
- ``choose``: the target, where no backward pass in the block names one, and which tensors are shown
- ``names``: what the reader calls each tensor
- ``graph``, ``fold``: the `Graph` that the reader gets, and how a large one becomes a small one
- ``text``, ``rules``, ``steps``: numbers in words, local derivatives and backward rules, one caption for each step
- ``typeset``, ``layout``, ``picture``: text as blocks, places of boxes, and the whole, with when each part is seen
- ``draw``, ``stepper.js``, ``edit.js``: the picture as SVG and PNG, with buttons, and with numbers to change
"""

from .graph import Graph
from .model import Edge, Node
from .record import graph_of, trace

__all__ = ["Edge", "Graph", "Node", "graph_of", "trace"]
