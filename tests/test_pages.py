"""The pages beside the lessons: what they say of the lessons is there, and nothing that they promise is missing."""

from __future__ import annotations

import copy
import re
from itertools import pairwise
from pathlib import Path

import nbformat
import notebook_rules as rules
import pytest
from nbformat import NotebookNode

ROOT = Path(__file__).parents[1]
NOTEBOOKS = ROOT / "notebooks"
LESSONS = {path.name: nbformat.read(path, as_version=4) for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))}
PAGES = {
    name: nbformat.read(NOTEBOOKS / f"{name}.ipynb", 4) for name in ("glossary", "misconceptions", "errata", "sources")
}

# [lesson 04, section 4](04_autograd_grad.ipynb#4-·-…), `code that stands in a cell there`
_LINK = (
    r"\[lesson (?P<lesson>\d\d)(?:, (?:section )?|: )(?P<section>[^\]]+)\]"
    r"\((?P<file>[^#)\s]+)#(?P<anchor>(?:[^()\s]|\([^()\s]*\))+)\)"
)
LINK = re.compile(_LINK)
PROOF = re.compile(_LINK + r", `(?P<code>[^`]+)`")
ENTRY = re.compile(r"^(\d+)\. \*\*(.+?)\*\* (.+)$", flags=re.MULTILINE)

# What the sources have, section by section.
SECTIONS = {
    'Jonathan Dinu, "PyTorch for the Impatient"': [
        "2.1 What is PyTorch?",
        "2.2 The PyTorch layer cake",
        "2.3 The deep learning software trilemma",
        "2.4 What are tensors really?",
        "2.5 Tensors in PyTorch",
        "2.6 Introduction to computational graphs",
        "2.7 Backpropagation is just the chain rule",
        "2.8 Effortless backpropagation with `torch.autograd`",
        "2.9 PyTorch's device abstraction",
        "2.10 Working with devices",
        "2.11 Components of a learning algorithm",
        "2.12 Introduction to gradient descent",
        "2.13 Getting to stochastic gradient descent (SGD)",
        "2.14 Comparing gradient descent and SGD",
        "2.15 Linear regression with PyTorch",
        "2.16 Perceptrons and neurons",
        "2.17 Layers and activations with `torch.nn`",
        "2.18 Multi-layer feedforward neural networks (MLP)",
    ],
    "Sebastian Raschka, STAT 453, lecture 6.0: overview": [
        "Part 1: PyTorch resources",
        "Part 2: computation graphs",
        "Part 3: automatic differentiation in PyTorch",
        "Part 4: training ADALINE automatically",
        "Part 5: the object-oriented and the functional API",
        "Announced: free GPUs in the cloud",
    ],
    "Sebastian Raschka, STAT 453, lecture 6.3: automatic differentiation": [
        "Versions (watermark)",
        "The graph of relu(wx + b), and `requires_grad`",
        "`grad(a, w, retain_graph=True)` and `grad(a, b)`",
        "The freed graph and its error",
        "A new graph in each forward pass",
        "An own relu with if and else",
        "Relu where it has no derivative",
    ],
    "Sebastian Raschka, STAT 453, lecture 6.4: training ADALINE": [
        "The model and the iris data",
        "First version: gradients by hand",
        "Second version: `grad`",
        "Logging under `no_grad()`",
        "Third version: `nn.Linear`, `backward()`, an optimiser",
        "Zero weights, and leaves",
        "Aside: operations in place, and the memory they save",
        "`zero_grad()`, and what happens without it",
        "How the optimiser knows the parameters",
        "Losses and accuracies of the three versions",
        '"The training loop is essentially always the same"',
    ],
    "Patrick Loeber, PyTorch tutorial, part 5: gradient descent with autograd": [
        "Overview: four steps from NumPy to PyTorch",
        "The gradient of the mean squared error",
        "Step 1: everything by hand, in NumPy",
        "Step 2: `backward()`, `no_grad()`, and setting the gradient back",
        "20 and 100 iterations: is autograd less exact?",
        "Announced: step 3, loss and optimiser",
        "Announced: step 4, a PyTorch model",
    ],
}

# What is bold in a lesson and no word to learn, although it is no sentence and no lead-in either.
NO_TERMS = {
    "first, last, step, back": "buttons of the graph picture",
    "shift + enter, shift + tab": "keys",
    "your code, libraries": "layers of the cake, and everyday words",
    "(n,) against (n, 1)": "a heading of a paragraph",
    "one variable, repeat, and take the median, warm up, wait, repeat, median, move once, compute often": "advice",
    "aligned at the right, one row an example, one column an input, parts of equal size": "parts of a rule",
    "class 1 is where the logit is above 0, in steps, in examples, in seconds": "results",
    "for gd, for sgd with batch size 10, 7": "results",
    "our formula, our function, our tensor w, model.weight, made by nn.linear(1, 1, bias=false)": "cells of tables",
    "loss.backward(), which leaves it in w.grad": "a cell of a table",
    "solution": "a word that can be clicked",
    "google colab, kaggle": "names of firms that lend GPUs",
}


def text_of(nb: NotebookNode) -> str:
    return "\n\n".join(cell.source for cell in nb.cells)


def code_of_section(nb: NotebookNode, anchor: str) -> list[str]:
    """The code cells under the heading of level 2 that has this anchor."""
    found, inside = [], False
    for cell in nb.cells:
        if cell.cell_type == "code":
            found += [cell.source] if inside else []
            continue
        for heading in re.findall(r"^## +(.+?)\s*$", rules.without_fences(cell.source), flags=re.MULTILINE):
            inside = rules.anchor_of(heading) == anchor
    return found


def problems_of_links(text: str) -> list[str]:
    """What a link calls itself, and where it leads, are the same section of the same lesson."""
    problems = []
    for match in LINK.finditer(text):
        number = match["section"].split(" · ")[0]
        if not (
            match["file"].startswith(match["lesson"])
            and re.match(rf"{re.escape(number)}\b", match["anchor"].replace("-", " "))
        ):
            problems.append(
                f"lesson {match['lesson']}, section {match['section']} leads to {match['file']}#{match['anchor']}"
            )
    if text.count(".ipynb#") != len(LINK.findall(text)):
        problems.append(f"{text.count('.ipynb#')} links, {len(LINK.findall(text))} of them of the usual form")
    return problems


def problems_of_entries(nb: NotebookNode) -> list[str]:
    """Numbered from 1, each with the place of its proof, and the code is in a cell there."""
    entries = ENTRY.findall(text_of(nb))
    numbers = [int(number) for number, _, _ in entries]
    problems = [] if numbers == list(range(1, len(numbers) + 1)) else [f"the entries are numbered {numbers}"]
    if len(entries) != len(re.findall(r"^\d+\. ", text_of(nb), flags=re.MULTILINE)):
        problems.append("an entry does not begin with its claim in bold")
    for number, _, rest in entries:
        proofs = list(PROOF.finditer(rest))
        if not proofs or len(proofs) != len(LINK.findall(rest)):
            problems.append(f"entry {number} has {len(LINK.findall(rest))} links and {len(proofs)} pieces of code")
        for proof in proofs:
            cells = code_of_section(LESSONS[proof["file"]], proof["anchor"]) if proof["file"] in LESSONS else []
            if not any(proof["code"] in cell for cell in cells):
                problems.append(f"entry {number}: no cell with {proof['code']!r} in {proof['file']}#{proof['anchor']}")
    return problems


def problems_of_sources(nb: NotebookNode) -> list[str]:
    """Each section of each source has its row, in its order, with a link to a section of a lesson."""
    tables = {}
    for cell in nb.cells[1:]:
        title = re.match(r"## (.+)", cell.source)[1]
        tables[title] = re.findall(r"^\| (?!there \|)(.+?) \| (.+) \|$", cell.source, flags=re.MULTILINE)
    problems = [f"a table of no source: {title}" for title in tables.keys() - SECTIONS.keys()]
    for title, sections in SECTIONS.items():
        rows = tables.get(title, [])
        if [row for row, _ in rows] != sections:
            problems.append(f"{title}: the rows are {[row for row, _ in rows]}")
        problems += [f"no link for {row!r}" for row, links in rows if not LINK.search(links)]
    return problems


def glossary_entries(nb: NotebookNode) -> list[tuple[str, str, set[str], str]]:
    """Letter, head word, other forms, meaning with links: of each entry, in order."""
    found = []
    for cell in nb.cells[1:]:
        letter, *paragraphs = cell.source.split("\n\n")
        for paragraph in paragraphs:
            match = re.fullmatch(r"\*\*(.+?)\*\*(?: \(also: (.+?)\))?: (.+)", paragraph)
            if match is None:
                found.append((letter, paragraph, set(), ""))
                continue
            # "(out, in)" has a comma of its own.
            other = set(re.split(r", (?![^(]*\))", match[2] or "")) - {""}
            found.append((letter.removeprefix("## "), match[1], other, match[3]))
    return found


def problems_of_glossary(nb: NotebookNode) -> list[str]:
    """In alphabetical order under its letter, no word twice, each with a meaning and a link."""
    entries = glossary_entries(nb)
    heads = [head for _, head, _, _ in entries]
    problems = [f"{b!r} should stand before {a!r}" for a, b in pairwise(heads) if b.lower() < a.lower()]
    names = [name.lower() for _, head, other, _ in entries for name in {head, *other}]
    problems += [f"twice: {name!r}" for name in sorted({name for name in names if names.count(name) > 1})]
    for letter, head, _, rest in entries:
        meaning, _, links = rest.partition(" → ")
        if letter != head[0].upper():
            problems.append(f"{head!r} stands under {letter!r}")
        if len(meaning.split()) < 4 or not re.search(r"[.)]$", meaning) or not LINK.search(links):
            problems.append(f"no meaning, or no link: {head!r}")
    return problems


def bold_words(nb: NotebookNode) -> set[str]:
    """The bold words of a lesson that are not a whole sentence, a question or a lead-in, in small letters."""
    text = "\n\n".join(rules.without_fences(cell.source) for cell in nb.cells if cell.cell_type == "markdown")
    text = re.sub(r"<summary>.*?</summary>", "", text)
    found = set()
    for bold in re.findall(r"(?<!\*)\*\*(?!\s)(.+?)\*\*", text):
        if bold[-1] not in ".?!:" and not re.fullmatch(r"`[^`]+`", bold):
            found.add(bold.replace("`", "").lower())
    return found


def missing_words(lessons: dict[str, NotebookNode], glossary: NotebookNode) -> list[str]:
    known = {name.lower() for _, head, other, _ in glossary_entries(glossary) for name in {head, *other}}
    known |= {"(n,) against (n, 1)"}
    listed = ", ".join(NO_TERMS)
    return [
        f"{name}: {word!r} is bold, and not in the glossary"
        for name, nb in lessons.items()
        for word in sorted(bold_words(nb))
        if word not in known and not re.search(rf"(^|, ){re.escape(word)}($|, )", listed)
    ]


# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_where_they_say(name):
    assert problems_of_links(text_of(PAGES[name])) == []


@pytest.mark.parametrize("name", ["misconceptions", "errata"])
def test_each_entry_is_shown_in_a_cell(name):
    assert problems_of_entries(PAGES[name]) == []


def test_no_misconception_and_no_mistake_is_lost():
    assert len(ENTRY.findall(text_of(PAGES["misconceptions"]))) >= 42
    assert len(ENTRY.findall(text_of(PAGES["errata"]))) >= 15


def test_each_section_of_the_sources_is_taught():
    assert problems_of_sources(PAGES["sources"]) == []


def test_the_glossary_is_in_order():
    assert problems_of_glossary(PAGES["glossary"]) == []


def test_the_glossary_has_each_new_word_of_the_lessons():
    assert missing_words(LESSONS, PAGES["glossary"]) == []


def test_pages_have_no_code():
    assert not any(rules.code_cells(nb) for nb in PAGES.values())


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_found(name):
    """From the README, from the first lesson and from the web site."""
    for path, link in (
        ("README.md", f"(notebooks/{name}.ipynb)"),
        ("notebooks/00_start_here.ipynb", f"({name}.ipynb)"),
        ("docs/index.md", f"\nnotebooks/{name}\n"),
    ):
        assert link in (ROOT / path).read_text(encoding="utf-8"), path


# ---------------------------------------------------------------------------------------------------------------------
# Each of them sees what it is there for


def changed(name: str, old: str, new: str) -> NotebookNode:
    nb = copy.deepcopy(PAGES[name])
    cell = next(cell for cell in nb.cells if old in cell.source)
    cell.source = cell.source.replace(old, new, 1)
    return nb


@pytest.mark.parametrize(
    ("check", "name", "old", "new"),
    [
        (problems_of_entries, "misconceptions", "`s.data.zero_()`", "`s.data.one_()`"),
        (problems_of_entries, "misconceptions", "`self.lost = [nn.Linear(3, 1)]`", "`X @ W.T + b`"),
        (problems_of_entries, "misconceptions", "\n20. ", "\n21. "),
        (problems_of_entries, "misconceptions", "\n20. **", "\n20. "),
        (problems_of_entries, "errata", ", `return np.dot(2 * X, y_hat - y).mean()`", ""),
        (problems_of_entries, "errata", "(01_tensors.ipynb#9-", "(01_tensors.ipynb#8-"),
        (lambda nb: problems_of_links(text_of(nb)), "errata", "(01_tensors.ipynb#9-", "(01_tensors.ipynb#8-"),
        (lambda nb: problems_of_links(text_of(nb)), "errata", "(01_tensors.ipynb#9-", "(02_devices.ipynb#9-"),
        (lambda nb: problems_of_links(text_of(nb)), "glossary", "[lesson 04, section 4]", "[there]"),
        (problems_of_sources, "sources", "| 2.8 ", "| 2.9 "),
        (problems_of_sources, "sources", "[lesson 08: 7 ·", "(lesson 08: 7 ·"),
        (problems_of_sources, "sources", "## Patrick", "## Peter"),
        (problems_of_glossary, "glossary", "**accuracy**", "**adequacy**"),
        (problems_of_glossary, "glossary", "**ADALINE**", "**accuracy**"),
        (problems_of_glossary, "glossary", "## B\n", "## A\n"),
        (problems_of_glossary, "glossary", " → [lesson 04, section 4]", " → lesson 04, section 4 "),
        (lambda nb: missing_words(LESSONS, nb), "glossary", "**broadcasting**", "**broadcastable**"),
    ],
)
def test_mistakes_are_seen(check, name, old, new):
    assert check(PAGES[name]) == []
    assert check(changed(name, old, new))


def test_a_new_bold_word_of_a_lesson_is_seen():
    nb = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell("> **Predict.** A **quaternion**, and a **view**.")]
    )
    assert len(missing_words({"new": nb}, PAGES["glossary"])) == 1
