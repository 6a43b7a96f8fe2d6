"""The catalogue: every theorem of this package under its key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from condlab.theory.claims import (
    bauer,
    condition_bounds,
    condition_changes,
    condition_numbers,
    diagonal_scaling,
    eigenvalue_perturbation,
    eigenvalues,
    iterations,
    jacobi_scaling,
    krylov_iterations,
    networks,
    networks_conv,
    networks_hessian,
    networks_modulation,
    networks_scale,
    networks_spectral,
    optimal_duality,
    optimal_scaling,
    perturbations,
    randomized_iterations,
    ritz_values,
    similarity,
    spectral_inclusion,
    stationary_iterations,
    sweeps,
    weight_conditioning,
    weight_conditioning_descent,
    weight_conditioning_hessian,
    weight_conditioning_layers,
    weight_conditioning_rate,
    weight_conditioning_systems,
    weight_standardization,
    weight_standardization_eps,
    weight_standardization_hessian,
)
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
        *weight_conditioning.THEOREMS,
        *weight_conditioning_descent.THEOREMS,
        *weight_conditioning_rate.THEOREMS,
        *weight_conditioning_systems.THEOREMS,
        *weight_conditioning_layers.THEOREMS,
        *weight_conditioning_hessian.THEOREMS,
        *weight_standardization.THEOREMS,
        *weight_standardization_hessian.THEOREMS,
        *weight_standardization_eps.THEOREMS,
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
        *iterations.THEOREMS,
        *stationary_iterations.THEOREMS,
        *randomized_iterations.THEOREMS,
        *krylov_iterations.THEOREMS,
        *networks.THEOREMS,
        *networks_modulation.THEOREMS,
        *networks_scale.THEOREMS,
        *networks_spectral.THEOREMS,
        *networks_conv.THEOREMS,
        *networks_hessian.THEOREMS,
    )
)
