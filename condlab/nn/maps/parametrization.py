"""What all maps from stored to effective weights have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from condlab.nn.layout import Layout
from condlab.nn.maps._cache import WeightCache
from condlab.nn.maps._recomputed import recompute_in, value
from condlab.nn.maps._recurrent import keep_no_weights
from condlab.nn.maps._steps import hear_optimisers
from condlab.nn.selection import Site, chain, maps_of

INSTANCE_SLOTS = ("__dict__", "__weakref__")  # which every class makes anew


class EffectiveWeight(nn.Module):
    """A map of weights whose value is kept in eval mode until an input changes."""

    method: str = ""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        hear_optimisers()
        self.layout = layout
        self._cache = WeightCache()

    def forward(self, W: Tensor) -> Tensor:
        """Return the effective weight, of W's shape."""
        if self.training:
            return value(self, W)
        inputs = (W, *self.parameters(), *self.buffers())
        return self._cache.get(inputs, lambda: self.effective(W))

    def effective(self, W: Tensor) -> Tensor:
        """Return the effective weight, computed anew."""
        raise NotImplementedError

    def repeatable(self) -> bool:
        """Tell whether backward may compute it again rather than keep it."""
        return False

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


def register(
    chosen: Sequence[Site], make: Callable[[Tensor, Layout], EffectiveWeight]
) -> None:
    """Parametrize weights in place, those that are tied by one and the same map."""
    maps: dict[int, EffectiveWeight] = {}
    with all_or_nothing(chosen):
        for site in chosen:
            key = id(site.raw)
            if key not in maps:
                with torch.no_grad():
                    made = make(site.weight, site.layout)
                maps[key] = made.train(site.module.training)
            add_map(site, maps[key])
            if maps[key].repeatable():
                recompute_in(site.module)


def add_map(site: Site, made: nn.Module, *, unsafe: bool = False) -> None:
    """Register one parametrization; `unsafe` as of torch's own function."""
    take_class(site.module)
    parametrize.register_parametrization(site.module, site.tensor, made, unsafe=unsafe)
    keep_no_weights(site.module)


@contextmanager
def all_or_nothing(chosen: Iterable[Site]) -> Iterator[None]:
    """Leave the weights as they were if parametrizing one of them fails."""
    before = [_Before.of(site) for site in chosen]
    try:
        yield
    except BaseException:
        for one in before:
            one.restore()
        raise


@dataclass(frozen=True, slots=True)
class _Before:
    site: Site
    maps: int
    parameter: Tensor | None
    values: Tensor | None
    order: tuple[str, ...]

    @classmethod
    def of(cls, site: Site) -> _Before:
        layer = site.module
        maps = len(chain(layer, site.tensor))
        parameter = layer._parameters.get(site.tensor)
        # Another tensor on the same memory: torch moves a parameter to new memory
        # where it stores something else in it.
        values = None if parameter is None else parameter.detach()
        return cls(site, maps, parameter, values, tuple(layer._parameters))

    def restore(self) -> None:
        layer, tensor = self.site.module, self.site.tensor
        if len(chain(layer, tensor)) == self.maps:
            return
        if self.maps:
            del maps_of(layer, tensor)[self.maps :]
            return
        parametrize.remove_parametrizations(layer, tensor, leave_parametrized=True)
        if self.parameter is not None and self.values is not None:
            with torch.no_grad():
                self.parameter.set_(self.values)  # type: ignore[call-overload]
        layer._parameters[tensor] = self.parameter  # type: ignore[assignment]
        for name in self.order:  # registered anew, it would have become the last
            if name in layer._parameters:  # others may be put back later
                layer._parameters[name] = layer._parameters.pop(name)
