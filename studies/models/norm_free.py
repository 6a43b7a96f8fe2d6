"""Residual networks without norms, and their twins with batch norm."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from condlab.nn import normalise_weights
from studies.models.resnet import Stem

ALPHA = 0.2  # of a branch's deviation, in the source


class Block(nn.Module):
    r"""Two convolutions, each behind an activation, beside a shortcut.

    .. math:: h \leftarrow s(h) + \alpha \, g \, f(\mathrm{relu}(h / \beta))

    without norms: f's kernels are standardized and scaled so that it keeps variance
    one, beta is the deviation of h at the start and g, one number, starts at zero.
    Where the shape changes the shortcut s is a convolution of what f gets. With batch
    norm there are norms in place of beta and behind the first convolution, alpha and g
    are one and kernels are plain.

    Parameters
    ----------
    inputs, width : int
        Channels of h before and after.
    stride : int
        Of the first convolution and the shortcut.
    norm_free : bool
        Which of the two.
    alpha, beta : float
        Without norms only.
    """

    def __init__(
        self,
        inputs: int,
        width: int,
        stride: int,
        *,
        norm_free: bool,
        alpha: float,
        beta: float,
    ):
        super().__init__()
        self.alpha = alpha if norm_free else 1.0
        self.beta = beta
        self.first_norm = None if norm_free else nn.BatchNorm2d(inputs)
        self.gain = nn.Parameter(torch.zeros(())) if norm_free else None
        self.residual = nn.Sequential(
            nn.Conv2d(inputs, width, 3, stride, 1, bias=norm_free),
            nn.Identity() if norm_free else nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, 1, 1, bias=norm_free),
        )
        self.shortcut = (
            None
            if stride == 1 and inputs == width
            else nn.Conv2d(inputs, width, 1, stride, bias=norm_free)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the next h."""
        scaled = x / self.beta if self.first_norm is None else self.first_norm(x)
        active = nn.functional.relu(scaled)
        branch = self.alpha * self.residual(active)
        if self.gain is not None:
            branch = self.gain * branch
        return branch + (x if self.shortcut is None else self.shortcut(active))


class PreActivationResNet(nn.Module):
    """Stem, stages of blocks that begin with an activation, average pool, linear head.

    Parameters
    ----------
    depths : tuple of int
        Blocks in each stage; the first block of every stage but the first halves the
        image.
    num_classes : int
        Outputs of the head.
    stem : {"cifar", "imagenet"}
        One 3 x 3 convolution, or a 7 x 7 one of stride 2 and a pool of stride 2.
    norm_free : bool
        Without norms, as in [1]_, with the one number a branch of [2]_; otherwise with
        batch norm.
    alpha : float
        How much a block adds to the deviation of what passes it: the variance grows
        by alpha² a block, and begins anew at one in each that changes the shape.
    width : int
        Channels of the first stage; each next stage has twice as many.
    in_channels : int
        Channels of the image.

    References
    ----------
    .. [1] A. Brock, S. De and S. L. Smith, "Characterizing signal propagation to close
       the performance gap in unnormalized ResNets", ICLR 2021, section 3 and 4.
    .. [2] S. De and S. L. Smith, "Batch normalization biases residual blocks towards
       the identity function in deep networks", NeurIPS 2020: SkipInit.

    Examples
    --------
    >>> net = PreActivationResNet((1, 3), norm_free=True, width=4)
    >>> [round(block.beta**2, 2) for stage in net.stages for block in stage]
    [1.0, 1.04, 1.04, 1.08]
    """

    def __init__(
        self,
        depths: tuple[int, ...],
        num_classes: int = 10,
        *,
        stem: Stem = "cifar",
        norm_free: bool = False,
        alpha: float = ALPHA,
        width: int = 16,
        in_channels: int = 3,
    ):
        super().__init__()
        # Drawn first, as layers with a bias draw more: both kinds get the same kernels.
        generator = torch.Generator().manual_seed(int(torch.randint(2**31, ())))
        self.stem = _stem(stem, in_channels, width, norm_free)
        self.stages = nn.Sequential()
        inputs, variance = width, 1.0
        for k, depth in enumerate(depths):
            stage = nn.Sequential()
            for i in range(depth):
                outputs, stride = width * 2**k, 2 if k > 0 and i == 0 else 1
                beta = math.sqrt(variance)
                stage.append(
                    Block(
                        inputs, outputs, stride,
                        norm_free=norm_free, alpha=alpha, beta=beta,
                    )
                )  # fmt: skip
                kept = variance if (inputs, stride) == (outputs, 1) else 1.0
                variance, inputs = kept + alpha**2, outputs
            self.stages.append(stage)
        self.last_norm = nn.Identity() if norm_free else nn.BatchNorm2d(inputs)
        self.head = nn.Linear(inputs, num_classes)
        _draw(self, generator, norm_free=norm_free)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, shape (N, num_classes), of images (N, C, H, W)."""
        x = self.last_norm(self.stages(self.stem(x)))
        return self.head(nn.functional.relu(x).mean(dim=(2, 3)))


def _stem(stem: Stem, in_channels: int, width: int, bias: bool) -> nn.Module:
    if stem == "cifar":
        return nn.Sequential(nn.Conv2d(in_channels, width, 3, 1, 1, bias=bias))
    if stem == "imagenet":
        conv = nn.Conv2d(in_channels, width, 7, 2, 3, bias=bias)
        return nn.Sequential(conv, nn.MaxPool2d(3, 2, 1))
    raise ValueError(f"stem must be 'cifar' or 'imagenet', got {stem!r}")


def _draw(
    net: PreActivationResNet, generator: torch.Generator, *, norm_free: bool
) -> None:
    """Draw the kernels, the same for both kinds, and standardize those without norms.

    The stem's input is no activation, and its gain is one.
    """
    named = dict(net.named_modules())
    kernels = {n: m for n, m in named.items() if isinstance(m, nn.Conv2d)}
    for conv in kernels.values():
        nn.init.kaiming_normal_(conv.weight, nonlinearity="relu", generator=generator)
        if conv.bias is not None:
            nn.init.zeros_(conv.bias)
    nn.init.normal_(net.head.weight, std=0.01, generator=generator)
    nn.init.zeros_(net.head.bias)
    if not norm_free:
        return
    first = next(iter(kernels))
    normalise_weights(net, "scaled_standardize", layers=(first,), gamma=1.0)
    rest = tuple(name for name in kernels if name != first)
    normalise_weights(net, "scaled_standardize", layers=rest)
