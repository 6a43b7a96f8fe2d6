"""What changing a matrix does to its condition number: ridges, rows, sums, centring."""

from __future__ import annotations

import numpy as np
from hypothesis.strategies import SearchStrategy

from condlab.theory import balls, strategies
from condlab.theory.balls import Ball, Balls, Sides
from condlab.theory.claims.condition.condition_numbers import kappa_spd
from condlab.theory.formula import claim
from condlab.theory.references.books import GOLUB_VAN_LOAN, HIGHAM
from condlab.theory.references.condition import (
    BAUER_HOUSEHOLDER,
    BELSLEY,
    BOYD_VANDENBERGHE,
    HOERL_KENNARD,
    HORN_JOHNSON_TOPICS,
    SHERMAN_MORRISON,
)
from condlab.theory.strategies import (
    exact_rank,
    has_full_rank,
    is_spd,
    st,
)


def _ridge_pairs(spectrum: SearchStrategy) -> SearchStrategy:
    powers = st.integers(-8, 8).map(lambda k: 2.0**k)
    return st.tuples(spectrum, powers, powers)


@claim(
    "hoerl1970-ridge-monotone",
    HOERL_KENNARD.at("section 3"),
    lambda size: _ridge_pairs(strategies.any_shape(size)),
    latex=r"\kappa_2(A^TA + \mu I) \le \kappa_2(A^TA + \lambda I),\ "
    r"\mu \ge \lambda > 0",
    admits=lambda _, ridge, more: bool(ridge > 0 and more >= 0),
)
def ridge_monotone(A: Balls, ridge: Ball, more: Ball) -> Sides:
    """The condition number of A'A + lambda I falls as lambda > 0 grows, for every
    matrix A."""
    return (
        kappa_spd(A.T @ A + (ridge + more) * balls.identity_matrix(A.shape[1])),
        kappa_spd(A.T @ A + ridge * balls.identity_matrix(A.shape[1])),
    )


@claim(
    "folklore-ridge-symmetric",
    "folklore",
    lambda n: st.tuples(
        strategies.symmetric(n).filter(has_full_rank),
        st.integers(0, 3).map(lambda k: 2.0**k),
    ).filter(lambda part: has_full_rank(part[0] + part[1] * np.eye(n))),
    latex=r"\kappa_2(A + \lambda I) \le \kappa_2(A),\ \lambda > 0",
    note="It needs a definite matrix: a shift moves a negative eigenvalue towards "
    "zero. Every 1 x 1 matrix has condition number 1.",
    false_from=2,
)
def ridge_symmetric(A: Balls, ridge: Ball) -> Sides:
    """Adding a positive multiple of the identity to a symmetric nonsingular matrix does
    not raise its condition number while the sum is nonsingular."""
    return balls.kappa(A + ridge * balls.identity_matrix(len(A))), balls.kappa(A)


@claim(
    "golub2013-append-row-wide",
    GOLUB_VAN_LOAN.at("section 8.6"),
    lambda n: st.one_of([strategies.full_rank(m, n) for m in range(2, n + 1)]),
    latex=r"\kappa_2(A) \le \kappa_2\left(\begin{bmatrix} A \\ b^T"
    r" \end{bmatrix}\right),\ m < n",
    admits=has_full_rank,
    note="By transposing: deleting a column, a feature, does not raise it.",
)
def append_row_wide(A: Balls) -> Sides:
    """Appending an independent row to a matrix of full row rank does not lower its
    condition number."""
    return balls.kappa(A[:-1]), balls.kappa(A)


@claim(
    "golub2013-append-row-tall",
    GOLUB_VAN_LOAN.at("section 8.6"),
    lambda m: st.one_of(
        [
            st.tuples(strategies.full_rank(m - 1, n), strategies.vectors(n))
            for n in range(1, m)
        ]
    ),
    latex=r"\kappa_2\left(\begin{bmatrix} A \\ b^T \end{bmatrix}\right)^2 \le "
    r"\kappa_2(A)^2 + \frac{\|b\|_2^2}{\sigma_{\min}(A)^2}",
    admits=lambda A, _: has_full_rank(A),
)
def append_row_tall(A: Balls, b: Balls) -> Sides:
    """Appending a row b to a matrix A of full column rank raises its squared condition
    number by at most the squared quotient of |b| and the smallest singular value of A.
    """
    return (
        balls.kappa(np.vstack([A, b])) ** 2,
        (balls.norm(A, 2) ** 2 + b @ b) / balls.singular_values(A)[-1] ** 2,
    )


@claim(
    "folklore-append-row-tall",
    "folklore",
    lambda m: st.one_of(
        [
            st.tuples(strategies.full_rank(m - 1, n), strategies.vectors(n))
            for n in range(1, m)
        ]
    ),
    latex=r"\kappa_2\left(\begin{bmatrix} A \\ b^T \end{bmatrix}\right) \le "
    r"\kappa_2(A),\ m \ge n",
    note="A single column has condition number 1, so n is at least 2, m too, and the "
    "longer matrix has 3 rows.",
    false_from=3,
)
def folklore_append_row_tall(A: Balls, b: Balls) -> Sides:
    """Appending a row, more data, to a matrix of full column rank does not raise its
    condition number."""
    return balls.kappa(np.vstack([A, b])), balls.kappa(A)


def _schur_complement(A: Balls, k: int) -> Balls:
    corner = balls.inverse(A[:k, :k])
    return A[k:, k:] - A[k:, :k] @ corner @ A[:k, k:]


@claim(
    "higham2002-schur-complement",
    HIGHAM.at("section 13.3"),
    lambda n: (
        st.tuples(strategies.spd(n), st.integers(1, n - 1))
        if n > 1
        else strategies.none()
    ),
    latex=r"\kappa_2(A_{22} - A_{21}A_{11}^{-1}A_{12}) \le \kappa_2(A)",
    admits=lambda A, _: is_spd(A),
)
def schur_complement(A: Balls, k: int) -> Sides:
    """A Schur complement of a symmetric positive definite matrix has no larger a
    condition number."""
    return kappa_spd(_schur_complement(A, k)), kappa_spd(A)


def _with_constant(X: Balls) -> Balls:
    return np.hstack([balls.ball(np.ones((len(X), 1))), X])


def _designs(size: int) -> SearchStrategy:
    """Draw X, size x p, whose columns and the constant one are independent."""
    kinds = [strategies.full_rank(size, p) for p in range(1, size)]
    return st.one_of(kinds).filter(_is_design)


def _is_design(X: np.ndarray) -> bool:
    full = np.hstack([np.ones((len(X), 1)), X])
    return exact_rank(full) == full.shape[1]


@claim(
    "belsley1984-centring",
    BELSLEY.at("the issue discussed; a Schur complement of the Gram matrix"),
    _designs,
    latex=r"\kappa_2(PX) \le \kappa_2([e\ X]),\ P = I - ee^T/m",
    admits=_is_design,
    note="Not a statement of the source, which argues whether centring hides the "
    "ill-conditioning that it removes.",
)
def centring(X: Balls) -> Sides:
    """Centring the columns of X gives a condition number at most that of X with a
    column of ones beside it, where these columns are independent."""
    return balls.kappa(X - X.sum(axis=0) / len(X)), balls.kappa(_with_constant(X))


def _spd_pairs(n: int) -> SearchStrategy:
    return st.tuples(strategies.spd(n), strategies.spd(n))


def _both_spd(A: np.ndarray, B: np.ndarray) -> bool:
    return is_spd(A) and is_spd(B)


@claim(
    "boyd2004-quasiconvex",
    BOYD_VANDENBERGHE.at("section 3.4"),
    _spd_pairs,
    latex=r"\kappa_2(A+B) \le \max(\kappa_2(A), \kappa_2(B))",
    admits=_both_spd,
)
def quasiconvex(A: Balls, B: Balls) -> Sides:
    """The condition number of a sum of two symmetric positive definite matrices is at
    most the larger of theirs."""
    return kappa_spd(A + B), balls.maximum([kappa_spd(A), kappa_spd(B)])


@claim(
    "horn1991-hadamard-product",
    HORN_JOHNSON_TOPICS.at("Theorem 5.3.4"),
    _spd_pairs,
    latex=r"\kappa_2(A \circ B) \le \kappa_2(A)\,\frac{\max_i b_{ii}}{\min_i b_{ii}}",
    admits=_both_spd,
    note="So tapering by a correlation matrix does not raise it.",
)
def hadamard_product(A: Balls, B: Balls) -> Sides:
    """The entrywise product of symmetric positive definite matrices A and B has a
    condition number of at most that of A times the spread of the diagonal of B."""
    return (
        kappa_spd(A * B),
        kappa_spd(A) * balls.maximum(B.diagonal()) / balls.minimum(B.diagonal()),
    )


def _independent_pairs(n: int) -> SearchStrategy:
    if n == 1:
        return strategies.none()
    vectors = strategies.vectors(n)
    return st.tuples(strategies.spd(n), vectors, vectors).filter(
        lambda part: exact_rank(np.array(part[1:])) == 2
    )


@claim(
    "bauer1960-wielandt",
    BAUER_HOUSEHOLDER.at("Wielandt's inequality"),
    _independent_pairs,
    latex=r"\frac{4\kappa}{(\kappa+1)^2} \le "
    r"1 - \frac{(x^TAy)^2}{x^TAx\;y^TAy},\ x^Ty = 0",
    admits=lambda A, x, y: is_spd(A) and exact_rank(np.array([x, y])) == 2,
    note="As its complement, so that kappa = 1 is no division by zero; y is made "
    "orthogonal to x. Attained.",
)
def wielandt(A: Balls, x: Balls, y: Balls) -> Sides:
    """For orthogonal x and y and symmetric positive definite A, the cosine of their
    angle in the inner product of A is at most (kappa - 1) / (kappa + 1)."""
    y = y - (x @ y) / (x @ x) * x
    kappa = kappa_spd(A)
    cosine = (x @ A @ y) * (x @ A @ y) / ((x @ A @ x) * (y @ A @ y))
    return 4 * kappa / ((kappa + 1) * (kappa + 1)), 1 - cosine


def _rank_one_updates(n: int) -> SearchStrategy:
    vectors = strategies.vectors(n)
    return st.tuples(strategies.nonsingular(n), vectors, vectors).filter(
        lambda Auv: has_full_rank(Auv[0] + np.outer(*Auv[1:]))
    )


@claim(
    "sherman1950-inverse",
    SHERMAN_MORRISON.at("the formula; Golub and Van Loan 2013, section 2.1.4"),
    _rank_one_updates,
    latex=r"(A+uv^T)^{-1} = A^{-1} - \frac{A^{-1}uv^TA^{-1}}{1+v^TA^{-1}u}",
)
def inverse(A: Balls, u: Balls, v: Balls) -> Sides:
    """The inverse of A + uv' is that of A less a multiple of rank one, where both
    matrices are nonsingular."""
    B = balls.inverse(A)
    update = np.outer(B @ u, v @ B) / (1 + v @ B @ u)
    return balls.equal(balls.inverse(A + np.outer(u, v)), B - update)
