"""What the browser tests share: a page that reaches one address and nothing else, and the commands that make pages."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ROOT / "notebooks"
LESSONS = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))


@dataclass
class Seen:
    """What went wrong in the page."""

    errors: list[str] = field(default_factory=list)
    other_hosts: list[str] = field(default_factory=list)


@contextlib.contextmanager
def guarded_page(chromium: str, base: str, **context_options) -> Iterator[Page]:
    """A page that can reach `base` and nothing else; what it asks elsewhere, and its errors, are in `page.seen`."""
    from playwright.sync_api import sync_playwright

    seen = Seen()

    def is_here(url: str) -> bool:
        return url.startswith((base, base.replace("http", "ws", 1), "data:", "blob:", "about:"))

    def route(route):
        if is_here(route.request.url):
            route.continue_()
        else:
            seen.other_hosts.append(route.request.url)
            route.abort()

    def log(message):
        if message.type == "error":
            seen.errors.append(f"{message.text} ({message.location.get('url', '')})")

    # Its loop would count as running in this thread, and other tests start loops of their own: so one for each test.
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=[
                *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
                *("--disable-background-networking", "--disable-component-update"),
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
            ],
        )
        options = {"viewport": {"width": 1280, "height": 900}, "service_workers": "block"} | context_options
        context = browser.new_context(**options)
        context.route("**/*", route)
        page = context.new_page()
        page.on("console", log)
        page.on("pageerror", lambda error: seen.errors.append(str(error)))
        page.on("websocket", lambda socket: None if is_here(socket.url) else seen.other_hosts.append(socket.url))
        page.seen = seen
        yield page
        browser.close()


def run_tool(name: str, tmp_path_factory: pytest.TempPathFactory, *needs: str) -> Path:
    """Run a command of tools/ as make does and return the folder it wrote; skip without the packages it needs."""
    for module in needs:
        pytest.importorskip(module, reason=f"{module} is not installed: pip install -e '.[site]'")
    folder = tmp_path_factory.mktemp(name)
    command = [sys.executable, str(ROOT / "tools" / f"{name}.py"), "--output", str(folder)]
    # On a machine that is busy with other things it takes many times as long; this ends what hangs.
    run = subprocess.run(command, capture_output=True, text=True, timeout=1800)
    assert run.returncode == 0, f"tools/{name}.py failed:\n{run.stdout[-2000:]}{run.stderr[-5000:]}"
    return folder
