"""Weights that hooks of torch's compute before each forward pass, and the cure."""

from __future__ import annotations

from torch import nn
from torch.nn.utils import parametrize
from torch.nn.utils.prune import BasePruningMethod
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

UTILS = "torch.nn.utils."
HOOKS = (  # the class, what names its tensor, who makes one, and what ends it
    (WeightNorm, "name", "weight_norm", "remove_weight_norm(layer, {name!r})"),
    (SpectralNorm, "name", "spectral_norm", "remove_spectral_norm(layer, {name!r})"),
    (BasePruningMethod, "_tensor_name", "prune", "prune.remove(layer, {name!r})"),
)


def computed(layer: nn.Module, tensor: str) -> str | None:
    """Return what computes a layer's tensor, and how to end that, or None.

    Torch's parametrizations are none: maps compose with them.
    """
    for hook in layer._forward_pre_hooks.values():
        for kind, name, maker, cure in HOOKS:
            if isinstance(hook, kind) and getattr(hook, name) == tensor:
                return (
                    f"is computed by {UTILS}{maker} before each forward pass; end that "
                    f"with {UTILS}{cure.format(name=tensor)}"
                )
    if parametrize.is_parametrized(layer, tensor) or tensor in layer._parameters:
        return None
    kind_of_layer = type(layer).__name__.removeprefix("Parametrized")
    return f"is no parameter of {kind_of_layer}, which computes it; make it one"
