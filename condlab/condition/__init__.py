"""Condition numbers, exact up to a stated rounding; estimates for large matrices."""

from condlab.condition.estimates import estimate_cond_1, estimate_cond_2
from condlab.condition.exact import cond, cond_1, cond_2, cond_fro, cond_inf, cond_skeel

__all__ = [
    "cond",
    "cond_1",
    "cond_2",
    "cond_fro",
    "cond_inf",
    "cond_skeel",
    "estimate_cond_1",
    "estimate_cond_2",
]
