"""How long runs will take, by a few steps of one and one of each look at it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from statistics import median
from typing import ParamSpec, TypeVar

import torch

from studies.engine.loop import CURVATURE, PROBES, Task, train
from studies.engine.state import Marks

TIMED = 4  # steps, the first of which is not counted: it allocates and compiles
EVALUATIONS = 20  # of a whole run, besides that at its start
LOOKS = ("evaluate", "probe", "curvature", "describe", "finish")
Taken = ParamSpec("Taken")
Given = TypeVar("Given")


@dataclass(frozen=True)
class Costs:
    """Seconds of a step, and of each look at the network, by name."""

    step: float
    looks: dict[str, float]

    @classmethod
    def of(cls, task: Task, device: torch.device) -> Costs:
        """Return what a task costs, by a short run of it."""
        meter = _Meter()
        watched = {name: meter.timed(name, getattr(task, name)) for name in LOOKS}
        timed = replace(task, batch=meter.noted(task.batch), **watched)
        train(
            timed, seed=0, steps=TIMED, device=device, evaluations=1, probes=(1.0,),
            curvature=(1.0,),
        )  # fmt: skip
        starts = meter.starts
        steps = [b - a for a, b in pairwise(starts[1:])]
        # the first look at a network is the slowest
        looks = {name: found[-1] for name, found in meter.seconds.items()}
        return cls(median(steps) if steps else 0.0, looks)

    def looking(self, steps: int) -> float:
        """Return the seconds of all looks at a run of so many steps."""
        marks = Marks.of(steps, EVALUATIONS, 1, PROBES, CURVATURE)
        counts = {
            "evaluate": len(marks.evaluations),
            "probe": len(marks.probes),
            "curvature": len(marks.curvature),
            "describe": 2,  # at the start and the end
            "finish": 1,
        }
        return sum(counts[name] * seconds for name, seconds in self.looks.items())


@dataclass
class _Meter:
    starts: list[float] = field(default_factory=list)
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def noted(self, batch: Callable[Taken, Given]) -> Callable[Taken, Given]:
        """Return a function that notes when it is called."""

        def call(*args: Taken.args, **options: Taken.kwargs) -> Given:
            self.starts.append(time.perf_counter())
            return batch(*args, **options)

        return call

    def timed(self, name: str, look: Callable[Taken, Given]) -> Callable[Taken, Given]:
        """Return a function that notes how long it takes."""

        def call(*args: Taken.args, **options: Taken.kwargs) -> Given:
            begun = time.perf_counter()
            found = look(*args, **options)
            self.seconds.setdefault(name, []).append(time.perf_counter() - begun)
            return found

        return call
