"""Tables as a report wants them: text left, numbers right, equal decimals, unit in the head."""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING, Any

import pandas as pd
from pandas.api.types import is_bool_dtype, is_float_dtype, is_numeric_dtype

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROWS = 40
_SHORT = 20  # characters: a name so long is not broken over lines
UNITS = {"_per_s": "1/s", "_ms": "ms", "_ns": "ns", "_s": "s", "_bytes": "bytes",
         "_percent": "%", "_cores": "cores", "_utc": "UTC"}
# JupyterLab's own sheet sets all cells right, so that a class alone would not do there.
_ALIGNED = {"num": 'class="num"', "txt": 'class="txt" style="text-align:left"',
            "whole": 'class="txt" style="text-align:left;white-space:nowrap"'}


def to_html(frame: pd.DataFrame, rows: int = ROWS) -> str:
    """An HTML table of the first ``rows`` rows, which says how many there are."""
    frame = frame if frame.columns.nlevels == 1 else frame.set_axis(
        [" ".join(map(str, c)) for c in frame.columns], axis=1)
    indexed = not isinstance(frame.index, pd.RangeIndex)
    if indexed:
        frame = frame.reset_index(allow_duplicates=True)
    columns = [frame.iloc[:, i] for i in range(frame.shape[1])]
    places = [_instants(c) if _is_time(c) else _decimals(c) for c in columns]
    sides = [_side(c) for c in columns]
    head = "".join(f'<th {_ALIGNED["num" if s == "num" else "txt"]}>'
                   f'{_head(c, indexed and i == 0)}</th>'
                   for i, (s, c) in enumerate(zip(sides, columns, strict=True)))
    body = "".join(
        "<tr>" + "".join(f'<td {_ALIGNED[s]}>{_cell(v, p)}</td>'
                         for s, v, p in zip(sides, row, places, strict=True)) + "</tr>"
        for row in frame.head(rows).itertuples(index=False, name=None))
    more = f"<caption>{rows} of {len(frame):,} rows</caption>" if len(frame) > rows else ""
    return (f'<table class="tidy">{more}<thead><tr>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table>")


def _side(column: pd.Series) -> str:
    """Numbers stand right, the rest left; times and short names do not break."""
    if is_numeric_dtype(column.dtype) and not is_bool_dtype(column.dtype):
        return "num"
    short = column.dropna().map(lambda value: isinstance(value, str) and len(value) <= _SHORT)
    return "whole" if _is_time(column) or short.all() else "txt"


def _is_time(column: pd.Series) -> bool:
    return isinstance(column.dtype, pd.DatetimeTZDtype)


def _instants(column: pd.Series) -> str:
    """How times are written: of one day by the hour alone, for the head names the day."""
    return "%H:%M:%S" if _day(column) else "%Y-%m-%d %H:%M:%S"


def _day(column: pd.Series) -> str:
    """The day that all times of a column lie in; empty when they do not, or are none."""
    days = set(column.dropna().dt.strftime("%Y-%m-%d")) if _is_time(column) else set()
    return days.pop() if len(days) == 1 else ""


def _head(column: pd.Series, is_index: bool) -> str:
    text = "" if is_index and column.name == "index" else str(column.name)
    small = [_day(column)]
    for end, unit in UNITS.items():
        if text.endswith(end):
            text, small = text[: -len(end)], [*small, unit]
            break
    told = html.escape(" ".join(filter(None, small)))
    return html.escape(text.replace("_", " ")) + (f" <small>{told}</small>" if told else "")


def _decimals(column: pd.Series) -> int:
    """Decimals that give the largest value three figures, equal down the column.

    Fewer where that writes the same: no column of 5.00 and 8.00.
    """
    if not is_float_dtype(column.dtype):
        return 0
    top = column.abs().max()
    if pd.isna(top) or not math.isfinite(top) or top == 0:
        return 0
    most = min(max(2 - math.floor(math.log10(top)), 0), 4)
    written = column.round(most)
    return next(p for p in range(most + 1) if written.round(p).equals(written))


def _cell(value: Any, places: int | str) -> str:
    """One value; ``places`` are a number's decimals, or how a time is written."""
    if isinstance(value, list | tuple | dict) or hasattr(value, "__array__") and value.shape:
        return html.escape(str(value))
    if pd.isna(value):
        return "–"
    if isinstance(value, pd.Timestamp):
        return value.strftime(str(places or "%Y-%m-%d %H:%M:%S"))
    if isinstance(value, bool | str) or not hasattr(value, "__float__"):
        return html.escape(str(value))
    return f"{value:,.{places}f}".replace("-", "−")


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
