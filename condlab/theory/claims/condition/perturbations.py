"""Perturbations: the nearest singular matrix, and what errors do to solutions."""

from __future__ import annotations

import numpy as np
from hypothesis.strategies import SearchStrategy

from condlab.theory import balls, strategies
from condlab.theory.balls import Ball, Balls, Sides
from condlab.theory.claims.condition.condition_norms import skeel
from condlab.theory.formula import claim
from condlab.theory.references.books import HIGHAM
from condlab.theory.references.condition import ECKART_YOUNG, HAGER, KAHAN_1966
from condlab.theory.strategies import has_full_rank, st
from condlab.theory.vocabulary.orthogonal import reflection


def _with_low_rank(size: int, *, square: bool = False) -> SearchStrategy:
    """Draw A of full rank with two factors of a matrix of lower rank."""
    shapes = [(m, k) for m in range(2, size + 1) for k in range(1, m)]
    return st.one_of(
        [
            st.tuples(
                strategies.full_rank(m, size),
                strategies.small_integers(m, k),
                strategies.small_integers(k, size),
            )
            for m, k in shapes
            if m == size or not square
        ]
    )


@claim(
    "eckart1936-distance",
    ECKART_YOUNG.at("2-norm; Higham 2002, Theorem 6.5"),
    _with_low_rank,
    latex=r"\frac{1}{\kappa_2(A)} \le \frac{\|A-B\|_2}{\|A\|_2},\ "
    r"\mathrm{rank}\,B < \mathrm{rank}\,A",
    admits=lambda A, *_: has_full_rank(A),
    note="B is drawn as a product XY of that inner dimension.",
)
def eckart1936_distance(A: Balls, X: Balls, Y: Balls) -> Sides:
    """No matrix of lower rank lies nearer to a matrix of full rank, in the 2-norm and
    relative to its norm, than the reciprocal of its condition number."""
    return 1 / balls.kappa(A), balls.norm(A - X @ Y, 2) / balls.norm(A, 2)


def _argmax(x: Balls) -> int:
    midpoints = [entry.mid() for entry in x]
    return midpoints.index(max(midpoints))


@claim(
    "eckart1936-distance-attained",
    ECKART_YOUNG.at("2-norm; Higham 2002, Theorem 6.5"),
    lambda n: st.tuples(
        strategies.vectors(n),
        strategies.positive_diagonals(n),
        strategies.vectors(n),
    ),
    latex=r"(A+E)y = 0,\ \|E\|_2 = \|A\|_2/\kappa_2(A)",
    note="A = H diag(s) G with Householder reflections H and G.",
)
def distance_attained(x: Balls, s: Balls, y: Balls) -> Sides:
    """Taking its smallest singular value to zero makes a nonsingular matrix singular by
    a relative change of exactly the reciprocal of its condition number."""
    H, G = reflection(x), reflection(y)
    A = H @ np.diag(s) @ G
    k = _argmax(-s)
    E = -s[k] * np.outer(H[:, k], G[k])
    distance = balls.norm_fro(E) / balls.norm(A, 2)  # E has rank one
    image = (A + E) @ G[k]  # of a unit vector
    return balls.equal([distance, *image], [1 / balls.kappa(A), *(0 * image)])


@claim(
    "eckart1936-rank-k",
    ECKART_YOUNG,
    _with_low_rank,
    latex=r"\sum_{i>k}\sigma_i(A)^2 \le \|A-B\|_F^2,\ \mathrm{rank}\,B \le k",
    admits=lambda A, *_: has_full_rank(A),
)
def rank_k(A: Balls, X: Balls, Y: Balls) -> Sides:
    """The Frobenius distance from a matrix of full rank to a matrix of rank at most k
    is at least the root of the sum of its squared singular values beyond the k-th."""
    tail = np.array(balls.singular_values(A)[X.shape[1] :])
    return balls.norm_fro(tail), balls.norm_fro(A - X @ Y)


@claim(
    "kahan1966-distance-1norm",
    KAHAN_1966.at("attributed to Gastinel; Higham 2002, Theorem 6.5"),
    lambda n: _with_low_rank(n, square=True),
    latex=r"\frac{1}{\kappa_1(A)} \le \frac{\|A-B\|_1}{\|A\|_1},\ \det B = 0",
    admits=lambda A, *_: has_full_rank(A),
)
def distance_1norm(A: Balls, X: Balls, Y: Balls) -> Sides:
    """No singular matrix lies nearer to a nonsingular one, in the 1-norm and relative
    to its norm, than the reciprocal of its 1-norm condition number."""
    return 1 / balls.kappa_p(A, 1), balls.norm(A - X @ Y, 1) / balls.norm(A, 1)


def _signs(x: Balls) -> Balls:
    return balls.ball(np.array([-1.0 if y.mid() < 0 else 1.0 for y in x]))


@claim(
    "kahan1966-distance-1norm-attained",
    KAHAN_1966.at("attributed to Gastinel; Higham 2002, Theorem 6.5"),
    strategies.nonsingular,
    latex=r"(A+E)y = 0,\ \|E\|_1 = \|A\|_1/\kappa_1(A)",
    note="y is a column of the inverse of largest 1-norm.",
)
def distance_1norm_attained(A: Balls) -> Sides:
    """A change of one row makes a nonsingular matrix singular at a relative 1-norm
    distance of exactly the reciprocal of its 1-norm condition number."""
    B = balls.inverse(A)
    j = _argmax(abs(B).sum(axis=0))
    y, signs = B[:, j], _signs(B[:, j])
    E = 0 * A
    E[j] = -signs / (signs @ y)
    found = [balls.norm(E, 1) / balls.norm(A, 1), *((A + E) @ y)]
    return balls.equal(found, [1 / balls.kappa_p(A, 1), *(0 * y)])


def _hager(A: Balls) -> Ball:
    """Return Higham's estimate of the 1-norm of the inverse of A.

    The decisions are taken at midpoints: whatever they are, it is a lower bound.
    """
    n, B = len(A), balls.inverse(A)
    x = balls.ball(np.ones(n)) / n
    for _ in range(5):
        y = B @ x
        z = B.T @ _signs(y)
        j = _argmax(abs(z))
        if not abs(z[j]) > z @ x:
            break
        x = balls.ball(np.eye(n)[j])
    wave = balls.ball(np.array([(-1.0) ** i * (n - 1 + i) for i in range(n)]))
    alternative = 2 * abs(B @ wave).sum() / (3 * n * max(n - 1, 1))
    return balls.maximum([abs(B @ x).sum(), alternative])


@claim(
    "hager1984-lower-bound",
    HAGER.at("section 2; Higham 2002, Algorithm 15.4"),
    strategies.nonsingular,
    latex=r"\|A\|_1\,\mathrm{est}(\|A^{-1}\|_1) \le \kappa_1(A)",
    admits=has_full_rank,
)
def lower_bound(A: Balls) -> Sides:
    """The Hager-Higham estimate of the 1-norm condition number of a nonsingular matrix
    is at most its true value."""
    return balls.norm(A, 1) * _hager(A), balls.kappa_p(A, 1)


def _relative_error(x: Balls, y: Balls) -> Ball:
    return balls.maximum(abs(x - y)) / balls.maximum(abs(x))


def _perturbations(n: int) -> SearchStrategy:
    some = strategies.small_integers(n, 1).map(np.ravel).filter(np.any)
    return st.tuples(
        strategies.nonsingular(n),
        some,
        strategies.small_integers(n, n).filter(np.any),
        some,
        st.sampled_from([0.5, 2.0**-10, 0.75, 0.9375]),
    )


@claim(
    "higham2002-normwise-perturbation",
    HIGHAM.at("Theorem 7.2"),
    _perturbations,
    latex=r"\frac{\|x-y\|}{\|x\|} \le \frac{2\epsilon\kappa}{1-\epsilon\kappa}",
    admits=lambda A, x, F, g, t: (
        has_full_rank(A) and bool(x.any() and F.any() and g.any()) and 0 < t < 1
    ),
    note="The change of A is drawn as a direction F, that of b as a direction g, and "
    "t = eps kappa.",
)
def normwise_perturbation(A: Balls, x: Balls, F: Balls, g: Balls, t: Ball) -> Sides:
    """Where A and b change by at most eps of their inf-norms and eps kappa < 1, the
    solution of Ax = b changes by at most 2 eps kappa / (1 - eps kappa) of its own
    inf-norm."""
    b, share = A @ x, t / balls.kappa_p(A, "inf")
    E = share * balls.norm(A, "inf") / balls.norm(F, "inf") * F
    f = share * balls.maximum(abs(b)) / balls.maximum(abs(g)) * g
    y = balls.inverse(A + E) @ (b + f)
    return _relative_error(x, y), 2 * t / (1 - t)


@claim(
    "higham2002-componentwise-perturbation",
    HIGHAM.at("Theorem 7.4"),
    _perturbations,
    latex=r"\|x-y\|_\infty \le \frac{\epsilon}{1-\epsilon\,\mathrm{cond}(A)}"
    r"\,\|\,|A^{-1}|(|A||x|+|b|)\,\|_\infty",
    admits=lambda A, x, F, g, t: (
        has_full_rank(A)
        and bool(x.any() and np.all(abs(F) <= 3) and np.all(abs(g) <= 3))
        and 0 < t < 1
    ),
)
def componentwise_perturbation(
    A: Balls, x: Balls, F: Balls, g: Balls, t: Ball
) -> Sides:
    """Where the entries of A and b change by at most eps of themselves and eps times
    Skeel's condition number is below 1, the solution of Ax = b changes by at most eps /
    (1 - eps cond) times the norm of |A^-1|(|A||x| + |b|)."""
    B, b, bound = balls.inverse(A), A @ x, 3  # entries of F and g are at most 3
    share = t / skeel(A)
    y = balls.inverse(A + share * A * F / bound) @ (b + share * b * g / bound)
    growth = balls.maximum(abs(B) @ (abs(A) @ abs(x) + abs(b)))
    return _relative_error(x, y), share / (1 - t) * growth / balls.maximum(abs(x))


def _systems(n: int) -> SearchStrategy:
    vectors = strategies.vectors(n)
    return st.tuples(strategies.nonsingular(n), vectors.filter(np.any), vectors)


def _residual(A: Balls, x: Balls, y: Balls) -> Ball:
    return _relative_error(A @ x, A @ y)


def _system_admits(A: np.ndarray, x: np.ndarray, _: np.ndarray) -> bool:
    return has_full_rank(A) and bool(x.any())


@claim(
    "higham2002-residual-upper",
    HIGHAM.at("section 7.1"),
    _systems,
    latex=r"\frac{\|x-y\|}{\|x\|} \le \kappa(A)\,\frac{\|b-Ay\|}{\|b\|}",
    admits=_system_admits,
)
def residual_upper(A: Balls, x: Balls, y: Balls) -> Sides:
    """The relative error of an approximate solution of a nonsingular system is at most
    kappa times its relative residual, in the inf-norm."""
    return _relative_error(x, y), balls.kappa_p(A, "inf") * _residual(A, x, y)


@claim(
    "higham2002-residual-lower",
    HIGHAM.at("section 7.1"),
    _systems,
    latex=r"\frac{1}{\kappa(A)}\,\frac{\|b-Ay\|}{\|b\|} \le \frac{\|x-y\|}{\|x\|}",
    admits=_system_admits,
)
def residual_lower(A: Balls, x: Balls, y: Balls) -> Sides:
    """The relative error of an approximate solution of a nonsingular system is at least
    its relative residual over kappa, in the inf-norm."""
    return _residual(A, x, y) / balls.kappa_p(A, "inf"), _relative_error(x, y)


@claim(
    "folklore-small-residual",
    "folklore",
    _systems,
    latex=r"\frac{\|x-y\|}{\|x\|} \le \frac{\|b-Ay\|}{\|b\|}",
    note="The two are equal for 1 x 1 matrices.",
    false_from=2,
)
def small_residual(A: Balls, x: Balls, y: Balls) -> Sides:
    """The relative error of an approximate solution of a nonsingular system is at most
    its relative residual, in the inf-norm."""
    return _relative_error(x, y), _residual(A, x, y)
