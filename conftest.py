"""Settings that every test and every re-executed notebook shares."""

import os

from hypothesis import settings

# One thread: the notebooks are small, and on two cores this halves the time. It is read when torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Without it, a warning in a notebook would name a temporary file with a process id.
os.environ.setdefault("IPYKERNEL_CELL_NAME", "<cell>")
# On a very slow machine a progress bar would show up in outputs where none is stored.
os.environ.setdefault("TQDM_DISABLE", "1")

# No deadline: a slow machine is no bug. In CI the same examples each time: a red build must be red again.
settings.register_profile("course", deadline=None)
settings.register_profile("course-ci", deadline=None, derandomize=True)
settings.load_profile("course-ci" if os.environ.get("CI") else "course")


def pytest_configure(config):
    # nbval takes a path relative to wherever pytest was started; this one holds from every folder.
    if hasattr(config.option, "nbval_sanitize_with") and config.option.nbval_sanitize_with is None:
        config.option.nbval_sanitize_with = str(config.rootpath / "tests" / "nbval_sanitize.cfg")
