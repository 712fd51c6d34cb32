"""Build the web site from the lessons, with the outputs that are stored in them, and the pages in docs/.

Sphinx wants all its sources in one folder. They are put together in build/site-source, and the site is written to
build/site; ``--output`` names another folder than build. Nothing is executed and nothing is fetched, and every warning
is an error. Run it with ``make site``.
"""

from __future__ import annotations

import argparse
import html
import os
import re
import shutil
import sys
import tomllib
from pathlib import Path

import nbformat
import torch
from sphinx.cmd.build import main as sphinx_build

import lecturekit as lk

sys.path.insert(0, str(Path(__file__).parents[1] / "docs"))
from slugs import jupyter

ROOT = Path(__file__).parents[1]

CODE = re.compile(r"(^`{3,}.*?^`{3,}|\[[^\]\n]*\]\([^)\n]*\))", flags=re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#{1,4} (.+)$", flags=re.MULTILINE)
SECTION = re.compile(r"(\b[Ll]esson|\b[Ss]ection) (\d+)(?=[^`\n]*\]\([^)\n]*\.ipynb)")
NAME = re.compile(r"`lk\.([\w.]+)(\([^`\n]*\))?`")

CITE = """\
> {authors[0][name]}. *{name}: {description}*. Version {version}. <{address}>

The file `CITATION.cff` in the [repository]({address}) says the same to programs. The lessons are under CC BY 4.0, the
code under the MIT licence.
"""


def main(arguments: list[str] | None = None) -> int:
    """Put the sources together and build; return the exit status of Sphinx."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=ROOT / "build", help="folder for site-source and site")
    folder = parser.parse_args(arguments).output
    source, target = folder / "site-source", folder / "site"
    for old in (source, target):
        shutil.rmtree(old, ignore_errors=True)
    shutil.copytree(ROOT / "docs", source, ignore=shutil.ignore_patterns("__pycache__"))
    (source / "notebooks").mkdir()
    documented = documented_names((source / "api.md").read_text(encoding="utf-8"))
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        prepare(notebook, documented)
        nbformat.write(notebook, source / "notebooks" / path.name)
    write_parts(source / "_parts")
    write_map(source)
    os.environ["LECTUREKIT_ROOT"] = str(ROOT)
    return sphinx_build(["-b", "html", "-W", "--keep-going", "-q", "-j", "auto", str(source), str(target)])


def documented_names(api: str) -> set[str]:
    """Return what the reference documents, such as ``fit`` and ``data.iris``, of what the lessons call ``lk.…``."""
    return set(re.findall(r"^\.\. auto\w+:: lecturekit\.([\w.]+)$", api, flags=re.MULTILINE))


def prepare(notebook: nbformat.NotebookNode, documented: set[str]) -> None:
    """Fold the setup cells, which do nothing for readers, and link names of the package to the reference."""

    def link(match: re.Match) -> str:
        name = match[1]
        return f"{{py:obj}}`{match[0][1:-1]} <lecturekit.{name}>`" if name in documented else match[0]

    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            # The number of a section stays on the line of its word, and an arrow with its link.
            cell.source = SECTION.sub("\\1\u00a0\\2", cell.source)
            cell.source = cell.source.replace("→ [", "→\u00a0[")
            parts = CODE.split(cell.source)  # every second one is code or a link already
            parts[::2] = [NAME.sub(link, part) for part in parts[::2]]
            cell.source = "".join(parts)
        elif "setup" in cell.metadata.get("tags", []):
            cell.metadata["tags"].append("hide-input")


def write_parts(folder: Path) -> None:
    """Write what the pages include: the README, how to cite, a graph to step through."""
    folder.mkdir()
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    # A place in it is called #without-make on GitHub and #Without-make here.
    places = {jupyter(heading).lower().replace(",", ""): jupyter(heading) for heading in HEADING.findall(readme)}
    readme = re.sub(r"\]\(#([\w-]+)\)", lambda match: f"](#{places[match[1]]})", readme)
    readme = readme.replace("](docs/", "](")  # what lies in docs/ lies beside the pages that include it
    # Parts of it are included, and the addresses at its end are in none of them.
    for name, address in re.findall(r"^\[([^\]]+)\]: (\S+)$", readme, flags=re.MULTILINE):
        readme = readme.replace(f"][{name}]", f"]({address})")
    (folder / "README.md").write_text(readme, encoding="utf-8")
    citation = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (folder / "cite.md").write_text(CITE.format(**citation, address=citation["urls"]["Repository"]), encoding="utf-8")
    x, w, b = (torch.tensor(value, requires_grad=value != 3.0) for value in (3.0, 2.0, 1.0))
    with lk.trace() as graph:
        u = w * x
        v = u + b
        a = torch.relu(v)
        a.backward()
    (folder / "stepper.html").write_text(graph.to_html(), encoding="utf-8")


def write_map(source: Path) -> None:
    """Draw the map of the course, and write the element that shows it."""
    fig = lk.diagrams.course_map()
    width, height = (round(inches * lk.plotting.DPI) for inches in fig.get_size_inches())
    # Twice the pixels for sharp screens; no metadata, so that the same map gives the same bytes.
    fig.savefig(source / "_static" / "map.png", dpi=2 * lk.plotting.DPI, metadata={"Software": None})
    alt = html.escape(fig.get_label())
    image = f'<img class="map" src="_static/map.png" alt="{alt}" width="{width}" height="{height}">'
    (source / "_parts" / "map.html").write_text(image + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
