"""Lengths of interior-point steps against LAPACK, and where an estimate misses."""

import numpy as np
import pytest

from condlab import optimal_scaling
from condlab.optimal.one_sided import _interior
from condlab.optimal.one_sided._lengths import DENSE, NEAR, SHORTEN, least_eigenvalue

LARGE = DENSE + 30
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
@pytest.mark.parametrize("factored", [False, True])
def test_the_least_eigenvalue_of_a_large_matrix_is_lapacks_or_allows_a_whole_step(
    name, factored
):
    A = rotated(SPECTRA[name])
    half = np.tril(np.random.default_rng(2).standard_normal(A.shape) / 20)
    half += 3 * np.eye(LARGE)
    inner = half @ A @ half.T if factored else A
    found = least_eigenvalue(A, half if factored else None)
    values = np.linalg.eigvalsh(inner)
    rounding = LARGE * np.finfo(float).eps * np.abs(values).max()
    assert found <= values[0] + rounding + 2 * NEAR * abs(values[0])
    assert found >= min(values[0] * (1 + 4 * NEAR), -SHORTEN) - rounding


def test_small_matrices_have_lapacks_eigenvalue():
    A = rotated(np.linspace(-3, 1, 20))
    assert least_eigenvalue(A) == pytest.approx(-3)


def test_a_length_that_is_too_great_is_cut(monkeypatch):
    A = np.random.default_rng(0).standard_normal((40, 40))
    honest = optimal_scaling(A, rtol=1e-3)
    monkeypatch.setattr(
        _interior, "least_eigenvalue", lambda *given: 0.8 * least_eigenvalue(*given)
    )
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
