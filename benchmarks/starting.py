"""Time `import condlab` and `condlab cond FILE` against what neither can do without.

    OMP_NUM_THREADS=1 python -m benchmarks.starting

Each turn is a new process, of which the processor time counts. The base is NumPy,
scipy.sparse and scipy.linalg, which every matrix needs; Python's own start is in all of
them, and told beside them. The files are a dense matrix of 50 by 50 in NumPy's format
and a sparse one of order 100 in Matrix Market's. Half a minute.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from benchmarks.measurement.turns import environment, in_turns, write
from condlab.gallery import laplacian_2d
from condlab.io import write_matrix

TURNS = 15
BASE = "NumPy, scipy.sparse, scipy.linalg"


def children() -> float:
    """Return the processor time of all processes started here that have ended."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def run(*arguments: str) -> None:
    # Users have bytecode; what keeps Python from writing it is no cost of theirs.
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, *arguments]
    subprocess.run(command, check=True, env=kept, stdout=subprocess.DEVNULL)


def cond(path: Path) -> None:
    run("-m", "condlab", "cond", str(path))


def main() -> Path:
    """Measure both, and write the record."""
    record = {**environment("numpy", "scipy"), "turns": TURNS}
    with tempfile.TemporaryDirectory() as folder:
        dense, sparse = Path(folder, "dense.npy"), Path(folder, "sparse.mtx")
        np.save(dense, np.random.default_rng(0).standard_normal((50, 50)))
        write_matrix(sparse, laplacian_2d(10))
        methods = {
            "python": lambda: run("-c", "pass"),
            BASE: lambda: run("-c", "import numpy, scipy.sparse, scipy.linalg"),
            "condlab": lambda: run("-c", "import condlab"),
            "condlab cond dense.npy": lambda: cond(dense),
            "condlab cond sparse.mtx": lambda: cond(sparse),
        }
        record["cpu_seconds"] = in_turns(methods, TURNS, children)
        record["wall_seconds"] = in_turns(methods, TURNS, time.perf_counter)
    print(json.dumps(record, indent=1))
    return write("starting", record)


if __name__ == "__main__":
    print(main())
