"""Ask whether conditioning its first and last layer speeds a DenseNet up.

    python -m studies densenet --preset cpu

Figures 5 and 6 and Table 2 of Saratchandran, Wang and Lucey (2024): DenseNet with batch
norm alone, with weight standardization, weight normalisation, and with the first
convolution and the last linear layer equilibrated. The arms are those of
`studies.inception`. Here norms stand before convolutions, but all that reads a channel
normalises it first: a scaling of the first convolution's rows is undone as well. The
`real` preset has all of CIFAR-10, at 16 pixels, for three epochs (63 runs).

A run of `real` takes some three to eight minutes on one core, as busy as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import nn

from studies.data import Images, load
from studies.data.folders import Streamed
from studies.engine.configs import grid
from studies.engine.loop import Task
from studies.engine.options import Options
from studies.engine.records import Record
from studies.engine.sweeps import sweep
from studies.models import densenet_cifar
from studies.tasks.arms import build, check_identities, matrix_layers
from studies.tasks.classification import make_task, on_files, recipe_of

ARMS = (
    "plain", "WS", "WN", "E", "E_last",
    "E_gain", "init_E", "spectral", "orthogonal",
)  # fmt: skip


@dataclass(frozen=True)
class Config:
    """One run."""

    arm: str = "plain"
    lr: float = 0.1
    seed: int = 0
    data: str = "digits"
    depth: int = 22
    growth: int = 8
    bottleneck: bool = False
    optimiser: str = "sgd"
    batch: int = 32
    steps: int = 110
    momentum: float = 0.9
    weight_decay: float = 0.0
    schedule: str = "constant"
    augment: bool = False
    mirror: bool = False
    mixed: bool = False


# The paper states SGD, rate 1e-3, batch 128 and 200 epochs of CIFAR-10 and CIFAR-100.
# It leaves open: which DenseNet, for which the usual one of 100 layers stands, and all
# that `studies.inception` lists.
PAPER = Config(
    lr=1e-3, data="cifar10", depth=100, growth=12, bottleneck=True, batch=128,
    steps=200 * 390, momentum=0.0,
)  # fmt: skip
EPOCHS, BATCH = 3, 64
REAL = Config(
    data="cifar10_16", batch=BATCH, steps=EPOCHS * (50_000 // BATCH),
    schedule="cosine", mirror=True,
)  # fmt: skip
REAL_ARMS = ("plain", "E", "E_gain", "init_E", "WN", "WS", "orthogonal")
PRESETS = {
    "smoke": grid(Config(steps=3, depth=7), ("plain", "E"), (0.1,), range(1)),
    "cpu": grid(Config(), ARMS, (0.01, 0.03, 0.1), range(3)),
    "real": grid(REAL, REAL_ARMS, (0.03, 0.1, 0.3), range(3)),
    "gpu": grid(
        replace(
            PAPER, depth=40, bottleneck=False, steps=4000, momentum=0.9, mixed=True
        ),
        ARMS, (0.01, 0.1, 1.0), range(1),
    ),
    "paper": [
        config
        for data in ("cifar10", "cifar100")
        for config in grid(
            replace(PAPER, data=data), ARMS, (1e-3, 1e-2, 0.1, 1.0), range(5)
        )
    ],
}  # fmt: skip


def network(config: Config, images: Images | Streamed) -> nn.Module:
    """Return the network of a run, as torch's generator draws it."""
    net = densenet_cifar(
        config.depth,
        config.growth,
        images.num_classes,
        bottleneck=config.bottleneck,
        in_channels=images.channels,
    )
    names = [name for name, _ in matrix_layers(net)]
    return build(config.arm, net, chosen=(names[0], names[-1]))


def task(config: Config, options: Options) -> Task:
    """Return what a run trains."""
    images = load(config.data, options.data)
    recipe = recipe_of(config, options.device)
    return make_task(images, partial(network, config, images), recipe, options.device)


def main(options: Options) -> list[Record]:
    """Check the identities that the controls rest on, then run every arm."""
    torch.manual_seed(0)
    small = densenet_cifar(7, 4, in_channels=1)
    check_identities(small, torch.randn(8, 1, 8, 8))
    configs = on_files(PRESETS[options.preset], options)
    return sweep("densenet", configs, task, options)
