"""Conditioned networks under every feature of torch."""

import copy

import pytest
import torch
from torch import nn
from torch.func import functional_call, grad, jvp, vmap
from torch.nn.utils import parametrizations, parametrize

from condlab.nn import condition, describe, fold, uncondition
from tests.nn.conditioning.layers import EPS32, images, made, network, raw


@pytest.mark.parametrize("method", ["row", "column", "row_column", "ruiz"])
def test_state_dict_round_trip_changes_no_output(method, tmp_path):
    net = condition(network(), method, gain=True).eval()
    torch.save(net.state_dict(), tmp_path / "net.pt")
    other = condition(network(), method, gain=True).eval()
    for parameter in other.parameters():
        nn.init.normal_(parameter)
    other.load_state_dict(torch.load(tmp_path / "net.pt"))
    assert torch.equal(net(images()), other(images()))


def test_deepcopy_trains_apart_from_its_original():
    net = condition(network(), frozen=True, every=2)
    twin = copy.deepcopy(net)
    before = net(images())
    torch.testing.assert_close(twin(images()), before)
    optimiser = torch.optim.SGD(twin.parameters(), lr=1.0)
    twin(images()).square().sum().backward()
    optimiser.step()
    assert torch.equal(net(images()), before)
    assert not torch.equal(twin(images()), before)


@pytest.mark.parametrize(
    ("options", "training"),
    [({}, True), ({}, False), ({"frozen": True, "gain": True}, True)],
)
def test_compiled_network_gives_the_same_loss_and_gradients(options, training):
    net = condition(network(), **options).train(training)
    other = copy.deepcopy(net)
    compiled = torch.compile(other, backend="aot_eager", fullgraph=True)
    for _ in range(2):  # the second call meets what the first has kept
        for model in (net, compiled):
            model.zero_grad()
            model(images()).square().mean().backward()
        for a, b in zip(net.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(a.grad, b.grad, rtol=1e-4, atol=1e-6)
    torch._dynamo.reset()


def test_autocast_trains_in_low_precision_and_keeps_float32_gradients():
    net = condition(network())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = net(images())
    assert out.dtype == torch.bfloat16
    out.float().square().sum().backward()
    gradients = [p.grad for p in net.parameters()]
    assert all(g.dtype == torch.float32 and g.isfinite().all() for g in gradients)


def test_ddp_gives_the_gradients_of_the_bare_network(tmp_path):
    store = torch.distributed.FileStore(str(tmp_path / "store"), 1)
    torch.distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    try:
        net = condition(network(), gain=True)
        twin = copy.deepcopy(net)
        parallel = nn.parallel.DistributedDataParallel(twin)
        net(images()).square().sum().backward()
        parallel(images()).square().sum().backward()
        for a, b in zip(net.parameters(), twin.parameters(), strict=True):
            torch.testing.assert_close(a.grad, b.grad)
        del parallel  # torch 2.13 may wait for ever for a group that outlives itself
    finally:
        torch.distributed.destroy_process_group()


def test_functional_derivatives_equal_those_of_backward():
    net = condition(network()).eval()
    values = {name: p.detach() for name, p in net.named_parameters()}

    def loss(values, x):
        return functional_call(net, values, (x[None],)).square().sum()

    single = [grad(loss)(values, x) for x in images(4)]
    batched = vmap(grad(loss), in_dims=(None, 0))(values, images(4))
    for name, stacked in batched.items():
        expected = torch.stack([g[name] for g in single])
        torch.testing.assert_close(stacked, expected, rtol=1e-4, atol=1e-5)
    net.zero_grad()
    net(images(4)).square().sum().backward()
    for name, p in net.named_parameters():
        torch.testing.assert_close(batched[name].sum(0), p.grad, rtol=1e-4, atol=1e-4)


def test_hessian_vector_products_agree_between_modes():
    layer, _ = made("wide linear")
    condition(layer)
    effective = layer.parametrizations.weight[0]
    W, T = raw(layer).detach(), torch.randn(3, 7).double()

    def loss(w):
        return (effective(w) ** 3).sum()

    forward = jvp(grad(loss), (W,), (T,))[1]
    w = W.clone().requires_grad_()
    (g,) = torch.autograd.grad(loss(w), w, create_graph=True)
    (reverse,) = torch.autograd.grad((g * T).sum(), w)
    torch.testing.assert_close(forward, reverse, rtol=1e-12, atol=1e-12)


def test_an_ensemble_runs_under_vmap():
    net = condition(nn.Linear(3, 2))
    nets = [copy.deepcopy(net) for _ in range(3)]
    for net in nets:
        nn.init.normal_(raw(net))
    stacked, _ = torch.func.stack_module_state(nets)
    x = torch.randn(4, 3)
    out = vmap(lambda values: functional_call(nets[0], values, (x,)))(stacked)
    torch.testing.assert_close(out, torch.stack([net(x) for net in nets]))


def test_channels_last_weights_stay_channels_last():
    net = condition(nn.Conv2d(8, 16, 3).to(memory_format=torch.channels_last))
    assert net.weight.is_contiguous(memory_format=torch.channels_last)
    norms = net.weight.detach().double().flatten(1).norm(dim=1)
    assert (norms - 1).abs().max() <= 4 * EPS32


def test_composes_with_torchs_parametrizations():
    layer = parametrizations.weight_norm(nn.Linear(3, 2))
    condition(layer, gain=True)
    norms = layer.weight.norm(dim=1)
    torch.testing.assert_close(norms, torch.ones(2), rtol=4 * EPS32, atol=0)
    assert describe(layer).conditioned[0].methods == ("weight_norm", "row")
    x = torch.randn(4, 3)
    before = layer(x)
    uncondition(layer)
    assert [type(p).__name__ for p in layer.parametrizations.weight] == ["_WeightNorm"]
    condition(layer)
    fold(layer)
    assert not parametrize.is_parametrized(layer)
    torch.testing.assert_close(layer(x), before, rtol=1e-6, atol=1e-6)


def test_weights_are_computed_once_within_torchs_cache():
    layer = condition(nn.Linear(3, 2))
    with parametrize.cached():
        assert layer.weight is layer.weight
