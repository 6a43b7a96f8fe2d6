"""Certificates of counterexamples, as JSON that `check` alone can verify."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import numpy as np

from condlab.machine.files import replace_text
from condlab.theory import balls
from condlab.theory.catalogue import CATALOGUE
from condlab.theory.certificates import (
    check,
    folklore,
    weight_conditioning,
    weight_standardization,
)
from condlab.theory.certificates.statement import Statement, digests
from condlab.theory.formula import parts_of
from condlab.types import Record

STATEMENTS: dict[str, Statement] = {
    **weight_conditioning.STATEMENTS,
    **weight_standardization.STATEMENTS,
    **folklore.STATEMENTS,
}
Witness = list[list[str]]  # two vectors, and two shifts, as rationals

CHECKER = Path(check.__file__)
BITS = 192  # of the eigenvectors that witnesses are rounded from
ROUNDINGS = (4, 8, 16, 32, 64)  # bits of witnesses, the first that suffices
TINY = 2**90  # the largest eigenvalue over this counts as zero


@functools.cache
def table() -> dict[str, str]:
    """Return the digests of all statements by key, which every file carries."""
    words = {key: CATALOGUE[key].statement for key in STATEMENTS}
    return digests(STATEMENTS, words)


def certificate(key: str, instance: object) -> Record:
    """Return the certificate that a claim of the catalogue fails at an instance.

    Parameters
    ----------
    key : str
        Of a claim with a statement in the checker's language.
    instance : object
        Its counterexample, as `Verdict.counterexample`.

    Returns
    -------
    dict
        JSON, verified by the checker before it is returned.

    Raises
    ------
    ValueError
        If the claim has no statement, or the checker cannot follow the counterexample;
        the message says which.

    Examples
    --------
    >>> found = certificate("folklore-determinant", np.array([[0.5]]))
    >>> found["then"], found["instance"]
    ('one / abs(A) <= kappa(A)', {'A': ['1/2']})
    """
    if key not in STATEMENTS:
        raise ValueError(
            f"it has no statement in the checker's language, as {len(STATEMENTS)} "
            "false claims of the catalogue have"
        )
    statement = STATEMENTS[key]
    stated = statement.stated(key, CATALOGUE[key].statement)
    parts = parts_of(instance)
    names = statement.parts.split()
    given = {name: _written(part) for name, part in zip(names, parts, strict=True)}
    reason: Exception | None = None
    for bits in ROUNDINGS:
        witnesses: list[Witness] = []
        witness = functools.partial(_noted, witnesses, bits)
        try:
            check.check(_sealed(stated, given, []), table(), witness)
        except (ValueError, ZeroDivisionError) as error:
            reason = error
            continue
        found = _sealed(stated, given, witnesses)
        check.check(found, table())
        return found
    raise ValueError(f"the checker cannot follow this counterexample: {reason}")


def _sealed(stated: Record, instance: Record, witnesses: list[Witness]) -> Record:
    given = {"instance": instance, "witnesses": witnesses}
    return {**stated, **given, "seal": check.digest([stated, given])}


def _written(part: object) -> list[str]:
    """Return a part of an instance as lines of rationals; a vector is a column."""
    array = np.asarray(part)
    if array.dtype.kind not in "fiub" or array.ndim > 3:
        raise ValueError(f"the checker takes numbers, got {part!r:.40}")
    if array.ndim == 3:
        array = array[0]
    rows = array.reshape(-1, 1) if array.ndim < 2 else array
    return [" ".join(str(Fraction(x)) for x in row) for row in rows.tolist()]


def _noted(witnesses: list[Witness], bits: int, S: check.Matrix) -> Witness:
    """Return the witness of S and add it to those of the certificate."""
    witnesses.append(_witness(S, bits))
    return witnesses[-1]


def _witness(S: check.Matrix, bits: int) -> Witness:
    """Return vectors near both ends of the spectrum, and shifts just outside it."""
    middle = [[(low + high) / 2 for low, high in row] for row in S.rows]
    with balls.precision(BITS):
        M = balls.ball(np.array(middle, dtype=object))
        values = [_fraction(x) for x in balls.symmetric_eigenvalues(M)]
        size = max(abs(values[0]), abs(values[-1])) or Fraction(1)
        vectors = [_eigenvector(M, x, size, bits) for x in (values[0], values[-1])]
    # Relative to the end itself, unless that is zero, and beyond all that S may be.
    doubt = sum(high - low for row in S.rows for low, high in row)
    least = abs(values[0]) if abs(values[0]) > size / TINY else size
    below = values[0] - doubt - least / 2**bits
    above = values[-1] + doubt + size / 2**bits
    shifts = [[str(_short(x, bits + 2))] for x in (below, above)]
    return [*vectors, *shifts]


def _eigenvector(
    M: balls.Balls, value: Fraction, size: Fraction, bits: int
) -> list[str]:
    """Return the eigenvector of an end of the spectrum by inverse iteration."""
    n = len(M)
    shift = balls.ball(np.array([value + size / TINY], dtype=object))[0]
    inverse = balls.inverse(M - shift * balls.identity_matrix(n))
    x = balls.ball(np.arange(1.0, n + 1))
    for _ in range(2):
        x = balls.array([entry.mid() for entry in inverse @ x], (n,))
        x = x / balls.maximum(abs(x))
    return [str(Fraction(round(_fraction(entry) * 2**bits), 2**bits)) for entry in x]


def _fraction(x: balls.Ball) -> Fraction:
    """Return the midpoint of a ball, exactly."""
    mantissa, exponent = x.mid().man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def _short(x: Fraction, bits: int) -> Fraction:
    """Return a number with few digits within 2^-bits of x, relatively."""
    return x.limit_denominator(max(1, round(2**bits / abs(x)))) if x else x


def write(certificates: Iterable[Record], path: Path) -> None:
    """Write a file for `check`, atomically."""
    found = {"catalogue": table(), "counterexamples": list(certificates)}
    replace_text(path, json.dumps(found, indent=1) + "\n")
