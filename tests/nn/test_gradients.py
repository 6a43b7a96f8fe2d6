"""Gradient normalisation, in both meanings."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from condlab.nn.gradients import (
    GradNorm,
    centralise_gradients_,
    normalise_gradient,
    normalise_gradients_,
)


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def with_gradients():
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    net(torch.randn(5, 3)).square().sum().backward()
    return list(net.parameters())


def test_what_is_propagated_back_has_unit_length_and_the_same_direction():
    x = torch.randn(4, 3, requires_grad=True)
    probe = torch.randn(4, 3)
    y = normalise_gradient(x)
    assert_close(y, x, rtol=0, atol=0)
    (gradient,) = torch.autograd.grad((probe * y).sum(), x)
    assert_close(gradient, probe / probe.norm())
    (rows,) = torch.autograd.grad((probe * normalise_gradient(x, dim=1)).sum(), x)
    assert_close(rows, probe / probe.norm(dim=1, keepdim=True))


def test_a_zero_gradient_stays_zero():
    x = torch.randn(3, requires_grad=True)
    (0 * normalise_gradient(x)).sum().backward()
    normalise_gradients_([x], by="all")
    assert_close(x.grad, torch.zeros(3), rtol=0, atol=0)


def test_gradients_of_tensors_rows_or_all_have_unit_length():
    parameters = with_gradients()
    directions = [p.grad / p.grad.norm() for p in parameters]
    normalise_gradients_(parameters, by="all")
    assert_close(sum(p.grad.square().sum() for p in parameters), torch.tensor(1.0))
    normalise_gradients_(parameters, by="tensor")
    assert_close([p.grad for p in parameters], directions)
    normalise_gradients_(parameters, by="row")
    for p in parameters:
        lengths = p.grad.reshape(len(p), -1).norm(dim=1)
        assert_close(lengths, torch.ones(len(p)))


def test_an_unknown_kind_of_normalisation_is_refused():
    with pytest.raises(ValueError, match="by must be 'all', 'tensor' or 'row'"):
        normalise_gradients_([], by="layer")


def test_centralised_gradients_have_rows_of_mean_zero():
    parameters = with_gradients()
    biases = [p.grad.clone() for p in parameters if p.ndim == 1]
    centralise_gradients_(parameters)
    for p in parameters:
        if p.ndim > 1:
            assert_close(p.grad.mean(dim=1), torch.zeros(len(p)))
    assert_close([p.grad for p in parameters if p.ndim == 1], biases)


def two_tasks():
    shared = torch.randn(3, 3, requires_grad=True)
    x = torch.randn(8, 3)
    h = torch.tanh(x @ shared)
    return shared, [h.square().mean(), 10 * (h - 1).square().mean()]


def test_gradnorm_is_its_formula():
    shared, losses = two_tasks()
    initial = [torch.tensor(2.0), torch.tensor(5.0)]
    balance = GradNorm(2, alpha=1.5)
    balance.weights.data = torch.tensor([0.5, 1.5])
    norms = torch.stack([
        torch.autograd.grad(w * loss, shared, retain_graph=True)[0].norm()
        for w, loss in zip(balance.weights.detach(), losses, strict=True)
    ])  # fmt: skip
    ratios = torch.stack([a.detach() / b for a, b in zip(losses, initial, strict=True)])
    target = norms.mean() * (ratios / ratios.mean()) ** 1.5
    objective = balance.objective(losses, initial, shared)
    assert_close(objective, (norms - target).abs().sum())
    (gradient,) = torch.autograd.grad(objective, balance.weights)
    expected = torch.sign(norms - target) * norms / balance.weights.detach()
    assert_close(gradient, expected)


def test_gradnorm_evens_out_gradients_of_tasks_that_train_alike():
    shared, losses = two_tasks()
    balance = GradNorm(2, alpha=0.0)
    norms = torch.stack(
        [torch.autograd.grad(x, shared, retain_graph=True)[0].norm() for x in losses]
    )
    step = 5e-3  # of the weight whose gradient is the larger
    optimiser = torch.optim.SGD(balance.parameters(), lr=step / float(norms.max()))
    for _ in range(400):
        optimiser.zero_grad()
        balance.objective(losses, losses, shared).backward(
            inputs=list(balance.parameters()), retain_graph=True
        )
        optimiser.step()
        balance.rescale_()
    weighted = balance.weights.detach() * norms
    assert_close(balance.weights.detach().sum(), torch.tensor(2.0))
    assert float(norms.max() / norms.min()) > 2
    assert float(weighted.max() - weighted.min()) <= 4 * step * float(norms.max())


def test_gradnorms_weighted_loss_gives_the_weights_no_gradient():
    shared, losses = two_tasks()
    balance = GradNorm(2)
    balance(losses).backward()
    assert balance.weights.grad is None
    assert shared.grad is not None
