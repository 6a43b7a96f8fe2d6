"""Instances by Hypothesis's strategies, without what its engine keeps of each.

The engine records spans, a tree of choices and the states of generators, so that it can
shrink; most instances are not shrunk, and without that one takes a fifth of the time.
What is kept is the choices: with them Hypothesis draws a counterexample again.
"""

from __future__ import annotations

import contextlib
import inspect
import math
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from hypothesis.control import BuildContext
from hypothesis.errors import StopTest, UnsatisfiedAssumption
from hypothesis.internal.conjecture import providers
from hypothesis.internal.conjecture.choice import choice_permitted
from hypothesis.internal.conjecture.data import ConjectureData
from hypothesis.internal.entropy import deterministic_PRNG
from hypothesis.strategies import SearchStrategy

Look = Callable[[object], tuple[float, bool]]

MOST_CHOICES = 10_000  # of an instance
MOST_INVALID = 10  # of instances asked for: Hypothesis gives up as late
FEWEST_IDLE = 100  # instances seen before in a row, after which there are no others


def explore(
    strategy: SearchStrategy, look: Look, count: int, seed: int
) -> tuple[Any, ...] | None:
    """Look at instances until one is a counterexample, and return its choices.

    First comes the simplest, then random ones; when half are tried, the choices of the
    best are moved one by one as long as that is no worse.

    Parameters
    ----------
    strategy : SearchStrategy
        Of the instances.
    look : callable
        ``look(instance)`` returns how good it is, nan where nobody knows, and whether
        it is a counterexample.
    count : int
        Instances at most, none with the choices of another.
    seed : int
        What comes is a function of it.
    """
    with deterministic_PRNG():  # leaves the global generators as they were
        explorer = _Explorer(strategy, look, count, seed)
        explorer.run()
    return explorer.found


class _Explorer:
    """The instances tried so far, and the best of them."""

    def __init__(
        self, strategy: SearchStrategy, look: Look, count: int, seed: int
    ) -> None:
        self._strategy, self._look, self._count = strategy, look, count
        self._random = random.Random(seed)
        self._seen: set[tuple[Any, ...]] = set()
        self._invalid = self._idle = 0
        self._best, self._level = (), -math.inf
        self.found: tuple[Any, ...] | None = None

    def run(self) -> None:
        self._try(simplest=True)
        self._draw_until(self._count // 2)
        self._climb()
        self._draw_until(self._count)

    def _is_over(self, count: int) -> bool:
        return (
            self.found is not None
            or len(self._seen) >= count
            or self._idle > max(FEWEST_IDLE, self._count)
            or self._invalid > MOST_INVALID * self._count
        )

    def _draw_until(self, count: int) -> None:
        while not self._is_over(count):
            self._try()

    def _climb(self) -> None:
        moved = True
        while moved:
            moved = False
            for place in reversed(range(len(self._best))):
                for step in (1, -1):
                    while not self._is_over(self._count) and self._move(place, step):
                        step, moved = 2 * step, True

    def _move(self, place: int, step: int) -> bool:
        """Move a choice of the best; tell whether that was no worse."""
        best = self._best
        if place >= len(best) or type(best[place]) is not int:
            return False
        self._try((*best[:place], best[place] + step, *best[place + 1 :]))
        return self._best is not best

    def _try(self, asked: Sequence[Any] = (), simplest: bool = False) -> None:
        random.seed(0)  # as Hypothesis does: a check that draws at random is repeatable
        np.random.seed(0)  # noqa: NPY002
        data = Choices(self._random, asked, simplest)
        try:
            with _context(data):
                instance = data.draw(self._strategy)
                made = tuple(data.made)
                if made in self._seen:
                    self._idle += 1
                    return
                level, is_counterexample = self._look(instance)
        except (StopTest, UnsatisfiedAssumption):
            self._invalid += 1
            return
        self._seen.add(made)
        self._idle = 0
        if is_counterexample:
            self.found = made
        elif level > self._level or (
            level == self._level and len(made) <= len(self._best)
        ):
            self._best, self._level = made, level


class Choices(ConjectureData):
    """Choices asked for, or random ones, of which no more than the values are kept."""

    def __init__(
        self, generator: random.Random, asked: Sequence[Any], simplest: bool
    ) -> None:
        super().__init__(random=generator)
        self.made: list[Any] = []
        self._generator, self._asked, self._simplest = generator, asked, simplest

    def draw(
        self,
        strategy: SearchStrategy,
        label: int | None = None,  # noqa: ARG002  - Hypothesis's signature
        observe_as: str | None = None,  # noqa: ARG002
    ) -> Any:
        strategy.validate()
        if strategy.is_empty or len(self.made) > MOST_CHOICES:
            self.mark_invalid()
        return strategy.do_draw(self)

    def draw_integer(
        self,
        min_value: int | None = None,
        max_value: int | None = None,
        *,
        weights: dict[int, float] | None = None,
        shrink_towards: int = 0,
        forced: int | None = None,
        observe: bool = True,
    ) -> int:
        rest = weights is not None or forced is not None or not observe
        if rest or min_value is None or max_value is None:
            return super().draw_integer(
                min_value, max_value, weights=weights, shrink_towards=shrink_towards,
                forced=forced, observe=observe,
            )  # fmt: skip
        value = self._next()
        if self._simplest:
            value = min(max(shrink_towards, min_value), max_value)
        elif type(value) is not int or not min_value <= value <= max_value:
            value = self._generator.randint(min_value, max_value)
        self.made.append(value)
        return value

    def _next(self) -> Any:
        place = len(self.made)
        return self._asked[place] if place < len(self._asked) else None

    def _draw(
        self, choice_type: str, constraints: Any, *, observe: bool, forced: Any
    ) -> Any:
        if forced is not None:
            value = forced
        else:
            value = getattr(self.provider, f"draw_{choice_type}")(**constraints)
            asked: Any = self._next() if observe else None
            if self._simplest and choice_type == "boolean":
                asked = False
            if type(asked) is type(value) and choice_permitted(asked, constraints):
                value = asked
        if observe:
            self.made.append(value)
        return value

    def start_span(self, label: int) -> None:  # noqa: ARG002
        self.depth += 1

    def stop_span(self, *, discard: bool = False) -> None:  # noqa: ARG002
        self.depth -= 1


# Newer versions ask for the test, to print its name.
_NAMED: dict[str, Any] = (
    {"wrapped_test": explore}
    if "wrapped_test" in inspect.signature(BuildContext).parameters
    else {}
)


def _context(data: ConjectureData) -> BuildContext:
    """Return what strategies that map or build ask for."""
    return BuildContext(data, **_NAMED)


@contextlib.contextmanager
def no_constants_from_modules() -> Iterator[None]:
    """Keep Hypothesis from drawing the numbers it reads in the modules loaded.

    With them a search would depend on what else the process has imported.
    """
    if not hasattr(providers, "_get_local_constants"):  # other versions
        yield
        return
    collect = providers._get_local_constants
    providers.CONSTANTS_CACHE.cache.clear()
    providers._get_local_constants = providers.Constants
    try:
        yield
    finally:
        providers._get_local_constants = collect
        providers.CONSTANTS_CACHE.cache.clear()
