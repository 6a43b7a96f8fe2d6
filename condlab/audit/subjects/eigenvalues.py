"""Subjects that look for extreme eigenvalues."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse.linalg as spla

from condlab.audit.asking import Ask, asked
from condlab.audit.model import Answer, Promise, Subject

if TYPE_CHECKING:
    from torch import Tensor

SEED = 0


def start(A: np.ndarray, k: int = 1) -> np.ndarray:
    """Return k normal vectors to start from, always the same."""
    return np.random.default_rng(SEED).standard_normal((len(A), k))


def _largest_abs(values: np.ndarray) -> float:
    return float(max(values.tolist(), key=abs))


def _eigsh(which: str, **options: object) -> Ask:
    def ask(A: np.ndarray) -> float:
        first = start(A)[:, 0]
        return float(asked(spla.eigsh, A, 1, which=which, v0=first, **options)[0][0])

    return ask


def _lobpcg(largest: bool) -> Ask:
    return lambda A: asked(spla.lobpcg, A, start(A), largest=largest)[0][0]


def _torch_lobpcg(largest: bool) -> Ask:
    def ask(A: np.ndarray) -> float:
        import torch

        torch.manual_seed(SEED)
        found = asked(torch.lobpcg, torch.tensor(A), k=1, largest=largest)
        return float(found[0][0])

    return ask


def _jax_lobpcg(A: np.ndarray) -> Answer:
    import jax
    from jax.experimental.sparse.linalg import lobpcg_standard

    steps = 100  # the default
    with jax.enable_x64(True):
        M, first = jax.numpy.asarray(A), jax.numpy.asarray(start(A))
        values, _, done = asked(lobpcg_standard, M, first, m=steps)
        flag = f"all {steps} steps taken" if int(done) >= steps else ""
        return Answer(float(values[0]), flag)


def _primme(which: str) -> Ask:
    def ask(A: np.ndarray) -> float:
        import primme

        options = {"which": which, "v0": start(A), "maxiter": 1000}
        return float(asked(primme.eigsh, A, 1, **options)[0][0])

    return ask


def _eigenthings(which: str) -> Ask:
    def ask(A: np.ndarray) -> Answer:
        import torch
        from hessian_eigenthings import LambdaOperator, lanczos

        M = torch.tensor(A)
        operator = LambdaOperator(lambda v: M @ v, len(A), dtype=M.dtype)
        found = asked(lanczos, operator, k=5, which=which, seed=SEED)
        flag = "" if bool(found.converged[0]) else "not converged"
        return Answer(float(found.eigenvalues[0]), flag)

    return ask


def _deflated(A: np.ndarray) -> Answer:
    import torch
    from hessian_eigenthings import LambdaOperator, deflated_power_iteration

    M = torch.tensor(A)
    operator = LambdaOperator(lambda v: M @ v, len(A), dtype=M.dtype)
    found = asked(deflated_power_iteration, operator, k=1, seed=SEED)
    flag = "" if bool(found.converged[0]) else "not converged"
    return Answer(float(found.eigenvalues[0]), flag)


def _matfree(pick: Callable[[np.ndarray], float]) -> Ask:
    def ask(A: np.ndarray) -> float:
        import jax
        from matfree import decomp, eig

        with jax.enable_x64(True):
            M = jax.numpy.asarray(A)
            solve = eig.eigh_partial(decomp.tridiag_sym(min(16, len(A))))
            first = jax.numpy.asarray(start(A)[:, 0])
            values, _ = asked(solve, lambda v: M @ v, first)
            return float(pick(np.asarray(values)))

    return ask


def _condlab(pick: Callable[[Tensor], Tensor]) -> Ask:
    def ask(A: np.ndarray) -> Answer:
        import torch

        from condlab.spectra import spectrum

        found = asked(spectrum, torch.tensor(A))
        i = int(pick(found.values))
        lower, upper = float(found.lower[i]), float(found.upper[i])
        return Answer(float(found.values[i]), lower=lower, upper=upper)

    return ask


MACHINE = Promise(
    "to machine precision (tol=0); ArpackNoConvergence otherwise", "its docstring"
)
SUBJECTS = (
    Subject(
        "condlab.spectra.spectrum",
        "condlab",
        "torch",
        {
            "lambda_max": _condlab(lambda v: v.argmax()),
            "lambda_abs": _condlab(lambda v: v.abs().argmax()),
            "lambda_min": _condlab(lambda v: v.argmin()),
        },
        Promise(
            "each value with an interval that holds an eigenvalue", "its docstring"
        ),
        "nothing failed",
    ),
    Subject(
        "numpy.linalg.eigvalsh",
        "numpy",
        "numpy",
        {
            "lambda_max": lambda A: asked(np.linalg.eigvalsh, A)[-1],
            "lambda_abs": lambda A: _largest_abs(asked(np.linalg.eigvalsh, A)),
            "lambda_min": lambda A: asked(np.linalg.eigvalsh, A)[0],
            "sigma_max": lambda A: asked(np.linalg.svd, A, compute_uv=False)[0],
            "sigma_min": lambda A: asked(np.linalg.svd, A, compute_uv=False)[-1],
        },
        Promise(source="its docstring; singular values by numpy.linalg.svd"),
        "nothing failed",
    ),
    Subject(
        "scipy.sparse.linalg.eigsh",
        "scipy",
        "scipy",
        {
            "lambda_max": _eigsh("LA"),
            "lambda_abs": _eigsh("LM"),
            "lambda_min": _eigsh("SM"),
        },
        MACHINE,
        "numpy.linalg.eigvalsh, or sigma=0 at the small end",
    ),
    Subject(
        "scipy.sparse.linalg.eigsh, sigma=0",
        "scipy",
        "scipy",
        {"lambda_min": _eigsh("LM", sigma=0)},
        MACHINE,
        "numpy.linalg.eigvalsh",
    ),
    Subject(
        "scipy.sparse.linalg.lobpcg",
        "scipy",
        "scipy",
        {"lambda_max": _lobpcg(True), "lambda_min": _lobpcg(False)},
        Promise(
            "a residual below n * sqrt(eps), or a warning",
            "its docstring",
            relative=1.5e-6,
        ),
        "more vectors and steps, and a tolerance relative to the matrix",
    ),
    Subject(
        "torch.lobpcg",
        "torch",
        "torch",
        {"lambda_max": _torch_lobpcg(True), "lambda_min": _torch_lobpcg(False)},
        Promise(
            "residuals below sqrt(eps), unless 1000 steps are over",
            "its docstring",
            relative=1e-6,
        ),
        "torch.linalg.eigvalsh",
    ),
    Subject(
        "jax.experimental.sparse.linalg.lobpcg_standard",
        "jax",
        "jax",
        {"lambda_max": _jax_lobpcg},
        Promise(
            "residuals below 10 n eps (lambda + |A v|), unless all steps are taken",
            "its docstring",
            rounding=40.0,
        ),
        "jax.numpy.linalg.eigvalsh",
    ),
    Subject(
        "primme.eigsh",
        "primme",
        "primme",
        {"lambda_max": _primme("LA"), "lambda_min": _primme("SA")},
        Promise(
            "residuals below sqrt(eps) times the largest |eigenvalue|",
            "its docstring",
            relative=1.5e-8,
        ),
        "a smaller tol",
    ),
    Subject(
        "hessian_eigenthings.lanczos",
        "hessian-eigenthings",
        "hessian_eigenthings",
        {
            "lambda_max": _eigenthings("LA"),
            "lambda_abs": _eigenthings("LM"),
            "lambda_min": _eigenthings("SA"),
        },
        Promise(
            "converged says that the residual is below 1e-4 |lambda|",
            "its docstring",
            relative=1e-4,
        ),
        "condlab.spectra.spectrum; a larger max_iter, and units in which H is near 1",
    ),
    Subject(
        "hessian_eigenthings.deflated_power_iteration",
        "hessian-eigenthings",
        "hessian_eigenthings",
        {"lambda_abs": _deflated},
        Promise(
            "converged says that the residual is below 1e-4 |lambda|",
            "its docstring",
            relative=1e-4,
        ),
        "hessian_eigenthings.lanczos",
    ),
    Subject(
        "matfree.eig.eigh_partial",
        "matfree",
        "matfree",
        {"lambda_max": _matfree(np.max), "lambda_abs": _matfree(_largest_abs)},
        Promise(
            "eigenvalues by 16 Lanczos steps; taken to mean a factor of 2",
            "its docstring",
            below=2.0,
            relative=1e-6,
        ),
        "more steps, and a look at the residual",
    ),
)
