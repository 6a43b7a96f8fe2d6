"""Large sparse matrices: the same optimum as the dense method finds."""

import numpy as np
import pytest
import scipy.sparse as sp

import condlab.optimal
from condlab import NotPositiveDefiniteError, SingularMatrixError, optimal_scaling
from condlab.gallery import laplacian_2d, wathen

RTOL = 0.05


@pytest.fixture
def without_dense_room(monkeypatch):
    monkeypatch.setattr(condlab.optimal.best, "DENSE_BYTES", 1000)


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
    monkeypatch.setattr(condlab.optimal.best, "DENSE_BYTES", 1000)
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


def pairs(correlations, seed=None):
    """Return blocks [[1, -c], [-c, 1]], whose best κ is (1 + c) / (1 - c)."""
    blocks = [np.array([[1.0, -c], [-c, 1.0]]) for c in correlations]
    A = sp.csr_array(sp.block_diag(blocks))
    if seed is None:
        return A
    order = np.random.default_rng(seed).permutation(A.shape[0])
    return A[order][:, order]


CORRELATIONS = np.linspace(0.99, 0.999, 40)  # the vector of ones sees only 1 - c


@pytest.mark.usefixtures("without_dense_room")
@pytest.mark.parametrize("side", ["left", "right", "symmetric"])
@pytest.mark.parametrize("seed", [None, 0])
def test_the_bracket_of_many_blocks_holds_the_worst_of_them(side, seed):
    A = pairs(CORRELATIONS, seed)
    best = optimal_scaling(A, side=side)
    assert 1999 in best.optimum
    assert best.gap <= 0.005
    assert np.linalg.cond(best.scaling.apply(A).toarray()) <= best.optimum.upper


@pytest.mark.slow
def test_the_bracket_of_3000_sparse_pairs_holds_1999():
    A = pairs(np.linspace(0.99, 0.999, 3000), seed=1)
    best = optimal_scaling(A, side="symmetric")
    assert 1999 in best.optimum
    assert best.gap <= 0.005


@pytest.fixture
def without_dense_components(monkeypatch, without_dense_room):
    monkeypatch.setattr(condlab.optimal._large, "COMPONENT_BYTES", 100)


def chain(coupling, seed=None):
    """Return the pairs coupled to one tridiagonal matrix, of which Jacobi is best."""
    A = sp.lil_array(pairs(CORRELATIONS))
    for i in range(1, A.shape[0] - 1, 2):
        A[i, i + 1] = A[i + 1, i] = coupling
    order = np.arange(A.shape[0])
    if seed is not None:
        order = np.random.default_rng(seed).permutation(order)
    return sp.csr_array(A)[order][:, order]


@pytest.mark.usefixtures("without_dense_components")
@pytest.mark.parametrize("coupling", [1e-14, 1e-6, 1e-3])
@pytest.mark.parametrize("seed", [None, 0])
def test_nearly_decoupled_blocks_are_not_missed(coupling, seed):
    A = chain(coupling, seed)
    kappa = np.linalg.cond(A.toarray())  # with Property A the unit diagonal is best
    best = optimal_scaling(A, side="symmetric")
    assert best.method == "matrix-free"
    assert best.optimum.lower <= kappa * (1 + 1e-9)
    assert kappa * (1 - 1e-9) <= best.optimum.upper
    assert best.gap <= 0.005


@pytest.mark.usefixtures("without_dense_components")
def test_powers_of_two_of_any_size_do_not_change_what_is_found():
    A = chain(1e-3)
    units = sp.diags_array(2.0 ** np.random.default_rng(0).integers(-300, 300, 80))
    one = optimal_scaling(A, side="symmetric").optimum
    two = optimal_scaling(sp.csr_array(units @ A @ units), side="symmetric").optimum
    assert one.lower == pytest.approx(two.lower)
    assert one.upper == pytest.approx(two.upper)


@pytest.mark.usefixtures("without_dense_components")
@pytest.mark.parametrize("side", ["left", "symmetric"])
def test_a_lanczos_method_that_misses_the_ends_cannot_make_the_bracket_false(
    side, monkeypatch
):
    A = chain(1e-3)
    truth = optimal_scaling(A.toarray(), side=side).optimum

    def blind(operator, k, v0, tol):
        values, vectors = np.linalg.eigh(operator @ np.eye(operator.shape[0]))
        return values[20:30], vectors[:, 20:30]

    monkeypatch.setattr(condlab.optimal.one_sided.matrix_free, "eigsh", blind)
    best = optimal_scaling(A, side=side)
    assert best.optimum.lower <= truth.upper
    assert truth.lower <= best.optimum.upper
    assert np.linalg.cond(best.scaling.apply(A).toarray()) <= best.optimum.upper


@pytest.mark.usefixtures("without_dense_components")
def test_the_same_seed_gives_the_same_answer():
    A = grid_in_other_units()
    one, two = (optimal_scaling(A, rng=5).optimum for _ in range(2))
    assert one == two


@pytest.mark.usefixtures("without_dense_components")
def test_what_cannot_be_proved_leaves_the_upper_end_open():
    A = chain(1e-3)
    D = sp.diags_array(10.0 ** np.random.default_rng(0).uniform(-7, 7, 80))
    best = optimal_scaling(sp.csr_array(A @ D), side="left")  # only columns could help
    assert best.optimum.lower > 1e8  # squared, that is beyond double precision
    assert best.optimum.upper == np.inf
    assert best.stopped == "no proof"


@pytest.mark.usefixtures("without_dense_components")
def test_an_indefinite_matrix_is_not_scaled_symmetrically():
    n = 50
    off = np.full(n - 1, 2.0)
    A = sp.csr_array(sp.diags_array([off, np.ones(n), off], offsets=[-1, 0, 1]))
    with pytest.raises(NotPositiveDefiniteError, match="negative eigenvalue"):
        optimal_scaling(A, side="symmetric")


@pytest.mark.usefixtures("without_dense_room")
@pytest.mark.parametrize("shape", [(60, 80), (80, 60)])
def test_rectangles_that_fall_apart_are_scaled_block_by_block(shape):
    rng = np.random.default_rng(0)
    m, n = shape[0] // 20, shape[1] // 20
    A = sp.csr_array(sp.block_diag([rng.standard_normal((m, n)) for _ in range(20)]))
    best = optimal_scaling(A)
    parts = [optimal_scaling(B).optimum for B in _diagonal_blocks(A, m, n)]
    assert best.optimum.lower <= max(part.upper for part in parts)
    assert max(part.lower for part in parts) <= best.optimum.upper
    assert best.gap <= 0.005
    assert np.linalg.cond(best.scaling.apply(A).toarray()) <= best.optimum.upper


def _diagonal_blocks(A, m, n):
    A = A.toarray()
    return [A[m * k : m * k + m, n * k : n * k + n] for k in range(20)]


@pytest.mark.parametrize("side", ["left", "right", "symmetric"])
def test_without_a_factorisation_products_bound_the_optimum(
    side, monkeypatch, without_dense_components
):
    A = grid_in_other_units()
    best = optimal_scaling(A, side=side).optimum
    monkeypatch.setattr(condlab.optimal.one_sided.matrix_free, "FILL_LIMIT", 10)
    hurried = optimal_scaling(A, side=side)
    assert 3 < hurried.optimum.lower <= best.upper
    assert hurried.stopped == "no proof"


def test_what_rounding_makes_of_singular_rows_is_not_called_indefinite(
    without_dense_components,
):
    rng = np.random.default_rng(0)
    A = rng.standard_normal((30, 30))
    A[-1] = A[0] * (1 + 1e-15 * rng.standard_normal(30))
    best = optimal_scaling(sp.csr_array(A)).optimum  # of κ near 1e16
    assert 1 <= best.lower <= best.upper


# Corners scaled by 3/4 beside Jacobi leave each element's eigenvalues between 1/4 and
# the larger root of z² - 35/8 z + 45/32, whatever the densities.
WATHEN = 4 * (35 / 8 + np.sqrt((35 / 8) ** 2 - 45 / 8)) / 2


@pytest.mark.usefixtures("without_dense_components")
@pytest.mark.parametrize("wide", [0, 10])
def test_sweeps_bring_a_mass_matrix_near_its_optimum_in_any_units(wide):
    A = wathen(8, 8, rng=np.random.default_rng(0))
    units = 2.0 ** np.random.default_rng(1).integers(-wide, wide + 1, A.shape[0])
    A = sp.csr_array(sp.diags_array(units) @ A @ sp.diags_array(units))
    best = optimal_scaling(A, side="symmetric", rtol=RTOL)
    assert best.method == "matrix-free"
    assert best.optimum.lower <= WATHEN
    assert best.optimum.upper <= 1.05 * WATHEN  # Jacobi's κ is 18
    assert best.gap <= RTOL
    assert np.linalg.cond(best.scaling.apply(A).toarray()) <= best.optimum.upper
