# ruff: noqa: E501 - the tables read better with long rows
"""Every public function, given what no reader should give it: the right result, or an error that names the argument.

One table says of which kind each argument is, and another which values a kind may take, good ones and bad ones. The test
is the same for all: a call is right but for one or two arguments, and must either return what it promises or raise what
it documents. A public function that is missing in the table fails the test, and so does one with a new argument.
"""

from __future__ import annotations

import html.parser
import inspect
import io
import itertools
import json
import math
import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass, is_dataclass, replace
from pathlib import Path

import IPython.display
import pytest
import torch
from common import defaults
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from matplotlib import rc_context
from matplotlib.figure import Figure

import lecturekit as lk
from lecturekit import graph, measurements, workers
from lecturekit.devices import Timing
from lecturekit.graph import Graph
from lecturekit.training import History

EXAMPLES = int(os.environ.get("BAD_INPUT_EXAMPLES", "7"))  # of each function; figures take most of the time

# ---------------------------------------------------------------------------------------------------------------------
# Values

HUGE = (10**9, 2**64, 10**400)
NAMES = [
    "w", "", " ", "_w", "$w$", "$\\frac$", "${", "<script>alert(1)</script>", "\"onload='alert(1)'", "'><img src=x onerror=y>",
    "&lt;b&gt; & co", "a\nb\r\tc", "a\0b\x1b[31m", "\u202eabc\u200f", "\ud800", "]]>--><!--", "x" * 10_000, "%(w)s {w}", "名前",
]  # fmt: skip
NUMBERS = [0, -1, 1.5, 1e-320, 1e308, -1e308, math.nan, math.inf, -math.inf, *HUGE, -(10**400), True]


def wrong() -> list:
    """What is wrong nearly everywhere: made anew each time, since some can be changed."""
    return [
        None, object(), ..., b"x", "x", [], {}, set(), (), [None], ["x"], {"x": None}, [[]], {1: 2, "x": 3}, int, len, 1j, Path("x"),
        torch.tensor([]), torch.ones(2), torch.ones(2, 1, device="meta"), torch.device("meta"), torch.float32,
        *NUMBERS,
    ]  # fmt: skip


def tensors() -> list:
    """Tensors that are no examples for anything: other shapes, dtypes, devices, layouts, NaN, empty, huge ones."""
    return [
        torch.tensor(1.0), torch.ones(4), torch.ones(3, 1), torch.ones(1, 4), torch.ones(4, 1, 1), torch.ones(4, 4), torch.ones(0, 1),
        torch.ones(4, 0), torch.ones(4, 2, device="meta"), torch.ones(4, 1, device="meta"), torch.ones(4, 1).to_sparse(),
        torch.full((4, 1), math.nan), torch.full((4, 2), math.inf), torch.full((4, 1), 3e38), torch.full((4, 2), 3e38),
        torch.full((4, 1), 1e-42), torch.ones(4, 1, requires_grad=True),
        *(torch.ones(4, size, dtype=dtype) for size in (1, 2) for dtype in (
            torch.int64, torch.uint8, torch.bool, torch.float16, torch.bfloat16, torch.float64, torch.complex64, torch.float8_e4m3fn)),
    ]  # fmt: skip


X1, Y1 = torch.tensor([[0.0], [1.0], [2.0], [4.0]]), torch.tensor([[1.0], [3.0], [4.0], [9.0]])
X2, Y2 = torch.cat((X1, Y1), dim=1), torch.tensor([[0.0], [1.0], [0.0], [1.0]])
RUNS = lk.train_many(X1, Y1, lrs=[0.01, 0.1], batch_sizes=[2, None], seeds=[0], num_steps=3)
HISTORY = History(9.0, [4.0, 1.0], [], [1, 2], [4, 8], [0.1, 0.2])
ROW = {"kind": "step", "device": "cpu", "way": "eager", "N": 10, "d": 2, "samples": (1.0,)}
MEASURED = measurements.Run(
    {"processor": "p", "threads": 1, "gpu": None}, {"python": "3", "torch": "2"}, "2026-01-02", "c"
)


def traced(name: str = "w", names: dict | None = None) -> Graph:
    """A graph whose variable, module and operation are called so."""
    w = torch.tensor(2.0, requires_grad=True)

    class Layer(torch.nn.Module):
        def forward(self, x):
            return x * w + 1

    Layer.__name__ = Layer.__qualname__ = name.encode(errors="ignore").decode().replace("\0", "") or "Layer"
    with lk.trace(names={name: w} if names is None else names, max_elems=8) as g:
        Layer()(torch.tensor(3.0)).square().backward()
    return g


GRAPH = traced()


def damaged_histories() -> list:
    values = ([], [math.nan, 1.0], [math.inf, 1.0], ["x", 1.0], None, [1.0], [None, 2.0], [-1.0, 0.0])
    return [replace(HISTORY, **{name: value}) for name in ("losses", "steps", "seconds") for value in values] + [
        replace(HISTORY, initial_loss=value) for value in (None, "x", math.nan)
    ]


def with_names(value: object) -> list:
    return [{name: value} for name in NAMES] + [{name: value for name in NAMES}, {None: value}, {3: value}]


# Of each kind: a right value, and what else it may be; all of `wrong()` comes on top.
KINDS: dict[str, tuple[Callable[[], object], Callable[[], list]]] = {
    "text": (lambda: "A line that falls.", lambda: NAMES),
    "name": (lambda: "iris.csv", lambda: [*NAMES, "../pyproject.toml"]),
    "folder": (lambda: None, lambda: [*NAMES, "/dev/null", Path("/nowhere")]),
    "path": (lambda: Path("x.json"), lambda: [*NAMES, ".", "/", "/nowhere/x", "y" * 300]),
    "features": (lambda: ("sepal_width", "petal_length"), lambda: [("sepal_width",) * 2, ["petal_width"], (["sepal_width"],), *NAMES]),
    "classes": (lambda: ("setosa", "virginica"), lambda: [("setosa",), ("setosa",) * 2, ({}, {}), *NAMES]),
    "number": (lambda: 1.0, lambda: []),
    "count": (lambda: 3, lambda: []),
    "seed": (lambda: 1, lambda: [2**64 - 1, 2**63]),
    "small": (lambda: 1, lambda: []),
    "switch": (lambda: False, lambda: []),
    "dtype": (lambda: torch.float32, lambda: [torch.float16, torch.bfloat16, torch.float64, torch.int8, torch.bool,
                                             torch.complex64, torch.float8_e4m3fn, torch.float8_e5m2]),
    "X1": (lambda: X1, tensors), "y1": (lambda: Y1, tensors), "X2": (lambda: X2, tensors), "y2": (lambda: Y2, tensors),
    "batch_size": (lambda: 2, lambda: [1, 4, 5]),
    "generator": (lambda: torch.Generator().manual_seed(0), lambda: []),
    "predict": (lambda: lambda X: X[:, :1] / 2, lambda: [lambda X, value=value: value for value in (*tensors(), *wrong()) ]
                + [lambda X: X[:, :1] * math.nan, lambda X: X[:, 0], lambda X: (X[:, :1] > 0), lambda X: X[:, :1].int()]),
    "step": (lambda: lambda X, y: None, lambda: []),
    "record": (lambda: lambda: 0, lambda: [lambda: None, lambda: math.nan]),
    "loss": (lambda: lambda a, b: a.sum(), lambda: [lambda a, b, value=value: value for value in (*tensors(), *wrong())]),
    "validation": (lambda: (X1, Y1), lambda: [(X1,), (X1, Y1[:, 0]), (X1.double(), Y1), (None, None), (X1[:2], Y1[:3])]),
    "histories": (lambda: {"GD": HISTORY}, lambda: with_names(HISTORY) + [{"a": bad} for bad in damaged_histories()]),
    "against": (lambda: "epochs", lambda: [*NAMES, "steps", "examples", "seconds"]),
    "timings": (lambda: {"cpu": {10: 1e-3}}, lambda: with_names({10: Timing((1e-3, 2e-3))})
                + [{"a": {size: time}} for size in (1, *wrong()) if size.__hash__ for time in (1.0, *NUMBERS[:6], None, "x", 10**400)]
                + [{"a": {1: 1.0, "b": 2.0}}, {"a": {}}]),
    "pair of names": (lambda: ("a", "b"), lambda: [(name, "b") for name in NAMES] + [("b", name) for name in NAMES]
                      + [("a",), "ab", ("a", None), ("a", 3), ("a", ["b"])]),
    "sizes": (lambda: (2, 3), lambda: [(1,), (2, 0), (2, 13), [2] * 9, (2, 1.5), "23", (2, None), range(2, 4)]),
    "labels": (lambda: ("in", "out"), lambda: [(name, name) for name in NAMES] + ["ab", ("a",), (None, 3), {"a": 1, "b": 2}]),
    "tensor": (lambda: torch.arange(6).reshape(2, 3), lambda: [*tensors(), torch.ones(1).expand(10**12), torch.ones(2, 2, 2, 2, 2), torch.ones(41, 1), torch.ones(40, 40),
               torch.tensor([math.nan, math.inf, 1e-45]), torch.ones(1).expand(40), *with_names(torch.ones(2)), {"a": torch.ones(2, device="meta")}]),
    "paths": (lambda: {"run": torch.tensor([[0.0, 0.0], [1.0, 1.0]])}, lambda: with_names(torch.zeros(2, 2))[:-3] + [{"a": value} for value in (
        *tensors(), [], [1, 2], [(1, 2), (3,)], ["ab"], [(0, 0), (math.nan, 1)], [(10**400, 1)], [(1e308, 1e308), (0, 0)], "ab")]
        + [dict.fromkeys("abcde", torch.zeros(2, 2))]),
    "range": (lambda: (-1, 5), lambda: [(1, 1), (2, 1), (0, math.inf), (0, 1e308), (-1e308, 1e308), (0, 10**400), (1, 1 + 1e-16), ("a", "b")]),
    "lrs": (lambda: [0.1], lambda: [[0.1, 0.1], [0], [-1], [math.inf], [10**400], [1e308], [1e-320], ["a"], "0.1", (0.1, True)]),
    "batch_sizes": (lambda: [2], lambda: [[5], [0], [1.5], [2, 2], [None, None], [True], [10**400], range(1, 3)]),
    "seeds": (lambda: [0], lambda: [[-1], [2**64], [2**64 - 1], [0, 0], [True], [1.5], range(10**9), range(2)]),
    "start": (lambda: (0.0, 0.0), lambda: [(1,), (1, math.nan), ("a", 1), (10**400, 1), (1e300, 1e300), "ab"]),
    "runs": (lambda: RUNS, lambda: [replace(RUNS, paths=RUNS.paths[:1]), replace(RUNS, losses=RUNS.losses[..., :1]), replace(RUNS, lrs=()),
             replace(RUNS, paths=RUNS.paths * math.nan), lk.train_many(X1 + 1, Y1, lrs=[0.1], batch_sizes=[None], num_steps=1)]),
    "first": (lambda: (0.1, None, 0), lambda: [(0.1, None), (0.2, None, 0), (0.1, 2, 1), ([], {}, 0), (X1, X1, X1), (math.nan, None, 0), "abc"]),
    "device": (lambda: "cpu", lambda: [*NAMES, "cuda:99", "mps", "xla", "cpu:0", "cpu:7", "hpu", torch.device("cuda", 99), 99]),
    "torch device": (lambda: torch.device("cpu"), lambda: ["cpu", "cuda"]),
    "candidates": (lambda: {"a": lambda: None}, lambda: [{name: lambda: None} for name in NAMES] + [{"a": 3}, [lambda: None]]),
    "seconds": (lambda: 1e-6, lambda: []),
    "samples": (lambda: (1.0,), lambda: [(), (math.nan,), (-1.0,), (0.0, 1e308), ("a",), [1.0], (10**400,), (1.0, None)]),
    "exercise": (lambda: "05.1", lambda: [*NAMES, "05.99", "٠٥.1", "9" * 10_000, "05", ("05.1",)]),
    "answers": (lambda: (1,), lambda: [(value,) for value in (*tensors(), *wrong(), *NAMES)] + [wrong()]),
    "error": (lambda: ValueError, lambda: [BaseException, (ValueError, TypeError), ValueError("x"), type]),
    "highlight": (lambda: "core", lambda: [*NAMES, ["code", "api"], [["code"]], itertools.count(), [{}], iter(["core"])]),
    "here": (lambda: "05", lambda: [*NAMES, 5, "5", ["05"]]),
    "function": (lambda: worker, lambda: [lambda rank, world_size, device: 0, len, worker.__code__, eval("lambda: 0"), type]),
    "gradients": (lambda: [1.0, 2.0], lambda: [[math.nan], [10**400], [1] * 5, ["a"], "12", itertools.count(), [1e308, 1e308], [True], X1[:, 0]]),
    "names": (lambda: {"w": X1}, lambda: with_names(torch.ones(2)) + [{"w": name} for name in NAMES] + [{"w": [X1, 3]}]),
    "variable": (lambda: None, lambda: NAMES),
    "traced tensor": (lambda: (torch.ones(2, requires_grad=True) * 3).sum(), lambda: [*tensors(), torch.ones(3, device="meta", requires_grad=True) * 2]),
    "fig": (lambda: lk.figure(2, 1)[0], lambda: []),
    "kind": (lambda: "step", lambda: NAMES), "where": (lambda: "cpu", lambda: [*NAMES, "cuda"]), "way": (lambda: "eager", lambda: NAMES),
    "recorded batch": (lambda: None, lambda: [10, 100, 7]),
    "machine": (lambda: MEASURED.machine, lambda: [{"processor": 1}, {}]),
    "versions": (lambda: MEASURED.versions, lambda: [{"python": 1}, {}]),
    "date": (lambda: "2026-01-02", lambda: [*NAMES, "2026-13-01"]),
    "rows": (lambda: [measurements.Row(**ROW)], lambda: [[None], (measurements.Row(**ROW),)]),
    "failed": (lambda: None, lambda: NAMES),
}  # fmt: skip


def worker(rank, world_size, device):
    return rank


# ---------------------------------------------------------------------------------------------------------------------
# What is right


def is_drawn(fig, given: dict) -> None:
    """It can be shown, and what was named is in it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    fig.set_dpi(40)
    FigureCanvasAgg(fig).draw()


def has_legend(fig, argument: str, given: dict) -> None:
    is_drawn(fig, given)
    entries = [text.get_text() for text in fig.axes[0].get_legend().get_texts()]
    assert len(entries) >= len(given[argument] or ()), (entries, list(given[argument]))


def is_paired(X, y) -> None:
    """One row of y for each of X, and no broadcast hid that it is not so."""
    assert X.shape[0] == y.shape[0] > 0 and X.device == y.device


def regions(fig, given: dict) -> None:
    is_drawn(fig, given)
    assert given["X"].shape == (len(given["y"]), 2) and given["y"].shape == (len(given["X"]), 1)
    assert all(torch.isfinite(given[name].float()).all() for name in ("X", "y"))


def fitted(history: History, given: dict) -> None:
    is_paired(given["X"], given["y"])
    assert len(history.losses) == len(history.steps) and isinstance(history.initial_loss, int | float | complex)


def batches(result: list, given: dict) -> None:
    is_paired(given["X"], given["y"])
    assert sum(len(x) for x, _ in result) == len(given["X"])
    assert all(len(x) == len(y) for x, y in result)


def trained(runs: lk.Runs, given: dict) -> None:
    assert given["X"].shape == given["y"].shape == (len(given["X"]), 1)
    shape = (len(given["lrs"]), len(given["batch_sizes"]), len(given["seeds"]), given["num_steps"] + 1, 2)
    assert runs.paths.shape == shape and runs.losses.shape == shape[:-1] and runs.paths.dtype == given["X"].dtype


def dataset(result: lk.data.Dataset, given: dict) -> None:
    for X, y in ((result.X_train, result.y_train), (result.X_test, result.y_test)):
        assert X.is_floating_point() and X.dtype == y.dtype
        assert X.ndim == 2 and y.shape == (len(X), 1) and X.shape[1] == len(result.feature_names)


class Tags(html.parser.HTMLParser):
    """The elements of a page with their attributes."""

    def __init__(self, page: str):
        super().__init__()
        self.tags, self.words = [], ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.words += data


def is_one_image(page: str, attributes: set[str]) -> dict[str, str]:
    """No name opened an element or an attribute of its own; return the attributes."""
    page.encode()  # no lone surrogates, which no browser could be sent
    parsed = Tags(page)
    (tag, found), = parsed.tags  # fmt: skip
    assert (tag, set(found), parsed.words) == ("img", attributes, "")
    assert found["src"].startswith("data:image/png;base64,") and "\0" not in page
    return found


def is_harmless(graph: Graph) -> None:
    """Neither the element, nor the data in its script, nor the picture inside these hold what a name has opened."""
    found = is_one_image(graph.to_html(), {"src", "width", "alt", "style", "onload"})
    data = json.JSONDecoder().raw_decode(found["onload"], found["onload"].rindex('{"title":'))
    assert found["onload"][data[1] :] == ")"  # nothing follows the data
    for svg in (data[0]["svg"], graph.to_svg()):
        allowed = {"svg", "title", "desc", "rect", "g", "path", "text", "tspan"}
        for element in ET.fromstring(svg).iter():
            assert element.tag.rpartition("}")[2] in allowed
            assert not any(name.lower().startswith(("on", "href", "xlink")) for name in element.attrib)
    bundle = graph._repr_mimebundle_()
    assert "\x1b" not in bundle["text/plain"] and "\u202e" not in bundle["text/plain"]


def recorded_graph(result: Graph, given: dict) -> None:
    is_harmless(result)


def explored(result: lk.Explorer, given: dict) -> None:
    is_one_image(result.to_html(), {"src", "width", "alt", "style", "onload", "data-runs"})


def shown(result: dict, given: dict) -> None:
    found = is_one_image(result["text/html"], {"src", "width", "height", "alt", "style"})
    assert found["alt"].strip()
    result["text/plain"].encode()


# ---------------------------------------------------------------------------------------------------------------------
# The table


@dataclass(frozen=True)
class Call:
    """How a function is called, of which kind its arguments are, which errors it documents, and what is right."""

    kinds: dict[str, str]
    right: Callable = lambda result, given: None
    raises: tuple = ()
    call: Callable | None = None
    examples: float = 1  # so many times as many


def show(fig, alt):
    said = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(IPython.display, "display", lambda data, raw: said.append(data))
        lk.show(fig, alt=alt)
    return said[0]


def device(LECTUREKIT_DEVICE):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LECTUREKIT_DEVICE", LECTUREKIT_DEVICE)
        return lk.device()


def run_workers(**given):
    """But for the processes: they fail to start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workers, "_torchrun", lambda folder, num_workers, timeout: (1, f"{num_workers} {timeout}"))
        with pytest.raises(RuntimeError, match="torchrun could not start"):
            lk.run_workers(**given)


def expect_error(error, match):
    with lk.expect_error(error, match):
        raise ValueError("A line that falls.")


def trace(names, target, max_elems):
    w = torch.tensor(2.0, dtype=torch.float32, device="cpu", requires_grad=True)
    with lk.trace(names, target, max_elems) as g:
        (w * 3).square()
    return g


def measure_all(quick, device, note, report):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measurements.measuring, "_timed", lambda *_, **__: [])
        patch.setattr(measurements.measuring, "_to_loss", lambda *_: [])
        return measurements.run(quick=quick, device=device, note=note, report=report)


XY1, XY2 = {"X": "X1", "y": "y1"}, {"X": "X2", "y": "y2"}
CALLS = {
    "lk.check": Call({"number": "exercise", "answers": "answers"}, call=lambda number, answers: lk.check(number, *(answers if isinstance(answers, tuple) else (answers,)))),
    "lk.device": Call({"LECTUREKIT_DEVICE": "device"}, call=device),
    "lk.expect_error": Call({"error": "error", "match": "text"}, call=expect_error, raises=(AssertionError,)),
    "lk.explorer": Call({**XY1, "runs": "runs", "first": "first"}, explored, examples=0.8),
    "lk.figure": Call({"width": "number", "height": "number", "columns": "small"}, lambda made, given: is_drawn(made[0], given)),
    "lk.fit": Call({"step": "step", **XY1, "predict": "predict", "num_epochs": "small", "batch_size": "batch_size", "seed": "seed",
                    "num_steps": "small", "loss": "loss", "record": "record", "validation": "validation", "progress": "switch"},
                   fitted, examples=5),
    "lk.graph_of": Call({"tensor": "traced tensor", "names": "names", "max_elems": "count"}, recorded_graph, examples=2),
    "lk.measure": Call({"candidates": "candidates", "device": "device", "repeats": "small", "min_seconds": "seconds"}),
    "lk.minibatches": Call({**XY1, "batch_size": "batch_size", "generator": "generator"}, batches,
                           call=lambda **given: list(lk.minibatches(**given)), examples=4),
    "diagrams.all_reduce": Call({"gradients": "gradients"}, is_drawn),
    "lk.plot_decision_regions": Call({"predict": "predict", **XY2, "feature_names": "pair of names", "class_names": "pair of names",
                                      "threshold": "number"}, regions, examples=2),
    "lk.plot_loss_surface": Call({**XY1, "paths": "paths", "w_range": "range", "b_range": "range"},
                                 lambda fig, given: has_legend(fig, "paths", given), examples=2),
    "lk.plot_losses": Call({"histories": "histories", "against": "against", "log": "switch"},
                           lambda fig, given: has_legend(fig, "histories", given), examples=2),
    "lk.plot_network": Call({"sizes": "sizes", "labels": "labels"}, is_drawn),
    "lk.plot_tensor": Call({"tensor": "tensor"}, is_drawn, examples=2),
    "lk.plot_timings": Call({"timings": "timings", "recorded": "timings", "xlabel": "text", "ylabel": "text"},
                            lambda fig, given: has_legend(fig, "timings", given), examples=2),
    "lk.run_workers": Call({"function": "function", "num_workers": "small", "timeout": "seconds"}, call=run_workers),
    "lk.show": Call({"fig": "fig", "alt": "text"}, shown, call=show),
    "lk.synchronize": Call({"device": "torch device"}),
    "lk.trace": Call({"names": "names", "target": "variable", "max_elems": "count"}, recorded_graph, call=trace, examples=2),
    "lk.train_many": Call({**XY1, "lrs": "lrs", "batch_sizes": "batch_sizes", "seeds": "seeds", "num_steps": "small", "start": "start"},
                          trained, examples=5),
    "lk.Timing": Call({"samples": "samples"}, lambda timing, given: repr(timing)),
    "data.read": Call({"name": "name", "folder": "folder"}, raises=(OSError,)),
    "data.iris": Call({"features": "features", "classes": "classes", "seed": "seed", "folder": "folder"}, dataset, (OSError,)),
    "data.double_line": Call({"dtype": "dtype"}, dataset),
    "data.noisy_line": Call({"num_examples": "count", "slope": "number", "intercept": "number", "noise": "number", "seed": "seed"},
                            dataset, examples=3),
    "data.moons": Call({"num_train": "count", "num_test": "count", "noise": "number", "seed": "seed"}, dataset, examples=3),
    "diagrams.layer_cake": Call({"highlight": "highlight"}),
    "diagrams.course_map": Call({"here": "here"}),
    "measurements.load": Call({"path": "path"}, raises=(OSError,)),
    "measurements.run": Call({"quick": "switch", "device": "device", "note": "text", "report": "record"}, call=measure_all),
    "measurements.Row": Call({"kind": "kind", "device": "where", "way": "way", "N": "small", "d": "small", "batch_size": "recorded batch",
                              "samples": "samples", "steps": "small", "bytes": "small", "failed": "failed"}, lambda row, given: str(row), examples=4),
    "measurements.Run": Call({"machine": "machine", "versions": "versions", "date": "date", "command": "text", "note": "text", "rows": "rows"}),
    "measurements.Run.step_times": Call({"device": "where", "batch_size": "recorded batch", "way": "way"}, call=MEASURED.step_times),
    "measurements.Run.times_to_loss": Call({"device": "where", "batch_size": "recorded batch"}, call=MEASURED.times_to_loss),
    "measurements.Run.bandwidth": Call({"device": "where"}, call=MEASURED.bandwidth),
    "measurements.Run.crossover": Call({"batch_size": "recorded batch", "way": "way"}, call=MEASURED.crossover),
    "graph.Graph.to_svg": Call({"max_nodes": "count"}, call=GRAPH.to_svg),
    "graph.Graph.to_png": Call({"max_nodes": "count"}, call=GRAPH.to_png),
    "graph.Graph.to_html": Call({"max_nodes": "count"}, call=GRAPH.to_html),
}  # fmt: skip
# No arguments, or results that only their makers fill.
NOT_CALLED = {
    "lk.environment": "no arguments",
    "lk.Explorer": "made by explorer", "lk.Explorer.to_html": "no arguments", "lk.Explorer.to_png": "no arguments",
    "lk.History": "filled by fit; plot_losses looks at what it is given",
    "lk.Runs": "made by train_many; explorer looks at what it is given",
    "lk.WorkerRun": "made by run_workers",
    "data.Dataset": "made by the functions of data", "data.Dataset.to": "passes all on to Tensor.to",
    "data.course_folder": "no arguments",
    "diagrams.ecosystem": "no arguments", "diagrams.trilemma": "no arguments", "diagrams.Lesson": "a row of the map",
    "measurements.recorded": "no arguments", "measurements.Run.save": "a test of its own, below",
    "graph.Node": "filled by trace", "graph.Edge": "filled by trace", "graph.Graph": "filled by trace",
    "graph.Graph.to_text": "no arguments",
}  # fmt: skip
# More of it takes longer: that is what was asked for, and the reader may interrupt.
ASKED_FOR = {
    ("lk.fit", "num_epochs"),
    ("lk.fit", "num_steps"),
    ("lk.measure", "repeats"),
    ("lk.measure", "min_seconds"),
}


def public() -> dict[str, object]:
    """Every function and class that is public, and the public methods of the classes."""
    found: dict[str, object] = {}
    spaces = {"lk": lk, "data": lk.data, "diagrams": lk.diagrams, "measurements": measurements, "graph": graph}
    for space, module in spaces.items():
        names = getattr(module, "__all__", None) or [
            name for name, value in vars(module).items() if getattr(value, "__module__", None) == module.__name__
        ]
        for name in names:
            value = getattr(module, name)
            if name[0] == "_" or not callable(value) or any(value is other for other in found.values()):
                continue
            found[f"{space}.{name}"] = value
            methods = vars(value).items() if inspect.isclass(value) and value is not lk.trace else ()
            found |= {f"{space}.{name}.{m}": f for m, f in methods if inspect.isfunction(f) and m[0] != "_"}
    return found


def test_every_public_function_and_each_of_its_arguments_is_in_the_table():
    assert set(public()) == {*CALLS, *NOT_CALLED} and not CALLS.keys() & NOT_CALLED.keys()
    for name, value in public().items():
        arguments = [argument for argument in inspect.signature(value).parameters if argument != "self"]
        if name in CALLS and name != "lk.device":
            assert arguments == list(CALLS[name].kinds), name
        if NOT_CALLED.get(name) == "no arguments":
            assert not arguments, name


@st.composite
def arguments(draw, name: str) -> tuple[dict[str, object], set[str]]:
    """Draw arguments that are right but for one or two; return them and which these are."""
    kinds = CALLS[name].kinds
    strange = draw(st.sets(st.sampled_from(sorted(kinds)), min_size=1, max_size=2))
    given = {}
    for argument, kind in kinds.items():
        good, others = KINDS[kind]
        given[argument] = good()
        if argument in strange:
            values = [*others(), *wrong()]
            if (name, argument) in ASKED_FOR:
                values = [value for value in values if not (isinstance(value, int | float) and value > 1)]
            given[argument] = values[draw(st.integers(0, len(values) - 1))]
    return given, strange


def named(words: str, arguments: set[str]) -> bool:
    blamed = arguments | ({"batch_size", "batch_sizes"} if "X" in arguments else set())  # which depend on its rows
    return any(re.search(rf"(?<!\w){argument}(?!\w)", words) for argument in blamed)


def answers_well(name: str, given: dict[str, object], strange: set[str]) -> None:
    """Call, and see a right result, or an error of a documented type that names one of the strange arguments."""
    entry = CALLS[name]
    try:
        result = (entry.call or public()[name])(**given)
    except (TypeError, ValueError, *entry.raises) as error:
        # What the system or a reader's function says goes on as it is.
        if not isinstance(error, entry.raises or ()):
            assert named(str(error), strange), f"{name}({given}) does not name {strange}: {error!r}"
        return
    entry.right(result, given)


@pytest.mark.filterwarnings("ignore")  # Matplotlib has no letters for some names, and no room for others
@pytest.mark.parametrize("name", CALLS)
def test_a_right_result_or_an_error_that_names_the_argument(name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    @settings(
        max_examples=max(1, round(EXAMPLES * CALLS[name].examples)),
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],  # a figure takes too long for shrinking, and the examples are small
        suppress_health_check=list(HealthCheck),
    )
    @given(arguments(name))
    def calls(drawn):
        answers_well(name, *drawn)

    calls()
    assert not list(tmp_path.iterdir()), "a file was left behind"


def right_values(name: str) -> dict[str, object]:
    given = {argument: KINDS[kind][0]() for argument, kind in CALLS[name].kinds.items()}
    return given | ({"samples": (1.0,)} if name == "measurements.Row" else {})


def told(value: object) -> object:
    """All that can be seen of a result, as text; without times."""
    if isinstance(value, torch.Tensor):
        return f"{value.dtype} on {value.device}: {value.tolist()}"
    if isinstance(value, Figure):
        picture = io.StringIO()
        with rc_context({"svg.hashsalt": "the same"}):
            value.savefig(picture, format="svg", metadata={"Date": None})
        return picture.getvalue()
    if isinstance(value, lk.Explorer):
        return value.to_html()
    if isinstance(value, Graph):
        return value.to_text()
    if isinstance(value, History):
        value = replace(value, seconds=[])
    if is_dataclass(value):
        value = vars(value)
    if isinstance(value, tuple | list):
        return [told(part) for part in value]
    if isinstance(value, dict):
        return {name: told(part) for name, part in value.items() if not isinstance(part, Timing)}
    return repr(value)


@pytest.mark.parametrize("name", CALLS)
def test_right_values_are_right_whatever_the_defaults_are(name, tmp_path, monkeypatch):
    """Other ones than usual change no result, number for number."""
    monkeypatch.chdir(tmp_path)
    MEASURED.save("x.json")
    found = []
    for dtype, device in ((torch.float32, "cpu"), (torch.float64, "meta")):
        given = right_values(name)
        with defaults(dtype, device):
            result = (CALLS[name].call or public()[name])(**given)
            CALLS[name].right(result, given)
        found.append(told(result))
    assert found[0] == found[1]


# What the test above has found, or stands for what it may find in other examples: quick, and the same each time.
FOUND = [
    (lambda: lk.data.noisy_line(10**12), ValueError, "num_examples must be at most 100,000,000"),
    (lambda: lk.data.moons(10**12), ValueError, "num_train must be at most 100,000,000"),
    (lambda: lk.data.noisy_line(seed=2**64), ValueError, "seed must be at most"),
    (lambda: lk.data.noisy_line(slope=10**400), ValueError, "slope must be finite, got 1000"),
    (lambda: lk.data.double_line(torch.float8_e4m3fn), TypeError, "dtype must be a type that torch computes with"),
    (lambda: lk.data.read(["iris.csv"]), ValueError, "name must be one of iris.csv"),
    (lambda: lk.data.iris(folder=3), TypeError, "folder must be a path, got 3"),
    (lambda: lk.figure(1e9), ValueError, "width must be from 0.1 to 100 inches"),
    (lambda: lk.figure(columns=10**9), ValueError, "columns must be at most 12"),
    (lambda: lk.run_workers(worker, num_workers=10**6), ValueError, "num_workers must be at most 64"),
    (lambda: lk.synchronize("cuda"), TypeError, "device must be a torch.device, got 'cuda'"),
    (lambda: lk.measure({"a": len}, device="meta"), ValueError, "device must name a device that computes"),
    (lambda: lk.measure({"a": len}, device=3), TypeError, "device must be the name of a device"),
    (lambda: list(lk.minibatches(X1, Y1, 2, None)), TypeError, "generator must be a torch.Generator, got None"),
    (lambda: list(lk.minibatches([1], Y1, 1, torch.Generator())), TypeError, "X must be a torch.Tensor .* got list"),
    (lambda: lk.train_many(X1.to("meta"), Y1.to("meta"), lrs=[1], batch_sizes=[1], num_steps=1), ValueError, "X must hold numbers, got .* meta"),
    (lambda: lk.train_many(X1.to_sparse(), Y1, lrs=[1], batch_sizes=[1], num_steps=1), TypeError, "X must be a dense tensor"),
    (lambda: lk.train_many(X1, Y1, lrs=[1], batch_sizes=[1], num_steps=10**12), ValueError, "num_steps must make at most"),
    (lambda: lk.train_many(X1, Y1, lrs=[1], batch_sizes=[1], seeds=range(10**9), num_steps=1), ValueError, "number of seeds must be at most"),
    (lambda: lk.train_many(X1, Y1, lrs=[1e308], batch_sizes=[1], num_steps=1), ValueError, "lrs must fit into torch.float32"),
    (lambda: lk.explorer(X1, Y1, replace(RUNS, losses=RUNS.losses[..., :1])), ValueError, "runs must hold w and b and the loss"),
    (lambda: lk.plot_loss_surface(X1, Y1, {"a": torch.ones(2, 2, device="meta")}), TypeError, "paths.'a'. must hold real numbers"),
    (lambda: lk.plot_losses({"a": replace(HISTORY, steps=[1])}, against="steps"), ValueError, "histories.'a'. must have a loss for each entry"),
    (lambda: lk.plot_losses({"a": replace(HISTORY, losses=["x"])}), TypeError, "histories.'a'. must hold lists of numbers"),
    (lambda: lk.plot_losses({"a": HISTORY}, against=["epochs"]), ValueError, "against must be one of"),
    (lambda: lk.plot_timings({"a": {1: 1.0, "b": 2.0}}), TypeError, "a size in timings.'a'. must be a number"),
    (lambda: lk.plot_decision_regions(lambda X: X[:, :1], X2.int(), Y2), TypeError, "X must be of a floating point dtype"),
    (lambda: lk.plot_decision_regions(lambda X: X[:, :1] * math.nan, X2, Y2), ValueError, "real, finite numbers.*diverged"),
    (lambda: lk.plot_decision_regions(lambda X: X[:, :1], X2, Y2, class_names=("a", 3)), TypeError, "class_names.1. must be a string"),
    (lambda: lk.plot_network((2, 3), labels=3), ValueError, "labels must be 2 texts"),
    (lambda: lk.plot_tensor(torch.ones(2, device="meta")), ValueError, "tensor must hold numbers to be drawn"),
    (lambda: lk.diagrams.layer_cake(itertools.count()), TypeError, "highlight must be a layer or a list"),
    (lambda: lk.diagrams.course_map(["05"]), ValueError, "here must be out of"),
    (lambda: lk.diagrams.all_reduce(itertools.count()), TypeError, "gradients must be a list of numbers"),
    (lambda: lk.graph_of(X1, max_elems="x"), TypeError, "max_elems must be an int"),
    (lambda: GRAPH.to_svg(0), ValueError, "max_nodes must be an int of at least 1"),
    (lambda: Timing(()), TypeError, "samples must be a tuple of at least one number"),
    (lambda: measurements.load(3), TypeError, "path must be a string or a Path"),
    (lambda: MEASURED.save("a\0b"), ValueError, "path must be that of a file"),
    (lambda: replace(MEASURED, date="today"), ValueError, "date must be of the form"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "words"), FOUND)
def test_found(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_deep_json_is_no_measurement(tmp_path):
    (tmp_path / "x.json").write_text("[" * 100_000)
    with pytest.raises(ValueError, match="must be a file of measurements"):
        measurements.load(tmp_path / "x.json")


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_names_open_nothing_in_a_page(name):
    """Of a variable, a module's class and an operation; of an alternative text."""
    is_harmless(traced(name))
    if name.strip():
        shown(show(lk.figure(1, 1)[0], name), {})


@pytest.mark.filterwarnings("ignore:Glyph")
def test_names_stay_in_the_legend_as_they_are_written():
    fig = lk.plot_losses({"$\\frac$": HISTORY, "_hidden": HISTORY, "": HISTORY, "a" * 10_000: HISTORY})
    is_drawn(fig, {})
    first, second, third, long = (text.get_text() for text in fig.axes[0].get_legend().get_texts())
    assert (first, second.strip(), third.strip()) == ("$\\frac$", "_hidden", "") and len(long) == 60
