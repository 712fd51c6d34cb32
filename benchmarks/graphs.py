"""How long a picture of a computation graph takes: lecturekit.graph beside torchviz, torchview and torchlens.

Every tool runs the forward pass and ends with an SVG in memory or on disk; lecturekit also takes all gradients and
local derivatives, torchlens also keeps all values. Tools take turns, so that a noisy machine is noisy for all of
them; each time is the median. Tools that are not installed are left out. Run from the repository's root:

    OMP_NUM_THREADS=1 python benchmarks/graphs.py [repeats]

torchviz, torchview and torchlens need ``pip install torchviz torchview torchlens`` and the system's Graphviz.
"""

import contextlib
import functools
import importlib.util
import io
import platform
import statistics
import sys
import tempfile
import time
import warnings
from pathlib import Path

import torch
from torch import nn

from lecturekit.graph import trace


class Neuron(nn.Module):
    def __init__(self):
        super().__init__()
        self.w, self.b = nn.Parameter(torch.tensor(2.0)), nn.Parameter(torch.tensor(1.0))

    def forward(self, x):
        return torch.relu(self.w * x + self.b)


class AdalineLoss(nn.Module):
    def __init__(self):
        super().__init__()
        self.w, self.b, self.y = nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(1)), torch.randn(10)

    def forward(self, X):
        return ((X @ self.w + self.b - self.y) ** 2).mean()


class MLPLoss(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(*[layer for _ in range(10) for layer in (nn.Linear(16, 16), nn.Sigmoid())])

    def forward(self, X):
        return self.layers(X).square().mean()


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels)
        self.conv2, self.bn2 = nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels)

    def forward(self, x):
        return torch.relu(x + self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x))))))


class ResNetLoss(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.blocks = nn.Conv2d(3, 8, 3), nn.Sequential(*[Block(8) for _ in range(27)])

    def forward(self, X):
        return self.blocks(self.stem(X)).square().mean()


GRAPHS = {
    "relu(wx + b)": (Neuron, lambda: torch.tensor(3.0)),
    "ADALINE loss": (AdalineLoss, lambda: torch.randn(10, 2)),
    "10-layer MLP": (MLPLoss, lambda: torch.randn(32, 16)),
    "ResNet-like": (ResNetLoss, lambda: torch.randn(2, 3, 10, 10)),
}


def forward_only(model, X, folder):
    model(X)


def lecturekit(model, X, folder):
    with trace() as g:
        loss = model(X)
    assert loss is not None
    g.to_svg()


def torchviz(model, X, folder):
    from torchviz import make_dot

    make_dot(model(X), params=dict(model.named_parameters())).pipe(format="svg")


def torchview(model, X, folder):
    from torchview import draw_graph

    draw_graph(model, input_data=X, expand_nested=True).visual_graph.pipe(format="svg")


def torchlens(model, X, folder):
    import torchlens

    log = torchlens.trace(model, X)
    log.draw(vis_outpath=str(Path(folder) / "lens"), vis_save_only=True, vis_fileformat="svg")


def main(repeats=7):
    tools = [forward_only, lecturekit]
    tools += [tool for tool in (torchviz, torchview, torchlens) if importlib.util.find_spec(tool.__name__)]
    print(f"Python {platform.python_version()}, torch {torch.__version__}, {torch.get_num_threads()} thread(s), ms")
    print(f"{'':16}" + "".join(f"{tool.__name__:>16}" for tool in tools))
    for name, (make, data) in GRAPHS.items():
        torch.manual_seed(0)
        model, X = make(), data()
        times = {tool: [] for tool in tools}
        failed = {}
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            for turn in range(repeats + 1):  # the first turn warms up
                for tool in tools:
                    if tool in failed:
                        continue
                    work = functools.partial(tool, model, X, folder)
                    start = time.perf_counter()
                    try:
                        work()
                    except Exception as error:  # another tool's limits are part of the result
                        failed[tool] = f"{type(error).__name__}: {error}"
                    if turn:
                        times[tool].append(1e3 * (time.perf_counter() - start))
        cells = [type(failed[t]).__name__ if t in failed else f"{statistics.median(times[t]):.2f}" for t in tools]
        cells = ["failed" if t in failed else cell for t, cell in zip(tools, cells, strict=True)]
        print(f"{name:16}" + "".join(f"{cell:>16}" for cell in cells))
        for tool, reason in failed.items():
            print(f"    {tool.__name__}: {reason:.200}")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(*map(int, sys.argv[1:]))
