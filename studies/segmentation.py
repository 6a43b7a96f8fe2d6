"""Ask whether standardized weights help where every pixel has a class.

    python -m studies segmentation --preset cpu

Stands in for Table 7 of Qiao, Wang, Liu, Shen and Yuille (2019): DeepLabv3 on PASCAL
VOC, with group or batch norm and plain or standardized kernels. What is kept of it: the
network (a residual encoder that is dilated, a pyramid of dilated convolutions with the
image's mean beside it, bilinear interpolation), SGD with a rate that falls
polynomially, 16 images a step, pixels at rims that count for nothing, and mean
intersection over union. What is another: the scenes, which are digits pasted on
textures, or in the `real` preset MNIST's on CIFAR-10's images, at 17 pixels, so that
the truth is known by construction; the encoder's size; and that it starts from random
weights, where the source has an ImageNet checkpoint.

The arms are the table's four; controls that say what of standardization helps are in
`studies.weight_standardization`. The `real` preset's 36 runs of 1000 steps take some 35
seconds each on a core of a busy machine.

With ``--data DIR --dataset voc`` the scenes are PASCAL VOC's, in its own layout; the
`paper` preset needs them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor, nn

from studies import models
from studies.data import Images, Shape, composites, voc
from studies.engine.configs import grid
from studies.engine.loop import Batch, Task
from studies.engine.options import Options
from studies.engine.records import Record
from studies.engine.sweeps import sweep
from studies.tasks.arms import build
from studies.tasks.classification import recipe_of, task_of
from studies.tasks.confusion import mean_iou, pixel_loss
from studies.tasks.sources import Source, fixed, source, standard
from studies.weight_standardization import norm_of

ARMS = ("GN", "GN+WS", "BN", "BN+WS")
TESTED = {"cpu": 32, "cuda": 10_000}  # of its images, at most
FEW = 8  # of which the loss is noted while it trains
PROBED, CURVED = 64, 2  # scenes, whose pixels are many: the loss's, and the Hessian's
NETWORKS = {
    "resnet8": models.resnet8,
    "resnet20": models.resnet20,
    "resnet101": models.resnet101,
}


@dataclass(frozen=True)
class Config:
    """One run."""

    arm: str = "GN"
    lr: float = 0.03
    seed: int = 0
    data: str = "digits_on_textures"
    network: str = "resnet20"
    width: int = 8
    channels: int = 16
    crop: int = 513  # the side of PASCAL VOC's squares
    stride: int = 2
    rates: tuple[int, ...] = (1, 2, 3)
    optimiser: str = "sgd"
    batch: int = 16
    steps: int = 300
    momentum: float = 0.9
    weight_decay: float = 1e-4
    schedule: str = "poly"
    augment: bool = False
    mixed: bool = False


# The paper states DeepLabv3 on ResNet-101, 16 images of 513 pixels a step, a rate of
# 0.007 that falls polynomially, 30,000 steps and an output stride of 16; and that all
# else is as in DeepLabv3, of which are rates, channels, momentum and crops of images
# scaled by 0.5 to 2.
PAPER = Config(
    lr=0.007, data="voc", network="resnet101", width=64, channels=256, stride=16,
    rates=models.deeplab.RATES, steps=30_000, augment=True,
)  # fmt: skip
REAL = Config(data="mnist_on_cifar", steps=1000)
RATES = (0.01, 0.03, 0.1)
PRESETS = {
    "smoke": grid(
        Config(network="resnet8", steps=3, batch=4), ("GN", "GN+WS"), (0.03,), range(1)
    ),
    "cpu": grid(Config(), ARMS, RATES, range(2)),
    "real": grid(REAL, ARMS, RATES, range(3)),
    "gpu": grid(
        Config(data="mnist_on_cifar", network="resnet101", width=16, channels=64,
               stride=4, steps=4000, mixed=True),
        ARMS, (0.03, 0.1), range(3),
    ),
    "paper": grid(PAPER, ARMS, (PAPER.lr,), range(5)),
}  # fmt: skip


def network(config: Config, images: Images | Shape) -> nn.Module:
    """Return the network of a run, as torch's generator draws it."""
    name, _, weights = config.arm.partition("+")
    norm = norm_of(name, config.width)
    encoder = NETWORKS[config.network](
        images.num_classes,
        width=config.width,
        in_channels=images.channels,
        norm=norm,
        stem="imagenet" if config.data == "voc" else "cifar",
    )
    net = models.DeepLab(
        encoder,
        images.num_classes,
        stride=config.stride,
        rates=config.rates,
        channels=config.channels,
        norm=norm,
    )
    return build(weights or "plain", net)


def task(config: Config, options: Options) -> Task:
    """Return what a run trains."""
    recipe = recipe_of(config, options.device)
    if config.data == "voc":
        images: Images | Shape = Shape(3, config.crop, voc.CLASSES)
        data = _streamed(config, options)
    else:
        images = composites.scenes(config.data, options.data)
        data = source(images, recipe, options.device)
        scenes, labels = data.probe
        data = replace(data, probe=(scenes[:PROBED], labels[:PROBED]))
    return task_of(
        data,
        partial(network, config, images),
        recipe,
        options.device,
        loss=pixel_loss,
        score=mean_iou,
        curved=CURVED,
    )


def _streamed(config: Config, options: Options) -> Source:
    """Return PASCAL VOC's images, read by the batch."""
    if options.data is None:
        raise ValueError(
            "PASCAL VOC is not for download here; say with --data where JPEGImages, "
            "SegmentationClass and ImageSets are"
        )
    train, test = voc.read(options.data)
    device = options.device

    def read(part: voc.Part, chosen: Tensor, random: torch.Generator | None) -> Batch:
        pixels, labels = part.read(chosen.tolist(), config.crop, random)
        return standard(pixels, device), labels.to(device)

    def take(chosen: Tensor, generator: torch.Generator) -> Batch:
        return read(train, chosen, generator if config.augment else None)

    def tests(most: int) -> Iterator[Batch]:
        for chosen in fixed(len(test.images), most).split(FEW):
            yield read(test, chosen, None)

    probe = read(train, fixed(len(train.images), FEW), None)
    return Source(
        len(train.images),
        take,
        probe,
        lambda: tests(TESTED[device.type]),
        lambda: tests(len(test.images)),
    )


def main(options: Options) -> list[Record]:
    """Run every arm."""
    return sweep("segmentation", PRESETS[options.preset], task, options)
