"""Write docs/performance.md from the records in results/.

python -m benchmarks.performance_page
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from benchmarks.pages.performance import CURVES, ROWS, Curve, Record, Row
from condlab.machine.files import replace_text

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "performance.md"
HEAD = """# Performance

Written by `python -m benchmarks.performance_page` from the records of `benchmarks/`.
Each has condlab and its peers take turns, in one run, on one thread of two; times are
medians. The ratio is to what is in bold: a peer, or the floor, below which no method
gets. Targets are of the ratio, or of the time where nothing is bold. What is large
(`large.json`) has a process of its own, one after the other: a product is the least of
three, the rest single runs."""
MISSES: Mapping[str, str] = {  # what is known of a miss, by how its work begins
    "scaling, dense": "the floor is two passes over memory, one to read the norms and "
    "one to write; where copies are fast these take more copies than was aimed at, and "
    "norms and product of blocks of rows in cache take no less with NumPy.",
    "ruiz_scaling": "each sweep fetches two multipliers an entry, one of them at "
    "random places, which is slow where copies are fast; SciPy's time for the same "
    "sweeps is beside it.",
    "condlab report": "the matrices take 35 processor seconds, of which two take 23, "
    "and drawing 12 to 15, in one process while the other core waits; the rest is the "
    "search.",
    "scaling, csr, 10^6 rows of 5, rows": "norms and reciprocals take 1.1 copies, the "
    "product with repeated multipliers into new memory 1, the pattern's copy 0.6; "
    "SciPy's own loops in C take 0.4 for the sums and 1.3 for the other two.",
    "scaling, csr, 10^6 rows of 5, columns": "each entry is added to a sum and fetches "
    "a multiplier at random places, which with the copy takes SciPy's own loops in C "
    "0.34 to 0.44 of scikit-learn's time; NumPy's bincount and fancy indexing take no "
    "less than what is used.",
    "cond, p = fro": "the bracket takes the residual of the inverse, in two norms; "
    "NumPy's number has none.",
    "50 Lanczos steps": "half are products, an eighth the one pass of Gram-Schmidt "
    "against the whole basis that leaves no ghosts, a fifth the Ritz pairs' residuals "
    "and the least singular value of the images; curvlinops makes none of the last.",
    "Hessian product, MLP": "the same products of matrices in the same order; what is "
    "ours is the copy of the result into one vector, 0.1 of 11 ms.",
    "estimate_cond_2, Laplacian": "SuperLU's factorisation alone takes 7 s, whatever "
    "its panels, and is most of what the target allows; 17 solves take 2, "
    "the orthogonal vectors 3. Half needs another factorisation, such as a supernodal "
    "Cholesky's.",
    "cond_2 with a proven bracket": "6.3 n³ operations of proof beside LAPACK's "
    "singular values: Gram matrices, a QR, the inverse of its triangle, the "
    "product with that, Cholesky factors.",
    "a conditioned training step": "two runs of one step differ by up to 4 %.",
    "memory of that step": "effective weights are computed again in backward where "
    "that is little beside the layer's work; other layers keep theirs.",
    "kappa of a Hessian": "half is one factorisation L D L' by LAPACK, at two thirds "
    "of the speed of a matrix product, a fifth 42 solves, a sixth the assembly.",
}


def read(folder: Path = HERE / "results") -> dict[str, Record]:
    """Return the records that the page is of."""
    paths = {name: folder / f"{name}.json" for name in sorted({*ROWS, *CURVES})}
    return {name: json.loads(path.read_text("utf-8")) for name, path in paths.items()}


def page(records: Mapping[str, Record]) -> str:
    """Return the whole page in Markdown."""
    rows = [
        row for name in ROWS if name in records for row in ROWS[name](records[name])
    ]
    curves = [
        c for name in CURVES if name in records for c in CURVES[name](records[name])
    ]
    parts = (HEAD, of_rows(rows), of_misses(rows), of_curves(curves), of_runs(records))
    return "\n\n".join(parts) + "\n"


def table(head: str, lines: Iterable[str]) -> str:
    rule = "|".join("---" for _ in head.split(" | "))
    return "\n".join([f"| {head} |", f"|{rule}|", *(f"| {line} |" for line in lines)])


def of_rows(rows: Iterable[Row]) -> str:
    lines = []
    for row in rows:
        others = {**dict([row.floor] if row.floor else []), **row.peers}
        shown = [
            f"**{name}** {amount(value, row.unit)}"
            if name == row.over
            else f"{name} {amount(value, row.unit)}"
            for name, value in others.items()
        ]
        ratio = "" if row.over is None else number(row.measured)
        target = "" if row.target is None else number(row.target)
        target += f" {row.unit}" if target and row.over is None else ""
        own = amount(row.condlab, row.unit)
        verdict = "" if row.target is None else "missed" if row.is_missed else "met"
        lines.append(
            f"{row.work} | {own} | {'; '.join(shown)} | {ratio} | {target} | {verdict}"
        )
    return table("work | condlab | floor and peers | ratio | target | ", lines)


def amount(value: float | str, unit: str) -> str:
    """Return a time in its natural unit, a size in megabytes, words as they are."""
    if isinstance(value, str):
        return value
    if unit != "s":
        return f"{value:.0f} {unit}"
    return f"{number(1e3 * value)} ms" if value < 1 else f"{number(value)} s"


def number(value: float) -> str:
    return f"{value:.0f}" if value >= 1000 else f"{value:.3g}"


def of_misses(rows: Iterable[Row]) -> str:
    aimed = [row for row in rows if row.target is not None]
    missed = [row for row in aimed if row.is_missed]
    lines = []
    for row in missed:
        unit = f" {row.unit}" if row.over is None else ""
        by = f"{number(row.measured)}{unit}, aimed at {number(row.target or 0)}{unit}"
        why = [text for start, text in MISSES.items() if row.work.startswith(start)]
        lines.append(f"- {row.work}: {by}{'; ' if why else '.'}{''.join(why)}")
    said = f"{len(missed)} of {len(aimed)} targets are missed{':' if missed else '.'}"
    return "\n".join(["## What is missed", "", said, *([""] if lines else []), *lines])


def of_curves(curves: Iterable[Curve]) -> str:
    lines = [
        f"{curve.work} | {curve.size} = {curve.sizes[0]:,} to {curve.sizes[-1]:,} | "
        f"{amount(curve.seconds[0], 's')} to {amount(curve.seconds[-1], 's')} | "
        f"{curve.exponent():.2f} | {curve.last_exponent():.2f}"
        for curve in curves
    ]
    said = (
        "The exponent is the slope of log time against log size, by least squares over "
        "all sizes,\nand between the last two, where fixed costs count least."
    )
    head = "work | sizes | time | exponent | between the last two"
    return f"## How it grows\n\n{said}\n\n{table(head, lines)}"


def of_runs(records: Mapping[str, Record]) -> str:
    lines = []
    for name, record in records.items():
        machine = record.get("machine", {})
        found = record.get("versions") or record.get("environment", {})
        versions = [
            f"{package} {version}"
            for package, version in found.items()
            if isinstance(version, str) and version[:1].isdigit()
        ]
        load = machine.get("load")
        load = "not recorded" if load is None else f"{load:.1f}"
        lines.append(f"`{name}.json` | {', '.join(versions)} | {load}")
    said = (
        "Load is the mean number of processes that wanted one of the two cores when\n"
        "the benchmark began; above 1 it ran beside other work, and its ratios are\n"
        "better evidence than its times."
    )
    head = "record | versions | load"
    return f"## The runs\n\n{said}\n\n{table(head, lines)}"


if __name__ == "__main__":
    replace_text(PAGE, page(read()))
    print(PAGE)
