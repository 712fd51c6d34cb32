"""Trace PyTorch's own operator samples: is every operator recorded or passed through, with the right gradients?

Takes up to three samples of each of about 700 operators from ``torch.testing._internal``, runs each untraced and
traced, and compares results, random numbers, gradients of all inputs and the sums of contributions. Run by hand, from
the repository's root; needs ``pip install expecttest``:

    OMP_NUM_THREADS=1 python -W ignore benchmarks/operator_samples.py [operator …]
"""

import collections
import signal
import sys
import warnings

import torch
from torch.testing._internal.common_methods_invocations import op_db

from lecturekit.graph import trace
from lecturekit.graph.tape import dense, flatten

MAX_ELEMS = 4096
NOT_LINEAR = {"native_group_norm"}  # its backward passes nothing from its second and third result: sums do not add up


def fresh(value):
    """The same arguments in new tensors."""
    if isinstance(value, torch.Tensor):
        return value.detach().clone().requires_grad_(value.requires_grad)
    if type(value) in (list, tuple):
        return type(value)(fresh(item) for item in value)
    return {key: fresh(item) for key, item in value.items()} if isinstance(value, dict) else value


def total(out):
    """One real number that depends on all results."""
    tensors = [dense(tensor) for tensor in flatten(out) if tensor.requires_grad and tensor.grad_fn is not None]
    return sum((t.abs() ** 2 if t.is_complex() else t * t).sum() for t in tensors) if tensors else None


def close(a, b):
    a, b = (t.float() if t.dtype.itemsize == 1 else t for t in (dense(a.detach()), dense(b.detach())))
    return a.shape == b.shape and torch.allclose(a.to(b.dtype), b, equal_nan=True, rtol=1e-4, atol=1e-5)


def run(op, sample):
    arguments = fresh(sample.input), fresh(sample.args), fresh(sample.kwargs)
    torch.manual_seed(0)
    out = op(arguments[0], *arguments[1], **arguments[2])
    return flatten(arguments), out, torch.get_rng_state(), total(out)


def check(op, sample):
    """None if all is right, else what is not."""
    try:
        leaves, out, state, loss = run(op, sample)
    except Exception as error:
        return f"does not run untraced either ({error!r:.60})"
    leaves = [tensor for tensor in leaves if tensor.requires_grad]
    expected = torch.autograd.grad(loss, leaves, allow_unused=True) if loss is not None else []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with trace(max_elems=MAX_ELEMS) as g:
            traced_leaves, traced_out, traced_state, traced_loss = run(op, sample)
            traced_leaves = [tensor for tensor in traced_leaves if tensor.requires_grad]
    ours = [str(warning.message) for warning in caught if str(warning.message).startswith("trace ")]
    if ours:
        return f"warns: {ours[0]:.100}"
    if not torch.equal(state, traced_state):
        return "draws other random numbers"
    if "empty" not in op.name and not all(map(close, flatten(out), flatten(traced_out))):
        return "gives another result"
    if loss is None:
        return None
    nodes = {node.name.split("′")[0]: node for node in reversed(g.nodes)}
    for i, gradient in enumerate(expected):
        node = nodes.get(f"traced_leaves[{i}]")
        if gradient is None or (node is not None and gradient.numel() > MAX_ELEMS):
            continue
        if node is None or node.grad is None or not close(node.grad, gradient):
            return "has another gradient"
    for node in g.nodes:
        flows = [e.contribution for e in g.edges if e.source is node and e.contribution is not None]
        if node.grad is None or node is g.target or op.name in NOT_LINEAR:
            continue
        if not flows or not close(sum(flow.to(node.grad.dtype) for flow in flows), node.grad):
            return "has contributions that do not add up"
    g.to_text()
    return None if traced_loss is not None else "lost its gradient"


def too_long(*_):
    raise TimeoutError


def main(names):
    signal.signal(signal.SIGALRM, too_long)
    verdicts = collections.defaultdict(list)
    for op in op_db:
        if names and op.name not in names:
            continue
        dtype = next((d for d in (torch.float32, torch.complex64) if d in op.dtypes), torch.int64)
        verdict = None
        try:
            signal.alarm(60)
            gradients = op.supports_autograd and (dtype.is_floating_point or dtype.is_complex)
            for sample in list(op.sample_inputs("cpu", dtype, requires_grad=gradients))[:3]:
                verdict = verdict or check(op, sample)
        except Exception as error:
            verdict = f"crashes: {error!r:.100}"
        finally:
            signal.alarm(0)
        verdicts[verdict].append(op.name + (op.variant_test_name and "." + op.variant_test_name))
    print(f"{len(verdicts.pop(None, []))} operators are right")
    for verdict, operators in verdicts.items():
        print(f"{len(operators)} {verdict}: {', '.join(operators)}")


if __name__ == "__main__":
    main(sys.argv[1:])
