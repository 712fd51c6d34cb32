"""Draw the picture of README.md, docs/graph.png, from the graph that PyTorch records: ``python tools/picture.py``."""

from pathlib import Path

import torch

import lecturekit as lk

w = torch.tensor(2.0, requires_grad=True)
x = torch.tensor(3.0)
b = torch.tensor(1.0, requires_grad=True)

with lk.trace() as g:
    u = w * x
    v = u + b
    a = torch.relu(v)
    a.backward()

path = Path(__file__).parents[1] / "docs" / "graph.png"
path.parent.mkdir(exist_ok=True)
path.write_bytes(g.to_png())
