"""What every normalisation of (N, C, ...) arrays needs."""

from __future__ import annotations

from math import gcd

import torch
from torch import Tensor

from condlab.nn.maps.unit import unit_lines


def per_channel(v: Tensor, x: Tensor) -> Tensor:
    """Return v of shape (C,) or (N, C) with the singleton axes x has after C."""
    return v.reshape(*v.shape, *(1,) * (x.ndim - 2))


def affine(x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    """Return weight * x + bias, both of shape (C,) or None."""
    if weight is not None:
        x = x * per_channel(weight, x)
    return x if bias is None else x + per_channel(bias, x)


def fitting_groups(groups: int, channels: int) -> int:
    """Return the greatest common divisor, so that any number of channels works."""
    if groups < 1 or channels < 1:
        raise ValueError(
            f"groups and channels must be positive, got {groups} and {channels}"
        )
    return gcd(groups, channels)


def unit(x: Tensor, dim: int = -1) -> Tensor:
    """Return x with unit 2-norm along an axis; a zero vector stays as it is."""
    return unit_lines(x, (dim % x.ndim,))[0]


@torch.no_grad()
def update_average(average: Tensor, value: Tensor, momentum: float) -> None:
    """Move an average towards a value, which autocast may have given another dtype."""
    average.lerp_(value.to(average.dtype), momentum)


def channel_mean(x: Tensor) -> Tensor:
    """Return the mean over all axes but that of channels, shape (C,)."""
    return x.mean([0, *range(2, x.ndim)])


def need_two(values: int) -> None:
    """Raise where a mean would be that of a single value."""
    if values < 2:
        raise ValueError(
            "training needs more than one value for each mean, got one; use larger "
            "batches or chunks, or eval()"
        )
