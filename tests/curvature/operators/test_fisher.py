"""The empirical Fisher matrix weighs samples and tokens as the loss does."""

import pytest
import torch

from condlab.curvature import empirical_fisher
from tests.curvature.cuts import AGREE, CUTS, parts, problem

MOMENTS = ["cross-entropy", "class weights", "ignored", "tokens", "tokens by class"]
MOMENTS += ["mse, sum"]


def second_moment(name, per):
    """Return the mean of g g' over samples or tokens, each evaluated by hand.

    A sample counts what its mean is divided by: the weights of its classes.
    """
    net, criterion, x, y = problem(name)
    params, total, mass = list(net.parameters()), 0, 0
    weight = getattr(criterion, "weight", None)
    weight = torch.ones(3).double() if weight is None else weight
    for x_n, y_n in zip(x, y, strict=True):
        tokens = [(..., None)] if y_n.ndim == 0 or per == "sample" else range(len(y_n))
        for t in tokens:
            z, target = net(x_n[None]), y_n[None]
            if isinstance(t, int):
                z, target = z[:, :, t], target[:, t]
            kept = target[target >= 0]
            if not len(kept):
                continue
            count = weight[kept].sum()
            g = torch.autograd.grad(criterion(z, target), params)
            g = torch.cat([part.reshape(-1) for part in g])
            summed = getattr(criterion, "reduction", "") == "sum"
            total = total + (1 if summed else count) * torch.outer(g, g)
            mass = 1 if summed else mass + count
    return total / mass


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("name", MOMENTS)
def test_fisher_weighs_samples_as_the_loss_does(name, cut):
    if name == "mse, sum":
        net, _, x, y = problem(name)
        params = list(net.parameters())
        gs = [
            torch.autograd.grad((net(a) - b).square().sum(), params)
            for a, b in zip(x, y, strict=True)
        ]
        G = torch.stack([torch.cat([g.reshape(-1) for g in parts]) for parts in gs])
        expected = G.T @ G
    else:
        expected = second_moment(name, "sample")
    F_ = empirical_fisher(*parts(name, cut))
    torch.testing.assert_close(F_.dense(), expected, **AGREE)


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("name", ["tokens", "tokens by class", "class weights"])
def test_fisher_per_token_has_a_gradient_for_each_target(name, cut):
    F_ = empirical_fisher(*parts(name, cut), per="token")
    torch.testing.assert_close(F_.dense(), second_moment(name, "token"), **AGREE)
    block = F_.block("*bias")
    places = torch.cat(
        [torch.arange(F_.shape[0])[F_.layout.slices[n]] for n in block.params]
    )
    torch.testing.assert_close(block.dense(), F_.dense()[places][:, places], **AGREE)


def test_fisher_per_token_needs_one_call_of_a_loss_function():
    with pytest.raises(ValueError, match='per="sample"'):
        empirical_fisher(*parts("own mean", "threes"), per="token")
    loss, params, batches = parts("tokens", "whole")
    with pytest.raises(ValueError, match="not the sum of theirs"):
        empirical_fisher(
            lambda p, b: loss(p, b) + p["body.0.weight"].square().sum(),
            params,
            batches,
            per="token",
        )
    with pytest.raises(ValueError, match="per must be"):
        empirical_fisher(loss, params, batches, per="word")
