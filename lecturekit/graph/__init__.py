"""The computation graph that PyTorch builds, recorded with values and gradients, drawn and stepped through."""

from .model import Edge, Graph, Node
from .record import trace
from .walk import graph_of

__all__ = ["Edge", "Graph", "Node", "graph_of", "trace"]
