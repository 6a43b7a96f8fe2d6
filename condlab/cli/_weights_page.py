"""What `condlab weights` shows: tables, records and a figure of spectra."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from condlab.cli import _text
from condlab.errors import missing_extra
from condlab.types import ConditionEstimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from condlab.nn import LayerRow, LayerTable

LEFT_OUT = 12  # tensors whose reasons are printed; --json has all
PANELS = 240  # layers drawn
ACROSS = 6
_SCALINGS = ("row", "column", "row-column")


def page(found: Mapping[str, LayerTable]) -> str:
    """Return a table and a summary for each network."""
    return "\n\n".join(_one(name, table) for name, table in found.items())


def _one(name: str, table: LayerTable) -> str:
    scalings = [key for key in _SCALINGS if any(key in row.scaled for row in table)]
    best = any(row.best for row in table)
    header = ["layer", "shape", "dtype", "kappa_2", "certainly in", "rank"]
    header += ["sigma_max", "stable rank", "GMCN", "rows x", "columns x", *scalings]
    header += ["best rows"] * bool(scalings) + ["certified best"] * best
    rows = [_cells(row, scalings, best) for row in table]
    for row in rows:
        row += [""] * (len(header) - len(row))
    right = {3, *range(5, 11 + len(scalings))}
    notes = [_text.wrapped(note) for note in (table.summary(), *_left(table))]
    legend = (
        "rows x, columns x: the longest over the shortest; row, column, row-column: "
        "kappa_2 after that scaling; best rows: where the best of row scaling "
        "certainly is (van der Sluis 1969)"
    )
    return "\n".join(
        [name, "", _text.table(header, rows, right), "", *notes, _text.wrapped(legend)]
    )


def _cells(row: LayerRow, scalings: list[str], best: bool) -> list[str]:
    cells = [
        row.name,
        f"{row.shape[0]} x {row.shape[1]}",
        row.dtype,
        _text.number(row.kappa.value),
        _text.bracket(row.kappa.lower, row.kappa.upper),
        str(row.rank),
        _text.number(row.sigma_max),
        _text.number(row.stable_rank),
        _text.number(row.gmcn),
        _text.number(row.row_spread),
        _text.number(row.column_spread),
    ]
    for key in scalings:
        cells.append(_text.number(row.scaled[key].value) if row.scaled else "")
    ends = [row.best_rows] * bool(scalings) + [row.best] * best
    return cells + [_text.bracket(e.lower, e.upper) if e else "" for e in ends]


def _left(table: LayerTable) -> list[str]:
    left = list(table.left_out.items())
    notes = [f"left out: {name} {why}" for name, why in left[:LEFT_OUT]]
    if len(left) > LEFT_OUT:
        notes.append(f"left out: {len(left) - LEFT_OUT} more (--json has them all)")
    return notes


def comparison(found: Mapping[str, LayerTable]) -> str:
    """Return kappa of the layers that two networks share, and what they do not."""
    (name, before), (other, after) = found.items()
    theirs = {row.name: row for row in after}
    named = [(row, theirs[row.name]) for row in before if row.name in theirs]
    shared = [(a, b) for a, b in named if a.shape == b.shape]
    if not shared:
        what = "matrices of one shape and name" if named else "names of tensors"
        raise ValueError(f"{name} and {other} share no {what}")
    rows = [
        [
            a.name,
            f"{a.shape[0]} x {a.shape[1]}",
            _text.number(a.kappa.value),
            _text.number(b.kappa.value),
            _ratio(a.kappa, b.kappa),
            _verdict(a.kappa, b.kappa),
            _text.number(b.sigma_max / a.sigma_max if a.sigma_max else math.nan),
        ]
        for a, b in shared
    ]
    header = ["layer", "shape", "kappa of A", "of B", "B/A", "certainly", "sigma_max"]
    counts = [sum(r[5] == word for r in rows) for word in ("higher", "lower")]
    only = (len(before) - len(named), len(after) - len(named))
    notes = [
        f"kappa_2 of B is certainly higher in {counts[0]} of {len(rows)} and lower in "
        f"{counts[1]}; sigma_max is that of B over that of A"
    ]
    if any(only):
        notes.append(f"in A alone {only[0]} matrices, in B alone {only[1]}")
    if len(named) > len(shared):
        a, b = next((a, b) for a, b in named if a.shape != b.shape)
        notes.append(
            f"not compared: {len(named) - len(shared)} of another shape, as {a.name}, "
            f"{a.shape[0]} x {a.shape[1]} in A and {b.shape[0]} x {b.shape[1]} in B"
        )
    table = _text.table(header, rows, {2, 3, 4, 6})
    said = "\n".join(map(_text.wrapped, notes))
    return f"A: {name}\nB: {other}\n\n{table}\n\n{said}"


def _ratio(a: ConditionEstimate, b: ConditionEstimate) -> str:
    both = math.isfinite(a.value) and math.isfinite(b.value)
    return _text.number(b.value / a.value if both else math.nan)


def _verdict(a: ConditionEstimate, b: ConditionEstimate) -> str:
    return "higher" if b.lower > a.upper else "lower" if b.upper < a.lower else "-"


def record(name: str, table: LayerTable) -> dict[str, object]:
    """Return what is known of a network for machines."""
    return {
        "source": name,
        **table.to_dict(),
        "summary": {
            key: dict(zip(("fell", "rose", "of", "median_ratio"), count, strict=True))
            for key in _SCALINGS
            if (count := table.helped(key))[2]
        },
    }


def require_matplotlib() -> None:
    """Raise, and say which extra to install, where figures cannot be drawn."""
    try:
        import matplotlib as mpl  # noqa: F401
    except ModuleNotFoundError as error:  # pragma: no cover
        raise missing_extra("matplotlib", "figures", "--figure") from error


def draw(found: Mapping[str, LayerTable], path: Path) -> None:
    """Draw the singular values of each layer over the largest, one panel a layer."""
    from matplotlib.figure import Figure

    named: dict[str, list[LayerRow]] = {}
    for table in found.values():
        for row in table:
            named.setdefault(row.name, []).append(row)
    panels = list(named.items())[:PANELS]
    across = min(ACROSS, len(panels))
    down = math.ceil(len(panels) / across)
    figure = Figure((2.1 * across + 0.6, 1.7 * down + 0.8), layout="constrained")
    axes = figure.subplots(down, across, squeeze=False, sharey=True).ravel()
    for axis, (name, rows) in zip(axes, panels, strict=False):
        for row in rows:
            _curve(axis, row)
        kappas = " → ".join(_text.number(row.kappa.value, 3) for row in rows[:2])
        axis.set_title(f"{_short(name)}\nκ {kappas}", fontsize=7)
        axis.tick_params(labelsize=6)
        axis.grid(alpha=0.25, linewidth=0.5)
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    figure.supylabel("σ / σ₁", fontsize=8)
    figure.supxlabel("index over the number of singular values", fontsize=8)
    if len(found) > 1:
        handles = axes[0].get_lines()
        figure.legend(
            handles, list(found)[: len(handles)], fontsize=7, loc="outside upper center"
        )
    figure.savefig(path, dpi=150)


def _curve(axis: Axes, row: LayerRow) -> None:
    sigma = row.sigma / row.sigma_max if row.sigma_max else row.sigma
    seen = np.maximum(sigma, 1e-17)  # a zero stays on the logarithmic axis
    places = (np.arange(len(sigma)) + 0.5) / len(sigma)
    marker = "." if len(sigma) < 12 else None
    axis.semilogy(places, seen, linewidth=1.2, marker=marker, markersize=3)
    axis.set_xlim(0, 1)


def _short(name: str) -> str:
    return name if len(name) <= 26 else f"…{name[-25:]}"
