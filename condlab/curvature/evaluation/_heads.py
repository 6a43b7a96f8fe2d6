"""Logits of many classes, known by the linear layer that made them."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.nn import functional as F
from torch.utils._pytree import tree_leaves

from condlab.curvature.evaluation._vocabulary import Losses, Parts, Route

MANY = 4096  # classes, from which logits are mostly larger than all that they are of
RESHAPES = ("view", "reshape", "flatten")
DERIVED = ("grad", "backward", "register_hook", "retain_grad")
NAMES = ("linear", *RESHAPES, "cross_entropy", *DERIVED)


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """A linear layer's result, for as long as it lives and is not written to."""

    logits: weakref.ref[Tensor]
    parts: Parts
    marks: tuple[object, ...]

    def of(self, x: object) -> bool:
        """Return whether this is the result, as it was."""
        z = self.logits()
        return z is not None and z is x and _marks(z, self.parts) == self.marks


class Heads:
    """What linear layers of many classes gave during one evaluation of a loss."""

    def __init__(self) -> None:
        self._made: dict[int, Head] = {}
        self._route = Route()

    def call(
        self, name: str, func: Callable, args: tuple, kwargs: dict[str, Any]
    ) -> object:
        """Call a function of one of `NAMES`, a cross-entropy by formulas if it can be.

        The logits may be used elsewhere: a derivative by them goes through them.
        """
        if name in DERIVED:
            return self._derived(name, func, args, kwargs)
        if func is F.cross_entropy:
            found = self._losses(_CROSS_ENTROPY.bind(*args, **kwargs))
            return func(*args, **kwargs) if found is None else found
        found = func(*args, **kwargs)
        if func is F.linear:
            given = _LINEAR.bind(*args, **kwargs)
            given.apply_defaults()
            self._keep(found, given.args)
        elif name in RESHAPES and args and (head := self._head(args[0])):
            self._keep(found, head.parts)
        return found

    def _derived(
        self, name: str, func: Callable, args: tuple, kwargs: dict[str, Any]
    ) -> object:
        through = self._route.through_logits
        if kwargs.get("is_grads_batched") or any(
            self._head(x) is not None for x in tree_leaves((args, kwargs))
        ):
            self._route.through_logits = True
        try:
            return func(*args, **kwargs)
        finally:
            if name == "grad":  # hooks stay
                self._route.through_logits = through

    def _head(self, x: object) -> Head | None:
        head = self._made.get(id(x))
        return head if head is not None and head.of(x) else None

    def _keep(self, z: object, parts: Parts) -> None:
        if (
            all(x is None or _plain(x) for x in (z, *parts))
            and isinstance(z, Tensor)
            and z.requires_grad
            and parts[1].ndim == 2
            and z.shape[-1:] == parts[1].shape[:1]
            and all(x.shape == z.shape[-1:] for x in parts[2:] if x is not None)
            and len(parts[1]) >= MANY
            and {x.dtype for x in parts if x is not None} == {z.dtype}
            and _untransformed()
        ):
            self._made[id(z)] = Head(weakref.ref(z), parts, _marks(z, parts))

    def _losses(self, given: inspect.BoundArguments) -> Tensor | None:
        """Return a cross-entropy by formulas, None where it is left to torch."""
        given.apply_defaults()
        a = given.arguments
        z, y, weight, ignored = (
            a[name] for name in ("input", "target", "weight", "ignore_index")
        )
        head = self._head(z)
        if (
            head is None
            or not _untransformed()
            or _checkpointed()
            or z.ndim != 2
            or not len(z)
            or not isinstance(y, Tensor)
            or y.dtype != torch.int64
            or y.shape != z.shape[:1]
            or a["label_smoothing"]
            or a["reduction"] not in ("none", "mean", "sum")
            or (a["size_average"], a["reduce"]) != (None, None)
            or (
                weight is not None
                and (
                    weight.requires_grad
                    or weight.dtype != z.dtype
                    or weight.shape != z.shape[1:]
                )
            )
        ):
            return None
        kept = y != ignored
        classes = torch.where(kept, y, 0)
        if y.numel() and not 0 <= int(classes.min()) <= int(classes.max()) < len(z.T):
            return None  # torch says which
        h, W, b = head.parts
        h = h.reshape(-1, h.shape[-1])
        losses = Losses.apply(self._route, z, h, W, b, classes)
        counts = kept.to(z.dtype) if weight is None else kept * weight[classes]
        losses = torch.where(kept, losses, 0) * counts
        if a["reduction"] == "none":
            return losses
        return losses.sum() / (counts.sum() if a["reduction"] == "mean" else 1)


def _untransformed() -> bool:
    """Return whether derivatives are all backwards, one at a time: formulas are."""
    return (
        not torch._C._are_functorch_transforms_active()
        and forward_ad._current_level < 0
    )


def _checkpointed() -> bool:
    """Return whether this is evaluated again within a backward pass, by torch alone."""
    hooks = torch._C._autograd._top_saved_tensors_default_hooks(True)
    return bool(hooks) and hooks[0].__module__ == "torch.utils.checkpoint"


def _plain(x: object) -> bool:
    return (
        isinstance(x, Tensor)
        and type(x) in (Tensor, nn.Parameter)
        and x.dtype in (torch.float32, torch.float64)
        and x.layout == torch.strided
        and not x.is_inference()  # their versions are not counted
    )


def _marks(z: Tensor, parts: Parts) -> tuple[object, ...]:
    """Return what writing changes, and detaching in place, which counts as none."""
    return z.grad_fn, *(x._version for x in (z, *parts) if x is not None)


def _linear(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
) -> None:
    """Name the arguments of torch's, which has no signature."""


_LINEAR = inspect.signature(_linear)
_CROSS_ENTROPY = inspect.signature(F.cross_entropy)
