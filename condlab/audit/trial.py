"""Put every subject on trial that is installed, and say which are not."""

from __future__ import annotations

import difflib
import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from condlab.audit.catalogue import problems
from condlab.audit.judging import try_subject
from condlab.audit.model import Judgement
from condlab.audit.subjects import SUBJECTS, is_there, version

Announce = Callable[[str], None]


def _silent(_: str) -> None:
    """Show no progress."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What came out.

    Parameters
    ----------
    judgements : tuple of Judgement
        One for each pair of a subject and a problem, in the order of both.
    versions : dict of str to str
        Of the packages of the subjects that were there.
    absent : dict of str to str
        Subjects that were not, and the package to install.
    """

    judgements: tuple[Judgement, ...]
    versions: dict[str, str]
    absent: dict[str, str]


def audit(
    names: Iterable[str] = (), progress: Announce = _silent, *, workers: int = 1
) -> Audit:
    """Put subjects on trial, each on all problems of the kinds that it answers.

    Parameters
    ----------
    names : iterable of str
        Of `SUBJECTS`; all of them without any.
    progress : callable
        ``progress(message)`` after each subject.
    workers : int
        Processes to share the subjects; a script that asks for more than one needs
        the usual ``if __name__ == "__main__":``.

    Returns
    -------
    Audit
        The same whenever the versions are.

    Raises
    ------
    ValueError
        If there is no such subject.
    AdapterError
        If what asks a subject fails, as with another version of its package; that is
        no verdict.

    Examples
    --------
    >>> found = audit(["numpy.linalg.eigvalsh"])
    >>> {judgement.verdict for judgement in found.judgements}
    {'right'}
    """
    asked = list(dict.fromkeys(names)) or list(SUBJECTS)
    unknown = [name for name in asked if name not in SUBJECTS]
    if unknown:
        near = difflib.get_close_matches(unknown[0], SUBJECTS, n=3, cutoff=0.3)
        known = ", ".join(map(repr, near or list(SUBJECTS)[:3]))
        raise ValueError(
            f"{unknown[0]!r} is none of the {len(SUBJECTS)} subjects; do you mean one "
            f"of {known}? condlab.audit.SUBJECTS has them all"
        )
    there = [name for name in asked if is_there(SUBJECTS[name])]
    judgements: list[Judgement] = []
    for i, own in enumerate(_results(there, workers), start=1):
        judgements += own
        progress(f"{i} of {len(there)}: {there[i - 1]}")
    versions = {SUBJECTS[name].package: version(SUBJECTS[name]) for name in there}
    absent = {name: SUBJECTS[name].package for name in asked if name not in there}
    return Audit(tuple(judgements), dict(sorted(versions.items())), absent)


def _results(names: list[str], workers: int) -> Iterator[list[Judgement]]:
    if workers < 2:
        yield from map(_judgements, names)
        return
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, spawn) as pool:
        yield from pool.map(_judgements, names)


def _judgements(name: str) -> list[Judgement]:
    subject, found = SUBJECTS[name], []
    for kind in subject.answers:
        found += try_subject(subject, kind, problems(kind))
    return found
