"""Bounds of the best two-sided condition number from signs, phases and turns."""

import numpy as np
import pytest
import scipy.linalg as sl

from condlab import optimal_scaling
from condlab.optimal.certificates.signs import turning_bound, turns

flint = pytest.importorskip("flint")


def case(n, kappa, seed, *, is_complex=False):
    """Return a matrix of a given κ, and its ends' singular vectors."""
    rng = np.random.default_rng(seed)

    def gaussian():
        G = rng.standard_normal((n, n))
        return G + 1j * rng.standard_normal((n, n)) if is_complex else G

    U, V = (np.linalg.qr(gaussian())[0] for _ in range(2))
    return (U * np.geomspace(1, 1 / kappa, n)) @ V.conj().T, U, V


def ends(U, V, k=1):
    return (U[:, :k], U[:, -k:]), (V[:, :k], V[:, -k:])


def spectral_radius(B, images, sources):
    """Return ρ(B⁻¹ S₁ B S₂) of the stored matrices to some sixty digits."""
    flint.ctx.prec = 400
    k = images[0].shape[1]
    blocks = turns(*images), turns(*reversed(sources))
    S1, S2 = (flint.acb_mat(sl.block_diag(*T).astype(complex).tolist()) for T in blocks)
    M = flint.acb_mat(np.kron(B, np.eye(k)).astype(complex).tolist())
    values = (M.inv() * S1 * M * S2).eig(algorithm="approx")
    return max(float(abs(value).mid()) for value in values)


@pytest.mark.parametrize("is_complex", [False, True])
@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("kappa", [2.0, 1e4, 1e8, 1e12])
def test_the_bound_is_at_most_the_exact_spectral_radius(kappa, k, is_complex):
    for seed in range(4):
        B, U, V = case(6, kappa, seed, is_complex=is_complex)
        found = turning_bound(B, *ends(U, V, k), np.ones(6))
        assert 1 <= found <= spectral_radius(B, *ends(U, V, k)) * (1 + 1e-14)


@pytest.mark.parametrize("is_complex", [False, True])
@pytest.mark.parametrize("k", [1, 2, 3])
def test_no_scaling_beats_the_bound(k, is_complex):
    rng = np.random.default_rng(3)
    for seed in range(10):
        B, U, V = case(6, 100.0, seed, is_complex=is_complex)
        found = turning_bound(B, *ends(U, V, k), np.ones(6))
        for spread in (0.1, 1.0, 3.0):
            left, right = np.exp(spread * rng.standard_normal((2, 6)))
            assert found <= np.linalg.cond(left[:, None] * B * right)


@pytest.mark.parametrize("is_complex", [False, True])
def test_turns_are_unitary_and_turn_row_into_row(is_complex):
    rng = np.random.default_rng(4)
    P, Q = rng.standard_normal((2, 9, 3)) + is_complex * 1j * rng.standard_normal(
        (2, 9, 3)
    )
    Q[0] = -P[0]
    P[1] = 0
    T = turns(P, Q)
    assert np.abs(T.conj().swapaxes(1, 2) @ T - np.eye(3)).max() < 1e-14
    moved = (T @ P[:, :, None])[:, :, 0] / np.linalg.norm(P[:, None], axis=2).clip(1e-9)
    expected = Q / np.linalg.norm(Q, axis=1, keepdims=True)
    assert np.abs(moved - expected)[2:].max() < 1e-14
    assert np.abs(moved - expected)[0].max() < 1e-14


def test_vectors_that_are_no_eigenvectors_leave_what_is_always_true():
    one = np.ones((3, 1))
    for B in (np.diag([1.0, 2.0, 3.0]), np.zeros((3, 3))):
        assert turning_bound(B, (one, one), (one, one), np.ones(3)) == 1.0


@pytest.mark.parametrize("seed", [5, 7, 22, 25, 32])
def test_extremes_that_meet_are_certified_by_turns(seed):
    # Nearly reducible: repairs of the dual certificate lose all there is.
    rng = np.random.default_rng(seed)
    n = 9
    A = 10.0 ** -rng.uniform(0, rng.choice([10, 15, 25]), (n, n))
    A *= rng.choice([-1, 1], (n, n)) * (rng.random((n, n)) < 0.6)
    A += np.diag(10.0 ** -rng.uniform(0, 10, n))
    assert optimal_scaling(A, side="both").gap <= 0.005


def test_an_inverse_of_a_checkerboard_of_signs_attains_bauers_number():
    # For such matrices the optimum is the Perron root of |A⁻¹| |A|.
    A = 1 / (np.arange(1.0, 5)[:, None] + np.arange(4))
    best = optimal_scaling(A, side="both", rtol=1e-3).optimum
    root = np.abs(np.linalg.eigvals(np.abs(np.linalg.inv(A)) @ np.abs(A))).max()
    assert best.lower <= root * (1 + 1e-9)
    assert best.upper >= root * (1 - 1e-9)
    assert best.upper <= best.lower * (1 + 1e-3)
