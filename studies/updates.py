"""Ask whether it pays to condition the weights, their updates, or both.

    python -m studies updates --preset cpu
    python -m studies updates --preset real --dataset asv
    python -m studies updates --preset real --dataset cifar10_16 --data DATA

The `real` preset has two blocks of 99 runs: a language model of a million parameters
that sees 192,000 characters, which takes an hour of one core (seven of the eleven arms,
63 runs, took 36 minutes), and a ResNet-18 of width 8 on two thirds of CIFAR-10 at 16
pixels, which is to take less, and has not been timed.

An arm says what is done to the weights, and after a plus what makes the step; without
one it is the baseline's AdamW, or SGD for images. Weights are equilibrated ("E"),
"E_gain" with one gain a layer, of Saratchandran, Wang and Lucey (2024), or go through
the polynomials of Wang et al. (2026, PC Layer, arXiv:2606.06470; "PC_gain", with norm
and gain as they have them). Updates are orthogonalised ("muon", Jordan et al., 2024) or
their rows are normalised ("rmnp", Deng et al., 2026, arXiv:2603.20527). All of them are
for the matrices between the first layer and the last, so that they can be compared; the
PC layer's source leaves out queries, keys and values, and has polynomials of level 2
with Muon, where these are of level 4. "init_E" starts where E does. Images have group
norm of two channels: before a batch norm E would change nothing.

The text is the American Standard Version of the Bible, character by character, or any
other: ``--data FILE.txt``. Its last tenth is for validation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

from torch import nn

from studies import models
from studies.data import Images, load, text
from studies.data.folders import Streamed
from studies.data.text import Text
from studies.engine.configs import chosen, grid
from studies.engine.loop import Task
from studies.engine.options import Options
from studies.engine.records import Record
from studies.engine.sweeps import sweep
from studies.models import LanguageModel
from studies.tasks import classification, language
from studies.tasks.arms import build, matrix_layers
from studies.tasks.classification import Recipe, on_files, recipe_of
from studies.weight_standardization import norm_of

WEIGHTS = ("plain", "E", "PC_gain")
CONTROLS = ("E_gain", "init_E")
MATRIX = ("muon", "rmnp")
ARMS = (*WEIGHTS, *(f"{w}+{made}" for made in MATRIX for w in WEIGHTS), *CONTROLS)
# Times a config's rate, which is AdamW's, so that one grid has the best of all inside.
RATE_OF = MappingProxyType({
    "text": {"adamw": 1.0, "sgd": 15.0, "muon": 15.0, "rmnp": 0.5},
    "images": {"adamw": 1.0, "sgd": 15.0, "muon": 5.0, "rmnp": 1.5},
})  # fmt: skip
NETWORKS = {"resnet18": models.resnet18, "resnet20": models.resnet20}


@dataclass(frozen=True)
class Config:
    """One run; `depth`, `heads` and `context` are the transformer's.

    Attributes
    ----------
    lr : float
        Of AdamW; others have it times `RATE_OF`.
    optimiser : str
        The baseline's, of arms that name none.
    """

    arm: str = "plain"
    lr: float = 2e-3
    seed: int = 0
    kind: str = "text"
    data: str = text.BUILT_IN
    network: str = "transformer"
    width: int = 128
    depth: int = 5
    heads: int = 4
    context: int = 64
    norm: str = "layer"
    optimiser: str = "adamw"
    batch: int = 12
    steps: int = 250
    momentum: float = 0.9
    weight_decay: float = 0.1
    schedule: str = "cosine"
    warm_up: float = 0.1
    augment: bool = False
    mirror: bool = False
    mixed: bool = False


IMAGES = Config(
    kind="images", data="digits", network="resnet18", width=8, depth=0, heads=0,
    context=0, norm="GN", optimiser="sgd", batch=64, steps=160, weight_decay=1e-4,
    warm_up=0.0,
)  # fmt: skip
RATES = (6e-4, 2e-3, 6e-3)  # AdamW's; with those of RMNP's source among them
# RMNP's recipe for GPT-2 small, of characters for tokens of OpenWebText; and its
# ResNet-18, where the baseline is AdamW. There updates are scaled otherwise, and RMNP
# has a fifth of Muon's rate.
PAPER_TEXT = Config(
    width=768, depth=12, heads=12, context=1024, batch=480, steps=10_000, mixed=True
)
PAPER_IMAGES = replace(
    IMAGES, data="cifar10", width=64, norm="BN", optimiser="adamw", batch=512,
    steps=200 * (50_000 // 512), weight_decay=0.01, augment=True, mixed=True,
)  # fmt: skip
SMALL = Config(width=64, depth=2, steps=100)
REAL_IMAGES = replace(IMAGES, data="cifar10_16", batch=128, steps=256, mirror=True)
GPU_TEXT = Config(context=256, batch=64, steps=2000, mixed=True)
GPU_IMAGES = replace(REAL_IMAGES, data="cifar10", width=64, steps=2000, mixed=True)
PRESETS = {
    "smoke": grid(replace(SMALL, steps=3), ("plain", "E+muon"), (2e-3,), range(1))
    + grid(replace(IMAGES, steps=3), ("plain", "PC_gain+rmnp"), (2e-3,), range(1)),
    "cpu": grid(SMALL, ARMS, RATES, range(2)) + grid(IMAGES, ARMS, RATES, range(2)),
    "real": grid(Config(), ARMS, RATES, range(3))
    + grid(REAL_IMAGES, ARMS, RATES, range(3)),
    "gpu": grid(GPU_TEXT, ARMS, RATES, range(1))
    + grid(GPU_IMAGES, ARMS, RATES, range(1)),
    "paper": grid(PAPER_TEXT, ARMS, RATES, range(5))
    + grid(PAPER_IMAGES, ARMS, RATES, range(5)),
}


def split(arm: str, baseline: str) -> tuple[str, str]:
    """Return what an arm does to the weights, and its optimiser.

    Examples
    --------
    >>> split("E+muon", "adamw"), split("plain", "adamw")
    (('E', 'muon'), ('plain', 'adamw'))
    """
    weights, _, optimiser = arm.partition("+")
    return weights, optimiser or baseline


def network(config: Config, data: Images | Streamed | Text) -> nn.Module:
    """Return the network of a run, as torch's generator draws it."""
    net: nn.Module
    if isinstance(data, Text):
        net = LanguageModel(
            data.symbols,
            context=config.context,
            dim=config.width,
            depth=config.depth,
            heads=config.heads,
            norm=config.norm,
        )
    else:
        net = NETWORKS[config.network](
            data.num_classes,
            width=config.width,
            in_channels=data.channels,
            norm=norm_of(config.norm, config.width),
        )
    weights, _ = split(config.arm, config.optimiser)
    return build(weights, net, [name for name, _ in matrix_layers(net)[1:-1]])


def recipe(config: Config, options: Options) -> Recipe:
    """Return how a run steps: by its arm's optimiser, at that one's rate."""
    _, optimiser = split(config.arm, config.optimiser)
    lr = config.lr * RATE_OF[config.kind][optimiser]
    return replace(recipe_of(config, options.device), optimiser=optimiser, lr=lr)


def task(config: Config, options: Options) -> Task:
    """Return what a run trains."""
    how, place = recipe(config, options), options.device
    if config.kind == "text":
        words = text.load(config.data, options.data)
        make = partial(network, config, words)
        return language.make_task(words, config.context, make, how, place)
    images = load(config.data, options.data)
    return classification.make_task(
        images, partial(network, config, images), how, place
    )


def wanted(configs: Sequence[Config], options: Options) -> list[Config]:
    """Return the configs of the data that was asked for: of a text, or of images.

    Without any, all are run. A file that is given is a text, whatever its name.

    Raises
    ------
    ValueError
        If a text is given, and another data set asked for.
    """
    place, name = options.data, options.choice.data
    if place is not None and (place.is_file() or text.is_one(place.name)):
        if name not in ("", place.name):
            raise ValueError(
                f"--data is the text {place.name}, and --dataset asks for {name}; "
                "leave one of them out"
            )
        return [replace(c, data=place.name) for c in configs if c.kind == "text"]
    if name:
        kind = "text" if text.is_one(name) else "images"
        configs = [config for config in configs if config.kind == kind]
    return on_files(configs, options)


def main(options: Options) -> list[Record]:
    """Run every arm, on a text and on images."""
    configs = wanted(PRESETS[options.preset], options)
    for config in dict.fromkeys(chosen(configs, options.choice)):
        if config.kind == "text":  # what is wrong with it is said once, not by each run
            language.require_long(text.load(config.data, options.data), config.context)
    return sweep("updates", configs, task, options)
