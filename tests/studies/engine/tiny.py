"""A task that takes milliseconds a step, and a program that trains it."""

import sys
from pathlib import Path

import torch
from torch import nn

from studies.engine.loop import Task, train

INPUTS = torch.linspace(-1, 1, 64)[:, None]
TARGETS = INPUTS.sin()


def tiny_task(**changes):
    """Return a regression with dropout, batch norm and momentum: all carry state."""

    def network():
        return nn.Sequential(
            nn.Linear(1, 8), nn.BatchNorm1d(8), nn.Dropout(0.2), nn.Linear(8, 1)
        )

    def batch(_step, generator):
        chosen = torch.randint(len(INPUTS), (16,), generator=generator)
        return INPUTS[chosen], TARGETS[chosen]

    def loss(net, batch):
        return nn.functional.mse_loss(net(batch[0]), batch[1])

    parts = {
        "network": network,
        "optimiser": lambda net: torch.optim.Adam(net.parameters(), lr=1e-2),
        "batch": batch,
        "loss": loss,
        "evaluate": lambda net: {"probe_loss": loss(net, (INPUTS, TARGETS)).item()},
        "schedule": lambda done: 1 - done,
    }
    return Task(**{**parts, **changes})


def main(folder, steps):
    """Train with a checkpoint after every step; save the weights at the end."""
    torch.set_num_threads(1)
    outcome = train(
        tiny_task(),
        seed=3,
        steps=steps,
        checkpoint=folder / "run.pt",
        checkpoint_seconds=0,
    )
    torch.save(outcome.network.state_dict(), folder / "weights.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
