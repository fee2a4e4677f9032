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
    assert "12→510 ms" in words(figure)
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


def test_waterfall_names_where_a_request_fails(calm):
    trace = calm[calm.trace_id == "t0-3"]
    failing = trace.assign(status_code=trace.span_id.map(
        {"r": "error", "c": "error", "s": "error", "d": "ok"}))
    figure = plots.waterfall(failing)
    assert figure.get_label() == "Pay fails at payment, 16 ms into the request of 22 ms"
    assert words(figure).count(", fails") == 3
    assert "fails" not in words(plots.waterfall(trace.assign(status_code="ok")))


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
    assert figure.get_label() == "good leads with AC@1 0.80 (chance 0.10)"
    assert plots.leaderboard([*figures()][1:], ["ac@1"]).get_label().startswith("No model beats")
    with pytest.raises(InputError, match=r"no figure of ac@5"):
        plots.leaderboard(figures(), ["ac@5"])


def test_leaderboard_says_when_the_lead_may_be_luck():
    close = [row | {"value": value, "low": 0.41, "high": 0.9}
             for row, value in zip(figures(), (0.625, 0.41), strict=True)]
    assert plots.leaderboard(close, ["ac@1"]).get_label() == (
        "good leads with AC@1 0.63 (chance 0.10); bad's 0.41 lies within its interval")
    level = [row | {"value": 0.5, "low": 0.4, "high": 0.6} for row in figures()]
    assert plots.leaderboard(level, ["ac@1"]).get_label() == \
        "bad, good lead together with AC@1 0.50 (chance 0.10)"


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
    at_the_threshold = plots.anomaly_score(score, 8.0, events)  # the one of 8.0 alarms as well
    assert at_the_threshold.get_label() == figure.get_label()


def test_score_of_normal_operation_counts_alarms():
    score, events = scores()
    figure = plots.anomaly_score(score, 5.0, events.iloc[:0])
    assert figure.get_label() == "3 alarms in 100 windows in which nothing was labelled"
    assert f"{score.index[0]:%H:%M:%S}" in words(figure)


def test_score_of_one_event_says_whether_it_was_found():
    score, events = scores()
    for row, word in ((0, "found"), (1, "missed")):
        figure = plots.anomaly_score(score, 5.0, events.iloc[[row]])
        assert figure.get_label().startswith(f"The event is {word}, ")


def test_score_is_not_drawn_far_below_the_threshold():
    score, events = scores()
    score.iloc[50] = 1e-6
    low, high = plots.anomaly_score(score, 5.0, events).axes[0].get_ylim()
    assert low == pytest.approx(0.05)
    assert high > 9.0


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
    assert figure.get_label() == ("pay: 1 of 1 metric left what was seen before; "
                                  "0 of 1 others moved too")
    still = pd.DataFrame({"time": time, "service": "pay", "name": "memory", "value": 7.0})
    assert plots.evidence(still, *windows, ["pay"]).get_label() == \
        "The one metric of pay stayed within what was seen before"
    told = plots.evidence(pd.concat([still, *rows]), *windows, ["pay"])
    assert [ax.get_title("left") for ax in told.axes] == ["cpu_cores", "memory"]  # most moved first
    with pytest.raises(InputError, match="Names seen: cpu_cores"):
        plots.evidence(pd.concat(rows), *windows, ["pay"], ["ghost"])


def test_importing_plots_does_not_import_matplotlib():
    code = "import aiops.plots, sys; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_leaderboard_sets_controls_apart():
    known = {**next(figures()), "model": "hindsight", "value": 1.0, "low": 0.9, "high": 1.0}
    both = [row | {"metric": m} for row in [known, *figures()] for m in ("ac@1", "ac@3")]
    figure = plots.leaderboard(both, controls=["hindsight"])
    assert figure.get_label().startswith("good leads with AC@1 0.80")
    lowest = figure.axes[0].get_yticklabels()[0]
    assert lowest.get_text() == "hindsight (control)"
    assert lowest.get_color() == "#7a7a7a"
    assert "1 control, no model" in plots.leaderboard(
        [known], ["ac@1"], controls=["hindsight"]).get_label()


def test_graph_keeps_labels_and_names_apart(calm, slow):
    """Five callers of one service, all slower, and a name that is longer than its box."""
    def fan(frame):
        more = [frame.assign(trace_id=frame.trace_id + str(i), service=frame.service.replace(
            "frontend", f"a-caller-of-payments-{i}")) for i in range(5)]
        return pd.concat(more)

    figure = plots.service_graph(fan(slow), fan(calm))
    figure.canvas.draw()
    texts = [t for ax in figure.axes for t in ax.texts]
    boxes = [t.get_window_extent() for t in texts]
    assert sum("/s\n" in t.get_text() for t in texts) == 5
    assert not [(a.get_text(), b.get_text()) for i, a in enumerate(texts)
                for j, b in enumerate(texts[:i]) if boxes[i].overlaps(boxes[j])]


def days_apart(frame, column, since):
    early = frame[column] < since
    return frame.assign(**{column: frame[column].mask(
        early, frame[column] - pd.Timedelta("3D"))})


def test_days_between_two_windows_take_no_room(calm, slow):
    both = days_apart(pd.concat([calm, slow]), "start", slow.start.min())
    window = slow.start.min(), slow.start.max() + pd.Timedelta("1s")
    ax = plots.latency_heatmap(both, window, "alert").axes[0]
    assert 80 <= ax.get_xlim()[1] < 100  # two windows of 40 s
    labels = [t.get_text() for t in ax.get_xticklabels()]
    assert labels[0].endswith("\n11-22")
    assert any(text.endswith("\n11-25") for text in labels)


def test_evidence_shows_each_suspect_its_own_and_what_came_or_went():
    time = pd.date_range("2026-11-25T06:00Z", periods=40, freq="5s")
    late = np.arange(40) >= 20
    made = {("pay", "errors{code=500,host=a}"): np.where(late, 3.0, np.nan),
            ("pay", "errors{code=200,host=a}"): 7.0,
            ("pay", "beat"): np.where(late, np.nan, 1.0),
            ("cart", "request.duration"): np.where(late, 0.04, 0.01)}
    rows = pd.concat([pd.DataFrame({"time": time, "service": s, "name": n, "value": v, "unit": "s"})
                      for (s, n), v in made.items()]).dropna(subset=["value"])
    figure = plots.evidence(rows, [(time[0], time[20])], (time[20], time[39]),
                            ["pay", "pay->cart", "cart"], blame=pd.Series({"pay": 12.0}))
    assert figure.get_label() == \
        "pay: 2 of 3 metrics left what was seen before; cart 1 of 1"
    unseen = plots.evidence(rows, [(time[0], time[20])], (time[20], time[39]), ["db", "cart"])
    assert unseen.get_label() == \
        "db sends no metrics. cart: 1 of 1 metric left what was seen before"
    text = words(figure)
    assert "pay\n12" in text
    assert {"none → 3.0 s", "1.0 s → none", "10 → 40 ms"} <= set(text.split("\n"))
    assert "No metrics of their own: pay->cart." in text
    assert "errors\n500" in text  # the host is the same everywhere and tells nothing


def test_graph_names_where_errors_begin(calm):
    calm["status_code"] = "ok"
    fails = calm.trace_id.isin(calm.trace_id.unique()[::4])
    bad = calm.assign(status_code=calm.status_code.mask(
        fails & calm.span_id.isin(["r", "c", "s"]), "error"))  # payment's, and who called it
    figure = plots.service_graph(bad, calm)
    assert figure.get_label() == "Errors begin at payment, in 25% more of the requests"
    assert "1.0/s\n25% fail" in words(figure)
    assert "±0 ms, 25% fail" in words(figure)


def test_evidence_may_give_each_suspect_series_of_its_own():
    time = pd.date_range("2026-01-31T12:00:00Z", periods=20, freq="5s")
    metrics = pd.concat([pd.DataFrame({"time": time, "service": service, "name": name,
                                       "value": 1.0 + 9 * (np.arange(20) >= 10)})
                         for service in ("cart", "web") for name in ("cpu", "memory", "disk")])
    windows = [(time[0], time[10])], (time[10], time[19])
    figure = plots.evidence(metrics, *windows, ["cart", "web"],
                            {"cart": ["memory"], "web": ["disk", "cpu"]})
    heads = [ax.get_title(loc="left") for ax in figure.axes]
    assert heads == ["memory", "", "disk", "cpu"]
