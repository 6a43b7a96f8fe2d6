"""Time `optimal_scaling` against semidefinite programming, and say how far it gets.

    python -m benchmarks.optimal_scaling [--timeout SECONDS]

Every method gets a process of its own, one at a time, on one thread. The time is that
of the call alone. Both the clock and the processor time are recorded; the ratios are of
the latter, which a busy machine distorts less. The peers solve with cvxpy the programme
that the literature gives: maximise t with t I <= A' diag(w) A <= I. What they return is
judged like everything else, by the condition number that its scaling reaches.

The growth exponent is the slope of log processor time against log n.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import condlab
from benchmarks.measurement.children import Result, failure, in_a_child
from condlab.collection import COLLECTION
from condlab.types import Sparse

NAME = "benchmarks.optimal_scaling"
RECORD = Path(__file__).parent / "results" / "optimal_scaling.json"
SIZES = (50, 100, 200, 500, 1000, 2000)
PATIENCE = 900.0  # seconds for condlab alone, whatever its peers are given
GAP = 0.02
EQUILIBRATIONS: dict[str, Callable[[Sparse], condlab.Scaling]] = {
    "row": condlab.row_scaling,
    "column": condlab.column_scaling,
    "row-column": condlab.row_column_scaling,
    "ruiz": condlab.ruiz_scaling,
    "jacobi": condlab.jacobi_scaling,
}
TWO_SIDED = ("50", "100", "200")  # random; no peer solves these
SQUARE = ("stiffness", "wathen", "beam")
NO_DATA_SET = ("stiffness", "wathen", "beam", "convection-diffusion", "sensors")


def random_matrix(n: int) -> np.ndarray:
    """Return normal entries in rows of very different units."""
    rng = np.random.default_rng(n)
    return rng.standard_normal((n, n)) * 10.0 ** rng.uniform(-3, 3, (n, 1))


def load(problem: str) -> np.ndarray:
    if problem in COLLECTION:
        A = COLLECTION[problem].load()
        return A.toarray() if hasattr(A, "toarray") else A
    return random_matrix(int(problem))


def by_condlab(A: np.ndarray) -> condlab.OptimalScaling:
    return condlab.optimal_scaling(A, rtol=GAP)


def two_sided(A: np.ndarray) -> condlab.OptimalScaling:
    return condlab.optimal_scaling(A, side="both", rtol=GAP)


def by_cvxpy(solver: str) -> Callable[[np.ndarray], condlab.Scaling]:
    def solve(A: np.ndarray) -> condlab.Scaling:
        import cvxpy as cp

        start = condlab.row_scaling(A)
        B = start.apply(A)
        n = B.shape[1]
        w, t = cp.Variable(len(B), nonneg=True), cp.Variable()
        G = B.T @ cp.diag(w) @ B
        problem = cp.Problem(cp.Maximize(t), [G >> t * np.eye(n), G << np.eye(n)])
        problem.solve(solver=solver)
        if w.value is None:
            raise RuntimeError(problem.status)
        return condlab.Scaling(np.sqrt(np.maximum(w.value, 0.0))).compose(start)

    return solve


Found = condlab.Scaling | condlab.OptimalScaling
METHODS: dict[str, Callable[[np.ndarray], Found]] = {
    "condlab": by_condlab,
    "condlab, two-sided": two_sided,
    "cvxpy + Clarabel": by_cvxpy("CLARABEL"),
    "cvxpy + SCS": by_cvxpy("SCS"),
}


def one(problem: str, method: str) -> Result:
    """Run one method in this process."""
    A = load(problem)
    start, cpu_start = time.perf_counter(), time.process_time()
    try:
        found = METHODS[method](A)
    except Exception as error:  # whatever a peer raises is its answer
        return failure(error)
    result: Result = {
        "outcome": "ok",
        "seconds": time.perf_counter() - start,
        "cpu_seconds": time.process_time() - cpu_start,
    }
    if isinstance(found, condlab.OptimalScaling):
        result["gap"], result["iterations"] = found.gap, found.iterations
        result["lower"] = found.optimum.lower
        found = found.scaling
    result["kappa"] = condlab.cond_2(found.apply(A)).value
    return result


def shown(result: Result) -> str:
    if result["outcome"] != "ok":
        return result["outcome"]
    gap = f"  certified gap {result['gap']:.1e}" if "gap" in result else ""
    return (
        f"{result['seconds']:8.2f} s {result['cpu_seconds']:8.2f} cpu s"
        f"  kappa {result['kappa']:.6g}{gap}"
    )


def compare(
    problems: tuple[str, ...], methods: tuple[str, ...], timeout: float
) -> dict[str, dict[str, Result]]:
    results: dict[str, dict[str, Result]] = {}
    for problem in problems:
        results[problem] = {}
        for method in methods:
            results[problem][method] = in_a_child(NAME, problem, method, timeout)
            print(
                f"{problem:22} {method:18} {shown(results[problem][method])}",
                flush=True,
            )
    return results


def spd_matrices() -> dict[str, Sparse]:
    """Return 18 sparse SPD matrices of the orders of SuiteSparse's small ones."""
    from condlab.gallery import laplacian_2d, wathen

    rng = np.random.default_rng(0)
    grids = {f"laplacian {k} x {k}": laplacian_2d(k) for k in range(10, 66, 5)}
    finite = {f"wathen {k}": wathen(k, k, rng=rng) for k in (8, 12, 18, 25)}
    names = ("stiffness", "mass")
    return grids | finite | {name: COLLECTION[name].load() for name in names}


def equilibrations() -> dict[str, dict[str, float]]:
    """Return the milliseconds of each equilibration of each matrix, medians of five."""
    times: dict[str, dict[str, float]] = {}
    for name, A in spd_matrices().items():
        times[name] = {"order": A.shape[0], "nonzeros": int(A.nnz)}
        for method, scaling in EQUILIBRATIONS.items():
            times[name][method] = 1e3 * float(
                np.median([timed(scaling, A) for _ in range(5)])
            )
    return times


def timed(scaling: Callable[[Sparse], object], A: Sparse) -> float:
    start = time.process_time()
    scaling(A)
    return time.process_time() - start


def exponent(results: dict[str, dict[str, Result]]) -> float:
    sizes = [n for n in SIZES if n >= 100]
    seconds = [results[str(n)]["condlab"]["cpu_seconds"] for n in sizes]
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def measure(timeout: float) -> dict[str, object]:
    one_sided = tuple(name for name in METHODS if name != "condlab, two-sided")
    small = compare(("50", "100"), one_sided, timeout)
    large = compare(tuple(str(n) for n in SIZES if n > 100), ("condlab",), PATIENCE)
    real = compare(NO_DATA_SET, ("condlab",), PATIENCE)
    both = compare((*TWO_SIDED, *SQUARE), ("condlab, two-sided",), PATIENCE)
    packages = ("condlab", "numpy", "scipy", "cvxpy", "clarabel", "scs")
    times = equilibrations()
    worst = {m: max(row[m] for row in times.values()) for m in EQUILIBRATIONS}
    growth = exponent(small | large)
    print(f"growth: n^{growth:.2f}; slowest equilibrations in ms: {worst}")
    return {
        "machine": {"cpus": os.cpu_count(), "threads": 1, "system": sys.platform},
        "versions": {name: importlib.metadata.version(name) for name in packages}
        | {"python": sys.version.split()[0]},
        "gap": GAP,
        "timeout": timeout,
        "random": small | large,
        "collection": real,
        "two_sided": both,
        "growth_exponent": growth,
        "equilibration_milliseconds": times,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--timeout", type=float, default=300.0)
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
