"""Hold the proven brackets of κ₂ against exact arithmetic, and time them.

    python -m benchmarks.brackets [--count 500]

Random matrices of the tests' twenty kinds, one by one and as stacks of one, against
singular values from exact rationals in 400-bit balls: how many brackets are false, and
how wide the widest is, relative to max(m, n) eps κ, for κ up to 1e12. Then the time of
`cond_2` and `numpy.linalg.cond` side by side, in processor time on one thread.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import flint
import numpy as np
import scipy.sparse as sp

import condlab
from condlab.types import Array, ConditionEstimates, ConditionNorm
from tests.exact import Exact
from tests.kinds import KINDS

RECORD = Path(__file__).parent / "results" / "brackets.json"
MOST = 1e12  # κ up to which widths are looked at
SIZES = (10, 100, 200, 500, 1000)
EPS = float(np.finfo(float).eps)


def is_false(lower: float, upper: float, kappa: flint.arb | None) -> bool:
    if kappa is None:
        return upper < float("inf")
    return bool(flint.arb(lower) > kappa or flint.arb(upper) < kappa)


def brackets(A: np.ndarray) -> Iterator[tuple[ConditionNorm, float, float]]:
    """Yield the brackets of a matrix, of its transpose, and of a stack of it alone."""
    for found in (condlab.cond_2(A), condlab.cond_2(A.T), condlab.cond_fro(A)):
        yield found.p, found.lower, found.upper
    stack = condlab.cond(A[None])
    assert isinstance(stack, ConditionEstimates)
    yield 2, float(stack.lower[0]), float(stack.upper[0])


def of_kind(
    kind: Callable[[int, np.random.Generator], Array], count: int
) -> dict[str, float]:
    """Try a kind; its brackets, those that are false, and the widest."""
    rng = np.random.default_rng([17, KINDS.index(kind)])
    found = {"matrices": count, "brackets": 0, "false": 0, "undecided": 0}
    widest = 0.0
    for k in range(count):
        A = kind(int(rng.integers(1, 13 if k % 20 == 0 else 7)), rng)
        exact = Exact(A)
        truths = {p: exact.cond(p) for p in (2, "fro")}
        dense = A.toarray() if sp.issparse(A) else A
        for p, lower, upper in brackets(dense):
            found["brackets"] += 1
            found["false"] += is_false(lower, upper, truths[p])
            kappa = np.inf if truths[p] is None else float(truths[p])
            found["undecided"] += upper == np.inf and kappa <= MOST
            if kappa <= MOST:
                width = (upper - lower) / kappa / (max(A.shape) * EPS * kappa)
                widest = max(widest, float(width))
    return found | {"widest": round(widest, 1)}


def seconds(order: int, repeats: int) -> dict[str, float]:
    """Return the median milliseconds of both, one after the other in turn."""
    A = np.random.default_rng(order).standard_normal((order, order))
    calls = {"numpy": lambda: np.linalg.cond(A), "condlab": lambda: condlab.cond_2(A)}
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            start = time.process_time()
            call()
            times[name].append(1e3 * (time.process_time() - start))
    medians = {name: float(np.median(spent)) for name, spent in times.items()}
    return medians | {"ratio": medians["condlab"] / medians["numpy"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=500, help="matrices of each kind")
    count = parser.parse_args().count
    kinds = {}
    for kind in KINDS:
        kinds[kind.__name__] = of_kind(kind, count)
        print(f"{kind.__name__:28} {kinds[kind.__name__]}", flush=True)
    costs = {str(n): seconds(n, 11) for n in SIZES}
    for order, row in costs.items():
        print(f"n = {order:5} {row}")
    packages = ("condlab", "numpy", "scipy", "python-flint")
    record = {
        "machine": {"cpus": os.cpu_count(), "threads": 1, "system": sys.platform},
        "versions": {name: importlib.metadata.version(name) for name in packages}
        | {"python": sys.version.split()[0]},
        "largest_kappa": MOST,
        "kinds": kinds,
        "milliseconds": costs,
    }
    RECORD.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
