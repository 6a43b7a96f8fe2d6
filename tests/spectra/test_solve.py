"""Products with the inverse have the residual that they say, or say why not."""

import math

import numpy as np
import pytest
import scipy.sparse.linalg as spla
import torch

from condlab.curvature import HessianOperator
from condlab.spectra import solve
from tests.curvature.networks import NETWORKS, dense_hessian, problem
from tests.spectra.matrices import SPECTRA, Diagonal, rotated

EPS = torch.finfo(torch.float64).eps
METHODS = ("minres", "cg")


def sides(n, k=3, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((n, k)))


def residuals(A, B, X, damping=0.0):
    """Return relative residuals in extended precision, for what float64 is given."""
    A, B, X = (np.asarray(M, dtype=np.longdouble) for M in (A, B, X))
    R = B - A @ X - np.longdouble(damping) * X
    return np.linalg.norm(R.astype(float), axis=0) / np.linalg.norm(
        B.astype(float), axis=0
    )


def definite(values):
    """Return a definite spectrum of moderate condition, as spread as the given one."""
    return values.abs() + 1e-3 * values.abs().max()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "name", [n for n in SPECTRA if n not in ("zero", "huge", "tiny")]
)
def test_definite_systems_are_solved_to_the_residual_that_is_said(name, method):
    values = definite(SPECTRA[name])
    A, B = rotated(values), sides(len(values))
    found = solve(A, B, method=method, rtol=1e-9)
    assert found.reached
    assert found.message == ""
    truth = residuals(A, B, found.value)
    assert float(found.residual.max()) <= 1e-9
    room = 100 * len(A) * EPS * float(values.max() / values.min())
    assert found.residual.numpy() == pytest.approx(truth, abs=room)
    error = (found.value - torch.linalg.solve(A, B)).norm(dim=0) / B.norm(dim=0)
    assert bool((error <= 2e-9 / values.min()).all())


@pytest.mark.parametrize("damping", [0.0, 0.1, -0.3, 40.0])
def test_minres_solves_indefinite_systems_with_damping_and_shifts(damping):
    values = torch.cat([torch.linspace(-3, -0.5, 20), torch.linspace(0.7, 9, 40)])
    A, B = rotated(values.double()), sides(60)
    found = solve(A, B, damping=damping, rtol=1e-11)
    assert found.reached, found.message
    assert (residuals(A, B, found.value, damping) <= 1.1e-11).all()


@pytest.mark.parametrize("name", ["huge", "tiny"])
@pytest.mark.parametrize("length", [1e-300, 1.0, 1e300])
def test_neither_the_matrix_nor_the_sides_need_a_middling_size(name, length):
    values = SPECTRA[name]
    A, B = rotated(values), sides(12) * length
    found = solve(A, B, rtol=1e-10)
    assert found.reached, found.message
    size = float(values.abs().max())
    expected = torch.linalg.solve(A / size, B / length) / size * length
    finite = torch.isfinite(expected) & (expected.abs() > 1e-290)
    assert torch.equal(torch.isfinite(found.value), torch.isfinite(expected))
    assert found.value[finite].numpy() == pytest.approx(
        expected[finite].numpy(), rel=1e-6
    )


def test_damping_that_dwarfs_the_matrix_divides_by_it():
    A, B = rotated(SPECTRA["tiny"]), sides(12)
    found = solve(A, B, damping=2.0)
    torch.testing.assert_close(found.value, B / 2, rtol=1e-12, atol=0)
    zero = solve(rotated(SPECTRA["zero"]), B, damping=0.5)
    torch.testing.assert_close(zero.value, 2 * B, rtol=1e-6, atol=0)


def test_a_zero_side_has_the_solution_zero():
    B = sides(12)
    B[:, 1] = 0
    found = solve(rotated(torch.arange(1.0, 13).double()), B)
    assert found.reached
    assert float(found.residual[1]) == 0
    assert not found.value[:, 1].any()
    assert found.value[:, [0, 2]].all()


@pytest.mark.parametrize("method", METHODS)
def test_a_vector_gives_a_vector_and_each_column_stops_for_itself(method):
    A = torch.diag(torch.arange(1.0, 41).double())
    easy, hard = torch.eye(40).double()[:, 0], sides(40)[:, 0]
    alone = solve(A, hard, method=method)
    both = solve(A, torch.stack([easy, hard], dim=1), method=method)
    assert alone.value.shape == (40,)
    assert alone.residual.shape == ()
    torch.testing.assert_close(both.value[:, 1], alone.value)
    assert both.products <= alone.products + 3  # one step, its residual, and the rest


@pytest.mark.parametrize("method", METHODS)
def test_products_are_no_more_than_scipy_takes(method):
    values = torch.logspace(-2, 0, 100, dtype=torch.float64)
    if method == "minres":
        values = values * torch.tensor([1.0, -1.0]).repeat(50)
    A, b = rotated(values), sides(100)[:, 0]
    count = []
    solver = {"minres": spla.minres, "cg": spla.cg}[method]

    def stop_at(x):
        count.append(residuals(A, b[:, None], x[:, None])[0])

    solver(A.numpy(), b.numpy(), rtol=1e-14, callback=stop_at, maxiter=2000)
    theirs = next(i for i, r in enumerate(count) if r <= 1e-6)
    found = solve(A, b, method=method, rtol=1e-6, num_matvecs=2000)
    assert found.reached
    assert found.products <= 1.05 * theirs + 5


def test_single_precision_reaches_what_it_can_by_refinement():
    values = torch.logspace(-3, 0, 50, dtype=torch.float64)
    A = rotated(values).float()
    A = (A + A.T) / 2
    B = sides(50).float()
    for method in METHODS:
        found = solve(A, B, method=method, rtol=1e-4)
        assert found.value.dtype == torch.float32
        assert found.reached, found.message
        assert (residuals(A, B, found.value) <= 1.1e-4).all()
    stalled = solve(A, B, rtol=1e-9)
    assert not stalled.reached
    assert "rounding in float32 allows no less; take float64" in stalled.message
    truth = residuals(A, B, stalled.value)
    # B - AX is as large as its own rounding in float32, which depends on the processor
    ratio = stalled.residual.numpy() / truth
    assert (np.abs(np.log2(ratio)) <= 2).all()


def test_a_singular_matrix_is_solved_where_the_side_is_in_its_range():
    A = rotated(SPECTRA["exact nulls"])
    B = A @ sides(25)
    found = solve(A, B, rtol=1e-9)
    assert found.reached, found.message
    assert (residuals(A, B, found.value) <= 1.1e-9).all()


def test_outside_the_range_minres_gives_the_least_residual_and_says_so():
    values = SPECTRA["exact nulls"]
    A, b = rotated(values), sides(25)[:, 0]
    Q = torch.linalg.eigh(A)
    null = Q.eigenvectors[:, Q.eigenvalues.abs() < 1e-10]
    least = float((null.T @ b).norm() / b.norm())
    found = solve(A, b)
    assert not found.reached
    assert float(found.residual) == pytest.approx(least, rel=1e-6)
    assert "not in its range; add damping" in found.message
    assert solve(A, b, damping=5.0).reached


@pytest.mark.parametrize("side", [torch.ones(2), torch.tensor([0.0, 1.0])])
def test_outside_the_range_nothing_blows_up(side):
    A = torch.diag(torch.tensor([1.0, 0.0], dtype=torch.float64))
    found = solve(A, side.double())
    assert found.value.abs().max() <= 1 + 1e-12
    assert not found.reached
    semidefinite = solve(A, side.double(), method="cg")
    assert not semidefinite.reached
    assert "CG met" in semidefinite.message


def test_cg_says_what_curvature_it_met_and_how_much_damping_would_do():
    values = torch.cat([torch.tensor([-2.0]), torch.linspace(1, 9, 30)]).double()
    A, b = rotated(values), sides(31)[:, 0]
    found = solve(A, b, method="cg")
    assert not found.reached
    assert 'not positive definite; use method="minres", or more damping' in (
        found.message
    )
    named = float(found.message.rsplit(" ", 1)[1])
    assert 0 < named <= 2.0  # -lambda_min at most
    assert solve(A, b, method="cg", damping=2.1).reached
    assert solve(A, b, method="minres").reached


def test_products_that_are_spent_are_said_with_the_residual():
    A, B = rotated(SPECTRA["graded"]), sides(25)
    found = solve(A, B, num_matvecs=6)
    assert not found.reached
    assert found.products == 1 + 3 * 6
    assert found.message.startswith("3 of 3 columns: 6 products reach the relative")
    assert found.residual.numpy() == pytest.approx(
        residuals(A, B, found.value), rel=1e-6
    )
    assert "allow more num_matvecs, or add damping" in found.message


@pytest.mark.parametrize("name", NETWORKS)
def test_damped_newton_steps_of_networks_agree_with_a_dense_solve(name):
    loss, params, batches = problem(name)
    H = HessianOperator(loss, params, batches)
    truth = dense_hessian(loss, params, batches)
    damping = 0.1 + max(0.0, -float(torch.linalg.eigvalsh(truth)[0]))
    g = H.gradient()
    expected = torch.linalg.solve(truth + damping * torch.eye(len(truth)).to(truth), g)
    for method in METHODS:
        found = solve(H, g, damping=damping, method=method, rtol=1e-9)
        assert found.reached, found.message
        torch.testing.assert_close(found.value, expected, rtol=1e-6, atol=1e-8)


def test_what_has_only_products_is_enough():
    values = torch.linspace(1, 5, 30, dtype=torch.float64)
    found = solve(Diagonal(values), torch.ones(30, 1).double(), rtol=1e-12)
    assert found.value[:, 0].numpy() == pytest.approx((1 / values).numpy(), rel=1e-11)


@pytest.mark.parametrize(
    ("side", "options", "message"),
    [
        (torch.ones(3), {}, r"B must be torch.float64 on cpu, got torch.float32"),
        (torch.ones(4).double(), {}, r"shape \(3,\) or \(3, k\), got \(4,\)"),
        ([1, 2, 3], {}, "got list"),
        (torch.tensor([1.0, math.nan, 0]).double(), {}, "B must be finite"),
        (torch.ones(3).double(), {"method": "lu"}, "method must be one of minres, cg"),
        (torch.ones(3).double(), {"rtol": -1}, "rtol must be at least 0 and below 1"),
        (torch.ones(3).double(), {"damping": math.inf}, "damping must be finite"),
        (torch.ones(3).double(), {"num_matvecs": 1}, "at least 2, got 1"),
    ],
)
def test_what_makes_no_sense_is_refused(side, options, message):
    with pytest.raises(ValueError, match=message):
        solve(torch.eye(3).double(), side, **options)
