"""Judge answers: is each within its promise, and if not, was anything said."""

from __future__ import annotations

import contextlib
import io
import math
import traceback
import warnings
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from condlab.audit.asking import AdapterError, RefusalError
from condlab.audit.model import (
    Answer,
    Function,
    Judgement,
    Problem,
    Promise,
    Subject,
    Value,
    Verdict,
    units,
)

Ask = Callable[[Problem, object], Answer]  # an answer to a problem with this input

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
    function: Function,
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
    ask = _own(function)
    return [_judge(ask, problem, promise, name) for problem in problems]


def try_subject(
    subject: Subject, kind: str, problems: Iterable[Problem]
) -> list[Judgement]:
    """Put a subject on trial, on problems of a kind that it answers.

    Raises
    ------
    AdapterError
        If what asks the subject fails, and not the subject.
    """
    ask, promise = _adapted(subject), subject.promises.get(kind, subject.promise)
    return [_judge(ask, problem, promise, subject.name) for problem in problems]


def _own(function: Function) -> Ask:
    def ask(problem: Problem, given: object) -> Answer:
        try:
            return answer_of(problem, function(given))
        except Exception as error:  # whatever it raises, it has refused
            raise RefusalError(f"{type(error).__name__}: {error}") from error

    return ask


def _adapted(subject: Subject) -> Ask:
    def ask(problem: Problem, given: object) -> Answer:
        try:
            return answer_of(problem, subject.answers[problem.kind](given))
        except RefusalError:
            raise
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            raise AdapterError(
                f"condlab's adapter of {subject.name} fails on {problem.kind} of "
                f"{problem.name}, which is no verdict on {subject.package}: "
                f"{type(error).__name__}: {error} ({place.filename}, line "
                f"{place.lineno}); leave it out by naming other subjects"
            ) from error

    return ask


def is_right(problem: Problem, answer: Answer, promise: Promise | None = None) -> bool:
    """Tell whether an answer keeps a promise, and its own bounds hold the truth."""
    promise = promise or Promise()
    truth = problem.truth
    room = units(problem) * promise.rounding
    if isinstance(truth, np.ndarray):
        allowed = promise.relative + room
        slack = answer.error + allowed * np.abs(truth).max()
        return bool(np.abs(answer.value - truth).max() <= slack)
    value = float(answer.value)
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


def answer_of(problem: Problem, given: object) -> Answer:
    """Return what a function gave as an `Answer`; TypeError where it cannot be one."""
    answer, said = Answer(math.nan), given
    if isinstance(given, Answer):
        answer, said = given, given.value
    elif hasattr(given, "value"):
        lower, upper = (float(getattr(given, end)) for end in ("lower", "upper"))
        answer, said = Answer(math.nan, lower=lower, upper=upper), float(given.value)
    value, truth = np.asarray(said), np.asarray(problem.truth)
    if value.dtype.kind not in "biuf" or value.size != truth.size:
        raise TypeError(
            f"{problem.kind} asks for {_words(truth)}, got {_words(value)} of dtype "
            f"{value.dtype}; give float(...) or a NumPy array"
        )
    value = value.astype(float).reshape(truth.shape)
    plain = value if truth.ndim else float(value)
    return replace(answer, value=plain)


def _words(x: np.ndarray) -> str:
    return f"an array of shape {x.shape}" if x.ndim else "one number"


def _judge(ask: Ask, problem: Problem, promise: Promise | None, name: str) -> Judgement:
    # A fault of the problem's own is nobody's verdict.
    truth, given = problem.truth, problem.input()
    out = io.StringIO()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
                answer = ask(problem, given)
        except RefusalError as error:
            shown = None if isinstance(truth, np.ndarray) else truth
            note = _short(str(error))
            return _judgement(name, problem, "refuses", shown, None, math.nan, note)
    said = [str(w.message) for w in caught if not issubclass(w.category, QUIET)]
    note = _short("; ".join(dict.fromkeys(filter(None, [answer.flag, *said]))))
    is_nan = bool(np.isnan(answer.value).any())
    verdict: Verdict = "silently wrong"
    if is_right(problem, answer, promise):
        verdict = "right"
    elif note or is_nan:
        verdict, note = "flagged", note or "nan"
    ends, factor = _farthest(truth, answer.value), _factor(truth, answer.value)
    return _judgement(name, problem, verdict, *ends, factor, note)


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


def _farthest(truth: Value, value: Value) -> tuple[float, float]:
    """Return the truth and the answer; of arrays, the entries that differ most."""
    if not isinstance(truth, np.ndarray) or not isinstance(value, np.ndarray):
        return float(truth), float(value)
    worst = np.unravel_index(np.abs(value - truth).argmax(), truth.shape)
    return float(truth[worst]), float(value[worst])


def _factor(truth: Value, value: Value) -> float:
    if isinstance(truth, np.ndarray):
        return float(1 + np.abs(value - truth).max() / np.abs(truth).max())
    value = float(value)
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
