"""Plain stacks of convolutions, with batch norm before or after each activation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.utils import skip_init

from studies.models._norms import Norm, norm_factory

Order = Literal["before", "after"]
SHIFT, SCALE, SPREAD = 0.5, 1.25, 0.1  # of the noise, as in its source


class Stack(nn.Module):
    """Convolutions of 3 x 3 with an activation each, average pool and linear head.

    A chain of modules in a row, without shortcuts. The image is halved twice, by the
    first convolutions of the second and the last third. Weights are drawn in one order
    and biases are zero, so that one seed gives all norms and orders the same weights.

    Parameters
    ----------
    num_classes : int
        Outputs of the head.
    width, depth : int
        Channels, and how many convolutions there are, 3 or more.
    norm : str or callable
        See `norm_factory`.
    order : {"before", "after"}
        The norm comes before the activation, or after it.
    bias : bool or None
        Whether convolutions have one; by default where no norm is right behind them.
    noisy : bool
        Put `Noise` behind each norm.
    in_channels : int
        Channels of the image.
    """

    def __init__(
        self,
        num_classes: int = 10,
        *,
        width: int = 16,
        depth: int = 6,
        norm: Norm = "none",
        order: Order = "before",
        bias: bool | None = None,
        noisy: bool = False,
        in_channels: int = 3,
    ):
        super().__init__()
        if depth < 3:
            raise ValueError(f"depth must be 3 or more, got {depth}")
        if order not in ("before", "after"):
            raise ValueError(f"order must be 'before' or 'after', got {order!r}")
        layer = norm_factory(norm)
        if bias is None:
            bias = norm == "none" or order == "after"
        self.blocks = nn.Sequential()
        for k in range(depth):
            inputs = width if k else in_channels
            stride = 2 if k in (depth // 3, 2 * depth // 3) else 1
            conv = skip_init(nn.Conv2d, inputs, width, 3, stride, 1, bias=bias)
            parts: list[nn.Module] = [layer(width)]
            if noisy:
                parts.append(Noise())
            parts.insert(len(parts) if order == "before" else 0, nn.ReLU())
            self.blocks.append(nn.Sequential(conv, *parts))
        self.head = skip_init(nn.Linear, width, num_classes)
        self._draw()

    def _draw(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def activations(self) -> Iterator[nn.Module]:
        """Yield the activations, whose inputs are what a layer's input is."""
        return (m for m in self.modules() if isinstance(m, nn.ReLU))

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, shape (N, num_classes), of images (N, C, H, W)."""
        return self.head(self.blocks(x).mean(dim=(2, 3)))


class Noise(nn.Module):
    """Shift and scale each channel by what is drawn anew at each step, in training.

    With it batch norm no longer keeps its outputs' means and variances. Each channel's
    shift is uniform within 0.5 of 0 and its scale in [1, 1.25], and each sample's own
    are drawn about these, with spreads of 0.1.

    References
    ----------
    .. [1] S. Santurkar, D. Tsipras, A. Ilyas and A. Madry, "How does batch
       normalization help optimization?", NeurIPS 2018, section 2.2 and appendix.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return x, shape (N, C, H, W), disturbed where it is training."""
        if not self.training:
            return x
        one = x.new_empty(1, x.shape[1], 1, 1)
        shift = one.clone().uniform_(-SHIFT, SHIFT)
        scale = one.clone().uniform_(1, SCALE)
        each = x.new_empty(len(x), x.shape[1], 1, 1)
        shifts = shift + each.clone().uniform_(-SPREAD, SPREAD)
        return torch.addcmul(shifts, scale + SPREAD * each.normal_(), x)
