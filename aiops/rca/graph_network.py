"""Graph network: learned on made systems how evidence on a service graph names a culprit."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from aiops.base import Ranker
from aiops.case import Case
from aiops.errors import CaseError, InputError
from aiops.rca.evidence import EVIDENCE, LEARN
from aiops.rca.incident_graph import GROUPS, NODES, IncidentGraph
from aiops.rca.series import ordered
from aiops.rca.view import View

NETWORK = Path(__file__).with_name("graph_network.onnx")
# Part of the code, so that a kept figure goes stale with the network (scripts/bundle_network.py).
SHA256 = "dc1009c9e8c8faa6baf8541b2ad517bb9b00cc2d48084c2934ca6fa9bfc57edb"
INPUTS, OUTPUTS = ("x", "links", "about"), ("suspects", "nobody")


class GraphNetwork(Ranker):
    """Probabilities of a network that was trained on simulated incidents of many systems.

    It sees an incident as ``rca.incident_graph``: no name, no unit. It was trained on made systems
    alone (``aiops.simulation``), so that no system it is asked about is one it has seen. The
    probabilities of all suspects and of nobody sum to 1: blame is a suspect's, ``confidence`` the
    first suspect's. It corrects the default ranker, by at most one unit of log odds, and abstains
    where that one does, or where nobody has more than any suspect.

    Papers: Hu et al., "Strategies for pre-training graph neural networks" (ICLR 2020), whose layer
    GINE it is made of; Guo et al., "On calibration of modern neural networks" (ICML 2017).
    """

    def fit(self, cases: Sequence[Case], y: Any = None) -> Self:
        """Learn from past incidents what is usual in them, without labels.

        The network stays what it is: ``network_`` holds it (uint8, an ONNX file), so that who
        keeps the ranker keeps it too.
        """
        self.memory_ = {name: learn(cases) for name, learn in LEARN.items()}
        self.network_ = np.frombuffer(_bundled(), dtype=np.uint8)
        return self

    def rank(self, case: Case) -> pd.Series:
        """Blame: the probability of being the culprit, 0 to 1; ``attrs`` has nobody's beside."""
        graph = self.graph(case)
        suspects, nobody = ask(graph, network=self.network)
        if not np.isfinite(suspects).all():
            raise CaseError("The network has no answer to this Case: a number in it is too large. "
                            "Leave out metrics beyond 1e150, or ask the ranker fusion.")
        blame = ordered(case, pd.Series(suspects.astype(float), index=list(graph.names)))
        blame.attrs = {"confidence": float(suspects.max()),
                       "abstains": graph.abstains or bool(nobody > suspects.max()),
                       "nobody": nobody}
        return blame

    @property
    def network(self) -> bytes | None:
        """The ONNX file that it keeps; None: it asks the bundled one."""
        held = getattr(self, "network_", None)
        return None if held is None else bytes(held.tobytes())

    def graph(self, case: Case) -> IncidentGraph:
        """What the network sees of a Case."""
        return IncidentGraph.of(View.of(case, getattr(self, "memory_", None)))


@lru_cache(maxsize=1)
def _bundled() -> bytes:
    network = NETWORK.read_bytes()
    if hashlib.sha256(network).hexdigest() != SHA256:
        raise InputError(f"{NETWORK.name} is not the network that this code was measured with. "
                         "Restore it from git, or bundle a new one: make graph-ranker.")
    return network


@lru_cache(maxsize=4)
def _session(network: bytes) -> Any:
    import onnxruntime  # a quarter of a second, for this ranker alone

    quiet = onnxruntime.SessionOptions()
    quiet.log_severity_level = 3
    quiet.intra_op_num_threads = quiet.inter_op_num_threads = 1  # a graph is small
    return onnxruntime.InferenceSession(network, quiet, providers=["CPUExecutionProvider"])


def ask(graph: IncidentGraph, x: np.ndarray | None = None, network: bytes | None = None
        ) -> tuple[np.ndarray, float]:
    """Probabilities of the suspects, float32 (n,), and of nobody.

    Args:
        x: stands for the graph's own features. network: an ONNX file; the bundled one when None.
    """
    x = graph.x if x is None else x
    order = np.lexsort(x.T)  # sums in one order, whatever the suspects' is: floats round
    links = np.argsort(order)[graph.links]
    by = np.lexsort((*graph.about.T, *links))
    given = dict(zip(INPUTS, (x[order], links[:, by].astype(np.int64), graph.about[by]),
                     strict=True))
    answer, nobody = _session(network or _bundled()).run(list(OUTPUTS), given)
    suspects = np.empty_like(answer)
    suspects[order] = answer
    return suspects, float(nobody[0])


def moved_by(graph: IncidentGraph, suspect: str, network: bytes | None = None) -> pd.DataFrame:
    """What moved the network to blame a suspect: its own evidence, and that of its neighbours.

    Each evidence of it, and of each whom it is linked with, is taken away in turn, from what the
    default ranker makes of it as well; the effect is by how much that lowers the suspect's log
    odds (negative: it spoke for the suspect's innocence). The largest come first. This is
    occlusion (Zeiler and Fergus, ECCV 2014).

    Args:
        network: who is asked; the bundled one when None.

    Returns:
        of (a suspect's name), evidence, effect.
    """
    at = graph.names.index(suspect)
    near = np.unique(np.r_[at, graph.links[0][graph.links[1] == at]])
    whole = _odds(ask(graph, None, network)[0][at])
    rows = []
    for node in near:
        for group in GROUPS:
            x = without(graph.x, int(node), group)
            if x is not None:
                left = _odds(ask(graph, x, network)[0][at])
                rows.append((graph.names[node], group, whole - left))
    found = pd.DataFrame(rows, columns=["of", "evidence", "effect"])
    return found.sort_values("effect", key=lambda effect: -effect.abs(), ignore_index=True)


def without(x: np.ndarray, node: int, group: str) -> np.ndarray | None:
    """Features less one group of evidence of one suspect; None: it has none."""
    columns = [NODES.index(name) for name in GROUPS[group]]
    if group == "sum" or not x[node, columns].any():
        return None
    less = x.copy()
    term = x[node, NODES.index(f"term_{group}")] if group in EVIDENCE else 0.0
    at, share = NODES.index("total"), NODES.index("total_share")
    total = float(np.expm1(x[node, at]))
    left = max(total - float(term), 0.0)
    less[node, columns] = 0.0
    less[node, at] = np.log1p(left)
    less[node, share] *= left / total if total else 1.0
    return less


def _odds(probability: float) -> float:
    sure = min(max(float(probability), 1e-9), 1 - 1e-9)
    return float(np.log(sure / (1 - sure)))
