"""DeepLabv3 of Chen et al. (2017): a residual network whose features stay fine."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from studies.models._norms import Norm, norm_factory
from studies.models.resnet import ResNet

RATES = (6, 12, 18)  # of the source, for features of stride 16


class DeepLab(nn.Module):
    """A residual network, pyramid pooling by dilated convolutions, and a class a pixel.

    Parameters
    ----------
    encoder : ResNet
        Its head is not used, and is taken off.
    num_classes : int
        Of the output.
    stride : int
        At which features are: from there on the encoder is dilated.
    rates : tuple of int
        Dilations of the pyramid.
    channels : int
        Of each branch of the pyramid.
    norm : str or callable
        See `norm_factory`; the encoder has its own.

    References
    ----------
    .. [1] L.-C. Chen, G. Papandreou, F. Schroff and H. Adam, "Rethinking atrous
       convolution for semantic image segmentation", arXiv:1706.05587, 2017.
    """

    def __init__(
        self,
        encoder: ResNet,
        num_classes: int,
        *,
        stride: int = 16,
        rates: tuple[int, ...] = RATES,
        channels: int = 256,
        norm: Norm = "batch",
    ):
        super().__init__()
        inputs = encoder.head.in_features
        self.stem, self.stages = encoder.stem, encoder.stages
        dilate(nn.Sequential(self.stem, self.stages), stride)
        layer = norm_factory(norm)
        self.branches = nn.ModuleList(
            [_conv(inputs, channels, 1, 1, layer)]
            + [_conv(inputs, channels, 3, rate, layer) for rate in rates]
        )
        self.whole = _conv(inputs, channels, 1, 1, layer)
        joined = (len(rates) + 2) * channels
        self.merge = _conv(joined, channels, 1, 1, layer)
        self.head = nn.Linear(channels, num_classes)  # of each pixel

    def forward(self, x: Tensor) -> Tensor:
        """Return logits, shape (N, num_classes, H, W), of images (N, C, H, W)."""
        features = self.stages(self.stem(x))
        pooled = self.whole(features.mean(dim=(2, 3), keepdim=True))
        found = [branch(features) for branch in self.branches]
        found.append(pooled.expand(-1, -1, *features.shape[2:]))
        merged = self.merge(torch.cat(found, dim=1))
        logits = self.head(merged.movedim(1, -1)).movedim(-1, 1)
        return interpolate(logits, x.shape[2:], mode="bilinear", align_corners=True)


def _conv(
    inputs: int, outputs: int, kernel: int, rate: int, norm: Callable[[int], nn.Module]
) -> nn.Sequential:
    padding = rate * (kernel // 2)
    conv = nn.Conv2d(inputs, outputs, kernel, 1, padding, rate, bias=False)
    nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
    return nn.Sequential(conv, norm(outputs), nn.ReLU())


def dilate(net: nn.Module, stride: int) -> None:
    """Let a network's features have at most a stride; dilate what follows instead.

    The features between the coarse ones are new, and those at their places the same,
    but for norms that take statistics over an image.

    Parameters
    ----------
    net : torch.nn.Module
        Of residual blocks, whose strides are 1 and 2; changed in place.
    stride : int
        A power of two.

    Raises
    ------
    ValueError
        If the network does not have that stride.
    """
    reached, rate, kept = 1, 1, True
    for name, layer in net.named_modules():
        if not isinstance(layer, nn.Conv2d | nn.MaxPool2d):
            continue
        if isinstance(layer, nn.Conv2d) and layer.kernel_size[0] > 1:
            layer.dilation = (rate, rate)
            layer.padding = (rate * (layer.kernel_size[0] // 2),) * 2
        if layer.stride in (1, (1, 1)):
            continue
        if ".shortcut." not in name:  # which does as the branch before it
            kept = reached < stride
            reached, rate = (2 * reached, rate) if kept else (reached, 2 * rate)
        if not kept:
            layer.stride = (1, 1)
    if reached != stride:
        raise ValueError(
            f"features of stride {stride} need a network that halves images to it, got "
            f"one of stride {reached}"
        )
