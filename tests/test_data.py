"""The data sets, number for number, and what is said of a missing or damaged file."""

import dataclasses
import hashlib
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import make_moons

import lecturekit as lk
from lecturekit import data

FILE = Path(__file__).parents[1] / "data" / "iris.csv"


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


def test_iris_shapes_and_standardisation():
    iris = lk.data.iris()
    assert [tuple(part.shape) for part in (iris.X_train, iris.y_train, iris.X_test, iris.y_test)] == [
        (70, 2), (70, 1), (30, 2), (30, 1),
    ]  # fmt: skip
    assert {part.dtype for part in (iris.X_train, iris.y_train, iris.X_test, iris.y_test)} == {torch.float32}
    assert iris.X_train.mean(dim=0).abs().max() < 1e-6
    assert (iris.X_train.std(dim=0) - 1).abs().max() < 1e-6
    assert iris.X_test.mean(dim=0).abs().max() > 0.01  # by the training part's mean, not by its own
    assert int(iris.y_train.sum() + iris.y_test.sum()) == 50


def test_iris_of_other_columns_and_species():
    every = lk.data.iris(features=data.IRIS_FEATURES, classes=["setosa", "virginica"])
    one = lk.data.iris(features=("petal_width",), classes=("setosa", "virginica"))
    assert every.X_train.shape == (70, 4) and torch.equal(every.X_train[:, 3:], one.X_train)
    assert every.class_names == ("setosa", "virginica")
    swapped = lk.data.iris(features=("petal_width",), classes=("virginica", "setosa"))
    for iris, larger in ((one, 1), (swapped, 0)):  # virginica has the wider petals
        means = [iris.X_train[iris.y_train == label].mean().item() for label in (0, 1)]
        assert means[larger] > means[1 - larger] + 1


def test_seed_orders_iris_and_global_generator_is_left_alone():
    state = torch.get_rng_state()
    first, again, other = lk.data.iris(), lk.data.iris(seed=123), lk.data.iris(seed=1)
    lk.data.noisy_line(10)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first.X_train, again.X_train) and not torch.equal(first.X_train, other.X_train)


def test_published_fingerprint_is_that_of_the_file():
    assert hashlib.sha256(FILE.read_bytes()).hexdigest() == data.SHA256["iris.csv"]
    assert data.read("iris.csv") == FILE.read_bytes()


def test_missing_file(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"iris\.csv is missing\. Get it again with `git restore data/iris\.csv`"
    ):
        lk.data.iris(folder=tmp_path)
    (tmp_path / "iris.csv").mkdir()
    with pytest.raises(FileNotFoundError, match="is missing"):
        lk.data.iris(folder=tmp_path)


@pytest.mark.parametrize(
    "damage",
    [lambda raw: raw.replace(b"5.1", b"5.2", 1), lambda raw: raw[:-1], lambda raw: b"", lambda raw: raw + b"\n"],
)
def test_damaged_file(tmp_path, damage):
    raw = damage(FILE.read_bytes())
    (tmp_path / "iris.csv").write_bytes(raw)
    found, expected = hashlib.sha256(raw).hexdigest()[:12], data.SHA256["iris.csv"][:12]
    with pytest.raises(ValueError, match=rf"iris\.csv is damaged: .* {found}, expected {expected}\. .*git restore"):
        lk.data.iris(folder=tmp_path)


def test_folder_may_hold_a_good_copy(tmp_path):
    (tmp_path / "iris.csv").write_bytes(FILE.read_bytes())
    assert torch.equal(lk.data.iris(folder=tmp_path).X_train, lk.data.iris().X_train)


def test_the_folder_of_the_course(monkeypatch, tmp_path):
    """In a clone it lies beside the package; in an installed package inside it, which is what counts."""
    assert data.course_folder() == FILE.parent
    monkeypatch.setattr(data, "__file__", str(tmp_path / "lecturekit" / "data.py"))
    assert data.course_folder() == tmp_path / "data"
    (tmp_path / "lecturekit" / "_data").mkdir(parents=True)
    assert data.course_folder() == tmp_path / "lecturekit" / "_data"


@pytest.mark.parametrize("folder", [3, b"data", ["data"]])
def test_no_folder(folder):
    with pytest.raises(TypeError, match=r"^folder must be a path, got "):
        data.read("iris.csv", folder)


@pytest.mark.parametrize(
    ("error", "words"), [(PermissionError(13, "Permission denied"), "Permission denied"), (OSError("gone"), "gone")]
)
def test_file_that_cannot_be_read(monkeypatch, error, words):
    def refuse(self):
        raise error

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(OSError, match=rf"iris\.csv cannot be read: {words}\. Get it again with `git restore"):
        lk.data.iris()


@pytest.mark.parametrize("name", ["../pyproject.toml", "", "Iris.csv", None, 3])
def test_no_file_of_the_course(name):
    with pytest.raises(ValueError, match=r"name must be one of iris\.csv"):
        data.read(name)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"features": "petal_length"}, TypeError, "features must be a tuple of names, got 'petal_length'"),
        ({"features": ()}, TypeError, r"features must be a tuple of names, got \(\)"),
        ({"features": (1, 2)}, ValueError, "features must be out of sepal_length, .*, got 1"),
        ({"features": ("petal",)}, ValueError, "features must be out of sepal_length, .*, got 'petal'"),
        ({"features": ("petal_width", "petal_width")}, ValueError, "features must be different from each other"),
        ({"classes": ("versicolor", "rose")}, ValueError, "classes must be out of setosa, .*, got 'rose'"),
        ({"classes": ("setosa",)}, ValueError, "classes must name two species, got 1: setosa"),
        (
            {"classes": data.IRIS_SPECIES},
            ValueError,
            "classes must name two species, got 3: setosa, versicolor, virginica",
        ),
        ({"features": 3}, TypeError, "features must be a tuple of names, got 3"),
        ({"classes": ("setosa", "setosa")}, ValueError, "classes must be .*, got setosa, setosa$"),
        ({"classes": None}, TypeError, "classes must be a tuple of names, got None"),
        ({"seed": 1.0}, TypeError, "seed must be an int of at least 0, got 1.0 of type float"),
        ({"seed": -1}, ValueError, "seed must be an int of at least 0, got -1"),
    ],
)
def test_iris_refuses(arguments, error, words):
    with pytest.raises(error, match=words):
        lk.data.iris(**arguments)


def test_to_moves_every_tensor_and_leaves_the_original():
    iris = lk.data.iris()
    double = iris.to(torch.float64)
    assert {getattr(double, name).dtype for name in ("X_train", "y_train", "X_test", "y_test")} == {torch.float64}
    assert iris.X_train.dtype == torch.float32 and double.feature_names == iris.feature_names
    assert iris.to("meta").y_test.device.type == "meta"
    assert iris.to(dtype=torch.float64).X_test.dtype == torch.float64


def test_dataset_cannot_be_overwritten():
    with pytest.raises(dataclasses.FrozenInstanceError):
        lk.data.iris().X_train = None


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_double_line(dtype):
    line = lk.data.double_line(dtype)
    assert line.X_train.tolist() == [[1], [2], [3], [4]] and line.y_train.tolist() == [[2], [4], [6], [8]]
    assert line.X_train.dtype == line.y_train.dtype == dtype and line.X_test.shape == line.y_test.shape == (0, 1)
    assert line.feature_names == ("x",) and line.class_names == ()


@pytest.mark.parametrize("dtype", [torch.int64, "float32", None, float])
def test_double_line_refuses(dtype):
    with pytest.raises(TypeError, match="dtype must be a floating point type of torch, got"):
        lk.data.double_line(dtype)


def test_double_line_refuses_what_only_stores_numbers():
    assert lk.data.double_line(torch.float16).y_train.tolist() == [[2], [4], [6], [8]]
    with pytest.raises(
        TypeError, match=r"^dtype must be a type that torch computes with, got torch\.float8_e5m2, which"
    ):
        lk.data.double_line(torch.float8_e5m2)


def test_noisy_line():
    line = lk.data.noisy_line(20_000)
    X, y = line.X_train, line.y_train
    assert X.shape == y.shape == (20_000, 1) and X.dtype == y.dtype == torch.float32
    noise = y - (-5 * X + 2)
    assert abs(noise.mean()) < 0.03 and abs(noise.std() - 1) < 0.03
    assert abs(X.mean()) < 0.03 and abs(X.std() - 1) < 0.03
    assert abs((noise * X).mean()) < 0.03  # independent of x


def test_noisy_line_adds_the_noise_drawn_after_x():
    line, numbers = lk.data.noisy_line(6, noise=0.5, seed=7), torch.Generator().manual_seed(7)
    X, noise = torch.randn(6, 1, generator=numbers), torch.randn(6, 1, generator=numbers)
    assert torch.equal(line.X_train, X) and torch.allclose(line.y_train, -5 * X + 2 + 0.5 * noise)
    assert line.X_test.shape == line.y_test.shape == (0, 1)


def test_noisy_line_of_other_numbers():
    assert lk.data.noisy_line().X_train.shape == (1000, 1) and lk.data.noisy_line(1).feature_names == ("x",)
    line = lk.data.noisy_line(5, slope=3, intercept=-1, noise=0)
    assert torch.allclose(line.y_train, 3 * line.X_train - 1)
    assert not torch.equal(line.X_train, lk.data.noisy_line(5, seed=1).X_train)
    assert torch.equal(line.X_train, lk.data.noisy_line(5).X_train)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"num_examples": 0}, ValueError, "num_examples must be an int of at least 1, got 0"),
        ({"num_examples": 10.0}, TypeError, "num_examples must be an int of at least 1, got 10.0 of type float"),
        ({"num_examples": True}, TypeError, "num_examples must be .* of type bool"),
        ({"num_examples": 10**8 + 1}, ValueError, "^num_examples must be at most 100,000,000, got 100000001$"),
        ({"slope": "5"}, TypeError, "slope must be a number, got '5' of type str"),
        ({"slope": True}, TypeError, "slope must be a number, got True of type bool"),
        ({"intercept": float("nan")}, ValueError, "intercept must be finite, got nan"),
        ({"noise": float("inf")}, ValueError, "noise must be finite, got inf"),
        ({"noise": -0.1}, ValueError, "noise must be 0 or more, got -0.1"),
        ({"seed": "0"}, TypeError, "seed must be an int of at least 0, got '0' of type str"),
    ],
)
def test_noisy_line_refuses(arguments, error, words):
    with pytest.raises(error, match=words):
        lk.data.noisy_line(**arguments)


def test_moons_are_those_of_scikit_learn():
    """Every point of make_moons is there once, with its class, and the order is a random one."""
    moons = lk.data.moons(7, 4, noise=0.1, seed=3)
    X, y = make_moons(11, noise=0.1, random_state=3, shuffle=False)
    expected = {(*point, label) for point, label in zip(X.astype("float32").tolist(), y.tolist(), strict=True)}
    X, y = torch.cat([moons.X_train, moons.X_test]), torch.cat([moons.y_train, moons.y_test])
    found = [(*point, int(label)) for point, (label,) in zip(X.tolist(), y.tolist(), strict=True)]
    assert set(found) == expected and len(found) == 11
    assert y.sum() == 6  # the inner moon has the one more
    assert y.flatten().tolist() != sorted(y.flatten().tolist())


def test_moons_without_noise_lie_on_two_circles():
    moons = lk.data.moons(50, 0, noise=0)
    outer, inner = (moons.X_train[moons.y_train[:, 0] == label] for label in (0, 1))
    assert len(outer) == len(inner) == 25
    assert (outer.norm(dim=1) - 1).abs().max() < 1e-6 and outer[:, 1].min() > -1e-6
    centre = torch.tensor([1.0, 0.5])
    assert ((inner - centre).norm(dim=1) - 1).abs().max() < 1e-6 and inner[:, 1].max() < 0.5 + 1e-6


def test_moons_shapes_and_noise():
    moons = lk.data.moons()
    assert [tuple(part.shape) for part in (moons.X_train, moons.y_train, moons.X_test, moons.y_test)] == [
        (140, 2), (140, 1), (60, 2), (60, 1),
    ]  # fmt: skip
    assert {part.dtype for part in (moons.X_train, moons.y_train, moons.X_test, moons.y_test)} == {torch.float32}
    assert set(moons.y_train.flatten().tolist()) == {0.0, 1.0}
    assert moons.feature_names == ("x₁", "x₂") and moons.class_names == ("outer moon", "inner moon")
    assert torch.equal(moons.X_train, lk.data.moons(140, 60, noise=0.2, seed=0).X_train)
    assert lk.data.moons(2, 0).X_train.shape == (2, 2)
    outer = lk.data.moons(20_000, 0, noise=0.1)
    outer = outer.X_train[outer.y_train[:, 0] == 0]
    assert abs(outer.norm(dim=1).std() - 0.1) < 0.01


def test_seed_decides_on_moons_and_global_generators_are_left_alone():
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()
    first, again, other = lk.data.moons(), lk.data.moons(seed=0), lk.data.moons(seed=1)
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert (np.random.get_state()[1] == numpy_state).all()
    assert torch.equal(first.X_train, again.X_train) and torch.equal(first.y_test, again.y_test)
    assert not torch.equal(first.X_train, other.X_train)
    # Another seed is another order as well: without noise the points are the same, but not the rows.
    a, b = lk.data.moons(noise=0, seed=0), lk.data.moons(noise=0, seed=1)
    assert not torch.equal(a.X_train, b.X_train)


def test_moons_without_scikit_learn(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)  # what import finds where there is none
    with pytest.raises(
        ImportError, match=r"^lk\.data\.moons needs scikit-learn\. Install it with `pip install scikit-learn`$"
    ):
        lk.data.moons()


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"num_train": 1}, ValueError, "num_train must be an int of at least 2, got 1"),
        ({"num_train": 10.0}, TypeError, "num_train must be an int of at least 2, got 10.0 of type float"),
        ({"num_test": -1}, ValueError, "num_test must be an int of at least 0, got -1"),
        ({"num_train": 10**8 + 1}, ValueError, "^num_train must be at most 100,000,000, got 100000001$"),
        ({"num_test": 10**8 + 1}, ValueError, "^num_test must be at most 100,000,000, got 100000001$"),
        ({"noise": -0.1}, ValueError, "noise must be 0 or more, got -0.1"),
        ({"noise": None}, TypeError, "noise must be a number, got None"),
        ({"noise": float("nan")}, ValueError, "noise must be finite, got nan"),
        ({"seed": "0"}, TypeError, "seed must be an int of at least 0"),
        ({"seed": -1}, ValueError, "seed must be an int of at least 0"),
        ({"seed": 2**32}, ValueError, "seed must be an int of at least 0 and at most 4294967295"),
    ],
)
def test_moons_refuse(arguments, error, words):
    with pytest.raises(error, match=words):
        lk.data.moons(**arguments)
