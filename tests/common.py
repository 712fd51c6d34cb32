"""What several files of tests have in common."""

import html
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from packaging.utils import canonicalize_name

import lecturekit as lk

ROOT = Path(__file__).parents[1]

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


@contextmanager
def defaults(dtype: torch.dtype, device: str) -> Iterator[None]:
    """What a reader may have set in a cell far above, and forgotten: lesson 02 shows how."""
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            yield
    finally:
        torch.set_default_dtype(torch.float32)


def pins() -> dict[str, str]:
    """What constraints.txt pins: normalised name, version."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if not line.startswith("#"))
    return {canonicalize_name(name): version for name, version in pairs}


def history(scale: float = 1.0, length: int = 5) -> lk.History:
    """A history with numbers of its own in each column."""
    return lk.History(
        initial_loss=scale,
        losses=[scale / (k + 2) for k in range(length)],
        steps=[7 * (k + 1) for k in range(length)],
        examples_seen=[70 * (k + 1) for k in range(length)],
        seconds=[0.5 * (k + 1) for k in range(length)],
    )


def script_of(element: str) -> tuple[str, dict]:
    """The JavaScript that a picture runs once it is loaded, and the data that it is called with."""
    call = html.unescape(re.search(r' onload="([^"]*)"', element)[1])
    code, data = call.removesuffix(")").split("})(this,")
    return code, json.loads(data)
