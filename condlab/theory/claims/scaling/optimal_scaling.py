"""What is optimal in the 2- and Frobenius norm, and what near-optimal choices cost."""

from __future__ import annotations

import itertools
import math

import numpy as np

from condlab import _arrays
from condlab.theory import balls, strategies
from condlab.theory.balls import Ball, Balls, Sides
from condlab.theory.claims.scaling.bauer import roots, two_scalings
from condlab.theory.claims.scaling.diagonal_scaling import (
    full_rank_positive,
    square_scaled,
)
from condlab.theory.claims.scaling.jacobi_scaling import both_sides, symmetric_kappa
from condlab.theory.claims.scaling.row_scaling import rows_scaled
from condlab.theory.formula import claim
from condlab.theory.references.books import HIGHAM
from condlab.theory.references.scaling import (
    DIAMOND_BOYD,
    GOLUB_VARAH,
    MCCARTHY_STRANG,
    OLSCHOWKA_NEUMAIER,
    SEZGINER_OVERTON,
    SMITH,
)
from condlab.theory.strategies import has_full_rank, st


def _signs(size: int) -> st.SearchStrategy:
    """Draw vectors of 1 and -1, as integers, which the search does not move."""
    return st.lists(st.sampled_from([1, -1]), min_size=size, max_size=size).map(
        np.array
    )


@claim(
    "mccarthystrang1973-signs",
    MCCARTHY_STRANG,
    lambda n: st.builds(lambda scaled, s: (*scaled, s), square_scaled(n), _signs(n)),
    latex=r"\|A^{-1} U A\|_2 \le \kappa_2(DA), \quad U = \operatorname{diag}(\pm 1)",
    admits=lambda A, d, _: full_rank_positive(A, d),
    note="The lower half of b <= min kappa <= 2b, with b the supremum over all "
    "diagonal unitary U. The upper half concerns that supremum and the minimum at "
    "once, which no single instance shows.",
)
def signs(A: Balls, d: Balls, s: Balls) -> Sides:
    """No row scaling takes the condition number of a nonsingular matrix below the
    2-norm of A^-1 U A, for any diagonal U of signs."""
    flipped = balls.product(balls.inverse(A), s[:, None] * A)
    return balls.norm(flipped, 2), balls.kappa(d[:, None] * A)


def _line_products(A: Balls) -> Balls:
    """Return the norm of row i of A times that of column i of its pseudoinverse."""
    return balls.row_norms(A) * balls.row_norms(balls.pseudoinverse(A).T)


def _kappa_fro(A: Balls) -> Ball:
    return balls.norm_fro(A) * balls.norm_fro(balls.pseudoinverse(A))


@claim(
    "smith1967-rows-frobenius",
    SMITH,
    rows_scaled,
    latex=r"\sum_i \|a_i\| \, \|A^+ e_i\| \le \kappa_F(DA)",
    admits=full_rank_positive,
    note="The Cauchy-Schwarz inequality; stated there for the columns of a matrix of "
    "eigenvectors.",
)
def rows_frobenius(A: Balls, d: Balls) -> Sides:
    """No row scaling takes the Frobenius condition number of a matrix of full row rank
    below the sum of its row norms times the column norms of its pseudoinverse."""
    return _line_products(A).sum(), _kappa_fro(d[:, None] * A)


@claim(
    "smith1967-rows-frobenius-attained",
    SMITH,
    strategies.full_row_rank,
    latex=r"\min_D \kappa_F(DA) = \sum_i \|a_i\| \, \|A^+ e_i\|, \quad "
    r"d_i^2 = \|A^+ e_i\| / \|a_i\|",
)
def rows_frobenius_attained(A: Balls) -> Sides:
    """Squared multipliers equal to the column norms of the pseudoinverse over the row
    norms give the least Frobenius condition number of row scaling."""
    # (DA)^+ = A^+ D^-1 for independent rows saves a second inversion
    inverse = balls.pseudoinverse(A)
    d = roots(balls.row_norms(inverse.T) / balls.row_norms(A))
    found = balls.norm_fro(d[:, None] * A) * balls.norm_fro(inverse / d)
    return balls.equal(found, _line_products(A).sum())


def _gej(A: Balls) -> Ball:
    """Return the Guggenheimer-Edelman-Johnson bound of kappa."""
    n = len(A)
    mean = (A * A).sum() / n
    return 2 * mean.sqrt() ** n / abs(balls.determinant(A))


@claim(
    "diamondboyd2017-rows-gej",
    DIAMOND_BOYD,
    square_scaled,
    latex=r"\phi(EA) \le \phi(DA), \quad "
    r"\phi(A) = \frac{2}{|\det A|} \left(\frac{\|A\|_F}{\sqrt{n}}\right)^n",
    admits=full_rank_positive,
    note="The inequality of the arithmetic and geometric means of the squared row "
    "norms: what equal norms do optimise, where kappa is not.",
)
def rows_gej(A: Balls, d: Balls) -> Sides:
    """Row equilibration of a nonsingular matrix minimises, over all row scalings, the
    bound of kappa by Guggenheimer, Edelman and Johnson."""
    return _gej(balls.unit_rows(A)), _gej(d[:, None] * A)


def _midpoint(A: Balls, d: Balls, e: Balls) -> tuple:
    middle = balls.kappa(roots(d)[:, None] * A * roots(e))
    ends = balls.kappa(A) * balls.kappa(d[:, None] * A * e)
    return middle * middle, ends


@claim(
    "sezgineroverton1990-log-convex",
    SEZGINER_OVERTON,
    lambda n: two_scalings(n, strategies.nonsingular),
    latex=r"\kappa_2(D^{1/2} A E^{1/2})^2 \le \kappa_2(A) \, \kappa_2(DAE)",
    admits=full_rank_positive,
    note="Midpoints of chords, whose one end is A itself; by continuity they give "
    "convexity. A local minimum of a scaling is a global one.",
)
def log_convex(A: Balls, d: Balls, e: Balls) -> Sides:
    """The logarithm of kappa(e^X A e^Y) is convex in the real diagonal matrices X and
    Y, for nonsingular A."""
    return _midpoint(A, d, e)


@claim(
    "sezgineroverton1990-log-convex-rows",
    SEZGINER_OVERTON,
    rows_scaled,
    latex=r"\kappa_2(D^{1/2} A)^2 \le \kappa_2(A) \, \kappa_2(DA)",
    admits=full_rank_positive,
)
def log_convex_rows(A: Balls, d: Balls) -> Sides:
    """The logarithm of kappa(e^X A) is convex in the real diagonal matrix X, for A of
    full row rank."""
    return _midpoint(A, d, balls.ball(np.ones(A.shape[1])))


# Vectors v with a choice of signs s such that the sum of s v^2 is zero.
HALVED = (
    ((1, 1), (1, -1)),
    ((3, 4, 5), (1, 1, -1)),
    ((1, 1, 1, 1), (1, 1, -1, -1)),
    ((2, 1, 1, 1, 1), (1, -1, -1, -1, -1)),
)


def _equal_moduli(size: int) -> st.SearchStrategy:
    """Draw (A, d) with extreme eigenvectors v and s v, which have equal moduli."""
    fitting = [(v, s) for v, s in HALVED if len(v) <= size]
    if not fitting:
        return strategies.none()

    def build(
        halved: tuple, order: list[int], above: int, below: int, d: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        v, w = np.zeros(size), np.zeros(size)
        v[order[: len(halved[0])]] = halved[0]
        w[order[: len(halved[0])]] = np.array(halved[0]) * halved[1]
        square = v @ v
        middle = (below + 1.0) * square
        A = middle * np.eye(size) + above * np.outer(v, v) - below * np.outer(w, w)
        return A, d

    return st.builds(
        build,
        st.sampled_from(fitting),
        st.permutations(range(size)),
        st.integers(1, 8),
        st.integers(1, 8),
        strategies.positive_diagonals(size, exponent=2),
    )


@claim(
    "golubvarah1974-equal-moduli",
    GOLUB_VARAH,
    _equal_moduli,
    latex=r"|v_{\max}| = |v_{\min}| \Rightarrow \kappa_2(A) \le \kappa_2(DAD)",
    note="Stated there for the singular vectors of a two-sided scaling; this is the "
    "sufficient half, for Gram matrices. Jacobi scaling need not have it.",
)
def equal_moduli(A: Balls, d: Balls) -> Sides:
    """A symmetric positive definite matrix with eigenvectors of its largest and its
    smallest eigenvalue that agree in modulus has the least condition number of its
    symmetric diagonal scalings."""
    return symmetric_kappa(A), symmetric_kappa(both_sides(A, d))


@claim(
    "olschowkaneumaier1996-i-matrix",
    OLSCHOWKA_NEUMAIER,
    lambda n: st.one_of(
        strategies.small_integers(n, n), strategies.powers_of_two(n, n)
    ).filter(has_full_rank),
    latex=r"\max_{i,j} |d_i a_{ij} e_j| \le 1, \quad |d_i a_{i\pi(i)} e_{\pi(i)}| = 1",
    note="MC64's scaling: the diagonal of largest product, and the multipliers that "
    "solve the dual of that assignment.",
)
def i_matrix(A: Balls) -> Sides:
    """Rows and columns of a nonsingular matrix can be scaled so that some diagonal is 1
    in modulus and no entry exceeds 1."""
    # A is scaled so that its heaviest diagonal is 1
    n = len(A)
    orders = map(list, itertools.permutations(range(n)))
    candidates = (abs(A[:, order]) for order in orders)
    A = max(candidates, key=lambda B: float(math.prod(B.diagonal()).mid()))
    left = balls.ball(np.ones(n))
    for _ in range(n):  # longest paths: left_j >= left_i |a_ij| / |a_jj|
        reached = left[:, None] * A / A.diagonal()
        left = np.array([balls.maximum(column) for column in reached.T], dtype=object)
    scaled = left[:, None] * A / (left * A.diagonal())
    return balls.maximum(scaled.ravel()), balls.arb(1)


def _mantissas(size: int) -> st.SearchStrategy:
    """Draw multipliers that are not powers of two."""
    entry = st.integers(5, 64).map(lambda k: k / 8)
    return st.lists(entry, min_size=size, max_size=size).map(np.array)


def _rounded(d: Balls) -> Balls:
    return balls.ball(_arrays.power_of_two(np.array([float(x.mid()) for x in d])))


@claim(
    "higham2002-power-of-two-rows",
    HIGHAM.at("section 7.3"),
    lambda size: st.one_of(
        [
            st.tuples(strategies.full_rank(m, size), _mantissas(m))
            for m in range(1, size + 1)
        ]
    ),
    latex=r"\kappa_2(2^{[\log_2 D]} A) \le 2 \kappa_2(DA)",
    admits=full_rank_positive,
    note="Each multiplier moves by a factor between 2^-1/2 and 2^1/2.",
)
def power_of_two_rows(A: Balls, d: Balls) -> Sides:
    """Rounding the multipliers of a row scaling to the nearest powers of two at most
    doubles the condition number of a matrix of full rank."""
    return balls.kappa(_rounded(d)[:, None] * A), 2 * balls.kappa(d[:, None] * A)


@claim(
    "higham2002-power-of-two-both",
    HIGHAM.at("section 7.3"),
    lambda n: st.tuples(strategies.nonsingular(n), _mantissas(n), _mantissas(n)),
    latex=r"\kappa_2(2^{[\log_2 D]} A 2^{[\log_2 E]}) \le 4 \kappa_2(DAE)",
    admits=full_rank_positive,
    note="A factor 2 a side.",
)
def power_of_two_both(A: Balls, d: Balls, e: Balls) -> Sides:
    """Rounding the multipliers of rows and columns to the nearest powers of two at most
    quadruples the condition number of a nonsingular matrix."""
    near = balls.kappa(_rounded(d)[:, None] * A * _rounded(e))
    return near, 4 * balls.kappa(d[:, None] * A * e)
