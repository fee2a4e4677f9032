"""Each picture: the finding in its title, reproducible bytes, errors that help."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from aiops import plots
from aiops.errors import InputError


def words(figure) -> str:
    return "\n".join(t.get_text() for t in figure.findobj(lambda a: hasattr(a, "get_text")))


def test_graph_names_the_service_that_adds_time(calm, slow):
    figure = plots.service_graph(slow, calm, "shop")
    assert figure.get_label() == ("payment adds 498 ms to a request; what it calls is not slower")
    assert "12 → 510 ms" in words(figure)
    assert plots.to_png(figure) == plots.to_png(plots.service_graph(slow, calm, "shop"))


def test_graph_blames_nobody_when_nothing_changed(calm):
    assert plots.service_graph(calm, calm).get_label().startswith("No service adds more than 0")


def test_graph_of_one_time_says_where_time_goes(calm):
    assert plots.service_graph(calm).get_label() == \
        "frontend takes 10 of the 22 ms of a request's time"


def test_graph_folds_what_does_not_fit(calm):
    more = [calm.assign(trace_id=calm.trace_id + str(i), service=calm.service.replace(
        "paymentservice", f"payment{i:02d}"), peer_service=None) for i in range(60)]
    text = words(plots.service_graph(pd.concat(more)))
    assert "others" in text
    assert text.count("payment") < 30


def test_graph_refuses_no_spans(calm):
    with pytest.raises(InputError, match="no spans"):
        plots.service_graph(calm.iloc[:0])


def test_heatmap_says_the_share_of_slow_requests(calm, slow):
    both = pd.concat([calm, slow])
    window = slow.start.min(), slow.start.max() + pd.Timedelta("1s")
    figure = plots.latency_heatmap(both, window, "alert")
    assert figure.get_label() == "100% of requests take over 50 ms (0% before)"
    assert "Every request at the entry (80)" in words(figure)
    assert plots.latency_heatmap(calm).get_label().startswith("Half of the requests take under 22")


def test_heatmap_does_not_claim_a_change_that_is_none(calm):
    window = calm.start.median(), calm.start.max()
    assert "as fast as before" in plots.latency_heatmap(calm, window).get_label()


def test_waterfall_names_the_gap_between_services(slow):
    figure = plots.waterfall(plots.typical_trace(slow, "paymentservice"))
    assert figure.get_label() == "250 of 520 ms pass between frontend and payment, inside neither"
    assert "4 spans" in words(figure)


def test_waterfall_draws_one_trace(slow):
    with pytest.raises(InputError, match="one trace, got 40"):
        plots.waterfall(slow)
    with pytest.raises(InputError, match="no whole trace touches 'ghost'"):
        plots.typical_trace(slow, "ghost")


def figures():
    for model, value in {"good": 0.8, "bad": 0.12}.items():
        yield {"benchmark": "rca", "dataset": "shop", "model": model, "slice": "all",
               "metric": "ac@1", "value": value, "low": value - 0.1, "high": value + 0.1,
               "n": 30, "chance": 0.1, "unit": "share"}


def test_leaderboard_leads_with_the_best_and_its_chance():
    figure = plots.leaderboard(figures(), ["ac@1"])
    assert figure.get_label() == "good leads with ac@1 0.80 (chance 0.10)"
    assert plots.leaderboard([*figures()][1:], ["ac@1"]).get_label().startswith("No model beats")
    with pytest.raises(InputError, match=r"no figure of ac@5"):
        plots.leaderboard(figures(), ["ac@5"])


def scores():
    index = pd.date_range("2026-11-25T06:00Z", periods=100, freq="5s")
    score = pd.Series(1.0, index=index)
    score.iloc[[20, 22]] = 9.0
    score.iloc[60] = 8.0
    events = pd.DataFrame({"start": index[[19, 80]], "end": index[[24, 85]]})
    return score, events


def test_score_counts_found_missed_and_false():
    score, events = scores()
    figure = plots.anomaly_score(score, 5.0, events)
    assert figure.get_label() == "1 of 2 events found, 1 false alarm in 100 windows"
    assert "2 right, 1 false" in words(figure)
    assert "1 right, 1 false" in words(plots.anomaly_score(score, 5.0, events, join=1))


def test_score_names_what_carried_an_alarm():
    score, events = scores()
    parts = pd.DataFrame({"cpu": 0.7, "memory": 0.3}, index=score.index)
    assert "cpu 70%" in words(plots.anomaly_score(score, 5.0, events, parts))


def test_evidence_points_at_what_moved():
    time = pd.date_range("2026-11-25T06:00Z", periods=40, freq="5s")
    noise = 5 + np.sin(np.arange(40))
    rows = [pd.DataFrame({"time": time, "service": s, "name": "cpu_cores", "value": v})
            for s, v in (("pay", np.where(np.arange(40) < 20, noise, 20 * noise)), ("cart", noise))]
    windows = [(time[0], time[20])], (time[20], time[39])
    figure = plots.evidence(pd.concat(rows), *windows, ["pay", "cart"], ["cpu_cores"])
    assert figure.get_label() == ("pay: 1 of 1 metrics left what was seen before; "
                                  "0 of 1 others moved too")
    still = pd.DataFrame({"time": time, "service": "pay", "name": "memory", "value": 7.0})
    told = plots.evidence(pd.concat([still, *rows]), *windows, ["pay"])
    assert [ax.get_title("left") for ax in told.axes] == ["cpu_cores", "memory"]  # most moved first
    with pytest.raises(InputError, match="Names seen: cpu_cores"):
        plots.evidence(pd.concat(rows), *windows, ["pay"], ["ghost"])


def test_importing_plots_does_not_import_matplotlib():
    code = "import aiops.plots, sys; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
