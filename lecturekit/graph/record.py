"""Record the computation graph of the reader's own code while it runs, or read it from what autograd kept."""

from __future__ import annotations

import contextlib
import inspect
import itertools
import sys
import threading
import warnings

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode

from .calls import Call, describe_call, is_in_place, op_name
from .choose import default_target, fill
from .gradients import Derivatives, differentiate, one_like, untouched
from .graph import Graph
from .names import Variables, caller_frame
from .tape import Entry, Tape, flatten, gradient_edge, is_wrapper

# Calls that compute no new tensor of the reader's, or one that is looked at when it is used.
IGNORED = set(
    "grad _grad _base requires_grad_ retain_grad register_hook share_memory_ __deepcopy__ __reduce_ex__ __setstate__ "
    "tensor as_tensor asarray from_numpy backward __repr__ __format__ __len__ __bool__ size dim item tolist is_leaf "
    "shape requires_grad grad_fn dtype device ndim numel _set_grad_enabled is_floating_point is_complex".split()
)
_state = threading.local()  # .busy: this thread is in the middle of bookkeeping, nothing it calls is the reader's


class trace(TorchFunctionMode):
    """Record what PyTorch computes in a ``with`` block, as a graph with values and gradients.

    Results, ``.grad``, random numbers and the autograd graph stay exactly as without it, and after the block nothing
    is left behind. Only the reader's own hooks on tensors, and own ``autograd.Function.backward``, run more often.

    Parameters
    ----------
    names : dict, optional
        ``{"name": tensor}`` for tensors that no variable names, ``{"variable": "name"}`` to show another name.
    target : str, optional
        The variable, inside the block, to take all derivatives of. By default what ``backward`` or ``grad`` was last
        called on in the block, with its ``gradient`` or ``grad_outputs``; else the last scalar that an operation
        returned, else the last result with one element. Where there is none, ``g.target`` is None.
    max_elems : int
        Larger tensors are shown by shape and norm; their numbers are not kept.

    Returns
    -------
    Graph
        From ``with trace() as g``; filled when the block ends, also by an exception, which passes through.

    Notes
    -----
    Local derivatives are left out in graphs of more than 300 operations. What runs inside ``torch.vmap`` and
    ``torch.func`` passes through unrecorded. Introduced in notebook 00, explained in notebook 03.

    Examples
    --------
    >>> w = torch.tensor(2.0, requires_grad=True)
    >>> with trace() as g:
    ...     loss = (3 * w) ** 2
    >>> [(node.name, node.value.item(), node.grad) for node in g.nodes if node.kind == "leaf"]
    [('w', 2.0, tensor(36.))]
    """

    def __init__(self, names: dict | None = None, target: str | None = None, max_elems: int = 64):
        super().__init__()
        self._names, self._target, self._max_elems = names or {}, target, max_elems

    def __enter__(self) -> Graph:
        self._frame = caller_frame()
        self._graph, self._tape, self._derivatives, self._error = Graph(), Tape(self._max_elems), None, None
        self._thread, self._modules, self._calls = threading.get_ident(), [], itertools.count()
        self._has_warned = False
        self._quietly(self._remember_names)
        # Hooks for all modules are the only ones that need no list of the reader's modules; they stay for the block.
        self._hooks = [
            register_module_forward_pre_hook(self._module_begins),
            register_module_forward_hook(self._module_ends, always_call=True),
        ]
        super().__enter__()
        return self._graph

    def __exit__(self, *exception):
        super().__exit__(*exception)
        for hook in self._hooks:
            hook.remove()
        self._quietly(self._finish)
        self._graph = self._frame = self._tape = self._derivatives = self._error = None
        self._modules, self._hooks = [], []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if getattr(_state, "busy", False):
            return func(*args, **kwargs)
        name = op_name(func)
        if func in (torch.autograd.grad, torch.autograd.backward, Tensor.backward):
            self._quietly(self._before_backward, func, args, kwargs)
        if name in IGNORED:
            return func(*args, **kwargs)
        in_place = is_in_place(name) or kwargs.get("inplace") is True or kwargs.get("out") is not None
        call = self._quietly(self._describe, func, args, kwargs) if in_place else None
        out = func(*args, **kwargs)
        if in_place:
            self._quietly(self._record_change, name, args, kwargs, call)
        elif isinstance(out, Tensor | list | tuple | dict):
            self._quietly(self._record, func, args, kwargs, out)
        return out

    def _quietly(self, function, *args):
        """Do bookkeeping that the reader's code must not notice, not even when it fails."""
        outer, _state.busy = getattr(_state, "busy", False), True
        try:
            with torch._C.DisableTorchFunctionSubclass():  # nor do tensor subclasses see it
                return function(*args)
        except Exception as error:
            if not self._has_warned:
                self._has_warned = True
                self._warn(
                    f"trace could not record everything in this block ({_first_line(error)}). Your own results are "
                    "not affected, but the graph may lack nodes or gradients."
                )
        finally:
            _state.busy = outer

    def _warn(self, message):
        with contextlib.suppress(UserWarning):  # where the reader turned warnings into errors
            warnings.warn_explicit(message, UserWarning, self._frame.f_code.co_filename, self._frame.f_lineno)

    # --- One call

    def _module_begins(self, module, args):
        if threading.get_ident() == self._thread:
            self._modules.append((module, next(self._calls)))

    def _module_ends(self, module, args, output):
        if threading.get_ident() == self._thread and self._modules:
            self._modules.pop()

    def _describe(self, func, args, kwargs) -> Call | None:
        given = flatten([args, {key: value for key, value in kwargs.items() if key != "out"}])
        if any(map(is_wrapper, given)):
            return None
        return describe_call(func, args, kwargs, self._tape.look_up, self._tape.constant)

    def _record(self, func, args, kwargs, out):
        """Put the results of a call on the tape."""
        name, given = op_name(func), flatten([args, kwargs])
        if not given or name.endswith("_like") or name.startswith("new_"):
            return  # made from no other tensor's values: an input once it is used
        same = {id(tensor) for tensor in given}
        results = [tensor for tensor in flatten(out) if id(tensor) not in same]
        if results and not any(map(is_wrapper, results)):
            self._add(results, self._describe(func, args, kwargs))

    def _record_change(self, name, args, kwargs, call):
        """Put what a call changed in place on the tape; `call` was described before the change."""
        changed = kwargs.get("out")
        if changed is None:
            changed = args[0] if args else next(iter(kwargs.values()), None)
        if name.startswith(("_foreach", "_fused")):  # the optimiser's, on all parameters at once
            for tensor in flatten(changed):
                self._tape.forget(tensor)
        else:
            self._add(flatten(changed), call)

    def _add(self, results: list[Tensor], call: Call | None):
        for i, tensor in enumerate(results if call is not None else []):
            if tensor.requires_grad and tensor.is_leaf:  # a parameter after its update starts a new graph
                self._tape.add(tensor)
            else:
                which = call if len(results) == 1 else Call(call.op, call.args, call.kwargs, i)
                self._tape.add(tensor, which, call.operands(), tuple(self._modules))

    # --- Derivatives

    def _before_backward(self, func, args, kwargs):
        """Take the derivatives now: the reader's own pass is about to free the graph."""
        if _is_called_by_torch():
            return  # torch.autograd.functional.jacobian and the like: not what the reader differentiates
        try:
            given = inspect.signature(func).bind(*args, **kwargs).arguments
        except TypeError:
            return  # PyTorch is about to say so itself
        if given.get("is_grads_batched"):
            return
        outputs = given.get("outputs", given.get("tensors", given.get("self")))
        vectors = given.get("grad_outputs", given.get("grad_tensors", given.get("gradient")))
        outputs = [outputs] if isinstance(outputs, Tensor | GradientEdge) else list(outputs)
        vectors = list(vectors) if isinstance(vectors, list | tuple) else [vectors] * len(outputs)
        if self._target is not None:
            chosen = self._variables().tensor(self._target)
            if chosen is None:
                return
            outputs, vectors = [chosen], [None]
        if any(is_wrapper(output) or not output.requires_grad for output in flatten(outputs)):
            return
        targets = [self._tape.look_up(o) if isinstance(o, Tensor) else self._tape.look_up_edge(o) for o in outputs]
        if all(v is not None or target.is_one_number for v, target in zip(vectors, targets, strict=True)):
            self._differentiate(targets, vectors)

    def _differentiate(self, targets: list[Entry], vectors=(None,)):
        vectors = [one_like(t) if v is None else v.detach().clone() for v, t in zip(vectors, targets, strict=True)]
        known = self._derivatives
        if known and known.targets == targets and all(map(torch.equal, known.vectors, vectors)):
            return
        alive = [tensor for entry in self._tape.entries if (tensor := entry.tensor) is not None]
        with untouched([*alive, *self._variables().tensors]):
            try:
                self._derivatives = differentiate(self._tape, targets, vectors)
            except RuntimeError as error:  # freed or changed: if this is the reader's mistake, autograd says so next
                self._error = error

    # --- Begin and end

    def _variables(self) -> Variables:
        return Variables(self._frame, self._names)

    def _remember_names(self):
        self._tape.first_names = self._variables().references()

    def _finish(self):
        variables, before = self._variables(), self._tape.first_names
        for tensor in variables.tensors:  # results nobody has used yet, of operations no mode sees
            is_new = id(tensor) not in before or before[id(tensor)][1]() is not tensor
            if is_new and tensor.grad_fn is not None and not is_wrapper(tensor) and self._tape.continues(tensor):
                self._tape.look_up(tensor)
        target = None
        if self._target is not None:
            chosen = variables.tensor(self._target)
            target = self._tape.look_up(chosen) if chosen is not None else None
            if target is None or target.edge is None or not target.is_one_number:
                self._warn(
                    f"trace has no gradients to show: target={self._target!r} is not a variable that holds one number "
                    "and requires a gradient."
                )
                target = None
        elif self._derivatives is None:
            target = default_target(self._tape.entries)
        if target is not None:
            self._differentiate([target])
        if self._derivatives is None and self._error is not None:
            self._warn(f"trace has no gradients to show: {_first_line(self._error)}")
        fill(self._graph, self._tape, self._derivatives or Derivatives(), variables)


def graph_of(tensor: Tensor, names: dict | None = None, max_elems: int = 64) -> Graph:
    """Draw up the graph behind a tensor that was not traced, from what autograd kept of it.

    Values are known for leaves and for tensors that a variable of the caller still holds; Python numbers and
    tensors without gradient are not in autograd's graph, and … stands in their place.

    Parameters
    ----------
    tensor : torch.Tensor
        The result, and the target of all derivatives if it holds one number.
    names, max_elems
        As for `trace`.

    Returns
    -------
    Graph
        Without gradients, and with a warning, where a backward pass has freed autograd's graph.

    Notes
    -----
    Introduced in notebook 07.

    Examples
    --------
    >>> w = torch.tensor(2.0, requires_grad=True)
    >>> loss = (3 * w) ** 2
    >>> print(graph_of(loss).nodes)
    [<Node w>, <Node v₁ = w · …>, <Node loss = pow(v₁)>]
    """
    graph, tape, variables = Graph(), Tape(max_elems), Variables(caller_frame(), names or {})
    for held in variables.tensors:
        if not held.is_leaf and not is_wrapper(held) and (edge := gradient_edge(held)) is not None:
            tape.held[edge.node, edge.output_nr] = held
    target, derivatives = tape.look_up(tensor), Derivatives()
    if target.edge is not None and tensor.numel() == 1 and tensor.is_floating_point():
        with untouched([tensor, *variables.tensors]):
            try:
                derivatives = differentiate(tape, [target], [one_like(target)])
            except RuntimeError as error:
                warnings.warn(f"graph_of has no gradients to show: {_first_line(error)}", stacklevel=2)
    fill(graph, tape, derivatives, variables)
    return graph


def _is_called_by_torch() -> bool:
    """Whether the function being intercepted was called by PyTorch's own Python code."""
    frame = sys._getframe(1)
    # torch.utils._device: a reader's `with torch.device(…)` inside the block gets each call before trace does, and
    # calls the function again.
    passed = ("torch.overrides", "torch.autograd", "torch._tensor", __name__, "torch.utils._device")
    while frame.f_back is not None and frame.f_globals.get("__name__") in passed:
        frame = frame.f_back
    return str(frame.f_globals.get("__name__")).startswith("torch.")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
