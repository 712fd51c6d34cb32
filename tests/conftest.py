"""Chromium, and a page for pictures that can be clicked on."""

from __future__ import annotations

import pytest
import torch
from chromium import ARGUMENTS, find_browser


@pytest.fixture(scope="session")
def chromium() -> str:
    pytest.importorskip("playwright", reason="playwright is not installed: pip install -e '.[test]'")
    return find_browser() or pytest.skip("no Chromium or Chrome on this machine: nothing was opened in a browser")


@pytest.fixture(scope="module")
def browser(chromium):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def show(browser):
    """Return a function that opens a page with the given body; any request, error or console message fails the test."""
    contexts, trouble = [], []

    def show(body, width=1100, background="#fff", **options):
        context = browser.new_context(viewport={"width": width, "height": 800}, **options)
        contexts.append(context)
        context.route("**/*", lambda route: (trouble.append(route.request.url), route.abort()))
        page = context.new_page()
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("console", lambda message: "sandboxed" in message.text or trouble.append(message.text))
        page.set_content(
            f'<!doctype html><meta charset="utf-8"><body style="margin:8px;background:{background}">'
            "<script>var heard=[];document.addEventListener('keydown',function(e){heard.push(e.key)})</script>" + body
        )
        if body.startswith("<img") and "onload" in body and options.get("java_script_enabled", True):
            page.wait_for_selector("button")
        return page

    yield show
    for context in contexts:
        context.close()
    assert not trouble


@pytest.fixture
def gpus(monkeypatch):
    """Return a function that says how many GPUs the machine has."""

    def configure(number):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: number > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: number)

    return configure


@pytest.fixture
def no_warning(recwarn):
    """Recording and drawing a graph have nothing to complain of, or the test expects it."""
    yield
    assert not [str(w.message) for w in recwarn if str(w.message).startswith(("trace ", "graph_of "))]
