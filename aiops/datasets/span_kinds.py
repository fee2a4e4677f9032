"""Span kinds and peers, worked out from who answers whom, for data that states neither.

``neighbours`` needs whole traces, so it is asked first, per file; ``with_kinds`` then sees all
spans of a Case.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

_KEY = ["trace_id", "span_id"]


def neighbours(spans: pd.DataFrame) -> pd.DataFrame:
    """Case traces with three more columns: ``begun``, when the trace's first span started;
    ``entering``, a root or a child of another service; ``answered``, the other service that
    has a child of this span. Spans that are there twice are left out once."""
    spans = spans.drop_duplicates(_KEY, ignore_index=True)
    above = spans[[*_KEY, "service"]].set_axis(["trace_id", "parent_span_id", "above"], axis=1)
    above = spans[["trace_id", "parent_span_id", "service"]].merge(above, "left")
    foreign = above["above"].notna() & (above["above"] != above["service"])
    below = above[foreign].drop_duplicates(["trace_id", "parent_span_id"])[
        ["trace_id", "parent_span_id", "service"]].set_axis([*_KEY, "answered"], axis=1)
    return spans.assign(
        begun=spans.groupby("trace_id", sort=False)["start"].transform("min"),
        entering=spans["parent_span_id"].isna() | foreign,
        answered=spans[_KEY].merge(below, "left")["answered"])


def with_kinds(spans: pd.DataFrame) -> pd.DataFrame:
    """Case traces with ``kind`` and ``peer_service``, from the columns of ``neighbours``.

    A span that answers another service, or a root, is a server; a span that another
    service answers is a client, and so is one whose operation another service answers
    elsewhere (its answer may be missing); the others are internal. Where the answer is
    missing, the peer is stated only if one service alone answers that operation.
    """
    key = ["service", "operation"]
    calls = spans.loc[spans["answered"].notna(), [*key, "answered"]].drop_duplicates()
    calls = calls.groupby(key)["answered"].agg(["size", "first"]).reset_index()
    found = spans[key].merge(calls, "left").set_axis(spans.index)
    client = ~spans["entering"] & (spans["answered"].notna() | found["size"].notna())
    peer = spans["answered"].fillna(found["first"].where(found["size"] == 1)).where(client)
    kind = np.select([spans["entering"], client], ["server", "client"], "internal")
    return spans.drop(columns=["begun", "entering", "answered"]).assign(
        kind=pd.Series(kind, index=spans.index, dtype="str"), peer_service=peer)
