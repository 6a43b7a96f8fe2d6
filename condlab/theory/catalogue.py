"""The catalogue: every theorem of this package under its key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from condlab.theory.claims.condition import (
    condition_bounds,
    condition_changes,
    condition_numbers,
    perturbations,
)
from condlab.theory.claims.iterations import (
    gradient_descent,
    krylov_iterations,
    randomized_iterations,
    stationary_iterations,
)
from condlab.theory.claims.networks import (
    conv,
    hessian,
    modulation,
    normalization_layers,
    scale,
    spectral,
)
from condlab.theory.claims.scaling import (
    bauer,
    diagonal_scaling,
    jacobi_scaling,
    optimal_duality,
    optimal_scaling,
    similarity,
    sweeps,
)
from condlab.theory.claims.spectra import (
    eigenvalue_perturbation,
    eigenvalues,
    ritz_values,
    spectral_inclusion,
)
from condlab.theory.claims.weight_conditioning import (
    descent,
    layers,
    polynomial,
    rate,
    systems,
    theorem_51,
    theorem_52,
)
from condlab.theory.claims.weight_standardization import epsilon, gradients, smoothness
from condlab.theory.model import Theorem


def by_key(theorems: Iterable[Theorem]) -> Mapping[str, Theorem]:
    """Return a read-only mapping from key to theorem.

    Raises
    ------
    ValueError
        If two theorems have the same key.

    Examples
    --------
    >>> len(by_key([]))
    0
    """
    entries: dict[str, Theorem] = {}
    for entry in theorems:
        if entry.key in entries:
            raise ValueError(f"keys must be unique, got {entry.key!r} twice")
        entries[entry.key] = entry
    return MappingProxyType(entries)


CATALOGUE = by_key(
    (
        *theorem_51.THEOREMS,
        *descent.THEOREMS,
        *rate.THEOREMS,
        *systems.THEOREMS,
        *layers.THEOREMS,
        *polynomial.THEOREMS,
        *theorem_52.THEOREMS,
        *gradients.THEOREMS,
        *smoothness.THEOREMS,
        *epsilon.THEOREMS,
        *diagonal_scaling.THEOREMS,
        *jacobi_scaling.THEOREMS,
        *bauer.THEOREMS,
        *optimal_scaling.THEOREMS,
        *optimal_duality.THEOREMS,
        *sweeps.THEOREMS,
        *similarity.THEOREMS,
        *condition_numbers.THEOREMS,
        *condition_bounds.THEOREMS,
        *condition_changes.THEOREMS,
        *perturbations.THEOREMS,
        *eigenvalues.THEOREMS,
        *eigenvalue_perturbation.THEOREMS,
        *spectral_inclusion.THEOREMS,
        *ritz_values.THEOREMS,
        *gradient_descent.THEOREMS,
        *stationary_iterations.THEOREMS,
        *randomized_iterations.THEOREMS,
        *krylov_iterations.THEOREMS,
        *normalization_layers.THEOREMS,
        *modulation.THEOREMS,
        *scale.THEOREMS,
        *spectral.THEOREMS,
        *conv.THEOREMS,
        *hessian.THEOREMS,
    )
)
