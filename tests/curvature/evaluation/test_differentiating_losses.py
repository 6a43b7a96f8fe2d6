"""Losses that themselves differentiate are assembled, whatever they differentiate by.

The truth is second differences of the loss's value: no autograd is asked.
"""

import json

import pytest
import torch
from torch import nn
from torch.func import functional_call, grad, jacrev, jvp, vmap
from torch.utils.checkpoint import checkpoint

from condlab.cli import main
from condlab.curvature import (
    HessianOperator,
    ModelLoss,
    NotAStackError,
    assemble_stack,
    condition_number,
    gauss_newton,
    gauss_newton_condition,
    make_loss,
)
from condlab.curvature.evaluation._graph import saved_bytes
from condlab.curvature.evaluation.backends import (
    differentiable,
    gradient_graph,
    graph_bytes,
)
from condlab.nn import condition as equilibrate
from condlab.spectra import spectrum
from tests.curvature.networks import NETWORKS, problem

STEP = 2e-3  # Richardson leaves h^4 = 2e-11 and rounding eps / h^2 = 6e-11 of the loss
PAIRS = 4


def second_difference(loss, params, batches, u, v):
    """Return u'Hv of the mean loss over all samples, from values alone, to h^4."""

    def value(motion):
        parts, start, total = {}, 0, 0.0
        for name, p in params.items():
            part = motion[start : start + p.numel()].view(p.shape)
            parts[name], start = (p.detach() + part), start + p.numel()
        count = sum(len(batch[0]) for batch in batches)
        for batch in batches:
            total += float(loss(parts, batch).detach()) * len(batch[0]) / count
        return total

    def central(h):
        return (
            value(h * (u + v))
            - value(h * (u - v))
            - value(h * (v - u))
            + value(-h * (u + v))
        ) / (4 * h * h)

    return (4 * central(STEP / 2) - central(STEP)) / 3


def agrees(A, loss, params, batches):
    generator = torch.Generator().manual_seed(5)
    for _ in range(PAIRS):
        u, v = torch.randn(2, len(A), generator=generator, dtype=torch.float64)
        u, v = u / u.norm(), v / v.norm()
        truth = second_difference(loss, params, batches, u, v)
        assert float(u @ A @ v) == pytest.approx(
            truth, abs=1e-8 * (1 + float(A.norm()))
        )


def network(outputs=1):
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, outputs)).double()


def data(width=1):
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(7, 2, generator=generator, dtype=torch.float64)
    y = torch.randn(7, width, generator=generator, dtype=torch.float64)
    return [(x[:4], y[:4]), (x[4:], y[4:])]


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


class Masked(nn.Linear):
    def forward(self, x):
        return nn.functional.linear(x, self.weight.tril() * 2, self.bias)


class Checkpointed(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = network()

    def forward(self, x):
        return checkpoint(self.net, x, use_reentrant=False)


def hooked(change):
    net = network()
    change(net)
    return net


def tied():
    net = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 2), nn.Linear(2, 1))
    net[2].weight = net[0].weight
    return net.double()


def lazily():
    torch.manual_seed(1)
    net = nn.Sequential(nn.LazyLinear(4), nn.Tanh(), nn.LazyLinear(1)).double()
    net(torch.zeros(1, 2, dtype=torch.float64))
    return net


def own_forward():
    net = network()
    layer = net[0]
    layer.forward = lambda x: nn.functional.linear(2 * x, layer.weight, layer.bias)
    return net


ODD = {
    "output hook": lambda: hooked(
        lambda net: net[0].register_forward_hook(lambda m, a, out: torch.sin(out))
    ),
    "input hook": lambda: hooked(
        lambda net: net[2].register_forward_pre_hook(lambda m, a: (3 * a[0],))
    ),
    "masked subclass": lambda: nn.Sequential(
        Masked(2, 2), nn.Tanh(), nn.Linear(2, 1)
    ).double(),
    "checkpointed": Checkpointed,
    "tied": tied,
    "lazy": lazily,
    "forward of its own": own_forward,
}


@pytest.mark.parametrize("name", ODD)
def test_odd_layers_are_assembled_by_one_way_or_the_other(name):
    net, batches = ODD[name](), data()
    params = dict(net.named_parameters())
    loss = make_loss(net, nn.MSELoss())
    try:
        H = HessianOperator(loss, params, batches)
    except ValueError as error:  # it recomputes with the module's own parameters
        assert name == "checkpointed"
        assert "turn activation checkpointing off" in str(error)  # noqa: PT017
        return
    agrees(H.dense(), loss, params, batches)


@pytest.mark.parametrize("name", ["output hook", "input hook", "lazy"])
def test_hooks_of_others_and_lazy_layers_still_go_sample_by_sample(name):
    net = ODD[name]()
    params = dict(net.named_parameters())
    H = HessianOperator(make_loss(net, nn.MSELoss()), params, data())
    torch.testing.assert_close(assemble_stack(H), H.dense(chunk=8))


def test_what_the_loss_raises_within_torch_func_is_no_end():
    net = network()
    params = dict(net.named_parameters())
    H = HessianOperator(
        make_loss(net, nn.MSELoss()), params, data(), backend="retained"
    )
    calls = []

    def hook(module, args, output):
        calls.append(1)
        if len(calls) == 2:  # the traced evaluation, after the one for the order
            raise TypeError("a NumPy array is needed\nand a second line")

    handle = net[1].register_forward_hook(hook)
    message = "does not go through torch.func: TypeError: a NumPy array is needed$"
    with pytest.raises(NotAStackError, match=message):
        assemble_stack(H)
    handle.remove()


@pytest.mark.parametrize("method", [None, "row"])
def test_inference_mode_is_no_obstacle(method):
    net, batches = network(), data()
    if method:
        equilibrate(net, method)
    params = dict(net.named_parameters())
    loss = make_loss(net, nn.MSELoss())
    H = HessianOperator(loss, params, batches)
    expected = H.dense()
    with torch.inference_mode():
        assert torch.equal(assemble_stack(H), expected)
        assert spectrum(H).complete
        assert condition_number(H, method="lanczos", num_matvecs=8).products <= 8


@pytest.mark.parametrize("name", NETWORKS)
def test_a_walk_of_the_graph_sees_what_hooks_see(name):
    loss, params, batches = problem(name)
    leaves = {n: p.detach().requires_grad_() for n, p in params.items()}
    own = {p.untyped_storage().data_ptr() for p in leaves.values()}

    def build():
        return gradient_graph(loss, leaves, batches[0])

    hooked = graph_bytes(build, leaves)
    with differentiable():
        walked = saved_bytes(build(), own)
    assert walked == pytest.approx(hooked, rel=0.1)


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
