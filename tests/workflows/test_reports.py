"""A notebook as a stage: given what it declares, its findings tracked, its page beside."""

import json
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from aiops.workflows import reports

CODE = '''from aiops import plots
plots.enable()
import pandas as pd
plots.incidents(pd.DataFrame({"label": [dataset], "ap": [0.9], "chance": [0.3],
                              "found": [True], "delay_s": [5.0]}))'''


def test_the_findings_are_the_titles_of_the_pictures(tmp_path):
    parameters = new_code_cell('dataset: str = ""\nout: str = ""')
    parameters.metadata["tags"] = ["parameters"]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    book = new_notebook(cells=[parameters, new_code_cell(CODE)], metadata={"kernelspec": kernel})
    nbformat.write(book, tmp_path / "small.ipynb")
    made = reports.report(tmp_path / "small.ipynb", Path("datasets/shop"), tmp_path / "out")
    title = ("1 of 1 incident raise an alarm; half score an average precision over 0.90 "
             "(chance 0.30)")
    assert made["findings"] == [title]
    assert json.loads((tmp_path / "out/reports/small.json").read_text()) == {
        "notebook": "small.ipynb", "findings": [title]}
    executed = nbformat.read(tmp_path / "out/reports/small.ipynb", 4)
    given = executed.metadata["papermill"]["parameters"]
    assert given == {"dataset": "datasets/shop", "out": str(tmp_path / "out/reports/small")}
