"""Ask whether kappa sets the speed, where everything can be computed.

    python -m studies small_networks --preset cpu

Six minutes on two cores (336 runs). The `real` preset has images of MNIST at 7 x 7
pixels, of its test part alone, which is the part that ``--data`` must have: seven
minutes on two cores (132 runs).

On a quadratic it does: gradient descent at the best constant rate shrinks the error by
(kappa - 1) / (kappa + 1) a step, and Jacobi scaling changes kappa. These runs are the
positive control: an analysis that does not find kappa there finds it nowhere. On small
networks, with digits at 4 x 4 pixels and tanh units in double precision, the Hessian of
the loss is assembled, and its condition number taken over what is not null, in the
gauge of the stored weights and in that of the sphere, where the lengths of rows that
the function ignores are taken out. The arms are those of the larger studies; without a
norm behind them, all layers can matter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor, nn

from condlab import cond_2, jacobi_scaling
from condlab.curvature import (
    HessianOperator,
    condition_number,
    make_loss,
    normalised_lines,
)
from condlab.curvature import sphere as in_sphere_gauge
from studies.data import Images, load
from studies.data.folders import Streamed
from studies.engine.configs import grid
from studies.engine.loop import Task
from studies.engine.options import Options
from studies.engine.records import Record
from studies.engine.sweeps import sweep
from studies.models import MLP
from studies.tasks.arms import build, check_identities
from studies.tasks.classification import CURVATURE, make_task, recipe_of
from studies.tasks.sources import prepare

ARMS = (
    "plain", "WS", "WN", "E", "E_last", "E_hidden", "E_gain",
    "init_E", "rowcol", "spectral", "orthogonal",
)  # fmt: skip
HESSIAN = ("kappa_hessian", "kappa_sphere", "lambda_max", "lambda_min", "nullity")
SAMPLES = 8 * CURVATURE  # that the Hessian is of


@dataclass(frozen=True)
class Config:
    """One run; the rate of a quadratic is relative to the best constant one."""

    arm: str = "plain"
    lr: float = 0.3
    seed: int = 0
    problem: str = "network"
    data: str = "digits"
    size: int = 12
    depth: int = 2
    optimiser: str = "sgd"
    batch: int = 32
    steps: int = 240
    momentum: float = 0.0
    schedule: str = "constant"
    pool: int = 2


NETWORKS = Config()
QUADRATICS = Config(problem="quadratic", size=20, steps=400)
REAL = replace(
    NETWORKS, data="mnist10k", pool=4, batch=64, steps=1500, momentum=0.9,
    schedule="cosine",
)  # fmt: skip
RATES, SHARES = (0.1, 0.3, 1.0, 3.0), (0.5, 1.0)
BOTH = ("plain", "jacobi")


def _both(networks: Config, seeds: int, quadratics: int) -> list[Config]:
    return [
        *grid(QUADRATICS, BOTH, SHARES, range(quadratics)),
        *grid(networks, ARMS, RATES, range(seeds)),
    ]


# The paper has no experiment of this kind; its theory speaks of the Hessian's kappa.
PRESETS = {
    "smoke": [
        *grid(replace(QUADRATICS, steps=40), BOTH, (1.0,), range(1)),
        *grid(replace(NETWORKS, size=5, steps=4), ("plain", "E"), (0.3,), range(1)),
    ],
    "cpu": _both(NETWORKS, seeds=4, quadratics=40),
    "real": grid(REAL, ARMS, (0.03, 0.1, 0.3, 1.0), range(3)),
    "gpu": _both(replace(NETWORKS, size=24), seeds=5, quadratics=100),
    "paper": _both(replace(NETWORKS, size=24, depth=4), seeds=20, quadratics=500),
}


def task(config: Config, options: Options) -> Task:
    """Return what a run trains, in double precision."""
    if config.problem == "quadratic":
        return quadratic(config)
    images, device = load(config.data, options.data), options.device
    recipe = recipe_of(config, device)
    made = make_task(images, partial(network, config, images), recipe, device)
    assert isinstance(images, Images)  # what streams is too large for this study
    (inputs, labels), _ = prepare(images, device)
    few = inputs[:SAMPLES], labels[:SAMPLES]
    return replace(made, curvature=partial(hessian_probes, batch=few))


class Double(nn.Module):
    """Pass on double precision."""

    def forward(self, x: Tensor) -> Tensor:
        """Return x as float64."""
        return x.double()


def network(config: Config, images: Images | Streamed) -> nn.Module:
    """Return the network of a run, as torch's generator draws it."""
    pixels = (images.side // config.pool) ** 2
    net = MLP(
        images.channels * pixels,
        images.num_classes,
        width=config.size,
        depth=config.depth,
        activation=nn.Tanh,
    )
    built = build(config.arm, net.double())
    return nn.Sequential(Double(), nn.AvgPool2d(config.pool), built)


def hessian_probes(net: nn.Module, batch: tuple[Tensor, Tensor]) -> dict[str, float]:
    """Return the condition of the assembled Hessian in both gauges.

    All is nan where the products or the gauge's invariance fail their own checks, as
    they do at weights so large that rounding hides the curvature.
    """
    loss = make_loss(net.eval(), nn.CrossEntropyLoss())
    params, lines = dict(net.named_parameters()), normalised_lines(net)
    try:
        H = HessianOperator(loss, params, [batch], backend="rebuilt")
        raw = condition_number(H, method="exact")
        gauged = (
            condition_number(in_sphere_gauge(H, lines), method="exact")
            if lines
            else raw
        )
    except ValueError:
        return dict.fromkeys(HESSIAN, math.nan)
    values = (
        raw.kappa_nonnull.value,
        gauged.kappa_nonnull.value,
        raw.lambda_max.upper,
        raw.lambda_min.lower,
        raw.nullity,
    )
    return dict(zip(HESSIAN, values, strict=True))


class Quadratic(nn.Module):
    """The loss x'Ax / 2 of its one parameter; `first` is what it was."""

    def __init__(self, A: Tensor):
        super().__init__()
        self.A: Tensor
        self.register_buffer("A", A)
        self.x = nn.Parameter(torch.randn(len(A), dtype=A.dtype))
        self.register_buffer("first", self().detach())

    def forward(self) -> Tensor:
        """Return the loss."""
        return self.x @ self.A @ self.x / 2


def quadratic(config: Config) -> Task:
    """Return gradient descent on a random quadratic, its variables scaled or not."""
    if config.optimiser != "sgd":
        raise ValueError(
            f"quadratics are for gradient descent alone, got {config.optimiser!r}"
        )
    A = matrix(config.size, config.seed)
    if config.arm == "jacobi":
        A = torch.as_tensor(jacobi_scaling(A.numpy()).apply(A.numpy()))
    values = torch.linalg.eigvalsh(A)
    best = 2 / float(values[0] + values[-1])
    known = {
        "kappa_hessian": cond_2(A.numpy()).value,
        "lambda_max": float(values[-1]),
        "lambda_min": float(values[0]),
    }
    return Task(
        network=lambda: Quadratic(A),
        optimiser=lambda net: torch.optim.SGD(net.parameters(), lr=config.lr * best),
        batch=lambda _step, _generator: (torch.zeros(1),),
        loss=lambda net, _batch: net(),
        evaluate=lambda net: {"probe_loss": float(net() / net.first)},
        curvature=lambda _net: known,
    )


def matrix(size: int, seed: int) -> Tensor:
    """Return a positive definite matrix whose variables have units of their own."""
    generator = torch.Generator().manual_seed(seed)
    B = torch.randn(size, 2 * size, generator=generator, dtype=torch.float64)
    units = 10 ** torch.rand(size, generator=generator, dtype=torch.float64)
    return units[:, None] * (B @ B.T / size) * units


def check_rate() -> None:
    """Assert that descent on a quadratic is as fast as theory says it is at worst."""
    config = replace(QUADRATICS, lr=1.0)
    A = matrix(config.size, 0)
    values, vectors = torch.linalg.eigh(A)
    step = 2 / float(values[0] + values[-1])
    rate = float((values[-1] - values[0]) / (values[-1] + values[0]))
    x = vectors[:, 0] + vectors[:, -1]  # the worst start: no direction in between
    shrunk = x - step * (A @ x)
    assert abs(float(shrunk.norm() / x.norm()) / rate - 1) < 1e-9


def main(options: Options) -> list[Record]:
    """Check what the study rests on, then run every arm."""
    check_rate()
    torch.manual_seed(0)
    net = MLP(16, 3, width=8, norm="batch", activation=nn.Tanh)
    check_identities(net, torch.randn(16, 16))
    return sweep("small_networks", PRESETS[options.preset], task, options)
