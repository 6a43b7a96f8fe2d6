"""Temporal shift of Lin, Gan and Han (2019): clips through a network of images."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from studies.models.resnet import Basic, Bottleneck, ResNet


def temporal_shift(x: Tensor, folds: int = 8) -> Tensor:
    """Return clips of which some channels are the next frame's, some the last one's.

    Parameters
    ----------
    x : Tensor, shape (N, T, C, ...)
        Frames of clips.
    folds : int
        Of C // folds channels each frame has the next one's; of as many more the one's
        before it. There is nothing before the first frame and after the last: zeros.

    Returns
    -------
    Tensor, shape (N, T, C, ...)

    Examples
    --------
    >>> x = torch.arange(1.0, 13).view(1, 3, 4)
    >>> temporal_shift(x, folds=4)
    tensor([[[ 5.,  0.,  3.,  4.],
             [ 9.,  2.,  7.,  8.],
             [ 0.,  6., 11., 12.]]])
    """
    fold = x.shape[2] // folds
    later, earlier, rest = x.split([fold, fold, x.shape[2] - 2 * fold], dim=2)
    nothing = torch.zeros_like(later[:, :1])
    return torch.cat(
        [
            torch.cat([later[:, 1:], nothing], dim=1),
            torch.cat([nothing, earlier[:, :-1]], dim=1),
            rest,
        ],
        dim=2,
    )


class Shifted(nn.Module):
    """A layer of images that sees frames after a temporal shift.

    Parameters
    ----------
    layer : torch.nn.Module
        Of images of shape (N * T, C, H, W).
    frames, folds : int
        T, and as of `temporal_shift`.
    """

    def __init__(self, layer: nn.Module, frames: int, folds: int):
        super().__init__()
        self.layer, self.frames, self.folds = layer, frames, folds

    def forward(self, x: Tensor) -> Tensor:
        """Return what the layer makes of the shifted frames."""
        clips = x.unflatten(0, (-1, self.frames))
        return self.layer(temporal_shift(clips, self.folds).flatten(0, 1))


class TSM(nn.Module):
    """A residual network of frames, whose logits are averaged over a clip.

    Parameters
    ----------
    net : ResNet
        Of frames; changed in place: the first convolution of every block sees frames
        after a temporal shift.
    frames : int
        T.
    folds : int
        As of `temporal_shift`; 0 for no shift.
    dropout : float
        Share of the features that are dropped before the head.

    References
    ----------
    .. [1] J. Lin, C. Gan and S. Han, "TSM: temporal shift module for efficient video
       understanding", ICCV 2019.
    """

    def __init__(
        self, net: ResNet, frames: int, *, folds: int = 8, dropout: float = 0.0
    ):
        super().__init__()
        self.net, self.frames = net, frames
        for block in net.stages.modules():
            if isinstance(block, Basic | Bottleneck) and folds:
                block.residual[0] = Shifted(block.residual[0], frames, folds)
        if dropout:
            net.add_module("head", nn.Sequential(nn.Dropout(dropout), net.head))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits, shape (N, classes), of clips (N, T, C, H, W)."""
        logits = self.net(x.flatten(0, 1))
        return logits.unflatten(0, (-1, self.frames)).mean(dim=1)
