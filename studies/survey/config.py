"""The experiments of the survey's trial, and their presets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import NamedTuple, TypedDict

from studies.engine.configs import grid


@dataclass(frozen=True)
class Config:
    """One run; the rate of a linear model is relative to the best constant one."""

    experiment: str
    arm: str = "plain"
    lr: float = 0.1
    seed: int = 0
    data: str = "digits"
    network: str = "stack"
    width: int = 8
    depth: int = 6
    optimiser: str = "sgd"
    batch: int = 64
    steps: int = 120
    momentum: float = 0.9
    weight_decay: float = 0.0
    schedule: str = "constant"
    warm_up: float = 0.0
    mirror: bool = False
    mixed: bool = False
    clipping: float = 0.0


class Experiment(NamedTuple):
    """What one experiment compares, on the built-in digits and on more."""

    arms: tuple[str, ...]
    rates: tuple[float, ...]
    seeds: int
    small: tuple[Config, ...]
    real: tuple[Config, ...]


class OnFiles(TypedDict):
    """How runs on files differ from those on digits."""

    data: str
    schedule: str
    mirror: bool


PLACEMENT = Config("placement")
WARM_UP = Config(
    "warm_up", network="ViT", width=32, depth=6, optimiser="adamw", batch=32, steps=80,
)  # fmt: skip
INITIAL = replace(WARM_UP, experiment="initial", steps=1)
IMPROVED = Config("improvements", batch=128, weight_decay=1e-3, steps=80)
RECURRENT = Config("recurrent", network="GRU", width=24, depth=1)
NORM_FREE = Config(
    "norm_free", network="residual", depth=1, weight_decay=1e-4, clipping=0.08
)
UNITS = Config(
    "units", network="linear", width=0, depth=0, data="wine", momentum=0.0, steps=500
)
CIFAR: OnFiles = {"data": "cifar10_16", "schedule": "cosine", "mirror": True}
MNIST: OnFiles = {"data": "mnist10k", "schedule": "cosine", "mirror": False}
FEATURES = ("wine", "breast_cancer", "diabetes")


EXPERIMENTS: Mapping[str, Experiment] = MappingProxyType({
    e.small[0].experiment: e
    for e in (
        Experiment(
            ("plain", "before", "after", "noisy"), (0.01, 0.03, 0.1, 0.3, 1.0), 5,
            (PLACEMENT,), (replace(PLACEMENT, **CIFAR, steps=300),),
        ),
        Experiment(
            ("plain", "plain+warm_up", "post", "post+warm_up"),
            (3e-4, 1e-3, 3e-3, 1e-2), 3,
            (WARM_UP,), (replace(WARM_UP, **CIFAR, steps=300),),
        ),
        Experiment(
            ("plain", "post"), (1e-3,), 5,
            tuple(replace(INITIAL, depth=depth) for depth in (2, 4, 8)),
            tuple(replace(INITIAL, **CIFAR, depth=depth) for depth in (2, 4, 8, 16)),
        ),
        Experiment(
            ("plain", "decay", "ghost", "batch_group", "moving"), (0.03, 0.1, 0.3), 3,
            (IMPROVED,), (replace(IMPROVED, **CIFAR, steps=300),),
        ),
        Experiment(
            ("plain", "layer", "batch"), (0.1, 0.3, 1.0), 3,
            (RECURRENT,), (replace(RECURRENT, **MNIST, width=32, steps=500),),
        ),
        Experiment(
            ("plain", "free", "free+clip"), (0.1, 0.3, 1.0), 3,
            (NORM_FREE,),
            (
                replace(NORM_FREE, **CIFAR, steps=300),
                replace(NORM_FREE, **CIFAR, batch=512, steps=38),
            ),
        ),
        Experiment(
            ("plain", "min-max", "z-score", "robust"), (0.5, 1.0), 5,
            (UNITS,), tuple(replace(UNITS, data=d, steps=2000) for d in FEATURES),
        ),
    )
})  # fmt: skip

# Where the sources of the survey's claims state settings, these are theirs; what is not
# here is as in `gpu`, with more seeds. Ioffe and Szegedy (2015), section 4.1: MNIST,
# three sigmoid layers of 100, 50,000 steps of 60; the rate is left open. Brock et al.
# (2021): 360 epochs of ImageNet in batches of 4096, rate 1.6 after five epochs of
# warm-up, weight decay 2e-5, clipping 0.01; here in a smaller network, and with plain
# momentum in place of Nesterov's.
IMAGES = 1_281_167
IOFFE = Config(
    "placement", data="mnist", network="sigmoid", width=100, depth=3, batch=60,
    steps=50_000, momentum=0.0,
)  # fmt: skip
BROCK = Config(
    "norm_free", data="imagenet", network="residual", width=64, depth=2, batch=4096,
    steps=360 * (IMAGES // 4096), weight_decay=2e-5, warm_up=5 / 360, clipping=0.01,
    schedule="cosine", mirror=True, mixed=True,
)  # fmt: skip
# Xiong et al. (2020), section 4: rates 5e-4 and 1e-3, six layers of 512; translation
# there, images here.
XIONG = replace(
    WARM_UP, data="cifar10", width=512, steps=100 * 390, batch=128, schedule="cosine",
    mirror=True, mixed=True,
)  # fmt: skip


def _sweep(configs: Iterable[Config], seeds: int | None = None) -> list[Config]:
    """Return the runs of some settings, with as many seeds as each experiment has."""
    made = []
    for config in configs:
        arms, rates, own, *_ = EXPERIMENTS[config.experiment]
        made += grid(config, arms, rates, range(own if seeds is None else seeds))
    return made


SMALL = [config for e in EXPERIMENTS.values() for config in e.small]
REAL = [config for e in EXPERIMENTS.values() for config in e.real]
LARGE = [
    replace(c, data="cifar10", width=4 * c.width, steps=10 * c.steps, mixed=True)
    if c.data == "cifar10_16" else c
    for c in REAL
]  # fmt: skip
OWN = ("initial", "improvements", "recurrent", "units")  # without settings of a source


def _smoke() -> list[Config]:
    made = []
    for arms, rates, _, (config, *_), _ in EXPERIMENTS.values():
        less = replace(config, steps=min(3, config.steps), depth=min(3, config.depth))
        made += grid(less, arms, rates[-1:], [0])
    return made


PRESETS = {
    "smoke": _smoke(),
    "cpu": _sweep(SMALL),
    "real": _sweep(REAL),
    "gpu": _sweep(LARGE, seeds=3),
    "paper": [
        *grid(IOFFE, ("plain", "before"), (0.1, 0.3, 1.0), range(5)),
        *grid(XIONG, EXPERIMENTS["warm_up"].arms, (5e-4, 1e-3), range(5)),
        *grid(BROCK, EXPERIMENTS["norm_free"].arms, (1.6,), range(5)),
        *_sweep([c for c in LARGE if c.experiment in OWN], seeds=5),
    ],
}
