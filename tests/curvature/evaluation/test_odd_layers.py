"""Shared, hooked, lazy and checkpointed layers are assembled by one way or other."""

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from condlab.curvature import (
    HessianOperator,
    NotAStackError,
    assemble_stack,
    condition_number,
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
from tests.curvature.evaluation.second_differences import agrees, data, network
from tests.curvature.networks import NETWORKS, problem


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
