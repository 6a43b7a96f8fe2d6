"""Which condition number to compute, and how."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from condlab.condition.affordable import is_large
from condlab.types import Array, ConditionNorm, Norm

OPERATOR_NORMS: Mapping[str, Norm] = {"1": 1, "2": 2, "inf": "inf"}
NORMS: Mapping[str, ConditionNorm] = {**OPERATOR_NORMS, "fro": "fro", "skeel": "skeel"}
SYMBOLS: Mapping[ConditionNorm, str] = {
    1: "kappa_1",
    2: "kappa_2",
    "inf": "kappa_inf",
    "fro": "kappa_F",
}


def add_accuracy(parser: argparse.ArgumentParser) -> None:
    """Add the choice between exact and estimated condition numbers."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--exact",
        action="store_true",
        help="from dense factorisations, whatever it takes",
    )
    group.add_argument(
        "--estimate",
        action="store_true",
        help="from sparse factorisations (default for large sparse matrices)",
    )


def symbol(p: ConditionNorm) -> str:
    """Return how the condition number in norm p is written."""
    return SYMBOLS.get(p, "Skeel's")


def wants_estimate(A: Array, args: argparse.Namespace) -> bool:
    """Tell whether to estimate: as asked, otherwise where A is sparse and large."""
    if args.exact or args.estimate:
        return args.estimate
    return is_large(A)
