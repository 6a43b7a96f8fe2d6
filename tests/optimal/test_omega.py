"""Scalings of least omega: closed forms, alternation, and where kappa disagrees."""

import math

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import cg

import condlab
from condlab import optimal_scaling
from condlab.optimal._omega import least_share

RNG = np.random.default_rng(0)
SQUARE = RNG.standard_normal((6, 6)) * np.geomspace(1, 100, 6)
DEFINITE = SQUARE @ SQUARE.T + np.eye(6)
SHAPES = {
    "symmetric": DEFINITE,
    "left": SQUARE[:4],
    "right": SQUARE[:, :3],
    "both": SQUARE,
}


def omega(B, side):
    """Return omega by its definition, from singular values or eigenvalues."""
    squares = (
        np.linalg.eigvalsh(B)
        if side == "symmetric"
        else np.linalg.svd(B, compute_uv=False) ** 2
    )
    return squares.mean() / math.exp(np.log(squares).mean())


@pytest.mark.parametrize("side", SHAPES)
@pytest.mark.parametrize("unit", [1.0, 1j])
def test_the_optimum_is_what_the_scaling_reaches(side, unit):
    A = SHAPES[side] * (unit if side != "symmetric" else 1)
    found = optimal_scaling(A, side=side, objective="omega")
    reached = omega(found.scaling.apply(A), side)
    assert found.optimum.lower <= reached * (1 + 1e-13)
    assert reached <= found.optimum.upper * (1 + 1e-13)
    assert found.gap < 1e-9
    assert found.objective == "omega"


@pytest.mark.parametrize("side", SHAPES)
def test_no_other_scaling_has_a_smaller_omega(side):
    A = SHAPES[side]
    found = optimal_scaling(A, side=side, objective="omega")
    B = found.scaling.apply(A)
    for size in (1e-3, 0.1, 2.0):
        for _ in range(20):
            x, y = (np.exp(size * RNG.standard_normal(k)) for k in A.shape)
            x = np.ones_like(x) if side == "right" else x
            y = np.ones_like(y) if side == "left" else x if side == "symmetric" else y
            assert omega(x[:, None] * B * y, side) >= found.optimum.lower


@pytest.mark.parametrize(
    ("side", "closed"),
    [
        ("symmetric", condlab.jacobi_scaling),
        ("left", condlab.row_scaling),
        ("right", condlab.column_scaling),
    ],
)
def test_one_side_has_the_closed_form(side, closed):
    A = SHAPES[side]
    found = optimal_scaling(A, side=side, objective="omega").scaling
    for ours, theirs in zip(
        (found.left, found.right), (closed(A).left, closed(A).right), strict=True
    ):
        assert (ours is None and theirs is None) or (ours == theirs).all()


def test_both_sides_end_with_unit_rows_and_columns():
    B = optimal_scaling(SQUARE, side="both", objective="omega").scaling.apply(SQUARE)
    assert condlab.row_norms(B) == pytest.approx(np.ones(6), rel=1e-12)
    assert condlab.column_norms(B) == pytest.approx(np.ones(6), rel=1e-12)


def least_omega(A):
    """Minimise log omega over the logarithms of both sides' squares by Newton."""
    n = len(A)
    P = np.abs(A) ** 2
    w = np.zeros(2 * n)
    for _ in range(200):
        Q = P * np.exp(w[:n, None] + w[None, n:])
        q = np.concatenate([Q.sum(axis=1), Q.sum(axis=0)]) / Q.sum()
        gradient = q - 1 / n
        H = np.block([[np.diag(Q.sum(1)), Q], [Q.T, np.diag(Q.sum(0))]]) / Q.sum()
        H -= np.outer(q, q)
        step = np.linalg.lstsq(H, -gradient, rcond=1e-13)[0]
        w += step / max(1.0, float(np.abs(step).max()))
    value = math.log(float((P * np.exp(w[:n, None] + w[None, n:])).sum()) / n)
    return math.exp(value - w.sum() / n - 2 * np.linalg.slogdet(A)[1] / n)


@pytest.mark.parametrize("share", [1.0, 0.4])
@pytest.mark.parametrize("seed", range(10))
def test_the_bracket_of_both_sides_holds_what_newton_finds(seed, share):
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((5, 5)) * np.exp(rng.standard_normal((5, 5)))
    A *= (rng.random((5, 5)) < share) + np.eye(5)
    found = optimal_scaling(A, side="both", objective="omega").optimum
    assert found.lower <= least_omega(A) * (1 + 1e-12)


@pytest.mark.parametrize("size", [1e-7, 1e-4, 1e-2])
def test_a_matrix_that_is_nearly_there_has_a_certain_share_of_its_omega(size):
    B = optimal_scaling(SQUARE, side="both", objective="omega").scaling.apply(SQUARE)
    least = omega(B, "both")
    for _ in range(20):
        x, y = np.exp(size * RNG.standard_normal((2, 6)))
        C = x[:, None] * B * y
        share = least_share(C)
        assert share * omega(C, "both") <= least * (1 + 1e-13)
        if size < 1e-5:
            assert share > 1 - 1e-7


def test_sums_far_from_one_prove_nothing():
    assert least_share(np.diag([1.0, 1.0, 2.0])) == 0


def test_both_sides_of_a_symmetric_matrix_are_scaled_alike():
    A = SQUARE + SQUARE.T
    found = optimal_scaling(A, side="both", objective="omega").scaling
    assert (found.left == found.right).all()
    rows = condlab.row_norms(found.apply(A))
    assert rows == pytest.approx(np.full(6, rows[0]), rel=1e-9)


def test_without_total_support_nothing_is_claimed_below():
    # Entry (0, 1) lies on no diagonal of nonzeros; the infimum 1 has no scaling.
    found = optimal_scaling([[1.0, 1.0], [0.0, 1.0]], side="both", objective="omega")
    assert found.optimum.lower <= 1 + 1e-3
    assert found.optimum.upper < 1.01


def test_a_singular_matrix_has_an_infinite_bracket():
    found = optimal_scaling(np.ones((3, 3)), side="both", objective="omega")
    assert found.optimum.upper == math.inf


def test_a_diagonal_matrix_of_any_range_has_omega_one():
    A = np.diag([1e-200, 1.0, 1e200])
    for side in ("left", "right", "symmetric", "both"):
        found = optimal_scaling(A, side=side, objective="omega")
        assert found.optimum.lower <= 1 <= found.optimum.upper < 1 + 1e-10


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"objective": "trace"}, 'objective must be "kappa" or "omega"'),
        ({"objective": "omega", "p": 1}, "needs p=2"),
        ({"objective": "omega", "side": "both"}, "square"),
        ({"objective": "omega", "side": "left"}, "independent lines"),
    ],
)
def test_what_has_no_omega_is_refused(options, why):
    with pytest.raises(ValueError, match=why):
        optimal_scaling(np.ones((4, 2)), **options)


def test_omega_takes_fewer_steps_where_kappa_says_more():
    # Half of a block turns the extremes into each other, so that no D lowers kappa.
    n, half = 300, 15
    parts = RNG.standard_normal((2, half))
    parts /= np.linalg.norm(parts, axis=1)[:, None]
    ends = np.stack([np.append(*parts), np.append(parts[0], -parts[1])])
    Q = np.linalg.qr(ends.T, mode="complete")[0]
    rest = RNG.permutation(np.linspace(0.01, 97, n - 2))
    block = (Q * np.concatenate([[100.0, 0.01], rest[: 2 * half - 2]])) @ Q.T
    A = sp.block_diag([(block + block.T) / 2, sp.diags_array(rest[2 * half - 2 :])])
    A = A.toarray()
    scaling = optimal_scaling(A, side="symmetric", objective="omega").scaling
    assert np.linalg.cond(scaling.apply(A)) > np.linalg.cond(A)

    def steps(M):
        count = []
        cg(M, M @ np.ones(n), rtol=1e-8, maxiter=5000, callback=count.append)
        return len(count)

    assert 3 * steps(scaling.apply(A)) < steps(A)


@pytest.mark.parametrize("A", [SQUARE, SQUARE[:, :3], SQUARE[:3]])
def test_omega_is_compared_on_the_side_where_lines_are_independent(A):
    row = condlab.compare_scalings(A, scalings=["omega"])[-1]
    best = optimal_scaling(A, side=row.side, objective="omega")
    assert row.kappa.value == pytest.approx(np.linalg.cond(best.scaling.apply(A)))
