"""Deadlines, and what is said on the way."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

FREE = 0.05  # seconds; what takes less is done in any case
CAUTION = 1.2  # a large decomposition no longer fits into the cache
PROBES = (300, 600)  # orders of the matrix that is decomposed to learn the speed
PROBE_SHARE = 0.1  # of the time, for the larger one, which a busy machine disturbs less
# How long phases are expected to take at first, in decompositions without vectors.
GUESSES = {
    "start": 3.0,
    "judge": 1.1,
    "step": 11.0,
    "square step": 4.0,
    "square proof": 3.5,
    "direction": 3.0,
    "search": 9.0,
    "bound": 30.0,
}
SPARSE_WORK = 4e6  # operations on sparse matrices in the time of the first probe


def _worked() -> tuple[float, float]:
    """Return the seconds gone by, and those of this process on all its threads.

    Work on several threads takes less of the first; on a busy machine, the second.
    """
    return time.monotonic(), time.process_time()


class Clock:
    """Knows when to stop, whether a phase still fits, and tells how far the work is."""

    def __init__(
        self, seconds: float | None, progress: Callable[[str], object] | None = None
    ) -> None:
        self._end = math.inf if seconds is None else time.monotonic() + seconds
        self._progress = progress
        self._unit = 0.0
        self._sparse = math.inf  # operations on sparse matrices a second
        self._longest: dict[str, float] = {}

    @property
    def limited(self) -> bool:
        """Whether there is a limit at all."""
        return math.isfinite(self._end)

    def over(self) -> bool:
        """Tell whether the time is up."""
        return time.monotonic() >= self._end

    def allows_first(self, shape: tuple[int, int]) -> bool:
        """Tell whether a first look at a matrix of this shape is always worth it."""
        return min(shape) <= PROBES[0] or not self.over()

    def remaining(self) -> float:
        """Return the seconds that are left."""
        return max(0.0, self._end - time.monotonic())

    def portion(self, share: float) -> Clock:
        """Return a clock for a share of the time that is left, which says nothing."""
        return Clock(share * self.remaining() if self.limited else None)

    def calibrate(self, shape: tuple[int, int]) -> None:
        """Learn how long a singular value decomposition of this shape takes."""
        least = min(shape)
        if not self.limited or least <= PROBES[0]:
            return
        for order in PROBES:
            sample = np.random.default_rng(0).standard_normal((order, order))
            started = _worked()
            np.linalg.svd(sample, compute_uv=False)
            spent = min(b - a for a, b in zip(started, _worked(), strict=True))
            share = least**2 * max(shape) / order**3
            self._unit = CAUTION * share * spent
            growth = (PROBES[1] / order) ** 3
            if least <= PROBES[1] or growth * spent > PROBE_SHARE * self.remaining():
                break
        self._sparse = SPARSE_WORK / spent * (order / PROBES[0]) ** 3

    def work(self, share: float) -> float:
        """Return how many operations of sparse elimination fit into a share of time."""
        return share * self.remaining() * self._sparse

    def seconds(self, *phases: str) -> float:
        """Return how long the phases took at most, or are expected to take."""
        guesses = ((phase, GUESSES.get(phase, 0.0) * self._unit) for phase in phases)
        return sum(self._longest.get(phase, guess) for phase, guess in guesses)

    def affords(self, *phases: str) -> bool:
        """Tell whether there is time for the phases, or they take next to none."""
        return self.seconds(*phases) <= max(self.remaining(), FREE)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Measure a phase, so that the next of the name is predicted."""
        started = time.monotonic()
        yield
        spent = time.monotonic() - started
        self._longest[name] = max(spent, self._longest.get(name, 0.0))

    def say(self, label: str) -> None:
        """Report progress to whoever listens."""
        if self._progress is not None:
            self._progress(label)
