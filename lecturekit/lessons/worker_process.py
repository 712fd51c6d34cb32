"""One worker: torchrun starts this file in each process, and it runs the program of the lesson."""

import gc
import os
import runpy
import threading
import traceback
from contextlib import suppress


def end_with_notebook():
    os.read(0, 1)  # returns when `run_workers` closes its end of the pipe, or has itself ended
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=end_with_notebook, daemon=True).start()
    del os.environ["TORCHELASTIC_ERROR_FILE"]  # torchrun, which may stop a worker at any time, fails on half a file
    try:
        runpy.run_path("program.py", run_name="__main__")
    except Exception as error:
        with suppress(FileExistsError), open("first-error.txt", "x", encoding="utf-8") as file:
            file.write(f"worker {os.environ['RANK']}: {type(error).__name__}: {error}\n{traceback.format_exc()}")
        raise
    finally:
        gc.freeze()  # else Python searches all of PyTorch for reference cycles before it ends: half a second
