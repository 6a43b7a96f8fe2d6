"""Randomised iterations: the exact mean of one step onto a row or a coordinate."""

from __future__ import annotations

import numpy as np

from condlab.theory import balls, strategies
from condlab.theory.balls import Balls, Sides
from condlab.theory.claims.iterations.gradient_descent import (
    has_error,
    tall_with_error,
    with_error,
)
from condlab.theory.claims.spectra.eigenvalues import spectrum
from condlab.theory.formula import claim
from condlab.theory.references.iterations import LEVENTHAL_LEWIS, STROHMER_VERSHYNIN
from condlab.theory.strategies import is_spd


@claim(
    "strohmer2009-kaczmarz",
    STROHMER_VERSHYNIN.at("Theorem 2"),
    tall_with_error,
    latex=r"\frac{\sigma_{\min}(A)^2}{\|A\|_F^2}\,\|e_0\|^2 \le "
    r"\|e_0\|^2 - \mathbf{E}\|e_1\|^2",
    admits=has_error,
    note="The mean is taken exactly, over all rows.",
)
def kaczmarz(A: Balls, e: Balls) -> Sides:
    """A Kaczmarz step onto a row drawn by its squared norm lowers the squared error on
    average by at least its share 1 / (|A|_F |A^+|)^2, for full column rank."""
    total, square = balls.norm_fro(A) * balls.norm_fro(A), e @ e
    expected = balls.arb(0)
    for a in A:
        weight = a @ a
        if weight != 0:
            moved = e - (a @ e) / weight * a
            expected += weight / total * (moved @ moved)
    smallest = balls.singular_values(A)[-1]
    return smallest * smallest / total * square, square - expected


@claim(
    "leventhal2010-coordinate-descent",
    LEVENTHAL_LEWIS.at("section 3"),
    lambda n: with_error(strategies.spd(n), n),
    latex=r"\frac{\lambda_{\min}(A)}{\mathrm{tr}A}\,\|e_0\|_A^2 \le "
    r"\|e_0\|_A^2 - \mathbf{E}\|e_1\|_A^2",
    admits=lambda A, e: is_spd(A) and bool(e.any()),
    note="The mean is taken exactly, over all coordinates.",
)
def coordinate_descent(A: Balls, e: Balls) -> Sides:
    """A coordinate step drawn by the diagonal of a symmetric positive definite A lowers
    the squared error in its norm on average by at least its share lambda_min / trace A.
    """
    total, square = np.trace(A), e @ A @ e
    expected = balls.arb(0)
    for i, weight in enumerate(A.diagonal()):
        moved = e.copy()
        moved[i] = e[i] - (A[i] @ e) / weight
        expected += weight / total * (moved @ A @ moved)
    return spectrum(A)[0] / total * square, square - expected
