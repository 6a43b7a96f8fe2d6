"""What benchmarks/literature.py found, as a part of docs/results.md."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

import numpy as np

from condlab.machine.files import replace_text

PAGE = Path(__file__).parents[2] / "docs" / "results.md"
MARKS = ("<!-- literature:begin -->", "<!-- literature:end -->")


class Certified(TypedDict):
    """What is certain of the best scaling, and the processor seconds it took."""

    lower: float
    upper: float
    gap: float
    seconds: float
    method: str


class OneSided(Certified):
    """A row of tables 1 and 3: published is by how many percent kappa fell."""

    order: int
    kappa: float
    jacobi: float
    published: float
    their_seconds: float | None


class TwoSided(Certified):
    """A row of tables 6 and 8; steps of LSQR are balanced, and with the best."""

    order: int
    published: float
    their_seconds: float | None
    their_steps: list[int]
    steps: list[int]


class Gradients(Certified):
    """A row of tables 9 and 10, each without and with Jacobi's scaling."""

    order: int
    kappas: list[float]
    published: list[float]
    steps: list[int]


Literature = TypedDict(
    "Literature",
    {
        "machine": dict[str, object],
        "one side": dict[str, OneSided],
        "two sides": dict[str, TwoSided],
        "gradients": dict[str, Gradients],
    },
)


def write_page(record: Literature) -> None:
    """Rewrite what stands between the marks."""
    text = PAGE.read_text(encoding="utf-8")
    head, _, rest = text.partition(MARKS[0])
    tail = rest.partition(MARKS[1])[2]
    if not tail:
        raise SystemExit(f"{PAGE} needs the lines {MARKS[0]} and {MARKS[1]}")
    replace_text(PAGE, f"{head}{MARKS[0]}\n{page(record)}\n{MARKS[1]}{tail}")


def table(head: str, lines: list[str]) -> str:
    rule = "|".join("---" for _ in head.split(" | "))
    return "\n".join([f"| {head} |", f"|{rule}|", *(f"| {line} |" for line in lines)])


def page(record: Literature) -> str:
    """Return the three tables in Markdown."""
    parts = (
        of_one_side(record["one side"]),
        of_two_sides(record["two sides"]),
        of_gradients(record["gradients"]),
    )
    return "\n\n".join(parts)


def seconds_of(row: OneSided | TwoSided) -> str:
    theirs = row["their_seconds"]
    return f"{row['seconds']:.2g} | {'' if theirs is None else f'{theirs:.3g}'}"


def of_one_side(rows: dict[str, OneSided]) -> str:
    head = (
        "D A D | n | Jacobi's | condlab's | certainly at most | published | gap | "
        "seconds | theirs"
    )
    lines = []
    for name, row in rows.items():
        falls = [
            f"{100 * (1 - kappa / row['kappa']):.4g} %"
            for kappa in (row["jacobi"], row["upper"], row["lower"])
        ]
        start = f"{name} | {row['order']} | {' | '.join(falls)}"
        lines.append(
            f"{start} | {row['published']} % | {row['gap']:.1e} | {seconds_of(row)}"
        )
    said = "By how much the best scaling lowers kappa_2 (published to two digits):"
    return f"{said}\n\n{table(head, lines)}"


def of_two_sides(rows: dict[str, TwoSided]) -> str:
    head = (
        "D₁ A D₂ | n | kappa_2 | certainly at least | gap | published | seconds | "
        "theirs | LSQR, balanced | LSQR, best"
    )
    lines = [
        f"{name} | {row['order']} | {row['upper']:.5g} | {row['lower']:.5g} | "
        f"{row['gap']:.1e} | {row['published']:.5g} | {seconds_of(row)} | "
        f"{row['steps'][0]} | {row['steps'][1]}"
        for name, row in rows.items()
    ]
    times = [np.log(row["published"] / row["upper"]) for row in rows.values()]
    factor = float(np.exp(np.mean(times)))
    ours = sum(row["seconds"] for row in rows.values())
    theirs = sum(row["their_seconds"] or 0.0 for row in rows.values())
    said = (
        f"The published kappa_2 is {factor:.2g} times condlab's in geometric mean; the "
        f"{len(rows)} took {ours:.0f} s, theirs {theirs:.0f} s. A smaller kappa_2 is "
        "not fewer steps: LSQR's columns are with the 2-norms of rows and columns "
        "balanced, and with the best scaling."
    )
    return f"{said}\n\n{table(head, lines)}"


def of_gradients(rows: dict[str, Gradients]) -> str:
    head = (
        "n | kappa_2 | best, certainly at least | Jacobi raises it by | published | "
        "CG | with Jacobi | fewer by | published"
    )
    lines = []
    for row in rows.values():
        (before, after), (plain, scaled) = row["kappas"], row["steps"]
        lines.append(
            f"{row['order']} | {before:.4g} | {row['lower']:.4g} | "
            f"{after / before:.2f} | {row['published'][0]} | {plain} | {scaled} | "
            f"{plain / scaled:.1f} | {row['published'][1]}"
        )
    said = (
        "Matrices made so that no diagonal scaling lowers kappa_2: Jacobi's raises it, "
        "and conjugate gradients take a fraction of the steps. Whoever scales for a "
        "solver wants steps, not kappa_2."
    )
    return f"{said}\n\n{table(head, lines)}"
