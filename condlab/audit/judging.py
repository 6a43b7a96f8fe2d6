"""Judge answers: is each within its promise, and if not, was anything said."""

from __future__ import annotations

import contextlib
import io
import math
import warnings
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from condlab.audit.model import Answer, Judgement, Problem, Promise, Verdict, units

# Warnings about code rather than numbers flag nothing.
QUIET = (
    DeprecationWarning,
    FutureWarning,
    ImportWarning,
    PendingDeprecationWarning,
    ResourceWarning,
)
NOTE = 160  # characters


def run(
    function: Callable[[Any], Any],
    problems: Iterable[Problem],
    *,
    promise: Promise | None = None,
    name: str = "",
) -> list[Judgement]:
    """Put a function on trial.

    Parameters
    ----------
    function : callable
        ``function(input)`` gives a number, an array or an `Answer`. Anything with
        ``value``, ``lower`` and ``upper``, such as a `ConditionEstimate`, will do.
    problems : iterable of Problem
        As `condlab.audit.catalogue` gives them.
    promise : Promise, optional
        What to hold it to; without one, the truth to rounding.
    name : str
        What the judgements call it; by default its own name.

    Returns
    -------
    list of Judgement
        One a problem, in their order.

    Raises
    ------
    TypeError
        If `function` is no function.

    Examples
    --------
    >>> from condlab.audit import problems
    >>> found = run(lambda A: 0.5 * np.linalg.cond(A), problems("cond_2"))
    >>> "silently wrong" in {judgement.verdict for judgement in found}
    True
    """
    if not callable(function):
        raise TypeError(
            f"a function of a problem's input is needed, got {function!r:.60}; give "
            "the function itself, not what it returns"
        )
    name = name or getattr(function, "__name__", type(function).__name__)
    return [_judge(function, problem, promise, name) for problem in problems]


def is_right(problem: Problem, answer: Answer, promise: Promise | None = None) -> bool:
    """Tell whether an answer keeps a promise, and its own bounds hold the truth."""
    promise = promise or Promise()
    truth, value = problem.truth, answer.value
    room = units(problem) * promise.rounding
    if isinstance(truth, np.ndarray):
        allowed = promise.relative + room
        slack = answer.error + allowed * np.abs(truth).max()
        return bool(np.abs(value - truth).max() <= slack)
    if math.isnan(value) or not answer.lower <= truth <= answer.upper:
        return False
    if problem.kind.startswith("cond"):
        low = promise.below * _reciprocal(truth) + room
        high = _reciprocal(truth) / promise.above - room
        return value >= 0 and bool(high <= _reciprocal(value) <= low)
    slack = answer.error + (promise.relative + room) * problem.scale
    if answer.probes:
        slack += promise.sigmas * problem.deviation / math.sqrt(answer.probes)
    ends = sorted([truth / promise.below, truth * promise.above])
    return bool(ends[0] - slack <= value <= ends[1] + slack)


def answer_of(problem: Problem, given: Any) -> Answer:
    """Return what a function gave as an `Answer`; TypeError where it cannot be one."""
    if not isinstance(given, Answer) and hasattr(given, "value"):
        lower, upper = (float(getattr(given, end)) for end in ("lower", "upper"))
        given = Answer(float(given.value), lower=lower, upper=upper)
    if not isinstance(given, Answer):
        given = Answer(given)
    value, truth = np.asarray(given.value), np.asarray(problem.truth)
    if value.dtype.kind not in "biuf" or value.size != truth.size:
        raise TypeError(
            f"{problem.kind} asks for {_words(truth)}, got {_words(value)} of dtype "
            f"{value.dtype}; give float(...) or a NumPy array"
        )
    value = value.astype(float).reshape(truth.shape)
    plain = value if truth.ndim else float(value)
    return replace(given, value=plain)


def _words(x: np.ndarray) -> str:
    return f"an array of shape {x.shape}" if x.ndim else "one number"


def _judge(
    function: Callable[[Any], Any],
    problem: Problem,
    promise: Promise | None,
    name: str,
) -> Judgement:
    truth = problem.truth  # a fault of the problem's own is nobody's verdict
    out = io.StringIO()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
                answer = answer_of(problem, function(problem.input()))
        except Exception as error:  # whatever it raises, it has refused
            note = _short(f"{type(error).__name__}: {error}")
            shown = None if isinstance(truth, np.ndarray) else truth
            return _judgement(name, problem, "refuses", shown, None, math.nan, note)
    said = [str(w.message) for w in caught if not issubclass(w.category, QUIET)]
    note = _short("; ".join(dict.fromkeys(filter(None, [answer.flag, *said]))))
    is_nan = bool(np.isnan(answer.value).any())
    verdict: Verdict = "silently wrong"
    if is_right(problem, answer, promise):
        verdict = "right"
    elif note or is_nan:
        verdict, note = "flagged", note or "nan"
    shown, given = truth, answer.value
    if isinstance(truth, np.ndarray):
        worst = np.unravel_index(np.abs(given - truth).argmax(), truth.shape)
        shown, given = float(truth[worst]), float(given[worst])
    factor = _factor(truth, answer.value)
    return _judgement(name, problem, verdict, shown, given, factor, note)


def _judgement(
    name: str,
    problem: Problem,
    verdict: Verdict,
    truth: float | None,
    answer: float | None,
    factor: float,
    note: str,
) -> Judgement:
    return Judgement(
        name, problem.kind, problem.name, verdict, truth, answer, factor, note
    )


def _factor(truth: Any, value: Any) -> float:
    if isinstance(truth, np.ndarray):
        return float(1 + np.abs(value - truth).max() / np.abs(truth).max())
    if value == truth:
        return 1.0
    if math.isnan(value):
        return math.nan
    if truth * value <= 0 or math.inf in (abs(truth), abs(value)):
        return math.inf
    return max(abs(value / truth), abs(truth / value))


def _reciprocal(kappa: float) -> float:
    return 1 / kappa if kappa else math.inf


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= NOTE else f"{words[: NOTE - 1]}…"
