"""How losses are evaluated: what is named, what is refused, in which arithmetic."""

import threading

import pytest
import torch
from torch import nn
from torch.func import functional_call

from condlab.curvature import HessianOperator, gauss_newton, make_loss
from tests.curvature.evaluation.checked import DOUBLE, WrongTwice, data


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gauss_newton_matrix_is_held_against_differences_of_the_criterion(dtype):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3)).to(dtype)
    x, y = (part.to(dtype) for part in data(9, 3, out=3))
    params = dict(net.named_parameters())
    G = gauss_newton(make_loss(net, nn.SmoothL1Loss(beta=9.0)), params, [(x, y)])
    assert 0 < G.noise < 1e3 * torch.finfo(dtype).eps ** 0.7 * float(G.dense().norm())

    def crooked(z, y):
        return WrongTwice.apply(z - y).mean()

    with pytest.raises(ValueError, match="differences of the gradient"):
        gauss_newton(make_loss(net, crooked), params, [(x, y)])


@pytest.mark.parametrize("value", ["nan", "inf", "slope"])
def test_loss_that_is_not_finite_is_named(value):
    def loss(p, x):
        z = (x @ p["w"]).square().sum()
        if value == "slope":
            return (z - z.detach()).abs().sqrt()
        return z * float(value)

    with pytest.raises(ValueError, match="must be finite at the point"):
        HessianOperator(loss, {"w": torch.ones(3, **DOUBLE)}, [data(2, 3)[0]])


def test_misspelt_parameter_is_named_with_its_neighbour():
    loss = make_loss(nn.Linear(3, 2), nn.MSELoss())
    batch = torch.ones(4, 3), torch.ones(4, 2)
    with pytest.raises(ValueError, match="no 'weigth'; did you mean 'weight'"):
        HessianOperator(loss, {"weigth": torch.ones(2, 3)}, [batch])


def test_batch_norm_in_training_mode_inside_a_loss_of_ones_own_is_refused():
    net = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).double()
    before = net[1].running_mean.clone()

    def loss(p, x):
        return functional_call(net, p, x).square().sum(dim=1).mean()

    with pytest.raises(ValueError, match="running_mean of a BatchNorm1d"):
        HessianOperator(loss, dict(net.named_parameters()), [data(7, 3)[0]])
    assert torch.equal(net[1].running_mean, before)
    assert int(net[1].num_batches_tracked) == 0


@pytest.mark.parametrize("backend", ["retained", "rebuilt", "forward"])
def test_products_in_threads_equal_those_in_a_row(backend):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 2)).double()
    loss, (x, y) = make_loss(net, nn.MSELoss()), data(40, 6)
    points = [
        {n: (i + 1) * p.detach() for n, p in net.named_parameters()} for i in range(3)
    ]
    operators = [HessianOperator(loss, p, [(x, y)], backend=backend) for p in points]
    V = torch.randn(operators[0].shape[0], 12, generator=torch.Generator(), **DOUBLE)
    expected = [[H @ v for v in V.T] for H in operators]
    wrong = []

    def multiply(which):
        for v, product in zip(V.T, expected[which], strict=True):
            if not torch.equal(operators[which] @ v, product):
                wrong.append(which)

    threads = [threading.Thread(target=multiply, args=(i % 3,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_losses_are_evaluated_in_full_float32_whatever_the_process_allows():
    conv, seen = torch.backends.cudnn.conv, []
    kept = conv.fp32_precision

    def loss(params, x):
        seen.append(torch.backends.cudnn.conv.fp32_precision)
        return (params["w"] * x).square().sum()

    try:
        conv.fp32_precision = "tf32"
        params = {"w": torch.ones(3, requires_grad=True)}
        H = HessianOperator(loss, params, [torch.arange(3.0)])
        assert torch.equal(H.dense(), torch.diag(2 * torch.arange(3.0) ** 2))
        assert set(seen) == {"ieee"}
        assert conv.fp32_precision == "tf32"
    finally:
        conv.fp32_precision = kept
