"""Notebooks: parameters, reports of good and failed runs, cleanliness in git."""

import json
import re
import subprocess
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
import yaml
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from aiops.case import Case
from aiops.checks.incident import made_case
from aiops.datasets.folder import write_case
from aiops.errors import InputError
from aiops.workflows import notebooks
from aiops.workflows.places import place
from tests.changes.made import made as made_release

ROOT = Path(__file__).parents[2]


def write(path: Path, *code: str) -> Path:
    parameters = new_code_cell('day: str = "2026-11-25"  # UTC day\ntimes = 2')
    parameters.metadata["tags"] = ["parameters"]
    cells = [new_markdown_cell("# A small report"), parameters, *map(new_code_cell, code)]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    return path


PICTURE = """from aiops import plots
plots.enable()
import pandas as pd
from IPython.display import display
rows = [dict(benchmark="rca", dataset="d", model=f"m{i}", slice="all", metric="ac@1",
             value=i / 4, low=i / 5, high=i / 3, n=9, chance=0.1, unit="share") for i in (1, 2)]
display(plots.leaderboard(rows, ["ac@1"]))
pd.DataFrame({"p50_ms": [1.5] * times, "service": [day] * times})"""


def test_a_run_leaves_a_copy_and_a_report_that_needs_no_network(tmp_path):
    source = write(tmp_path / "small.ipynb", PICTURE)
    done = notebooks.run(source, tmp_path / "out", {"day": "2026-01-02", "times": 3})
    page = done.report.read_text()
    assert page.count("2026-01-02</td>") == 3
    meta = page[page.index('<div class="meta">'):page.index("show code")]
    assert "day <b>2026-01-02</b>" in meta
    assert "times <b>3</b>" in meta
    assert re.search(r"code <b>[0-9a-f]{9}", meta)
    assert "p50 <small>ms</small>" in page
    assert "data:image/png;base64," in page
    assert 'alt="m2 leads with AC@1 0.50 (chance 0.10)"' in page
    assert "<script" not in page
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", page)
    assert "prefers-color-scheme" in page
    assert "No artifacts" not in page
    assert "papermill-error" not in page
    assert not nbformat.read(source, 4).cells[2].outputs  # the source is left alone
    assert done.notebook.is_file()


KERNEL = """from ipykernel.kernelapp import IPKernelApp
print("reached by", IPKernelApp.instance().transport)"""


def test_a_failed_run_says_so_keeps_the_traceback_and_leaves_out_the_rest(tmp_path):
    source = write(tmp_path / "bad.ipynb", KERNEL, "1 / 0", "print('never')")
    with pytest.raises(notebooks.NotebookError, match=r"stopped at In\[3\] with Zero.*division"):
        notebooks.run(source, tmp_path / "out")
    page = (tmp_path / "out" / "bad.html").read_text()
    assert "This run stopped with an error" in page
    assert "ZeroDivisionError" in page
    assert "reached by ipc" in page  # through a socket file, by nobody else on the machine
    assert "never" not in page


@pytest.mark.parametrize("name", ["dya", "Day"])
def test_an_unknown_parameter_is_an_error_that_lists_the_known(tmp_path, name):
    source = write(tmp_path / "small.ipynb", "1")
    with pytest.raises(InputError, match=f"no parameter {name}. It takes: day, times"):
        notebooks.run(source, tmp_path / "out", {name: "x"})
    assert not (tmp_path / "out").exists()


def test_a_missing_notebook_lists_its_neighbours(tmp_path):
    write(tmp_path / "small.ipynb")
    with pytest.raises(InputError, match="In that folder: small.ipynb"):
        notebooks.run(tmp_path / "ghost.ipynb", tmp_path / "out")


def test_clean_strips_what_a_run_leaves_and_keeps_the_rest(tmp_path):
    path = write(tmp_path / "used.ipynb", "print(1)")
    fresh = path.read_bytes()
    assert notebooks.faults(path) == []
    book = nbformat.read(path, 4)
    book.metadata["papermill"] = {"x": 1}
    book.cells[2].outputs = [new_output("stream", text="1\n")]
    book.cells[2].execution_count = 3
    book.cells[2].metadata["scrolled"] = True
    nbformat.write(book, path)
    assert notebooks.faults(path) == [
        "notebook metadata papermill", "cell 3: metadata scrolled", "cell 3: outputs",
        "cell 3: execution count"]
    assert notebooks.clean(path)
    assert not notebooks.clean(path)
    assert nbformat.read(path, 4) == nbformat.reads(fresh.decode(), 4)


def test_notebooks_in_git_are_clean():
    listed = subprocess.run(["git", "ls-files", "*.ipynb"], cwd=ROOT, capture_output=True,
                            text=True, check=True).stdout.split()
    assert {name: found for name in listed if (found := notebooks.faults(ROOT / name))} == {}


def make_cases(folder: Path) -> Path:
    """Three incidents of a shop of four; the culprit's CPU goes up tenfold."""
    time = pd.date_range("2026-11-25T06:00Z", periods=60, freq="5s")
    names, truth = ["cart", "payment", "web", "user"], {}
    for k, culprit in enumerate(names[:3]):
        rng = np.random.default_rng(k)
        rows = [pd.DataFrame({"time": time, "service": s, "name": "cpu_cores", "unit": "cores",
                              "value": rng.normal(1, 0.1, 60) * np.where(
                                  (s == culprit) & (np.arange(60) >= 40), 10, 1)}) for s in names]
        case = Case([(time[0], time[40])], (time[40], time[59]), metrics=pd.concat(rows))
        write_case(folder, f"c{k}", case)
        truth[f"c{k}"] = {"culprits": [culprit], "kind": "service"}
    (folder / "truth.json").write_text(json.dumps(truth))
    return folder


def outputs(executed: Path) -> list[list[NotebookNode]]:
    """The outputs of each cell of code."""
    return [cell.outputs for cell in nbformat.read(executed, 4).cells if cell.cell_type == "code"]


def test_rank_root_causes_reports_what_the_rankers_find(tmp_path):
    cases = make_cases(tmp_path / "cases")
    done = notebooks.run(ROOT / "notebooks/04-rank-root-causes.ipynb", tmp_path / "out",
                         {"dataset": str(cases), "incident": "c1"})
    page = done.report.read_text()
    leading = re.search(r"([\w, -]+) lead together with AC@1 1.00 \(chance 0.25\)", page)
    assert leading is not None
    assert {"fusion", "baro", "nsigma"} <= set(leading[1].split(", "))
    assert "payment: 1 of 1 metric left what was seen before" in page
    assert page.index(">payment</td>") < page.index(">web</td>")
    shown = outputs(done.notebook)
    assert all(" failed on " in o.text for cell in shown for o in cell if "text" in o)  # no bar
    assert max(sum(o.output_type != "stream" for o in cell) for cell in shown) == 2


def test_judge_rankers_reports_each_ranker_plain_and_among_decoys(tmp_path):
    given = {"dataset": str(make_cases(tmp_path / "cases")), "kept": str(tmp_path / "kept"),
             "rankers": "fusion nsigma"}
    done = notebooks.run(ROOT / "notebooks/06-judge-rankers.ipynb", tmp_path / "out", given)
    page = done.report.read_text()
    assert "<strong>fusion</strong> names the culprit first in 100% of 3 incidents" in page
    assert 'alt="fusion ties with nsigma for the best AC@1: 1.00"' in page
    assert page.count("decoys=40</td>") == 3  # chance and two rankers
    assert len(list((tmp_path / "kept").rglob("*.jsonl"))) > 4  # made once, and kept
    assert max(map(len, outputs(done.notebook))) == 2  # a sentence and a picture: no step of a bar


def test_judge_changes_says_what_a_release_did_and_when_it_would_have_been_stopped(tmp_path):
    write_case(tmp_path / "mine", "r1", made_release(n=800, ms=15.0, failing=0.1))
    done = notebooks.run(ROOT / "notebooks/07-judge-changes.ipynb", tmp_path / "out",
                         {"dataset": str(tmp_path / "mine"), "incident": "r1", "looks": 4})
    page = done.report.read_text()
    assert "HARMFUL" in page
    assert 'alt="catalog 1.5.0: harmful, a typical request' in page
    assert 'alt="catalog 1.5.0, by route"' in page
    assert "roll back</td>" in page
    assert "whom it hit most" in page


@pytest.mark.full
def test_train_graph_ranker_trains_judges_and_writes_a_network(tmp_path):
    given = {"systems": 12, "incidents": 1, "networks": 1, "epochs": 2, "judged": "",
             "curve": "4 8", "folder": str(tmp_path / "kept")}
    done = notebooks.run(ROOT / "notebooks/09-train-graph-ranker.ipynb", tmp_path / "out", given)
    page = done.report.read_text()
    assert re.search(r"<strong>\d+ incidents of 1?\d made systems</strong>", page)
    assert 'alt="From 8 systems it learned more than fusion knows on' in page
    assert (tmp_path / "kept/network.onnx").stat().st_size > 10_000
    assert len(list((tmp_path / "kept").glob("made-0-12x1-*.npz"))) == 1


def test_explain_causes_says_who_made_it_and_what_if(tmp_path):
    write_case(tmp_path / "mine", "r1", made_case(3, "quote"))
    given = {"dataset": str(tmp_path / "mine"), "incident": "r1"}
    done = notebooks.run(ROOT / "notebooks/08-explain-causes.ipynb", tmp_path / "out", given)
    page = done.report.read_text()
    assert re.search(r'alt="quote made \+[\d.e+]+ of front latency, \d+% of it', page)
    assert 'alt="Without what quote did there would be no symptom"' in page
    assert page.count("resamples that agree") == 2
    asked = notebooks.run(ROOT / "notebooks/08-explain-causes.ipynb", tmp_path / "asked",
                          given | {"if_usual": "cart"}).report.read_text()
    assert 'alt="Nobody alone made the symptom"' in asked


def test_a_report_says_which_version_of_the_data_it_is_made_of(tmp_path):
    book = nbformat.read(write(tmp_path / "small.ipynb"), 4)
    book.cells[1].source = 'dataset: str = "shop-trial"  # a recorded data set'
    nbformat.write(book, tmp_path / "small.ipynb")
    pinned = yaml.safe_load((ROOT / "datasets/shop-trial/recordings.dvc").read_text())
    page = notebooks.run(tmp_path / "small.ipynb", tmp_path / "out").report.read_text()
    assert "dataset <b>shop-trial</b>" in page
    assert f"data <b>{pinned['outs'][0]['md5'][:12]}</b>" in page


def test_a_path_means_the_same_in_jupyterlab_and_from_the_clone(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert place("datasets/shop") == ROOT / "datasets/shop"
    monkeypatch.chdir(ROOT / "notebooks")
    assert place("datasets/shop") == ROOT / "datasets/shop"
    assert place("/elsewhere") == Path("/elsewhere")
