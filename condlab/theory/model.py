"""What a theorem on trial is made of, and what the trial returns."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from hypothesis.strategies import SearchStrategy

from condlab.display.tables import as_frame, record
from condlab.theory._shown import verdicts_html
from condlab.types import Record

if TYPE_CHECKING:
    import pandas as pd

    from condlab.theory._ball import Sides

Instance: TypeAlias = Any  # a part or a tuple of parts, whatever a claim is about
Outcome = Literal["holds", "falsified", "inconclusive"]


def decide(*, violated: bool, doubted: bool, examples: int) -> Outcome:
    """Return the outcome of a search; one that has met no instance says nothing.

    Parameters
    ----------
    violated, doubted : bool
        Whether there is a counterexample, or a violation that may be none.
    examples : int
        Instances tried.

    Examples
    --------
    >>> decide(violated=False, doubted=False, examples=0)
    'inconclusive'
    """
    if violated:
        return "falsified"
    return "inconclusive" if doubted or examples == 0 else "holds"


def overall(trials: Iterable[tuple[str, int]]) -> Outcome:
    """Return the outcome of all sizes from the outcome and the examples of each.

    Sizes that have no instance are left out, unless no size has one.

    Examples
    --------
    >>> overall([("inconclusive", 0), ("holds", 200)]), overall([("inconclusive", 0)])
    ('holds', 'inconclusive')
    """
    found = list(trials)
    return decide(
        violated=any(outcome == "falsified" for outcome, _ in found),
        doubted=any(outcome == "inconclusive" and tried for outcome, tried in found),
        examples=sum(tried for _, tried in found),
    )


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a statement comes from.

    Parameters
    ----------
    authors : str
        As printed, such as "N. J. Higham".
    year : int
        Of publication.
    title, venue : str
        Of the paper or book, and where it appeared.
    locator : str
        The theorem, equation or section.

    Examples
    --------
    >>> book = Reference("N. J. Higham", 2002, "Accuracy and Stability", "SIAM")
    >>> str(book.at("Theorem 7.5"))
    'N. J. Higham, Accuracy and Stability, SIAM, 2002, Theorem 7.5'
    """

    authors: str
    year: int
    title: str
    venue: str
    locator: str = ""

    def at(self, locator: str) -> Reference:
        """Return the same source at a theorem, equation or section."""
        return replace(self, locator=locator)

    def __str__(self) -> str:
        parts = (self.authors, self.title, self.venue, str(self.year), self.locator)
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Margin:
    """One instance of a claim lhs <= rhs.

    Parameters
    ----------
    lhs, rhs : float
        The two sides.
    rounding : float
        Relative error that the arithmetic may have put into lhs - rhs; zero where
        the comparison was decided exactly.

    Examples
    --------
    >>> Margin(2.0, 1.0, rounding=1e-15).violated
    True
    >>> slightly = Margin(1.0 + 1e-15, 1.0, rounding=1e-14)
    >>> slightly.violated, slightly.doubtful
    (False, True)
    """

    lhs: float
    rhs: float
    rounding: float

    @property
    def violated(self) -> bool:
        """Whether lhs exceeds rhs by more than rounding explains."""
        return self.lhs > self.rhs and not self._within_rounding()

    @property
    def doubtful(self) -> bool:
        """Whether lhs exceeds rhs within rounding, or a side is not a number."""
        if math.isnan(self.lhs) or math.isnan(self.rhs):
            return True
        return self.lhs > self.rhs and self._within_rounding()

    @property
    def ratio(self) -> float:
        """Quotient lhs / rhs, which is 1 where the bound is attained."""
        if self.rhs > 0 and math.isfinite(self.rhs):
            return self.lhs / self.rhs
        return math.nan

    def _within_rounding(self) -> bool:
        if math.isnan(self.rounding):  # it may be anything
            return True
        scale = max(abs(self.lhs), abs(self.rhs))
        return self.lhs - self.rhs <= self.rounding * scale


@dataclass(frozen=True, slots=True)
class Theorem:
    """Claim that can be searched for counterexamples.

    Parameters
    ----------
    key : str
        Author, year and what, such as "vandersluis1969-rows-2norm".
    statement : str
        The claim in words.
    reference : Reference or str
        Its source.
    instances : callable
        ``instances(size)`` is a Hypothesis strategy of instances that meet the
        hypotheses and whose largest dimension is `size`; ``strategies.none()`` where
        there is none.
    check : callable
        ``check(instance)`` is the `Margin` of the claim there.
    confirm : callable, optional
        ``confirm(instance)`` tells, in ball or interval arithmetic, that the claim
        certainly fails there. Without it a violation beyond rounding is believed.
    admits : callable, optional
        ``admits(instance)`` tells whether an instance meets the hypotheses; with it
        the tightest instance found is improved by local optimisation.
    enclose : callable, optional
        ``enclose(instance)`` is a sentence that proves the violation.
    latex : str
        The claim in LaTeX.
    note : str
        What the reader should know: a reading, a difference from the source.
    parts : tuple of str
        Names for printing the parts of an instance, such as ``("A", "d")``.
    false_from : int or None
        The smallest size that has a counterexample, where the claim is known to be
        false.
    formula : callable, optional
        ``formula(*parts)`` returns both sides in ball arithmetic.

    Examples
    --------
    >>> from hypothesis import strategies as st
    >>> squares = Theorem("squares", "x^2 is at least x", "folklore",
    ...     instances=lambda size: st.floats(0.0, 2.0),
    ...     check=lambda x: Margin(x, x * x, rounding=1e-15))
    >>> squares.check(0.5).violated
    True
    """

    key: str
    statement: str
    reference: Reference | str
    instances: Callable[[int], SearchStrategy]
    check: Callable[[Instance], Margin]
    confirm: Callable[[Instance], bool] | None = None
    admits: Callable[[Instance], bool] | None = None
    enclose: Callable[[Instance], str] | None = None
    latex: str = ""
    note: str = ""
    parts: tuple[str, ...] = ()
    false_from: int | None = None
    formula: Callable[..., Sides] | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the search found for one theorem at one size.

    Parameters
    ----------
    theorem : str
        The key.
    size : int
        The largest dimension of the instances.
    outcome : {"holds", "falsified", "inconclusive"}
        "holds" says no more than that `examples` instances survived, and at least
        one; what is "inconclusive" has its `reason`.
    examples : int
        Instances tried; zero where the size has none.
    tightness : float
        The largest lhs / rhs of an instance that was not a counterexample, or of the
        counterexample; nan where nothing was tried.
    counterexample : object or None
        The smallest violation found, or the doubtful instance.
    certificate : str or None
        Why the counterexample is one beyond rounding; None without a `confirm`.
    tightest : object or None
        The instance with the largest lhs / rhs.

    Examples
    --------
    >>> Verdict("squares", 1, "holds", 100, 0.5).counterexample is None
    True
    """

    theorem: str
    size: int
    outcome: Outcome
    examples: int
    tightness: float
    counterexample: Instance = None
    certificate: str | None = None
    tightest: Instance = None

    def to_dict(self) -> Record:
        """Return the fields and the reason, instances as nested lists."""
        return {**record(self), "reason": self.reason}

    def _repr_html_(self) -> str:
        """Return what a notebook shows: what was found, and what that means."""
        return verdicts_html([self])

    @property
    def reason(self) -> str:
        """Why the trial is inconclusive; empty where it is not."""
        if self.outcome != "inconclusive":
            return ""
        if self.examples == 0:
            return f"no instance of size {self.size} was found to try"
        return "a violation was inside rounding, or was not confirmed"


class Verdicts(list[Verdict]):
    """The verdicts of one theorem, a size each, in ascending order.

    Examples
    --------
    >>> Verdicts([Verdict("squares", 1, "holds", 100, 0.5)]).outcome
    'holds'
    """

    @property
    def outcome(self) -> Outcome:
        """The outcome of all sizes together, see `overall`."""
        return overall((each.outcome, each.examples) for each in self)

    def to_dict(self) -> Record:
        """Return the outcome of all sizes, and a dict for each."""
        return {"outcome": self.outcome, "verdicts": [each.to_dict() for each in self]}

    def to_pandas(self) -> pd.DataFrame:
        """Return a data frame, a row a size; needs pandas."""
        return as_frame(each.to_dict() for each in self)

    def _repr_html_(self) -> str:
        """Return what a notebook shows: a row a size, and what the verdicts mean."""
        return verdicts_html(self)
