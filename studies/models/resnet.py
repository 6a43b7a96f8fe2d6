"""Residual networks of He et al. (2016), with the stem for CIFAR or for ImageNet.

And those of Xie et al. (2017), whose blocks convolve in groups.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypedDict, Unpack

from torch import Tensor, nn

from studies.models._norms import Norm, norm_factory

Stem = Literal["cifar", "imagenet"]
Layer = Callable[[int], nn.Module]


class Options(TypedDict, total=False):
    """What a `ResNet` may be told beside its blocks."""

    stem: Stem
    norm: Norm
    width: int
    in_channels: int


class Basic(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut."""

    expansion = 1

    def __init__(self, inputs: int, width: int, stride: int, norm: Layer, bias: bool):
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(inputs, width, 3, stride, 1, bias=bias),
            norm(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, 1, 1, bias=bias),
            norm(width),
        )
        self.shortcut = _shortcut(inputs, width, stride, norm, bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return relu(residual(x) + shortcut(x))."""
        return nn.functional.relu(self.residual(x) + self.shortcut(x))


class Bottleneck(nn.Module):
    """1 x 1, 3 x 3 (which holds the stride) and 1 x 1 convolution beside a shortcut."""

    expansion = 4
    groups, widening = 1, 1

    def __init__(self, inputs: int, width: int, stride: int, norm: Layer, bias: bool):
        super().__init__()
        middle, outputs = self.widening * width, 4 * width
        self.residual = nn.Sequential(
            nn.Conv2d(inputs, middle, 1, bias=bias),
            norm(middle),
            nn.ReLU(),
            nn.Conv2d(middle, middle, 3, stride, 1, groups=self.groups, bias=bias),
            norm(middle),
            nn.ReLU(),
            nn.Conv2d(middle, outputs, 1, bias=bias),
            norm(outputs),
        )
        self.shortcut = _shortcut(inputs, outputs, stride, norm, bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return relu(residual(x) + shortcut(x))."""
        return nn.functional.relu(self.residual(x) + self.shortcut(x))


class Grouped(Bottleneck):
    """A bottleneck of 32 paths, each of four channels at width 64 ("32 x 4d")."""

    groups, widening = 32, 2


def _shortcut(
    inputs: int, outputs: int, stride: int, norm: Layer, bias: bool
) -> nn.Module:
    if stride == 1 and inputs == outputs:
        return nn.Identity()
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 1, stride, bias=bias), norm(outputs)
    )


class ResNet(nn.Module):
    """Stem, four stages of residual blocks, average pool and linear head.

    Parameters
    ----------
    block : type
        `Basic`, `Bottleneck` or `Grouped`, whose width is a multiple of 16.
    depths : tuple of int
        Blocks in each stage; the first block of every stage but the first halves the
        image.
    num_classes : int
        Outputs of the head.
    stem : {"cifar", "imagenet"}
        One 3 x 3 convolution, or a 7 x 7 one of stride 2 and a pool of stride 2.
    norm : str or callable
        See `norm_factory`. Convolutions have a bias only under "none".
    width : int
        Channels of the first stage; each next stage has twice as many.
    in_channels : int
        Channels of the image.
    """

    def __init__(
        self,
        block: type[Basic] | type[Bottleneck],
        depths: tuple[int, ...],
        num_classes: int = 10,
        *,
        stem: Stem = "cifar",
        norm: Norm = "batch",
        width: int = 64,
        in_channels: int = 3,
    ):
        super().__init__()
        layer, bias = norm_factory(norm), norm == "none"
        self.stem = _stem(stem, in_channels, width, layer, bias)
        self.stages = nn.Sequential()
        inputs = width
        for k, depth in enumerate(depths):
            stage = nn.Sequential()
            for i in range(depth):
                stride = 2 if k > 0 and i == 0 else 1
                stage.append(block(inputs, width * 2**k, stride, layer, bias))
                inputs = block.expansion * width * 2**k
            self.stages.append(stage)
        self.head = nn.Linear(inputs, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(
                    module.weight, mode="fan_out", nonlinearity="relu"
                )

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, shape (N, num_classes), of images (N, C, H, W)."""
        x = self.stages(self.stem(x))
        return self.head(x.mean(dim=(2, 3)))


def _stem(
    stem: Stem, in_channels: int, width: int, norm: Layer, bias: bool
) -> nn.Module:
    if stem == "cifar":
        conv = nn.Conv2d(in_channels, width, 3, 1, 1, bias=bias)
        return nn.Sequential(conv, norm(width), nn.ReLU())
    if stem == "imagenet":
        conv = nn.Conv2d(in_channels, width, 7, 2, 3, bias=bias)
        return nn.Sequential(conv, norm(width), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
    raise ValueError(f"stem must be 'cifar' or 'imagenet', got {stem!r}")


def resnet18(num_classes: int = 10, **options: Unpack[Options]) -> ResNet:
    """Return ResNet-18; the options are those of `ResNet`."""
    return ResNet(Basic, (2, 2, 2, 2), num_classes, **options)


def resnet34(num_classes: int = 10, **options: Unpack[Options]) -> ResNet:
    """Return ResNet-34."""
    return ResNet(Basic, (3, 4, 6, 3), num_classes, **options)


def resnet50(num_classes: int = 10, **options: Unpack[Options]) -> ResNet:
    """Return ResNet-50."""
    return ResNet(Bottleneck, (3, 4, 6, 3), num_classes, **options)


def resnet101(num_classes: int = 10, **options: Unpack[Options]) -> ResNet:
    """Return ResNet-101."""
    return ResNet(Bottleneck, (3, 4, 23, 3), num_classes, **options)


def resnet152(num_classes: int = 10, **options: Unpack[Options]) -> ResNet:
    """Return ResNet-152."""
    return ResNet(Bottleneck, (3, 8, 36, 3), num_classes, **options)


def resnext50(num_classes: int = 10, **options: Unpack[Options]) -> ResNet:
    """Return ResNeXt-50 (32 x 4d)."""
    return ResNet(Grouped, (3, 4, 6, 3), num_classes, **options)


def resnext101(num_classes: int = 10, **options: Unpack[Options]) -> ResNet:
    """Return ResNeXt-101 (32 x 4d)."""
    return ResNet(Grouped, (3, 4, 23, 3), num_classes, **options)


def resnet20(num_classes: int = 10, **options: Unpack[Options]) -> ResNet:
    """Return the three-stage ResNet-20 for CIFAR of section 4.2 of the paper.

    With 1 x 1 convolutions in the two shortcuts that change shape ("option B"), and of
    width 16 unless it is told another.
    """
    chosen: Options = {"width": 16, **options}
    return ResNet(Basic, (3, 3, 3), num_classes, **chosen)


def resnet8(num_classes: int = 10, **options: Unpack[Options]) -> ResNet:
    """Return the least of those networks for CIFAR, with one block a stage."""
    chosen: Options = {"width": 16, **options}
    return ResNet(Basic, (1, 1, 1), num_classes, **chosen)
