"""The data sets of the lessons: small tensors with names, from files that come with the package. No network.

All tensors are made on the CPU, whatever the default device is; `Dataset.to` moves them.
"""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from . import _validate
from .devices import FLOAT32_ON_CPU

SHA256 = {"iris.csv": "9cc1c345c71bcc9b486b74cbf6063fa66f4bb5e0f603a4b3c3471ec2e5e8e355"}
MOST_EXAMPLES = 10**8  # 0.4 GB a column: beyond, memory would run out, and no error would name the argument
IRIS_FEATURES = ("sepal_length", "sepal_width", "petal_length", "petal_width")
IRIS_SPECIES = ("setosa", "versicolor", "virginica")


@dataclass(frozen=True)
class Dataset:
    """Examples for training and for testing, and what their columns are called.

    Attributes
    ----------
    X_train, y_train : torch.Tensor
        Shapes (N, num_features) and (N, 1), of one floating point dtype: one row an example, one column an output.
    X_test, y_test : torch.Tensor
        Shapes (M, num_features) and (M, 1); M is 0 where a data set has no test part.
    feature_names : tuple of str
        One name for each column of X.
    class_names : tuple of str
        What y = 0 and y = 1 mean; empty where y is a measurement.
    """

    X_train: Tensor
    y_train: Tensor
    X_test: Tensor
    y_test: Tensor
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...] = ()

    def to(self, *args, **kwargs) -> Dataset:
        """Return a copy with each tensor moved or cast as ``Tensor.to`` does: ``data.to("cuda", torch.float64)``."""
        moved = {name: getattr(self, name).to(*args, **kwargs) for name in ("X_train", "y_train", "X_test", "y_test")}
        return replace(self, **moved)


def course_folder() -> Path:
    """Return where the files of the course lie: inside the installed package, else ``data/`` of the repository."""
    installed = Path(__file__).parent / "_data"  # in a wheel; a clone has the folder beside the package
    return installed if installed.is_dir() else Path(__file__).parents[1] / "data"


def read(name: str, folder: Path | None = None) -> bytes:
    """Return the bytes of a data file after comparing their SHA-256.

    Parameters
    ----------
    name : str
        A file of the course, such as ``"iris.csv"``.
    folder : pathlib.Path, optional
        Where to look. Default: `course_folder`.

    Raises
    ------
    ValueError
        If `name` is no file of the course, or if the file's contents are not those it was published with.
    FileNotFoundError
        If the file is missing.
    OSError
        If it cannot be read.
    """
    _validate.one_of("name", name, SHA256)
    if not isinstance(folder, str | Path | None):
        raise TypeError(f"folder must be a path, got {folder!r}")
    path = (course_folder() if folder is None else Path(folder)) / name
    remedy = f"Get it again with `git restore data/{name}`, or install lecturekit anew"
    try:
        if not path.is_file():
            raise FileNotFoundError(f"{path} is missing. {remedy}")
        content = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:  # no permission, a broken disk, a folder with a name too long
        raise OSError(f"{path} cannot be read: {error.strerror or error}. {remedy}") from error
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256[name]:
        raise ValueError(
            f"{path} is damaged: its SHA-256 begins with {found[:12]}, expected {SHA256[name][:12]}. {remedy}"
        )
    return content


def iris(
    features: tuple[str, ...] = ("sepal_width", "petal_length"),
    classes: tuple[str, str] = ("versicolor", "virginica"),
    *,
    seed: int = 123,
    folder: Path | None = None,
) -> Dataset:
    """Return two species of Iris, standardised, split into 70 % for training and 30 % for testing.

    With the defaults these are, number for number, the tensors of STAT 453, lecture 6.4: the 100 flowers are put into
    the order p = randperm(100), and the result is then split by p again, as that lecture does.

    Parameters
    ----------
    features : tuple of str
        Columns to use, out of sepal_length, sepal_width, petal_length, petal_width (centimetres before standardising).
    classes : tuple of str
        Two different species: y is 0 for the first and 1 for the second.
    seed : int
        Seed of the order p; it has a generator of its own.
    folder : pathlib.Path, optional
        Where ``iris.csv`` lies, if not with the package.

    Returns
    -------
    Dataset
        float32; X_train of shape (70, num_features), X_test (30, num_features), standardised by the mean and the
        unbiased standard deviation of the training part.

    Raises
    ------
    TypeError, ValueError
        If a feature or species is unknown or named twice, or if `seed` is no int of at least 0.
    OSError, ValueError
        If the data file is missing (FileNotFoundError), cannot be read or is damaged.

    Notes
    -----
    Introduced in notebook 06. Source: R. A. Fisher (1936), "The use of multiple measurements in taxonomic problems",
    Annals of Eugenics 7, 179-188; UCI Machine Learning Repository, CC BY 4.0.
    """
    features = _chosen("features", features, IRIS_FEATURES)
    classes = _chosen("classes", classes, IRIS_SPECIES)
    if len(classes) != 2:
        raise ValueError(f"classes must name two species, got {len(classes)}: {', '.join(classes)}")
    _validate.seed("seed", seed)
    rows = list(csv.DictReader(io.StringIO(read("iris.csv", folder).decode())))
    rows = [row for species in classes for row in rows if row["species"] == species]
    X = torch.tensor([[float(row[name]) for name in features] for row in rows], **FLOAT32_ON_CPU)
    y = torch.tensor([[float(row["species"] == classes[1])] for row in rows], **FLOAT32_ON_CPU)

    p = _order(len(rows), seed)
    X, y = X[p], y[p]
    num_train = len(rows) * 7 // 10
    train, test = p[:num_train], p[num_train:]
    mean, std = X[train].mean(dim=0), X[train].std(dim=0)
    return Dataset(
        (X[train] - mean) / std, y[train], (X[test] - mean) / std, y[test], feature_names=features, class_names=classes
    )


def _order(num_examples: int, seed: int) -> Tensor:
    return torch.randperm(num_examples, generator=torch.Generator().manual_seed(seed), device="cpu")


def _chosen(argument: str, names: object, known: tuple[str, ...]) -> tuple[str, ...]:
    if isinstance(names, str) or not isinstance(names, tuple | list) or not names:
        raise TypeError(f"{argument} must be a tuple of names, got {names!r}")
    for name in names:
        if name not in known:
            raise ValueError(f"{argument} must be out of {', '.join(known)}, got {name!r:.80}")
    if len(set(names)) != len(names):
        raise ValueError(f"{argument} must be different from each other, got {', '.join(names)}")
    return tuple(names)


def double_line(dtype: torch.dtype = torch.float32) -> Dataset:
    """Return the four points of y = 2x, at x = 1, 2, 3, 4.

    Parameters
    ----------
    dtype : torch.dtype
        A floating point type.

    Returns
    -------
    Dataset
        X_train and y_train of shape (4, 1); no test part.

    Raises
    ------
    TypeError
        If `dtype` is not a floating point type.

    Notes
    -----
    Introduced in notebook 05. Source: Patrick Loeber's PyTorch tutorial, part 5.
    """
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise TypeError(f"dtype must be a floating point type of torch, got {dtype!r}")
    if dtype.itemsize == 1:
        raise TypeError(f"dtype must be a type that torch computes with, got {dtype}, which only stores numbers")
    X = torch.arange(1, 5, dtype=dtype, device="cpu").reshape(4, 1)
    return Dataset(X, 2 * X, X[:0], X[:0], feature_names=("x",))


def noisy_line(
    num_examples: int = 1000, *, slope: float = -5.0, intercept: float = 2.0, noise: float = 1.0, seed: int = 0
) -> Dataset:
    """Return points scattered round a line: y = slope · x + intercept + noise.

    Parameters
    ----------
    num_examples : int
        From 1 to 100 million.
    slope, intercept : float
        Of the line.
    noise : float
        Standard deviation of the normally distributed noise, 0 or more, in the unit of y.
    seed : int
        Seed of the points; it has a generator of its own.

    Returns
    -------
    Dataset
        float32; X_train and y_train of shape (num_examples, 1), x standard normal; no test part.

    Raises
    ------
    TypeError, ValueError
        If `num_examples` or `seed` is no such int, or a number is not finite, or `noise` is negative.

    Notes
    -----
    Introduced in notebook 05. Source: "PyTorch for the Impatient", section 2.15: y = −5x + 2 + noise.
    """
    _validate.at_most("num_examples", _validate.integer("num_examples", num_examples, 1), MOST_EXAMPLES)
    _validate.seed("seed", seed)
    for name, value in {"slope": slope, "intercept": intercept, "noise": noise}.items():
        _validate.number(name, value)
    if noise < 0:
        raise ValueError(f"noise must be 0 or more, got {noise}")
    generator = torch.Generator().manual_seed(seed)
    X, deviations = (torch.randn(num_examples, 1, generator=generator, **FLOAT32_ON_CPU) for _ in range(2))
    y = float(slope) * X + float(intercept) + float(noise) * deviations
    return Dataset(X, y, X[:0], y[:0], feature_names=("x",))


def moons(num_train: int = 140, num_test: int = 60, *, noise: float = 0.2, seed: int = 0) -> Dataset:
    """Return two half-circles that lie one in the other, with noise: two classes that no line separates.

    Without noise, the outer moon (y = 0) is the upper half of the unit circle. The inner moon (y = 1) is the lower half
    of the circle of radius 1 round (1, 0.5).

    Parameters
    ----------
    num_train, num_test : int
        Examples for training, at least 2, and for testing, 0 or more; at most 100 million each.
        Half of all of them lie on each moon (one more on the inner one where their number is odd), in random order; so
        the halves of each part are about equal.
    noise : float
        Standard deviation of the normally distributed noise on both coordinates, 0 or more, in the unit of X.
    seed : int
        Seed of the noise and of the order, 0 to 2³² − 1; it has generators of its own.

    Returns
    -------
    Dataset
        float32; X_train of shape (num_train, 2), X_test of shape (num_test, 2), not standardised: both coordinates are
        of the size of 1 already.

    Raises
    ------
    TypeError, ValueError
        If a number of examples or `seed` is no such int, or `noise` is negative or not finite.
    ImportError
        If scikit-learn is not installed.

    Notes
    -----
    Introduced in notebook 09. The points are those of ``sklearn.datasets.make_moons``; NumPy promises that the
    generator behind it draws the same numbers in every version.
    """
    _validate.at_most("num_train", _validate.integer("num_train", num_train, 2), MOST_EXAMPLES)
    _validate.at_most("num_test", _validate.integer("num_test", num_test, 0), MOST_EXAMPLES)
    if _validate.number("noise", noise) < 0:
        raise ValueError(f"noise must be 0 or more, got {noise}")
    _validate.integer("seed", seed, 0, 2**32 - 1)
    try:
        from sklearn.datasets import make_moons  # takes most of a second, so only where it is used
    except ImportError as error:
        raise ImportError("lk.data.moons needs scikit-learn. Install it with `pip install scikit-learn`") from error
    X, y = make_moons(num_train + num_test, shuffle=False, noise=noise, random_state=seed)
    X, y = torch.from_numpy(X).float(), torch.from_numpy(y).float().reshape(-1, 1)
    p = _order(num_train + num_test, seed)
    train, test = p[:num_train], p[num_train:]
    return Dataset(
        X[train], y[train], X[test], y[test], feature_names=("x₁", "x₂"), class_names=("outer moon", "inner moon")
    )
