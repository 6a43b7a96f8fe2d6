"""`condlab diagnose`: who is to blame, and which scaling helps what is done next."""

from __future__ import annotations

import argparse
from pathlib import Path

from condlab.cli import _files, _options, _sources, _text
from condlab.diagnosis import Diagnosis, diagnose


def add_parser(commands: _options.Commands) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "diagnose",
        help="rows and columns to blame for a condition number",
        description="Name the rows and columns that the condition number of a matrix "
        "comes from: by their size beside the best scaling, or as nearly dependent.",
    )
    _sources.add_source(parser)
    parser.add_argument(
        "--time-limit",
        type=float,
        default=10.0,
        metavar="SECONDS",
        help="of the search of the best scaling; 0 leaves it out (default: 10)",
    )
    _options.add_force(parser)
    _options.add_csv(parser)
    _options.add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, progress: _text.Progress) -> str:
    """Return what the command prints, having written the file that is asked for."""
    _files.require_csv(args)
    progress(f"reading {args.source}")
    A = _sources.load(args.source, args.array)
    found = diagnose(A, time_limit=args.time_limit, progress=progress)
    head = _sources.describe(args.source, A)
    if args.json:
        return _text.as_json({"source": args.source, **found.to_dict()})
    if args.csv is not None:
        return _as_csv(args.csv, args.source, found) or f"{head}\n\nwrote {args.csv}"
    table, notes = found.table(), found.notes()
    lines = [_text.table(table[0], table[1:], set())] if len(table) > 1 else []
    return "\n".join([head, "", *lines, *(_text.wrapped(note) for note in notes)])


def _as_csv(path: Path, source: str, found: Diagnosis) -> str | None:
    rows = [{"source": source, **line.to_dict()} for line in found.culprits]
    return _files.put_csv(path, rows)
