"""Hypothesis strategies of matrices, for the catalogue and for your own tests.

Sizes are arguments, never drawn: the shrinker then finds the smallest size by trying
the sizes in turn. Entries are small integers, powers of two and products of both
wherever possible, so that determinants are exact, counterexamples can be printed and
shrinking means something. Every strategy of general matrices can produce the
identity, zero rows, repeated singular values and, for 1 x 1, every scalar it uses.
"""

from hypothesis import strategies as st

from condlab.theory.strategies._general import (
    Matrices,
    gaussian,
    given_spectrum,
    graded,
    matrices,
    near_singular,
    none,
    positive_diagonals,
    powers_of_two,
    small_integers,
    sparse,
    vectors,
)
from condlab.theory.strategies._kinds import (
    any_shape,
    diagonally_dominant,
    full_column_rank,
    full_rank,
    full_row_rank,
    nonsingular,
    property_a,
    spd,
    symmetric,
    tall,
    wide,
)
from condlab.theory.strategies._rationals import exact_rank, has_full_rank, is_spd

__all__ = [
    "Matrices",
    "any_shape",
    "diagonally_dominant",
    "exact_rank",
    "full_column_rank",
    "full_rank",
    "full_row_rank",
    "gaussian",
    "given_spectrum",
    "graded",
    "has_full_rank",
    "is_spd",
    "matrices",
    "near_singular",
    "none",
    "nonsingular",
    "positive_diagonals",
    "powers_of_two",
    "property_a",
    "small_integers",
    "sparse",
    "spd",
    "st",
    "symmetric",
    "tall",
    "vectors",
    "wide",
]
