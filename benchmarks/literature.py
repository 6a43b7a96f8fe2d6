"""Hold condlab against published tables of diagonal scalings, with certificates.

    python -m benchmarks.literature FOLDER [--write]

The tables are those of S. Ghadimi, W. L. Jung, A. Sujanani, D. Torregrosa-Belén and H.
Wolkowicz, arXiv:2509.23439v2: one side of symmetric positive definite matrices (tables
1 and 3), two sides (6 and 8), and conjugate gradients (9 and 10). FOLDER holds
SuiteSparse's matrices as NAME.mtx.gz, Wathen's and the random ones are generated here;
tables lack the rows of matrices that are not there. Published seconds are of the
authors' machine, the others processor seconds on one thread of this one. Out come
results/literature.json and, with --write, a part of docs/results.md.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import cg, lsqr

import condlab
from benchmarks.pages.literature import (
    Certified,
    Gradients,
    Literature,
    OneSided,
    TwoSided,
    write_page,
)
from condlab.gallery import wathen
from condlab.io import read_matrix
from condlab.types import Sparse

HERE = Path(__file__).parent
RECORD = HERE / "results" / "literature.json"
# The best of four methods: by how many percent it lowers κ, in how many seconds at
# most; None where no time was to be had.
ONE_SIDED: dict[str, tuple[float, float | None]] = {
    "nos1": (79, None),
    "nos4": (38, None),
    "nos5": (83, None),
    "bcsstk34": (99, None),
    "494_bus": (91, 0.8),
    "662_bus": (95, None),
    "bcsstk08": (99, 47.9),
    "bcsstk26": (96, 182.0),
    "bcsstk21": (60, 510.0),
}
# κ and seconds of the published best scaling, and steps of LSQR with the norms of rows
# and columns balanced and with that scaling.
TWO_SIDED = {
    "08blocks": (1.0078, 23.4, 5, 4),
    "arc130": (14.858, 27.9, 9, 35),
    "bwm200": (1814.2, 19.3, 750, 756),
    "ck104": (445.31, 10.1, 301, 288),
    "ex1": (22.147, 309.0, 56, 175),
    "football": (247.2, 14.3, 267, 363),
    "gre_216a": (69.395, 17.7, 183, 215),
    "impcol_c": (165.17, 12.5, 61, 95),
    "impcol_e": (11.076, 146.9, 78, 86),
    "jazz": (1597.2, 88.7, 631, 973),
    "lshp_265": (836.55, 38.7, 735, 1379),
    "polbooks": (182.57, 14.8, 163, 227),
    "robot": (8683.1, 25.0, 77, 845),
    "rw136": (694.33, 19.1, 132, 175),
    "tub100": (5662.4, 10.8, 339, 385),
    "utm300": (7816.6, 581.3, 1195, 1983),
    "west0132": (29787.0, 22.6, 93, 1356),
}
# Order, density, and by how much Jacobi's scaling raised κ and divided CG's steps.
GRADIENTS = (
    (5000, 9.40e-3, 2.98, 25.2),
    (10000, 7.44e-3, 3.31, 36.6),
    (20000, 4.57e-3, 3.56, 41.6),
)
LIMIT = 180.0  # seconds
TOLERANCE = 1e-8  # of LSQR and, as a relative residual, of CG


Found = TypeVar("Found")
Row = TypeVar("Row")


def timed(call: Callable[[], Found]) -> tuple[Found, float]:
    start = time.process_time()
    found = call()
    return found, time.process_time() - start


def certified(found: condlab.OptimalScaling, seconds: float) -> Certified:
    optimum = found.optimum
    return {
        "lower": optimum.lower,
        "upper": optimum.upper,
        "gap": found.gap,
        "seconds": round(seconds, 2),
        "method": found.method,
    }


def one_sided(folder: Path) -> Iterator[tuple[str, OneSided]]:
    """Yield what is certain of both sides scaled alike, and what Jacobi's reaches."""
    for name, (percent, spent) in ONE_SIDED.items():
        A = matrix(folder, name)
        if A is None:
            continue
        yield name, scaled_alike(A, percent, spent)
    A = wathen(100, 100, rng=np.random.default_rng(0))
    yield "wathen, generated", scaled_alike(A, 93, 205.0, rtol=0.05)


def alike(A: Sparse, *, rtol: float) -> condlab.OptimalScaling:
    """Scale both sides; the limit has matrices of middle size scaled as sparse ones."""
    return condlab.optimal_scaling(A, side="symmetric", rtol=rtol, time_limit=LIMIT)


def scaled_alike(
    A: Sparse, published: float, their_seconds: float | None, rtol: float = 0.01
) -> OneSided:
    kappa = condlab.estimate_cond_2(A).value
    jacobi = condlab.estimate_cond_2(condlab.jacobi_scaling(A).apply(A)).value
    found, seconds = timed(partial(alike, A, rtol=rtol))
    return {
        "order": A.shape[0],
        "kappa": kappa,
        "jacobi": jacobi,
        **certified(found, seconds),
        "published": published,
        "their_seconds": their_seconds,
    }


def two_sided(folder: Path) -> Iterator[tuple[str, TwoSided]]:
    """Yield what is certain of two sides, and how many steps LSQR takes."""
    for name, (theirs, spent, *steps) in TWO_SIDED.items():
        sparse = matrix(folder, name)
        if sparse is None:
            continue
        A = sparse.toarray()
        found, seconds = timed(partial(condlab.optimal_scaling, A, side="both"))
        balanced = condlab.ruiz_scaling(A, p=2, max_sweeps=200)
        both = (balanced, found.scaling)
        yield (
            name,
            {
                "order": len(A),
                "published": theirs,
                "their_seconds": spent,
                "their_steps": steps,
                "steps": [lsqr_steps(scaling.apply(A)) for scaling in both],
                **certified(found, seconds),
            },
        )


def lsqr_steps(A: np.ndarray) -> int:
    b = A @ np.random.default_rng(1).standard_normal(len(A))
    limit = 100 * len(A)
    return int(lsqr(A, b, TOLERANCE, TOLERANCE, conlim=0, iter_lim=limit)[2])


def gradients() -> Iterator[tuple[str, Gradients]]:
    """Yield how Jacobi's scaling of a matrix that is best as it is changes CG."""
    for n, density, raised, divided in GRADIENTS:
        rng = np.random.default_rng(n)
        A = best_as_it_is(n, density, rng)
        found, seconds = timed(partial(alike, A, rtol=0.005))
        b, d = rng.standard_normal(n), A.diagonal()
        kappas = [
            condlab.estimate_cond_2(M).value
            for M in (A, condlab.jacobi_scaling(A).apply(A))
        ]
        steps = [cg_steps(A, b, M) for M in (None, sp.diags_array(1 / d))]
        yield (
            str(n),
            {
                "order": n,
                "kappas": kappas,
                "published": [raised, divided],
                "steps": steps,
                **certified(found, seconds),
            },
        )


def best_as_it_is(n: int, density: float, rng: np.random.Generator) -> Sparse:
    """Return a sparse positive definite matrix that no diagonal scaling improves.

    Its extreme eigenvectors have components of the same sizes; the other eigenvalues
    lie evenly between, and most eigenvectors are unit vectors.
    """
    half = max(2, round(n * density**0.5 / 2))
    parts = [part / np.linalg.norm(part) for part in rng.standard_normal((2, half))]
    ends = np.stack([np.append(parts[0], parts[1]), np.append(parts[0], -parts[1])])
    Q = np.linalg.qr(ends.T, mode="complete")[0]
    low, high = 1e-2 * rng.uniform(0.5, 1.5), 1e2 * rng.uniform(0.5, 1.5)
    rest = rng.permutation(np.linspace(low + 1e-4, high - 3, n - 2))
    block = (Q * np.concatenate([[high, low], rest[: 2 * half - 2]])) @ Q.T
    block = (block + block.T) / 2
    return sp.csr_array(sp.block_diag([block, sp.diags_array(rest[2 * half - 2 :])]))


def cg_steps(A: Sparse, b: np.ndarray, preconditioner: Sparse | None) -> int:
    steps = 0

    def count(_: np.ndarray) -> None:
        nonlocal steps
        steps += 1

    cg(A, b, rtol=TOLERANCE, maxiter=100_000, M=preconditioner, callback=count)
    return steps


def matrix(folder: Path, name: str) -> Sparse | None:
    path = folder / f"{name}.mtx.gz"
    return sp.csr_array(read_matrix(path)) if path.exists() else None


def shown(part: str, rows: Iterable[tuple[str, Row]]) -> dict[str, Row]:
    """Return the rows by name, and print each as it comes."""
    found = {}
    for name, row in rows:
        found[name] = row
        print(part, name, row, flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of SuiteSparse's NAME.mtx.gz")
    parser.add_argument("--write", action="store_true", help="docs/results.md, too")
    arguments = parser.parse_args()
    record: Literature = {
        "machine": {"cpus": os.cpu_count(), "threads": 1, "system": sys.platform},
        "one side": shown("one side", one_sided(arguments.folder)),
        "two sides": shown("two sides", two_sided(arguments.folder)),
        "gradients": shown("gradients", gradients()),
    }
    RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    if arguments.write:
        write_page(record)


if __name__ == "__main__":
    main()
