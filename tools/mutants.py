"""Change the package in thousands of small ways, one at a time, and see whether the tests notice: mutation testing.

mutmut makes the changes (the mutants) and forks one process for each, which runs the tests that reach the changed
function. This file prepares the copy of the package that mutmut works on, lets quick tests go first, and counts.
Run it with ``make mutants``; ``ARGS="training checks"`` is for two modules, ``ARGS="--sample 50"`` for 50 mutants a
module, drawn at random. What survived is listed at the end; ``mutmut show NAME`` in build/mutants shows the change.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path

import libcst as cst
from mutmut import __main__ as mutmut
from mutmut.configuration import config
from mutmut.runners.harness import PytestRunner
from mutmut.state import state
from mutmut.utils.file_utils import change_cwd

ROOT = Path(__file__).parents[1]
WORK = ROOT / "build" / "mutants"
# Beside the package, what the tests read.
NEEDED = ("conftest.py", "constraints.txt", "pyproject.toml", "data", "docs", "notebooks", "tests")
BUDGET = 8.0  # seconds of tests for one mutant: the quickest of those that reach it, and always the first three
LEFT = ("survived", "untested")
OUTCOMES = {0: "survived", 33: "untested", 5: "untested", None: "not run", -24: "too slow", 152: "too slow"}

# mutmut wraps each function in two others, which nobody who looks at the stack may see. Fewer random examples, and
# the same for each mutant; quick tests first, for a mutant is caught by the first test that fails.
SETUP = """

import json
import os
import sys
from pathlib import Path

import mutmut.mutation.trampoline as trampoline
from hypothesis import HealthCheck

trampoline.__name__ = "torch.overrides"  # one of those that the package passes over when it asks who has called
_frame_of = sys._getframe


def _getframe(depth=0):
    frame = _frame_of(1)
    while depth or frame.f_code.co_filename == trampoline.__file__:
        depth -= frame.f_code.co_filename != trampoline.__file__
        frame = frame.f_back
    return frame


sys._getframe = _getframe
settings.register_profile(
    "mutants", deadline=None, derandomize=True, database=None, max_examples=25, suppress_health_check=list(HealthCheck)
)
settings.load_profile("mutants")


def pytest_collection_modifyitems(items):
    stats = Path("mutmut-stats.json")
    seconds = json.loads(stats.read_text())["duration_by_test"] if stats.exists() else {}
    items.sort(key=lambda item: seconds.get(item.nodeid, 0))


# While mutmut looks which tests reach which function, none of them may end the run: a test that fails in this copy
# with nothing changed cannot judge a change.
if os.environ.get("MUTANT_UNDER_TEST") == "stats":

    def pytest_sessionstart(session):
        session.config.option.maxfail = 0

    def pytest_runtest_logreport(report):
        if report.failed:
            with open("failing.txt", "a") as file:
                file.write(report.nodeid + "\\n")

    def pytest_sessionfinish(session):
        session.exitstatus = 0
"""


class Undecorate(cst.CSTTransformer):
    """Write ``name = decorator(name)`` after a function instead of ``@decorator`` before it.

    This is what a decorator means, and mutmut leaves functions with a decorator alone.
    """

    def leave_FunctionDef(self, original_node, updated_node):
        name = updated_node.name
        # ``@name.setter`` needs the property of the same name, which the function would hide.
        if not updated_node.decorators or any(
            isinstance(item.decorator, cst.Attribute) and item.decorator.value.deep_equals(name)
            for item in updated_node.decorators
        ):
            return updated_node
        value: cst.BaseExpression = name
        for item in reversed(updated_node.decorators):
            value = cst.Call(item.decorator, [cst.Arg(value)])
        assignment = cst.Assign([cst.AssignTarget(name)], value)
        return cst.FlattenSentinel([updated_node.with_changes(decorators=[]), cst.SimpleStatementLine([assignment])])


class CollectedOnce(PytestRunner):
    """Run tests that the process from which all others are forked has collected: starting pytest costs a second."""

    def warm_up(self) -> None:
        from _pytest.config import _prepareconfig
        from _pytest.main import Session

        with change_cwd("mutants"):
            # Not --capture=fd: its files would be shared between the processes.
            options = ["--rootdir=.", "--tb=no", "-qq", "--capture=sys"]
            config = _prepareconfig([*options, *self._pytest_add_cli_args_test_selection, *self._pytest_add_cli_args])
            config._do_configure()
            session = Session.from_config(config)
            config.hook.pytest_sessionstart(session=session)
            config.hook.pytest_collection(session=session)
        self.items = session.items

    def run_tests(self, *, mutant_name: str | None, tests: Iterable[str]) -> int:
        from _pytest.runner import runtestprotocol

        wanted = set(tests)
        chosen = [item for item in self.items if item.nodeid in wanted]  # conftest.py has put quick ones first
        if not chosen:
            return 5
        with change_cwd("mutants"), tempfile.TemporaryDirectory(prefix="mutant-", ignore_cleanup_errors=True) as folder:
            chosen[0].config._tmp_path_factory._basetemp = Path(folder)
            for item, following in zip(chosen, [*chosen[1:], None], strict=True):
                if any(report.failed for report in runtestprotocol(item, log=False, nextitem=following)):
                    return 1
        return 0


def prepare() -> None:
    """Copy what is needed to WORK, without touching what has not changed: mutmut keeps its results."""
    for path in sorted((ROOT / "lecturekit").rglob("*")):
        if path.is_dir() or "__pycache__" in path.parts:
            continue
        content = path.read_bytes()
        if path.suffix == ".py":
            content = cst.parse_module(content).visit(Undecorate()).bytes
        copy = WORK / path.relative_to(ROOT)
        if not copy.exists() or copy.read_bytes() != content:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)
    for name in NEEDED:
        if (ROOT / name).is_dir():
            shutil.rmtree(WORK / name, ignore_errors=True)
            shutil.copytree(ROOT / name, WORK / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, WORK / name)
    with (WORK / "conftest.py").open("a", encoding="utf-8") as file:
        file.write(SETUP)


def quick_tests(tests: set[str], budget: float) -> set[str]:
    """The quickest of the tests, at least three, that take no longer than the budget together."""
    seconds = state().duration_by_test
    chosen: list[str] = []
    total = 0.0
    for test in sorted(tests, key=lambda test: (seconds.get(test, 0), test)):
        total += seconds.get(test, 0)
        if len(chosen) >= 3 and total > budget:
            break
        chosen.append(test)
    return set(chosen)


def module_of(mutant: str) -> str:
    return mutant.partition(".x")[0]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", help="such as training, graph or graph.names; all if none is named")
    parser.add_argument("--sample", type=int, help="so many mutants of each module, drawn at random")
    parser.add_argument("--seed", type=int, default=0, help="of the draw")
    parser.add_argument("--tests", nargs="*", help="look at these files of tests alone, which is quicker")
    parser.add_argument("--only", nargs="*", default=[], help="these mutants, by name or pattern")
    parser.add_argument("--again", action="store_true", help="those that survived the last time, after new tests")
    parser.add_argument("--budget", type=float, default=BUDGET, help="seconds of tests for one mutant")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at a time")
    given = parser.parse_args()

    prepare()
    os.chdir(WORK)
    sys.dont_write_bytecode = False  # the copy is some 40 times as long as the package
    os.environ.update(CI="1", OMP_NUM_THREADS="1", PYTHONPATH=str(WORK / "mutants"))
    if given.tests:
        config().pytest_add_cli_args_test_selection = ["-m", "not browser and not colab", *given.tests]
    patterns = given.only + [f"lecturekit.{module}.*" for module in given.modules]
    chosen: list[str] = []
    collect, select = mutmut.collect_or_load_stats, mutmut.collect_source_file_mutation_data

    def exit_codes() -> dict[str, int | None]:
        _, files = select(mutant_names=[])
        return {name: code for file in files.values() for name, code in file.exit_code_by_key.items()}

    before = exit_codes()

    def collect_and_choose_tests(runner, **kwargs):
        collect(runner, **kwargs)
        path = Path("mutants/failing.txt")
        failing = set(path.read_text().splitlines()) if path.exists() else set()
        print(f"left out, since they fail in the copy: {sorted(failing)}")
        tests_of = state().tests_by_mangled_function_name
        for function, tests in tests_of.items():
            tests_of[function] = quick_tests(tests - failing, given.budget)
        runner.run_clean_tests = lambda tests: 0  # what fails is left out
        runner.run_forced_fail = lambda: 1  # the tests were seen to reach the functions
        runner.test_runner_class = CollectedOnce

    def select_sample(*, mutant_names):
        mutants, files = select(mutant_names=patterns)
        if given.only:
            mutants = [(file, name, None) for file, name, _ in mutants]
        elif given.again:
            mutants = [(file, name, None) for file, name, _ in mutants if OUTCOMES.get(before.get(name)) in LEFT]
        elif given.sample is not None:
            by_module: dict[str, list] = {}
            for mutant in mutants:
                by_module.setdefault(module_of(mutant[1]), []).append(mutant)
            for module, of_module in by_module.items():
                random.Random(f"{given.seed} {module}").shuffle(of_module)
            mutants = [mutant for of_module in by_module.values() for mutant in of_module[: given.sample]]
        chosen.extend(name for _, name, _ in mutants)
        return mutants, files

    def wanted(path: Path) -> bool:
        name = ".".join(path.with_suffix("").parts)
        return bool(given.only or not given.modules or any(fnmatch(f"{name}.x", pattern) for pattern in patterns))

    # To write the mutants of all modules takes minutes. Which tests reach a module is seen only once it has mutants.
    files = list(mutmut.walk_source_files())
    there = {path for path in files if Path("mutants", f"{path}.meta").exists()}
    if any(wanted(path) for path in files if path not in there):
        Path("mutants/mutmut-stats.json").unlink(missing_ok=True)
    mutmut.walk_source_files = lambda: (path for path in files if wanted(path) or path in there)
    mutmut.collect_or_load_stats, mutmut.collect_source_file_mutation_data = collect_and_choose_tests, select_sample
    mutmut._run((), given.jobs)
    report(exit_codes(), chosen)
    return 0


def report(codes: dict[str, int | None], chosen: list[str]) -> None:
    """Print a row for each module, and what survived."""
    rows: dict[str, Counter] = {}
    for name in codes:
        rows.setdefault(module_of(name), Counter())["all"] += 1
    for name in chosen:
        if codes[name] is not None:  # None where the run was interrupted
            rows[module_of(name)][OUTCOMES.get(codes[name], "caught")] += 1
    print("\n| module | mutants | tried | caught | of these too slow | survived | untested | caught, % |")
    print("|---|" + 7 * "---:|")
    total = Counter()
    for module, row in sorted(rows.items()):
        if tried := sum(row.values()) - row["all"]:
            total.update(row)
            print(line(module.removeprefix("lecturekit."), row, tried))
    print(line("together", total, sum(total.values()) - total["all"]))
    print("\nSurvived or untested:")
    for name in sorted(chosen):
        if OUTCOMES.get(codes[name]) in LEFT:
            print(" ", name)


def line(module: str, row: Counter, tried: int) -> str:
    caught = row["caught"] + row["too slow"]
    numbers = (row["all"], tried, caught, row["too slow"], row["survived"], row["untested"])
    return f"| {module} | " + " | ".join(map(str, numbers)) + f" | {100 * caught / max(tried, 1):.1f} |"


if __name__ == "__main__":
    sys.exit(main())
