"""Log templates that came, or grew in number, and whom they speak against."""

from __future__ import annotations

import numpy as np
import pandas as pd

from aiops.rca import places
from aiops.rca.view import Arrays, View

_SURE = 3.0  # standard errors that chance may take
_BURSTS = 0.1  # of the expected number, as a variance beyond Poisson's: records come in bursts


def blame(view: View) -> pd.Series | None:
    """Templates by what their records speak against, by who is behind it.

    The effect of a service's template is log(1 + z beyond chance) of its number of records. A
    record speaks against the service that wrote it, unless its span failed: then
    against the place where that failure began.
    """
    if view.arrays.logs is None:
        return None
    found = _changes(view)
    top = found.groupby(["kind", "place"])["effect"].max().reset_index()
    return places.direct(top["effect"].to_numpy(), top["kind"].to_numpy(),
                         top["place"].to_numpy(), view.suspects)


def signals(view: View) -> pd.DataFrame:
    """A row a template and place: records per minute before and during."""
    return places.by_suspect(_changes(view))


def _changes(view: View) -> pd.DataFrame:
    logs = view.arrays.logs
    assert logs is not None
    key, about = view.arrays.once(_groups)
    k0, k1 = (np.bincount(key[side], minlength=len(about)) for side in view.sides(logs))
    s0 = sum((end - start).total_seconds() for start, end in view.normal)
    s1 = (view.abnormal[1] - view.abnormal[0]).total_seconds()
    expected = k0 * s1 / s0
    z = (k1 - expected) / np.sqrt(expected * (1 + s1 / s0) + _BURSTS * expected**2 + 1)
    return about.assign(effect=np.log1p(np.maximum(z - _SURE, 0)),
                        before=60 * k0 / s0, during=60 * k1 / s1)


def _groups(arrays: Arrays) -> tuple[np.ndarray, pd.DataFrame]:
    """Records by writer, template and place: the group of each, and what the groups are."""
    logs, spans = arrays.logs, arrays.spans
    assert logs is not None
    kind = np.full(len(logs.time), places.OWN, dtype=object)
    place = logs.service.copy()
    if spans is not None:
        row = np.maximum(logs.row, 0)
        origin = spans.origin[row]
        handed = (logs.row >= 0) & spans.failed[origin]
        kind[handed], place[handed] = spans.kind[origin][handed], spans.place[origin][handed]
    key, about = pd.factorize(pd.MultiIndex.from_arrays(
        [logs.service, np.asarray(logs.templates, dtype=object)[logs.template], kind, place]))
    rows = pd.DataFrame(about.tolist(), columns=["service", "template", "kind", "place"])
    rows["signal"] = "log of " + rows["service"] + ", per minute: " + rows["template"]
    return key, rows
