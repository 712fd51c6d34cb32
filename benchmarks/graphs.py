"""How long a picture of a computation graph takes, beside torchviz and Graphviz's dot.

Both run the forward pass and end with an SVG; lecturekit also takes all gradients and local derivatives. They take
turns, so that a noisy machine is noisy for both; each time is the median. Run from the repository's root:

    OMP_NUM_THREADS=1 python benchmarks/graphs.py [repeats]

torchviz needs ``pip install torchviz`` and the program ``dot``; without them, lecturekit is measured alone.
"""

import importlib.util
import platform
import shutil
import statistics
import sys
import time

import torch
from torch import nn

from lecturekit import trace


class Block(nn.Module):
    """Two convolutions, as in a ResNet."""

    def __init__(self, channels):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels)
        self.conv2, self.bn2 = nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels)

    def forward(self, x):
        return torch.relu(x + self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x))))))


def neuron():
    x, w, b = torch.tensor(3.0), torch.tensor(2.0, requires_grad=True), torch.tensor(1.0, requires_grad=True)
    return lambda: torch.relu(w * x + b)


def adaline():
    X, y = torch.randn(10, 2), torch.randn(10)
    w, b = torch.zeros(2, requires_grad=True), torch.zeros(1, requires_grad=True)
    return lambda: ((X @ w + b - y) ** 2).mean()


def mlp():
    net = nn.Sequential(*[layer for _ in range(10) for layer in (nn.Linear(16, 16), nn.Sigmoid())])
    X = torch.randn(32, 16)
    return lambda: net(X).square().mean()


def resnet():
    head = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 1)
    net, X = nn.Sequential(nn.Conv2d(3, 8, 3), *[Block(8) for _ in range(25)], *head), torch.randn(2, 3, 10, 10)
    return lambda: net(X).square().mean()


def lecturekit(forward):
    with trace() as g:
        loss = forward()
    assert loss is not None
    g.to_svg()
    return len(g.nodes)


def torchviz(forward):
    from torchviz import make_dot

    make_dot(forward()).pipe(format="svg")


def main(repeats=15):
    tools = [lecturekit, torchviz] if importlib.util.find_spec("torchviz") and shutil.which("dot") else [lecturekit]
    print(f"Python {platform.python_version()}, torch {torch.__version__}, milliseconds")
    print(f"{'':8}{'nodes':>8}" + "".join(f"{tool.__name__:>16}" for tool in tools))
    for make in (neuron, adaline, mlp, resnet):
        torch.manual_seed(0)
        forward, nodes = make(), 0
        times = {tool: [] for tool in tools}
        for turn in range(repeats + 1):  # the first warms up
            for tool in tools:
                start = time.perf_counter()
                nodes = tool(forward) or nodes
                times[tool] += [1e3 * (time.perf_counter() - start)] if turn else []
        print(f"{make.__name__:8}{nodes:8}" + "".join(f"{statistics.median(times[tool]):16.2f}" for tool in tools))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
