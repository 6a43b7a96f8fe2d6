"""Deadlines, and what is said on the way."""

from __future__ import annotations

import math
import time
from collections.abc import Callable


class Clock:
    """Knows when to stop, and tells how far the work is."""

    def __init__(
        self, seconds: float | None, progress: Callable[[str], object] | None = None
    ) -> None:
        self._end = math.inf if seconds is None else time.monotonic() + seconds
        self._progress = progress

    def over(self) -> bool:
        """Tell whether the time is up."""
        return time.monotonic() >= self._end

    def say(self, label: str) -> None:
        """Report progress to whoever listens."""
        if self._progress is not None:
            self._progress(label)
