"""Times as they come over the wire: text of RFC 3339, with its offset."""

from __future__ import annotations

import re

import pandas as pd

TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
EXAMPLE = "2026-11-25T10:00:05Z"


def parsed(given: pd.Series) -> pd.Series:
    """Times in UTC; NaT for what is no time of RFC 3339."""
    known = given.map(lambda text: isinstance(text, str) and bool(TIME.fullmatch(text)))
    return pd.to_datetime(given.where(known.astype(bool)), format="ISO8601", utc=True,
                          errors="coerce")
