"""`make pdf`: links, contents and pictures, in a site of three small pages."""

import pytest

pypdf = pytest.importorskip("pypdf", reason="pypdf is not installed: pip install -e '.[test]'")

PAGE = """<html><head></head><body><div class="bd-sidebar"><nav>
<a class="reference internal" href="index.html">Home</a> <a class="reference internal" href="notebooks/00_a.html">A</a>
<a class="reference internal" href="notebooks/01_b.html">B</a></nav></div>
<article class="bd-article"><section id="Recap"><h1>{}</h1>{}</section></article></body></html>"""
PICTURE = "<img alt='tall' src='data:image/gif;base64,R0lGODlhAQABAAAAACw=' style='height:90cm' onload='img.remove()'>"


def test_the_site_becomes_one_pdf(chromium, tmp_path):
    """Links lead to their places, though each page calls them alike; contents and footers have numbers."""
    import pdf

    site = tmp_path / "site"
    (site / "notebooks").mkdir(parents=True)
    for name, title, text in (
        ("index", "Home", '<a href="notebooks/01_b.html#Recap">to B</a>'),
        ("notebooks/00_a", "00 · A", f"<details><summary>Solution</summary>unfolded</details>{PICTURE}"),
        ("notebooks/01_b", "01 · B", '<a href="00_a.html#Recap">to A</a> <a href="https://example.org/">out</a>'),
    ):
        (site / f"{name}.html").write_text(PAGE.format(title, text), encoding="utf-8")
    assert pdf.main(site) == 0
    reader = pypdf.PdfReader(tmp_path / "course.pdf")
    home, a, b = (page.extract_text() for page in reader.pages)  # the tall picture is one page, not cut
    assert "Contents" in home and "00 · A" in home and "1 / 3" in home.replace("\n", " ")
    assert "unfolded" in a and "01 · B" in b
    assert [entry["/Title"] for entry in reader.outline if not isinstance(entry, list)][-1] == "01 · B"
    leads = [link.get_object() for page in reader.pages for link in page.get("/Annots", ())]
    places = {name: reader.get_destination_page_number(to) for name, to in reader.named_destinations.items()}
    inside = [places[link["/Dest"]] for link in leads if "/Dest" in link]
    assert sorted(inside) == [1, 1, 2, 2]
    assert [link["/A"]["/URI"] for link in leads if "/URI" in link.get("/A", {})] == ["https://example.org/"]
