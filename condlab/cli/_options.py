"""Options that several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TypeAlias

from condlab.cli._files import PRINTED

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_json(parser: argparse._ActionsContainer, instead: str = "instead") -> None:
    """Add --json, which prints one object."""
    words = f"one JSON object {instead}"
    parser.add_argument("--json", action="store_true", help=words)


def add_csv(parser: argparse.ArgumentParser) -> None:
    """Add --csv, which prints, or writes the file that is named."""
    parser.add_argument(
        "--csv",
        type=Path,
        nargs="?",
        const=PRINTED,
        metavar="FILE",
        help="comma-separated values instead, or in that file",
    )


def add_figure(parser: argparse.ArgumentParser, what: str) -> None:
    """Add --figure, which names the file to draw."""
    parser.add_argument("--figure", type=Path, metavar="FILE", help=f"draw {what}")


def add_force(
    parser: argparse.ArgumentParser, what: str = "let files that are there be replaced"
) -> None:
    """Add --force, without which no file is replaced."""
    parser.add_argument("--force", action="store_true", help=what)
