"""Ask whether kappa of the Hessian sets the speed, exactly, in twins of all studies.

    python -m studies twins --preset cpu

The `cpu` preset has 219 runs, of some seconds each; it is to take a quarter of an hour
on two cores that are free, and has not been timed on such.

The networks of the other studies are too large for the exact condition number of their
Hessians. Here each has a twin of the same layers, arms and step rule, of some hundred
parameters, on the built-in data, images at 4 x 4 pixels. The Hessian of the loss on 32
images, 32 rays or 64 points is assembled in double precision at the start, after a
tenth and a half of the steps, and at the end; its condition number over what is not
null is given in three gauges, as `studies.tasks.gauges` says. Only the quotient's
compares arms on the same space.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

from torch import nn

from condlab.nn import renormalise_after
from studies import densenet, high_learning_rate, inception, nerf, shapes, vit
from studies.data import Images, Shape, load
from studies.data.folders import Streamed
from studies.engine import records
from studies.engine.configs import grid
from studies.engine.loop import Task
from studies.engine.options import Options
from studies.engine.records import Record
from studies.engine.sweeps import sweep
from studies.models import DenseNet, Inception, ResNet
from studies.models.resnet import Basic
from studies.tasks.arms import build, matrix_layers
from studies.tasks.classification import make_task, recipe_of
from studies.tasks.gauges import exact_probes

SIDE = 4  # of the images, in pixels, after pooling


@dataclass(frozen=True)
class Config:
    """One run: of what it is the twin, and how small.

    `depth` counts residual, Inception, dense or transformer blocks, or hidden layers.
    """

    of: str
    depth: int
    width: float
    steps: int
    arm: str = "plain"
    lr: float = 0.1
    seed: int = 0
    data: str = "digits"
    activation: str = ""
    schedule: str = "constant"


ARMS: dict[str, tuple[str, ...]] = {
    "high_learning_rate": high_learning_rate.ARMS,
    "inception": inception.ARMS,
    "densenet": densenet.ARMS,
    "vit": tuple(vit.ARMS),
    "nerf": nerf.ARMS,
    "shapes": shapes.ARMS,
}
# Each with a rate at which its plain network learns, and what it is of in files.
TWINS = (
    (Config("high_learning_rate", 2, 2, steps=160, lr=0.5), "mnist10k"),
    (Config("inception", 1, 1 / 64, steps=110, lr=0.1), "mnist10k"),
    (Config("densenet", 2, 2, steps=110, lr=0.1), "mnist10k"),
    (Config("vit", 1, 4, steps=70, lr=1e-2), "mnist10k"),
    (Config("nerf", 2, 4, steps=200, lr=6e-3, data="analytic"), "fern"),
    *(
        (Config("shapes", 2, 10, 200, lr=lr, data="knot", activation=kind), "spot")
        for kind, lr in (("relu", 1e-2), ("gaussian", 1e-2), ("sine", 1e-3))
    ),
)


def _grids(
    seeds: int, rates: tuple[float, ...] = (1.0,), *, files: bool = False
) -> list[Config]:
    """Return all twins' runs, by seed; rates are relative to each one's own."""
    return [
        config
        for seed in range(seeds)
        for twin, real in TWINS
        for config in grid(
            replace(twin, data=real, schedule="cosine") if files else twin,
            ARMS[twin.of],
            [rate * twin.lr for rate in rates],
            range(seed, seed + 1),
        )
    ]


# The paper has no experiment of this kind.
PRESETS = {
    "smoke": [
        *grid(replace(TWINS[3][0], steps=3), ("LN", "LN+E"), (1e-2,), range(1)),
        *grid(replace(TWINS[6][0], steps=3), ("plain", "E"), (1e-2,), range(1)),
    ],
    "cpu": _grids(3),
    "real": _grids(3, (0.3, 1.0, 3.0), files=True),
    "gpu": _grids(5),
    "paper": _grids(5, (0.3, 1.0, 3.0)),
}


def task(config: Config, options: Options) -> Task:
    """Return what a run trains, by the step rule of the study that it is a twin of."""
    own = own_config(config)
    if config.of in ("nerf", "shapes"):
        module = importlib.import_module(f"studies.{config.of}")
        made = module.make_task(own, options, exact_probes)
    else:
        images, recipe = load(config.data, options.data), recipe_of(own, options.device)
        after = None
        if config.arm == "nGPT":
            recipe = replace(recipe, weight_decay=0.0, warm_up=0.0)
            after = renormalise_after
        make = partial(network, config, images)
        place = options.device
        made = make_task(
            images, make, recipe, place, after=after, curvature=exact_probes
        )
    measure = made.curvature
    return replace(made, curvature=lambda net: measure(net.double()))


def own_config(config: Config) -> records.Config:
    """Return a config of the study that a run is a twin of."""
    module = importlib.import_module(f"studies.{config.of}")
    names = ("arm", "lr", "seed", "data", "steps")
    said = {name: getattr(config, name) for name in names}
    if config.of != "nerf":  # which has a decay of its own
        said["schedule"] = config.schedule
    if config.of in ("nerf", "shapes"):
        said |= {"depth": config.depth, "width": int(config.width), "frequencies": 2}
    if config.of == "nerf":
        said |= {"skip": 1, "direction_frequencies": 1}
    if config.of == "shapes":
        said["activation"] = config.activation
    if config.of == "vit":
        said |= {"depth": config.depth, "dim": int(config.width)}
        said |= {"heads": 2, "patch": 2}
    made: records.Config = module.Config(**said)
    return made


def network(config: Config, images: Images | Streamed) -> nn.Module:
    """Return the network of a run on images, as torch's generator draws it."""
    pool = nn.AvgPool2d(images.side // SIDE)
    if config.of == "vit":
        small = Shape(images.channels, SIDE, images.num_classes)
        own = own_config(config)
        assert isinstance(own, vit.Config)
        return nn.Sequential(pool, vit.network(own, small))
    net = CONVOLUTIONAL[config.of](config, images)
    names = [name for name, _ in matrix_layers(net)]
    return nn.Sequential(pool, build(config.arm, net, chosen=(names[0], names[-1])))


def _resnet(config: Config, images: Images | Streamed) -> nn.Module:
    depths, width = (1,) * config.depth, int(config.width)
    classes, channels = images.num_classes, images.channels
    return ResNet(Basic, depths, classes, width=width, in_channels=channels)


def _inception(config: Config, images: Images | Streamed) -> nn.Module:
    return Inception(
        images.num_classes,
        width=config.width,
        multiple=1,
        blocks=("3a", "4a", "5a")[: config.depth],
        in_channels=images.channels,
    )


def _densenet(config: Config, images: Images | Streamed) -> nn.Module:
    growth, channels = int(config.width), images.channels
    depths = (1,) * config.depth
    return DenseNet(
        depths, growth, images.num_classes, bottleneck=False, in_channels=channels
    )


Make = Callable[[Config, Images | Streamed], nn.Module]
CONVOLUTIONAL: Mapping[str, Make] = MappingProxyType({
    "high_learning_rate": _resnet,
    "inception": _inception,
    "densenet": _densenet,
})  # fmt: skip


def main(options: Options) -> list[Record]:
    """Run every arm of every twin."""
    return sweep("twins", PRESETS[options.preset], task, options)
