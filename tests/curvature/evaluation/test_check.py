"""A derivative that differences of the loss contradict is refused, and why is said."""

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from condlab.curvature import HessianOperator
from condlab.spectra import spectrum
from tests.curvature.evaluation.checked import (
    WrongTwice,
    assert_right_to_differences,
    data,
    operator,
)


class Checkpointed(nn.Module):
    def __init__(self, use_reentrant):
        super().__init__()
        self.first, self.last = nn.Linear(3, 4), nn.Linear(4, 2)
        self.reentrant = use_reentrant

    def forward(self, x):
        hidden = checkpoint(
            lambda z: torch.tanh(self.first(z)),
            x.clone().requires_grad_(),
            use_reentrant=self.reentrant,
        )
        return self.last(hidden)


class Once(torch.autograd.Function):
    """The sine, which can be differentiated once."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, g):
        return g * ctx.saved_tensors[0].cos()


class WrongOnce(torch.autograd.Function):
    """The square, with a wrong gradient."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.square()

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * (2 * x + x.roll(1))


def applied(function):
    return lambda p, x: function.apply(x @ p["w"]).square().mean()


def detached(p, x):
    z = x @ p["w"]
    return (z * z.detach()).mean()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("loss", "reason"),
    [
        (applied(Once), "differences of the gradient"),
        (applied(WrongOnce), "differences of the loss"),
        (applied(WrongTwice), "differences of the gradient"),
        (detached, "differences of the loss"),
        (lambda p, x: (x @ p["w"].detach()).square().mean(), "differences of the loss"),
    ],
    ids=["once", "wrong gradient", "wrong Hessian", "detached", "all detached"],
)
def test_derivative_that_differences_contradict_is_refused(loss, reason, dtype):
    x, _ = data(7, 5)
    w = data(5, 1, seed=1)[0][:, 0]
    with pytest.raises(ValueError, match=reason):
        HessianOperator(loss, {"w": w.to(dtype)}, [x.to(dtype)])


@pytest.mark.parametrize("use_reentrant", [True, False])
def test_checkpointing_whose_recomputation_loses_the_parameters_is_refused(
    use_reentrant,
):
    torch.manual_seed(0)
    x, y = data(7, 3)
    with pytest.raises(ValueError, match="checkpointing"):
        operator(Checkpointed(use_reentrant).double(), nn.MSELoss(), x, y)


def test_checkpointing_of_a_function_of_the_parameters_is_right():
    def loss(p, x):
        hidden = checkpoint(lambda w: torch.tanh(x @ w), p["w"], use_reentrant=False)
        return hidden.square().sum(dim=1).mean()

    x = data(7, 3)[0]
    H = HessianOperator(loss, {"w": data(3, 4, seed=2)[0]}, [x])
    assert_right_to_differences(H, loss, x)


NORMED = {
    "layer norm": lambda: nn.Sequential(
        nn.Linear(3, 6), nn.LayerNorm(6), nn.Tanh(), nn.Linear(6, 2)
    ),
    "instance norm": lambda: nn.Sequential(
        nn.Unflatten(1, (1, 3)),
        nn.Conv1d(1, 4, 2),
        nn.InstanceNorm1d(4, affine=True),
        nn.Tanh(),
        nn.Flatten(),
        nn.Linear(8, 2),
    ),
    "batch statistics": lambda: nn.Sequential(
        nn.Linear(3, 6),
        nn.BatchNorm1d(6, track_running_stats=False),
        nn.Tanh(),
        nn.Linear(6, 2),
    ),
    "encoder layer": lambda: nn.Sequential(
        nn.Unflatten(1, (1, 3)),
        nn.Linear(3, 4),
        nn.TransformerEncoderLayer(4, 2, 4, 0.0, "gelu", batch_first=True),
        nn.Flatten(),
        nn.Linear(4, 2),
    ),
}


@pytest.mark.parametrize("criterion", [nn.MSELoss(), nn.HuberLoss(delta=5.0)])
@pytest.mark.parametrize("name", NORMED)
def test_normed_network_is_right_by_the_backends_that_are(name, criterion):
    """torch 2.13's vmap rule of layer norm's backward takes its statistics as given."""
    torch.manual_seed(0)
    net = NORMED[name]().double()
    x, y = data(7, 3)
    H = operator(net, criterion, x, y)
    assert_right_to_differences(H, H.point.loss, (x, y))


def test_backend_that_dissents_is_dropped_and_named():
    torch.manual_seed(0)
    net = NORMED["layer norm"]().double()
    x, y = data(7, 3)
    H = operator(net, nn.MSELoss(), x, y)
    refused = {t.name: t.refused for t in H.timings if t.refused}
    assert "off differences of the gradient" in refused["forward over reverse"]
    with pytest.raises(ValueError, match="off differences of the gradient"):
        operator(net, nn.MSELoss(), x, y, backend="forward")


@pytest.mark.parametrize(
    "loss",
    [
        lambda p, _: torch.sinc(p["t"][0]),
        lambda p, _: torch.sinc(p["t"]).sum(),
        lambda p, _: torch.sinc(p["t"][0]) + p["t"][1].square(),
        lambda p, _: 3 * torch.sinc(2 * p["t"][0]),
        lambda p, _: torch.sinc(p["t"].prod()) + torch.sinc(p["t"][0]),
    ],
)
def test_steps_that_the_gradient_no_longer_sees_do_not_confirm_a_zero(loss):
    """The second derivative of sinc at 0 is -pi^2/3; torch 2.13 has 0 or nan."""
    params = {"t": torch.zeros(2, dtype=torch.float64)}
    with pytest.raises(ValueError, match=r"contradict|off differences"):
        HessianOperator(loss, params, [None], weights=[1.0])


def test_steps_of_all_sizes_agree_on_a_zero():
    params = {"t": torch.ones(2, dtype=torch.float64)}
    flat = HessianOperator(lambda p, _: p["t"].sum(), params, [None], weights=[1.0])
    assert not flat.dense().any()


def test_gap_to_differences_is_part_of_the_noise():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()
    H = operator(net, nn.MSELoss(), *data(9, 3))
    assert 0 < H.noise < 1e-7 * float(H.dense().norm())
    assert spectrum(H).noise > H.noise
    assert spectrum(H, method="lanczos", num_matvecs=8).noise > H.noise


def test_kinks_do_not_make_noise():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 2))
    x, y = data(256, 8)
    double = operator(net.double(), nn.MSELoss(), x, y)
    assert double.noise < 1e-5 * float(double.dense().norm())
    single = operator(net.float(), nn.MSELoss(), x.float(), y.float())
    assert single.noise < 1e-2 * float(double.dense().norm())
