"""Ask whether conditioned networks bear learning rates at which others diverge.

    python -m studies high_learning_rate --preset cpu

Six minutes on two cores (88 runs). The `real` preset has ResNet-18, of width 16, on all
of CIFAR-10 for three epochs, with momentum: four hours on two cores (63 runs), and 13
minutes of an H200, by ``--device cuda --jobs 8`` beside as many of another study.

Figure 1 of Saratchandran, Wang and Lucey (2024): GoogLeNet at rate 2 and residual
networks at rate 1e-3, each with batch norm alone, with weight standardization, and
with the first convolution and the last linear layer equilibrated. Here every arm meets
every rate, and the controls of `studies.inception` are beside them; "E_all" scales the
layers too that a batch norm follows, which changes how fast they turn and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import nn

from studies import models
from studies.data import Images, load
from studies.data.folders import Streamed
from studies.engine.configs import grid
from studies.engine.loop import Task
from studies.engine.options import Options
from studies.engine.records import Record
from studies.engine.sweeps import sweep
from studies.tasks.arms import build, check_identities, matrix_layers
from studies.tasks.classification import make_task, on_files, recipe_of

ARMS = (
    "plain", "WS", "WN", "E", "E_all", "E_last", "E_hidden",
    "E_gain", "init_E", "spectral", "orthogonal",
)  # fmt: skip


@dataclass(frozen=True)
class Config:
    """One run."""

    arm: str = "plain"
    lr: float = 0.1
    seed: int = 0
    data: str = "digits"
    network: str = "resnet20"
    width: float = 8
    optimiser: str = "sgd"
    batch: int = 64
    steps: int = 160
    momentum: float = 0.0
    weight_decay: float = 0.0
    schedule: str = "constant"
    augment: bool = False
    mirror: bool = False
    mixed: bool = False


# The paper states CIFAR-100, SGD, and rate 2 for 40 epochs of GoogLeNet or rate 1e-3
# for 200 epochs of ResNet-18 and ResNet-50. It leaves open: batch, momentum, weight
# decay, schedule, augmentation, where the weights are standardized, and the seeds.
PAPER = Config(data="cifar100", network="inception", width=1.0, batch=128)
GOOGLENET = replace(PAPER, steps=40 * 390)
RESNETS = [
    replace(PAPER, network=name, width=64, steps=200 * 390)
    for name in ("resnet18", "resnet50")
]
RATES = (0.1, 0.5, 2.0, 4.0)
EPOCHS, BATCH = 3, 64
REAL = Config(
    data="cifar10", network="resnet18", width=16, batch=BATCH,
    steps=EPOCHS * (50_000 // BATCH), momentum=0.9, schedule="cosine", mirror=True,
)  # fmt: skip
REAL_ARMS = ("plain", "E", "E_gain", "init_E", "WN", "WS", "orthogonal")
PRESETS = {
    "smoke": grid(Config(steps=3), ("plain", "E"), (2.0,), range(1)),
    "cpu": grid(Config(), ARMS, RATES, range(2)),
    "real": grid(REAL, REAL_ARMS, (0.03, 0.1, 0.5), range(3)),
    "gpu": grid(
        replace(GOOGLENET, data="cifar10", width=0.5, steps=4000, mixed=True),
        ARMS, RATES, range(1),
    ),
    "paper": grid(GOOGLENET, ARMS, RATES, range(5)) + [
        config
        for base in RESNETS
        for momentum in (0.0, 0.9)
        for config in grid(replace(base, momentum=momentum), ARMS, (1e-3,), range(5))
    ],
}  # fmt: skip


def network(config: Config, images: Images | Streamed) -> nn.Module:
    """Return the network of a run, as torch's generator draws it."""
    classes, channels = images.num_classes, images.channels
    if config.network == "inception":
        net: nn.Module = models.Inception(
            classes, width=config.width, in_channels=channels
        )
    else:
        make = {"resnet20": models.resnet20, "resnet18": models.resnet18}
        make["resnet50"] = models.resnet50
        net = make[config.network](
            classes, width=int(config.width), in_channels=channels
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
    net = models.resnet20(width=8, in_channels=1)
    check_identities(net, torch.randn(8, 1, 8, 8))
    configs = on_files(PRESETS[options.preset], options)
    return sweep("high_learning_rate", configs, task, options)
