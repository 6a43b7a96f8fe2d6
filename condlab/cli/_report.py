"""`condlab report`: verify, scale, draw."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from condlab.cli import _text

STUDIES = Path("studies/results/meta_analysis.json")
AUDIT = Path("benchmarks/results/audit.json")


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "report",
        help="verify the catalogue, scale the matrices, draw the figures",
        description="Write figures, tables and one self-contained report.html; this "
        "takes some five minutes on two cores.",
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
        "--studies",
        type=Path,
        metavar="FILE",
        help=f"draw what the studies found (default: {STUDIES} where there is one)",
    )
    parser.add_argument(
        "--audit",
        type=Path,
        metavar="FILE",
        help=f"show how other libraries fared (default: {AUDIT} where there is one)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, progress: _text.Progress) -> str:
    """Return what the command prints, having written the report."""
    if args.out.exists() and not args.out.is_dir():
        raise ValueError(f"--out needs a directory, and {args.out} is a file")
    for page in args.pages:
        if not page.is_file():
            raise ValueError(f"--pages needs files, and there is no {page}")
        if not os.access(page, os.W_OK):
            raise ValueError(f"--pages needs files to rewrite, and {page} is not")
    studies = _file(args.studies, "--studies", STUDIES, "studies analyse")
    audit = _file(args.audit, "--audit", AUDIT, "benchmarks.audit")
    from condlab import report

    progress.in_lines()
    report.build(args.out, args.pages, studies, audit, progress)
    return f"wrote {args.out / 'report.html'}"


def _file(given: Path | None, option: str, usual: Path, module: str) -> Path | None:
    """Return a file of records; without one the usual one, where there is one."""
    if given is not None and not given.is_file():
        raise ValueError(
            f"{option} needs what python -m {module} writes, and there is no {given}"
        )
    return usual if given is None and usual.is_file() else given
