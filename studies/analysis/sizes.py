"""How many numbers the plain network of a run trains."""

from __future__ import annotations

import dataclasses
import importlib
import json
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType, SimpleNamespace

# Of a data set's images: channels, side and classes, which are all that a network needs
IMAGES = MappingProxyType({
    "digits": (1, 8, 10), "mnist10k": (1, 28, 10), "cifar10": (3, 32, 10),
    "cifar10_16": (3, 16, 10), "cifar100": (3, 32, 100), "imagenet": (3, 224, 1000),
    "digits_on_textures": (3, 17, 11), "mnist_on_cifar": (3, 17, 11),
    "voc": (3, 513, 21), "surfaces": (3, 64, 9), "meshes": (3, 64, 14),
    "modelnet40": (3, 1024, 40), "moving_digits": (1, 16, 16),
    "moving_mnist": (1, 16, 16), "something": (3, 224, 174),
})  # fmt: skip
SYMBOLS = MappingProxyType({"asv": 70})  # of a text
# The arm, where it is not called plain.
PLAIN = MappingProxyType({
    "vit": "LN", "weight_standardization": "GN", "associate_normalization": "GN",
    "micro_batches": "GN",
    "segmentation": "GN",
    "point_clouds": "GN",
    "video": "GN",
})  # fmt: skip


def parameters(study: str, config: Mapping[str, object]) -> int | None:
    """Return the number of parameters of the plain arm; None where there is no network.

    Examples
    --------
    >>> parameters("shapes", {"width": 64, "depth": 4, "frequencies": 5})
    14721
    """
    rest = {k: v for k, v in config.items() if k not in ("arm", "lr", "seed", "steps")}
    return _parameters(study, json.dumps(rest, sort_keys=True))


@cache
def _parameters(study: str, text: str) -> int | None:
    module = importlib.import_module(f"studies.{study}")
    known = {field.name for field in dataclasses.fields(module.Config)}
    said = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in json.loads(text).items()
        if key in known
    }
    config = module.Config(**said | {"arm": PLAIN.get(study, "plain")})
    if not hasattr(config, "batch"):  # of a study of rays or points
        net = module.network(config)
    elif config.data in IMAGES:
        channels, side, classes = IMAGES[config.data]
        images = SimpleNamespace(channels=channels, side=side, num_classes=classes)
        net = module.network(config, images)
    elif config.data in SYMBOLS:
        import torch

        from studies.data.text import Text

        nothing = torch.zeros(0, dtype=torch.long)
        words = Text(config.data, "?" * SYMBOLS[config.data], nothing, nothing)
        net = module.network(config, words)
    else:
        return None
    return sum(p.numel() for p in net.parameters())
