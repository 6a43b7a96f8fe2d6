"""Second derivatives of every map against differences of the weight's values."""

import pytest
import torch
from torch import nn
from torch.func import functional_call, hessian, jacfwd, jacrev, jvp, vmap

from condlab.nn import WEIGHT_METHODS, normalise_weights

METHODS = [m for m in WEIGHT_METHODS if m not in ("orthogonal", "spectral")]
LAYERS = {
    "linear": lambda: nn.Linear(3, 3, bias=False),
    "grouped": lambda: nn.Conv1d(4, 4, 1, groups=2, bias=False),
    "transposed": lambda: nn.ConvTranspose1d(3, 3, 1, bias=False),
    "recurrent": lambda: nn.RNNCell(3, 3, bias=False),
}


def loss_of(method: str, name: str, *, zero: bool = False):
    torch.manual_seed(0)
    layer = LAYERS[name]().double()
    tensor = "weight_hh" if name == "recurrent" else "weight"
    with torch.no_grad():  # off the kinks of ruiz and the poles of jacobi
        W = getattr(layer, tensor)
        W.add_(0.3 * W.sign())
        if zero:
            W[1].zero_()
    normalise_weights(layer, method)
    shapes = {n: p.shape for n, p in layer.named_parameters() if tensor in n}
    start = torch.cat([p.detach().flatten() for p in layer.parameters()])
    c = torch.randn(W.shape, dtype=torch.float64)

    class Weight(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = layer

        def forward(self) -> torch.Tensor:
            return (torch.tanh(getattr(self.layer, tensor)) * c).sum()

    names = {f"layer.{n}": p.shape for n, p in layer.named_parameters()}
    assert shapes

    def loss(flat: torch.Tensor) -> torch.Tensor:
        parts = flat.split([shape.numel() for shape in names.values()])
        values = {
            n: part.reshape(shape)
            for (n, shape), part in zip(names.items(), parts, strict=True)
        }
        return functional_call(Weight(), values, ())

    return loss, start


def by_differences(loss, at: torch.Tensor, u: torch.Tensor) -> float:
    """Return u'Hu from five values of the loss along u."""
    h = 1e-3
    with torch.no_grad():
        f = [loss(at + k * h * u).item() for k in (-2, -1, 0, 1, 2)]
    return (-f[0] + 16 * f[1] - 30 * f[2] + 16 * f[3] - f[4]) / (12 * h * h)


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("method", METHODS)
def test_hessians_agree_with_differences_of_values(method, name):
    loss, at = loss_of(method, name)
    H = torch.autograd.functional.hessian(loss, at)
    for u in torch.randn(3, len(at), dtype=torch.float64):
        u /= u.norm()
        # A fourth-order rule: error h^4 times the sixth derivative, and 64 eps / h^2.
        assert abs(u @ H @ u - by_differences(loss, at, u)) < 1e-6 * max(1, H.norm())
    torch.testing.assert_close(H, H.T, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(jacrev(jacrev(loss))(at), H, rtol=1e-9, atol=1e-9)
    if method != "orthogonal_weight_norm":
        torch.testing.assert_close(hessian(loss)(at), H, rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(jacfwd(jacfwd(loss))(at), H, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("method", ["row", "weight_norm", "centered_weight_norm"])
def test_row_of_zeros_has_the_second_derivatives_of_the_identity(method):
    """Along all but the zero row, where the map has a jump, the loss is smooth."""
    loss, at = loss_of(method, "linear", zero=True)
    H = torch.autograd.functional.hessian(loss, at)
    assert H.isfinite().all()
    torch.testing.assert_close(jacrev(jacrev(loss))(at), H, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(hessian(loss)(at), H, rtol=1e-9, atol=1e-12)
    if method == "centered_weight_norm":
        return
    W = slice(3, 6) if method == "row" else slice(3 + 3, 3 + 6)
    u = torch.randn(len(at), dtype=torch.float64)
    u[W] = 0
    u /= u.norm()
    assert abs(u @ H @ u - by_differences(loss, at, u)) < 1e-6 * max(1, H.norm())


@pytest.mark.parametrize("method", METHODS)
def test_vmap_and_jvp_equal_a_loop_and_differences(method):
    loss, at = loss_of(method, "linear")
    points = at + 0.01 * torch.randn(4, len(at), dtype=torch.float64)
    found = vmap(loss)(points)
    torch.testing.assert_close(found, torch.stack([loss(p) for p in points]))
    u = torch.randn(len(at), dtype=torch.float64)
    slope = torch.autograd.functional.jacobian(loss, at) @ u
    h = 1e-5
    assert abs((loss(at + h * u) - loss(at - h * u)) / (2 * h) - slope) < 1e-7
    if method != "orthogonal_weight_norm":
        torch.testing.assert_close(jvp(loss, (at,), (u,))[1], slope)


def test_torchs_own_weight_norm_is_still_wrong_when_differentiated_twice():
    """Torch 2.13; once this fails, condlab need not write the derivative out."""
    v = torch.tensor([[3.0, 4.0]], dtype=torch.float64)
    c = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    g = torch.ones(1, 1, dtype=torch.float64)

    def loss(v):
        return (torch._weight_norm(v, g, 0) * c).sum()

    H = torch.autograd.functional.hessian(loss, v).reshape(2, 2)
    # v_1 / |v| has -3 v_1 v_2^2 / |v|^5 and v_2 (2 v_1^2 - v_2^2) / |v|^5
    truth = torch.tensor([[-144.0, 8.0], [8.0, 69.0]], dtype=torch.float64) / 3125
    assert not torch.allclose(H, truth, rtol=1e-6)
