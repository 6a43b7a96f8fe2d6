"""What a run is at a step, and at which steps something is noted or saved."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from studies.engine import ranks
from studies.engine.records import Series, Table
from studies.engine.store import Checkpoint, load_checkpoint, save_checkpoint


@dataclass
class State:
    """All that a checkpoint holds."""

    net: nn.Module
    optimiser: torch.optim.Optimizer
    peaks: list[float]
    loss_sum: Tensor
    step: int = 0
    series: Series = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    seconds: float = 0.0
    probe_seconds: float = 0.0

    def save(self, path: Path, made_by: Mapping[str, object]) -> None:
        """Write the checkpoint, and what the run is made by."""
        saved: Checkpoint = {
            "step": self.step,
            "series": self.series,
            "tables": self.tables,
            "seconds": self.seconds,
            "probe_seconds": self.probe_seconds,
            "net": self.net.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "loss_sum": self.loss_sum,
        }
        save_checkpoint(path, saved, made_by)

    def load(self, path: Path) -> None:
        """Take up the first rank's checkpoint, where it has one, in all ranks."""
        saved = ranks.agreed(lambda: load_checkpoint(path))
        if saved is None:
            return
        self.net.load_state_dict(saved["net"])
        self.optimiser.load_state_dict(saved["optimiser"])
        self.loss_sum.copy_(saved["loss_sum"])
        self.step, self.series = saved["step"], saved["series"]
        self.tables, self.seconds = saved["tables"], saved["seconds"]
        self.probe_seconds = saved["probe_seconds"]


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
    made_by: Mapping[str, object] = field(default_factory=dict)
    last: float = field(default_factory=time.perf_counter)

    def save_if_due(self, state: State) -> None:
        """Save if the last time is long enough ago."""
        if self.path is None or time.perf_counter() - self.last < self.seconds:
            return
        self.tick(state)
        state.save(self.path, self.made_by)

    def tick(self, state: State) -> None:
        """Add to the run's seconds what has passed since the last time."""
        now = time.perf_counter()
        state.seconds += now - self.last
        self.last = now
