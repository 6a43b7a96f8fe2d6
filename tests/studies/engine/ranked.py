"""A program that trains by several tasks, in one process or as torchrun's."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from studies import nerf, small_networks
from studies.engine import ranks
from studies.engine.loop import train
from studies.engine.sweeps import Options
from tests.studies.engine.tiny import INPUTS, TARGETS, tiny_task

STEPS = 20


class Sequences(nn.Module):
    """Dropout between recurrent layers: samples are along the second dimension."""

    def __init__(self):
        super().__init__()
        self.body, self.head = nn.LSTM(1, 6, 2, dropout=0.4), nn.Linear(6, 1)

    def forward(self, x):
        return self.head(self.body(torch.stack([x, x.sin(), x.cos()]))[0][-1])


class Attention(nn.Module):
    """Dropout of attention weights, of features and of whole channels."""

    def __init__(self):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(4, 2, 8, 0.3, batch_first=True)
        self.into, self.head = nn.Linear(1, 4), nn.Linear(4, 1)

    def forward(self, x):
        tokens = self.into(torch.stack([x, x.sin()], dim=1))
        return self.head(F.dropout1d(self.layer(tokens), 0.2, self.training).mean(1))


class Experts(nn.Module):
    """Each sample meets one expert, and no sample meets the third."""

    def __init__(self):
        super().__init__()
        self.experts = nn.ModuleList(nn.Linear(1, 1) for _ in range(3))

    def forward(self, x):
        y = x * 0
        for k, mask in enumerate((x[:, 0] < 0.9, x[:, 0] >= 0.9)):
            if mask.any():
                y = y.index_add(0, mask.nonzero()[:, 0], self.experts[k](x[mask]))
        return y


class Recording(nn.Module):
    """Keeps something of the samples that it sees."""

    def __init__(self):
        super().__init__()
        self.body = nn.Linear(1, 1)
        self.register_buffer("seen", torch.zeros(1))

    def forward(self, x):
        self.seen = self.seen + x.detach().abs().sum()
        return self.body(x)


class Noise(nn.Module):
    """Noise of its own for features, one draw for the batch, and a gate."""

    def forward(self, x):
        gate = F.gumbel_softmax(x[:, :3])[:, :1]
        return x + gate * torch.rand_like(x) + torch.rand(1) + 0.1 * torch.randn(1, 1)


def chain(*layers):
    return lambda: nn.Sequential(nn.Linear(1, 8), *layers, nn.Linear(8, 1))


def normalised():
    """Return a network in double precision: batch norms amplify rounding."""
    layers = chain(nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3))().double()
    return nn.Sequential(small_networks.Double(), layers)


def descent(net):
    """Return no Adam, which makes steps of the rounding in a bias before a norm."""
    return torch.optim.SGD(net.parameters(), 0.1, momentum=0.9)


def sized(samples, network=None, **changes):
    """Return the tiny task with batches of so many samples."""

    def batch(_step, generator):
        chosen = torch.randint(len(INPUTS), (samples,), generator=generator)
        return INPUTS[chosen], TARGETS[chosen]

    network = {} if network is None else {"network": network}
    return tiny_task(batch=batch, **network, **changes)


def checkpointed():
    from torch.utils.checkpoint import checkpoint

    class Remade(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Linear(1, 8), nn.Dropout(0.3), nn.Linear(8, 1))

        def forward(self, x):
            return checkpoint(self.body, x, use_reentrant=False)

    return Remade()


def contrastive(net, batch):
    """Return a loss that compares samples with each other."""
    return F.cross_entropy(net(batch[0]) @ net(batch[0]).T, torch.arange(len(batch[0])))


def doubled(net, batch):
    """Return a loss of all samples, then of all again with other draws."""
    both = net(torch.cat(batch[:1] * 2)) - torch.cat(batch[1:] * 2)
    return both.square().mean()


def of_nerf(**changes):
    config = replace(nerf.SMOKE, noise=1.0, lr=2e-3, **changes)
    return nerf.make_task(config, Options("smoke", place="cpu"))


def quadratic():
    return small_networks.quadratic(small_networks.PRESETS["smoke"][0])


CASES = {
    "dropout": lambda: sized(16, chain(nn.Tanh(), nn.Dropout(0.3))),
    "uneven": lambda: sized(7, chain(nn.Tanh(), nn.AlphaDropout(0.3))),
    "batch norm": lambda: sized(9, normalised, optimiser=descent),
    "one sample": lambda: sized(1, chain(nn.Tanh(), nn.Dropout(0.3))),
    "sequences": lambda: sized(8, Sequences),
    "attention": lambda: sized(8, Attention),
    "experts": lambda: sized(8, Experts),
    "noise": lambda: sized(10, chain(Noise())),
    "checkpointed": lambda: sized(8, checkpointed),
    "nerf": of_nerf,
    "nerf of 33 rays": lambda: of_nerf(rays=33),
    "quadratic": quadratic,
}
REFUSED = {
    "slopes": lambda: sized(8, chain(nn.RReLU())),
    "contrastive": lambda: sized(8, chain(nn.Tanh()), loss=contrastive),
    "doubled": lambda: sized(8, chain(nn.Dropout(0.5)), loss=doubled),
    "recording": lambda: sized(8, Recording),
}


def trained(task, **options):
    """Return what a run leaves, or why there is none."""
    bare = replace(task, probe=lambda *_: {}, curvature=lambda _: {})
    bare = replace(bare, describe=lambda _: {})
    try:
        made = train(bare, seed=0, steps=STEPS, evaluations=5, **options)
    except ValueError as error:
        return {"refused": str(error)}
    weights = torch.cat([t.flatten() for t in made.network.state_dict().values()])
    return {**made.series, "weights": weights.double().tolist()}


def main(folder):
    """Train by every task; each process writes what it has."""
    torch.set_num_threads(1)
    with ranks.joined(1.0):
        found = {name: trained(make()) for name, make in (CASES | REFUSED).items()}
        for name in ("dropout", "nerf", "noise"):
            found[f"{name} in 2 parts"] = trained(CASES[name](), accumulate=2)
        name = f"{ranks.count()}-{ranks.rank()}.json"
    (folder / name).write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
