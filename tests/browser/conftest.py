"""A JupyterLab server on a copy of the lessons, the web site, and a Chromium that reaches nothing else."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest
from guarded import NOTEBOOKS, guarded_page, run_tool

if TYPE_CHECKING:
    from playwright.sync_api import Page


# Every Python process of the server and of the kernels reads this first: the network is off, but for this machine.
NETWORK_OFF = """
import socket

real_connect, real_getaddrinfo = socket.socket.connect, socket.getaddrinfo


def is_here(host):
    return host in (None, "", "localhost", "::1", b"localhost") or str(host).startswith("127.")


def refuse(host):
    with open({log!r}, "a") as log:
        print(host, file=log)
    raise OSError(f"the network is off in this test, {{host}} was asked for")


def connect(self, address):
    if self.family in (socket.AF_INET, socket.AF_INET6) and not is_here(address[0]):
        refuse(address[0])
    return real_connect(self, address)


def getaddrinfo(host, *args, **kwargs):
    if not is_here(host):
        refuse(host)
    return real_getaddrinfo(host, *args, **kwargs)


socket.socket.connect, socket.getaddrinfo = connect, getaddrinfo
"""

SETTINGS = {
    # No questions, no news, and every cell in the page at once, so that all of them can be looked at.
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
}


@dataclass
class Lab:
    url: str
    token: str
    folder: Path  # a copy of the lessons, without outputs
    stored: Path  # a copy with them
    asked: Path  # hosts that Python asked for

    def hosts_asked_for(self) -> list[str]:
        return self.asked.read_text().split() if self.asked.exists() else []


@pytest.fixture(scope="session")
def lab(chromium, tmp_path_factory) -> Iterator[Lab]:
    """Start JupyterLab with a token, on a free port, with settings of its own; stop it at the end."""
    pytest.importorskip("jupyterlab", reason="JupyterLab is not installed: pip install -e '.[lab]'")
    home = tmp_path_factory.mktemp("lab")
    folder, stored = home / "notebooks", home / "stored"
    shutil.copytree(NOTEBOOKS, stored, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    shutil.copytree(stored, folder)
    for path in folder.glob("*.ipynb"):
        # Without stored outputs: whatever is on the page in the end has been made there.
        nb = nbformat.read(path, as_version=4)
        for cell in nb.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        nbformat.write(nb, path)
    for name, settings in SETTINGS.items():
        file = home / "settings" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(settings))
    guard, asked = home / "guard", home / "asked.txt"
    guard.mkdir()
    (guard / "sitecustomize.py").write_text(NETWORK_OFF.format(log=str(asked)))
    token = secrets.token_hex(16)
    # A reader's Python shows warnings; that they are errors is a setting of the tests.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"} | {
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_TOKEN": token,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(guard), os.environ.get("PYTHONPATH")])),
    }
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", f"--ServerApp.root_dir={folder}"),
        *("--ServerApp.ip=127.0.0.1", "--ServerApp.port=0", "--expose-app-in-browser"),
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    if getattr(os, "geteuid", lambda: 1)() == 0:
        command.append("--allow-root")  # as in a container
    with open(home / "log.txt", "w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=home)
    try:
        yield Lab(_url(server, home), token, folder, stored, asked)
    finally:
        server.terminate()  # it stops its kernels
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:
            server.kill()


def _url(server: subprocess.Popen, home: Path, timeout: float = 600) -> str:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline and server.poll() is None:
        for file in (home / "runtime").glob("jpserver-*.json"):
            try:
                return json.loads(file.read_text())["url"]
            except json.JSONDecodeError:
                pass  # half written
        time.sleep(0.1)
    raise RuntimeError(f"JupyterLab did not start:\n{(home / 'log.txt').read_text()[-3000:]}")


@pytest.fixture
def page(chromium, lab) -> Iterator[Page]:
    with guarded_page(chromium, lab.url) as page:
        yield page


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Path:
    """The web site, built as `make site` builds it."""
    return run_tool("site", tmp_path_factory, "sphinx", "myst_nb", "sphinx_book_theme") / "site"


@pytest.fixture(scope="session")
def site_url(site) -> Iterator[str]:
    """The address of the site, served on this machine."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()
