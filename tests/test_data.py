"""The data sets, number for number, and what is said of a damaged file."""

from pathlib import Path

import numpy as np
import pytest
import torch
from common import defaults
from sklearn.datasets import load_digits, make_moons

import lecturekit as lk
from lecturekit import data

FILE = Path(__file__).parents[1] / "data" / "iris.csv"


def tensors(dataset):
    return [dataset.X_train, dataset.y_train, dataset.X_test, dataset.y_test]


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(tensors(one), tensors(other), strict=True))


def test_iris_is_that_of_the_lecture():
    """Computed from the rows of the file the way lecture 6.4 does: reordered by p, then split by p again."""
    rows = [line.split(",") for line in FILE.read_text().splitlines()[51:151]]
    assert {row[4] for row in rows[:50]} == {"versicolor"} and {row[4] for row in rows[50:]} == {"virginica"}
    X = torch.tensor([[float(row[1]), float(row[2])] for row in rows])
    y = torch.tensor([[0.0]] * 50 + [[1.0]] * 50)
    with torch.random.fork_rng():
        torch.manual_seed(123)
        p = torch.randperm(100)
    X, y = X[p], y[p]
    mean, std = X[p[:70]].mean(dim=0), X[p[:70]].std(dim=0)
    iris = lk.data.iris()
    assert torch.equal(iris.X_train, (X[p[:70]] - mean) / std) and torch.equal(iris.y_train, y[p[:70]])
    assert torch.equal(iris.X_test, (X[p[70:]] - mean) / std) and torch.equal(iris.y_test, y[p[70:]])
    assert iris.feature_names == ("sepal_width", "petal_length") and iris.class_names == ("versicolor", "virginica")


def test_iris_of_other_columns():
    every = lk.data.iris(features=["sepal_length", "sepal_width", "petal_length", "petal_width"])
    one = lk.data.iris(features=("petal_width",))
    assert every.X_train.shape == (70, 4) and torch.allclose(every.X_train[:, 3:], one.X_train)
    wide = one.X_train[one.y_train == 1].mean()  # virginica has the wider petals
    assert wide > one.X_train[one.y_train == 0].mean() + 1


@pytest.mark.parametrize(("old", "new"), [(b"5.1", b"5.2"), (b"\n", b"\r\n"), (FILE.read_bytes(), b"")])
def test_a_damaged_file_is_not_read(tmp_path, monkeypatch, old, new):
    (tmp_path / "iris.csv").write_bytes(FILE.read_bytes().replace(old, new))
    monkeypatch.setattr(data, "course_folder", lambda: tmp_path)
    with pytest.raises(ValueError, match=r"iris\.csv is damaged: .*git restore data/iris\.csv"):
        lk.data.iris()


def test_noisy_line_adds_the_noise_drawn_after_x():
    line, numbers = lk.data.noisy_line(6, noise=0.5, seed=7), torch.Generator().manual_seed(7)
    X, noise = torch.randn(6, 1, generator=numbers), torch.randn(6, 1, generator=numbers)
    assert torch.equal(line.X_train, X) and torch.allclose(line.y_train, -5 * X + 2 + 0.5 * noise)
    assert line.X_test.shape == line.y_test.shape == (0, 1)
    line = lk.data.noisy_line(np.int64(5), slope=np.float32(3), intercept=-1, noise=0)
    assert torch.allclose(line.y_train, 3 * line.X_train - 1)


def test_moons_are_those_of_scikit_learn():
    """Every point of make_moons is there once, with its class, and the order is a random one."""
    moons = lk.data.moons(7, 4, noise=0.1, seed=3)
    X, y = make_moons(11, noise=0.1, random_state=3, shuffle=False)
    expected = {(*point, label) for point, label in zip(X.astype("float32").tolist(), y.tolist(), strict=True)}
    X, y = torch.cat([moons.X_train, moons.X_test]), torch.cat([moons.y_train, moons.y_test])
    found = [(*point, int(label)) for point, (label,) in zip(X.tolist(), y.tolist(), strict=True)]
    assert set(found) == expected and len(found) == 11
    assert y.flatten().tolist() != sorted(y.flatten().tolist())
    assert moons.X_train.shape == (7, 2) and moons.y_test.shape == (4, 1)


def test_digits_are_those_of_scikit_learn():
    """Every picture is there once, with its digit, in one of the parts."""
    digits = lk.data.digits()
    pixels, labels = load_digits(return_X_y=True)
    X, y = torch.cat([digits.X_train, digits.X_test]), torch.cat([digits.y_train, digits.y_test])
    found = sorted((*picture, label) for picture, label in zip((16 * X).tolist(), y.tolist(), strict=True))
    assert found == sorted((*picture, label) for picture, label in zip(pixels.tolist(), labels.tolist(), strict=True))
    assert digits.X_train.shape == (1497, 64) and digits.y_test.shape == (300,) and y.dtype == torch.int64
    assert digits.feature_names[:9] == (*(f"pixel_0_{column}" for column in range(8)), "pixel_1_0")
    assert digits.class_names[7] == "7" and y.unique().tolist() == list(range(10))


@pytest.mark.parametrize("make", [lk.data.iris, lk.data.noisy_line, lk.data.moons, lk.data.digits])
def test_the_seed_decides_and_the_readers_own_draws_are_left_alone(make):
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()
    first, again, other = make(seed=0), make(seed=np.int64(0)), make(seed=1)
    assert torch.equal(torch.get_rng_state(), torch_state) and (np.random.get_state()[1] == numpy_state).all()
    assert same(first, again) and not torch.equal(first.X_train, other.X_train)


@pytest.mark.parametrize("make", [lk.data.iris, lk.data.double_line, lk.data.noisy_line, lk.data.moons, lk.data.digits])
def test_defaults_change_no_number(make):
    expected = make()
    with defaults(torch.float64, "meta"):
        assert same(make(), expected)
    assert {tensor.dtype for tensor in tensors(expected)} <= {torch.float32, torch.int64}


def test_to_moves_every_tensor_and_leaves_the_original():
    iris = lk.data.iris()
    double = iris.to(torch.float64)
    assert {tensor.dtype for tensor in tensors(double)} == {torch.float64}
    assert {tensor.device.type for tensor in tensors(iris.to("meta"))} == {"meta"}
    assert iris.X_train.dtype == torch.float32 and double.feature_names == iris.feature_names
