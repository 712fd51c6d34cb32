"""Record the computation graph of the reader's own code while it runs, or read it from what autograd kept."""

from __future__ import annotations

import contextlib
import inspect
import sys
import threading
import warnings

import torch
from torch import Tensor
from torch.autograd import _get_sequence_nr
from torch.compiler import is_compiling
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode

from .calls import Call, describe_call, is_in_place, op_name
from .choose import default_target, fill_graph
from .gradients import Derivatives
from .graph import Graph
from .names import Variables
from .tape import Entry, Tape, flatten, gradient_edge, is_leaf, is_wrapper

# Calls that return no new tensor of the reader's, or one that is looked at when it is used.
IGNORED = set("grad _grad _base requires_grad_ share_memory_ __deepcopy__ tensor as_tensor asarray".split())
LEAVING = {"item", "tolist", "numpy", "__float__", "tensor", "as_tensor", "asarray"}  # autograd does not follow
# Who packs what is saved for a backward pass, as checkpoints do; only from version 2.8 on.
_packing = getattr(torch._C._autograd, "_top_saved_tensors_default_hooks", None)
_state = threading.local()  # .busy: this thread keeps books, in this trace or in one around it; nothing is the reader's


class trace(TorchFunctionMode):
    """Record what PyTorch computes in a ``with`` block, as a graph with values and gradients.

    What was computed before the block is an input. Results, ``.grad``, random numbers and the autograd graph stay
    exactly as without it, and after the block nothing is left behind. Hooks and own ``autograd.Function.backward`` run
    as often as without it.

    Parameters
    ----------
    names : dict, optional
        ``{"name": tensor}`` for tensors that no variable names, ``{"variable": "name"}`` to show another name.
    target : str, optional
        The variable, such as ``"loss"`` or ``"out['loss']"``, to take all derivatives of. By default what ``backward``
        or ``grad`` was last called on in the block, with its ``gradient`` or ``grad_outputs`` (but after
        ``create_graph=True``, a later scalar that comes of it); else the last scalar that an operation returned, else
        the last result with one element. Where there is none, ``g.target`` is None.
    max_elems : int
        Larger tensors are shown by shape and norm; their numbers are not kept.

    Returns
    -------
    Graph
        From ``with trace() as g``; filled when the block ends, also by an exception, which passes through.

    Notes
    -----
    What runs inside ``torch.vmap``, ``torch.func``, ``torch.compile``, ``torch.jit`` and a ``DataLoader`` is not
    recorded; autograd alone says what came of it. With hooks, a checkpoint or an own ``autograd.Function``, gradients
    are known only where a backward pass runs in the block, and the local derivatives of these only from number to
    number. Hooks of a ``grad_fn`` are not seen; a checkpoint made before the block computes again more often. Blocks
    that differentiate more than 1,000 operations, and tensors of more than ``max_elems`` numbers, have no local
    derivatives. Introduced in notebook 00, explained in notebook 03.

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
        self._frame = sys._getframe(1)
        self._graph, self._tape, self._derivatives = Graph(), Tape(self._max_elems, _get_sequence_nr()), None
        self._thread, self._modules = threading.get_ident(), []  # (module, something that stands for this call)
        self._failure = self._reason = ""  # why something is missing from the graph; why there are no gradients
        self._slopes = []  # the gradient edges of what the last grad(…, create_graph=True) returned
        self._tape.first = self._quietly(lambda: Variables(self._frame, self._names).known()) or self._tape.first
        # Hooks for all modules are the only ones that need no list of the reader's modules; they stay for the block.
        self._hooks = [register_module_forward_pre_hook(self._module_begins)]
        self._hooks += [register_module_forward_hook(self._module_ends, always_call=True)]
        super().__enter__()
        return self._graph

    def __exit__(self, kind, *exception):
        super().__exit__(kind, *exception)
        for hook in self._hooks:
            hook.remove()
        is_told = kind is None or self._reason  # by now; else an exception that has nothing to do with gradients
        self._quietly(self._finish)
        if self._failure and kind is None:
            self._warn(f"trace could not record everything in this block ({self._failure}): the graph has gaps.")
        elif is_told and self._reason and self._derivatives is None:
            self._warn(f"trace has no gradients to show: {self._reason}")
        self._graph = self._frame = self._tape = self._derivatives = None
        self._modules, self._hooks, self._slopes = [], [], []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if is_compiling() or getattr(_state, "busy", False) or self._is_called_from("torch.utils.data"):
            return func(*args, **kwargs)
        name = op_name(func)
        if func in (torch.autograd.grad, torch.autograd.backward, Tensor.backward):
            return self._run_backward(func, args, kwargs)
        self._tape.left |= name in LEAVING and flatten(args) != []
        self._tape.is_hooked |= name == "register_hook"
        if name in IGNORED:
            return func(*args, **kwargs)
        in_place = is_in_place(name) or kwargs.get("inplace") is True or kwargs.get("out") is not None
        call = self._quietly(self._before_change, func, args, kwargs) if in_place else None
        out = func(*args, **kwargs)
        if in_place or isinstance(out, Tensor | list | tuple | dict):
            self._quietly(self._record, func, args, kwargs, out, in_place, call)
        return out

    def _is_called_from(self, package: str) -> bool:
        """Whether the call comes, within the block, from code of this package."""
        frame = sys._getframe()
        while frame is not None and frame is not self._frame:
            if frame.f_globals.get("__name__", "").startswith(package):
                return True
            frame = frame.f_back
        return False

    def _quietly(self, function, *args):
        """Do bookkeeping that the reader's code must not notice, not even when it fails."""
        outer, _state.busy = getattr(_state, "busy", False), True
        try:
            with torch._C.DisableTorchFunctionSubclass():  # nor do tensor subclasses see it
                return function(*args)
        except Exception as error:
            self._failure = self._failure or _first_line(error)
        finally:
            _state.busy = outer

    def _warn(self, message):
        with contextlib.suppress(UserWarning):  # where the reader turned warnings into errors
            warnings.warn_explicit(message, UserWarning, self._frame.f_code.co_filename, self._frame.f_lineno)

    # --- One call

    def _module_begins(self, module, args):
        if not is_compiling() and threading.get_ident() == self._thread:
            self._modules.append((module, object()))

    def _module_ends(self, module, args, output):
        if not is_compiling() and threading.get_ident() == self._thread and self._modules:
            self._modules.pop()

    def _before_change(self, func, args, kwargs) -> Call | None:
        """Describe a call that is about to change tensors; None if it makes no node."""
        changed = _changed(args, kwargs)
        if all(map(is_leaf, changed)) or op_name(func).startswith(("_foreach", "_fused", "normal_", "uniform_")):
            return None  # an optimiser's step, or random numbers: what they changed starts a new graph
        if any(tensor.requires_grad for tensor in changed) and self._is_called_from("torch.autograd.function"):
            return None  # an own Function, which is one operation
        given = {key: value for key, value in kwargs.items() if key != "out"}
        return self._describe(func, args, kwargs, flatten([args, given]))

    def _record(self, func, args, kwargs, out, in_place: bool, call: Call | None):
        """Put the results of a call on the tape; one that changed tensors was described before the change."""
        if in_place:
            results = _changed(args, kwargs)
            for tensor in results:
                self._tape.forget(tensor)
        else:
            name, given = op_name(func), flatten([args, kwargs])
            if not given or name.endswith("_like") or name.startswith("new_"):
                return  # made from no other tensor's values: an input once it is used
            same = set(map(id, given))
            results = [tensor for tensor in flatten(out) if id(tensor) not in same]
            call = self._describe(func, args, kwargs, [*given, *results]) if results else None
        if call is not None:
            is_packed = _packing(True) is not None if _packing else self._is_called_from("torch.utils.checkpoint")
            self._tape.add_results(results, call, tuple(self._modules), is_packed)

    def _describe(self, func, args, kwargs, tensors: list[Tensor]) -> Call | None:
        is_seen = not any(map(is_wrapper, tensors))
        return describe_call(func, args, kwargs, self._tape.look_up, self._tape.constant) if is_seen else None

    # --- Derivatives

    def _run_backward(self, func, args, kwargs):
        """Let the reader's backward pass run, after derivatives of our own: it is about to free the graph."""
        is_theirs = self._quietly(self._before_backward, func, args, kwargs)
        try:
            out = func(*args, **kwargs)
        finally:
            if self._derivatives is not None:
                self._quietly(self._derivatives.end)
        if is_theirs and func is torch.autograd.grad and kwargs.get("create_graph"):
            self._slopes = self._quietly(list, filter(None, map(gradient_edge, flatten(out))))
        elif is_theirs and self._derivatives is not None:
            self._slopes = []
            self._quietly(self._tape.prune, [*self._derivatives.targets, *self._derivatives.grads])
        return out

    def _before_backward(self, func, args, kwargs) -> bool:
        """Take the derivatives of what the reader differentiates; return whether the reader does."""
        if self._is_called_from("torch.autograd.functional"):
            return False
        try:
            given = inspect.signature(func).bind(*args, **kwargs).arguments
        except TypeError:
            return False  # PyTorch is about to say so itself
        outputs = given.get("outputs", given.get("tensors", given.get("self")))
        vectors = given.get("grad_outputs", given.get("grad_tensors", given.get("gradient")))
        outputs = [outputs] if isinstance(outputs, Tensor) else list(outputs)
        vectors = list(vectors) if isinstance(vectors, list | tuple) else [vectors] * len(outputs)
        theirs = list(map(id, outputs))
        if self._target is not None:
            outputs, vectors = [Variables(self._frame, self._names).tensor(self._target)], [None]
        if not all(isinstance(o, Tensor) and o.requires_grad and not is_wrapper(o) for o in outputs):
            return False
        targets = [self._tape.open(output) for output in outputs]
        pairs = zip(vectors, targets, strict=True)
        if all(target.is_one_number if v is None else v.shape == target.node.shape for v, target in pairs):
            self._differentiate(targets, vectors, theirs_follows=theirs == list(map(id, outputs)))
        return True

    def _differentiate(self, targets: list[Entry], vectors: list[Tensor | None], theirs_follows: bool = False):
        try:
            self._derivatives = Derivatives(self._tape, targets, vectors).take(theirs_follows)
        except RuntimeError as error:  # freed or changed: if this is the reader's mistake, autograd says so next
            self._reason = self._reason or _first_line(error)

    def _finish(self) -> None:
        tape, variables = self._tape, Variables(self._frame, self._names)
        if self._target is not None or self._derivatives is not None:
            tape.left = False
        tape.look_for_results(list(variables.tensors))
        target = None
        if self._target is None:
            target = default_target(tape, self._slopes) if self._slopes or not self._derivatives else None
        elif (chosen := variables.tensor(self._target)) is not None and chosen.requires_grad and chosen.numel() == 1:
            target = tape.open(chosen)
        else:
            self._reason = f"target={self._target!r} is not a variable that holds one number and requires a gradient."
        if target is not None:
            self._differentiate([target], [None])
        fill_graph(self._graph, tape, self._derivatives or Derivatives(tape, [], []), variables)


def graph_of(tensor: Tensor, names: dict | None = None, max_elems: int = 64) -> Graph:
    """Draw up the graph behind a tensor that was not traced, from what autograd kept of it.

    Values are known for leaves and for tensors that a variable of the caller still holds; Python numbers and
    tensors without gradient are not in autograd's graph, and … stands in their place. A leaf that an optimiser has
    changed since then has no value; changes by hand are not noticed.

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
    graph, tape, variables = Graph(), Tape(max_elems), Variables(sys._getframe(1), names or {})
    target, derivatives = tape.look_up(tensor), Derivatives(tape, [], [])
    tape.first = variables.known()
    tape.look_for_results(list(variables.tensors))
    if target.edge is not None and tensor.numel() == 1 and tensor.is_floating_point():
        try:
            derivatives = Derivatives(tape, [target], [None]).take()
        except RuntimeError as error:
            warnings.warn(f"graph_of has no gradients to show: {_first_line(error)}", stacklevel=2)
    fill_graph(graph, tape, derivatives, variables)
    return graph


def _changed(args, kwargs) -> list[Tensor]:
    """Return what a call in place changes."""
    out = kwargs.get("out")
    return flatten(out if out is not None else args[0] if args else next(iter(kwargs.values()), None))


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
