"""Cases small enough to work out by hand, for the tests of rankers."""

import pandas as pd

from aiops.case import Case

T0 = pd.Timestamp("2026-01-31T12:00:00Z")


def at(seconds: float) -> pd.Timestamp:
    return T0 + pd.Timedelta(seconds=seconds)


def case_of(series: dict[str, list[float]], cut: int, calls: list[tuple[str, str]] | None = None,
            name: str = "latency", **more: object) -> Case:
    """A row a second of one metric by service; the incident begins at row ``cut``."""
    n = len(next(iter(series.values())))
    metrics = pd.concat([pd.DataFrame({"time": [at(i) for i in range(n)], "service": service,
                                       "name": name, "value": values})
                         for service, values in series.items()]).dropna()
    topology = None if calls is None else pd.DataFrame(calls, columns=["caller", "callee"])
    return Case(normal=((at(0), at(cut)),), abnormal=(at(cut), at(n)), metrics=metrics,
                topology=topology, **more)  # type: ignore[arg-type]
