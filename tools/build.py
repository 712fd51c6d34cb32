"""Build the web site, or slides for a lecture, from the lessons with the outputs that are stored in them.

``python tools/build.py site`` writes build/site, ``python tools/build.py slides`` writes build/slides; lessons named
behind it are the only ones. Sphinx wants all its sources in one folder: they are put together in build/NAME-source.
Nothing is executed and nothing is fetched, and every warning is an error. See docs/conf.py.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tomllib
from pathlib import Path

import nbformat
import torch
from sphinx.cmd.build import main as sphinx_build
from structure import LESSONS, NOTEBOOKS, ROOT
from teacher_page import teacher_page

import lecturekit as lk

DOCS = ROOT / "docs"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
API = (DOCS / "api.md").read_text(encoding="utf-8")
DOCUMENTED = set(re.findall(r"^\.\. auto\w+:: lecturekit\.([\w.]+)$", API, flags=re.MULTILINE))

CODE = re.compile(r"(^`{3,}.*?^`{3,}|\[[^\]\n]*\]\([^)\n]*\))", flags=re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#{1,4} (.+)$", flags=re.MULTILINE)
SECTION = re.compile(r"(\b[Ll]esson|\b[Ss]ection) (\d+)(?=[^`\n]*\]\([^)\n]*\.ipynb)")
NAME = re.compile(r"`lk\.([\w.]+)(\([^`\n]*\))?`")
COLAB = re.compile(r"\[Open in Colab\]\((\S+)\)")
LINK = re.compile(r"\]\((\w+)\.ipynb(#[^)\s]*)?\)")

CITE = """\
> {authors[0][name]}. *{name}: {description}*. Version {version}. `{address}`

The file `CITATION.cff` in the [repository]({address}) says the same to programs. The lessons are under CC BY 4.0, the
code under the MIT licence.
"""

EXERCISES = """\
## Exercises

*Nothing runs on this page: [try them in Colab]({colab}) or [on your own machine](../install.md).*
"""

MAP = """\
```{{image}} _parts/map.png
:alt: {alt}
:class: map
:width: {width}px
```
"""


def main(arguments: list[str] | None = None) -> int:
    """Put the sources together and build; return the exit status of Sphinx."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["site", "slides"])
    parser.add_argument("lessons", nargs="*", type=Path, help="notebooks to make slides of (default: all lessons)")
    parser.add_argument("--output", type=Path, default=ROOT / "build", help="folder to write into")
    options = parser.parse_args(arguments)
    missing = [str(path) for path in options.lessons if path.resolve() not in LESSONS]
    if missing:
        there = "\n".join(f"  {path.relative_to(ROOT)}" for path in LESSONS)
        print(f"There is no lesson {', '.join(missing)}. There are:\n{there}", file=sys.stderr)
        return 1
    source, target = options.output / f"{options.what}-source", options.output / options.what
    for old in (source, target):
        shutil.rmtree(old, ignore_errors=True)
    if options.what == "site":
        collect_site(source)
        how = ["-b", "html", "-j", "auto"]
    else:
        collect_slides(source, [path.resolve() for path in options.lessons] or LESSONS)
        how = ["-b", "revealjs", "-t", "slides"]
    return sphinx_build([*how, "-W", "--keep-going", "-q", "-c", str(DOCS), str(source), str(target)])


def copy_notebook(path: Path, folder: Path, change, fold: bool = False) -> None:
    """Copy a notebook, with what `change` makes of each of its cells of text; answers open on a click where folded."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = change(cell.source)
        elif "setup" in cell.metadata.get("tags", []) and not cell.outputs:
            cell.metadata["tags"].append("hide-input")  # it does nothing for readers
        if fold and "jupyter" in cell.metadata:
            cell.metadata.setdefault("tags", []).append("hide-output")
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, folder / path.name)


# ---------------------------------------------------------------------------------------------------------------------
# The web site


def collect_site(source: Path) -> None:
    """Put the lessons beside the pages of docs/, and write what those include."""
    shutil.copytree(DOCS, source, ignore=shutil.ignore_patterns("_*", "*.py"))
    for path in NOTEBOOKS:
        colab = COLAB.search(path.read_text(encoding="utf-8"))
        exercises = EXERCISES.format(colab=colab[1]) if colab else "## Exercises\n"

        def change(text: str, exercises: str = exercises) -> str:
            return with_reference(text.replace("## Exercises\n", exercises))

        copy_notebook(path, source / "notebooks", change, fold=True)
    parts = source / "_parts"
    parts.mkdir()
    (source / "teaching").mkdir()
    for path in LESSONS:
        # One page lists them: the sidebar is long enough.
        page = f"---\norphan: true\n---\n\n{teacher_page(path, '../notebooks')}"
        (source / "teaching" / f"{path.stem}.md").write_text(page, encoding="utf-8")
    links = [f"- [](teaching/{path.stem}.md)\n" for path in LESSONS]
    (parts / "teaching.md").write_text("".join(links), encoding="utf-8")
    (parts / "README.md").write_text(readme(), encoding="utf-8")
    (parts / "cite.md").write_text(CITE.format(**PROJECT, address=PROJECT["urls"]["Repository"]), encoding="utf-8")
    (parts / "stepper.html").write_text(stepper(), encoding="utf-8")
    (parts / "pad.html").write_text(pad(), encoding="utf-8")
    course = lk.diagrams.course_map()
    # Twice the pixels for sharp screens; no metadata, so that the same map gives the same bytes.
    course.savefig(parts / "map.png", dpi=2 * lk.plotting.DPI, metadata={"Software": None})
    width = round(course.get_size_inches()[0] * lk.plotting.DPI)
    (parts / "map.md").write_text(MAP.format(alt=course.get_label(), width=width), encoding="utf-8")


def with_reference(text: str) -> str:
    """Link names of the package to the reference, and keep the number of a section on the line of its word."""

    def link(match: re.Match) -> str:
        name = match[1]
        return f"{{py:obj}}`{match[0][1:-1]} <lecturekit.{name}>`" if name in DOCUMENTED else match[0]

    text = SECTION.sub("\\1\u00a0\\2", text).replace("→ [", "→\u00a0[")
    parts = CODE.split(text)  # every second one is code or a link already
    parts[::2] = [NAME.sub(link, part) for part in parts[::2]]
    return "".join(parts)


def readme() -> str:
    """Return the README as the pages include it: in parts, from docs/."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    # A place in it is called #without-make on GitHub and #Without-make here.
    places = {heading.replace(" ", "-").lower().replace(",", ""): heading for heading in HEADING.findall(text)}
    text = re.sub(r"\]\(#([\w-]+)\)", lambda match: f"](#{places[match[1]].replace(' ', '-')})", text)
    text = text.replace("](docs/", "](")
    for name, address in re.findall(r"^\[([^\]]+)\]: (\S+)$", text, flags=re.MULTILINE):
        text = text.replace(f"][{name}]", f"]({address})")
    return text


def stepper() -> str:
    """Return the graph to step through on the first page, as HTML."""
    x, w, b = (torch.tensor(value, requires_grad=value != 3.0) for value in (3.0, 2.0, 1.0))
    with lk.trace() as graph:
        u = w * x
        v = u + b
        a = torch.relu(v)
        a.backward()
    return graph.to_html()


def pad() -> str:
    """Return the drawing pad of the lesson on digits, as it is stored there with the weights that it trained."""
    notebook = nbformat.read(ROOT / "notebooks" / "12_digits.ipynb", as_version=4)
    (cell,) = (cell for cell in notebook.cells if cell.source == "drawing_pad(net)")
    return cell.outputs[0].data["text/html"]


# ---------------------------------------------------------------------------------------------------------------------
# Slides: docs/slides.py cuts them


def collect_slides(source: Path, lessons: list[Path]) -> None:
    """Copy the lessons, and list them on a page of their own; links to others lead to the web site."""
    names = {path.stem for path in lessons}

    def link(match: re.Match) -> str:
        return match[0] if match[1] in names else f"]({PROJECT['urls']['Documentation']}notebooks/{match[1]}.html)"

    for path in lessons:
        copy_notebook(path, source, lambda text: LINK.sub(link, text))
    toctree = "\n".join(["# Slides", "", "```{toctree}", ":maxdepth: 1", "", *sorted(names), "```", ""])
    (source / "index.md").write_text(toctree, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
