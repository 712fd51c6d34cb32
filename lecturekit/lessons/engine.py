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
        Copied into `value`, as float64 unless it is an array of other floats. Change `value` only after `backward`,
        and in place.
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
        if self.value.dtype.kind != "f":  # whole numbers or bools
            self.value = self.value.astype(np.float64)
        self.shape = self.value.shape
        self.made_from = [pair for pair in made_from if pair[0].requires_grad]
        self.requires_grad = requires_grad or len(self.made_from) > 0
        self.depth = 1 + max([source.depth for source, _ in self.made_from], default=0)
        self.grad = None

    def __repr__(self):
        return f"Tensor({self.value})"


def backward(self, gradient=None):
    """Add to the `grad` of each leaf behind this number, or behind several with their upstream gradient."""
    if not self.requires_grad:
        raise RuntimeError("nothing behind this tensor requires a gradient")
    if gradient is None:
        if self.value.size != 1:
            raise RuntimeError(f"backward() from shape {self.shape} needs a gradient")
        gradient = np.ones(self.shape)
    arrived = {self: np.asarray(gradient)}
    while arrived:
        tensor = max(arrived, key=lambda tensor: tensor.depth)
        up = arrived.pop(tensor)
        if up.shape != tensor.shape:
            raise RuntimeError(f"a gradient {up.shape} for a tensor {tensor.shape}")
        for source, rule in tensor.made_from:
            sent = unbroadcast(rule(up), source.shape)
            arrived[source] = arrived.get(source, 0) + sent
        if not tensor.made_from:  # a leaf
            if tensor.grad is None:
                tensor.grad = np.zeros_like(tensor.value)
            tensor.grad += up


def as_tensor(x, like):
    return x if isinstance(x, Tensor) else Tensor(np.asarray(x, like.value.dtype))


def add(a, b):
    b = as_tensor(b, a)
    return Tensor(a.value + b.value, made_from=[(a, lambda up: up), (b, lambda up: up)])


def multiply(a, b):
    b = as_tensor(b, a)
    rules = [(a, lambda up: up * b.value), (b, lambda up: up * a.value)]
    return Tensor(a.value * b.value, made_from=rules)


def power(a, b):
    b = as_tensor(b, a)
    value = a.value**b.value
    lower = np.where(b.value == 0, 0, b.value - 1)  # x**0 is flat; 0 * 0**-1 is nan
    rule_a = (a, lambda up: up * b.value * a.value**lower)
    rule_b = (b, lambda up: up * value * np.log(a.value))
    return Tensor(value, made_from=[rule_a, rule_b])


def sum_over(a, axis=None, keepdims=False):
    kept = a.value.sum(axis=axis, keepdims=True).shape  # length 1 along the axis
    rule = (a, lambda up: np.broadcast_to(up.reshape(kept), a.shape))
    return Tensor(a.value.sum(axis=axis, keepdims=keepdims), made_from=[rule])


def mean_over(a, axis=None, keepdims=False):
    total = sum_over(a, axis, keepdims)
    N = a.value.size / max(1, total.value.size)  # there may be no sums at all
    return total / N


def matmul(a, b):
    b = as_tensor(b, a)
    if a.value.ndim == 1:  # a vector on the left is one row
        return matmul(a.reshape(1, -1), b).reshape(b.shape[1:])
    if b.value.ndim == 1:  # a vector on the right is one column
        return matmul(a, b.reshape(-1, 1)).reshape(a.shape[:-1])
    if a.value.ndim != 2 or b.value.ndim != 2:
        raise ValueError(f"@ is for vectors and matrices, not {a.shape} and {b.shape}")
    rules = [(a, lambda up: up @ b.value.T), (b, lambda up: a.value.T @ up)]
    return Tensor(a.value @ b.value, made_from=rules)


def exp(a):
    value = np.exp(a.value)
    return Tensor(value, made_from=[(a, lambda up: up * value)])


def log(a):
    return Tensor(np.log(a.value), made_from=[(a, lambda up: up / a.value)])


def relu(a):
    value = np.maximum(a.value, 0)
    return Tensor(value, made_from=[(a, lambda up: up * (value > 0))])


def sigmoid(a):
    """Return 1 / (1 + exp(-a)). (Far below 0, NumPy warns of an overflow. The value, 0, is right.)"""
    value = 1 / (1 + np.exp(-a.value))
    return Tensor(value, made_from=[(a, lambda up: up * value * (1 - value))])


def tanh(a):
    value = np.tanh(a.value)
    return Tensor(value, made_from=[(a, lambda up: up * (1 - value**2))])


def reshape(a, *shape):
    rule = (a, lambda up: up.reshape(a.shape))
    return Tensor(a.value.reshape(*shape), made_from=[rule])


def pick(a, index):
    def scatter(up):
        gradient = np.zeros(a.shape)
        np.add.at(gradient, index, up)
        return gradient

    return Tensor(a.value[index], made_from=[(a, scatter)])


def log_softmax(a, axis=-1):
    shifted = a - a.value.max(axis=axis, keepdims=True)
    return shifted - shifted.exp().sum(axis=axis, keepdims=True).log()


Tensor.backward = backward
Tensor.__add__ = Tensor.__radd__ = add
Tensor.__mul__ = Tensor.__rmul__ = multiply
Tensor.__pow__ = power
Tensor.__rpow__ = lambda b, a: as_tensor(a, b) ** b
Tensor.__neg__ = lambda a: a * -1
Tensor.__sub__ = lambda a, b: a + -as_tensor(b, a)
Tensor.__rsub__ = lambda a, b: -a + b
Tensor.__truediv__ = lambda a, b: a * as_tensor(b, a) ** -1
Tensor.__rtruediv__ = lambda a, b: a**-1 * b
Tensor.__matmul__ = matmul
Tensor.__rmatmul__ = lambda b, a: as_tensor(a, b) @ b
Tensor.sum, Tensor.mean = sum_over, mean_over
Tensor.exp, Tensor.log, Tensor.relu = exp, log, relu
Tensor.sigmoid, Tensor.tanh = sigmoid, tanh
Tensor.reshape, Tensor.__getitem__ = reshape, pick
Tensor.T = property(lambda a: Tensor(a.value.T, made_from=[(a, lambda up: up.T)]))
Tensor.log_softmax = log_softmax
