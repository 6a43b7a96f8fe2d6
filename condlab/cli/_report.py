"""`condlab report`: verify, scale, draw."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from condlab.cli import _options, _text


def add_parser(commands: _options.Commands) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "report",
        help="verify the catalogue, scale the matrices, draw the figures",
        description="Write figures, tables and one self-contained report.html; this "
        "takes a minute or two on two cores.",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("report"),
        metavar="DIR",
        help="default: report",
    )
    parser.add_argument(
        "--pages",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="refresh the generated parts of these Markdown files too",
    )
    parser.add_argument(
        "--sections",
        type=Path,
        metavar="DIR",
        help="another report's folder, whose own sections to take over; those in --out "
        "are kept",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, progress: _text.StatusLine) -> str:
    """Return what the command prints, having written the report."""
    if args.out.exists() and not args.out.is_dir():
        raise ValueError(f"--out needs a directory, and {args.out} is a file")
    for page in args.pages:
        if not page.is_file():
            raise ValueError(f"--pages needs files, and there is no {page}")
        if not os.access(page, os.W_OK):
            raise ValueError(f"--pages needs files to rewrite, and {page} is not")
    if args.sections is not None and not args.sections.is_dir():
        raise ValueError(f"--sections needs a directory, got {args.sections}")
    from condlab import report

    progress.in_lines()
    report.build(
        out=args.out, pages=args.pages, beside=args.sections, progress=progress
    )
    return f"wrote {args.out / 'report.html'}"
