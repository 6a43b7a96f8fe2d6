"""Subjects that estimate spectral densities by stochastic Lanczos quadrature."""

from __future__ import annotations

import numpy as np

from condlab.audit.asking import asked
from condlab.audit.model import Answer, Promise, Subject
from condlab.audit.subjects.traces import (
    SEED,
    eigenthings_operator,
    pyhessian_of,
    torch_operator,
)

PROBES = 32
STEPS = 32


def _condlab_density(A: np.ndarray) -> Answer:
    from condlab.spectra import density

    M = torch_operator(A)
    found = asked(density, M, num_matvecs=STEPS, num_probes=PROBES)
    band = found.cumulative(0.0)
    return Answer(band.value[0], "", band.lower[0], band.upper[0], probes=PROBES)


def _eigenthings_density(A: np.ndarray) -> Answer:
    from hessian_eigenthings import spectral_density

    options = {"num_runs": PROBES, "lanczos_steps": STEPS, "seed": SEED}
    found = asked(spectral_density, eigenthings_operator(A), **options)
    below = (found.raw_eigenvalues < 0) * found.raw_weights
    return Answer(float(below.sum() / found.raw_weights.sum()), probes=PROBES)


def _pyhessian_density(A: np.ndarray) -> Answer:
    values, weights = asked(pyhessian_of(A).density, iter=STEPS, n_v=PROBES)
    below = [
        w[v < 0].sum()
        for v, w in zip(map(np.array, values), map(np.array, weights), strict=True)
    ]
    return Answer(float(np.mean(below)), probes=PROBES)


def _matfree_density(A: np.ndarray) -> Answer:
    import jax
    from matfree import decomp, funm, stochtrace

    with jax.enable_x64(True):
        M = jax.numpy.asarray(A)
        dense = funm.dense_funm_sym_eigh(lambda x: 1.0 * (x < 0))
        integrand = funm.monte_carlo_funm_sym(dense, decomp.tridiag_sym(STEPS))
        sampler = stochtrace.sampler_signs(M[0], num=PROBES)
        estimate = stochtrace.estimator_monte_carlo(integrand, sampler)
        found = asked(estimate, lambda v: M @ v, jax.random.PRNGKey(SEED))
        return Answer(float(found) / len(A), probes=PROBES)


DENSITY = Promise(
    "stochastic Lanczos quadrature: within six standard errors and 1 %",
    "its docstring",
    relative=0.01,
)
SUBJECTS = (
    Subject(
        "condlab.spectra.density",
        "condlab",
        "torch",
        {"density": _condlab_density},
        Promise(
            "a fraction with bounds that hold with 99.9 %",
            "its docstring",
            relative=0.01,
        ),
        "nothing failed",
    ),
    Subject(
        "hessian_eigenthings.spectral_density",
        "hessian-eigenthings",
        "hessian_eigenthings",
        {"density": _eigenthings_density},
        DENSITY,
        "condlab.spectra.density, in units in which H is near 1",
    ),
    Subject(
        "pyhessian.hessian.density",
        "PyHessian",
        "pyhessian",
        {"density": _pyhessian_density},
        DENSITY,
        "condlab.spectra.density",
    ),
    Subject(
        "matfree.funm, Lanczos quadrature",
        "matfree",
        "matfree",
        {"density": _matfree_density},
        DENSITY,
        "condlab.spectra.density",
    ),
)
