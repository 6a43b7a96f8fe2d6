"""Large sparse matrices: the same optimum as the dense method finds."""

import numpy as np
import pytest
import scipy.sparse as sp

import condlab.optimal
from condlab import NotPositiveDefiniteError, SingularMatrixError, optimal_scaling
from condlab.gallery import laplacian_2d

RTOL = 0.05


@pytest.fixture
def without_dense_room(monkeypatch):
    monkeypatch.setattr(condlab.optimal, "DENSE_BYTES", 1000)


def grid_in_other_units():
    A = sp.csr_array(laplacian_2d(8))
    units = 2.0 ** np.random.default_rng(0).integers(-6, 6, A.shape[0])
    return sp.csr_array(sp.diags_array(units) @ A @ sp.diags_array(units))


@pytest.mark.parametrize("side", ["left", "right", "symmetric"])
def test_matrix_free_brackets_meet_the_dense_ones(side, monkeypatch):
    A = grid_in_other_units()
    if side != "symmetric":
        A = sp.csr_array(A + sp.triu(A, 1) / 2)
    dense = optimal_scaling(A, side=side).optimum
    monkeypatch.setattr(condlab.optimal, "DENSE_BYTES", 1000)
    best = optimal_scaling(A, side=side, rtol=RTOL)
    assert best.method == "matrix-free"
    assert best.optimum.lower <= dense.upper
    assert best.optimum.upper >= dense.lower * (1 - 1e-6)
    assert best.gap <= RTOL
    kappa = np.linalg.cond(best.scaling.apply(A).toarray())
    assert kappa == pytest.approx(best.optimum.upper, rel=1e-4)


@pytest.mark.usefixtures("without_dense_room")
def test_a_time_limit_ends_the_search_with_the_gap_reached():
    A = grid_in_other_units()
    best = optimal_scaling(A, side="symmetric", time_limit=0.0)
    assert best.iterations == 1
    assert best.optimum.lower < best.optimum.upper


@pytest.mark.usefixtures("without_dense_room")
@pytest.mark.parametrize(
    ("A", "options", "error"),
    [
        (sp.eye_array(20), {"side": "both"}, ValueError),
        (sp.eye_array(20), {"p": 1}, ValueError),
        (sp.csr_array(np.ones((20, 30))), {}, ValueError),
        (sp.diags_array(-np.ones(20)), {"side": "symmetric"}, NotPositiveDefiniteError),
        (
            sp.diags_array(np.ones(19), offsets=1, shape=(20, 20)),
            {},
            SingularMatrixError,
        ),
    ],
)
def test_what_is_not_there_for_large_matrices_is_said(A, options, error):
    with pytest.raises(error):
        optimal_scaling(A, **options)
