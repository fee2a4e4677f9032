"""Requests of sessions that are alike, each session served by one version."""

from __future__ import annotations

import numpy as np
import pandas as pd

from aiops.changes.effect import LEVEL, Effect
from aiops.changes.impact import AT_SERVICE
from aiops.changes.impact import at_service as measured

ALONE = 1 - (1 - LEVEL) / len(AT_SERVICE)


def sticky(seed: int, n: int = 400, sessions: int = 40, share: float = 0.3, ms: float = 0.0,
           by_request: bool = False) -> pd.DataFrame:
    """A table of ``requests``: sessions of unlike length, slow by a factor of their own.

    Args:
        ms: what the new version adds. by_request: it is drawn anew for each request.
    """
    rng = np.random.default_rng(seed)
    of = rng.choice(sessions, n, p=rng.dirichlet(np.full(sessions, 2.0)))
    slow, failing = np.exp(rng.normal(0, 0.5, sessions)), rng.beta(0.2, 3.8, sessions)
    picked = rng.random(sessions) < share
    new = rng.random(n) < share if by_request else picked[of]
    return pd.DataFrame({"new": new, "latency_ms": rng.gamma(2, 3, n) * slow[of] + ms * new,
                         "failed": rng.random(n) < failing[of], "cluster": of,
                         "route": rng.integers(0, 3, n)})


def at_service(table: pd.DataFrame) -> list[Effect]:
    """The effects on which a verdict rests, within routes."""
    return measured(table, ["route"])
