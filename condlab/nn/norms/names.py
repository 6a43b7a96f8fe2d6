"""From a name to a layer: every normalisation a model can be built with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Literal, TypedDict, Unpack

import torch
from torch import nn

from condlab.nn.norms._channels import fitting_groups
from condlab.nn.norms.associate import AssocNorm
from condlab.nn.norms.batch import BatchChannelNorm, BatchGroupNorm
from condlab.nn.norms.group import ChannelLayerNorm, GroupRMSNorm
from condlab.nn.norms.renorm import BatchRenorm
from condlab.nn.norms.response import (
    DivisiveNorm,
    GlobalResponseNorm,
    LocalContrastNorm,
    LocalResponseNorm,
)
from condlab.nn.norms.switchable import SwitchableNorm
from condlab.nn.norms.vectors import ScaleNorm
from condlab.nn.norms.whitening import WhiteningNorm

Layout = Literal["images", "tokens", "vectors"]
Factory = Callable[..., nn.Module]


class GroupOptions(TypedDict, total=False):
    """Those of `torch.nn.GroupNorm`."""

    eps: float
    affine: bool
    bias: bool
    device: torch.device | str | None
    dtype: torch.dtype | None


def _group(
    channels: int, *, groups: int = 32, **options: Unpack[GroupOptions]
) -> nn.Module:
    # 32 groups, the source's default, or what divides the channels.
    return nn.GroupNorm(fitting_groups(groups, channels), channels, **options)


# What is the same for (N, C) and (N, C, H, W).
_ANY: Mapping[str, Factory] = {
    "none": nn.Identity,
    "ghost_batch": BatchGroupNorm,
    "moving_batch": partial(BatchGroupNorm, examples=2**31, example_weight=0.1),
    "batch_group": partial(BatchGroupNorm, groups=32, examples=2),
    "batch_renorm": BatchRenorm,
    "decorrelated": WhiteningNorm,
    "iterative": partial(WhiteningNorm, group_size=64, method="newton"),
}

NORMS: Mapping[str, Mapping[str, Factory]] = MappingProxyType(
    {
        "images": MappingProxyType(
            {
                **_ANY,
                "batch": nn.BatchNorm2d,
                "batch_channel": BatchChannelNorm,
                "layer": partial(_group, groups=1),  # over (C, H, W)
                "channel_layer": ChannelLayerNorm,  # over C at each position
                "rms": GroupRMSNorm,
                "group": _group,
                "instance": partial(nn.InstanceNorm2d, affine=True),
                "local_response": LocalResponseNorm,
                "divisive": DivisiveNorm,
                "local_contrast": LocalContrastNorm,
                "global_response": GlobalResponseNorm,
                "switchable": SwitchableNorm,
                "sparse_switchable": partial(SwitchableNorm, switch="sparsestmax"),
                "associate": AssocNorm,
            }
        ),
        "tokens": MappingProxyType(
            {
                "none": nn.Identity,
                "layer": nn.LayerNorm,
                "rms": nn.RMSNorm,
                "scale": ScaleNorm,
            }
        ),
        "vectors": MappingProxyType(
            {
                **_ANY,
                "batch": nn.BatchNorm1d,
                "layer": nn.LayerNorm,
                "rms": nn.RMSNorm,
                "scale": ScaleNorm,
            }
        ),
    }
)


def make_norm(
    name: str, channels: int, *, layout: Layout = "images", **options: object
) -> nn.Module:
    """Return the normalisation of that name for so many channels.

    Batch norm across processes is torch's:
    ``torch.nn.SyncBatchNorm.convert_sync_batchnorm(network)``.

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
    >>> make_norm("group", 48).num_groups
    16
    >>> ", ".join(sorted(NORMS["tokens"]))
    'layer, none, rms, scale'
    """
    if layout not in NORMS:
        raise ValueError(f"layout must be one of {sorted(NORMS)}, got {layout!r}")
    if name not in NORMS[layout]:
        known = ", ".join(sorted(NORMS[layout]))
        raise ValueError(f"no normalisation {name!r} for {layout}; there are: {known}")
    return NORMS[layout][name](channels, **options)
