"""Made requests of a front that asks a catalog and a cart; the catalog may change its version."""

from __future__ import annotations

import numpy as np
import pandas as pd

from aiops.case import Case

START = pd.Timestamp("2026-03-02T09:00:00Z")
CHANGE, END = START + pd.Timedelta("60s"), START + pd.Timedelta("120s")
OLD, NEW = "1.4.0", "1.5.0"


def made(n: int = 600, share: float = 0.3, ms: float = 0.0, failing: float = 0.0,
         at_once: bool = False, seed: int = 0, routes: tuple[str, ...] = ("GET /", "GET /item"),
         slow_route: float = 0.0, picky: bool = False, region: bool = False,
         flag: bool = False, ramp: bool = False, sessions: int = 0, tenants: int = 0,
         hit: float = 0.0) -> Case:
    """A Case of n requests, half of them after the change.

    Args:
        share: of the requests that the new version serves. ms, failing: what it adds.
        slow_route: ms that the last route takes longer. picky: it gets nearly all new ones.
        at_once: all requests after the change are new. ramp: its share grows with time.
        flag: a flag of the catalog goes with the version. region: the first span tells one.
        sessions: so many, told by the first span, each slow in its own way (a factor of about 2)
            and served by one version. tenants: so many, told by the first span.
        hit: ms that the new version adds for tenant t1 on the last route alone.
    """
    rng = np.random.default_rng(seed)
    when = np.sort(rng.uniform(0, 120, n))
    route = rng.integers(0, len(routes), n)
    chance = np.full(n, share)
    if picky:
        chance = np.where(route == len(routes) - 1, 0.8, 0.1)
    if ramp:
        chance = np.clip((when - 60) / 60, 0, 1)
    new = (when >= 60) & (at_once | (rng.random(n) < chance))
    more = np.random.default_rng([seed, 1])
    session = more.integers(0, max(sessions, 1), n)
    own = np.exp(more.normal(0, 0.7, max(sessions, 1)) * (sessions > 0))
    if sessions:
        new = (when >= 60) & (at_once | (more.random(sessions) < share)[session])
    tenant = more.integers(0, max(tenants, 1), n)
    took = 5 + rng.gamma(2, 2, n) + slow_route * (route == len(routes) - 1) + ms * new
    took = took * own[session] + hit * (new & (tenant == 1) & (route == len(routes) - 1))
    failed = new & (rng.random(n) < failing)
    rows = []
    for at in range(n):
        rows += _request(at, START + pd.Timedelta(float(when[at]), "s"), routes[route[at]],
                         float(took[at]), bool(new[at]), bool(failed[at]), float(rng.gamma(2, 1)),
                         {**({"region": ("eu", "us")[at % 2]} if region else {}),
                          **({"session.id": f"s{session[at]}"} if sessions else {}),
                          **({"tenant": f"t{tenant[at]}"} if tenants else {})}, flag)
    return Case(normal=((START, CHANGE),), abnormal=(CHANGE, END), traces=pd.DataFrame(rows),
                entry_service="front")


def _request(at: int, start: pd.Timestamp, route: str, took: float, new: bool, failed: bool,
             cart: float, told_first: dict[str, str], flag: bool) -> list[dict]:
    trace, status = f"{at:032x}", "error" if failed else "unset"
    told = {"service.version": NEW if new else OLD}
    if flag:
        told |= {"feature_flag.key": "ranking",
                 "feature_flag.result.variant": "on" if new else "off"}
    whole = {"trace_id": trace, "kind": "server"}
    after = start + pd.Timedelta(took + 0.5, "ms")
    return [
        {**whole, "span_id": "a", "parent_span_id": None, "service": "front", "operation": route,
         "start": start, "duration_ns": int((took + cart + 2) * 1e6), "status_code": status,
         "attributes": told_first},
        {**whole, "span_id": "b", "parent_span_id": "a", "service": "catalog",
         "operation": "Get", "start": start + pd.Timedelta(0.5, "ms"),
         "duration_ns": int(took * 1e6), "status_code": status, "attributes": told},
        {**whole, "span_id": "c", "parent_span_id": "a", "service": "cart", "operation": "Get",
         "start": after, "duration_ns": int(cart * 1e6), "status_code": "unset",
         "attributes": {}},
    ]
