"""The certified bounds against the same sums in ball arithmetic."""

import numpy as np
import pytest

from condlab.optimal.certificates.duality import scaled_bound, symmetric_bound

pytest.importorskip("flint")
pytest.importorskip("hypothesis")
balls = pytest.importorskip("condlab.theory.balls")


def case(m, n, kappa, seed):
    """Return a matrix with a given κ, and factors of random rank around its ends."""
    rng = np.random.default_rng(seed)
    U = np.linalg.qr(rng.standard_normal((m, n)))[0]
    V = np.linalg.qr(rng.standard_normal((n, n)))[0]
    B = (U * np.geomspace(1, 1 / kappa, n)) @ V.T
    return B, V[:, :2] * [1, 0.1], V[:, -2:] * [0.1, 1]


def exact_bound(B, F1, F2, *, rows, columns):
    B, F1, F2 = map(balls.ball, (B, F1, F2))
    Z1, Z2 = F1 @ F1.T, F2 @ F2.T
    high, low = ((B @ Z @ B.T).diagonal() for Z in (Z1, Z2))
    ratio = balls.minimum(high / low) if rows else high.sum() / low.sum()
    near, far = Z1.diagonal(), Z2.diagonal()
    ratio *= balls.minimum(far / near) if columns else far.sum() / near.sum()
    return balls.sqrt(ratio)


@pytest.mark.parametrize("kappa", [2.0, 1e4, 1e8, 1e12, 1e15])
@pytest.mark.parametrize(
    ("rows", "columns"), [(True, False), (False, True), (True, True)]
)
def test_the_bound_is_below_the_exact_one_whatever_the_rounding(kappa, rows, columns):
    for seed in range(5):
        B, F1, F2 = case(7, 5, kappa, seed)
        found = scaled_bound(B, F1, F2, rows=rows, columns=columns)
        with balls.precision(256):
            exact = exact_bound(B, F1, F2, rows=rows, columns=columns)
            assert found == 1.0 or balls.arb(found) <= exact
            if kappa <= 1e8 and exact > 1:
                assert found >= float(exact.mid()) * (1 - 1e-6)


@pytest.mark.parametrize("kappa", [2.0, 1e4, 1e8])
def test_the_symmetric_bound_is_below_the_exact_one(kappa):
    for seed in range(5):
        B, _, _ = case(6, 6, kappa, seed)
        G = B @ B.T
        G = (G + G.T) / 2
        U = np.linalg.svd(B)[0]
        F1, F2 = U[:, :2], U[:, -2:]
        found = symmetric_bound(G, F1, F2)
        with balls.precision(256):
            b, f1, f2 = map(balls.ball, (G, F1, F2))
            ratio = (f1 * (b @ f1)).sum() / (f2 * (b @ f2)).sum()
            ratio *= balls.minimum((f2 * f2).sum(axis=1) / (f1 * f1).sum(axis=1))
            assert found == 1.0 or balls.arb(found) <= ratio


@pytest.mark.parametrize("rows", [True, False])
def test_sums_that_overflow_prove_nothing_too_large(rows):
    B, F1, F2 = 4 * np.eye(3), 8e153 * np.eye(3), np.eye(3)
    assert scaled_bound(B, F1, F2, rows=rows, columns=not rows) == 1.0


def test_squares_that_underflow_prove_nothing_too_large():
    B = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 1e-9]])
    F1 = np.array([[3e-162], [10.0], [0.0]])
    F2 = np.array([[1.5e-162], [1.0], [20.0]])
    found = scaled_bound(B, F1, F2, rows=True, columns=False)
    with balls.precision(2048):
        exact = exact_bound(B, F1, F2, rows=True, columns=False)
        assert balls.arb(found) <= exact
