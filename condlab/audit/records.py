"""What an audit found, as words and numbers that can be kept."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from condlab.audit.catalogue import KINDS, problems
from condlab.audit.catalogue.formulas import Formula
from condlab.audit.confirm import confirm
from condlab.audit.guesses import GUESSES, ORDER
from condlab.audit.model import VERDICTS, Judgement, Problem, Subject
from condlab.audit.subjects import SUBJECTS, version
from condlab.audit.trial import Audit
from condlab.errors import MissingExtraError
from condlab.types import Record

SHOWN = 16  # entries of an input that is written out


def record(found: Audit) -> Record:
    """Return what is kept of an audit: counts, and all that was not right.

    Parameters
    ----------
    found : Audit
        As `audit` gives it.

    Returns
    -------
    dict
        ``versions``, ``absent``, ``pairs``, ``kinds`` and ``subjects``; of a subject
        its promise, a count of verdicts for each kind beside the guess, and each
        answer that was off or missing with its input. A silently wrong one has under
        ``confirmed`` how far its truth is off another arithmetic, relative.

    Examples
    --------
    >>> from condlab.audit import audit
    >>> record(audit(["numpy.linalg.eigvalsh"]))["pairs"]
    57
    """
    given = {(p.kind, p.name): p for p in problems()}
    subjects = []
    for name in dict.fromkeys(j.subject for j in found.judgements):
        own = [j for j in found.judgements if j.subject == name]
        off = [_off(j, given[j.kind, j.problem]) for j in own if j.verdict != "right"]
        subjects.append({**_head(SUBJECTS[name]), "kinds": _kinds(own), "off": off})
    return {
        "versions": found.versions,
        "absent": found.absent,
        "pairs": len(found.judgements),
        "kinds": dict(KINDS),
        "subjects": subjects,
    }


def _head(subject: Subject) -> Record:
    promises = {"": subject.promise, **subject.promises}
    return {
        "name": subject.name,
        "package": subject.package,
        "version": version(subject),
        "promises": [
            {"kind": kind, "text": promise.text, "source": promise.source}
            for kind, promise in promises.items()
        ],
        "instead": subject.instead,
    }


def _kinds(judgements: list[Judgement]) -> list[Record]:
    rows = []
    for kind in dict.fromkeys(j.kind for j in judgements):
        own = [j for j in judgements if j.kind == kind]
        count = Counter(j.verdict for j in own)
        factors = [j.factor for j in own if j.verdict == "silently wrong"]
        row: Record = {"kind": kind}
        row.update({verdict: count[verdict] for verdict in VERDICTS})
        row["worst"] = max(factors, default=1.0)
        row["guess"] = GUESSES[own[0].subject][kind]
        row["found"] = max((j.verdict for j in own), key=ORDER.index)
        rows.append(row)
    return rows


def _off(judgement: Judgement, problem: Problem) -> Record:
    silent = judgement.verdict == "silently wrong"
    return {
        "kind": judgement.kind,
        "problem": judgement.problem,
        "verdict": judgement.verdict,
        "truth": judgement.truth,
        "answer": judgement.answer,
        "factor": judgement.factor,
        "note": judgement.note,
        "input": shown(problem),
        "size": _size(problem),
        "certificate": problem.certificate,
        "source": problem.source,
        "confirmed": _confirmed(problem) if silent else None,
    }


def shown(problem: Problem) -> str:
    """Return the input where it is small, else what it is.

    Examples
    --------
    >>> shown(problems("cond_2")[0])[:28]
    '6 x 6, float64: hilbert 6 (H'
    """
    given = problem.input()
    if isinstance(given, Formula):
        return f"{problem.name}, at {given.point}"
    if not hasattr(given, "dtype"):
        return f"{problem.name} ({problem.source})"
    if hasattr(given, "toarray") or given.size > SHOWN:
        m, n = given.shape
        return f"{m} x {n}, {given.dtype}: {problem.name} ({problem.source})"
    return f"{given.dtype}: {given.tolist()}"


def _size(problem: Problem) -> float:
    """Return the number of entries of an input; of a module, of its parameters."""
    given = problem.input()
    if isinstance(given, Formula):
        return len(given.point)
    if hasattr(given, "module"):
        return sum(p.numel() for p in given.module.parameters())
    return float(np.prod(given.shape))


def _confirmed(problem: Problem) -> float | None:
    try:
        found = confirm(problem)
    except MissingExtraError:
        return None
    return found if math.isfinite(found) else None
