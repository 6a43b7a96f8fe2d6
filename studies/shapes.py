"""Ask whether equilibrated weights make coordinate networks learn shapes faster.

    python -m studies shapes --preset cpu [--data DIR]

The supplement of Saratchandran, Wang and Lucey (2024) has 3D shapes, of which nothing
is at hand but that equilibration helps: here networks from points to occupancy, with
binary cross-entropy, after their reference Ramasinghe and Lucey (2022), and each of
three kinds: ReLU on encoded positions, Gaussians, and the sines of Sitzmann et al.
(2020). Sines are drawn with rows of length about 0.05, which E makes 1: it undoes what
makes them work. The arms are those of `studies.nerf`.

Points are drawn uniformly and near the surface, half each. The solids are written out;
with ``--data`` they are meshes that are there, on the `cpu` preset the first of them,
and ``--scene FILE`` takes any closed mesh. Five minutes on two cores (126 runs). The
`real` preset is of three meshes, which ``--data`` must have: half an hour on two cores
(486 runs).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from studies.data import meshes
from studies.engine.configs import grid
from studies.engine.loop import Batch, Task
from studies.engine.options import Options
from studies.engine.records import Record
from studies.engine.sweeps import sweep
from studies.models import CoordinateMLP
from studies.models.coordinate import Activation
from studies.scenes.solids import load, sample
from studies.tasks.arms import build, matrix_layers
from studies.tasks.curvature import Curvature, hessian_probes
from studies.tasks.measures import gradient_norm, layer_table, weight_probes
from studies.tasks.schedules import schedule

ARMS = ("plain", "glorot", "init_E", "E_all", "E", "E_gain", "WN")
TRAIN, PROBE, TEST = 40_000, 2_048, 8_192  # points
CURVATURE = 64  # of the probe, how many the Hessian is of
RATES: dict[Activation, tuple[float, ...]] = {
    "relu": (1e-3, 3e-3, 1e-2),
    "gaussian": (1e-3, 3e-3, 1e-2),
    "sine": (1e-4, 3e-4, 1e-3),
}
MESHES = ("spot", "bunny_closed", "armadillo")
REAL = ("spot", "bunny_closed", "rocker-arm")
REAL_ARMS = ("plain", "glorot", "init_E", "E_all", "E_gain", "WN")


@dataclass(frozen=True)
class Config:
    """One run."""

    arm: str = "plain"
    lr: float = 1e-3
    seed: int = 0
    data: str = "knot"
    activation: Activation = "relu"
    depth: int = 4
    width: int = 64
    frequencies: int = 5
    points: int = 1024
    steps: int = 400
    schedule: str = "constant"


def _kinds(base: Config, arms: Iterable[str], seeds: int) -> list[Config]:
    """Return the sweeps of all kinds of networks, interleaved by seed."""
    return [
        config
        for seed in range(seeds)
        for kind, rates in RATES.items()
        for config in grid(
            replace(base, activation=kind), tuple(arms), rates, range(seed, seed + 1)
        )
    ]


# The source's supplement is not at hand; these are the sizes that are usual since
# Mescheder et al. (2019), and its reference's Gaussians.
PAPER = Config(depth=8, width=512, frequencies=10, points=16_384, steps=20_000)
PRESETS = {
    "smoke": grid(
        Config(depth=2, width=16, points=64, steps=4), ("plain", "E"), (1e-3,), range(1)
    ),
    "cpu": _kinds(Config(), ARMS, 2),
    "real": [
        config
        for kind, rates in RATES.items()
        for name in REAL
        for config in grid(
            replace(
                Config(width=128, steps=500, schedule="cosine"),
                data=name,
                activation=kind,
            ),
            REAL_ARMS,
            rates,
            range(3),
        )
    ],
    "gpu": _kinds(replace(PAPER, depth=5, width=256, steps=2000), ARMS, 2),
    "paper": [
        replace(config, data=name)
        for name in ("knot", "carved")
        for config in _kinds(PAPER, ARMS, 5)
    ],
}


def network(config: Config) -> nn.Module:
    """Return the network of a run, as torch draws its kind."""
    net = CoordinateMLP(
        width=config.width,
        depth=config.depth,
        activation=config.activation,
        frequencies=config.frequencies,
    )
    body = tuple(name for name, _ in matrix_layers(net))[:-1]
    return build(config.arm, net, chosen=body if config.arm == "E" else ())


@cache
def _points(name: str, folder: Path | None, count: int, seed: int) -> Batch:
    points, inside = sample(load(name, folder), count, seed)
    return torch.from_numpy(points).float(), torch.from_numpy(inside).float()[:, None]


def intersection_over_union(logits: Tensor, inside: Tensor) -> float:
    """Return the volume that two solids share over the volume of both, by points.

    Examples
    --------
    >>> intersection_over_union(torch.tensor([1.0, 1.0, -1.0]), torch.tensor([1, 0, 1]))
    0.3333333432674408
    """
    found, true = logits > 0, inside > 0.5
    return float((found & true).sum() / (found | true).sum().clamp(min=1))


def make_task(
    config: Config, options: Options, measure: Curvature = hessian_probes
) -> Task:
    """Return what a run trains."""
    train, probe, test = (
        tuple(
            part.to(options.device)
            for part in _points(config.data, options.data, count, seed)
        )
        for seed, count in enumerate((TRAIN, PROBE, TEST))
    )
    few = tuple(part[-CURVATURE:] for part in probe)  # near the surface

    def loss(net: nn.Module, batch: Batch) -> Tensor:
        return binary_cross_entropy_with_logits(net(batch[0]), batch[1])

    def batch(_step: int, generator: torch.Generator) -> Batch:
        chosen = torch.randint(TRAIN, (config.points,), generator=generator)
        return tuple(part[chosen.to(part.device)] for part in train)

    def evaluate(net: nn.Module) -> dict[str, float]:
        return {
            "probe_loss": float(loss(net, probe)),
            "iou": intersection_over_union(net(test[0]), test[1]),
        }

    def look(net: nn.Module, made: torch.optim.Optimizer) -> dict[str, float]:
        return {
            **weight_probes(net, made.param_groups[0]["lr"]),
            "grad_norm": gradient_norm(net, loss, few),
        }

    return Task(
        network=lambda: network(config),
        optimiser=lambda net: torch.optim.Adam(net.parameters(), lr=config.lr),
        batch=batch,
        loss=loss,
        evaluate=evaluate,
        probe=look,
        curvature=lambda net: measure(net, loss, few),
        describe=layer_table,
        schedule=schedule(config.schedule),
    )


def main(options: Options) -> list[Record]:
    """Run every arm, on meshes where they are given."""
    configs = PRESETS[options.preset]
    given = [name for name in MESHES if meshes.find(name, options.data)]
    if given and options.preset not in ("smoke", "real"):
        given = given[:1] if options.preset == "cpu" else given
        once = dict.fromkeys(replace(config, data="") for config in configs)
        configs = [replace(c, data=name) for name in given for c in once]
    return sweep("shapes", configs, make_task, options)
