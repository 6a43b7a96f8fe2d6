"""Densely connected networks of Huang et al. (2017), for CIFAR and for ImageNet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypedDict, Unpack

import torch
from torch import Tensor, nn

from studies.models._norms import Norm, norm_factory

Layer = Callable[[int], nn.Module]
Stem = Literal["cifar", "imagenet"]


class Options(TypedDict, total=False):
    """What a `DenseNet` may be told beside its size."""

    bottleneck: bool
    compression: float
    stem: Stem
    stem_channels: int | None
    norm: Norm
    in_channels: int


class Dense(nn.Module):
    """Normalisation, ReLU and 3 x 3 convolution, whose output joins the input.

    Parameters
    ----------
    inputs, growth : int
        Channels that come in, and that are added.
    bottleneck : bool
        Whether a 1 x 1 convolution to 4 `growth` channels comes first.
    norm : callable
        From a number of channels to a layer.
    bias : bool
        Of the convolutions.
    """

    def __init__(
        self, inputs: int, growth: int, bottleneck: bool, norm: Layer, bias: bool
    ):
        super().__init__()
        self.layers = nn.Sequential()
        if bottleneck:
            self.layers.extend(
                [norm(inputs), nn.ReLU(), nn.Conv2d(inputs, 4 * growth, 1, bias=bias)]
            )
            inputs = 4 * growth
        conv = nn.Conv2d(inputs, growth, 3, 1, 1, bias=bias)
        self.layers.extend([norm(inputs), nn.ReLU(), conv])

    def forward(self, x: Tensor) -> Tensor:
        """Return the input's channels and the new ones."""
        return torch.cat([x, self.layers(x)], dim=1)


class DenseNet(nn.Module):
    """Stem, dense blocks with transitions between them, norm, ReLU, pool, linear head.

    Parameters
    ----------
    depths : tuple of int
        Layers in each dense block.
    growth : int
        Channels each layer adds: k.
    num_classes : int
        Outputs of the head.
    bottleneck : bool
        Whether layers have a 1 x 1 convolution first (DenseNet-B).
    compression : float
        Share of the channels that a transition keeps; 0.5 with bottlenecks (-BC).
    stem : {"cifar", "imagenet"}
        3 x 3, or 7 x 7 of stride 2 with norm, ReLU and a pool of stride 2.
    stem_channels : int, optional
        Of the first convolution; 2 `growth` by default.
    norm : str or callable
        See `norm_factory`. Convolutions have a bias only under "none".
    in_channels : int
        Channels of the image.
    """

    def __init__(
        self,
        depths: tuple[int, ...],
        growth: int,
        num_classes: int = 10,
        *,
        bottleneck: bool = True,
        compression: float = 0.5,
        stem: Stem = "cifar",
        stem_channels: int | None = None,
        norm: Norm = "batch",
        in_channels: int = 3,
    ):
        super().__init__()
        layer, bias = norm_factory(norm), norm == "none"
        channels = 2 * growth if stem_channels is None else stem_channels
        self.stem = _stem(stem, in_channels, channels, layer, bias)
        self.blocks = nn.Sequential()
        for k, depth in enumerate(depths):
            if k > 0:
                kept = int(compression * channels)
                self.blocks.append(_transition(channels, kept, layer, bias))
                channels = kept
            for _ in range(depth):
                self.blocks.append(Dense(channels, growth, bottleneck, layer, bias))
                channels += growth
        self.last = nn.Sequential(layer(channels), nn.ReLU())
        self.head = nn.Linear(channels, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, shape (N, num_classes), of images (N, C, H, W)."""
        return self.head(self.last(self.blocks(self.stem(x))).mean(dim=(2, 3)))


def _stem(
    stem: Stem, in_channels: int, channels: int, norm: Layer, bias: bool
) -> nn.Module:
    if stem == "cifar":
        return nn.Conv2d(in_channels, channels, 3, 1, 1, bias=bias)
    if stem == "imagenet":
        conv = nn.Conv2d(in_channels, channels, 7, 2, 3, bias=bias)
        return nn.Sequential(conv, norm(channels), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
    raise ValueError(f"stem must be 'cifar' or 'imagenet', got {stem!r}")


def _transition(inputs: int, outputs: int, norm: Layer, bias: bool) -> nn.Module:
    conv = nn.Conv2d(inputs, outputs, 1, bias=bias)
    return nn.Sequential(norm(inputs), nn.ReLU(), conv, nn.AvgPool2d(2))


def densenet_cifar(
    depth: int = 40,
    growth: int = 12,
    num_classes: int = 10,
    **options: Unpack[Options],
) -> DenseNet:
    """Return the three-block DenseNet of so many layers, plain or -BC.

    Parameters
    ----------
    depth : int
        Of the whole: 3 n + 4 layers, or 6 n + 4 with bottlenecks.
    growth, num_classes : int
        See `DenseNet`.
    **options
        See `DenseNet`; `bottleneck` makes a DenseNet-BC, and is False unless told.
    """
    bottleneck = options.get("bottleneck", False)
    unit = 6 if bottleneck else 3
    if (depth - 4) % unit:
        raise ValueError(f"the depth must be {unit} n + 4, got {depth}")
    chosen: Options = {
        "compression": 0.5 if bottleneck else 1.0,
        "bottleneck": bottleneck,
        "stem_channels": 2 * growth if bottleneck else 16,
        **options,
    }
    depths = ((depth - 4) // unit,) * 3
    return DenseNet(depths, growth, num_classes, **chosen)


def densenet121(num_classes: int = 1000, **options: Unpack[Options]) -> DenseNet:
    """Return DenseNet-121; the options are those of `DenseNet`."""
    chosen: Options = {"stem": "imagenet", **options}
    return DenseNet((6, 12, 24, 16), 32, num_classes, **chosen)
