"""Both sides of the theorems on diagonal scaling in NumPy's arithmetic."""

import numpy as np
import pytest
import scipy.linalg as sl

from condlab.theory import CATALOGUE
from tests.theory.claims.scaled import (
    FLOAT,
    KEYS,
    RNG,
    A,
    D,
    E,
    cond,
    fro,
    inv,
    margin,
    norm,
)

TALL, TALL_D = RNG.standard_normal((4, 2)), np.array([1.0, 2.0, 0.25, 1.0])
SPD = A @ A.T
POSITIVE = 2.0 ** RNG.integers(-3, 4, (4, 4))
SIGNS = np.array([1, -1, -1, 1])
BLOCKS = sl.block_diag(A[:2, :2], A[2:, 2:])


def unit(B, p=2, axis=1):
    return B / norm(B, {1: 1, 2: 2, "inf": np.inf}[p], axis=axis, keepdims=True)


def jacobi(G):
    return G / np.sqrt(np.outer(np.diag(G), np.diag(G)))


def both(G, d):
    return G * np.outer(d, d)


def omega(G):
    values = np.linalg.eigvalsh(G)
    return values.mean() / np.exp(np.log(values).mean())


def gej(B):
    return 2 * (norm(B) / np.sqrt(len(B))) ** len(B) / abs(np.linalg.det(B))


def whitened(G):
    W = sl.block_diag(*(inv(sl.sqrtm(G[b, b])) for b in (slice(0, 2), slice(2, 4))))
    return W @ G @ W.T


def perron(B):
    return max(abs(np.linalg.eigvals(B)))


def rows_rank(B, d, factor):
    return cond(unit(B)), factor * cond(d[:, None] * B)


DA, AD, DAD = D[:, None] * A, A * D, both(SPD, D)
T = abs(inv(A)) @ abs(A)
EIGENVALUES = np.linalg.eigvalsh(jacobi(SPD))
NEAREST = 2.0 ** np.round(np.log2(D))
BY_NUMPY = {
    "vandersluis1969-rows-1norm": (
        (A, D),
        (cond(unit(A, "inf"), 1), 4 * cond(DA, 1)),
    ),
    "vandersluis1969-rows-2norm": ((A, D), (cond(unit(A)), 2 * cond(DA))),
    "vandersluis1969-rows-infnorm": (
        (A, D),
        (cond(unit(A, 1), np.inf), cond(DA, np.inf)),
    ),
    "vandersluis1969-columns-1norm": (
        (A, D),
        (cond(unit(A, 1, 0), 1), cond(AD, 1)),
    ),
    "vandersluis1969-columns-2norm": ((A, D), (cond(unit(A, 2, 0)), 2 * cond(AD))),
    "vandersluis1969-columns-infnorm": (
        (A, D),
        (cond(unit(A, "inf", 0), np.inf), 4 * cond(AD, np.inf)),
    ),
    "vandersluis1969-rows-any-rank": ((TALL, TALL_D, 2), rows_rank(TALL, TALL_D, 2)),
    "vandersluis1969-rows-norm": (
        (TALL, TALL_D, 2),
        rows_rank(TALL, TALL_D, norm(unit(TALL), 2)),
    ),
    "vandersluis1969-rows-mixed-norm": (
        (TALL, TALL_D, 2),
        (
            1 / norm(unit(TALL), -2),
            norm(TALL_D[:, None] * TALL, axis=1).max()
            / norm(TALL_D[:, None] * TALL, -2),
        ),
    ),
    "vandersluis1969-jacobi": ((SPD, D), (cond(jacobi(SPD)), 4 * cond(DAD))),
    "vandersluis1969-jacobi-infnorm": (
        (SPD, D),
        (cond(jacobi(SPD), np.inf), 4 * cond(DAD, np.inf)),
    ),
    "jambulapati2023-jacobi-square": ((SPD, D), (cond(jacobi(SPD)), cond(DAD) ** 2)),
    "jambulapati2023-rows-square": ((A, D), (cond(unit(A)), cond(DA) ** 2)),
    "demmel2023-block-jacobi": (
        (SPD, BLOCKS),
        (cond(whitened(SPD)), 2 * cond(BLOCKS @ SPD @ BLOCKS.T)),
    ),
    "derived-jacobi-cut": ((SPD, D), (cond(jacobi(SPD)), 3 * cond(DAD))),
    "derived-jacobi-cut-eigenvalues": (
        (SPD, D),
        ((1 + (1 - EIGENVALUES[0]) / 3) / EIGENVALUES[0], cond(DAD)),
    ),
    "denniswolkowicz1993-omega-jacobi": ((SPD, D), (omega(jacobi(SPD)), omega(DAD))),
    "bauer1963-rows-inf": ((A, D), (norm(T, np.inf), cond(DA, np.inf))),
    "bauer1963-rows-one": ((A, D), (norm(T, 1), cond(DA, 1))),
    "bauer1963-columns-inf": (
        (A, D),
        (norm(abs(A) @ abs(inv(A)), np.inf), cond(AD, np.inf)),
    ),
    "bauer1963-columns-one": (
        (A, D),
        (norm(abs(A) @ abs(inv(A)), 1), cond(AD, 1)),
    ),
    "bauer1963-both": ((A, D, E), (perron(T), cond(DA * E, np.inf))),
    "mccarthystrang1973-signs": (
        (A, D, SIGNS),
        (norm(inv(A) @ (SIGNS[:, None] * A), 2), cond(DA)),
    ),
    "smith1967-rows-frobenius": (
        (A, D),
        (norm(A, axis=1) @ norm(inv(A), axis=0), fro(DA)),
    ),
    "diamondboyd2017-rows-gej": ((A, D), (gej(unit(A)), gej(DA))),
    "sezgineroverton1990-log-convex": (
        (A, D, E),
        (
            cond(np.sqrt(D)[:, None] * A * np.sqrt(E)) ** 2,
            cond(A) * cond(DA * E),
        ),
    ),
    "higham2002-power-of-two-rows": (
        (A, D),
        (cond(NEAREST[:, None] * A), 2 * cond(DA)),
    ),
    "stoerwitzgall1962-perron": (
        (POSITIVE, D),
        (perron(POSITIVE), norm(POSITIVE * D / D[:, None], np.inf)),
    ),
    "osborne1960-balanced-frobenius": (
        (SPD, D),
        (norm(SPD), norm(SPD * D / D[:, None])),
    ),
}


@pytest.mark.parametrize("key", BY_NUMPY)
def test_both_sides_are_what_numpy_computes(key):
    parts, (lhs, rhs) = BY_NUMPY[key]
    assert margin(key, *parts) == pytest.approx((lhs, rhs), rel=FLOAT)


def test_hypotheses_are_checked_before_an_instance_is_moved():
    for key in KEYS:
        admits = CATALOGUE[key].admits
        if admits is None or key not in BY_NUMPY:
            continue
        parts, _ = BY_NUMPY[key]
        assert admits(parts), key
        assert not admits((-parts[0], *(-part for part in parts[1:]))), key
