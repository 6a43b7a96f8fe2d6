"""`condlab scale`: what each diagonal scaling does to the condition number."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from condlab.cli import _kappa, _sources, _text
from condlab.cli._scale_page import KINDS, page, record
from condlab.comparison import OPTIMAL, SCALINGS, compare_scalings
from condlab.io import require_fits, require_writable, write_matrix


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
        choices=[*SCALINGS, OPTIMAL, "all"],
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
    progress(f"{_kappa.symbol(_kappa.NORMS[args.cond])} of {args.source}")
    rows = compare_scalings(
        A,
        _kappa.NORMS[args.cond],
        scalings=tuple(SCALINGS) if args.method == "all" else (args.method,),
        line_norm=None if args.p is None else _kappa.NORMS[args.p],
        rounding=args.rounding,
        strict=args.strict,
        estimate=estimate,
        optimal=_optimal(args),
        progress=lambda name: progress(f"{name} scaling of {args.source}"),
    )
    if args.method in rows.refused:  # the only one that was asked for
        raise ValueError(rows.refused[args.method])
    notes = ["estimated: --exact brackets the best scalings too"] * estimate
    notes += [f"no {name} scaling: {why}" for name, why in rows.refused.items()]
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
        methods = ", ".join([*SCALINGS, OPTIMAL])
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


def _optimal(args: argparse.Namespace) -> dict[str, Any]:
    """Return the options of the optimal scaling that were given."""
    given = {"side": args.side, "rtol": args.rtol, "time_limit": args.time_limit}
    return {name: value for name, value in given.items() if value is not None}
