"""Time training steps of conditioned networks against the other weight normalisations.

    OMP_NUM_THREADS=1 python -m benchmarks.training_step [--device cuda]

ResNet-18 with CIFAR's stem and ViT-tiny with 4 x 4 patches at batch 128, and the
8 x 256 NeRF at 1024 rays of 64 samples; SGD with momentum; every weight matrix goes
through the method. In each turn all methods make one step, in an order that rotates;
a figure is the median over the turns of a method's time over the plain network's in
the same turn, beside the quartiles. A method costs milliseconds of seconds, less than
a busy machine's noise, so the weights alone are timed too: all computed, and a
gradient pulled back through them, as a share of the plain step. Times are CPU seconds
of one thread, which other processes disturb less than the clock, or the clock with a
synchronised GPU. Peak memory is that of a process of its own that makes two steps,
less what it held before it built the network. About twelve minutes on one core.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypedDict

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from torch import Tensor, nn

from condlab.nn import fold, normalise_weights
from studies.models.nerf import NeRF, render, stratified_depths
from studies.models.resnet import resnet18
from studies.models.vit import vit_tiny

RECORD = Path(__file__).parent / "results" / "training_step.json"
ARMS = {
    "plain": None,
    "conditioned": "row",
    "weight_norm": "weight_norm",
    "weight_standardization": "standardize",
}
Loss = Callable[[nn.Module], Tensor]


@dataclass(frozen=True)
class Task:
    """A network, its loss on one batch, its inference on it, and turns to take."""

    make: Callable[[], nn.Module]
    loss: Callable[[torch.device], Loss]
    turns: int


def classification(device: torch.device, batch: int = 128) -> Loss:
    images = torch.randn(batch, 3, 32, 32, device=device)
    labels = torch.randint(10, (batch,), device=device)
    return lambda net: nn.functional.cross_entropy(net(images), labels)


def radiance(device: torch.device, rays: int = 1024, samples: int = 64) -> Loss:
    directions = nn.functional.normalize(torch.randn(rays, 3, device=device), dim=1)
    depths = stratified_depths(2.0, 6.0, rays, samples, device=device)
    points = (depths[..., None] * directions[:, None]).flatten(0, 1)
    along = directions.repeat_interleave(samples, 0)
    colours = torch.rand(rays, 3, device=device)

    def loss(net: nn.Module) -> Tensor:
        raw = net(points, along).unflatten(0, (rays, samples))
        return nn.functional.mse_loss(render(raw, depths)["colour"], colours)

    return loss


TASKS = {
    "resnet18": Task(resnet18, classification, 7),
    "vit_tiny": Task(partial(vit_tiny, image_size=32, patch=4), classification, 3),
    "nerf": Task(NeRF, radiance, 7),
}


def network(task: Task, method: str | None, device: torch.device) -> nn.Module:
    torch.manual_seed(0)
    net = task.make()
    for parameter in net.parameters():
        if parameter.ndim > 1 and not parameter.any():
            nn.init.normal_(parameter, std=0.02)  # torch's weight norm of zeros is nan
    net = net.to(device)
    return net if method is None else normalise_weights(net, method)


def training_step(net: nn.Module, loss: Loss) -> Callable[[], None]:
    optimiser = torch.optim.SGD(net.parameters(), lr=1e-3, momentum=0.9)

    def step() -> None:
        optimiser.zero_grad()
        loss(net).backward()
        optimiser.step()

    return step


def _parametrized(module: nn.Module) -> list[str]:
    held = module.parametrizations
    assert isinstance(held, nn.ModuleDict)
    return list(held)


def weights_alone(net: nn.Module) -> Callable[[], None]:
    layers = [m for m in net.modules() if hasattr(m, "parametrizations")]

    def step() -> None:
        weights = [getattr(m, name) for m in layers for name in _parametrized(m)]
        torch.autograd.backward(weights, [torch.ones_like(W) for W in weights])
        net.zero_grad()

    return step


def inference(net: nn.Module, loss: Loss) -> Callable[[], None]:
    net.eval()

    def step() -> None:
        with torch.no_grad():
            loss(net)

    return step


def seconds(step: Callable[[], object], device: torch.device) -> float:
    if device.type == "cpu":
        start = time.process_time()
        step()
        return time.process_time() - start
    torch.cuda.synchronize()
    start = time.perf_counter()
    step()
    torch.cuda.synchronize()
    return time.perf_counter() - start


def in_turns(
    steps: Mapping[str, Callable[[], object]], turns: int, device: torch.device
) -> dict[str, list[float]]:
    names = list(steps)
    times: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(turns + 1):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            spent = seconds(steps[name], device)
            if turn:  # the first round warms up
                times[name].append(spent)
    return times


class Spent(TypedDict):
    """Seconds of a step, and over the plain one's in the same turns."""

    seconds: float
    ratio: float
    ratio_quartiles: list[float]
    fastest_ratio: float


def summary(times: dict[str, list[float]]) -> dict[str, Spent]:
    plain = times["plain"]
    found: dict[str, Spent] = {}
    for name, spent in times.items():
        ratios = [t / p for t, p in zip(spent, plain, strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
        found[name] = {
            "seconds": round(statistics.median(spent), 6),
            "ratio": round(middle, 4),
            "ratio_quartiles": [round(low, 4), round(high, 4)],
            "fastest_ratio": round(min(spent) / min(plain), 4),
        }
    return found


def share(
    nets: dict[str, nn.Module], plain_step: float, device: torch.device
) -> dict[str, float]:
    """Return the median cost of computing the weights over that of the plain step."""
    steps = {arm: weights_alone(net) for arm, net in nets.items() if arm != "plain"}
    times = in_turns(steps, 20, device)
    return {
        arm: round(statistics.median(spent) / plain_step, 5)
        for arm, spent in times.items()
    }


def peak_bytes(task: Task, method: str | None, device: torch.device) -> int:
    """Return what two steps hold at their peak; on a CPU call it in a new process."""
    loss = task.loss(device)
    cpu = device.type == "cpu"
    before = _resident("VmRSS") if cpu else torch.cuda.memory_allocated()
    if not cpu:
        torch.cuda.reset_peak_memory_stats()
    step = training_step(network(task, method, device), loss)
    step()
    step()
    return (_resident("VmHWM") if cpu else torch.cuda.max_memory_allocated()) - before


def _resident(field: str) -> int:
    """Return bytes from Linux's account of the process.

    Not getrusage's peak, which a new process inherits from the one that starts it.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(li.split()[1]) for li in lines if li.startswith(field))


def peak_in_new_process(name: str, arm: str, device: torch.device) -> int:
    command = [sys.executable, "-m", "benchmarks.training_step", "--peak", name, arm]
    # Without this glibc's own thresholds move, and a peak varies by several percent.
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "131072"}
    command += ["--device", device.type]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env=environment
    )
    return int(done.stdout)


def measure(name: str, device: torch.device) -> dict[str, object]:
    task = TASKS[name]
    loss = task.loss(device)
    nets = {arm: network(task, method, device) for arm, method in ARMS.items()}
    training = in_turns(
        {arm: training_step(net, loss) for arm, net in nets.items()}, task.turns, device
    )
    steps_summary = summary(training)
    shares = share(nets, steps_summary["plain"]["seconds"], device)
    folded = fold(copy.deepcopy(nets["conditioned"]))
    evaluated = {
        "plain": nets["plain"],
        "conditioned": nets["conditioned"],
        "folded": folded,
    }
    steps = {arm: inference(net, loss) for arm, net in evaluated.items()}
    memory = {arm: peak_in_new_process(name, arm, device) for arm in ARMS}
    return {
        "parameters": sum(p.numel() for p in nets["plain"].parameters()),
        "training": steps_summary,
        "weights_alone": shares,
        "inference": summary(in_turns(steps, task.turns, device)),
        "peak_megabytes": {arm: round(b / 1e6, 1) for arm, b in memory.items()},
        "peak_ratio": {arm: round(b / memory["plain"], 4) for arm, b in memory.items()},
    }


def environment(device: torch.device) -> dict[str, object]:
    gpu = torch.cuda.get_device_name() if device.type == "cuda" else None
    return {
        "torch": torch.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "gpu": gpu,
        "threads": torch.get_num_threads(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--models", nargs="+", default=list(TASKS), choices=TASKS)
    parser.add_argument("--out", type=Path, default=RECORD)
    parser.add_argument("--peak", nargs=2, metavar=("MODEL", "METHOD"))
    args = parser.parse_args()
    device = torch.device(args.device)
    torch.set_num_threads(1)
    # Subnormal numbers are slow, and how many there are is not the method's cost.
    torch.set_flush_denormal(True)
    if args.peak:
        name, arm = args.peak
        print(peak_bytes(TASKS[name], ARMS[arm], device))
        return
    record: dict[str, object] = {"environment": environment(device)}
    for name in args.models:
        record[name] = measure(name, device)
        print(name, json.dumps(record[name], indent=2), flush=True)
        args.out.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
