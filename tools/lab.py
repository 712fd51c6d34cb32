"""Open JupyterLab on your own copies of the lessons, in my_lessons/: ``python tools/lab.py``, or ``make lab``.

A copy is made once, without the answers to its questions, trusted, and never written over. Where the course has a
lesson that is newer than your copy, ``python tools/lab.py --new`` (``make lessons``) puts the new one beside it, with
a number behind its name. It opens nothing. All other arguments go to JupyterLab.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import nbformat
from nbformat.sign import NotebookNotary

ROOT = Path(__file__).parents[1]
# No question about news, and room for the names of the lessons.
OVERRIDES = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/filebrowser-extension:browser": {"showLastModifiedColumn": False},
}


def copy_lessons(source: Path, target: Path, new: bool = False) -> list[str]:
    """Copy what is missing, and what is `new` beside the old; return the names of lessons that stay out of date."""
    target.mkdir(exist_ok=True)
    # Which contents have been copied already, a line each. A copy itself says nothing: its reader writes into it.
    record = target / ".copied"
    copied = record.read_text(encoding="utf-8").splitlines() if record.exists() else []
    out_of_date = []
    for path in sorted(source.glob("*.ipynb")):
        mine, line = target / path.name, f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}"
        if mine.exists() and (line in copied or not new):
            out_of_date += [path.name] * (line not in copied)
            continue
        number = 2
        while mine.exists():
            mine, number = target / f"{path.stem}_{number}.ipynb", number + 1
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            # JupyterLab writes the first line of a hidden output beside its dots: the answer, too early.
            if cell.metadata.get("jupyter", {}).get("outputs_hidden"):
                if not cell.outputs:
                    del cell.metadata["jupyter"]  # no dots where nothing is hidden
                cell.outputs, cell.execution_count = [], None
        nbformat.write(notebook, mine)
        NotebookNotary().sign(nbformat.read(mine, as_version=4))  # pictures to click on work before any cell is run
        with record.open("a", encoding="utf-8") as lines:
            print(line, file=lines)
        print(f"{mine.relative_to(target.parent)}: your copy")
    return out_of_date


def main(arguments: list[str]) -> int:
    """Copy the lessons, then become JupyterLab; return its exit status."""
    new = "--new" in arguments
    target = ROOT / "my_lessons"
    if out_of_date := copy_lessons(ROOT / "notebooks", target, new):
        print(f"New in the course: {', '.join(out_of_date)}. `make lessons` puts them beside your copies.")
    if new:
        return 0
    overrides = Path(sys.prefix, "share", "jupyter", "lab", "settings", "overrides.json")
    if not overrides.exists():  # there may be some of your own
        overrides.parent.mkdir(parents=True, exist_ok=True)
        overrides.write_text(json.dumps(OVERRIDES, indent=1), encoding="utf-8")
    print("JupyterLab opens in your browser, on the folder my_lessons/. Its address, with the token, is printed below.")
    print("To stop it: Ctrl-C, twice.", flush=True)
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={target}"]
    command += ["--LabApp.default_url=/lab/tree/00_start_here.ipynb", "--LabApp.extension_manager=readonly"]
    command += ["--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    try:
        return subprocess.run([*command, *arguments]).returncode
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
