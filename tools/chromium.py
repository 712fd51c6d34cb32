"""The browser of the system, for what is printed and for what is tested in one."""

from __future__ import annotations

import shutil

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# It reaches this machine and no other.
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
ARGUMENTS += ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"]


def find_browser() -> str | None:
    """Return the path of Chromium or Chrome, or None where there is none."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)
