"""Where in day and week a window begins, on the clocks of a stated time zone."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from aiops.errors import UsageError


def calendar(starts: pd.DatetimeIndex, timezone: str) -> pd.DataFrame:
    """The columns of ``schema.CALENDAR`` for window starts (UTC), in their order.

    Monday is day 0; hours are half-open: business 09-18, peak 10-12 and 14-16, on every
    day of the week (``is_weekend`` stands beside).
    """
    local = starts.tz_convert(zone(timezone))
    hour, day = local.hour.to_numpy(), local.day_of_week.to_numpy()
    return pd.DataFrame({
        "hour_of_day": hour, "day_of_week": day, "day_of_month": local.day.to_numpy(),
        "is_weekend": day >= 5, "is_business_hour": (hour >= 9) & (hour < 18),
        "is_peak_hour": np.isin(hour, [10, 11, 14, 15]),
    })


def zone(name: str) -> ZoneInfo:
    """The IANA time zone of that name."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise UsageError(f"timezone must be an IANA name such as 'UTC' or 'Europe/Berlin', "
                         f"got {name!r}.") from error
