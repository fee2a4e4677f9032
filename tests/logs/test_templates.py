"""What varies is masked, what the program wrote is kept, and the order of lines is nothing."""

import json
import time

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from aiops.errors import NotFittedError
from aiops.logs import TemplateMiner, mask, templates, unwrap

SERVICES = ["cart", "front", "quote", "ship", "pay", "mail"]


def mined(*lines: str) -> list[str]:
    return templates(pd.Series(list(lines), dtype=object)).tolist()


def shop_lines() -> pd.Series:
    rng = np.random.default_rng(0)
    made = []
    for n in range(300):
        a, b = rng.choice(SERVICES, 2, replace=False)
        made += [f"call from {a} to service {b} took {rng.integers(1, 900)} ms in all",
                 f"order {rng.integers(10**6)} moved from state NEW to state PAID",
                 f"order {rng.integers(10**6)} moved from state PAID to state SENT",
                 f"user {''.join(rng.choice(list('abcdef'), 6))} has logged in",
                 f"retry {n % 5} of block blk_{rng.integers(10**12)} on 10.0.{n % 9}.7:8080 failed"]
    return pd.Series(made, dtype=object)


@pytest.mark.parametrize(("line", "wanted"), [
    ("took 5 ms", "took <*> ms"),
    ("took 5ms of 1.5s", "took <*> of <*>"),
    ("at -0x1f and 3e2a9d00ff", "at <*> and <*>"),
    ("id 217c03f8-d8c3-4c4f-877f-3d7c72764dc1 gone", "id <*> gone"),
    ("from 10.251.73.220:50010 to fe80::1", "from <*> to fe80::<*>"),
    ("open /etc/httpd/conf/workers2.properties", "open <*>"),
    ("read hdfs://node:9000/a/b", "read hdfs://<*>"),
    ("[2026-01-31T12:00:00.123Z] up", "[<*>] up"),
    ("2026-01-31 12:00:00,123 up", "<*>,<*> up"),
    ("Sat Jun 18 04:01:00 2005 up", "<*> up"),
    ("user=ann uid=0 size=12", "user=ann uid=<*> size=<*>"),
    ('said "no such file" twice', 'said "<*>" twice'),
    ("Can't do it, won't try", "Can't do it, won't try"),
    ("Input/output error in jk2_init()", "Input/output error in jk2_init()"),
    ("delete 1 2 3 4", "delete <*>"),
    ("", "")])
def test_what_looks_like_a_value_is_masked_and_the_rest_kept(line, wanted):
    assert mask(pd.Series([line])).tolist() == [wanted]


def test_a_json_line_gives_its_message():
    lines = [json.dumps({"log": "took 5 ms\n", "stream": "stdout"}),
             json.dumps({"level": "info", "msg": "ready"}), '{"log": 3}', "{not json"]
    assert unwrap(pd.Series(lines)).tolist() == ["took 5 ms", "ready", '{"log": 3}', "{not json"]
    assert mask(pd.Series(lines)).tolist()[0] == "took <*> ms"


def test_planted_statements_come_back():
    assert set(templates(shop_lines())) == {
        "call from <*> to service <*> took <*> ms in all",
        "order <*> moved from state NEW to state PAID",
        "order <*> moved from state PAID to state SENT",
        "user <*> has logged in",
        "retry <*> of block <*> on <*> failed"}


def test_constants_in_capitals_stay_apart_and_names_do_not():
    assert mined("task went from NEW to DONE", "task went from NEW to FAILED") == [
        "task went from NEW to DONE", "task went from NEW to FAILED"]
    assert mined("task went from new to done", "task went from new to failed") == [
        "task went from new to <*>"] * 2


def test_a_word_that_holds_its_key_keeps_it():
    assert mined("login failed for user=ann, from x", "login failed for user=bob, from x") == [
        "login failed for user=<*>, from x"] * 2


def test_a_name_with_a_digit_is_masked_only_where_it_varies():
    assert mined("jk2_init() found a child") == ["jk2_init() found a child"]
    assert mined("lost worker3 of the pool", "lost worker4 of the pool") == [
        "lost <*> of the pool"] * 2


def test_lines_that_share_too_little_stay_apart():
    lines = ("opened a new session now", "closed an old session later")
    assert mined(*lines) == list(lines)


def test_the_order_of_lines_and_their_number_mean_nothing():
    lines = shop_lines()
    wanted = templates(lines)
    shuffled = templates(lines.sample(frac=1, random_state=1))
    pd.testing.assert_series_equal(shuffled.sort_index(), wanted)
    twice = templates(pd.concat([lines, lines.iloc[:100]], ignore_index=True))
    assert twice.iloc[:len(lines)].tolist() == wanted.tolist()


def test_renaming_services_splits_nothing():
    lines = shop_lines()
    for names in (["ts-order-service", "ts-travel", "a", "b-b", "mongo", "zoo"],
                  ["svc-1", "svc-2", "svc-3", "svc-4", "svc-5", "svc-6"]):
        renamed = lines
        for old, new in zip(SERVICES, names, strict=True):
            renamed = renamed.str.replace(rf"\b{old}\b", new, regex=True)
        assert not renamed.equals(lines)
        assert templates(renamed).tolist() == templates(lines).tolist()


def test_index_and_missing_bodies_are_kept():
    got = templates(pd.Series(["took 5 ms", None], index=["x", "y"]))
    assert got.to_dict() == {"x": "took <*> ms", "y": ""}
    assert templates(pd.Series([], dtype=object)).empty


def test_a_fitted_miner_finds_its_templates_in_new_lines():
    miner = TemplateMiner().fit(shop_lines())
    new = pd.Series(["user zorro has logged in", "user ann left", "", "order 7 moved from state "
                     "NEW to state PAID"])
    assert miner.transform(new).tolist() == [
        "user <*> has logged in", "user ann left", "",
        "order <*> moved from state NEW to state PAID"]


def test_fit_forgets_and_a_clone_is_not_fitted():
    miner = TemplateMiner().fit(shop_lines()).fit(pd.Series(["took 5 ms"]))
    assert miner.templates_ == ["took <*> ms"]
    with pytest.raises(NotFittedError):
        clone(miner).transform(pd.Series(["x"]))


def test_short_lines_and_first_words_are_kept_apart():
    assert mined("starting now please", "stopping now please") == [
        "starting now please", "stopping now please"]
    lines = pd.Series(["starting all workers now", "stopping all workers now"])
    assert templates(lines).nunique() == 2
    assert templates(lines, prefix=0).tolist() == ["<*> all workers now"] * 2


def test_all_lines_alike_but_for_three_words_take_no_minutes():
    """Every line is compared with every group here: nothing agrees, all share a stretch."""
    rng = np.random.default_rng(0)
    words = rng.integers(97, 123, (2000, 4, 6)).astype(np.uint8).view("S6")[..., 0].astype(str)
    lines = pd.Series([" ".join(row) + " stays the same as ever before" for row in words])
    start = time.process_time()
    assert templates(lines, prefix=0).nunique() == 2000
    assert time.process_time() - start < 20


@pytest.mark.parametrize(("system", "least"), [("Apache", 1.0), ("HDFS", 0.99), ("BGL", 0.95)])
def test_the_grouping_of_a_published_sample(aiops_data, system, least):
    stem = aiops_data / "logs" / "loghub2k" / system / f"{system}_2k.log_structured_corrected"
    lines = pd.read_csv(f"{stem}.csv.gz", dtype=str, keep_default_na=False)
    made = pd.DataFrame({"got": templates(lines["Content"]), "true": lines["EventTemplate"]})
    both = made.value_counts().reset_index()
    alone = ~(both["got"].duplicated(keep=False) | both["true"].duplicated(keep=False))
    assert both["count"][alone].sum() / len(lines) >= least
