"""What the search of the best rows begins with, and what it need not decompose."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.linalg as sl

from condlab import bounds, optimal_scaling
from condlab.optimal.one_sided import _interior, dense
from tests.optional import mpmath as mp

RNG = np.random.default_rng(0)
SQUARE = RNG.standard_normal((5, 5)) * [[1e-9], [1.0], [1e6], [3.0], [1e-2]]
MATRICES = {
    "square": SQUARE,
    "tall": RNG.standard_normal((6, 3)),
    "row of zeros": np.vstack([RNG.standard_normal((4, 3)), np.zeros((1, 3))]),
    "rounding hides it": np.array([[3.0, 0.0], [5.0, 5e-17]]),
}
DEFINITE = {"tridiagonal": np.diag([4.0, 1.0, 9.0]) + 0.5, "hilbert": sl.hilbert(9)}


def kappa(A, scaling):
    """Return κ of the exact diag(left) A diag(right), from 80 digits."""
    with mp.workdps(80):
        left = np.ones(A.shape[0]) if scaling.left is None else scaling.left
        right = np.ones(A.shape[1]) if scaling.right is None else scaling.right
        M = [
            [mp.mpf(d) * mp.mpf(a) * mp.mpf(e) for a, e in zip(row, right, strict=True)]
            for d, row in zip(left, A, strict=True)
        ]
        sigma = mp.svd_r(mp.matrix(M), compute_uv=False)
        return max(sigma) / min(sigma)


@pytest.mark.parametrize("name", MATRICES)
def test_the_scaling_beside_the_bracket_of_the_rows_attains_its_end(name):
    A = MATRICES[name]
    bracket, scaling = bounds.equilibrated(A, "left")
    truth = kappa(A, scaling)
    assert bracket.lower <= truth <= bracket.upper
    assert bracket.upper <= truth * (1 + 1e-6)
    exact = name == "rounding hides it"  # there powers of two take their place
    assert exact == bool((np.frexp(scaling.left)[0] == 0.5).all())
    if not exact:
        norms = np.linalg.norm(scaling.left[:, None] * A, axis=1)
        np.testing.assert_allclose(norms[norms > 0], 1, rtol=1e-14)


@pytest.mark.parametrize("name", DEFINITE)
def test_the_scaling_beside_the_bracket_of_both_sides_attains_its_end(name):
    A = DEFINITE[name]
    bracket, scaling = bounds.equilibrated(A, "symmetric")
    assert bracket.lower <= kappa(A, scaling) <= bracket.upper
    d = np.asarray(scaling.left)
    np.testing.assert_allclose(d**2 * np.diagonal(A), 1, rtol=1e-14)


def test_the_rows_are_decomposed_once_before_the_search(monkeypatch):
    calls, svd = [], np.linalg.svd

    def counted(*given, **options):
        calls.append(options)
        return svd(*given, **options)

    monkeypatch.setattr(np.linalg, "svd", counted)
    found = optimal_scaling(RNG.standard_normal((30, 30)))
    assert found.iterations > 1
    assert calls == [{"compute_uv": False}]


@pytest.mark.parametrize("wrong", [np.ones(5), np.geomspace(1, 1e-9, 5)])
def test_singular_values_that_are_wrong_leave_the_upper_end_above_the_truth(wrong):
    A = MATRICES["square"]
    start = bounds.equilibrated(A, "left")[1]
    found = dense.Found(start.left, None, 1.0, 0)
    honest = dense.judged(A, found)
    judged = dense.judged(A, replace(found, sigma=wrong))
    truth = kappa(A, start)
    assert truth <= judged.upper
    assert truth <= honest.upper <= truth * (1 + 1e-9)
    assert judged.sigma is None  # they are of no use to whoever changes the scaling


@pytest.mark.parametrize("shape", [(12, 12), (20, 12)])
def test_no_bound_of_a_point_is_above_its_ceiling(shape):
    B = RNG.standard_normal(shape)
    point = _interior.start(B, squarable=1e3)
    for _ in range(4):
        rounding = 1 + 1e-9  # of the traces, whose terms span κ²
        assert 1 <= point.rough <= point.bound <= point.ceiling * rounding
        point = _interior.moved(point, 1e3)


@pytest.mark.parametrize("squarable", [0.0, 1e9])
def test_both_ways_to_decompose_follow_the_same_path(squarable):
    B = np.random.default_rng(1).standard_normal((15, 10))
    point = _interior.start(B, squarable)
    for _ in range(3):
        point = _interior.moved(point, squarable)
        M = point.d[:, None] * B
        np.testing.assert_allclose(point.left @ point.V.T, M, rtol=0, atol=1e-11)
        np.testing.assert_allclose(
            point.sigma, np.linalg.svd(M, compute_uv=False), rtol=1e-11
        )
