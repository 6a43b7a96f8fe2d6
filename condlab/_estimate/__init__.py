"""Estimates of condition numbers of matrices too large to be dense."""

from condlab._estimate.estimates import estimate_cond_1, estimate_cond_2

__all__ = ["estimate_cond_1", "estimate_cond_2"]
