"""The catalogue: every theorem of this package under its key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from condlab.theory.claims.condition import (
    condition_bounds,
    condition_changes,
    condition_norms,
    condition_numbers,
    perturbations,
)
from condlab.theory.claims.iterations import (
    gradient_descent,
    krylov_iterations,
    randomized_iterations,
    stationary_iterations,
    successive_iterations,
)
from condlab.theory.claims.networks import (
    conv,
    hessian,
    modulation,
    normalization_families,
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
    row_scaling,
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
from condlab.theory.claims.weight_standardization import (
    epsilon,
    epsilon_scales,
    gradients,
    smoothness,
    standardised_gradients,
)
from condlab.theory.model import Theorem


def claims_of(names: Mapping[str, object]) -> tuple[Theorem, ...]:
    """Return the theorems of a module, in the order in which it makes them.

    No list is kept beside them that one could forget: what stands at the top level of
    a file is tried, the catalogue's files and one's own alike.

    Parameters
    ----------
    names : mapping
        As from ``vars(module)``: theorems alone or in a list, tuple or dict.

    Returns
    -------
    tuple of Theorem
        Each once.

    Examples
    --------
    >>> claims_of({"st": None, "MORE": []})
    ()
    """
    found: dict[int, Theorem] = {}
    for value in names.values():
        inside: Iterable[object] = (value,)
        if isinstance(value, dict):
            inside = value.values()
        elif isinstance(value, list | tuple):
            inside = value
        for each in inside:
            if isinstance(each, Theorem):
                found.setdefault(id(each), each)
    return tuple(found.values())


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
    entry
    for chapter in (
        theorem_51,
        descent,
        rate,
        systems,
        layers,
        polynomial,
        theorem_52,
        gradients,
        standardised_gradients,
        smoothness,
        epsilon,
        epsilon_scales,
        diagonal_scaling,
        row_scaling,
        jacobi_scaling,
        bauer,
        optimal_scaling,
        optimal_duality,
        sweeps,
        similarity,
        condition_numbers,
        condition_norms,
        condition_bounds,
        condition_changes,
        perturbations,
        eigenvalues,
        eigenvalue_perturbation,
        spectral_inclusion,
        ritz_values,
        gradient_descent,
        stationary_iterations,
        successive_iterations,
        randomized_iterations,
        krylov_iterations,
        normalization_layers,
        normalization_families,
        modulation,
        scale,
        spectral,
        conv,
        hessian,
    )
    for entry in claims_of(vars(chapter))
)
