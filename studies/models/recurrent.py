"""Recurrent networks that read an image row by row, with norms inside the cell."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.utils import skip_init

NORMS = ("none", "layer", "batch")


class StepBatchNorm(nn.Module):
    """Batch norm with statistics of its own for each step of a sequence, one affine.

    Parameters
    ----------
    channels : int
        Features.
    steps : int
        Whose running statistics are kept; later steps use those of the last one.

    References
    ----------
    .. [1] T. Cooijmans, N. Ballas, C. Laurent, C. Gulcehre and A. Courville,
       "Recurrent batch normalization", ICLR 2017, section 3 (scale of 0.1 at first).
    """

    def __init__(self, channels: int, steps: int):
        super().__init__()
        self.each = nn.ModuleList(
            nn.BatchNorm1d(channels, affine=False) for _ in range(steps)
        )
        self.weight = nn.Parameter(torch.full((channels,), 0.1))

    def forward(self, x: Tensor, step: int) -> Tensor:
        """Return the normalised features (N, C) of a step."""
        return self.weight * self.each[min(step, len(self.each) - 1)](x)


class StepLayerNorm(nn.Module):
    """Layer norm, the same at each step, with a scale; the cell adds the shift."""

    def __init__(self, channels: int, _steps: int = 0):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor, _step: int) -> Tensor:
        """Return the normalised features (N, C)."""
        return nn.functional.layer_norm(x, x.shape[-1:], self.weight)


class _None(nn.Module):
    def __init__(self, _channels: int, _steps: int = 0):
        super().__init__()

    def forward(self, x: Tensor, _step: int) -> Tensor:
        return x


class GRU(nn.Module):
    r"""A gated recurrent unit over the rows of an image, and a linear head.

    .. math:: (z, r) = N(V h) + N(W x) + b, \quad
       \hat h = \tanh(N(W' x) + b' + \sigma(r) N(U h)), \quad
       h \leftarrow (1 - \sigma(z)) h + \sigma(z) \hat h

    as in [1]_, where N is layer norm; without a norm it is the usual unit, whose
    second bias is left out.

    Parameters
    ----------
    inputs, hidden, outputs : int
        Entries of a row, of the state, and logits.
    steps : int
        Rows.
    norm : {"none", "layer", "batch"}
        What N is, each with a scale of its own; batch norm's has statistics of each
        step.

    References
    ----------
    .. [1] J. L. Ba, J. R. Kiros and G. E. Hinton, "Layer normalization",
       arXiv:1607.06450, supplement, equations 22 to 24.
    """

    def __init__(
        self, inputs: int, hidden: int, outputs: int, steps: int, norm: str = "none"
    ):
        super().__init__()
        made = {"none": _None, "layer": StepLayerNorm, "batch": StepBatchNorm}
        if norm not in made:
            raise ValueError(f"norm must be one of {NORMS}, got {norm!r}")
        self.hidden = hidden
        self.of_input = skip_init(nn.Linear, inputs, 3 * hidden, bias=True)
        self.of_state = skip_init(nn.Linear, hidden, 3 * hidden, bias=False)
        self.head = skip_init(nn.Linear, hidden, outputs)
        sizes = (2 * hidden, hidden)
        self.input_norms = nn.ModuleList(made[norm](n, steps) for n in sizes)
        self.state_norms = nn.ModuleList(made[norm](n, steps) for n in sizes)
        for layer in (self.of_input, self.of_state, self.head):
            bound = 1 / math.sqrt(layer.in_features)
            nn.init.uniform_(layer.weight, -bound, bound)
        nn.init.zeros_(self.of_input.bias)
        nn.init.zeros_(self.head.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits of images (N, C, H, W), whose rows hold all channels."""
        rows = x.permute(0, 2, 1, 3).flatten(2)
        h = x.new_zeros(len(x), self.hidden)
        split, bias = [2 * self.hidden, self.hidden], self.of_input.bias
        gate_bias, own_bias = bias.split(split)
        projected = nn.functional.linear(rows, self.of_input.weight)
        for t in range(rows.shape[1]):
            gates, own = (
                norm(part, t)
                for norm, part in zip(
                    self.input_norms, projected[:, t].split(split, 1), strict=True
                )
            )
            of_gates, of_own = (
                norm(part, t)
                for norm, part in zip(
                    self.state_norms, self.of_state(h).split(split, 1), strict=True
                )
            )
            z, r = (gates + of_gates + gate_bias).sigmoid().chunk(2, 1)
            h = torch.lerp(h, (own + own_bias + r * of_own).tanh(), z)
        return self.head(h)
