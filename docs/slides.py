"""How lessons become slides: `sphinx-revealjs` makes one of each section, and here they are cut further.

A **Predict** ends its slide, so that the answer is out of sight. A picture has a slide of its own, and so has a folded
solution. What a cell prints comes one key after its code. _static/slides.js then makes each slide as large as it fits.
"""

import math
import re

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.writers.html5 import HTML5Translator
from sphinx_revealjs.nodes import revealjs_break
from sphinx_revealjs.writers import RevealjsSlideTranslator

LINES, CHARACTERS = 18, 90  # of text: on a slide, in a line


class Translator(RevealjsSlideTranslator):
    """Colour code here, as on the web site, and not in the browser."""

    visit_literal_block = HTML5Translator.visit_literal_block
    depart_literal_block = HTML5Translator.depart_literal_block


class CutSlides(SphinxPostTransform):
    builders = ("revealjs",)
    default_priority = 900  # after it is settled in which form an output is shown

    def run(self, **kwargs):
        for section in list(self.document.findall(nodes.section)):
            if section[0].astext() == "Setup":
                section.parent.remove(section)
            else:
                cut(section)


def cut(section: nodes.section) -> None:
    """Put breaks between the slides of a section; its subsections have slides of their own."""
    slides = [[]]
    for block in [block for node in section[1:] for block in blocks(node)]:
        slide = slides[-1]
        if slide and begins_slide(block, slide):
            # What announces a block goes with it.
            slides.append([slide.pop()] if len(slide) > 1 and slide[-1].astext().endswith(":") else [])
        elif slide and "cell_output" in block.get("classes", []):
            block["classes"].append("fragment")
        slides[-1].append(block)
    section.children = section[:1]
    for number, slide in enumerate(slides):
        section += [revealjs_break()] * (number > 0) + slide


def blocks(node: nodes.Element) -> list[nodes.Element]:
    """Return what may stand on slides of its own: of a cell, its code and what it puts out."""
    if "cell" in node.get("classes", []):
        return node.children
    if isinstance(node, nodes.raw) and "</details>" in node.astext():
        return []
    if isinstance(node, nodes.raw) and "<details>" in node.astext():
        summary = re.search("<summary>(.*)</summary>", node.astext())[1]
        return [nodes.paragraph("", "", nodes.strong(text=summary), classes=["fold"])]
    return [node]


def begins_slide(block: nodes.Element, slide: list[nodes.Element]) -> bool:
    """Return whether a block stands on another slide than those before it."""
    if isinstance(block, nodes.section):
        return False
    is_question = is_predict(block) and not isinstance(slide[-1], nodes.TextElement)
    is_too_long = sum(map(lines, [*slide, block])) > LINES
    return is_predict(slide[-1]) or is_question or is_too_long or "fold" in block.get("classes", [])


def is_predict(block: nodes.Element) -> bool:
    return isinstance(block, nodes.block_quote) and block.astext().startswith("Predict")


def lines(block: nodes.Element) -> float:
    """Return about how many lines of text a block takes, with the space behind it."""
    text = block.astext()
    if any("<img" in raw.astext() for raw in block.findall(nodes.raw)):
        return LINES
    if isinstance(block, (nodes.literal_block, nodes.container)):
        return 0.7 * text.count("\n") + 2
    if isinstance(block, nodes.table):
        return sum(map(lines, block.findall(nodes.row)))
    if isinstance(block, (nodes.bullet_list, nodes.enumerated_list, nodes.block_quote)):
        return sum(map(lines, block))
    return math.ceil(len(text) / CHARACTERS) + 0.5


def setup(app):
    app.add_post_transform(CutSlides)
    app.set_translator("revealjs", Translator)
