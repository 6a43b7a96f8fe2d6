"""Lanczos and Golub-Kahan: breakdown-safe, orthogonal, with honest residuals."""

from condlab.lanczos.recurrence import (
    Bidiagonalisation,
    Tridiagonalisation,
    golub_kahan,
    golub_kahan_steps,
    lanczos,
    norm,
    products,
)
from condlab.lanczos.ritz import (
    RitzPairs,
    SingularTriplets,
    ritz_pairs,
    singular_triplets,
)

__all__ = [
    "Bidiagonalisation",
    "RitzPairs",
    "SingularTriplets",
    "Tridiagonalisation",
    "golub_kahan",
    "golub_kahan_steps",
    "lanczos",
    "norm",
    "products",
    "ritz_pairs",
    "singular_triplets",
]
