"""Every picture of the notebooks and reports: frames in, a matplotlib Figure out, no I/O.

The title of a picture says what was found, with its number; the grey lines under it say
what is drawn, from what. matplotlib is imported when the first picture is drawn.
"""

from aiops.plots.across_sets import across_sets
from aiops.plots.alarms import alarms
from aiops.plots.anomaly_score import anomaly_score
from aiops.plots.blame_graph import blame_graph
from aiops.plots.effects import effects, gains
from aiops.plots.evidence import evidence
from aiops.plots.incidents import incidents
from aiops.plots.latency_heatmap import latency_heatmap
from aiops.plots.leaderboard import leaderboard
from aiops.plots.learning_curve import learning_curve
from aiops.plots.parts import if_usual, parts
from aiops.plots.service_graph import service_graph
from aiops.plots.spreads import spreads
from aiops.plots.style import to_png
from aiops.plots.tables import enable, to_html
from aiops.plots.waterfall import slowest_trace, typical_trace, waterfall

__all__ = ["across_sets", "alarms", "anomaly_score", "blame_graph", "effects", "enable",
           "evidence", "gains", "if_usual", "incidents", "latency_heatmap",
           "leaderboard", "learning_curve", "parts", "service_graph", "slowest_trace",
           "spreads", "to_html", "to_png", "typical_trace", "waterfall"]
