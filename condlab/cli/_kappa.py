"""Which condition number to compute, and how."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

import numpy as np
import scipy.sparse as sp

import condlab
from condlab.cli import _text
from condlab.types import ConditionEstimate

NORMS: dict[str, Any] = {"1": 1, "2": 2, "inf": "inf", "fro": "fro", "skeel": "skeel"}
SYMBOLS = {1: "kappa_1", 2: "kappa_2", "inf": "kappa_inf", "fro": "kappa_F"}
_EXACT = {
    1: condlab.cond_1,
    2: condlab.cond_2,
    "inf": condlab.cond_inf,
    "fro": condlab.cond_fro,
    "skeel": condlab.cond_skeel,
}
_EXACT_WORK = 1200**3  # multiplications; a few seconds for each condition number
_NUM_MATVECS = 100


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


def symbol(p: Any) -> str:
    """Return how the condition number in norm p is written."""
    return SYMBOLS.get(p, "Skeel's")


def shown(kappa: ConditionEstimate) -> str:
    """Return the value to four digits; a lower bound is rounded down and called one.

    Examples
    --------
    >>> shown(ConditionEstimate(307.99, 307.99, float("inf"), 2, "golub-kahan"))
    '>= 307.9'
    """
    if kappa.is_lower_bound:
        return f">= {_text.floor(kappa.value)}"
    return _text.number(kappa.value)


def wants_estimate(A: Any, args: argparse.Namespace) -> bool:
    """Tell whether to estimate: as asked, otherwise where A is sparse and large."""
    if args.exact or args.estimate:
        return args.estimate
    m, n = A.shape
    return sp.issparse(A) and m * n * min(m, n) > _EXACT_WORK


def kappa(A: Any, p: Any, *, estimate: bool) -> ConditionEstimate:
    """Return the condition number of A in norm p, with its certain bracket."""
    if not estimate:
        return _EXACT[p](A)
    if p not in (1, 2, "inf"):
        raise ValueError(f"only 1, 2 and inf can be estimated, got {p}; use --exact")
    A, rng = sp.csc_array(A), np.random.default_rng(0)
    if p == 2:
        return condlab.estimate_cond_2(A, num_matvecs=_NUM_MATVECS, rng=rng)
    if p == 1:
        return condlab.estimate_cond_1(A, rng=rng)
    return replace(condlab.estimate_cond_1(sp.csc_array(A.T), rng=rng), p="inf")
