"""Make slides from the lessons, with the outputs that are stored in them: one HTML file each, which needs no network.

The slides are cut from the structure of a lesson. Each section of level 2 begins a new row of slides. A **Predict**
stands alone, before the code that answers it; what a cell puts out comes one key later; a solution has a slide of its
own. How much fits on a slide depends on the fonts of the machine that shows it, so slides/slides.js lays the parts out
there. Nothing is executed and nothing is fetched. Run it with ``make slides``.
"""

from __future__ import annotations

import argparse
import html
import re
import sys
import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

import nbformat
from jinja2 import Environment
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer, TextLexer

ROOT = Path(__file__).parents[1]
PARTS = Path(__file__).with_name("slides")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# It lets no element run over the end of a line.
FORMATTER = HtmlFormatter(nowrap=True, style="a11y-high-contrast-light")
# A short sentence before a cell stands on the slide of the cell.
LEAD = 240  # characters


@dataclass
class Slide:
    """What belongs together; the browser makes more than one slide of it where there is not enough room."""

    kind: str  # "title", "text", "predict" or "run"
    heading: str = ""  # HTML, shown large; slides without one show the heading of their section, small
    blocks: list[str] = field(default_factory=list)  # paragraphs, lists, tables, …
    code: str = ""
    outputs: list[str] = field(default_factory=list)


@dataclass
class Section:
    heading: str
    slides: list[Slide] = field(default_factory=list)


@dataclass
class Block:
    kind: str  # the name of its element, or "fold" and "unfold"
    html: str
    text: str  # without marks


# ---------------------------------------------------------------------------------------------------------------------
# From Markdown and outputs to HTML


def math(content: str, options: dict) -> str:
    return html.escape(content)


def link(target: str) -> str:
    """Return where a link of a lesson leads from its slides: to the other lesson's slides, else to the repository."""
    if re.match(r"[a-z]+:", target):
        return target
    name, _, _ = target.partition("#")
    if re.fullmatch(r"\d\d_\w+\.ipynb", name):
        return name.replace(".ipynb", ".html")
    return f"{PROJECT['urls']['Repository']}/blob/v{PROJECT['version']}/notebooks/{target}" if name else ""


@cache
def parser() -> MarkdownIt:
    options = {"highlight": lambda code, language, _: coloured(code, language), "typographer": True}
    parser = MarkdownIt("commonmark", options).enable(["table", "smartquotes"])
    parser.use(dollarmath_plugin, double_inline=True, renderer=math)
    parser.add_render_rule(
        "math_inline", lambda _, tokens, i, *rest: rf'<span class="math">\({html.escape(tokens[i].content)}\)</span>'
    )
    for name in ("math_block", "math_inline_double"):
        parser.add_render_rule(
            name, lambda _, tokens, i, *rest: rf'<div class="math">\[{html.escape(tokens[i].content)}\]</div>'
        )
    return parser


def coloured(code: str, language: str = "python") -> str:
    """Return code as one <pre>."""
    lexer = PythonLexer() if language in ("python", "py") else TextLexer()
    return f"<pre>{lines(highlight(code, lexer, FORMATTER))}</pre>"


def lines(written: str) -> str:
    """Put each line into an element, which knows how far it is set in: a long line may have to be broken."""
    return "".join(
        f'<span class="line" style="--indent:{len(line) - len(line.lstrip(" "))}">{line}\n</span>'
        for line in written.rstrip("\n").split("\n")
    )


def blocks(markdown: str) -> list[Block]:
    """Return the paragraphs, lists, tables and so on of a text."""
    md, found, begin = parser(), [], 0
    tokens = md.parse(markdown)
    for token in tokens:
        for child in token.children or []:
            if child.type == "link_open":
                child.attrSet("href", link(str(child.attrGet("href"))))
    for i, token in enumerate(tokens):
        if token.level or token.nesting == 1:
            continue
        part, begin = tokens[begin : i + 1], i + 1
        text = "".join(inner.content for inner in part if inner.type in ("inline", "fence", "math_block"))
        written = md.renderer.render(part, md.options, {})
        kind = part[0].tag or part[0].type
        if kind == "html_block" and "<details" in written:
            kind = "fold"
        elif kind == "html_block" and "</details" in written:
            kind = "unfold"
        elif kind in ("h1", "h2", "h3", "h4"):
            written = re.sub(r"^<h\d>|</h\d>\s*$", "", written)
        found.append(Block(kind, written, text))
    return found


def outputs(cell: nbformat.NotebookNode) -> list[str]:
    """Return what a cell has put out, piece by piece; a picture is preferred to its words."""
    found = []
    for output in cell.outputs:
        if output.output_type == "stream":
            found.append(printed(output.text))
        elif output.output_type == "error":
            found.append(printed(f"{output.ename}: {output.evalue}"))
        elif "text/html" in output.data:
            found.append(f'<div class="media">{output.data["text/html"]}</div>')
        elif "text/markdown" in output.data:
            found += [block.html for block in blocks(output.data["text/markdown"])]
        elif "text/latex" in output.data:
            found += [block.html for block in blocks(output.data["text/latex"])]
        elif "text/plain" in output.data:
            found.append(printed(output.data["text/plain"]))
    return found


def printed(text: str) -> str:
    without_colours = re.sub(r"\x1b\[[\d;]*m", "", text)
    return f'<pre class="printed">{lines(html.escape(without_colours))}</pre>'


# ---------------------------------------------------------------------------------------------------------------------
# From a lesson to slides


class Cutter:
    """Goes through a lesson and begins a new slide wherever a lecturer would."""

    def __init__(self):
        self.sections: list[Section] = []
        self.heading = ""  # of the next slide
        self.exercise = ""  # its heading, until the next one
        self.pending: list[Block] = []  # text that is not on a slide yet
        self.skipping = False  # inside the setup
        self.folded = False  # inside a solution

    def add(self, slide: Slide) -> None:
        slide.heading, self.heading = slide.heading or self.heading, ""
        self.sections[-1].slides.append(slide)

    def flush(self) -> None:
        """Put the waiting text on a slide of its own."""
        if self.pending or self.heading:
            self.add(Slide("text", blocks=[block.html for block in self.pending]))
            self.pending = []

    def markdown(self, source: str) -> None:
        for block in blocks(source):
            if block.kind in ("h1", "h2"):
                self.flush()
                self.skipping = block.text == "Setup"
                if not self.skipping:
                    self.sections.append(Section(block.html))
                    self.heading = block.html
                self.exercise = ""
            elif self.skipping:
                continue
            elif block.kind in ("h3", "h4"):
                self.flush()
                self.heading = self.exercise = block.html
            elif block.kind == "fold":
                self.flush()
                summary = re.search(r"<summary>(.*?)</summary>", block.html)
                self.heading = f"{summary[1] if summary else ''} <small>{self.exercise}</small>"
                self.folded = True
            elif block.kind == "unfold":
                self.flush()
                self.folded = False
            elif block.kind == "blockquote" and "<strong>Predict" in block.html and not self.folded:
                self.flush_before_predict()
                self.add(Slide("predict", blocks=[block.html]))
            else:
                self.pending.append(block)

    def flush_before_predict(self) -> None:
        if self.pending:  # a heading alone stays with the question
            self.flush()

    def code(self, cell: nbformat.NotebookNode) -> None:
        tags = cell.metadata.get("tags", [])
        if "setup" in tags or (self.skipping and not cell.outputs):
            return
        if self.skipping:  # a setup that shows something
            self.sections.append(Section("Setup"))
            self.heading, self.skipping = "Setup", False
        last = self.pending[-1] if self.pending else None
        leads = last is not None and last.kind == "p" and len(last.text) <= LEAD
        if "exercise" in tags:  # the question and the blank
            self.add(Slide("run", blocks=[block.html for block in self.pending], code=coloured(cell.source)))
            self.pending = []
            return
        if leads and (len(self.pending) == 1 or last.text.endswith(":")):
            lead = [self.pending.pop().html]
            if self.pending:
                self.flush()
        else:
            lead = []
            self.flush_before_predict()
        self.add(Slide("run", blocks=lead, code=coloured(cell.source), outputs=outputs(cell)))


def cut(notebook: nbformat.NotebookNode) -> list[Section]:
    """Return the sections of a lesson, each with its slides."""
    cutter = Cutter()
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cutter.markdown(cell.source)
        elif cell.cell_type == "code":
            cutter.code(cell)
    cutter.flush()
    cutter.sections[0].slides[0].kind = "title"
    return [section for section in cutter.sections if section.slides]


# ---------------------------------------------------------------------------------------------------------------------
# From slides to a file


@cache
def reveal() -> dict[str, str]:
    """Return the program, style and licence of reveal.js, which comes with sphinx-revealjs."""
    folder = distribution("sphinx-revealjs").locate_file("sphinx_revealjs/_static/revealjs")
    names = {"script": "dist/reveal.js", "style": "dist/reveal.css", "licence": "LICENSE"}
    return {what: Path(folder, name).read_text(encoding="utf-8") for what, name in names.items()}


@cache
def mathjax() -> str:
    """Return MathJax as one script that draws formulas as SVG, without any font file."""
    file = distribution("sphinx-mathjax-offline").locate_file("sphinx-mathjax-offline/static/mathjax/tex-svg.js")
    return Path(file).read_text(encoding="utf-8")


def inside_script(code: str) -> str:
    """Nothing in a script may look like its end."""
    return re.sub(r"<(?=/script|!--)", r"\\x3C", code, flags=re.IGNORECASE)


def page(notebook: nbformat.NotebookNode, language: str = "en-GB") -> str:
    """Return the slides of a lesson as one HTML document."""
    sections = cut(notebook)
    title = re.sub(r"<[^>]+>", "", sections[0].heading)
    written = "".join(part for s in sections for slide in s.slides for part in [slide.heading, *slide.blocks])
    environment = Environment(autoescape=False, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string((PARTS / "page.html").read_text(encoding="utf-8")).render(
        language=language,
        title=title,
        sections=sections,
        style=FORMATTER.get_style_defs(".slide pre") + (PARTS / "slides.css").read_text(encoding="utf-8"),
        script=inside_script((PARTS / "slides.js").read_text(encoding="utf-8")),
        reveal={name: inside_script(text) if name == "script" else text for name, text in reveal().items()},
        mathjax=inside_script(mathjax()) if 'class="math"' in written else "",
        repository=PROJECT["urls"]["Repository"],
    )


def main(arguments: list[str] | None = None) -> None:
    """Write the slides of all lessons, or of those that are named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lessons", nargs="*", type=Path, help="notebooks (default: all lessons)")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "slides", help="folder (default: build/slides)")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    for path in options.lessons or sorted((ROOT / "notebooks").glob("*.ipynb")):
        if not re.match(r"\d\d_", path.name):
            continue  # a glossary is not lectured on
        file = options.output / f"{path.stem}.html"
        file.write_text(page(nbformat.read(path, as_version=4)), encoding="utf-8")
        print(f"{file}: {file.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    sys.exit(main())
