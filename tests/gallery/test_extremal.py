"""Matrices of a drawn spectrum, and those that attain a bound."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from condlab import gallery
from tests.gallery.multiprecision import EPS, exact_kappa, singular_values


@pytest.mark.parametrize("shape", [(5, 5), (9, 5), (5, 9), (1, 1), (4, 1)])
def test_random_matrix_has_the_singular_values_asked_for(shape):
    spectrum = np.geomspace(1, 1e-10, min(shape))
    A = gallery.with_singular_values(
        spectrum, rng=np.random.default_rng(0), shape=shape
    )
    assert A.shape == shape
    values = np.array(singular_values(A)[::-1], float)
    assert_allclose(values, spectrum, atol=4 * max(shape) * EPS)


@pytest.mark.parametrize("spectrum", [[3.0], [1, 1, 1], [4, 0, 1e-9], [1e200, 1e-200]])
def test_random_spd_matrix_has_the_eigenvalues_asked_for(spectrum):
    A = gallery.with_eigenvalues(spectrum, rng=np.random.default_rng(1))
    assert_array_equal(A, A.T)
    rounding = 4 * len(spectrum) * EPS * max(spectrum)
    assert_allclose(np.linalg.eigvalsh(A), np.sort(spectrum), atol=rounding)


def test_haar_columns_are_uniform_on_the_circle():
    rng = np.random.default_rng(0)
    angles = []
    for _ in range(2000):
        x, y = gallery.haar_columns(2, 2, rng=rng)[:, 1]
        angles.append(np.arctan2(y, x))
    quarters, _ = np.histogram(angles, bins=4, range=(-np.pi, np.pi))
    # binomial(2000, 1/4): five standard deviations of 19; LAPACK's own signs fail it
    assert abs(quarters - 500).max() < 5 * sqrt(2000 * 3 / 16)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda rng: gallery.with_singular_values([1, -1], rng=rng), "non-negative"),
        (lambda rng: gallery.with_singular_values([], rng=rng), "non-empty 1-D"),
        (lambda rng: gallery.with_eigenvalues([[1.0]], rng=rng), "1-D array, got"),
        (lambda rng: gallery.with_eigenvalues([np.nan], rng=rng), "finite"),
        (
            lambda rng: gallery.with_singular_values([1, 2], rng=rng, shape=(3, 3)),
            "has 3 singular values, got 2",
        ),
        (lambda rng: gallery.haar_columns(2, 3, rng=rng), "at most 2 columns"),
    ],
)
def test_bad_spectra_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(np.random.default_rng(0))


@pytest.mark.parametrize(("m", "n"), [(1, 1), (4, 3), (9, 4), (50, 2)])
def test_repeated_row_is_the_root_of_its_repeats_above_the_best(m, n):
    A = gallery.repeated_row(m, n)
    assert_allclose(np.linalg.norm(A, axis=1), 1)
    assert_allclose(np.linalg.cond(A), sqrt(m - n + 1), rtol=1e2 * EPS)
    D = np.ones(m)
    D[n - 1 :] = 1 / sqrt(m - n + 1)
    assert_allclose(np.linalg.cond(D[:, None] * A), 1, rtol=1e2 * EPS)


@pytest.mark.parametrize("m", [2, 3, 8, 50])
def test_nearly_parallel_rows_are_root_half_m_above_a_better_scaling(m):
    A = gallery.nearly_parallel_rows(m)
    assert_allclose(np.linalg.norm(A, axis=1), 1, rtol=4 * EPS)
    better = gallery.nearly_parallel_scaling(m).apply(A)
    ratio = np.linalg.cond(A) / np.linalg.cond(better)
    assert 0.999 * sqrt(m / 2) < ratio <= sqrt(m / 2)


@pytest.mark.parametrize("n", [2, 3, 8, 12])
def test_nearly_parallel_gram_is_half_n_above_a_better_scaling(n):
    A = gallery.nearly_parallel_gram(n)
    assert_array_equal(np.diagonal(A), 1)
    weights = gallery.nearly_parallel_scaling(n).left
    ratio = exact_kappa(A) / exact_kappa(weights[:, None] * A * weights)
    assert 0.998 * n / 2 < ratio <= n / 2 * (1 + 1e-4)  # kappa 1e10 n: rounding 1e-5


@pytest.mark.parametrize("n", [2, 3, 4, 7])
@pytest.mark.parametrize("weight", [1.0, 0.01, 2e-3])
def test_weighted_gram_condition_number_is_in_closed_form(n, weight):
    rows = gallery.nearly_parallel_rows(n, pair_angle=1e-3, angle=0.3)
    rows[2:] *= weight
    kappa = gallery.extremal.nearly_parallel_gram_kappa_2(
        n, pair_angle=1e-3, angle=0.3, weight=weight
    )
    rounding = 4 * n * EPS * sqrt(kappa)
    assert_allclose(exact_kappa(rows), sqrt(kappa), rtol=rounding + 4 * EPS)


def test_gram_family_is_the_gram_matrix_of_the_rows():
    rows = gallery.nearly_parallel_rows(6, pair_angle=0.1, angle=0.4)
    gram = gallery.nearly_parallel_gram(6, pair_angle=0.1, angle=0.4)
    assert_allclose(rows @ rows.T, gram, rtol=4 * EPS)


def test_nearly_parallel_families_refuse_angles_in_the_wrong_order():
    with pytest.raises(ValueError, match="0 < pair_angle < angle"):
        gallery.nearly_parallel_rows(4, pair_angle=0.2, angle=0.1)
