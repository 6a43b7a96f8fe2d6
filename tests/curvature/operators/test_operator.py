"""Products agree with closed forms and dense references, by every backend."""

import functools

import numpy as np
import pytest
import torch
from scipy.sparse.linalg import eigsh
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from condlab.curvature import HessianOperator, make_loss
from condlab.nn import condition
from condlab.spectra import assemble
from tests.curvature.networks import NETWORKS, dense_hessian, mlp, problem

AGREE = {"rtol": 1e-10, "atol": 1e-12}
BACKENDS = ("retained", "rebuilt", "forward", "batched")
METHODS = ("row", "column", "row_column", "jacobi")


def random(*shape):
    torch.manual_seed(1)
    return torch.randn(shape, dtype=torch.float64)


@pytest.mark.parametrize("backend", BACKENDS)
def test_linear_regression_has_the_gram_matrix_for_its_hessian(backend):
    X, Y, W = random(6, 3), random(6, 2), random(2, 3)
    loss = make_loss(nn.Linear(3, 2, bias=False).double(), nn.MSELoss())
    H = HessianOperator(loss, {"weight": W}, [(X, Y)], backend=backend)
    expected = torch.kron(torch.eye(2), X.T @ X / 6)  # the mean is over 2 outputs too
    torch.testing.assert_close(assemble(H), expected, **AGREE)


def test_logistic_regression_weights_the_gram_matrix_by_p_times_1_minus_p():
    X, w = random(8, 3), random(3)
    y = (X[:, 0] > 0).double()
    bce = nn.BCEWithLogitsLoss()
    H = HessianOperator(lambda p, b: bce(b[0] @ p["w"], b[1]), {"w": w}, [(X, y)])
    p = torch.sigmoid(X @ w)
    torch.testing.assert_close(
        H.dense(), X.T @ ((p * (1 - p))[:, None] * X) / 8, **AGREE
    )


def test_softmax_regression_has_the_mean_of_kronecker_products_for_its_hessian():
    X, W = random(8, 3), random(4, 3)
    y = torch.arange(8) % 4
    loss = make_loss(nn.Linear(3, 4, bias=False).double(), nn.CrossEntropyLoss())
    H = HessianOperator(loss, {"weight": W}, [(X, y)])
    P = torch.softmax(X @ W.T, dim=1)
    expected = sum(
        torch.kron(torch.diag(p) - torch.outer(p, p), torch.outer(x, x)) / 8
        for p, x in zip(P, X, strict=True)
    )
    torch.testing.assert_close(H.dense(), expected, **AGREE)


def test_two_layer_linear_net_has_its_closed_form():
    """Half the mean of ||BAx - y||^2: (B'B kron S), (AS A' kron I) and a cross term."""
    X, Y, A, B = random(9, 3), random(9, 2), random(4, 3), random(2, 4)

    def loss(p, batch):
        x, y = batch
        return 0.5 * (x @ p["A"].T @ p["B"].T - y).square().sum(dim=1).mean()

    H = HessianOperator(loss, {"A": A, "B": B}, [(X, Y)])
    S, R = X.T @ X / 9, (X @ A.T @ B.T - Y).T @ X / 9  # R: mean of residual x'
    AA = torch.kron(B.T @ B, S)
    BB = torch.kron(torch.eye(2), A @ S @ A.T)
    # d/dB_ik of the gradient B'R by A_jl, with R = (BA)S - YX'/9
    AB = torch.einsum("ij,kl->jlik", B, A @ S) + torch.einsum(
        "jk,il->jlik", torch.eye(4), R
    )
    AB = AB.reshape(12, 8)
    expected = torch.cat([torch.cat([AA, AB], 1), torch.cat([AB.T, BB], 1)])
    torch.testing.assert_close(H.dense(), expected, **AGREE)


PLAIN_ONLY = ("encoder layer", "mlp with huber")  # the rest repeats other networks
CASES = [
    (n, m)
    for n in NETWORKS
    for m in (None, *METHODS)
    if m is None or n not in PLAIN_ONLY
]


@pytest.mark.parametrize(("name", "method"), CASES)
def test_ragged_batches_give_the_dense_hessian(name, method):
    change = None if method is None else functools.partial(condition, method=method)
    loss, params, batches = problem(name, change)
    H = HessianOperator(loss, params, batches)
    expected = dense_hessian(loss, params, batches)
    torch.testing.assert_close(assemble(H), expected, **AGREE)
    v = random(H.shape[0])
    torch.testing.assert_close(H @ v, expected @ v, **AGREE)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_backend_that_torch_can_run_gives_the_same_product(name):
    loss, params, batches = problem(name)
    v = random(sum(p.numel() for p in params.values()))
    expected = dense_hessian(loss, params, batches) @ v
    works = []
    for backend in BACKENDS:
        try:
            H = HessianOperator(loss, params, batches, backend=backend)
        except ValueError as error:
            assert "does not work for this loss" in str(error)  # noqa: PT017
            continue
        works.append(backend)
        torch.testing.assert_close(H @ v, expected, **AGREE)
        torch.testing.assert_close((H @ v[:, None])[:, 0], expected, **AGREE)
    assert {"retained", "rebuilt"} <= set(works)
    assert "forward" in works or name in ("lstm", "grid_sample")


def test_mean_squared_error_has_a_forward_backend():
    """torch's jvp of grad fails on MSELoss; the second way to write it does not."""
    H = HessianOperator(*problem("mlp with mse"), backend="forward")
    assert H.backend == "forward over reverse"


def test_gradient_is_that_of_the_mean_over_all_samples():
    loss, params, batches = problem("mlp with mse")
    whole = tuple(torch.cat(parts) for parts in zip(*batches, strict=True))
    expected = torch.autograd.grad(loss(params, whole), list(params.values()))
    H = HessianOperator(loss, params, batches)
    torch.testing.assert_close(
        H.gradient(), H.flatten(dict(zip(params, expected, strict=True)))
    )


def test_given_weights_replace_sizes():
    loss, params, batches = problem("mlp with mse")
    H = HessianOperator(loss, params, batches, weights=[1, 0, 3])
    parts = [dense_hessian(loss, params, [b]) for b in batches]
    torch.testing.assert_close(H.dense(), (parts[0] + 3 * parts[2]) / 4, **AGREE)


def test_block_is_the_submatrix_of_the_matching_parameters():
    loss, params, batches = problem("mlp with cross-entropy")
    H = HessianOperator(loss, params, batches)
    block = H.block("2.*")
    places = torch.cat(
        [torch.arange(H.shape[0])[H.layout.slices[n]] for n in block.params]
    )
    torch.testing.assert_close(block.dense(), H.dense()[places][:, places], **AGREE)
    with pytest.raises(ValueError, match="matches no parameter"):
        H.block("nothing")


def test_small_memory_rebuilds_graphs_and_gives_the_same_numbers():
    loss, params, batches = problem("mlp with mse")
    full = HessianOperator(loss, params, batches, backend="retained")
    none = HessianOperator(loss, params, batches, backend="retained", memory=0)
    some = HessianOperator(loss, params, batches, backend="retained", memory=1100)
    assert full.backend == "retained graph"
    assert none.backend == "rebuilt graph"
    assert some.backend == "retained graph of 2 in 3 batches"
    v = random(full.shape[0])
    torch.testing.assert_close(full @ v, none @ v, rtol=1e-14, atol=1e-16)
    torch.testing.assert_close(full @ v, some @ v, rtol=1e-14, atol=1e-16)


def test_float32_stays_float32_and_is_right_to_its_rounding():
    loss, params, batches = problem("mlp with mse")
    double = HessianOperator(loss, params, batches).dense()
    single = HessianOperator(
        loss,
        {name: p.float() for name, p in params.items()},
        [(x.float(), y.float()) for x, y in batches],
    ).dense()
    assert single.dtype == torch.float32
    eps = torch.finfo(torch.float32).eps
    assert (single.double() - double).norm() < 100 * eps * double.norm()


def test_scipy_finds_the_largest_eigenvalue():
    H = HessianOperator(*problem("mlp with mse"))
    values = np.linalg.eigvalsh(H.dense().numpy())
    top = eigsh(H.to_scipy(), k=1, which="LA", v0=np.ones(H.shape[0]))[0][0]
    assert top == pytest.approx(values[-1], rel=1e-10)
    assert H.to_scipy().matmat(np.eye(H.shape[0])).shape == H.shape


def test_linear_loss_and_unused_parameters_give_zeros():
    params = {"w": random(3), "unused": random(2)}
    H = HessianOperator(lambda p, x: (x @ p["w"]).mean(), params, [random(4, 3)])
    assert torch.equal(H.dense(), torch.zeros(5, 5, dtype=torch.float64))


def test_operator_stays_at_its_point_when_the_network_trains_on():
    loss, params, batches = problem("mlp with mse")
    H = HessianOperator(loss, params, batches, backend="rebuilt")
    v = random(H.shape[0])
    before = H @ v
    with torch.no_grad():
        for p in params.values():
            p.mul_(2)
    assert torch.equal(H @ v, before)


def test_products_work_without_gradients_and_in_inference_mode():
    loss, params, batches = problem("attention")
    H = HessianOperator(loss, params, batches, backend="rebuilt")
    v = random(H.shape[0])
    expected = H @ v
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            assert torch.equal(H @ v, expected)


def test_data_loader_is_read_anew_and_shuffling_is_refused():
    loss, params, batches = problem("mlp with mse")
    x, y = (torch.cat(parts) for parts in zip(*batches, strict=True))
    fixed = DataLoader(TensorDataset(x, y), batch_size=3)
    H = HessianOperator(loss, params, fixed, backend="rebuilt")
    torch.testing.assert_close(H.dense(), dense_hessian(loss, params, batches), **AGREE)
    with pytest.raises(ValueError, match="turn off shuffling"):
        HessianOperator(
            loss, params, DataLoader(TensorDataset(x, y), batch_size=1, shuffle=True)
        ).gradient()


def test_dropout_and_batch_norm_in_training_mode_are_refused():
    _, _, batches = problem("mlp with mse")
    dropping = nn.Sequential(mlp(), nn.Dropout(0.5)).double()
    loss = make_loss(dropping, nn.MSELoss())
    with pytest.raises(ValueError, match=r"1 drops units; call module\.eval"):
        HessianOperator(loss, dict(dropping.named_parameters()), batches)
    norm = nn.BatchNorm1d(3)
    normed = nn.Sequential(norm, mlp()).double()
    loss = make_loss(normed, nn.MSELoss())
    mean = norm.running_mean.clone()
    with pytest.raises(ValueError, match=r"buffer 0\.running_mean"):
        HessianOperator(loss, dict(normed.named_parameters()), batches)
    assert torch.equal(norm.running_mean, mean)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"params": {}}, "at least one tensor"),
        ({"params": {"w": torch.ones(2, dtype=torch.int64)}}, "float32 or float64"),
        ({"params": {"w": torch.ones(2), "b": random(1)}}, "one dtype"),
        ({"batches": []}, "at least one batch"),
        ({"batches": (random(2, 2), random(2))}, r"\[batch\]"),
        ({"batches": iter([random(2, 2)])}, "read again"),
        ({"weights": [1, 2]}, "one weight a batch"),
        ({"weights": [-1]}, "not negative"),
        ({"backend": "fast"}, "backend must be one of"),
        ({"loss": lambda p, x: x @ p["w"]}, "scalar"),
    ],
)
def test_bad_input_is_named(change, message):
    good = {
        "loss": lambda p, x: (x @ p["w"]).square().mean(),
        "params": {"w": random(2)},
        "batches": [random(2, 2)],
    }
    with pytest.raises(ValueError, match=message):
        HessianOperator(**good | change)


def test_wrong_vectors_are_named():
    H = HessianOperator(*problem("mlp with mse"))
    n = H.shape[0]
    with pytest.raises(ValueError, match="shape"):
        H @ random(n + 1)
    with pytest.raises(ValueError, match="float64"):
        H @ torch.ones(n)
    with pytest.raises(TypeError, match="to_scipy"):
        H @ np.ones(n)
    assert (H @ random(n, 0)).shape == (n, 0)
