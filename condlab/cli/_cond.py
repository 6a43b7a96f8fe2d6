"""`condlab cond`: condition numbers with what is certain of them."""

from __future__ import annotations

import argparse

from condlab.cli import _kappa, _options, _sources, _text
from condlab.condition.affordable import kappa
from condlab.types import ConditionNorm

_SQUARE_ONLY = (1, "inf", "skeel")


def add_parser(commands: _options.Commands) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "cond",
        help="condition numbers of a matrix",
        description="Print condition numbers, each with an interval that certainly "
        "holds it, rounding included.",
    )
    _sources.add_source(parser)
    parser.add_argument(
        "--p",
        choices=[*_kappa.NORMS, "all"],
        default="2",
        help="the norm (default: 2)",
    )
    _kappa.add_accuracy(parser)
    _options.add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, progress: _text.StatusLine) -> str:
    """Return what the command prints."""
    progress(f"reading {args.source}")
    A = _sources.load(args.source, args.array)
    estimate = _kappa.wants_estimate(A, args)
    found = []
    for p in _norms(args.p, A.shape, estimate):
        progress(f"{_kappa.symbol(p)} of {args.source}")
        found.append(kappa(A, p, estimate))
    if args.json:
        return _text.as_json(
            {
                "source": args.source,
                "shape": A.shape,
                "condition_numbers": [each.to_dict() for each in found],
            }
        )
    rows = [
        (
            _kappa.symbol(each.p),
            _text.shown(each),
            _text.bracket(each.lower, each.upper),
            each.method,
        )
        for each in found
    ]
    header = ("norm", "kappa", "certainly in", "method")
    lines = [_sources.describe(args.source, A), "", _text.table(header, rows, {1})]
    if any(each.value == float("inf") for each in found):
        lines += ["", "inf: cannot be told from a singular matrix in double precision"]
    return "\n".join(lines)


def _norms(asked: str, shape: tuple[int, int], estimate: bool) -> list[ConditionNorm]:
    """Return the norms asked for; of all, those that the matrix and method allow."""
    if asked != "all":
        return [_kappa.NORMS[asked]]
    possible = _kappa.OPERATOR_NORMS if estimate else _kappa.NORMS
    if shape[0] != shape[1]:
        return [p for p in possible.values() if p not in _SQUARE_ONLY]
    return list(possible.values())
