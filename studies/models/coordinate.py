"""Networks from coordinates to values: images, occupancies, signed distances."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

from studies.models._norms import Norm, norm_factory
from studies.models.nerf import PositionalEncoding

Activation = Literal["relu", "sine", "gaussian"]


class Sine(nn.Module):
    """sin(omega x), of Sitzmann et al. (2020); omega is 30 there."""

    def __init__(self, omega: float):
        super().__init__()
        self.omega = omega

    def forward(self, x: Tensor) -> Tensor:
        """Return an array of the same shape."""
        return torch.sin(self.omega * x)


class Gaussian(nn.Module):
    """exp(-x^2 / (2 s^2)), of Ramasinghe and Lucey (2022)."""

    def __init__(self, deviation: float):
        super().__init__()
        self.deviation = deviation

    def forward(self, x: Tensor) -> Tensor:
        """Return an array of the same shape."""
        return torch.exp(-0.5 * (x / self.deviation) ** 2)


class CoordinateMLP(nn.Module):
    """MLP of coordinates in [-1, 1]^d.

    Parameters
    ----------
    inputs, outputs : int
        Coordinates and values.
    width, depth : int
        Of the hidden layers, and how many there are.
    activation : {"relu", "sine", "gaussian"}
        With "relu" the coordinates are encoded first; with "sine" the weights are
        drawn as in section 3.2 of Sitzmann et al.: uniform with bound 1 / d in the
        first layer and sqrt(6 / width) / omega in the others.
    frequencies : int
        Of the encoding; only with "relu".
    omega : float
        Frequency of the sines.
    deviation : float
        Width of the Gaussians.
    norm : str or callable
        See `norm_factory`, layout "vectors"; before each activation.
    """

    def __init__(
        self,
        inputs: int = 3,
        outputs: int = 1,
        *,
        width: int = 256,
        depth: int = 4,
        activation: Activation = "relu",
        frequencies: int = 8,
        omega: float = 30.0,
        deviation: float = 0.1,
        norm: Norm = "none",
    ):
        super().__init__()
        if activation not in ("relu", "sine", "gaussian"):
            raise ValueError(
                f"activation must be 'relu', 'sine' or 'gaussian', got {activation!r}"
            )
        layer = norm_factory(norm, "vectors")
        self.layers = nn.Sequential()
        features = inputs
        if activation == "relu":
            self.layers.append(PositionalEncoding(frequencies))
            features = inputs * (1 + 2 * frequencies)
        for _ in range(depth):
            self.layers.append(nn.Linear(features, width))
            self.layers.append(layer(width))
            self.layers.append(_activation(activation, omega, deviation))
            features = width
        self.layers.append(nn.Linear(features, outputs))
        if activation == "sine":
            _init_siren(self.layers, omega)

    def forward(self, x: Tensor) -> Tensor:
        """Return shape (N, outputs) for coordinates of shape (N, inputs)."""
        return self.layers(x)


def _activation(name: Activation, omega: float, deviation: float) -> nn.Module:
    if name == "relu":
        return nn.ReLU()
    return Sine(omega) if name == "sine" else Gaussian(deviation)


def _init_siren(layers: nn.Sequential, omega: float) -> None:
    linear = [layer for layer in layers if isinstance(layer, nn.Linear)]
    for k, layer in enumerate(linear):
        fan_in = layer.in_features
        bound = 1 / fan_in if k == 0 else math.sqrt(6 / fan_in) / omega
        nn.init.uniform_(layer.weight, -bound, bound)
