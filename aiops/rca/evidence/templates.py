"""Log templates that came, went, or grew in number, and whom they speak against."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from aiops.rca import places, shifts
from aiops.rca.view import Arrays, View

TABLE = "logs"
_SURE = 2.5  # standard errors that chance may take
_BURSTS = 0.1  # of the expected number, as a variance beyond Poisson's: records come in bursts
_WEIGHT = 3.0  # of z x difference, to stand beside scales
_FEW = 5  # normal requests of a service, before its templates can be said to be new


class _Groups(NamedTuple):
    """Records by writer, template and place; those of requests once a request."""

    about: pd.DataFrame  # service, template, kind, place, tied (to requests)
    group: np.ndarray  # of each record that counts
    record: np.ndarray
    requests: pd.DataFrame  # row (of a span), service: each request once a service it touches


def blame(view: View) -> pd.Series | None:
    """Templates by what their records speak against, by who is behind it.

    Of records that tell their request, the share of a service's requests that have the template:
    log(1 + 3 z beyond chance x difference of shares). Of others their number: log(1 + z beyond
    chance). A record speaks against the service that wrote it, unless its span failed: then
    against the place where that failure began.
    """
    if view.arrays.logs is None:
        return None
    top = _changes(view).groupby(["kind", "place"])["effect"].max().reset_index()
    return places.direct(top["effect"].to_numpy(), top["kind"].to_numpy(),
                         top["place"].to_numpy(), view.suspects)


def signals(view: View) -> pd.DataFrame:
    """A row a template and place: share of requests, or records a minute, before and during."""
    return places.by_suspect(_changes(view))


def _changes(view: View) -> pd.DataFrame:
    groups = view.arrays.once(_groups)
    tied = groups.about["tied"].to_numpy()
    found = pd.concat([_shares(view, groups)[tied], _numbers(view, groups)[~tied]]).sort_index()
    unit = np.where(tied, "share of requests", "a minute")
    return groups.about.assign(**found, signal="log of " + groups.about["service"] + ", " + unit
                               + ": " + groups.about["template"])


def _shares(view: View, groups: _Groups) -> pd.DataFrame:
    logs, spans = view.arrays.logs, view.arrays.spans
    assert logs is not None
    if spans is None:
        return pd.DataFrame(0.0, groups.about.index, ["effect", "before", "during"])
    sides = view.sides(spans)
    row = logs.row[groups.record]
    k0, k1 = (np.bincount(groups.group[(row >= 0) & side[row]], minlength=len(groups.about))
              for side in sides)
    n0, n1 = (groups.about["service"].map(groups.requests.loc[
        side[groups.requests["row"]], "service"].value_counts()).fillna(0).to_numpy()
        for side in sides)
    p0, p1 = k0 / np.maximum(n0, 1), k1 / np.maximum(n1, 1)
    z = np.maximum(np.abs(shifts.proportions(k0, n0, k1, n1)) - _SURE, 0)
    known = (n0 >= _FEW) & (n1 > 0)
    return pd.DataFrame({"effect": np.where(known, np.log1p(_WEIGHT * z * np.abs(p1 - p0)), 0),
                         "before": p0, "during": p1})


def _numbers(view: View, groups: _Groups) -> pd.DataFrame:
    logs = view.arrays.logs
    assert logs is not None
    k0, k1 = (np.bincount(groups.group[side[groups.record]], minlength=len(groups.about))
              for side in view.sides(logs))
    s0 = sum((end - start).total_seconds() for start, end in view.normal)
    s1 = (view.abnormal[1] - view.abnormal[0]).total_seconds()
    expected = k0 * s1 / s0
    z = (k1 - expected) / np.sqrt(expected * (1 + s1 / s0) + _BURSTS * expected**2 + 1)
    return pd.DataFrame({"effect": np.log1p(np.maximum(z - _SURE, 0)),
                         "before": 60 * k0 / s0, "during": 60 * k1 / s1})


def _groups(arrays: Arrays) -> _Groups:
    logs, spans = arrays.logs, arrays.spans
    assert logs is not None
    kind = np.full(len(logs.time), places.OWN, dtype=object)
    place, trace = logs.service.copy(), np.full(len(logs.time), -1)
    requests = pd.DataFrame({"row": np.zeros(0, dtype=int), "service": []})
    if spans is not None:
        tied = logs.row >= 0
        trace[tied] = spans.trace[logs.row[tied]]
        origin = spans.origin[np.maximum(logs.row, 0)]
        handed = tied & spans.failed[origin]
        kind[handed], place[handed] = spans.kind[origin][handed], spans.place[origin][handed]
        requests = pd.DataFrame({"row": np.arange(len(spans)), "service": spans.names,
                                 "trace": spans.trace}).drop_duplicates(["service", "trace"])
    rows = pd.DataFrame({"service": logs.service, "kind": kind, "place": place, "template":
                         np.asarray(logs.templates, dtype=object)[logs.template],
                         "tied": trace >= 0, "trace": trace})
    by = ["service", "template", "kind", "place", "tied"]
    rows = rows[~rows["tied"] | ~rows.duplicated([*by, "trace"])]
    group, about = pd.factorize(pd.MultiIndex.from_frame(rows[by]))
    return _Groups(pd.DataFrame(about.tolist(), columns=by), group, rows.index.to_numpy(),
                   requests)
