"""A loss, the parameters where it is differentiated, and the data it is the mean of."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import torch
from torch import Tensor

from condlab.curvature.evaluation._check import Check
from condlab.curvature.evaluation._data import Data
from condlab.curvature.evaluation._parameters import Flat
from condlab.curvature.evaluation._pure import require_names, require_pure
from condlab.curvature.evaluation._surroundings import as_now
from condlab.curvature.evaluation._trees import map_tensors
from condlab.curvature.evaluation._twice import differentiable
from condlab.curvature.evaluation.backends import gradient_graph
from condlab.curvature.evaluation.losses import Batch, Loss, ModelLoss, hold
from condlab.curvature.operators._large import prepared, weighed_if_parts
from condlab.nn.conditioning import zero_line
from condlab.spectra.storage.room import available_bytes

_CUT = (
    "look for what cuts or replaces a derivative: reentrant checkpointing, detach, "
    "rounding, a custom backward"
)


@dataclass(frozen=True, slots=True)
class Point:
    """Where a matrix of derivatives is taken, and what it is held against there."""

    loss: Loss
    leaves: dict[str, Tensor]
    flat: Flat
    data: Data
    memory: float
    check: Check

    @classmethod
    def of(
        cls,
        loss: Loss,
        params: Mapping[str, Tensor],
        batches: Iterable[Batch],
        weights: Sequence[float] | None,
        memory: float | None,
        *,
        in_parts: bool = False,
    ) -> Point:
        """Return the point with a copy of the parameters, once the loss is checked.

        Batches are cut `in_parts` where that changes nothing but rounding, if need be.
        """
        flat, leaves = Flat.of(params), _leaves(loss, params)
        room = available_bytes(flat.device) / 2 if memory is None else float(memory)
        least = room if in_parts else math.inf
        data = prepared(batches, weights, loss, leaves, least)

        def evaluate(at: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
            return _gradient(loss, at, data.sample[1])

        def doubled(at: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
            return _gradient_in_double(loss, at, data.sample[1])

        def first_number() -> tuple[Tensor, Tensor]:
            found = evaluate(leaves)
            while not torch.isfinite(found[0]) and data.advance():
                found = evaluate(leaves)  # of a batch that is ignored it is nan
            return found

        centre, modules = require_pure(loss, first_number)
        _require_untouched(leaves, params)
        if not isinstance(batches, Data):
            data, moved = weighed_if_parts(data, loss, leaves)
            if moved:
                centre, modules = require_pure(loss, lambda: evaluate(leaves))
        check = Check(
            evaluate,
            leaves,
            flat,
            centre,
            doubled if flat.dtype == torch.float32 else None,
            lambda one: modules.held(one, lambda: evaluate(leaves)),
        )
        _require_slopes(check, loss)
        if not isinstance(batches, Data):  # else it is kept already
            loss = as_now(loss, params)
        return cls(loss, leaves, flat, data, room, check)

    @property
    def params(self) -> dict[str, Tensor]:
        """Return the parameters, detached."""
        return {name: p.detach() for name, p in self.leaves.items()}

    def gradient(self) -> Tensor:
        """Return the gradient of the loss of all batches, shape (n,)."""
        total = torch.zeros(
            self.flat.size, dtype=self.flat.dtype, device=self.flat.device
        )
        for _, batch, weight in self.data:
            total += weight * _gradient(self.loss, self.leaves, batch)[1]
        return total

    def require_reached(self) -> None:
        """Raise ValueError if the loss does not depend on any of its parameters."""
        if self.check.centre[1].any():
            return
        leaves, found = tuple(self.leaves.values()), None
        with differentiable():
            value = self.loss(self.leaves, self.data.first)
            if value.requires_grad:
                found = torch.autograd.grad(value, leaves, allow_unused=True)
        if found is None or all(g is None for g in found):
            raise ValueError(
                "the loss must depend on params, but none of them is found in its "
                "graph; use the params that loss(params, batch) is given, as by "
                "torch.func.functional_call(module, params, inputs), and detach none"
            )

    def restrict(self, patterns: str | Iterable[str]) -> tuple[Loss, dict[str, Tensor]]:
        """Return the loss of some parameters only, with the others held, and these."""
        globs = [patterns] if isinstance(patterns, str) else list(patterns)
        params = self.params
        for glob in globs:
            if not any(fnmatchcase(name, glob) for name in params):
                raise ValueError(
                    f"{glob!r} matches no parameter; there are {', '.join(params)}"
                )
        free = {
            name: p
            for name, p in params.items()
            if any(fnmatchcase(name, glob) for glob in globs)
        }
        held = {name: p for name, p in params.items() if name not in free}
        return hold(self.loss, held), free


def _leaves(loss: Loss, params: Mapping[str, Tensor]) -> dict[str, Tensor]:
    require_names(loss, params)
    with torch.inference_mode(mode=False):  # else they could not be differentiated
        return {n: p.detach().clone().requires_grad_() for n, p in params.items()}


def _require_untouched(leaves: dict[str, Tensor], params: Mapping[str, Tensor]) -> None:
    """Raise ValueError if evaluating the loss has written to its parameters."""
    for name, p in params.items():
        if not leaves[name].detach().allclose(p.detach(), 0.0, 0.0, equal_nan=True):
            raise ValueError(
                "the loss must not change its parameters, but evaluating it writes to "
                f"{name!r}, as embeddings with max_norm do; scale them by a function"
            )


def _require_slopes(check: Check, loss: Loss) -> None:
    """Raise ValueError if the gradient is not what differences of the loss are."""
    refused = check.of_loss().refused
    if refused:
        module = loss.module if isinstance(loss, ModelLoss) else None
        jump = zero_line(module) if module is not None else ""
        raise ValueError(
            f"torch must differentiate the loss as it is, but {refused}; "
            + (jump or _CUT)
        )


def _gradient(
    loss: Loss, leaves: dict[str, Tensor], batch: Batch
) -> tuple[Tensor, Tensor]:
    with differentiable():
        value, gradient = gradient_graph(loss, leaves, batch, again=False)
    return value.detach(), torch.cat([g.detach().reshape(-1) for g in gradient])


def in_double(
    loss: Loss, leaves: dict[str, Tensor], batch: Batch
) -> tuple[dict[str, Tensor], Batch]:
    """Return parameters beside the module's buffers, and a batch, in float64."""

    def doubled(x: Tensor) -> Tensor:
        return x.double() if x.dtype == torch.float32 else x

    module = loss.module if isinstance(loss, ModelLoss) else None
    buffers = dict(module.named_buffers()) if module is not None else {}
    wide = {**{n: doubled(b) for n, b in buffers.items()}, **leaves}
    return wide, map_tensors(doubled, batch)


def _gradient_in_double(
    loss: Loss, leaves: dict[str, Tensor], batch: Batch
) -> tuple[Tensor, Tensor]:
    """Return the gradient of what a float32 loss is in float64.

    Raises
    ------
    TypeError
        If some of it stays float32.
    """
    with differentiable():
        value = loss(*in_double(loss, leaves, batch))
        if value.dtype != torch.float64:
            raise TypeError(f"float64 is needed, got {value.dtype}")
    _, gradient = _gradient(lambda *_: value, leaves, batch)
    return value.detach(), gradient
