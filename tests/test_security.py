"""Nothing that is read is run, pages write names as text, JupyterLab keeps its token: promises of SECURITY.md."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted(path for folder in ("lecturekit", "docs") for path in (ROOT / folder).rglob("*.js"))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def test_only_lesson_10_loads_more_than_weights():
    """It shows what a pickle can do, on a file of its own in which it knows what is.

    Ruff sees eval, exec, pickle and shells, `make lint`: for these it has no rule.
    """
    files = [path for folder in ("lecturekit", "tools", "benchmarks", "docs") for path in (ROOT / folder).rglob("*.py")]
    files += (ROOT / "notebooks").glob("*.ipynb")
    dangers = re.compile(r"weights_only\s*=\s*(?!True)\w+|allow_pickle\s*=\s*True")
    found = {path.name: dangers.findall(path.read_text("utf-8")) for path in files}
    assert {name: calls for name, calls in found.items() if calls} == {
        "10_layers_and_activations.ipynb": ["weights_only=False"]
    }


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_write_words_as_text(path):
    """Exceptions: a graph's SVG, in which every name is escaped, and the pad's markup, which holds no name."""
    writes = re.compile(
        r".*\b(?:innerHTML|outerHTML|insertAdjacentHTML|document\.write|srcdoc|eval\(|Function\(|setTimeout\(['\"]).*"
    )
    found = [line.strip() for line in writes.findall(path.read_text("utf-8"))]
    svg = "const svg = make('div', css, box, {innerHTML: data.svg.replace(/#[0-9a-f]{6}(?=')/g, hue)}).firstChild;"
    allowed = {"stepper.js": [svg], "pad.js": ["root.innerHTML = page(data.dark);"]}
    assert found == allowed.get(path.name, [])


def test_jupyterlab_keeps_its_token_and_listens_to_this_machine_alone():
    """In every command that is given to readers, and in what Binder and the workflows read."""
    options = re.compile(r"(?i)token\s*=|password\s*=|0\.0\.0\.0|[-.]ip\b|allow[_-](?:origin|remote)|xsrf|certfile")
    places = [ROOT / name for name in ("Makefile", "README.md", "CONTRIBUTING.md", "environment.yml", "pyproject.toml")]
    places += [*(ROOT / "docs").glob("*.md"), *(ROOT / "docs").glob("*.py"), *(ROOT / "tools").glob("*.py"), *WORKFLOWS]
    for path in places:
        assert not options.findall(path.read_text("utf-8")), path


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_may_only_read_and_run_nothing_that_a_stranger_wrote(path):
    """A title of a pull request within a command would be run, and one trigger gives strangers the rights of ours."""
    raw = path.read_text("utf-8")
    workflow = yaml.safe_load(raw)
    assert set(workflow[True]) <= {"push", "pull_request", "schedule", "workflow_dispatch"}  # YAML reads `on` as true
    assert workflow["permissions"] == {"contents": "read"}
    # One job may write, what GitHub Pages or the registry needs to publish, and it runs no code of the repository.
    allowed = {"site": {"pages": "write", "id-token": "write"}, "release": {"id-token": "write"}}
    writing = {name: job for name, job in workflow["jobs"].items() if "permissions" in job}
    assert set(writing) == ({"publish"} if path.stem in allowed else set())
    for job in writing.values():
        assert job["permissions"] == allowed[path.stem]
        assert not any("checkout" in step.get("uses", "") for step in job["steps"])
        assert {step.get("run") for step in job["steps"]} <= {None, "uv publish --trusted-publishing always"}
    for step in (step for job in workflow["jobs"].values() for step in job["steps"]):
        assert "${{" not in step.get("run", "") and "secrets." not in str(step)
        if action := step.get("uses"):
            assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", action), action
            assert re.search(rf"{action} # v\d+\.\d+\.\d+\n", raw), f"{action}: say in a comment which version it is"
            assert "checkout" not in action or step["with"] == {"persist-credentials": False}
