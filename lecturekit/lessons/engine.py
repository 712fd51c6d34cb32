"""The autograd of notebook 05: tensors on NumPy arrays that find their own gradients.

First a tensor and its way back, then one operation after another. An operation computes its value, and gives for each
tensor that it uses a rule: the upstream gradient `up` goes in, the gradient of that tensor comes out.
"""

import numpy as np


def unbroadcast(gradient, shape):
    """Sum a gradient over the axes that broadcasting has added or stretched."""
    while gradient.ndim > len(shape):
        gradient = gradient.sum(axis=0)
    for axis, length in enumerate(shape):
        if length == 1:
            gradient = gradient.sum(axis=axis, keepdims=True)
    return gradient


class Tensor:
    """An array that remembers what it was made from; operators and methods do what PyTorch's do.

    Parameters
    ----------
    values : float, nested list or array
        Copied into `value`, as float64 unless it is an array of other floats. Change `value` only after `backward`.
    requires_grad : bool
        Whether `backward` adds to `grad`, an array of the shape of `value`, or None before the first time.
    made_from : sequence of (Tensor, rule)
        What this tensor was computed from. Introduced in notebook 05.

    Examples
    --------
    >>> w = Tensor([[1], [2]], requires_grad=True)
    >>> ((Tensor([[3, 4]]) @ w) ** 2).mean().backward()
    >>> w.grad.tolist()
    [[66.0], [88.0]]
    """

    __array_ufunc__ = None  # NumPy leaves array * tensor to us

    def __init__(self, values, requires_grad=False, made_from=()):
        self.value = np.array(values)
        if self.value.dtype.kind != "f":
            self.value = self.value.astype(np.float64)
        self.made_from = [pair for pair in made_from if pair[0].requires_grad]
        self.requires_grad = requires_grad or len(self.made_from) > 0
        self.depth = 1 + max([source.depth for source, _ in self.made_from], default=0)
        self.grad = None

    @property
    def shape(self):
        return self.value.shape

    def __repr__(self):
        return f"Tensor({self.value})"


def deepest_first(output):
    """Return all tensors behind an output, each before those it was made from."""
    found, to_visit = {output}, [output]
    while to_visit:
        for source, _ in to_visit.pop().made_from:
            if source not in found:
                found.add(source)
                to_visit.append(source)
    return sorted(found, key=lambda tensor: tensor.depth, reverse=True)


def backward(self, gradient=None):
    """Add to the `grad` of each leaf behind this number, or behind several with their upstream gradient."""
    if not self.requires_grad:
        raise RuntimeError("nothing behind this tensor requires a gradient")
    if gradient is None and self.value.size != 1:
        raise RuntimeError(f"backward() from shape {self.shape} needs a gradient")
    arrived = {self: np.ones(self.shape) if gradient is None else np.asarray(gradient)}
    for tensor in deepest_first(self):
        up = arrived.pop(tensor)
        if up.shape != tensor.shape:
            raise RuntimeError(f"a gradient {up.shape} for a tensor {tensor.shape}")
        for source, rule in tensor.made_from:
            sent = unbroadcast(rule(up), source.shape)
            arrived[source] = arrived.get(source, 0) + sent
        if not tensor.made_from:
            if tensor.grad is None:
                tensor.grad = np.zeros_like(tensor.value)
            tensor.grad += up


def as_tensor(value, dtype):
    return value if isinstance(value, Tensor) else Tensor(np.asarray(value, dtype))


def both_sides(operation):
    """Return the operation for a tensor on the left of a number, and for one on the right."""
    return (
        lambda a, b: operation(a, as_tensor(b, a.value.dtype)),
        lambda b, a: operation(as_tensor(a, b.value.dtype), b),
    )


def add(a, b):
    return Tensor(a.value + b.value, made_from=[(a, lambda up: up), (b, lambda up: up)])


def multiply(a, b):
    rules = [(a, lambda up: up * b.value), (b, lambda up: up * a.value)]
    return Tensor(a.value * b.value, made_from=rules)


def power(a, b):
    value = a.value**b.value
    lower = np.where(b.value == 0, 0, b.value - 1)  # x**0 is flat, at 0 too
    rule_a = (a, lambda up: up * b.value * a.value**lower)
    rule_b = (b, lambda up: up * value * np.log(a.value))
    return Tensor(value, made_from=[rule_a, rule_b])


def sum_over(a, axis=None, keepdims=False):
    kept = a.value.sum(axis=axis, keepdims=True)
    rule = (a, lambda up: np.broadcast_to(up.reshape(kept.shape), a.shape))
    return Tensor(kept if keepdims else kept.squeeze(axis), made_from=[rule])


def mean_over(a, axis=None, keepdims=False):
    total = sum_over(a, axis, keepdims)
    return total / (a.value.size / max(1, total.value.size))


def matmul(a, b):
    if a.value.ndim not in (1, 2) or b.value.ndim not in (1, 2):
        raise ValueError(f"@ is for vectors and matrices, not {a.shape} and {b.shape}")
    left = np.atleast_2d(a.value)  # one row, if a is a vector
    right = b.value if b.value.ndim == 2 else b.value[:, None]  # one column, if b is
    shape = (left @ right).shape
    rule_a = (a, lambda up: (up.reshape(shape) @ right.T).reshape(a.shape))
    rule_b = (b, lambda up: (left.T @ up.reshape(shape)).reshape(b.shape))
    return Tensor(a.value @ b.value, made_from=[rule_a, rule_b])


def exp(a):
    value = np.exp(a.value)
    return Tensor(value, made_from=[(a, lambda up: up * value)])


def log(a):
    return Tensor(np.log(a.value), made_from=[(a, lambda up: up / a.value)])


def relu(a):
    value = np.maximum(a.value, 0)
    return Tensor(value, made_from=[(a, lambda up: up * (value > 0))])


def sigmoid(a):
    value = np.exp(-np.logaddexp(0, -a.value))  # 1 / (1 + exp(-a)), without overflow
    return Tensor(value, made_from=[(a, lambda up: up * value * (1 - value))])


def tanh(a):
    value = np.tanh(a.value)
    return Tensor(value, made_from=[(a, lambda up: up * (1 - value**2))])


def reshape(a, *shape):
    rule = (a, lambda up: up.reshape(a.shape))
    return Tensor(a.value.reshape(*shape), made_from=[rule])


def pick(a, index):
    def scatter(up):
        gradient = np.zeros_like(a.value)
        np.add.at(gradient, index, up)
        return gradient

    return Tensor(a.value[index], made_from=[(a, scatter)])


def log_softmax(a, axis=-1):
    value = a.value - np.logaddexp.reduce(a.value, axis=axis, keepdims=True)
    rule = (a, lambda up: up - np.exp(value) * up.sum(axis=axis, keepdims=True))
    return Tensor(value, made_from=[rule])


Tensor.backward = backward
Tensor.__add__, Tensor.__radd__ = both_sides(add)
Tensor.__mul__, Tensor.__rmul__ = both_sides(multiply)
Tensor.__pow__, Tensor.__rpow__ = both_sides(power)
Tensor.__matmul__, Tensor.__rmatmul__ = both_sides(matmul)
Tensor.__neg__ = lambda a: a * -1
Tensor.__sub__, Tensor.__rsub__ = both_sides(lambda a, b: a + -b)
Tensor.__truediv__, Tensor.__rtruediv__ = both_sides(lambda a, b: a * b**-1)
Tensor.sum, Tensor.mean = sum_over, mean_over
Tensor.exp, Tensor.log, Tensor.relu = exp, log, relu
Tensor.sigmoid, Tensor.tanh = sigmoid, tanh
Tensor.reshape, Tensor.__getitem__ = reshape, pick
Tensor.T = property(lambda a: Tensor(a.value.T, made_from=[(a, lambda up: up.T)]))
Tensor.log_softmax = log_softmax
