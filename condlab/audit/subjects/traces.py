"""Subjects that estimate traces with random vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from condlab.audit.asking import Ask, asked
from condlab.audit.model import Answer, Promise, Subject

if TYPE_CHECKING:
    from hessian_eigenthings import LambdaOperator
    from pyhessian import hessian
    from torch import Tensor

SEED = 0
MATVECS = 30  # divisible by 2 and 3, and below the order of all but one problem


def torch_operator(A: np.ndarray) -> Tensor:
    """Return the matrix as a tensor."""
    import torch

    return torch.tensor(A)


def _condlab_trace(method: Literal["xtrace", "hutch++"]) -> Ask:
    def ask(A: np.ndarray) -> Answer:
        from condlab.spectra import trace

        M = torch_operator(A)
        found = asked(trace, M, num_matvecs=MATVECS, method=method)
        return Answer(found.value, probes=MATVECS // 3)

    return ask


def _curvlinops(name: str, probes: int) -> Ask:
    def ask(A: np.ndarray) -> Answer:
        import curvlinops
        import torch

        torch.manual_seed(SEED)
        estimate = getattr(curvlinops, name)
        found = asked(estimate, torch_operator(A), num_matvecs=MATVECS)
        return Answer(float(found), probes=probes)

    return ask


def eigenthings_operator(A: np.ndarray) -> LambdaOperator:
    """Return what hessian-eigenthings multiplies with."""
    from hessian_eigenthings import LambdaOperator

    M = torch_operator(A)
    return LambdaOperator(lambda v: M @ v, len(A), dtype=M.dtype)


def _eigenthings_trace(method: str, probes: int) -> Ask:
    def ask(A: np.ndarray) -> Answer:
        from hessian_eigenthings import trace

        options = {"num_matvecs": MATVECS, "method": method, "seed": SEED}
        found = asked(trace, eigenthings_operator(A), **options)
        return Answer(found.estimate, probes=probes)

    return ask


def pyhessian_of(A: np.ndarray) -> hessian:
    """Return PyHessian's object of a quadratic form."""
    import torch
    from pyhessian import hessian

    from condlab.audit.catalogue.modules import quadratic

    torch.manual_seed(SEED)
    form = quadratic(A)
    data = (form.x, form.y)
    return asked(hessian, form.module, form.criterion, data=data, cuda=False)


def _pyhessian_trace(A: np.ndarray) -> Answer:
    return Answer(float(np.mean(asked(pyhessian_of(A).trace))), probes=100)


def _matfree_trace(A: np.ndarray) -> Answer:
    import jax
    from matfree import stochtrace

    with jax.enable_x64(True):
        M = jax.numpy.asarray(A)
        sampler = stochtrace.sampler_signs(M[0], num=MATVECS)
        estimate = stochtrace.estimator_monte_carlo(
            stochtrace.monte_carlo_trace(), sampler
        )
        found = asked(estimate, lambda v: M @ v, jax.random.PRNGKey(SEED))
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
        found = asked(estimate, lambda v: M @ v, jax.random.PRNGKey(SEED))
        return Answer(float(found), probes=MATVECS // 3)


def _traceax(name: str, probes: int, positive: bool = False) -> Ask:
    def ask(A: np.ndarray) -> Answer:
        import jax
        import lineax
        import traceax

        with jax.enable_x64(True):
            tags = lineax.positive_semidefinite_tag if positive else ()
            operator = lineax.MatrixLinearOperator(jax.numpy.asarray(A), tags)
            key = jax.random.PRNGKey(SEED)
            found, _ = asked(getattr(traceax, name)(), key, operator, MATVECS)
            return Answer(float(found), probes=probes)

    return ask


def _pylops(name: str, probes: int) -> Ask:
    def ask(A: np.ndarray) -> Answer:
        import pylops
        from pylops.utils import estimators

        np.random.seed(SEED)  # noqa: NPY002  (pylops draws from NumPy's global state)
        M, estimate = pylops.MatrixMult(A), getattr(estimators, name)
        return Answer(float(asked(estimate, M, neval=MATVECS)), probes=probes)

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
