"""Losses that themselves differentiate are assembled, whatever they differentiate by.

The truth is second differences of the loss's value: no autograd is asked.
"""

import json

import pytest
import torch
from torch import nn
from torch.func import functional_call, grad, jacrev, jvp, vmap

from condlab.cli import main
from condlab.curvature import (
    HessianOperator,
    ModelLoss,
    assemble_stack,
    condition_number,
    gauss_newton,
    gauss_newton_condition,
    make_loss,
)
from condlab.nn import condition as equilibrate
from condlab.spectra import spectrum
from tests.curvature.evaluation.second_differences import agrees, data, network


def of(net, residual):
    """Return the loss of a network as the mean square of what a residual gives."""

    def outputs(params, batch):
        return residual(lambda x: functional_call(net, params, (x,)), batch[0])

    return ModelLoss(outputs, lambda z, batch: (z - batch[1]).square().mean(), net)


def poisson(u, x):
    x = x.detach().requires_grad_()
    first = torch.autograd.grad(u(x).sum(), x, create_graph=True)[0]
    return sum(
        torch.autograd.grad(first[:, i].sum(), x, create_graph=True)[0][:, i : i + 1]
        for i in range(2)
    )


def poisson_by_func(u, x):
    laplacian = vmap(lambda p: jacrev(jacrev(lambda q: u(q)[0]))(p).trace())
    return laplacian(x)[:, None]


def transport(u, x):
    return jvp(u, (x,), (torch.ones_like(x),))[1]


def gradient_penalty(u, x):
    x = x.detach().requires_grad_()
    value = u(x)
    slope = torch.autograd.grad(value.sum(), x, create_graph=True)[0]
    return value + (slope.norm(dim=1, keepdim=True) - 1).square()


def energy_descent(u, x):
    x = x.detach().requires_grad_()
    for _ in range(2):
        slope = torch.autograd.grad(u(x).square().sum(), x, create_graph=True)[0]
        x = x - 0.1 * slope
    return x[:, :1]


def euler(u, x):
    for _ in range(3):
        x = x + 0.2 * u(x)
    return x


DIFFERENTIATING = {
    "second derivatives by autograd": (poisson, 1),
    "second derivatives by torch.func": (poisson_by_func, 1),
    "a derivative pushed forward": (transport, 1),
    "gradient penalty": (gradient_penalty, 1),
    "energy descent": (energy_descent, 1),
    "neural ode": (euler, 2),
}


@pytest.mark.parametrize("method", [None, "row"])
@pytest.mark.parametrize("name", DIFFERENTIATING)
def test_a_loss_that_differentiates_is_assembled(name, method):
    residual, width = DIFFERENTIATING[name]
    net, batches = network(width), data(width)
    if method:
        equilibrate(net, method)
    loss, params = of(net, residual), dict(net.named_parameters())
    H = HessianOperator(loss, params, batches)
    A = H.dense()
    agrees(A, loss, params, batches)
    truth = torch.linalg.eigvalsh(A)
    found = spectrum(H)
    assert ((found.values - truth).abs() <= found.radii).all()
    assert condition_number(H).method == "dense"


def test_a_step_of_learning_inside_the_loss_is_assembled():
    net, batches = network(), data()[:1]  # the step couples the samples of a batch

    def inner(params, batch):
        return (functional_call(net, params, (batch[0],)) - batch[1]).square().mean()

    def outputs(params, batch):
        moved = grad(inner)(params, batch)
        after = {name: p - 0.1 * moved[name] for name, p in params.items()}
        return functional_call(net, after, (batch[0],))

    loss = ModelLoss(outputs, lambda z, b: (z - b[1]).square().mean(), net)
    params = dict(net.named_parameters())
    agrees(HessianOperator(loss, params, batches).dense(), loss, params, batches)


def test_inputs_that_require_gradients_leave_no_graph():
    net = network()
    batches = [(x.requires_grad_(), y) for x, y in data()]

    def outputs(params, batch):
        u = functional_call(net, params, (batch[0],))
        return torch.autograd.grad(u.sum(), batch[0], create_graph=True)[0][:, :1]

    params = dict(net.named_parameters())
    plain = make_loss(net, nn.MSELoss())
    slope = ModelLoss(outputs, lambda z, b: (z - b[1]).square().mean(), net)
    for loss in (plain, slope):
        A = HessianOperator(loss, params, batches).dense()
        assert not A.requires_grad
        agrees(A, loss, params, batches)
    A = assemble_stack(HessianOperator(plain, params, batches))
    assert not A.requires_grad


class Force(nn.Module):
    """A force field: minus the gradient of an energy."""

    def __init__(self):
        super().__init__()
        self.energy = network()

    def forward(self, x):
        x = x.detach().requires_grad_()
        return -torch.autograd.grad(self.energy(x).sum(), x, create_graph=True)[0]


def test_gauss_newton_of_a_force_field_has_its_condition():
    net, batches = Force(), data(2)
    params = dict(net.named_parameters())
    loss = make_loss(net, nn.MSELoss())
    agrees(HessianOperator(loss, params, batches).dense(), loss, params, batches)
    G = gauss_newton(loss, params, batches)
    found = gauss_newton_condition(G)
    top = float(torch.linalg.eigvalsh(G.dense())[-1])
    assert found.lambda_max.lower <= top <= found.lambda_max.upper


class Residual(nn.Module):
    """What the solution of a differential equation is off by, of linear layers."""

    def __init__(self):
        super().__init__()
        self.net = network()

    def forward(self, x):
        return poisson(self.net, x)


def residual_problem():
    return Residual(), nn.MSELoss(), data()


@pytest.mark.parametrize("method", ["exact", "factored", "lanczos"])
def test_the_command_gives_the_table_of_a_loss_that_differentiates(method, capsys):
    source = f"{__name__}:residual_problem"
    assert main(["hessian", source, "--method", method, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    net, criterion, batches = residual_problem()
    loss, params = make_loss(net, criterion), dict(net.named_parameters())
    A = HessianOperator(loss, params, batches).dense()
    agrees(A, loss, params, batches)
    top = float(torch.linalg.eigvalsh(A)[-1])
    assert found["lambda_max"]["lower"] <= top * (1 + 1e-9)
    assert found["gauss_newton"]["size"] == 17
