"""One training step of each study on a GPU is that of the CPU."""

import importlib

import pytest
import torch

from studies.engine.loop import train
from studies.engine.sweeps import Options

pytestmark = pytest.mark.gpu

STUDIES = (
    "high_learning_rate",
    "inception",
    "nerf",
    "shapes",
    "small_networks",
    "weight_standardization",
    "vit",
)
DRAWS = ("nerf",)  # random numbers on the device: there the step is another one


class On(Options):
    """Options of a run on a device, whatever the preset."""

    def __init__(self, place):
        super().__init__("smoke")
        object.__setattr__(self, "place", place)

    @property
    def device(self):
        return self.place


def one_step(study, index, place):
    """Return the series and the weights after a step of a smoke run."""
    module = importlib.import_module(f"studies.{study}")
    make = getattr(module, "task", None) or module.make_task
    config = module.PRESETS["smoke"][index]
    outcome = train(
        make(config, On(torch.device(place))),
        seed=0,
        steps=1,
        device=place,
        evaluations=1,
        probes=(1.0,),
        curvature=(1.0,),
    )
    assert outcome.status == "done"
    weights = {n: p.detach().cpu() for n, p in outcome.network.named_parameters()}
    return outcome.series, weights


@pytest.mark.parametrize("index", [0, -1])
@pytest.mark.parametrize("study", STUDIES)
def test_one_step_is_the_same(device, study, index):
    (ours, before), (theirs, after) = (
        one_step(study, index, place) for place in ("cpu", device)
    )
    assert theirs.keys() == ours.keys()
    start, there = ours["probe_loss"][0], theirs["probe_loss"][0]
    assert there == pytest.approx(start, rel=1e-3)
    for name, points in theirs.items():
        assert all(value is None or value == value for _, value in points), name
    if study in DRAWS:
        return
    assert theirs["loss"][-1] == pytest.approx(ours["loss"][-1], rel=1e-3)
    for name, p in before.items():
        moved = (after[name] - p).norm()
        assert float(moved) <= 1e-2 * float(p.norm() + 1), name
