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
    ContrastResponseNorm,
    DivisiveNorm,
    GlobalResponseNorm,
    LocalContrastNorm,
    LocalResponseNorm,
)
from condlab.nn.norms.switchable import SwitchableNorm
from condlab.nn.norms.vectors import ScaleNorm
from condlab.nn.norms.whitening import WhiteningNorm

Layout = Literal["images", "signals", "volumes", "tokens", "vectors"]
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


# What is the same for (N, C) and for any number of axes behind.
_ANY: Mapping[str, Factory] = {
    "none": nn.Identity,
    "ghost_batch": BatchGroupNorm,
    "moving_batch": partial(BatchGroupNorm, examples=2**31, example_weight=0.1),
    "batch_group": partial(BatchGroupNorm, groups=32, examples=2),
    "batch_renorm": BatchRenorm,
    "decorrelated": WhiteningNorm,
    "iterative": partial(WhiteningNorm, group_size=64, method="newton"),
}

# And what needs such axes, of whichever number.
_SPATIAL: Mapping[str, Factory] = {
    **_ANY,
    "layer": partial(_group, groups=1),  # over all but N
    "channel_layer": ChannelLayerNorm,  # over C at each position
    "rms": GroupRMSNorm,
    "group": _group,
    "local_response": LocalResponseNorm,
    "global_response": GlobalResponseNorm,
}

NORMS: Mapping[str, Mapping[str, Factory]] = MappingProxyType(
    {
        "images": MappingProxyType(
            {
                **_SPATIAL,
                "batch": nn.BatchNorm2d,
                "batch_channel": BatchChannelNorm,
                "instance": partial(nn.InstanceNorm2d, affine=True),
                "divisive": DivisiveNorm,
                "local_contrast": LocalContrastNorm,
                "contrast_response": ContrastResponseNorm,
                "switchable": SwitchableNorm,
                "sparse_switchable": partial(SwitchableNorm, switch="sparsestmax"),
                "associate": AssocNorm,
            }
        ),
        "signals": MappingProxyType(
            {
                **_SPATIAL,
                "batch": nn.BatchNorm1d,
                "instance": partial(nn.InstanceNorm1d, affine=True),
            }
        ),
        "volumes": MappingProxyType(
            {
                **_SPATIAL,
                "batch": nn.BatchNorm3d,
                "instance": partial(nn.InstanceNorm3d, affine=True),
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
    layout : {"images", "signals", "volumes", "tokens", "vectors"}
        Inputs of shape (N, C, H, W), as of 2-D convolutions, (N, C, L), of 1-D ones,
        (N, C, D, H, W), of 3-D ones, (N, T, C) or (N, C).
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
