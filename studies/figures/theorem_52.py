"""How often equilibration raised the Hessian's condition number."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from condlab.plots import style as look
from studies.analysis.entries import Counted, Counts
from studies.figures.headline import headline, wrapped

POINTS = {"drawn": "as drawn", "minimum": "at minima"}
ROW, TOP, BOTTOM, LEFT = 0.24, 0.86, 0.62, 1.85  # inches


def theorem_52_figure(found: Counted) -> Figure:
    """Draw the share of networks whose condition number rose, a panel a reading.

    Parameters
    ----------
    found : dict
        As ``python -m studies.theorem_52`` writes it.
    """
    rows = found["rows"]
    readings = list(dict.fromkeys(row["reading"] for row in rows))
    kinds = list(dict.fromkeys((row["family"], row["point"]) for row in rows))
    tall = ROW * len(kinds)
    height = TOP + tall + BOTTOM
    figure = Figure(figsize=(look.WIDTH, height))
    width = (0.985 - LEFT / look.WIDTH) / len(readings)
    for i, reading in enumerate(readings):
        left = LEFT / look.WIDTH + i * width
        box = (left, BOTTOM / height, width - 0.012, tall / height)
        axes = figure.add_axes(box)
        own = {(r["family"], r["point"]): r for r in rows if r["reading"] == reading}
        _panel(axes, [own.get(kind) for kind in kinds])
        axes.set_title(reading.replace(", ", ",\n"), fontsize=7.5, fontweight="normal")
        names = [f"{family}, {POINTS[point]}" for family, point in kinds]
        axes.set_yticks(range(len(kinds)), names if i == 0 else [], fontsize=7)
    headline(figure, 1 - 0.08 / height, wrapped(title(found), margin=0.2))
    figure.text(
        0.985,
        0.12 / height,
        "share of networks in which κ rose (no unit; the theorem says 0); bar: 95 % "
        "interval; number: networks\nin which both Hessians have full rank, of those "
        f"tried, {found['networks']} a row",
        ha="right",
        fontsize=7,
    )
    return figure


def title(found: Counted) -> str:
    """Return the finding: how often κ rose by each reading, over all families."""
    totals: dict[str, list[int]] = {}
    for row in found["rows"]:
        total = totals.setdefault(row["reading"], [0, 0])
        total[0] += row["rose"]
        total[1] += row["regular"]
    shares = [
        f"{100 * rose / regular:.0f} %" if regular else "none"
        for rose, regular in totals.values()
    ]
    listed = " and ".join([", ".join(shares[:-1]), shares[-1]])
    return (
        "κ of the Hessian, which Theorem 5.2 has never rise with equilibration, rose "
        f"in {listed} of regular cases by its {len(shares)} readings"
    )


def _panel(axes: Axes, rows: list[Counts | None]) -> None:
    for y, row in enumerate(rows):
        regular = row["regular"] if row else 0
        axes.text(1.12, y, str(regular), va="center", fontsize=6, color=look.QUIET)
        if not row or not regular:
            axes.text(
                0.5, y, "never regular", ha="center", va="center", fontsize=6,
                color=look.QUIET,
            )  # fmt: skip
            continue
        axes.plot(row["share"], [y, y], color=look.BLUE, lw=1.6)
        axes.plot(row["rose"] / regular, y, "o", color=look.BLUE, ms=4)
    axes.set_xlim(-0.05, 1.45)
    axes.set_xticks([0, 0.5, 1], ["0", "½", "1"], fontsize=7)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=look.RULE, lw=0.5)
    axes.set_axisbelow(True)
