"""The feature row, one a service and window, and the graph of services, by SQL over the lake.

``windows`` and ``topology`` take a DuckDB connection that has the lake's views; all
else takes tables. Windows are half-open, aligned to the Unix epoch, and a span, a log
record or a data point belongs to the window in which it starts or is stamped.
"""

from aiops.features.frames import model_frame, model_rows, system_frame
from aiops.features.histogram import bounds_ns, merge, quantile_ns
from aiops.features.invariants import check
from aiops.features.labels import labels
from aiops.features.topology import graph, topology
from aiops.features.windows import windows

__all__ = ["bounds_ns", "check", "graph", "labels", "merge", "model_frame", "model_rows",
           "quantile_ns", "system_frame", "topology", "windows"]
