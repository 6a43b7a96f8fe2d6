"""Eigenvalues of symmetric matrices: interlacing, majorisation, traces."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from hypothesis.strategies import SearchStrategy

from condlab.theory import balls, strategies
from condlab.theory.balls import Ball, Balls, Sides
from condlab.theory.claims.condition.condition_numbers import kappa_spd
from condlab.theory.formula import claim
from condlab.theory.references.books import GOLUB_VAN_LOAN, HORN_JOHNSON
from condlab.theory.references.spectra import FAN, WEYL, WOLKOWICZ_STYAN
from condlab.theory.strategies import has_full_rank, is_spd, st
from condlab.theory.vocabulary.orthogonal import orthonormal_columns


def spectrum(A: Balls) -> Balls:
    """Return the eigenvalues of a symmetric matrix as an array, ascending."""
    return np.array(balls.symmetric_eigenvalues(A))


def _orders(n: int, *parts: SearchStrategy) -> SearchStrategy:
    return st.tuples(*parts, st.integers(1, n))


def _interlaced(inner: Balls, outer: Balls, scale: Ball) -> Sides:
    """Return the sides of outer_k <= inner_k <= outer_(k+1), both ascending."""
    small = [*outer[: len(inner)], *inner]
    large = [*inner, *outer[1:]]
    return balls.all_at_most(small, large, scale)


def _principal(A: Balls, k: int) -> Balls:
    rest = [i for i in range(len(A)) if i != k - 1]
    return A[np.ix_(rest, rest)]


Instances = Callable[[int], st.SearchStrategy]


def _from_two(strategy: Instances) -> Instances:
    """Return the instances of a theorem that says nothing at size 1."""
    return lambda n: strategy(n) if n > 1 else strategies.none()


@claim(
    "cauchy1829-principal",
    HORN_JOHNSON.at("Theorem 4.3.17, due to Cauchy 1829"),
    _from_two(lambda n: _orders(n, strategies.symmetric(n))),
    latex=r"\lambda_j(A) \le \lambda_j(A_{(k)}) \le \lambda_{j+1}(A)",
)
def principal(A: Balls, k: int) -> Sides:
    """The eigenvalues of a symmetric matrix without its k-th row and column separate
    those of the matrix."""
    return _interlaced(spectrum(_principal(A, k)), spectrum(A), balls.norm_fro(A))


@claim(
    "cauchy1829-principal-kappa",
    HORN_JOHNSON.at("Theorem 4.3.17, due to Cauchy 1829"),
    _from_two(lambda n: _orders(n, strategies.spd(n))),
    latex=r"\kappa_2(A_{(k)}) \le \kappa_2(A)",
    admits=lambda A, _: is_spd(A),
)
def principal_kappa(A: Balls, k: int) -> Sides:
    """A principal submatrix of a symmetric positive definite matrix has no larger a
    condition number."""
    return kappa_spd(_principal(A, k)), kappa_spd(A)


def _without_mean(A: Balls) -> Balls:
    """Return A on the space of mean-free vectors, in an orthonormal basis."""
    n = len(A)
    differences = np.eye(n, n - 1) - np.eye(n, n - 1, k=-1)
    Q = orthonormal_columns(balls.ball(differences))
    return Q.T @ A @ Q


@claim(
    "cauchy1829-mean-centring",
    HORN_JOHNSON.at("Corollary 4.3.37, for the complement of the ones"),
    _from_two(strategies.symmetric),
    latex=r"\lambda_j(A) \le \lambda_j(PAP|_{e^\perp}) \le \lambda_{j+1}(A)",
)
def mean_centring(A: Balls) -> Sides:
    """The eigenvalues of PAP on the mean-free vectors, where P subtracts the mean,
    separate those of the symmetric matrix A."""
    return _interlaced(spectrum(_without_mean(A)), spectrum(A), balls.norm_fro(A))


@claim(
    "cauchy1829-mean-centring-kappa",
    HORN_JOHNSON.at("Corollary 4.3.37, for the complement of the ones"),
    _from_two(strategies.spd),
    latex=r"\kappa_2(PAP|_{e^\perp}) \le \kappa_2(A)",
    admits=is_spd,
)
def mean_centring_kappa(A: Balls) -> Sides:
    """Mean-centring a symmetric positive definite matrix on both sides gives it no
    larger a condition number on the mean-free vectors."""
    return kappa_spd(_without_mean(A)), kappa_spd(A)


@claim(
    "golub2013-rank-one-update",
    GOLUB_VAN_LOAN.at("Theorem 8.1.8"),
    lambda n: st.tuples(strategies.symmetric(n), strategies.vectors(n)),
    latex=r"\lambda_k(A) \le \lambda_k(A+vv^T) \le \lambda_{k+1}(A)",
)
def rank_one_update(A: Balls, v: Balls) -> Sides:
    """Adding vv' to a symmetric matrix moves each eigenvalue up, and not beyond the
    next one."""
    return balls.all_at_most(
        [*spectrum(A), *spectrum(A + np.outer(v, v))[:-1]],
        [*spectrum(A + np.outer(v, v)), *spectrum(A)[1:]],
        balls.norm_fro(A) + v @ v,
    )


def _subspace(size: int) -> SearchStrategy:
    symmetric = strategies.symmetric(size)
    return st.one_of(
        [
            st.tuples(symmetric, strategies.full_rank(size, k))
            for k in range(1, size + 1)
        ]
    )


@claim(
    "courant1920-max-min",
    HORN_JOHNSON.at("Theorem 4.2.6, due to Courant and Fischer"),
    _subspace,
    latex=r"\min_{x \in S} \frac{x^TAx}{x^Tx} \le \lambda_k(A),\ \dim S = k",
    admits=lambda _, X: has_full_rank(X),
    note="Both sides are shifted by |A|_F.",
)
def max_min(A: Balls, X: Balls) -> Sides:
    """On every k-dimensional space the smallest Rayleigh quotient of a symmetric matrix
    is at most its k-th largest eigenvalue."""
    Q = orthonormal_columns(X)
    smallest = spectrum(Q.T @ A @ Q)[0]
    return balls.all_at_most(
        smallest, spectrum(A)[::-1][X.shape[1] - 1], balls.norm_fro(A)
    )


def _weyl_indices(n: int) -> SearchStrategy:
    """Draw two matrices and i, j with i + j - 1 <= n."""
    pairs = [(i, j) for i in range(1, n + 1) for j in range(1, n + 2 - i)]
    return st.builds(
        lambda A, B, ij: (A, B, *ij),
        strategies.symmetric(n),
        strategies.symmetric(n),
        st.sampled_from(pairs),
    )


@claim(
    "weyl1912-sums",
    WEYL.at("Horn and Johnson 2013, Theorem 4.3.1"),
    _weyl_indices,
    latex=r"\lambda_{i+j-1}(A+B) \le \lambda_i(A) + \lambda_j(B)",
    note="Both sides are shifted by |A|_F + |B|_F.",
)
def sums(A: Balls, B: Balls, i: int, j: int) -> Sides:
    """In descending order, eigenvalue i + j - 1 of a sum of symmetric matrices is at
    most eigenvalue i of the one plus eigenvalue j of the other."""
    total, a, b = (spectrum(M)[::-1] for M in (A + B, A, B))
    scale = balls.norm_fro(A) + balls.norm_fro(B)
    return balls.all_at_most(total[i + j - 2], a[i - 1] + b[j - 1], scale)


def _top(values: Iterable[Ball], k: int) -> Ball:
    return sum(sorted(values, key=lambda x: x.mid())[-k:], balls.arb(0))


@claim(
    "schur1923-majorisation",
    HORN_JOHNSON.at("Theorem 4.3.45, due to Schur 1923"),
    lambda n: _orders(n, strategies.symmetric(n)),
    latex=r"\sum_{i \le k} a_{[i]} \le \sum_{i \le k} \lambda_{[i]}",
    note="Both sides are shifted by k |A|_F.",
)
def majorisation(A: Balls, k: int) -> Sides:
    """The sum of the k largest diagonal entries of a symmetric matrix is at most the
    sum of its k largest eigenvalues."""
    return balls.all_at_most(
        _top(A.diagonal(), k), _top(spectrum(A), k), k * balls.norm_fro(A)
    )


@claim(
    "schur1923-diagonal-spread",
    HORN_JOHNSON.at("Theorem 4.3.45 for k = 1 and k = n - 1"),
    strategies.spd,
    latex=r"\frac{\max_i a_{ii}}{\min_i a_{ii}} \le \kappa_2(A)",
    admits=is_spd,
)
def diagonal_spread(A: Balls) -> Sides:
    """The condition number of a symmetric positive definite matrix is at least the
    quotient of its largest and smallest diagonal entries."""
    return balls.maximum(A.diagonal()) / balls.minimum(A.diagonal()), kappa_spd(A)


@claim(
    "fan1949-sums",
    FAN.at("Theorem 1"),
    lambda n: _orders(n, strategies.symmetric(n), strategies.symmetric(n)),
    latex=r"\sum_{i \le k} \lambda_{[i]}(A+B) \le "
    r"\sum_{i \le k} \lambda_{[i]}(A) + \lambda_{[i]}(B)",
    note="Both sides are shifted by k (|A|_F + |B|_F).",
)
def fan1949_sums(A: Balls, B: Balls, k: int) -> Sides:
    """The sum of the k largest eigenvalues of a sum of symmetric matrices is at most
    the sum of their sums."""
    return balls.all_at_most(
        _top(spectrum(A + B), k),
        _top(spectrum(A), k) + _top(spectrum(B), k),
        k * (balls.norm_fro(A) + balls.norm_fro(B)),
    )


def _trace_bounds(A: Balls) -> tuple[Balls, Ball, Ball]:
    """Return the eigenvalues, their mean and their standard deviation."""
    n, values = len(A), spectrum(A)
    mean = np.trace(A) / n
    centred = A - mean * balls.identity_matrix(n)
    return values, mean, balls.norm_fro(centred) / balls.arb(n).sqrt()


@claim(
    "wolkowicz1980-outside",
    WOLKOWICZ_STYAN.at("Theorem 2.1"),
    strategies.symmetric,
    latex=r"\lambda_{\min} \le m - \frac{s}{\sqrt{n-1}},\ "
    r"m + \frac{s}{\sqrt{n-1}} \le \lambda_{\max}",
    note="m = trace A / n and s^2 = trace A^2 / n - m^2, so no eigenvalue is needed. "
    "Both sides are shifted by |A|_F.",
)
def outside(A: Balls) -> Sides:
    """The extreme eigenvalues of a symmetric n x n matrix lie at least s / sqrt(n - 1)
    from their mean, s the standard deviation of all, for n at least 2."""
    values, mean, deviation = _trace_bounds(A)
    step = deviation / balls.arb(max(len(A) - 1, 1)).sqrt()
    small, large = [mean + step, values[0]], [values[-1], mean - step]
    return balls.all_at_most(small, large, balls.norm_fro(A))


@claim(
    "wolkowicz1980-inside",
    WOLKOWICZ_STYAN.at("Theorem 2.1"),
    strategies.symmetric,
    latex=r"m - s\sqrt{n-1} \le \lambda_{\min},\ \lambda_{\max} \le m + s\sqrt{n-1}",
    note="m = trace A / n and s^2 = trace A^2 / n - m^2, so no eigenvalue is needed. "
    "Both sides are shifted by |A|_F.",
)
def inside(A: Balls) -> Sides:
    """The eigenvalues of a symmetric n x n matrix lie within s sqrt(n - 1) of their
    mean, s their standard deviation."""
    values, mean, deviation = _trace_bounds(A)
    step = deviation * balls.arb(len(A) - 1).sqrt()
    small, large = [values[-1], mean - step], [mean + step, values[0]]
    return balls.all_at_most(small, large, balls.norm_fro(A))
