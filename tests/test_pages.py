"""The pages beside the lessons: what they say of the lessons is there, and nothing that they promise is missing."""

from __future__ import annotations

import re
from itertools import pairwise

import notebook_rules as rules
import pytest
from nbformat import NotebookNode
from structure import NOTEBOOKS, ROOT, anchor_of, prose, sections_of

READ = {path.name: rules.read(path) for path in NOTEBOOKS}
LESSONS = {name: nb for name, nb in READ.items() if name[0].isdigit()}
PAGES = {name.removesuffix(".ipynb"): nb for name, nb in READ.items() if name not in LESSONS}
TEXTS = {name: "\n\n".join(cell.source for cell in nb.cells) for name, nb in PAGES.items()}

# [lesson 04, section 4](04_autograd_grad.ipynb#4-·-…), and behind a proof: `code that stands in a cell there`
LINK = re.compile(
    r"\[lesson (?P<lesson>\d\d)(?:, (?:section )?|: )(?P<section>[^\]]+)\]"
    r"\((?P<file>[^#)\s]+)#(?P<anchor>(?:[^()\s]|\([^()\s]*\))+)\)(?:, `(?P<code>[^`]+)`)?"
)

# How many sections each source has.
SOURCES = {
    'Jonathan Dinu, "PyTorch for the Impatient"': 18,
    "Sebastian Raschka, STAT 453, lecture 6.0: overview": 6,
    "Sebastian Raschka, STAT 453, lecture 6.3: automatic differentiation": 7,
    "Sebastian Raschka, STAT 453, lecture 6.4: training ADALINE": 11,
    "Patrick Loeber, PyTorch tutorial, part 5: gradient descent with autograd": 7,
}

# What is bold in a lesson and no word to learn, although it is no sentence and no lead-in either.
NO_TERMS = {
    "buttons and keys": "first; last; step; back; shift + enter; shift + tab; solution",
    "layers of the cake, and everyday words": "your code; libraries",
    "a heading of a paragraph": "(n,) against (n, 1)",
    "advice": "one variable; repeat, and take the median; warm up, wait, repeat, median; move once, compute often",
    "parts of a rule": "aligned at the right; one row per example, one column per input; parts of equal size",
    "results": "class 1 is where the logit is above 0; in steps; in examples; in seconds; for gd; 7",
    "more results": "for sgd with batch size 10",
    "cells of tables": "our formula; our function; our tensor w; model.weight, made by nn.linear(1, 1, bias=false)",
    "a cell of another table": "loss.backward(), which leaves it in w.grad",
    "names of firms that lend GPUs": "google colab; kaggle",
}


def code_of_section(nb: NotebookNode, anchor: str) -> str:
    """Return the code under the heading of level 2 that has this anchor."""
    (section,) = (section for section in sections_of(nb) if anchor_of(section.title) == anchor)
    return "\n".join(cell.source for cell in section.cells)


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_where_they_say(name):
    """Each link to a place in a lesson calls itself "lesson NN, section S", and leads to that section."""
    links = list(LINK.finditer(TEXTS[name]))
    assert len(links) == TEXTS[name].count(".ipynb#")
    for link in links:
        assert link["file"].startswith(link["lesson"]), link[0]
        section = link["section"].split(" · ")[0]
        assert re.match(rf"{re.escape(section)}\b", link["anchor"].replace("-", " ")), link[0]


@pytest.mark.parametrize(("name", "least"), [("questions", 120), ("misconceptions", 42), ("errata", 15)])
def test_each_entry_is_shown_in_a_cell(name, least):
    """Entries are numbered from 1; each names a place in a lesson, and the code that a cell there has."""
    entries = re.findall(r"^(\d+)\. (.+)$", TEXTS[name], flags=re.MULTILINE)
    assert [int(number) for number, _ in entries] == list(range(1, len(entries) + 1))
    assert len(entries) >= least
    for number, text in entries:
        assert re.match(r"\*\*.+?\*\* ", text), f"entry {number} does not begin with its claim in bold"
        proofs = list(LINK.finditer(text))
        assert proofs, f"entry {number} has no proof"
        for proof in proofs:
            assert proof["code"], f"entry {number} does not say which code shows it"
            assert proof["code"] in code_of_section(LESSONS[proof["file"]], proof["anchor"]), f"entry {number}"


def test_each_section_of_the_sources_is_taught():
    rows = {}
    for cell in PAGES["sources"].cells[1:]:
        title, _, table = cell.source.partition("\n")
        rows[title.removeprefix("## ")] = re.findall(r"^\| (?!there \|)(.+?) \| (.+) \|$", table, flags=re.MULTILINE)
    assert {title: len(sections) for title, sections in rows.items()} == SOURCES
    for section, where in (row for sections in rows.values() for row in sections):
        assert LINK.search(where), section


def glossary() -> list[tuple[str, str, set[str], str]]:
    """Return letter, head word, other forms, meaning with links: of each entry, in order."""
    entries = []
    for cell in PAGES["glossary"].cells[1:]:
        letter, *paragraphs = cell.source.split("\n\n")
        for paragraph in paragraphs:
            head, other, rest = re.fullmatch(r"\*\*(.+?)\*\*(?: \(also: (.+?)\))?: (.+)", paragraph).groups()
            # "(out, in)" has a comma of its own.
            others = set(re.split(r", (?![^(]*\))", other or "")) - {""}
            entries.append((letter.removeprefix("## "), head, others, rest))
    return entries


def test_the_glossary_is_in_order():
    """Entries stand in alphabetical order under their letters, no word twice, each with a meaning and a link."""
    assert all(a.lower() <= b.lower() for (_, a, _, _), (_, b, _, _) in pairwise(glossary()))
    names = [name.lower() for _, head, other, _ in glossary() for name in {head, *other}]
    assert sorted(names) == sorted(set(names))
    for letter, head, _, rest in glossary():
        meaning, _, links = rest.partition(" → ")
        assert letter == head[0].upper()
        assert re.search(r"(\S+ ){3}.*[.)]$", meaning) and LINK.search(links), head


def test_the_glossary_has_each_new_word_of_the_lessons():
    known = {name.lower() for _, head, other, _ in glossary() for name in {head, *other}}
    known |= {term for terms in NO_TERMS.values() for term in terms.split("; ")}
    missing = set()
    for name, nb in LESSONS.items():
        for bold in re.findall(r"(?<!\*)\*\*(?!\s)(.+?)\*\*", prose(nb)):
            # A sentence, a question, a lead-in and a piece of code are no words to learn.
            if bold[-1] not in ".?!:" and not re.fullmatch(r"`[^`]+`", bold):
                word = bold.replace("`", "").lower()
                missing |= {f"{name}: {word}"} if word not in known else set()
    assert sorted(missing) == []


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_found(name):
    """From the README and from the first lesson. (That the web site lists each page is Sphinx's to see.)"""
    assert f"(notebooks/{name}.ipynb)" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"({name}.ipynb)" in prose(LESSONS["00_start_here.ipynb"])
