"""Condition numbers of sparse matrices whose inverses are known in closed form."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import scipy.sparse as sp

from condlab.audit import exact
from condlab.audit.catalogue.conditions import counterexample
from condlab.audit.model import Problem

CERTIFICATE = "closed form of the inverse, held against A exactly"


def _second_difference(n: int) -> sp.csc_array:
    return sp.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(n, n)).tocsc()


def _its_inverse(n: int) -> exact.Rational:
    return [
        [Fraction((min(i, j) + 1) * (n - max(i, j)), n + 1) for j in range(n)]
        for i in range(n)
    ]


def _bidiagonal(n: int) -> sp.csc_array:
    return sp.diags_array([1.0, -2.0], offsets=[0, 1], shape=(n, n)).tocsc()


def _units(n: int) -> list[int]:
    """Return exponents of two from -40 to 40, out of order."""
    return [(37 * i) % 81 - 40 for i in range(n)]


def _in_units(n: int) -> sp.csc_array:
    return (sp.diags_array(2.0 ** np.array(_units(n))) @ _second_difference(n)).tocsc()


def _blocks(n: int) -> sp.csc_array:
    return sp.block_diag([counterexample()] * (n // 4)).tocsc()


def _dense_inverse(n: int) -> exact.Rational:
    block = exact.inverse(exact.rational(counterexample()))
    assert block is not None
    zero = Fraction()
    return [
        [block[i % 4][j % 4] if i // 4 == j // 4 else zero for j in range(n)]
        for i in range(n)
    ]


def _kappa(
    make: Callable[[], sp.csc_array], inverse: Callable[[], exact.Rational]
) -> Callable[[], float]:
    """Return what multiplies the norms, once A X = I has been seen in rationals."""

    def find() -> float:
        A, X = make().tocsr(), inverse()
        for i in range(A.shape[0]):
            span = slice(A.indptr[i], A.indptr[i + 1])
            row = [
                (int(k), Fraction(float(a)))
                for k, a in zip(A.indices[span], A.data[span], strict=True)
            ]
            for j in range(A.shape[0]):
                entry = sum((a * X[k][j] for k, a in row), Fraction())
                if entry != int(i == j):
                    raise ArithmeticError(f"entry ({i}, {j}) of A X is {entry}")
        columns = abs(A.tocsc())
        size = max(
            sum(map(Fraction, columns.data[a:b].tolist()), Fraction())
            for a, b in zip(columns.indptr, columns.indptr[1:], strict=False)
        )
        return exact.rounded(size * exact.norm_1(X))

    return find


def _problem(
    name: str,
    make: Callable[[], sp.csc_array],
    inverse: Callable[[], exact.Rational],
    source: str,
) -> Problem:
    return Problem(
        "cond_1_sparse", name, make, _kappa(make, inverse), CERTIFICATE, source
    )


PROBLEMS: tuple[Problem, ...] = (
    _problem(
        "second difference 96",
        lambda: _second_difference(96),
        lambda: _its_inverse(96),
        "Todd 1977",
    ),
    _problem(
        "second difference, tiny",
        lambda: _second_difference(32) * 2.0**-1000,
        lambda: [[x * 2**1000 for x in row] for row in _its_inverse(32)],
        "underflow",
    ),
    _problem(
        "second difference, rows in other units",
        lambda: _in_units(48),
        lambda: [
            [x / Fraction(2) ** e for x, e in zip(row, _units(48), strict=True)]
            for row in _its_inverse(48)
        ],
        "bad only for its units",
    ),
    _problem(
        "bidiagonal 40",
        lambda: _bidiagonal(40),
        lambda: [
            [Fraction(2 ** (j - i) if j >= i else 0) for j in range(40)]
            for i in range(40)
        ],
        "inverse 2^(j - i): graded",
    ),
    _problem(
        "bidiagonal 90",
        lambda: _bidiagonal(90),
        lambda: [
            [Fraction(2 ** (j - i) if j >= i else 0) for j in range(90)]
            for i in range(90)
        ],
        "kappa 3.7e27, and every entry of the inverse is exact in floats",
    ),
    _problem(
        "blocks of Higham's counterexample",
        lambda: _blocks(32),
        lambda: _dense_inverse(32),
        "Higham 1988, section 4: I + t C",
    ),
    _problem(
        "permutation 50",
        lambda: sp.eye_array(50).tocsc()[:, (np.arange(50) * 7 + 3) % 50],
        lambda: [
            [Fraction(int((i * 7 + 3) % 50 == j)) for j in range(50)] for i in range(50)
        ],
        "perfectly conditioned",
    ),
    Problem(
        "cond_1_sparse",
        "a ring's Laplacian",
        lambda: (
            2 * sp.eye_array(24)
            - sp.eye_array(24).tocsc()[:, np.roll(range(24), 1)]
            - sp.eye_array(24).tocsc()[:, np.roll(range(24), -1)]
        ).tocsc(),
        lambda: float("inf"),
        "its rows sum to zero",
        "a graph's Laplacian, singular",
    ),
)
