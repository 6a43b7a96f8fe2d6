"""Every network of the `paper` presets starts on small files in the real formats."""

import importlib
import math
from dataclasses import replace

import pytest
import torch

from studies.data import cifar
from studies.engine.loop import train
from studies.engine.sweeps import Options
from tests.studies.stand_ins import (
    write_binary,
    write_imagenet,
    write_llff,
    write_mnist,
    write_modelnet,
    write_something,
    write_voc,
)

STUDIES = (
    "inception", "densenet", "high_learning_rate", "vit", "nerf", "shapes",
    "small_networks", "weight_standardization", "associate_normalization",
    "updates", "survey", "micro_batches", "segmentation",
    "point_clouds", "video",
)  # fmt: skip
CHANGED = {
    "weight_standardization": "WS",
    "associate_normalization": "Assoc",
    "survey": "",
    "micro_batches": "WS",
    "segmentation": "WS",
    "point_clouds": "WS",
    "video": "WS",
}
STEPS = 2
FEW = {
    "batch": 4,
    "rays": 64,
    "points": 256,
    "context": 16,
    "crop": 65,
}  # of each, as no stand-in has more


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    for name in ("cifar10", "cifar100"):
        write_binary(folder / cifar.FOLDERS[name], name, n=8)
    write_imagenet(folder / "imagenet")
    write_mnist(folder / "mnist")
    write_voc(folder / "voc", [f"2007_{k:06}" for k in range(8)])
    write_modelnet(folder / "ModelNet40")
    write_something(folder / "something" / "v1")
    write_llff(folder / "fern", views=9, side=(12, 16), factor=8)
    return folder


def kinds(study):
    """Return the first changed config of each network and data set."""
    found = {}
    for config in importlib.import_module(f"studies.{study}").PRESETS["paper"]:
        sizes = (
            "experiment", "data", "network", "dim", "activation", "problem", "size"
        )  # fmt: skip
        key = tuple(getattr(config, name, None) for name in sizes)
        if CHANGED.get(study, "E") in config.arm and not config.arm.startswith("init"):
            found.setdefault(key, config)
    scenes = [c for c in found.values() if study == "nerf" and c.data != "fern"]
    return [config for config in found.values() if config not in scenes]


def case(study, config, number):
    width = getattr(config, "dim", getattr(config, "width", 0))
    # ViT-B, GPT-2, and deep residual networks that another study starts as well
    again = study in ("associate_normalization", "micro_batches")
    deep = again or getattr(config, "network", "") == "resnext101"
    large = [pytest.mark.slow] if width > 500 or deep else []
    name = f"{study}-{getattr(config, 'data', '')}-{number}"
    return pytest.param(study, config, id=name, marks=large)


CASES = [case(s, c, i) for s in STUDIES for i, c in enumerate(kinds(s))]


@pytest.mark.parametrize(("study", "config"), CASES)
def test_a_papers_run_starts(study, config, files):
    module = importlib.import_module(f"studies.{study}")
    make = getattr(module, "task", None) or module.make_task
    fewer = {name: n for name, n in FEW.items() if hasattr(config, name)}
    task = make(replace(config, **fewer), Options("paper", data=files, place="cpu"))
    outcome = train(
        replace(task, describe=lambda _net: {}),  # whose SVDs take minutes
        seed=0,
        steps=STEPS,
        evaluations=1,
        probes=(),
        curvature=(),
    )
    assert outcome.status == "done"
    (step, loss), *_ = outcome.series["loss"]
    assert step <= STEPS
    assert math.isfinite(loss)
    torch.manual_seed(0)
    drawn, trained = task.network().parameters(), outcome.network.parameters()
    assert any(not torch.equal(p, q) for p, q in zip(drawn, trained, strict=True))
