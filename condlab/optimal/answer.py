"""The best scaling that was found, and how good the best of all can be."""

from __future__ import annotations

import math
from dataclasses import dataclass

from condlab.display.digits import up
from condlab.display.tables import as_html, record
from condlab.optimal.one_sided.dense import ROUNDING, SINGULAR, WITHIN, Found, reach
from condlab.types import (
    Bracket,
    Record,
    Scaling,
)


@dataclass(frozen=True, slots=True)
class OptimalScaling:
    """The best scaling that was found, and how good the best of all can be.

    Parameters
    ----------
    scaling : Scaling
        What was found.
    optimum : Bracket
        Of the best reachable condition number, or ω: no scaling of the side goes below
        `lower`, rounding included, and `scaling` attains `upper` or less.
    gap : float
        ``optimum.upper / optimum.lower - 1``; inf where nothing bounds it, nan where A
        is certainly singular.
    iterations : int
        Steps of the iteration; 0 for formulas.
    method : str
        "interior-point", "barrier" (with the number of blocks), "matrix-free",
        "formula" or "singular"; "... on the row space" or another one where A has
        less than full rank, "... of the real form" for complex matrices.
    stopped : str
        Why there is no smaller gap: "within rtol", "time limit", "rounding" (more
        steps would gain nothing in double precision), "steps" (of the matrix-free
        search), "no proof" (of what a large sparse matrix reaches: a factorisation
        would fill the memory, or rounding hides the smallest singular value) or
        "singular".
    rank : int, optional
        Of A, where it is certainly not full, and certainly this.
    on_range : Bracket, optional
        For such an A, whose κ is inf, of the best condition number on the space that
        `method` names, which is the largest singular value over the least but zeros:
        no scaling goes below `lower`, and `scaling` attains `upper` or less. For one
        side it is as close as `optimum` is for full rank. For two, `lower` is so only
        where every connected component has independent rows or columns.
    objective : {"kappa", "omega"}
        What was made least.

    Examples
    --------
    >>> from condlab.optimal import optimal_scaling
    >>> optimal_scaling([[1.0, 0.0], [0.0, 1e-8]]).gap < 1e-9
    True
    """

    scaling: Scaling
    optimum: Bracket
    gap: float
    iterations: int
    method: str
    stopped: str
    rank: int | None = None
    on_range: Bracket | None = None
    objective: str = "kappa"

    def to_dict(self) -> Record:
        """Return the fields, multipliers as lists."""
        return record(self)

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the certificate."""
        gap = up(self.gap, 3) if math.isfinite(self.gap) else "unknown"
        symbol = "κ" if self.objective == "kappa" else "ω"
        head = [f"best {symbol} certainly in", "gap", "method", "stopped"]
        line = [str(self.optimum), gap, self.method, self.stopped]
        if self.on_range is not None:
            head.append("best κ on that space certainly in")
            line.append(str(self.on_range))
        return as_html([head, line])


def recorded(
    found: Found, method: str, rtol: float, objective: str = "kappa"
) -> OptimalScaling:
    """Return what was found as the answer, with its gap."""
    scaling = Scaling(found.left, found.right)
    lower, upper = float(found.lower), float(reach(found))
    singular = found.stopped == SINGULAR and math.isinf(lower)
    if lower > upper:
        raise ArithmeticError(
            f"no scaling should reach less than {lower}, and this one reaches "
            f"{upper}: one of the two is wrong; please report the matrix"
        )
    gap = math.nan if singular else upper / lower - 1
    stopped = WITHIN if gap <= rtol else found.stopped
    if stopped == WITHIN and gap > rtol:  # as far as the search could see
        stopped = ROUNDING
    optimum = Bracket(lower, upper)
    return OptimalScaling(
        scaling,
        optimum,
        gap,
        found.iterations,
        method,
        stopped,
        found.rank,
        found.on_range,
        objective,
    )
