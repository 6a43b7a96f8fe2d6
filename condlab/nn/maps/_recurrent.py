"""Recurrent layers whose weights are computed: torch's list of them, always fresh.

``nn.RNNBase`` hands its kernels a list that it keeps from one forward pass to the next.
Of computed weights it would keep the graph too, which cannot be copied, and it
computes each of them four times a pass to see whether it has changed.
"""

from __future__ import annotations

import weakref

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize


def keep_no_weights(layer: nn.Module) -> None:
    """Let a parametrized recurrent layer gather its weights anew where it needs them.

    When the last parametrization goes, so does the class that this changes, and torch
    finds that its list is out of date.
    """
    if not isinstance(layer, nn.RNNBase) or not parametrize.is_parametrized(layer):
        return
    dead = weakref.ref(torch.empty(0))
    names = layer._flat_weights_names
    layer.__dict__["_flat_weights"] = [None] * len(names)
    layer.__dict__["_flat_weight_refs"] = [dead] * len(names)
    own = {
        "_flat_weights": property(_gathered, _ignore),
        "_update_flat_weights": _do_nothing,
        "flatten_parameters": _do_nothing,
    }
    for name, value in own.items():
        setattr(type(layer), name, value)


def _gathered(layer: nn.RNNBase) -> list[Tensor | None]:
    # As in torch's list: a replica for another device has no parameters at first.
    return [getattr(layer, name, None) for name in layer._flat_weights_names]


def _ignore(_layer: nn.RNNBase, _weights: object) -> None:
    """Take no list: torch sets one when the layer moves to another device or type."""


def _do_nothing(_layer: nn.RNNBase) -> None:
    """Leave weights that are computed as they are."""
