"""What an audit is made of: problems with their truth, promises, subjects, verdicts."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np

Verdict = Literal["right", "flagged", "silently wrong", "refuses"]
VERDICTS: tuple[Verdict, ...] = ("right", "flagged", "silently wrong", "refuses")
Function: TypeAlias = Callable[..., object]  # of one input, whatever its kind has
Value: TypeAlias = float | np.ndarray


@dataclass(frozen=True, eq=False)
class Problem:
    """Question with a certified answer.

    Parameters
    ----------
    kind : str
        What is asked, see `condlab.audit.KINDS`.
    name : str
        Which input, in a few words.
    make : callable
        ``make()`` gives the input, new each time.
    find : callable
        ``find()`` gives the truth: a float, or an array for kinds that ask for one.
    certificate : str
        How the truth is known.
    source : str
        Where the input is from, or what it is an example of.
    scale : float
        The size of the numbers that rounding is relative to; of eigenvalues the
        largest, in absolute value.
    deviation : float
        Of one probe of Hutchinson's estimator with random signs, where traces and
        densities are asked for; else zero.

    Examples
    --------
    >>> double = Problem("cond_2", "double", lambda: [[2.0]], lambda: 1.0, "", "")
    >>> double.input(), double.truth
    ([[2.0]], 1.0)
    """

    kind: str
    name: str
    make: Callable[[], object]
    find: Callable[[], Value]
    certificate: str
    source: str
    scale: float = 1.0
    deviation: float = 0.0

    @property
    def __name__(self) -> str:
        """What pytest calls the case."""
        return self.name.replace(" ", "-")

    @cached_property
    def truth(self) -> Value:
        """The answer, rounded once."""
        return self.find()

    def input(self) -> Any:
        """Return the input, new each time."""
        return self.make()

    def accepts(self, answer: object, promise: Promise | None = None) -> bool:
        """Tell whether an answer is right; without a promise, to rounding.

        Raises
        ------
        TypeError
            If the answer is no number where one is asked for, or no array of the
            truth's shape.
        """
        from condlab.audit import judging

        return judging.is_right(self, judging.answer_of(self, answer), promise)


@dataclass(frozen=True)
class Answer:
    """What a subject says, where a number alone does not say it all.

    Parameters
    ----------
    value : float or array
        The answer.
    flag : str
        What the subject says against it: a status, an `info`; empty for nothing.
    lower, upper : float
        What the subject says that the truth lies between.
    error : float
        By how much the subject says that it may be off.
    probes : int
        Random vectors that were averaged over; 0 where nothing is random.
    """

    value: Value
    flag: str = ""
    lower: float = -math.inf
    upper: float = math.inf
    error: float = 0.0
    probes: int = 0


@dataclass(frozen=True)
class Promise:
    """What a subject's documentation lets its reader expect, as a rule.

    Parameters
    ----------
    text : str
        In its own words, or what they come to.
    source : str
        Where it says so.
    below, above : float
        The factors by which an answer may be too small and too large.
    relative : float
        The error that an answer may have, relative to the problem's scale.
    rounding : float
        The same in units of n times the working precision; 16 covers the backward
        error of LU with moderate growth, QR and SVD.
    sigmas : float
        For means over random vectors, how many of their standard errors.

    Notes
    -----
    Condition numbers are compared by their reciprocals, the relative distances to the
    singular matrices: a backward stable algorithm gets those right to rounding, and a
    matrix that rounding cannot tell from a singular one may have any large answer.
    """

    text: str = "the number, to the rounding of a backward stable algorithm"
    source: str = ""
    below: float = 1.0
    above: float = 1.0
    relative: float = 0.0
    rounding: float = 16.0
    sigmas: float = 6.0


@dataclass(frozen=True)
class Subject:
    """Public function of a library, as a reader of its documentation would call it.

    Parameters
    ----------
    name : str
        As it is imported.
    package : str
        The distribution whose version counts.
    module : str
        What cannot be imported where the subject is absent.
    answers : dict of str to callable
        For each kind that the function answers, a function of the problem's input.
    promise : Promise
        Of all its kinds.
    instead : str
        What to use where it fails.
    promises : dict of str to Promise
        Of single kinds.
    """

    name: str
    package: str
    module: str
    answers: dict[str, Function]
    promise: Promise
    instead: str
    promises: dict[str, Promise] = field(default_factory=dict)


@dataclass(frozen=True)
class Judgement:
    """Verdict on one answer.

    Parameters
    ----------
    subject, kind, problem : str
        Who was asked what.
    verdict : {"right", "flagged", "silently wrong", "refuses"}
        Right within the promise; off, but with a warning or a status; off without a
        word; no answer at all.
    truth, answer : float or None
        None where there is no answer. Of arrays, the entries that differ most.
    factor : float
        By how much the answer is off: the quotient, the larger over the smaller; inf
        for the wrong sign or a wrong zero. Of arrays 1 + the largest error, over the
        largest entry.
    note : str
        The warning, the status or the error.
    """

    subject: str
    kind: str
    problem: str
    verdict: Verdict
    truth: float | None
    answer: float | None
    factor: float
    note: str = ""


def units(problem: Problem) -> float:
    """Return n times the precision that a problem's input has, once it is floating.

    Integers of 8 and 16 bits fit into float32, and some libraries put them there.

    Examples
    --------
    >>> units(Problem("cond_2", "", lambda: np.eye(2, dtype="f4"), float, "", ""))
    2.384185791015625e-07
    """
    given = problem.input()
    if not hasattr(given, "dtype") or not hasattr(given, "shape"):
        return 16 * float(np.finfo(np.float64).eps)
    kind, size = np.dtype(given.dtype).kind, np.dtype(given.dtype).itemsize
    single = size <= {"f": 4, "c": 8}.get(kind, 2)
    eps = np.finfo(np.float32 if single else np.float64).eps
    return float(max(given.shape, default=1) * eps)
