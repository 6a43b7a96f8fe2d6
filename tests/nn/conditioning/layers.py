"""Layers, networks and steps that tests of conditioning share."""

import torch
from torch import nn

EPS32, EPS64 = (torch.finfo(t).eps for t in (torch.float32, torch.float64))
SQUARE = {
    "linear": (lambda: nn.Linear(5, 5), "weight", (7, 5)),
    "conv 1x1": (lambda: nn.Conv2d(4, 4, 1), "weight", (2, 4, 3, 3)),
    "grouped 1x1": (lambda: nn.Conv2d(6, 6, 1, groups=2), "weight", (2, 6, 3, 3)),
    "transposed 1x1": (
        lambda: nn.ConvTranspose1d(6, 6, 1, groups=3),
        "weight",
        (2, 6, 4),
    ),
}
LAYERS = SQUARE | {
    "wide linear": (lambda: nn.Linear(7, 3), "weight", (2, 7)),
    "conv1d": (lambda: nn.Conv1d(3, 4, 5), "weight", (2, 3, 9)),
    "conv2d": (lambda: nn.Conv2d(3, 4, 3), "weight", (2, 3, 5, 5)),
    "conv3d": (lambda: nn.Conv3d(2, 3, 2), "weight", (1, 2, 4, 4, 4)),
    "grouped": (lambda: nn.Conv2d(4, 6, 3, groups=2), "weight", (2, 4, 5, 5)),
    "depthwise": (lambda: nn.Conv2d(4, 4, 3, groups=4), "weight", (2, 4, 5, 5)),
    "transposed": (lambda: nn.ConvTranspose2d(3, 4, 3), "weight", (2, 3, 4, 4)),
    "grouped transposed": (
        lambda: nn.ConvTranspose2d(4, 6, (3, 2), groups=2),
        "weight",
        (2, 4, 4, 4),
    ),
}


def made(name: str, dtype: torch.dtype = torch.float64) -> tuple[nn.Module, str]:
    torch.manual_seed(0)
    make, tensor, _ = LAYERS[name]
    return make().to(dtype), tensor


def raw(layer: nn.Module, tensor: str = "weight") -> nn.Parameter:
    return layer.parametrizations[tensor].original


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, groups=3),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.Conv2d(6, 4, 1),
        nn.Flatten(),
        nn.Linear(36, 5),
    )


def images(count: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    return torch.randn(count, 3, 5, 5, generator=generator)
