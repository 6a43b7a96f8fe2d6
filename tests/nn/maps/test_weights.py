"""Every weight normalisation equals its written-out formula and an independent peer."""

import copy
import math

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import nn
from torch.nn.utils import parametrizations

from condlab.nn import (
    WEIGHT_METHODS,
    describe,
    effective_weights,
    fold,
    normalise_weights,
    uncondition,
)
from tests.nn.formulas import matrices

EPS64 = torch.finfo(torch.float64).eps

LAYERS = {
    "linear": lambda: nn.Linear(7, 3),
    "conv": lambda: nn.Conv2d(3, 4, 3),
    "grouped": lambda: nn.Conv2d(4, 6, 3, groups=2),
    "transposed": lambda: nn.ConvTranspose2d(4, 6, 3, groups=2),
}


def made(name: str) -> tuple[nn.Module, np.ndarray]:
    torch.manual_seed(0)
    layer = LAYERS[name]().double()
    return layer, layer.weight.detach().numpy().copy()


def by_rows(layer: nn.Module, W: np.ndarray, formula) -> np.ndarray:
    V = W.copy()
    for M in matrices(layer, V):
        for i, w in enumerate(M):
            M[i] = formula(w.ravel()).reshape(w.shape)
    return V


def standardized(
    w, *, centre=True, divide=True, biased=True, eps=1e-5, eps_place="outside"
):
    mean = sum(w) / len(w)
    variance = sum((x - mean) ** 2 for x in w) / (len(w) - (not biased))
    w = w - mean if centre else w
    if not divide:
        return w
    if eps_place == "inside":
        return w / math.sqrt(variance + eps)
    return w / (math.sqrt(variance) + (eps if eps_place == "outside" else 0))


OPTIONS = [
    {},
    {"biased": False},
    {"eps": 1e-3},
    {"eps": 1e-3, "eps_place": "inside"},
    {"eps_place": "none", "biased": False},
]


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("method", ["standardize", "center", "divide"])
def test_standardization_equals_the_written_out_formula(method, options, name):
    layer, W = made(name)
    parts = {"center": {"divide": False}, "divide": {"centre": False}}
    expected = by_rows(
        layer, W, lambda w: standardized(w, **parts.get(method, {}), **options)
    )
    normalise_weights(layer, method, **options)
    np.testing.assert_allclose(
        layer.weight.detach(), expected, rtol=200 * EPS64, atol=200 * EPS64
    )


def test_standardization_equals_the_authors_code():
    """The lines of joe-siyuan-qiao/WeightStandardization: unbiased, eps outside."""
    layer, W = made("conv")
    weight = torch.as_tensor(W)
    mean = weight.mean(dim=1, keepdim=True).mean(dim=2, keepdim=True)
    weight = weight - mean.mean(dim=3, keepdim=True)
    std = weight.view(weight.size(0), -1).std(dim=1).view(-1, 1, 1, 1) + 1e-5
    normalise_weights(layer, "standardize", biased=False)
    torch.testing.assert_close(layer.weight, weight / std, rtol=1e-13, atol=1e-13)


def test_scaled_standardization_equals_the_batch_norm_form_of_its_ports():
    layer, W = made("conv")
    W = torch.as_tensor(W)
    gamma = 1.7139588594436646  # of the ReLU, as the authors print it, 6e-4 off
    scale = torch.full((4,), gamma * 27**-0.5, dtype=torch.float64)
    expected = nn.functional.batch_norm(
        W.reshape(1, 4, -1), None, None, weight=scale, training=True, eps=1e-6
    )
    options = {"eps": 1e-6, "eps_place": "inside", "gamma": gamma}
    normalise_weights(layer, "scaled_standardize", **options)
    torch.testing.assert_close(
        layer.weight, expected.reshape(W.shape), rtol=1e-12, atol=1e-12
    )
    assert sorted(n for n, _ in layer.named_parameters()) == [
        "bias",
        "parametrizations.weight.0.gain",
        "parametrizations.weight.original",
    ]


def test_affine_standardization_learns_a_gain_and_a_shift_for_each_row():
    layer, _ = made("grouped")
    plain = normalise_weights(copy.deepcopy(layer), "standardize").weight
    normalise_weights(layer, "standardize", affine=True)
    assert torch.equal(layer.weight, plain)
    ours = layer.parametrizations.weight[0]
    assert ours.gain.numel() == ours.shift.numel() == 6
    with torch.no_grad():
        ours.gain.mul_(3)
        ours.shift.add_(2)
    torch.testing.assert_close(layer.weight, 3 * plain + 2)


@pytest.mark.parametrize("eps_place", ["outside", "inside", "none"])
def test_standardization_of_a_constant_row_has_a_finite_derivative(eps_place):
    layer = nn.Linear(4, 2)
    nn.init.constant_(layer.weight, 0.25)
    normalise_weights(layer, "standardize", eps_place=eps_place)
    layer(torch.randn(3, 4)).square().sum().backward()
    assert (layer.weight == 0).all()
    assert layer.parametrizations.weight.original.grad.isfinite().all()


def test_divide_by_the_reciprocal_root_would_be_noticed():
    """A published port multiplied where it should divide."""
    layer, _ = made("linear")
    normalise_weights(layer, "divide", eps=0.0)
    deviation = layer.weight.detach().numpy().std(axis=1)
    np.testing.assert_allclose(deviation, 1, rtol=1e-12)


@pytest.mark.parametrize("name", LAYERS)
def test_weight_norm_has_torchs_values_and_changes_nothing_at_first(name):
    layer, W = made(name)
    normalise_weights(layer, "weight_norm")
    np.testing.assert_allclose(layer.weight.detach(), W, rtol=20 * EPS64)
    stored = layer.parametrizations.weight
    axis = 1 if name == "transposed" else 0
    assert stored.original0.numel() == W.shape[axis]
    torchs = parametrizations.weight_norm(LAYERS[name]().double(), dim=axis)
    assert torchs.state_dict().keys() == layer.state_dict().keys()
    torchs.load_state_dict(layer.state_dict())
    torch.testing.assert_close(layer.weight, torchs.weight)


@pytest.mark.parametrize("name", LAYERS)
def test_centered_weight_norm_is_standardization_up_to_its_gain(name):
    layer, W = made(name)
    other = copy.deepcopy(layer)
    normalise_weights(layer, "centered_weight_norm")
    expected = by_rows(layer, W, lambda w: w - w.mean())
    np.testing.assert_allclose(layer.weight.detach(), expected, rtol=1e-12, atol=1e-15)
    gain = layer.parametrizations.weight[0].gain
    with torch.no_grad():
        gain.fill_(math.sqrt(effective_weights(layer)["weight"].shape[1]))
    normalise_weights(other, "standardize", eps_place="none")
    torch.testing.assert_close(layer.weight, other.weight, rtol=1e-12, atol=1e-12)


def test_spectral_norm_divides_by_the_largest_singular_value_and_keeps_kappa():
    layer, W = made("conv")
    normalise_weights(layer, "spectral", n_power_iterations=200)
    for _ in range(3):
        layer(torch.randn(1, 3, 5, 5).double())
    singular = torch.linalg.svdvals(effective_weights(layer)["weight"])
    raw = np.linalg.svd(W.reshape(4, -1), compute_uv=False)
    assert abs(singular[0].item() - 1) < 1e-10
    np.testing.assert_allclose(singular, raw / raw[0], rtol=1e-9)


def test_orthogonal_is_torchs():
    layer, _ = made("linear")
    twin = parametrizations.orthogonal(copy.deepcopy(layer))
    normalise_weights(layer, "orthogonal")
    assert torch.equal(layer.weight, twin.weight)
    eye = torch.eye(3).double()
    torch.testing.assert_close(layer.weight @ layer.weight.T, eye)


@pytest.mark.parametrize("name", LAYERS)
def test_orthogonal_weight_norm_is_the_polar_factor_of_the_centred_rows(name):
    layer, W = made(name)
    plain = copy.deepcopy(layer)
    expected = W.copy()
    for M in matrices(plain, expected):
        flat = M.reshape(len(M), -1)
        flat = flat - flat.mean(axis=1, keepdims=True)
        M[...] = scipy.linalg.polar(flat)[0].reshape(M.shape)
    normalise_weights(layer, "orthogonal_weight_norm")
    np.testing.assert_allclose(layer.weight.detach(), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("shape", [(6, 3), (4, 4), (3, 6)])
def test_orthogonal_weight_norm_has_condition_number_one(shape):
    m, n = shape
    torch.manual_seed(0)
    layer = normalise_weights(nn.Linear(n, m), "orthogonal_weight_norm")
    singular = torch.linalg.svdvals(layer.weight.detach().double())
    np.testing.assert_allclose(singular, 1, atol=1e-6)


def test_orthogonal_weight_norm_survives_an_orthogonal_weight():
    """There all eigenvalues coincide, where eigh's own derivative is infinite."""
    layer = nn.Linear(4, 4).double()
    nn.init.orthogonal_(layer.weight)
    normalise_weights(layer, "orthogonal_weight_norm")
    layer(torch.randn(3, 4).double()).pow(3).sum().backward()
    assert layer.parametrizations.weight.original.grad.isfinite().all()


DIFFERENTIABLE = [
    "standardize",
    "center",
    "divide",
    "scaled_standardize",
    "centered_weight_norm",
    "orthogonal_weight_norm",
]


@pytest.mark.parametrize("name", ["linear", "transposed"])
@pytest.mark.parametrize("method", DIFFERENTIABLE)
def test_first_and_second_derivatives_pass_gradcheck(method, name):
    layer, W = made(name)
    normalise_weights(layer, method)
    effective = layer.parametrizations.weight[0]
    W = torch.as_tensor(W).requires_grad_()
    forward = method != "orthogonal_weight_norm"
    assert torch.autograd.gradcheck(
        effective, W, check_forward_ad=forward, fast_mode=True
    )
    assert torch.autograd.gradgradcheck(effective, W, fast_mode=True)


@pytest.mark.parametrize("method", WEIGHT_METHODS)
def test_every_method_trains_saves_loads_copies_and_folds(method):
    def net() -> nn.Sequential:
        return normalise_weights(
            nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4)), method
        )

    torch.manual_seed(0)
    first = net()
    optimiser = torch.optim.SGD(first.parameters(), lr=0.01)
    x = torch.randn(8, 4)
    for _ in range(3):
        optimiser.zero_grad()
        first(x).square().mean().backward()
        optimiser.step()
    first.eval()
    second = net().eval()
    second.load_state_dict(first.state_dict())
    twin = copy.deepcopy(first)
    expected = first(x)
    assert (second(x) - expected).abs().max() < 1e-6
    assert (twin(x) - expected).abs().max() < 1e-6
    kinds = {w.methods for w in describe(first).conditioned}
    assert len(kinds) == 1
    assert (fold(first)(x) - expected).abs().max() < 1e-6
    assert not describe(first).conditioned


def test_uncondition_takes_standardization_away():
    layer, W = made("conv")
    uncondition(normalise_weights(layer, "standardize", affine=True))
    assert torch.equal(layer.weight, torch.as_tensor(W))
    assert type(layer) is nn.Conv2d


def test_tied_weights_are_standardized_once():
    net = nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 9, bias=False))
    net[1].weight = net[0].weight
    normalise_weights(net, "standardize", affine=True)
    assert len(list(net.parameters())) == 3
    fold(net)
    assert net[0].weight is net[1].weight


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("standardise", {}, "method must be one of"),
        ("standardize", {"eps_place": "between"}, "eps_place must be one of"),
        ("orthogonal", {"layers": "1"}, "stored as one matrix"),
    ],
)
def test_bad_options_are_refused_in_one_sentence(method, options, message):
    net = nn.Sequential(nn.Linear(3, 4), nn.Conv1d(4, 2, 1))
    with pytest.raises(ValueError, match=message):
        normalise_weights(net, method, **options)


def test_a_second_normalisation_is_refused():
    layer = normalise_weights(nn.Linear(3, 4), "weight_norm")
    with pytest.raises(ValueError, match="parametrized already"):
        normalise_weights(layer, "standardize")


def test_torchs_methods_refuse_to_untie_weights():
    net = nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 9, bias=False))
    net[1].weight = net[0].weight
    with pytest.raises(ValueError, match="untie"):
        normalise_weights(net, "weight_norm")
