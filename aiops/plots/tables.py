"""Tables as a report wants them: text left, numbers right, equal decimals, unit in the head."""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING, Any

import pandas as pd
from pandas.api.types import is_bool_dtype, is_float_dtype, is_numeric_dtype

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROWS = 30
UNITS = {"_per_s": "1/s", "_ms": "ms", "_ns": "ns", "_s": "s", "_bytes": "bytes",
         "_percent": "%", "_cores": "cores", "_utc": "UTC"}
# JupyterLab's own sheet sets all cells right, so that a class alone would not do there.
_ALIGNED = {"num": 'class="num"', "txt": 'class="txt" style="text-align:left"',
            "time": 'class="txt time" style="text-align:left;white-space:nowrap"'}


def to_html(frame: pd.DataFrame, rows: int = ROWS) -> str:
    """An HTML table of the first ``rows`` rows, which says how many there are."""
    frame = frame if frame.columns.nlevels == 1 else frame.set_axis(
        [" ".join(map(str, c)) for c in frame.columns], axis=1)
    indexed = not isinstance(frame.index, pd.RangeIndex)
    if indexed:
        frame = frame.reset_index(allow_duplicates=True)
    places = [_decimals(frame.iloc[:, i]) for i in range(frame.shape[1])]
    sides = [_side(t) for t in frame.dtypes]
    head = "".join(f'<th {_ALIGNED[s]}>{_head(c, indexed and i == 0)}</th>'
                   for i, (s, c) in enumerate(zip(sides, frame.columns, strict=True)))
    body = "".join(
        "<tr>" + "".join(f'<td {_ALIGNED[s]}>{_cell(v, p)}</td>'
                         for s, v, p in zip(sides, row, places, strict=True)) + "</tr>"
        for row in frame.head(rows).itertuples(index=False, name=None))
    more = f"<caption>{rows} of {len(frame):,} rows</caption>" if len(frame) > rows else ""
    return (f'<table class="tidy">{more}<thead><tr>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table>")


def _side(dtype: Any) -> str:
    """Numbers stand right, the rest left; times do not break."""
    if isinstance(dtype, pd.DatetimeTZDtype):
        return "time"
    return "num" if is_numeric_dtype(dtype) and not is_bool_dtype(dtype) else "txt"


def _head(name: Any, is_index: bool) -> str:
    text = "" if is_index and name == "index" else str(name)
    for end, unit in UNITS.items():
        if text.endswith(end):
            words = html.escape(text[: -len(end)].replace("_", " "))
            return f"{words} <small>{html.escape(unit)}</small>"
    return html.escape(text.replace("_", " "))


def _decimals(column: pd.Series) -> int:
    """Decimals that give the largest value three figures, equal down the column."""
    if not is_float_dtype(column.dtype):
        return 0
    top = column.abs().max()
    if pd.isna(top) or not math.isfinite(top) or top == 0:
        return 0
    return min(max(2 - math.floor(math.log10(top)), 0), 4)


def _cell(value: Any, places: int) -> str:
    if isinstance(value, list | tuple | dict) or hasattr(value, "__array__") and value.shape:
        return html.escape(str(value))
    if pd.isna(value):
        return "–"
    if isinstance(value, pd.Timestamp):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, bool | str) or not hasattr(value, "__float__"):
        return html.escape(str(value))
    return f"{value:,.{places}f}"


def enable() -> None:
    """In a notebook: show frames as these tables, Figures as PNG of 200 dpi.

    tqdm's call for ipywidgets is silenced: widgets do not survive in an executed copy.
    """
    import warnings

    from IPython.core.getipython import get_ipython

    from aiops.plots.style import to_png

    shell = get_ipython()
    if shell is None or shell.display_formatter is None:
        return
    warnings.filterwarnings("ignore", message="IProgress not found")
    formatters = shell.display_formatter.formatters
    formatters["text/html"].for_type(pd.DataFrame, to_html)
    formatters["image/png"].for_type_by_name("matplotlib.figure", "Figure", _png(to_png))


def _png(draw: Any) -> Any:
    def show(fig: Figure) -> tuple[bytes, dict[str, str]]:
        return draw(fig), {"alt": str(fig.get_label())}

    return show
