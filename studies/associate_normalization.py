"""Ask what it adds to predict a normalisation's scale and shift from its input.

    python -m studies associate_normalization --preset cpu

Tables 1 to 3 and 5 and Figures 1 and 3 to 5 of "Associate normalization" (submitted to
ICLR 2019): residual networks with batch, group, instance, layer and associate norm, in
batches of 64 to 2 images at one learning rate and for the same number of epochs.
"Assoc" is the source's layer; of its variants, "Assoc-ILM" predicts the scale from the
variances, as the published sequel does, "Assoc-IN" has the statistics of every channel
as keys (Figure 5), and "Assoc-bare", "Assoc-inner" and "Assoc-times" are a(WE),
a(WE + B) and a(WE) x B of Table 5, in which "Assoc" is a(WE) + B.

The `real` preset has a ResNet-8 of width 8 on CIFAR-10 at 16 pixels for 0.4 epochs: 90
runs in batches of 64, at three rates, and 150 in smaller ones, at the source's rate,
at which so small a network may stay at chance, and at a third of it. No other preset
has been timed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Literal, TypedDict

import torch
from torch import nn

from condlab.nn.norms import make_norm
from condlab.nn.norms.associate import AssocNorm, Combine
from studies import models
from studies.data import Images, load
from studies.data.folders import Streamed
from studies.engine.configs import grid
from studies.engine.loop import Task
from studies.engine.options import Options
from studies.engine.records import Record
from studies.engine.sweeps import sweep
from studies.models._norms import Norm
from studies.tasks.arms import build
from studies.tasks.classification import make_task, on_files, recipe_of
from studies.tasks.curvature import hessian_probes


class Variant(TypedDict, total=False):
    """Options of `AssocNorm`."""

    keys: Literal["group", "instance"]
    combine: Combine
    pairing: Literal["paper", "ilm"]


NORMS = ("BN", "GN", "IN", "LN", "Assoc")  # of tables 1 and 2
TABLE_3 = ("BN", "GN", "Assoc")
VARIANTS: Mapping[str, Variant] = MappingProxyType({
    "Assoc": {},
    "Assoc-ILM": {"pairing": "ilm"},
    "Assoc-IN": {"keys": "instance"},
    "Assoc-bare": {"combine": "a(WE)"},
    "Assoc-inner": {"combine": "a(WE+B)"},
    "Assoc-times": {"combine": "a(WE)*B"},
})  # fmt: skip
ARMS = (*NORMS, *list(VARIANTS)[1:])
BATCHES = (64, 32, 16, 8, 4, 2)
NETWORKS = {
    "resnet8": models.resnet8,
    "resnet18": models.resnet18,
    "resnet101": models.resnet101,
}
IMAGES = 50_000  # of CIFAR
LITTLE = partial(hessian_probes, num_matvecs=8)  # more would outweigh the training


@dataclass(frozen=True)
class Config:
    """One run."""

    arm: str = "GN"
    lr: float = 0.1
    seed: int = 0
    data: str = "digits"
    network: str = "resnet8"
    width: int = 8
    optimiser: str = "sgd"
    batch: int = 64
    steps: int = 220
    momentum: float = 0.9
    weight_decay: float = 5e-4
    schedule: str = "steps:0.4285714,0.7142857"
    augment: bool = False
    mirror: bool = False
    mixed: bool = False


# The paper states ResNet-101, CIFAR-10 and CIFAR-100, SGD of rate 0.1, divided by ten
# at epochs 150 and 250 of 350, momentum 0.9, weight decay 5e-4, batches of 64 but for
# Table 3, and 32 groups. It leaves open the augmentation and the seeds.
PAPER = Config(
    data="cifar10", network="resnet101", width=64, steps=350 * (IMAGES // 64),
    augment=True,
)  # fmt: skip
REAL = Config(data="cifar10_16", mirror=True)
GPU = Config(data="cifar10", network="resnet18", width=64, mirror=True, mixed=True)
EPOCHS = 0.4
RATES = (0.03, 0.1, 0.3)


def in_batches(config: Config, batch: int, epochs: float, images: int) -> Config:
    """Return a config of so many epochs in batches of that size.

    Examples
    --------
    >>> in_batches(PAPER, 2, 350, IMAGES).steps
    8750000
    """
    return replace(config, batch=batch, steps=round(epochs * (images // batch)))


PRESETS = {
    "smoke": grid(Config(batch=2, steps=3), ("GN", "Assoc"), (0.1,), range(1)),
    "cpu": [
        *grid(in_batches(Config(), 64, 10, 1437), ARMS, RATES, range(2)),
        *(
            run
            for batch in (8, 2)
            for run in grid(
                in_batches(Config(), batch, 10, 1437), NORMS, (0.1,), range(2)
            )
        ),
    ],
    "real": [
        *grid(in_batches(REAL, 64, EPOCHS, IMAGES), ARMS, RATES, range(3)),
        *(
            run
            for batch in BATCHES[1:]
            for run in grid(
                in_batches(REAL, batch, EPOCHS, IMAGES), NORMS, RATES[:2], range(3)
            )
        ),
    ],
    "gpu": [
        run
        for batch in (64, 16, 4)
        for run in grid(in_batches(GPU, batch, 1, IMAGES), TABLE_3, (0.1,), range(1))
    ],
    "paper": [
        *grid(PAPER, ARMS, (0.1,), range(5)),
        *grid(replace(PAPER, data="cifar100"), NORMS, (0.1,), range(5)),
        *(
            run
            for batch in BATCHES[1:]
            for run in grid(
                in_batches(PAPER, batch, 350, IMAGES), TABLE_3, (0.1,), range(5)
            )
        ),
    ],
}  # fmt: skip


def norm_of(arm: str, width: int) -> Norm:
    """Return the norm of an arm, in groups of two channels and more, as in the source.

    Its 32 groups of 64 channels, and of more in deeper layers, would be one channel
    each in a narrow network: there are as many groups as half the first stage's width.

    Examples
    --------
    >>> norm_of("Assoc", 64)(256)
    AssocNorm(N=32, M=2, combine='a(WE)+B', pairing='paper')
    """
    groups = max(1, width // 2)
    if arm in VARIANTS:
        return partial(_associate, groups=groups, variant=VARIANTS[arm])
    if arm == "GN":
        return partial(make_norm, "group", groups=groups)
    return {"BN": "batch", "IN": "instance", "LN": "layer"}[arm]


def _associate(channels: int, *, groups: int, variant: Variant) -> nn.Module:
    # All arms of a seed get the same convolutions: what is drawn here is not missed.
    with torch.random.fork_rng([]):
        return AssocNorm(channels, groups=groups, **variant)


def network(config: Config, images: Images | Streamed) -> nn.Module:
    """Return the network of a run, as torch's generator draws it."""
    net = NETWORKS[config.network](
        images.num_classes,
        width=config.width,
        in_channels=images.channels,
        norm=norm_of(config.arm, config.width),
    )
    return build("plain", net)


def task(config: Config, options: Options) -> Task:
    """Return what a run trains."""
    images = load(config.data, options.data)
    recipe, net = recipe_of(config, options.device), partial(network, config, images)
    return make_task(
        images, net, recipe, options.device, curvature=LITTLE, thorough=True
    )


def main(options: Options) -> list[Record]:
    """Run every arm."""
    configs = on_files(PRESETS[options.preset], options)
    return sweep("associate_normalization", configs, task, options)
