"""Condition numbers by factorisation where that is affordable, else by estimation."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import scipy.sparse as sp

from condlab.condition import estimate_cond_1, estimate_cond_2
from condlab.condition.exact import cond
from condlab.types import Array, ConditionEstimate

EXACT_WORK = 1200**3  # multiplications; a few seconds for each condition number
NUM_MATVECS = 100


def is_large(A: Array) -> bool:
    """Return whether a matrix is sparse and so large that condition is estimated."""
    return sp.issparse(A) and math.prod(A.shape) * min(A.shape) > EXACT_WORK


def kappa(A: Array, p: Any, estimate: bool) -> ConditionEstimate:
    """Return the condition number in norm p of a matrix, or an estimate of it."""
    if not estimate:
        found = cond(A, p)
        assert isinstance(found, ConditionEstimate)
        return found
    if p not in (1, 2, "inf"):
        raise ValueError(
            f"only 1, 2 and inf can be estimated, got {p}; use estimate=False (--exact)"
        )
    A, rng = sp.csc_array(A), np.random.default_rng(0)
    if p == 2:
        return estimate_cond_2(A, num_matvecs=NUM_MATVECS, rng=rng)
    if p == 1:
        return estimate_cond_1(A, rng=rng)
    return replace(estimate_cond_1(sp.csc_array(A.T), rng=rng), p="inf")
