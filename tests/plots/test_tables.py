import numpy as np
import pandas as pd

from aiops.plots import to_html


def test_units_go_to_the_head_and_decimals_are_equal_down_a_column():
    html = to_html(pd.DataFrame({"service": ["a<b"], "p50_ms": [12.345], "calls": [1200]}))
    assert '<th class="num">p50 <small>ms</small></th>' in html
    assert '<td class="num">12.3</td>' in html
    assert '<td class="num">1,200</td>' in html
    assert '<td class="txt" style="text-align:left">a&lt;b</td>' in html


def test_a_cut_table_says_so_and_nothing_is_lost_silently():
    assert "30 of 31 rows" in to_html(pd.DataFrame({"x": range(31)}))
    assert "caption" not in to_html(pd.DataFrame({"x": range(30)}))


def test_odd_cells():
    frame = pd.DataFrame({"f": [np.nan, np.inf], "l": [[1, 2], None], "b": [True, False]},
                         index=pd.Index(["x", "y"], name="who"))
    html = to_html(frame)
    for cell in ("who", "–", "inf", "[1, 2]", "True"):
        assert cell in html
