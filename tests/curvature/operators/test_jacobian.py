"""Jacobians, tangent kernels and submatrices are those of differences and of slices."""

from dataclasses import dataclass

import numpy as np
import pytest
import scipy.sparse.linalg as spla
import torch
from torch import nn

from condlab.curvature import (
    CurvatureOperator,
    HessianOperator,
    ModelLoss,
    condition_number,
    gauss_newton,
    jacobian,
    make_loss,
    sphere,
    submatrix,
    tangent_kernel,
)
from condlab.nn import condition as equilibrate
from condlab.spectra import density, solve, spectrum
from tests.curvature.networks import NETWORKS, problem
from tests.spectra.matrices import SPECTRA, rotated

STEP = 1e-4  # its square is the truncation, eps over it the rounding


def outputs(loss, params, batches, motion):
    """Return all outputs at the parameters moved along a vector."""
    moved, start = {}, 0
    for name, p in params.items():
        part = motion[start : start + p.numel()].view(p.shape)
        moved[name], start = p.detach() + part, start + p.numel()
    with torch.no_grad():
        return torch.cat([loss.outputs(moved, b).reshape(-1) for b in batches])


def difference(loss, params, batches, v):
    """Return J v by central differences of the outputs, to the fourth order."""

    def central(h):
        up, down = (outputs(loss, params, batches, s * h * v) for s in (1, -1))
        return (up - down) / (2 * h)

    return (4 * central(STEP / 2) - central(STEP)) / 3


@pytest.mark.parametrize("name", NETWORKS)
def test_products_with_the_jacobian_are_differences_of_the_outputs(name):
    loss, params, batches = problem(name)
    J = jacobian(loss, params, batches)
    generator = torch.Generator().manual_seed(0)
    V = torch.randn(J.shape[1], 3, generator=generator, dtype=torch.float64)
    truth = torch.stack([difference(loss, params, batches, v) for v in V.T], dim=1)
    torch.testing.assert_close(J @ V, truth, rtol=1e-8, atol=1e-9)
    U = torch.randn(J.shape[0], 3, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(U.T @ truth, (J.T @ U).T @ V, rtol=1e-8, atol=1e-8)
    A = J.dense()
    torch.testing.assert_close(A @ V, J @ V)
    torch.testing.assert_close(J.T.dense(), A.T)
    assert J.T.T @ V[:, 0] == pytest.approx(J @ V[:, 0])


@pytest.mark.parametrize("method", ["row", "column"])
def test_conditioned_networks_have_the_jacobian_of_their_stored_weights(method):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()
    equilibrate(net, method)
    params = dict(net.named_parameters())
    batches = [(torch.randn(5, 3).double(), torch.zeros(5, 2).double())]
    loss = make_loss(net, nn.MSELoss())
    J = jacobian(loss, params, batches)
    v = torch.randn(J.shape[1], dtype=torch.float64)
    truth = difference(loss, params, batches, v)
    torch.testing.assert_close(J @ v, truth, rtol=1e-8, atol=1e-9)


def test_the_tangent_kernel_has_the_spectrum_of_the_gauss_newton_matrix():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()
    x, y = torch.randn(6, 3).double(), torch.randn(6, 1).double()
    loss, params = make_loss(net, nn.MSELoss()), dict(net.named_parameters())
    batches = [(x[:4], y[:4]), (x[4:], y[4:])]
    K = tangent_kernel(loss, params, batches)
    G = gauss_newton(loss, params, batches).dense()
    truth = torch.linalg.eigvalsh(G).flip(0)[:6] * 6 / 2  # the mean of twice squares
    found = spectrum(K)
    assert ((found.values.flip(0) - truth).abs() <= 2 * found.radii).all()
    A = K.dense()
    assert torch.equal(A, A.T)
    torch.testing.assert_close(A @ y, K @ y)
    by_products = spectrum(K, method="lanczos", num_matvecs=8)
    torch.testing.assert_close(by_products.values, found.values)
    assert condition_number(K).kappa.value == pytest.approx(
        float(torch.linalg.cond(A)), rel=1e-6
    )
    step = solve(K, y[:, 0], damping=0.1, rtol=1e-10)
    expected = torch.linalg.solve(A + 0.1 * torch.eye(6).double(), y[:, 0])
    torch.testing.assert_close(step.value, expected)
    assert density(K, num_matvecs=6).size == 6


def test_a_kernel_that_has_no_room_for_the_jacobian_goes_by_products(monkeypatch):
    loss, params, batches = problem("mlp with mse")
    K = tangent_kernel(loss, params, batches)
    expected = K.dense()

    def full(H, memory=None):
        if H.shape[0] != H.shape[1]:
            raise MemoryError

    monkeypatch.setattr("condlab.spectra.linear_map.require_room", full)
    torch.testing.assert_close(K.dense(), expected)


@dataclass
class Answer:
    logits: torch.Tensor
    count: int
    hidden: tuple


class Structured(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(3, 4), nn.Linear(4, 2)

    def forward(self, x):
        z = torch.tanh(self.first(x))
        return Answer(self.last(z), len(x), (z, {"long": torch.arange(2)}))


def test_outputs_that_are_a_structure_are_laid_end_to_end():
    torch.manual_seed(0)
    net = Structured().double()
    x = torch.randn(5, 3).double()
    loss = make_loss(net, lambda out, y: (out.logits - y).square().mean())
    params = dict(net.named_parameters())
    J = jacobian(loss, params, [(x, torch.zeros(5, 2).double())])
    assert J.shape == (5 * 2 + 5 * 4, 26)
    plain = ModelLoss(
        lambda p, b: loss.outputs(p, b).logits, lambda z, b: z.square().mean(), net
    )
    A = jacobian(plain, params, [(x, x)]).dense()
    torch.testing.assert_close(J.dense()[:10], A)


def test_outputs_that_do_not_depend_on_the_parameters_have_a_zero_jacobian():
    loss = ModelLoss(lambda p, x: x, lambda z, x: z.square().mean())
    J = jacobian(loss, {"w": torch.ones(2)}, [torch.ones(3, 1)])
    assert not J.dense().any()
    assert J.shape == (3, 2)


def test_a_loss_without_outputs_is_refused():
    with pytest.raises(ValueError, match="needs a model's outputs and a criterion"):
        jacobian(lambda p, x: p["w"].sum(), {"w": torch.ones(2)}, [torch.ones(1)])
    loss = ModelLoss(lambda p, x: "text", lambda z, x: torch.ones(()))
    with pytest.raises(ValueError, match="must give a real floating tensor"):
        jacobian(loss, {"w": torch.ones(2)}, [torch.ones(1)])


PLACES = {
    "slice": slice(2, 9),
    "backwards": slice(10, 1, -3),
    "integers": [5, 0, 3],
    "negative": [-1, 2, -5],
    "tensor": torch.tensor([7, 1]),
    "array": np.array([4, 2, 9]),
    "mask": torch.arange(25) % 3 == 0,
    "repeated": [3, 3, 8],
    "empty": [],
    "range": range(3, 6),
}


def plainly(places):
    """Return places as NumPy takes them."""
    return places if isinstance(places, slice) else np.asarray(places, dtype=None)


@pytest.mark.parametrize("rows", PLACES)
@pytest.mark.parametrize("columns", [None, "slice", "mask", "repeated", "empty"])
def test_submatrices_are_those_of_the_dense_matrix(rows, columns):
    A = rotated(SPECTRA["graded"])
    down = np.arange(25)[PLACES[rows]] if len_of(rows) else np.arange(0)
    along = down if columns is None else np.arange(25)[PLACES[columns]]
    if columns == "empty":
        along = np.arange(0)
    expected = A.numpy()[np.ix_(down, along)]
    for operator in (A, Diagonally(A)):
        chosen = None if columns is None else PLACES[columns]
        M = submatrix(operator, PLACES[rows], chosen)
        assert M.shape == expected.shape
        np.testing.assert_allclose(M.dense(), expected, atol=1e-10)
        V = torch.randn(M.shape[1], 2, dtype=torch.float64)
        np.testing.assert_allclose(M @ V, expected @ V.numpy(), atol=1e-9)
        U = torch.randn(M.shape[0], dtype=torch.float64)
        np.testing.assert_allclose(M.T @ U, expected.T @ U.numpy(), atol=1e-9)


def len_of(name):
    return isinstance(PLACES[name], slice) or len(PLACES[name])


class Diagonally:
    """A symmetric matrix with nothing but shape, dtype and products."""

    def __init__(self, A):
        self._A, self.shape, self.dtype = A, tuple(A.shape), A.dtype

    def __matmul__(self, X):
        return self._A @ X


def test_a_submatrix_of_an_unsymmetric_matrix_is_not_taken_for_symmetric():
    A = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 10.0]])
    M = submatrix(A, [0, 2])
    assert M.T.dense().tolist() == [[1.0, 7.0], [3.0, 10.0]]


def test_named_blocks_are_those_that_block_gives():
    loss, params, batches = problem("mlp with cross-entropy")
    H = HessianOperator(loss, params, batches)
    for names in ("0.*", ["*.weight"], ("2.bias", "0.bias")):
        whole = [names] if isinstance(names, str) else list(names)
        block = H.block(whole)
        M = submatrix(H, names)
        torch.testing.assert_close(M.dense(), block.dense())
        theirs, ours = spectrum(block), spectrum(M)
        torch.testing.assert_close(ours.values, theirs.values)
        assert condition_number(M).lambda_max.lower == pytest.approx(
            condition_number(block).lambda_max.lower, rel=1e-9
        )
    assert isinstance(block, CurvatureOperator)
    mixed = submatrix(H, "0.*", "2.*")
    assert mixed.shape == (12, 8)
    torch.testing.assert_close(mixed.dense(), H.dense()[:12, 12:])


def test_submatrices_of_maps_and_of_gauges_are_submatrices():
    loss, params, batches = problem("mlp with mse")
    J = jacobian(loss, params, batches)
    torch.testing.assert_close(
        submatrix(J, slice(0, 4), [1, 5]).dense(), J.dense()[:4][:, [1, 5]]
    )
    torch.testing.assert_close(
        submatrix(J, slice(0, 4), slice(None)).T.dense(), J.dense()[:4].T
    )
    K = submatrix(tangent_kernel(loss, params, batches), [2, 5, 7])
    assert K.symmetric
    assert spectrum(K).complete
    net = equilibrate(nn.Sequential(nn.Linear(3, 2)).double())
    from condlab.curvature import normalised_lines

    own = dict(net.named_parameters())
    H = HessianOperator(make_loss(net, nn.MSELoss()), own, batches)
    S = sphere(H, normalised_lines(net))
    part = submatrix(S, [0, 3])
    assert part.symmetric
    torch.testing.assert_close(part.dense(), S.dense()[[0, 3]][:, [0, 3]])


def test_scipy_finds_the_singular_values_of_a_map():
    loss, params, batches = problem("mlp with mse")
    J = jacobian(loss, params, batches)
    truth = torch.linalg.svdvals(J.dense()).numpy()
    found = spla.svds(J.to_scipy(), k=3, return_singular_vectors=False)
    assert np.sort(found)[::-1] == pytest.approx(truth[:3], rel=1e-8)
    x = np.ones(J.shape[1])
    np.testing.assert_allclose(J.to_scipy() @ x, J @ torch.from_numpy(x))


@pytest.mark.parametrize(
    ("places", "message"),
    [
        ([25], "places must be from -25 to 24, got 25 to 25"),
        ([-26], "places must be from -25 to 24"),
        (torch.ones(3, dtype=torch.bool), r"a mask of shape \(25,\) is needed"),
        ([0.5], "must be a slice, integers on one axis"),
        (torch.zeros(2, 2, dtype=torch.long), "integers on one axis"),
        ("weight", "names need an operator with parameters, got Tensor"),
    ],
)
def test_places_that_are_not_there_are_refused(places, message):
    with pytest.raises(ValueError, match=message):
        submatrix(rotated(SPECTRA["graded"]), places)


def test_names_that_match_nothing_and_vectors_that_do_not_fit_are_refused():
    loss, params, batches = problem("mlp with mse")
    H = HessianOperator(loss, params, batches)
    with pytest.raises(ValueError, match=r"'head' matches no parameter; there are 0.w"):
        submatrix(H, ["0.*", "head"])
    M = submatrix(H, [0, 1], slice(None))
    with pytest.raises(ValueError, match=r"shape \(20,\) or \(20, k\) is needed"):
        M @ torch.ones(2).double()
    with pytest.raises(ValueError, match=r"got torch.float32 on cpu; convert it"):
        M @ torch.ones(20)
