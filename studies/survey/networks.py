"""The networks of the survey's trial, by experiment and arm."""

from __future__ import annotations

from functools import partial

from torch import nn

from condlab.nn.norms import make_norm
from studies.data import Images, Shape
from studies.data.folders import Streamed
from studies.models import MLP, ViT
from studies.models._norms import Norm
from studies.models.norm_free import PreActivationResNet
from studies.models.recurrent import GRU
from studies.models.stack import Stack
from studies.survey.config import Config
from studies.tasks.arms import build

GHOST = 16  # examples that share statistics
IMPROVED: dict[str, Norm] = {
    "plain": "batch",
    "decay": "batch",
    "ghost": partial(make_norm, "ghost_batch", examples=GHOST),
    "batch_group": partial(make_norm, "batch_group", groups=4),
    "moving": "moving_batch",
}
STAGES = {"imagenet": 4}  # of a residual network, three otherwise


def network(config: Config, images: Images | Streamed | Shape) -> nn.Module:
    """Return the network of a run, as torch's generator draws it.

    Raises
    ------
    ValueError
        If there is no such network.
    """
    made = {
        "stack": _stack,
        "sigmoid": _sigmoid,
        "ViT": _transformer,
        "GRU": _recurrent,
        "residual": _residual,
    }
    if config.network not in made:
        raise ValueError(f"networks are {', '.join(made)}; got {config.network!r}")
    return made[config.network](config, images)


def _stack(config: Config, images: Images | Streamed | Shape) -> nn.Module:
    norm: Norm = "none" if config.arm == "plain" else "batch"
    if config.experiment == "improvements":
        norm = IMPROVED[config.arm]
    return Stack(
        images.num_classes,
        width=config.width,
        depth=config.depth,
        norm=norm,
        order="after" if config.arm == "after" else "before",
        noisy=config.arm == "noisy",
        in_channels=images.channels,
    )


def _sigmoid(config: Config, images: Images | Streamed | Shape) -> nn.Module:
    return MLP(
        images.channels * images.side**2,
        images.num_classes,
        width=config.width,
        depth=config.depth,
        norm="none" if config.arm == "plain" else "batch",
        activation=nn.Sigmoid,
    )


def _transformer(config: Config, images: Images | Streamed | Shape) -> nn.Module:
    net = ViT(
        image_size=images.side,
        patch=max(2, images.side // 4),
        num_classes=images.num_classes,
        dim=config.width,
        depth=config.depth,
        heads=4,
        in_channels=images.channels,
        placement="post" if config.arm.startswith("post") else "pre",
    )
    return build("plain", net)  # a head of zeros leaves the blocks no gradient


def _recurrent(config: Config, images: Images | Streamed | Shape) -> nn.Module:
    return GRU(
        images.channels * images.side,
        config.width,
        images.num_classes,
        steps=images.side,
        norm="none" if config.arm == "plain" else config.arm,
    )


def _residual(config: Config, images: Images | Streamed | Shape) -> nn.Module:
    return PreActivationResNet(
        (config.depth,) * STAGES.get(config.data, 3),
        images.num_classes,
        stem="imagenet" if config.data == "imagenet" else "cifar",
        norm_free=config.arm.startswith("free"),
        width=config.width,
        in_channels=images.channels,
    )
