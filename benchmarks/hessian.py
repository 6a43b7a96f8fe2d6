"""Time Hessian products, assembly, kappa and Lanczos against the tools people use.

    OMP_NUM_THREADS=1 python -m benchmarks.hessian

One thread, CPU seconds, which other processes disturb less than the clock. Methods take
turns in an order that rotates, and a ratio is the median over the turns of two times in
the same turn; `fastest` is the ratio of their shortest times. A product is held against
one gradient; the assembly against `torch.func.hessian`; kappa against assembling the
matrix and calling eigvalsh; Lanczos is 50 steps, in condlab with reorthogonalisation
in full and in curvlinops without. Products to lambda_max are the fewest with which a
tool's own settings come within 1e-6 of a reference from 150 steps in float64. Peak
memory is that of a process of its own. PyHessian and curvlinops are measured where they
can be imported; what fails is recorded with its reason. About six minutes on one core.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, hessian, jvp

from benchmarks.hessians.largest_eigenvalue import measure_largest
from benchmarks.hessians.problems import (
    CRITERION,
    Batch,
    Problem,
    cnn,
    mlp,
    operator,
    parameters,
    small,
    trained,
)
from benchmarks.training_step import _resident, in_turns
from condlab.curvature import condition_number, output_shift
from condlab.spectra import assemble, spectrum

if TYPE_CHECKING:
    from curvlinops import HessianLinearOperator

RECORD = Path(__file__).parent / "results" / "hessian.json"
CPU = torch.device("cpu")
STEPS = 50
Product = Callable[[], object]


def products(net: nn.Module, batch: Batch) -> tuple[dict[str, Product], dict[str, str]]:
    """Return a product with one vector by each tool that can, and why others cannot."""
    params = {name: p.detach() for name, p in parameters(net).items()}
    leaves = list(net.parameters())
    H = operator(net, batch)
    v = torch.randn(H.shape[0])
    tangents = H.unflatten(v)
    x, y = batch

    def loss(p: dict[str, Tensor]) -> Tensor:
        return CRITERION(functional_call(net, p, (x,)), y)

    found: dict[str, Product] = {
        "gradient": lambda: torch.autograd.grad(CRITERION(net(x), y), leaves),
        "condlab": lambda: H @ v,
        "torch.func jvp of grad": lambda: jvp(grad(loss), (params,), (tangents,)),
    }
    failed: dict[str, str] = {}
    for name, make in (("PyHessian", pyhessian), ("curvlinops", curvlinops)):
        try:
            run = make(net, batch, v)
            run()
        except (ImportError, RuntimeError, NotImplementedError) as error:
            failed[name] = " ".join(f"{type(error).__name__}: {error}".split())[:120]
        else:
            found[name] = run
    return found, failed


def pyhessian(net: nn.Module, batch: Batch, v: Tensor) -> Product:
    from pyhessian import hessian as tool
    from pyhessian.utils import hessian_vector_product

    made = tool(net, CRITERION, data=batch, cuda=False)
    parts = v.split([p.numel() for p in made.params])
    parts = [part.view_as(p) for part, p in zip(parts, made.params, strict=True)]
    return lambda: hessian_vector_product(made.gradsH, made.params, parts)


def linear_operator(net: nn.Module, batch: Batch) -> HessianLinearOperator:
    from curvlinops import HessianLinearOperator

    leaves = list(net.parameters())
    return HessianLinearOperator(
        net, CRITERION, leaves, [batch], check_deterministic=False
    )


def curvlinops(net: nn.Module, batch: Batch, v: Tensor) -> Product:
    H = linear_operator(net, batch)
    return lambda: H @ v


def compared(
    runs: dict[str, Product], base: str, turns: int
) -> dict[str, dict[str, float]]:
    """Return seconds of each, and ratios to one of them in the same turn."""
    times = in_turns(runs, turns, CPU)
    rows = {}
    for name, spent in times.items():
        ratios = [t / b for t, b in zip(spent, times[base], strict=True)]
        rows[name] = {
            "seconds": round(statistics.median(spent), 5),
            "ratio": round(statistics.median(ratios), 3),
            "fastest": round(min(spent) / min(times[base]), 3),
        }
    return rows


def measure_products(make: Callable[[], Problem], turns: int) -> dict[str, object]:
    net, batch = make()
    runs, failed = products(net, batch)
    count = sum(p.numel() for p in net.parameters())
    return {
        "parameters": count,
        **compared(runs, "gradient", turns),
        "failed": failed,
    }


def assemblies() -> dict[str, Product]:
    net, (x, y) = small()
    H = operator(net, (x, y))
    params = H.params

    def loss(p: dict[str, Tensor]) -> Tensor:
        return CRITERION(functional_call(net, p, (x,)), y)

    return {
        "torch.func.hessian": lambda: hessian(loss)(params),
        "condlab by columns": lambda: assemble(H),
        "condlab by samples": H.dense,
    }


def measure_assembly() -> dict[str, dict[str, float]]:
    runs = assemblies()
    rows = compared(runs, "torch.func.hessian", 5)
    for name, row in rows.items():
        row["speed-up"] = round(1 / row["ratio"], 2)
        command = [sys.executable, "-m", "benchmarks.hessian", "--peak", name]
        environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "131072"}
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, env=environment
        )
        row["peak_mebibytes"] = round(int(done.stdout) / 2**20, 1)
    n, samples = 2058, 256
    floor = samples * n * n  # half of the 2 B n^2 of forming J'CJ, by symmetry
    speed = _gemm()
    seconds = floor / speed
    rows["arithmetic floor"] = {
        "flops": floor,
        "flops_per_second": round(speed),
        "seconds": round(seconds, 5),
        "condlab by samples over it": round(
            rows["condlab by samples"]["seconds"] / seconds, 2
        ),
    }
    return rows


def _gemm() -> float:
    A = torch.randn(1024, 1024, dtype=torch.float64)

    def gemm() -> None:
        A @ A

    spent = in_turns({"gemm": gemm}, 5, CPU)["gemm"]
    return 2 * 1024**3 / min(spent)


def peak(name: str) -> int:
    run = assemblies()[name]
    before = _resident("VmRSS")
    matrix = run()
    assert matrix is not None
    return _resident("VmHWM") - before


def measure_kappa() -> dict[str, object]:
    """Time kappa of 9,842 parameters off the softmax shift's null directions."""
    net, (x, y) = mlp((40, 80, 72, 10), 256)
    net, batch = net.double(), (x.double(), y)
    H = operator(net, batch)
    shift = output_shift(H.params, "4.weight", "4.bias")
    start = time.process_time()
    found = condition_number(H, method="factored", invariances=[shift])
    middle = time.process_time()
    sizes = torch.linalg.eigvalsh(H.dense()).abs().sort().values
    end = time.process_time()
    kappa = float(sizes[-1] / sizes[shift.size])
    return {
        "parameters": H.shape[0],
        "condlab factored": {
            "seconds": round(middle - start, 2),
            "kappa": found.kappa_nonnull.value,
            "certainly_above": found.kappa_nonnull.lower,
            "probably_below": found.probably_below,
        },
        "assembly and eigvalsh": {"seconds": round(end - middle, 2), "kappa": kappa},
        "speed-up": round((end - middle) / (middle - start), 2),
    }


def measure_lanczos() -> dict[str, object]:
    net, batch = trained()
    H = operator(net, batch)
    runs: dict[str, Product] = {
        "condlab": lambda: spectrum(
            H, method="lanczos", num_matvecs=STEPS + 2, rtol=0, basis=STEPS
        )
    }
    try:
        from curvlinops.papyan2020traces.spectrum import fast_lanczos

        L = linear_operator(net, batch)
        runs["curvlinops fast_lanczos"] = lambda: fast_lanczos(L, STEPS)
    except ImportError as error:
        return {"failed": str(error), **compared(runs, "condlab", 5)}
    return dict(compared(runs, "condlab", 5))


MEASURES: dict[str, Callable[[], object]] = {
    "product, MLP 784-256-256-10, batch 512": lambda: measure_products(
        lambda: mlp((784, 256, 256, 10), 512, nn.ReLU), 25
    ),
    "product, group-norm CNN, batch 128": lambda: measure_products(cnn, 5),
    "exact Hessian, 2,058 parameters, 256 samples": measure_assembly,
    "50 Lanczos steps, MLP 784-256-256-10": measure_lanczos,
    "products to lambda_max within 1e-6": measure_largest,
    "kappa, 9,842 parameters": measure_kappa,
}


def versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for name in ("torch", "scipy", "curvlinops-for-pytorch", "pyhessian"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", metavar="TEXT", default="", help="part of a name")
    parser.add_argument("--out", type=Path, default=RECORD)
    parser.add_argument("--peak", metavar="METHOD")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.peak:
        print(peak(args.peak))
        return
    record = json.loads(args.out.read_text()) if args.out.exists() else {}
    record["environment"] = versions()
    for name, measure in MEASURES.items():
        if args.only in name:
            record[name] = measure()
            print(name, json.dumps(record[name], indent=1), flush=True)
            args.out.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
