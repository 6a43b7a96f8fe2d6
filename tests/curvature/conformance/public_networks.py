"""Rows of the table: networks from configurations of public libraries."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.func import functional_call

from tests.curvature.conformance.judge import Problem
from tests.curvature.conformance.torch_layers import drawn
from tests.nn import families


def from_configuration(name: str) -> Callable[[], Problem]:
    """Return a tiny random network of transformers, mean squares of its outputs."""

    def problem() -> Problem:
        net, _ = families.pretrained(name)
        net = net.double().eval()

        def loss(p: dict[str, Tensor], batch: dict[str, Tensor]) -> Tensor:
            out = functional_call(net, p, (), batch)
            first = next(v for v in out.values() if isinstance(v, Tensor))
            return first.square().mean()

        batch = families.inputs(families.FAMILIES[name].inputs)
        wide = {n: x.double() if x.is_floating_point() else x for n, x in batch.items()}
        params = {n: p for n, p in net.named_parameters() if p.requires_grad}
        return loss, params, wide

    return problem


def graph(layer: str) -> Callable[[], Problem]:
    """Return a graph network of PyTorch Geometric on a ring of six nodes."""

    def problem() -> Problem:
        import torch_geometric.nn as gnn

        make = getattr(gnn, layer)
        inner = {"GINConv": lambda: make(nn.Linear(3, 2))}.get(layer)
        net = inner() if inner else make(3, 2)
        ring = torch.stack([torch.arange(6), (torch.arange(6) + 1) % 6])
        edges = torch.cat([ring, ring.flip(0)], dim=1)
        net = net.double().eval()
        net(drawn(6, 3), edges)

        def loss(p: dict[str, Tensor], x: Tensor) -> Tensor:
            out = functional_call(net, p, (x, edges))
            return torch.tanh(out).square().mean()

        return loss, dict(net.named_parameters()), drawn(6, 3)

    return problem


FAMILIES = (
    "BERT", "RoBERTa", "GPT-2", "BART", "ViT", "Swin", "ConvNeXtV2", "DINOv2",
    "Whisper", "Wav2Vec2", "CLIP",
)  # fmt: skip
SINGLE = ("Llama", "Qwen2", "Gemma 2", "Mamba")  # norms in float32 throughout
GRAPHS = ("GCNConv", "SAGEConv", "GINConv", "TransformerConv")
GEOMETRIC = "torch_geometric"
