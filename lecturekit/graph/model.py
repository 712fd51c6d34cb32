"""What a computation graph consists of: a node for each tensor, an edge for each use of one. Data only."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(eq=False)
class Node:
    """One tensor of the computation.

    Attributes
    ----------
    name : str
        The reader's variable name, a parameter's name, the digits of a constant, or v₁, v₂, ….
    op, expression : str
        The operation, as PyTorch calls it (``"mul"``) and as a lecturer writes it (``"w · x"``); empty where none was.
    kind : str
        ``"leaf"`` (requires a gradient and was not computed), ``"input"`` (a tensor without gradient),
        ``"constant"`` (a Python number), ``"operation"``, or ``"output"`` (the target of all derivatives).
    shape, dtype : tuple of int, torch.dtype, or None
        Without a shape where a folded node stands for several tensors, without a dtype for Python numbers.
    value, grad, accumulated : torch.Tensor or None
        Copies on the CPU: the value when the operation ran, ∂target/∂node, and the tensor's own ``.grad`` when the
        block ended. None where there is none, or where it is larger than ``max_elems``.
    requires_grad : bool
    value_norm, grad_norm : float or None
        Euclidean norms, known also for tensors too large to copy.
    module : tuple of str
        The modules it was computed in, outermost first, as ``"path: Class"``.
    num_operations, num_parameters : int
        What was folded into this node.
    """

    name: str
    op: str = ""
    kind: str = "operation"
    expression: str = ""
    shape: tuple[int, ...] | None = ()
    dtype: torch.dtype | None = None
    value: torch.Tensor | None = None
    grad: torch.Tensor | None = None
    accumulated: torch.Tensor | None = None
    requires_grad: bool = False
    value_norm: float | None = None
    grad_norm: float | None = None
    module: tuple[str, ...] = ()
    num_operations: int = 1
    num_parameters: int = 0

    @property
    def has_grad(self) -> bool:
        return self.grad is not None or self.grad_norm is not None

    def __repr__(self) -> str:
        return f"<Node {self.name} = {self.expression}>" if self.expression else f"<Node {self.name}>"


@dataclass(eq=False)
class Edge:
    """A tensor and the result of an operation that used it, once per pair: ``x * x`` gives a single edge.

    Attributes
    ----------
    source, target : Node
    local_grad, contribution : torch.Tensor or None
        ∂target/∂source of the edge at the recorded values, shape ``target.shape + source.shape``, and what the edge
        adds to ``source.grad``. None where there is none, or where a tensor is larger than ``max_elems``.
    contribution_norm : float or None
        Euclidean norm.
    """

    source: Node
    target: Node
    local_grad: torch.Tensor | None = None
    contribution: torch.Tensor | None = None
    contribution_norm: float | None = None

    @property
    def carries_gradient(self) -> bool:
        """Whether a gradient flows back along this edge."""
        return self.contribution is not None or self.contribution_norm is not None

    def __repr__(self) -> str:
        return f"<Edge {self.source.name} → {self.target.name}>"
