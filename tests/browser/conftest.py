"""The site, the slides, and a JupyterLab on a copy of the lessons."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
import warnings
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ROOT / "notebooks"

# ---------------------------------------------------------------------------------------------------------------------
# The site and the slides


def built(what: str, folder: Path) -> Path:
    """Build the site or the slides as make does."""
    pytest.importorskip("sphinx_revealjs", reason="the site's packages are not installed: pip install -e '.[site]'")
    import build

    with warnings.catch_warnings(action="ignore"):  # those of Python: what extensions of Sphinx have yet to mend
        assert build.main([what, "--output", str(folder)]) == 0
    return folder / what


@pytest.fixture(scope="session")
def slides(tmp_path_factory) -> Path:
    return built("slides", tmp_path_factory.mktemp("slides"))


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Path:
    return built("site", tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="session")
def site_url(site):
    """The address of the site, served on this machine."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


# ---------------------------------------------------------------------------------------------------------------------
# JupyterLab

# Every Python process of the server and of the kernels reads this first: names of other machines are not resolved.
NETWORK_OFF = """
import socket

resolve = socket.getaddrinfo


def getaddrinfo(host, *args, **kwargs):
    if host in (None, "", "localhost", b"localhost") or str(host).startswith(("127.", "::1")):
        return resolve(host, *args, **kwargs)
    with open({log!r}, "a") as log:
        print(host, file=log)
    raise OSError(f"the network is off in this test, {{host}} was asked for")


socket.getaddrinfo = getaddrinfo
"""


@dataclass
class Lab:
    url: str
    token: str
    folder: Path  # a copy of the lessons
    asked: Path  # a file with the hosts that Python asked for, if it asked


@pytest.fixture(scope="session")
def lab(chromium, tmp_path_factory):
    """What `make lab` starts, on a copy of the course, with a token of its own, on a free port."""
    pytest.importorskip("jupyterlab", reason="JupyterLab is not installed: pip install -e '.[lab]'")
    home = tmp_path_factory.mktemp("lab")
    shutil.copytree(NOTEBOOKS, home / "notebooks", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    (home / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "lab.py", home / "tools")
    # Every cell in the page at once, so that all of them can be looked at.
    settings = home / "settings" / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text('{"windowingMode": "none"}')
    guard = home / "guard" / "sitecustomize.py"
    guard.parent.mkdir()
    guard.write_text(NETWORK_OFF.format(log=str(home / "asked.txt")))
    token = secrets.token_hex(16)
    # A reader's Python shows warnings; that they are errors is a setting of the tests.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
    environment |= {f"JUPYTER_{what}_DIR": str(home / what.lower()) for what in ("CONFIG", "DATA", "RUNTIME")}
    environment |= {f"JUPYTERLAB_{what}_DIR": str(home / what.lower()) for what in ("SETTINGS", "WORKSPACES")}
    environment |= {"IPYTHONDIR": str(home / "ipython"), "JUPYTER_TOKEN": token}
    environment |= {"LECTUREKIT_PROGRESS": str(home / "progress")}
    environment["PYTHONPATH"] = os.pathsep.join([str(guard.parent), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, str(home / "tools" / "lab.py"), "--no-browser", "--allow-root"]
    command += ["--expose-app-in-browser", "--ServerApp.ip=127.0.0.1", "--ServerApp.port=0"]
    with open(home / "log.txt", "w") as log:
        # A group of its own, so that what tools/lab.py starts stops with it.
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=home, start_new_session=True)
    try:
        yield Lab(address_of(server, home), token, home / "my_lessons", home / "asked.txt")
    finally:
        os.killpg(server.pid, signal.SIGTERM)  # JupyterLab stops its kernels
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)


def address_of(server: subprocess.Popen, home: Path, timeout: float = 600) -> str:
    """Wait until the server has written down its address."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline and server.poll() is None:
        for file in (home / "runtime").glob("jpserver-*.json"):
            try:
                return json.loads(file.read_text())["url"]
            except json.JSONDecodeError:
                pass  # half written
        time.sleep(0.1)
    raise RuntimeError(f"JupyterLab did not start:\n{(home / 'log.txt').read_text()[-3000:]}")
