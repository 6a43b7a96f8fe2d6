"""Conditioned layers equal the formulas, with every derivative."""

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.func import hessian, jacfwd, jacrev, vmap

from condlab.nn import condition, effective_weights, fold, uncondition
from condlab.nn.maps.unit import unit_lines
from tests.nn.conditioning.layers import EPS32, EPS64, LAYERS, SQUARE, made, raw
from tests.nn.formulas import conditioned

METHODS = ("row", "column", "row_column", "jacobi", "ruiz")
CASES = [(m, n) for m in METHODS for n in (SQUARE if m == "jacobi" else LAYERS)]


@pytest.mark.parametrize(("method", "name"), CASES)
def test_effective_weight_equals_the_written_out_formula(method, name):
    layer, tensor = made(name)
    W = getattr(layer, tensor).detach().numpy().copy()
    plain = copy.deepcopy(layer)
    condition(layer, method)
    V = conditioned(plain, W, method)
    np.testing.assert_allclose(
        getattr(layer, tensor).detach(), V, rtol=W.size * EPS64, atol=EPS64
    )
    with torch.no_grad():
        getattr(plain, tensor).copy_(torch.as_tensor(V))
    x = torch.randn(LAYERS[name][2], dtype=torch.float64)
    torch.testing.assert_close(layer(x), plain(x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("method", "name"), CASES)
def test_first_and_second_derivatives_pass_gradcheck(method, name):
    layer, tensor = made(name)
    condition(layer, method)
    effective = layer.parametrizations[tensor][0]
    # Entries are kept off ties and zeros, where ruiz and jacobi have kinks and poles.
    W = raw(layer, tensor).detach()
    W = (W + 0.3 * W.sign()).requires_grad_()
    assert torch.autograd.gradcheck(effective, W, check_forward_ad=True, fast_mode=True)
    assert torch.autograd.gradgradcheck(effective, W, fast_mode=True)


@pytest.mark.parametrize("method", METHODS)
def test_hessian_equals_that_of_the_plain_formula(method):
    layer, _ = made("linear")
    condition(layer, method)
    effective = layer.parametrizations.weight[0]
    x, y = torch.randn(9, 5).double(), torch.randn(9, 5).double()

    def formula(W):
        if method in ("row", "row_column"):
            W = W / (W * W).sum(1, keepdim=True).sqrt()
        if method in ("column", "row_column"):
            W = W / (W * W).sum(0, keepdim=True).sqrt()
        if method == "jacobi":
            W = W / W.diagonal()[:, None]
        if method == "ruiz":
            for _ in range(5):
                left = W.abs().amax(1, keepdim=True)
                right = W.abs().amax(0, keepdim=True)
                W = W / left.sqrt() / right.sqrt()
        return W

    def loss(scaled):
        return lambda W: ((torch.tanh(x @ scaled(W).T) - y) ** 2).mean()

    W = raw(layer).detach()
    expected = hessian(loss(formula))(W)
    size = expected.abs().max().item()
    for compute in (hessian, lambda f: jacrev(jacfwd(f)), lambda f: jacfwd(jacfwd(f))):
        found = compute(loss(effective))(W)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-11 * size)


def test_row_scaling_makes_the_gradient_orthogonal_to_each_row():
    layer, _ = made("conv2d")
    condition(layer)
    (layer(torch.randn(2, 3, 5, 5).double()) ** 3).sum().backward()
    W, G = raw(layer).detach().flatten(1), raw(layer).grad.flatten(1)
    along = (W * G).sum(1).abs()
    assert (along <= W.shape[1] * EPS64 * W.norm(dim=1) * G.norm(dim=1)).all()


SHAPES = [(64, 27), (32, 4608), (3, 50_001), (300, 7), (1, 1), (257, 129)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("spread", ["normal", "equal", "graded", "huge", "tiny"])
def test_lines_are_unit_to_four_ulp_in_float32(shape, spread):
    torch.manual_seed(1)
    W = {
        "normal": lambda: torch.randn(shape),
        "equal": lambda: torch.full(shape, 0.1),
        "graded": lambda: torch.logspace(-6, 6, math.prod(shape)).reshape(shape),
        "huge": lambda: 1e37 * torch.rand(shape),
        "tiny": lambda: 1e-36 * torch.rand(shape),
    }[spread]()
    for axes in ((1,), (0,)):
        V, _ = unit_lines(W, axes)
        off = (V.double().norm(dim=axes) - 1).abs().max().item()
        assert off <= 4 * EPS32
        with torch.no_grad():
            batched, _ = vmap(lambda w, a=axes: unit_lines(w, a))(W[None])
        assert (batched[0].double().norm(dim=axes) - 1).abs().max() <= 4 * EPS32


@pytest.mark.parametrize("power", [-900, -500, 0, 500, 900])
def test_units_of_the_weight_change_no_bit(power):
    layer, _ = made("wide linear")
    before = condition(layer).weight.detach()
    with torch.no_grad():
        raw(layer).mul_(2.0**power)
    assert torch.equal(layer.weight, before)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_keeps_its_type_and_unit_rows(dtype):
    layer = condition(nn.Linear(300, 8).to(dtype))
    layer(torch.randn(4, 300).to(dtype)).sum().backward()
    assert layer.weight.dtype == raw(layer).grad.dtype == dtype
    off = (layer.weight.double().norm(dim=1) - 1).abs().max()
    assert off <= 2 * torch.finfo(dtype).eps


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("method", METHODS)
def test_zero_lines_are_left_alone_and_differentiable(method, dtype):
    layer = nn.Linear(4, 4, dtype=dtype)
    with torch.no_grad():
        layer.weight[1], layer.weight[:, 2] = 0, 0
    condition(layer, method)
    assert (layer.weight[1] == 0).all()
    layer(torch.randn(3, 4, dtype=dtype)).square().sum().backward()
    assert raw(layer).grad.isfinite().all()
    second = hessian(layer.parametrizations.weight[0])(raw(layer).detach())
    assert second.isfinite().all()


def test_zero_row_has_the_derivative_of_the_identity():
    W = torch.zeros(2, 3, dtype=torch.float64)
    J = jacrev(lambda w: unit_lines(w, (1,))[0])(W)
    assert torch.equal(J.reshape(6, 6), torch.eye(6, dtype=torch.float64))


def test_zero_weight_and_one_by_one_are_defined():
    zero = nn.Linear(3, 2)
    nn.init.zeros_(zero.weight)
    assert (condition(zero).weight == 0).all()
    one = nn.Linear(1, 1)
    nn.init.constant_(one.weight, -3e-30)
    assert condition(one).weight.item() == -1


def test_packed_attention_is_scaled_in_three_parts():
    torch.manual_seed(0)
    layer = nn.MultiheadAttention(6, 2, batch_first=True).double()
    W = layer.in_proj_weight.detach().numpy().copy()
    plain = copy.deepcopy(layer)
    condition(layer, "column")
    V = conditioned(plain, W, "column")
    np.testing.assert_allclose(layer.in_proj_weight.detach(), V, rtol=40 * EPS64)
    names = effective_weights(layer)
    assert list(names) == ["q", "k", "v", "out_proj"]
    for name, block in zip("qkv", np.split(V, 3), strict=True):
        np.testing.assert_allclose(names[name], block, rtol=40 * EPS64)


def test_linear_layer_called_qkv_is_scaled_in_three_parts():
    torch.manual_seed(0)
    net = nn.ModuleDict({"qkv": nn.Linear(4, 12).double()})
    parts = net["qkv"].weight.detach().split(4)
    condition(net, "jacobi")
    for name, W in zip("qkv", parts, strict=True):
        expected = W / W.diagonal()[:, None]
        torch.testing.assert_close(effective_weights(net)[f"qkv.{name}"], expected)


def test_separate_attention_projections_are_conditioned():
    layer = condition(nn.MultiheadAttention(6, 2, kdim=4, vdim=5))
    shapes = {name: tuple(W.shape) for name, W in effective_weights(layer).items()}
    assert shapes == {"q": (6, 6), "k": (6, 4), "v": (6, 5), "out_proj": (6, 6)}
    x, k, v = torch.randn(3, 2, 6), torch.randn(4, 2, 4), torch.randn(4, 2, 5)
    layer(x, k, v)[0].sum().backward()
    assert raw(layer, "k_proj_weight").grad is not None


@pytest.mark.parametrize("make", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize("method", ["row", "column", "jacobi"])
def test_recurrent_layers_use_the_conditioned_weights_gate_by_gate(make, method):
    torch.manual_seed(0)
    layer = make(4, 4, num_layers=2, bidirectional=True).double()
    plain = copy.deepcopy(layer)
    layers = "all" if method != "jacobi" else lambda name, layer: True
    condition(layer, method, layers=layers)
    with torch.no_grad():
        for name in ("weight_ih_l0", "weight_hh_l1_reverse"):
            W = getattr(plain, name).numpy()
            V = torch.as_tensor(conditioned(plain, W, method))
            wide = W.shape[1] != 4
            expected = getattr(plain, name) if wide and method == "jacobi" else V
            torch.testing.assert_close(getattr(layer, name), expected)
        for name, W in plain.named_parameters():
            W.copy_(getattr(layer, name))
    x = torch.randn(5, 2, 4).double()
    torch.testing.assert_close(layer(x)[0], plain(x)[0])
    layer(x)[0].sum().backward()
    assert raw(layer, "weight_ih_l0").grad.isfinite().all()


def test_embedding_has_unit_token_vectors_and_its_padding_stays_zero():
    layer = condition(nn.Embedding(5, 3, padding_idx=2))
    norms = layer.weight.norm(dim=1)
    expected = torch.tensor([1.0, 1, 0, 1, 1])
    torch.testing.assert_close(norms, expected, rtol=4 * EPS32, atol=0)
    layer(torch.tensor([0, 2, 2])).sum().backward()
    assert (raw(layer).grad[2] == 0).all()


def tied_network() -> nn.Sequential:
    net = nn.Sequential(nn.Embedding(9, 4), nn.Tanh(), nn.Linear(4, 9, bias=False))
    net[2].weight = net[0].weight
    return net


def test_tied_weights_are_conditioned_together_and_stay_tied():
    net = condition(tied_network(), gain=True, layers="2")
    assert raw(net[0]) is raw(net[2])
    assert net[0].parametrizations.weight[0] is net[2].parametrizations.weight[0]
    assert len(list(net.parameters())) == 2
    tokens = torch.tensor([1, 5])
    before = net(tokens)
    fold(net)
    assert net[0].weight is net[2].weight
    assert torch.equal(net(tokens), before)


def test_uncondition_gives_the_same_parameters_back():
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Conv1d(4, 2, 1))
    before = dict(net.named_parameters())
    condition(net, "ruiz", gain=True, frozen=True, every=3)
    uncondition(net)
    after = dict(net.named_parameters())
    assert set(after) == set(before)
    assert all(after[name] is before[name] for name in before)
    assert type(net[0]) is nn.Linear


def test_an_optimiser_made_before_goes_on_training_the_raw_weight():
    layer = nn.Linear(3, 2)
    optimiser = torch.optim.SGD(layer.parameters(), lr=0.1)
    condition(layer)
    before = raw(layer).detach().clone()
    layer(torch.randn(4, 3)).square().sum().backward()
    optimiser.step()
    assert not torch.equal(raw(layer), before)
