"""What is printed of a Hessian: a row a quantity, and what is not certain in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from condlab.display.digits import bracket, shown
from condlab.display.tables import as_html

if TYPE_CHECKING:
    from collections.abc import Iterable

    from condlab.curvature.condition_number import HessianCondition
    from condlab.curvature.examination import Examination
    from condlab.types import Bracket, ConditionEstimate

HEAD = ("quantity", "value", "certainly in")
Row = tuple[str, str, str]


def html(rows: Iterable[Row], notes: Iterable[str]) -> str:
    """Return what a notebook shows."""
    return as_html([HEAD, *rows], notes)


def condition_rows(found: HessianCondition) -> list[Row]:
    """Return a row for each number of a condition."""
    ends = {
        "largest eigenvalue": found.lambda_max,
        "smallest eigenvalue": found.lambda_min,
        "smallest |eigenvalue|": found.abs_min,
    }
    kappas = {"kappa": found.kappa, "kappa off null directions": found.kappa_nonnull}
    kappas |= {f"kappa at {100 * q:g} %": e for q, e in found.quantiles.items()}
    rows = [end_row(*item) for item in ends.items()]
    return rows + [kappa_row(*item) for item in kappas.items()]


def condition_notes(found: HessianCondition) -> list[str]:
    """Return null directions, signs, and what holds but for a probability."""
    sources = ", ".join(f"{k} {s}" for s, k in found.null_sources.items() if k)
    notes = [f"null directions: {found.nullity}" + (sources and f" ({sources})")]
    signs = found.inertia.to_dict()
    counts = (f"{_count(*ends)} {sign}" for sign, ends in signs.items())
    notes.append(f"signs: {', '.join(counts)}")
    if found.probable is None:
        return notes
    ends = (found.probable.lambda_min.lower, found.probable.lambda_max.upper)
    if all(map(math.isfinite, ends)):
        notes.append(
            f"all eigenvalues are within {bracket(*ends)}, "
            f"except with probability {found.probable.failure:g}"
        )
    if found.probably_below < found.kappa_nonnull.upper:
        most = bracket(1.0, found.probably_below).split()[-1]
        notes.append(
            f"kappa off null directions is below {most}, "
            f"except with probability {2 * found.probable.failure:g}"
        )
    return notes


def how(found: HessianCondition) -> str:
    """Return what a condition rests on."""
    return (
        f"noise of the product {found.noise:.1e}; {found.products} products; "
        f"{found.method}"
    )


def title(found: Examination) -> str:
    """Return what the Hessian is of."""
    H = found.operator
    what = f"{H.shape[0]} parameters, {str(H.dtype).removeprefix('torch.')}"
    where = "" if H.device.type == "cpu" else f" on {H.device}"
    return f"{what}{where}, {found.condition.gauge} gauge, {H.backend}"


def examination_rows(found: Examination) -> list[Row]:
    """Return the rows of a condition, and of the Gauss-Newton matrix."""
    rows = condition_rows(found.condition)
    if found.gauss_newton is not None:
        nonnull = found.gauss_newton.kappa_nonnull
        rows.append(kappa_row("Gauss-Newton, off nulls", nonnull))
    return rows


def examination_notes(found: Examination, sharpness: str = "") -> list[str]:
    """Return the notes of a condition, and why more is not known."""
    notes = condition_notes(found.condition)
    if found.no_gauss_newton is not None:
        notes.append(f"no Gauss-Newton matrix: {found.no_gauss_newton}")
    rest = (sharpness, found.noisy, how(found.condition))
    return [*notes, *filter(None, rest)]


def end_row(name: str, end: Bracket) -> Row:
    """Return the row of a number of which only a bracket is known."""
    return name, "", bracket(end.lower, end.upper)


def kappa_row(name: str, kappa: ConditionEstimate) -> Row:
    """Return the row of a condition number."""
    value = "-" if math.isnan(kappa.value) else shown(kappa)
    return name, value, bracket(kappa.lower, kappa.upper)


def _count(low: int, high: int) -> str:
    return str(low) if low == high else f"{low} to {high}"
