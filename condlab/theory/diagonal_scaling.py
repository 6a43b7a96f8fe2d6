"""Diagonal scaling: what equilibration guarantees, and what no scaling can beat."""

from __future__ import annotations

import numpy as np

from condlab.theory import balls, strategies
from condlab.theory.formula import theorem
from condlab.theory.references import VAN_DER_SLUIS
from condlab.theory.strategies import has_full_rank, st

THEOREMS = (
    theorem(
        "vandersluis1969-rows-2norm",
        "Rows of equal 2-norm are within a factor sqrt(m) of the best row scaling of a "
        "matrix of full row rank with m rows.",
        VAN_DER_SLUIS.at("Theorem 3.1; Higham 2002, Theorem 7.5"),
        lambda size: st.one_of(
            [
                st.tuples(
                    strategies.full_rank(m, size), strategies.positive_diagonals(m)
                )
                for m in range(1, size + 1)
            ]
        ),
        lambda A, d: (
            balls.kappa(balls.unit_rows(A)),
            balls.arb(len(A)).sqrt() * balls.kappa(d[:, None] * A),
        ),
        latex=r"\kappa_2(EA) \le \sqrt{m}\,\min_D \kappa_2(DA)",
        admits=lambda A, d: has_full_rank(A) and bool(np.all(d > 0)),
    ),
)
