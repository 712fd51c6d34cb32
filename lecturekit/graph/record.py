"""Record the computation graph of the reader's own code while it runs."""

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

from .expressions import is_in_place, op_name, recorded_call
from .gradients import Results, differentiate, one_like, untouched
from .model import Graph
from .names import Variables, caller_frame, checked_max_elems, checked_names
from .tape import Record, Tape, fill, first_line, flatten, gradient_edge, opaque

# Calls that compute no new tensor of the reader's, or one that is looked at when it is used.
IGNORED = set(
    "grad _grad _base requires_grad_ retain_grad register_hook share_memory_ __deepcopy__ __reduce_ex__ __setstate__ "
    "tensor as_tensor asarray from_numpy backward __repr__ __format__ __len__ __bool__ size dim item tolist is_leaf "
    "shape requires_grad grad_fn dtype device ndim numel _set_grad_enabled is_floating_point is_complex".split()
)
_state = threading.local()  # .busy: this thread is in the middle of bookkeeping, nothing it calls is the reader's


def default_target(records: list[Record]) -> Record | None:
    """The last real scalar that an operation made, or else the last result with a single element."""
    found = [r for r in records if r.call and r.edge and r.node.dtype and r.node.dtype.is_floating_point and r.ref]
    scalars = [r for r in found if r.node.shape == ()] or [
        r for r in found if r.node.shape.count(1) == len(r.node.shape)
    ]
    return scalars[-1] if scalars else None


def _asked_by_torch() -> bool:
    """Whether the function being intercepted was called by PyTorch's own Python code."""
    frame = sys._getframe(1)
    # torch.utils._device: a reader's `with torch.device(…)` inside the block gets each call before trace does, and
    # calls the function again.
    passed = ("torch.overrides", "torch.autograd", "torch._tensor", __name__, "torch.utils._device")
    while frame.f_back is not None and frame.f_globals.get("__name__") in passed:
        frame = frame.f_back
    return str(frame.f_globals.get("__name__")).startswith("torch.")


class trace(TorchFunctionMode):
    """Record what PyTorch computes in a ``with`` block, as a graph with values and gradients.

    Results, ``.grad``, random numbers and the autograd graph stay exactly as without it, and after the block nothing
    is left behind. Only the reader's own hooks on tensors, and own ``autograd.Function.backward``, run more often:
    once more for each gradient pass, and again for each local derivative.

    Parameters
    ----------
    names : dict, optional
        ``{"name": tensor}`` for tensors that no variable names, ``{"variable": "name"}`` to show another name.
    target : str, optional
        The variable, inside the block, to take all derivatives of. By default what ``backward`` or ``grad`` was last
        called on in the block (with its ``gradient`` or ``grad_outputs``, which gives vector-Jacobian products; of
        several outputs, the sum), else the last scalar that an operation returned, else the last result with one
        element. Where there is none of these, the graph has no gradients and ``g.target`` is None.
    max_elems : int
        Larger tensors are shown by shape and norm; their numbers are not kept.

    Returns
    -------
    Graph
        From ``with trace() as g``; filled when the block ends, also by an exception, which passes through.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, or ``max_elems`` is negative.

    Notes
    -----
    Local derivatives are left out in graphs of more than 300 operations. What runs inside ``torch.vmap`` and
    ``torch.func`` passes through unrecorded. Each thread records its own calls.
    Introduced in notebook 00, explained in notebook 03.
    """

    def __init__(self, names: dict | None = None, target: str | None = None, max_elems: int = 64):
        super().__init__()
        if target is not None and not isinstance(target, str):
            raise TypeError(f"target must be the name of a variable in the block, but got {type(target).__name__}")
        self._names, self._target, self._max_elems = checked_names(names), target, checked_max_elems(max_elems)

    def __enter__(self) -> Graph:
        self._frame = caller_frame()
        self._graph, self._tape, self._results = Graph(), Tape(self._max_elems), None
        self._trouble, self._error, self._modules, self._calls = False, None, [], itertools.count()
        self._thread = threading.get_ident()
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
        self._tape.clear()
        self._graph = self._frame = self._results = self._error = self._names_then = None
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
        if in_place or isinstance(out, Tensor | list | tuple | dict):
            self._quietly(self._record, func, args, kwargs, out, in_place, call)
        return out

    # ------------------------------------------------------------------ one call

    def _quietly(self, function, *args):
        """Do bookkeeping that the reader's code must not notice, not even when it fails."""
        outer, _state.busy = getattr(_state, "busy", False), True
        try:
            with torch._C.DisableTorchFunctionSubclass():  # nor do tensor subclasses see it
                return function(*args)
        except Exception as error:
            if not self._trouble:
                self._trouble = True
                self._warn(
                    f"trace could not record everything in this block ({first_line(error)}). Your own results are "
                    "not affected, but the graph may lack nodes or gradients."
                )
        finally:
            _state.busy = outer

    def _warn(self, message):
        with contextlib.suppress(UserWarning):  # where the reader turned warnings into errors
            warnings.warn_explicit(message, UserWarning, self._frame.f_code.co_filename, self._frame.f_lineno)

    def _describe(self, func, args, kwargs):
        tensors = flatten([args, {key: value for key, value in kwargs.items() if key != "out"}])
        if any(opaque(tensor) for tensor in tensors):
            return None
        return recorded_call(func, args, kwargs, self._tape.look_up, self._tape.constant)

    def _record(self, func, args, kwargs, out, in_place, call):
        name = op_name(func)
        if in_place:
            changed = kwargs.get("out")
            if changed is None:
                changed = args[0] if args else next(iter(kwargs.values()), None)
            outs = flatten(changed)
            if name.startswith(("_foreach", "_fused")):  # the optimiser's, on all parameters at once
                for tensor in outs:
                    self._tape.forget(tensor)
                return
        else:
            given = flatten([args, kwargs])
            if not given or name.endswith("_like") or name.startswith("new_"):
                return  # made from no other tensor's values: an input once it is used
            same = {id(tensor) for tensor in given}
            outs = [tensor for tensor in flatten(out) if id(tensor) not in same]
            if not outs or any(opaque(tensor) for tensor in outs):
                return
            call = self._describe(func, args, kwargs)
        if call is None:
            return
        inputs = list(dict.fromkeys(call.operands()))
        for i, tensor in enumerate(outs):
            if tensor.requires_grad and tensor.is_leaf:  # a parameter after its update starts a new graph
                self._tape.add(tensor)
                continue
            which = call if len(outs) == 1 else type(call)(call.op, call.args, call.kwargs, i)
            self._tape.add(tensor, which, inputs, tuple(self._modules))

    def _module_begins(self, module, args):
        if threading.get_ident() == self._thread:
            self._modules.append((module, next(self._calls)))

    def _module_ends(self, module, args, output):
        if threading.get_ident() == self._thread and self._modules:
            self._modules.pop()

    # ------------------------------------------------------------------ derivatives

    def _before_backward(self, func, args, kwargs):
        """Take the derivatives now: the reader's own pass is about to free the graph."""
        if _asked_by_torch():
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
            chosen = Variables(self._frame, self._names).tensor(self._target)
            if chosen is None:
                return
            outputs, vectors = [chosen], [None]
        if any(isinstance(output, Tensor) and (opaque(output) or not output.requires_grad) for output in outputs):
            return
        targets = []
        for output in outputs:
            edge = isinstance(output, GradientEdge)
            targets.append(self._tape.walk(output) if edge else self._tape.look_up(output))
        if any(v is None and r.node.shape.count(1) != len(r.node.shape) for v, r in zip(vectors, targets, strict=True)):
            return
        self._differentiate(targets, [one_like(r) if v is None else v for v, r in zip(vectors, targets, strict=True)])

    def _differentiate(self, targets, vectors):
        vectors = [vector.detach() for vector in vectors]
        known = self._results and (self._results.targets, self._vectors)
        if known and known[0] == targets and all(map(torch.equal, known[1], vectors)):
            return
        with untouched([*self._tape.tensors(), *self._variables_now().tensors]):
            try:
                self._results = differentiate(self._tape, targets, vectors)
                self._vectors = [vector.clone() for vector in vectors]
            except RuntimeError as error:  # freed or changed: if this is the reader's mistake, autograd says so next
                self._error = error

    def _variables_now(self):
        return Variables(self._frame, self._names)

    def _remember_names(self):
        self._names_then = self._variables_now().weak()
        self._tape.entry_names = self._names_then

    def _finish(self):
        variables = self._variables_now()
        for tensor in variables.tensors:  # results nobody has used yet, of operations no mode sees
            new = id(tensor) not in self._names_then or self._names_then[id(tensor)][1]() is not tensor
            if new and tensor.grad_fn is not None and not opaque(tensor) and self._tape.continues(tensor):
                self._tape.look_up(tensor)
        target = None
        if self._target is not None:
            chosen = variables.tensor(self._target)
            target = self._tape.look_up(chosen) if chosen is not None else None
            if target is None or target.edge is None or target.node.shape.count(1) != len(target.node.shape):
                self._warn(
                    f"trace has no gradients to show: target={self._target!r} is not a variable that holds one number "
                    "and requires a gradient."
                )
                target = None
        elif self._results is None:
            target = default_target(self._tape.records)
        if target is not None:
            self._differentiate([target], [one_like(target)])
        if self._results is None and self._error is not None:
            self._warn(f"trace has no gradients to show: {first_line(self._error)}")
        variables.index(gradient_edge)
        fill(self._graph, self._tape, self._results or Results(), variables)
