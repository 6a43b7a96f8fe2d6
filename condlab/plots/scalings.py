"""κ before and after each scaling, against what no scaling of its kind can beat."""

from __future__ import annotations

import math
from collections.abc import Mapping

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from condlab._scaling_rows import ScalingComparison, ScalingRow
from condlab.comparison import OPTIMAL
from condlab.plots import style as look
from condlab.types import Norm

# name: (marker, colour, words)
LONG = 30  # characters of a name
MARKS = {
    "row": ("o", look.BLUE, "rows"),
    "column": ("s", look.VERMILLION, "columns"),
    "jacobi": ("D", look.GREEN, "Jacobi"),
    "row-column": ("^", look.PURPLE, "rows, then columns"),
    "ruiz": ("v", look.ORANGE, "Ruiz"),
}
LANES = {"left": 0, "right": 1, "symmetric": 2, "both": 3}  # from the top
LANE = 0.2  # of the height of a matrix
UNSCALED: look.Marks = {"color": look.QUIET, "lw": 3.2, "alpha": 0.7}
BEST: look.Marks = {"color": look.INK, "lw": 1.2, "marker": "|", "ms": 6}


def scalings(
    comparisons: Mapping[str, ScalingComparison],
    axes: Axes | None = None,
    *,
    legend: bool = True,
) -> Axes:
    """Draw the condition numbers of matrices before and after scaling.

    Parameters
    ----------
    comparisons : mapping of str to ScalingComparison
        By the names of the matrices; from the top in this order. The rows "optimal" of
        it are the certified best.
    axes : Axes, optional
        Where; those of the current figure of pyplot by default.
    legend : bool
        Whether to draw one above the axes.

    Returns
    -------
    Axes
        A strip a matrix: a broad grey bar is the unscaled one, a mark each scaling,
        hollow where the number is only a lower bound, at the right edge where it is
        infinite. Pale strips are theorems' brackets of the best scaling of a kind, and
        black ticks, with the interval between them, certificates of it.

    Raises
    ------
    ValueError
        If there is nothing to draw, or the norms differ.
    """
    norms = {found.p for found in comparisons.values()}
    if len(norms) != 1:
        raise ValueError(
            "comparisons of one norm are needed, at least one, got the norms "
            f"{sorted(map(str, norms))}"
        )
    axes = look.current() if axes is None else axes
    edge = min(4 * _rightmost(comparisons), look.FAR)
    axes.set_xscale("log")
    axes.set_xlim(0.8, edge)
    _label_powers(axes)
    axes.set_ylim(len(comparisons), 0)
    for i, found in enumerate(comparisons.values()):
        _draw_matrix(axes, i, found, edge)
    names = list(map(_short, comparisons))
    axes.set_yticks([i + 0.5 for i in range(len(names))], names, fontsize=7)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=look.RULE, lw=0.5)
    axes.set_axisbelow(True)
    axes.set_xlabel(f"condition number {_symbol(*norms)} (no unit, log scale)")
    if legend:
        place: look.Marks = {"loc": "lower left", "bbox_to_anchor": (0, 1)}
        axes.legend(*handles(), ncols=4, fontsize=7.5, frameon=False, **place)
    return axes


def _short(name: str) -> str:
    """Return a name whose lines leave room to draw: of a long path, the end."""
    return "\n".join(
        line if len(line) <= LONG else f"…{line[1 - LONG :]}"
        for line in name.split("\n")
    )


def handles() -> tuple[list[Artist], list[str]]:
    """Return the marks of a legend, and their words."""
    marks: list[Artist] = [
        Patch(color=UNSCALED["color"], alpha=UNSCALED["alpha"], lw=0)
    ]
    words = ["unscaled"]
    for marker, colour, text in MARKS.values():
        marks.append(Line2D([], [], color=colour, lw=0, marker=marker, ms=5, mew=0))
        words.append(text)
    marks.append(Line2D([], [], mew=1.2, **BEST))
    words.append("the best there is (certified)")
    marks.append(Patch(color=look.SKY, alpha=0.4, lw=0))
    words.append("where a theorem has it")
    return marks, words


def _symbol(p: Norm) -> str:
    return {1: "κ₁", 2: "κ₂", "inf": "κ∞"}[p]


def _rightmost(comparisons: Mapping[str, ScalingComparison]) -> float:
    values = [row.kappa.value for rows in comparisons.values() for row in rows]
    return max([value for value in values if math.isfinite(value)], default=10.0)


def _draw_matrix(axes: Axes, i: int, found: ScalingComparison, edge: float) -> None:
    if i % 2:
        axes.axhspan(i, i + 1, color=look.RULE, alpha=0.25, linewidth=0)
    if all(math.isinf(row.kappa.value) for row in found):
        words = f"singular, before and after: {_symbol(found.p)} = ∞"
        axes.text(1.2, i + 0.5, words, va="center", color=look.QUIET)
        return
    for row in found:
        if not row.side:
            x = min(row.kappa.value, edge)
            axes.plot([x, x], [i + 0.08, i + 0.92], solid_capstyle="butt", **UNSCALED)
    for row in found:
        if row.side:
            _draw_scaling(axes, i + 0.5 + LANE * (LANES[row.side] - 1.5), row, edge)


def _draw_scaling(axes: Axes, y: float, row: ScalingRow, edge: float) -> None:
    marker, colour, _ = MARKS.get(row.name, ("", look.INK, ""))
    if row.best is not None and math.isfinite(row.best.lower):
        ends = row.best.lower, min(row.best.upper, edge)
        if row.name == OPTIMAL:
            axes.plot(ends, [y, y], mew=1.2, zorder=2.5, **BEST)
        else:
            axes.plot(ends, [y, y], color=colour, lw=2.6, alpha=0.4)
    if row.name == OPTIMAL:
        return
    x, sure = min(row.kappa.value, edge), not row.kappa.is_lower_bound
    hollow = math.isinf(row.kappa.value) or not sure
    face = look.PAPER if hollow else colour
    place: look.Marks = {"mfc": face, "mew": 1 if hollow else 0, "zorder": 3}
    axes.plot(x, y, marker, color=colour, ms=4.2, clip_on=False, **place)


def _label_powers(axes: Axes) -> None:
    last = math.floor(math.log10(axes.get_xlim()[1]))
    powers = range(0, last + 1, 1 if last < 6 else 2 * math.ceil(last / 24))
    raised = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
    labels = [f"10{str(power).translate(raised)}" for power in powers]
    axes.set_xticks([10.0**power for power in powers], labels)
    axes.set_xticks([], minor=True)
