"""Folding changes no output, and effective weights are the matrices used."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from condlab.nn import (
    condition,
    effective_weights,
    fold,
    normalise_weights,
    uncondition,
)

NETWORKS = {
    "convolutions": (
        lambda: nn.Sequential(
            nn.Conv2d(4, 8, 3, groups=2),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.ConvTranspose2d(8, 4, 2, stride=2),
            nn.Flatten(),
            nn.Linear(4 * 36, 3),
        ),
        lambda: torch.randn(2, 4, 5, 5),
    ),
    "transformer": (
        lambda: nn.Transformer(8, 2, 1, 1, 16, batch_first=True),
        lambda: torch.randn(2, 5, 8),
    ),
    "lstm": (
        lambda: nn.LSTM(4, 4, 2, proj_size=3, bidirectional=True),
        lambda: torch.randn(5, 2, 4),
    ),
    "gru cell": (lambda: nn.GRUCell(4, 4), lambda: torch.randn(2, 4)),
    "attention": (
        lambda: nn.MultiheadAttention(8, 2, batch_first=True),
        lambda: torch.randn(2, 5, 8),
    ),
}


def outputs(net: nn.Module, x: torch.Tensor) -> torch.Tensor:
    count = {nn.Transformer: 2, nn.MultiheadAttention: 3}.get(type(net), 1)
    if "MultiheadAttention" in type(net).__name__:
        count = 3
    with torch.no_grad():
        out = net(*[x] * count)
    return out[0] if isinstance(out, tuple) else out


@pytest.mark.filterwarnings("ignore:LSTM with projections:UserWarning")
@pytest.mark.parametrize("method", ["row", "column", "row_column", "jacobi", "ruiz"])
@pytest.mark.parametrize("name", NETWORKS)
def test_folding_changes_no_output(name, method):
    torch.manual_seed(0)
    make, inputs = NETWORKS[name]
    if name == "convolutions" and method == "jacobi":
        pytest.skip("no square layer")
    net, x = make().eval(), inputs()
    if method == "jacobi":  # small diagonals make weights so large that rounding shows
        net, x = net.double(), x.double()
    condition(net, method, gain=True)
    before = outputs(net, x)
    keys = set(make().state_dict())
    fold(net)
    assert set(net.state_dict()) == keys
    assert (outputs(net, x) - before).abs().max() < 1e-6


def test_folded_network_trains_as_a_plain_one():
    net = fold(condition(nn.Linear(3, 2)))
    assert type(net) is nn.Linear
    net(torch.ones(1, 3)).sum().backward()
    assert isinstance(net.weight, nn.Parameter)
    assert net.weight.grad is not None


def test_fold_keeps_the_parameter_for_the_optimiser():
    layer = nn.Linear(3, 2)
    weight = layer.weight
    assert fold(condition(layer, "ruiz")).weight is weight


@pytest.mark.parametrize("undo", [fold, uncondition])
def test_undoing_a_copy_leaves_the_original_conditioned(undo):
    """Torch removes a property from a class that both share."""
    net = condition(nn.Linear(3, 2))
    twin = undo(copy.deepcopy(net))
    assert type(twin) is nn.Linear
    torch.testing.assert_close(net.weight.norm(dim=1), torch.ones(2))
    net(torch.ones(1, 3)).sum().backward()


def test_conditioning_more_of_a_copy_leaves_the_original_alone():
    net = nn.LSTMCell(3, 3)
    normalise_weights(net, "weight_norm")
    twin = condition(copy.deepcopy(net), "row")
    uncondition(twin)
    net(torch.ones(1, 3))[0].sum().backward()
    fold(twin)
    assert net.parametrizations.weight_hh.original0.grad is not None


def test_fold_of_a_plain_network_does_nothing():
    net = nn.Linear(3, 2)
    before = net.weight.clone()
    assert torch.equal(fold(net).weight, before)


def test_fold_refuses_a_weight_that_is_parametrized_at_one_of_its_layers():
    net = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False))
    net[1].weight = net[0].weight
    parametrize.register_parametrization(net[0], "weight", nn.Tanh())
    with pytest.raises(ValueError, match="share a stored weight"):
        fold(net)
    assert parametrize.is_parametrized(net[0])


def test_effective_weights_has_a_matrix_for_each_plain_layer_too():
    net = nn.Sequential(
        nn.Conv2d(4, 6, (3, 2), groups=2),
        nn.ConvTranspose1d(4, 6, 3, groups=2),
        nn.Embedding(9, 4),
        nn.GRU(3, 5),
        nn.LayerNorm(5),
    )
    shapes = {name: tuple(W.shape) for name, W in effective_weights(net).items()}
    assert shapes == {
        "0": (6, 12),
        "1": (6, 6),
        "2": (9, 4),
        "3.weight_ih_l0": (15, 3),
        "3.weight_hh_l0": (15, 5),
    }
    assert not any(W.requires_grad for W in effective_weights(net).values())


@pytest.mark.parametrize("groups", [1, 2])
def test_effective_weight_of_a_transposed_convolution_is_the_operators_matrix(groups):
    """With a kernel of one pixel the convolution is the matrix, applied to channels."""
    torch.manual_seed(0)
    layer = condition(nn.ConvTranspose1d(4, 6, 1, groups=groups, bias=False)).double()
    W = effective_weights(layer)["weight"]
    blocks = torch.block_diag(*W.split(6 // groups))
    torch.testing.assert_close(
        layer(torch.eye(4).double()[..., None])[..., 0].T, blocks
    )


@pytest.mark.parametrize("method", ["row", "weight_norm", "spectral", "orthogonal"])
def test_condition_number_survives_folding(method):
    torch.manual_seed(0)
    layer = normalise_weights(nn.Linear(6, 4), method).eval()
    before = np.linalg.cond(effective_weights(layer)["weight"])
    after = np.linalg.cond(fold(layer).weight.detach())
    assert before == after
