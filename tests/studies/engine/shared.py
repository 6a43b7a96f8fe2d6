"""A program that trains with torchrun's processes, then its first one alone."""

import json
import sys
from pathlib import Path

import torch
from torch import distributed as dist
from torch import nn

from studies.engine.loop import train
from tests.studies.engine.tiny import tiny_task


def run(folder, name):
    """Train without batch statistics and dropout, which depend on the processes."""
    net = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1))
    made = train(tiny_task(network=lambda: net.apply(fresh)), seed=0, steps=30)
    weights = torch.cat([p.flatten() for p in made.network.parameters()]).tolist()
    losses = [value for _, value in made.series["loss"]]
    if name == 1 or dist.get_rank() == 0:
        text = json.dumps({"loss": losses, "weights": weights})
        (folder / f"{name}.json").write_text(text)


def fresh(layer):
    """Draw a layer's parameters anew, so that both runs start alike."""
    if isinstance(layer, nn.Linear):
        layer.reset_parameters()


if __name__ == "__main__":
    dist.init_process_group("gloo")
    first = dist.get_rank() == 0
    run(Path(sys.argv[1]), 2)
    dist.destroy_process_group()
    if first:
        run(Path(sys.argv[1]), 1)
