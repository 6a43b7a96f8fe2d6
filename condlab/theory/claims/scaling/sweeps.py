"""Scalings found by sweeps: of Ruiz, and of Sinkhorn and Knopp.

"Converges if and only if" is no inequality. What is checked is the inequality that
decides it: how far from 1 the sums stay without support, what total support leaves
over, and how fast the sweeps go where they work.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np

from condlab.theory import balls, strategies
from condlab.theory.balls import Ball, Balls, Sides
from condlab.theory.claims.scaling.bauer import roots
from condlab.theory.formula import claim
from condlab.theory.references.scaling import (
    FRANKLIN_LORENZ,
    KNIGHT_RUIZ_UCAR,
    RUIZ,
    SINKHORN_KNOPP,
)
from condlab.theory.strategies import exact_rank, st


def _no_zero_line(A: np.ndarray) -> bool:
    return bool(A.any(axis=0).all() and A.any(axis=1).all())


def _ruiz_sweep(A: Balls) -> Balls:
    rows, columns = balls.row_norms(A, "inf"), balls.row_norms(A.T, "inf")
    return A / roots(rows)[:, None] / roots(columns)


@claim(
    "ruiz2001-bounded",
    RUIZ,
    lambda size: strategies.any_shape(size).filter(_no_zero_line),
    latex=r"\max_{i,j} |b_{ij}| \le 1, \quad "
    r"b_{ij} = a_{ij} / \sqrt{\|a_{i:}\|_\infty \|a_{:j}\|_\infty}",
    admits=_no_zero_line,
)
def bounded(A: Balls) -> Sides:
    """After one sweep of Ruiz's scaling in the inf-norm no entry of a matrix without
    zero lines exceeds 1."""
    return balls.maximum(abs(_ruiz_sweep(A)).ravel()), balls.arb(1)


def _with_steps(size: int) -> st.SearchStrategy:
    matrices = strategies.any_shape(size).filter(_no_zero_line)
    return st.tuples(matrices, st.integers(1, 4))


def _least_norm(A: Balls) -> Ball:
    norms = *balls.row_norms(A, "inf"), *balls.row_norms(A.T, "inf")
    return balls.minimum(norms)


@claim(
    "ruiz2001-rate",
    KNIGHT_RUIZ_UCAR.at("Theorem 2.3; Ruiz 2001"),
    _with_steps,
    latex=r"s_1^{2^{-k}} \le s_{k+1} \le 1",
    admits=lambda A, _: _no_zero_line(A),
    note="The asymptotic rate 1/2 of convergence to unit norms, for every matrix "
    "without zero lines: a line's largest entry becomes at least its square root.",
)
def rate(A: Balls, k: int) -> Sides:
    """After the first sweep of Ruiz's scaling in the inf-norm every further one at
    least halves the logarithm of the smallest norm of a row or column."""
    B = _ruiz_sweep(A)
    first = _least_norm(B)
    for _ in range(k):
        B = _ruiz_sweep(B)
    return first.root(2**k), _least_norm(B)


def _nonnegative(size: int) -> st.SearchStrategy:
    kinds = strategies.small_integers(size, size), strategies.sparse(size, size)
    return st.one_of(kinds).map(abs).filter(_no_zero_line)


def _unscaled(A: np.ndarray) -> bool:
    """Tell whether a column pass leaves some row sum other than 1, in exact arithmetic.

    Where it does not, both sides of a claim on deviations are zero and balls around
    zero decide nothing.
    """
    exact = [[Fraction(x) for x in column] for column in A.T.tolist()]
    columns = [[x / sum(column) for x in column] for column in exact]
    return any(sum(row) != 1 for row in zip(*columns, strict=True))


def _where(
    holds: Callable[[np.ndarray], bool], kind: strategies.Matrices, size: int
) -> st.SearchStrategy:
    """Draw matrices of a kind that meet a condition; those of order 1 never do."""
    return kind.filter(holds) if size > 1 else strategies.none()


def _sum_to_one(A: Balls) -> Balls:
    """Return A with unit column sums."""
    return A / A.sum(axis=0)


def _deviation(sums: Balls) -> Ball:
    return abs(sums - 1).sum()


@claim(
    "sinkhornknopp1967-monotone",
    SINKHORN_KNOPP,
    lambda size: _where(_unscaled, _nonnegative(size), size),
    latex=r"\sum_j |c_j - 1| \le \sum_i |r_i - 1|",
    admits=lambda A: bool((A >= 0).all()) and _no_zero_line(A) and _unscaled(A),
    note="Dividing row i by its sum r_i moves r_i |1 - 1/r_i| of its mass at most.",
)
def monotone(A: Balls) -> Sides:
    """A half sweep of Sinkhorn and Knopp on a nonnegative matrix with unit column sums
    does not raise the total deviation of its sums from 1."""
    B = _sum_to_one(A)
    rows = B.sum(axis=1)
    return _deviation((B / rows[:, None]).sum(axis=0)), _deviation(rows)


def positive(size: int) -> st.SearchStrategy:
    """Draw square matrices of positive powers of two."""
    return strategies.powers_of_two(size, size, exponent=4).map(
        lambda A: np.where(A == 0, 1.0, abs(A))
    )


def _hilbert(sums: Balls) -> Ball:
    """Return the distance of positive numbers from equal ones in Hilbert's metric."""
    return (balls.maximum(sums) / balls.minimum(sums)).log()


def _contracts(A: np.ndarray) -> bool:
    """Tell whether a sweep has something to contract and does not end in one step."""
    return _unscaled(A) and exact_rank(A) > 1


@claim(
    "franklinlorenz1989-rate",
    FRANKLIN_LORENZ,
    lambda size: _where(_contracts, positive(size), size),
    latex=r"\log \frac{\max r'}{\min r'} \le \left( "
    r"\frac{\sqrt{\theta} - 1}{\sqrt{\theta} + 1} \right)^2 "
    r"\log \frac{\max r}{\min r}, \quad "
    r"\theta = \max \frac{a_{ik} a_{jl}}{a_{jk} a_{il}}",
    admits=lambda A: bool((A > 0).all()) and _contracts(A),
    note="The coefficient is the same for every scaling of the matrix.",
)
def franklinlorenz1989_rate(A: Balls) -> Sides:
    """A sweep of Sinkhorn and Knopp on a positive matrix contracts Hilbert's distance
    of the row sums from equal ones by the square of Birkhoff's coefficient."""
    n = len(A)
    pairs = itertools.product(range(n), repeat=2)
    crosses = [A[i] * A[j, k] / (A[j] * A[i, k]) for i, j in pairs for k in range(n)]
    root = balls.maximum(np.concatenate(crosses)).sqrt().sqrt()
    factor = (root * root - 1) / (root * root + 1)
    B = _sum_to_one(A)
    after = _sum_to_one(B / B.sum(axis=1)[:, None]).sum(axis=1)
    return _hilbert(after), factor * factor * _hilbert(B.sum(axis=1))


def _with_zero_block(size: int) -> st.SearchStrategy:
    """Draw (A, s, t) with the first s rows zero in the first t columns, s + t > n."""

    def build(A: np.ndarray, s: int, t: int) -> tuple[np.ndarray, int, int]:
        A = A.copy()
        A[:s, :t] = 0.0
        return A, s, t

    shapes = [
        st.builds(build, positive(size), st.just(s), st.just(t))
        for s in range(1, size)
        for t in range(1, size)
        if s + t > size
    ]
    return st.one_of(shapes)


@claim(
    "sinkhornknopp1967-no-support",
    SINKHORN_KNOPP,
    _with_zero_block,
    latex=r"2(s + t - n) \le \sum_i |r_i - 1|",
    note="Why the sweeps converge only with support: by the theorem of Frobenius and "
    "König a matrix without it has such a block, which scaling keeps.",
)
def no_support(A: Balls, s: int, t: int) -> Sides:
    """A nonnegative n x n matrix with unit column sums and a zero block of s rows and t
    columns, s + t > n, has row sums at a total distance of at least 2(s + t - n) from
    1."""
    return balls.arb(2 * (s + t - len(A))), _deviation(_sum_to_one(A).sum(axis=1))


def _triangular(size: int) -> st.SearchStrategy:
    """Draw upper triangular matrices, nonnegative with a positive diagonal."""
    return st.builds(
        lambda A, d: np.triu(abs(A), 1) + np.diag(d),
        strategies.small_integers(size, size),
        strategies.positive_diagonals(size, exponent=3),
    )


@claim(
    "sinkhornknopp1967-no-total-support",
    SINKHORN_KNOPP,
    _triangular,
    latex=r"\sum_{i<j} a_{ij} \le \tfrac{n-1}{2} \sum_i |r_i - 1|",
    note="Such a matrix has support, but total support only if it is diagonal: as the "
    "sums tend to 1 the rest tends to zero, which no scaling attains.",
)
def no_total_support(A: Balls) -> Sides:
    """The entries above the diagonal of an upper triangular nonnegative n x n matrix
    with unit column sums add up to at most (n - 1)/2 times the total deviation of its
    row sums from 1."""
    B = _sum_to_one(A)
    above = sum((B[i, i + 1 :].sum() for i in range(len(B) - 1)), balls.arb(0))
    return above, balls.arb(len(B) - 1) / 2 * _deviation(B.sum(axis=1))


@claim(
    "sinkhornknopp1967-creep",
    SINKHORN_KNOPP,
    lambda size: (
        st.tuples(st.integers(1, 64).map(lambda k: k / 8), st.integers(1, 30))
        if size == 2
        else strategies.none()
    ),
    latex=r"a_k = \frac{a_0}{1 + 2 k a_0}",
    note="Support without total support: convergence like 1/k to a limit that no "
    "scaling attains.",
)
def creep(t: Ball, k: int) -> Sides:
    """After k sweeps of Sinkhorn and Knopp the entry above the diagonal of [[1, t], [0,
    1]] is a/(1 + 2ka), where a is its value after the first column pass."""
    # The entry above the diagonal of [[1, t], [0, 1]], sweep by sweep
    A = np.array([[balls.arb(1), t], [balls.arb(0), balls.arb(1)]], dtype=object)
    B = _sum_to_one(A)
    start = B[0, 1]
    for _ in range(k):
        B = _sum_to_one(B / B.sum(axis=1)[:, None])
    return balls.equal(B[0, 1], start / (1 + 2 * k * start))


def _doubly_stochastic(size: int) -> st.SearchStrategy:
    """Draw (S, x): averages of four permutation matrices, and a positive vector."""
    average = st.lists(st.permutations(range(size)), min_size=4, max_size=4).map(
        lambda orders: sum(np.eye(size)[list(order)] for order in orders) / 4
    )
    return st.tuples(average, strategies.positive_diagonals(size))


@claim(
    "sinkhornknopp1967-doubly-stochastic",
    SINKHORN_KNOPP,
    _doubly_stochastic,
    latex=r"\prod_j x_j \le \prod_i (Sx)_i",
    note="Why a matrix with total support has one doubly stochastic scaling: S is the "
    "point where prod (Ax)_i / prod x_j is smallest.",
)
def doubly_stochastic(S: Balls, x: Balls) -> Sides:
    """A doubly stochastic matrix does not lower the product of the entries of a
    positive vector."""
    return math.prod(x), math.prod(S @ x)
