"""Measure sizes at which memory is what counts, and how work grows.

    OMP_NUM_THREADS=1 python -m benchmarks.large [--before COMMIT]

Each method has a process of its own, on one thread. Processor time is that of the call,
peak memory what the process held beyond its inputs. Six pieces of work:

- the Hessian of a cross-entropy of 50,000 classes over 2,048 tokens, 12.9 million
  parameters, float32: making the operator, and one product, beside torch's own graph of
  the gradient, kept, and one gradient; what torch loads on first use is loaded before;
- rows of a sparse matrix of 1e8 entries scaled, in multiples of the matrix's memory;
- `estimate_cond_2` of a Laplacian of order 1e6, beside the package at a commit before;
- 60 Lanczos steps at order 2e6, with the basis in memory and in files;
- the report of the whole catalogue, by the clock, in its two processes;
- growth: products against parameters, Lanczos against steps, estimates against order,
  the report's search against claims.

Ten minutes on one core, 6 GB of memory.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor, nn

from benchmarks.hessians.problems import CRITERION, mlp, operator
from benchmarks.measurement.turns import environment, write
from benchmarks.training_step import _resident
from condlab import estimate_cond_2, row_scaling
from condlab.curvature import HessianOperator, make_loss
from condlab.gallery import laplacian_2d
from condlab.report.trials import try_theorem
from condlab.spectra import spectrum
from condlab.theory import CATALOGUE

Row = dict[str, float]
ROOT = Path(__file__).parents[1]
CLASSES, HIDDEN, TOKENS = 50_000, 256, 2048
ENTRIES, PER_ROW = 10**8, 5
GRID = 1000
ORDER, STEPS = 2 * 10**6, 60
LITTLE = 4e8  # bytes for graphs
OLD = """
import time
from condlab import estimate_cond_2
from condlab.gallery import laplacian_2d
A = laplacian_2d({grid}).tocsr()
start = time.process_time()
print(estimate_cond_2(A, rng=0).value, time.process_time() - start)
"""


def timed(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def above(before: int) -> float:
    """Return the megabytes that the process once held beyond what it had."""
    return (_resident("VmHWM") - before) / 1e6


def tokens(method: str) -> Row:
    torch.manual_seed(0)
    small, work = problem(8, 8, 8), problem(HIDDEN, CLASSES, TOKENS)
    product_by(method, *small)()  # torch loads parts of itself when they are asked for
    before, start = _resident("VmRSS"), time.process_time()
    product = product_by(method, *work)
    making, at_first = time.process_time() - start, above(before)
    product()  # also builds what is kept
    return {
        "making": making,
        "making_megabytes": at_first,
        "seconds": min(timed(product) for _ in range(3)),
        "megabytes": above(before),
    }


def problem(
    hidden: int, classes: int, tokens: int
) -> tuple[nn.Module, tuple[Tensor, Tensor], Tensor]:
    layers = nn.Linear(hidden, hidden), nn.Tanh(), nn.Linear(hidden, classes)
    net = nn.Sequential(*layers)
    batch = torch.randn(tokens, hidden), torch.randint(0, classes, (tokens,))
    return net, batch, torch.randn(sum(p.numel() for p in net.parameters()))


def product_by(
    method: str, net: nn.Module, batch: tuple[Tensor, Tensor], v: Tensor
) -> Callable[[], object]:
    leaves = list(net.parameters())

    def gradient(again: bool) -> tuple[Tensor, ...]:
        return torch.autograd.grad(
            CRITERION(net(batch[0]), batch[1]), leaves, create_graph=again
        )

    if method == "gradient":
        return lambda: gradient(False)
    if method == "retained graph":
        slopes = gradient(True)
        parts = v.split([p.numel() for p in leaves])
        rows = [part.view_as(p) for part, p in zip(parts, leaves, strict=True)]
        return lambda: torch.autograd.grad(
            slopes, leaves, grad_outputs=rows, retain_graph=True
        )
    memory = LITTLE if method.endswith("4e8") else None
    params = dict(net.named_parameters())
    H = HessianOperator(make_loss(net, CRITERION), params, [batch], memory=memory)
    return lambda: H @ v


def sparse_rows(method: str) -> Row:
    del method
    rng, rows = np.random.default_rng(0), ENTRIES // PER_ROW
    columns = rng.integers(0, rows, ENTRIES, dtype=np.int32)
    starts = np.arange(0, ENTRIES + 1, PER_ROW, dtype=np.int32)
    A = sp.csr_array((rng.random(ENTRIES), columns, starts), shape=(rows, rows))
    own = A.data.nbytes + A.indices.nbytes + A.indptr.nbytes
    before = _resident("VmRSS")
    seconds = timed(lambda: row_scaling(A).apply(A))
    held = 1 + 1e6 * above(before) / own
    return {"seconds": seconds, "matrix_megabytes": own / 1e6, "times_matrix": held}


def laplacian(method: str) -> Row:
    if method != "condlab":
        return laplacian_at(method.rpartition(" ")[2])
    A = laplacian_2d(GRID).tocsr()
    found: list[float] = []
    seconds = timed(lambda: found.append(estimate_cond_2(A, rng=0).value))
    return {"seconds": seconds, "kappa": found[0]}


def laplacian_at(commit: str) -> Row:
    """Return what the package of an earlier commit takes."""
    archive = subprocess.run(
        ["git", "archive", commit, "condlab"], cwd=ROOT, check=True, capture_output=True
    ).stdout
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=BytesIO(archive)) as members:
            members.extractall(folder, filter="data")
        printed = subprocess.run(
            [sys.executable, "-c", OLD.format(grid=GRID)],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": folder},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    kappa, seconds = map(float, printed.split())
    return {"seconds": seconds, "kappa": kappa}


class Diagonal:
    """A diagonal matrix, as an operator whose products cost next to nothing."""

    def __init__(self, n: int) -> None:
        self.values = torch.linspace(-1.0, 2.0, n)
        self.shape, self.dtype = (n, n), self.values.dtype

    def __matmul__(self, V: Tensor) -> Tensor:
        """Return the product with vectors, shape (n, k)."""
        return self.values[:, None] * V


def lanczos(method: str) -> Row:
    H, before = Diagonal(ORDER), _resident("VmRSS")
    with tempfile.TemporaryDirectory(dir=ROOT) as folder:
        seconds = timed(
            lambda: spectrum(
                H,
                method="lanczos",
                num_matvecs=STEPS + 2,
                basis=STEPS,
                rtol=0,
                folder=folder if method == "in files" else None,
            )
        )
    return {"seconds": seconds, "megabytes": above(before)}


def report(method: str) -> Row:
    del method
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "condlab", "report", "--out", folder]
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        return {"wall_seconds": time.perf_counter() - start}


def growth(method: str) -> Row:
    """Return seconds by size."""
    return {str(size): GROWING[method](size) for size in SIZES[method]}


def product_of(width: int) -> float:
    H = operator(*mlp((width, width, width, 10), 512, nn.ReLU))
    v = torch.randn(H.shape[0])
    return min(timed(lambda: H @ v) for _ in range(5))


def lanczos_of(steps: int) -> float:
    H = Diagonal(3 * 10**5)

    def work() -> object:
        return spectrum(H, method="lanczos", num_matvecs=steps + 2, basis=steps, rtol=0)

    return min(timed(work) for _ in range(3))


def estimate_of(grid: int) -> float:
    A = laplacian_2d(grid).tocsr()
    return min(timed(lambda: estimate_cond_2(A, rng=0)) for _ in range(3))


def search_of(claims: int) -> float:
    every = list(CATALOGUE.values())
    some = every[:: len(every) // claims][:claims]
    return timed(lambda: [try_theorem(claim) for claim in some])


GROWING: dict[str, Callable[[int], float]] = {
    "Hessian product, MLP of three layers": product_of,
    "Lanczos, order 300,000": lanczos_of,
    "estimate_cond_2, Laplacian": estimate_of,
    "the report's search": search_of,
}
SIZES = {
    "Hessian product, MLP of three layers": (128, 256, 512, 1024, 2048),
    "Lanczos, order 300,000": (10, 20, 40, 80, 160),
    "estimate_cond_2, Laplacian": (30, 100, 300, 1000),
    "the report's search": (10, 20, 40, 80),
}
WORK: dict[str, tuple[Callable[[str], Row], tuple[str, ...]]] = {
    "tokens": (
        tokens,
        ("condlab", "condlab, memory=4e8", "retained graph", "gradient"),
    ),
    "sparse rows": (sparse_rows, ("condlab",)),
    "laplacian": (laplacian, ("condlab",)),
    "lanczos": (lanczos, ("in memory", "in files")),
    "report": (report, ("condlab",)),
    "growth": (growth, tuple(GROWING)),
}


def measured(work: str, method: str) -> Row:
    """Return the row of one method, from a process of its own."""
    command = [sys.executable, "-m", "benchmarks.large", "--one", work, method]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: Row = json.loads(done.stdout.splitlines()[-1])
    print(work, method, found, flush=True)
    return found


def main() -> Path | None:
    """Measure everything and write the record, or one method in this process."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--before", help="a commit to compare the estimate with")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        work, method = given.one
        found = WORK[work][0](method)
        print(json.dumps({k: float(f"{v:.5g}") for k, v in found.items()}))
        return None
    record: dict[str, object] = environment("numpy", "scipy", "torch")
    for work, (_, methods) in WORK.items():
        before = given.before and work == "laplacian"
        more = (f"condlab at {given.before}",) if before else ()
        record[work] = {m: measured(work, m) for m in (*methods, *more)}
    return write("large", record)


if __name__ == "__main__":
    main()
