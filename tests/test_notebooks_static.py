"""What nbval lets through: every rule of notebook_rules.py over every notebook, and each rule seen to fail."""

import base64
import io
from functools import cache
from pathlib import Path

import nbformat
import notebook_rules as rules
import pytest
from matplotlib.figure import Figure
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from structure import NOTEBOOKS

# The cells whose output is not compared on a GPU, or never: lesson and first line of the cell, with the reason. Each
# asserts what it claims. Nothing may stand here whose output is the same everywhere.
ON_CPU_ONLY: dict[tuple[str, str], str] = {
    ("02", 'others = ["meta"] if device.type == "cpu" else ["meta", device.type]'): "shows the GPU's error, too",
    ("02", "for other in others:"): "shows the GPU's error, too",
    ("09", "for place in places:"): "prints a line for the GPU, too",
}
IGNORED: dict[tuple[str, str], str] = {
    ("00", "report = lk.environment()"): "names versions and the device of this machine",
    ("02", "device = lk.device()"): "names the device of this machine",
    ("07", "y_hat, y_many = torch.rand(1_000_000, requires_grad=True), torch.rand(1_000_000)"): "a ratio of two times",
    ("08", "# The price of one step, without picking the batch."): "times of steps, and their sum",
    ("08", "# One epoch of batches, without any training."): "times of two ways to make batches",
    ("09", 'program = """'): "times of single calls",
    ("09", "with ThreadPoolExecutor(max_workers=1) as queue:"): "times of a queue",
    ("09", "X = torch.ones(1000, 1000, device=device)"): "times of one operation",
    ("09", 'places = ["cpu"] if device.type == "cpu" else ["cpu", device.type]'): "a ratio of two times",
    ("09", "adaline = nn.Linear(2, 1).to(device)"): "times of a forward pass",
    ("13", "ratios = {}"): "ratios of measured times",
}


@pytest.mark.parametrize("rule", rules.COMMON_RULES + rules.LESSON_RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_keeps_the_rule(path, rule):
    if rule in rules.rules_for(path):  # else a rule for lessons, and this is a page
        problems = list(rule(rules.read(path), path))
        assert not problems, "\n".join([f"{path.name}:", *problems])


@pytest.mark.parametrize(("tag", "listed"), [(rules.IGNORED_TAG, IGNORED), (rules.CPU_TAG, ON_CPU_ONLY)])
def test_cells_that_are_not_compared_are_listed_and_assert_what_they_claim(tag, listed):
    tagged = {
        (rules.lesson_number(path), rules.first_line(cell)): rules.claims(cell.source)
        for path in NOTEBOOKS
        for cell in rules.code_cells(rules.read(path))
        if tag in rules.tags(cell)
    }
    assert tagged.keys() == listed.keys()
    assert [cell for cell, claims in tagged.items() if not claims] == []


# ---------------------------------------------------------------------------------------------------------------------
# A small lesson that keeps every rule. A line "%% …" begins a cell (code with its tag) or an output of the cell above.

PATH = Path("05_small.ipynb")
LESSON = """
%% markdown
# 05 · Small

Is it small?
%% markdown
## What you will be able to do

- One.
- Two.
- Three.

## What you need

Little.
%% markdown
## Setup
%% code setup
import sys
%% code setup
%load_ext watermark
%watermark -v -p torch,numpy,matplotlib,lecturekit
%% stdout
torch     : 2.13.0
%% code
import torch

import lecturekit as lk
%% markdown
## 1 · `fit()` and more

See `lk.fit`.

> **Predict.** What comes?
%% code
# Check: it holds.
assert 1 == 1
%% stdout
loss: 0.3885 and 12.0000, 92.86 %, 1e-06, below 1e-14, 1000000 rows, torch 2.13.0+cpu
'https://example.org/home/ada', 3/4, x/tmp, and/or, published: 0.38849
%% markdown
## 2 · More

> **Predict.** What comes?
%% code
lk.show(fig)
%% text/html
<img alt="A line that rises from 0 to 1 and falls again." width="40" height="30" src="data:image/png;base64,«line»">
%% code
# Check: it holds.
assert 1 == 1
1
%% text/plain
1
%% markdown
> **Predict.** What comes?
%% code
# Check: it holds.
assert 1 == 1
%% markdown
## Exercises
%% exercises
%% markdown
## Recap

- One.
- Two.
- Three.

## Where next

On.

## Sources

- A.
"""

EXERCISE = """%% markdown
### Exercise 05.{n} · Title {n}
%% code exercise
answer = ...

lk.check("05.{n}", answer)
%% stdout
○ Exercise 05.{n}, not attempted: replace the dots.
%% markdown
<details>
<summary>Solution</summary>

```python
# the {n}
answer = {n}
```

Because {n}.
</details>
"""
LESSON = LESSON.replace("%% exercises\n", "".join(EXERCISE.format(n=n) for n in (1, 2, 3)))


@cache
def png(blank: bool) -> str:
    """A picture of 80 × 60 pixels."""
    fig = Figure(figsize=(0.8, 0.6), dpi=100)
    if not blank:
        fig.subplots().plot([0, 1, 0])
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png")
    return base64.b64encode(buffer.getvalue()).decode()


def notebook(text: str) -> nbformat.NotebookNode:
    for name in ("line", "blank"):
        text = text.replace(f"«{name}»", png(name == "blank"))
    nb = new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    for part in text.strip().removeprefix("%% ").split("\n%% "):
        head, _, body = part.partition("\n")
        kind, *tags = head.split()
        count = len(rules.code_cells(nb))
        if kind == "markdown":
            nb.cells.append(new_markdown_cell(body, metadata={"tags": tags}))
        elif kind == "code":
            hides = rules.asks(nb.cells[-1]) or rules.is_hidden(nb.cells[-1])
            metadata = {"tags": tags} | ({"jupyter": {"outputs_hidden": True}} if hides else {})
            nb.cells.append(new_code_cell(body, metadata=metadata, execution_count=count + 1))
        elif kind in ("stdout", "stderr"):
            nb.cells[-1].outputs.append(new_output("stream", name=kind, text=body))
        elif kind == "text/plain":
            nb.cells[-1].outputs.append(new_output("execute_result", data={kind: body}, execution_count=count))
        else:
            nb.cells[-1].outputs.append(new_output("display_data", data={kind: body}))
    return nb


def test_the_small_lesson_keeps_every_rule(tmp_path):
    path = tmp_path / "05_small.ipynb"
    nbformat.write(notebook(LESSON), path)
    nb = rules.read(path)
    assert [problem for rule in rules.rules_for(path) for problem in rule(nb, path)] == []
    first, *_ = rules.exercises(nb)
    assert first.solved() == '# the 1\nanswer = 1\n\nlk.check("05.1", answer)'


# A rule, a piece of the small lesson, and what stands there instead: the rule must see it.
BROKEN = [
    ("errors_and_warnings", "%% stdout", "%% stderr"),
    ("known_tags", "%% code exercise", "%% code nbval-skip"),
    ("known_tags", "%% markdown\n## 2", "%% markdown exercise\n## 2"),
    ("mime_types", "%% text/html", "%% image/png"),
    ("plain_python", "lk.show(fig)", "%timeit lk.show(fig)"),
    ("plain_python", "lk.show(fig)", "get_ipython().run_line_magic('time', '')"),
    ("plain_python", "lk.show(fig)", "lk.show(fig)\n# NBVAL_IGNORE_OUTPUT"),
    ("nothing_unfinished", "lk.show(fig)", "\n"),
    ("nothing_unfinished", "Little.", "TODO: say more"),
    ("nothing_of_this_machine", "loss:", "<object at 0x7f3a2b1c0d9e>"),
    ("nothing_of_this_machine", "loss:", "ipykernel_4711"),
    ("nothing_of_this_machine", "loss:", "File /root/course/x.py"),
    ("nothing_of_this_machine", "loss:", "in C:\\Users\\ada"),
    ("nothing_of_this_machine", "lk.show(fig)", "open('/tmp/x.csv')"),
    ("nothing_from_elsewhere", "Little.", "![A graph with five nodes in a row](figures/graph.png)"),
    ("nothing_from_elsewhere", "data:image/png;base64,«line»", "figures/graph.png"),
    ("nothing_from_elsewhere", "<img", '<script src="https://example.org/a.js"></script><img'),
    ("nothing_from_elsewhere", "<img", "<style>@import 'https://example.org/a.css'</style><img"),
    ("nothing_from_elsewhere", "<img", '<link href="//example.org/a.css" rel="stylesheet"><img'),
    ("alt_texts", "A line that rises from 0 to 1 and falls again.", ""),
    ("alt_texts", "A line that rises from 0 to 1 and falls again.", "the picture in the file graph.png"),
    ("alt_texts", "<img", "<svg width='3'><path d=''/></svg><img"),
    ("pixels", "«line»", "not base64!"),
    ("pixels", "«line»", "«blank»"),
    ("pixels", 'width="40"', 'width="80"'),
    ("printed_digits", "0.3885", "0.38848"),
    ("printed_digits", "0.3885", "0.123456e-3"),
    ("printed_digits", "0.3885", "2.98e-08"),
    ("printed_digits", "0.3885", "3e-08"),
    ("printed_digits", "from 0 to 1", "from 0 to 0.388494"),
    ("unique_headings", "## 2 · More", "## 2 · More\n\n### Setup"),
    ("names_of_the_package", "`lk.fit`", "`lk.fitt(…)`"),
    ("names_of_the_package", "`lk.fit`", "`lecturekit.trainings`"),
    ("budget", "lk.show(fig)", "lk.show(fig)\n" + "# a line\n" * 25),
    ("budget", "lk.show(fig)", "lk.show(fig)\n" + "x = 1\n" * 8 + "\n%% code\n".join(["x = 1\n" * 8] * 40)),
    ("budget", "Little.", "\n%% markdown\n".join(["Little."] * 80)),
    ("budget", "Little.", "word " * 4000),
    ("anatomy", "## 2 · More", "# Another title\n\n## 2 · More"),
    ("anatomy", "## Where next", "## Next"),
    ("anatomy", "## 2 · More", "## 3 · More"),
    ("anatomy", "## 2 · More", "## More"),
    ("anatomy", "- Two.\n- Three.\n\n## Where", "- Three.\n\n## Where"),
    ("anatomy", "- A.", "None."),
    ("predict_and_check", "# Check: it holds.\nassert 1 == 1\n1", "# Check: it holds.\n1"),
    ("predict_and_check", "# Check: it holds.\nassert 1 == 1\n1", "assert 1 == 1\n1"),
    ("predict_and_check", "> **Predict.** What comes?\n%% code\nlk", "What comes?\n%% code\nlk"),
    ("exercises_are_whole", "%% code exercise", "%% code"),
    ("exercises_are_whole", "%% code\nlk.show", "%% code exercise\nlk.show"),
    ("exercises_are_whole", 'lk.check("05.1", answer)', 'lk.check("06.1", answer)'),
    ("exercises_are_whole", "### Exercise 05.2 · Title 2", "### Exercise 05.4 · Title 2"),
    ("exercises_are_whole", "### Exercise 05.2 · Title 2", "And now?"),
    ("exercises_are_whole", "# the 1\nanswer = 1", "answer = ..."),
    ("exercises_are_whole", "# the 1\nanswer = 1", 'answer = 1\nlk.check("05.1", answer)'),
    ("exercises_are_whole", "Because 1.", ""),
    ("exercises_are_whole", EXERCISE.format(n=3), ""),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new"), BROKEN, ids=[f"{name}-{i}" for i, (name, _, _) in enumerate(BROKEN)])
def test_rule_sees_what_is_broken(tmp_path, name, old, new):
    assert old in LESSON
    path = tmp_path / "05_small.ipynb"
    nbformat.write(notebook(LESSON), path)
    assert list(getattr(rules, name)(notebook(LESSON.replace(old, new, 1)), path))


@pytest.mark.parametrize(
    ("rule", "field", "value"),
    [
        (rules.counts, "execution_count", None),
        (rules.counts, "execution_count", 7),
        (rules.metadata, "metadata", {"execution": {"iopub.execute_input": "2026-01-01T00:00:00Z"}}),
    ],
)
@pytest.mark.parametrize("of_output", [False, True])
def test_rule_sees_a_broken_field(rule, field, value, of_output):
    nb = notebook(LESSON)
    cell = rules.code_cells(nb)[5]
    (cell.outputs[0] if of_output else cell)[field] = value
    assert list(rule(nb, PATH))


def test_rule_sees_what_an_editor_left_behind():
    nb = notebook(LESSON)
    nb.metadata["widgets"] = {}
    nb.metadata["kernelspec"]["name"] = "my-venv"
    nb.nbformat_minor = 4
    assert len(list(rules.metadata(nb, PATH))) == 1 and len(list(rules.kernel(nb, PATH))) == 2


def test_rule_sees_an_answer_before_it_is_asked_for():
    nb = notebook(LESSON)
    asked = next(cell for cell in nb.cells if rules.is_hidden(cell))
    other = next(cell for cell in rules.code_cells(nb) if not rules.is_hidden(cell))
    other.metadata["jupyter"] = asked.metadata.pop("jupyter")
    assert len(list(rules.think_before_you_see(nb, PATH))) == 2


def test_an_error_in_an_output_and_an_id_that_stands_twice_are_seen(tmp_path):
    nb = notebook(LESSON)
    error = new_output("error", ename="ValueError", evalue="bad", traceback=[])
    rules.code_cells(nb)[5].outputs.append(error)
    assert list(rules.errors_and_warnings(nb, PATH))
    path = tmp_path / "05_small.ipynb"
    nbformat.write(nb, path)
    path.write_text(path.read_text("utf-8").replace(nb.cells[3].id, nb.cells[4].id), "utf-8")
    with pytest.raises(Warning, match="Non-unique cell id"):
        rules.read(path)


def test_every_rule_has_been_seen_to_fail():
    seen = {name for name, _, _ in BROKEN} | {"counts", "metadata", "kernel", "think_before_you_see"}
    assert seen == {rule.__name__ for rule in rules.COMMON_RULES + rules.LESSON_RULES}
