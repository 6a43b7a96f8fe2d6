"""Mutants of theorems: a kind of matrix made wider, or a constant moved.

A mutant of a true claim that is falsified shows that a hypothesis is needed, or that
the constant is the best; one that survives may be more than the literature says. The
formula of a mutant is its claim's own, so a kind is widened only where the formula has
a value there, and never where it takes eigenvalues of symmetric matrices.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy

from condlab.theory import balls, formula
from condlab.theory.formula import Formula, parts_of
from condlab.theory.model import Margin, Theorem
from condlab.theory.wider_kinds import HYPOTHESES, Hypothesis

SIZES = (1, 2, 3)  # at which a mutant is tried, and what a claim's instances are seen
SEEN = 25  # instances at each size from which hypotheses are read
FEW = 4  # instances without a hypothesis at which a formula must mean something
SHIFTED = frozenset({"equal", "same", "all_at_most", "shrunk", "_same", "_same_order"})
OF_SYMMETRIC = frozenset({"symmetric_eigenvalues"})
LIBRARIES = ("condlab.theory.balls", "condlab.theory._ball", "numpy", "scipy")
FACTORS = ((99, 100), (1, 2))


@dataclass(frozen=True, slots=True)
class Mutant:
    """A claim changed in one place.

    Parameters
    ----------
    claim : str
        Key of the claim.
    kind : {"hypothesis", "constant", "exponent"}
        What was changed.
    change : str
        The change in words.
    theorem : Theorem
        The changed claim, to be verified as any other.
    """

    claim: str
    kind: str
    change: str
    theorem: Theorem


def mutants(theorem: Theorem) -> tuple[Mutant, ...]:
    """Return the mutants of a claim: each constant moved, each hypothesis dropped.

    Parameters
    ----------
    theorem : Theorem
        Made by `condlab.theory.theorem`, which keeps its formula.

    Returns
    -------
    tuple of Mutant
        Empty for a claim without a formula, or known to be false. The constant of an
        identity, and of a claim with the same number added to both sides, is not moved.

    Examples
    --------
    >>> from condlab.theory import CATALOGUE
    >>> for mutant in mutants(CATALOGUE["folklore-row-norm-ratio"]):
    ...     print(f"{mutant.kind}: {mutant.change}")
    constant: the right-hand side times 99/100
    constant: the right-hand side times 1/2
    hypothesis: A is any matrix with more rows than columns
    """
    if theorem.formula is None or theorem.false_from is not None:
        return ()
    return (*_moved(theorem, theorem.formula), *_dropped(theorem, theorem.formula))


def _moved(theorem: Theorem, sides: Formula) -> Iterator[Mutant]:
    if "added" in theorem.note or "shifted" in theorem.note or _calls(sides, SHIFTED):
        return

    def times(p: int, q: int) -> Formula:
        def moved(*parts: object) -> balls.Sides:
            lhs, rhs = sides(*parts)
            return lhs, rhs * p / q

        return moved

    def powered(*parts: object) -> balls.Sides:
        lhs, rhs = sides(*parts)
        return lhs, (balls.arb(9) / 10 * (rhs + balls.arb(0)).log()).exp()

    for p, q in FACTORS:
        change = f"the right-hand side times {p}/{q}"
        yield _mutant(theorem, "constant", change, times(p, q))
    if r"\kappa" in theorem.latex and _has_no_unit(theorem, sides):
        change = "the right-hand side to the power 9/10"
        yield _mutant(theorem, "exponent", change, powered)


def _has_no_unit(theorem: Theorem, sides: Formula) -> bool:
    """Tell whether both sides stay when all float arrays are multiplied by four."""

    def values(parts: tuple[object, ...]) -> list[float]:
        with balls.precision(formula.PRECISIONS[0]):
            found = sides(*(balls.ball(part) for part in parts))
            return [float((x + balls.arb(0)).mid()) for x in found]

    for instance in _sample(theorem.instances, FEW):
        parts = parts_of(instance)
        scaled = tuple(4 * x if isinstance(x, np.ndarray) else x for x in parts)
        if not np.allclose(values(parts), values(scaled), rtol=1e-9):
            return False
    return True


def _mutant(
    theorem: Theorem,
    kind: str,
    change: str,
    sides: Formula,
    instances: Callable[[int], SearchStrategy] | None = None,
) -> Mutant:
    changed = replace(
        theorem,
        key=f"{theorem.key}: {change}",
        statement=f"{theorem.statement} Changed: {change}.",
        instances=instances or theorem.instances,
        check=lambda instance: _check(sides, instance),
        confirm=lambda instance: formula.check(sides, instance).violated,
        enclose=lambda instance: formula.enclose(sides, instance),
        admits=theorem.admits if instances is None else None,
        formula=sides,
    )
    return Mutant(theorem.key, kind, change, changed)


def _check(sides: Formula, instance: object) -> Margin:
    """Return the margin; an instance at which a side is no number says nothing."""
    if not _is_defined(sides, instance):
        return Margin(0.0, 1.0, 0.0)
    return formula.check(sides, instance)


def _dropped(theorem: Theorem, sides: Formula) -> Iterator[Mutant]:
    if _calls(sides, OF_SYMMETRIC):
        return
    seen = [parts_of(instance) for instance in _sample(theorem.instances, SEEN)]
    if len({len(parts) for parts in seen}) != 1:
        return
    for k, arrays in enumerate(zip(*seen, strict=True)):
        if not all(isinstance(x, np.ndarray) and x.dtype.kind == "f" for x in arrays):
            continue
        name = theorem.parts[k] if k < len(theorem.parts) else f"part {k + 1}"
        for hypothesis in HYPOTHESES:
            if all(map(hypothesis.has, arrays)):
                wider = _wider(theorem, k, hypothesis)
                if _means_something(sides, _sample(wider, FEW)):
                    change = hypothesis.change.format(name)
                    yield _mutant(theorem, "hypothesis", change, sides, wider)


def _wider(
    theorem: Theorem, k: int, hypothesis: Hypothesis
) -> Callable[[int], SearchStrategy]:
    """Return the instances of a claim with part k of a kind without the hypothesis."""
    without = functools.cache(hypothesis.without)

    @st.composite
    def changed(draw: st.DrawFn, size: int) -> object:
        instance = draw(theorem.instances(size))
        parts = list(parts_of(instance))
        parts[k] = draw(without(*(*np.asarray(parts[k]).shape, 0)[:2]))
        return tuple(parts) if isinstance(instance, tuple) else parts[0]

    def instances(size: int) -> SearchStrategy:
        return st.nothing() if theorem.instances(size).is_empty else changed(size)

    return instances


def _means_something(sides: Formula, instances: list[object]) -> bool:
    """Tell whether both sides are numbers at most instances."""
    defined = sum(_is_defined(sides, instance) for instance in instances)
    return 2 * defined > len(instances)


def _is_defined(sides: Formula, instance: object) -> bool:
    try:
        with balls.precision(formula.PRECISIONS[0]):
            found = sides(*(balls.ball(part) for part in parts_of(instance)))
    except (ValueError, ZeroDivisionError, IndexError, TypeError):
        return False
    return all((x + balls.arb(0)).is_finite() for x in found)


def _sample(instances: Callable[[int], SearchStrategy], count: int) -> list[object]:
    """Return instances of the larger of the sizes."""
    found: list[object] = []

    def draw(size: int) -> None:
        @seed(0)
        @settings(
            max_examples=count,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(instances(size))
        def note(instance: object) -> None:
            found.append(instance)

        note()

    for size in SIZES[1:]:
        with contextlib.suppress(Unsatisfiable):
            if not instances(size).is_empty:
                draw(size)
    return found


def _calls(
    function: Callable[..., object], names: frozenset[str], depth: int = 4
) -> bool:
    """Tell whether a formula calls one of some functions, itself or through others."""
    found = inspect.getclosurevars(function)
    used = {**found.globals, **found.nonlocals}
    code = getattr(function, "__code__", None)
    inner = set(code.co_names) if code is not None else set()
    if names & (set(used) | inner):
        return True
    others = (
        value
        for value in used.values()
        if inspect.isfunction(value) and not value.__module__.startswith(LIBRARIES)
    )
    return depth > 0 and any(_calls(other, names, depth - 1) for other in others)
