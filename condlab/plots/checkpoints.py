"""A series of checkpoints: how the largest eigenvalue, kappa and eigenvectors move."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from condlab.plots.spectra import plain
from condlab.plots.style import BLUE, VERMILLION, WIDTH, style
from condlab.types import Record

_TICKS = 12  # names that are told apart below an axis


def draw_checkpoints(
    records: Sequence[Record],
    names: Sequence[str],
    path: Path,
    *,
    title: str,
    leading: int,
) -> None:
    """Write a figure of brackets, one for each checkpoint.

    Parameters
    ----------
    records : sequence of dict
        With "lambda_max" and "kappa_nonnull", each with "lower" and "upper", and
        "overlap", with "before": "value", "lower" and "upper", or None.
    names : sequence of str
        Of the checkpoints.
    path : Path
        Its suffix says the format.
    title : str
        What the Hessian is of.
    leading : int
        Of how many eigenvectors the overlap is.
    """
    with style():
        figure = Figure(figsize=(WIDTH, 6.0), layout="constrained")
        top, middle, low = figure.subplots(3, 1, sharex=True)
        figure.suptitle(f"Hessian of {title}", x=0.01, ha="left", fontweight="bold")
        _brackets(top, [r["lambda_max"] for r in records])
        top.set_title("Largest eigenvalue, certainly within (an arrow: no bound)")
        middle.set_yscale("log")
        _brackets(middle, [r["kappa_nonnull"] for r in records])
        middle.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        middle.yaxis.set_major_formatter(plain)
        middle.minorticks_off()
        middle.set_title("Condition number off null directions")
        _overlaps(low, [r["overlap"]["before"] for r in records])
        low.set_title(
            f"Overlap of {leading} leading eigenvectors with those one before"
        )
        step = math.ceil(len(names) / _TICKS)
        places = range(0, len(names), step)
        low.set_xticks(places, [names[i] for i in places], rotation=20, ha="right")
        low.set_xlim(-0.5, len(names) - 0.5)
        figure.savefig(path)


def _brackets(axes: Axes, entries: Sequence[dict[str, float]]) -> None:
    """Draw intervals with a mark at the lower end; an arrow where one has no end."""
    for x, entry in enumerate(entries):
        low, high = entry["lower"], entry["upper"]
        if not math.isfinite(low):
            continue
        axes.plot(x, low, "_", color=VERMILLION, ms=12, mew=2)
        if math.isfinite(high):
            axes.plot([x, x], [low, high], color=VERMILLION, lw=4)
        else:
            axes.plot(x, low, marker=10, color=VERMILLION, ms=9)


def _overlaps(axes: Axes, entries: Sequence[dict[str, float] | None]) -> None:
    for x, entry in enumerate(entries):
        if entry is not None:
            axes.plot([x, x], [entry["lower"], entry["upper"]], color=BLUE, lw=4)
            axes.plot(x, entry["value"], "o", color=BLUE, ms=4)
    axes.set_ylim(-0.05, 1.05)
