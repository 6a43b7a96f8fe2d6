"""How far from the best diagonal scaling equal norms can be: van der Sluis and after.

All of it rests on one argument. Let B have rows of norm 1 and D have largest entry 1.
Then D B has a row of norm 1, so its norm is at least 1, and dividing by D <= 1 does not
shrink the inverse: kappa(D B) >= norm(B^-1) = kappa(B) / norm(B).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from condlab.theory import balls, strategies
from condlab.theory.balls import Ball, Balls, Sides
from condlab.theory.formula import theorem
from condlab.theory.model import Theorem
from condlab.theory.references.scaling import VAN_DER_SLUIS
from condlab.theory.strategies import has_full_rank, st
from condlab.types import Norm

DUAL: dict[Norm, Norm] = {1: "inf", 2: 2, "inf": 1}
HIGHAM_75 = VAN_DER_SLUIS.at("in the form of Higham 2002, Theorem 7.5")


def square_scaled(n: int) -> st.SearchStrategy:
    """Draw (A, d): a nonsingular matrix of order n and a scaling."""
    return st.tuples(strategies.nonsingular(n), strategies.positive_diagonals(n))


def full_rank_positive(A: np.ndarray, *scalings: np.ndarray) -> bool:
    """Tell whether A has full rank and every multiplier is positive."""
    return has_full_rank(A) and all(bool(np.all(d > 0)) for d in scalings)


def root_of(k: int) -> Ball:
    """Return the square root of an integer."""
    return balls.arb(k).sqrt()


# How near to the best: in words, in LaTeX, and as a function of the order.
EXACT = "the", "", lambda _: balls.arb(1)


WITHIN_ROOT = "within sqrt(n) of the", r"\sqrt{n}\,", root_of
WITHIN_ORDER = "within n of the", r"n\,", balls.arb


def _equal_lines(side: str, p: Norm, nearness: tuple[str, str, Callable]) -> Theorem:
    """Return one of the six forms of Higham's Theorem 7.5."""
    words, latex, factor = nearness
    q = DUAL[p] if side == "rows" else p

    def formula(A: Balls, d: Balls) -> Sides:
        B = balls.unit_rows(A, q) if side == "rows" else balls.unit_columns(A, q)
        D_A = d[:, None] * A if side == "rows" else A * d
        return balls.kappa_p(B, p), factor(len(A)) * balls.kappa_p(D_A, p)

    index = r"\infty" if p == "inf" else p
    scaled, best = ("EA", "DA") if side == "rows" else ("AE", "AD")
    return theorem(
        f"vandersluis1969-{side}-{p}norm",
        f"Of all {side[:-1]} scalings of a nonsingular n x n matrix, {side} of equal "
        f"{q}-norm give {words} best condition number in the {p}-norm.",
        HIGHAM_75,
        square_scaled,
        formula,
        latex=rf"\kappa_{{{index}}}({scaled}) \le {latex}"
        rf"\min_D \kappa_{{{index}}}({best})",
        admits=full_rank_positive,
        note=f"Holds for full {side[:-1]} rank; square here, so that the number of "
        f"{side} is the size.",
    )


SIX_FORMS = (
    _equal_lines("rows", 1, WITHIN_ORDER),
    _equal_lines("rows", 2, WITHIN_ROOT),
    _equal_lines("rows", "inf", EXACT),
    _equal_lines("columns", 1, EXACT),
    _equal_lines("columns", 2, WITHIN_ROOT),
    _equal_lines("columns", "inf", WITHIN_ORDER),
)
