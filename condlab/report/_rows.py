"""The rows of the tables of the report."""

from __future__ import annotations

import math
from collections.abc import Sequence

from condlab.report import _markup as markup
from condlab.report._json import as_float
from condlab.report.instances import parts
from condlab.report.summary import evidence, outcome, ratio, source
from condlab.types import Record

VERDICTS = ("key", "claim", "source", "verdict", "largest lhs / rhs", "evidence")
SCALED = {
    "row": ("rows", "left"),
    "column": ("columns", "right"),
    "jacobi": ("Jacobi", "symmetric"),
    "row-column": ("rows, then columns", "both"),
    "ruiz": ("Ruiz", "both"),
}
CERTAIN = 5e-5  # relative width of a bracket that four printed digits hide


def verdict_row(entry: Record) -> str:
    """Return the table row of a theorem."""
    found = outcome(entry)
    order = -1.0 if math.isnan(ratio(entry)) else ratio(entry)
    note = entry["note"] and f'<p class="note">{markup.text(entry["note"])}</p>'
    latex = entry["latex"] and f"<p>{markup.formula(entry['latex'])}</p>"
    return (
        f'<tr data-verdict="{found}" data-key="{markup.text(entry["key"])}">'
        f'<th scope="row"><code>{_breakable(entry["key"])}</code></th>'
        f"<td><p>{markup.text(entry['statement'])}</p>{latex}{note}</td>"
        f"<td>{markup.text(source(entry))}</td>"
        f'<td><span class="verdict {found}">{found}</span></td>'
        f'<td data-sort="{order!r}">{_margin(entry)}</td>'
        f"<td>{_evidence(entry)}</td></tr>"
    )


def _breakable(key: str) -> str:
    return markup.text(key).replace("-", "-<wbr>")


def _margin(entry: Record) -> str:
    decisive = evidence(entry)
    head = "–"
    if decisive["tightness"] is not None:
        value = markup.number(_rounded_down(as_float(decisive["tightness"])))
        head = f"<b>{value}</b> at size {decisive['size']}"
    cells = "".join(_cell(verdict) for verdict in entry["verdicts"])
    return f'{head}<span class="strip">{cells}</span>'


def _rounded_down(x: float) -> float:
    """Keep a bound that is not attained below 1."""
    return min(x, 0.9999) if x < 1 - 1e-9 else x


def _two_digits(x: float) -> str:
    if x > 1 + 1e-9:
        return f"{max(x, 1.01):.2f}" if x < 10 else markup.number(x, 2)
    return "1" if x >= 1 - 1e-9 else f"{math.floor(100 * x) / 100:g}"


def _cell(verdict: Record) -> str:
    size = verdict["size"]
    if verdict["examples"] == 0:
        return f'<span class="none" title="size {size}: no instance">·</span>'
    tightness = as_float(verdict["tightness"])
    known = not math.isnan(tightness)
    shade = f' style="--t:{max(0.0, min(tightness, 1.0)):.3f}"' if known else ""
    shown = _two_digits(tightness) if known else "–"
    words = f"size {size}: {verdict['outcome']}, {verdict['examples']} instances"
    return f'<span class="{verdict["outcome"]}"{shade} title="{words}">{shown}</span>'


def _evidence(entry: Record) -> str:
    tried = sum(verdict["examples"] for verdict in entry["verdicts"])
    if outcome(entry) == "holds":
        return f"survived {tried} instances"
    decisive = evidence(entry)
    if decisive["counterexample"] is None:
        return "no instance was tried"
    found = parts(decisive["counterexample"], entry["parts"])
    relation = "&gt;" if outcome(entry) == "falsified" else "against"
    left, right = (markup.number(decisive[side], 6) for side in ("lhs", "rhs"))
    sides = f"lhs {left} {relation} rhs {right}"
    rounded = ""
    if any(part.rounded for part in found):
        rounded = '<p class="note">Entries rounded here, exact in the records.</p>'
    return (
        f"<p>{markup.instance(found)}</p><p>{sides}</p>{rounded}"
        f'<p class="note">{_certificate(entry, decisive)}</p>'
    )


def _certificate(entry: Record, decisive: Record) -> str:
    if decisive["certificate"]:
        return f"Certified: {markup.text(decisive['certificate'])}."
    if outcome(entry) == "falsified":
        return "Not certified: the theorem has no confirmation."
    return "Within rounding, or not confirmed: no counterexample, and no clean record."


def matrix_row(entry: Record) -> str:
    """Return the table row of a matrix."""
    name = f'<th scope="row">{markup.text(entry["name"])}</th>'
    if "missing" in entry:
        words = f"not loaded: {markup.text(entry['missing'])}"
        return f'<tr>{name}<td colspan="{4 + len(SCALED)}">{words}</td></tr>'
    shape = "{}&nbsp;×&nbsp;{}".format(*entry["shape"])
    about = f'{markup.text(entry["description"])} <span class="note">'
    about += f"{markup.text(entry['source'])}</span>"
    cells = "".join(_scaled(entry, key) for key in SCALED)
    return (
        f"<tr>{name}<td>{about}</td>"
        f'<td data-sort="{entry["shape"][0] * entry["shape"][1]}">{shape}'
        f'<br><span class="note">{entry["nnz"]} nonzeros</span></td>'
        f"<td>{entry['rank']}</td>"
        f'<td data-sort="{as_float(entry["kappa_2"]["value"])!r}">'
        f"{_kappa(entry['kappa_2'])}</td>{cells}</tr>"
    )


def _kappa(kappa: Record) -> str:
    low, high = as_float(kappa["lower"]), as_float(kappa["upper"])
    value = f"<b>{markup.number(kappa['value'])}</b>"
    if high - low <= CERTAIN * low:
        return value
    ends = f"[{markup.number(kappa['lower'])}, {markup.number(kappa['upper'])}]"
    return f'{value}<br><span class="note">certainly in {ends}</span>'


def _scaled(entry: Record, name: str) -> str:
    kappa = entry["scaled"][name]
    if kappa is None:
        return '<td data-sort="inf">–</td>'
    words = ""
    bracket = entry["optima"].get(SCALED[name][1])
    if bracket and "within" in kappa:
        ends = f"[{markup.number(bracket['lower'])}, {markup.number(bracket['upper'])}]"
        words = (
            f'<br><span class="note">within {markup.number(kappa["within"], 3)} '
            f"of the best, in {ends}</span>"
        )
    elif bracket and as_float(bracket["lower"]) == math.inf:
        words = '<br><span class="note">no scaling helps</span>'
    return f'<td data-sort="{as_float(kappa["value"])!r}">{_kappa(kappa)}{words}</td>'


def plain_row(cells: Sequence[str]) -> str:
    """Return the table row of words, the first of which name it."""
    name, *rest = (markup.text(cell) for cell in cells)
    row = "".join(f"<td>{cell}</td>" for cell in rest)
    return f'<tr><th scope="row">{name}</th>{row}</tr>'
