"""What changed is read from the attributes of spans, and nothing else."""

import numpy as np
import pandas as pd
import pytest

from aiops.case import Case
from aiops.changes.treatments import find
from aiops.errors import UsageError
from tests.changes.made import CHANGE, END, NEW, OLD, START, made


def test_a_canary_is_found_with_the_time_in_which_both_served():
    (change,) = find(made())
    assert (change.service, change.attribute, change.old, change.new) == (
        "catalog", "service.version", OLD, NEW)
    assert CHANGE <= change.since < CHANGE + pd.Timedelta("2s")
    assert END - pd.Timedelta("2s") < change.until <= END


def test_where_all_changed_at_once_both_never_served():
    (change,) = find(made(at_once=True))
    assert change.until == change.since


def test_one_version_is_no_change():
    assert find(made(share=0.0)) == []


def test_a_flag_is_named_with_its_key():
    found = find(made(flag=True))
    assert {change.attribute for change in found} == {
        "service.version", "feature_flag.result.variant[ranking]"}


def test_only_the_attributes_asked_for_count():
    assert find(made(), ["deployment.id"]) == []


def test_a_split_from_the_start_has_the_rarest_for_the_new_one():
    case = made(n=400)
    later = Case(normal=((START, START + pd.Timedelta("1s")),), abnormal=(CHANGE, END),
                 traces=case.traces[case.traces["start"] >= CHANGE])
    (change,) = find(later)
    assert (change.old, change.new) == (OLD, NEW)


def test_three_versions_are_two_changes_in_turn():
    case = made(share=0.0)
    traces = case.traces.copy()
    third = START + pd.Timedelta("90s")
    versions = {OLD: "a", "b": "b", "c": "c"}
    at = traces["service"].eq("catalog")
    traces.loc[at, "attributes"] = [
        {"service.version": versions[OLD] if start < CHANGE else "b" if start < third else "c"}
        for start in traces.loc[at, "start"]]
    found = find(Case(normal=case.normal, abnormal=case.abnormal, traces=traces))
    assert [(each.old, each.new) for each in found] == [("a", "b"), ("b", "c")]


def test_other_services_do_not_decide_which_version_is_the_old_one():
    case = made(n=600, share=0.3)
    late = case.traces[case.traces["start"] >= CHANGE]
    others = [late[late["service"] == "cart"].assign(
        service=f"s{n}", span_id=f"x{n}",
        attributes=[{"service.version": "7"}] * int((late["service"] == "cart").sum()))
        for n in range(12)]
    found = find(Case(normal=((START, START + pd.Timedelta("1s")),), abnormal=(CHANGE, END),
                      traces=pd.concat([late, *others])))
    assert [(each.service, each.old, each.new) for each in found] == [("catalog", OLD, NEW)]


def test_two_canaries_beside_each_other_are_compared_with_what_served_before():
    case = made(n=900, share=0.4)
    traces, rng = case.traces.copy(), np.random.default_rng(0)
    traces["attributes"] = [
        {"service.version": "1.6.0"} if dict(held).get("service.version") == NEW
        and rng.random() < 0.4 else held for held in traces["attributes"]]
    found = find(Case(normal=case.normal, abnormal=case.abnormal, traces=traces))
    assert sorted((each.old, each.new) for each in found) == [(OLD, NEW), (OLD, "1.6.0")]


def test_empty_cells_tell_nothing():
    case = made()
    held = case.traces["attributes"].astype(object)
    held[case.traces["service"] == "cart"] = np.nan
    (change,) = find(Case(normal=case.normal, abnormal=case.abnormal,
                          traces=case.traces.assign(attributes=held)))
    assert change.service == "catalog"


def test_spans_without_attributes_are_an_error():
    case = made(n=50)
    bare = Case(normal=case.normal, abnormal=case.abnormal,
                traces=case.traces.drop(columns="attributes"))
    with pytest.raises(UsageError, match="attributes"):
        find(bare)
    with pytest.raises(UsageError, match="without traces"):
        find(Case(normal=case.normal, abnormal=case.abnormal, suspects=("a",)))
