"""Conditioned networks, and the normalisations they are compared with (needs torch)."""

from __future__ import annotations

try:
    import torch  # noqa: F401
except ModuleNotFoundError as error:  # pragma: no cover
    from condlab.errors import missing_extra

    raise missing_extra("torch", "torch", "condlab.nn") from error

from condlab.nn.conditioning import Conditioning, condition, uncondition
from condlab.nn.describe import Description, Weight, describe
from condlab.nn.fold import effective_weights, fold
from condlab.nn.layout import layouts
from condlab.nn.selection import PRESETS
from condlab.nn.weights import WEIGHT_METHODS, normalise_weights

__all__ = [
    "PRESETS",
    "WEIGHT_METHODS",
    "Conditioning",
    "Description",
    "Weight",
    "condition",
    "describe",
    "effective_weights",
    "fold",
    "layouts",
    "normalise_weights",
    "uncondition",
]
