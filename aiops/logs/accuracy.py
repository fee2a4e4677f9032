"""How well mined templates recover the published ones: GA, FGA, PA, FTA.

As Jiang et al. define them ("A Large-Scale Evaluation for Log Parsing Techniques: How Far Are
We?", ISSTA 2024; Loghub-2.0). A group is the set of lines of one template.

- ``ga``: share of lines whose mined group is a published group, line by line;
- ``fga``: F1 of such groups among mined and among published groups;
- ``pa``: share of lines whose template is the published one, letter by letter;
- ``fta``: F1 of mined templates that are the published template of all their lines.

The two that compare text do so after ``plain``, applied to both sides.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from aiops.errors import InputError
from aiops.logs.templates import VARIABLE

METRICS = ("ga", "fga", "pa", "fta")
_JOINED = re.compile(r"<\*>(?:[:./\\_@+-]*<\*>)+")
_SPACED = re.compile(r"<\*>(?: <\*>)+")


def accuracy(mined: pd.Series, published: pd.Series) -> dict[str, float]:
    """The four figures; the Series hold a template a line, in the same order.

    >>> lines = pd.Series(["a <*>", "a <*>", "b x", "b y"])
    >>> accuracy(lines, pd.Series(["a <*>", "a <*>", "b <*>", "b <*>"]))
    {'ga': 0.5, 'fga': 0.4, 'pa': 0.5, 'fta': 0.4}

    Raises:
        InputError: not as many lines on both sides, or none.
    """
    if len(mined) != len(published) or not len(mined):
        raise InputError("accuracy needs a mined and a published template a line. "
                         f"Got {len(mined)} and {len(published)}.")
    both = pd.DataFrame({"mined": plain(mined).to_numpy(), "true": plain(published).to_numpy()})
    pairs = both.value_counts().reset_index()  # of few templates, not of many lines
    alone = {side: ~pairs[side].duplicated(keep=False) for side in ("mined", "true")}
    grouped, same = alone["mined"] & alone["true"], pairs["mined"] == pairs["true"]
    found = both["mined"].nunique() + both["true"].nunique()
    return {"ga": float(pairs["count"][grouped].sum() / len(both)),
            "fga": float(2 * grouped.sum() / found),
            "pa": float(np.mean(both["mined"] == both["true"])),
            "fta": float(2 * (same & alone["mined"]).sum() / found)}


def plain(templates: pd.Series) -> pd.Series:
    """Templates with single spaces, and neighbouring values as one: ``<*>:<*> <*>`` is ``<*>``."""
    unique = {template: _plain(template) for template in templates.unique()}
    return templates.map(unique)


def _plain(template: str) -> str:
    return _SPACED.sub(VARIABLE, _JOINED.sub(VARIABLE, " ".join(template.split())))
