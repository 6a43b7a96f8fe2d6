"""What all maps from stored to effective weights have in common."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.optim.optimizer import register_optimizer_step_post_hook

from condlab.nn._cache import WeightCache
from condlab.nn.layout import Layout
from condlab.nn.selection import Site

INSTANCE_SLOTS = ("__dict__", "__weakref__")  # which every class makes anew


class EffectiveWeight(nn.Module):
    """A map of weights whose value is kept in eval mode until an input changes."""

    method: str = ""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        _count_optimiser_steps()
        self.layout = layout
        self._cache = WeightCache()

    def forward(self, W: Tensor) -> Tensor:
        """Return the effective weight, of W's shape."""
        if self.training:
            return self.effective(W)
        inputs = (W, *self.parameters(), *self.buffers())
        return self._cache.get(inputs, lambda: self.effective(W))

    def effective(self, W: Tensor) -> Tensor:
        """Return the effective weight, computed anew."""
        raise NotImplementedError

    def right_inverse(self, W: Tensor) -> Tensor:
        """Store what is assigned to the weight; the effective one follows from it."""
        return W

    def train(self, mode: bool = True) -> Self:
        """Switch, and forget the kept weight, so that writes to ``.data`` count."""
        self._cache.clear()
        return super().train(mode)


def take_class(layer: nn.Module) -> None:
    """Give a parametrized layer a class of its own before parametrizations change.

    Torch puts the weight into the layer's class as a property. A deep copy shares that
    class, and would lose its weight with the removal from the original.
    """
    if parametrize.is_parametrized(layer):
        shared = type(layer)
        kept = {k: v for k, v in vars(shared).items() if k not in INSTANCE_SLOTS}
        layer.__class__ = type(shared.__name__, shared.__bases__, kept)


@functools.cache
def _count_optimiser_steps() -> None:
    """Let every optimiser step count as a write: torch's fused ones leave no trace."""

    def count(optimiser: torch.optim.Optimizer, *_: Any) -> None:
        for group in optimiser.param_groups:
            torch.autograd.graph.increment_version(group["params"])

    register_optimizer_step_post_hook(count)


def register(
    chosen: Iterable[Site], make: Callable[[Tensor, Layout], EffectiveWeight]
) -> None:
    """Parametrize weights in place, those that are tied by one and the same map."""
    maps: dict[int, EffectiveWeight] = {}
    for site in chosen:
        key = id(site.raw)
        if key not in maps:
            with torch.no_grad():
                maps[key] = make(site.weight, site.layout).train(site.module.training)
        take_class(site.module)
        parametrize.register_parametrization(site.module, site.tensor, maps[key])
