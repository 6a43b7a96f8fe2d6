"""Subjects that estimate traces and spectral densities with random vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from condlab.audit.model import Answer, Promise, Subject

SEED = 0
MATVECS = 30  # divisible by 2 and 3, and below the order of all but one problem
PROBES = 32
STEPS = 32
Ask = Callable[[np.ndarray], Any]


def _torch_operator(A: np.ndarray) -> Any:
    import torch

    return torch.tensor(A)


def _condlab_trace(method: Any) -> Ask:
    def ask(A: np.ndarray) -> Answer:
        from condlab.spectra import trace

        found = trace(_torch_operator(A), num_matvecs=MATVECS, method=method)
        return Answer(found.value, probes=MATVECS // 3)

    return ask


def _condlab_density(A: np.ndarray) -> Answer:
    from condlab.spectra import density

    found = density(_torch_operator(A), num_matvecs=STEPS, num_probes=PROBES)
    band = found.cumulative(0.0)
    return Answer(band.value[0], "", band.lower[0], band.upper[0], probes=PROBES)


def _curvlinops(name: str, probes: int) -> Ask:
    def ask(A: np.ndarray) -> Answer:
        import curvlinops
        import torch

        torch.manual_seed(SEED)
        estimate = getattr(curvlinops, name)
        found = estimate(_torch_operator(A), num_matvecs=MATVECS)
        return Answer(float(found), probes=probes)

    return ask


def _eigenthings_operator(A: np.ndarray) -> Any:
    from hessian_eigenthings import LambdaOperator

    M = _torch_operator(A)
    return LambdaOperator(lambda v: M @ v, len(A), dtype=M.dtype)


def _eigenthings_trace(method: Any, probes: int) -> Ask:
    def ask(A: np.ndarray) -> Answer:
        from hessian_eigenthings import trace

        found = trace(
            _eigenthings_operator(A), num_matvecs=MATVECS, method=method, seed=SEED
        )
        return Answer(found.estimate, probes=probes)

    return ask


def _eigenthings_density(A: np.ndarray) -> Answer:
    from hessian_eigenthings import spectral_density

    found = spectral_density(
        _eigenthings_operator(A), num_runs=PROBES, lanczos_steps=STEPS, seed=SEED
    )
    below = (found.raw_eigenvalues < 0) * found.raw_weights
    return Answer(float(below.sum() / found.raw_weights.sum()), probes=PROBES)


def _pyhessian(A: np.ndarray) -> Any:
    import torch
    from pyhessian import hessian

    from condlab.audit.catalogue.layers import quadratic

    torch.manual_seed(SEED)
    form = quadratic(A)
    return hessian(form.module, form.criterion, data=(form.x, form.y), cuda=False)


def _pyhessian_trace(A: np.ndarray) -> Answer:
    return Answer(float(np.mean(_pyhessian(A).trace())), probes=100)


def _pyhessian_density(A: np.ndarray) -> Answer:
    values, weights = _pyhessian(A).density(iter=STEPS, n_v=PROBES)
    below = [
        w[v < 0].sum()
        for v, w in zip(map(np.array, values), map(np.array, weights), strict=True)
    ]
    return Answer(float(np.mean(below)), probes=PROBES)


def _matfree_trace(A: np.ndarray) -> Answer:
    import jax
    from matfree import stochtrace

    with jax.enable_x64(True):
        M = jax.numpy.asarray(A)
        sampler = stochtrace.sampler_signs(M[0], num=MATVECS)
        estimate = stochtrace.estimator_monte_carlo(
            stochtrace.monte_carlo_trace(), sampler
        )
        found = estimate(lambda v: M @ v, jax.random.PRNGKey(SEED))
        return Answer(float(found), probes=MATVECS)


def _matfree_xtrace(A: np.ndarray) -> Answer:
    import jax
    from matfree import stochtrace

    with jax.enable_x64(True):
        M = jax.numpy.asarray(A)
        sampler = stochtrace.sampler_normal(M[0], num=MATVECS // 2)
        estimate = stochtrace.estimator_leave_one_out(
            stochtrace.leave_one_out_xtrace(), sampler
        )
        found = estimate(lambda v: M @ v, jax.random.PRNGKey(SEED))
        return Answer(float(found), probes=MATVECS // 3)


def _matfree_density(A: np.ndarray) -> Answer:
    import jax
    from matfree import decomp, funm, stochtrace

    with jax.enable_x64(True):
        M = jax.numpy.asarray(A)
        dense = funm.dense_funm_sym_eigh(lambda x: 1.0 * (x < 0))
        integrand = funm.monte_carlo_funm_sym(dense, decomp.tridiag_sym(STEPS))
        sampler = stochtrace.sampler_signs(M[0], num=PROBES)
        estimate = stochtrace.estimator_monte_carlo(integrand, sampler)
        found = estimate(lambda v: M @ v, jax.random.PRNGKey(SEED))
        return Answer(float(found) / len(A), probes=PROBES)


def _traceax(name: str, probes: int, positive: bool = False) -> Ask:
    def ask(A: np.ndarray) -> Answer:
        import jax
        import lineax
        import traceax

        with jax.enable_x64(True):
            tags = lineax.positive_semidefinite_tag if positive else ()
            operator = lineax.MatrixLinearOperator(jax.numpy.asarray(A), tags)
            key = jax.random.PRNGKey(SEED)
            found, _ = getattr(traceax, name)()(key, operator, MATVECS)
            return Answer(float(found), probes=probes)

    return ask


def _pylops(name: str, probes: int) -> Ask:
    def ask(A: np.ndarray) -> Answer:
        import pylops
        from pylops.utils import estimators

        np.random.seed(SEED)  # noqa: NPY002  (pylops draws from NumPy's global state)
        estimate = getattr(estimators, name)
        return Answer(
            float(estimate(pylops.MatrixMult(A), neval=MATVECS)), probes=probes
        )

    return ask


def _means(extra: str = "") -> Promise:
    return Promise(
        "unbiased: within six standard errors of Hutchinson's estimator with a third "
        f"of the products{extra}",
        "its docstring",
    )


HUTCHINSON = Promise(
    "unbiased: within six standard errors of a mean over all vectors", "its docstring"
)
DENSITY = Promise(
    "stochastic Lanczos quadrature: within six standard errors and 1 %",
    "its docstring",
    relative=0.01,
)
INSTEAD = "condlab.spectra.trace, which says its standard error"
SUBJECTS = (
    Subject(
        "condlab.spectra.trace",
        "condlab",
        "torch",
        {"trace": _condlab_trace("xtrace")},
        _means(),
        "nothing failed",
    ),
    Subject(
        "condlab.spectra.trace, hutch++",
        "condlab",
        "torch",
        {"trace": _condlab_trace("hutch++")},
        _means(),
        "nothing failed",
    ),
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
        "curvlinops.hutchinson_trace",
        "curvlinops-for-pytorch",
        "curvlinops",
        {"trace": _curvlinops("hutchinson_trace", MATVECS)},
        HUTCHINSON,
        INSTEAD,
    ),
    Subject(
        "curvlinops.hutchpp_trace",
        "curvlinops-for-pytorch",
        "curvlinops",
        {"trace": _curvlinops("hutchpp_trace", MATVECS // 3)},
        _means(),
        INSTEAD,
    ),
    Subject(
        "curvlinops.xtrace",
        "curvlinops-for-pytorch",
        "curvlinops",
        {"trace": _curvlinops("xtrace", MATVECS // 3)},
        _means(),
        INSTEAD,
    ),
    Subject(
        "hessian_eigenthings.trace, hutchinson",
        "hessian-eigenthings",
        "hessian_eigenthings",
        {"trace": _eigenthings_trace("hutchinson", MATVECS)},
        HUTCHINSON,
        INSTEAD,
    ),
    Subject(
        "hessian_eigenthings.trace, hutch++",
        "hessian-eigenthings",
        "hessian_eigenthings",
        {"trace": _eigenthings_trace("hutch++", MATVECS // 3)},
        _means(),
        INSTEAD,
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
        "pyhessian.hessian.trace",
        "PyHessian",
        "pyhessian",
        {"trace": _pyhessian_trace},
        Promise(
            "Hutchinson's mean of 100 vectors, or until it moves by less than "
            "tol = 0.1 %",
            "its docstring",
            relative=1e-3,
        ),
        INSTEAD,
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
        "matfree.stochtrace, Monte Carlo",
        "matfree",
        "matfree",
        {"trace": _matfree_trace},
        HUTCHINSON,
        INSTEAD,
    ),
    Subject(
        "matfree.stochtrace, XTrace",
        "matfree",
        "matfree",
        {"trace": _matfree_xtrace},
        _means(),
        INSTEAD,
    ),
    Subject(
        "matfree.funm, Lanczos quadrature",
        "matfree",
        "matfree",
        {"density": _matfree_density},
        DENSITY,
        "condlab.spectra.density",
    ),
    Subject(
        "traceax.HutchinsonEstimator",
        "traceax",
        "traceax",
        {"trace": _traceax("HutchinsonEstimator", MATVECS)},
        HUTCHINSON,
        INSTEAD,
    ),
    Subject(
        "traceax.HutchPlusPlusEstimator",
        "traceax",
        "traceax",
        {"trace": _traceax("HutchPlusPlusEstimator", MATVECS // 3)},
        _means(),
        INSTEAD,
    ),
    Subject(
        "traceax.XTraceEstimator",
        "traceax",
        "traceax",
        {"trace": _traceax("XTraceEstimator", MATVECS // 3)},
        _means(),
        INSTEAD,
    ),
    Subject(
        "pylops.utils.estimators.trace_hutchinson",
        "pylops",
        "pylops",
        {"trace": _pylops("trace_hutchinson", MATVECS)},
        HUTCHINSON,
        INSTEAD,
    ),
    Subject(
        "pylops.utils.estimators.trace_hutchpp",
        "pylops",
        "pylops",
        {"trace": _pylops("trace_hutchpp", MATVECS // 3)},
        _means(),
        INSTEAD,
    ),
    Subject(
        "pylops.utils.estimators.trace_nahutchpp",
        "pylops",
        "pylops",
        {"trace": _pylops("trace_nahutchpp", MATVECS // 6)},
        _means(" (a sixth here)"),
        INSTEAD,
    ),
)
