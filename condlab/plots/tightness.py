"""How near every claim comes to its bound, size by size."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle

from condlab.plots import style as look

if TYPE_CHECKING:
    from matplotlib.typing import ColorType

    from condlab.theory import Verdict

BLUES = LinearSegmentedColormap.from_list("blues", ["#e8f1f8", "#7fb8da", look.BLUE])
CELL = 0.265  # inches, the width of a cell
SMALL = 6.0  # points
ATTAINED = 1 - 1e-9


def tightness(
    trials: Mapping[str, Sequence[Verdict]], axes: Axes | None = None
) -> Axes:
    """Draw the verdicts of claims, a row a claim and a cell a size.

    Parameters
    ----------
    trials : mapping of str to sequence of Verdict
        What `condlab.theory.verify` found, by the names of the claims.
    axes : Axes, optional
        Where; those of the current figure of pyplot by default.

    Returns
    -------
    Axes
        Blue cells hold, with the largest lhs / rhs rounded down, 1 where the bound is
        attained; red ones are falsified, yellow ones inconclusive; a dot where there
        was no instance to try.
    """
    axes = look.current() if axes is None else axes
    sizes = sorted({verdict.size for found in trials.values() for verdict in found})
    for y, found in enumerate(trials.values()):
        for verdict in found:
            draw_cell(axes, CELL * sizes.index(verdict.size), y, verdict)
    axes.set_xlim(0, CELL * max(len(sizes), 1))
    axes.set_ylim(max(len(trials), 1), 0)
    axes.set_xticks(
        [CELL * (i + 0.5) for i in range(len(sizes))], list(map(str, sizes))
    )
    axes.set_yticks([y + 0.5 for y in range(len(trials))], list(trials))
    axes.tick_params(length=0, labelsize=7)
    axes.set_xlabel("size: largest dimension of the instances")
    axes.set_title("Largest lhs / rhs, rounded down; red: false, yellow: in doubt")
    return axes


def draw_cell(axes: Axes, x: float, y: float, verdict: Verdict) -> None:
    """Draw a verdict at a place: its outcome as a colour, its tightness in words."""
    face, ink, text = cell(verdict)
    if face is not None:
        axes.add_patch(
            Rectangle((x + 0.01, y + 0.06), CELL - 0.02, 0.88, color=face, lw=0)
        )
    bold = "bold" if text == "1" or face == look.VERMILLION else "normal"
    axes.text(
        x + CELL / 2, y + 0.53, text, color=ink, va="center", ha="center",
        fontsize=SMALL, fontweight=bold,
    )  # fmt: skip


def cell(verdict: Verdict) -> tuple[ColorType | None, str, str]:
    """Return colour, colour of the text, and text."""
    tightness = verdict.tightness
    if verdict.examples == 0:
        return None, look.QUIET, "·"
    if verdict.outcome == "falsified":
        return look.VERMILLION, "#ffffff", _above(tightness)
    if verdict.outcome == "inconclusive":
        return look.YELLOW, "#000000", "?"
    if math.isnan(tightness):
        return look.RULE, look.INK, "="
    depth = min(max(tightness, 0.0), 1.0)
    return BLUES(depth), "#ffffff" if depth > 0.72 else "#000000", _below(tightness)


def _above(x: float) -> str:
    if math.isnan(x) or math.isinf(x):
        return "×"
    if x < 10:
        return f"{x:.2f}" if x >= 1.005 else "1+"
    return f"{x:.0f}" if x < 1000 else f"1e{math.floor(math.log10(x))}"


def _below(x: float) -> str:
    """Return two digits rounded down, so that only an attained bound shows 1."""
    if x >= ATTAINED:
        return "1"
    digits = math.floor(100 * max(x, 0.0))
    return f".{digits:02d}" if digits else "0"
