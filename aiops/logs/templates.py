"""The templates of log lines: what the program wrote, ``<*>`` where it put in a value.

Three steps, each a function over a Series of bodies:

- ``unwrap`` takes the message out of a JSON line, as a container runtime wraps it;
- ``mask`` masks what looks like a value by itself: numbers, ids, addresses, paths, dates,
  quoted text of several words;
- ``templates`` groups masked lines of equally many words that differ in one of them, and masks
  that word too: names of users, hosts, services. Groups are grouped in turn, so that several
  words may vary.

The tree (number of words, first words, then the most similar group) is that of Drain (He et
al., "Drain: An Online Log Parsing Approach with Fixed Depth Tree", ICWS 2017), but for three
things. Drain reads lines as they come, and its groups depend on which came first; here distinct
masked lines are taken in the order of their text, so **the order of lines means nothing**:
templates are a function of the set of bodies. (They do depend on that set: a word is known to
vary once two lines differ in it. Mine the normal and the abnormal part of an incident together.)
A word in capitals is a constant of the program (a state, a verb, a level): two different ones
are two templates. A word with a digit in it, as ``jk2_init``, is masked only where it varies.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from os.path import commonprefix
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from aiops.errors import NotFittedError

VARIABLE = "<*>"
MESSAGES = ("log", "message", "msg")  # keys of a JSON line that hold what the program said
VARIES = -1

Words = tuple[str, ...]

_DELIMITERS = r"""\s=,;:()\[\]{}<>"'|*@#"""
_PIECE = re.compile(rf"""/[^{_DELIMITERS}]+|[^{_DELIMITERS}./][^{_DELIMITERS}.]*""")
_NAME = re.compile(r"[A-Za-z][A-Za-z_$/-]*(?<=[A-Za-z_])\d{1,2}(?:[A-Za-z_$][A-Za-z_$/-]*)?\Z")
_DIGIT = re.compile(r"\d")
_CAPITALS = re.compile(r"\W*[A-Z_]{2,}\W*\Z")
_QUOTED = re.compile(r"""(?<![\w"'])(["'])(?=[^"']*\s)[^"']*\1(?![\w:])""")
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_DATE = re.compile(rf"(?:\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? +)?"
                   rf"(?:\b{_MONTH} <\*>|<\*> {_MONTH}\b)")
_JOINED = re.compile(r"<\*>(?:[:./\\_@+-]*<\*>)+")
_SPACED = re.compile(r"<\*>(?: <\*>)+")
_HEAD = re.compile(r"[^=:,;()\[\]{}|\"']*\Z")  # what a merged word's halves must not be cut in
_TAIL = re.compile(r"\A[^=:,;()\[\]{}|\"']*")


def unwrap(bodies: pd.Series) -> pd.Series:
    """The message of lines that are a JSON object with a text as log, message or msg.

    >>> unwrap(pd.Series(['{"log": "ready\\\\n", "stream": "stdout"}', "plain"])).tolist()
    ['ready', 'plain']
    """
    return _by_unique(bodies, lambda lines: map(_message, lines))


def mask(bodies: pd.Series) -> pd.Series:
    """Unwrapped lines with what is a value by its own looks as ``<*>``, single-spaced.

    Neighbouring values become one, so that lists of any length are alike. The same line
    gives the same mask whatever other lines there are.

    >>> mask(pd.Series(["Sat Jun 18 04:01:00 2005 got /a/b.txt from 10.0.0.1:80"])).tolist()
    ['<*> got <*> from <*>']
    """
    return _by_unique(bodies, lambda lines: _masked(map(_message, lines)))


def templates(bodies: pd.Series, prefix: int = 1, shortest: int = 4) -> pd.Series:
    """The template of each line, with the index of ``bodies``; see ``TemplateMiner``.

    >>> templates(pd.Series(["user ann has logged in", "user bob has logged in"])).tolist()
    ['user <*> has logged in', 'user <*> has logged in']
    """
    return TemplateMiner(prefix, shortest).fit_transform(bodies)


class TemplateMiner(TransformerMixin, BaseEstimator):
    """Learns the templates of some lines and finds them in others.

    Args:
        prefix: lines of one template agree in this many first words; a word that holds a digit
            or a value agrees with any such word.
        shortest: lines of fewer words than this are of one template only if masked alike.

    The defaults were picked on the samples of Loghub that ``benchmarks/templates.py`` scores.
    """

    def __init__(self, prefix: int = 1, shortest: int = 4) -> None:
        self.prefix = prefix
        self.shortest = shortest

    def fit(self, bodies: pd.Series, y: Any = None) -> Self:
        """Learn from the distinct bodies.

        Attributes:
            known_: masked line -> template.
            templates_: the templates, those with most constant text first.
        """
        self._learn(mask(bodies))
        return self

    def transform(self, bodies: pd.Series) -> pd.Series:
        """Template of each line; a line that no known template covers is its own, masked."""
        if not hasattr(self, "known_"):
            raise NotFittedError("TemplateMiner.transform needs fit(bodies) first.")
        return self._templates(mask(bodies))

    def fit_transform(self, bodies: pd.Series, y: Any = None, **fit_params: Any) -> pd.Series:
        """As fit and transform, but masks once."""
        masked = mask(bodies)
        self._learn(masked)
        return self._templates(masked)

    def _learn(self, masked: pd.Series) -> None:
        by_length = defaultdict(list)
        for words in map(str.split, sorted(masked.unique())):
            by_length[len(words)].append(tuple(words))
        self.known_ = {" ".join(line): template for lines in by_length.values()
                       for group in self._groups(lines)
                       for template in [_template(group)] for line in group}
        self.templates_ = sorted(set(self.known_.values()), key=_constant_first)

    def _templates(self, masked: pd.Series) -> pd.Series:
        return _by_unique(masked, lambda lines: [
            self.known_[line] if line in self.known_ else self._covering(line)
            for line in lines])

    def _covering(self, line: str) -> str:
        return next((template for template in self.templates_ if VARIABLE in template
                     and _pattern(template).fullmatch(line)), line)

    def _groups(self, lines: Sequence[Words]) -> Iterable[list[Words]]:
        """Lines of equally many words, by template."""
        by_outline: dict[Words, list[Words]] = defaultdict(list)
        for line in lines:
            by_outline[tuple(_outline(word) for word in line)].append(line)
        leaves: dict[Words, list[Words]] = defaultdict(list)
        for outline in sorted(by_outline):
            leaves[outline[:self.prefix]].append(outline)
        for leaf in leaves.values():
            short = len(leaf[0]) < self.shortest
            for group in ([line] for line in leaf) if short else _settled(leaf):
                yield [line for outline in group for line in by_outline[outline]]


def _texts(bodies: pd.Series) -> pd.Series:
    """Bodies as text; a missing one is empty."""
    return bodies.astype(object).where(bodies.notna(), "").astype(str).astype(object)


def _by_unique(bodies: pd.Series, work: Any) -> pd.Series:
    """The work done once per distinct body."""
    codes, unique = pd.factorize(_texts(bodies))
    done = pd.Series(list(work(unique)), dtype=object)
    return pd.Series(done.take(codes).to_numpy(), index=bodies.index, dtype=object)


def _message(line: str) -> str:
    if not line.startswith("{"):
        return line
    try:
        found = json.loads(line)
    except ValueError:
        return line
    said = (found[key] for key in MESSAGES if isinstance(found.get(key), str))
    return next(said, line).rstrip("\n")


def _masked(lines: Iterable[str]) -> pd.Series:
    """Word by word first: what spans words is then looked for in far fewer lines."""
    word = _Masks().__getitem__
    words = pd.Series([" ".join(map(word, line.split())) for line in lines], dtype=object)
    return _by_unique(words, lambda masked: map(_without_spans, masked))


def _without_spans(line: str) -> str:
    quoted = _QUOTED.sub(rf"\1{VARIABLE}\1", line)
    return _SPACED.sub(VARIABLE, _DATE.sub(VARIABLE, quoted))


class _Masks(dict[str, str]):
    """Masked word by word, worked out once each."""

    def __missing__(self, word: str) -> str:
        plain = not (_DIGIT.search(word) or "/" in word)
        made = word if plain else _JOINED.sub(VARIABLE, _PIECE.sub(_piece, word))
        self[word] = made
        return made


def _piece(found: re.Match[str]) -> str:
    """A path, or a piece with a digit that is no name, is a value."""
    piece = found.group()
    if piece.startswith("/"):
        return f"//{VARIABLE}" if piece.startswith("//") else VARIABLE
    return VARIABLE if _DIGIT.search(piece) and not _NAME.match(piece) else piece


def _outline(word: str) -> str:
    return VARIABLE if VARIABLE in word or _DIGIT.search(word) else word


def _settled(lines: Sequence[Words]) -> Iterable[list[Words]]:
    """Groups of lines; what their lines share is grouped in turn, until nothing more is alike."""
    members = {line: [line] for line in lines}
    while True:
        merged: dict[Words, list[Words]] = defaultdict(list)
        for group in _alike(sorted(members)):
            merged[_shared(group)] += [line for each in group for line in members[each]]
        if len(merged) == len(members):
            return merged.values()
        members = merged


def _shared(group: Sequence[Words]) -> Words:
    return tuple(words[0] if len(set(words)) == 1 else VARIABLE
                 for words in zip(*group, strict=True))


def _alike(lines: Sequence[Words]) -> list[list[Words]]:
    """Lines, in the order given, each to the group that it differs from in one word at most.

    Two lines that differ in one word agree in their first or their second half: who is looked
    at are the groups that share a half, not all of them.
    """
    codes, constant = _coded(lines)
    common = np.empty_like(codes)  # a group's words; VARIES where they do
    groups: list[list[Words]] = []
    sharing: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    for line, row in zip(lines, codes, strict=True):
        keys = _halves(row)
        near = np.array([number for key in keys for number in sharing[key]], dtype=int)
        chosen = _nearest(common[near], row, constant, near)
        if chosen is None:
            for key in keys:
                sharing[key].append(len(groups))
            common[len(groups)] = row
            groups.append([line])
        else:
            common[chosen][common[chosen] != row] = VARIES
            groups[chosen].append(line)
    return groups


def _coded(lines: Sequence[Words]) -> tuple[np.ndarray, np.ndarray]:
    """Words as numbers, a row a line, and by number whether it is a constant in capitals."""
    codes, words = pd.factorize(np.array(lines, dtype=object).ravel())
    capitals = [bool(_CAPITALS.match(word)) for word in words]
    return codes.reshape(len(lines), -1), np.array([*capitals, False])  # VARIES is none


def _halves(row: np.ndarray) -> list[tuple[int, bytes]]:
    middle = len(row) // 2
    return [(0, row[:middle].tobytes()), (1, row[middle:].tobytes())]


def _nearest(common: np.ndarray, row: np.ndarray, constant: np.ndarray,
             numbers: np.ndarray) -> int | None:
    """The group that differs least, the first of them; no two constants may differ."""
    off = common != row
    clash = (off & constant[common] & constant[row]).any(axis=1)
    count = np.where(clash, len(row) + 2, off.sum(axis=1))
    least = count.min(initial=len(row) + 2)
    return None if least > 1 else int(numbers[count == least].min())


def _template(group: Sequence[Words]) -> str:
    words = (_merged(sorted(set(column))) for column in zip(*group, strict=True))
    return _SPACED.sub(VARIABLE, " ".join(words))


def _merged(words: Sequence[str]) -> str:
    """One word for several: the ``user=`` that they share, then what varies."""
    if len(words) == 1:
        return words[0]
    head = _HEAD.sub("", commonprefix(words))
    rest = [word[len(head):][::-1] for word in words]
    tail = _TAIL.sub("", commonprefix(rest)[::-1])
    return _JOINED.sub(VARIABLE, head + VARIABLE + tail)


def _constant_first(template: str) -> tuple[int, str]:
    return template.count(VARIABLE) - len(template.replace(VARIABLE, "")), template


@cache
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.escape(template).replace(re.escape(VARIABLE), r"\S*"))
