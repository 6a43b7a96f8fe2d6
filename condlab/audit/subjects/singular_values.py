"""Subjects that look for extreme singular values."""

from __future__ import annotations

import numpy as np
import scipy.sparse.linalg as spla

from condlab.audit.asking import Ask, RefusalError, asked
from condlab.audit.model import Answer, Promise, Subject
from condlab.audit.subjects.eigenvalues import MACHINE, SEED, start


def _svds(which: str, solver: str) -> Ask:
    def ask(A: np.ndarray) -> float:
        options = {"which": which, "solver": solver, "rng": SEED}
        found = asked(spla.svds, A, 1, return_singular_vectors=False, **options)
        return float(found[0])

    return ask


def _primme_svds(which: str) -> Ask:
    def ask(A: np.ndarray) -> float:
        import primme

        options = {"which": which, "maxiter": 1000}
        found = asked(primme.svds, A, 1, return_singular_vectors=False, **options)
        if not len(found):
            raise RefusalError("an empty array after 1000 iterations, and no error")
        return float(found[0])

    return ask


def _spectral_radius(A: np.ndarray) -> float:
    from pyamg.util.linalg import approximate_spectral_radius

    options = {"symmetric": True, "initial_guess": start(A)}
    return float(asked(approximate_spectral_radius, A, **options))


def _randomized(A: np.ndarray) -> float:
    from sklearn.utils.extmath import randomized_svd

    return float(asked(randomized_svd, A, 1, random_state=SEED)[1][0])


def _interpolative(A: np.ndarray) -> float:
    from scipy.linalg.interpolative import estimate_spectral_norm

    operator = spla.aslinearoperator(A)
    rng = np.random.default_rng(SEED)
    return float(asked(estimate_spectral_norm, operator, rng=rng))


def _svd_lowrank(A: np.ndarray) -> float:
    import torch

    torch.manual_seed(SEED)
    return float(asked(torch.svd_lowrank, torch.tensor(A))[1][0])


def _spectral_norm(A: np.ndarray) -> float:
    """Return W over torch's W / sigma, by the entry that is largest."""
    import torch
    from torch import nn

    torch.manual_seed(SEED)
    layer = nn.Linear(len(A), len(A), bias=False).double()
    layer.weight.data = torch.tensor(A)
    normed = asked(nn.utils.parametrizations.spectral_norm, layer).eval()
    place = np.unravel_index(np.abs(A).argmax(), A.shape)
    with torch.no_grad():
        return float(A[place] / asked(getattr, normed, "weight")[place])


def _weightwatcher(column: str) -> Ask:
    def ask(A: np.ndarray) -> Answer:
        import torch
        import weightwatcher

        layer = torch.nn.Linear(len(A), len(A), bias=False)
        layer.weight.data = torch.tensor(A)
        watcher = weightwatcher.WeightWatcher(model=torch.nn.Sequential(layer))
        row = asked(watcher.analyze).iloc[0]
        return Answer(float(row[column]), str(row["warning"]))

    return ask


SUBJECTS = (
    Subject(
        "scipy.sparse.linalg.svds, arpack",
        "scipy",
        "scipy",
        {"sigma_max": _svds("LM", "arpack"), "sigma_min": _svds("SM", "arpack")},
        MACHINE,
        "numpy.linalg.svd",
    ),
    Subject(
        "scipy.sparse.linalg.svds, lobpcg",
        "scipy",
        "scipy",
        {"sigma_max": _svds("LM", "lobpcg"), "sigma_min": _svds("SM", "lobpcg")},
        Promise("to machine precision (tol=0), or a warning", "its docstring"),
        "numpy.linalg.svd",
    ),
    Subject(
        "scipy.sparse.linalg.svds, propack",
        "scipy",
        "scipy",
        {"sigma_max": _svds("LM", "propack"), "sigma_min": _svds("SM", "propack")},
        Promise("to machine precision (tol=0), or LinAlgError", "its docstring"),
        "numpy.linalg.svd",
    ),
    Subject(
        "primme.svds",
        "primme",
        "primme",
        {"sigma_max": _primme_svds("LM"), "sigma_min": _primme_svds("SM")},
        Promise(
            "residuals below the tolerance times the largest singular value",
            "its docstring",
            relative=1.5e-8,
        ),
        "a smaller tol",
    ),
    Subject(
        "pyamg.util.linalg.approximate_spectral_radius",
        "pyamg",
        "pyamg",
        {"sigma_max": _spectral_radius},
        Promise("an error below tol = 1 %", "its docstring", relative=0.01),
        "a smaller tol, or scipy.sparse.linalg.eigsh",
    ),
    Subject(
        "sklearn.utils.extmath.randomized_svd",
        "scikit-learn",
        "sklearn",
        {"sigma_max": _randomized},
        Promise(
            "a truncated SVD by random vectors; taken to mean a factor of 2",
            "its docstring",
            below=2.0,
            relative=1e-6,
        ),
        "scipy.sparse.linalg.svds",
    ),
    Subject(
        "scipy.linalg.interpolative.estimate_spectral_norm",
        "scipy",
        "scipy",
        {"sigma_max": _interpolative},
        Promise(
            "an estimate by 20 steps of the power method; taken to mean a factor of 2",
            "its docstring",
            below=2.0,
            relative=1e-6,
        ),
        "scipy.sparse.linalg.svds",
    ),
    Subject(
        "torch.svd_lowrank",
        "torch",
        "torch",
        {"sigma_max": _svd_lowrank},
        Promise(
            "a decomposition of rank 6 by 2 steps; taken to mean a factor of 2",
            "its docstring",
            below=2.0,
            relative=1e-6,
        ),
        "torch.linalg.svdvals, or a larger niter",
    ),
    Subject(
        "torch.nn.utils.parametrizations.spectral_norm",
        "torch",
        "torch",
        {"sigma_max": _spectral_norm},
        Promise(
            "W over its spectral norm, by 15 steps of the power method at the start; "
            "taken to mean a factor of 2",
            "its docstring",
            below=2.0,
            relative=1e-6,
        ),
        "torch.linalg.matrix_norm(W, 2)",
    ),
    Subject(
        "weightwatcher.WeightWatcher.analyze",
        "weightwatcher",
        "weightwatcher",
        {"sigma_max": _weightwatcher("sv_max"), "sigma_min": _weightwatcher("sv_min")},
        Promise(
            "sv_max and sv_min: singular values, in float32 at best",
            "the columns of its details",
            relative=1e-6,
        ),
        "numpy.linalg.svd, or condlab.nn.layer_table",
    ),
)
