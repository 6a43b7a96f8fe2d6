"""The page that says what is known of one Hessian."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from condlab.cli import _text

_ENDS = {
    "lambda_max": "largest eigenvalue",
    "lambda_min": "smallest eigenvalue",
    "abs_min": "smallest |eigenvalue|",
}


def page(record: dict[str, Any], figure: Path | None) -> str:
    """Return a table of what is certain, and notes."""
    rows = [_row(name, record[key]) for key, name in _ENDS.items()]
    rows += [_row("kappa", record["kappa"])]
    rows += [_row("kappa off null directions", record["kappa_nonnull"])]
    rows += [
        _row(f"kappa at {100 * float(q):g} %", e)
        for q, e in record["quantiles"].items()
    ]
    if record["gauss_newton"] is not None:
        rows += [
            _row("Gauss-Newton, off nulls", record["gauss_newton"]["kappa_nonnull"])
        ]
    table = _text.table(["quantity", "value", "certainly in"], rows, {1})
    notes = [_text.wrapped(note) for note in _notes(record)]
    if figure is not None:
        notes.append(f"wrote {figure}")
    return "\n".join([_text.wrapped(head(record)), "", table, "", *notes])


def head(record: dict[str, Any]) -> str:
    """Return what a matrix is of."""
    what = f"{record['model']}: {record['parameters']} parameters, {record['dtype']}"
    where = "" if record["device"] == "cpu" else f" on {record['device']}"
    return f"{what}{where}, {record['gauge']} gauge, {record['backend']}"


def _row(name: str, entry: dict[str, Any]) -> list[str]:
    value = entry.get("value")
    return [
        name,
        "" if value is None else _text.number(value),
        _text.bracket(entry["lower"], entry["upper"]),
    ]


def _notes(record: dict[str, Any]) -> list[str]:
    sources = ", ".join(f"{k} {s}" for s, k in record["null_sources"].items() if k)
    notes = [f"null directions: {record['nullity']}" + (sources and f" ({sources})")]
    signs = record["inertia"]
    counts = [
        f"{_count(*signs[key])} {key}" for key in ("negative", "zero", "positive")
    ]
    notes.append(f"signs: {', '.join(counts)}")
    if record["probable"] is not None:
        top, low = record["probable"]["lambda_max"], record["probable"]["lambda_min"]
        ends = (low["lower"], top["upper"])
        if all(map(math.isfinite, ends)):
            notes.append(
                f"all eigenvalues are within {_text.bracket(*ends)}, "
                f"except with probability {record['probable']['failure']:g}"
            )
    if record["probably_below"] < record["kappa_nonnull"]["upper"]:
        most = _text.bracket(1.0, record["probably_below"]).split()[-1]
        notes.append(
            f"kappa off null directions is below {most}, "
            f"except with probability {2 * record['probable']['failure']:g}"
        )
    if record["no_gauss_newton"] is not None:
        notes.append(f"no Gauss-Newton matrix: {record['no_gauss_newton']}")
    if record["sharpness"] is not None:
        edge = _text.number(record["sharpness"]["two_over_lr"])
        notes.append(
            f"sharpness against 2/lr = {edge}: {record['sharpness']['verdict']}"
        )
    if record["noisy"] is not None:
        notes.append(record["noisy"])
    notes.append(
        f"noise of the product {record['noise']:.1e}; {record['products']} products; "
        f"{record['method']}"
    )
    return notes


def _count(low: int, high: int) -> str:
    return str(low) if low == high else f"{low} to {high}"
