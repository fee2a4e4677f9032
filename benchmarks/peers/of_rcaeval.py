"""RCAEval's metric methods, called as its ``main.py`` calls them.

Pham et al., "RCAEval" (WWW 2025). Gaps are filled forward, then with 0; up to 600 rows are kept
on either side of the alert; then the method's own preprocessing (constant columns left out,
``_mem`` in megabytes). Rows are numbered, since a normal period may lie after the incident.

Its wrapper turns a failure into the order of the columns. Here the method inside is called, so
that a failure is one.
"""

import importlib
import inspect

import numpy as np
import pandas as pd
from RCAEval.e2e import nsigma

ROWS = 600
# The service level indicator of main.py on Sock Shop. Where the injected service has a latency
# main.py takes that, which gives the answer away: not here.
FALLBACK = "front-end_cpu"


def table(incident):
    """The one table that RCAEval takes, and the time at which the incident starts."""
    normal, abnormal = incident.normal.tail(ROWS), incident.abnormal.head(ROWS)
    data = pd.concat([normal, abnormal], ignore_index=True)
    data = data.replace([np.inf, -np.inf], np.nan).ffill().fillna(0)
    return data.assign(time=np.arange(len(data))), len(normal)


def calling(method):
    """The method, from an incident to its ranked columns."""
    inner = inspect.getclosurevars(method).nonlocals.get("func", method)

    def rank(incident):
        data, start = table(incident)
        sli = incident.symptom or FALLBACK
        return inner(data, start, dataset="cases", anomalies=None, dk_select_useful=False,
                     sli=sli, verbose=False, n_iter=data.shape[1] - 1)["ranks"]

    return rank


def found(name, module=None):
    """A method by its module: on Python 3.11 the package itself binds but three."""
    return calling(getattr(importlib.import_module(f"RCAEval.e2e.{module or name}"), name))


METHODS = {
    "baro": found("baro"),
    "nsigma": calling(nsigma),
    "circa": found("circa"),
    "microcause": found("microcause"),
    "cloudranger": found("cloudranger"),
    "pc_pagerank": found("pc_pagerank"),
    "pc_randomwalk": found("pc_randomwalk"),
    "granger_pagerank": found("granger_pagerank"),
    "lingam_pagerank": found("lingam_pagerank"),
}
