"""An explanation in words and small tables."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from aiops.plots import style

if TYPE_CHECKING:
    from aiops.explained import Explanation

TOLD = 0.05  # blame that an evidence adds to somebody, to be told
ROOM = 100  # characters of a signal
NAME = 34  # characters of a name, more only where it takes more to tell two apart
REST = 38  # characters of a line that no name takes
_NO_BREAK = "\N{NO-BREAK SPACE}"


def headline(told: Explanation) -> str:
    """Who is blamed, and how sure that is: one or two sentences."""
    if told.ranks.empty or told.ranks.iloc[0] <= 0:
        return "Nothing speaks against any suspect."
    first = f"{told.ranks.index[0]} (blame {told.ranks.iloc[0]:.2f})"
    if told.abstains:
        right = "" if told.confidence is None else \
            f", right with a probability of {told.confidence:.0%} if there is a fault"
        return ("It names nobody: this looks like no incident, or like one that it cannot "
                f"explain. First would be {first}{right}.")
    sure = "" if told.confidence is None else f", confidence {told.confidence:.0%}"
    if len(told.culprits) > 1:
        second = f"{told.culprits[1]} (blame {told.ranks[told.culprits[1]]:.2f})"
        return f"Two seem to be at fault: {first} and {second}{sure}."
    return f"{first} is blamed{sure}."


def ranked(told: Explanation, rows: int) -> pd.DataFrame:
    """The first suspects: suspect, blame, and what each evidence adds, most first."""
    terms = told.terms.iloc[:rows]
    terms = terms.loc[:, terms.max() >= TOLD]
    order = terms.sum().sort_values(ascending=False, kind="stable").index
    blame = told.ranks.iloc[:rows].rename_axis("suspect").reset_index()
    return blame.join(terms[order].reset_index(drop=True)).round(2)


def way(told: Explanation) -> pd.DataFrame:
    """The path, a row a step, its change in words."""
    rows = pd.DataFrame(told.path).rename(columns={"place": "step"})
    return _worded(rows)[["step", "evidence", "signal", "change", "effect"]]


def spoken(reasons: pd.DataFrame) -> pd.DataFrame:
    """Reasons with their change in words."""
    return _worded(reasons)[["suspect", "evidence", "signal", "change", "effect"]]


def _worded(rows: pd.DataFrame) -> pd.DataFrame:
    """With the change from before to during in words, and the signal's name shortened."""
    there = rows["signal"].notna()
    return rows.assign(
        change=[change(*ends) for ends in zip(rows["before"], rows["during"], strict=True)],
        signal=[shorter(signal) for signal in rows["signal"].fillna("").astype(str)],
        effect=rows["effect"].where(there).round(2)).reset_index(drop=True)


def shorter(signal: str, room: int = ROOM) -> str:
    """A signal's name without the keys of its attributes, cut to the room there is.

    >>> shorter("requests{http.request.method=GET,http.route=/product/{id}}")
    'requests (GET, /product/{id})'
    """
    if re.match(r"[\w.]+\{[\w.]+=", signal) and signal.endswith("}"):
        metric, inside = signal[:-1].split("{", 1)
        pairs = re.split(r",(?=[\w.]+=)", inside)
        signal = f"{metric} ({', '.join(pair.split('=', 1)[1] for pair in pairs)})"
    return signal if len(signal) <= room else signal[: room - 1] + "…"


def change(before: float | None, during: float | None) -> str:
    """12 → 510; what is not known is left out, and so is a change of nothing."""
    if during is None or pd.isna(during):
        return ""
    now = style.brief(float(during)) if during else "0"
    if before is None or pd.isna(before):
        return now
    return f"{style.brief(float(before)) if before else '0'} → {now}"


# --- for a terminal, and for machines ----------------------------------------------------
def to_text(told: Explanation, rows: int = 5, width: int = 80) -> str:
    """The explanation in lines of at most ``width`` characters."""
    parts = [textwrap.fill(headline(told), width), _blames(told, rows, width)]
    if (nobody := told.ranks.attrs.get("nobody")) is not None:
        parts[-1] += f"\n\nNobody is to blame with a probability of {nobody:.0%}."
    if told.path:
        parts.append(f"{_heading('The way there:', width)}\n" + _lines(
            [(step.place, step.evidence or "", _said(step)) for step in told.path], width))
    for name in told.culprits or told.ranks.index[:1]:
        mine = told.reasons[told.reasons["suspect"] == name]
        if len(mine):
            parts.append(f"{_heading(f'What speaks against {name}:', width)}\n" + _lines(
                [(row.evidence, _said(row)) for row in mine.itertuples()], width))
    if told.moved is not None and len(told.moved):
        first = told.ranks.index[0]
        parts.append(f"{_heading(f'What moved it to blame {first}, in log odds:', width)}\n"
                     + _lines([(row.of, f"{row.evidence} {row.effect:+.2f}")
                               for row in told.moved.head(rows).itertuples()], width))
    return "\n\n".join(parts)


def to_dict(told: Explanation) -> dict[str, Any]:
    """The explanation as JSON's types: every suspect's blame, mean rank and terms; reasons."""
    ranks = told.ranks.rank(ascending=False, method="average")
    return {
        "culprits": list(told.culprits), "confidence": told.confidence, "abstains": told.abstains,
        "ranks": [{"suspect": name, "blame": blame, "rank": rank, "adds": adds}
                  for name, blame, rank, adds in zip(
                      told.ranks.index, told.ranks, ranks, told.terms.to_dict("records"),
                      strict=True)],
        "path": [step._asdict() for step in told.path],
        "reasons": told.reasons.to_dict("records"),
        **({} if told.moved is None else {"moved": told.moved.to_dict("records")}),
        **{name: told.ranks.attrs[name] for name in ("nobody",) if name in told.ranks.attrs}}


def _heading(text: str, width: int) -> str:
    return textwrap.shorten(text, width, placeholder=" …")


def _blames(told: Explanation, rows: int, width: int) -> str:
    """A line a suspect: its place, its blame, what each evidence adds."""
    place = told.ranks.rank(ascending=False, method="min")
    cells = [("", "suspect", "blame", "of which")]
    for name in told.ranks.index[:rows]:
        adds = told.terms.loc[name].sort_values(ascending=False, kind="stable")
        cells.append((f"{place[name]:.0f}", str(name), f"{told.ranks[name]:.2f}", ", ".join(
            f"{evidence} {added:.2f}" for evidence, added in adds.items() if added >= TOLD)))
    more = len(told.ranks) - rows
    rest = f"\n   and {style.count(more, 'suspect')} more" if more > 0 else ""
    return _lines(cells, width, right=(0, 2)) + rest


def _said(row: Any) -> str:
    """A signal and its change; what moved nothing says so."""
    if not isinstance(row.signal, str):
        return "nothing of its own moved"
    moved = change(row.before, row.during).replace(" ", _NO_BREAK)
    return f"{shorter(row.signal)}  {moved}".rstrip()


def _lines(cells: Sequence[tuple[str, ...]], width: int, right: tuple[int, ...] = ()) -> str:
    """Columns side by side, of which the last is wrapped; long names are cut in the middle."""
    label = labels({cell for row in cells for cell in row[:-1]}, max(NAME, width - REST))
    fixed = [[label[cell] for cell in row[:-1]] for row in cells]
    wide = [max(map(len, column)) for column in zip(*fixed, strict=True)]
    out = []
    for row, (*_, last) in zip(fixed, cells, strict=True):
        start = "  ".join(cell.rjust(w) if i in right else cell.ljust(w)
                          for i, (cell, w) in enumerate(zip(row, wide, strict=True)))
        out.append(textwrap.fill(last, width, initial_indent=f" {start}  ",
                                 subsequent_indent=" " * (len(start) + 3),
                                 break_on_hyphens=False) or f" {start}")
    return "\n".join(line.replace(_NO_BREAK, " ").rstrip() for line in out)


def labels(names: Collection[str], most: int = NAME) -> dict[str, str]:
    """What is written of each name: at most NAME characters, or up to ``most`` where fewer would
    make two names alike, or the two ends of an edge.

    >>> list(labels(["payforadoption_ECS::Fargate->PetSearch_ECS::Fargate", "db"]).values())
    ['payforad…Fargate->PetSearc…Fargate', 'db']
    """
    for room in range(NAME, most + 1):
        made = {name: _cut(name, room) for name in names}
        if _distinct(made):
            break
    return made


def _distinct(label: Mapping[str, str]) -> bool:
    """Whether labels tell apart what their names tell apart."""
    def ends(text: str) -> int:
        return len(set(text.split("->")))

    return len(set(label.values())) == len(label) and all(
        ends(name) == ends(text) for name, text in label.items())


def _cut(name: str, room: int) -> str:
    """A name with its middle left out where it is too long, of an edge that of each side: the
    ends tell it from its like. What a short side leaves is the other's."""
    if len(name) <= room:
        return name
    start, arrow, end = name.partition("->")
    if arrow:
        free = room - len(arrow)
        start = _cut(start, max(free // 2, free - len(end)))
        return f"{start}->{_cut(end, free - len(start))}"
    half = (room - 1) // 2
    return f"{name[:room - 1 - half]}…{name[-half:]}"
