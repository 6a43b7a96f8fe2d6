"""Time condition numbers of stacks, brackets included, against `numpy.linalg.cond`.

    OMP_NUM_THREADS=1 python -m benchmarks.stacks

Stacks of Gaussian matrices, in turns, in processor time on one thread. A minute.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Literal

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

import condlab
from benchmarks.measurement.turns import Times, environment, in_turns, write

SHAPES = ((10_000, 2, 2), (10_000, 3, 3), (10_000, 4, 4), (1_000, 10, 10))
Order = Literal[1, 2, "inf", "fro"]
NORMS: tuple[Order, ...] = (2, 1, "inf", "fro")


def measured(A: np.ndarray, p: Order) -> Times:
    order: Literal[1, 2, "fro"] | float = np.inf if p == "inf" else p
    methods = {
        "condlab": lambda: condlab.cond(A, p),
        "numpy.linalg.cond": lambda: np.linalg.cond(A, order),
    }
    return in_turns(methods)


def main() -> Path:
    """Measure every stack in every norm, and write the record."""
    rng = np.random.default_rng(0)
    found: dict[str, dict[str, Times]] = {}
    for k, m, n in SHAPES:
        A = rng.standard_normal((k, m, n))
        rows = found[f"{k:,} matrices {m} x {n}"] = {}
        for p in NORMS:
            rows[str(p)] = measured(A, p)
            print(k, m, n, p, json.dumps(rows[str(p)]), flush=True)
    return write("stacks", {**environment("numpy"), "cpu_seconds": found})


if __name__ == "__main__":
    print(main())
