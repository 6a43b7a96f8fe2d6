"""The page and the JSON of `condlab scale`."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict

import numpy as np

from condlab._scaling_rows import ScalingComparison, ScalingRow
from condlab.cli import _kappa, _sources, _text
from condlab.types import Array, Norm

KINDS = {"left": "D A", "right": "A D", "both": "D1 A D2", "symmetric": "D A D"}


class MatrixRecord(TypedDict):
    """What is known of a matrix, for machines."""

    source: str
    shape: tuple[int, int]
    p: Norm
    scalings: list[dict[str, object]]
    notes: list[str]


def page(
    args: argparse.Namespace,
    source: str,
    A: Array,
    rows: Sequence[ScalingRow],
    notes: list[str],
) -> str:
    """Return the table, and what it says in words."""
    name = _kappa.symbol(_kappa.OPERATOR_NORMS[args.cond])
    header = ("scaling", name, "certainly in", "best of its kind", "within")
    cells = [
        (
            row.name,
            _text.shown(row.kappa),
            _text.bracket(row.kappa.lower, row.kappa.upper),
            _text.bracket(row.best.lower, row.best.upper) if row.best else "",
            _text.excess(row.within) if row.best else "",
        )
        for row in rows
    ]
    conclusions = [_conclusion(row, name) for row in rows if row.within < math.inf]
    return "\n".join(
        [
            _sources.describe(source, A),
            "",
            _text.table(header, cells, {1, 4}),
            "",
            *(_text.wrapped(line) for line in [*conclusions, *notes]),
        ]
    ).rstrip()


def _conclusion(row: ScalingRow, name: str) -> str:
    """Say in words what the bracket of the best scaling means."""
    assert row.best is not None  # within would not be a number
    why = "" if row.stopped in ("", "within rtol") else f"; stopped by {row.stopped}"
    return (
        f"{row.name}: within {_text.excess(row.within)} of the best "
        f"{KINDS[row.side]}; none has {name} below {_text.floor(row.best.lower)}{why}"
    )


def record(
    args: argparse.Namespace,
    source: str,
    A: Array,
    rows: Sequence[ScalingRow],
    notes: list[str],
) -> MatrixRecord:
    """Return what the page says and the multipliers, for machines."""
    return {
        "source": source,
        "shape": A.shape,
        "p": _kappa.OPERATOR_NORMS[args.cond],
        "scalings": [
            {
                **row.to_dict(),
                "left_spread": _spread(row.scaling.left),
                "right_spread": _spread(row.scaling.right),
                "left": row.scaling.left,
                "right": row.scaling.right,
            }
            for row in rows
        ],
        "notes": notes,
    }


def table(records: Sequence[MatrixRecord]) -> list[dict[str, object]]:
    """Return a row a matrix and scaling, without the multipliers."""
    return [
        {"source": each["source"], "m": each["shape"][0], "n": each["shape"][1]}
        | {"p": each["p"]}
        | {key: row[key] for key in row if key not in ("left", "right")}
        for each in records
        for row in each["scalings"]
    ]


def draw(found: Mapping[str, ScalingComparison], path: Path) -> None:
    """Draw the condition numbers of each matrix before and after scaling."""
    from matplotlib.figure import Figure

    from condlab import plots
    from condlab.plots.style import WIDTH, style

    with style():
        size = (WIDTH, 1.4 + 0.5 * len(found))
        figure = Figure(figsize=size, layout="constrained")
        plots.scalings(found, figure.subplots())
        figure.savefig(path)


def _spread(multipliers: np.ndarray | None) -> float:
    """Return the largest multiplier over the smallest."""
    return 1.0 if multipliers is None else float(multipliers.max() / multipliers.min())
