"""Which series of a service moved: medians before and during, and what was seen before."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from aiops.windows import Window, within

_OFTEN, _ALWAYS = 0.3, 0.7  # shares of the steps: a series that came, one that went


def moves(metrics: pd.DataFrame, normal: Sequence[Window], abnormal: Window) -> pd.DataFrame:
    """One row a metric name, those that moved first, then by how far.

    A metric moved when its median at least doubled or halved and lies outside all that was
    seen before; also when it came where none was, or went although it was always there.

    Args:
        metrics: Case metrics of one service.

    Returns:
        index = name; ``before`` and ``during`` (medians, null when none), ``moved``, ``size``
        (absolute logarithm of the change).
    """
    each = metrics.groupby(["name", "time"]).value.mean().reset_index()
    calm, now = (each[within(each.time, windows)] for windows in (normal, [abnormal]))
    found = pd.DataFrame({
        "before": calm.groupby("name").value.median(), "during": now.groupby("name").value.median(),
        "low": calm.groupby("name").value.min(), "high": calm.groupby("name").value.max(),
        "often_before": calm.groupby("name").size() / max(calm.time.nunique(), 1),
        "often_during": now.groupby("name").size() / max(now.time.nunique(), 1)})
    found = found.reindex(sorted(set(each.name)))
    base, value = found.before.fillna(0.0), found.during.fillna(0.0)
    both = (base > 0) & (value > 0)
    size = np.log(value.where(both, 1.0) / base.where(both, 1.0)).abs()
    came = (base == 0) & (value > found.high.fillna(0.0)) & (found.often_during >= _OFTEN)
    went = (base > 0) & found.during.isna() & (found.often_before >= _ALWAYS)
    size = size.mask(came, np.log(20.0) * found.often_during).mask(went, np.log(10.0))
    out = ~value.between(found.low, found.high) & (size >= np.log(2.0)) & both
    found = found.assign(size=size, moved=(out | came | went).astype(bool))
    found = found.sort_values(["moved", "size"], ascending=False, kind="stable")
    return found[["before", "during", "moved", "size"]]


def labels(names: Iterable[str], among: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Each series as (metric, what tells it from the others ``among`` of that metric).

    Series are named ``metric{key=value,...}``; an attribute with one value in all of them,
    or a value said already, tells nothing.
    """
    known: dict[str, list[dict[str, str]]] = {}
    for name in among:
        metric, attributes = _parts(name)
        known.setdefault(metric, []).append(attributes)
    out = {}
    for name in names:
        metric, attributes = _parts(name)
        rest = known.get(metric, [])
        telling = [v for k, v in attributes.items() if len({r.get(k) for r in rest}) > 1]
        out[name] = metric, " · ".join(dict.fromkeys(telling))
    return out


def _parts(name: str) -> tuple[str, dict[str, str]]:
    metric, _, inside = name.partition("{")
    pairs = re.split(r",(?=[\w.]+=)", inside.removesuffix("}")) if inside else []
    return metric, dict(pair.split("=", 1) for pair in pairs if "=" in pair)
