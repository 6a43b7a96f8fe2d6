"""Square matrices on the side of the rows: the path, its equations and its proofs."""

import math

import numpy as np
import pytest
import scipy.linalg as sl

from condlab import optimal_scaling
from condlab.optimal._progress import Clock
from condlab.optimal.one_sided import _cone, _interior, _search, _square
from condlab.optimal.one_sided._square import SquarePoint
from tests.optimal.test_lengths import hopeful

MOST = 1e6
ORDER = _search.MANY + 10


def on_path(n=12, steps=3):
    """Return a matrix with rows of unit norm and some points on the path."""
    B = np.random.default_rng(n).standard_normal((n, n))
    B /= np.linalg.norm(B, axis=1)[:, None]
    points = [_square.start(B, MOST)]
    for _ in range(steps):
        points.append(_square.moved(points[-1]))
    return B, points


def graded(kappa, n=ORDER):
    rng = np.random.default_rng(0)
    Q, R = (np.linalg.qr(A)[0] for A in rng.standard_normal((2, n, n)))
    return (Q * np.geomspace(1, 1 / kappa, n)) @ R


def test_points_are_inside_and_know_their_matrix():
    B, points = on_path()
    for point in points:
        M = point.d[:, None] * B
        sigma = np.linalg.svd(M, compute_uv=False)
        np.testing.assert_allclose(point.P @ M @ M.T, np.eye(len(B)), atol=1e-10)
        np.testing.assert_allclose(point.sigma, sigma, rtol=1e-10)
        assert sigma[-1] > 1
        assert sigma[0] < point.kappa < point.reached
        for Z in (point.bottom, point.top):
            assert np.linalg.eigvalsh(Z)[0] > 0
    assert points[-1].kappa < points[0].kappa


def test_a_step_solves_the_equations_of_predictor_and_corrector():
    _, points = on_path()
    at, n = points[-1], len(points[-1].w)
    near, far = np.eye(n) - at.P, at.s * at.P - np.eye(n)
    solve = _square._system(at)
    first = solve(0.0, None)
    step = solve(0.01, first)
    no_change = np.zeros((n, n))
    for mu, found, before in ((0.0, first, None), (0.01, step, first)):
        bottom, top = at.bottom + found.bottom, at.top + found.top
        np.testing.assert_allclose(np.diagonal(bottom), np.diagonal(top), rtol=1e-9)
        assert np.trace(at.P @ top) == pytest.approx(1, rel=1e-9)
        sides = (near, at.bottom, lambda s: np.diag(s.z), lambda s: s.bottom)
        others = (
            far,
            at.top,
            lambda s: s.t * at.s * at.P - np.diag(s.z),
            lambda s: s.top,
        )
        for S, Z, slack, dual in (sides, others):
            second = no_change if before is None else slack(before) @ dual(before)
            X = np.linalg.solve(S, slack(found) @ Z + second)
            expected = mu * np.linalg.inv(S) - Z - (X + X.T) / 2
            size = np.abs(expected).max()
            np.testing.assert_allclose(dual(found), expected, atol=1e-9 * size)


def test_inner_products_after_a_step_are_those_of_the_matrices_after_it():
    _, (*_, at) = on_path()
    step, n = _square._direction(at), len(at.w)
    changes = np.diag(step.z), step.t * at.s * at.P - np.diag(step.z)
    pairs = (at.near, *step.near), (at.far, *step.far)
    for (cone, change, dual), moved in zip(pairs, changes, strict=True):
        truth = np.vdot(cone.slack + 0.3 * moved, cone.dual + 0.7 * dual)
        assert cone.after((change, dual), 0.3, 0.7) == pytest.approx(truth, rel=1e-9)
        least = sl.eigh(moved, cone.slack, eigvals_only=True)[0]
        assert cone.least(change, exact=True) == pytest.approx(least, rel=1e-9)
        least = sl.eigh(dual, cone.dual, eigvals_only=True)[0]
        assert cone.least_dual(dual, exact=True) == pytest.approx(least, rel=1e-9)
    assert n == len(cone.slack)


def test_no_scaling_is_below_a_bound_and_no_bound_above_its_ceiling():
    B, points = on_path()
    rng = np.random.default_rng(2)
    best = points[-1].d
    scalings = [best * np.exp(0.1 * rng.standard_normal(len(B))) for _ in range(200)]
    least = min(np.linalg.cond(d[:, None] * B) for d in (best, *scalings))
    for point in points:
        assert 1 <= point.rough <= least
        assert 1 <= point.bound <= min(least, point.ceiling * (1 + 1e-9))
    assert points[-1].bound > points[0].bound


def test_factors_of_the_rows_are_of_the_dual_variables():
    _, (*_, at) = on_path()
    F1, F2 = at.row_factors
    np.testing.assert_allclose(F1 @ F1.T, at.top, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(F2 @ F2.T, at.P @ at.bottom @ at.P, atol=1e-9)


@pytest.mark.parametrize("side", ["left", "symmetric"])
def test_both_sides_lead_to_the_same_optimum(side, monkeypatch):
    A = np.random.default_rng(3).standard_normal((ORDER, ORDER))
    A = A @ A.T + np.eye(ORDER) if side == "symmetric" else A
    rows = optimal_scaling(A, side=side, rtol=1e-4)
    monkeypatch.setattr(_search, "MANY", math.inf)
    columns = optimal_scaling(A, side=side, rtol=1e-4)
    for one, other in ((rows, columns), (columns, rows)):
        assert one.gap <= 1e-4
        assert one.optimum.lower <= other.optimum.upper


@pytest.mark.parametrize("kappa", [1e2, 1e4, 1e5, 1e6, 1e8])
def test_the_certificate_is_as_close_however_many_digits_squaring_loses(kappa):
    A = graded(kappa)
    found = optimal_scaling(A, rtol=1e-2)
    reached = np.linalg.cond(found.scaling.apply(A))
    assert 1 < found.iterations
    assert found.gap <= 1e-2
    assert found.optimum.lower <= reached * (1 + 1e-6)
    assert reached <= found.optimum.upper * (1 + 1e-6)


@pytest.mark.parametrize("kappa", [1e7, 1e9, 1e17])
def test_too_few_digits_are_refused(kappa):
    with pytest.raises(np.linalg.LinAlgError):
        _square.start(graded(kappa), MOST)


@pytest.mark.parametrize("multiplier", [1.0, 0.5])
def test_an_inverse_beyond_all_floats_is_refused(multiplier):
    B = np.eye(1200) - np.tril(np.full((1200, 1200), multiplier), -1)
    with pytest.raises(np.linalg.LinAlgError, match="too many digits"):
        _square.start(B, MOST)


def hostile(name):
    rng = np.random.default_rng(4)
    A = rng.standard_normal((ORDER, ORDER))
    if name == "units":
        return A * 10.0 ** rng.uniform(-150, 150, (ORDER, 1))
    if name == "sparse":
        return A * (rng.random(A.shape) < 0.05) + np.eye(ORDER)
    if name == "wide":
        return rng.standard_normal((ORDER, 2 * ORDER))
    if name == "bidiagonal":
        return np.eye(ORDER) - 0.99 * np.eye(ORDER, k=-1)
    return np.sign(A)


@pytest.mark.parametrize("name", ["units", "sparse", "wide", "bidiagonal", "signs"])
def test_hostile_rows_are_certified(name):
    A = hostile(name)
    found = optimal_scaling(A, rtol=1e-3)
    M = found.scaling.apply(A)
    assert found.gap <= 1e-3
    assert found.optimum.lower <= np.linalg.cond(M) * (1 + 1e-9)
    assert np.linalg.cond(M) <= found.optimum.upper * (1 + 1e-9)


def test_factors_that_underflow_are_no_error_where_numpy_is_told_to_raise():
    A = hostile("bidiagonal") * 3 + np.eye(ORDER, k=2)  # the dual factors decay
    with np.errstate(all="raise"):
        assert optimal_scaling(A).gap <= 0.005


@pytest.mark.parametrize("before", [0, 2])
def test_where_rounding_ends_a_path_the_other_side_goes_on(before, monkeypatch):
    taken = {module: [] for module in (_square, _interior)}

    def counted(module, move):
        def moved(*given):
            if module is _square and len(taken[module]) == before:
                raise np.linalg.LinAlgError("lost to rounding")
            taken[module].append(move(*given))
            return taken[module][-1]

        return moved

    for module in taken:
        monkeypatch.setattr(module, "moved", counted(module, module.moved))
    found = optimal_scaling(graded(1e3), rtol=1e-3)
    assert found.gap <= 1e-3
    assert len(taken[_square]) == before
    assert found.iterations == before + len(taken[_interior])


def test_a_length_that_is_too_great_is_taken_again_exactly_here_too(monkeypatch):
    A = graded(1e3)
    for name in ("least_along", "least_in_factor"):
        monkeypatch.setattr(_cone, name, hopeful(getattr(_cone, name)))
    monkeypatch.setattr(_interior, "moved", None)  # the other side is not needed
    assert optimal_scaling(A, rtol=1e-3).gap <= 1e-3


def test_without_time_the_other_side_is_not_begun(monkeypatch):
    monkeypatch.setattr(_interior, "start", None)
    B = graded(1e2)
    search = _search.best_rows(B, 1e-3, Clock(0.0), bool, 1.0, lambda _: 1.0)
    assert isinstance(search.best, SquarePoint)
    assert not search.in_time
