"""κ₂ before and after each scaling, against what no scaling of its kind can beat."""

from __future__ import annotations

import math
from statistics import median
from typing import Literal

from matplotlib.figure import Figure

from condlab import plots
from condlab._scaling_rows import ScalingComparison, ScalingRow, Side
from condlab.comparison import OPTIMAL, SCALINGS
from condlab.plots import style as look
from condlab.plots.scalings import handles
from condlab.report._json import as_float
from condlab.types import Bracket, ConditionEstimate, Record, Scaling

ROW, TOP, BOTTOM = 0.42, 1.05, 0.55  # inches


def scaling_figure(matrices: list[Record]) -> Figure:
    """Draw one row a matrix, worst conditioned at the top."""
    shown = [entry for entry in matrices if "missing" not in entry]
    shown.sort(key=lambda entry: -as_float(entry["kappa_2"]["value"]))
    height = TOP + ROW * len(shown) + BOTTOM
    figure = Figure(figsize=(look.WIDTH, height))
    left = 1.3 / look.WIDTH
    box = (left, BOTTOM / height, 0.98 - left, ROW * len(shown) / height)
    plots.scalings(
        {_label(entry): comparison(entry) for entry in shown},
        figure.add_axes(box),
        legend=False,
    )
    figure.text(0.012, 1 - 0.1 / height, title(shown), va="top", **_bold())
    _legend(figure, height)
    return figure


def title(matrices: list[Record]) -> str:
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
        f"median of {len(gains)} matrices;\n{worse} in {len(changes)} made it rise, "
        f"and the median one is within {median(excess):.3g} × of the best of its kind, "
        "certified"
    )


def comparison(entry: Record) -> ScalingComparison:
    """Return the comparison that a record is of, without multipliers.

    A certificate of each kind is a row "optimal".
    """
    rows = [_row("none", entry["kappa_2"])]
    for name, (_, side) in SCALINGS.items():
        if found := entry["scaled"][name]:
            rows.append(_row(name, found, side, entry["brackets"].get(side)))
    for side, best in entry["optima"].items():
        if best:
            rows.append(_row(OPTIMAL, best | {"value": best["upper"]}, side, best))
    return ScalingComparison(tuple(rows), {}, 2)


def _row(
    name: str, kappa: Record, side: Side | Literal[""] = "", best: Record | None = None
) -> ScalingRow:
    value, lower, upper = (as_float(kappa[key]) for key in ("value", "lower", "upper"))
    estimate = ConditionEstimate(value, lower, upper, 2, "")
    bracket = None
    if best is not None:
        bracket = Bracket(as_float(best["lower"]), as_float(best["upper"]))
    return ScalingRow(name, estimate, Scaling(), side, bracket)


def _label(entry: Record) -> str:
    label = "{}\n{} × {}".format(entry["name"], *entry["shape"])
    singular = math.isinf(as_float(entry["kappa_2"]["value"]))
    return f"{label}, rank {entry['rank']}" if singular else label


def _legend(figure: Figure, height: float) -> None:
    figure.legend(
        *handles(),
        loc="upper left",
        bbox_to_anchor=(0.0, 1 - 0.48 / height),
        ncols=4,
        fontsize=7.5,
        handlelength=1.4,
        columnspacing=1.6,
    )


def _bold() -> look.Marks:
    return {"fontsize": 9.5, "fontweight": "bold", "linespacing": 1.35}
