"""Each evidence by itself: it finds what was planted for it, names it, and is silent without."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from aiops.case import Case
from aiops.rca.evidence import EVIDENCE, LEARN, SIGNALS
from aiops.rca.view import View
from tests.rca.made import at, case_of
from tests.rca.made_requests import CUT, MS, N, Row, call, incident, one_trace, span, traced

QUIET = 0.3  # blame that chance may leave


def blame_of(name: str, case: Case) -> pd.Series:
    return EVIDENCE[name].blame(View.of(case))


def strongest(name: str, case: Case, suspect: str) -> pd.Series:
    """The reason with the largest effect that is given against a suspect."""
    told = EVIDENCE[name].signals(View.of(case))
    assert told.columns.tolist() == SIGNALS
    assert not told["signal"].isna().any()
    return told[told["suspect"] == suspect].sort_values("effect").iloc[-1]


def hit(n: int) -> bool:
    """Three of four requests of the incident."""
    return n >= CUT and n % 4 != 0


# --- requests: time and failures ----------------------------------------------------------
def shop(fault: str | None = None) -> pd.DataFrame:
    """front calls cart, then ship; each asks a database that sends no spans."""
    def visit(n: int, k: int, service: str, begin: float, rng: np.random.Generator) -> list[Row]:
        bad = fault if hit(n) else None
        own, asked, wire = (base + rng.random() + more for base, more in (
            (4, 40 * (bad == f"slow {service}")), (2, 40 * (bad == "slow db")),
            (1, 40 * (bad == f"slow wire to {service}"))))
        failed = {"status_code": "error" if bad in (f"fails {service}", "fails db") else "ok"}
        asks = {"status_code": "error" if bad == "fails db" else "ok"}
        made = [call(f"c{k}", "r", "front", service, begin, own + asked + wire, **failed)]
        if bad != f"lost {service}":
            made += [span(f"s{k}", f"c{k}", service, begin + wire / 2e3, own + asked, "get",
                          **failed),
                     call(f"d{k}", f"s{k}", service, "db", begin + wire / 2e3 + 1e-3, asked,
                          "select", **asks)]
        return made

    def request(n: int, rng: np.random.Generator) -> list[Row]:
        first = visit(n, 1, "cart", 0.001, rng)
        second = visit(n, 2, "ship", 0.001 + first[0]["duration_ns"] / 1e9, rng)
        total = 2 + rng.random() + (first[0]["duration_ns"] + second[0]["duration_ns"]) / MS
        return [span("r", None, "front", 0, total, "GET /"), *first, *second]
    return traced(request)


@pytest.mark.parametrize(("name", "fault", "culprit", "signal"), [
    ("latency", "slow cart", "cart", "own time of cart (get), p# ms"),
    ("latency", "slow wire to cart", "cart", "time between front->cart (call), p# ms"),
    ("latency", "slow db", "db", "time at cart->db (select), p# ms"),
    ("errors", "fails cart", "cart", "failures begin at cart, share"),
    ("errors", "lost ship", "ship", "failures begin at front->ship, share"),
    ("errors", "fails db", "db", "failures begin at cart->db, share")])
def test_requests_tell_where_time_went_and_failures_began(name, fault, culprit, signal):
    case = incident(shop(fault))
    got = blame_of(name, case)
    assert got.idxmax() == culprit
    assert got[culprit] > max(1.5, 1.3 * got.drop(culprit).max())
    reason = strongest(name, case, culprit)
    told = re.sub(r"p\d\d", "p#", reason["signal"].replace("ship->db", "cart->db"))
    assert told == signal
    assert reason["during"] > reason["before"] + 0.2


def test_a_reason_shows_the_quantile_that_moved():
    """A third of the requests wait: the median stands still, and the reason tells of the rest."""
    def request(n: int, rng: np.random.Generator) -> list[Row]:
        return [span("r", None, "front", 0, 5 + rng.random() + 50 * (n >= CUT and n % 3 == 0))]
    reason = strongest("latency", incident(traced(request)), "front")
    assert reason["signal"].endswith((", p75 ms", ", p90 ms"))
    assert reason["before"] < 6.1
    assert reason["during"] > 50


def test_an_edge_that_is_a_suspect_is_found_and_named():
    names = ("front", "cart", "ship", "db", "front->cart", "front->ship")
    for name, fault in (("latency", "slow wire to cart"), ("errors", "lost cart")):
        case = incident(shop(fault), suspects=names)
        assert blame_of(name, case).idxmax() == "front->cart"
        assert "front->cart" in strongest(name, case, "front->cart")["signal"]


def test_calm_requests_blame_nobody():
    case = incident(shop())
    for name in ("latency", "errors", "sequence"):
        assert blame_of(name, case).max() < QUIET
        assert blame_of(name, case).index.tolist() == list(case.suspects)


def test_a_share_of_failures_that_stays_is_nobodys():
    def request(n: int, rng: np.random.Generator) -> list[Row]:
        return [span("1", None, "a", 0, 5, status_code="error" if n % 5 == 0 else "ok")]
    assert blame_of("errors", incident(traced(request)))["a"] == 0


def test_time_that_waited_for_a_failure_is_not_the_waiting_services_own():
    """cart backs off after the database's refusal: its own time grows by that."""
    def request(n: int, rng: np.random.Generator) -> list[Row]:
        status = {"status_code": "error" if hit(n) else "ok"}
        total = 10 + rng.random() + 40 * hit(n)
        return [span("r", None, "front", 0, total + 2, "GET /"),
                call("c", "r", "front", "cart", 0.001, total + 1),
                span("s", "c", "cart", 0.001, total, "get"),
                call("d", "s", "cart", "db", 0.002, 3, "select", **status)]
    case = incident(traced(request))
    assert blame_of("latency", case).max() < QUIET
    assert blame_of("errors", case).idxmax() == "db"


# --- requests: steps ----------------------------------------------------------------------
def chain(service: str, up: str, steps: list[tuple[str, bool]], begin: float) -> Iterator[Row]:
    """``service`` is called by a span of front and calls these, one after the other.

    Each (callee, whether its call fails): "db" sends no spans, "stock" asks a database.
    """
    yield call(f"c{up}", "r", "front", service, begin, 90, f"ask {service}")
    yield span(f"s{up}", f"c{up}", service, begin + 1e-3, 88)
    for k, (callee, failed) in enumerate(steps):
        start, status = begin + 2e-3 + 20e-3 * k, "error" if failed else "ok"
        yield call(f"{up}.{k}", f"s{up}", service, callee, start, 18, f"ask {callee}",
                   status_code=status)
        if callee != "db":
            yield span(f"{up}.{k}s", f"{up}.{k}", callee, start + 1e-3, 16, status_code=status)
        if callee == "stock":
            yield call(f"{up}.{k}d", f"{up}.{k}s", "stock", "db", start + 2e-3, 10)


def steps(usual: dict[str, list[str]], then: dict[str, list[str]], fails: str = "",
          turns: bool = False) -> Case:
    """front visits each service in turn, which makes its calls as usual, or then the others.

    A service of ``usual`` that ``then`` has as None is not visited. ``turns``: one a request.
    """
    def request(n: int, rng: np.random.Generator) -> list[Row]:
        rows = [span("r", None, "front", 0, 500)]
        for k, service in enumerate(usual):
            if turns and n // 4 % len(usual) != k:
                continue
            calls = (then if hit(n) else {}).get(service, usual[service])
            if calls is not None:
                rows += chain(service, str(k), [(each, hit(n) and each == fails)
                                                for each in calls], 0.01 + 0.1 * k)
        return rows
    return incident(traced(request))


def test_the_first_deviating_step_is_charged_and_its_consequence_is_not():
    case = steps({"cart": ["db"], "ship": ["db"]}, {"cart": [], "ship": None})
    got = blame_of("sequence", case)  # cart asks nothing, whereupon front leaves ship out
    assert got.drop("cart").max() == 0
    assert got["cart"] > 2
    reason = strongest("sequence", case, "cart")
    assert reason["signal"] == "start, then end, in cart op: share of such spans"
    assert (reason["before"], reason["during"]) == (0, 0.75)


def test_what_one_request_does_many_times_is_one_step():
    """cart is asked for 40 items by a single request, and leaves out its database each time."""
    def request(n: int, rng: np.random.Generator) -> list[Row]:
        odd = n == CUT
        return [span("r", None, "front", 0, 500), *[row for k in range(40 if odd else 1)
                for row in chain("cart", str(k), [] if odd else [("db", False)], 0.01 + k / 100)]]
    assert blame_of("sequence", incident(traced(request))).max() == 0


def test_a_step_that_nothing_led_to_is_the_services_own():
    got = blame_of("sequence", steps({"cart": ["db"], "ship": ["db"]}, {"ship": ["db", "db"]}))
    assert got["db"] > 1  # ship asks once more after the database's answer: it may be why
    assert got.drop("db").max() == 0
    got = blame_of("sequence", steps({"cart": ["db"]}, {"cart": ["quote", "db"]}))
    assert got.idxmax() == "cart"
    assert got["quote"] == 0


def test_what_follows_the_answer_of_a_callee_that_shows_nothing_is_the_callees():
    got = blame_of("sequence", steps({"cart": ["quote", "db"]}, {"cart": ["quote"]}))
    assert (got.idxmax(), got["cart"]) == ("quote", 0)


def test_what_follows_the_answer_of_a_callee_that_would_show_it_is_the_callers():
    got = blame_of("sequence", steps({"cart": ["stock", "db"]}, {"cart": ["stock"]}))
    assert (got.idxmax(), got["stock"]) == ("cart", 0)


def test_a_callee_after_which_two_callers_deviate_is_charged():
    usual = {"cart": ["stock", "db"], "ship": ["stock", "db"]}
    both = blame_of("sequence", steps(usual, {"cart": ["stock"], "ship": ["stock"]}, turns=True))
    assert (both.idxmax(), both["cart"], both["ship"]) == ("stock", 0, 0)
    one = blame_of("sequence", steps(usual, {"cart": ["stock"]}, turns=True))
    assert (one.idxmax(), one["stock"]) == ("cart", 0)


def test_what_follows_a_failed_call_is_charged_where_the_failure_began():
    got = blame_of("sequence", steps({"cart": ["stock", "db"]}, {"cart": ["stock", "quote", "db"]},
                                     fails="stock"))
    assert (got.idxmax(), got["cart"]) == ("stock", 0)


def test_a_call_that_ends_without_its_answer_is_charged_between_the_two():
    case = incident(shop("lost ship"), suspects=("front", "cart", "ship", "front->ship"))
    got = blame_of("sequence", case)
    assert got.idxmax() == "front->ship"
    assert got["front"] == pytest.approx(got["ship"] / 2)  # it takes part
    assert got["cart"] == 0


# --- logs ---------------------------------------------------------------------------------
def lines(of: Callable[[int], list[tuple[str, str, str | None]]]) -> pd.DataFrame:
    """Records (service, body, span or None) of each request."""
    return pd.DataFrame([
        {"time": at(n / 2 + 0.01), "service": service, "severity_number": 9, "body": body,
         "trace_id": None if name is None else f"t{n}",
         "span_id": None if name is None else f"{n}{name}"}
        for n in range(N) for service, body, name in of(n)])


def usual(n: int, *more: tuple[str, str, str | None]) -> list[tuple[str, str, str | None]]:
    return [("front", "served", "r"), ("cart", "asked", "s1"), *(more if hit(n) else ())]


def test_a_new_template_is_its_writers():
    case = incident(shop(), logs=lines(lambda n: usual(n, ("cart", "cache is cold", "s1"))))
    got = blame_of("templates", case)
    assert (got.idxmax(), got.drop("cart").max()) == ("cart", 0)
    reason = strongest("templates", case, "cart")
    assert reason["signal"] == "log of cart, share of requests: cache is cold"
    assert (reason["before"], reason["during"]) == (0, 0.75)


def test_a_template_that_went_is_its_writers():
    case = incident(shop(), logs=lines(
        lambda n: usual(n)[:1] if hit(n) else usual(n)))
    got = blame_of("templates", case)
    assert (got.idxmax(), got.drop("cart").max()) == ("cart", 0)
    assert strongest("templates", case, "cart")["signal"].endswith("asked")


def test_a_template_counts_once_a_request():
    once, often = (blame_of("templates", incident(shop(), logs=lines(
        lambda n, k=k: usual(n, *[("cart", "cache is cold", "s1")] * k)))) for k in (1, 9))
    assert once.to_dict() == often.to_dict()


def test_a_record_of_a_failed_span_is_handed_to_where_the_failure_began():
    def of(n: int) -> list[tuple[str, str, str | None]]:
        return [("cart", "asked", "s1"), *([("front", "no answer", "c1")] if hit(n) else [])]
    got = blame_of("templates", incident(shop("fails cart"), logs=lines(of)))
    assert (got.idxmax(), got["front"]) == ("cart", 0)
    assert blame_of("templates", incident(shop(), logs=lines(of))).idxmax() == "front"


@pytest.mark.parametrize("spans", [True, False])
def test_records_that_tell_no_request_are_counted(spans):
    def of(n: int) -> list[tuple[str, str, str | None]]:
        return [(service, body, None) for service, body, _ in
                usual(n, *[("cart", "cache is cold", None)] * 3)]
    case = incident(shop() if spans else None, logs=lines(of))
    got = blame_of("templates", case)
    assert got["cart"] > 2
    assert got.drop("cart").max() == 0
    reason = strongest("templates", case, "cart")
    assert reason["signal"] == "log of cart, a minute: cache is cold"
    assert (reason["before"], reason["during"]) == (0, 3 * 30 / (20 / 60))


def test_a_template_that_comes_three_times_as_often_is_its_writers():
    def of(n: int) -> list[tuple[str, str, str | None]]:
        return [("cart", "asked", None)] * (1 if n < CUT else 3) + [("front", "served", None)]
    case = incident(shop(), logs=lines(of))  # the incident is half as long as normal time
    got = blame_of("templates", case)
    assert got["cart"] > 1
    assert got["front"] == 0
    reason = strongest("templates", case, "cart")
    assert (reason["before"], reason["during"]) == (120, 360)


def test_usual_logs_blame_nobody():
    for name in ("r", None):
        logs = lines(lambda n, name=name: [("front", "served", name)])
        assert blame_of("templates", incident(shop(), logs=logs)).max() == 0


def test_a_new_line_between_steps_is_a_step():
    logs = lines(lambda n: usual(n, ("cart", "cache is cold", "s1")))
    logs["time"] = logs["time"].where(logs["body"] != "cache is cold", logs["time"] + pd.Timedelta(
        milliseconds=1))
    case = incident(shop(), logs=logs)
    got = blame_of("sequence", case)
    assert got.idxmax() == "cart"
    assert "log 'cache is cold'" in strongest("sequence", case, "cart")["signal"]


# --- metrics ------------------------------------------------------------------------------
NAMES = ("front", "cart", "ship", "db")
CALLS = [("front", "cart"), ("front", "ship"), ("cart", "db")]


def noise(rise: dict[str, float], n: int = 120, cut: int = 80, wave: float = 0.0,
          **more: object) -> Case:
    """Latencies round 10; from the cut on each higher by as much as is said, on the average."""
    rng = np.random.default_rng(0)
    late = (np.arange(n) >= cut) * (1 + wave * np.sin(np.arange(n)))
    return case_of({name: list(10 + rng.gamma(2, 0.3, n) + rise.get(name, 0) * late)
                    for name in NAMES}, cut, CALLS, **more)


def test_a_metric_that_moved_is_found_and_named():
    case = noise({"cart": 5})
    got = blame_of("metrics", case)
    assert got.idxmax() == "cart"
    assert got["cart"] > 1.5
    assert got.drop("cart").max() < QUIET
    reason = strongest("metrics", case, "cart")
    assert reason["signal"] == "latency"
    assert reason["during"] - reason["before"] == pytest.approx(5, abs=0.5)
    assert blame_of("metrics", noise({})).max() < QUIET


def test_a_fall_is_as_good_as_a_rise():
    assert blame_of("metrics", noise({"cart": -5}))["cart"] == pytest.approx(
        blame_of("metrics", noise({"cart": 5}))["cart"], rel=0.1)


def test_what_all_services_show_in_common_is_left_out():
    case = noise({"front": 5, "cart": 5, "ship": 5, "db": 30})
    apart = case.metrics.assign(name=case.metrics["service"])
    common, own = (blame_of("metrics", each) for each in (case, replace(case, metrics=apart)))
    assert common.idxmax() == "db"
    assert common.drop("db").max() < 0.7 * own.drop("db").min()
    two = case.metrics[case.metrics["service"].isin(["front", "cart"])]
    got = blame_of("metrics", replace(case, metrics=two))  # of two services neither is usual
    assert got["cart"] == pytest.approx(own["cart"])


def test_one_column_of_many_counts_the_fourth_root_of_them():
    few = noise({"cart": 5})
    flat = pd.concat([few.metrics.assign(name=f"m{k}", value=1.0) for k in range(15)])
    many = replace(few, metrics=pd.concat([few.metrics, flat]))
    assert blame_of("metrics", many)["cart"] == pytest.approx(
        blame_of("metrics", few)["cart"] / 2)


def views(moved: list[tuple[str, str]], told: list[tuple[str, str]],
          calls: list[tuple[str, str]]) -> Case:
    """What each of ``told`` measures of its calls with the other; ``moved`` are slow from 80 on."""
    rng = np.random.default_rng(0)
    late = np.arange(120) >= 80
    metrics = pd.concat([pd.DataFrame({
        "time": [at(t) for t in range(120)], "service": here, "name": "wait", "peer_service": there,
        "value": 10 + rng.normal(0, 0.3, 120) + 20 * late * ((here, there) in moved)})
        for here, there in told])
    return Case(normal=((at(0), at(80)),), abnormal=(at(80), at(120)), metrics=metrics,
                topology=pd.DataFrame(calls, columns=["caller", "callee"]))


def test_what_the_caller_sees_and_the_callee_does_not_lies_between_them():
    calls = [("front", "cart"), ("front", "ship")]
    told = [*calls, ("cart", "front"), ("ship", "front")]
    case = views([("front", "cart")], told, calls)
    got = blame_of("peers", case)
    assert got.idxmax() == "cart"
    assert got["ship"] < QUIET
    assert strongest("peers", case, "cart")["signal"] == "time between front->cart"
    assert blame_of("peers", views([], told, calls)).max() < QUIET


def test_what_both_ends_see_is_the_callees_work_and_no_gap():
    calls = [("front", "cart"), ("front", "ship")]
    told = [*calls, ("cart", "front"), ("ship", "front")]
    got = blame_of("peers", views([("front", "cart"), ("cart", "front")], told, calls))
    assert got.max() < QUIET


def test_without_the_callees_view_what_it_waits_for_is_left_out():
    calls = [("front", "cart"), ("cart", "db")]
    got = blame_of("peers", views([*calls], calls, calls))
    assert got.idxmax() == "db"
    assert got["front"] < QUIET
    own = blame_of("peers", views([("front", "cart")], calls, calls))
    assert own.idxmax() == "cart"


def test_metrics_with_a_peer_are_no_services_own():
    calls = [("front", "cart")]
    assert not blame_of("metrics", views(calls, calls, calls)).any()


# --- the symptom --------------------------------------------------------------------------
def path(rise: dict[str, float]) -> Case:
    """Who moves goes up and down with front's latency, which the alert states."""
    return noise(rise, wave=0.5, symptom={"service": "front", "metric": "latency"})


def test_the_entry_is_not_blamed_for_what_its_callee_explains():
    case = path({"front": 6, "cart": 5})
    got = blame_of("symptom", case)
    assert got.idxmax() == "cart"
    assert got["ship"] < 0.2 * got["cart"]
    assert got["front"] < got["cart"]
    assert strongest("symptom", case, "cart")["signal"] == "latency moves with the symptom"


def test_a_caller_loses_most_of_what_its_worst_callee_explains():
    case = path({"front": 6, "cart": 5})
    got, apart = (blame_of("symptom", each) for each in (case, replace(case, topology=None)))
    assert apart["front"] > 0.1
    assert got["front"] == pytest.approx(
        apart["front"] - 0.7 * min(apart["front"], max(apart["cart"], apart["ship"])))


def test_the_entry_is_blamed_where_no_callee_moves():
    got = blame_of("symptom", path({"front": 6}))
    assert got.idxmax() == "front"


def test_the_symptoms_metric_alone_is_looked_at():
    case = path({"front": 6})
    other = path({"ship": 50}).metrics.assign(name="cpu")
    assert blame_of("symptom", replace(case, metrics=pd.concat([case.metrics, other]))).to_dict(
        ) == blame_of("symptom", case).to_dict()


@pytest.mark.parametrize("gap", [CUT, CUT - 20, 0])
def test_a_gap_in_the_symptom_turns_nothing(gap):
    """Of its first row in the incident, of the first that is compared, of the first at all."""
    case = path({"front": 6, "cart": 5})
    times = np.sort(case.metrics["time"].unique())
    missing = (case.metrics["service"] == "front") & (case.metrics["time"] == times[gap])
    assert missing.any()
    holed = replace(case, metrics=case.metrics[~missing])
    assert blame_of("symptom", holed).idxmax() == blame_of("symptom", case).idxmax() == "cart"
    assert blame_of("symptom", holed)["cart"] > 1


def test_a_service_that_moves_the_good_way_is_not_blamed():
    got = blame_of("symptom", path({"front": 6, "cart": -5}))
    assert got["cart"] == 0


def test_a_calm_symptom_blames_hardly_anybody():
    calm = blame_of("symptom", path({}))
    assert calm.max() < 0.1 < 1 < blame_of("symptom", path({"front": 6, "cart": 5})).max()


# --- alerts -------------------------------------------------------------------------------
def raised(*alerts: tuple[str, str], kind: str = "metric") -> Case:
    """Alerts (service, name) among four suspects."""
    table = pd.DataFrame([(who, who, kind, name, "up") for who, name in alerts],
                         columns=["instance", "service", "kind", "name", "direction"])
    return Case(normal=((at(0), at(60)),), abnormal=(at(60), at(90)), alerts=table,
                suspects=NAMES)


def test_without_history_an_alert_that_few_raise_tells():
    case = raised(("front", "cpu"), ("cart", "cpu"), ("ship", "cpu"), ("cart", "disk"))
    got = blame_of("alerts", case)
    assert got.idxmax() == "cart"
    assert np.expm1(got).to_dict() == pytest.approx({
        "front": np.log(5 / 3.5)**1.5, "cart": np.log(5 / 3.5)**1.5 + np.log(5 / 1.5)**1.5,
        "ship": np.log(5 / 3.5)**1.5, "db": 0})
    assert strongest("alerts", case, "cart")["signal"] == "metric alert disk up"


def test_with_history_an_alert_that_its_suspect_never_raised_tells():
    past = [raised(("cart", "disk"), ("front", "cpu"))] * 9 + [noise({})]
    now = raised(("cart", "disk"), ("front", "cpu"), ("ship", "cpu"))
    got = EVIDENCE["alerts"].blame(View.of(now, {"alerts": LEARN["alerts"](past)}))
    assert np.expm1(got).to_dict() == pytest.approx({
        "front": -np.log(9.5 / 10) * np.sqrt(-np.log(9.5 / 10)), "db": 0,
        "cart": np.log(10 / 9.5)**1.5, "ship": np.log(10 / 0.5)**1.5})
    told = EVIDENCE["alerts"].signals(View.of(now, {"alerts": LEARN["alerts"](past)}))
    assert told.set_index("suspect")["before"].to_dict() == {"cart": 1, "front": 1, "ship": 0}


def test_an_alert_of_a_services_own_log_counts_threefold():
    once, thrice = (np.expm1(blame_of("alerts", raised(("cart", "disk"), kind=kind))["cart"])
                    for kind in ("metric", "log"))
    assert once > 0
    assert thrice == pytest.approx(3 * once)


def test_an_alert_raised_twice_counts_once_and_none_at_all_blames_nobody():
    assert blame_of("alerts", raised(("cart", "disk"), ("cart", "disk"))).to_dict() == blame_of(
        "alerts", raised(("cart", "disk"))).to_dict()
    assert not blame_of("alerts", raised(("stranger", "disk"))).any()


def test_an_alert_of_two_instances_of_a_suspect_counts_once():
    one = raised(("cart", "disk"))
    two = pd.concat([one.alerts.assign(instance=name) for name in ("cart-0", "cart-1")])
    assert blame_of("alerts", replace(one, alerts=two)).to_dict() == blame_of(
        "alerts", one).to_dict()
    names = ("cart-0", "cart-1", "front")
    got = blame_of("alerts", replace(one, alerts=two, suspects=names))
    assert got["cart-0"] == got["cart-1"] > got["front"] == 0


# --- what is not there --------------------------------------------------------------------
@pytest.mark.parametrize("name", EVIDENCE)
def test_an_evidence_without_its_table_has_nothing_to_say(name):
    edges = pd.DataFrame(CALLS, columns=["caller", "callee"])
    bare = Case(normal=((at(0), at(40)),), abnormal=(at(40), at(60)), topology=edges)
    assert EVIDENCE[name].blame(View.of(bare)) is None


@pytest.mark.parametrize("name", ["latency", "errors", "sequence"])
def test_few_spans_blame_nobody(name):
    case = one_trace(span("1", None, "a", 1, 5), span("1", None, "a", 41, 900, trace_id="u"))
    assert not EVIDENCE[name].blame(View.of(case)).any()


@pytest.mark.parametrize("unit", [1e-6, 1e-3, 1e6])
def test_a_metric_that_stands_still_does_so_in_any_unit(unit):
    """Running sums of 0.1 round: read as movement, a share in another unit changed its blame."""
    from aiops.rca.evidence import symptom

    calm = np.full((60, 2), 0.1) + np.outer(np.arange(60) % 2, [0.0, 0.05])
    now = np.array([[0.05, 0.1], [0.05, 0.15], [0.05, 0.1]])
    plain = symptom._scales(calm, now, -1.0)
    assert symptom._scales(calm * unit, now * unit, -1.0) == pytest.approx(plain)
    assert plain[0] == 10
