"""Conditioned networks, and the normalisations they are compared with (needs torch)."""

from __future__ import annotations

try:
    import torch  # noqa: F401
except ModuleNotFoundError as error:  # pragma: no cover
    from condlab.errors import missing_extra

    raise missing_extra("torch", "torch", "condlab.nn") from error

from condlab.inputs import normalise_inputs
from condlab.nn.conditioning import (
    Conditioning,
    condition,
    refresh_scalings,
    uncondition,
)
from condlab.nn.describe import Description, Weight, describe
from condlab.nn.fold import effective_weights, fold
from condlab.nn.gradients import (
    GradNorm,
    centralise_gradients_,
    normalise_gradient,
    normalise_gradients_,
)
from condlab.nn.layout import Layout, layouts
from condlab.nn.monitoring.monitor import Monitor
from condlab.nn.ngpt import (
    LearnedScale,
    SphereAttention,
    SphereBlock,
    SphereEmbedding,
    SphereHead,
    SphereLinear,
    SphereMLP,
    renormalise_,
    renormalise_after,
)
from condlab.nn.norms import (
    NORMS,
    AdaptiveInstanceNorm,
    AdaptiveLayerNorm,
    BatchChannelNorm,
    BatchGroupNorm,
    BatchRenorm,
    ChannelLayerNorm,
    ContrastResponseNorm,
    DivisiveNorm,
    FixNorm,
    GlobalResponseNorm,
    GroupRMSNorm,
    LocalContrastNorm,
    LocalResponseNorm,
    QKNorm,
    ScaleNorm,
    SwitchableNorm,
    WhiteningNorm,
    decay_groups,
    make_norm,
)
from condlab.nn.norms.associate import AssocNorm, added_share
from condlab.nn.selection import PRESETS
from condlab.nn.smoothness import GradientShares, gradient_shares
from condlab.nn.states.checkpoint import load_checkpoint
from condlab.nn.states.files import open_state
from condlab.nn.table import LayerRow, LayerTable, layer_table
from condlab.nn.weights import WEIGHT_METHODS, normalise_weights

__all__ = [
    "NORMS",
    "PRESETS",
    "WEIGHT_METHODS",
    "AdaptiveInstanceNorm",
    "AdaptiveLayerNorm",
    "AssocNorm",
    "BatchChannelNorm",
    "BatchGroupNorm",
    "BatchRenorm",
    "ChannelLayerNorm",
    "Conditioning",
    "ContrastResponseNorm",
    "Description",
    "DivisiveNorm",
    "FixNorm",
    "GlobalResponseNorm",
    "GradNorm",
    "GradientShares",
    "GroupRMSNorm",
    "LayerRow",
    "LayerTable",
    "Layout",
    "LearnedScale",
    "LocalContrastNorm",
    "LocalResponseNorm",
    "Monitor",
    "QKNorm",
    "ScaleNorm",
    "SphereAttention",
    "SphereBlock",
    "SphereEmbedding",
    "SphereHead",
    "SphereLinear",
    "SphereMLP",
    "SwitchableNorm",
    "Weight",
    "WhiteningNorm",
    "added_share",
    "centralise_gradients_",
    "condition",
    "decay_groups",
    "describe",
    "effective_weights",
    "fold",
    "gradient_shares",
    "layer_table",
    "layouts",
    "load_checkpoint",
    "make_norm",
    "normalise_gradient",
    "normalise_gradients_",
    "normalise_inputs",
    "normalise_weights",
    "open_state",
    "refresh_scalings",
    "renormalise_",
    "renormalise_after",
    "uncondition",
]
