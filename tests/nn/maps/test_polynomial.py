"""The polynomial preconditioner against p of singular values found by LAPACK."""

import copy

import pytest
import torch
from torch import nn

from condlab._levels import LEVELS, THOUSANDTHS
from condlab.curvature import HessianOperator
from condlab.nn import (
    condition,
    describe,
    fold,
    normalise_weights,
    refresh_scalings,
    uncondition,
)


def seeded(make):
    torch.manual_seed(0)
    return make()


def p(x, level):
    return sum(float(c) * x ** (2 * k + 1) for k, c in enumerate(LEVELS[level]))


def image(W, level, restore=False):
    """Return U p(S / s_1) V' by a singular value decomposition in float64."""
    U, s, Vh = torch.linalg.svd(W.double(), full_matrices=False)
    top = torch.where(s[:1] > 0, s[:1], 1)
    return (U * (p(s / top, level) * (top if restore else 1))) @ Vh


def near(found, W, level, **options):
    expected = image(W, level, **options)
    eps = torch.finfo(found.dtype).eps
    # Each product of Horner's rule adds a rounding of the largest term, max(m, n) long.
    sizes = sum(abs(float(c)) for c in LEVELS[level]) * max(W.shape)
    assert (found.double() - expected).abs().max() <= 4 * eps * sizes


LAYERS = {
    "wide": lambda: nn.Linear(9, 4),
    "tall": lambda: nn.Linear(4, 9),
    "square": lambda: nn.Linear(6, 6),
    "kernel": lambda: nn.Conv2d(3, 8, 3),
    "depthwise": lambda: nn.Conv1d(4, 4, 3, groups=4),
    "grouped": lambda: nn.Conv2d(4, 6, (1, 3), groups=2),
    "transposed": lambda: nn.ConvTranspose2d(4, 6, 2, groups=2),
    "attention": lambda: nn.MultiheadAttention(8, 2),
    "gates": lambda: nn.LSTM(5, 6, proj_size=3),
    "embedding": lambda: nn.Embedding(11, 5),
}


def matrices(layer):
    """Return each matrix of a layer, by the layouts that its maps were made with."""
    found = {}
    for tensor, maps in layer.parametrizations.items():
        W = getattr(layer, tensor).detach()
        found[tensor] = (maps[0].layout.matrices(W), maps.original.detach(), maps[0])
    return found


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", LAYERS)
def test_singular_values_go_through_the_polynomial(name, level, dtype):
    layer = condition(seeded(LAYERS[name]).to(dtype), "polynomial", level=level)
    for effective, stored, made in matrices(layer).values():
        for M, W in zip(effective, made.layout.matrices(stored), strict=True):
            near(M, W, level)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("level", LEVELS)
def test_half_precision_is_rounded_once(level, dtype):
    layer = seeded(lambda: nn.Linear(12, 7)).to(dtype)
    W = layer.weight.detach().clone()
    M = condition(layer, "polynomial", level=level).weight
    assert M.dtype == dtype
    error = (M.double() - image(W, level)).abs()
    assert (error <= torch.finfo(dtype).eps * image(W, level).abs() + 1e-5).all()


def test_vectors_in_half_precision_still_give_the_norm():
    layer = seeded(lambda: nn.Linear(12, 7))
    W = layer.weight.detach().clone().half().float()
    layer = condition(layer, "polynomial").half()
    # Rounded vectors are off by eps, and the norm by its square.
    assert (layer.weight.double() - image(W, 4)).abs().max() < 2e-3


@pytest.mark.parametrize("power", [-1000, -560, 500, 1000])
def test_units_of_the_weight_do_not_matter(power):
    layer = seeded(lambda: nn.Linear(6, 4)).double()
    plain = layer.weight.detach().clone()
    layer.weight.data.mul_(2.0**power)
    torch.testing.assert_close(condition(layer, "polynomial").weight, image(plain, 4))


@pytest.mark.parametrize("restore", [False, True])
def test_zeros_stay_zeros_with_a_finite_derivative(restore):
    layer = nn.Linear(3, 2)
    nn.init.zeros_(layer.weight)
    condition(layer, "polynomial", restore=restore)
    layer.weight.sum().backward()
    assert not layer.weight.any()
    assert layer.parametrizations.weight.original.grad.isfinite().all()


def test_rank_one_and_ties_of_the_first_singular_value():
    for W in (torch.outer(torch.arange(1.0, 4), torch.ones(5)), torch.eye(4)):
        layer = nn.Linear(*reversed(W.shape))
        layer.weight.data.copy_(W)
        near(condition(layer, "polynomial").weight.detach(), W, 4)


@pytest.mark.parametrize("options", [{}, {"level": 1}, {"gain": True}])
def test_gradient_is_that_of_the_decomposition(options):
    layer = seeded(lambda: nn.Linear(7, 5)).double()
    W = layer.weight.detach().clone().requires_grad_()
    target = torch.randn(5, 7, dtype=torch.float64)
    condition(layer, "polynomial", **options)
    (layer.weight * target).sum().backward()
    (image(W, options.get("level", 4)) * target).sum().backward()
    found = layer.parametrizations.weight.original.grad
    torch.testing.assert_close(found, W.grad, rtol=1e-8, atol=1e-8)


def test_restored_and_frozen_norms_are_constants():
    layer = seeded(lambda: nn.Linear(7, 5)).double()
    W = layer.weight.detach().clone()
    restored = condition(copy.deepcopy(layer), "polynomial", restore=True)
    near(restored.weight.detach(), W, 4, restore=True)
    frozen = condition(layer, "polynomial", frozen=True)
    near(frozen.weight.detach(), W, 4)
    raw = frozen.parametrizations.weight.original
    sigma = torch.linalg.matrix_norm(W, 2)
    (grad,) = torch.autograd.grad(frozen.weight.sum(), raw)
    twin = W.clone().requires_grad_()
    G = (twin / sigma) @ (twin / sigma).T
    c = [float(x) for x in LEVELS[4]]
    powers = sum(x * torch.linalg.matrix_power(G, k) for k, x in enumerate(c))
    (expected,) = torch.autograd.grad((powers @ (twin / sigma)).sum(), twin)
    torch.testing.assert_close(grad, expected)


def test_norm_follows_the_steps_of_an_optimiser():
    layer = condition(seeded(lambda: nn.Linear(7, 5)), "polynomial")
    raw = layer.parametrizations.weight.original
    optimiser = torch.optim.AdamW(layer.parameters(), lr=0.05)
    for _ in range(60):
        optimiser.zero_grad()
        (layer(torch.ones(3, 7)).square().sum() + raw[0].sum()).backward()
        optimiser.step()
        size = layer.parametrizations.weight[0].size.item()
        assert size <= torch.linalg.matrix_norm(raw.detach(), 2) * (1 + 1e-6)
    near(layer.eval().weight.detach(), raw.detach(), 4)


def test_forward_passes_write_nothing():
    layer = condition(seeded(lambda: nn.Linear(7, 5)), "polynomial").train()
    before = copy.deepcopy(layer.state_dict())
    for _ in range(3):
        layer(torch.ones(1, 7)).sum().backward()
    for name, value in layer.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_other_moves_are_taken_notice_of_when_told():
    layer = condition(seeded(lambda: nn.Linear(7, 5)), "polynomial")
    W = torch.randn(5, 7)
    layer.parametrizations.weight.original.data.copy_(W)
    near(refresh_scalings(layer).weight.detach(), W, 4)
    with torch.no_grad():
        layer.weight = W.flip(0)
    near(layer.weight.detach(), W.flip(0), 4)


def test_state_goes_through_a_checkpoint():
    layer = condition(seeded(lambda: nn.Conv2d(3, 8, 3)), "polynomial", gain=True)
    optimiser = torch.optim.SGD(layer.parameters(), lr=0.1)
    layer(torch.ones(1, 3, 3, 3)).square().sum().backward()
    optimiser.step()
    twin = condition(nn.Conv2d(3, 8, 3), "polynomial", gain=True)
    twin.load_state_dict(layer.state_dict(), strict=True)
    assert torch.equal(twin.weight, layer.weight)


def test_copies_follow_their_own_steps():
    layer = condition(seeded(lambda: nn.Linear(7, 5)), "polynomial")
    twin = copy.deepcopy(layer)
    twin(torch.ones(1, 7)).sum().backward()
    torch.optim.SGD(twin.parameters(), lr=1.0).step()
    raw = twin.parametrizations.weight.original.detach()
    near(twin.weight.detach(), raw, 4)
    ours, theirs = (x.parametrizations.weight[0].size for x in (layer, twin))
    assert not torch.equal(ours, theirs)


def test_tied_weights_stay_tied():
    net = nn.ModuleDict({"in": nn.Embedding(9, 4), "out": nn.Linear(4, 9, bias=False)})
    net["out"].weight = net["in"].weight
    condition(net, "polynomial")
    stored = [net[k].parametrizations.weight.original for k in ("in", "out")]
    assert stored[0] is stored[1]
    near(net["in"].weight.detach(), stored[0].detach(), 4)
    assert torch.equal(net["in"].weight, net["out"].weight)


def test_fold_keeps_the_function_and_uncondition_forgets_it():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4, 2))
    raw = copy.deepcopy(net.state_dict())
    condition(net, "pc_layer", gain="scalar")
    assert {w.methods for w in describe(net).conditioned} == {("polynomial",)}
    x = torch.randn(5, 3, 3, 3)
    folded = fold(copy.deepcopy(net))
    assert {*folded.state_dict()} == {*raw}
    torch.testing.assert_close(folded(x), net(x))
    for name, value in uncondition(net).state_dict().items():
        assert torch.equal(value, raw[name])


def test_hessian_is_that_of_the_conditioned_network():
    net = seeded(lambda: nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)))
    condition(net.double(), "polynomial", restore=True)
    x, y = torch.randn(6, 3).double(), torch.randn(6, 2).double()
    loss = nn.MSELoss()

    def value(params, batch):
        return loss(torch.func.functional_call(net, params, (batch[0],)), batch[1])

    params = dict(net.named_parameters())
    H = HessianOperator(value, params, [(x, y)])
    v = torch.randn(H.shape[0]).double()
    theta = torch.cat([q.detach().flatten() for q in params.values()])

    def gradient(at):
        parts = torch.split(at, [q.numel() for q in params.values()])
        there = {
            n: a.view_as(q).detach().requires_grad_()
            for (n, q), a in zip(params.items(), parts, strict=True)
        }
        grads = torch.autograd.grad(value(there, (x, y)), list(there.values()))
        return torch.cat([g.flatten() for g in grads])

    h = 1e-5
    difference = (gradient(theta + h * v) - gradient(theta - h * v)) / (2 * h)
    torch.testing.assert_close(H @ v, difference, rtol=1e-6, atol=1e-7)


BAD = {
    "level": ({"level": 5}, "level must be 1, 2, 3 or 4, got 5"),
    "level 0": ({"level": 0}, "level must be"),
    "iterations": ({"iterations": 0}, "at least 1"),
    "every": ({"frozen": True, "every": 3}, "follows every step"),
    "gain": ({"gain": "columns"}, "gain must be"),
}


@pytest.mark.parametrize(("options", "why"), BAD.values(), ids=BAD)
def test_bad_options_change_nothing(options, why):
    layer = nn.Linear(3, 2)
    with pytest.raises(ValueError, match=why):
        condition(layer, "polynomial", **options)
    assert not hasattr(layer, "parametrizations")
    for method in ("row", "polynomial"):
        with pytest.raises(ValueError, match="conditioned already"):
            condition(condition(nn.Linear(3, 2), "polynomial"), method)


def test_coefficients_sum_to_one_so_that_the_first_singular_value_stays():
    for coefficients in THOUSANDTHS.values():
        assert sum(coefficients) == 1000


def test_name_in_the_list_of_all_methods_is_the_same():
    layer = seeded(lambda: nn.Linear(7, 5))
    both = condition(copy.deepcopy(layer), "polynomial", level=2)
    other = normalise_weights(layer, "polynomial", level=2)
    assert torch.equal(both.weight, other.weight)
