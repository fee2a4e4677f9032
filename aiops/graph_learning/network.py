"""The network: it corrects the default ranker by what suspects and their neighbours show."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch_geometric.nn import GINEConv, global_add_pool
from torch_geometric.nn.aggr import Aggregation

from aiops.rca.incident_graph import LINKS, NODES

WIDTH, ROUNDS = 32, 2
BOUND = 1.0  # of a correction, in log odds: without it, what is learned on made systems misleads
_TRUST = 2.0  # in the default's blame, before training
_FAR = 4.0  # standard deviations beyond which more says no more
_DROPPED = 0.3


class Network(nn.Module):
    """Message passing over an incident graph, for any number of suspects and any names.

    A suspect's logit is ``trust`` times log(1 + the default ranker's blame), plus a correction
    between -BOUND and BOUND. The correction is learned: suspects' features go through a layer
    each, then ``rounds`` times to their neighbours (GINE: Hu et al., "Strategies for pre-training
    graph neural networks", ICLR 2020), the strongest message and the mean of all of them counting
    apart. What the whole graph looks like is told to every suspect, and decides beside them
    whether anybody is to blame at all.

    Shapes: x (n, len(NODES)), links (2, m), about (m, len(LINKS)), graph (n): number of the graph
    of each suspect, 0 to size - 1. Returns logits of suspects (n) and of nobody (size).
    """

    node_mean: Tensor
    node_scale: Tensor
    link_mean: Tensor
    link_scale: Tensor
    temperature: Tensor

    def __init__(self, width: int = WIDTH, rounds: int = ROUNDS) -> None:
        super().__init__()
        for name, n in (("node", len(NODES)), ("link", len(LINKS))):
            self.register_buffer(f"{name}_mean", torch.zeros(n))
            self.register_buffer(f"{name}_scale", torch.ones(n))
        self.register_buffer("temperature", torch.ones(()))
        self.trust = nn.Parameter(torch.tensor(_TRUST))
        self.read = nn.Sequential(nn.Linear(len(NODES), width), nn.ReLU(), nn.Linear(width, width))
        self.rounds = nn.ModuleList(_Round(width) for _ in range(rounds))
        self.drop = nn.Dropout(_DROPPED)
        self.suspect = nn.Sequential(nn.Linear(3 * width, width), nn.ReLU(), nn.Linear(width, 1))
        self.nobody = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1))

    def scale_to(self, x: Tensor, about: Tensor) -> None:
        """Take means and standard deviations from training data."""
        for name, values in (("node", x), ("link", about)):
            getattr(self, f"{name}_mean").copy_(values.mean(0))
            getattr(self, f"{name}_scale").copy_(values.std(0).clamp(min=0.05))

    def forward(self, x: Tensor, links: Tensor, about: Tensor, graph: Tensor, size: int
                ) -> tuple[Tensor, Tensor]:
        told = self.trust * x[:, NODES.index("total")]
        x = ((x - self.node_mean) / self.node_scale).clamp(-_FAR, _FAR)
        about = ((about - self.link_mean) / self.link_scale).clamp(-_FAR, _FAR)
        h = self.drop(self.read(x))
        for each in self.rounds:
            h = self.drop(each(h, links, about))
        whole = strongest(h, graph, size)
        amount = torch.log1p(global_add_pool(torch.relu(h), graph, size))
        beside = torch.cat([h, whole[graph], amount[graph]], dim=1)
        correction = BOUND * torch.tanh(self.suspect(beside).squeeze(-1) / BOUND)
        nobody = self.nobody(whole).squeeze(-1)
        return (told + correction) / self.temperature, nobody / self.temperature


def strongest(values: Tensor, group: Tensor, size: int) -> Tensor:
    """By group (size, ...), the largest of its values, at least 0.

    PyG's own maximum cannot be exported (2.8: it fills by a tensor).
    """
    index = group.reshape(-1, *[1] * (values.dim() - 1)).expand_as(values)
    zero = values.new_zeros((size, *values.shape[1:]))
    return zero.scatter_reduce(0, index, values, "amax", include_self=True)


class _Strongest(Aggregation):
    """The strongest message; messages of GINE are never negative."""

    def forward(self, x: Tensor, index: Tensor | None = None, ptr: Tensor | None = None,
                dim_size: int | None = None, dim: int = -2,
                max_num_elements: int | None = None) -> Tensor:
        assert index is not None
        assert dim_size is not None
        return strongest(x, index, dim_size)


class _Round(nn.Module):
    """One exchange with all neighbours."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.strongest = GINEConv(_mix(width), edge_dim=len(LINKS), aggr=_Strongest())
        self.mean = GINEConv(_mix(width), edge_dim=len(LINKS), aggr="mean")
        self.norm = nn.LayerNorm(width)

    def forward(self, h: Tensor, links: Tensor, about: Tensor) -> Tensor:
        met = self.strongest(h, links, about) + self.mean(h, links, about)
        told: Tensor = self.norm(h + met)
        return told


def _mix(width: int) -> nn.Module:
    return nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))
