"""`condlab scale`: what each diagonal scaling does to the condition number."""

from __future__ import annotations

import argparse
from pathlib import Path

from condlab._scaling_rows import ScalingComparison
from condlab.cli import _files, _kappa, _options, _sources, _text
from condlab.cli._scale_page import KINDS, draw, page, record, table
from condlab.comparison import (
    OMEGA,
    OPTIMAL,
    SCALINGS,
    OptimalOptions,
    compare_scalings,
)
from condlab.io import require_fits, require_writable, write_matrix
from condlab.optimal.solvers import SOLVER_SCALINGS
from condlab.types import Array

METHODS = (*SCALINGS, *SOLVER_SCALINGS, OPTIMAL, OMEGA, "all")


def add_parser(commands: _options.Commands) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "scale",
        help="scale a matrix and compare condition numbers",
        description="Scale the rows, the columns or both, and print the condition "
        "number before and after, beside the bracket of the best that any scaling of "
        "that kind can reach (van der Sluis 1969; for --cond 1 and inf Bauer 1963).",
    )
    _sources.add_source(parser, several=True)
    _add_scalings(parser)
    _add_norms(parser)
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
    _options.add_force(parser)
    _options.add_figure(parser, "the condition numbers (png, svg, pdf)")
    _options.add_csv(parser)
    _kappa.add_accuracy(parser)
    _options.add_json(parser)
    parser.set_defaults(run=run)


def _add_scalings(parser: argparse.ArgumentParser) -> None:
    """Add which scalings to try, and what the optimal one takes."""
    parser.add_argument(
        "--method",
        type=lambda name: name.replace("_", "-"),  # as the library spells row_column
        choices=METHODS,
        action="append",
        metavar="NAME",
        help=f"the scaling, of {', '.join(METHODS)}; those of LAPACK (geequ, geequb, "
        "poequ), MC64, OSQP, SCS and PDLP are as published, "
        "optimal has the least kappa, omega the least mean over geometric mean of "
        "squared singular values; may be repeated (default: "
        f"{', '.join(SCALINGS)})",
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


def _add_norms(parser: argparse.ArgumentParser) -> None:
    """Add the norms of lines and of condition numbers."""
    parser.add_argument(
        "--p",
        choices=list(_kappa.OPERATOR_NORMS),
        help="the norm that lines are scaled to (default: 2, for ruiz inf)",
    )
    parser.add_argument(
        "--cond",
        choices=list(_kappa.OPERATOR_NORMS),
        default="2",
        help="the norm of the condition number (default: 2)",
    )


def run(args: argparse.Namespace, progress: _text.StatusLine) -> str:
    """Return what the command prints, having written the files that are asked for."""
    args.method = list(dict.fromkeys(args.method or ["all"]))
    _check_output(args)
    _check_options(args)
    _check_files(args)
    found, records, pages = {}, [], []
    for source in args.sources:
        progress(f"reading {source}")
        A = _sources.load(source, args.array)
        try:
            rows, notes = _compared(args, source, A, progress)
        except ValueError as error:  # LinAlgError is one
            named = f"{source}: {error}" if len(args.sources) > 1 else f"{error}"
            raise ValueError(named) from None
        found[source] = rows
        records.append(record(args, source, A, rows, notes))
        pages.append(page(args, source, A, rows, notes))
    written = []
    if args.figure is not None:
        draw(found, args.figure)
        written.append(f"wrote {args.figure}")
    if args.csv is not None:
        text = _files.put_csv(args.csv, table(records))
        if text is not None:
            return text
        written.append(f"wrote {args.csv}")
    if args.json:
        several = {"matrices": records}
        return _text.as_json(records[0] if len(records) == 1 else several)
    return "\n\n".join([*pages, *(["\n".join(written)] if written else [])])


def _compared(
    args: argparse.Namespace, source: str, A: Array, progress: _text.StatusLine
) -> tuple[ScalingComparison, list[str]]:
    """Return the scalings of one matrix, and notes, having written --output."""
    if args.output:
        require_fits(args.output, A)
    estimate = _kappa.wants_estimate(A, args)
    progress(f"{_kappa.symbol(_kappa.OPERATOR_NORMS[args.cond])} of {source}")
    rows = compare_scalings(
        A,
        _kappa.OPERATOR_NORMS[args.cond],
        scalings=_methods(args),
        line_norm=None if args.p is None else _kappa.OPERATOR_NORMS[args.p],
        rounding=args.rounding,
        strict=args.strict,
        estimate=estimate,
        optimal=_optimal(args),
        progress=lambda name: progress(f"{name} scaling of {source}"),
    )
    if len(rows) == 1:  # none of those that were asked for
        raise ValueError("; ".join(rows.refused.values()))
    notes = ["estimated: --exact brackets the best scalings too"] * estimate
    notes += [f"no {name} scaling: {why}" for name, why in rows.refused.items()]
    if args.output:
        write_matrix(args.output, rows[-1].scaling.apply(A), overwrite=args.force)
        notes.append(f"wrote {args.output}")
    return rows, notes


def _methods(args: argparse.Namespace) -> list[str]:
    """Return the scalings that are asked for; "all" is all but the optimal one."""
    each = [list(SCALINGS) if name == "all" else [name] for name in args.method]
    return list(dict.fromkeys(name for names in each for name in names))


def _check_files(args: argparse.Namespace) -> None:
    if len(set(args.sources)) < len(args.sources):
        raise ValueError(f"each SOURCE is needed once, got {' '.join(args.sources)}")
    _files.require_csv(args)
    if args.figure is not None:
        _files.require_new(args.figure, "--figure", _files.FIGURES, force=args.force)
        import condlab.plots  # noqa: F401 - that it can be drawn is known beforehand


def _check_output(args: argparse.Namespace) -> None:
    if args.output is None:
        return
    if len(args.sources) > 1:
        raise ValueError(f"--output needs one SOURCE, got {len(args.sources)}")
    if len(_methods(args)) > 1:
        methods = ", ".join([*SCALINGS, *SOLVER_SCALINGS, OPTIMAL, OMEGA])
        raise ValueError(f"--output needs one --method, from {methods}")
    try:
        require_writable(args.output, overwrite=args.force)
    except FileExistsError:
        raise FileExistsError(
            f"{args.output} exists already; choose another name, or add --force"
        ) from None


def _check_options(args: argparse.Namespace) -> None:
    fixed = [
        name for name in ("jacobi", *SOLVER_SCALINGS, OMEGA) if name in args.method
    ]
    if fixed and args.p is not None:
        why = "scales the diagonal" if fixed[0] == "jacobi" else "has norms of its own"
        raise ValueError(
            f"--p is the norm of lines scaled to one size, and {fixed[0]} {why}; "
            "leave --p out, or choose row, column, row-column or ruiz"
        )
    if OPTIMAL in args.method and args.p is not None:
        raise ValueError(
            "--p is the norm of lines scaled to one size; with --method optimal choose "
            "the norm of the condition number by --cond"
        )
    given = (args.side, args.rtol, args.time_limit) != (None, None, None)
    if given and OPTIMAL not in args.method:
        raise ValueError("--side, --rtol and --time-limit need --method optimal")


def _optimal(args: argparse.Namespace) -> OptimalOptions:
    """Return the options of the optimal scaling that were given."""
    given: OptimalOptions = {}
    if args.side is not None:
        given["side"] = args.side
    if args.rtol is not None:
        given["rtol"] = args.rtol
    if args.time_limit is not None:
        given["time_limit"] = args.time_limit
    return given
