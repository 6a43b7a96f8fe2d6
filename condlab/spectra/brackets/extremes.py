"""Where extreme eigenvalues are, but for the chance that a random start is unlucky."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from condlab.display.tables import record
from condlab.spectra.lanczos.krylov import Basis
from condlab.types import Bracket, Record

FAILURE = 1e-6  # chance that a probable extreme is wrong


@dataclass(frozen=True, slots=True)
class ProbableExtremes:
    """Where the extreme eigenvalues lie, except with probability `failure`.

    The chance is over the random start of Lanczos, not over matrices: the bound holds
    for every matrix that was fixed before the start was drawn.

    Parameters
    ----------
    lambda_min, lambda_max : Bracket
        With one certain end, from Rayleigh, and one probable end.
    failure : float
        The probability that one of the two is wrong, at most.
    """

    lambda_min: Bracket
    lambda_max: Bracket
    failure: float

    def to_dict(self) -> Record:
        """Return the fields, brackets as dicts."""
        return record(self)


def probable(values: Tensor, noise: float, krylov: Basis) -> ProbableExtremes:
    """Return the random-start bound; see `gap_fraction`."""
    low, high = float(values[0]), float(values[-1])
    part = gap_fraction(krylov.rank, krylov.steps, krylov.width, FAILURE / 2)
    beyond = math.inf
    if part < 0.5:  # both ends of the spread are found but for this part of it
        beyond = part / (1 - 2 * part) * (high - low + 2 * noise) + noise
    return ProbableExtremes(
        Bracket(low - beyond, low + noise),
        Bracket(high - noise, high + beyond),
        FAILURE,
    )


def gap_fraction(n: int, steps: int, width: int, failure: float) -> float:
    """Return what part of the spread a Ritz value can be below the largest eigenvalue.

    Parameters
    ----------
    n, steps, width : int
        The dimension, the degree of the Krylov space and its random starts. A block
        fails only if each of its independent starts does.
    failure : float
        The probability with which it may be more.

    Returns
    -------
    float
        eps with ``1.648 sqrt(n) exp(-sqrt(eps) (2 steps - 1)) = failure^(1/width)``.

    References
    ----------
    .. [1] J. Kuczynski and H. Wozniakowski, "Estimating the largest eigenvalue by the
       power and Lanczos algorithms with a random start", SIAM J. Matrix Anal. Appl.
       13(4), 1992, Section 4.

    Examples
    --------
    >>> round(gap_fraction(300_000, 50, 1, 1e-6), 3)
    0.043
    """
    each = math.log(1.648) + math.log(n) / 2 - math.log(failure) / width
    return (each / (2 * steps - 1)) ** 2
