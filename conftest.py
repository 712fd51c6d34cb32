"""Settings that every test and every re-executed notebook shares."""

import os

from hypothesis import HealthCheck, settings

# One thread: the notebooks are small, and on two cores this halves the time. It is read when torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Without it, a warning in a notebook would name a temporary file with a process id.
os.environ.setdefault("IPYKERNEL_CELL_NAME", "<cell>")
# The tests solve exercises, too: the reader's progress is none of their business.
os.environ["LECTUREKIT_PROGRESS"] = os.devnull
# A warning that a cell of a notebook causes is an error, as one that lecturekit causes is: see pyproject.toml. Without
# this, --nbval-lax, which compares no outputs, would not see what the newest PyTorch calls deprecated.
os.environ.setdefault("PYTHONWARNINGS", "error:::__main__")

# No deadline: a slow machine is no bug. In CI the same examples each time: a red build must be red again.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("course", patient)
settings.register_profile("course-ci", patient, derandomize=True)
settings.load_profile("course-ci" if os.environ.get("CI") else "course")


def pytest_configure(config):
    # nbval takes a path relative to wherever pytest was started; this one holds from every folder.
    if hasattr(config.option, "nbval_sanitize_with") and config.option.nbval_sanitize_with is None:
        config.option.nbval_sanitize_with = str(config.rootpath / "tests" / "nbval_sanitize.cfg")


def pytest_itemcollected(item):
    # What these cells print depends on whether there is a GPU, and the stored outputs are those of a CPU: where there
    # is one, they run, but their outputs are not compared.
    if item.path.suffix == ".ipynb" and "cpu-output" in item.cell.metadata.get("tags", []):
        import torch  # only now: the settings above must come before

        if torch.cuda.is_available():
            item.options["check"] = False


def pytest_collection_modifyitems(items):
    """Put the cells of each notebook back in order: pytest-randomly has shuffled them.

    The notebooks come last, the later and longer ones first: then all processes of xdist have work up to the end.
    """
    cells = [item for item in items if item.path.suffix == ".ipynb"]
    items[:] = [item for item in items if item.path.suffix != ".ipynb"]
    cells.sort(key=lambda item: item.cell_num)
    items += sorted(cells, key=lambda item: item.path, reverse=True)
