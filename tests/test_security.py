"""Nothing that is read is run, pages write names as text, JupyterLab keeps its token: promises of SECURITY.md."""

import ast
import re
from pathlib import Path

import nbformat
import notebook_rules as rules
import pytest
import yaml
from IPython.core.inputtransformer2 import TransformerManager

ROOT = Path(__file__).parents[1]
PROGRAMS = sorted(
    path
    for folder in ("lecturekit", "tools", "benchmarks", "docs", "notebooks")
    for path in (ROOT / folder).rglob("*.py")
)
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SCRIPTS = sorted(path for folder in ("lecturekit", "docs") for path in (ROOT / folder).rglob("*.js"))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))

# --- nothing that is read is run --------------------------------------------------------------------------------------

RUN_WHAT_THEY_READ = {"pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
RUN_TEXT = {"eval", "exec", "__import__", "os.system", "os.popen", "subprocess.getoutput", "tempfile.mktemp"}
# What may stand there all the same: lesson 08 shows what a pickle can do, on a file of its own in which it knows what
# is, and lesson 06 runs a line of its own in an empty memory.
ON_PURPOSE = {
    "08_layers_and_activations": ["import pickle", "torch.load(path, weights_only=False)"],
    "06_adaline_three_ways": ["exec('model.parameters()', {})"],
}


def dangers(code: str) -> list[str]:
    """What in some Python code could run what it reads, in the order in which it stands there."""
    found = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            dangerous = any(module.partition(".")[0] in RUN_WHAT_THEY_READ for module in modules)
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            dangerous = (
                name in RUN_TEXT
                or (name == "torch.load" and given.get("weights_only") != "True")
                or (name.startswith("yaml.") and name.endswith("load") and name != "yaml.safe_load")
                or given.get("allow_pickle", "False") != "False"
                or given.get("shell", "False") != "False"
            )
        else:
            continue
        if dangerous:
            found.append(ast.unparse(node))
    return found


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_program_runs_what_it_reads(path):
    assert dangers(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_notebook_runs_what_it_reads(path):
    cells = rules.code_cells(nbformat.read(path, as_version=4))
    code = [TransformerManager().transform_cell(cell.source) for cell in cells]
    assert [danger for source in code for danger in dangers(source)] == ON_PURPOSE.get(path.stem, [])


@pytest.mark.parametrize(
    "code",
    [
        "import pickle", "from joblib import load", "import os, marshal.x", "eval(text)", "exec(text, {})",
        "os.system(text)", "torch.load(path)", "torch.load(path, weights_only=False)",
        "torch.load(path, weights_only=trust)", "np.load(path, allow_pickle=True)", "yaml.load(text)",
        "yaml.unsafe_load(text)", "subprocess.run(text, shell=True)", "if a:\n    x = [eval(b)]",
    ],
)  # fmt: skip
def test_each_danger_is_seen(code):
    assert len(dangers(code)) == 1


def test_what_is_safe_is_no_danger():
    safe = "torch.load(path, weights_only=True); yaml.safe_load(text); subprocess.run([a]); model.eval(); np.load(path)"
    assert dangers(safe) == []


# --- pages ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_write_words_as_text(path):
    """The one exception is the picture of a graph, in whose SVG every name is escaped (see test_graph_draw.py)."""
    writes = re.compile(
        r".*\b(?:innerHTML|outerHTML|insertAdjacentHTML|document\.write|srcdoc|eval\(|Function\(|setTimeout\(['\"]).*"
    )
    found = [line.strip() for line in writes.findall(path.read_text(encoding="utf-8"))]
    assert found == (["box.innerHTML = data.svg;"] if path.name == "stepper.js" else [])


# --- JupyterLab and the workflows -------------------------------------------------------------------------------------


def test_jupyterlab_keeps_its_token_and_listens_to_this_machine_alone():
    """In every command that is given to readers, and in what Binder and the workflows read."""
    options = re.compile(r"(?i)token\s*=|password\s*=|0\.0\.0\.0|[-.]ip\b|allow[_-](?:origin|remote)|xsrf|certfile")
    places = [ROOT / name for name in ("Makefile", "README.md", "CONTRIBUTING.md", "environment.yml", "pyproject.toml")]
    places += [*(ROOT / "docs").glob("*.md"), *(ROOT / "docs").glob("*.py"), *(ROOT / "tools").glob("*.py"), *WORKFLOWS]
    for path in places:
        assert not options.findall(path.read_text(encoding="utf-8")), path
    assert "-m jupyterlab" in (ROOT / "Makefile").read_text(encoding="utf-8")
    for name in ("jupyter_server_config.py", "jupyter_lab_config.py", "postBuild", "start"):
        assert not list(ROOT.glob(name)) and not list(ROOT.glob(f"*/{name}")), f"{name} may change what a server allows"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_run_nothing_that_a_stranger_wrote(path):
    """A title of a pull request within a command would be run, and one trigger gives strangers the rights of ours."""
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    triggers = set(workflow[True])  # YAML reads the key `on` as true
    assert triggers <= {"push", "pull_request", "schedule", "workflow_dispatch"}
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            assert "${{" not in step.get("run", "")
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"] == {"persist-credentials": False}
            assert "secrets." not in str(step)


def test_every_pinned_version_is_audited_each_week():
    """With --strict: else pip-audit passes where it could look nothing up."""
    audit = yaml.safe_load((ROOT / ".github" / "workflows" / "audit.yml").read_text(encoding="utf-8"))
    assert audit[True]["schedule"] and "constraints.txt" in audit[True]["push"]["paths"]
    (command,) = (step["run"] for step in audit["jobs"]["audit"]["steps"] if "run" in step)
    assert {"pip-audit", "--requirement", "constraints.txt", "--strict"} <= set(command.split())
