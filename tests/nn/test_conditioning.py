"""Conditioned layers equal the formulas, with every derivative and torch feature."""

import copy
import gc
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.func import functional_call, grad, hessian, jacfwd, jacrev, jvp, vmap
from torch.nn.utils import parametrizations, parametrize

from condlab.nn import condition, describe, effective_weights, fold, uncondition
from condlab.nn.maps.unit import unit_lines
from tests.nn.formulas import conditioned

EPS32, EPS64 = (torch.finfo(t).eps for t in (torch.float32, torch.float64))

METHODS = ("row", "column", "row_column", "jacobi", "ruiz")
SQUARE = {
    "linear": (lambda: nn.Linear(5, 5), "weight", (7, 5)),
    "conv 1x1": (lambda: nn.Conv2d(4, 4, 1), "weight", (2, 4, 3, 3)),
    "grouped 1x1": (lambda: nn.Conv2d(6, 6, 1, groups=2), "weight", (2, 6, 3, 3)),
    "transposed 1x1": (
        lambda: nn.ConvTranspose1d(6, 6, 1, groups=3),
        "weight",
        (2, 6, 4),
    ),
}
LAYERS = SQUARE | {
    "wide linear": (lambda: nn.Linear(7, 3), "weight", (2, 7)),
    "conv1d": (lambda: nn.Conv1d(3, 4, 5), "weight", (2, 3, 9)),
    "conv2d": (lambda: nn.Conv2d(3, 4, 3), "weight", (2, 3, 5, 5)),
    "conv3d": (lambda: nn.Conv3d(2, 3, 2), "weight", (1, 2, 4, 4, 4)),
    "grouped": (lambda: nn.Conv2d(4, 6, 3, groups=2), "weight", (2, 4, 5, 5)),
    "depthwise": (lambda: nn.Conv2d(4, 4, 3, groups=4), "weight", (2, 4, 5, 5)),
    "transposed": (lambda: nn.ConvTranspose2d(3, 4, 3), "weight", (2, 3, 4, 4)),
    "grouped transposed": (
        lambda: nn.ConvTranspose2d(4, 6, (3, 2), groups=2),
        "weight",
        (2, 4, 4, 4),
    ),
}


def made(name: str, dtype: torch.dtype = torch.float64) -> tuple[nn.Module, str]:
    torch.manual_seed(0)
    make, tensor, _ = LAYERS[name]
    return make().to(dtype), tensor


def raw(layer: nn.Module, tensor: str = "weight") -> nn.Parameter:
    return layer.parametrizations[tensor].original


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


# ------------------------------------------------------------------- frozen scaling


def test_frozen_gradient_takes_the_scaling_for_a_constant():
    layer, _ = made("wide linear")
    condition(layer, frozen=True)
    x = torch.randn(6, 7).double()
    layer(x).pow(2).sum().backward()
    W = raw(layer).detach().requires_grad_()
    norms = W.detach().norm(dim=1, keepdim=True)
    nn.functional.linear(x, W / norms, layer.bias).pow(2).sum().backward()
    torch.testing.assert_close(raw(layer).grad, W.grad)


def steps(layer: nn.Module, count: int) -> list[torch.Tensor]:
    """Return the effective row norms before each of some optimiser steps."""
    optimiser = torch.optim.SGD(layer.parameters(), lr=0.3)
    norms = []
    for _ in range(count):
        norms.append(layer.weight.detach().norm(dim=1))
        optimiser.zero_grad()
        layer(torch.ones(2, 3)).square().sum().backward()
        optimiser.step()
    return norms


@pytest.mark.parametrize("every", [1, 3, None])
def test_frozen_scaling_is_refreshed_every_so_many_steps(every):
    torch.manual_seed(0)
    layer = condition(nn.Linear(3, 2), frozen=True, every=every)
    unit = [bool(((n - 1).abs() <= 4 * EPS32).all()) for n in steps(layer, 7)]
    expected = {
        1: [True] * 7,
        3: [True, False, False, True, False, False, True],
        None: [True] + [False] * 6,
    }
    assert unit == expected[every]


def test_reading_a_frozen_weight_often_counts_as_one_step():
    layer = condition(nn.Linear(3, 2), frozen=True, every=2)
    with torch.no_grad():
        _ = layer.weight
        raw(layer).mul_(2)
        norms = [layer.weight.norm(dim=1) for _ in range(4)]
    assert all(torch.allclose(n, torch.tensor(2.0)) for n in norms)


def test_frozen_scaling_survives_saving_and_eval():
    torch.manual_seed(0)
    layer = condition(nn.Linear(3, 2), "row_column", frozen=True, every=None)
    steps(layer, 3)
    other = condition(nn.Linear(3, 2), "row_column", frozen=True, every=None)
    other.load_state_dict(layer.state_dict())
    x = torch.randn(4, 3)
    assert torch.equal(layer.eval()(x), other.eval()(x))


# --------------------------------------------------------------------------- gain


@pytest.mark.parametrize("name", LAYERS)
def test_gain_starts_at_one_and_scales_each_output(name):
    layer, tensor = made(name)
    plain = condition(copy.deepcopy(layer))
    condition(layer, gain=True)
    assert torch.equal(getattr(layer, tensor), getattr(plain, tensor))
    gain = layer.parametrizations[tensor][0].gain
    assert gain.numel() == layer.bias.numel()
    values = torch.arange(1.0, gain.numel() + 1).double()
    with torch.no_grad():
        gain.copy_(values.reshape(gain.shape))
    torch.testing.assert_close(
        effective_weights(layer)["weight"],
        values[:, None] * effective_weights(plain)["weight"],
    )


def test_scalar_gain_is_one_number_that_trains():
    layer = condition(nn.Linear(3, 2), gain="scalar")
    gain = layer.parametrizations.weight[0].gain
    layer(torch.ones(1, 3)).sum().backward()
    assert gain.shape == ()
    assert gain.grad is not None


# ---------------------------------------- what is kept in eval mode is never stale


def evaluated(layer: nn.Module) -> torch.Tensor:
    with torch.no_grad():
        return layer.weight


def test_eval_computes_the_weight_once():
    layer = condition(nn.Linear(3, 2)).eval()
    assert evaluated(layer) is evaluated(layer)
    with torch.inference_mode():
        assert layer.weight is evaluated(layer)


CHANGES = {
    "optimiser": lambda layer, new: torch.optim.SGD([raw(layer)], lr=1.0).step(),
    "foreach": lambda layer, new: torch.optim.SGD(
        [raw(layer)], lr=1.0, foreach=True
    ).step(),
    "fused adam": lambda layer, new: torch.optim.Adam(
        [raw(layer)], lr=1.0, fused=True
    ).step(),
    "load_state_dict": lambda layer, new: layer.load_state_dict(
        {**layer.state_dict(), "parametrizations.weight.original": new}
    ),
    "assign": lambda layer, new: layer.load_state_dict(
        {**layer.state_dict(), "parametrizations.weight.original": new}, assign=True
    ),
    "in place": lambda layer, new: raw(layer).detach().copy_(new),
    "one entry": lambda layer, new: raw(layer).detach()[0].fill_(9),
    "new data": lambda layer, new: setattr(raw(layer), "data", new),
    "weight set": lambda layer, new: setattr(layer, "weight", new),
    "to double": lambda layer, new: layer.double(),
    "writes to .data, then eval": lambda layer, new: (
        raw(layer).data.copy_(new),
        layer.eval(),
    ),
    "the kept weight itself": lambda layer, new: evaluated(layer).mul_(5),
}


@pytest.mark.parametrize("change", CHANGES)
def test_kept_weight_follows_every_change(change):
    torch.manual_seed(0)
    layer = condition(nn.Linear(3, 2)).eval()
    evaluated(layer)
    raw(layer).grad = torch.ones(2, 3)
    with torch.no_grad():
        CHANGES[change](layer, torch.randn(2, 3))
    W = raw(layer).detach()
    assert evaluated(layer).dtype == W.dtype
    torch.testing.assert_close(evaluated(layer), W / W.norm(dim=1, keepdim=True))


def test_kept_weight_follows_the_gain_and_the_frozen_scaling():
    layer = condition(nn.Linear(3, 2), gain=True, frozen=True, every=None).eval()
    before = evaluated(layer)
    with torch.no_grad():
        layer.parametrizations.weight[0].gain.mul_(2)
    torch.testing.assert_close(evaluated(layer), 2 * before)
    layer.parametrizations.weight[0].left.mul_(4)
    torch.testing.assert_close(evaluated(layer), before / 2)


def test_kept_weight_is_not_used_where_a_gradient_is_wanted():
    layer = condition(nn.Linear(3, 2)).eval()
    evaluated(layer)
    layer(torch.ones(1, 3)).sum().backward()
    assert raw(layer).grad is not None


def test_kept_weight_is_not_used_for_other_parameters():
    layer = condition(nn.Linear(3, 2)).eval()
    evaluated(layer)
    other = {"parametrizations.weight.original": torch.randn(2, 3)}
    x = torch.eye(3)
    with torch.no_grad():
        found = functional_call(layer, other, x)
        W = other["parametrizations.weight.original"]
        expected = nn.functional.linear(x, W / W.norm(dim=1, keepdim=True), layer.bias)
        torch.testing.assert_close(found, expected)
        both = vmap(lambda w: functional_call(layer, {next(iter(other)): w}, x))(
            torch.stack([W, raw(layer)])
        )
        torch.testing.assert_close(both, torch.stack([expected, layer(x)]))


def test_a_copy_keeps_nothing_of_the_original():
    layer = condition(nn.Linear(3, 2)).eval()
    evaluated(layer)
    twin = copy.deepcopy(layer)
    with torch.no_grad():
        raw(twin).copy_(torch.randn(2, 3))
        del layer
        gc.collect()
        W = raw(twin)
        torch.testing.assert_close(twin.weight, W / W.norm(dim=1, keepdim=True))


# ------------------------------------------------------------------- torch's features


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, groups=3),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.Conv2d(6, 4, 1),
        nn.Flatten(),
        nn.Linear(36, 5),
    )


def images(count: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    return torch.randn(count, 3, 5, 5, generator=generator)


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


# ----------------------------------------------------------------- choice and report


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ("all", ["0", "3", "5"]),
        ("first-conv-last-linear", ["0", "5"]),
        ("convolutions", ["0", "3"]),
        ("[35]", ["3", "5"]),
        (["0", "5*"], ["0", "5"]),
        (lambda name, layer: isinstance(layer, nn.Linear), ["5"]),
    ],
)
def test_layers_are_chosen_by_preset_pattern_or_predicate(layers, expected):
    net = condition(network(), layers=layers)
    names = [w.name.split(".")[0] for w in describe(net).conditioned]
    assert names == expected


def test_mlp_and_attention_leaves_embeddings_and_heads():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Conv2d(3, 8, 4)
            self.blocks = nn.TransformerEncoder(
                nn.TransformerEncoderLayer(8, 2, 16), 2, enable_nested_tensor=False
            )
            self.head = nn.Linear(8, 10)

    names = {
        w.name
        for w in describe(condition(Net(), layers="mlp-and-attention")).conditioned
    }
    kinds = ("self_attn.in_proj", "self_attn.out_proj.", "linear1.", "linear2.")
    assert names == {
        f"blocks.layers.{i}.{kind.rstrip('.')}{'.' if kind[-1] == '.' else '_'}weight"
        for i in range(2)
        for kind in kinds
    }


def test_report_says_which_scaling_a_batch_norm_undoes():
    found = describe(condition(network()))
    assert found.traced
    assert {w.name: w.absorbed_by for w in found.absorbed} == {"0.weight": "1"}
    assert not describe(condition(network(), "column")).absorbed


def test_a_scaling_that_the_report_calls_undone_changes_nothing():
    net = network()
    with torch.no_grad():
        net[0].weight.mul_(7)  # the eps of the batch norm loses its say
    before = net(images(8))
    condition(net, layers="0")
    assert describe(net).absorbed
    torch.testing.assert_close(net(images(8)), before, rtol=1e-3, atol=1e-3)


def test_report_falls_back_on_the_order_of_registration():
    class Untraceable(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.bn = nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2)

        def forward(self, x):
            return self.bn(self.conv(x)) if x.mean() > 0 else x

    found = describe(condition(Untraceable()))
    assert not found.traced
    assert found.absorbed[0].absorbed_by == "bn"


def test_report_gives_the_reason_for_each_weight_left_alone():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = nn.Parameter(torch.randn(2, 3))
            self.sparse = nn.Embedding(4, 3, sparse=True)
            self.renormed = nn.Embedding(4, 3, max_norm=1.0)
            self.constant = nn.Linear(3, 3).requires_grad_(requires_grad=False)
            self.wide = nn.Linear(4, 3)
            self.square = nn.Linear(3, 3)
            self.complex = nn.Linear(3, 3, dtype=torch.complex64)
            self.lazy = nn.LazyLinear(3)

    net = condition(Odd(), "jacobi")
    reasons = {w.name: w.reason for w in describe(net).left_alone}
    assert reasons["table"] == "is no weight of a known layer"
    assert reasons["sparse.weight"] == "its gradient is sparse"
    assert reasons["renormed.weight"] == "max_norm rescales it in place"
    assert reasons["constant.weight"] == "does not train: requires_grad is False"
    assert reasons["wide.weight"] == "is not square"
    assert reasons["complex.weight"] == "is complex"
    assert reasons["lazy.weight"] == "has no shape before the first forward pass"
    assert reasons["square.bias"] == "is not a matrix"
    assert [w.name for w in describe(net).conditioned] == ["square.weight"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "rows"}, "method must be one of"),
        ({"every": 2}, "needs frozen=True"),
        ({"frozen": True, "every": 0}, "at least 1"),
        ({"gain": "column"}, "gain must be"),
        ({"sweeps": 0}, "sweeps must be at least 1"),
        ({"layers": "nowhere.*"}, "chooses no layer"),
        ({"method": "jacobi"}, "square"),
    ],
)
def test_bad_options_are_refused_in_one_sentence(options, message):
    with pytest.raises(ValueError, match=message):
        condition(nn.Sequential(nn.Linear(3, 4), nn.ReLU()), **options)


def test_conditioning_twice_is_refused():
    with pytest.raises(ValueError, match="already; uncondition it first"):
        condition(condition(nn.Linear(3, 2)))
