"""dvc.yaml names what each stage is made of: what it imports, and files that others read."""

import ast
import json
from pathlib import Path

import grimp
import pytest
import yaml

ROOT = Path(__file__).parents[2]
PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
NOTEBOOKS = PIPELINE["report"]["foreach"]
NO_RESULT = {"aiops", "aiops.workflows", "aiops.errors"}  # two docstrings, and words of errors


@pytest.fixture(scope="module")
def graph():
    return grimp.build_graph("aiops")


def entry(stage):
    """What the stage's command imports."""
    called = PIPELINE[stage].get("do", PIPELINE[stage])["cmd"].split()[:3]
    assert called == ["aiops", "pipeline", stage]
    tree = ast.parse((ROOT / "aiops/commands/pipeline.py").read_text())
    (found,) = [node for node in tree.body
                if isinstance(node, ast.FunctionDef) and node.name == stage]
    return imported(found)


def imported(tree):
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names


def of_notebook(name):
    book = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text())
    return {module for cell in book["cells"] if cell["cell_type"] == "code"
            for module in imported(ast.parse("".join(cell["source"])))}


def loaded(graph, names):
    """These modules of aiops, their packages, and all that any of them imports."""
    found, left = set(), [name for name in names if name in graph.modules]
    while left:
        module = left.pop()
        if module not in found:
            found.add(module)
            left += graph.find_modules_directly_imported_by(module)
            left += [module.rpartition(".")[0]] if "." in module else []
    return found - NO_RESULT


def undeclared(stage, modules):
    deps = PIPELINE[stage].get("do", PIPELINE[stage])["deps"]
    paths = {module: module.replace(".", "/") for module in modules}
    return sorted(module for module, path in paths.items()
                  if not any(f"{path}.py" == dep or f"{path}/".startswith(f"{dep}/")
                             for dep in deps))


@pytest.mark.parametrize("stage", PIPELINE)
def test_a_stage_depends_on_all_the_code_that_it_loads(graph, stage):
    modules = loaded(graph, entry(stage))
    assert any(module.startswith("aiops.workflows.") for module in modules)
    assert undeclared(stage, modules) == []


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_report_depends_on_all_the_code_that_its_notebook_loads(graph, name):
    modules = loaded(graph, of_notebook(name))
    assert any(module.startswith("aiops.plots.") for module in modules)
    assert undeclared("report", modules) == []


@pytest.mark.parametrize("stage", PIPELINE)
def test_every_path_that_a_stage_depends_on_in_the_code_is_there(stage):
    deps = PIPELINE[stage].get("do", PIPELINE[stage])["deps"]
    assert [dep for dep in deps if dep.startswith("aiops/") and not (ROOT / dep).exists()] == []
