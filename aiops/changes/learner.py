"""CausalML's X-learner: what a request of some kind would gain or lose by the new version.

Kuenzel, Sekhon, Bickel and Yu (PNAS 116, 2019): a model of the outcome on either version, then one
of what each request differs by from the other version's model, weighed by the version's share. It
is good where one version serves few. causalml takes seconds to load and is loaded when asked for.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from aiops.errors import UsageError

TREES, DEPTH, LEAF = 40, 3, 20  # of the boosted trees under it: interactions of three attributes

Predict = Callable[[np.ndarray, np.ndarray], np.ndarray]


def x_learner(features: np.ndarray, new: np.ndarray, y: np.ndarray, share: np.ndarray,
              seed: int = 0) -> Predict:
    """Learn the effect of the new version from requests.

    Args:
        features: (n, k), numbers. new: (n,), whether the new version served it. y: (n,), outcome.
        share: (n,), of requests like it that the new version serves, within (0, 1).

    Returns:
        Of features (m, k) and shares (m,), the effects (m,), in the outcome's unit.

    Raises:
        UsageError: causalml is not installed.
    """
    from sklearn.ensemble import GradientBoostingRegressor

    base = GradientBoostingRegressor(n_estimators=TREES, max_depth=DEPTH, min_samples_leaf=LEAF,
                                     random_state=seed)
    learner = _meta().BaseXRegressor(learner=base, control_name=0)
    learner.fit(features, new.astype(int), y, p=share)
    return lambda other, theirs: np.asarray(learner.predict(other, p=theirs)).ravel()


def _meta() -> Any:
    import matplotlib

    try:  # causalml gives all pictures a style of its own when it is imported
        with warnings.catch_warnings(), matplotlib.rc_context():
            # shap, which causalml loads, sets the ends of its colour maps in the old way
            warnings.filterwarnings("ignore", r"The set_(bad|over|under) function",
                                    PendingDeprecationWarning)
            from causalml.inference import meta
    except ModuleNotFoundError as error:
        raise UsageError("Whom a change hits most is learned by causalml, which is not installed "
                         f"({error}). Install it: pip install 'aiops[causal]'.") from error
    return meta
