"""Which scaling to take for a purpose, judged by what was measured and not by κ."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from condlab.comparison import ScalingComparison
from condlab.diagnosis._krylov import MOST_GMRES
from condlab.diagnosis._problem import Problem
from condlab.diagnosis.culprits import MATTERS
from condlab.diagnosis.purposes import PURPOSES, fell
from condlab.display.digits import number, shown
from condlab.display.tables import Cells, as_html, as_text, record
from condlab.types import ConditionEstimate

COUNTS = ("steps", "iterations")
GUARDED = ("backward error", "infeasibility")  # must not rise, either


@dataclass(frozen=True, slots=True)
class Attempt:
    """One scaling, run for a purpose.

    Parameters
    ----------
    scaling : str
        Its name, "none" for the matrix as it is.
    kappa : ConditionEstimate
        Of the scaled matrix.
    measured : mapping of str to float
        What was measured, of which less is better; steps are inf where the residual
        was not reached.
    """

    scaling: str
    kappa: ConditionEstimate
    measured: Mapping[str, float]

    @property
    def score(self) -> float:
        """The number that decides: the first of those measured."""
        return next(iter(self.measured.values()))

    def to_dict(self) -> dict[str, object]:
        """Return the fields as plain values."""
        return record(self)


@dataclass(frozen=True, slots=True)
class Advice:
    """Which scaling to take for a purpose, or none.

    Parameters
    ----------
    purpose : str
        A key of `PURPOSES`.
    scaling : str
        The one that was measured best; "none" where none is better by the margin.
    attempts : tuple of Attempt
        What was run, the unscaled matrix first.
    refused : mapping of str to str
        Why a scaling was no candidate.
    reason : str
        The advice in a sentence.
    """

    purpose: str
    scaling: str
    attempts: tuple[Attempt, ...]
    refused: Mapping[str, str]
    reason: str

    def to_dict(self) -> dict[str, object]:
        """Return the fields as plain values."""
        return record(self)

    def table(self) -> Cells:
        """Return the attempts as words."""
        head = (self.purpose, "kappa_2", *self.attempts[0].measured)
        return [
            head,
            *(
                (
                    attempt.scaling + " *" * (attempt.scaling == self.scaling),
                    shown(attempt.kappa),
                    *(_shown(name, x) for name, x in attempt.measured.items()),
                )
                for attempt in self.attempts
            ),
        ]

    def __str__(self) -> str:
        return "\n".join([as_text(self.table()), self.reason])

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        return as_html(self.table(), [self.reason])


def advise(
    purpose: str,
    system: Problem,
    scalings: ScalingComparison,
    progress: Callable[[str], object],
) -> Advice:
    """Run every scaling that is a candidate for a purpose, and take the best.

    Parameters
    ----------
    purpose : str
        A key of `PURPOSES` that does not refuse the matrix.
    system : Problem
        What is run.
    scalings : ScalingComparison
        The candidates, the unscaled matrix first.
    progress : callable
        Told in words what is done next.
    """
    kind, attempts, refused = PURPOSES[purpose], [], dict(scalings.refused)
    for row in scalings:
        if why := kind.unfit(row.scaling, system.A.shape):
            refused[row.name] = why
            continue
        progress(f"{purpose} with {row.name} scaling")
        measured = kind.measure(system, row.scaling)
        attempts.append(Attempt(row.name, row.kappa, measured))
    chosen = _best(purpose, attempts)
    reason = _reason(purpose, chosen, attempts, system)
    return Advice(purpose, chosen.scaling, tuple(attempts), refused, reason)


def _best(purpose: str, attempts: Sequence[Attempt]) -> Attempt:
    """Return the attempt of least score that beats the first by the margin, or that."""
    plain = attempts[0]
    better = [
        attempt
        for attempt in attempts[1:]
        if fell(PURPOSES[purpose], plain.score, attempt.score)
        and all(
            attempt.measured[name] <= plain.measured[name]
            for name in GUARDED
            if name in plain.measured
        )
    ]
    return min(better, key=lambda t: (t.score, t.kappa.value), default=plain)


def _reason(
    purpose: str, chosen: Attempt, attempts: Sequence[Attempt], system: Problem
) -> str:
    plain = attempts[0]
    name = next(iter(plain.measured))
    what = "entries lost" if name == "lost" else name
    if chosen is not plain:
        return (
            f"{purpose}: take {chosen.scaling}, {what} {_shown(name, plain.score)} -> "
            f"{_shown(name, chosen.score)}; kappa_2 {_kappas(plain, chosen)}"
        )
    if name == "iterations" and math.isinf(plain.score):
        return f"{purpose}: none, HiGHS reaches no optimum with any scaling"
    if name == "steps" and math.isinf(plain.score):
        return (
            f"{purpose}: none, no scaling reaches a residual of {system.tol:g} within "
            f"{_limit(purpose, system)} steps"
        )
    if plain.score == 0:
        return f"{purpose}: none, without scaling no {what.replace('entries', 'entry')}"
    share = 1 - PURPOSES[purpose].margin
    said = (
        f"{purpose}: none, no scaling lowers {what}, {_shown(name, plain.score)} "
        f"without, by {100 * share:.0f} %"
    )
    said += "".join(f" and keeps the {g}" for g in GUARDED if g in plain.measured)
    low = min(attempts, key=lambda attempt: attempt.kappa.value)
    if plain.kappa.value < MATTERS * low.kappa.value:
        return said
    return (
        f"{said}: kappa_2 falls, {_kappas(plain, low)} with {low.scaling}, but {what} "
        f"{'do' if name in COUNTS else 'does'} not, {_shown(name, plain.score)} -> "
        f"{_shown(name, low.score)}"
    )


def _kappas(before: Attempt, after: Attempt) -> str:
    return f"{shown(before.kappa)} -> {shown(after.kappa)}"


def _limit(purpose: str, system: Problem) -> int:
    order = int(system.A.shape[0])
    most = system.max_steps
    return min(most, order, MOST_GMRES) if purpose == "gmres" else most


def _shown(name: str, x: float) -> str:
    if name in COUNTS:
        return f"{x:.0f}" if math.isfinite(x) else "not reached"
    if name in ("lost", "overflow", "underflow"):
        return f"{100 * x:.3g} %"
    return number(x)
