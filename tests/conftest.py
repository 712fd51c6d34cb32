"""Chromium, and pages in it that ask nobody else for anything."""

from __future__ import annotations

import re

import pytest
from chromium import ARGUMENTS, find_browser

# JupyterLab asks the debugger of a kernel that it has just told to restart; scripts are forbidden in some frames.
HARMLESS = re.compile("Could not restore the debugger state: Canceled future|sandboxed")


@pytest.fixture(scope="session")
def chromium() -> str:
    pytest.importorskip("playwright", reason="playwright is not installed: pip install -e '.[test]'")
    return find_browser() or pytest.skip("no Chromium or Chrome on this machine: nothing was opened in a browser")


# Playwright's loop counts as running in this thread, and other files of tests start loops of their own.
@pytest.fixture(scope="module")
def browser(chromium):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def browse(browser):
    """Return a function that makes a page which may ask for what begins with `base`.

    Whatever it asks of others, and any error that it reports, fails the test.
    """
    contexts, trouble = [], []

    def browse(base: str, **options):
        def check(request):
            if not request.url.startswith((base, base.replace("http", "ws", 1), "data:", "blob:", "about:")):
                trouble.append(f"the page asked for {request.url}")

        def report(message):
            if message.type == "error" and not HARMLESS.search(message.text):
                trouble.append(f"console: {message.text} ({message.location.get('url', '')})")

        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("request", check)
        page.on("websocket", check)
        page.on("console", report)
        page.on("pageerror", lambda error: trouble.append(str(error)))
        return page

    yield browse
    for context in contexts:
        context.close()
    assert not trouble, "\n".join(trouble)


@pytest.fixture
def show(browse):
    """Return a function that opens a page with the given body."""

    def show(body, width=1100, background="#fff", **options):
        page = browse("data:", viewport={"width": width, "height": 800}, **options)
        page.set_content(
            f'<!doctype html><meta charset="utf-8"><body style="margin:8px;background:{background}">'
            "<script>var heard=[];document.addEventListener('keydown',function(e){heard.push(e.key)})</script>" + body
        )
        if body.startswith("<img") and "onload" in body and options.get("java_script_enabled", True):
            page.wait_for_selector("button")
        return page

    return show


@pytest.fixture
def gpus(monkeypatch):
    """Return a function that says how many GPUs the machine has."""

    def configure(number):
        monkeypatch.setattr("torch.cuda.is_available", lambda: number > 0)
        monkeypatch.setattr("torch.cuda.device_count", lambda: number)

    return configure


@pytest.fixture
def no_warning(recwarn):
    """Recording and drawing a graph have nothing to complain of, or the test expects it."""
    yield
    assert not [str(w.message) for w in recwarn if str(w.message).startswith(("trace ", "graph_of "))]
