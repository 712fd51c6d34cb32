"""The graph behind a tensor that nobody traced, read from what autograd itself kept."""

from __future__ import annotations

import warnings

from torch import Tensor

from .gradients import Results, differentiate, one_like, untouched
from .model import Graph
from .names import Variables, caller_frame, checked_max_elems
from .tape import Tape, fill, first_line, gradient_edge, opaque


def graph_of(tensor: Tensor, names: dict | None = None, max_elems: int = 64) -> Graph:
    """Draw up the graph behind a tensor that was not traced, from what autograd kept of it.

    Values are known for leaves and for tensors that a variable of the caller still holds; Python numbers and
    tensors without gradient are not in autograd's graph, and … stands in their place.

    Parameters
    ----------
    tensor : torch.Tensor
        The result, and the target of all derivatives if it holds one number.
    names : dict, optional
    max_elems : int
        Both as for `trace`.

    Returns
    -------
    Graph
        Without gradients, and with a warning, where a backward pass has freed autograd's graph.

    Raises
    ------
    TypeError, ValueError
        If ``tensor`` is not a tensor, ``names`` not a dict with names as keys or ``max_elems`` not an int >= 0.

    Notes
    -----
    Introduced in notebook 06.
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"tensor must be a torch.Tensor, but graph_of got {type(tensor).__name__}")
    graph, tape = Graph(), Tape(checked_max_elems(max_elems))
    variables = Variables(caller_frame(), names)
    held = {gradient_edge(t): t for t in variables.tensors if t.requires_grad and not t.is_leaf and not opaque(t)}
    tape.held = {(edge.node, edge.output_nr): t for edge, t in held.items() if edge is not None}
    target, results = tape.look_up(tensor), Results()
    if target.edge is not None and tensor.numel() == 1 and tensor.is_floating_point():
        with untouched([tensor, *variables.tensors]):
            try:
                results = differentiate(tape, [target], [one_like(target)])
            except RuntimeError as error:
                warnings.warn(f"graph_of has no gradients to show: {first_line(error)}", stacklevel=2)
    variables.index(gradient_edge)
    fill(graph, tape, results, variables)
    tape.clear()
    return graph
