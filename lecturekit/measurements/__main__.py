"""The command: ``python -m lecturekit.measurements``."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from . import run
from .records import _file


def main(arguments: list[str] | None = None) -> None:
    """Measure, print each row as soon as it is there, and write the file."""
    parser = argparse.ArgumentParser(prog="python -m lecturekit.measurements", description="Measure GD and SGD.")
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, required=True, help="the JSON file to write")
    parser.add_argument("--quick", action="store_true", help="few and small sizes: seconds instead of minutes")
    parser.add_argument("--device", help="cpu: the CPU alone; cuda: both (default: cuda where there is a GPU)")
    parser.add_argument("--note", default="", help="what a reader of the numbers should know, in one sentence")
    given = parser.parse_args(arguments)
    try:
        # Better to hear of it now than in three minutes.
        _file(given.output)
        with tempfile.TemporaryFile(dir=given.output.parent):
            pass
        measured = run(quick=given.quick, device=given.device, note=given.note, report=_print)
    except OSError as error:
        parser.exit(1, f"cannot write {given.output}: {error.strerror or error}\n")
    except ValueError as error:
        parser.error(str(error))
    try:
        measured.save(given.output)
    except OSError as error:  # the disk has filled up meanwhile
        _print(measured._text())
        reason = error.strerror or error
        parser.exit(1, f"cannot write {given.output}: {reason}. Its contents are printed instead, so nothing is lost\n")
    _print(f"written: {given.output}")


def _print(line: object) -> None:
    try:
        print(line, flush=True)
    except (OSError, ValueError):  # `| head`, a full disk, an encoding without ×: no reason to lose what was measured
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - nobody reads any more


if __name__ == "__main__":
    main()
