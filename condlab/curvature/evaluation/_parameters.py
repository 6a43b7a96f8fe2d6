"""Parameters as one vector, and back."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Flat:
    """Names, shapes and places of parameters that are laid out one after another."""

    shapes: dict[str, torch.Size]
    slices: dict[str, slice]
    dtype: torch.dtype
    device: torch.device

    @classmethod
    def of(cls, params: Mapping[str, Tensor]) -> Flat:
        """Return the layout of a dict of parameters, refusing what has no Hessian."""
        if not isinstance(params, Mapping) or not params:
            raise ValueError(
                "params must be a dict of at least one tensor by name, got "
                f"{params if params == {} else type(params).__name__}; a module's are "
                "dict(module.named_parameters())"
            )
        for name, p in params.items():
            if not isinstance(p, Tensor) or p.dtype not in _REAL:
                got = p.dtype if isinstance(p, Tensor) else type(p).__name__
                raise ValueError(
                    f"params must be float32 or float64 tensors, got {got} for "
                    f"{name!r}; convert it, or leave it out"
                )
        kinds = {(p.dtype, p.device) for p in params.values()}
        if any(device.type == "meta" for _, device in kinds):
            raise ValueError(
                "params must have values, got tensors on the meta device; materialise "
                "them by module.to_empty(device=...) and load or initialise them"
            )
        if not any(p.numel() for p in params.values()):
            raise ValueError(
                "params must hold at least one number, got empty tensors for "
                f"{', '.join(params)}"
            )
        if len(kinds) > 1:
            found = ", ".join(sorted(f"{dtype} on {where}" for dtype, where in kinds))
            raise ValueError(f"params must share one dtype and one device, got {found}")
        ends = list(itertools.accumulate(p.numel() for p in params.values()))
        starts = [0, *ends]
        return cls(
            {name: p.shape for name, p in params.items()},
            {n: slice(a, b) for n, a, b in zip(params, starts, ends, strict=False)},
            *kinds.pop(),
        )

    @property
    def size(self) -> int:
        """Return how many numbers there are."""
        return sum(shape.numel() for shape in self.shapes.values())

    def flatten(self, parts: Mapping[str, Tensor]) -> Tensor:
        """Return tensors of the parameters' shapes as one vector, shape (n,)."""
        for name, shape in self.shapes.items():
            if name not in parts or parts[name].shape != shape:
                got = tuple(parts[name].shape) if name in parts else "nothing"
                raise ValueError(f"{name!r} needs shape {tuple(shape)}, got {got}")
        return torch.cat([parts[name].reshape(-1) for name in self.shapes])

    def unflatten(self, rows: Tensor) -> dict[str, Tensor]:
        """Return views of vectors, shape (..., n), in the parameters' shapes."""
        if rows.ndim == 0 or rows.shape[-1] != self.size:
            raise ValueError(
                f"shape (..., {self.size}) is needed, got {tuple(rows.shape)}"
            )
        lead = rows.shape[:-1]
        return {
            name: rows[..., self.slices[name]].reshape(lead + shape)
            for name, shape in self.shapes.items()
        }


_REAL = (torch.float32, torch.float64)
