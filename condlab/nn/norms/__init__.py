"""Normalisations of activations, each by name; torch's own where torch has one.

Named by the surveys and not here: dynamic layer norm, local context norm, normalization
propagation, exemplar norm and natural neural networks.
"""

from condlab.nn.norms.adaptive import AdaptiveInstanceNorm, AdaptiveLayerNorm
from condlab.nn.norms.batch import BatchChannelNorm, BatchGroupNorm, decay_groups
from condlab.nn.norms.group import ChannelLayerNorm, GroupRMSNorm
from condlab.nn.norms.names import NORMS, Layout, make_norm
from condlab.nn.norms.renorm import BatchRenorm
from condlab.nn.norms.response import (
    ContrastResponseNorm,
    DivisiveNorm,
    GlobalResponseNorm,
    LocalContrastNorm,
    LocalResponseNorm,
)
from condlab.nn.norms.switchable import SwitchableNorm, sparsemax, sparsestmax
from condlab.nn.norms.vectors import FixNorm, QKNorm, ScaleNorm
from condlab.nn.norms.whitening import WhiteningNorm, inverse_root, newton_root

__all__ = [
    "NORMS",
    "AdaptiveInstanceNorm",
    "AdaptiveLayerNorm",
    "BatchChannelNorm",
    "BatchGroupNorm",
    "BatchRenorm",
    "ChannelLayerNorm",
    "ContrastResponseNorm",
    "DivisiveNorm",
    "FixNorm",
    "GlobalResponseNorm",
    "GroupRMSNorm",
    "Layout",
    "LocalContrastNorm",
    "LocalResponseNorm",
    "QKNorm",
    "ScaleNorm",
    "SwitchableNorm",
    "WhiteningNorm",
    "decay_groups",
    "inverse_root",
    "make_norm",
    "newton_root",
    "sparsemax",
    "sparsestmax",
]
