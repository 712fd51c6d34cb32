"""The tensor engine of notebook 05 against PyTorch: values and gradients, in float64, whatever the shapes."""

import ast
import doctest
import os
import re
from pathlib import Path

import notebook_rules as rules
import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, mutually_broadcastable_shapes

from lecturekit.lessons import engine
from lecturekit.lessons.engine import Tensor

# ENGINE_EXAMPLES=1000 tries as many random shapes for each operation.
often = settings(max_examples=int(os.environ.get("ENGINE_EXAMPLES", 10)))
seeds = st.integers(0, 2**32 - 1)

# a and b broadcast, p and q are as they, but positive.
ELEMENTWISE = ["a + b", "a - b", "a * b", "a / q", "p ** q", "-a", "a + 2", "2 - a", "3 * a", "2 / p", "a / 3"]
ELEMENTWISE += ["a ** 2", "a ** 0", "p ** -1.5", "2.0 ** a"]
ELEMENTWISE += ["a.exp()", "p.log()", "a.relu()", "a.sigmoid()", "a.tanh()"]
SHAPES = ["a.sum()", "a.mean()", "a.reshape(-1)", "a.reshape((1, *a.shape))"]
ALONG_AN_AXIS = ["a.sum(axis=k)", "a.mean(axis=k)", "a.log_softmax(axis=k)"]
ALONG_AN_AXIS += ["a.sum(axis=k, keepdims=True)", "a.mean(axis=k, keepdims=True)", "a.sum(axis=first)"]
PRODUCTS = ["M @ N", "u @ M", "M @ v", "v @ v", "M.T", "N.T @ M.T"]
# i and j are arrays of rows and columns, some of them several times; mask says yes or no for each row.
PICKED = ["M[i]", "M[i, j]", "M[0]", "M[-1, 0]", "M[1:]", "M[:, ::2]", "M[mask]", "M[:, None]", "M[i][..., j]", "u[i]"]


def assert_equal(ours, theirs, tolerance=1e-12):
    assert ours.shape == tuple(theirs.shape)
    np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=tolerance, atol=tolerance)


def compare(program, arrays, seed, tolerance=1e-12, **others):
    """Run a program that computes `out` in both, go back from there, and compare all there is."""
    ours = {name: Tensor(array, requires_grad=True) for name, array in arrays.items()}
    theirs = {name: torch.tensor(array, requires_grad=True) for name, array in arrays.items()}
    results = {**others, **ours}, {**others, **theirs}
    for variables in results:
        exec(program, {}, variables)
    out, expected = (variables["out"] for variables in results)
    assert_equal(out.value, expected, tolerance)
    upstream = np.random.default_rng(seed).normal(size=out.shape)
    out.backward(upstream)
    expected.backward(torch.tensor(upstream))
    for name in arrays:
        if theirs[name].grad is None:
            assert ours[name].grad is None, name
        else:
            assert_equal(ours[name].grad, theirs[name].grad, tolerance)


def normal(seed, **shapes):
    draw = np.random.default_rng(seed)
    return {name: draw.normal(size=shape).round(1) for name, shape in shapes.items()}  # some are 0


@pytest.mark.parametrize("expression", ELEMENTWISE + SHAPES)
@given(shapes=mutually_broadcastable_shapes(num_shapes=2, max_dims=3, min_side=0, max_side=4), seed=seeds)
@often
def test_shapes_that_broadcast(expression, shapes, seed):
    a, b = shapes.input_shapes
    arrays = normal(seed, a=a, b=b)
    arrays |= {"p": abs(arrays["a"]) + 0.5, "q": abs(arrays["b"]) + 0.5}
    with np.errstate(all="ignore"):  # the mean of no numbers
        compare(f"out = {expression}", arrays, seed)


@pytest.mark.parametrize("expression", ALONG_AN_AXIS)
@given(shape=array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4), data=st.data(), seed=seeds)
@often
def test_operations_along_an_axis(expression, shape, data, seed):
    k = data.draw(st.integers(-len(shape), len(shape) - 1))
    assume("softmax" not in expression or shape[k] > 0)  # no scores have no largest one
    with np.errstate(all="ignore"):
        compare(f"out = {expression}", normal(seed, a=shape), seed, k=k, first=tuple(range(k % len(shape) + 1)))


@pytest.mark.parametrize("expression", PRODUCTS)
@given(sizes=st.tuples(*[st.integers(0, 4)] * 3), seed=seeds)
@often
def test_products_of_vectors_and_matrices(expression, sizes, seed):
    rows, inner, columns = sizes
    compare(f"out = {expression}", normal(seed, M=(rows, inner), N=(inner, columns), u=rows, v=inner), seed)


@pytest.mark.parametrize("expression", PICKED)
@given(rows=st.integers(1, 4), columns=st.integers(1, 4), num_picked=st.integers(0, 6), seed=seeds)
@often
def test_indices_that_may_repeat(expression, rows, columns, num_picked, seed):
    draw = np.random.default_rng(seed)
    i, j = draw.integers(rows, size=num_picked), draw.integers(columns, size=num_picked)
    mask = draw.random(rows) < 0.5
    compare(f"out = {expression}", normal(seed, M=(rows, columns), u=rows), seed, i=i, j=j, mask=mask)


# What a program is made of: each line uses two earlier results, or the inputs a (3, 3), b (3), c (3, 1) and d ().
STEPS = ["{} + {}", "{} - {}", "({} * {}).tanh()", "{} / ({} ** 2 + 1)", "({} - {}).relu()", "({} * {}).sigmoid()"]
STEPS += ["((a + {}) @ (a + {}).T).tanh()", "(a + {} * {}).log_softmax(axis=0)", "({} + {}).mean()"]
STEPS += ["(a + {} * {})[[2, 0, 2]]", "(a * {} + {}).sum(axis=1, keepdims=True)", "({}.sigmoid() - {}.tanh()).exp()"]


@st.composite
def programs(draw):
    names, lines = ["a", "b", "c", "d"], []
    for number in range(10):
        operands = draw(st.lists(st.sampled_from(names), min_size=2, max_size=2))
        lines.append(f"v{number} = " + draw(st.sampled_from(STEPS)).format(*operands))
        names.append(f"v{number}")
    return lines


@given(program=programs(), seed=seeds)
@settings(often, max_examples=5 * often.max_examples)
def test_programs_of_ten_operations(program, seed):
    # Ten operations may cancel most digits: 1 − tanh² where tanh is nearly 1.
    compare("\n".join([*program, "out = v9"]), normal(seed, a=(3, 3), b=3, c=(3, 1), d=()), seed, tolerance=1e-9)


def test_a_graph_can_be_used_twice_and_gradients_add_up():
    x, w = Tensor([1, 2], requires_grad=True), Tensor([3, 4], requires_grad=True)
    loss = (x * w).sum() + (x * x).sum()
    loss.backward()
    assert x.grad.tolist() == [3 + 2, 4 + 4] and w.grad.tolist() == [1, 2]
    loss.backward()
    assert x.grad.tolist() == [10, 16] and w.grad.tolist() == [2, 4]
    x.grad = None
    (x + w).sum().backward()
    assert x.grad.tolist() == [1, 1] and w.grad.tolist() == [3, 5]
    x.grad += 1  # the two gradients do not share memory
    assert w.grad.tolist() == [3, 5]


def test_a_long_chain_and_many_paths():
    x = Tensor(1, requires_grad=True)
    y = x
    for _ in range(3000):
        y = y + 1
    for _ in range(60):  # 2**60 paths
        y = (y + y) / 2
    y.backward()
    assert x.grad == 1 and isinstance(x.grad, np.ndarray)


def test_only_leaves_that_require_a_gradient_get_one():
    x, w = Tensor([1.0, 2.0]), Tensor([3.0, 4.0], requires_grad=True)
    product = x * w
    product.sum().backward()
    assert (x.grad, product.grad) == (None, None) and product.requires_grad and not (x * 2).requires_grad


@pytest.mark.parametrize("two", [2, np.float32(2), np.array(2), Tensor(2)], ids=type)
def test_numbers_and_arrays_on_either_side(two):
    t = Tensor([1, 2])
    results = [two + t, two - t, two * t, two / t, two**t, t / two, t**two]
    assert [result.value.tolist() for result in results] == [[3, 4], [1, 0], [2, 4], [2, 1], [2, 4], [0.5, 1], [1, 4]]
    assert (np.ones((3, 2)) @ t).value.tolist() == [3, 3, 3]


def test_values_are_copied_as_float64_unless_they_are_other_floats():
    assert Tensor([[1, 2]]).value.dtype == Tensor(True).value.dtype == Tensor(0.5).value.dtype == np.float64
    ones = np.ones(2, dtype=np.float32)
    x = Tensor(ones, requires_grad=True)
    loss = (2 * x.sigmoid() - np.float64(1) / 3).mean()
    loss.backward()
    x.value -= x.grad
    assert loss.value.dtype == x.value.dtype == x.grad.dtype == np.float32 and ones.tolist() == [1, 1]


two, matrix = (Tensor(np.ones(shape), requires_grad=True) for shape in (2, (2, 3)))
wrong = lambda upstream: np.ones(3)  # noqa: E731


@pytest.mark.parametrize(
    ("code", "error", "words"),
    [
        ("matrix.backward()", RuntimeError, "needs a gradient"),
        ("matrix.backward(np.ones(3))", RuntimeError, "a gradient (3,) for a tensor (2, 3)"),
        ("Tensor(1.0).backward()", RuntimeError, "requires a gradient"),
        ("matrix @ 2", ValueError, "vectors and matrices"),
        ("matrix @ np.ones((1, 3, 2))", ValueError, "vectors and matrices"),
        ("Tensor(2, made_from=[(two, wrong)], requires_grad=True).backward()", RuntimeError, "a gradient (3,)"),
    ],
)
def test_what_does_not_fit_raises(code, error, words):
    with pytest.raises(error, match=re.escape(words)):
        eval(code)


def test_the_example_in_the_docstring():
    assert doctest.testmod(engine).failed == 0


def statements(source):
    """Each top-level statement of some code, without docstrings and comments."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    return {ast.unparse(node) for node in tree.body}


def test_the_lesson_builds_this_very_code():
    of_file = statements(Path(engine.__file__).read_text(encoding="utf-8"))
    cells = [cell for cell in rules.code_cells(rules.read_lesson("05")) if cell.source != rules.WATERMARK]
    of_lesson = statements("\n".join(cell.source for cell in cells))
    assert of_file <= of_lesson
    assert {line for line in of_lesson if line.startswith("Tensor.")} <= of_file


def test_lesson_11_trains_a_network_with_it_as_pytorch_does():
    """The run stands in a fold there, which nothing else runs."""
    nb = rules.read_lesson("11")
    fold = next(cell.source for cell in nb.cells if "Going deeper: your engine beside PyTorch" in cell.source)
    code = re.search(r"```python\n(.*?)```", fold, re.DOTALL)[1]
    needed = ("import copy", "def mlp(", "def loss_of(", "def train(", "moons = ")
    cells = [cell.source for cell in rules.code_cells(nb) if cell.source.startswith(needed)]
    assert len(cells) == len(needed)
    variables = {}
    exec("\n".join([*cells, code]), variables)
    own, theirs = variables["own"], list(variables["twin"].parameters())
    assert variables["_"] == 99  # a hundred steps
    assert sum(mine.value.size for mine in own) == 35
    for mine, parameter in zip(own, theirs, strict=True):
        np.testing.assert_allclose(mine.value, parameter.detach().numpy().T, rtol=0, atol=1e-10)
