"""What a run is at a step, and at which steps something is noted or saved."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from studies.engine.store import load_checkpoint, save_checkpoint

Series = dict[str, list[list[Any]]]


@dataclass
class State:
    """All that a checkpoint holds."""

    net: nn.Module
    optimiser: torch.optim.Optimizer
    peaks: list[float]
    loss_sum: Tensor
    step: int = 0
    series: Series = field(default_factory=dict)
    tables: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    probe_seconds: float = 0.0

    PLAIN = ("step", "series", "tables", "seconds", "probe_seconds")

    def save(self, path: Path) -> None:
        """Write the checkpoint."""
        plain = {name: getattr(self, name) for name in self.PLAIN}
        save_checkpoint(
            path,
            {
                **plain,
                "net": self.net.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "loss_sum": self.loss_sum,
            },
        )

    def load(self, path: Path) -> None:
        """Take up the checkpoint, where there is one."""
        saved = load_checkpoint(path)
        if saved is None:
            return
        self.net.load_state_dict(saved["net"])
        self.optimiser.load_state_dict(saved["optimiser"])
        self.loss_sum.copy_(saved["loss_sum"])
        for name in self.PLAIN:
            setattr(self, name, saved[name])


@dataclass(frozen=True)
class Marks:
    """The steps after which something is noted."""

    evaluations: frozenset[int]
    probes: frozenset[int]
    curvature: frozenset[int]
    losses: dict[int, int]  # a step -> how many steps its mean is over
    last: int

    @classmethod
    def of(
        cls, steps: int, evaluations: int, finer: int, *shares: tuple[float, ...]
    ) -> Marks:
        """Return the marks of so many evaluations, and of measures at shares of all."""
        grid = np.linspace(0, steps, evaluations + 1).round().astype(int)
        fine = np.unique(
            np.linspace(0, steps, finer * evaluations + 1).round().astype(int)
        )
        widths = dict(zip(fine[1:].tolist(), np.diff(fine).tolist(), strict=True))
        probes, curvature = (frozenset(round(s * steps) for s in at) for at in shares)
        return cls(frozenset(grid.tolist()), probes, curvature, widths, steps)


@dataclass
class Saver:
    """Saves a state now and then, and counts its seconds."""

    path: Path | None
    seconds: float
    last: float = field(default_factory=time.perf_counter)

    def save_if_due(self, state: State) -> None:
        """Save if the last time is long enough ago."""
        if self.path is None or time.perf_counter() - self.last < self.seconds:
            return
        self.tick(state)
        state.save(self.path)

    def tick(self, state: State) -> None:
        """Add to the run's seconds what has passed since the last time."""
        now = time.perf_counter()
        state.seconds += now - self.last
        self.last = now
