"""What the verdict words mean: one place for the table, the figures and the page."""

from __future__ import annotations

from types import MappingProxyType

from studies.analysis.ratios import Ratio

LEAST = 3  # seeds

WORDS = MappingProxyType({
    "reproduced": "at own best rates and at equal rates the arm takes fewer steps, "
    "both 95 % intervals below 1; of another number, its interval is above 0",
    "contradicted": "it takes more, both intervals above 1; or the number's is below 0",
    "not shown": "anything else",
    "too few seeds": f"fewer than {LEAST}",
    "not testable here": "no runs of that network or data",
})  # fmt: skip


def verdict(own: Ratio, matched: Ratio) -> str:
    """Return the word for a claim that an arm is faster, on what it was seen on.

    Examples
    --------
    >>> faster = Ratio(-1.0, -1.5, -0.5, 3, "", (3, 3), 3)
    >>> unsure = Ratio(-1.0, -2.5, 0.5, 3, "", (3, 3), 3)
    >>> verdict(faster, faster), verdict(faster, unsure)
    ('reproduced', 'not shown')
    """
    if min(own.n, matched.n) < LEAST:
        return "too few seeds"
    sides = {side(own), side(matched)}
    if sides == {-1}:
        return "reproduced"
    return "contradicted" if sides == {1} else "not shown"


def side(ratio: Ratio) -> int:
    """Return -1 where the interval is below a ratio of 1, 1 where it is above, or 0."""
    return -1 if ratio.upper < 0 else int(ratio.lower > 0)
