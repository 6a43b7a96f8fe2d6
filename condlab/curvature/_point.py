"""A loss, the parameters where it is differentiated, and the data it is the mean of."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from condlab.curvature._data import Data
from condlab.curvature._parameters import Flat
from condlab.curvature.backends import differentiable, gradient_graph
from condlab.curvature.losses import Loss, hold, require_deterministic


@dataclass(frozen=True, slots=True)
class Point:
    """Where a matrix of derivatives is taken; `noise` is rounding's own product."""

    loss: Loss
    leaves: dict[str, Tensor]
    flat: Flat
    data: Data
    memory: float
    noise: float

    @classmethod
    def of(
        cls,
        loss: Loss,
        params: Mapping[str, Tensor],
        batches: Iterable[Any],
        weights: Sequence[float] | None,
        memory: float | None,
    ) -> Point:
        """Return the point with a copy of the parameters, once the loss is checked."""
        flat = Flat.of(params)
        with torch.inference_mode(mode=False):  # else they could not be differentiated
            leaves = {n: p.detach().clone().requires_grad_() for n, p in params.items()}
        data = batches if isinstance(batches, Data) else Data(batches, weights)

        def gradient() -> tuple[Tensor, Tensor]:
            return _gradient(loss, leaves, data.first)

        require_deterministic(loss, gradient)
        slope = float(gradient()[1].norm())
        theta = float(
            torch.cat([p.detach().reshape(-1) for p in leaves.values()]).norm()
        )
        room = available_bytes(flat.device) / 2 if memory is None else float(memory)
        return cls(loss, leaves, flat, data, room, slope / theta if theta else 0.0)

    @property
    def params(self) -> dict[str, Tensor]:
        """Return the parameters, detached."""
        return {name: p.detach() for name, p in self.leaves.items()}

    def gradient(self) -> Tensor:
        """Return the gradient of the weighted mean over the batches, shape (n,)."""
        total = torch.zeros(
            self.flat.size, dtype=self.flat.dtype, device=self.flat.device
        )
        for _, batch, weight in self.data:
            total += weight * _gradient(self.loss, self.leaves, batch)[1]
        return total

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


def _gradient(
    loss: Loss, leaves: dict[str, Tensor], batch: Any
) -> tuple[Tensor, Tensor]:
    with differentiable():
        value, gradient = gradient_graph(loss, leaves, batch, again=False)
    return value.detach(), torch.cat([g.detach().reshape(-1) for g in gradient])


def available_bytes(device: torch.device) -> int:
    """Return how many bytes are free on a device."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    table = Path("/proc/meminfo")  # Linux; elsewhere what is installed, halved
    for line in table.read_text().splitlines() if table.exists() else ():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    if not hasattr(os, "sysconf"):
        return 1 << 32
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
