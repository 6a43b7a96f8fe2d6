"""Scalings to search through, and how far rounding reaches."""

import numpy as np

GENERAL = np.array([[1.0, 2.0, 0.0], [0.0, 8.0, 1.0], [1.0, 0.0, 0.125]])


def ulps(n, kappa):
    """Relative error of a condition number that rounding explains."""
    return 50 * n * np.finfo(float).eps * kappa
