"""Ask whether standardized weights help where only the order of frames tells a class.

    python -m studies video --preset cpu

Stands in for Table 6 of Qiao, Wang, Liu, Shen and Yuille (2019): residual networks with
a temporal shift on Something-Something V1, with group or batch norm and plain or
standardized kernels. What is kept of it: eight frames a clip, the shift of an eighth of
the channels each way before every block, logits averaged over frames, SGD with a rate
that falls tenfold at 26 and 36 of 45 epochs, and top-1 and top-5 accuracy. What is
another: the clips, in which one digit (in the `real` preset MNIST's at half its size)
moves over a torus of 16 pixels, in one of eight directions at one of two speeds. Their
class is the move; a single frame says nothing about it, as `studies.data.clips` shows.
There are no hands, no objects and no camera, the network is ResNet-20 and narrow, and
it starts from random weights, where the source has an ImageNet checkpoint.

The arms are the table's four; controls that say what of standardization helps are in
`studies.weight_standardization`. The `real` preset has 36 runs of 400 steps, of some
45 seconds of a core each.

With ``--data DIR --dataset something`` the clips are Something-Something's, as folders
of frames with the lists of the temporal shift's code; the `paper` preset needs them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from torch import nn

from studies import models
from studies.data import Shape, clips, something
from studies.data.clips import FRAMES, Clips
from studies.engine.configs import grid
from studies.engine.loop import Task
from studies.engine.options import Options
from studies.engine.records import Record
from studies.engine.sweeps import sweep
from studies.segmentation import ARMS
from studies.tasks.arms import build
from studies.tasks.classification import recipe_of, task_of
from studies.tasks.clips import in_memory, streamed
from studies.weight_standardization import norm_of

CURVED = 4  # clips that the Hessian is of
NETWORKS = {
    "resnet8": models.resnet8,
    "resnet20": models.resnet20,
    "resnet50": models.resnet50,
}
STAIRS = "steps:0.5777778,0.8"  # after 26 and 36 of 45 epochs


@dataclass(frozen=True)
class Config:
    """One run."""

    arm: str = "GN"
    lr: float = 0.03
    seed: int = 0
    data: str = "moving_digits"
    network: str = "resnet20"
    width: int = 8
    folds: int = 8
    dropout: float = 0.0
    crop: int = 224  # the side of frames in files
    optimiser: str = "sgd"
    batch: int = 16
    steps: int = 300
    momentum: float = 0.9
    weight_decay: float = 5e-4
    schedule: str = STAIRS
    augment: bool = False
    mixed: bool = False


# The paper states ResNet-50, 8 frames, 45 epochs of 32 clips a step, of which batch
# norm sees those of one of four GPUs (``--accumulate 4``), and a rate of 0.0125, which
# is divided by ten at the 26th and the 36th epoch. It leaves open momentum, weight
# decay, dropout and crops, which are as in the code of the temporal shift; that the
# head learns five times as fast there is of networks that are trained already.
CLIPS = 86_017
PAPER = Config(
    lr=0.0125, data="something", network="resnet50", width=64, dropout=0.5, batch=32,
    steps=45 * (CLIPS // 32), augment=True,
)  # fmt: skip
REAL = Config(data="moving_mnist", steps=400)
RATES = (0.03, 0.1, 0.3)
PRESETS = {
    "smoke": grid(
        Config(network="resnet8", steps=3, batch=4), ("GN", "GN+WS"), (0.03,), range(1)
    ),
    "cpu": grid(Config(), ARMS, RATES, range(2)),
    "real": grid(REAL, ARMS, RATES, range(3)),
    "gpu": grid(
        Config(data="moving_mnist", network="resnet50", width=16, batch=32, steps=4000,
               mixed=True),
        ARMS, (0.0125, 0.05), range(3),
    ),
    "paper": grid(PAPER, ARMS, (PAPER.lr,), range(5)),
}  # fmt: skip


def network(config: Config, images: Clips | Shape) -> nn.Module:
    """Return the network of a run, as torch's generator draws it."""
    name, _, weights = config.arm.partition("+")
    frames = NETWORKS[config.network](
        images.num_classes,
        width=config.width,
        in_channels=images.channels,
        norm=norm_of(name, config.width),
        stem="imagenet" if config.data == "something" else "cifar",
    )
    net = models.TSM(frames, FRAMES, folds=config.folds, dropout=config.dropout)
    return build(weights or "plain", net)


def task(config: Config, options: Options) -> Task:
    """Return what a run trains."""
    if config.data == "something":
        images: Clips | Shape = Shape(3, config.crop, something.CLASSES)
        data = streamed(options.data, config.crop, options.device, config.augment)
    else:
        images = clips.clips(config.data, options.data)
        data = in_memory(images, options.device)
    return task_of(
        data,
        partial(network, config, images),
        recipe_of(config, options.device),
        options.device,
        curved=CURVED,
        thorough=True,
    )


def main(options: Options) -> list[Record]:
    """Run every arm."""
    return sweep("video", PRESETS[options.preset], task, options)
