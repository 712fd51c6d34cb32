"""The web site in a real browser: whole, reachable by keys, in light and dark, without asking anybody else."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

import pytest
from guarded import LESSONS, NOTEBOOKS, ROOT, guarded_page

pytest.importorskip("axe_playwright_python", reason="axe is not installed: pip install -e '.[test]'")

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
PAGES = ["index", "install", "evidence", "api", "search"]
NAMES = PAGES + [f"notebooks/{path.stem}" for path in sorted(NOTEBOOKS.glob("*.ipynb"))]
SMOKE = ["index"]

# What sticks out of the window, and does not scroll in a box of its own.
STICKS_OUT = """() => [...document.querySelectorAll('.bd-article *')].filter(element => {
    const box = element.getBoundingClientRect();
    if (!box.width || box.right <= innerWidth + 1) return false;
    for (let parent = element.parentElement; parent; parent = parent.parentElement)
        if (/auto|scroll|hidden/.test(getComputedStyle(parent).overflowX)) return false;
    return true;
}).slice(0, 3).map(element => element.outerHTML.slice(0, 120))"""


def problems_of(page) -> list[str]:
    """What is wrong with a page that has been opened, in the window and the colours it was opened in."""
    from axe_playwright_python.sync_playwright import Axe

    problems = [f"console: {text}" for text in page.seen.errors]
    problems += [f"the page asked for {url}" for url in page.seen.other_hosts]
    problems += [f"sticks out: {html}" for html in page.evaluate(STICKS_OUT)]
    if (formulas := page.locator(".math").count()) != (drawn := page.locator(".math mjx-container").count()):
        problems.append(f"{drawn} of {formulas} formulas are drawn")
    problems += page.evaluate(
        """() => [...document.querySelectorAll('.bd-article img')].filter(img => !img.complete || !img.naturalWidth)
               .map(img => 'a picture that is not shown: ' + img.alt)"""
    )
    for violation in Axe().run(page, options={"runOnly": WCAG}).response["violations"]:
        where = [node["html"][:120] for node in violation["nodes"][:2]]
        problems.append(f"axe: {violation['id']}, {violation['help']}: {where}")
    return problems


def open_page(page, url: str) -> None:
    page.goto(url)
    page.wait_for_function("() => !window.MathJax || window.MathJax.startup.promise.then(() => true)")


def check(chromium, site_url, name, **options) -> None:
    with guarded_page(chromium, site_url, **options) as page:
        open_page(page, f"{site_url}{name}.html")
        problems = problems_of(page)
    assert not problems, "\n".join([f"{name} {options}:", *problems])


LIGHT, DARK = {"color_scheme": "light"}, {"color_scheme": "dark"}
PHONE = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"}


@pytest.mark.parametrize("name", SMOKE)
def test_pages_to_begin_with(chromium, site_url, name):
    check(chromium, site_url, name, **LIGHT)


@pytest.mark.browser
@pytest.mark.parametrize("options", [LIGHT, DARK, PHONE], ids=["light", "dark", "phone"])
@pytest.mark.parametrize("name", NAMES)
def test_every_page(chromium, site_url, name, options):
    check(chromium, site_url, name, **options)


def test_every_link_within_the_site_leads_somewhere(site):
    """Each page and each place in it that a link names is there. Links to other hosts are not followed."""
    pages = {path: path.read_text(encoding="utf-8") for path in site.rglob("*.html") if "_static" not in path.parts}
    assert len(pages) >= len(NAMES)
    places = {path: set(re.findall(r'\bid="([^"]+)"', html)) for path, html in pages.items()}
    broken, followed = [], 0
    for path, html in pages.items():
        for target in re.findall(r'<(?:a|link|script|img)\b[^>]*?\b(?:href|src)="([^"]+)"', html):
            parts = urlsplit(target.replace("&amp;", "&"))
            if parts.scheme or parts.netloc:
                continue
            followed += 1
            other = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not other.is_file():
                broken.append(f"{path.name}: {target}")
            elif parts.fragment and other in places and unquote(parts.fragment) not in places[other]:
                broken.append(f"{path.name}: {target}, which is no place there")
    assert followed > 500
    assert not broken, "\n".join(sorted(set(broken)))


def test_pages_take_nothing_from_other_hosts(site):
    """No script, style, font or picture of another host, also in what no test opens."""
    taken = []
    for path in site.rglob("*.html"):
        html = path.read_text(encoding="utf-8")
        taken += [
            f"{path.name}: {tag[:150]}"
            for tag in re.findall(r"<(?:script|img|link|iframe|source)\b[^>]*(?:src|href)=\"(?:https?:)?//[^>]*>", html)
            if 'rel="canonical"' not in tag
        ]
    assert not taken, "\n".join(taken)


def test_every_lesson_can_be_opened_elsewhere_and_downloaded(site):
    for path in LESSONS:
        html = (site / "notebooks" / f"{path.stem}.html").read_text(encoding="utf-8")
        for words in ("Open in Colab", "Open on Binder", "Report a mistake"):
            assert words in html, f"{path.stem}: {words}"
        source = re.search(r'href="([^"]*_sources/[^"]*\.ipynb)"', html)
        assert source, f"{path.stem} cannot be downloaded"
        assert (site / "notebooks" / source[1]).resolve().is_file()


def test_the_stepper_on_the_first_page_by_mouse_and_by_keys(chromium, site_url):
    with guarded_page(chromium, site_url) as page:
        open_page(page, site_url)
        stepper = page.get_by_role("group", name=re.compile("step by step"))
        caption = stepper.locator("[aria-live]")
        assert "done" in caption.inner_text()
        stepper.get_by_role("button", name="First").click()
        first = caption.inner_text()
        page.keyboard.press("ArrowRight")
        second = caption.inner_text()
        assert first != second
        page.keyboard.press("ArrowLeft")
        assert caption.inner_text() == first
        page.keyboard.press("/")  # a key of the theme: it stays in the stepper
        assert stepper.locator(":focus").count() == 1


@pytest.mark.browser
def test_a_solution_is_folded_until_it_is_asked_for(chromium, site_url):
    with guarded_page(chromium, site_url) as page:
        open_page(page, f"{site_url}notebooks/06_adaline_three_ways.html")
        fold = page.locator("details", has=page.locator("summary", has_text=re.compile("^Solution$"))).first
        assert not fold.locator(".highlight").is_visible()
        fold.locator("summary").focus()
        page.keyboard.press("Enter")
        assert fold.locator(".highlight").is_visible()


def test_search_finds_a_lesson(chromium, site_url):
    with guarded_page(chromium, site_url) as page:
        page.goto(f"{site_url}search.html?q=ADALINE")
        results = page.locator("#search-results li a")
        results.first.wait_for(timeout=20_000)
        assert any("ADALINE three ways" in text for text in results.all_inner_texts())
        assert not page.seen.errors and not page.seen.other_hosts


SHOWN_FOCUS = """() => {
    const element = document.activeElement, style = getComputedStyle(element), box = element.getBoundingClientRect();
    const ring = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
    const shadow = style.boxShadow.split(/,(?![^(]*\\))/).some(part => /[1-9]px/.test(part) && !/, 0\\)/.test(part));
    const seen = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
    return seen && (ring || shadow) ? '' : element.outerHTML.slice(0, 150);
}"""


@pytest.mark.browser
def test_the_focus_is_seen_all_along_the_way(chromium, site_url):
    with guarded_page(chromium, site_url) as page:
        open_page(page, f"{site_url}notebooks/03_computation_graphs.html")
        hidden, texts = [], []
        for _ in range(40):
            page.keyboard.press("Tab")
            page.wait_for_timeout(200)  # the theme fades its rings in
            hidden += filter(None, [page.evaluate(SHOWN_FOCUS)])
            texts.append(page.evaluate("document.activeElement.textContent").strip())
        assert texts[0] == "Skip to main content" and "Step" in texts
        assert not hidden, "\n".join(hidden)


@pytest.mark.browser
def test_skip_link_colours_and_search_by_keys(chromium, site_url):
    with guarded_page(chromium, site_url) as page:
        open_page(page, site_url)
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")  # past the menu
        assert page.evaluate("document.activeElement.closest('#main-content') !== null")
        button = page.locator(".theme-switch-button:visible")
        button.focus()
        for key in ("Enter", "ArrowDown", "ArrowDown", "ArrowDown", "Enter"):  # past "as the system" and "light"
            page.keyboard.press(key)
            page.wait_for_timeout(100)
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
        assert button.evaluate("button => button === document.activeElement")
        page.keyboard.press("Control+k")
        page.keyboard.type("momentum")
        page.keyboard.press("Enter")
        page.locator("#search-results li a").first.wait_for(timeout=20_000)


@pytest.mark.browser
def test_the_menu_on_a_phone_by_keys(chromium, site_url):
    with guarded_page(chromium, site_url, **PHONE) as page:
        open_page(page, site_url)
        lesson = page.get_by_role("link", name=re.compile("^01"))
        assert not lesson.is_visible()
        page.locator(".primary-toggle:visible").focus()
        page.keyboard.press("Enter")
        lesson.wait_for(state="visible")
        assert page.evaluate("document.activeElement.closest('dialog') !== null")
        page.keyboard.press("Escape")
        lesson.wait_for(state="hidden")


@pytest.mark.browser
def test_on_paper_solutions_are_open_and_the_page_is_light(chromium, site_url):
    with guarded_page(chromium, site_url, **DARK) as page:
        open_page(page, f"{site_url}notebooks/03_computation_graphs.html")
        now = """() => [document.documentElement.dataset.theme,
            document.querySelectorAll('.bd-article details:not(.hide):not([open])').length]"""
        theme, folded = page.evaluate(now)
        assert theme == "dark" and folded >= 3
        page.evaluate("() => window.dispatchEvent(new Event('beforeprint'))")
        assert page.evaluate(now) == ["light", 0]
        page.evaluate("() => window.dispatchEvent(new Event('afterprint'))")
        assert page.evaluate(now) == ["dark", folded]


def test_names_of_the_package_lead_to_the_reference(site):
    html = (site / "notebooks" / "06_adaline_three_ways.html").read_text(encoding="utf-8")
    assert re.search(r'href="\.\./api\.html#lecturekit\.fit"[^>]*><code[^>]*>.*?lk\.fit', html)


def test_the_reference_has_every_public_name():
    import lecturekit

    api = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\.\. auto\w+:: lecturekit\.([\w.]+)$", api, flags=re.MULTILINE))
    for name in lecturekit.__all__:
        assert name in documented or any(other.startswith(f"{name}.") for other in documented), name


def test_a_policy_allows_nothing_from_elsewhere(site):
    """Even if a page asked for something, the browser would refuse."""
    for path in site.rglob("*.html"):
        if "_static" not in path.parts:
            html = path.read_text(encoding="utf-8")
            assert re.search(r'<meta http-equiv="Content-Security-Policy" content="default-src \'self\'', html), path
