"""The graph ranker as it is bundled: an ONNX file that needs no torch."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aiops import rca
from aiops.case import Case
from aiops.errors import CaseError, InputError
from aiops.explained import words
from aiops.rca import graph_network
from aiops.rca.evidence import EVIDENCE
from aiops.rca.graph_network import GraphNetwork, ask, moved_by, without
from aiops.rca.incident_graph import GROUPS, NODES
from aiops.tracking import ranker_file
from aiops.workflows.ranker import example

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def case() -> Case:
    return example()


def test_it_blames_who_became_slow(case: Case) -> None:
    blame = rca.rank(case, "gnn")
    assert blame.index[0] == "pay"
    assert 0.5 < blame.attrs["confidence"] <= 1.0
    assert blame.attrs["abstains"] is False


def test_probabilities_of_suspects_and_nobody_sum_to_one(case: Case) -> None:
    suspects, nobody = ask(GraphNetwork().graph(case))
    assert suspects.sum() + nobody == pytest.approx(1.0, abs=1e-5)


def test_it_abstains_where_nothing_happened(case: Case) -> None:
    start, end = case.normal[0]
    middle = start + (end - start) * 0.7
    calm = Case(((start, middle),), (middle, end), entry_service=case.entry_service,
                **case.tables)
    assert rca.rank(calm, "gnn").attrs["abstains"] is True


def test_what_moved_it_is_own_evidence_and_that_of_neighbours(case: Case) -> None:
    graph = GraphNetwork().graph(case)
    found = moved_by(graph, "pay")
    assert set(found["of"]) <= {"shop", "pay"}
    assert set(found["evidence"]) <= set(GROUPS)
    assert found.iloc[0]["of"] == "pay"
    assert found.iloc[0]["effect"] > 0
    assert list(found["effect"].abs()) == sorted(found["effect"].abs(), reverse=True)


def test_an_effect_is_what_the_answer_loses_without_that_evidence(case: Case) -> None:
    graph = GraphNetwork().graph(case)
    first = moved_by(graph, "pay").iloc[0]
    x = without(graph.x, graph.names.index(first["of"]), first["evidence"])
    at = graph.names.index("pay")
    odds = [np.log(p / (1 - p)) for p in (ask(graph)[0][at], ask(graph, x)[0][at])]
    assert first["effect"] == pytest.approx(odds[0] - odds[1], abs=1e-3)


def test_without_an_evidence_the_default_s_sum_is_less_by_its_term(case: Case) -> None:
    graph = GraphNetwork().graph(case)
    at = graph.names.index("pay")
    terms = {name: graph.x[at, NODES.index(f"term_{name}")] for name in EVIDENCE}
    name = max(terms, key=lambda each: terms[each])
    left = without(graph.x, at, name)
    assert np.expm1(left[at, NODES.index("total")]) == pytest.approx(
        graph.total[at] - terms[name], rel=1e-3)
    assert without(graph.x, at, "alerts") is None  # it has none


def test_a_kept_ranker_carries_its_network(case: Case, tmp_path) -> None:
    fitted = GraphNetwork().fit([])
    stored = ranker_file.load_file(ranker_file.save_file(fitted, tmp_path / "gnn.json"))
    assert stored.network_.tobytes() == graph_network.NETWORK.read_bytes()
    pd.testing.assert_series_equal(stored.rank(case), fitted.rank(case))


def test_asking_it_loads_no_torch() -> None:
    code = ("from aiops import rca; from aiops.workflows.ranker import example; import sys; "
            "rca.rank(example(), 'gnn'); assert 'torch' not in sys.modules")
    subprocess.run([sys.executable, "-c", code], check=True)


def test_another_network_is_refused(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "graph_network.onnx"
    other.write_bytes(graph_network.NETWORK.read_bytes() + b" ")
    monkeypatch.setattr(graph_network, "NETWORK", other)
    graph_network._bundled.cache_clear()
    with pytest.raises(InputError, match="make graph-ranker"):
        rca.rank(example(), "gnn")
    graph_network._bundled.cache_clear()


def test_bundling_a_network_names_it_in_the_code(tmp_path) -> None:
    (tmp_path / "graph_network.py").write_text('A = 1\nSHA256 = "0"\nB = 2\n')
    (tmp_path / "trained.onnx").write_bytes(b"network")
    bundle = runpy.run_path(str(ROOT / "scripts" / "bundle_network.py"))["bundle"]
    told = bundle(tmp_path / "trained.onnx", tmp_path)
    assert (tmp_path / "graph_network.py").read_text() == f'A = 1\nSHA256 = "{told}"\nB = 2\n'
    assert (tmp_path / "graph_network.onnx").read_bytes() == b"network"


def test_an_explanation_says_what_moved_it(case: Case) -> None:
    told = rca.explain(case, "gnn")
    assert told.moved is not None
    assert told.moved.iloc[0]["of"] == "pay"
    assert "What moved it to blame pay, in log odds:" in words.to_text(told)
    assert words.to_dict(told)["moved"][0]["of"] == "pay"
    assert rca.explain(case).moved is None


def test_an_answer_that_is_no_number_is_refused(case: Case, monkeypatch: pytest.MonkeyPatch
                                                ) -> None:
    none = np.full(len(case.suspects), np.nan, dtype=np.float32)
    monkeypatch.setattr(graph_network, "ask", lambda *given, **named: (none, np.nan))
    with pytest.raises(CaseError, match="too large"):
        rca.rank(case, "gnn")


def test_nobody_s_probability_is_told(case: Case) -> None:
    blame = rca.rank(case, "gnn")
    assert blame.sum() + blame.attrs["nobody"] == pytest.approx(1.0, abs=1e-5)
    told = rca.explain(case, "gnn")
    assert words.to_dict(told)["nobody"] == blame.attrs["nobody"]
    assert f"Nobody is to blame with a probability of {blame.attrs['nobody']:.0%}" in \
        words.to_text(told)
    assert "nobody" not in words.to_dict(rca.explain(case))
