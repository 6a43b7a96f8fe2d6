"""Ask what standardizing the weights adds to each normalisation of activations.

    python -m studies weight_standardization --preset cpu

126 runs; neither it nor the `gpu` preset has been timed. The `real` preset has a
ResNet-18 of width 8 on all of CIFAR-10, at 16 pixels, for one epoch: its 144 records
say two hours of one core of a busy machine.

Table 2 and Figure 4 of Qiao, Wang, Liu, Shen and Yuille (2019): residual networks with
group, layer, instance or batch norm ("GN", "LN", "IN", "BN"), each alone, and with the
kernels standardized ("+WS"), with the mean of each filter taken off only ("+MO", their
equation 5) or each divided by its deviation only ("+DO", equation 6), and standardized
with a gain and a shift to learn ("+AF"). "GN+WN" is weight normalisation. The table has
twelve of these combinations, the others are controls that say to which norm an effect
belongs. The source trains the networks without batch norm on one image a device
and sums gradients; no sample of theirs sees another, so that a batch is the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import nn

from condlab.nn.norms import make_norm
from studies import models
from studies.data import Images, load
from studies.data.folders import Streamed
from studies.engine.configs import grid
from studies.engine.loop import Task
from studies.engine.options import Options
from studies.engine.records import Record
from studies.engine.sweeps import sweep
from studies.models._norms import Norm
from studies.tasks.arms import build, check_identities
from studies.tasks.classification import make_task, on_files, recipe_of

NORMS = {"GN": "group", "LN": "layer", "IN": "instance", "BN": "batch"}
WEIGHTS = ("", "+MO", "+DO", "+WS", "+AF")
# The combinations of the source's table, of which the others are controls.
TABLE_2 = (
    "GN", "GN+MO", "GN+DO", "GN+WS", "GN+AF", "GN+WN",
    "LN", "LN+WS", "IN", "IN+WS", "BN", "BN+WS",
)  # fmt: skip
ARMS = (*(norm + weights for norm in NORMS for weights in WEIGHTS), "GN+WN")
NETWORKS = {
    "resnet8": models.resnet8,
    "resnet20": models.resnet20,
    "resnet18": models.resnet18,
    "resnet50": models.resnet50,
    "resnet101": models.resnet101,
    "resnext50": models.resnext50,
    "resnext101": models.resnext101,
}


@dataclass(frozen=True)
class Config:
    """One run."""

    arm: str = "GN"
    lr: float = 0.1
    seed: int = 0
    data: str = "digits"
    network: str = "resnet20"
    width: int = 8
    optimiser: str = "sgd"
    batch: int = 64
    steps: int = 160
    momentum: float = 0.9
    weight_decay: float = 1e-4
    schedule: str = "constant"
    augment: bool = False
    mirror: bool = False
    mixed: bool = False


# The paper states ImageNet, ResNet-50, SGD of rate 0.1, divided by ten every 30 of 90
# epochs, momentum 0.9, weight decay 1e-4 and 256 images a step, of which batch norm
# sees 64 at a time (``--accumulate 4``). Deeper networks and those in groups, of Tables
# 1 and 3, have 100 epochs of 128 images. It leaves open the augmentation and the seeds.
IMAGES = 1_281_167
PAPER = Config(
    data="imagenet", network="resnet50", width=64, batch=256,
    steps=90 * (IMAGES // 256), schedule="steps:0.3333333,0.6666667", augment=True,
)  # fmt: skip
LARGER = replace(
    PAPER, batch=128, steps=100 * (IMAGES // 128), schedule="steps:0.3,0.6,0.9"
)
REAL = Config(
    data="cifar10_16", network="resnet18", steps=50_000 // 64,
    schedule="cosine", mirror=True,
)  # fmt: skip
RATES = (0.03, 0.1, 0.3)
PRESETS = {
    "smoke": grid(
        Config(network="resnet8", steps=3), ("GN", "GN+WS"), (0.1,), range(1)
    ),
    "cpu": grid(Config(), ARMS, RATES, range(2)),
    "real": grid(REAL, TABLE_2, (0.01, *RATES), range(3)),
    "gpu": grid(
        replace(REAL, data="cifar10", width=64, steps=4000, mixed=True),
        ARMS, (0.1,), range(1),
    ),
    "paper": grid(PAPER, ARMS, (0.1,), range(5)) + [
        config
        for name in ("resnet101", "resnext50", "resnext101")
        for config in grid(
            replace(LARGER, network=name), ("GN", "GN+WS", "BN", "BN+WS"), (0.1,),
            range(5),
        )
    ],
}  # fmt: skip


def norm_of(name: str, width: int) -> Norm:
    """Return the norm of an arm, group norm with the source's two channels at least.

    Its 32 groups of 64 channels would be one channel each in a narrow network, which
    is instance norm.

    Examples
    --------
    >>> norm_of("GN", 8)(16).num_groups
    4
    """
    if name != "GN":
        return NORMS[name]
    return partial(make_norm, "group", groups=max(1, width // 2))


def network(config: Config, images: Images | Streamed) -> nn.Module:
    """Return the network of a run, as torch's generator draws it."""
    norm, _, weights = config.arm.partition("+")
    net = NETWORKS[config.network](
        images.num_classes,
        width=config.width,
        in_channels=images.channels,
        norm=norm_of(norm, config.width),
        stem="imagenet" if config.data == "imagenet" else "cifar",
    )
    return build(weights or "plain", net)


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
    return sweep("weight_standardization", configs, task, options)
