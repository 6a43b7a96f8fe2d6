"""Zero rows, zero weights and weights of too low a rank under every normalisation."""

import copy

import pytest
import torch
from torch import nn

from condlab.nn import WEIGHT_METHODS, normalise_weights

SHAPES = {
    "wide": (lambda: nn.Linear(6, 3)),
    "square": (lambda: nn.Linear(4, 4)),
    "tall": (lambda: nn.Linear(3, 6)),
    "conv": (lambda: nn.Conv2d(2, 3, 3)),
}


def net_with(shape: str, spoil) -> nn.Module:
    torch.manual_seed(0)
    layer = SHAPES[shape]().double()
    with torch.no_grad():
        spoil(layer.weight)
    return layer


def applied_twice(layer: nn.Module) -> bool:
    """Tell whether weight, gradient and the gradient's gradient are all finite."""
    parameters = [p for n, p in layer.named_parameters() if n != "bias"]
    W = layer.weight
    loss = (W + torch.rand_like(W)).pow(3).sum()
    first = torch.autograd.grad(loss, parameters, create_graph=True, allow_unused=True)
    first = [g for g in first if g is not None and g.requires_grad]
    total = sum(g.pow(2).sum() for g in first)
    second = torch.autograd.grad(total, parameters, allow_unused=True)
    parts = [W, *first, *(g for g in second if g is not None)]
    return all(part.isfinite().all() for part in parts)


SPOILS = {
    "zero row": lambda W: W[1].zero_(),
    "zero column": lambda W: W[:, 0].zero_(),
    "zero weight": lambda W: W.zero_(),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("spoil", SPOILS)
@pytest.mark.parametrize("method", WEIGHT_METHODS)
def test_zero_lines_give_finite_weights_and_derivatives(method, spoil, shape):
    if method == "jacobi" and shape != "square":
        pytest.skip("not square")
    if method == "orthogonal" and shape == "conv":
        pytest.skip("not stored as one matrix")
    if (method, spoil, shape) == ("orthogonal_weight_norm", "zero column", "square"):
        pytest.skip("refused: four rows of rank three")
    layer = normalise_weights(net_with(shape, SPOILS[spoil]), method)
    assert applied_twice(layer)
    if spoil == "zero weight" and method != "orthogonal":
        assert not layer.weight.any()


@pytest.mark.parametrize("shape", SHAPES)
def test_row_of_zeros_trains_under_weight_norm(shape):
    layer = normalise_weights(net_with(shape, lambda W: W[1].zero_()), "weight_norm")
    layer.weight.sum().backward()
    stored = layer.parametrizations.weight
    assert stored.original0[1].item() == 1
    assert torch.equal(stored.original1.grad[1], torch.ones_like(stored.original1[1]))


def test_spectral_norm_of_zeros_takes_hold_once_they_are_none():
    layer = normalise_weights(net_with("wide", lambda W: W.zero_()), "spectral")
    raw = layer.parametrizations.weight.original
    with torch.no_grad():
        nn.init.normal_(raw)
    for _ in range(200):
        _ = layer.weight
    singular = torch.linalg.svdvals(layer.weight.detach())
    assert abs(singular[0].item() - 1) < 1e-10


@pytest.mark.parametrize(
    "method", ["weight_norm", "spectral", "orthogonal_weight_norm"]
)
@pytest.mark.parametrize("power", [-990, -560, -60, 60, 500])
def test_units_of_the_weight_do_not_matter(method, power):
    """Squares below 1e-308 underflow, and torch's eps hides entries of 1e-12."""
    layer = net_with("wide", lambda W: None)
    scaled = copy.deepcopy(layer)
    with torch.no_grad():
        scaled.weight.mul_(2.0**power)
    torch.manual_seed(0)
    expected = normalise_weights(layer, method).weight.detach()
    torch.manual_seed(0)
    found = normalise_weights(scaled, method).weight.detach()
    if method == "weight_norm":  # which changes nothing at first
        expected = expected * 2.0**power
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=0)


LOW_RANK = {
    "zeros": lambda W: W.zero_(),
    "zero column": lambda W: W[:, 0].zero_(),
    "zero row": lambda W: W[0].zero_(),
    "rank one": lambda W: W.copy_(W[:, :1] @ W[:1]),
    "equal rows": lambda W: W[0].copy_(W[1]),
}


@pytest.mark.parametrize("options", [{}, {"use_trivialization": False}])
@pytest.mark.parametrize("shape", ["wide", "square", "tall"])
@pytest.mark.parametrize("spoil", LOW_RANK)
def test_orthogonal_of_a_weight_of_low_rank_is_orthogonal(spoil, shape, options):
    if options:
        options = {**options, "orthogonal_map": "householder"}
    layer = normalise_weights(net_with(shape, LOW_RANK[spoil]), "orthogonal", **options)
    singular = torch.linalg.svdvals(layer.weight.detach())
    torch.testing.assert_close(singular, torch.ones_like(singular))


def test_polar_factor_of_dependent_rows_is_refused_and_nothing_changed():
    net = nn.Sequential(nn.Linear(4, 3), net_with("wide", LOW_RANK["equal rows"]))
    before = copy.deepcopy(net.state_dict())
    with pytest.raises(ValueError, match=r"1\.weight's 3 only 2 are, after centring"):
        normalise_weights(net, "orthogonal_weight_norm")
    assert type(net[0]) is nn.Linear
    assert all(torch.equal(v, before[n]) for n, v in net.state_dict().items())


def test_polar_factor_leaves_rows_of_zeros_and_makes_the_others_orthonormal():
    layer = net_with("wide", lambda W: W[1].zero_())
    V = normalise_weights(layer, "orthogonal_weight_norm").weight.detach()
    torch.testing.assert_close(V @ V.T, torch.diag(torch.tensor([1.0, 0, 1]).double()))
