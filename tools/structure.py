"""What a lesson is made of: its text, its headings, its exercises with their blanks, checks and solutions.

The tests compare each lesson with this structure (tests/notebook_rules.py); tools/teach.py cuts lessons along it.
"""

from __future__ import annotations

import ast
import re
import symtable
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

from nbformat import NotebookNode

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LESSONS = [path for path in NOTEBOOKS if re.match(r"\d\d_", path.name)]


def code_cells(nb: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in nb.cells if cell.cell_type == "code"]


def tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def without_fences(markdown: str) -> str:
    return re.sub(r"^(`{3,}|~{3,}).*?^\1[^\n]*$", "", markdown, flags=re.MULTILINE | re.DOTALL)


def prose(nb: NotebookNode) -> str:
    """All Markdown of a notebook, without its fenced code."""
    return "\n\n".join(without_fences(cell.source) for cell in nb.cells if cell.cell_type == "markdown")


def headings(nb: NotebookNode) -> list[tuple[int, str]]:
    """Level and text of each heading, in order."""
    found = re.findall(r"^(#{1,6}) +(.+?)\s*$", prose(nb), flags=re.MULTILINE)
    return [(len(marks), text) for marks, text in found]


def anchor_of(heading: str) -> str:
    """What JupyterLab and the web site call the place of a heading: its text without marks, spaces as hyphens."""
    return heading.replace("`", "").replace(" ", "-")


def bullets(nb: NotebookNode, heading: str) -> list[str]:
    """The list under a heading of level 2."""
    texts = [without_fences(section.text) for section in sections_of(nb) if section.title == heading]
    return re.findall(r"^[-*] +(.+)$", texts[0], flags=re.MULTILINE) if texts else []


class Section(NamedTuple):
    """A part of a lesson under a heading of level 2."""

    title: str
    text: str
    cells: list[NotebookNode]  # those with code

    @property
    def number(self) -> str:
        return re.match(r"\d*", self.title)[0]


def sections_of(nb: NotebookNode) -> list[Section]:
    """Cut a notebook at its headings of level 2; what stands before the first is left out."""
    found = [Section("", "", [])]
    for cell in nb.cells:
        if cell.cell_type == "code":
            found[-1].cells.append(cell)
            continue
        before, *parts = re.split(r"^## +", cell.source, flags=re.MULTILINE)
        found[-1] = found[-1]._replace(text=f"{found[-1].text}\n\n{before}")
        for title, _, text in (part.partition("\n") for part in parts):
            found.append(Section(title.strip(), text, []))
    return found[1:]


def parse(source: str) -> ast.Module | None:
    try:
        return ast.parse(source)
    except SyntaxError:
        return None


@dataclass(frozen=True)
class Exercise:
    number: str  # as the check has it: "07.1"
    text: str  # what stands above the blank, from the heading of the exercise on
    blank: str  # what the reader fills in, up to the check
    check: str  # the last statement: lk.check("07.1", …)
    cell: int  # where the blank stands among the cells
    solution: str | None  # the code in the fold, None where there is none

    @property
    def title(self) -> str:
        return self.text.splitlines()[0].partition(" · ")[2]

    @property
    def answers(self) -> list[str]:
        """What the check is given, as it stands there."""
        return [ast.unparse(argument) for argument in ast.parse(self.check).body[0].value.args[1:]]

    def asked(self) -> str:
        return self.blank + self.check

    def solved(self) -> str:
        return f"{self.solution}\n\n{self.check}".strip()


FOLD = re.compile(
    r"^<details>\n<summary>Solution</summary>\n\n```python\n(?P<code>.*?)\n```\n\n(?P<why>\S.*?)\n</details>\s*$",
    flags=re.MULTILINE | re.DOTALL,
)


def check_call(cell: NotebookNode) -> tuple[str, str] | None:
    """Number and source of the `lk.check("NN.k", …)` that ends a cell."""
    tree = parse(cell.source)
    match tree.body[-1] if tree and tree.body else None:
        case ast.Expr(
            ast.Call(func=ast.Attribute(ast.Name("lk"), "check"), args=[ast.Constant(str(number)), *_]) as call
        ):
            return number, ast.get_source_segment(cell.source, call)
    return None


def exercises(nb: NotebookNode) -> list[Exercise]:
    """Every exercise whose blank cell ends in a check; the rules say what is wrong with the others."""
    found = []
    for index, cell in enumerate(nb.cells):
        if cell.cell_type != "code" or "exercise" not in tags(cell) or (call := check_call(cell)) is None:
            continue
        following = takewhile(lambda cell: cell.cell_type == "markdown", nb.cells[index + 1 :])
        # What stands below the next heading belongs to a later exercise.
        text, *_ = re.split(r"^#{2,3} ", "\n\n".join(cell.source for cell in following), flags=re.MULTILINE)
        fold = FOLD.search(text)
        before = "\n\n".join(cell.source for cell in nb.cells[:index] if cell.cell_type == "markdown")
        task = "### " + re.split(r"^### ", before, flags=re.MULTILINE)[-1].strip()
        number, check = call
        blank = cell.source.removesuffix(check)
        found.append(Exercise(number, task, blank, check, index, fold["code"] if fold else None))
    return found


def names_in(source: str) -> tuple[set[str], set[str], set[str]]:
    """Return the names that a cell binds, those that it needs from earlier cells, and those that it adds to."""
    tables = [symtable.symtable(source, "cell", "exec")]
    binds = {symbol.get_name() for symbol in tables[0].get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    uses = {symbol.get_name() for symbol in tables[0].get_symbols() if symbol.is_referenced()}
    for table in tables:
        tables += table.get_children()
        uses |= {symbol.get_name() for symbol in table.get_symbols() if symbol.is_global()}
    stores = [node for node in ast.walk(ast.parse(source)) if isinstance(getattr(node, "ctx", None), ast.Store)]
    adds = {node.value.id for node in stores if isinstance(getattr(node, "value", None), ast.Name)}  # Tensor.exp = exp
    return binds, uses - binds, adds


def solved(nb: NotebookNode) -> dict[int, str]:
    """Return the exercises, solved, and before them the cells that they need, and no others, by their places."""
    sources = {exercise.cell: exercise.solved() for exercise in exercises(nb)}
    wanted, cells = set(), {}
    for index, cell in reversed([*enumerate(nb.cells)]):
        if cell.cell_type == "code" and not cell.source.startswith("%"):
            source = sources.get(index, cell.source)
            binds, uses, adds = names_in(source)
            if index in sources or (binds | adds) & wanted:
                cells[index] = source
                wanted = wanted - binds | uses
    return dict(sorted(cells.items()))
