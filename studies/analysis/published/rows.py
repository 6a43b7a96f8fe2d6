"""What the sources' tables and figures hold, in their order, with who runs each row.

Figures are as printed. The survey of normalisation has neither tables nor figures with
numbers, and the page on weight standardization repeats its formula: their claims are in
the table of claims.
"""

from __future__ import annotations

from collections.abc import Mapping

from studies.analysis.published.items import Item

CONDITIONING = "weight conditioning (Saratchandran, Wang and Lucey 2024)"
ASSOCIATION = "associate normalization (2018)"
STANDARDIZATION = "weight standardization (Qiao et al. 2019)"

CIFAR_10, CIFAR_100 = "CIFAR-10, a GPU", "CIFAR-100, a GPU"
IMAGENET, LLFF = "ImageNet-1k, GPUs", "LLFF's eight scenes, a GPU"
COCO = "COCO 2017 and detectors, which condlab has not"


def _drawn(*arms: str) -> dict[str, str]:
    return dict.fromkeys(arms, "")


def _conv(study: str, where: str, data: str, rows: Mapping[str, str]) -> Item:
    """Return a table or figure of CIFAR by one of the two networks."""
    curves = not any(rows.values())
    what = "training loss and top-1 by epoch" if curves else "top-1 / top-5, %"
    name, needs = data.lower().replace("-", ""), f"{data}, a GPU"
    about = {"data": "cifar10_16"} if data == "CIFAR-10" else {"data": name}
    choice = f"--dataset {name} --rates 0.001"
    where = f"{where}, {data}"
    return Item(CONDITIONING, where, what, rows, study, choice, needs, about)


FOUR = _drawn("E", "WS", "WN", "plain")
_CONVOLUTIONS = (
    _conv("inception", "Figure 3", "CIFAR-10", FOUR),
    _conv("inception", "Figure 4", "CIFAR-100", FOUR),
    _conv("inception", "Table 1", "CIFAR-10", {
        "E": "83.3 / 94.6", "WS": "82.9 / 94.4", "WN": "83.1 / 94.2",
        "plain": "83.1 / 94.3"}),
    _conv("inception", "Table 1", "CIFAR-100", {
        "E": "58.7 / 71.3", "WS": "56.1 / 70.1", "WN": "56.3 / 70.4",
        "plain": "55.9 / 69.9"}),
    _conv("densenet", "Figure 5", "CIFAR-10", FOUR),
    _conv("densenet", "Figure 6", "CIFAR-100", FOUR),
    _conv("densenet", "Table 2", "CIFAR-10", {
        "E": "79.96 / 92.1", "WS": "75.9 / 90.2", "WN": "76.2 / 90.9",
        "plain": "70.5 / 89.5"}),
    _conv("densenet", "Table 2", "CIFAR-100", {
        "E": "72.4 / 83.3", "WS": "71.7 / 82.9", "WN": "68.8 / 83.1",
        "plain": "64.6 / 80.4"}),
)  # fmt: skip

_EQUILIBRATED = (
    Item(
        CONDITIONING, "Figure 1, left: GoogLeNet at rate 2", "top-1 by epoch",
        _drawn("plain", "WS", "E"), "high_learning_rate",
        "--network inception --rates 2", CIFAR_100,
        {"network": "resnet18"},
    ),
    *(
        Item(
            CONDITIONING, f"Figure 1, right: {name} at rate 0.001", "top-1 by epoch",
            _drawn("plain", "WS", "E"), "high_learning_rate",
            f"--network {network} --rates 0.001", CIFAR_100, {"network": network},
        )
        for name, network in (("ResNet-18", "resnet18"), ("ResNet-50", "resnet50"))
    ),
    Item(
        CONDITIONING, "Figure 2", "the preconditioned network", {"": ""},
        shown="[conditioned models](conditioned-models.md)",
    ),
    *_CONVOLUTIONS,
    Item(
        CONDITIONING, "Table 3", "top-1 / top-5, %",
        {"LN+E": "80.2 / 94.6", "LN+W": "80.0 / 94.4", "LN": "79.9 / 94.3"},
        "vit", "--dataset imagenet", IMAGENET, {"data": "cifar10"},
    ),
    *(
        Item(
            CONDITIONING, f"Figure 7, {scene}", "PSNR by step, and renders",
            _drawn("E_all", "plain"), "nerf", f"--scene {scene}", LLFF,
            {"data": scene},
        )
        for scene in ("fern", "room")
    ),
    *(
        Item(
            CONDITIONING, f"Table 4, {scene}", "PSNR, dB",
            {"E_all": ours, "plain": plain}, "nerf", f"--scene {scene}", LLFF,
            {"data": scene},
        )
        for scene, ours, plain in (
            ("fern", "28.53", "27.51"), ("flower", "31.8", "31.3"),
            ("fortress", "33.14", "33.16"), ("horns", "29.62", "29.34"),
            ("leaves", "23.84", "23.10"), ("orchids", "24.14", "23.98"),
            ("room", "39.89", "39.15"), ("trex", "30.67", "30.05"),
        )
    ),
    Item(
        CONDITIONING, "Supplement, ViT-S on CIFAR-100", "top-1",
        _drawn("LN+E", "LN+W", "LN"), "vit", "--dataset cifar100", CIFAR_100,
        {"data": "cifar100"},
    ),
    Item(
        CONDITIONING, "Supplement, 3D shapes", "IoU", _drawn("E_all", "plain"),
        "shapes", "--scene MESH.obj", "closed meshes, a GPU", {"activation": "relu"},
    ),
    Item(
        CONDITIONING, "Supplement, cost", "time and memory of a step", {"": ""},
        shown="[what an arm costs](results.md)",
    ),
)  # fmt: skip

NORMS = {"BN": "BN", "Assoc": "AssocNorm", "GN": "GN", "IN": "IN", "LN": "LN"}
SIXTY_FOUR = {"batch": 64}


def _norms(where: str, what: str, data: str, values: str) -> Item:
    rows = dict(zip(NORMS, values.split() or [""] * 5, strict=True))
    about = {**SIXTY_FOUR, "data": {"cifar10": "cifar10_16"}.get(data, data)}
    needs = {"cifar10": CIFAR_10, "cifar100": CIFAR_100}[data]
    study, choice = "associate_normalization", f"--dataset {data}"
    return Item(ASSOCIATION, where, what, rows, study, choice, needs, about)


def _batches(where: str, what: str, values: Mapping[str, str]) -> tuple[Item, ...]:
    """Return error against batch size, an item a size."""
    sizes = (64, 32, 16, 8, 4, 2)
    split = {arm: text.split() for arm, text in values.items()}
    return tuple(
        Item(
            ASSOCIATION, f"{where}, batch {size}", what,
            {arm: own[k] if own else "" for arm, own in split.items()},
            "associate_normalization", "--dataset cifar10", CIFAR_10,
            {"batch": size, "data": "cifar10_16"},
        )
        for k, size in enumerate(sizes)
    )  # fmt: skip


def _variants(where: str, what: str, rows: Mapping[str, str]) -> Item:
    about = {**SIXTY_FOUR, "data": "cifar10_16"}
    study, choice = "associate_normalization", "--dataset cifar10"
    return Item(ASSOCIATION, where, what, rows, study, choice, CIFAR_10, about)


_ASSOCIATED = (
    *_batches("Figure 1", "error by batch size", {"Assoc": "", "GN": "", "BN": ""}),
    Item(
        ASSOCIATION, "Figure 2", "the layer", {"": ""},
        shown="`condlab.nn.make_norm(\"associate\", channels)`",
    ),
    _norms("Table 1", "error, %", "cifar10", "6.43 6.19 7.02 6.54 9.98"),
    _norms("Figure 3", "error by epoch", "cifar10", ""),
    _norms("Table 2, top-1", "error, %", "cifar100", "26.28 23.31 26.94 26.08 41.61"),
    _norms("Table 2, top-5", "error, %", "cifar100", "9.37 5.71 7.02 7.60 15.26"),
    _norms("Figure 4", "error by epoch", "cifar100", ""),
    *_batches("Table 3", "error, %", {
        "Assoc": "6.19 6.49 6.64 6.70 7.05 7.11", "GN": "7.02 7.14 7.24 7.22 7.31 7.29",
        "BN": "6.43 6.48 7.39 9.78 11.15 13.79"}),
    Item(
        ASSOCIATION, "Table 4", "parameters more, %",
        {"keys of GN": "0.03 0.03 0.04 0.04 0.05",
         "keys of IN": "2.79 2.46 20.70 20.31 20.18"},
        shown="counted exactly by `tests/nn/norms/test_associate.py`",
    ),
    _variants("Figure 5", "error by epoch", {"Assoc": "", "Assoc-IN": ""}),
    _variants("Table 5", "error, %", {
        "Assoc-bare": "7.04", "Assoc-inner": "6.46", "Assoc-times": "6.49",
        "Assoc": "6.11"}),
)  # fmt: skip


def _imagenet(
    where: str, what: str, network: str, rows: Mapping[str, str], choice: str = ""
) -> Item:
    """Return a table of ImageNet; the study has ResNet-18 of CIFAR-10 for it."""
    chosen = f"--network {network}" + (f" {choice}" if choice else "")
    about = {"network": "resnet18"} if network == "resnet50" else {"network": network}
    study = "weight_standardization"
    return Item(STANDARDIZATION, where, what, rows, study, chosen, IMAGENET, about)


_DETECTED = {
    "Table 4": "39.86 40.43 40.81, 39.68 42.73, 39.49 42.00, 36.36 43.12",
    "Table 5": "37.98 38.04 39.36, 37.59 41.32, 36.62 40.25, 33.28 41.90",
}
_TASKS = (
    ("Table 6", "top-1 / top-5, %", "video",
     {"GN": "42.07 / 73.20", "GN+WS": "44.26 / 75.51", "BN": "44.30 / 74.53",
      "BN+WS": "46.49 / 76.46"}, "Something-Something V1"),
    ("Table 7", "mean IoU, %", "segmentation", {"GN": "74.90", "GN+WS": "77.20",
     "BN": "76.49", "BN+WS": "77.15"}, "PASCAL VOC 2012"),
    ("Table 8", "mean class / overall accuracy, %", "point_clouds",
     {"GN": "87.0 / 89.7", "GN+WS": "88.8 / 91.2", "BN": "89.3 / 91.7",
      "BN+WS": "89.6 / 92.0"}, "ModelNet40"),
)  # fmt: skip


def _detected(where: str) -> list[Item]:
    """Return the rows of a table of COCO, which nothing here stands for."""
    names = ("ResNet-50", "ResNet-101", "ResNeXt-50", "ResNeXt-101")
    values = (part.split() for part in _DETECTED[where].split(","))
    return [
        Item(STANDARDIZATION, f"{where}, {name}", "AP of boxes",
             dict(zip(("GN", "SN", "GN+WS") if len(own) == 3 else ("GN", "GN+WS"), own,
                      strict=True)), needs=COCO)
        for name, own in zip(names, values, strict=True)
    ]  # fmt: skip


_STANDARDIZED = (
    _imagenet("Figure 1, ImageNet", "error by epoch", "resnet50",
              _drawn("BN", "GN", "GN+WS")),
    Item(STANDARDIZATION, "Figure 1, COCO", "AP by step", _drawn("GN", "GN+WS"),
         needs=COCO),
    Item(STANDARDIZATION, "Figures 2 and 3", "the axes, and the graph of derivatives",
         {"": ""}, shown="`condlab.nn.condition(net, \"standardize\")`, its definition "
         "and gradient on trial in [the catalogue](results.md)"),
    _imagenet("Figure 4, left and middle", "error by epoch", "resnet50",
              _drawn("GN", "GN+MO", "GN+DO", "GN+WS")),
    Item(STANDARDIZATION, "Figure 4, right", "share of the squared gradient removed",
         {"": ""}, shown="[the report's gradient shares](results.md)"),
    _imagenet("Figure 5", "error by epoch", "resnet101", _drawn("GN", "GN+WS")),
    *(_imagenet("Figure 5", "error by epoch", n, _drawn("GN", "GN+WS"))
      for n in ("resnext50", "resnext101")),
    _imagenet("Table 1, ResNet-50", "top-1 / top-5 error, %", "resnet50", {
        "BN": "24.30 / 7.19", "GN": "24.81 / 7.46", "BN+WS": "23.76 / 7.13",
        "GN+WS": "23.72 / 6.99"}),
    _imagenet("Table 1, ResNet-101", "top-1 / top-5 error, %", "resnet101", {
        "BN": "22.44 / 6.21", "GN": "24.82 / 7.56", "BN+WS": "21.89 / 6.01",
        "GN+WS": "22.10 / 6.07"}),
    Item(STANDARDIZATION, "Table 1, ResNet-50", "top-1 error, %", {"SN": "25.00"},
         needs="taken by the source from another paper; `make_norm(\"switchable\")`"),
    _imagenet("Table 2", "top-1 error, %", "resnet50", {
        "LN": "27.22", "LN+WS": "24.60", "IN": "29.49", "IN+WS": "28.24", "GN": "24.81",
        "GN+WS": "23.72", "BN": "24.30", "BN+WS": "23.76", "GN+WN": "25.09",
        "GN+AF": "29.43", "GN+MO": "23.96", "GN+DO": "24.60"}),
    _imagenet("Table 3, ResNeXt-50", "top-1 / top-5 error, %", "resnext50", {
        "GN": "25.73 / 8.13", "GN+WS": "22.71 / 6.38"}),
    _imagenet("Table 3, ResNeXt-101", "top-1 / top-5 error, %", "resnext101", {
        "GN": "29.84 / 10.77", "GN+WS": "21.80 / 6.03"}),
    *_detected("Table 4"),
    *_detected("Table 5"),
    Item(STANDARDIZATION, "Figure 6", "training loss of detectors",
         _drawn("GN", "GN+WS"), needs=COCO),
    *(Item(STANDARDIZATION, where, what, rows, study, "", f"{data}, a GPU")
      for where, what, study, rows, data in _TASKS),
)  # fmt: skip

ITEMS = (*_EQUILIBRATED, *_ASSOCIATED, *_STANDARDIZED)
