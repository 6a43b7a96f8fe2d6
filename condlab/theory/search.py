"""Search for counterexamples: sizes ascending, shrunk, then improved and certified."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import hypothesis
import numpy as np
from hypothesis import HealthCheck, Phase, settings
from hypothesis.database import InMemoryExampleDatabase, choices_to_bytes
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
from scipy.optimize import minimize

from condlab.theory._explore import explore, no_constants_from_modules
from condlab.theory.formula import parts_of
from condlab.theory.model import Margin, Theorem, Verdict, Verdicts, decide

SIZES = (1, 2, 3, 4, 5)


class _ViolationError(Exception):
    """Tells Hypothesis that an instance is a counterexample."""


@dataclass(slots=True)
class _Trace:
    """What one search has seen so far."""

    examples: int = 0
    tightness: float = -math.inf
    tightest: object = None
    doubt: object = None
    counterexample: object = None
    margin: Margin | None = None


def verify(
    theorem: Theorem,
    *,
    sizes: Iterable[int] = SIZES,
    max_examples: int = 200,
    seed: int = 0,
    shrink: bool = True,
) -> Verdicts:
    """Search a theorem for counterexamples, size by size.

    At each size instances are drawn at random from Hypothesis's strategies, and then on
    the way to large lhs / rhs. Hypothesis shrinks a violation that `confirm` confirms.
    Where nothing was found, the tightest instance is improved by the Nelder-Mead method
    within the theorem's hypotheses.

    Parameters
    ----------
    theorem : Theorem
        From the catalogue or your own.
    sizes : iterable of int
        The largest dimensions to try, in ascending order.
    max_examples : int
        Instances to try at each size.
    seed : int
        The search is a deterministic function of it.
    shrink : bool
        Simplify a counterexample, which takes most of the time; without it the first
        one found is returned, certified all the same.

    Returns
    -------
    Verdicts
        A list of one for each size.

    Raises
    ------
    ValueError
        If a size or the number of examples is not positive.

    Examples
    --------
    >>> from condlab.theory import CATALOGUE
    >>> verdicts = verify(CATALOGUE["wc-thm5.1-rows"], sizes=[2, 3])
    >>> [verdict.outcome for verdict in verdicts]
    ['holds', 'falsified']
    """
    if not isinstance(theorem, Theorem):
        raise TypeError(
            "a Theorem is needed, such as condlab.theory.CATALOGUE[key], got "
            f"{theorem!r:.60}"
        )
    asked = list(sizes) if isinstance(sizes, Iterable) else []
    if not asked or not all(map(_is_positive_integer, [*asked, max_examples])):
        raise ValueError(
            "sizes and max_examples must be positive integers, such as [1, 2] and "
            f"200, got {asked or sizes!r} and {max_examples!r}"
        )
    return Verdicts(
        _verify_size(theorem, size, max_examples, seed, shrink)
        for size in sorted(asked)
    )


def _is_positive_integer(count: object) -> bool:
    return isinstance(count, int | np.integer) and count is not True and int(count) > 0


def _verify_size(
    theorem: Theorem, size: int, max_examples: int, seed: int, shrink: bool
) -> Verdict:
    trace = _Trace()
    strategy = theorem.instances(size)
    if not strategy.is_empty:
        _search(theorem, strategy, trace, max_examples, seed, shrink)
        if trace.counterexample is None:
            _improve(theorem, trace, max_examples)
    return _verdict(theorem, size, trace)


def _search(
    theorem: Theorem,
    strategy: SearchStrategy,
    trace: _Trace,
    max_examples: int,
    seed: int,
    shrink: bool,
) -> None:
    def look(instance: object) -> tuple[float, bool]:
        margin = _look(theorem, instance, trace)
        # Where a bound is attained, as by vectors, there is mostly no way up.
        level = margin.ratio if math.isfinite(margin.ratio) else math.nan
        return 0.0 if level == 1 else level, trace.margin is margin

    with no_constants_from_modules():
        choices = explore(strategy, look, max_examples, seed)
        if shrink and choices is not None:
            _shrink(theorem, strategy, trace, choices)


def _shrink(
    theorem: Theorem, strategy: SearchStrategy, trace: _Trace, choices: tuple[Any, ...]
) -> None:
    """Let Hypothesis draw a counterexample again, and make it simpler."""
    database = InMemoryExampleDatabase()
    database.save(b"found.secondary", choices_to_bytes(choices))

    @settings(
        max_examples=1,
        database=database,
        deadline=None,
        report_multiple_bugs=False,
        phases=(Phase.reuse, Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )  # after the seed, which takes the database away
    @hypothesis.seed(0)
    @hypothesis.given(strategy)
    def probe(instance: object) -> None:
        if _look(theorem, instance, trace) is trace.margin:
            raise _ViolationError

    probe._hypothesis_internal_database_key = b"found"  # type: ignore[attr-defined]
    # Unsatisfiable: the strategy draws another instance from the same choices
    with contextlib.suppress(_ViolationError, Unsatisfiable):
        probe()


def _look(theorem: Theorem, instance: object, trace: _Trace) -> Margin:
    """Check one instance and note in the trace what came out."""
    margin = theorem.check(instance)
    if not isinstance(margin, Margin):
        raise TypeError(
            f"check must return a Margin(lhs, rhs, rounding), got {margin!r:.60} from "
            f"that of {theorem.key!r}"
        )
    trace.examples += 1
    if margin.violated:
        if theorem.confirm is None or theorem.confirm(instance):
            trace.counterexample, trace.margin = instance, margin
            return margin
        trace.doubt = instance
    elif margin.doubtful:
        trace.doubt = instance
    elif margin.ratio > trace.tightness:
        trace.tightness, trace.tightest = margin.ratio, instance
    return margin


def _improve(theorem: Theorem, trace: _Trace, max_checks: int) -> None:
    """Move the nonzero entries of the tightest instance to raise lhs / rhs."""
    admits = theorem.admits
    if admits is None or trace.tightest is None:
        return
    chart = _Chart(trace.tightest)
    if chart.start.size == 0:
        return

    def loss(x: np.ndarray) -> float:
        instance = chart.instance(x)
        if trace.counterexample is not None or not admits(instance):
            return math.inf
        ratio = _look(theorem, instance, trace).ratio
        return -ratio if math.isfinite(ratio) else math.inf

    with np.errstate(all="ignore"):
        minimize(
            loss,
            chart.start,
            method="Nelder-Mead",
            options={"maxfev": max_checks, "xatol": 1e-9, "fatol": 1e-12},
        )


class _Chart:
    """Instances as vectors of their nonzero floats; symmetric matrices stay so."""

    def __init__(self, instance: object) -> None:
        self.is_tuple = isinstance(instance, tuple)
        self.parts = parts_of(instance)
        self.slots = [_slots(part) for part in self.parts]
        entries = [
            np.asarray(part, dtype=float)[where[0]]
            for part, where in zip(self.parts, self.slots, strict=True)
            if where
        ]
        self.start = np.concatenate(entries) if entries else np.empty(0)

    def instance(self, x: np.ndarray) -> object:
        parts, used = [], 0
        for part, where in zip(self.parts, self.slots, strict=True):
            if not where:
                parts.append(part)
                continue
            moved = np.array(part, dtype=float)
            values = x[used : used + len(moved[where[0]])]
            used += len(values)
            for index in where:
                moved[index] = values
            parts.append(moved if isinstance(part, np.ndarray) else float(moved))
        return tuple(parts) if self.is_tuple else parts[0]


def _slots(part: object) -> list[tuple[np.ndarray, ...] | None]:
    """Return the index of the free entries, and of those that must equal them."""
    if isinstance(part, float):
        return [np.newaxis] if part else []
    if not isinstance(part, np.ndarray) or part.dtype.kind != "f":
        return []
    if part.ndim == 2 and part.shape[0] == part.shape[1] and (part == part.T).all():
        rows, columns = np.nonzero(np.triu(part))
        return [(rows, columns), (columns, rows)]
    return [np.nonzero(part)]


def _verdict(theorem: Theorem, size: int, trace: _Trace) -> Verdict:
    outcome = decide(
        violated=trace.counterexample is not None,
        doubted=trace.doubt is not None,
        examples=trace.examples,
    )
    if trace.margin is None:
        return Verdict(
            theorem=theorem.key,
            size=size,
            outcome=outcome,
            examples=trace.examples,
            tightness=trace.tightness if trace.tightest is not None else math.nan,
            counterexample=trace.doubt,
            tightest=trace.tightest,
        )
    return Verdict(
        theorem=theorem.key,
        size=size,
        outcome=outcome,
        examples=trace.examples,
        tightness=trace.margin.ratio,
        counterexample=trace.counterexample,
        certificate=_certificate(theorem, trace.counterexample),
        tightest=trace.counterexample,
    )


def _certificate(theorem: Theorem, instance: object) -> str | None:
    if theorem.confirm is None:
        return None
    if theorem.enclose is None:
        return "confirmed by the theorem's own confirm"
    return theorem.enclose(instance)
