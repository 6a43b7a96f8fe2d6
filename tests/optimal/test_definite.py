"""Certain ranges of eigenvalues against LAPACK's, from good estimates and from bad."""

import numpy as np
import pytest
import scipy.sparse as sp

from condlab.gallery import laplacian_2d
from condlab.optimal._progress import Clock
from condlab.optimal.certificates import definite
from condlab.optimal.certificates.definite import certain_range, congruence, gram

RNG = np.random.default_rng


def grid():
    A = sp.csc_array(laplacian_2d(9))
    d = np.exp(RNG(0).standard_normal(81))
    return congruence(A, d), d[:, None] * A.toarray() * d


def rows():
    A = sp.csr_array(sp.random_array((80, 80), density=0.05, rng=RNG(1)))
    A = sp.csr_array(A + sp.eye_array(80))
    d = np.exp(RNG(2).standard_normal(80))
    M = d[:, None] * A.toarray()
    return gram(A, d), M @ M.T


@pytest.mark.parametrize("case", [grid, rows])
@pytest.mark.parametrize("wrong", [0.0, 1e-5, 1e-3, 0.3])
def test_eigenvalues_are_within_whatever_the_estimates_miss(case, wrong):
    form, K = case()
    values = np.linalg.eigvalsh(K)
    low, high = values[0] * (1 + wrong), values[-1] * (1 - wrong)
    least, most = certain_range(form, low, high, Clock(None))
    assert least <= values[0] * (1 + 1e-9)
    assert values[-1] * (1 - 1e-9) <= most
    assert most / least <= values[-1] / values[0] * (1 + 1e-5 if wrong == 0 else 10)


def test_nothing_is_proved_of_indefinite_matrices_or_below_rounding():
    indefinite = sp.csc_array(np.array([[1.0, 2.0], [2.0, 1.0]]))
    form = congruence(indefinite, np.ones(2))
    assert certain_range(form, 1.0, 3.0, Clock(None))[0] == 0
    tiny = congruence(sp.csc_array(np.array([[1.0, 1.0], [1.0, 1.0]])), np.ones(2))
    assert certain_range(tiny, 1e-17, 2.0, Clock(None))[0] == 0


def test_with_no_time_nothing_is_proved():
    form, _ = grid()
    assert certain_range(form, 1.0, 8.0, Clock(0.0)) == (0.0, np.inf)


def test_a_known_fill_needs_no_count(monkeypatch):
    form, K = grid()
    values = np.linalg.eigvalsh(K)
    slow = Clock(60.0)
    slow.calibrate((301, 301))  # without that, it knows of no work that takes long
    monkeypatch.setattr(definite, "COUNTING", np.inf)
    assert certain_range(form, values[0], values[-1], slow) == (0.0, np.inf)
    least, most = certain_range(form, values[0], values[-1], slow, fill=3000)
    assert values[0] * (1 - 1e-4) <= least <= values[0]
    assert values[-1] <= most <= values[-1] * (1 + 1e-4)
    hopeless = certain_range(form, values[0], values[-1], slow, fill=1e9)
    assert hopeless == (0.0, np.inf)
