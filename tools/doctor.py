"""Say what keeps the course from starting: ``make doctor``, or ``python3 tools/doctor.py`` (Windows: ``py``).

It runs with any Python, before anything is installed: so no new syntax and no packages, here and nowhere else.
"""

from __future__ import print_function, unicode_literals

import io
import os
import platform
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WINDOWS = os.name == "nt"
ENVIRONMENT = os.path.join(".venv", "Scripts" if WINDOWS else "bin", "python")


def supported():
    """Return the oldest and the newest minor version of Python 3 that pyproject.toml names."""
    with io.open(os.path.join(ROOT, "pyproject.toml"), encoding="utf-8") as file:
        text = file.read()
    newest = max(int(minor) for minor in re.findall(r"Python :: 3\.(\d+)", text))
    return int(re.search(r'requires-python = ">=3\.(\d+)"', text).group(1)), newest


def works(*command):
    """Return whether a command can be run, and ends well."""
    with open(os.devnull, "w") as nowhere:
        try:
            return subprocess.call(command, stdout=nowhere, stderr=nowhere) == 0
        except OSError:
            return False


def main():
    """Print what is wrong first, and the line that puts it right; return the exit status."""
    oldest, newest = supported()
    fits = "import sys; sys.exit(not (3, %d) <= sys.version_info[:2] <= (3, %d))" % (oldest, newest)
    ready = os.path.join(ROOT, ENVIRONMENT)
    names = ["python3.%d" % minor for minor in range(oldest, newest + 1)]
    found = [name for name in ["python3", "python"] + names if works(name, "-c", fits)]
    if WINDOWS:
        found += ["py -3.%d" % m for m in range(oldest, newest + 1) if works("py", "-3.%d" % m, "-c", fits)]
    print("Python %s runs this check, on %s %s." % (platform.python_version(), platform.system(), platform.machine()))
    if not found and not works(ready, "-c", fits):
        print("x No Python from 3.%d to 3.%d is here, and the course needs one." % (oldest, newest))
        print("  -> Get one from https://www.python.org/downloads/ and type `make lab` again.")
        return 1
    if found:
        print("+ Pythons that fit: %s" % ", ".join(found))
    lab = "`make lab` installs it."
    if not works(ready, "-m", "pip", "--version"):
        print("x The environment .venv is not there, or only half.")
    elif not works(ready, "-c", "import torch, jupyterlab, packaging, lecturekit"):
        print("x The environment .venv is not complete: its installation was interrupted, or something was removed.")
        if os.path.exists(os.path.join(ROOT, ".venv", ".all")):
            lab = "`make clean lab` installs it anew."
    else:
        print("+ The environment .venv is there.")
        sys.stdout.flush()
        return subprocess.call([ready, "-m", "lecturekit"], cwd=ROOT)
    first = found[0] if found else ENVIRONMENT
    install = "%s -m pip install -c constraints.txt -e .[lab,test,site]" % ENVIRONMENT
    print("  -> " + ("`%s -m venv .venv`, then `%s`" % (first, install) if WINDOWS else lab))
    return 1


if __name__ == "__main__":
    sys.exit(main())
