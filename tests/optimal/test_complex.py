"""The best scaling of complex matrices."""

import numpy as np
import pytest

from condlab import optimal_scaling

SIDES = {(7, 7): ("left", "right", "both"), (9, 4): ("left", "right"),
         (4, 9): ("left", "right")}  # fmt: skip
CASES = [(shape, side) for shape, sides in SIDES.items() for side in sides]


def gaussian(shape, seed):
    rng = np.random.default_rng(seed)
    units = 10.0 ** rng.uniform(-3, 3, (shape[0], 1))
    return units * (rng.standard_normal(shape) + 1j * rng.standard_normal(shape))


@pytest.mark.parametrize(("shape", "side"), CASES)
def test_complex_matrices_are_scaled_within_the_tolerance(shape, side):
    A = gaussian(shape, 1)
    best = optimal_scaling(A, side=side)
    assert best.gap <= 0.005
    kappa = np.linalg.cond(best.scaling.apply(A))
    assert best.optimum.lower <= kappa <= best.optimum.upper * (1 + 1e-9)
    rng = np.random.default_rng(2)
    for _ in range(20):
        left, right = (np.exp(rng.standard_normal(n)) for n in shape)
        left = left if side != "right" else np.ones(shape[0])
        right = right if side != "left" else np.ones(shape[1])
        other = np.linalg.cond(left[:, None] * A * right)
        assert best.optimum.lower <= other * (1 + 1e-12)


@pytest.mark.parametrize("side", ["left", "right", "both"])
def test_phases_of_rows_and_columns_do_not_matter(side):
    # |D₁ A D₂| is what it is for A of unit phases times real: κ is unitarily invariant.
    rng = np.random.default_rng(4)
    A = rng.standard_normal((6, 6))
    P, Q = np.exp(2j * np.pi * rng.random((2, 6)))
    real = optimal_scaling(A, side=side).optimum
    turned = optimal_scaling(P[:, None] * A * Q, side=side).optimum
    assert max(real.lower, turned.lower) <= min(real.upper, turned.upper) * (1 + 1e-13)


def test_hermitian_matrices_are_scaled_from_both_sides_alike():
    B = gaussian((6, 6), 5)
    A = B @ B.conj().T
    A = (A + A.conj().T) / 2
    best = optimal_scaling(A, side="symmetric")
    assert best.gap <= 0.005
    assert (best.scaling.left == best.scaling.right).all()


def test_hermitian_is_asked_for_by_name():
    with pytest.raises(ValueError, match="Hermitian"):
        optimal_scaling(np.array([[1.0, 1j], [1j, 3.0]]), side="symmetric")


def test_complex_norms_without_a_method_are_refused():
    with pytest.raises(ValueError, match="p=2"):
        optimal_scaling(np.eye(2) * 1j, p=1)


def test_complex_singular_matrices_have_no_best_scaling():
    A = np.array([[1.0, 1j], [1j, -1.0]])
    assert optimal_scaling(A, side="both").stopped == "singular"


def test_complex_ranges_beyond_the_middle_are_no_harm():
    A = gaussian((4, 4), 6)
    far = optimal_scaling(A * 1e-300, side="both").optimum
    near = optimal_scaling(A, side="both").optimum
    assert far.upper == pytest.approx(near.upper, rel=0.01)
