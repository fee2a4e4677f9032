"""Structural causal model: whose own doing, handed on along the calls, explains the symptom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from aiops.base import Ranker
from aiops.case import Case
from aiops.causal.incident import answers, variables
from aiops.causal.model import StructuralModel
from aiops.causal.variables import LOAD, RESOURCE
from aiops.rca.series import ordered

_BY_CHANCE = 2.5  # noise scales that a variable may move by itself
_ERRORS = 2.0  # standard errors that a mean may move by chance
LEAST = 0.5  # blame beyond chance that somebody has in an incident; others leave less
ENOUGH = 5.0  # blame from which more of it says no more
_AT, _BY_MARGIN, _BY_BLAME = -2.3, 3.5, 2.0  # logistic, see ``_confidence``
_MOSTLY = 0.5  # of the symptom's shift: explained by demand, it is nobody's fault
_SHARING = 3  # services that have a metric, from where what most of them show is nobody's


class StructuralCausal(Ranker):
    """Own noise of every variable times its total effect on the symptom.

    Papers: Budhathoki et al., "Causal structure-based root cause analysis of outliers" (ICML
    2022), whose Shapley values are, for linear mechanisms, noise times total effect; Blöbaum et
    al., "DoWhy-GCM" (JMLR 2024). The causal graph and the mechanisms are those of
    ``aiops.causal``: calls carry latency and errors from callee to caller with the slopes that
    the traces tell, resources and demand act within a service, and a mechanism is believed to have
    stayed as it was where that explains the incident (``learn_from="both"``).

    A suspect's blame is log(1 + the normal scales by which it moved the symptom), over latency and
    errors of the entry beside the stated symptom, plus a share of log(1 + the noise scales by which
    its own mechanisms changed): where the symptom hardly moved, that alone ranks. Demand is
    nobody's fault. A resource counts by what it rose beyond what most services show under that
    name: a host, a restart, a surge is their common cause. What lies on a call that is no suspect
    is its callee's.

    Where a Case tells no calls, nothing says who could have moved whom: then the change of own
    mechanisms alone ranks.

    It abstains where demand explains at least half of the symptom, or where nobody has blame to
    speak of beyond what a mean of so few rows moves by chance. Confidence is a logistic curve of
    blame and margin (docs/causal.md).

    Args:
        changed: weight of a change of own mechanisms against the symptom's part.
    """

    def __init__(self, changed: float = 0.2) -> None:
        self.changed = changed

    def rank(self, case: Case) -> pd.Series:
        """Blame: log(1 + normal scales); ``attrs``: confidence, abstains."""
        made = variables(case)
        model = StructuralModel.fit(replace(made, target=None), "both")
        changed = self.changed * np.log1p(_by_suspect(_changes(model), case, most=True))
        own, targets = model.own_shift, answers(made)
        blame = ordered(case, changed + _moved(model, targets, own, case))
        surely = changed + _moved(model, targets, _beyond_chance(model, own), case)
        by_load = bool(targets) and _by_load(model, targets[0]) >= _MOSTLY
        blame.attrs = {"confidence": _confidence(blame),
                       "abstains": by_load or bool(surely.max() < LEAST)}
        return blame


def _confidence(blame: pd.Series) -> float:
    """Probability that the first suspect is a culprit, by its blame and its margin.

    A logistic regression over the incidents of shop, shop-2, petshop-low, rcd-sockshop and
    nezha-ob, each set weighing the same.
    """
    first = float(blame.iloc[0])
    if first <= 0:
        return 0.0
    margin = (first - float(blame.iloc[1])) / first if len(blame) > 1 else 1.0
    logit = _AT + _BY_MARGIN * margin + _BY_BLAME * np.log1p(min(first, ENOUGH))
    return float(1 / (1 + np.exp(-logit)))


def _moved(model: StructuralModel, targets: Sequence[str], own: np.ndarray, case: Case
           ) -> pd.Series:
    """By suspect, log(1 + normal scales by which its own doing moved a target), over targets.

    Args:
        own: by variable, the shift that is its own.
    """
    made = pd.Series(0.0, index=sorted(case.suspects))
    for target in targets:
        part, load = _handed_on(model, target, own), _is_load(model)
        by_owner = pd.Series(part[~load]).groupby(model.about["owner"].to_numpy()[~load]).sum()
        made = made + np.log1p(_by_suspect(by_owner.clip(lower=0), case))
    return made


def _handed_on(model: StructuralModel, target: str, own: np.ndarray) -> np.ndarray:
    """By variable, normal scales by which it moved the target, in the direction that it went."""
    at = model.column(target)
    made: np.ndarray = model.effects(at) * own * np.sign(model.shift[at])
    return made


def _by_load(model: StructuralModel, target: str) -> float:
    """Demand's share of the target's shift, of a normal scale where it shifted by less."""
    part = _handed_on(model, target, model.own_shift)[_is_load(model)].sum()
    return float(part) / max(abs(float(model.shift[model.column(target)])), 1.0)


def _is_load(model: StructuralModel) -> np.ndarray:
    made: np.ndarray = (model.about["kind"] == LOAD).to_numpy()
    return made


def _beyond_chance(model: StructuralModel, own: np.ndarray) -> np.ndarray:
    """Shifts less what a mean of so few rows moves by chance."""
    made: np.ndarray = np.sign(own) * np.maximum(np.abs(own) - _ERRORS * model.by_chance, 0.0)
    return made


def _changes(model: StructuralModel) -> pd.Series:
    """By owner, noise scales beyond chance by which the most changed of its mechanisms changed."""
    about, own = model.about, pd.Series(model.own_shift, index=model.names)
    resource = about["kind"] == RESOURCE
    by_name = own[resource].groupby(about.loc[resource, "name"])
    common = by_name.transform("median").where(by_name.transform("size") >= _SHARING, 0.0)
    rise = (own[resource] - common).clip(lower=0.0)
    scales = own.abs().where(~resource, rise) / np.maximum(model.residual, 1.0)
    beyond = (scales - _BY_CHANCE).clip(lower=0.0)[about["kind"] != LOAD]
    return beyond.groupby(about["owner"]).max()


def _by_suspect(by_owner: pd.Series, case: Case, most: bool = False) -> pd.Series:
    """What each suspect has, 0 where nothing; what lies on a call that is none is its callee's.

    Args:
        most: take the larger of a suspect's own and its calls', not their sum.
    """
    known = set(case.suspects)
    who = [_answering(owner, known) for owner in by_owner.index]
    found = by_owner.groupby(np.array(who, dtype=object))
    whole = found.max() if most else found.sum()
    return whole.reindex(sorted(known)).fillna(0.0)


def _answering(owner: str, known: set[str]) -> str:
    """The owner, or of a call that is no suspect its callee, else its caller."""
    if owner in known or "->" not in owner:
        return owner
    caller, callee = owner.split("->", 1)
    return callee if callee in known else caller


