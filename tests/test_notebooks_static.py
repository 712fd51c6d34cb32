"""What nbval lets through: every rule of notebook_rules.py over every notebook, and each rule seen to fail."""

import base64
import copy
import io
import re
from pathlib import Path

import nbformat
import notebook_rules as rules
import pytest
from matplotlib.figure import Figure
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))

# The cells whose output is not compared on a GPU, or never: notebook and first line of the cell, with the reason. Each
# asserts what it claims. Nothing may stand here whose output is the same everywhere.
ON_CPU_ONLY: dict[tuple[str, str], str] = {
    ("02_devices.ipynb", 'strangers = ["meta", "cuda"] if has_cuda else ["meta"]'): "shows an error of the GPU, too",
    ("02_devices.ipynb", "for stranger in strangers:"): "shows an error of the GPU, too",
    ("02_devices.ipynb", "if has_cuda:"): "counts the memory of a GPU",
}
IGNORED: dict[tuple[str, str], str] = {
    ("00_start_here.ipynb", "many = list(range(20_000))"): "a ratio of two times",
    ("00_start_here.ipynb", "report = lk.environment()"): "names versions and the device of this machine",
    ("02_devices.ipynb", "device = lk.device()"): "names the device of this machine",
    ("02_devices.ipynb", 'program = """'): "times of single calls",
    ("02_devices.ipynb", "with ThreadPoolExecutor(max_workers=1) as queue:"): "times of a queue",
    ("02_devices.ipynb", "# Twenty products of large matrices, where there is a GPU."): "times on a GPU, if any",
    ("02_devices.ipynb", "X = torch.ones(1000, 1000, device=device)"): "times of one operation",
    ("02_devices.ipynb", "yours = {}"): "times of a training step",
    (
        "02_devices.ipynb",
        'benchmarks = sorted(recorded(), key=lambda benchmark: benchmark.device == "cuda")  # with a GPU: last',
    ): "shows what was recorded, with machine and versions",
    ("07_gd_vs_sgd.ipynb", "# The price of one step, by the clock."): "times of training steps, and their sum",
    (
        "10_data_parallel_sgd.ipynb",
        "ratios = {size: together / alone for size, alone, together in costs}",
    ): "ratios of measured times",
    (
        "10_data_parallel_sgd.ipynb",
        'timings = {"one worker": {row[0]: row[1] for row in costs}, "two workers": {row[0]: row[2] for row in costs}}',
    ): "times of a step with one and with two workers",
}


def test_there_are_notebooks():
    assert NOTEBOOKS


@pytest.mark.parametrize("rule", rules.COMMON_RULES + rules.LESSON_RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_keeps_the_rule(path, rule):
    if rule not in rules.rules_for(path):
        return  # a rule for lessons, and this is a page
    problems = rule(nbformat.read(path, as_version=4), path)
    assert not problems, "\n".join([f"{path.name}:", *problems])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_cells_that_are_not_compared(path):
    nb = nbformat.read(path, as_version=4)
    problems = _problems_of_ignored_cells(nb, path.name, IGNORED)
    problems += _problems_of_ignored_cells(nb, path.name, ON_CPU_ONLY, rules.CPU_TAG)
    assert not problems, "\n".join([f"{path.name}:", *problems])


def test_cells_that_are_not_compared_are_listed_for_notebooks_that_exist():
    assert {name for name, _ in {**IGNORED, **ON_CPU_ONLY}} <= {path.name for path in NOTEBOOKS}


def _problems_of_ignored_cells(nb, name, listed, tag=rules.IGNORED_TAG):
    tagged = [cell for cell in rules.code_cells(nb) if tag in rules.tags(cell)]
    found = [(name, rules.first_line(cell)) for cell in tagged]
    expected = {key for key in listed if key[0] == name}
    problems = [f"not listed with a reason: {line!r}" for _, line in found if (name, line) not in expected]
    problems += [f"listed, but no such cell: {line!r}" for _, line in expected - set(found)]
    problems += [f"no reason for {key[1]!r}" for key in expected if len(listed[key].split()) < 3]
    problems += [f"asserts nothing: {rules.first_line(cell)!r}" for cell in tagged if not rules.claims(cell.source)]
    return problems


# ---------------------------------------------------------------------------------------------------------------------
# A small lesson that keeps every rule, and what each rule says when one thing in it is broken


def _png(width=40, height=30, blank=False):
    fig = Figure(figsize=(2 * width / 100, 2 * height / 100), dpi=100)
    if not blank:
        fig.subplots().plot([0, 1, 0])
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png")
    return base64.b64encode(buffer.getvalue()).decode()


def _image(alt="A line that rises from 0 to 1 and falls again.", payload=None, width=40, height=30):
    return f'<img alt="{alt}" width="{width}" height="{height}" src="data:image/png;base64,{payload or _png()}">'


def _stdout(text):
    return new_output("stream", name="stdout", text=text)


def _html(text):
    return new_output("display_data", data={"text/html": text, "text/plain": "words"})


def _exercise(number):
    blank = f'answer = ...\n\nlk.check("05.{number}", answer)'
    fold = "<details>\n<summary>Solution</summary>\n\n```python\n# one\nanswer = 1\n```\n\nBecause.\n</details>"
    return [
        new_markdown_cell(f"### Exercise 05.{number} · Title {number}\n\nWhat is asked."),
        new_code_cell(
            blank,
            metadata={"tags": ["exercise"]},
            outputs=[_stdout(f"○ Exercise 05.{number}, not attempted: replace.")],
        ),
        new_markdown_cell(fold),
    ]


@pytest.fixture(scope="module")
def lesson():
    address = "https://example.org/lecturekit/notebooks/05_small.ipynb"
    link = f"[Open in Colab]({address}) · [Open on Binder]({address})"
    cells = [
        new_markdown_cell(f"# 05 · Small\n\n**Is it small?**\n\n{link}"),
        new_markdown_cell(
            "## What you will be able to do\n\n- One.\n- Two.\n- Three.\n\n## What you need\n\nLittle.\n\n"
            "**Time:** about 60 minutes."
        ),
        new_markdown_cell("## Setup\n\nThe first cell."),
        new_code_cell("import sys", metadata={"tags": ["setup"]}),
        new_code_cell("import torch\n\nimport lecturekit as lk"),
    ]
    for number in range(1, 8):
        cells.append(new_markdown_cell(f"## {number} · Section {number}\n\n" + "word " * 120))
        cells.append(new_markdown_cell("> **Predict.** What comes? See `lk.fit` and [above](#Setup)."))
        source = "\n".join([f"x{line} = {line}" for line in range(9)] + ["# Check: it holds.", "assert x1 == 1"])
        cells.append(new_code_cell(source, outputs=[_stdout("loss: 0.3885 and 12.0000 after 1000 steps")]))
    cells.append(new_code_cell("lk.show(fig)", outputs=[_html(_image())]))
    cells.append(new_code_cell("y\nx1", outputs=[new_output("execute_result", data={"text/plain": "0.38849"})]))
    cells.append(new_markdown_cell("## Exercises\n\nReplace each `...`."))
    cells += [cell for number in (1, 2, 3) for cell in _exercise(number)]
    cells.append(
        new_markdown_cell("## Recap\n\n- One.\n- Two.\n- Three.\n\n## Where next\n\nOn.\n\n## Sources\n\n- A.")
    )
    extra = [new_code_cell("\n".join(f"z{line} = {line}" for line in range(5))) for _ in range(9)]
    cells[5:5] = extra
    nb = new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    nb.nbformat_minor = 5
    for count, cell in enumerate(rules.code_cells(nb), start=1):
        cell.execution_count = count
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count
    return nb


def test_the_small_lesson_keeps_every_rule(lesson, tmp_path):
    path = tmp_path / "05_small.ipynb"
    nbformat.validate(lesson)
    assert [problem for rule in rules.rules_for(path) for problem in rule(lesson, path)] == []


def _cell(nb, start):
    return next(cell for cell in nb.cells if cell.source.startswith(start))


def _replace(start, old, new, count=-1):
    """Return what changes the text of the first cell that begins with `start`."""

    def change(nb):
        cell = _cell(nb, start)
        assert old in cell.source
        cell.source = cell.source.replace(old, new, count)

    return change


def _output(*outputs):
    def change(nb):
        _cell(nb, "lk.show").outputs = list(outputs)

    return change


def _set(path, value):
    def change(nb):
        thing = nb
        for key in path[:-1]:
            thing = thing[key]
        thing[path[-1]] = value

    return change


def _text(text):
    return _output(_stdout(text))


def _append(start, text):
    def change(nb):
        _cell(nb, start).source += text

    return change


def _drop(start):
    return lambda nb: nb.cells.remove(_cell(nb, start))


def _tag(start, *tags):
    return lambda nb: _cell(nb, start).metadata.update(tags=list(tags))


def _long_cell(nb):
    _cell(nb, "y\n").source = "\n".join("# line" for _ in range(26))


def _few_long_cells(nb):
    nb.cells = [cell for cell in nb.cells if not cell.source.startswith("z0")]
    for cell in nb.cells:
        if cell.source.startswith("x0"):
            cell.source += "\nz = 1" * 8


def _no_setup_tag(nb):
    _cell(nb, "import sys").metadata.tags = []


SECTION, BLANK, FOLD = "## 1 ·", "answer = ...", "<details>"

BROKEN = [
    (rules.counts, _set(["cells", 3, "execution_count"], None)),
    (rules.counts, _set(["cells", 3, "execution_count"], 7)),
    (rules.counts, lambda nb: _cell(nb, "y\n").outputs[0].update(execution_count=1)),
    (rules.errors_and_warnings, _output(new_output("stream", name="stderr", text="UserWarning"))),
    (rules.errors_and_warnings, _output(new_output("error", ename="ValueError", evalue="bad", traceback=[]))),
    (rules.kernel, _set(["metadata", "kernelspec", "name"], "my-venv")),
    (rules.kernel, _set(["nbformat_minor"], 4)),
    (rules.cell_ids, lambda nb: nb.cells[4].update(id=nb.cells[3].id)),
    (rules.metadata, _set(["cells", 3, "metadata", "execution"], {"iopub.execute_input": "2026-01-01T00:00:00Z"})),
    (rules.metadata, _set(["metadata", "widgets"], {})),
    (rules.metadata, lambda nb: _cell(nb, "y\n").outputs[0].update(metadata={"image/png": {"width": 1}})),
    (rules.known_tags, _tag("y\n", "nbval-skip")),
    (rules.known_tags, _tag("y\n", "raises-exception")),
    (rules.known_tags, _tag(SECTION, "exercise")),
    (rules.mime_types, _output(new_output("display_data", data={"image/png": "iVBORw0KGgo="}))),
    (
        rules.mime_types,
        _output(new_output("display_data", data={"application/vnd.jupyter.widget-view+json": {}})),
    ),
    (rules.plain_python, _append("y\n", "\n%timeit x1")),
    (rules.plain_python, _append("y\n", "\n!pip list")),
    (rules.plain_python, _append("y\n", "\nget_ipython().run_line_magic('time', '')")),
    (rules.plain_python, _append("y\n", "\n# NBVAL_IGNORE_OUTPUT")),
    (rules.no_empty_cells, lambda nb: nb.cells.append(new_markdown_cell("\n"))),
    (rules.nothing_unfinished, _append(SECTION, "\n\nTODO: say more")),
    (rules.nothing_unfinished, _append(SECTION, "\n\nGRAPH_PLACEHOLDER")),
    (rules.nothing_of_this_machine, _text("<object at 0x7f3a2b1c0d9e>")),
    (rules.nothing_of_this_machine, _text("/tmp/ipykernel_4711/1.py:3: UserWarning")),
    (rules.nothing_of_this_machine, _text("ipykernel_4711")),
    (rules.nothing_of_this_machine, _text("saved as '/home/ada/figure.png'")),
    (rules.nothing_of_this_machine, _text("File /root/course/x.py")),
    (rules.nothing_of_this_machine, _text("/Users/ada")),
    (rules.nothing_of_this_machine, _text("in C:\\Users\\ada")),
    (rules.nothing_of_this_machine, _append("y\n", "\nopen('/tmp/x.csv')")),
    (rules.images_are_here, _append(SECTION, "\n\n![A graph with five nodes in a row](https://example.org/a.png)")),
    (rules.images_are_here, _append(SECTION, '\n\n<img src="http://example.org/a.png" alt="five words are in here">')),
    (rules.images_are_here, _append(SECTION, "\n\n![A graph with five nodes in a row](figures/missing.png)")),
    (rules.images_are_here, _output(_html('<img alt="five words are in here" src="//example.org/a.png">'))),
    (rules.images_are_here, _output(_html('<script src="https://example.org/a.js"></script>'))),
    (rules.images_are_here, _output(_html("<style>@import 'https://example.org/a.css'</style>"))),
    (rules.images_are_here, _append(SECTION, "\n\n![](data:image/png;base64,AAAA)")),
    (rules.alt_texts, _output(_html(_image(alt="")))),
    (rules.alt_texts, _output(_html(_image(alt="a loss curve")))),
    (rules.alt_texts, _output(_html(_image().replace("alt=", "title=")))),
    (rules.alt_texts, _output(_html("<svg width='3'><path d=''/></svg>"))),
    (rules.pixels, _output(_html(_image(payload="AAAA")))),
    (rules.pixels, _output(_html(_image(payload="not base64!")))),
    (rules.pixels, _output(_html(_image(width=80, height=60)))),
    (rules.pixels, _output(_html(_image().replace(" width=", " data-width=")))),
    (rules.pixels, _output(_html(_image(height=29)))),
    (rules.pixels, _output(_html(_image(payload=_png(blank=True))))),
    (rules.printed_digits, _text("loss: 0.38848")),
    (rules.printed_digits, _text("tensor([[12.3456]])")),
    (rules.printed_digits, _text("0.123456e-3")),
    (rules.printed_digits, _text("difference 2.98e-08")),
    (rules.printed_digits, _text("difference 3e-08")),
    (rules.printed_digits, _output(_html("<td>0.30000000000000004</td>"))),
    (rules.printed_digits, _output(_html(_image(alt="The loss falls from 0.388494 to zero.")))),
    (rules.unique_headings, _append(SECTION, "\n\n### Setup")),
    (rules.links, _append(SECTION, "\n\nSee [lesson 07](07_later.ipynb).")),
    (rules.links, _append(SECTION, "\n\nSee [above](#Nowhere).")),
    (
        rules.links,
        _append(SECTION, "\n\nSee [07](https://github.com/lecturekit/lecturekit/blob/v1/notebooks/07_x.ipynb)"),
    ),
    (rules.names_of_the_package, _append(SECTION, "\n\n`lk.fitt(…)` does it.")),
    (rules.names_of_the_package, _append(SECTION, "\n\nThe module `lecturekit.trainings` does it.")),
    (rules.budget, _long_cell),
    (rules.budget, lambda nb: nb.cells.extend(new_markdown_cell("more") for _ in range(80))),
    (rules.budget, lambda nb: nb.cells.__delitem__(slice(5, 35))),
    (rules.budget, lambda nb: [cell.update(source="x") for cell in rules.code_cells(nb)]),
    (rules.budget, _few_long_cells),
    (rules.budget, _append(SECTION, "word " * 4000)),
    (rules.budget, lambda nb: [cell.update(source="x") for cell in nb.cells if cell.source.startswith("## ")]),
    (rules.opening, _replace("# 05", "# 05 · ", "# 5 · ")),
    (rules.opening, _replace("# 05", "**Is it small?**", "It is small.")),
    (rules.opening, _replace("# 05", "small.ipynb", "other.ipynb", 1)),
    (rules.opening, _append(SECTION, "\n\n# Another title")),
    (rules.anatomy, _replace("## Setup", "## Setup", "## Preparations")),
    (rules.anatomy, _replace("## Recap", "## Where next", "## Next")),
    (rules.anatomy, _replace("## 3", "## 3 ·", "## 4 ·")),
    (rules.anatomy, _replace("## 3", "## 3 ·", "##")),
    (rules.anatomy, _replace("## Recap", "- Two.\n", "")),
    (rules.anatomy, _replace("## Recap", "- A.", "None.")),
    (rules.anatomy, _append("## What", "\n\n**Time:** about an hour.")),
    (rules.anatomy, _replace("## What", "**Time:** about 60", "**Time:** 60")),
    (rules.setup, _no_setup_tag),
    (rules.setup, _tag("y\n", "setup")),
    (rules.setup, _replace("import torch", "import lecturekit as lk", "import lecturekit")),
    (rules.predict_and_check, _replace("x0", "assert", "#")),
    (
        rules.predict_and_check,
        lambda nb: [cell.update(source=cell.source.replace("# Check:", "#")) for cell in nb.cells],
    ),
    (
        rules.predict_and_check,
        lambda nb: [cell.update(source=cell.source.replace("> **P", "**P")) for cell in nb.cells],
    ),
    (rules.exercises_are_whole, _tag(BLANK)),
    (rules.exercises_are_whole, _replace(BLANK, "lk.check", "lk.judge")),
    (rules.exercises_are_whole, _append(BLANK, "\nx = 1")),
    (rules.exercises_are_whole, _replace(BLANK, "05.1", "05.2")),
    (rules.exercises_are_whole, _replace(BLANK, "05.1", "06.1")),
    (rules.exercises_are_whole, _replace(BLANK, "...", "1")),
    (rules.exercises_are_whole, lambda nb: _cell(nb, BLANK).update(outputs=[_stdout("✓ Exercise 05.1, correct: yes")])),
    (rules.exercises_are_whole, _drop(FOLD)),
    (rules.exercises_are_whole, _drop("### Exercise 05.2")),
    (rules.exercises_are_whole, _replace("### Exercise 05.2", "05.2 ·", "05.4 ·")),
    (rules.exercises_are_whole, _replace(FOLD, "answer = 1", "answer = ...")),
    (rules.exercises_are_whole, _replace(FOLD, "answer = 1", 'answer = 1\nlk.check("05.1", answer)')),
    (rules.exercises_are_whole, _replace(FOLD, "answer = 1", "answer =")),
    (rules.exercises_are_whole, _replace(FOLD, "Because.", "")),
    (rules.exercises_are_whole, lambda nb: [_drop(BLANK)(nb), _drop("### Exercise 05.1")(nb), _drop(FOLD)(nb)]),
]


@pytest.mark.parametrize(("rule", "change"), BROKEN, ids=[f"{i}-{rule.__name__}" for i, (rule, _) in enumerate(BROKEN)])
def test_rule_sees_what_is_broken(lesson, tmp_path, rule, change):
    nb = copy.deepcopy(lesson)
    change(nb)
    assert rule(nb, tmp_path / "05_small.ipynb")


def test_every_rule_has_been_seen_to_fail():
    assert {rule for rule, _ in BROKEN} == set(rules.COMMON_RULES + rules.LESSON_RULES)


@pytest.mark.parametrize(
    "text",
    [
        "loss: 0.3885, 92.86 %, 135.2, 1e-06, below 1e-14",
        "torch 2.13.0+cpu",
        "tensor([[1.0000, 0.0000]]), 1000000 rows, 12345",
        "published: 0.38849",
        "'https://example.org/home/ada', 3/4, x/tmp, and/or",
    ],
)
def test_what_may_be_printed(lesson, tmp_path, text):
    nb = copy.deepcopy(lesson)
    _text(text)(nb)
    path = tmp_path / "05_small.ipynb"
    assert rules.printed_digits(nb, path) == rules.nothing_of_this_machine(nb, path) == []


def test_links_to_what_exists_are_allowed(lesson, tmp_path):
    nb = copy.deepcopy(lesson)
    path = tmp_path / "05_small.ipynb"
    nbformat.write(lesson, tmp_path / "06_next.ipynb")
    _append(SECTION, "\n\n[next](06_next.ipynb), [there](06_next.ipynb#Setup), `[code](x.ipynb)`, [up](#Recap)")(nb)
    assert rules.links(nb, path) == []
    _append(SECTION, "\n\n[there](06_next.ipynb#Nowhere)")(nb)
    assert len(rules.links(nb, path)) == 1


def test_a_link_may_lead_to_a_heading_with_code_and_brackets(lesson, tmp_path):
    nb = copy.deepcopy(lesson)
    _append(SECTION, "\n\n### `fit()` and more\n\n[there](#fit()-and-more), [and](05_small.ipynb#fit()-and-more)")(nb)
    path = tmp_path / "05_small.ipynb"
    nbformat.write(nb, path)
    assert rules.links(nb, path) == []
    _append(SECTION, "\n\n[there](#fit()-and-less)")(nb)
    assert len(rules.links(nb, path)) == 1


def test_a_page_is_no_lesson():
    assert rules.budget in rules.rules_for(Path("06_lesson.ipynb"))
    assert rules.budget not in rules.rules_for(Path("glossary.ipynb"))


def test_ignored_cells_are_listed_each_with_a_reason_and_an_assertion(lesson):
    nb, key = copy.deepcopy(lesson), ("05_small.ipynb", "x0 = 0")
    _tag("x0", rules.IGNORED_TAG)(nb)
    listed = {key: "times differ from run to run"}
    assert not _problems_of_ignored_cells(nb, key[0], listed)
    assert _problems_of_ignored_cells(nb, key[0], {})
    assert _problems_of_ignored_cells(nb, key[0], {key: ""})
    assert _problems_of_ignored_cells(lesson, key[0], listed)
    _replace("x0", "assert", "#")(nb)
    assert _problems_of_ignored_cells(nb, key[0], listed)


def test_solutions_are_taken_out_of_their_folds(lesson):
    first, *_ = rules.exercises(lesson)
    assert re.fullmatch(r'# one\nanswer = 1\n\nlk\.check\("05\.1", answer\)', first.solved())


def test_only_the_average_is_too_long(lesson, tmp_path):
    nb = copy.deepcopy(lesson)
    _few_long_cells(nb)
    (problem,) = rules.budget(nb, tmp_path / "05_small.ipynb")
    assert "on average" in problem
