"""Outputs, inputs and targets may be structures; matrices are as of plain tensors."""

import dataclasses
import types
from collections import UserDict, namedtuple

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call

from condlab.curvature import (
    HessianOperator,
    compare,
    empirical_fisher,
    gauss_newton,
    gauss_newton_condition,
    make_loss,
)
from tests.curvature.cuts import AGREE, CLASSES, CUTS, REAL, WEIGHTS, X, network


@dataclasses.dataclass(frozen=True)
class Record:
    logits: torch.Tensor
    hidden: torch.Tensor


Named = namedtuple("Named", ["logits", "hidden"])


class Structured(nn.Module):
    """Return logits and what the criterion does not use, in a structure."""

    def __init__(self, wrap):
        super().__init__()
        self.net, self.wrap = network(), wrap

    def forward(self, x, *, scale):
        z = self.net(x * scale)
        return self.wrap(z, z.sin())


STRUCTURES = {
    "tuple": (lambda z, h: (z, h), lambda out: out[0]),
    "list in a dict": (lambda z, h: {"all": [h, z], "no": None}, lambda o: o["all"][1]),
    "user dict": (lambda z, h: UserDict(z=z, h=h), lambda out: out["z"]),
    "named tuple": (Named, lambda out: out.logits),
    "dataclass": (Record, lambda out: out.logits),
    "object": (
        lambda z, h: types.SimpleNamespace(z=z, h=h, n=3),
        lambda out: out.z,
    ),
    "both are used": (Record, lambda out: out.logits + 0.5 * out.hidden),
    "complex": (lambda z, h: (torch.complex(z, h),), lambda out: out[0].real),
}


def structured(name, cut="threes"):
    wrap, pick = STRUCTURES[name]
    net, ce = Structured(wrap), nn.CrossEntropyLoss(weight=WEIGHTS)
    loss = make_loss(net, lambda out, y: ce(pick(out), y["classes"]))
    scale = torch.tensor(2.0, dtype=torch.float64)
    batches = [
        (UserDict(x=X[a:b], scale=scale), UserDict(classes=CLASSES[a:b]))
        for a, b in CUTS[cut]
    ]
    return net, loss, dict(net.named_parameters()), batches


@pytest.mark.parametrize("name", STRUCTURES)
def test_structures_of_outputs_inputs_and_targets_give_the_plain_matrices(name):
    _, loss, params, batches = structured(name)
    _, pick = STRUCTURES[name]
    plain = network()

    class Picked(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = plain

        def forward(self, x):
            z = self.net(2 * x)
            return pick(STRUCTURES[name][0](z, z.sin()))

    flat = make_loss(Picked(), nn.CrossEntropyLoss(weight=WEIGHTS))
    whole = [(X, CLASSES)]
    for make in (HessianOperator, empirical_fisher):
        expected = make(flat, params, whole).dense()
        torch.testing.assert_close(
            make(loss, params, batches).dense(), expected, **AGREE
        )
    if name == "both are used":  # then it is another matrix: both are linear
        return
    expected = gauss_newton(flat, params, whole).dense()
    G = gauss_newton(loss, params, batches)
    torch.testing.assert_close(G.dense(), expected, **AGREE)
    kappa = gauss_newton_condition(gauss_newton(flat, params, whole)).lambda_max.upper
    assert gauss_newton_condition(G).lambda_max.upper == pytest.approx(kappa, rel=1e-9)


def test_gauss_newton_of_two_outputs_is_that_of_both_side_by_side():
    net, loss, params, batches = structured("both are used", "whole")
    G = gauss_newton(loss, params, batches).dense()
    names = list(params)

    def outputs(p):
        out = functional_call(
            net, dict(zip(names, p, strict=True)), (), dict(batches[0][0])
        )
        return torch.stack([out.logits, out.hidden])

    values = tuple(p.detach() for p in params.values())
    J = torch.autograd.functional.jacobian(lambda *p: outputs(p), values)
    J = torch.cat([j.reshape(2 * 8 * 3, -1) for j in J], dim=1)
    C = torch.autograd.functional.hessian(
        lambda z: F.cross_entropy(z[0] + 0.5 * z[1], CLASSES, weight=WEIGHTS),
        outputs(values),
    ).reshape(2 * 8 * 3, -1)
    torch.testing.assert_close(G, J.T @ C @ J, **AGREE)


def test_gauss_newton_needs_what_the_criterion_uses_among_the_outputs():
    net = network()
    hidden = []

    def forget(_, args, z):
        hidden[:] = [z]
        return z

    net[0].register_forward_hook(forget)
    loss = make_loss(net, lambda z, y: F.mse_loss(z, y) + hidden[0].square().mean())
    with pytest.raises(ValueError, match="all that the criterion uses"):
        gauss_newton(loss, dict(net.named_parameters()), [(X, REAL)])


def test_conditioned_twin_is_compared_whatever_the_structure_and_the_cut():
    ce = nn.CrossEntropyLoss(weight=WEIGHTS)
    found = [
        compare(
            Structured(Record),
            lambda out, y: ce(out.logits, y),
            [({"x": X[a:b], "scale": 2}, CLASSES[a:b]) for a, b in CUTS[cut]],
        )
        for cut in ("whole", "ragged")
    ]
    for name in ("plain", "conditioned"):
        one, other = (getattr(f, name).kappa_nonnull.value for f in found)
        assert one == pytest.approx(other, rel=1e-8)


class Shuffled:
    """A loader of mappings, in another order each time it is read."""

    def __init__(self, make, changes):
        self.make, self.changes, self.reads = make, changes, 0

    def __iter__(self):
        self.reads += self.changes
        order = torch.arange(8).roll(self.reads)
        for a, b in CUTS["threes"]:
            yield self.make(X[order[a:b]], REAL[order[a:b]])


@pytest.mark.parametrize(
    "make",
    [
        lambda x, y: UserDict(x=x, y=y),
        lambda x, y: types.SimpleNamespace(x=x, y=y),
        lambda x, y: Record(x, y),
        lambda x, y: UserDict(x=x.numpy(), y=y.numpy()),
    ],
)
def test_shuffled_loader_is_noticed_whatever_its_batches_are(make):
    net = network()

    def loss(p, batch):
        x, y = (
            torch.as_tensor(b)
            for b in (
                batch.values() if isinstance(batch, UserDict) else vars(batch).values()
            )
        )
        return F.mse_loss(functional_call(net, p, (x,)), y)

    params = dict(net.named_parameters())
    H = HessianOperator(loss, params, Shuffled(make, changes=0))
    whole = HessianOperator(make_loss(net, nn.MSELoss()), params, [(X, REAL)])
    torch.testing.assert_close(H.dense(), whole.dense(), **AGREE)
    with pytest.raises(ValueError, match="turn off shuffling"):
        HessianOperator(loss, params, Shuffled(make, changes=1)).gradient()


def test_number_that_belongs_to_a_batch_is_not_taken_for_all():
    """Each batch's sum over its own number: a mean, though its parts add up."""
    net = network()
    params = dict(net.named_parameters())

    def loss(p, batch):
        z = functional_call(net, p, (batch["x"],))
        return F.mse_loss(z, batch["y"], reduction="sum") / batch["count"]

    batches = [
        {"x": X[a:b], "y": REAL[a:b], "count": 3 * (b - a)} for a, b in CUTS["ragged"]
    ]
    with pytest.raises(ValueError, match="neither cut nor joined"):
        HessianOperator(loss, params, batches)
    H = HessianOperator(loss, params, batches, weights=[1, 5, 2])
    whole = HessianOperator(make_loss(net, nn.MSELoss()), params, [(X, REAL)])
    torch.testing.assert_close(H.dense(), whole.dense(), **AGREE)
