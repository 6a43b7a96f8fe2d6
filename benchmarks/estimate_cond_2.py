"""Time `estimate_cond_2` against its peers on sparse matrices of order 10^5.

    python -m benchmarks.estimate_cond_2 [--timeout SECONDS]

Every method gets a process of its own and a time-out, one at a time, on one thread. The
time is that of the call alone, without imports and assembly; fast methods are called
three times and the median counts. Both the clock and the processor time are recorded;
the ratios are of the latter, which a busy machine distorts less. The error beside them
is relative, against the closed form for the Laplacian and against a slow computation to
ten digits for the others. An answer within one per cent is called right.

The peers: SciPy's `svds` for both ends with its three solvers; the same by a user who
knows to invert first (`splu`, then ARPACK on the inverse), to full precision and to a
tolerance like condlab's; shift-invert `eigsh` for the symmetric matrix, likewise;
pyamg's `condest`.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator, eigsh, splu, svds

from benchmarks.measurement.children import Result, failure, in_a_child
from condlab.types import Sparse

NAME = "benchmarks.estimate_cond_2"
RECORD = Path(__file__).parent / "results" / "estimate_cond_2.json"
K = 316  # points a side of the grid: 99856 unknowns
RIGHT = 0.01
TRUTH = "truth"
LOOSE = 1e-3  # ARPACK's tolerance: relative, on σ² or on the eigenvalue
CALLS = 3


def grid(convection: float = 0.0) -> Sparse:
    """Return the five-point stencil of -Δu + c · grad u, central differences."""
    T = sp.diags_array(
        [-1.0 - convection, 2.0, -1.0 + convection], offsets=[-1, 0, 1], shape=(K, K)
    )
    return (sp.kron(T, sp.eye_array(K)) + sp.kron(sp.eye_array(K), T)).tocsr()


def units() -> np.ndarray:
    return 10.0 ** np.random.default_rng(0).uniform(-4, 4, K * K)


PROBLEMS: dict[str, Callable[[], Sparse]] = {
    "laplacian": grid,
    "convection-diffusion": lambda: grid(0.4),
    "badly scaled rows": lambda: (sp.diags_array(units()) @ grid()).tocsr(),
}


def extremes(A: Sparse, inverse: LinearOperator, tol: float = 0.0) -> float:
    """Return σ_1(A) σ_1(A⁻¹) by ARPACK."""
    top, bottom = (
        svds(B, k=1, tol=tol, return_singular_vectors=False, rng=0)[0]
        for B in (A, inverse)
    )
    return float(top * bottom)


def inverse_of(A: Sparse, row_units: np.ndarray | float = 1.0) -> LinearOperator:
    """Return (diag(row_units) A)⁻¹ through SciPy's default factorisation of A."""
    lu = splu(A.tocsc())
    return LinearOperator(
        A.shape,
        matvec=lambda b: lu.solve(b.ravel() / row_units),
        rmatvec=lambda c: lu.solve(c.ravel(), "T") / row_units,
        dtype=A.dtype,
    )


def truth(problem: str) -> float:
    if problem == "laplacian":
        return float(1 / np.tan(np.pi / (2 * (K + 1))) ** 2)
    A = PROBLEMS[problem]()
    if problem == "badly scaled rows":  # units apart: no digits are lost to them
        return extremes(A, inverse_of(grid(), units()), tol=1e-10)
    return extremes(A, inverse_of(A), tol=1e-10)


def by_condlab(A: Sparse) -> float:
    import condlab

    return condlab.estimate_cond_2(A, rng=0).value


def by_svds(solver: str) -> Callable[[Sparse], float]:
    def kappa(A: Sparse) -> float:
        options = {"k": 1, "solver": solver, "return_singular_vectors": False}
        if solver == "propack":  # its default of ten steps raises at once
            options["maxiter"] = 1000
        ends = (svds(A, which=which, rng=0, **options) for which in ("LM", "SM"))
        top, bottom = (float(end[0]) for end in ends)
        return top / bottom if bottom > 0 else float("inf")

    return kappa


def by_eigsh(A: Sparse, tol: float = 0.0) -> float:
    if abs(A - A.T).max() > 0:
        raise ValueError("only for symmetric matrices")
    options = {"k": 1, "tol": tol, "return_eigenvectors": False}
    top = eigsh(A, **options)[0]
    return float(top / eigsh(A.tocsc(), sigma=0, **options)[0])


def by_pyamg(A: Sparse) -> float:
    from pyamg.util.linalg import condest

    return float(condest(A))


METHODS: dict[str, Callable[[Sparse], float]] = {
    "condlab": by_condlab,
    "splu + svds": lambda A: extremes(A, inverse_of(A)),
    "splu + svds, loose": lambda A: extremes(A, inverse_of(A), LOOSE),
    "eigsh shift-invert": by_eigsh,
    "eigsh shift-invert, loose": lambda A: by_eigsh(A, LOOSE),
    "svds arpack": by_svds("arpack"),
    "svds lobpcg": by_svds("lobpcg"),
    "svds propack": by_svds("propack"),
    "pyamg condest": by_pyamg,
}


def one(problem: str, method: str) -> Result:
    """Run one method in this process."""
    if method == TRUTH:
        return {"outcome": "ok", "kappa": truth(problem)}
    A = PROBLEMS[problem]()
    seconds: list[float] = []
    cpu: list[float] = []
    try:
        while len(seconds) < CALLS and sum(seconds) < 10:
            start, cpu_start = time.perf_counter(), time.process_time()
            kappa = METHODS[method](A)
            seconds.append(time.perf_counter() - start)
            cpu.append(time.process_time() - cpu_start)
    except Exception as error:  # whatever a peer raises is its answer
        return failure(error)
    return {
        "outcome": "ok",
        "seconds": statistics.median(seconds),
        "cpu_seconds": statistics.median(cpu),
        "kappa": kappa,
    }


def line(method: str, result: Result, own: float) -> str:
    if result["outcome"] != "ok":
        return f"  {method:25} {result['outcome']}"
    verdict = "right" if result["error"] <= RIGHT else "WRONG"
    return (
        f"  {method:25} {result['seconds']:7.2f} s {result['cpu_seconds']:7.2f} cpu s"
        f" {result['cpu_seconds'] / own:6.2f} x"
        f"  kappa {result['kappa']:.6e}  error {result['error']:.1e}  {verdict}"
    )


def version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def measure(timeout: float) -> dict[str, object]:
    problems = {}
    for problem in PROBLEMS:
        exact = in_a_child(NAME, problem, TRUTH, None)["kappa"]
        print(f"{problem}: kappa {exact:.10e}", flush=True)
        results: dict[str, Result] = {}
        for method in METHODS:
            results[method] = in_a_child(NAME, problem, method, timeout)
            if results[method]["outcome"] == "ok":
                results[method]["error"] = abs(results[method]["kappa"] / exact - 1)
            own = results["condlab"].get("cpu_seconds", float("nan"))
            print(line(method, results[method], own), flush=True)
        problems[problem] = {"kappa": exact, "methods": results}
    versions = {p: version(p) for p in ("condlab", "numpy", "scipy", "pyamg")}
    return {
        "machine": {"cpus": os.cpu_count(), "threads": 1, "system": sys.platform},
        "versions": versions | {"python": sys.version.split()[0]},
        "order": K * K,
        "timeout": timeout,
        "problems": problems,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--timeout", type=float, default=120.0)
    parser.add_argument("--one", nargs=2, metavar=("PROBLEM", "METHOD"))
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(one(*arguments.one)))
        return
    record = measure(arguments.timeout)
    RECORD.parent.mkdir(exist_ok=True)
    RECORD.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
