"""Hypotheses on one part of an instance, and kinds of matrices without them.

What all instances of a claim have in common, such as symmetry, counts as a hypothesis.
The kind without it has nothing else that the claim asks of that part either.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from condlab.theory import strategies


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A property that all instances of a part have, and a kind that lacks it."""

    change: str
    has: Callable[[np.ndarray], bool]
    without: Callable[[int, int], SearchStrategy[np.ndarray]]


def _is_square(A: np.ndarray) -> bool:
    return A.ndim == 2 and A.shape[0] == A.shape[1]


def _is_symmetric(A: np.ndarray) -> bool:
    return _is_square(A) and bool((A == A.T).all())


def _has_full_rank(A: np.ndarray) -> bool:
    return A.ndim == 2 and min(A.shape) > 0 and strategies.has_full_rank(A)


def _general(m: int, n: int) -> SearchStrategy[np.ndarray]:
    """Draw matrices of full rank, simple ones first."""
    return strategies.full_rank(m, n)


def _symmetric(m: int, _: int) -> SearchStrategy[np.ndarray]:
    """Draw symmetric matrices of full rank that are not definite."""
    drawn = strategies.symmetric(m).filter(strategies.has_full_rank)
    return drawn.filter(lambda A: not strategies.is_spd(A))


def _low_rank(m: int, n: int) -> SearchStrategy[np.ndarray]:
    drawn = strategies.small_integers(m, n)
    return drawn.filter(lambda A: bool(A.any()) and not strategies.has_full_rank(A))


def _signed(n: int, _: int) -> SearchStrategy[np.ndarray]:
    entries = st.sampled_from([1.0, -1.0, 2.0, -2.0, 0.5, -0.5])
    return st.lists(entries, min_size=n, max_size=n).map(np.array)


HYPOTHESES = (
    Hypothesis(
        "{0} is any symmetric matrix of full rank",
        lambda A: _is_symmetric(A) and strategies.is_spd(A),
        _symmetric,
    ),
    Hypothesis(
        "{0} is any square matrix of full rank",
        _is_symmetric,
        lambda m, n: _general(m, n).filter(lambda A: not _is_symmetric(A)),
    ),
    Hypothesis("{0} is any matrix of less than full rank", _has_full_rank, _low_rank),
    Hypothesis(
        "{0} is any matrix with more rows than columns",
        lambda A: _has_full_rank(A) and A.shape[0] <= A.shape[1],
        lambda m, n: _general(n + 1, m) if m == n else _general(n, m),
    ),
    Hypothesis(
        "{0} is any matrix with more columns than rows",
        lambda A: _has_full_rank(A) and A.shape[0] >= A.shape[1],
        lambda m, n: _general(m, n + 1) if m == n else _general(n, m),
    ),
    Hypothesis(
        "{0} has entries of any sign",
        lambda d: d.ndim == 1 and bool((d > 0).all()),
        _signed,
    ),
)
