"""The graph of blame: the finding in its title, the way there, what does not fit left out."""

import pandas as pd
import pytest

from aiops import plots
from aiops.errors import InputError
from aiops.plots.sheet import MOST

EDGES = pd.DataFrame({"caller": ["web", "web", "cart"], "callee": ["cart", "pay", "db"]})
BLAME = pd.Series({"cart": 4.0, "web->pay": 1.0, "web": 0.5, "host": 0.2, "db": 0.0, "pay": 0.0})


def words(figure) -> list[str]:
    return [t.get_text() for t in figure.findobj(lambda a: hasattr(a, "get_text"))]


def test_the_title_names_the_first_and_the_next():
    figure = plots.blame_graph(EDGES, BLAME, ["web", "web->cart", "cart"])
    assert figure.get_label() == "cart is blamed most: 4.0; next web → pay, 1.0"
    told = " ".join(words(figure))
    assert "the way from web, where it was felt" in told
    assert "host" in told, "a suspect that nobody calls is drawn by itself"
    assert plots.to_png(figure) == plots.to_png(
        plots.blame_graph(EDGES, BLAME, ["web", "web->cart", "cart"]))


def test_who_has_no_blame_shows_none_and_an_edge_shows_its_own():
    figure = plots.blame_graph(EDGES, BLAME)
    assert words(figure).count("0") == 2  # db, pay
    assert words(figure).count("1.0") == 1  # on the line of web->pay
    assert "the way from" not in " ".join(words(figure))


def test_one_that_is_blamed_alone():
    alone = plots.blame_graph(EDGES, pd.Series({"cart": 0.3, "web": 0.0}))
    assert alone.get_label() == "cart is blamed most: 0.30; nobody else is"


def test_no_blame_is_no_picture():
    with pytest.raises(InputError, match="nothing speaks against"):
        plots.blame_graph(EDGES, BLAME * 0)


def test_of_a_large_system_the_way_and_the_first_are_kept():
    names = [f"s{i:03d}" for i in range(300)]
    edges = pd.DataFrame({"caller": names[:-1], "callee": names[1:]})
    blame = pd.Series(0.0, index=names)
    blame["s150"], blame["s299"] = 5.0, 1.0
    way = ["s149", "s149->s150", "s150"]
    blame = blame.sort_values(ascending=False, kind="stable")
    figure = plots.blame_graph(edges, blame, way)
    drawn = {word for word in words(figure) if word in names}
    assert {"s149", "s150", "s299"} <= drawn
    assert len(drawn) == MOST
    assert f"{300 - MOST} services with little to say left out." in \
        " ".join(words(figure)).replace("\n", " ")


def test_parts_that_no_call_joins_stand_close():
    apart = pd.DataFrame({"caller": [*"aaaaaaaa", "x"], "callee": [*"bcdefghi", "y"]})
    joined = apart.iloc[:-1]
    blame = pd.Series({"b": 1.0})
    high, low = (plots.blame_graph(edges, blame).get_size_inches()[1] for edges in (apart, joined))
    assert high < low + 1.0
