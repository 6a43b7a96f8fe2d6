"""Lengths of interior-point steps against LAPACK, and where an estimate misses."""

import numpy as np
import pytest

from condlab import optimal_scaling
from condlab.optimal.one_sided import _interior
from condlab.optimal.one_sided._lengths import (
    SMALL,
    cholesky,
    least_in_factor,
    least_scaled,
)

LARGE = SMALL + 30
SPECTRA = {
    "even": np.linspace(-2, 3, LARGE),
    "one outlier": np.r_[-50.0, np.linspace(0, 1, LARGE - 1)],
    "repeated": np.r_[[-4.0] * 5, np.linspace(-1, 1, LARGE - 5)],
    "graded": -np.logspace(0, -12, LARGE),
    "identity": -np.ones(LARGE),
    "zero": np.zeros(LARGE),
    "whole step": np.linspace(-0.5, 9, LARGE),
}


def rotated(values):
    Q, _ = np.linalg.qr(np.random.default_rng(1).standard_normal((len(values),) * 2))
    A = (Q * values) @ Q.T
    return (A + A.T) / 2


@pytest.mark.parametrize("name", SPECTRA)
def test_the_least_eigenvalue_of_a_large_matrix_is_lapacks(name):
    A = rotated(SPECTRA[name])
    least = SPECTRA[name].min()
    found = least_scaled(A, np.ones(LARGE), exact=False)
    rounding = 4 * LARGE * np.finfo(float).eps * np.abs(SPECTRA[name]).max()
    assert found == pytest.approx(least, abs=rounding + 2e-3 * max(1, abs(least)))
    assert found <= least + rounding


@pytest.mark.parametrize("name", SPECTRA)
def test_a_change_is_measured_by_the_matrix_that_it_changes(name):
    A = rotated(SPECTRA[name])
    Z = rotated(np.logspace(-2, 2, LARGE))
    L = cholesky(Z)
    whole = np.linalg.solve(L, np.linalg.solve(L, A).T)
    least = np.linalg.eigvalsh((whole + whole.T) / 2)[0]
    found = least_in_factor(A, L, exact=False)
    assert found == pytest.approx(least, abs=1e-9 + 2e-3 * max(1, abs(least)))


def test_a_length_that_is_too_great_is_taken_again_exactly(monkeypatch):
    A = np.random.default_rng(0).standard_normal((40, 40))
    honest = optimal_scaling(A, rtol=1e-3)

    def hopeful(measure):
        return lambda *given: measure(*given) * (1 if given[-1] else 0.8)

    monkeypatch.setattr(_interior, "least_scaled", hopeful(least_scaled))
    monkeypatch.setattr(_interior, "least_in_factor", hopeful(least_in_factor))
    found = optimal_scaling(A, rtol=1e-3)
    assert found.gap <= 1e-3
    assert found.optimum.lower <= honest.optimum.upper
    assert honest.optimum.lower <= found.optimum.upper


@pytest.mark.parametrize("side", ["left", "symmetric"])
def test_large_optima_are_certified_as_small_ones_are(side):
    A = np.random.default_rng(3).standard_normal((LARGE, LARGE))
    A = A @ A.T + np.eye(LARGE) if side == "symmetric" else A
    found = optimal_scaling(A, side=side, rtol=1e-4)
    assert found.gap <= 1e-4
    reached = np.linalg.cond(found.scaling.apply(A))
    assert found.optimum.lower <= reached * (1 + 1e-9)
    assert reached <= found.optimum.upper * (1 + 1e-9)
