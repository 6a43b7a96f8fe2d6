"""The sample-by-sample assembly is the Hessian, or refuses by name."""

import pytest
import torch
from torch import nn

from condlab.curvature import (
    HessianOperator,
    NotAStackError,
    assemble_stack,
    make_loss,
)
from condlab.nn import condition
from condlab.spectra import assemble
from tests.curvature.networks import problem

AGREE = {"rtol": 1e-10, "atol": 1e-13}


class Skipping(nn.Module):
    """Two branches, a skip connection, and layers out of the order of their calls."""

    def __init__(self):
        super().__init__()
        self.last = nn.Linear(4, 2)
        self.left = nn.Linear(3, 4, bias=False)
        self.right = nn.Linear(4, 4)

    def forward(self, x):
        a = torch.tanh(self.left(x))
        return self.last(a * torch.sigmoid(self.right(a)) + a)


def layer_normed():
    return nn.Sequential(
        nn.Linear(3, 4), nn.LayerNorm(4, elementwise_affine=False), nn.GELU(),
        nn.Linear(4, 2),
    )  # fmt: skip


NETWORKS = {
    "one layer": lambda: nn.Linear(3, 2),
    "three layers": lambda: nn.Sequential(
        nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 4), nn.Softplus(), nn.Linear(4, 2)
    ),
    "skip connections": Skipping,
    "layer norm": layer_normed,
}


def hessian(net, criterion, dtype=torch.float64, weights=None):
    torch.manual_seed(0)
    net = net.to(dtype)
    x = torch.randn(7, 3, dtype=dtype)
    y = torch.randn(7, 2, dtype=dtype)
    if isinstance(criterion, nn.CrossEntropyLoss):
        y = y.argmax(dim=1)
    batches = [(x[:4], y[:4]), (x[4:], y[4:])]
    params = dict(net.named_parameters())
    return HessianOperator(make_loss(net, criterion), params, batches, weights=weights)


CASES = [
    (name, method, nn.CrossEntropyLoss())
    for name in NETWORKS
    for method in (None, "row", "column", "row_column", "ruiz")
] + [(name, "row", nn.MSELoss()) for name in NETWORKS]


@pytest.mark.parametrize(("name", "method", "criterion"), CASES)
def test_blocks_are_the_matrix_that_the_columns_give(name, method, criterion):
    torch.manual_seed(1)
    net = NETWORKS[name]()
    if method:
        condition(net, method)
    H = hessian(net, criterion)
    A = assemble_stack(H)
    assert torch.equal(A, A.T)
    torch.testing.assert_close(A, assemble(H), **AGREE)


def test_dense_takes_the_blocks_where_it_can():
    H = hessian(NETWORKS["three layers"](), nn.MSELoss())
    before = H.products
    H.dense()
    assert H.products - before < H.shape[0]


@pytest.mark.parametrize("pattern", ["*weight", "*bias", "2.*"])
def test_held_parameters_are_left_out(pattern):
    H = hessian(NETWORKS["three layers"](), nn.CrossEntropyLoss()).block(pattern)
    torch.testing.assert_close(assemble_stack(H), assemble(H), **AGREE)


def test_frozen_conditioning_is_differentiated_as_it_is():
    H = hessian(condition(NETWORKS["three layers"](), "row", frozen=True), nn.MSELoss())
    torch.testing.assert_close(assemble_stack(H), assemble(H), **AGREE)


def test_float32_gives_float32():
    H = hessian(NETWORKS["three layers"](), nn.MSELoss(), torch.float32)
    A, B = assemble_stack(H), assemble(H)
    assert A.dtype == torch.float32
    assert (A - B).norm() < 100 * torch.finfo(torch.float32).eps * B.norm()


def test_module_is_left_as_it_was():
    net = NETWORKS["three layers"]()
    assemble_stack(hessian(net, nn.MSELoss()))
    assert not any(m._forward_hooks for m in net.modules())


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 3)

    def forward(self, x):
        return self.layer(torch.tanh(self.layer(x)))[:, :2]


class Coupled(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(3, 3), nn.Linear(3, 2)

    def forward(self, x):
        z = self.first(x)
        return self.last(torch.tanh(z - z.mean(dim=0)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (Twice, "layer is called twice"),
        (Coupled, "do samples see each other"),
        (lambda: nn.Sequential(nn.Linear(3, 2), nn.PReLU()), "1.weight is no weight"),
        (
            lambda: nn.Sequential(
                nn.Unflatten(1, (1, 3)), nn.Linear(3, 2), nn.Flatten()
            ),
            "1 is called on 3 axes",
        ),
    ],
)
def test_other_networks_are_refused_and_assembled_by_columns(make, message):
    torch.manual_seed(0)
    # where samples see each other, batches add up by given weights only
    H = hessian(make(), nn.MSELoss(), weights=[4, 3])
    with pytest.raises(NotAStackError, match=message):
        assemble_stack(H)
    torch.testing.assert_close(H.dense(), assemble(H), **AGREE)


def test_loss_that_is_no_module_is_refused():
    _, params, batches = problem("mlp with mse")
    w = {"w": next(iter(params.values())).detach()}
    H = HessianOperator(lambda p, b: (b[0] @ p["w"]).square().mean(), w, batches)
    with pytest.raises(NotAStackError, match="make_loss"):
        assemble_stack(H)
