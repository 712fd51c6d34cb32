"""The data sets of the lessons: small tensors with names, from files that come with the package. No network.

All tensors are float32 on the CPU, whatever the defaults are, but for the classes of `digits`, which are int64. A seed
is that of a generator of its own: the reader's random numbers go on undisturbed.
"""

from __future__ import annotations

import csv
import hashlib
import operator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from .devices import usual_defaults

IRIS_SHA256 = "9cc1c345c71bcc9b486b74cbf6063fa66f4bb5e0f603a4b3c3471ec2e5e8e355"


@dataclass(frozen=True)
class Dataset:
    """Examples for training and for testing, and what their columns are called.

    X has shape (N, num_features) and y (N, 1), of one floating point dtype; for more than two classes, y has shape
    (N,) and holds their numbers, int64. The test parts have no rows where a data set has no test part. The class names
    say what y = 0, y = 1, … mean; there are none where y is a measurement.
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


@usual_defaults()
def iris(features: tuple[str, ...] = ("sepal_width", "petal_length"), *, seed: int = 123) -> Dataset:
    """Return two species of Iris: 70 flowers for training, 30 for testing, standardised by the training part.

    y is 0 for versicolor and 1 for virginica. With the defaults these are, number for number, the tensors of STAT 453,
    lecture 6.4: the 100 flowers are put into the order p = randperm(100), and the result is then split by p again, as
    that lecture does. Source: R. A. Fisher (1936), "The use of multiple measurements in taxonomic problems", Annals of
    Eugenics 7, 179-188; UCI Machine Learning Repository, CC BY 4.0. Introduced in notebook 07.

    Parameters
    ----------
    features : tuple of str, the columns of X: sepal_length, sepal_width, petal_length, petal_width, else KeyError
    seed : int, that of the order p

    Examples
    --------
    >>> data = iris(features=("petal_length", "petal_width"))
    >>> data.X_train.shape, data.y_test.shape, data.class_names
    (torch.Size([70, 2]), torch.Size([30, 1]), ('versicolor', 'virginica'))
    """
    class_names = ("versicolor", "virginica")
    path = course_folder() / "iris.csv"
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != IRIS_SHA256:
        repair = "delete it and type `git restore data/iris.csv`, or install lecturekit anew"
        raise ValueError(f"{path} is damaged: {repair}")
    rows = [row for row in csv.DictReader(content.decode().splitlines()) if row["species"] in class_names]
    X = torch.tensor([[float(row[name]) for name in features] for row in rows])
    y = torch.tensor([[float(class_names.index(row["species"]))] for row in rows])

    p = torch.randperm(len(rows), generator=_generator(seed))
    X, y = X[p], y[p]
    train, test = p[:70], p[70:]
    mean, std = X[train].mean(dim=0), X[train].std(dim=0)
    X = (X - mean) / std
    return Dataset(X[train], y[train], X[test], y[test], tuple(features), class_names)


@usual_defaults()
def double_line() -> Dataset:
    """Return the four points of y = 2x at x = 1, 2, 3, 4; X_train and y_train have shape (4, 1).

    Introduced in notebook 06. Source: Patrick Loeber's PyTorch tutorial, part 5.

    Examples
    --------
    >>> double_line().y_train.flatten().tolist()
    [2.0, 4.0, 6.0, 8.0]
    """
    X = torch.tensor([[1.0], [2.0], [3.0], [4.0]])
    return Dataset(X, 2 * X, X[:0], X[:0], feature_names=("x",))


@usual_defaults()
def noisy_line(
    num_examples: int = 1000, *, slope: float = -5.0, intercept: float = 2.0, noise: float = 1.0, seed: int = 0
) -> Dataset:
    """Return points scattered round a line: y = slope · x + intercept + noise, with x standard normal.

    X_train and y_train have shape (num_examples, 1). The noise is normally distributed with this standard deviation.
    The seed decides on x and noise. Introduced in notebook 06. Source: "PyTorch for the Impatient", section 2.15.

    Examples
    --------
    >>> line = noisy_line(3, slope=2.0, intercept=1.0, noise=0.0)
    >>> bool((line.y_train == 2 * line.X_train + 1).all())
    True
    """
    generator = _generator(seed)
    X = torch.randn(num_examples, 1, generator=generator)
    y = X * slope + intercept + torch.randn(num_examples, 1, generator=generator) * noise
    return Dataset(X, y, X[:0], y[:0], feature_names=("x",))


@usual_defaults()
def moons(num_train: int = 140, num_test: int = 60, *, noise: float = 0.2, seed: int = 0) -> Dataset:
    """Return two half-circles that lie one in the other, with noise: two classes that no line separates.

    Without noise, the outer moon (y = 0) is the upper half of the unit circle, and the inner moon (y = 1) the lower
    half of the circle of radius 1 round (1, 0.5). Half of the num_train + num_test examples lie on each, in an order
    that the seed decides. The noise on both coordinates is normally distributed with this standard deviation. The
    points are those of ``sklearn.datasets.make_moons``, not standardised. Introduced in notebook 11.

    Examples
    --------
    >>> data = moons(6, 4)
    >>> data.X_train.shape, data.X_test.shape, data.class_names
    (torch.Size([6, 2]), torch.Size([4, 2]), ('outer moon', 'inner moon'))
    """
    from sklearn.datasets import make_moons  # takes most of a second, so only where it is used

    points, labels = make_moons(num_train + num_test, shuffle=False, noise=noise, random_state=seed)
    p = torch.randperm(len(points), generator=_generator(seed))
    X, y = torch.tensor(points, dtype=torch.float32)[p], torch.tensor(labels, dtype=torch.float32).reshape(-1, 1)[p]
    parts = X[:num_train], y[:num_train], X[num_train:], y[num_train:]
    return Dataset(*parts, feature_names=("x₁", "x₂"), class_names=("outer moon", "inner moon"))


@usual_defaults()
def digits(*, seed: int = 0) -> Dataset:
    """Return pictures of handwritten digits: 1,497 for training, 300 for testing, in an order that the seed decides.

    X has shape (N, 64): the 8 × 8 pixels, row by row, from 0 (paper) to 1 (ink) in steps of 1/16. y has shape (N,) and
    holds the digits, int64. 13 people wrote them; the split does not keep their digits apart. Introduced in notebook
    12. They are those of ``sklearn.datasets.load_digits``. Source: E. Alpaydin and C. Kaynak (1998), "Optical
    Recognition of Handwritten Digits", UCI Machine Learning Repository, CC BY 4.0.

    Examples
    --------
    >>> data = digits()
    >>> data.X_train.shape, data.X_test.shape, data.y_train.dtype
    (torch.Size([1497, 64]), torch.Size([300, 64]), torch.int64)
    """
    from sklearn.datasets import load_digits

    found = load_digits()
    p = torch.randperm(len(found.data), generator=_generator(seed))
    X, y = torch.tensor(found.data, dtype=torch.float32)[p] / 16, torch.tensor(found.target, dtype=torch.int64)[p]
    return Dataset(X[:-300], y[:-300], X[-300:], y[-300:], tuple(found.feature_names), tuple("0123456789"))


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(operator.index(seed))  # manual_seed does not take NumPy's integers
