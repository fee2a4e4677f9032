import numpy as np
import pandas as pd

from aiops.plots import to_html


def test_units_go_to_the_head_and_decimals_are_equal_down_a_column():
    html = to_html(pd.DataFrame({"service": ["a<b"], "p50_ms": [12.345], "calls": [1200]}))
    assert '<th class="num">p50 <small>ms</small></th>' in html
    assert '<td class="num">12.3</td>' in html
    assert '<td class="num">1,200</td>' in html
    assert '<td class="txt" style="text-align:left;white-space:nowrap">a&lt;b</td>' in html


def test_a_cut_table_says_so_and_nothing_is_lost_silently():
    assert "40 of 41 rows" in to_html(pd.DataFrame({"x": range(41)}))
    assert "caption" not in to_html(pd.DataFrame({"x": range(40)}))


def test_odd_cells():
    frame = pd.DataFrame({"f": [np.nan, np.inf], "l": [[1, 2], None], "b": [True, False]},
                         index=pd.Index(["x", "y"], name="who"))
    html = to_html(frame)
    for cell in ("who", "–", "inf", "[1, 2]", "True"):
        assert cell in html


def test_no_column_has_decimals_that_say_nothing():
    html = to_html(pd.DataFrame({"n": [8.0, 8.0], "rate": [3.6, -7.1], "share": [0.0254, 1.0]}))
    cells = html.partition("<tbody>")[2]
    assert [c.partition("<")[0] for c in cells.split('class="num">')[1:]] == [
        "8", "3.6", "0.03", "8", "−7.1", "1.00"]


def test_times_of_one_day_leave_the_day_to_the_head():
    day = pd.date_range("2026-11-25T06:00Z", periods=2, freq="h")
    html = to_html(pd.DataFrame({"start_utc": day}))
    assert "start <small>2026-11-25 UTC</small>" in html
    assert ">07:00:00</td>" in html
    html = to_html(pd.DataFrame({"start_utc": day + pd.to_timedelta([0, 1], "D")}))
    assert "start <small>UTC</small>" in html
    assert ">2026-11-26 07:00:00</td>" in html


def test_long_text_may_break_and_a_short_name_does_not():
    html = to_html(pd.DataFrame({"who": ["checkout->payment"], "what": ["said a lot " * 3]}))
    assert 'white-space:nowrap">checkout-&gt;payment</td>' in html
    assert html.count("nowrap") == 1  # a head may break as well
