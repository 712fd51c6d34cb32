"""Put the pages of the web site into one PDF, build/course.pdf: ``make pdf``. It needs the Chromium of the system.

All pages become one, so that a link from one to another leads to its place; Chromium prints it. It is printed twice:
only then is it known on which page of paper each chapter begins, and the contents can say so.
"""

from __future__ import annotations

import posixpath
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup
from chromium import ARGUMENTS, BROWSERS, find_browser
from playwright.sync_api import sync_playwright
from pypdf import PdfReader, PdfWriter
from pypdf.generic import NameObject, TextStringObject

SITE = Path(__file__).parents[1] / "build" / "site"
STYLE = """
@page { size: A4; margin: 16mm 14mm 18mm; }
html, body { background: white; height: auto; }
article { break-before: page; }
#index-- { break-before: auto; }
article img { max-height: 22cm; object-fit: contain; object-position: left; }
details.hide > summary, details.above-input, .start { display: none !important; }
nav.paper li { display: flex; list-style: none; }
nav.paper .dots { border-bottom: 1px dotted gray; flex: 1; margin: 0 0.5em 0.4em; }
"""
FOOTER = """<div style="font: 8px sans-serif; width: 100%; text-align: center">
<span class="pageNumber"></span> / <span class="totalPages"></span></div>"""


def pages(site: Path) -> list[str]:
    """Return the pages of the site in the order of its sidebar."""
    links = BeautifulSoup((site / "index.html").read_text("utf-8"), "html.parser").select(".bd-sidebar nav a[href]")
    local = (link["href"] for link in links if "internal" in link.get("class", ()))
    return list(dict.fromkeys(["index.html", *(href for href in local if href.endswith(".html"))]))


def chapter(site: Path, name: str, names: list[str]):
    """Return what a page says; its places and links are called as they are in the one page that holds all of them."""

    def place(page: str, fragment: str) -> str:
        return f"{Path(page).stem}--{unquote(fragment)}"

    article = BeautifulSoup((site / name).read_text("utf-8"), "html.parser").select_one("article.bd-article")
    article["id"] = place(name, "")
    for extra in article.select("script, .headerlink"):
        extra.decompose()
    for tag in article.find_all(True):
        tag.attrs.pop("onload", None)  # a stepper is its finished picture
        if tag.name == "details":
            tag["open"] = ""
        if tag is not article and "id" in tag.attrs:
            tag["id"] = place(name, tag["id"])
        if "image-reference" in tag.get("class", ()):
            del tag["href"]  # to the same picture
        for attribute in {"href", "src"} & set(tag.attrs):
            address = urlsplit(tag[attribute])
            if address.scheme or tag[attribute].startswith("//"):
                continue
            target = posixpath.normpath(posixpath.join(posixpath.dirname(name), address.path)) if address.path else name
            tag[attribute] = f"#{place(target, address.fragment)}" if target in names else target
    return article


def assemble(site: Path) -> tuple[BeautifulSoup, list[tuple[str, str]]]:
    """Return the one page, and title and place of each chapter."""
    page = BeautifulSoup((site / "index.html").read_text("utf-8"), "html.parser")
    for script in page.select("script"):
        if "mathjax" not in str(script).lower():
            script.decompose()
    page.head.append(BeautifulSoup(f"<style>{STYLE}</style>", "html.parser"))
    page.html["data-theme"] = "light"
    names = pages(site)
    articles = [chapter(site, name, names) for name in names]
    chapters = [(article.h1.get_text(), article["id"]) for article in articles[1:]]
    page.body.clear()
    main = page.new_tag("main", attrs={"class": "bd-article-container bd-content"})
    main.extend(articles)
    page.body.append(main)
    return page, chapters


def contents(chapters: list[tuple[str, str]], numbers: dict[str, int]) -> BeautifulSoup:
    """Return the contents, with the page of paper on which each chapter begins."""
    row = '<li><a href="#{1}">{0}</a><span class="dots"></span>{2}</li>'
    rows = "".join(row.format(*chapter, numbers.get(chapter[1], 0)) for chapter in chapters)
    return BeautifulSoup(f'<nav class="paper"><h2>Contents</h2><ul>{rows}</ul></nav>', "html.parser").nav


def mend_outline(path: Path, titles: list[str]) -> None:
    """Give each entry of the outline its title: Chromium writes one twice where it begins a page."""
    writer = PdfWriter(clone_from=path)

    def entries(item):
        while item is not None:
            item = item.get_object()
            yield item
            yield from entries(item.get("/First"))
            item = item.get("/Next")

    for entry, title in zip(entries(writer.get_outline_root()["/First"]), titles, strict=True):
        entry[NameObject("/Title")] = TextStringObject(title)
    writer.write(path)


def main(site: Path = SITE) -> int:
    """Print the site."""
    chromium = find_browser()
    if chromium is None:
        print(f"A PDF needs one of these browsers, and none is installed: {', '.join(BROWSERS)}.", file=sys.stderr)
        return 1
    page, chapters = assemble(site)
    source, target = site / "_course.html", site.parent / "course.pdf"
    numbers: dict[str, int] = {}
    paper = {"scale": 0.8, "prefer_css_page_size": True, "print_background": True, "outline": True, "tagged": True}
    paper |= {"display_header_footer": True, "header_template": "<span></span>", "footer_template": FOOTER}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        for _ in range(2):
            for old in page.select("nav.paper"):
                old.decompose()
            page.select_one("#index--").append(contents(chapters, numbers))
            source.write_text(str(page), encoding="utf-8")
            tab = browser.new_page()
            tab.goto(source.as_uri())
            tab.wait_for_function("() => !window.MathJax || window.MathJax.startup.promise.then(() => true)")
            tab.pdf(path=target, **paper)
            tab.close()
            reader = PdfReader(target)
            places = {name.strip("/"): place for name, place in reader.named_destinations.items()}
            numbers = {place: 1 + reader.get_destination_page_number(places[place]) for _, place in chapters}
        browser.close()
    source.unlink()
    mend_outline(target, [" ".join(heading.get_text().split()) for heading in page.select("h1, h2, h3, h4, h5, h6")])
    print(f"{target}: {len(reader.pages)} pages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
