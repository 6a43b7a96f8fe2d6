"""Ask which normalisations can do with one image at a time.

    python -m studies micro_batches --preset cpu

Tables 1 and 3 of Qiao, Wang, Liu, Shen and Yuille (2019): each step sums the gradients
of micro-batches, which are all that a normalisation sees, so that steps of all arms are
of as many images. "BN@8" is batch norm on 8 images at a time; group norm, "GN", sees
one image whatever the micro-batch is, and is run once. Beside these there are ghost
norm on halves of a micro-batch, batch renormalisation, and batch-channel normalisation
("BCN", of the paper's second version) by statistics of the micro-batch or by estimates
of them ("BCN-est"). "+WS" standardizes the kernels.

Moving averages take from each micro-batch its share of a tenth, so that they look back
on as many images in all arms. The loss on the probe is by statistics of all its images,
or by moving averages where a norm is none of torch's; the accuracy is by the latter.

The `real` preset has a ResNet-8 of width 8 on CIFAR-10 at 16 pixels for a fifth of an
epoch: 63 runs, some twenty minutes of one core. No other preset has been timed.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from condlab.nn.norms import BatchChannelNorm, BatchGroupNorm, BatchRenorm, make_norm
from studies import weight_standardization
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
from studies.tasks.shares import Batch, Loss

WHOLE = 32  # images a step, but for the source's own
# What sees each micro-batch. Ghost norm on halves of two images, and batch-channel norm
# of one, would be "BN@1" and nearly group norm; estimates are meant for few images.
ARMS = (
    "GN", "GN+WS",
    "BN@32", "BN+WS@32", "ghost@32", "renorm@32", "BCN+WS@32",
    "BN@8", "BN+WS@8", "ghost@8", "renorm@8", "BCN+WS@8",
    "BN@2", "BN+WS@2", "renorm@2", "BCN+WS@2", "BCN-est+WS@2",
    "BN@1", "BN+WS@1", "renorm@1", "BCN-est+WS@1",
)  # fmt: skip
LARGE = ARMS[:12]
# Shares of a run after which batch renormalisation departs from batch norm, and those
# after which its limits of d and r are reached: its source's steps, of 130,000.
RENORM = (5 / 130, 25 / 130, 40 / 130)
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
    batch: int = WHOLE
    steps: int = 160
    momentum: float = 0.9
    weight_decay: float = 1e-4
    schedule: str = "constant"
    augment: bool = False
    mirror: bool = False
    mixed: bool = False


# The paper states 256 images a step of ResNet-50, of which batch norm sees 64, and 128
# of the others, of which it sees 32; group norm has one. Else as for its Table 2.
PAPER = Config(**asdict(weight_standardization.PAPER))
LARGER = Config(**asdict(weight_standardization.LARGER))
REAL = Config(
    data="cifar10_16", steps=50_000 // 5 // WHOLE, schedule="cosine", mirror=True
)
PRESETS = {
    "smoke": grid(Config(steps=3), ("GN+WS", "BN@1"), (0.1,), range(1)),
    "cpu": grid(Config(), ARMS, (0.1,), range(2)),
    "real": grid(REAL, ARMS, (0.1,), range(3)),
    "gpu": grid(
        replace(REAL, data="cifar10", network="resnet18", width=64, steps=1500),
        LARGE, (0.1,), range(1),
    ),
    "paper": [
        *grid(PAPER, ("GN", "GN+WS", "BN@64", "BN+WS@64"), (0.1,), range(5)),
        *grid(
            replace(LARGER, network="resnet101"),
            ("GN", "GN+WS", "BN@32", "BN+WS@32"), (0.1,), range(5),
        ),
        *(
            config
            for name in ("resnext50", "resnext101")
            for config in grid(
                replace(LARGER, network=name), ("GN", "GN+WS"), (0.1,), range(5)
            )
        ),
    ],
}  # fmt: skip


class Parts(NamedTuple):
    """What an arm's name says."""

    norm: str
    weights: str
    micro: int | None


def parts_of(arm: str) -> Parts:
    """Return norm, what is done to the kernels, and images of a micro-batch.

    Examples
    --------
    >>> parts_of("BN+WS@8")
    Parts(norm='BN', weights='WS', micro=8)
    >>> parts_of("GN")
    Parts(norm='GN', weights='plain', micro=None)
    """
    name, _, micro = arm.partition("@")
    norm, _, weights = name.partition("+")
    return Parts(norm, weights or "plain", int(micro) if micro else None)


def norm_of(config: Config) -> Norm:
    """Return the norm of a run, group norm with the source's two channels at least.

    Examples
    --------
    >>> norm_of(Config("ghost@8"))(16).examples
    4
    """
    norm, _, seen = parts_of(config.arm)
    micro = seen or config.batch
    groups, momentum = max(1, config.width // 2), 0.1 * micro / config.batch
    if norm == "GN":
        return partial(make_norm, "group", groups=groups)
    if norm == "BN":
        return partial(make_norm, "batch", momentum=momentum)
    if norm == "ghost":
        examples = max(1, micro // 2)
        return partial(BatchGroupNorm, examples=examples, momentum=momentum)
    if norm == "renorm":
        looks = config.steps * config.batch // micro
        first, d, r = (round(share * looks) for share in RENORM)
        return partial(
            BatchRenorm, warm_up=first, d_steps=d + 1, r_steps=r + 1, momentum=momentum
        )
    return partial(
        BatchChannelNorm, groups=groups, estimate=norm == "BCN-est", momentum=momentum
    )


def network(config: Config, images: Images | Streamed) -> nn.Module:
    """Return the network of a run, as torch's generator draws it."""
    net = weight_standardization.NETWORKS[config.network](
        images.num_classes,
        width=config.width,
        in_channels=images.channels,
        norm=norm_of(config),
        stem="imagenet" if config.data == "imagenet" else "cifar",
    )
    return build(parts_of(config.arm).weights, net)


def accumulated(loss: Loss, micro: int) -> Loss:
    """Return the mean loss of a batch whose micro-batches the network sees in turn.

    Its gradient is what accumulating theirs leaves.
    """

    def whole(net: nn.Module, batch: Batch) -> Tensor:
        parts = zip(*(tensor.split(micro) for tensor in batch), strict=True)
        return torch.stack([loss(net, part) for part in parts]).mean()

    return whole


def task(config: Config, options: Options) -> Task:
    """Return what a run trains.

    Raises
    ------
    ValueError
        If micro-batches do not make up a batch.
    """
    micro = parts_of(config.arm).micro
    if micro is not None and config.batch % micro:
        raise ValueError(
            "a batch must be divisible by its micro-batches, got "
            f"{config.batch} images and {config.arm}"
        )
    images = load(config.data, options.data)
    recipe, net = recipe_of(config, options.device), partial(network, config, images)
    made = make_task(
        images, net, recipe, options.device, curvature=LITTLE, thorough=True
    )
    return made if micro is None else replace(made, loss=accumulated(made.loss, micro))


def main(options: Options) -> list[Record]:
    """Run every arm."""
    configs = on_files(PRESETS[options.preset], options)
    return sweep("micro_batches", configs, task, options)
