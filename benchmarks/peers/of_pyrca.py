"""PyRCA's analysers with their default settings, on a graph that its PC learns.

Liu et al., "PyRCA: A Library for Metric-based Root Cause Analysis" (2023). It has no
preprocessing of its own: gaps are filled and constant columns left out as RCAEval does for it.
``root_cause_top_k`` is raised to all columns, so that services further down have a rank.
Bayesian networks are left out: PyRCA trains them on 10,000 rows or more.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
from pyrca.analyzers.epsilon_diagnosis import EpsilonDiagnosis, EpsilonDiagnosisConfig
from pyrca.analyzers.ht import HT, HTConfig
from pyrca.analyzers.random_walk import RandomWalk, RandomWalkConfig
from pyrca.analyzers.rcd import RCD, RCDConfig
from pyrca.graphs.causal.pc import PC, PCConfig
from pyrca.outliers.stats import StatsDetector, StatsDetectorConfig


def sides(incident):
    """Normal and abnormal rows, of the columns that vary on both sides."""
    both = pd.concat([incident.normal, incident.abnormal], keys=["normal", "abnormal"])
    both = both.drop(columns="time").ffill().fillna(0)
    normal, abnormal = both.loc["normal"], both.loc["abnormal"]
    kept = [c for c in both if normal[c].nunique() > 1 and abnormal[c].nunique() > 1]
    return normal[kept].reset_index(drop=True), abnormal[kept].reset_index(drop=True)


def graph(normal, abnormal):
    """The causal graph, learned as RCAEval learns it for PyRCA: as many normal rows as abnormal."""
    rows = pd.concat([normal.tail(len(abnormal)), abnormal], ignore_index=True)
    return PC(PCConfig(run_pdag2dag=False)).train(rows)


def ht(incident):
    """Regression-based hypothesis testing (CIRCA, KDD 2022)."""
    normal, abnormal = sides(incident)
    model = HT(HTConfig(graph=graph(normal, abnormal), root_cause_top_k=normal.shape[1]))
    model.train(normal)
    return dict(model.find_root_causes(abnormal).root_cause_nodes)


def epsilon_diagnosis(incident):
    """Epsilon-diagnosis (WWW 2019); it wants as many normal rows as abnormal ones."""
    normal, abnormal = sides(incident)
    rows = min(len(normal), len(abnormal))
    model = EpsilonDiagnosis(EpsilonDiagnosisConfig(root_cause_top_k=normal.shape[1]))
    model.train(normal.tail(rows))
    return dict(model.find_root_causes(abnormal.head(rows)).root_cause_nodes)


def random_walk(incident):
    """Random walk from the symptom or, where none is stated, from what PyRCA finds anomalous."""
    normal, abnormal = sides(incident)
    model = RandomWalk(RandomWalkConfig(graph=graph(normal, abnormal),
                                        root_cause_top_k=normal.shape[1]))
    starts = [incident.symptom] if incident.symptom in normal else anomalous(normal, abnormal)
    return dict(model.find_root_causes(starts, abnormal).root_cause_nodes)


def anomalous(normal, abnormal):
    """The columns that PyRCA's own detector finds anomalous."""
    detector = StatsDetector(StatsDetectorConfig())
    detector.train(normal)
    return detector.predict(abnormal).anomalous_metrics


def whole_megabytes(side):
    """Columns ``_mem`` from bytes to whole megabytes."""
    memory = [name for name in side if name.endswith("_mem")]
    return side.assign(**{name: np.floor(side[name] / 1e6) for name in memory})


def rcd(incident):
    """RCD (NeurIPS 2022), memory in whole megabytes first, as its authors do on Sock Shop."""
    normal, abnormal = sides(replace(incident, normal=whole_megabytes(incident.normal),
                                     abnormal=whole_megabytes(incident.abnormal)))
    model = RCD(RCDConfig(k=normal.shape[1]))
    return [name for name, _ in model.find_root_causes(normal, abnormal).root_cause_nodes]


METHODS = {"ht": ht, "epsilon_diagnosis": epsilon_diagnosis, "random_walk": random_walk,
           "rcd": rcd}
