"""Who is behind places that moved: each pattern by hand."""

import numpy as np
import pandas as pd
import pytest

from aiops.rca.places import (
    BETWEEN,
    OWN,
    SILENT,
    blame,
    by_suspect,
    direct,
    hand_down,
    worst_callee,
)

EDGES = pd.DataFrame([("front", "cart"), ("front", "ship"), ("cart", "db"), ("ship", "db")],
                     columns=["caller", "callee"])
KINDS = {"front": OWN, "cart": OWN, "ship": OWN, "front->cart": BETWEEN, "front->ship": BETWEEN,
         "cart->db": SILENT, "ship->db": SILENT}
SUSPECTS = ("front", "cart", "ship", "db")


def of(effects: dict[str, float], suspects: tuple[str, ...] = SUSPECTS) -> pd.Series:
    """Blame where these places moved and the other ones did not."""
    effect = np.array([effects.get(place, 0.0) for place in KINDS])
    kind, place = (np.array(list(each), dtype=object) for each in (KINDS.values(), KINDS))
    return blame(effect, kind, place, suspects)


def test_own_work_is_blamed_on_its_service_alone():
    assert of({"cart": 2.0}).to_dict() == {"front": 0, "cart": 2, "ship": 0, "db": 0}


def test_one_slow_edge_is_its_callees_more_than_its_callers():
    got = of({"front->cart": 2.0})
    # cart has one edge in and one out: into alone explains all; front two out, of which one moved
    assert got["cart"] == pytest.approx(2)
    assert got["front"] == pytest.approx(2 / np.sqrt(2))
    assert got[["ship", "db"]].tolist() == [0, 0]


def test_an_edge_that_is_a_suspect_goes_before_its_ends():
    got = of({"front->cart": 2.0}, (*SUSPECTS, "front->cart", "front->ship"))
    assert got.idxmax() == "front->cart"
    assert got["front->cart"] == pytest.approx(2.04)
    assert got["front->ship"] == 0


def test_all_edges_of_a_service_are_the_services_and_no_one_edges():
    got = of({"front->cart": 2.0, "front->ship": 2.0}, (*SUSPECTS, "front->cart"))
    assert got.idxmax() == "front"
    assert got["front"] == pytest.approx(2)
    assert got["cart"] == got["front->cart"] / 1.02 == pytest.approx(2 / np.sqrt(2))


def test_a_slow_network_at_a_service_moves_edges_in_and_out():
    got = of({"front->cart": 2.0, "cart->db": 2.0})
    assert got.idxmax() == "cart"
    assert got["cart"] == pytest.approx(2)


def test_a_silent_peer_is_told_by_all_who_wait_for_it():
    got = of({"cart->db": 2.0, "ship->db": 2.0})
    assert got.idxmax() == "db"
    assert got["db"] == pytest.approx(2)
    assert got["cart"] < 2


def test_a_silent_peer_may_be_slow_for_one_caller_alone():
    got = of({"cart->db": 2.0})
    assert got["db"] == pytest.approx(2 * 0.9)
    # out of cart alone is no network of cart: its edges in and out, of which one moved, are
    assert got["cart"] == pytest.approx(2 / np.sqrt(2))
    mixed = of({"cart->db": 2.0, "front->cart": 2.0})
    assert mixed["db"] == pytest.approx(max(2 * 0.9 / 2, 2 / 2))  # it explains half


def test_own_work_and_edges_add_up():
    assert of({"cart": 1.0, "front->cart": 2.0})["cart"] == pytest.approx(3)


def test_a_host_that_no_telemetry_names_explains_what_moves_everything():
    all_of_them = of(dict.fromkeys(KINDS, 2.0), (*SUSPECTS, "host"))
    assert all_of_them["host"] == pytest.approx(2)
    one = of({"cart": 2.0}, (*SUSPECTS, "host"))
    assert one["host"] == pytest.approx(2 / np.sqrt(7))
    assert of({"cart": 2.0}, ("a->b",))["a->b"] == 0  # an edge nobody saw


def test_where_nothing_moved_nobody_is_blamed():
    got = of({}, (*SUSPECTS, "host", "front->cart"))
    assert not got.any()
    none = np.zeros(0), np.zeros(0, dtype=object), np.zeros(0, dtype=object)
    assert blame(*none, ("a",)).to_dict() == {"a": 0.0}


# --- what begins at one place -------------------------------------------------------------
def direct_of(effects: dict[str, float], suspects: tuple[str, ...]) -> dict[str, float]:
    kind = np.array([KINDS[place] for place in effects], dtype=object)
    return direct(np.array(list(effects.values())), kind,
                  np.array(list(effects), dtype=object), suspects).to_dict()


def test_a_failure_between_two_is_the_callees_and_in_part_the_callers():
    assert direct_of({"front->cart": 2.0}, SUSPECTS) == {
        "front": 1.0, "cart": 2.0, "ship": 0.0, "db": 0.0}


def test_a_failure_between_two_is_the_edges_where_edges_are_suspects():
    got = direct_of({"front->cart": 2.0}, ("front", "cart", "front->cart"))
    assert got == pytest.approx({"front": 1.0, "cart": 2.0, "front->cart": 2.04})


def test_of_several_failures_the_largest_counts():
    assert direct_of({"cart": 1.0, "cart->db": 4.0, "front->cart": 1.5}, ("cart", "db")) == {
        "cart": 2.0, "db": 4.0}


# --- down the calls -----------------------------------------------------------------------
def test_a_caller_loses_what_its_worst_callee_explains():
    blamed = pd.Series({"front": 4.0, "cart": 3.0, "ship": 1.0, "db": 5.0})
    assert worst_callee(blamed, EDGES).to_dict() == {
        "front": 3.0, "cart": 5.0, "ship": 5.0, "db": 0.0}
    assert hand_down(blamed, EDGES, 0.5).to_dict() == {
        "front": 2.5, "cart": 1.5, "ship": 0.5, "db": 5.0}


def test_nobody_hands_down_to_itself_or_to_strangers():
    edges = pd.DataFrame([("a", "a"), ("a", "stranger"), ("stranger", "a")],
                         columns=["caller", "callee"])
    assert hand_down(pd.Series({"a": 2.0, "b": 1.0}), edges, 0.7).to_dict() == {"a": 2.0, "b": 1.0}


def test_reasons_of_an_edge_are_its_and_both_ends():
    found = pd.DataFrame({"kind": [OWN, BETWEEN], "place": ["cart", "front->cart"],
                          "signal": ["x", "y"], "effect": [1.0, 2.0], "before": 0.0,
                          "during": 1.0, "at": 7})
    got = by_suspect(found)
    assert got.columns.tolist() == ["suspect", "signal", "effect", "before", "during"]
    assert sorted(zip(got["suspect"], got["signal"], strict=True)) == [
        ("cart", "x"), ("cart", "y"), ("front", "y"), ("front->cart", "y")]


@pytest.mark.parametrize("kind", [OWN, BETWEEN])
def test_reasons_of_one_kind_alone_add_no_others(kind):
    place = ["cart", "ship"] if kind == OWN else ["front->cart", "front->ship"]
    found = pd.DataFrame({"kind": kind, "place": place, "signal": ["x", "y"], "effect": 1.0,
                          "before": 0.0, "during": 1.0})
    got = by_suspect(found)
    assert not got.isna().any(axis=None)
    assert len(got) == (2 if kind == OWN else 6)
