"""Bounds of large matrices from small parts of them."""

import numpy as np
import pytest
import scipy.sparse as sp

from condlab import optimal_scaling
from condlab.gallery import laplacian_2d, wathen
from condlab.optimal._progress import Clock
from condlab.optimal.one_sided import _patches
from condlab.optimal.one_sided._patches import from_parts, most_coupled
from condlab.optimal.one_sided.matrix_free import equilibrating


def mass():
    return wathen(4, 4, rng=np.random.default_rng(0))


def convection():
    A = sp.csr_array(laplacian_2d(7))
    units = sp.diags_array(np.exp(np.random.default_rng(0).standard_normal(49)))
    return sp.csr_array(units @ (A + sp.triu(A, 1) / 2))


@pytest.mark.parametrize("order", [1, 10, 60])
@pytest.mark.parametrize("side", ["symmetric", "left"])
def test_a_part_bounds_the_whole(order, side, monkeypatch):
    symmetric = side == "symmetric"
    A = mass() if symmetric else convection()
    monkeypatch.setattr(_patches, "SMALL", order // 2 + 1)
    monkeypatch.setattr(_patches, "ORDER", order)
    monkeypatch.setattr(_patches, "FRACTION", 1)
    best = optimal_scaling(A.toarray(), side=side).optimum
    for centre in (0, 30, A.shape[0] - 1):
        found = from_parts(A, symmetric, [centre], 0.01, Clock(None))
        assert 1 <= found <= best.upper
        assert found > 0.8 * best.lower or order < 60


def test_the_best_of_several_centres_counts():
    pairs = [np.array([[1.0, -c], [-c, 1.0]]) for c in (0.5, 0.9, 0.99, 0.1)]
    A = sp.csr_array(sp.block_diag(pairs))
    assert from_parts(A, True, [0, 2, 4, 6], 1e-6, Clock(None)) == pytest.approx(199)


@pytest.mark.parametrize("symmetric", [True, False])
def test_the_most_coupled_row_does_not_depend_on_units(symmetric):
    blocks = [np.array([[1.0, c], [c, 1.0]]) for c in (0.1, 0.2, 0.9, 0.3)]
    A = sp.csr_array(sp.block_diag([np.linalg.inv(B) for B in blocks]))
    units = sp.diags_array(10.0 ** np.arange(-4, 4))
    A = sp.csr_array(units @ A @ units) if symmetric else sp.csr_array(units @ A)
    found = most_coupled(A, equilibrating(A, symmetric), symmetric)
    assert found in ((4, 5) if symmetric else range(8))


def test_a_singular_part_proves_nothing():
    A = sp.csr_array(sp.block_diag([np.ones((2, 2)), np.eye(6)]))
    for symmetric in (True, False):
        assert from_parts(A, symmetric, [0], 0.01, Clock(None)) == 1.0
