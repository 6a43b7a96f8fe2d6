"""The scalings of solvers: their defining identities and what each refuses."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from condlab import (
    NotPositiveDefiniteError,
    SingularMatrixError,
    compare_scalings,
    cond_2,
    optimal_scaling,
)
from condlab.cli import main
from condlab.optimal.solvers import SOLVER_SCALINGS

RNG = np.random.default_rng
A = RNG(0).standard_normal((6, 6)) * 10.0 ** RNG(1).uniform(-1, 1, (6, 1))


@pytest.mark.parametrize("name", SOLVER_SCALINGS)
def test_no_solver_beats_the_certified_bound(name):
    B = A @ A.T if name == "poequ" else A
    best = optimal_scaling(B, side="both")
    scaled = SOLVER_SCALINGS[name](B).apply(B)
    assert cond_2(scaled).upper >= best.optimum.lower
    assert np.isfinite(scaled).all()


@pytest.mark.parametrize("name", ["osqp", "scs"])
def test_clamped_sweeps_end_with_entries_near_one_and_leave_zeros(name):
    B = np.insert(A, 2, 0.0, axis=1)
    scaling = SOLVER_SCALINGS[name](B)
    assert scaling.right[2] == 1
    sizes = np.abs(scaling.apply(B)).max(axis=1)
    assert sizes == pytest.approx(np.full(6, sizes[0]), rel=0.7)


def test_osqp_stops_at_its_clamp():
    # Ten sweeps, each of which sees a norm below 1e-4 as 1.
    assert SOLVER_SCALINGS["osqp"]([[1e-5]]).left[0] == 1
    assert SOLVER_SCALINGS["osqp"]([[1e-3]]).left[0] == pytest.approx(
        1e3**0.5, rel=0.01
    )


def test_pdlp_ends_with_roots_of_1_norms():
    scaled = SOLVER_SCALINGS["pdlp"](np.ones((2, 8)))
    assert scaled.left == pytest.approx(np.full(2, 8**-0.5))
    assert scaled.right == pytest.approx(np.full(8, 2**-0.5))


def test_geequ_gives_unit_rows_and_columns_and_geequb_powers_of_two():
    scaled = np.abs(SOLVER_SCALINGS["geequ"](A).apply(A))
    assert scaled.max(axis=0) == pytest.approx(np.ones(6))
    left = SOLVER_SCALINGS["geequb"](A).left
    assert (np.frexp(left)[0] == 0.5).all()


def test_the_i_matrix_has_a_diagonal_of_ones_and_nothing_larger():
    scaled = np.abs(SOLVER_SCALINGS["mc64"](A).apply(A))
    assert scaled.max() <= 1 + 1e-9
    assert ((scaled > 1 - 1e-9).sum(axis=0) >= 1).all()
    assert ((scaled > 1 - 1e-9).sum(axis=1) >= 1).all()


def test_guarded_sweeps_give_unit_lines_where_there_is_total_support():
    scaled = SOLVER_SCALINGS["guarded-sinkhorn"](A).apply(A)
    for axis in (0, 1):
        assert np.linalg.norm(scaled, axis=axis) == pytest.approx(np.ones(6), rel=1e-6)


@pytest.mark.parametrize(
    ("name", "bad", "message"),
    [
        ("geequ", [[1.0, 0.0], [0.0, 0.0]], "row 1"),
        ("geequ", [[1.0, 0.0], [1.0, 0.0]], "column 1"),
        ("mc64", [[1.0, 1.0], [0.0, 0.0]], "no permutation"),
        ("guarded-sinkhorn", [[1.0, 1.0], [0.0, 1.0]], r"entry \(0, 1\)"),
        ("guarded-sinkhorn", [[0.0, 1.0], [1.0, 1.0]], r"entry \(1, 1\)"),
        ("guarded-sinkhorn", [[1.0, 1.0], [0.0, 0.0]], "total support"),
    ],
)
def test_what_a_solver_cannot_scale_is_refused(name, bad, message):
    with pytest.raises(SingularMatrixError, match=message):
        SOLVER_SCALINGS[name](bad)


def test_poequ_gives_a_unit_diagonal_and_looks_at_nothing_else():
    B = A @ A.T
    scaled = SOLVER_SCALINGS["poequ"](B).apply(B)
    assert np.diagonal(scaled) == pytest.approx(np.ones(6))
    assert scaled == pytest.approx(scaled.T, rel=1e-15)
    rest = np.diag(np.diagonal(B))
    assert (
        SOLVER_SCALINGS["poequ"](rest).left == SOLVER_SCALINGS["poequ"](B).left
    ).all()
    with pytest.raises(NotPositiveDefiniteError):
        SOLVER_SCALINGS["poequ"](np.diag([1.0, -1.0]))


def test_the_diagonal_of_mc64_is_the_assignment_of_largest_product():
    scaled = np.abs(SOLVER_SCALINGS["mc64"](A).apply(A))
    cost = sp.csr_array(np.log(np.abs(A).max()) + 1 - np.log(np.abs(A)))
    rows, columns = min_weight_full_bipartite_matching(cost)
    assert scaled[rows, columns] == pytest.approx(np.ones(6))


@pytest.mark.parametrize("name", SOLVER_SCALINGS)
def test_every_scaling_of_a_solver_can_be_compared(name):
    B = A @ A.T
    row = compare_scalings(B, scalings=[name])[-1]
    assert row.name == name
    assert row.kappa.value == pytest.approx(
        np.linalg.cond(SOLVER_SCALINGS[name](B).apply(B))
    )
    assert row.side == ("symmetric" if name == "poequ" else "both")


def test_the_command_line_offers_the_scalings_of_solvers(tmp_path, capsys):
    path = tmp_path / "A.npy"
    np.save(path, A)
    names = ["geequ", "mc64", "osqp", "scs", "pdlp"]
    methods = [word for name in names for word in ("--method", name)]
    assert main(["scale", str(path), *methods]) == 0
    page = capsys.readouterr().out
    assert all(f"\n{name} " in page for name in names)
    assert main(["scale", str(path), "--method", "scs", "--p", "1"]) == 2
    assert "scs has norms of its own" in capsys.readouterr().err
