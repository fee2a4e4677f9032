"""Training on incident graphs with known culprits, and calibration on graphs kept apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch_geometric.utils import scatter

from aiops.graph_learning.network import Network, strongest
from aiops.rca.incident_graph import GROUPS, NODES, IncidentGraph

_BATCH, _RATE, _DECAY = 64, 2e-3, 1e-3
_FORGET = 0.08  # of each group of evidence, so that no answer hangs on one
_STEPS = 100  # of the search for a temperature


@dataclass(frozen=True, eq=False)
class Example:
    """A graph and who was it.

    Args:
        guilty: bool (n); all False: no incident. system: examples of one system are never split.
        fault: its kind, for people. weight: of its loss.
    """

    graph: IncidentGraph
    guilty: np.ndarray
    system: str
    fault: str = ""
    weight: float = 1.0

    @property
    def culprits(self) -> list[str]:
        """Their names; none: no incident, or one whose culprit is no suspect."""
        return [name for name, guilty in zip(self.graph.names, self.guilty, strict=True) if guilty]


@dataclass(frozen=True, eq=False)
class _Batch:
    x: Tensor
    links: Tensor
    about: Tensor
    graph: Tensor
    guilty: Tensor
    weight: Tensor

    @property
    def size(self) -> int:
        return len(self.weight)


def fit(examples: Sequence[Example], epochs: int = 40, seed: int = 0,
        watch: Iterator[int] | None = None) -> Network:
    """A network trained on these examples; the same for the same seed.

    The loss is a softmax over a case's suspects and nobody, with the culprits' shares as target.
    A group of evidence is now and then left out, as systems leave it out.

    Args:
        watch: counts epochs, a progress bar say; ``range(epochs)`` when None.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    model = Network()
    whole = _batch(examples)
    model.scale_to(whole.x, whole.about)
    optimiser = torch.optim.AdamW(model.parameters(), _RATE, weight_decay=_DECAY)
    steps = epochs * -(-len(examples) // _BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2 * _RATE, steps)
    for _ in range(epochs) if watch is None else watch:
        for batch in _batches(examples, rng):
            optimiser.zero_grad()
            loss(model, batch).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
    return model.eval()


def _batches(examples: Sequence[Example], rng: np.random.Generator) -> Iterator[_Batch]:
    order = rng.permutation(len(examples))
    for start in range(0, len(order), _BATCH):
        yield _forgetful(_batch([examples[at] for at in order[start:start + _BATCH]]), rng)


def _forgetful(batch: _Batch, rng: np.random.Generator) -> _Batch:
    """Some graphs without some groups of evidence."""
    x = batch.x.clone()
    for names in GROUPS.values():
        out = torch.as_tensor(rng.random(batch.size) < _FORGET)[batch.graph]
        columns = [NODES.index(name) for name in names]
        x[out.nonzero()[:, 0][:, None], torch.as_tensor(columns)] = 0.0
    return _Batch(x, batch.links, batch.about, batch.graph, batch.guilty, batch.weight)


def _batch(examples: Sequence[Example]) -> _Batch:
    """Graphs side by side, their suspects numbered through."""
    sizes = [len(each.graph.names) for each in examples]
    first = np.r_[0, np.cumsum(sizes)[:-1]]
    links = [each.graph.links + at for each, at in zip(examples, first, strict=True)]
    return _Batch(
        torch.as_tensor(np.concatenate([each.graph.x for each in examples])),
        torch.as_tensor(np.concatenate(links, axis=1).astype(np.int64)),
        torch.as_tensor(np.concatenate([each.graph.about for each in examples])),
        torch.as_tensor(np.repeat(np.arange(len(examples)), sizes)),
        torch.as_tensor(np.concatenate([each.guilty for each in examples])),
        torch.as_tensor([each.weight for each in examples], dtype=torch.float32))


def loss(model: Network, batch: _Batch) -> Tensor:
    """Weighted mean of -log of the probability that goes to the culprits, or to nobody."""
    suspects, nobody = model(batch.x, batch.links, batch.about, batch.graph, batch.size)
    log = log_probability(suspects, nobody, batch.graph)
    n = scatter(batch.guilty.float(), batch.graph, dim_size=batch.size)
    share = batch.guilty.float() / n[batch.graph].clamp(min=1)
    told = scatter(share * log[0], batch.graph, dim_size=batch.size) + (n == 0) * log[1]
    return -(batch.weight * told).sum() / batch.weight.sum()


def log_probability(suspects: Tensor, nobody: Tensor, graph: Tensor) -> tuple[Tensor, Tensor]:
    """Log of the probabilities of suspects (n) and of nobody (size); each graph's sum to 1."""
    size = nobody.shape[0]
    most = torch.maximum(strongest(suspects, graph, size), nobody).detach()
    whole = scatter((suspects - most[graph]).exp(), graph, dim_size=size) + (nobody - most).exp()
    norm = most + whole.log()
    return suspects - norm[graph], nobody - norm


def calibrate(model: Network, apart: Sequence[Example]) -> Network:
    """Set the temperature by which the loss over examples kept apart is least.

    Guo et al., "On calibration of modern neural networks" (ICML 2017).
    """
    batch = _batch(apart)
    best = min(np.geomspace(0.02, 10.0, _STEPS), key=lambda t: _loss_at(model, batch, float(t)))
    model.temperature.fill_(float(best))
    return model


@torch.no_grad()
def _loss_at(model: Network, batch: _Batch, temperature: float) -> float:
    model.temperature.fill_(temperature)
    return float(loss(model, batch))


@torch.no_grad()
def probabilities(model: Network, graph: IncidentGraph) -> tuple[np.ndarray, float]:
    """Of each suspect (n), and of nobody."""
    batch = _batch([Example(graph, np.zeros(len(graph.names), dtype=bool), "")])
    suspects, nobody = model(batch.x, batch.links, batch.about, batch.graph, 1)
    log = log_probability(suspects, nobody, batch.graph)
    return log[0].exp().numpy(), float(log[1].exp())
