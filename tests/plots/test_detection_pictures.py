"""Pictures of a detector: what it takes for normal, and which incidents it finds."""

import numpy as np
import pandas as pd
import pytest

from aiops import plots
from aiops.errors import InputError


def words(figure) -> str:
    return "\n".join(t.get_text() for t in figure.findobj(lambda a: hasattr(a, "get_text")))


def learned() -> pd.DataFrame:
    rows = [("cart", "memory_bytes", 1e8, 5e5), ("cart", "latency_p95_ms", 4.0, 1.0),
            ("cart", "error_rate", 0.0, 0.0), ("cart", "disk_read_bytes_per_s", np.nan, np.nan),
            ("web", "memory_bytes", 1e8, 0.0), ("web", "latency_p95_ms", 2.0, 3.0),
            ("web", "error_rate", 0.0, 0.0), ("web", "disk_read_bytes_per_s", np.nan, np.nan)]
    return pd.DataFrame(rows, columns=["service", "feature", "usual", "spread"])


def test_spreads_name_the_tightest_and_the_loosest():
    more = pd.DataFrame([("cart", "cpu_cores", 0.1, 0.01), ("web", "cpu_cores", 0.1, 0.03)],
                        columns=learned().columns)
    figure = plots.spreads(pd.concat([learned(), more]), "Data set shop.")
    assert figure.get_label() == \
        "Normal operation moves cpu by 20%, latency p95 by 88% (medians of services)"
    text = words(figure)
    assert "Never moved: error rate." in text
    assert {"<1%", "25%", "150%", "still"} <= set(text.split("\n"))
    assert "disk" not in text
    assert plots.to_png(figure) == plots.to_png(
        plots.spreads(pd.concat([learned(), more]), "Data set shop."))


def test_a_usual_value_near_zero_makes_no_headline():
    """Memory grows at one service alone, from next to nothing."""
    near = learned().replace({"usual": {1e8: 1e3}})
    figure = plots.spreads(near)
    assert figure.get_label() == "Normal operation moves latency p95 by 88% (median of services)"
    assert ">1000%" in words(figure).split("\n")


def test_spreads_of_what_is_usually_zero_say_so():
    rare = learned().assign(usual=0.0)
    assert "usually zero" in plots.spreads(rare).get_label()
    with pytest.raises(InputError, match="no feature that moved"):
        plots.spreads(learned().assign(spread=0.0))


def table() -> pd.DataFrame:
    return pd.DataFrame({"label": ["latency at cart", "errors at web", "leak at web"],
                         "ap": [0.9, 0.6, 0.2], "chance": 0.3, "found": [True, True, False],
                         "delay_s": [0.0, 15.0, np.nan]})


def test_incidents_count_what_was_found():
    figure = plots.incidents(table())
    assert figure.get_label() == ("2 of 3 incidents raise an alarm; half score an average "
                                  "precision over 0.60 (chance 0.30)")
    text = words(figure).split("\n")
    assert {"at once", "after 15 s", "missed"} <= set(text)
    rows = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert rows == ["leak at web", "errors at web", "latency at cart"]  # best at the top
    with pytest.raises(InputError, match="no incident"):
        plots.incidents(table().iloc[:0])


AT = pd.Timestamp("2026-11-25T06:00Z")


def recorded(name: str, role: str, over: list[int], n: int = 6) -> tuple[pd.DataFrame, dict]:
    """Windows of 5 s; the event lasts from the third to the fifth of them."""
    start = AT + pd.Timedelta(hours=len(name) + int(name[1:]))
    scores = pd.DataFrame({"recording": name, "score": [4.0 if i in over else 1.0
                                                        for i in range(n)],
                           "window_start": pd.date_range(start, periods=n, freq="5s")})
    return scores, {"recording": name, "role": role, "label": f"{role} {name}",
                    "event_start": start + pd.Timedelta(seconds=10),
                    "event_end": start + pd.Timedelta(seconds=25)}


def drawn(*what: tuple[str, str, list[int]]):
    parts = [recorded(*each) for each in what]
    return plots.alarms(pd.concat([scores for scores, _ in parts]), 2.0,
                        pd.DataFrame([about for _, about in parts]), 5.0, "Data set shop.")


def test_alarms_count_by_role_and_take_recovery_for_none():
    figure = drawn(("c1", "control", []), ("r1", "incident", [0, 3]), ("r2", "incident", [5]),
                   ("d1", "disturbance", [5]))
    assert figure.get_label() == \
        ("1 of 2 incidents, 1 of 1 disturbance and 0 of 1 control raise an alarm; "
         "1 of 4 recordings raise a false one before")
    rows = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert rows == ["incident r1", "incident r2", "disturbance d1", "control c1"]


def test_alarms_of_incidents_alone():
    assert drawn(("r1", "incident", [2])).get_label() == (
        "1 of 1 incident raise an alarm; 0 of 1 recording raise a false one before")
    with pytest.raises(InputError, match="no recording"):
        drawn(("n1", "normal", []))


def test_a_control_that_alarms_too_early_is_not_passed_over():
    figure = drawn(("r1", "incident", [2]), ("c1", "control", [0]))
    assert figure.get_label() == ("1 of 1 incident and 0 of 1 control raise an alarm; "
                                  "1 of 2 recordings raise a false one before")
    assert "all in disturbances and controls" in " ".join(words(figure).split())
