"""Write what stands in one place into the places that repeat it.

The repository's address and the version stand in pyproject.toml. They are needed in the link line and the setup cell
of each lesson, in README.md, in CITATION.cff and in the package. The table of lessons in README.md is made from the
lessons themselves. Run it with ``make stamp``; ``--check`` changes nothing, and lists what is out of step.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]

SETUP_CELL = """\
# On Colab and other bare machines: install what is missing, leave what is there.
import importlib.metadata
import importlib.util
import subprocess
import sys

packages = {{
    "lecturekit": "lecturekit @ git+{address}@{tag}",
{dependencies}
}}
missing = [name for name in packages if importlib.util.find_spec(name) is None]
if missing:
    sources = [packages.pop(name) for name in missing]
    packages.pop("lecturekit", None)
    there = [source.split(">=")[0] for source in packages.values()]
    sources += [f"{{name}}=={{importlib.metadata.version(name)}}" for name in there]
    pip = [sys.executable, "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, *sources], check=True)
    importlib.invalidate_caches()"""

# What Python calls a package, where pip calls it something else.
MODULES = {"ipython": "IPython", "scikit-learn": "sklearn"}

# Says which versions the stored outputs come from: `make test` compares them.
WATERMARK_CELL = "%load_ext watermark\n%watermark -v -p torch,numpy,matplotlib,lecturekit"

LINK_LINE = (
    "[Open in Colab](https://colab.research.google.com/github/{slug}/blob/{tag}/notebooks/{name}) · "
    "[Open on Binder](https://mybinder.org/v2/gh/{slug}/{tag}?urlpath=lab/tree/notebooks/{name}) · "
    "[Report a mistake]({address}/issues/new)"
)

TABLE = re.compile(r"(?<=<!-- lessons -->\n).*?(?=<!-- /lessons -->)", re.DOTALL)

# Single values: which file, how its line begins, and what follows.
LINES = (
    ("CITATION.cff", 'version: "', "{version}", '"'),
    ("CITATION.cff", 'repository-code: "', "{address}", '"'),
    ("lecturekit/__init__.py", '__version__ = "', "{version}", '"'),
    ("README.md", "git clone ", "{address}", ""),
    ("README.md", "[Binder]: ", "https://mybinder.org/v2/gh/{slug}/{tag}?urlpath=lab/tree/notebooks", ""),
    ("README.md", "[issues]: ", "{address}/issues", ""),
    ("README.md", "[site]: ", "{site}", ""),
    ("pyproject.toml", 'Documentation = "', "{site}", '"'),
)


class StampError(Exception):
    """A file is not built as it must be; the message says which, and what is wrong."""


class Project(NamedTuple):
    """What is written into the other files."""

    address: str
    slug: str
    version: str
    tag: str
    site: str
    dependencies: str


class Lesson(NamedTuple):
    """What the table of lessons says of one of them."""

    number: str
    title: str
    question: str
    minutes: str
    name: str


def read_project(root: Path) -> Project:
    """Return address and version from pyproject.toml."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    address = project["urls"]["Repository"]
    match = re.fullmatch(r"https://github\.com/([\w.-]+)/([\w.-]+)", address)
    if match is None:
        raise StampError(
            f"pyproject.toml: Repository must be https://github.com/OWNER/NAME, got {address}: Colab opens no other"
        )
    site = f"https://{match[1]}.github.io/{match[2]}/"  # where GitHub publishes what the workflow builds
    names = {source: source.partition(">=")[0] for source in project["dependencies"]}
    lines = [f'    "{MODULES.get(name, name)}": "{source}",' for source, name in names.items()]
    slug, version = f"{match[1]}/{match[2]}", project["version"]
    return Project(address, slug, version, f"v{version}", site, "\n".join(lines))


def lesson_paths(root: Path) -> list[Path]:
    """Return the notebooks that are lessons, in order."""
    return sorted((root / "notebooks").glob("[0-9][0-9]_*.ipynb"))


def read_notebook(path: Path) -> tuple[str, dict]:
    """Return the text and the contents of a notebook, after making sure that writing changes nothing else."""
    text = path.read_bytes().decode()
    try:
        notebook = json.loads(text)
    except ValueError as error:
        raise StampError(f"{path.name}: is no notebook: {error}") from None
    if dump(notebook) != text:
        raise StampError(f"{path.name}: is not written as Jupyter writes notebooks; open and save it there")
    return text, notebook


def dump(notebook: dict) -> str:
    """Return a notebook as text, exactly as nbformat writes it."""
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def read_lesson(path: Path, notebook: dict) -> Lesson:
    """Return number, title, question and minutes from the first cells."""
    first = source(notebook["cells"][0]) if notebook["cells"] else ""
    title = re.match(r"# (\d\d) · (.+)\n\n\*\*(.+\?)\*\*(?=\n|$)", first)
    if title is None:
        raise StampError(f"{path.name}: its first cell must begin with '# NN · Title', then '**one question?**'")
    if not path.name.startswith(title[1] + "_"):
        raise StampError(f"{path.name}: its title says lesson {title[1]}")
    text = "\n".join(source(cell) for cell in notebook["cells"] if cell["cell_type"] == "markdown")
    minutes = re.search(r"^\*\*Time:\*\* about (\d+) minutes(?:, and (\d+) for the exercises)?\.", text, re.MULTILINE)
    if minutes is None:
        raise StampError(f"{path.name}: '**Time:** about NN minutes.' is missing")
    return Lesson(title[1], title[2], title[3], " + ".join(filter(None, minutes.groups())), path.name)


def source(cell: dict) -> str:
    return "".join(cell["source"])


def stamp_notebook(path: Path, notebook: dict, project: Project) -> None:
    """Put the link line and the two setup cells into a notebook."""
    lines = LINK_LINE.format(name=path.name, **project._asdict())
    first = notebook["cells"][0]
    paragraphs = source(first).split("\n\n")
    links = slice(2, 3 if len(paragraphs) > 2 and paragraphs[2].startswith("[Open in Colab]") else 2)
    paragraphs[links] = [lines]
    first["source"] = "\n\n".join(paragraphs).splitlines(keepends=True)
    setup = [cell for cell in notebook["cells"] if "setup" in cell["metadata"].get("tags", ())]
    if [cell["cell_type"] for cell in setup] != ["code", "code"]:
        raise StampError(f"{path.name}: there must be two code cells tagged setup")
    for cell, text in zip(setup, (SETUP_CELL.format(**project._asdict()), WATERMARK_CELL), strict=True):
        cell["source"] = text.splitlines(keepends=True)


def table(lessons: list[Lesson]) -> str:
    """Return the table of lessons in Markdown."""
    rows = [f"| {x.number} | [{x.title}](notebooks/{x.name}) | {x.question} | {x.minutes} |\n" for x in lessons]
    return "".join(["| | lesson | the question it answers | minutes |\n", "|---|---|---|--:|\n", *rows])


def stamped(root: Path) -> dict[Path, str]:
    """Return what must be written: the new text of each file that is out of step."""
    project = read_project(root)
    old, new, lessons = {}, {}, []
    for path in lesson_paths(root):
        old[path], notebook = read_notebook(path)
        lessons.append(read_lesson(path, notebook))
        stamp_notebook(path, notebook, project)
        new[path] = dump(notebook)
    for name, start, value, end in LINES:
        path = root / name
        if path not in new:
            old[path] = new[path] = path.read_bytes().decode()
        line = re.compile(rf"^{re.escape(start)}.*{re.escape(end)}$", re.MULTILINE)
        if not line.search(new[path]):
            raise StampError(f"{name}: has no line that begins with {start}")
        replacement = start + value.format(**project._asdict()) + end
        new[path] = line.sub(lambda _, text=replacement: text, new[path])
    readme = root / "README.md"
    new[readme], count = TABLE.subn(lambda _: table(lessons), new[readme])
    if count != 1:
        raise StampError("README.md: needs one <!-- lessons --> and one <!-- /lessons -->, each on a line of its own")
    return {path: text for path, text in new.items() if text != old[path]}


def main(arguments: list[str] | None = None) -> int:
    """Run as a command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 if something is out of step")
    options = parser.parse_args(arguments)
    try:
        changes = stamped(ROOT)
    except StampError as error:
        print(error, file=sys.stderr)
        return 1
    for path, text in changes.items():
        print(f"{path.relative_to(ROOT)}: {'out of step, run `make stamp`' if options.check else 'stamped'}")
        if not options.check:
            path.write_bytes(text.encode())
    return 1 if options.check and changes else 0


if __name__ == "__main__":
    sys.exit(main())
