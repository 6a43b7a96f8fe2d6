"""Claims of "Weight conditioning for smooth optimization of neural networks".

Each as worded, in every reading, beside the correct theorem where there is one.
"""

from __future__ import annotations

from condlab.theory import balls, strategies
from condlab.theory.formula import theorem
from condlab.theory.references import WEIGHT_CONDITIONING as SOURCE
from condlab.theory.strategies import st

THEOREMS = (
    theorem(
        "wc-thm5.1-rows",
        "Row equilibration of a nonsingular square matrix has the smallest condition "
        "number of all row scalings.",
        SOURCE.at("Theorem 5.1"),
        lambda n: st.tuples(
            strategies.nonsingular(n), strategies.positive_diagonals(n)
        ),
        lambda A, d: (
            balls.kappa(balls.unit_rows(A)),
            balls.kappa(d[:, None] * A),
        ),
        latex=r"\kappa_2(EA) \le \kappa_2(DA)\ \text{for all}\ D",
    ),
)
