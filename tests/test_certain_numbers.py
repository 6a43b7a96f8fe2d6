"""What is called certain holds: random matrices of twenty kinds against exact truth."""

import math

import flint
import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator, aslinearoperator

from condlab import (
    bauer,
    cond_1,
    cond_2,
    cond_fro,
    cond_inf,
    cond_skeel,
    estimate_cond_1,
    estimate_cond_2,
    row_scaling,
    van_der_sluis,
)
from tests.exact import Exact, rational
from tests.kinds import KINDS

SQUARE = {1: cond_1, "inf": cond_inf, "skeel": cond_skeel}
ANY = {2: cond_2, "fro": cond_fro}


def holds(found, low, high=None):
    """Tell whether the bracket meets [low, high]; None is infinity."""
    if low is None:
        return found.upper == math.inf
    high = low if high is None else high
    return not (flint.arb(found.lower) > high or flint.arb(found.upper) < low)


def brackets(A, rng):
    """Yield every bracket of A with its name and the exact number, or its bounds."""
    exact = Exact(A)

    def truth(p):
        return None if exact.is_singular else exact.cond(p)

    square = exact.is_square
    for p, function in (ANY | (SQUARE if square else {})).items():
        yield function.__name__, function(A), truth(p)
    S = sp.csr_array(A)
    yield "estimate_cond_2", estimate_cond_2(S, rng=rng), truth(2)
    yield "products only", estimate_cond_2(S, rng=rng, fill_limit=0), truth(2)
    yield "operator", estimate_cond_2(aslinearoperator(A), rng=rng), truth(2)
    yield "van_der_sluis", *best_rows(A, exact)
    if square:
        yield "estimate_cond_1", estimate_cond_1(S, rng=rng), truth(1)
        yield from brackets_of_best(A, exact)


def best_rows(A, exact):
    """Return the bracket of the best κ₂ of D A and what one D, a power of two, has."""
    found = van_der_sluis(A)
    if exact.is_singular:
        return found, None
    D = row_scaling(sp.csr_array(A).toarray(), rounding="power-of-two").left
    scaled = Exact(np.zeros((1, 1)))
    rows = exact.M.tolist()
    units = [rational(d) for d in np.tile(D, len(rows) // len(D))]
    rows = [[d * x for x in row] for d, row in zip(units, rows, strict=True)]
    scaled.M, scaled.is_complex = flint.fmpq_mat(rows), exact.is_complex
    # The best is somewhere from 1 to this.
    return found, flint.arb(1), scaled.cond(2)


def brackets_of_best(A, exact):
    for p in (1, "inf"):
        for side in ("left", "right", "both"):
            ends = (None,) if exact.is_singular else exact.bauer(side, p)
            yield f"bauer {side} {p}", bauer(A, side=side, p=p), *ends
            if side != "both":
                found = van_der_sluis(A, side=side, p=p)
                yield f"van_der_sluis {side} {p}", found, *ends


def false_brackets(kind, count, seed):
    """Return how many brackets were tried, and those that were false."""
    rng, tried, false = np.random.default_rng([seed, KINDS.index(kind)]), 0, []
    for k in range(count):
        A = kind(int(rng.integers(1, 9 if k % 10 == 0 else 6)), rng)
        for name, found, *ends in brackets(A, rng):
            tried += 1
            if not holds(found, *ends):
                false.append((k, name, found))
    return tried, false


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_no_bracket_is_false(kind):
    assert false_brackets(kind, 3, 0)[1] == []


@pytest.mark.slow  # 20 kinds x 500 are 10,000 matrices
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_no_bracket_of_five_hundred_matrices_is_false(kind):
    tried, false = false_brackets(kind, 500, 1)
    assert tried > 3000
    assert false == []


def single_precision_operator(n, rng):
    """Return an operator of float32 with κ from 1e5 to 1e8, and its matrix."""
    U, V = (np.linalg.qr(rng.standard_normal((n, n)))[0] for _ in range(2))
    kappa = 10 ** rng.uniform(5, 8)
    return (U * np.geomspace(1, 1 / kappa, n) @ V).astype(np.float32)


def honest(M):
    return aslinearoperator(M)


def in_single_precision(M):
    """Return an operator that rounds to float32 on the way, and says so."""
    return LinearOperator(
        M.shape,
        matvec=lambda x: M @ x.astype(np.float32),
        rmatvec=lambda y: M.T @ y.astype(np.float32),
        dtype=np.float32,
    )


def that_says_double(M):
    """Return an operator that rounds to float32 on the way, and hides it."""
    return LinearOperator(
        M.shape,
        matvec=lambda x: (M @ x.astype(np.float32)).astype(float),
        rmatvec=lambda y: (M.T @ y.astype(np.float32)).astype(float),
        dtype=np.float64,
    )


def sum_with_double(M):
    return in_single_precision(M) + aslinearoperator(np.zeros(M.shape))


def product_with_a_diagonal(M):
    D = np.diag(np.full(len(M), 0.3))
    return aslinearoperator(D) @ in_single_precision(M)


OPERATORS = [honest, in_single_precision, that_says_double, sum_with_double,
             product_with_a_diagonal]  # fmt: skip


def false_lower_bounds(operator, count):
    rng, false = np.random.default_rng(2), 0
    for _ in range(count):
        M = single_precision_operator(int(rng.integers(2, 6)), rng)
        found = estimate_cond_2(operator(M), rng=rng)
        exact = Exact(M)
        false += not exact.is_singular and flint.arb(found.lower) > exact.cond(2)
    return false


@pytest.mark.parametrize("operator", OPERATORS)
def test_lower_bounds_of_single_precision_operators_hold(operator):
    assert false_lower_bounds(operator, 40) == 0


@pytest.mark.slow
@pytest.mark.parametrize("operator", OPERATORS)
def test_lower_bounds_of_three_thousand_single_precision_operators_hold(operator):
    assert false_lower_bounds(operator, 3000) == 0
