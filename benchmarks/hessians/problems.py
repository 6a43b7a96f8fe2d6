"""Networks and batches that Hessians are timed on, and the Hessian of one."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from condlab.curvature import HessianOperator, make_loss

Batch = tuple[Tensor, Tensor]
Problem = tuple[nn.Module, Batch]
CRITERION = nn.CrossEntropyLoss()


class Residual(nn.Module):
    """Two convolutions with group normalisation, and a way around them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.GroupNorm(8, channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.GroupNorm(8, channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output, of the same shape."""
        return torch.relu(x + self.layers(x))


def mlp(sizes: tuple[int, ...], batch: int, act: type = nn.Tanh) -> Problem:
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for i, o in itertools.pairwise(sizes):
        layers += [nn.Linear(i, o), act()]
    x, y = torch.randn(batch, sizes[0]), torch.randint(0, sizes[-1], (batch,))
    return nn.Sequential(*layers[:-1]), (x, y)


def cnn(batch: int = 128) -> Problem:
    """Return three residual blocks with group normalisation on 16 x 16 images."""
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 72, 3, stride=2, padding=1, bias=False),
        nn.GroupNorm(8, 72),
        nn.ReLU(),
        Residual(72),
        nn.MaxPool2d(2),
        Residual(72),
        Residual(72),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(288, 10),
    )
    return net, (torch.randn(batch, 3, 32, 32), torch.randint(0, 10, (batch,)))


def parameters(net: nn.Module) -> dict[str, Tensor]:
    return dict(net.named_parameters())


def operator(net: nn.Module, batch: Batch) -> HessianOperator:
    return HessianOperator(make_loss(net, CRITERION), parameters(net), [batch])


def small(kind: torch.dtype = torch.float64) -> Problem:
    net, (x, y) = mlp((20, 32, 32, 10), 256)
    return net.to(kind), (x.to(kind), y)


def trained() -> Problem:
    net, batch = mlp((784, 256, 256, 10), 512, nn.ReLU)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(30):
        optimiser.zero_grad()
        CRITERION(net(batch[0]), batch[1]).backward()
        optimiser.step()
    return net, batch
