"""From a name to a layer: every normalisation a model can be built with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import gcd
from types import MappingProxyType
from typing import Any, Literal

from torch import nn

Layout = Literal["images", "tokens", "vectors"]
Factory = Callable[..., nn.Module]


def _group_norm(channels: int, *, groups: int = 32, **options: Any) -> nn.Module:
    # 32 groups, the paper's default, where 32 divides the channels.
    return nn.GroupNorm(gcd(groups, channels), channels, **options)


NORMS: Mapping[str, Mapping[str, Factory]] = MappingProxyType(
    {
        "images": MappingProxyType(
            {
                "none": nn.Identity,
                "batch": nn.BatchNorm2d,
                "layer": lambda channels, **options: nn.GroupNorm(
                    1, channels, **options
                ),
                "group": _group_norm,
                "instance": lambda channels, **options: nn.InstanceNorm2d(
                    channels, **{"affine": True, **options}
                ),
            }
        ),
        "tokens": MappingProxyType(
            {
                "none": nn.Identity,
                "layer": nn.LayerNorm,
                "rms": nn.RMSNorm,
            }
        ),
        "vectors": MappingProxyType(
            {
                "none": nn.Identity,
                "batch": nn.BatchNorm1d,
                "layer": nn.LayerNorm,
                "rms": nn.RMSNorm,
                "group": _group_norm,
            }
        ),
    }
)


def make_norm(
    name: str, channels: int, *, layout: Layout = "images", **options: Any
) -> nn.Module:
    """Return the normalisation of that name for so many channels.

    Parameters
    ----------
    name : str
        A key of ``NORMS[layout]``.
    channels : int
        The number of channels or features.
    layout : {"images", "tokens", "vectors"}
        Inputs of shape (N, C, H, W), (N, T, C) or (N, C).
    **options
        Passed on to the layer.

    Returns
    -------
    torch.nn.Module

    Raises
    ------
    ValueError
        If there is no such name or layout.

    Examples
    --------
    >>> make_norm("group", 48)
    GroupNorm(16, 48, eps=1e-05, affine=True)
    """
    if layout not in NORMS:
        raise ValueError(f"layout must be one of {sorted(NORMS)}, got {layout!r}")
    if name not in NORMS[layout]:
        known = ", ".join(sorted(NORMS[layout]))
        raise ValueError(f"no normalisation {name!r} for {layout}; there are: {known}")
    return NORMS[layout][name](channels, **options)
