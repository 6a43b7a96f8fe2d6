"""What runs were seen on, in words: data, network, budget, seeds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from studies.analysis.entries import Seen
from studies.analysis.sizes import parameters
from studies.engine.records import Record, Settings

DATA = MappingProxyType({
    "digits": "digits, 8 × 8 pixels",
    "mnist10k": "MNIST, 8,000 images",
    "cifar10": "CIFAR-10",
    "cifar10_16": "CIFAR-10, 16 × 16 pixels",
    "cifar100": "CIFAR-100",
    "imagenet": "ImageNet-1k",
    "analytic": "one ray-traced scene",
    "fern": "LLFF fern",
    "knot": "one solid, a knot",
    "carved": "one solid, carved",
    "asv": "the American Standard Version, by characters",
    "wine": "wine, 13 features",
    "breast_cancer": "breast cancer, 30 features",
    "diabetes": "diabetes, 10 features",
    "digits_on_textures": "signs with digits on textures, 17 × 17 pixels",
    "mnist_on_cifar": "signs with MNIST's digits on CIFAR-10's images, 17 × 17 pixels",
    "voc": "PASCAL VOC 2012",
    "surfaces": "clouds of points of 9 shapes",
    "meshes": "clouds of points of 9 shapes and 5 meshes",
    "modelnet40": "ModelNet40",
    "moving_digits": "clips of a digit that moves, 8 frames of 16 × 16 pixels",
    "moving_mnist": "clips of an MNIST digit that moves, 8 frames of 16 × 16 pixels",
    "something": "Something-Something V1",
})  # fmt: skip
IMAGES = MappingProxyType({  # to train with
    "digits": 1437, "mnist10k": 8000, "cifar10": 50_000, "cifar10_16": 50_000,
    "cifar100": 50_000, "imagenet": 1_281_167, "digits_on_textures": 8000,
    "mnist_on_cifar": 8000, "voc": 10_582, "surfaces": 1800, "meshes": 2800,
    "modelnet40": 9843, "moving_digits": 8000, "moving_mnist": 8000,
    "something": 86_017,
})  # fmt: skip


NETWORKS = MappingProxyType({
    "quadratics": "order {size}",
    "small_networks": "tanh, {depth} × {size}",
    "inception": "Inception, width {width}",
    "densenet": "DenseNet-{depth}, growth {growth}",
    "vit": "ViT, {depth} blocks of {dim}",
    "nerf": "NeRF, {depth} × {width}",
    "shapes": "{depth} × {width}",
    "survey": "{network}, {depth} × {width}",
    "segmentation": "DeepLabv3 on {network}, width {width}",
    "point_clouds": "DGCNN, {neighbours} neighbours",
    "video": "temporal shift of {network}, width {width}",
    "twins": "twin of {of}, {depth} × {width}",
})  # fmt: skip


def seen_on(study: str, records: Sequence[Record]) -> Seen:
    """Return data, network, steps and seeds of the runs of one study and preset.

    "parameters" are those of the plain network, where all runs have as many.
    """
    configs = [record["config"] for record in records]
    data = list(dict.fromkeys(c.get("data", "") for c in configs))
    networks = list(dict.fromkeys(network(study, c) for c in configs))
    quadratic = study == "quadratics"
    counts = set() if quadratic else {parameters(study, c) for c in configs}
    return {
        "preset": records[0]["preset"],
        "data": "random matrices" if quadratic else data_words(data),
        "network": ", ".join(networks),
        "parameters": counts.pop() if len(counts) == 1 else None,
        "steps": max(c["steps"] for c in configs),
        "epochs": None if quadratic else epochs(configs[0]),
        "seeds": len({c["seed"] for c in configs}),
        "runs": len(records),
    }


def data_words(names: Sequence[str]) -> str:
    """Return the data sets in words; those without any are meshes.

    Examples
    --------
    >>> data_words(["digits"]), data_words(["spot", "bunny_closed"])
    ('digits, 8 × 8 pixels', 'meshes spot, bunny_closed')
    """
    known = [DATA[name] for name in names if name in DATA]
    meshes = [name for name in names if name not in DATA]
    return "; ".join(
        [*known, *([f"meshes {', '.join(meshes)}"] if any(meshes) else [])]
    )


def network(study: str, config: Mapping[str, object]) -> str:
    """Return a network in words.

    Examples
    --------
    >>> network("vit", {"depth": 4, "dim": 64, "patch": 8})
    'ViT, 4 blocks of 64'
    >>> network("survey", {"network": "stack", "depth": 6, "width": 8})
    'stack, 6 × 8'
    """
    known = {key: f"{v:g}" if isinstance(v, float) else v for key, v in config.items()}
    if config.get("network") == "linear":
        return "a linear model"
    name = str(config.get("network", "")).replace("resnet", "ResNet-")
    known["network"] = name.replace("inception", "Inception")
    template = NETWORKS.get(study, "{network}, width {width}")
    return template.format_map(defaultdict(lambda: "?", known))


def epochs(config: Settings) -> float | None:
    """Return how often a run sees each image, to two digits; None where there are none.

    Examples
    --------
    >>> epochs({"data": "digits", "steps": 240, "batch": 32})
    5.3
    """
    images = IMAGES.get(config.get("data", ""))
    if images is None or "batch" not in config:
        return None
    return float(f"{config['steps'] * config['batch'] / images:.2g}")
