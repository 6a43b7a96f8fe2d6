"""`condlab scale`: what each diagonal scaling does to the condition number."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import condlab
from condlab import _arrays
from condlab.cli import _kappa, _sources, _text
from condlab.cli._scale_page import KINDS, Row, page, record
from condlab.io import require_fits, require_writable, write_matrix
from condlab.types import Bracket, Scaling

_SIDES: dict[str, Literal["left", "right", "both", "symmetric"]] = {
    "row": "left",
    "column": "right",
    "row-column": "both",
    "ruiz": "both",
    "jacobi": "symmetric",
}
METHODS = ("row", "column", "row-column", "ruiz", "jacobi")
OPTIMAL = "optimal"


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "scale",
        help="scale a matrix and compare condition numbers",
        description="Scale the rows, the columns or both, and print the condition "
        "number before and after, beside the bracket of the best that any scaling of "
        "that kind can reach (van der Sluis 1969; for --cond 1 and inf Bauer 1963).",
    )
    _sources.add_source(parser)
    parser.add_argument(
        "--method",
        type=lambda name: name.replace("_", "-"),  # as the library spells row_column
        choices=[*METHODS, OPTIMAL, "all"],
        default="all",
        help="the scaling; optimal finds the best there is (default: all others)",
    )
    parser.add_argument(
        "--side",
        choices=list(KINDS),
        help="which scalings compete for optimal (default: left)",
    )
    parser.add_argument(
        "--rtol",
        type=float,
        metavar="GAP",
        help="the gap at which optimal stops (default: 0.005)",
    )
    parser.add_argument(
        "--time-limit",
        type=float,
        metavar="SECONDS",
        help="after which optimal gives the best so far",
    )
    parser.add_argument(
        "--p",
        choices=["1", "2", "inf"],
        help="the norm that lines are scaled to (default: 2, for ruiz inf)",
    )
    parser.add_argument(
        "--cond",
        choices=["1", "2", "inf"],
        default="2",
        help="the norm of the condition number (default: 2)",
    )
    parser.add_argument(
        "--rounding",
        choices=["power-of-two"],
        help="round the multipliers, so that scaling is exact",
    )
    parser.add_argument(
        "--strict",
        action="store_true",
        help="refuse lines of zeros, left alone otherwise",
    )
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="write the scaled matrix there"
    )
    parser.add_argument(
        "--force", action="store_true", help="let --output replace a file"
    )
    _kappa.add_accuracy(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object instead")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, progress: _text.Progress) -> str:
    """Return what the command prints, having written --output."""
    _check_output(args)
    _check_options(args)
    progress(f"reading {args.source}")
    A = _sources.load(args.source, args.array)
    if args.output:
        require_fits(args.output, A)
    estimate = _kappa.wants_estimate(A, args)
    p = _kappa.NORMS[args.cond]
    progress(f"{_kappa.symbol(p)} of {args.source}")
    none = Row("none", _kappa.kappa(A, p, estimate=estimate), Scaling())
    rows = [none]
    notes = ["estimated: --exact brackets the best scalings too"] * estimate
    for method in METHODS if args.method == "all" else (args.method,):
        progress(f"{method} scaling of {args.source}")
        try:
            if method == OPTIMAL:
                rows.append(_optimal(A, args, estimate, progress))
            else:
                rows.append(_row(A, method, args, estimate))
        except ValueError as error:  # LinAlgError is one
            if args.method != "all" or args.strict:
                raise
            notes.append(f"no {method} scaling: {error}")
    if args.output:
        write_matrix(args.output, rows[-1].scaling.apply(A), overwrite=args.force)
        notes.append(f"wrote {args.output}")
    if args.json:
        return _text.as_json(record(args, A, rows, notes))
    return page(args, A, rows, notes)


def _check_output(args: argparse.Namespace) -> None:
    if args.output is None:
        return
    if args.method == "all":
        methods = ", ".join([*METHODS, OPTIMAL])
        raise ValueError(f"--output needs one --method, from {methods}")
    try:
        require_writable(args.output, overwrite=args.force)
    except FileExistsError:
        raise FileExistsError(
            f"{args.output} exists already; choose another name, or add --force"
        ) from None


def _check_options(args: argparse.Namespace) -> None:
    if args.method == "jacobi" and args.p is not None:
        raise ValueError(
            "--p is the norm of lines scaled to one size, and jacobi scales the "
            "diagonal; leave --p out, or choose row, column, row-column or ruiz"
        )
    if args.method == OPTIMAL and args.p is not None:
        raise ValueError(
            "--p is the norm of lines scaled to one size; with --method optimal choose "
            "the norm of the condition number by --cond"
        )
    given = (args.side, args.rtol, args.time_limit) != (None, None, None)
    if given and args.method != OPTIMAL:
        raise ValueError("--side, --rtol and --time-limit need --method optimal")


def _optimal(
    A: Any, args: argparse.Namespace, estimate: bool, progress: _text.Progress
) -> Row:
    if args.strict:
        _require_no_zero_lines(A, OPTIMAL)
    p = _kappa.NORMS[args.cond]
    side: Any = args.side or "left"
    found = condlab.optimal_scaling(
        A,
        side=side,
        p=p,
        time_limit=args.time_limit,
        progress=lambda word: progress(f"optimal scaling of {args.source}: {word}"),
        **({} if args.rtol is None else {"rtol": args.rtol}),
    )
    scaling = _rounded(found.scaling, args)
    kappa = _kappa.kappa(scaling.apply(A), p, estimate=estimate)
    return Row(OPTIMAL, kappa, scaling, side, found.optimum, found.stopped)


def _row(A: Any, method: str, args: argparse.Namespace, estimate: bool) -> Row:
    scaling = _scaling(A, method, args)
    p = _kappa.NORMS[args.cond]
    kappa = _kappa.kappa(scaling.apply(A), p, estimate=estimate)
    best = None if estimate else _best(A, method, p)
    return Row(method, kappa, scaling, _SIDES[method], best)


def _scaling(A: Any, method: str, args: argparse.Namespace) -> Scaling:
    if args.strict:
        _require_no_zero_lines(A, method)
    options = {} if args.p is None else {"p": _kappa.NORMS[args.p]}
    once: dict[str, Callable[..., Scaling]] = {
        "row": condlab.row_scaling,
        "column": condlab.column_scaling,
        "row-column": condlab.row_column_scaling,
    }
    if method in once:
        return once[method](A, rounding=args.rounding, **options)
    if method == "ruiz":
        return _rounded(condlab.ruiz_scaling(A, **options), args)
    return _rounded(condlab.jacobi_scaling(A), args)


def _rounded(scaling: Scaling, args: argparse.Namespace) -> Scaling:
    if args.rounding is None:
        return scaling
    parts = (scaling.left, scaling.right)
    return Scaling(*(d if d is None else _arrays.power_of_two(d) for d in parts))


def _require_no_zero_lines(A: Any, method: str) -> None:
    if method != "column":
        condlab.row_scaling(A, strict=True)
    if method != "row":
        condlab.column_scaling(A, strict=True)


def _best(A: Any, method: str, p: Any) -> Bracket | None:
    """Bracket the best scaling of the method's kind, where a theorem does."""
    side = _SIDES[method]
    try:
        if p != 2 and side != "symmetric":
            return condlab.bauer(A, side=side, p=p)
        return None if side == "both" else condlab.van_der_sluis(A, side=side, p=p)
    except ValueError:  # such as a matrix that is not positive definite
        return None
