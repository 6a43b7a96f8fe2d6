"""Maps of weights that know the list they stand in, and hear when steps move it."""

from __future__ import annotations

import copy
import weakref
from collections.abc import Iterable
from typing import Self

from torch import Tensor, nn
from torch.nn.utils import parametrize

from condlab.nn.layout import Layout
from condlab.nn.maps import _steps
from condlab.nn.maps.parametrization import EffectiveWeight


class OwnedWeight(EffectiveWeight):
    """A map with a state that has to follow the stored weight."""

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout)
        self._owner: weakref.ref[parametrize.ParametrizationList] | None = None

    def follows_steps(self) -> bool:
        """Tell whether steps of optimisers change the state."""
        raise NotImplementedError

    def step(self) -> None:
        """Take notice of a step that has moved the stored weight."""
        raise NotImplementedError

    def refresh(self) -> None:
        """Compute the state anew from the stored weight as it is now."""
        raise NotImplementedError

    def belong_to(self, owner: parametrize.ParametrizationList) -> None:
        """Take note of the list that the map stands in, whose tensors optimisers move.

        The list refers to the map, so the map must not refer to the list.
        """
        self._owner = weakref.ref(owner)
        if self.follows_steps():
            _steps.listen(self)

    def moved_by_steps(self) -> Iterable[Tensor]:
        """Return the stored tensors of the weight, as they are now."""
        owner = self._owner() if self._owner is not None else None
        return () if owner is None else owner.parameters(recurse=False)

    def arriving(self) -> Tensor | None:
        """Return the weight as it comes to this map, or None where that is unknown."""
        owner = self._owner() if self._owner is not None else None
        return None if owner is None else _up_to(owner, self)

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        """Return a copy that belongs to the copy of its list, which is made first."""
        twin = type(self).__new__(type(self))
        memo[id(self)] = twin
        twin.__dict__.update(copy.deepcopy(self.__dict__, memo))
        owner = None if self._owner is None else memo.get(id(self._owner()))
        twin._owner = None
        if isinstance(owner, parametrize.ParametrizationList):
            twin.belong_to(owner)
        return twin

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_owner": None}  # a weak reference is not pickled


def _up_to(owner: parametrize.ParametrizationList, last: nn.Module) -> Tensor:
    """Return the weight as it comes to one of several parametrizations."""
    if owner.is_tensor:
        value = [owner.original]
    else:
        value = [getattr(owner, f"original{i}") for i in range(owner.ntensors)]
    for map_ in owner:
        if map_ is last:
            break
        value = [map_(*value)]
    return value[0]
