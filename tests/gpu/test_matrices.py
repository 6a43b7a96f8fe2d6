"""Scaling and conditioning give on a GPU what they give on the CPU."""

import copy

import pytest
import torch
from torch import nn

import condlab
from condlab.nn import condition, effective_weights, fold, uncondition

pytestmark = pytest.mark.gpu

SCALINGS = {
    "row": condlab.row_scaling,
    "column": condlab.column_scaling,
    "row_column": condlab.row_column_scaling,
    "ruiz": condlab.ruiz_scaling,
    "jacobi": lambda A: condlab.jacobi_scaling(A.T @ A),
}


def matrix(dtype):
    generator = torch.Generator().manual_seed(0)
    A = torch.randn(7, 5, generator=generator, dtype=torch.float64)
    A[2] = 0
    return (A * torch.logspace(-3, 3, 5, dtype=torch.float64)).to(dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", SCALINGS)
def test_scalings_are_the_same_and_stay_on_the_device(device, name, dtype):
    A = matrix(dtype)
    here, there = SCALINGS[name](A), SCALINGS[name](A.to(device))
    for ours, theirs in ((here.left, there.left), (here.right, there.right)):
        if ours is None:
            assert theirs is None
            continue
        assert theirs.device.type == device.type
        torch.testing.assert_close(theirs.cpu(), ours)
    if name != "jacobi":
        scaled = there.apply(A.to(device))
        assert scaled.device.type == device.type
        torch.testing.assert_close(scaled.cpu(), here.apply(A))


@pytest.mark.parametrize("method", ["row", "column", "row_column", "jacobi", "ruiz"])
@pytest.mark.parametrize("frozen", [False, True])
def test_conditioned_networks_compute_and_learn_the_same(device, method, frozen):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4)).double()
    twin = copy.deepcopy(net).to(device)
    x = torch.randn(6, 4, dtype=torch.float64)
    made = []
    for one, at in ((net, x), (twin, x.to(device))):
        condition(one, method, frozen=frozen)
        loss = one(at).square().mean()
        loss.backward()
        made.append((loss, [p.grad for p in one.parameters()], effective_weights(one)))
    (loss, slopes, weights), (other, others, moved) = made
    torch.testing.assert_close(other.cpu(), loss)
    for ours, theirs in zip(slopes, others, strict=True):
        assert theirs.device.type == device.type
        torch.testing.assert_close(theirs.cpu(), ours)
    for name in weights:
        torch.testing.assert_close(moved[name].cpu(), weights[name])


@pytest.mark.parametrize("change", [fold, uncondition])
def test_conditioning_is_undone_and_baked_in_on_the_device(device, change):
    torch.manual_seed(0)
    net = condition(nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2)).double())
    twin = copy.deepcopy(net).to(device)
    x = torch.randn(5, 4, dtype=torch.float64)
    ours, theirs = change(net), change(twin)
    ours, theirs = ours or net, theirs or twin
    torch.testing.assert_close(theirs(x.to(device)).cpu(), ours(x))
