"""The dynamic graph network of Wang et al. (2019) for clouds of points."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn

from studies.models._norms import Norm, norm_factory


def nearest(x: Tensor, k: int) -> Tensor:
    """Return the k nearest points of each, itself among them, by their numbers.

    Parameters
    ----------
    x : Tensor, shape (N, C, points)
        Features.
    k : int
        At most as many as there are points.

    Returns
    -------
    Tensor of int64, shape (N, points, k)
        The nearest first.
    """
    if not 1 <= k <= x.shape[2]:
        raise ValueError(
            f"k must be from 1 to the number of points, {x.shape[2]}, got {k}"
        )
    rows = x.detach().transpose(1, 2)
    return torch.cdist(rows, rows).topk(k, dim=2, largest=False).indices


class EdgeConv(nn.Module):
    """The maximum over a point's neighbours of a layer of it and of the difference.

    The graph is that of the features that come in.
    """

    def __init__(
        self, inputs: int, outputs: int, k: int, norm: Callable[[int], nn.Module]
    ):
        super().__init__()
        self.k = k
        self.conv = nn.Conv2d(2 * inputs, outputs, 1, bias=False)
        self.norm = norm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return features, shape (N, outputs, points), of (N, inputs, points)."""
        neighbours = nearest(x, self.k)
        n, _, points = x.shape
        flat = neighbours.reshape(n, 1, -1).expand(-1, x.shape[1], -1)
        there = x.gather(2, flat).view(n, -1, points, self.k)
        here = x[..., None].expand_as(there)
        edges = torch.cat([here, there - here], dim=1)
        return self.norm(self.conv(edges)).relu().amax(dim=3)


class DGCNN(nn.Module):
    """Edge convolutions, whose outputs are joined, a maximum over points, and a head.

    Parameters
    ----------
    num_classes : int
        Outputs.
    widths : tuple of int
        Of the edge convolutions.
    embedding : int
        Features of a cloud; the head has a half and a quarter of them.
    k : int
        Neighbours, the point itself among them.
    dropout : float
        Share that is left out in the head.
    norm : str or callable
        See `norm_factory`.
    channels : int
        Numbers a point.

    References
    ----------
    .. [1] Y. Wang et al., "Dynamic graph CNN for learning on point clouds", ACM
       Transactions on Graphics 38(5), 2019. Its transform of the input is left out.
    """

    def __init__(
        self,
        num_classes: int,
        *,
        widths: tuple[int, ...] = (64, 64, 64, 128),
        embedding: int = 1024,
        k: int = 20,
        dropout: float = 0.5,
        norm: Norm = "batch",
        channels: int = 3,
    ):
        super().__init__()
        layer = norm_factory(norm)
        self.edges = nn.ModuleList(
            EdgeConv(i, o, k, layer) for i, o in pairwise((channels, *widths))
        )
        self.join = nn.Conv2d(sum(widths), embedding, 1, bias=False)
        self.norm = layer(embedding)
        sizes = (embedding, embedding // 2, embedding // 4)
        self.hidden = nn.ModuleList(
            nn.Linear(i, o, bias=False) for i, o in pairwise(sizes)
        )
        self.norms = nn.ModuleList([layer(size) for size in sizes[1:]])
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(sizes[-1], num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits, shape (N, num_classes), of clouds (N, channels, points)."""
        found = []
        for edge in self.edges:
            x = edge(x)
            found.append(x)
        joined = self.join(torch.cat(found, dim=1)[..., None])
        x = self.norm(joined).relu().amax(dim=(2, 3))
        for linear, norm in zip(self.hidden, self.norms, strict=True):
            x = self.dropout(norm(linear(x)[..., None, None]).relu().flatten(1))
        return self.head(x)
