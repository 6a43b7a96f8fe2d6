"""Steps of optimisers, told to the maps whose stored weights they move."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Iterable
from typing import Protocol

import torch
from torch import Tensor
from torch.optim.optimizer import register_optimizer_step_post_hook


class Listener(Protocol):
    """What wants to know when a step has moved one of its tensors."""

    def moved_by_steps(self) -> Iterable[Tensor]:
        """Return the tensors, as they are now."""

    def step(self) -> None:
        """Take notice of one step."""


_LISTENERS: weakref.WeakSet[Listener] = weakref.WeakSet()


def listen(listener: Listener) -> None:
    """Call a listener's ``step`` after steps of optimisers, for as long as it lives."""
    hear_optimisers()
    _LISTENERS.add(listener)


@functools.cache
def hear_optimisers() -> None:
    """Arrange, once, that every step of a ``torch.optim.Optimizer`` is heard."""
    register_optimizer_step_post_hook(_after_step)


def _after_step(optimiser: torch.optim.Optimizer, *_: object) -> None:
    """Count a write, of which torch's fused steps leave no trace, and tell listeners.

    A parameter without a gradient is passed over by its optimiser, so by this too.
    """
    params = [p for group in optimiser.param_groups for p in group["params"]]
    torch.autograd.graph.increment_version(params)
    if not _LISTENERS:
        return
    moved = {id(p) for p in params if p.grad is not None}
    for listener in list(_LISTENERS):
        if any(id(tensor) in moved for tensor in listener.moved_by_steps()):
            listener.step()
