"""Estimates in awkward units: graded, wide-ranged, of operators that round."""

import inspect
import math

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator, aslinearoperator

from condlab.condition import (
    cond_1,
    cond_2,
    cond_inf,
    estimate_cond_1,
    estimate_cond_2,
)
from tests.optional import torch

BOTH = [(estimate_cond_1, cond_1), (estimate_cond_2, cond_2)]
LARGEST = np.finfo(float).max
WITHIN = 0.01  # what an estimate of κ₂ that says it converged keeps


def poisson(k):
    T = sp.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(k, k))
    return (sp.kron(T, sp.eye_array(k)) + sp.kron(sp.eye_array(k), T)).tocsr()


def units(seed, decades, n=64):
    rng = np.random.default_rng(seed)
    return sp.diags_array(10.0 ** rng.uniform(-decades, decades, n))


GRADED = {
    "rows": lambda s: units(s, 8) @ poisson(8),
    "columns": lambda s: poisson(8) @ units(s, 8),
    "both": lambda s: units(s, 8) @ poisson(8) @ units(s + 99, 8),
    "alike": lambda s: units(s, 8) @ poisson(8) @ units(s, 8),
    "convection": lambda s: units(s, 8) @ (poisson(8) + 0.3 * sp.eye_array(64, k=1)),
    "complex": lambda s: (
        units(s, 8) @ (poisson(8) * (1 + 0.5j) + 1j * sp.eye_array(64))
    ),
    "rows of 120 decades": lambda s: units(s, 60) @ poisson(8),
}


@pytest.mark.parametrize(("estimate", "exact"), BOTH)
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("graded", GRADED.values(), ids=GRADED)
def test_graded_matrices_can_be_told_from_singular_ones(graded, seed, estimate, exact):
    A = sp.csr_array(graded(seed))
    found, known = estimate(A), exact(A)
    assert known.value < math.inf
    assert found.lower <= known.upper
    assert found.value == pytest.approx(known.value, rel=WITHIN)
    if graded in (GRADED["rows"], GRADED["columns"]):  # not so for both sides at once
        assert found.lower == pytest.approx(known.value, rel=WITHIN)


@pytest.mark.parametrize(("estimate", "exact"), BOTH)
def test_singular_matrices_in_random_units_stay_singular(estimate, exact):
    neumann = poisson(8)
    neumann = neumann - sp.diags_array(neumann.sum(axis=1))
    for A in (
        units(1, 8) @ neumann,
        neumann @ units(2, 8),
        units(3, 4) @ neumann @ units(4, 4),
    ):
        assert estimate(sp.csr_array(A)).value == math.inf


@pytest.mark.parametrize(("estimate", "exact"), BOTH)
def test_a_small_regular_part_does_not_hide_that_the_rest_is_singular(estimate, exact):
    A = sp.block_diag([[[1e-20]], [[1.0, 2, 3], [4, 5, 6], [7, 8, 9]]])
    assert estimate(A).value == exact(A).value == math.inf


@pytest.mark.parametrize("function", [estimate_cond_1, estimate_cond_2])
@pytest.mark.parametrize(
    "A",
    [
        np.diag([1e300, 1e-300]),
        np.array([[1e300, 1e-300], [1e300, -1e-300]]),
        np.array([[1e300, 1e300], [1e-300, -1e-300]]),
        np.diag([1e300, 1.0, 5e-324]),
        np.array([[0, 1e-300j], [1e300, 0]]),
        np.array([[1e300, 0], [0, 1e-300], [0, 0]]),
    ],
)
def test_lower_bound_of_what_no_float_holds_is_the_largest_float(function, A):
    if function is estimate_cond_1 and A.shape[0] != A.shape[1]:
        return
    found = function(sp.csr_array(A))  # κ is at least 1e600
    assert found.value == found.upper == math.inf
    assert 0.99 * LARGEST <= found.lower <= LARGEST


@pytest.mark.parametrize("kind", range(4))
def test_estimate_of_the_2_norm_does_not_settle_on_another_singular_value(kind):
    rng = np.random.default_rng(kind)
    for _ in range(60):
        n = int(rng.integers(3, 40))
        A = [
            lambda n: sp.block_diag([rng.standard_normal((2, 2)) for _ in range(n)]),
            lambda n: sp.diags_array(1 + rng.uniform(0, 1, n) ** 0.1),
            lambda n: sp.csr_array(rng.integers(-2, 3, (n, n)).astype(float)),
            lambda n: (
                sp.random_array((n + 9, n), density=0.3, rng=rng)
                + sp.eye_array(n + 9, n)
            ),
        ][kind](n)
        found, known = estimate_cond_2(A, rng=rng), cond_2(A)
        if known.value < 1e8 and "not converged" not in found.method:
            assert found.value == pytest.approx(known.value, rel=WITHIN)


def test_too_few_products_are_said():
    A = sp.diags_array(np.linspace(1, 2, 4000))
    assert "not converged" in estimate_cond_2(A, num_matvecs=5).method


@pytest.mark.parametrize("function", [estimate_cond_1, estimate_cond_2])
def test_every_call_gives_the_same_by_default(function):
    assert inspect.signature(function).parameters["rng"].default == 0
    for seed in range(20):
        A = sp.random_array((9, 9), density=0.5, rng=np.random.default_rng(seed))
        A = A + 0.1 * sp.eye_array(9)
        assert function(A) == function(A)


def test_no_seed_draws_anew():
    A = poisson(12) + sp.random_array(
        (144, 144), density=0.05, rng=np.random.default_rng(1)
    )
    assert len({estimate_cond_2(A, rng=None).value for _ in range(5)}) > 1


NEAR = np.array([[0.50560415, 0.4490706], [0.55079496, 0.4892085]], dtype=np.float32)


def rounding(M, dtype, declared):
    """Return an operator that computes in a dtype and declares another."""
    M = M.astype(dtype)
    return LinearOperator(
        M.shape,
        matvec=lambda x: M @ x.astype(dtype),
        rmatvec=lambda y: M.conj().T @ y.astype(dtype),
        dtype=declared,
    )


def hiding(A):
    """Return the operator with products converted to double precision."""
    return LinearOperator(
        A.shape,
        matvec=lambda x: A.matvec(x).astype(float),
        rmatvec=lambda y: A.rmatvec(y).astype(float),
        dtype=float,
    )


SINGLE = rounding(NEAR, np.float32, np.float32)
DOUBLE = aslinearoperator(NEAR.astype(float))
INVERSE = aslinearoperator(np.linalg.inv(NEAR.astype(float)))
COARSE = {
    "single": SINGLE,
    "undeclared": rounding(NEAR, np.float32, None),
    "declared double": rounding(NEAR, np.float32, float),
    "hidden": hiding(SINGLE),
    "matrix": aslinearoperator(NEAR),
    "complex": rounding(NEAR, np.complex64, np.complex64),
    "adjoint": SINGLE.H,
    "transpose": SINGLE.T,
    "multiple": 3.0 * SINGLE,
    "sum": SINGLE + 0.0 * DOUBLE,
    "product": SINGLE @ aslinearoperator(np.eye(2)),
    "half": rounding(NEAR, np.float16, np.float16),
}


@pytest.mark.parametrize("operator", COARSE.values(), ids=COARSE)
def test_an_operator_is_trusted_to_the_precision_of_its_products_only(operator):
    found = estimate_cond_2(operator)
    assert 1 <= found.lower <= cond_2(NEAR).upper  # 5.8e7
    assert "taken to be good" in found.method or "seen to be good" in found.method
    assert found.is_lower_bound


def test_what_cancels_in_a_product_of_operators_is_seen():
    # (M M⁻¹) is the identity, its products have an error of eps κ(M).
    found = estimate_cond_2(hiding(aslinearoperator(NEAR)) @ INVERSE)
    assert (
        found.lower
        <= cond_2(NEAR.astype(float) @ np.linalg.inv(NEAR.astype(float))).upper
    )
    difference = (SINGLE + DOUBLE) + (-1.0) * DOUBLE
    assert estimate_cond_2(difference).lower <= cond_2(NEAR).upper


def test_integers_and_double_precision_are_trusted_more():
    for A in (DOUBLE, aslinearoperator(np.array([[2, 1], [1, 3]]))):
        found = estimate_cond_2(A)
        assert "eps = 2.2e-16" in found.method
    assert estimate_cond_2(DOUBLE).value == pytest.approx(cond_2(NEAR).value, rel=0.5)


@pytest.mark.parametrize("name", ["float32", "bfloat16", "float16"])
def test_half_and_single_tensors_are_taken_as_stored(name):
    dtype = getattr(torch, name)
    T = torch.tensor(NEAR.tolist(), dtype=dtype) + torch.eye(2, dtype=dtype)
    stored = T.to(torch.float64).numpy()
    for function in (cond_1, cond_2, cond_inf, estimate_cond_1, estimate_cond_2):
        assert function(T).value == function(stored).value
    S = sp.csr_array(NEAR)
    assert estimate_cond_2(S).value == estimate_cond_2(S.astype(float)).value


def test_an_operator_without_its_adjoint_gets_one_clear_sentence():
    for shape in ((2, 2), (2, 3), (3, 2)):
        A = LinearOperator(shape, matvec=lambda x: np.ones(shape[0]), dtype=float)  # noqa: B023
        with pytest.raises(ValueError, match=r"adjoint, got a .* without rmatvec"):
            estimate_cond_2(A)
    with pytest.raises(ValueError, match="at least one row"):
        estimate_cond_2(aslinearoperator(np.zeros((0, 3))))
    with pytest.raises(ValueError, match="must be finite"):
        estimate_cond_2(LinearOperator((2, 2), lambda x: x * math.nan, lambda y: y))
