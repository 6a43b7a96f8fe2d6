"""The eight-block Inception network for small images.

Szegedy et al. (2015) as it is usually built for CIFAR: a 3 x 3 stem with 192 channels,
the 5 x 5 branch as two 3 x 3 convolutions, a normalisation after each convolution. Of
GoogLeNet's nine blocks 4e is left out, which leaves the eight that the conditioning
paper speaks of; with all nine the network has the 6,166,250 parameters of the common
code for CIFAR.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from studies.models._norms import Norm, norm_factory

Layer = Callable[[int], nn.Module]

# Outputs of the 1 x 1, 3 x 3, 5 x 5 and pool branches, and of the 1 x 1 convolutions
# before the second and third: Table 1 of the paper, and its rows.
BLOCKS = {
    "3a": (64, 128, 32, 32, 96, 16),
    "3b": (128, 192, 96, 64, 128, 32),
    "4a": (192, 208, 48, 64, 96, 16),
    "4b": (160, 224, 64, 64, 112, 24),
    "4c": (128, 256, 64, 64, 128, 24),
    "4d": (112, 288, 64, 64, 144, 32),
    "4e": (256, 320, 128, 128, 160, 32),
    "5a": (256, 320, 128, 128, 160, 32),
    "5b": (384, 384, 128, 128, 192, 48),
}
EIGHT = ("3a", "3b", "4a", "4b", "4c", "4d", "5a", "5b")


class Block(nn.Module):
    """Four branches side by side."""

    def __init__(self, inputs: int, widths: tuple[int, ...], norm: Layer, bias: bool):
        super().__init__()
        one, three, five, pool, three_in, five_in = widths

        def conv(i: int, o: int, size: int) -> nn.Sequential:
            return _conv(i, o, size, norm, bias)

        self.branches = nn.ModuleList([
            conv(inputs, one, 1),
            nn.Sequential(conv(inputs, three_in, 1), conv(three_in, three, 3)),
            nn.Sequential(
                conv(inputs, five_in, 1), conv(five_in, five, 3), conv(five, five, 3)
            ),
            nn.Sequential(nn.MaxPool2d(3, 1, 1), conv(inputs, pool, 1)),
        ])  # fmt: skip
        self.outputs = one + three + five + pool

    def forward(self, x: Tensor) -> Tensor:
        """Return the branches' channels, one after the other."""
        return torch.cat([branch(x) for branch in self.branches], dim=1)


def _conv(i: int, o: int, size: int, norm: Layer, bias: bool) -> nn.Sequential:
    conv = nn.Conv2d(i, o, size, 1, size // 2, bias=bias)
    return nn.Sequential(conv, norm(o), nn.ReLU())


class Inception(nn.Module):
    """Stem, Inception blocks with pools of stride 2 before 4a and 5a, linear head.

    Parameters
    ----------
    num_classes : int
        Outputs of the head.
    width : float
        Factor of every number of channels, rounded to a multiple of `multiple`.
    multiple : int
        8 keeps narrow networks fast; 1 gives the table's numbers at width 1 alone.
    norm : str or callable
        See `norm_factory`. Convolutions have a bias, as in the common code.
    blocks : tuple of str
        Which of GoogLeNet's.
    in_channels : int
        Channels of the image.
    """

    def __init__(
        self,
        num_classes: int = 10,
        *,
        width: float = 1.0,
        multiple: int = 8,
        norm: Norm = "batch",
        blocks: tuple[str, ...] = EIGHT,
        in_channels: int = 3,
    ):
        super().__init__()
        layer = norm_factory(norm)

        def scaled(channels: int) -> int:
            return max(multiple, multiple * round(width * channels / multiple))

        inputs = scaled(192)
        self.stem = _conv(in_channels, inputs, 3, layer, bias=True)
        self.blocks = nn.Sequential()
        for name in blocks:
            if name in ("4a", "5a"):
                self.blocks.append(nn.MaxPool2d(3, 2, 1))
            widths = tuple(scaled(channels) for channels in BLOCKS[name])
            block = Block(inputs, widths, layer, bias=True)
            self.blocks.append(block)
            inputs = block.outputs
        self.head = nn.Linear(inputs, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, shape (N, num_classes), of images (N, C, H, W)."""
        return self.head(self.blocks(self.stem(x)).mean(dim=(2, 3)))
