"""How Sphinx builds the web site and, with the tag `slides`, the slides. tools/build.py collects what it reads."""

import re
import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path
from shutil import copyfile

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS))
PROJECT = tomllib.loads((DOCS.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]

project = "lecturekit"
author = "The lecturekit authors"
copyright = f"{author}. Code: MIT; lessons: CC BY 4.0"
version = release = PROJECT["version"]
language = "en-GB"

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon", "sphinx.ext.mathjax"]
exclude_patterns = ["_parts/**"]

# The outputs are those that the tests compare: nothing is executed here.
nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 4
# Jupyter's way of naming the place of a heading, so that one link works in JupyterLab and here.
myst_heading_slug_func = "slugs.jupyter"

autodoc_typehints = "none"  # the docstrings say it, with shapes
autodoc_member_order = "bysource"
autosummary_generate = False
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True

# MathJax comes from a package, and travels with the site: no page asks another host for anything.
mathjax_path = "mathjax/tex-chtml.js"
mathjax3_config = {
    "options": {"enableMenu": False},  # the menu would load dictionaries that are left out
    "chtml": {"matchFontHeight": False, "scale": 1.1},  # its letters are lower than those of a sans serif
}

html_theme = "sphinx_book_theme"
html_title = "lecturekit"
html_static_path = ["_static"]
html_css_files = ["course.css"]
html_js_files = ["course.js"]
templates_path = ["_templates"]
html_use_index = False  # the reference is one page, and the search finds the rest
html_show_sourcelink = True
html_copy_source = True
html_favicon = "_static/icon.svg"
html_logo = "_static/icon.svg"
html_context = {"default_mode": "auto"}
html_theme_options = {
    "repository_url": PROJECT["urls"]["Repository"],
    "repository_branch": f"v{version}",
    "use_repository_button": True,
    "use_issues_button": True,
    "use_download_button": True,
    "use_fullscreen_button": False,
    "logo": {"text": "lecturekit", "alt_text": "lecturekit, to the first page"},
    "footer_content_items": ["copyright.html"],  # it names the authors
    "navbar_persistent": [],  # the search stands in the sidebar
    "show_toc_level": 2,
    "home_page_in_toc": True,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "github-dark",
    "launch_buttons": {
        "colab_url": "https://colab.research.google.com",
        "binderhub_url": "https://mybinder.org",
        "notebook_interface": "jupyterlab",
    },
    "path_to_docs": "",
}
nb_code_prompt_show = "Show the {type}"  # of a question: think first
nb_code_prompt_hide = "Hide the {type}"


if tags.has("slides"):  # noqa: F821, Sphinx brings it
    extensions += ["sphinx_revealjs", "slides"]
    html_copy_source = False
    mathjax_path = "mathjax/tex-svg.js"  # it needs no font, which not every browser loads from a file
    nb_mime_priority_overrides = [("revealjs", "text/html", 0), ("revealjs", "text/plain", 1)]
    pygments_style = "a11y-high-contrast-light"
    revealjs_html_theme = "revealjs-simple"
    revealjs_style_theme = "slides.css"
    revealjs_css_files = ["pygments.css"]
    revealjs_script_plugins = [{"src": "slides.js", "name": "Slides"}]
    revealjs_static_path = html_static_path
    revealjs_script_conf = {
        "width": 1280,
        "height": 720,
        "margin": 0,
        "center": False,
        "controlsLayout": "edges",
        "hash": True,
        "navigationMode": "linear",
        "pdfSeparateFragments": False,
        "slideNumber": "c/t",
        "touch": False,  # a finger scrolls, and draws on what can be drawn on
        "transition": "none",
    }


def _copy_mathjax(app, error):
    """Copy MathJax: one program and the fonts it uses, not its tools for other inputs and languages."""
    if error is not None or app.builder.format != "html":
        return
    target = Path(app.outdir) / "_static"
    fonts = "mathjax/output/chtml/fonts/woff-v2/"
    for file in distribution("sphinx-mathjax-offline").files:
        name = str(file).partition("/static/")[2]
        if name == app.config.mathjax_path or (name.startswith(fonts) and "chtml" in app.config.mathjax_path):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            copyfile(file.locate(), target / name)


def _one_name_each(app, what, name, obj, options, lines):
    """Give each attribute an entry, also where the docstring names two at once: Sphinx would take one for a type."""

    def entries(match):
        return "".join(f":{match[1]} {attribute}:{match[3]}" for attribute in match[2].split(", "))

    text = re.sub(
        r"^:(ivar|vartype) (\w+(?:, \w+)+):(.*\n(?:[ \t]+.*\n)*)", entries, "\n".join([*lines, ""]), flags=re.M
    )
    lines[:] = text.splitlines()


def _no_factories(app, what, name, obj, options, signature, returned):
    """Write … where a dataclass makes a new list as default: Python has no words for it but <factory>."""
    return signature and signature.replace("<factory>", "…"), returned


def setup(app):
    app.connect("build-finished", _copy_mathjax)
    app.connect("autodoc-process-signature", _no_factories)
    app.connect("autodoc-process-docstring", _one_name_each, priority=900)  # after napoleon
