"""Bauer's and van der Sluis's bounds, where they are attained and beside each other."""

import numpy as np
import pytest
import scipy.linalg as sl

from condlab.bounds import bauer, van_der_sluis
from tests.scaling.searches import GENERAL, ulps


def test_bauer_both_is_attained_at_perron_vectors():
    A = np.array([[2.0, -1.0, 3.0], [1.0, 5.0, 1.0], [4.0, 1.0, -1.0]])
    T = np.abs(np.linalg.inv(A)) @ np.abs(A)
    values, vectors = np.linalg.eig(T)
    x = np.abs(vectors[:, np.argmax(values.real)].real)
    D2, D1 = np.diag(x), np.diag(1 / (np.abs(A) @ x))
    best = np.linalg.cond(D1 @ A @ D2, np.inf)
    bracket = bauer(A, side="both", p="inf")
    assert best == pytest.approx(bracket.upper, rel=ulps(3, best))
    assert bracket.upper - bracket.lower <= bracket.upper * ulps(3, best)


def test_bauer_both_knows_reducible_matrices():
    block = np.array([[1.0, 1.0], [1.0, -1.0]])  # |inverse| |block| has radius 2
    A = sl.block_diag([[1.0]], block, [[3.0]])
    A[0, 3] = 7.0
    bracket = bauer(A, side="both", p=1)
    assert bracket.lower == pytest.approx(2.0)
    assert 2.0 in bracket
    assert bracket.upper == pytest.approx(2.0)


@pytest.mark.parametrize(("side", "p"), [("left", "inf"), ("right", 1)])
def test_van_der_sluis_is_exact_where_bauer_is_attained_by_equal_norms(side, p):
    bracket, exact = (
        van_der_sluis(GENERAL, side=side, p=p),
        bauer(GENERAL, side=side, p=p),
    )
    assert bracket.factor == 1.0
    assert bracket.upper == pytest.approx(exact.upper, rel=ulps(3, exact.upper))
    assert bracket.lower == pytest.approx(exact.upper, rel=ulps(3, exact.upper))


def test_bauer_beats_van_der_sluis_where_both_know():
    for side, p in [("left", 1), ("right", "inf")]:
        exact, bracket = (
            bauer(GENERAL, side=side, p=p),
            van_der_sluis(GENERAL, side=side, p=p),
        )
        assert bracket.lower <= exact.upper
        assert exact.lower <= bracket.upper


def test_random_two_sided_scalings_never_beat_the_spectral_radius():
    rng = np.random.default_rng(1)
    lower = bauer(GENERAL, side="both", p=1).lower
    for _ in range(300):
        d, e = np.exp(rng.normal(0, 2, (2, 3)))
        kappa = np.linalg.cond(d[:, None] * GENERAL * e, 1)
        assert lower <= kappa * (1 + ulps(3, kappa))
