"""Ask whether conditioning its first and last layer speeds an Inception network up.

    python -m studies inception --preset cpu

Eight minutes on two cores (54 runs); the `gpu` preset has not been timed. The `real`
preset has all of CIFAR-10, at 16 pixels, for three epochs: three hours on two cores (63
runs).

Figures 3 and 4 and Table 1 of Saratchandran, Wang and Lucey (2024): Inception with
batch norm alone, with weight standardization, weight normalisation, and with the first
convolution and the last linear layer equilibrated. Beside these are the arms that say
where an effect comes from. A scaling of the first convolution's rows is undone by the
batch norm behind it, which is asserted: it can only change how fast the layer turns,
so that any other effect of E is the last layer's ("E_last"). "init_E" starts
from E's effective weights and trains them plainly, "E_gain" can undo the scaling of
the layer as a whole, "spectral" changes scale but no condition number, and
"orthogonal" gives condition number one.
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
from studies.models import Inception
from studies.models.inception import EIGHT
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
    width: float = 1 / 8
    blocks: tuple[str, ...] = EIGHT
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
# It leaves open: momentum, weight decay, schedule, augmentation, the widths of the
# blocks, where weight standardization and normalisation are placed, and the seeds.
PAPER = Config(
    lr=1e-3, data="cifar10", width=1.0, batch=128, steps=200 * 390, momentum=0.0
)
EPOCHS, BATCH = 3, 64
REAL = Config(
    data="cifar10_16", batch=BATCH, steps=EPOCHS * (50_000 // BATCH),
    schedule="cosine", mirror=True,
)  # fmt: skip
REAL_ARMS = ("plain", "E", "E_gain", "init_E", "WN", "WS", "orthogonal")
SMOKE = Config(steps=3, blocks=("3a", "5b"))
PRESETS = {
    "smoke": grid(SMOKE, ("plain", "E"), (0.1,), range(1)),
    "cpu": grid(Config(), ARMS, (0.01, 0.03, 0.1), range(2)),
    "real": grid(REAL, REAL_ARMS, (0.03, 0.1, 0.3), range(3)),
    "gpu": grid(
        replace(PAPER, width=0.5, steps=4000, momentum=0.9, mixed=True),
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
    net = Inception(
        images.num_classes,
        width=config.width,
        blocks=config.blocks,
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
    small = Inception(10, width=1 / 16, in_channels=1, blocks=("3a", "5b"))
    check_identities(small, torch.randn(8, 1, 8, 8))
    configs = on_files(PRESETS[options.preset], options)
    return sweep("inception", configs, task, options)
