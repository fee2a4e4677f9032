"""A trained network as an ONNX file, which answers as the network does."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from aiops.graph_learning.network import Network
from aiops.graph_learning.training import log_probability
from aiops.rca.graph_network import INPUTS, OUTPUTS
from aiops.rca.incident_graph import LINKS, NODES

_LEGACY = "You are using the legacy TorchScript-based ONNX export|The feature will be removed"
_OPSET = 18  # the first whose ScatterElements knows a maximum


class _OneGraph(nn.Module):
    """The mean of networks, over the probabilities of one graph's suspects and of nobody."""

    def __init__(self, networks: list[Network]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, x: Tensor, links: Tensor, about: Tensor) -> tuple[Tensor, Tensor]:
        graph = torch.zeros_like(x[:, 0], dtype=torch.int64)
        each = []
        for network in self.networks:
            suspects, nobody = network(x, links, about, graph, 1)
            each.append(log_probability(suspects, nobody, graph))
        return (torch.stack([suspects.exp() for suspects, _ in each]).mean(0),
                torch.stack([nobody.exp() for _, nobody in each]).mean(0))


def save(networks: list[Network], path: Path) -> Path:
    """Write networks, whole or not at all; their probabilities are averaged."""
    part = path.with_name(path.name + ".part")
    args = (torch.rand(5, len(NODES)), torch.tensor([[0, 1, 2], [1, 2, 4]]),
            torch.rand(3, len(LINKS)))
    names = {"x": {0: "n"}, "links": {1: "m"}, "about": {0: "m"}, "suspects": {0: "n"}}
    with warnings.catch_warnings():
        # the exporter that follows it needs a package of its own; this one writes all we use
        warnings.filterwarnings("ignore", _LEGACY, DeprecationWarning)
        torch.onnx.export(_OneGraph(networks).eval(), args, str(part), dynamo=False,
                          opset_version=_OPSET, input_names=list(INPUTS),
                          output_names=list(OUTPUTS), dynamic_axes=names)
    return part.replace(path)
