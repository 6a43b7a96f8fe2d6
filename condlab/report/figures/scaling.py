"""κ₂ before and after each scaling, against what no scaling of its kind can beat."""

from __future__ import annotations

import math
from statistics import median
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from condlab.plots import style as look
from condlab.report._json import as_float

Entry = dict[str, Any]

# name: (lane from the top, marker, colour, words, what is scaled)
MARKS = {
    "row": (0, "o", look.BLUE, "rows", "left"),
    "column": (1, "s", look.VERMILLION, "columns", "right"),
    "jacobi": (2, "D", look.GREEN, "Jacobi", "symmetric"),
    "row-column": (3, "^", look.PURPLE, "rows, then columns", "both"),
    "ruiz": (3, "v", look.ORANGE, "Ruiz", "both"),
}
LANE = 0.2  # of the height of a matrix
ROW, TOP, BOTTOM = 0.42, 1.05, 0.55  # inches


def scaling_figure(matrices: list[Entry]) -> Figure:
    """Draw one row a matrix, worst conditioned at the top."""
    shown = [entry for entry in matrices if "missing" not in entry]
    shown.sort(key=lambda entry: -as_float(entry["kappa_2"]["value"]))
    height = TOP + ROW * len(shown) + BOTTOM
    figure = Figure(figsize=(look.WIDTH, height))
    left = 1.3 / look.WIDTH
    box = (left, BOTTOM / height, 0.98 - left, ROW * len(shown) / height)
    axes = figure.add_axes(box)
    axes.set_xscale("log")
    axes.set_xlim(0.8, _rightmost(shown) * 4)
    _label_powers(axes)
    axes.set_ylim(len(shown), 0)
    for i, entry in enumerate(shown):
        _draw_matrix(axes, i, entry)
    _dress(axes, shown)
    figure.text(0.012, 1 - 0.1 / height, title(shown), va="top", **_bold())
    _legend(figure, height)
    return figure


def title(matrices: list[Entry]) -> str:
    """Return the finding in two lines."""
    gains, changes, excess = [], [], []
    for entry in matrices:
        before = as_float(entry["kappa_2"]["value"])
        after = [as_float(e["value"]) for e in entry["scaled"].values() if e]
        if math.isfinite(before):
            gains.append(before / min(after))
            changes += [kappa / before for kappa in after]
            excess += [
                as_float(e["within"])
                for e in entry["scaled"].values()
                if e and "within" in e
            ]
    if not gains:
        return "No matrix here is told from a singular one"
    worse = sum(change > 1.005 for change in changes)
    return (
        f"The best of five diagonal scalings divides κ₂ by {median(gains):.3g} in the "
        f"median of {len(gains)} matrices;\n{worse} of {len(changes)} raise it, and "
        f"the median one is within {median(excess):.3g} × of the best of its kind, "
        "certified"
    )


def _rightmost(matrices: list[Entry]) -> float:
    values = [as_float(entry["kappa_2"]["value"]) for entry in matrices]
    return max([value for value in values if math.isfinite(value)], default=10.0)


def _draw_matrix(axes: Axes, i: int, entry: Entry) -> None:
    if i % 2:
        axes.axhspan(i, i + 1, color=look.RULE, alpha=0.25, linewidth=0)
    before = as_float(entry["kappa_2"]["value"])
    if math.isinf(before):
        words = f"singular (rank {entry['rank']}), before and after: κ₂ = ∞"
        axes.text(1.2, i + 0.5, words, va="center", color=look.QUIET)
        return
    axes.plot([before] * 2, [i + 0.12, i + 0.88], color=look.INK, lw=1.6)
    for name, (lane, marker, colour, _, side) in MARKS.items():
        y = i + 0.5 + LANE * (lane - 1.5)
        bracket = entry["brackets"].get(side)
        if bracket:
            ends = as_float(bracket["lower"]), as_float(bracket["upper"])
            axes.plot(ends, [y, y], color=colour, lw=2.6, alpha=0.4)
        best = entry["optima"].get(side)
        if best:
            ends = as_float(best["lower"]), as_float(best["upper"])
            axes.plot(ends, [y, y], color=look.INK, lw=1.2, marker="|", ms=6, mew=1.2)
        after = entry["scaled"][name]
        if after and math.isfinite(as_float(after["value"])):
            axes.plot(after["value"], y, marker, color=colour, ms=4.2, mew=0)


def _dress(axes: Axes, matrices: list[Entry]) -> None:
    labels = ["{}\n{} × {}".format(e["name"], *e["shape"]) for e in matrices]
    axes.set_yticks([i + 0.5 for i in range(len(matrices))], labels, fontsize=7)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=look.RULE, lw=0.5)
    axes.set_axisbelow(True)
    axes.set_xlabel("condition number κ₂ (no unit, log scale)")


def _label_powers(axes: Axes) -> None:
    last = math.floor(math.log10(axes.get_xlim()[1]))
    powers = range(0, last + 1, 1 if last < 6 else 2)
    raised = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
    labels = [f"10{str(power).translate(raised)}" for power in powers]
    axes.set_xticks([10.0**power for power in powers], labels)
    axes.set_xticks([], minor=True)


def _legend(figure: Figure, height: float) -> None:
    raw = Line2D([], [], color=look.INK, lw=0, marker="|", ms=9, mew=1.6)
    handles: list[Any] = [raw]
    words = ["unscaled"]
    for _, marker, colour, text, _ in MARKS.values():
        handles.append(Line2D([], [], color=colour, lw=0, marker=marker, ms=5, mew=0))
        words.append(text)
    handles.append(Line2D([], [], color=look.INK, lw=1.2, marker="|", ms=6, mew=1.2))
    words.append("the best there is (certified)")
    handles.append(Patch(color=look.QUIET, alpha=0.4, lw=0))
    words.append("where van der Sluis has it")
    figure.legend(
        handles,
        words,
        loc="upper left",
        bbox_to_anchor=(0.0, 1 - 0.48 / height),
        ncols=4,
        fontsize=7.5,
        handlelength=1.4,
        columnspacing=1.6,
    )


def _bold() -> dict[str, Any]:
    return {"fontsize": 9.5, "fontweight": "bold", "linespacing": 1.35}
