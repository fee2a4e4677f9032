"""Answers as text: tables of at most 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

WIDTH = 80
_LONGEST = 34  # of a name


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Columns beside each other, the first to the left, the others to the right.

    >>> print(table(["who", "ms"], [["payment", 12.3456], ["a->b", None]]))
    who          ms
    payment   12.35
    a->b          -
    """
    cells = [[cell(each) for each in row] for row in (head, *rows)]
    width = [max(len(row[k]) for row in cells) for k in range(len(head))]
    width[0] = min(max(width[0], 8), WIDTH - sum(width[1:]) - 2 * len(width[1:]))
    return "\n".join("  ".join([_cut(row[0], width[0]).ljust(width[0]), *(
        each.rjust(w) for each, w in zip(row[1:], width[1:], strict=True))]).rstrip()
        for row in cells)


def measured(name: str) -> str:
    """A variable's name with its unit, where spans give it one.

    >>> measured("cart span_latency"), measured("cart cpu")
    ('cart span_latency (ms)', 'cart cpu')
    """
    return f"{name} (ms)" if name.endswith("span_latency") else name


def cell(value: object) -> str:
    """A number with four digits that count, a name cut to 34 characters, nothing as "-"."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else _cut(str(value), _LONGEST)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[:width - 1] + "~"
