"""Time row and column equilibration against its peers and against copying.

    OMP_NUM_THREADS=1 python -m benchmarks.equilibrate

Dense: a 4000 x 4000 float64 matrix. The floor is one read and one write of it into
new memory, timed as ``A.copy()``; row and column equilibration read it once more for
the norms. NumPy's two passes are the sums of squares and the product, without a check.
Sparse: 10^6 rows of 5 entries in CSR; 10^3 to 10^6 rows are the growth curve. With
``--ruiz``, Ruiz's scaling of it, to 1e-8 in the inf-norm, beside one turn of the same
sweeps in plain SciPy. All methods take turns in one process, in processor time on one
thread. A minute, and three more for Ruiz's.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import scipy.sparse as sp
from sklearn.preprocessing import normalize

import condlab
from benchmarks.measurement.turns import Times, environment, in_turns, write

PER_ROW = 5
SIZES = (1_000, 10_000, 100_000, 1_000_000)
TURNS, TOL = 7, 1e-8
Methods = dict[str, Callable[[], object]]


def dense(axis: int) -> Methods:
    A = np.random.default_rng(0).standard_normal((4000, 4000))
    scale = condlab.row_scaling if axis == 1 else condlab.column_scaling

    def two_passes() -> np.ndarray:
        squares = np.vecdot(A, A) if axis == 1 else np.einsum("ij,ij->j", A, A)
        return A * np.expand_dims(squares**-0.5, axis)

    return {
        "copy": A.copy,
        "condlab": lambda: scale(A).apply(A),
        "two passes": two_passes,
        "numpy": lambda: A / np.linalg.norm(A, axis=axis, keepdims=True),
        "sklearn": lambda: normalize(A, axis=axis),
    }


def matrix(rows: int) -> sp.csr_array:
    rng = np.random.default_rng(0)
    columns = np.sort(rng.integers(0, rows, (rows, PER_ROW)), axis=1).ravel()
    data = rng.standard_normal(rows * PER_ROW)
    ends = np.arange(0, rows * PER_ROW + 1, PER_ROW)
    A = sp.csr_array((data, columns, ends), shape=(rows, rows))
    A.sum_duplicates()
    return A


def sparse(A: sp.csr_array, axis: int) -> Methods:
    scale = condlab.row_scaling if axis == 1 else condlab.column_scaling
    B = sp.csr_matrix(A)  # what sklearn accepts
    return {
        "copy": A.copy,
        "condlab": lambda: scale(A).apply(A),
        "sklearn": lambda: normalize(B, axis=axis),
    }


def plain_ruiz(A: sp.csr_array) -> tuple[np.ndarray, np.ndarray]:
    """Make Ruiz's sweeps as one would write them with SciPy."""
    left, right = np.ones(A.shape[0]), np.ones(A.shape[1])
    while True:
        B = sp.diags_array(left) @ A @ sp.diags_array(right)
        rows = abs(B).max(axis=1).toarray()
        columns = abs(B).max(axis=0).toarray()
        if max(np.abs(d[d > 0] - 1).max() for d in (rows, columns)) <= TOL:
            return left, right
        left = left / np.sqrt(np.where(rows > 0, rows, 1.0))
        right = right / np.sqrt(np.where(columns > 0, columns, 1.0))


def ruiz(A: sp.csr_array) -> Times:
    methods: Methods = {
        "copy": A.copy,
        "condlab": lambda: condlab.ruiz_scaling(A, tol=TOL),
    }
    plain: Methods = {"SciPy, the same sweeps": lambda: plain_ruiz(A)}
    return in_turns(methods, TURNS) | in_turns(plain, 1)


def main() -> Path:
    """Measure all of it, and write the record."""
    found: dict[str, Times] = {}
    record = environment("numpy", "scipy", "scikit-learn")
    for axis, side in ((1, "rows"), (0, "columns")):
        found[f"dense 4000 x 4000, {side}"] = in_turns(dense(axis), TURNS)
    matrices = {rows: matrix(rows) for rows in SIZES}
    A = matrices[SIZES[-1]]
    for axis, side in ((1, "rows"), (0, "columns")):
        work = f"csr, 10^6 rows of {PER_ROW}, {side}"
        found[work] = in_turns(sparse(A, axis), TURNS)
    record["growth"] = {
        str(rows): in_turns(sparse(A, 1), TURNS)["condlab"]
        for rows, A in matrices.items()
    }
    if "--ruiz" in sys.argv:
        record["ruiz"] = ruiz(A)
    record["cpu_seconds"] = found
    print(json.dumps(record, indent=1))
    return write("equilibrate", record)


if __name__ == "__main__":
    print(main())
