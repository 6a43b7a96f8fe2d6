"""Time row and column equilibration against its peers and against copying.

    OMP_NUM_THREADS=1 python benchmarks/equilibrate.py

Dense: a 4000 x 4000 float64 matrix. The floor is one read and one write of it into
new memory, timed as ``A.copy()``; row and column equilibration read it once more for
the norms. Sparse: 10^7 nonzeros in CSR. All methods take turns in one process; the
figures are medians of the turns, and ratios are to condlab's own.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import scipy.sparse as sp
import sklearn
from sklearn.preprocessing import normalize

import condlab

RECORD = Path(__file__).parent / "results" / "equilibrate.json"
TURNS = 15


def rounds(methods: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Return the median seconds of each method, all taking turns."""
    times: dict[str, list[float]] = {name: [] for name in methods}
    for turn in range(TURNS + 1):
        for name, method in methods.items():
            start = time.perf_counter()
            method()
            if turn:  # the first round warms up
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(seconds) for name, seconds in times.items()}


def dense() -> dict[str, dict[str, float]]:
    A = np.random.default_rng(0).standard_normal((4000, 4000))
    return {
        "rows": rounds(
            {
                "copy": A.copy,
                "condlab": lambda: condlab.row_scaling(A).apply(A),
                "numpy": lambda: A / np.linalg.norm(A, axis=1, keepdims=True),
                "sklearn": lambda: normalize(A, axis=1),
            }
        ),
        "columns": rounds(
            {
                "copy": A.copy,
                "condlab": lambda: condlab.column_scaling(A).apply(A),
                "numpy": lambda: A / np.linalg.norm(A, axis=0, keepdims=True),
                "sklearn": lambda: normalize(A, axis=0),
            }
        ),
    }


def sparse() -> dict[str, dict[str, float]]:
    rng = np.random.default_rng(0)
    m, per_row = 1_000_000, 10
    columns = np.sort(rng.integers(0, m, (m, per_row)), axis=1).ravel()
    data = rng.standard_normal(m * per_row)
    A = sp.csr_array((data, columns, np.arange(0, m * per_row + 1, per_row)))
    A.sum_duplicates()
    B = sp.csr_matrix(A)  # what sklearn accepts
    return {
        "rows": rounds(
            {
                "copy": A.copy,
                "condlab": lambda: condlab.row_scaling(A).apply(A),
                "sklearn": lambda: normalize(B, axis=1),
            }
        ),
        "columns": rounds(
            {
                "copy": A.copy,
                "condlab": lambda: condlab.column_scaling(A).apply(A),
                "sklearn": lambda: normalize(B, axis=0),
            }
        ),
    }


def table(title: str, results: dict[str, dict[str, float]]) -> list[str]:
    lines = [title]
    for side, seconds in results.items():
        for name, value in seconds.items():
            to_own, to_copy = value / seconds["condlab"], value / seconds["copy"]
            lines.append(
                f"  {side:8} {name:8} {1e3 * value:8.1f} ms"
                f"  {to_own:5.2f} x condlab  {to_copy:5.2f} x copy"
            )
    return lines


def main() -> None:
    results = {"dense 4000x4000": dense(), "sparse 1e7 nonzeros": sparse()}
    for title, block in results.items():
        print("\n".join(table(title, block)))
    versions = {"numpy": np.__version__, "sklearn": sklearn.__version__}
    record = {"threads": 1, "turns": TURNS, "versions": versions, "seconds": results}
    RECORD.parent.mkdir(exist_ok=True)
    RECORD.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
