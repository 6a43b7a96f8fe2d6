"""Instances of theorems on diagonal scaling, and what the catalogue says of them."""

import numpy as np

from condlab.theory import CATALOGUE
from condlab.theory.catalogue import claims_of
from condlab.theory.claims.scaling import (
    bauer,
    diagonal_scaling,
    jacobi_scaling,
    optimal_duality,
    optimal_scaling,
    row_scaling,
    similarity,
    sweeps,
)

MODULES = (
    diagonal_scaling,
    row_scaling,
    jacobi_scaling,
    bauer,
    optimal_scaling,
    optimal_duality,
    sweeps,
    similarity,
)
KEYS = [entry.key for module in MODULES for entry in claims_of(vars(module))]
FLOAT = 1e-9  # NumPy's own error on the instances below, whose kappa is at most 1e6
RNG = np.random.default_rng(0)
A, D, E = RNG.standard_normal((4, 4)), *np.exp(RNG.normal(0, 1, (2, 4)))
cond, norm, inv = np.linalg.cond, np.linalg.norm, np.linalg.inv


def margin(key, *parts):
    """Return lhs and rhs of a catalogue entry at an instance."""
    found = CATALOGUE[key].check(parts if len(parts) > 1 else parts[0])
    return found.lhs, found.rhs


def fro(B):
    return norm(B) * norm(np.linalg.pinv(B))
