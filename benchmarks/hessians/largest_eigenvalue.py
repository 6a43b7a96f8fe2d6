"""How many products the largest eigenvalue of a Hessian takes, by tools people use."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh
from torch import nn

from benchmarks.hessians.problems import CRITERION, Batch, operator, trained
from condlab.curvature import HessianOperator
from condlab.spectra import spectrum

CLOSE = 1e-6
Close = Callable[[float], bool]


def measure_largest() -> dict[str, object]:
    """Count the fewest products to lambda_max within a relative error of 1e-6."""
    net, (x, y) = trained()
    double = operator(net.double(), (x.double(), y))
    reference = spectrum(double, method="lanczos", num_matvecs=150, rtol=0, basis=150)
    truth = float(reference.values[-1])
    H = operator(net, (x.double(), y))

    def close(value: float) -> bool:
        return abs(value - truth) <= CLOSE * abs(truth)

    return {
        "reference": truth,
        "condlab": fewest_lanczos(H, close),
        "eigsh": fewest_eigsh(H, close),
        "PyHessian": fewest_power(net, (x.double(), y), close),
    }


def fewest_lanczos(H: HessianOperator, close: Close) -> int | None:
    for k in range(3, 80):
        found = spectrum(H, method="lanczos", num_matvecs=k, rtol=0)
        if close(float(found.values[-1])):
            return found.products
    return None


def fewest_eigsh(H: HessianOperator, close: Close) -> int | None:
    counts = []
    start = np.random.default_rng(0).standard_normal(H.shape[0])
    for ncv in (3, 5, 8, 10, 12, 15, 20):
        for tol in (1e-1, 1e-2, 1e-3, 1e-4):
            made = 0

            def product(v: np.ndarray) -> np.ndarray:
                nonlocal made
                made += 1
                return (H @ torch.from_numpy(v.reshape(-1))).numpy()

            L = LinearOperator(H.shape, matvec=product, dtype=np.float64)
            try:
                found = eigsh(L, 1, which="LA", ncv=ncv, tol=tol, v0=start)[0][0]
            except ArpackNoConvergence:
                continue
            if close(float(found)):
                counts.append(made)
    return min(counts, default=None)


def fewest_power(net: nn.Module, batch: Batch, close: Close) -> int | str | None:
    try:
        from pyhessian import hessian as tool
    except ImportError as error:
        return str(error)
    made = tool(net, CRITERION, data=batch, cuda=False)
    for iterations in (20, 30, 40, 50, 70, 100, 150, 200):
        torch.manual_seed(0)
        values, _ = made.eigenvalues(maxIter=iterations, tol=0, top_n=1)
        if close(values[0]):
            return iterations
    return None
